//! Well-formed changes that no Automerge would have made: what they mean must not depend on what came first.

use automerge::ROOT;
use automerge::transaction::{Transactable, Transaction};
use proptest::prelude::*;

use super::{actor, made_up, page, scanned, state, steps};
use crate::document::actor::Actor;
use crate::document::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use crate::document::scan::{Action, Operation, Place, Reference, ScannedChange, scan};
use crate::document::testing::{Key, Parts, Row, columns};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A lie gets in everywhere or nowhere, and where it does the document is the same whatever came first.
    #[test]
    fn a_lie_means_the_same_everywhere(
        steps in steps(),
        below in any::<prop::sample::Index>(),
        picks in proptest::collection::vec(any::<[u8; 6]>(), 1..5),
        after in any::<prop::sample::Index>(),
    ) {
        let (mut changes, _) = made_up(&steps);
        if changes.is_empty() {
            return Ok(());
        }
        let lie = lie(&changes, below.index(changes.len()), &picks);
        // Honest writers go on above it, if they can.
        let mut above = page();
        above.admit(changes.clone());
        above.admit(vec![lie.clone()]);
        let write = |transaction: &mut Transaction<'_>| {
            transaction.put(ROOT, "key 1", "above")?;
            transaction.delete(ROOT, "key 2")
        };
        let above = above.draft(actor(8), write).ok().flatten();
        changes.insert(after.index(changes.len()), lie.clone());
        changes.extend(above.map(|draft| draft.change));

        let mut together = page();
        let verdicts = together.admit(changes.clone());
        let mut one_by_one = page();
        let mut backwards = page();
        for _ in 0..changes.len() {
            changes.iter().for_each(|change| drop(one_by_one.admit(vec![change.clone()])));
            changes.iter().rev().for_each(|change| drop(backwards.admit(vec![change.clone()])));
        }
        let verdict = verdicts.get(&lie.hash());
        prop_assert_eq!(state(&together), state(&one_by_one), "{:?}", verdict);
        prop_assert_eq!(state(&together), state(&backwards), "{:?}", verdict);
    }
}

type Id = (Actor, u64);

/// An operation that a lie may refer to.
struct Target {
    id: Id,
    object: Option<Id>,
    /// The key, or the element that was inserted.
    slot: Result<Box<str>, Id>,
    action: Action,
}

/// All operations of the change at `below` and of what it builds on.
fn targets(changes: &[ScannedChange], below: usize) -> Vec<Target> {
    let genesis = scan(PAGE_GENESIS.to_vec(), GENESIS_ACTOR).unwrap();
    let mut past: Vec<&ScannedChange> = Vec::new();
    let mut open = vec![changes[below].hash()];
    while let Some(hash) = open.pop() {
        if let Some(change) = changes.iter().chain([&genesis]).find(|change| change.hash() == hash)
            && !past.iter().any(|seen| seen.hash() == hash)
        {
            open.extend(change.dependencies());
            past.push(change);
        }
    }
    let of = |change: &ScannedChange| {
        let id = |reference: &Reference| (change.actors()[reference.actor], reference.counter);
        let target = |(row, operation): (usize, &Operation)| {
            let own = (change.actor(), change.first_operation() + row as u64);
            let slot = match &operation.place {
                Place::Key(key) => Ok(key.clone()),
                Place::Element(element) if !operation.insert => Err(id(element)),
                _ => Err(own),
            };
            Target { id: own, object: operation.object.as_ref().map(id), slot, action: operation.action }
        };
        change.operations().iter().enumerate().map(target).collect::<Vec<_>>()
    };
    past.into_iter().flat_map(of).collect()
}

/// A change on top of one of `changes`: each operation acts somewhere and replaces some of what is there, or, now and
/// then, something that is not.
fn lie(changes: &[ScannedChange], below: usize, picks: &[[u8; 6]]) -> ScannedChange {
    let below_change = &changes[below];
    let first = below_change.last_operation() + 1;
    let mut targets = targets(changes, below);
    let mut rows: Vec<(Row, Vec<Id>)> = Vec::new();
    for (row, [object, place, action, insert, replaced, garbage]) in picks.iter().enumerate() {
        let pick = |pick: &u8, count: usize| usize::from(*pick) % count.max(1);
        let objects: Vec<&Target> = targets
            .iter()
            .filter(|it| matches!(it.action, Action::MakeMap | Action::MakeList | Action::MakeText))
            .collect();
        let object = objects.get(pick(object, objects.len() + 1));
        let slots: Vec<&Target> = targets.iter().filter(|it| it.object == object.map(|it| it.id)).collect();
        let is_map = object.is_none_or(|object| object.action == Action::MakeMap);
        let at = slots.get(pick(place, slots.len() + 1)).filter(|_| garbage % 16 != 0 || !is_map);
        let insert = !is_map && (at.is_none() || insert % 2 == 0);
        let slot = at.map(|at| at.slot.clone());
        let (key, used) = match &slot {
            Some(Ok(key)) => (Key::Text(key.to_string()), None),
            Some(Err(element)) => (Key::After(0, element.1), Some(element.0)),
            None if is_map => (Key::Text("new".into()), None),
            None => (Key::Head, None),
        };
        let same_slot = |it: &&&Target| Some(&it.slot) == slot.as_ref() && it.action != Action::Delete;
        let mut replaces: Vec<Id> = match insert {
            true => Vec::new(),
            false if garbage % 8 == 1 => vec![targets[pick(replaced, targets.len())].id],
            false => {
                let all = slots.iter().filter(same_slot).enumerate();
                all.filter(|(index, _)| *index == 0 || replaced >> (index % 8) & 1 == 1).map(|(_, it)| it.id).collect()
            }
        };
        if is_map && replaced % 8 == 0 {
            replaces.clear();
        }
        replaces.sort_by_key(|(actor, counter)| (*counter, *actor));
        let is_text = object.is_some_and(|object| object.action == Action::MakeText);
        let actions = [Action::Set, Action::MakeMap, Action::MakeList, Action::MakeText, Action::Delete];
        let action = match (is_text, insert) {
            (true, true) => Action::SetCharacter,
            (true, false) => Action::Delete,
            _ => actions[pick(action, if insert || replaces.is_empty() { 4 } else { 5 })],
        };
        let own = (actor(9), first + row as u64);
        let actors = [object.map(|it| it.id.0), used].into_iter().flatten().map(|actor| (actor, 0));
        let ids = actors.chain(replaces.iter().copied()).collect();
        let (number, value) = match action {
            Action::MakeMap => (0, (0, Vec::new())),
            Action::Set => (1, (4, vec![7])),
            Action::SetCharacter => (1, (6, b"x".to_vec())),
            Action::MakeList => (2, (0, Vec::new())),
            Action::Delete => (3, (0, Vec::new())),
            Action::MakeText => (4, (0, Vec::new())),
        };
        let written = Row {
            object: object.map(|it| (0, it.id.1)),
            key,
            insert,
            action: number,
            value,
            replaced: replaces.iter().map(|(_, counter)| (0, *counter)).collect(),
        };
        let slot = if insert { Err(own) } else { slot.unwrap_or(Ok("new".into())) };
        targets.push(Target { id: own, object: object.map(|it| it.id), slot, action });
        rows.push((written, ids));
    }
    let mut others: Vec<Actor> =
        rows.iter().flat_map(|(_, ids)| ids).map(|id| id.0).filter(|it| *it != actor(9)).collect();
    others.sort();
    others.dedup();
    for (row, ids) in &mut rows {
        let indexes =
            ids.iter().map(|id| others.iter().position(|other| *other == id.0).map_or(0, |index| index as u64 + 1));
        row.actors().into_iter().zip(indexes).for_each(|(actor, index)| *actor = index);
    }
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    scanned(&Parts::settings(actor(9), below_change.hash(), first, 1).with(|parts| {
        parts.columns = columns(&rows);
        parts.others = others.iter().map(|actor| actor.as_bytes().to_vec()).collect();
    }))
}
