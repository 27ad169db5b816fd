//! Other nodes, and the switch that cuts the line to one of them.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::LinkTarget;
use noroshi_node::view::PeerView;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Items;
use crate::auth::Session;
use crate::extract::{Json, Path};
use crate::problem::Problem;
use crate::state::State;

/// The lines to the other nodes as this one sees them.
#[utoipa::path(get, path = "/api/v1/peers", tag = "peers", operation_id = "list_peers", responses((status = 200, body = Items<PeerView>)))]
pub async fn list(Extracted(state): Extracted<State>, session: Session) -> Result<Answer<Items<PeerView>>, Problem> {
    Ok(Answer(Items::all(state.node.peers(Some(&session.actor)).await?)))
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
