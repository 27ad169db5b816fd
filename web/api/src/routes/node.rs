//! What this node is and how it stands.

use axum::Json;
use axum::extract::State as Extracted;
use noroshi_node::view::NodeView;

use crate::problem::Problem;
use crate::state::State;

/// This node: name, office, clock, storage, and whether headquarters can be reached. Needs no session: the log-in page says
/// at which office one logs in.
#[utoipa::path(get, path = "/api/v1/node", tag = "node", operation_id = "node", responses((status = 200, body = NodeView)), security(()))]
pub async fn node(Extracted(state): Extracted<State>) -> Result<Json<NodeView>, Problem> {
    Ok(Json(state.node.node_view().await?))
}
