//! Posting, editing, taking back and reacting.

use std::collections::HashSet;

use noroshi_sync::blob::BlobId;
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{EntryId, RoomId, UserId};
use noroshi_sync::store::StoreError;

use super::Desk;
use super::attachments::check_count;
use crate::body::{Attachment, Edit, Message, Named, Reaction, Redact, signed};
use crate::error::ServiceError;
use crate::kinds;
use crate::limits::MENTIONS_MAX;
use crate::rights::{Action, Object};
use crate::store::query::{ShownMessage, Standing};
use crate::text::{is_stamp, message_text};
use crate::view::Actor;

/// What somebody wants to say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewMessage {
    pub text: String,
    /// A message of the same room that is shown here, redacted ones included.
    pub reply_to: Option<EntryId>,
    pub urgent: bool,
    pub mentions: Vec<UserId>,
    /// Made by [`named`](super::named).
    pub attachments: Vec<Named>,
    /// By the author's device; see [`device_statement`](noroshi_sync::entry::device_statement). Whether it is right is
    /// asked before it comes to the desk, and again by whoever reads it.
    pub signature: Option<Vec<u8>>,
}

impl NewMessage {
    /// What is written down of it, should everything it names be there; the files are not looked up yet.
    ///
    /// # Errors
    /// `Invalid` for a text nobody can have meant, and for too many mentions or files.
    pub fn body(&self) -> Result<Message, ServiceError> {
        check_count(&self.attachments)?;
        let without_words = !self.attachments.is_empty() && self.text.trim().is_empty();
        let text = if without_words { String::new() } else { message_text(&self.text)? };
        let mut seen = HashSet::new();
        let mentions: Vec<UserId> = self.mentions.iter().copied().filter(|user| seen.insert(*user)).collect();
        if mentions.len() > MENTIONS_MAX {
            return Err(ServiceError::Invalid { field: "mentions", code: "too_many" });
        }
        Ok(Message::new(text, self.reply_to, mentions, self.urgent))
    }

    /// A body of which a device signs the same as of the one that is written down.
    pub(crate) fn body_to_sign(&self) -> Result<Message, ServiceError> {
        let stand_in = |Named { hash, name }: &Named| Attachment {
            blob: BlobId { hash: *hash, size: 1 },
            name: name.clone(),
            mime: "application/octet-stream".into(),
            picture: None,
        };
        let attachments = self.attachments.iter().map(stand_in).collect();
        Ok(Message { attachments, ..self.body()? })
    }
}

/// New text for a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewText {
    pub text: String,
    /// The id under which the device signed the change, and its signature.
    pub signed: Option<(EntryId, Vec<u8>)>,
}

impl<T: Into<String>> From<T> for NewText {
    fn from(text: T) -> Self {
        Self { text: text.into(), signed: None }
    }
}

impl NewText {
    /// What is written down of it. The edits that it `replaces` are left out of what is signed.
    ///
    /// # Errors
    /// `Invalid` for a text nobody can have meant.
    pub fn body(&self, message: EntryId, replaces: Vec<EntryId>) -> Result<Edit, ServiceError> {
        Ok(Edit::new(message, replaces, message_text(&self.text)?))
    }
}

/// A message that is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posted {
    /// Not there before: false for an exact repetition.
    pub created: bool,
    /// Offices of the audience that have a node.
    pub offices: u32,
    pub message: ShownMessage,
}

/// What becomes an entry.
struct Said {
    id: EntryId,
    kind: u16,
    body: Vec<u8>,
    signature: Option<Vec<u8>>,
}

impl Desk<'_> {
    /// Writes a message under the id that the device made. Repeating it changes nothing; another content under the same
    /// id is a [`ServiceError::Conflict`].
    pub fn post(&self, actor: &Actor, room: RoomId, id: EntryId, new: &NewMessage) -> Result<Posted, ServiceError> {
        let standing = self.standing(actor, &room, Action::Post)?;
        if id.is_nil() {
            return Err(ServiceError::Invalid { field: "id", code: "malformed" });
        }
        let mut body = self.message_body(new)?;
        // Said again is what the device would sign the same: thumbnails may have been made at another office.
        let said = signed(&body, new.attachments.clone());
        let mut known = self.writing.messages_of(standing.room, &id, &actor.user)?;
        if let Some(place) = known.iter().position(|message| message.message.signed_content() == said) {
            return Ok(Posted { created: false, offices: standing.offices, message: known.swap_remove(place) });
        }
        if !known.is_empty() {
            return Err(ServiceError::Conflict);
        }
        self.check_reply(&standing, new.reply_to)?;
        self.attach(&actor.user, &mut body, &new.attachments)?;
        let body = body.encode();
        let lane = if new.urgent { Lane::Urgent } else { Lane::Normal };
        let said = Said { id, kind: kinds::MESSAGE, body, signature: new.signature.clone() };
        let message = self.say(actor, &standing, room, lane, said)?;
        let message = message.ok_or_else(|| StoreError::Damaged("a message just written is not shown".into()))?;
        Ok(Posted { created: true, offices: standing.offices, message })
    }

    /// People answer what they see, in the room where they see it. Of what other offices stored nothing is asked: there
    /// the message answered may come later.
    fn check_reply(&self, standing: &Standing, reply_to: Option<EntryId>) -> Result<(), ServiceError> {
        let Some(target) = reply_to else { return Ok(()) };
        match self.writing.message(standing.room, &target)? {
            Some(_) => Ok(()),
            None => Err(ServiceError::Invalid { field: "reply_to", code: "unknown_message" }),
        }
    }

    fn message_body(&self, new: &NewMessage) -> Result<Message, ServiceError> {
        let body = new.body()?;
        if !body.mentions.is_empty() {
            let current = self.projection.current(self.writing)?;
            if body.mentions.iter().any(|user| current.directory.user(*user).is_none()) {
                return Err(ServiceError::Invalid { field: "mentions", code: "unknown_user" });
            }
        }
        Ok(body)
    }

    /// New text for a message of one's own. Saying what it says already changes nothing.
    pub fn edit(&self, actor: &Actor, room: RoomId, id: EntryId, new: &NewText) -> Result<ShownMessage, ServiceError> {
        let standing = self.standing(actor, &room, Action::SeeRoom)?;
        let text = message_text(&new.text)?;
        let message = self.message_for(actor, &standing, &id)?;
        self.check(actor, Action::EditMessage, Object::Message(&standing, message.entry.author))?;
        if message.redacted {
            return Err(ServiceError::Invalid { field: "message", code: "redacted" });
        }
        let marks = self.writing.marks_of(standing.room, &id, &actor.user)?;
        let present = marks.edit().map_or(message.message.text.as_str(), |edit| edit.text);
        if present != text {
            let body = new.body(id, marks.replaceable_edits())?.encode();
            let (entry, signature) = new.signed.clone().unzip();
            let entry = entry.unwrap_or_else(|| (self.mint)());
            let said = Said { id: entry, kind: kinds::EDIT, body, signature };
            self.mark(actor, &standing, room, &message, said)?;
        }
        Ok(message)
    }

    /// Takes a message back: its author's, or anybody's for administrators of the room.
    pub fn redact(&self, actor: &Actor, room: RoomId, id: EntryId) -> Result<(), ServiceError> {
        let standing = self.standing(actor, &room, Action::SeeRoom)?;
        let message = self.message_for(actor, &standing, &id)?;
        self.check(actor, Action::RedactMessage, Object::Message(&standing, message.entry.author))?;
        if message.redacted {
            return Ok(());
        }
        let body = Redact::new(id, message.entry.author).encode();
        self.mark(actor, &standing, room, &message, self.unsigned(kinds::REDACT, body))
    }

    /// Sets or takes back the actor's stamp. Doing it twice changes nothing.
    pub fn react(&self, actor: &Actor, room: RoomId, id: EntryId, stamp: &str, on: bool) -> Result<(), ServiceError> {
        let standing = self.standing(actor, &room, Action::React)?;
        if !is_stamp(stamp) {
            return Err(ServiceError::Invalid { field: "stamp", code: "malformed" });
        }
        let message = self.message_for(actor, &standing, &id)?;
        if message.redacted {
            return Err(ServiceError::Invalid { field: "message", code: "redacted" });
        }
        let author = message.entry.author;
        let marks = self.writing.marks_of(standing.room, &id, &author)?;
        if marks.is_on(actor.user, stamp) == on {
            return Ok(());
        }
        let replaces = marks.replaceable_reactions(actor.user, stamp);
        let body = Reaction::new(id, author, stamp.to_owned(), on, replaces).encode();
        self.mark(actor, &standing, room, &message, self.unsigned(kinds::REACTION, body))
    }

    /// The message the actor means: one's own, should several people have used the id.
    fn message_for(&self, actor: &Actor, standing: &Standing, id: &EntryId) -> Result<ShownMessage, ServiceError> {
        if let Some(own) = self.writing.messages_of(standing.room, id, &actor.user)?.into_iter().next() {
            return Ok(own);
        }
        self.writing.message(standing.room, id)?.ok_or(ServiceError::NotFound)
    }

    /// Writes a mark into the lane of its message, so that it never overtakes it from another lane.
    fn mark(
        &self,
        actor: &Actor,
        standing: &Standing,
        room: RoomId,
        message: &ShownMessage,
        said: Said,
    ) -> Result<(), ServiceError> {
        let lane = self.writing.log_of(message.pk)?.lane;
        self.say(actor, standing, room, lane, said)?;
        Ok(())
    }

    /// What no device signs, under a fresh id.
    fn unsigned(&self, kind: u16, body: Vec<u8>) -> Said {
        Said { id: (self.mint)(), kind, body, signature: None }
    }

    /// Appends one entry of the actor; the message as it is shown, if it is one.
    fn say(
        &self,
        actor: &Actor,
        standing: &Standing,
        room: RoomId,
        lane: Lane,
        said: Said,
    ) -> Result<Option<ShownMessage>, ServiceError> {
        let Said { id, kind, body, signature } = said;
        let draft = Draft::attested(room, lane, id, kind, actor.user, actor.device, standing.grant, body);
        let appended = self.append(vec![draft.signed_by_device(signature)])?;
        let Some(appended) = appended.first().filter(|_| kind == kinds::MESSAGE) else { return Ok(None) };
        let entry = self.writing.entry_key(&appended.log, appended.seq)?;
        Ok(entry.map(|entry| self.writing.message_at(entry)).transpose()?.flatten())
    }
}
