//! The operations of a change: every row is of a kind our documents use, and refers only backwards.

use super::columns::{booleans, deltas, runs};
use super::reader::Reader;
use super::refusal::Refusal;
use crate::document::actor::Actor;
use crate::document::limits::{CHANGE_OPERATIONS_MAX, CHANGE_PREDECESSORS_MAX, KEY_BYTES_MAX};

/// An operation as its change writes it. That what it refers to exists and fits is for the history to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The object it is in; `None` is the root map.
    pub object: Option<Reference>,
    pub place: Place,
    pub insert: bool,
    pub action: Action,
    pub replaces: Vec<Reference>,
}

/// The name of an operation inside a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Index among the actors that the change names; 0 is its own.
    pub actor: usize,
    pub counter: u64,
}

/// Where in its object an operation acts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Key(Box<str>),
    First,
    /// At the element that this operation inserted, or after it.
    Element(Reference),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    MakeMap,
    MakeList,
    MakeText,
    Set,
    /// Sets one character (a Unicode scalar value): all that the elements of a text are.
    SetCharacter,
    Delete,
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
pub(super) fn read(layout: &Layout<'_>, first: u64, actors: &[Actor]) -> Result<Vec<Operation>, Refusal> {
    let actions = layout.full(column::ACTION, CHANGE_OPERATIONS_MAX, Reader::unsigned)?;
    let rows = actions.len();
    if rows == 0 {
        return Err(Refusal::Operation { row: 0, reason: "there is none" });
    }
    let inserts = booleans(layout.bytes(column::INSERT), rows)?;
    let kinds = layout.full(column::VALUE_KIND, rows, Reader::unsigned)?;
    let counts = layout.full(column::PREDECESSOR_COUNT, rows, Reader::unsigned)?;
    if [inserts.len(), kinds.len(), counts.len()] != [rows; 3] {
        return Err(Refusal::Rows);
    }
    let unsigned = |bytes, rows| runs(bytes, rows, Reader::unsigned);
    let object_actors = layout.sparse(column::OBJECT_ACTOR, rows, unsigned)?;
    let object_counters = layout.sparse(column::OBJECT_COUNTER, rows, unsigned)?;
    let key_actors = layout.sparse(column::KEY_ACTOR, rows, unsigned)?;
    let key_counters = layout.sparse(column::KEY_COUNTER, rows, deltas)?;
    let key_texts = layout.sparse(column::KEY_TEXT, rows, |bytes, rows| runs(bytes, rows, key_text))?;
    let objects = object_actors.into_iter().zip(object_counters);
    let keys = key_actors.into_iter().zip(key_counters).zip(key_texts);
    let mut values = Reader::new(layout.bytes(column::VALUE));
    let mut predecessors = Predecessors::read(layout)?;
    let mut references = References { actors, used: vec![false; actors.len()] };
    let mut operations = Vec::with_capacity(rows);
    let columns = actions.into_iter().zip(inserts).zip(kinds).zip(counts).zip(objects.zip(keys));
    for (row, ((((action, insert), kind), count), (object, ((key_actor, key_counter), key_text)))) in
        columns.enumerate()
    {
        let at = |reason| Refusal::Operation { row, reason };
        let number = first.saturating_add(row as u64);
        let action = self::action(action, kind, &mut values)?.ok_or_else(|| at("its action or value"))?;
        let object = match object {
            (None, None) => None,
            (Some(actor), Some(counter)) => {
                Some(references.earlier(actor, counter, number).ok_or_else(|| at("its object"))?)
            }
            _ => return Err(at("its object")),
        };
        let place = match (key_actor, key_counter, key_text) {
            (None, None, Some(text)) if !insert => Place::Key(text.into()),
            (None, Some(0), None) if insert => Place::First,
            (Some(actor), Some(counter), None) => {
                Place::Element(references.earlier(actor, counter, number).ok_or_else(|| at("its place"))?)
            }
            _ => return Err(at("its place")),
        };
        let replaced = predecessors.next(count).ok_or_else(|| at("what it replaces"))?;
        let replaces = references.replaced(replaced, number).ok_or_else(|| at("what it replaces"))?;
        // An insertion replaces nothing; a deletion and a change of an element replace something.
        let has_to_replace = action == Action::Delete || (matches!(place, Place::Element(_)) && !insert);
        if insert && !replaces.is_empty() || has_to_replace && (insert || replaces.is_empty()) {
            return Err(at("what it replaces"));
        }
        operations.push(Operation { object, place, insert, action, replaces });
    }
    if !values.is_empty() || !predecessors.is_used_up() {
        return Err(Refusal::TrailingBytes);
    }
    references.all_used()?;
    Ok(operations)
}

/// What an operation does; reads its value. `None` for what is in none of our documents: counters, tables, marks.
fn action(action: u64, kind: u64, values: &mut Reader<'_>) -> Result<Option<Action>, Refusal> {
    let action = match action {
        0 => Action::MakeMap,
        1 => Action::Set,
        2 => Action::MakeList,
        3 => Action::Delete,
        4 => Action::MakeText,
        _ => return Ok(None),
    };
    let (bytes, kind) = (kind >> 4, kind & 0xf);
    if action != Action::Set && (bytes, kind) != (0, 0) {
        return Ok(None);
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
        6 => {
            let mut text = value.text(bytes)?.chars();
            if let (Some(_), None) = (text.next(), text.next()) {
                return Ok(Some(Action::SetCharacter));
            }
        }
        // bytes
        7 => drop(value.take(bytes)?),
        _ => return Ok(None),
    }
    Ok(value.is_empty().then_some(action))
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

/// Checks what is referred to, and which actors are.
struct References<'a> {
    actors: &'a [Actor],
    used: Vec<bool>,
}

impl References<'_> {
    /// `None` unless it is an operation before `number`, of an actor that the change names.
    fn earlier(&mut self, actor: u64, counter: u64, number: u64) -> Option<Reference> {
        let actor = usize::try_from(actor).ok()?;
        *self.used.get_mut(actor)? = true;
        (0 < counter && counter < number).then_some(Reference { actor, counter })
    }

    /// Those that one operation replaces, in the order Automerge keeps them in, each once.
    fn replaced(&mut self, replaced: Vec<(u64, u64)>, number: u64) -> Option<Vec<Reference>> {
        let replaced: Vec<Reference> =
            replaced.into_iter().map(|(actor, counter)| self.earlier(actor, counter, number)).collect::<Option<_>>()?;
        let order = |reference: &Reference| (reference.counter, self.actors.get(reference.actor));
        replaced.is_sorted_by(|a, b| order(a) < order(b)).then_some(replaced)
    }

    /// An actor that is named and not used would be gone after the change was stored.
    fn all_used(&self) -> Result<(), Refusal> {
        let unused = self.used.iter().skip(1).any(|used| !used);
        if unused { Err(Refusal::NotCanonical("the list of actors")) } else { Ok(()) }
    }
}
