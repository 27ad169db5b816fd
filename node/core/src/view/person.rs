//! What a person sees of themselves: who they are, on which device, at which node.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeRef, Role, UserView};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    pub id: uuid::Uuid,
    pub enrolled: bool,
}

/// The node a person is logged in at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeRef {
    pub id: String,
    pub short: String,
    pub name: String,
    pub office: Option<OfficeRef>,
}

/// A session that was just begun.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogIn {
    /// 256 random bits in base64url; stored here only as a hash.
    pub token: String,
    pub user: UserView,
    pub device: DeviceView,
    pub node: NodeRef,
}

/// `GET /me`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MeView {
    pub user: UserView,
    pub roles: Vec<Role>,
    pub device: DeviceView,
    pub node: NodeRef,
    /// Settings of the app come with a later version; an empty object now.
    pub settings: serde_json::Map<String, serde_json::Value>,
}
