//! A message as people see it.

use std::collections::BTreeSet;

use noroshi_provisioning::ledger::Suspension;
use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::entry::Entry;
use noroshi_sync::id::{NodeId, RoomId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use super::{People, Renderer, RoomContext};
use crate::peers::CLOCK_SUSPECT_MS;
use crate::resolve::standing::{Marks, written_ms};
use crate::store::EntryPk;
use crate::store::query::{Place, ShownMessage, Tombstone};
use crate::text::excerpt;
use crate::view::{
    ArrivalView, ArrivedCount, EntryKind, ErasedView, MessageView, ReactionView, ReadReceipt, ReceiptsView,
    RedactionView, ReplyView, SignedBy, Time,
};

impl Renderer<'_> {
    /// The view of a reader; without one, of a reader who has no state of their own.
    pub fn message(&mut self, shown: &ShownMessage, reader: Option<UserId>) -> Result<Option<MessageView>, StoreError> {
        let Some(context) = self.context(shown.room)? else { return Ok(None) };
        if let Some(erased) = &shown.erased {
            return Ok(Some(self.tombstone(&context, shown, erased, reader)));
        }
        let author = shown.entry.author;
        let marks = self.database.marks_of(shown.room, &shown.entry.id, &author)?;
        let mut view = plain(&self.people, context.row.id, shown);
        apply(&self.people, &mut view, &marks);
        if view.redacted.is_none() {
            view.attachments = self.attachments(&shown.message.attachments)?;
            self.vouch(&mut view, shown, &marks)?;
        }
        view.forked = self.log_of(shown.pk)?.branch.is_some();
        view.reply_to = self.reply(shown)?;
        view.offices = context.row.offices;
        view.arrived = self.offices_with(&context, shown)?;
        view.read = count_reads(&context, shown);
        if let Some(reader) = reader {
            view.my_own = author == reader;
            view.late = !view.my_own && is_late(&context, shown, reader);
        }
        Ok(Some(view))
    }

    /// In the place of a message that was erased. Where it was held, and who had read it, is not known any more.
    fn tombstone(
        &self,
        context: &RoomContext,
        shown: &ShownMessage,
        erased: &Tombstone,
        reader: Option<UserId>,
    ) -> MessageView {
        let said = ErasedView {
            grounds: erased.grounds.into(),
            reason: erased.reason.clone(),
            by: self.people.person(erased.by),
            at: Time::from_ms(erased.at_ms),
        };
        let view = plain(&self.people, context.row.id, shown);
        let my_own = reader == Some(shown.entry.author);
        MessageView { erased: Some(said), after_stop: false, offices: context.row.offices, my_own, ..view }
    }

    /// What an event about arrival says of a message.
    pub fn counts(&mut self, shown: &ShownMessage) -> Result<Option<ArrivedCount>, StoreError> {
        if shown.erased.is_some() {
            return Ok(None);
        }
        let Some(context) = self.context(shown.room)? else { return Ok(None) };
        let arrived = self.offices_with(&context, shown)?;
        let (offices, read) = (context.row.offices, count_reads(&context, shown));
        Ok(Some(ArrivedCount { id: shown.entry.id.as_uuid(), arrived, offices, read }))
    }

    /// Who has read a message and where it is.
    pub fn receipts(&mut self, shown: &ShownMessage) -> Result<Option<ReceiptsView>, StoreError> {
        if shown.erased.is_some() {
            return Ok(None);
        }
        let Some(context) = self.context(shown.room)? else { return Ok(None) };
        let (read, unread) = self.readers(&context, shown);
        let (mut arrived, mut missing) = (Vec::new(), Vec::new());
        let holders = self.holders.of(self.database, shown.pk)?;
        let mut nodes = self.database.audience_of(shown.room)?;
        nodes.sort_by_key(|node| self.people.directory().node(*node).map(|node| (node.office, node.name.clone())));
        let writer = self.database.log_of(shown.pk)?.node;
        for node in nodes {
            let Some(record) = self.people.directory().node(node) else { continue };
            let own = node == self.database.node();
            let at_ms = match own {
                true => Some(shown.received_ms),
                false if node == writer => Some(written_ms(&shown.entry)),
                false => self.database.learned_ms(shown.pk, &node)?,
            };
            let office = self.people.office(record.office);
            let arrival = ArrivalView { node: node.to_string(), office, at: at_ms.map(Time::from_ms) };
            if own || holders.contains(&node) {
                arrived.push(arrival);
            } else {
                missing.push(ArrivalView { at: None, ..arrival });
            }
        }
        Ok(Some(ReceiptsView { read, unread, arrived, missing }))
    }

    /// Members other than the author: those who have read the message, the first first, and those who have not.
    fn readers(&self, context: &RoomContext, shown: &ShownMessage) -> (Vec<ReadReceipt>, Vec<crate::view::AuthorView>) {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for user in context.members.keys().filter(|user| **user != shown.entry.author) {
            let marks = context.reads.get(user).map(Vec::as_slice).unwrap_or_default();
            let at_ms = marks.iter().filter(|mark| mark.covers(shown.pk, place(shown))).map(|mark| mark.at_ms).min();
            match at_ms {
                Some(at_ms) => read.push((at_ms, *user)),
                None => unread.push(*user),
            }
        }
        let kana = |user: &UserId| self.people.directory().user(*user).map(|user| user.kana.clone());
        read.sort_unstable();
        unread.sort_by_key(|user| (kana(user), *user));
        let receipt = |(at_ms, user)| ReadReceipt { user: self.people.author(user), at: Time::from_ms(at_ms) };
        (read.into_iter().map(receipt).collect(), unread.into_iter().map(|user| self.people.author(user)).collect())
    }

    /// Offices of the audience that hold the message, the own one included.
    fn offices_with(&mut self, context: &RoomContext, shown: &ShownMessage) -> Result<u32, StoreError> {
        let directory = self.people.directory();
        let nodes = self.holders.of(self.database, shown.pk)?;
        let holders = nodes.into_iter().chain([self.database.node()]).filter_map(|node| directory.office_of(node));
        let offices: BTreeSet<OfficeId> = holders.filter(|office| context.offices.contains(office)).collect();
        Ok(u32::try_from(offices.len()).unwrap_or(u32::MAX))
    }

    /// Says whether a device of the author stands for the text, and where that is missed: in what is urgent, and in what
    /// was written away from the author's own office.
    fn vouch(&mut self, view: &mut MessageView, shown: &ShownMessage, marks: &Marks) -> Result<(), StoreError> {
        let (edit, author) = (marks.edit(), shown.entry.author);
        if shown.signed && edit.is_none_or(|edit| edit.signed) {
            view.signed = SignedBy::Device;
            return Ok(());
        }
        let writers = std::iter::once(shown.pk).chain(edit.map(|edit| edit.pk));
        view.signed = SignedBy::None;
        view.unsigned = shown.message.urgent;
        for pk in writers {
            let writer = self.log_of(pk)?.node;
            view.unsigned |= self.people.directory().is_visitor(writer, author);
        }
        Ok(())
    }

    fn log_of(&mut self, pk: EntryPk) -> Result<LogId, StoreError> {
        Ok(match self.logs.get(&pk.log()) {
            Some(log) => *log,
            None => *self.logs.entry(pk.log()).or_insert(self.database.log_of(pk)?),
        })
    }

    fn reply(&self, shown: &ShownMessage) -> Result<Option<ReplyView>, StoreError> {
        let Some(id) = shown.message.reply_to else { return Ok(None) };
        let Some(target) = self.database.message(shown.room, &id)? else {
            return Ok(Some(ReplyView { id: id.as_uuid(), author_name: String::new(), excerpt: String::new() }));
        };
        let author = target.entry.author;
        let text = if target.redacted {
            String::new()
        } else {
            let marks = self.database.marks_of(shown.room, &id, &author)?;
            let text = excerpt(marks.edit().map_or(&target.message.text, |edit| edit.text));
            // Who answers a photo without words sees which.
            if text.is_empty() {
                target.message.attachments.first().map_or(text, |file| excerpt(&file.name))
            } else {
                text
            }
        };
        Ok(Some(ReplyView { id: id.as_uuid(), author_name: self.people.name(author), excerpt: text }))
    }

    /// The members for whom a message is late.
    pub fn late_for(&mut self, shown: &ShownMessage) -> Result<Vec<UserId>, StoreError> {
        if shown.erased.is_some() {
            return Ok(Vec::new());
        }
        let Some(context) = self.context(shown.room)? else { return Ok(Vec::new()) };
        let others = context.reads.keys().filter(|user| **user != shown.entry.author);
        Ok(others.filter(|user| is_late(&context, shown, **user)).copied().collect())
    }
}

/// A message that was written a moment ago by this `node`: nobody else can hold it, have read it or have marked it.
pub(crate) fn fresh_message(
    directory: &Directory,
    node: NodeId,
    room: RoomId,
    shown: &ShownMessage,
    offices: u32,
) -> MessageView {
    let view = plain(&People::of(directory), room, shown);
    let missed = shown.message.urgent || directory.is_visitor(node, shown.entry.author);
    MessageView { arrived: 1, offices, my_own: true, unsigned: missed && !shown.signed, ..view }
}

/// What the entry alone says.
fn plain(people: &People<'_>, room: RoomId, shown: &ShownMessage) -> MessageView {
    let ShownMessage { entry, message, .. } = shown;
    MessageView {
        id: entry.id.as_uuid(),
        room: room.as_uuid(),
        author: people.author(entry.author),
        device_kind: "browser".into(),
        text: message.text.clone(),
        sent_at: Time::from_ms(written_ms(entry)),
        received_at: Time::from_ms(shown.received_ms),
        clock_suspect: is_clock_suspect(entry),
        urgent: message.urgent,
        drill: false,
        reply_to: None,
        mentions: message.mentions.iter().map(|user| people.person(*user)).collect(),
        edited_at: None,
        redacted: None,
        erased: None,
        reactions: Vec::new(),
        attachments: Vec::new(),
        arrived: 0,
        offices: 0,
        read: 0,
        my_own: false,
        late: false,
        after_stop: is_after_stop(people.directory(), entry),
        conflict: shown.conflict,
        forked: false,
        signed: if shown.signed { SignedBy::Device } else { SignedBy::None },
        unsigned: false,
        entry_kind: EntryKind::Message,
    }
}

/// Whether the person, or the device, had been stopped by then: written where nobody knew yet. By the clocks of both
/// sides, and the same everywhere.
fn is_after_stop(directory: &Directory, entry: &Entry) -> bool {
    let on_device = directory.device_suspensions(entry.device, entry.author).iter();
    let before = |suspension: &Suspension| suspension.at_ms < entry.hlc.ms();
    on_device.chain(directory.suspensions(entry.author)).any(before)
}

fn is_clock_suspect(entry: &Entry) -> bool {
    entry.clock_offset_ms.is_some_and(|offset| offset.unsigned_abs() > CLOCK_SUSPECT_MS.unsigned_abs())
}

/// What edits, redactions and reactions make of it.
fn apply(people: &People<'_>, view: &mut MessageView, marks: &Marks) {
    if let Some(redaction) = marks.redaction() {
        view.redacted = Some(RedactionView { by: people.person(redaction.by), at: Time::from_ms(redaction.at_ms) });
        view.signed = SignedBy::None;
        view.text.clear();
        view.mentions.clear();
        return;
    }
    if let Some(edit) = marks.edit() {
        edit.text.clone_into(&mut view.text);
        view.edited_at = Some(Time::from_ms(edit.at_ms));
    }
    let reaction = |(stamp, users): (String, Vec<UserId>)| ReactionView {
        stamp,
        users: users.into_iter().map(|user| people.person(user)).collect(),
    };
    view.reactions = marks.reactions().into_iter().map(reaction).collect();
}

fn place(shown: &ShownMessage) -> Place {
    Place { hlc: shown.entry.hlc, id: shown.entry.id }
}

fn count_reads(context: &RoomContext, shown: &ShownMessage) -> u32 {
    let readers = context.reads.iter().filter(|(user, marks)| {
        **user != shown.entry.author && marks.iter().any(|mark| mark.covers(shown.pk, place(shown)))
    });
    u32::try_from(readers.count()).unwrap_or(u32::MAX)
}

/// Below the reader's mark, but not there when it was set.
fn is_late(context: &RoomContext, shown: &ShownMessage, reader: UserId) -> bool {
    let marks = context.reads.get(&reader).map(Vec::as_slice).unwrap_or_default();
    marks.iter().any(|mark| place(shown) <= mark.place) && !marks.iter().any(|mark| mark.covers(shown.pk, place(shown)))
}
