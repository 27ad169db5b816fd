//! What each operation of a document is, so that what refers to it can be checked.

use std::sync::Arc;

use super::{Clock, History};
use crate::document::limits::DEPTH_MAX;
use crate::document::scan::{Action, Operation, Place, Reference, Refusal, ScannedChange};

/// The name of an operation in a history.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct OperationId {
    /// The place of its actor in the history.
    pub actor_place: usize,
    pub counter: u64,
}

/// What is remembered of an operation.
pub(super) struct Record {
    /// The object it is in; `None` is the root map.
    object: Option<OperationId>,
    slot: Slot,
    action: Action,
    /// How many objects it is in, the root map not counted.
    depth: u8,
}

/// What an operation sets: operations replace only others of the same object and slot.
#[derive(Clone, PartialEq, Eq)]
enum Slot {
    Key(Arc<str>),
    /// The element that this operation inserted.
    Element(OperationId),
}

impl History {
    /// What the operations of `change` are, if all they refer to is in its own past (`clock`) and of the right kind.
    pub(super) fn records(&self, change: &ScannedChange, clock: &Clock) -> Result<Vec<Record>, Refusal> {
        let mut resolver = Resolver { history: self, change, clock, records: Vec::new() };
        for (row, operation) in change.operations().iter().enumerate() {
            let record = resolver.record(row, operation).map_err(|reason| Refusal::Operation { row, reason })?;
            resolver.records.push(record);
        }
        Ok(resolver.records)
    }
}

struct Resolver<'a> {
    history: &'a History,
    change: &'a ScannedChange,
    clock: &'a Clock,
    /// The operations of the change so far; later ones may refer to them.
    records: Vec<Record>,
}

impl Resolver<'_> {
    fn record(&self, row: usize, operation: &Operation) -> Result<Record, &'static str> {
        let own_id = OperationId {
            actor_place: self.actor_place(0).unwrap_or(self.history.written.len()),
            counter: self.change.first_operation().saturating_add(row as u64),
        };
        let object = operation.object.map(|object| self.find(object).ok_or("its object")).transpose()?;
        let kind = object.map_or(Action::MakeMap, |(_, record)| record.action);
        let depth = object.map_or(0, |(_, record)| record.depth.saturating_add(1));
        if depth > DEPTH_MAX {
            return Err("too deep");
        }
        let object = object.map(|(id, _)| id);
        let slot = match (kind, &operation.place) {
            (Action::MakeMap, Place::Key(key)) => Slot::Key(key.as_ref().into()),
            (Action::MakeList | Action::MakeText, Place::First) => Slot::Element(own_id),
            (Action::MakeList | Action::MakeText, Place::Element(element)) => {
                let (id, record) = self.find(*element).ok_or("its place")?;
                let is_insertion = record.slot == Slot::Element(id);
                if !is_insertion || record.object != object {
                    return Err("its place");
                }
                Slot::Element(if operation.insert { own_id } else { id })
            }
            _ => return Err("its place"),
        };
        // A text is made of characters and nothing else, so that positions in it mean the same to everyone.
        let is_of_text =
            (operation.insert && operation.action == Action::SetCharacter) || operation.action == Action::Delete;
        if kind == Action::MakeText && !is_of_text {
            return Err("its value");
        }
        for replaced in &operation.replaces {
            let (_, record) = self.find(*replaced).ok_or("what it replaces")?;
            // A deletion is kept only in what it deletes.
            if record.object != object || record.slot != slot || record.action == Action::Delete {
                return Err("what it replaces");
            }
        }
        Ok(Record { object, slot, action: operation.action, depth })
    }

    fn find(&self, reference: Reference) -> Option<(OperationId, &Record)> {
        if reference.actor == 0 && reference.counter >= self.change.first_operation() {
            let index = usize::try_from(reference.counter - self.change.first_operation()).ok()?;
            let actor_place = self.actor_place(0).unwrap_or(self.history.written.len());
            return Some((OperationId { actor_place, counter: reference.counter }, self.records.get(index)?));
        }
        let actor_place = self.actor_place(reference.actor)?;
        let id = OperationId { actor_place, counter: reference.counter };
        Some((id, self.history.operation(id, *self.clock.get(actor_place)?)?))
    }

    fn actor_place(&self, index: usize) -> Option<usize> {
        self.history.actors.get(self.change.actors().get(index)?).copied()
    }
}
