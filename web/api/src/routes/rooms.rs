//! Rooms: the list with what is unread, making one, and its page.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::view::{RoomKind, RoomView};
use noroshi_node::{NewRoom, PageEdit};
use noroshi_provisioning::OfficeId;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Items;
use super::paths::RoomPath;
use crate::auth::Session;
use crate::extract::{Id, Json, Path, Query};
use crate::limits::ROOMS_PAGE;
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomsQuery {
    /// `next` of the answer before.
    pub cursor: Option<String>,
}

/// My rooms, the one with the latest activity first. Up to 500 in one answer.
#[utoipa::path(
    get, path = "/api/v1/rooms", tag = "rooms", operation_id = "list_rooms", params(RoomsQuery), responses((status = 200, body = Items<RoomView>))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<RoomsQuery>,
) -> Result<Answer<Items<RoomView>>, Problem> {
    let rooms = state.node.rooms(&session.actor).await?;
    page(rooms, query.cursor.as_deref(), ROOMS_PAGE).map(Answer)
}

/// The part of a list that follows the room named by the cursor.
fn page(rooms: Vec<RoomView>, cursor: Option<&str>, most: usize) -> Result<Items<RoomView>, Problem> {
    let unknown = Problem::invalid("cursor", "unknown_cursor");
    let start = match cursor {
        None => 0,
        Some(text) => {
            let last: RoomId = text.parse().map_err(|_| unknown.clone())?;
            1 + rooms.iter().position(|room| room.id == last.as_uuid()).ok_or(unknown)?
        }
    };
    let more = rooms.len() > start + most;
    let items: Vec<_> = rooms.into_iter().skip(start).take(most).collect();
    let next = items.last().filter(|_| more).map(|room| room.id.to_string());
    Ok(Items { items, next })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomRequest {
    /// A UUID of version 7, made by the client before its first attempt, so that a repeat is the same room. Other
    /// content under the id of a room is a conflict. Not used in a conversation of two.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<Id<RoomId>>,
    /// 1–100 characters. Left out in a conversation of two, which is called after the other person.
    #[serde(default)]
    pub name: String,
    /// Up to 300 characters.
    #[serde(default)]
    pub topic: Option<String>,
    /// Up to 2,000 characters.
    #[serde(default)]
    pub purpose: Option<String>,
    /// People other than oneself.
    #[schema(value_type = Vec<Uuid>)]
    pub members: Vec<Id<UserId>>,
    /// Offices that hold the room beyond those of its members.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub offices: Option<Vec<Id<OfficeId>>>,
    pub kind: RoomKind,
}

/// Make a room. Whoever makes it is its administrator.
#[utoipa::path(
    post, path = "/api/v1/rooms", tag = "rooms", operation_id = "create_room", request_body = NewRoomRequest,
    responses((status = 201, body = RoomView), (status = 200, body = RoomView, description = "Exact repeat"), (status = 409, description = "Other content under the same id"))
)]
pub async fn create(
    Extracted(state): Extracted<State>,
    session: Session,
    Json(request): Json<NewRoomRequest>,
) -> Result<(StatusCode, Answer<RoomView>), Problem> {
    let room = NewRoom {
        id: request.id.map(|id| id.0),
        name: request.name,
        topic: request.topic.unwrap_or_default(),
        purpose: request.purpose.unwrap_or_default(),
        kind: request.kind,
        members: request.members.into_iter().map(|id| id.0).collect(),
        offices: request.offices.unwrap_or_default().into_iter().map(|id| id.0).collect(),
    };
    let (created, view) = state.node.create_room(&session.actor, room).await?;
    Ok((super::created(created), Answer(view)))
}

/// One room.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}", tag = "rooms", operation_id = "get_room", params(RoomPath),
    responses((status = 200, body = RoomView), (status = 404))
)]
pub async fn get(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
) -> Result<Answer<RoomView>, Problem> {
    Ok(Answer(state.node.room(&session.actor, path.room.0).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRoomRequest {
    /// Room administrators only.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub topic: Option<String>,
    #[serde(default)]
    pub purpose: Option<String>,
    /// Messages kept in sight, in this order.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub pins: Option<Vec<Id<EntryId>>>,
}

/// Edit the room's page. What two people write at the same time is merged.
#[utoipa::path(
    patch, path = "/api/v1/rooms/{room}", tag = "rooms", operation_id = "edit_room", params(RoomPath), request_body = EditRoomRequest,
    responses((status = 200, body = RoomView), (status = 404))
)]
pub async fn edit(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
    Json(request): Json<EditRoomRequest>,
) -> Result<Answer<RoomView>, Problem> {
    let edit = PageEdit {
        name: request.name,
        topic: request.topic,
        purpose: request.purpose,
        pins: request.pins.map(|pins| pins.into_iter().map(|id| id.0).collect()),
    };
    Ok(Answer(state.node.edit_page(&session.actor, path.room.0, edit).await?))
}

/// Start the room's page anew with what it says at this node, where it takes no more edits. Needs an unlocked
/// administrator's key.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/page/renewal", tag = "rooms", operation_id = "renew_page", params(RoomPath),
    responses((status = 204), (status = 403), (status = 404))
)]
pub async fn renew_page(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
) -> Result<StatusCode, Problem> {
    state.node.renew_page(&session.actor, path.room.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use noroshi_node::view::Time;
    use uuid::Uuid;

    fn rooms(count: u8) -> Vec<RoomView> {
        let room = |number| RoomView {
            id: Uuid::from_bytes([number; 16]),
            name: number.to_string(),
            topic: String::new(),
            purpose: String::new(),
            kind: RoomKind::Group,
            my_role: None,
            member_count: 1,
            offices: Vec::new(),
            unread: 0,
            late: 0,
            first_unread: None,
            last_message: None,
            my_read: None,
            pins: Vec::new(),
            created_at: Time::from_ms(0),
            updated_at: Time::from_ms(0),
            drill: false,
        };
        (0..count).map(room).collect()
    }

    #[test]
    fn a_long_list_is_read_in_parts_without_loss_or_repeats() {
        let (mut cursor, mut names, mut parts) = (None::<String>, Vec::new(), 0);
        loop {
            let part = page(rooms(7), cursor.as_deref(), 3).unwrap();
            names.extend(part.items.into_iter().map(|room| room.name));
            parts += 1;
            cursor = part.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((names.len(), parts), (7, 3));
        names.dedup();
        assert_eq!(names.len(), 7);
    }

    #[test]
    fn a_list_that_just_fits_has_no_next_part() {
        assert_eq!(page(rooms(3), None, 3).unwrap().next, None);
        assert!(page(rooms(4), None, 3).unwrap().next.is_some());
    }

    #[test]
    fn a_cursor_that_names_no_room_of_mine_is_refused() {
        for cursor in ["", "-1", "9223372036854775808", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
            assert_eq!(page(rooms(3), Some(cursor), 3).err().unwrap().code, "unknown_cursor", "{cursor}");
        }
    }
}
