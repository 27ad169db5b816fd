//! What was read by whom, and where a message has arrived.

use axum::Json as Answer;
use axum::extract::State as Extracted;
use http::StatusCode;
use noroshi_node::store::projection::{LateShown, Shown};
use noroshi_node::view::ReceiptsView;
use noroshi_sync::id::EntryId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::paths::{MessagePath, RoomPath};
use crate::auth::Session;
use crate::extract::{Id, Json, Path};
use crate::limits::MESSAGES_PAGE_MAX;
use crate::problem::Problem;
use crate::state::State;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    #[schema(value_type = Uuid)]
    pub message: Id<EntryId>,
    /// What was on the screen: `seen` of a page, or the `cursor` of an event after it. What was told later stays unread,
    /// and so does what had arrived late, unless it is named. Without it everything that is here has been read.
    #[serde(default)]
    pub seen: Option<String>,
    /// Of what had arrived late the messages that were shown, at most 200.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 200)]
    pub late: Vec<Id<EntryId>>,
    /// All that had arrived late, up to `seen`, has been taken note of.
    #[serde(default)]
    pub all_late: bool,
}

impl ReadRequest {
    fn shown(self) -> Result<Shown, Problem> {
        let Some(seen) = self.seen else {
            return if self.late.is_empty() && !self.all_late {
                Ok(Shown::Everything)
            } else {
                Err(Problem::malformed("late goes with seen"))
            };
        };
        let digits = seen.len() <= 19 && seen.bytes().all(|byte| byte.is_ascii_digit());
        let cursor = digits.then(|| seen.parse().ok()).flatten();
        let cursor = cursor.ok_or_else(|| Problem::invalid("seen", "malformed"))?;
        if self.late.len() > MESSAGES_PAGE_MAX as usize {
            return Err(Problem::invalid("late", "too_many"));
        }
        let late = match self.all_late {
            true => LateShown::All,
            false => LateShown::These(self.late.into_iter().map(|id| id.0).collect()),
        };
        Ok(Shown::UpTo { cursor, late })
    }
}

/// Move my read watermark to a message. It never goes back.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/read", tag = "messages", operation_id = "mark_read", params(RoomPath), request_body = ReadRequest,
    responses((status = 204), (status = 404), (status = 422))
)]
pub async fn mark(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<RoomPath>,
    Json(request): Json<ReadRequest>,
) -> Result<StatusCode, Problem> {
    let message = request.message.0;
    state.node.mark_shown(&session.actor, path.room.0, message, request.shown()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has read a message, and which offices hold it.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/messages/{message}/receipts", tag = "messages", operation_id = "receipts", params(MessagePath),
    responses((status = 200, body = ReceiptsView), (status = 404))
)]
pub async fn receipts(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(path): Path<MessagePath>,
) -> Result<Answer<ReceiptsView>, Problem> {
    Ok(Answer(state.node.receipts(&session.actor, path.room.0, path.message.0).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> &'static str {
        let request: ReadRequest = serde_json::from_str(json).unwrap();
        request.shown().map_or_else(|problem| problem.code, |_| "ok")
    }

    #[test]
    fn what_was_shown_is_named_by_a_place_of_the_stream() {
        let id = "01990000-0000-7000-8000-000000000001";
        let with = |rest: &str| code(&format!(r#"{{"message":"{id}"{rest}}}"#));
        let late = |count: usize| {
            let ids = vec![format!(r#""{id}""#); count].join(",");
            with(&format!(r#","seen":"1","late":[{ids}]"#))
        };
        for good in ["", r#","seen":"0""#, r#","seen":"41","all_late":true"#] {
            assert_eq!(with(good), "ok", "{good}");
        }
        assert_eq!((late(200), late(201)), ("ok", "too_many"));
        for bad in [r#","seen":"""#, r#","seen":"-1""#, r#","seen":"x""#, r#","seen":"99999999999999999999""#] {
            assert_eq!(with(bad), "malformed", "{bad}");
        }
        assert_eq!(with(r#","all_late":true"#), "malformed");
    }
}
