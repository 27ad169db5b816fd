//! The timeline of a room: reading it, and posting, editing and redacting in it.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use noroshi_node::body::Named;
use noroshi_node::view::{MessagePage, MessageView};
use noroshi_node::{Anchor, NewMessage, NewText, PageRequest, named};
use noroshi_provisioning::device_key::DEVICE_SIGNATURE_BYTES;
use noroshi_sync::blob::BlobHash;
use noroshi_sync::id::{EntryId, RoomId, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::paths::{MessagePath, RoomPath};
use crate::auth::Session;
use crate::extract::{Id, Json, Path, Query};
use crate::limits::{FILE_NAME_MAX, MESSAGES_PAGE, MESSAGES_PAGE_MAX};
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessagesQuery {
    /// 1–200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// Older than this position: `next` of a page.
    pub before: Option<String>,
    /// Newer than this position: `previous` of a page.
    pub after: Option<String>,
    /// Around this message.
    #[param(value_type = Option<Uuid>)]
    pub around: Option<Id<EntryId>>,
    /// With `true`: only what arrived late, below what I had read; oldest first, on with `after`.
    #[serde(default)]
    #[param(default = false)]
    pub late: bool,
}

impl MessagesQuery {
    fn request(self) -> Result<PageRequest, Problem> {
        let limit = self.limit.unwrap_or(MESSAGES_PAGE);
        if !(1..=MESSAGES_PAGE_MAX).contains(&limit) {
            return Err(Problem::invalid("limit", "out_of_range"));
        }
        if self.late {
            return match (self.before, self.around) {
                (None, None) => Ok(PageRequest { limit, anchor: Anchor::Late(self.after) }),
                _ => Err(Problem::malformed("late goes with after alone")),
            };
        }
        let anchor = match (self.before, self.after, self.around) {
            (None, None, None) => Anchor::Latest,
            (Some(before), None, None) => Anchor::Before(before),
            (None, Some(after), None) => Anchor::After(after),
            (None, None, Some(around)) => Anchor::Around(around.0),
            _ => return Err(Problem::malformed("at most one of before, after and around")),
        };
        Ok(PageRequest { limit, anchor })
    }
}

/// A page of the timeline, newest last.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/messages", tag = "messages", operation_id = "list_messages", params(RoomPath, MessagesQuery),
    responses((status = 200, body = MessagePage), (status = 404), (status = 422))
)]
pub async fn page(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
    Query(query): Query<MessagesQuery>,
) -> Result<Answer<MessagePage>, Problem> {
    Ok(Answer(state.node.messages(&session.actor, path.room.0, query.request()?).await?))
}

/// The path of a message that may be about to come into being.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NewMessagePath {
    #[param(value_type = Uuid)]
    pub room: Id<RoomId>,
    /// A UUID of version 7, made by the client before its first attempt.
    #[param(value_type = Uuid)]
    pub message: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRequest {
    /// 1–10,000 characters after trimming; no control characters other than newline and tab. May be empty with attachments.
    pub text: String,
    /// A message of this room.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub reply_to: Option<Id<EntryId>>,
    /// Travels before everything else.
    #[serde(default)]
    pub urgent: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub mentions: Option<Vec<Id<UserId>>>,
    /// One's own uploads, or files that one may see already.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub attachments: Option<Vec<AttachmentRequest>>,
    /// By the key of this device: ECDSA P-256, 64 bytes (r, s), base64url without padding. See docs/protocol.md.
    pub signature: Option<String>,
}

/// A file of a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRequest {
    /// As the upload said it.
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    pub hash: Id<BlobHash>,
    /// As the upload said it, or another that people should see.
    pub name: String,
}

impl AttachmentRequest {
    fn named(&self) -> Result<Named, Problem> {
        if self.name.len() > FILE_NAME_MAX {
            return Err(Problem::invalid("attachments", "too_long"));
        }
        Ok(named(self.hash.0, &self.name))
    }
}

/// Of the form of a signature; whether it is right is asked later.
fn signature(text: &str) -> Result<Vec<u8>, Problem> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == DEVICE_SIGNATURE_BYTES);
    bytes.ok_or_else(|| Problem::invalid("signature", "wrong_signature"))
}

/// Post a message. The id is the client's, so trying again never doubles it.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/messages/{message}", tag = "messages", operation_id = "post_message", params(NewMessagePath),
    request_body = MessageRequest,
    responses(
        (status = 201, body = MessageView, description = "On disk"),
        (status = 200, body = MessageView, description = "Exact repeat"),
        (status = 404),
        (status = 409),
        (status = 422)
    )
)]
pub async fn put(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<NewMessagePath>,
    Json(request): Json<MessageRequest>,
) -> Result<(StatusCode, Answer<MessageView>), Problem> {
    let id = new_id(&path.message)?;
    let attachments = request.attachments.unwrap_or_default();
    let message = NewMessage {
        text: request.text,
        reply_to: request.reply_to.map(|id| id.0),
        urgent: request.urgent.unwrap_or(false),
        mentions: request.mentions.unwrap_or_default().into_iter().map(|id| id.0).collect(),
        attachments: attachments.iter().map(AttachmentRequest::named).collect::<Result<_, _>>()?,
        signature: request.signature.as_deref().map(signature).transpose()?,
    };
    let (created, view) = state.node.post(&session.actor, path.room.0, id, message).await?;
    Ok((super::created(created), Answer(view)))
}

/// Here a wrong id names nothing that could be missing: it is a fault of the request.
fn new_id(text: &str) -> Result<EntryId, Problem> {
    let invalid = Problem::invalid("message", "invalid_id");
    let id: EntryId = text.parse().map_err(|_| invalid.clone())?;
    if id.as_uuid().get_version_num() == 7 { Ok(id) } else { Err(invalid) }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// As of a new message.
    #[schema(min_length = 1)]
    pub text: String,
    /// With `signature`: the id of the change, a UUID of version 7.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<String>,
    /// By the key of this device, over the change under that id.
    pub signature: Option<String>,
}

impl EditRequest {
    fn text(self) -> Result<NewText, Problem> {
        let signed = match (self.id, self.signature) {
            (Some(id), Some(text)) => {
                Some((new_id(&id).map_err(|_| Problem::invalid("id", "invalid_id"))?, signature(&text)?))
            }
            (None, None) => None,
            _ => return Err(Problem::malformed("id and signature go together")),
        };
        Ok(NewText { text: self.text, signed })
    }
}

/// Edit one's own message.
#[utoipa::path(
    patch, path = "/api/v1/rooms/{room}/messages/{message}", tag = "messages", operation_id = "edit_message", params(MessagePath),
    request_body = EditRequest, responses((status = 200, body = MessageView), (status = 404))
)]
pub async fn edit(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MessagePath>,
    Json(request): Json<EditRequest>,
) -> Result<Answer<MessageView>, Problem> {
    let view = state.node.edit(&session.actor, path.room.0, path.message.0, request.text()?).await?;
    Ok(Answer(view))
}

/// Redact a message: its author, or an administrator of the room.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}/messages/{message}", tag = "messages", operation_id = "redact_message", params(MessagePath),
    responses((status = 204), (status = 404))
)]
pub async fn redact(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MessagePath>,
) -> Result<StatusCode, Problem> {
    state.node.redact(&session.actor, path.room.0, path.message.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> &'static str {
        let uri: http::Uri = format!("/x?{query}").parse().unwrap();
        match axum::extract::Query::<MessagesQuery>::try_from_uri(&uri) {
            Ok(axum::extract::Query(query)) => query.request().map_or_else(|problem| problem.code, |_| "ok"),
            Err(_) => "malformed",
        }
    }

    #[test]
    fn pages_have_one_to_two_hundred_messages_from_one_place() {
        let around = "around=01990000-0000-7000-8000-000000000001";
        for good in [
            "late=false&before=x",
            "late=true",
            "late=true&after=x",
            "",
            "limit=1",
            "limit=200",
            "before=x",
            "after=x",
            around,
        ] {
            assert_eq!(code(good), "ok", "{good}");
        }
        for bad in ["limit=0", "limit=201"] {
            assert_eq!(code(bad), "out_of_range", "{bad}");
        }
        for bad in [
            "limit=-1",
            "limit=9223372036854775808",
            "limit=x",
            "before=x&after=y",
            "late=true&before=x",
            "late=1",
            "around=1",
            "token=x",
            "limit=1&limit=2",
        ] {
            assert_eq!(code(bad), "malformed", "{bad}");
        }
    }

    #[test]
    fn a_new_message_is_named_by_a_uuid_of_version_7() {
        assert!(new_id("01990000-0000-7000-8000-000000000001").is_ok());
        for bad in ["", "1", "null", "..%2f", "01990000-0000-4000-8000-000000000001", "0199000000007000800000000000001"]
        {
            assert_eq!(new_id(bad), Err(Problem::invalid("message", "invalid_id")), "{bad}");
        }
    }
}
