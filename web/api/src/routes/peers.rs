//! Other nodes, and the switch that cuts the line to one of them.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::{CutListView, MapView, PeerView};
use noroshi_node::{CutsRequest, LinkTarget};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Items;
use crate::auth::Session;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::state::State;

/// The lines to the other nodes as this one sees them.
#[utoipa::path(get, path = "/api/v1/peers", tag = "peers", operation_id = "list_peers", responses((status = 200, body = Items<PeerView>)))]
pub async fn list(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<Items<PeerView>>, Problem> {
    Ok(Answer(Items::all(state.node.peers(Some(&session.actor)).await?)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CutsQuery {
    /// A node id (64 hexadecimal digits).
    pub node: Option<String>,
    /// `next` of the part before.
    pub before: Option<String>,
    /// 1–200.
    pub limit: Option<u32>,
}

/// When the lines of this node were cut, the newest first: from, until, and why.
#[utoipa::path(
    get, path = "/api/v1/peers/cuts", tag = "peers", operation_id = "list_cuts", params(CutsQuery),
    responses((status = 200, body = CutListView), (status = 422))
)]
pub async fn cuts(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<CutsQuery>,
) -> Result<Answer<CutListView>, Problem> {
    let node = query.node.map(|node| node.parse().map_err(|_| Problem::invalid("node", "invalid"))).transpose()?;
    let before =
        query.before.map(|before| before.parse().map_err(|_| Problem::invalid("before", "invalid"))).transpose()?;
    let request = CutsRequest { node, before, limit: query.limit };
    Ok(Answer(state.node.cuts(&session.actor, request).await?))
}

/// Who has a line to whom, by what this node sees and what the others have said last.
#[utoipa::path(get, path = "/api/v1/peers/map", tag = "peers", operation_id = "peers_map", responses((status = 200, body = MapView)))]
pub async fn map(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<MapView>, Problem> {
    Ok(Answer(state.node.map(&session.actor).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct LinkPath {
    /// A node id (64 hexadecimal digits), or `all`.
    pub node: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    pub cut: bool,
}

/// Cut a line at this node, in both directions, or allow it again. It stays so over a restart.
///
/// For `system_admin`, `office_admin` and `drill_controller`.
#[utoipa::path(
    put, path = "/api/v1/peers/{node}/link", tag = "peers", operation_id = "set_link", params(LinkPath), request_body = LinkRequest,
    responses((status = 204), (status = 404))
)]
pub async fn set_link(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(LinkPath { node }): Path<LinkPath>,
    Json(request): Json<LinkRequest>,
) -> Result<StatusCode, Problem> {
    let target = match node.as_str() {
        "all" => LinkTarget::All,
        id => LinkTarget::Node(id.parse().map_err(|_| Problem::NOT_FOUND)?),
    };
    state.node.set_link(&session.actor, target, request.cut).await?;
    Ok(StatusCode::NO_CONTENT)
}
