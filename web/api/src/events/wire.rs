//! Events as JSON, in both directions.

use noroshi_node::view::{ArrivedCount, AttachmentState, MessageView, NodeRef, PeerView, PersonRef, RoomView, Time};
use noroshi_sync::id::RoomId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Id;

/// One event, as a WebSocket text frame or as the data of a server-sent event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServerEvent {
    /// Where the stream resumes after this event: `?cursor=`. Absent when the event has no place in the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cursor: Option<String>,
    #[serde(flatten)]
    pub body: EventBody,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// The first of every stream; its cursor is where the stream goes on from.
    Hello {
        node: Box<NodeRef>,
    },
    /// A new message.
    Message {
        room: Uuid,
        message: Box<MessageView>,
    },
    Edited {
        room: Uuid,
        message: Box<MessageView>,
    },
    Redacted {
        room: Uuid,
        message: Box<MessageView>,
    },
    Reaction {
        room: Uuid,
        message: Box<MessageView>,
    },
    /// Somebody's read watermark moved.
    Read {
        room: Uuid,
        user: Uuid,
        message: Uuid,
        at: Time,
    },
    /// Messages reached more offices or readers.
    Arrived {
        room: Uuid,
        messages: Vec<ArrivedCount>,
    },
    /// The room, its page or its members changed; or the reader is no longer a member.
    Room(RoomChange),
    /// The state of the line to another node changed.
    Peer {
        peer: Box<PeerView>,
    },
    /// A shared document of the room changed.
    Document {
        room: Uuid,
        document: String,
    },
    /// Something people must know about this node.
    Alert {
        code: String,
        text: String,
        at: Time,
    },
    /// The reader is too far behind: fetch what is shown, then go on from this cursor.
    Refetch,
    /// Somebody is writing.
    Typing {
        room: Uuid,
        user: PersonRef,
    },
    /// A file that the room shows has come further, or is wanted here, or no longer.
    Attachment {
        room: Uuid,
        hash: String,
        state: AttachmentState,
        held_bytes: u64,
        size: u64,
    },
    /// The answer to a `ping`.
    Pong,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RoomChange {
    Changed { room: Box<RoomView> },
    Removed { room: Uuid, removed: bool },
}

impl ServerEvent {
    pub const PONG: Self = Self { cursor: None, body: EventBody::Pong };

    pub fn at(cursor: u64, body: EventBody) -> Self {
        Self { cursor: Some(cursor.to_string()), body }
    }

    /// A struct of texts and numbers always has a JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a browser may say over its WebSocket.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientEvent {
    /// The reader is writing in this room.
    Typing {
        #[schema(value_type = Uuid)]
        room: Id<RoomId>,
    },
    /// Answered by `pong`.
    Ping {},
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_type_and_cursor_beside_their_content() {
        let room = Uuid::from_bytes([7; 16]);
        let removed = EventBody::Room(RoomChange::Removed { room, removed: true });
        let json: serde_json::Value = serde_json::from_str(&ServerEvent::at(41, removed).to_json()).unwrap();
        assert_eq!(json, serde_json::json!({"cursor": "41", "type": "room", "room": room, "removed": true}));
        assert_eq!(ServerEvent::PONG.to_json(), r#"{"type":"pong"}"#);
    }

    #[test]
    fn a_browser_says_only_what_is_known() {
        let parse = |text: &str| serde_json::from_str::<ClientEvent>(text).ok();
        let room = "07070707-0707-0707-0707-070707070707";
        assert!(matches!(parse(&format!(r#"{{"type":"typing","room":"{room}"}}"#)), Some(ClientEvent::Typing { .. })));
        assert_eq!(parse(r#"{"type":"ping"}"#), Some(ClientEvent::Ping {}));
        for bad in [
            "",
            "[]",
            r#"{"type":"typing"}"#,
            r#"{"type":"typing","room":7}"#,
            r#"{"type":"typing","room":"x"}"#,
            r#"{"type":"subscribe","room":"x"}"#,
            r#"{"type":"ping","more":1}"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
