//! People and offices, as far as the caller may see them.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use noroshi_node::view::{OfficeView, UserView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Items;
use crate::auth::Session;
use crate::extract::Query;
use crate::limits::{QUERY_MAX, USERS_PAGE, USERS_PAGE_MAX};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsersQuery {
    /// Part of a name, its reading, a section or a login name.
    pub q: Option<String>,
    /// 1–1,000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
}

/// People, sorted by the reading of their names.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "directory", operation_id = "list_users", params(UsersQuery),
    responses((status = 200, body = Items<UserView>), (status = 422))
)]
pub async fn users(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<UsersQuery>,
) -> Result<Answer<Items<UserView>>, Problem> {
    let limit = query.limit.unwrap_or(USERS_PAGE);
    if !(1..=USERS_PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", "out_of_range"));
    }
    let text = query.q.unwrap_or_default();
    if text.chars().nth(QUERY_MAX).is_some() {
        return Err(Problem::invalid("q", "too_long"));
    }
    Ok(Answer(Items::all(state.node.users(&session.actor, &text, limit).await?)))
}

/// The offices of the organisation.
#[utoipa::path(
    get, path = "/api/v1/offices", tag = "directory", operation_id = "list_offices", responses((status = 200, body = Items<OfficeView>))
)]
pub async fn offices(
    Extracted(state): Extracted<State>,
    session: Session,
) -> Result<Answer<Items<OfficeView>>, Problem> {
    Ok(Answer(Items::all(state.node.offices(&session.actor).await?)))
}
