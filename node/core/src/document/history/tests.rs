//! Limits of a history, and that going back leaves nothing behind.

use super::*;
use crate::document::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use crate::document::limits::{CHANGE_OPERATIONS_MAX, DEPTH_MAX};
use crate::document::scan::scan;
use crate::document::testing::{Key, Parts, Row, columns};

fn genesis() -> ScannedChange {
    scan(PAGE_GENESIS.to_vec(), GENESIS_ACTOR).unwrap()
}

fn scanned(parts: &Parts) -> ScannedChange {
    scan(parts.chunk(), Actor::from_bytes(parts.actor.as_slice().try_into().unwrap())).unwrap()
}

/// One operation on a key of the root map.
fn on_key(key: &str) -> Row {
    Row {
        object: None,
        key: Key::Text(key.into()),
        insert: false,
        action: 1,
        value: (0, Vec::new()),
        replaced: Vec::new(),
    }
}

/// A chain of changes by one actor, each with `operations` operations.
struct Writer {
    history: History,
    last: ChangeHash,
    next_operation: u64,
    sequence: u64,
}

impl Writer {
    fn new() -> Self {
        Self { history: History::begin(&genesis()), last: genesis().hash(), next_operation: 3, sequence: 1 }
    }

    fn next(&self, rows: &[Row]) -> ScannedChange {
        scanned(&Parts::settings(Actor::from_bytes([1; 16]), self.last, self.next_operation, 1).with(|parts| {
            parts.sequence = self.sequence;
            parts.columns = columns(rows);
        }))
    }

    fn write(&mut self, rows: &[Row]) -> Result<(), Obstacle> {
        let change = self.next(rows);
        let fit = self.history.check(&change)?;
        self.history.insert(&change, fit);
        self.last = change.hash();
        self.next_operation = change.last_operation() + 1;
        self.sequence += 1;
        Ok(())
    }
}

/// Maps inside maps.
fn nested(depth: usize) -> Vec<Row> {
    let row = |level: usize| Row { object: (level > 0).then(|| (0, 2 + level as u64)), action: 0, ..on_key("inner") };
    (0..depth).map(row).collect()
}

#[test]
fn objects_are_nested_only_so_deep() {
    let depth = usize::from(DEPTH_MAX);
    assert_eq!(Writer::new().write(&nested(depth + 1)), Ok(()));
    let too_deep = Refusal::Operation { row: depth + 1, reason: "too deep" };
    assert_eq!(Writer::new().write(&nested(depth + 2)), Err(Obstacle::Refused(too_deep)));
}

#[test]
fn a_text_is_made_of_characters() {
    let in_text = |row: Row| Row { object: Some((1, 2)), key: Key::Head, insert: true, ..row };
    let verdict = |row: Row| {
        let writer = Writer::new();
        let change = Parts::of(writer.next(&[on_key("k")]).bytes()).with(|parts| {
            parts.others = vec![GENESIS_ACTOR.as_bytes().to_vec()];
            parts.columns = columns(&[row]);
        });
        writer.history.check(&scanned(&change)).map(drop)
    };
    let text = |text: &str| Row { value: (6, text.as_bytes().to_vec()), ..in_text(on_key("")) };
    assert_eq!(verdict(text("水")), Ok(()));
    let refused = Err(Obstacle::Refused(Refusal::Operation { row: 0, reason: "its value" }));
    assert_eq!(verdict(text("水位")), refused);
    assert_eq!(verdict(text("")), refused);
    assert_eq!(verdict(in_text(on_key(""))), refused);
    assert_eq!(verdict(Row { action: 0, ..in_text(on_key("")) }), refused);
    assert_eq!(verdict(Row { action: 4, ..in_text(on_key("")) }), refused);
}

#[test]
fn operations_that_cost_nothing_to_send_are_counted() {
    let mut writer = Writer::new();
    let rows = vec![on_key("k"); CHANGE_OPERATIONS_MAX];
    assert!(writer.next(&rows).bytes().len() < 150);
    let limit = DOCUMENT_OPERATIONS_MAX * CEILING_FACTOR;
    // The genesis has two.
    for _ in 0..(limit - 2) / CHANGE_OPERATIONS_MAX {
        writer.write(&rows).unwrap();
    }
    let left = (limit - 2) % CHANGE_OPERATIONS_MAX;
    let excess = Excess { what: "operations", count: limit + 1, limit };
    assert_eq!(writer.write(&rows[..left + 1]), Err(Obstacle::Full(excess)));
    assert_eq!(writer.write(&rows[..left]), Ok(()));
}

#[test]
fn changes_are_counted() {
    let mut writer = Writer::new();
    let limit = DOCUMENT_CHANGES_MAX * CEILING_FACTOR;
    for _ in 1..limit {
        writer.write(&[on_key("k")]).unwrap();
    }
    assert_eq!(writer.history.len(), limit);
    let excess = Excess { what: "changes", count: limit + 1, limit };
    assert_eq!(writer.write(&[on_key("k")]), Err(Obstacle::Full(excess)));
}

#[test]
fn going_back_leaves_nothing_behind() {
    let mut writer = Writer::new();
    writer.write(&[on_key("k")]).unwrap();
    let before = writer.history.clone();
    let mark = writer.history.mark();
    let change = writer.next(&[on_key("k")]);
    for number in 2..40u8 {
        let other = scanned(&Parts::settings(Actor::from_bytes([number; 16]), genesis().hash(), 3, 2));
        let fit = writer.history.check(&other).unwrap();
        writer.history.insert(&other, fit);
    }
    writer.write(&[on_key("k")]).unwrap();
    writer.history.roll_back(mark);
    assert_eq!(writer.history.heads(), before.heads());
    assert_eq!(writer.history.places, before.places);
    assert_eq!(writer.history.actors, before.actors);
    assert_eq!(writer.history.written, before.written);
    assert_eq!((writer.history.len(), writer.history.operations), (before.len(), before.operations));
    assert!(writer.history.check(&change).is_ok());
}
