//! The ids in the paths of calls.

use noroshi_sync::id::{EntryId, RoomId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::Id;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RoomPath {
    #[param(value_type = Uuid)]
    pub room: Id<RoomId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MemberPath {
    #[param(value_type = Uuid)]
    pub room: Id<RoomId>,
    #[param(value_type = Uuid)]
    pub user: Id<UserId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MessagePath {
    #[param(value_type = Uuid)]
    pub room: Id<RoomId>,
    #[param(value_type = Uuid)]
    pub message: Id<EntryId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReactionPath {
    #[param(value_type = Uuid)]
    pub room: Id<RoomId>,
    #[param(value_type = Uuid)]
    pub message: Id<EntryId>,
    /// Key of the stamp, 1–32 of `[a-z0-9_-]`.
    #[param(example = "ryokai")]
    pub stamp: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ImportPath {
    pub import: uuid::Uuid,
}
