//! The operations of a change: every row is of a kind our documents use, and refers only backwards.

use std::collections::BTreeSet;

use super::columns::{booleans, deltas, runs};
use super::reader::Reader;
use super::refusal::Refusal;
use crate::document::actor::Actor;
use crate::document::limits::{CHANGE_OPERATIONS_MAX, CHANGE_PREDECESSORS_MAX, KEY_BYTES_MAX};

/// What operations say about others, for the history to look up.
pub(super) struct Operations {
    pub count: usize,
    /// For each actor of the change (0 = its own) the counters of earlier changes that are referred to.
    pub references: Vec<BTreeSet<u64>>,
}

/// Column specifications (number × 16 + type) of a change. Marks and what later versions may add are not among them.
mod column {
    pub const OBJECT_ACTOR: u64 = 0x01;
    pub const OBJECT_COUNTER: u64 = 0x02;
    pub const KEY_ACTOR: u64 = 0x11;
    pub const KEY_COUNTER: u64 = 0x13;
    pub const KEY_TEXT: u64 = 0x15;
    pub const INSERT: u64 = 0x34;
    pub const ACTION: u64 = 0x42;
    pub const VALUE_KIND: u64 = 0x56;
    pub const VALUE: u64 = 0x57;
    pub const PREDECESSOR_COUNT: u64 = 0x70;
    pub const PREDECESSOR_ACTOR: u64 = 0x71;
    pub const PREDECESSOR_COUNTER: u64 = 0x73;
    pub const ALL: [u64; 12] = [
        OBJECT_ACTOR,
        OBJECT_COUNTER,
        KEY_ACTOR,
        KEY_COUNTER,
        KEY_TEXT,
        INSERT,
        ACTION,
        VALUE_KIND,
        VALUE,
        PREDECESSOR_COUNT,
        PREDECESSOR_ACTOR,
        PREDECESSOR_COUNTER,
    ];
}

/// Where each column lies.
pub(super) struct Layout<'a> {
    columns: Vec<(u64, &'a [u8])>,
}

impl<'a> Layout<'a> {
    /// Reads the table of columns and the columns themselves.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        let count = reader.count("columns", column::ALL.len())?;
        let mut table = Vec::new();
        for _ in 0..count {
            let (specification, bytes) = (reader.unsigned()?, reader.unsigned()?);
            let is_in_order = table.last().is_none_or(|(last, _)| *last < specification);
            if !column::ALL.contains(&specification) || !is_in_order || bytes == 0 {
                return Err(Refusal::Column(specification));
            }
            table.push((specification, bytes));
        }
        let mut columns = Vec::new();
        for (specification, bytes) in table {
            columns.push((specification, reader.take(bytes)?));
        }
        Ok(Self { columns })
    }

    fn bytes(&self, specification: u64) -> &'a [u8] {
        self.columns.iter().find(|(found, _)| *found == specification).map_or(&[], |(_, bytes)| bytes)
    }

    /// A column in which every row has a value.
    fn full<T: Copy + PartialEq>(
        &self,
        specification: u64,
        rows_max: usize,
        value: impl Fn(&mut Reader<'a>) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let rows = runs(self.bytes(specification), rows_max, value)?;
        rows.into_iter().collect::<Option<Vec<T>>>().ok_or(Refusal::Rows)
    }

    /// A column that is left out when no row has a value.
    fn sparse<T: Copy + PartialEq>(
        &self,
        specification: u64,
        rows: usize,
        decode: impl Fn(&'a [u8], usize) -> Result<Vec<Option<T>>, Refusal>,
    ) -> Result<Vec<Option<T>>, Refusal> {
        let bytes = self.bytes(specification);
        if bytes.is_empty() {
            return Ok(vec![None; rows]);
        }
        let values = decode(bytes, rows)?;
        if values.len() != rows {
            return Err(Refusal::Rows);
        }
        if values.iter().all(Option::is_none) {
            return Err(Refusal::NotCanonical("an empty column"));
        }
        Ok(values)
    }
}

/// Reads and checks all operations of a change whose first operation has the number `first`.
///
/// `actors` are those the change names, its own first.
pub(super) fn check(layout: &Layout<'_>, first: u64, actors: &[Actor]) -> Result<Operations, Refusal> {
    let actions = layout.full(column::ACTION, CHANGE_OPERATIONS_MAX, Reader::unsigned)?;
    let rows = actions.len();
    if rows == 0 {
        return Err(Refusal::Operation { row: 0, reason: "there is none" });
    }
    let inserts = booleans(layout.bytes(column::INSERT), rows)?;
    let kinds = layout.full(column::VALUE_KIND, rows, Reader::unsigned)?;
    let predecessor_counts = layout.full(column::PREDECESSOR_COUNT, rows, Reader::unsigned)?;
    if [inserts.len(), kinds.len(), predecessor_counts.len()] != [rows; 3] {
        return Err(Refusal::Rows);
    }
    let unsigned = |bytes, rows| runs(bytes, rows, Reader::unsigned);
    let object_actors = layout.sparse(column::OBJECT_ACTOR, rows, unsigned)?;
    let object_counters = layout.sparse(column::OBJECT_COUNTER, rows, unsigned)?;
    let key_actors = layout.sparse(column::KEY_ACTOR, rows, unsigned)?;
    let key_counters = layout.sparse(column::KEY_COUNTER, rows, deltas)?;
    let key_texts = layout.sparse(column::KEY_TEXT, rows, |bytes, rows| runs(bytes, rows, key_text))?;
    let mut values = Reader::new(layout.bytes(column::VALUE));
    let mut predecessors = Predecessors::read(layout)?;
    let mut references = References::new(first, actors);

    let columns = object_actors.into_iter().zip(object_counters).zip(key_actors).zip(key_counters).zip(key_texts);
    let operations = actions.into_iter().zip(inserts).zip(kinds).zip(predecessor_counts).zip(columns);
    for (row, ((((action, insert), kind), predecessor_count), (((object, key), key_counter), key_text))) in
        operations.enumerate()
    {
        let at = |reason| Refusal::Operation { row, reason };
        let number = first.saturating_add(row as u64);
        check_value(action, kind, &mut values)?.map_err(at)?;
        let is_in_root = match object {
            (None, None) => true,
            (Some(actor), Some(counter)) => {
                references.add(actor, counter, number).ok_or_else(|| at("its object"))?;
                false
            }
            _ => return Err(at("half an object")),
        };
        match (key, key_counter, key_text) {
            (None, None, Some(_)) if !insert => {}
            (None, Some(0), None) if insert && !is_in_root => {}
            (Some(actor), Some(counter), None) if !is_in_root => {
                references.add(actor, counter, number).ok_or_else(|| at("its place"))?;
            }
            _ => return Err(at("its key")),
        }
        let replaced = predecessors.next(predecessor_count).ok_or_else(|| at("what it replaces"))?;
        if action == DELETE && (insert || replaced.is_empty()) || insert && !replaced.is_empty() {
            return Err(at("what it replaces"));
        }
        references.add_replaced(replaced, number).ok_or_else(|| at("what it replaces"))?;
    }
    if !values.is_empty() || !predecessors.is_used_up() {
        return Err(Refusal::TrailingBytes);
    }
    references.finish(rows)
}

const MAKE_MAP: u64 = 0;
const SET: u64 = 1;
const MAKE_LIST: u64 = 2;
const DELETE: u64 = 3;
const MAKE_TEXT: u64 = 4;

/// The value of an operation. The outer error is of the bytes, the inner one of the operation.
fn check_value(action: u64, kind: u64, values: &mut Reader<'_>) -> Result<Result<(), &'static str>, Refusal> {
    let (bytes, kind) = (kind >> 4, kind & 0xf);
    match action {
        MAKE_MAP | MAKE_LIST | DELETE | MAKE_TEXT if (bytes, kind) == (0, 0) => return Ok(Ok(())),
        SET => {}
        // Counters, tables and marks are in none of our documents.
        _ => return Ok(Err("its action")),
    }
    let mut value = Reader::new(values.take(bytes)?);
    match kind {
        // null, false, true
        0..=2 => {}
        // unsigned
        3 => drop(value.unsigned()?),
        // signed, time
        4 | 9 => drop(value.signed()?),
        // float
        5 => drop(value.array::<8>()?),
        // text
        6 => drop(value.text(bytes)?),
        // bytes
        7 => drop(value.take(bytes)?),
        _ => return Ok(Err("its value")),
    }
    Ok(if value.is_empty() { Ok(()) } else { Err("its value") })
}

fn key_text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Refusal> {
    let bytes = reader.count("bytes of a key", KEY_BYTES_MAX)?;
    if bytes == 0 {
        return Err(Refusal::OutOfRange("a key"));
    }
    reader.text(bytes)
}

/// The operations that are replaced, of all rows in one list.
struct Predecessors {
    all: std::vec::IntoIter<(u64, u64)>,
}

impl Predecessors {
    fn read(layout: &Layout<'_>) -> Result<Self, Refusal> {
        let actors = layout.full(column::PREDECESSOR_ACTOR, CHANGE_PREDECESSORS_MAX, Reader::unsigned)?;
        let counters = deltas(layout.bytes(column::PREDECESSOR_COUNTER), CHANGE_PREDECESSORS_MAX)?;
        let counters = counters.into_iter().collect::<Option<Vec<u64>>>().ok_or(Refusal::Rows)?;
        if actors.len() != counters.len() {
            return Err(Refusal::Rows);
        }
        Ok(Self { all: actors.into_iter().zip(counters).collect::<Vec<_>>().into_iter() })
    }

    /// Those of the next row; `None` when there are not so many.
    fn next(&mut self, count: u64) -> Option<Vec<(u64, u64)>> {
        let count = usize::try_from(count).ok().filter(|count| *count <= self.all.len())?;
        Some(self.all.by_ref().take(count).collect())
    }

    fn is_used_up(&self) -> bool {
        self.all.len() == 0
    }
}

/// Collects what is referred to.
struct References<'a> {
    first: u64,
    actors: &'a [Actor],
    used: Vec<bool>,
    earlier: Vec<BTreeSet<u64>>,
}

impl<'a> References<'a> {
    fn new(first: u64, actors: &'a [Actor]) -> Self {
        Self { first, actors, used: vec![false; actors.len()], earlier: vec![BTreeSet::new(); actors.len()] }
    }

    /// `None` unless the reference is to an operation before `number` of an actor the change names.
    fn add(&mut self, actor: u64, counter: u64, number: u64) -> Option<Actor> {
        let actor = usize::try_from(actor).ok()?;
        let known = self.actors.get(actor)?;
        if counter == 0 || counter >= number {
            return None;
        }
        *self.used.get_mut(actor)? = true;
        // Operations of this very change are there when it is.
        if actor != 0 || counter < self.first {
            self.earlier.get_mut(actor)?.insert(counter);
        }
        Some(*known)
    }

    /// Those that one operation replaces, in the order Automerge keeps them in, each once.
    fn add_replaced(&mut self, replaced: Vec<(u64, u64)>, number: u64) -> Option<()> {
        let mut last = None;
        for (actor, counter) in replaced {
            let next = Some((counter, self.add(actor, counter, number)?));
            if next <= last {
                return None;
            }
            last = next;
        }
        Some(())
    }

    fn finish(self, count: usize) -> Result<Operations, Refusal> {
        // An actor that is named and not used would be gone after the change was stored.
        if self.used.iter().skip(1).any(|used| !used) {
            return Err(Refusal::NotCanonical("the list of actors"));
        }
        Ok(Operations { count, references: self.earlier })
    }
}
