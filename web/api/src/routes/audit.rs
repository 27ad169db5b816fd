//! The audit log.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use noroshi_node::AuditRequest;
use noroshi_node::view::{AuditListView, Time};
use noroshi_provisioning::OfficeId;
use noroshi_sync::id::UserId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::Session;
use crate::extract::{Id, Query};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// What happened.
    #[param(example = "log_in_refused")]
    pub kind: Option<String>,
    /// Somebody who did it, or had it done to them.
    #[param(value_type = Option<Uuid>)]
    pub user: Option<Id<UserId>>,
    /// Administrators of an office see their own only.
    #[param(value_type = Option<Uuid>)]
    pub office: Option<Id<OfficeId>>,
    /// A time, or a date in Japan.
    #[param(example = "2026-11-01")]
    pub from: Option<String>,
    /// The first moment that is not wanted any more.
    pub until: Option<String>,
    pub cursor: Option<String>,
    /// 1–200.
    pub limit: Option<u32>,
}

/// What happened at the offices whose audit log is held here, the newest first. Every line is verified when it is read; a
/// part may be short and still have a next one.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "administration", operation_id = "audit", params(AuditQuery),
    responses((status = 200, body = AuditListView), (status = 403), (status = 422))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<AuditListView>, Problem> {
    let request = AuditRequest {
        kind: query.kind.filter(|kind| !kind.is_empty()),
        user: query.user.map(|user| user.0),
        office: query.office.map(|office| office.0),
        from_ms: moment("from", query.from.as_deref())?,
        until_ms: moment("until", query.until.as_deref())?,
        cursor: query.cursor,
        limit: query.limit,
    };
    Ok(Answer(state.node.audit(&session.actor, request).await?))
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    Time::parse(text).map(Some).ok_or(Problem::invalid(field, "invalid"))
}
