//! The page of a room: its name, topic, purpose and pins, edited by several offices at once and merged.

use std::collections::BTreeSet;

use automerge::transaction::{Transactable, Transaction};
use automerge::{Automerge, AutomergeError, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId};
use noroshi_sync::log::Hash;

use super::actor::Actor;
use super::gate::{Draft, DraftError, Gate, Reading, Verdict};
use super::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use super::hash::ChangeHash;
use super::limits::Excess;
use super::scan::{Refusal, scan};
use super::text_change::{TextChange, beginning, text_change};
use crate::limits::{ROOM_NAME_CHARS_MAX, ROOM_PURPOSE_CHARS_MAX, ROOM_TOPIC_CHARS_MAX};

const NAME: &str = "name";
const TOPIC: &str = "topic";
const PURPOSE: &str = "purpose";
/// Each pin is a key of its own, `pin:` and the id of the message, so that pins set at the same time all stay.
const PIN_PREFIX: &str = "pin:";
/// The first text after everything that begins with [`PIN_PREFIX`].
const PIN_END: &str = "pin;";

/// The page of one room as one run of a node edits it.
///
/// The truth is the log: a page is built with [`RoomPage::from_changes`] and can be dropped at any time.
///
/// An edit goes: [`edit`](Self::edit) → append [`PendingEdit::bytes`] to the log → COMMIT → [`commit`](Self::commit). If
/// the COMMIT fails the pending edit is dropped and leaves no trace. If nobody knows whether it failed (an I/O error),
/// the page is built anew from the log before the next edit. One edit at a time: two made from the same state would
/// carry the same number. To make several in one transaction, edit and commit on a clone, and keep the clone after
/// COMMIT.
#[derive(Clone)]
pub struct RoomPage {
    room: RoomId,
    author: Actor,
    gate: Gate<PageReading>,
    /// By the BLAKE3 of their bytes: not all of them have a hash as changes.
    kept_out: BTreeSet<Hash>,
}

/// What people see. Texts that grew over their limit when two offices' edits met are cut here, and only here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageView {
    pub name: String,
    pub topic: String,
    pub purpose: String,
    /// The pinned messages, in the order of their ids.
    pub pins: Vec<EntryId>,
}

/// What is to change; `None` stays as it is. `pins` is the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageEdit {
    pub name: Option<String>,
    pub topic: Option<String>,
    pub purpose: Option<String>,
    pub pins: Option<Vec<EntryId>>,
}

/// An edit that is not part of the page before it is committed.
#[derive(Debug, Clone)]
pub struct PendingEdit {
    draft: Draft<PageReading>,
}

impl PendingEdit {
    /// The bytes of the `DocChange` to append to the log.
    pub fn bytes(&self) -> &[u8] {
        self.draft.bytes()
    }
    pub fn hash(&self) -> ChangeHash {
        self.draft.hash()
    }
    /// What the page will show if nothing else comes in between.
    pub fn view(&self) -> &PageView {
        &self.draft.reading().view
    }
}

/// Why a page was not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("the {field} is longer than {limit} characters")]
    TooLong { field: &'static str, limit: usize },
    /// The page has to be closed and succeeded by a new one.
    #[error("the page is full: {0}")]
    Full(Excess),
    #[error("too much for one edit: {0}")]
    TooMuch(Refusal),
    /// Automerge fails on what the page holds; the node alarms.
    #[error("the page cannot be edited: {0}")]
    Unreadable(String),
    /// The edit was committed after another one that was made from the same state. The page is to be built anew.
    #[error("the edit does not fit the page any more: {0:?}")]
    Superseded(Verdict),
}

/// What became of the changes given to [`RoomPage::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyReport {
    /// For each change, in the order they were given: its hash, where the bytes have one, and the verdict.
    pub verdicts: Vec<(Option<ChangeHash>, Verdict)>,
    /// What people see is different now.
    pub changed: bool,
    /// Some actor wrote two changes with one number. Build the page anew with [`RoomPage::from_changes`], so that every
    /// office chooses the same one.
    pub rebuild: bool,
}

impl RoomPage {
    /// The page of a room in which nobody has written yet. `node` and `epoch` are of the one who will edit it.
    pub fn new(room: RoomId, node: NodeId, epoch: Epoch) -> Self {
        let gate = Gate::open(PAGE_GENESIS, GENESIS_ACTOR, PageReading::default());
        Self { room, author: Actor::of(node, epoch, room), gate, kept_out: BTreeSet::new() }
    }

    /// Builds a page from all changes of the log: any order and any repetition gives the same page everywhere.
    pub fn from_changes(
        room: RoomId,
        node: NodeId,
        epoch: Epoch,
        changes: &[(NodeId, Epoch, Vec<u8>)],
    ) -> (Self, ApplyReport) {
        let mut page = Self::new(room, node, epoch);
        let mut report = page.apply(changes);
        // The order of a page built from the log is the same everywhere: the choice is made.
        report.rebuild = false;
        (page, report)
    }

    /// Takes in changes with the node and epoch of the logs that brought them; own ones of any epoch too.
    ///
    /// Whatever the bytes are, the page is either the page with the change or untouched. Give many at once: each call
    /// saves and loads the page once.
    pub fn apply(&mut self, changes: &[(NodeId, Epoch, Vec<u8>)]) -> ApplyReport {
        let before = self.view();
        let scanned: Vec<Result<_, Refusal>> = changes
            .iter()
            .map(|(node, epoch, bytes)| scan(bytes.clone(), Actor::of(*node, *epoch, self.room)))
            .collect();
        let hashes: Vec<Result<ChangeHash, Refusal>> =
            scanned.iter().map(|scanned| scanned.as_ref().map(|change| change.hash()).map_err(Clone::clone)).collect();
        let admitted = self.gate.admit(scanned.into_iter().flatten().collect());
        let verdicts: Vec<(Option<ChangeHash>, Verdict)> = hashes
            .into_iter()
            .map(|hash| match hash {
                Ok(hash) => (Some(hash), admitted.get(&hash).cloned().unwrap_or(Verdict::Known)),
                Err(refusal) => (None, Verdict::Refused(refusal)),
            })
            .collect();
        for ((node, _, bytes), (_, verdict)) in changes.iter().zip(&verdicts) {
            self.note_kept_out(node, bytes, verdict);
        }
        let changed = before != self.view();
        let rebuild = admitted.values().any(|verdict| *verdict == Verdict::Forked);
        ApplyReport { verdicts, changed, rebuild }
    }

    fn note_kept_out(&mut self, node: &NodeId, bytes: &[u8], verdict: &Verdict) {
        let is_kept_out = matches!(verdict, Verdict::Refused(_) | Verdict::Quarantined { .. });
        if is_kept_out && self.kept_out.insert(bytes_hash(bytes)) {
            tracing::warn!(room = %self.room, writer = %node.short(), ?verdict, "a change of the room page is kept out");
        }
    }

    /// Makes an edit, to be stored and then given to [`commit`](Self::commit). `None` when nothing would change.
    ///
    /// # Errors
    /// When a text is too long or the page is full; nothing changed then.
    pub fn edit(&self, edit: &PageEdit) -> Result<Option<PendingEdit>, PageError> {
        check_lengths(edit)?;
        let draft = self.gate.draft(self.author, |transaction| write(transaction, edit))?;
        Ok(draft.map(|draft| PendingEdit { draft }))
    }

    /// Takes up an edit that is stored now. Changes of others may have been applied since it was made.
    ///
    /// # Errors
    /// When it no longer fits, which only another edit made from the same state can cause.
    pub fn commit(&mut self, pending: PendingEdit) -> Result<(), PageError> {
        match self.gate.accept(pending.draft) {
            Verdict::Applied | Verdict::Known => Ok(()),
            other => Err(PageError::Superseded(other)),
        }
    }

    /// What people see now.
    pub fn view(&self) -> PageView {
        self.gate.reading().view.clone()
    }

    /// The changes nothing builds on; equal at two nodes exactly when they hold the same page.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.gate.history().heads().iter().copied().collect()
    }

    /// Changes that are no part of the page and never will be: malformed ones, and those on which Automerge fails. They
    /// are the same at every office that runs this version, so the page stays open for edits; an administrator should
    /// know.
    pub fn kept_out(&self) -> &BTreeSet<Hash> {
        &self.kept_out
    }
}

/// What names the bytes of a change, whatever they are.
pub fn bytes_hash(bytes: &[u8]) -> Hash {
    Hash::from_bytes(*blake3::hash(bytes).as_bytes())
}

impl From<DraftError> for PageError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::TooLarge(refusal) => Self::TooMuch(refusal),
            DraftError::Full(excess) => Self::Full(excess),
            DraftError::Unreadable(why) => Self::Unreadable(why),
        }
    }
}

/// What the gate reads of a page.
#[derive(Debug, Clone, Default)]
struct PageReading {
    view: PageView,
    items: usize,
}

impl Reading for PageReading {
    fn of(document: &Automerge) -> Result<Self, AutomergeError> {
        let view = PageView {
            name: shown(&name_of(document)?, ROOM_NAME_CHARS_MAX),
            topic: shown(&text_of(document, TOPIC)?, ROOM_TOPIC_CHARS_MAX),
            purpose: shown(&text_of(document, PURPOSE)?, ROOM_PURPOSE_CHARS_MAX),
            pins: pins_of(document).into_iter().collect(),
        };
        Ok(Self { view, items: document.length(ROOT) })
    }

    fn items(&self) -> usize {
        self.items
    }
}

fn check_lengths(edit: &PageEdit) -> Result<(), PageError> {
    let fields = [
        ("name", &edit.name, ROOM_NAME_CHARS_MAX),
        ("topic", &edit.topic, ROOM_TOPIC_CHARS_MAX),
        ("purpose", &edit.purpose, ROOM_PURPOSE_CHARS_MAX),
    ];
    for (field, text, limit) in fields {
        if text.as_ref().is_some_and(|text| text.chars().nth(limit).is_some()) {
            return Err(PageError::TooLong { field, limit });
        }
    }
    Ok(())
}

fn write(transaction: &mut Transaction<'_>, edit: &PageEdit) -> Result<(), AutomergeError> {
    if let Some(name) = &edit.name
        && name_of(transaction)? != *name
    {
        transaction.put(ROOT, NAME, name.as_str())?;
    }
    if let Some(topic) = &edit.topic {
        write_text(transaction, TOPIC, topic)?;
    }
    if let Some(purpose) = &edit.purpose {
        write_text(transaction, PURPOSE, purpose)?;
    }
    if let Some(pins) = &edit.pins {
        write_pins(transaction, pins)?;
    }
    Ok(())
}

fn write_text(transaction: &mut Transaction<'_>, key: &str, new: &str) -> Result<(), AutomergeError> {
    let text = text_object(transaction, key)?;
    let change = match &text {
        Some(text) => text_change(&transaction.text(text)?, new),
        None => TextChange::Anew,
    };
    match (text, change) {
        (_, TextChange::Nothing) => Ok(()),
        (Some(text), TextChange::Pieces) => transaction.update_text(&text, new),
        (Some(text), TextChange::Splice { at, removed, inserted }) => {
            transaction.splice_text(&text, at, isize::try_from(removed).unwrap_or(isize::MAX), &inserted)
        }
        _ => {
            let text = transaction.put_object(ROOT, key, ObjType::Text)?;
            transaction.splice_text(&text, 0, 0, new)
        }
    }
}

fn write_pins(transaction: &mut Transaction<'_>, pins: &[EntryId]) -> Result<(), AutomergeError> {
    let wanted: BTreeSet<EntryId> = pins.iter().copied().collect();
    let present = pins_of(transaction);
    for pin in wanted.difference(&present) {
        transaction.put(ROOT, pin_key(*pin), true)?;
    }
    for pin in present.difference(&wanted) {
        transaction.delete(ROOT, pin_key(*pin))?;
    }
    Ok(())
}

fn name_of(document: &impl ReadDoc) -> Result<String, AutomergeError> {
    Ok(match document.get(ROOT, NAME)? {
        Some((Value::Scalar(name), _)) => name.as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    })
}

fn text_object(document: &impl ReadDoc, key: &str) -> Result<Option<automerge::ObjId>, AutomergeError> {
    Ok(match document.get(ROOT, key)? {
        Some((Value::Object(ObjType::Text), text)) => Some(text),
        _ => None,
    })
}

fn text_of(document: &impl ReadDoc, key: &str) -> Result<String, AutomergeError> {
    text_object(document, key)?.map_or(Ok(String::new()), |text| document.text(text))
}

/// The pins, by keys in their one spelling: another could not be taken away again.
fn pins_of(document: &impl ReadDoc) -> BTreeSet<EntryId> {
    let mut pins = BTreeSet::new();
    for item in document.map_range(ROOT, PIN_PREFIX.to_owned()..PIN_END.to_owned()) {
        let is_set =
            matches!(item.value.clone().into_value(), Value::Scalar(value) if *value == ScalarValue::Boolean(true));
        let pin = item.key.strip_prefix(PIN_PREFIX).and_then(|text| text.parse::<EntryId>().ok());
        pins.extend(pin.filter(|pin| is_set && item.key == pin_key(*pin)));
    }
    pins
}

fn pin_key(pin: EntryId) -> String {
    format!("{PIN_PREFIX}{pin}")
}

/// What of a text is shown: no control characters, which no office lets its people type, and no more than the limit.
fn shown(text: &str, chars_max: usize) -> String {
    let printable: String = text.chars().filter(|char| !char.is_control() || *char == '\n' || *char == '\t').collect();
    beginning(&printable, chars_max).to_owned()
}

#[cfg(test)]
mod tests;
