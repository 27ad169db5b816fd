//! The timeline of a room: pages of it, and what people do with messages.

use std::str::FromStr;

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, RoomId, UserId};

use crate::deeds::{NewMessage, NewText};
use crate::error::ServiceError;
use crate::kinds;
use crate::limits::PAGE_MESSAGES_MAX;
use crate::node::{Inner, Node};
use crate::render::{Renderer, fresh_message};
use crate::rights::{Action, standing_for};
use crate::store::query::{Place, ShownMessage};
use crate::store::{Database, RoomPk};
use crate::view::{Actor, MessagePage, MessageView};

/// Which part of a timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// 1 to 200 messages.
    pub limit: u32,
    pub anchor: Anchor,
}

/// Where a page lies. A cursor comes from another page; the id of a message is good as well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    Latest,
    Before(String),
    After(String),
    /// The message itself in the middle.
    Around(EntryId),
    /// What arrived late for the reader, from its beginning or after a cursor.
    Late(Option<String>),
}

impl Node {
    /// One page, newest last.
    pub async fn messages(
        &self,
        actor: &Actor,
        room: RoomId,
        request: PageRequest,
    ) -> Result<MessagePage, ServiceError> {
        if !(1..=PAGE_MESSAGES_MAX).contains(&request.limit) {
            return Err(ServiceError::Invalid { field: "limit", code: "out_of_range" });
        }
        let (directory, user, reader) = (self.inner.directory(), actor.user, actor.clone());
        self.inner
            .read(move |database| {
                let standing = standing_for(database, &directory, &reader, &room, Action::SeeRoom)?;
                let part = Part::read(database, standing.room, &user, &request)?;
                let mut renderer = Renderer::new(database, &directory);
                let mut items = Vec::with_capacity(part.messages.len());
                for shown in &part.messages {
                    items.extend(renderer.message(shown, Some(user))?);
                }
                let seen = database.event_bounds()?.1.to_string();
                Ok(MessagePage { items, next: part.next(), previous: part.previous(), seen })
            })
            .await
    }

    /// Writes a message. The first value says whether it was not there before; repeating it exactly changes nothing.
    pub async fn post(
        &self,
        actor: &Actor,
        room: RoomId,
        id: EntryId,
        new: NewMessage,
    ) -> Result<(bool, MessageView), ServiceError> {
        if let Some(signature) = &new.signature {
            self.inner.check_signature(actor, room, id, &new.body_to_sign()?.encode(), kinds::MESSAGE, signature)?;
        }
        let author = actor.clone();
        let posted = self.inner.act(move |desk| desk.post(&author, room, id, &new)).await?;
        // What nobody else can know of yet needs no look at the store.
        let message = &posted.message.message;
        if posted.created && message.reply_to.is_none() && message.attachments.is_empty() && !posted.message.redacted {
            let directory = self.inner.directory();
            return Ok((true, fresh_message(&directory, self.id(), room, &posted.message, posted.offices)));
        }
        Ok((posted.created, self.inner.message_view(actor, posted.message).await?))
    }

    /// New text for a message of the actor's own.
    pub async fn edit(
        &self,
        actor: &Actor,
        room: RoomId,
        id: EntryId,
        new: impl Into<NewText>,
    ) -> Result<MessageView, ServiceError> {
        let new = new.into();
        if let Some((entry, signature)) = &new.signed {
            let body = new.body(id, Vec::new())?.encode();
            self.inner.check_signature(actor, room, *entry, &body, kinds::EDIT, signature)?;
        }
        let editor = actor.clone();
        let shown = self.inner.act(move |desk| desk.edit(&editor, room, id, &new)).await?;
        self.inner.message_view(actor, shown).await
    }

    /// Takes a message back; one that is taken back already is fine.
    pub async fn redact(&self, actor: &Actor, room: RoomId, id: EntryId) -> Result<(), ServiceError> {
        let doer = actor.clone();
        self.inner.act(move |desk| desk.redact(&doer, room, id)).await
    }

    /// Sets or takes back the actor's stamp.
    pub async fn react(
        &self,
        actor: &Actor,
        room: RoomId,
        id: EntryId,
        stamp: &str,
        on: bool,
    ) -> Result<(), ServiceError> {
        let (doer, stamp) = (actor.clone(), stamp.to_owned());
        self.inner.act(move |desk| desk.react(&doer, room, id, &stamp, on)).await
    }
}

impl Inner {
    /// At the door, beside the writer: a signature that the actor's device did not make is not written down.
    fn check_signature(
        &self,
        actor: &Actor,
        room: RoomId,
        id: EntryId,
        body: &[u8],
        kind: u16,
        signature: &[u8],
    ) -> Result<(), ServiceError> {
        let (lane, auth_ref) = (Lane::Normal, EntryId::NIL);
        let draft = Draft::attested(room, lane, id, kind, actor.user, actor.device, auth_ref, body.to_vec());
        let entry = draft.signed_by_device(Some(signature.to_vec())).into_entry(1, Hlc::ZERO, 0, None);
        let right = self.projection.check_ahead(room, &entry);
        if right { Ok(()) } else { Err(ServiceError::Invalid { field: "signature", code: "wrong_signature" }) }
    }

    async fn message_view(&self, actor: &Actor, shown: ShownMessage) -> Result<MessageView, ServiceError> {
        let (directory, user) = (self.directory(), actor.user);
        self.read(move |database| {
            Renderer::new(database, &directory).message(&shown, Some(user))?.ok_or(ServiceError::NotFound)
        })
        .await
    }
}

/// A part of a timeline, oldest first, and whether there is more on either side.
struct Part {
    messages: Vec<ShownMessage>,
    older: bool,
    newer: bool,
}

impl Part {
    fn read(database: &Database, room: RoomPk, reader: &UserId, request: &PageRequest) -> Result<Self, ServiceError> {
        let limit = request.limit;
        match &request.anchor {
            Anchor::Latest => Self::before(database, room, None, limit),
            Anchor::Before(anchor) => {
                let place = place(database, room, "before", anchor)?;
                Self::before(database, room, Some(place), limit)
            }
            Anchor::After(anchor) => {
                let place = place(database, room, "after", anchor)?;
                Self::after(database, room, place, false, limit)
            }
            Anchor::Late(after) => {
                let after = after.as_ref().map(|after| place(database, room, "after", after)).transpose()?;
                let mut messages = database.late_after(room, reader, after, limit.saturating_add(1))?;
                let newer = cut(&mut messages, limit);
                Ok(Self { messages, older: false, newer })
            }
            Anchor::Around(id) => {
                let place = database.place_of(room, id)?.ok_or(ServiceError::NotFound)?;
                let mut older = Self::before(database, room, Some(place), limit / 2)?;
                let left = limit.saturating_sub(u32::try_from(older.messages.len()).unwrap_or(limit));
                let newer = Self::after(database, room, place, true, left)?;
                older.messages.extend(newer.messages);
                Ok(Self { newer: newer.newer, ..older })
            }
        }
    }

    fn before(database: &Database, room: RoomPk, place: Option<Place>, limit: u32) -> Result<Self, ServiceError> {
        let mut messages = database.messages_before(room, place, limit.saturating_add(1))?;
        let older = cut(&mut messages, limit);
        messages.reverse();
        Ok(Self { messages, older, newer: place.is_some() })
    }

    fn after(
        database: &Database,
        room: RoomPk,
        place: Place,
        inclusive: bool,
        limit: u32,
    ) -> Result<Self, ServiceError> {
        let mut messages = database.messages_after(room, place, inclusive, limit.saturating_add(1))?;
        let newer = cut(&mut messages, limit);
        Ok(Self { messages, older: true, newer })
    }

    /// For older messages.
    fn next(&self) -> Option<String> {
        self.messages.first().filter(|_| self.older).map(cursor)
    }

    /// For newer messages.
    fn previous(&self) -> Option<String> {
        self.messages.last().filter(|_| self.newer).map(cursor)
    }
}

/// Takes away what was read only to see whether there is more.
fn cut(messages: &mut Vec<ShownMessage>, limit: u32) -> bool {
    let limit = limit as usize;
    let more = messages.len() > limit;
    messages.truncate(limit);
    more
}

fn cursor(shown: &ShownMessage) -> String {
    format!("{:016x}.{}", shown.entry.hlc.raw(), shown.entry.id)
}

fn place(database: &Database, room: RoomPk, field: &'static str, anchor: &str) -> Result<Place, ServiceError> {
    if let Ok(id) = EntryId::from_str(anchor) {
        return database.place_of(room, &id)?.ok_or(ServiceError::NotFound);
    }
    parse_cursor(anchor).ok_or(ServiceError::Invalid { field, code: "malformed" })
}

fn parse_cursor(text: &str) -> Option<Place> {
    let (hlc, id) = text.split_once('.')?;
    let digits = hlc.len() == 16 && hlc.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let raw = digits.then(|| u64::from_str_radix(hlc, 16).ok()).flatten()?;
    let hlc = Some(Hlc::from_raw(raw)).filter(|hlc| hlc.is_well_formed())?;
    Some(Place { hlc, id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_one_form() {
        let id = "0191f0a0-1111-7222-8333-444455556666";
        let good = format!("0190000000000001.{id}");
        let place = parse_cursor(&good).unwrap();
        assert_eq!((place.hlc.raw(), place.id.to_string().as_str()), (0x0190_0000_0000_0001, id));
        for bad in [
            String::new(),
            ".".into(),
            format!("0.{id}"),
            format!("ffffffffffffffff.{id}"),
            format!("0000000000000000.{id}"),
            format!("019000000000000G.{id}"),
            format!("+190000000000001.{id}"),
            "0190000000000001.".into(),
            "0190000000000001.x".into(),
            "-1".into(),
        ] {
            assert!(parse_cursor(&bad).is_none(), "{bad}");
        }
    }
}
