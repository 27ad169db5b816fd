//! What gets in, what waits, and what is kept out without a trace.

use std::time::Instant;

use automerge::transaction::Transactable;
use automerge::{ObjType, ROOT, ReadDoc};
use proptest::prelude::*;

use super::*;
use crate::document::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use crate::document::limits::{CHANGE_OPERATIONS_MAX, DOCUMENT_ACTORS_MAX};
use crate::document::testing::{Parts, chunk, content, length_prefixed, put_signed, put_unsigned, vectors};

mod lies;
mod size;

/// Everything in a document, so that any difference between two is seen.
#[derive(Debug, Clone, PartialEq)]
struct Everything {
    value: Option<automerge::hydrate::Value>,
    items: usize,
}

/// Keys at which this reading goes wrong.
const PANICS: &str = "panics";
const FAILS: &str = "fails";

impl Reading for Everything {
    fn of(document: &Automerge) -> Result<Self, AutomergeError> {
        assert!(document.get(ROOT, PANICS)?.is_none(), "a panic on purpose");
        if document.get(ROOT, FAILS)?.is_some() {
            return Err(AutomergeError::InvalidObjId("on purpose".into()));
        }
        Ok(Self { value: Some(document.hydrate(None)), items: document.length(ROOT) })
    }
    fn items(&self) -> usize {
        self.items
    }
}

type Page = Gate<Everything>;

fn page() -> Page {
    Gate::open(PAGE_GENESIS, GENESIS_ACTOR, Everything { value: None, items: 0 })
}

fn genesis() -> ChangeHash {
    *page().history().heads().first().unwrap()
}

fn actor(number: u8) -> Actor {
    Actor::from_bytes([number; 16])
}

fn scanned(parts: &Parts) -> ScannedChange {
    let writer = Actor::from_bytes(parts.actor.as_slice().try_into().unwrap());
    scan(parts.chunk(), writer).unwrap()
}

/// A first change of an actor on top of the genesis, as it should be.
fn settings(number: u8, count: usize) -> Parts {
    Parts::settings(actor(number), genesis(), 3, count)
}

fn verdict(page: &mut Page, change: ScannedChange) -> Verdict {
    let hash = change.hash();
    page.admit(vec![change]).remove(&hash).unwrap()
}

fn state(page: &Page) -> (BTreeSet<ChangeHash>, Everything) {
    (page.history().heads().clone(), page.reading().clone())
}

#[test]
fn a_good_change_gets_in_once() {
    let mut page = page();
    let change = scanned(&settings(1, 3));
    assert_eq!(verdict(&mut page, change.clone()), Verdict::Applied);
    assert_eq!(page.reading().items(), 5);
    assert_eq!(verdict(&mut page, change), Verdict::Known);
}

#[test]
fn the_vectors_never_get_in() {
    let mut page = page();
    page.admit(vec![scanned(&settings(1, 3))]);
    let before = state(&page);
    for (name, bytes) in vectors() {
        let parts = (bytes[8] == 1).then(|| Parts::of(&bytes));
        let fitted = parts.map(|parts| {
            parts.with(|parts| {
                parts.actor = actor(2).as_bytes().to_vec();
                parts.dependencies = vec![*genesis().as_bytes()];
                parts.first_operation = 3;
            })
        });
        let chunks = [Some(bytes.clone()), Some(chunk(1, content(&bytes))), fitted.map(|parts| parts.chunk())];
        for bytes in chunks.into_iter().flatten() {
            if let Ok(change) = scan(bytes, actor(2)) {
                assert!(matches!(verdict(&mut page, change), Verdict::Refused(_)), "{name}");
            }
        }
        assert_eq!(state(&page), before, "{name}");
    }
}

/// A change that sets one key of the root map.
fn setting(number: u8, key: &str) -> ScannedChange {
    let key = [vec![0x7f], length_prefixed(key.as_bytes())].concat();
    scanned(&settings(number, 1).with(|parts| *parts.column(0x15) = key))
}

#[test]
fn a_panic_inside_is_contained_and_the_others_get_in() {
    let mut page = page();
    let bad = [setting(1, PANICS), setting(2, FAILS)];
    let before = state(&page);
    for change in &bad {
        let verdict = verdict(&mut page, change.clone());
        assert!(matches!(&verdict, Verdict::Quarantined { why } if why.contains("on purpose")), "{verdict:?}");
        assert_eq!(state(&page), before);
    }
    let mut changes: Vec<ScannedChange> = (10..110).map(|number| scanned(&settings(number, 2))).collect();
    changes.extend(bad.clone());
    let verdicts = page.admit(changes);
    let quarantined = |change: &ScannedChange| matches!(verdicts[&change.hash()], Verdict::Quarantined { .. });
    assert!(bad.iter().all(quarantined));
    assert_eq!(verdicts.values().filter(|verdict| **verdict == Verdict::Applied).count(), 100);
    assert_eq!(page.history().heads().len(), 100);
}

#[test]
fn what_builds_on_a_quarantined_change_waits() {
    let mut page = page();
    let bad = setting(2, PANICS);
    let next = scanned(&Parts::settings(actor(3), bad.hash(), 4, 1));
    let after = scanned(&Parts::settings(actor(4), next.hash(), 5, 1));
    let verdicts = page.admit(vec![after.clone(), next.clone(), bad.clone()]);
    assert!(matches!(verdicts[&bad.hash()], Verdict::Quarantined { .. }));
    assert_eq!(verdicts[&next.hash()], Verdict::Waiting { missing: vec![bad.hash()] });
    assert_eq!(verdicts[&after.hash()], Verdict::Waiting { missing: vec![next.hash()] });
}

#[test]
fn what_automerge_cannot_take_is_contained_also_without_the_checks_before() {
    let page = page();
    let mut contained = 0;
    // The others of the vectors are what only the scan can stop: chunks that abort, hang or claim billions.
    for (name, bytes) in vectors() {
        if bytes[8] != 1 || name.starts_with("rle") {
            continue;
        }
        let change = ScannedChange::unchecked(bytes);
        let heads = page.history().heads().iter().copied().chain([change.hash()]).collect();
        let settled: Result<Settled<Everything>, Failure> = settle_with(&page.document, &[&change], &heads);
        let Err(failure) = settled else { panic!("{name} got in") };
        println!("{name}: {}", failure.why());
        contained += 1;
    }
    assert_eq!(contained, 10);
}

#[test]
fn a_change_fits_onto_what_it_builds_on() {
    let mut page = page();
    let first = scanned(&settings(1, 2));
    page.admit(vec![first.clone()]);
    let other = scanned(&settings(2, 4));
    page.admit(vec![other.clone()]);
    let before = state(&page);
    let next = |parts: fn(&mut Parts)| Parts::settings(actor(3), first.hash(), 5, 1).with(parts);
    let refused = |parts: Parts| {
        let mut page = page.clone();
        let verdict = verdict(&mut page, scanned(&parts));
        assert_eq!(state(&page), before);
        verdict
    };
    assert_eq!(refused(next(|it| it.dependencies.clear())), Verdict::Refused(Refusal::Rootless));
    assert_eq!(refused(next(|it| it.sequence = 17)), Verdict::Refused(Refusal::Sequence));
    assert_eq!(refused(next(|it| it.first_operation = 4)), Verdict::Refused(Refusal::Numbering));
    assert_eq!(refused(next(|it| it.first_operation = 6)), Verdict::Refused(Refusal::Numbering));
    let missing = vec![ChangeHash::from_bytes([9; 32])];
    assert_eq!(refused(next(|it| it.dependencies = vec![[9; 32]])), Verdict::Waiting { missing });
    assert_eq!(verdict(&mut page.clone(), scanned(&next(|_| {}))), Verdict::Applied);
    // A second change of an actor names its first.
    let second =
        |parts: fn(&mut Parts)| Parts::settings(actor(1), first.hash(), 5, 1).with(|it| it.sequence = 2).with(parts);
    assert_eq!(verdict(&mut page.clone(), scanned(&second(|_| {}))), Verdict::Applied);
    let beside = second(|_| {}).with(|it| {
        it.dependencies = vec![*other.hash().as_bytes()];
        it.first_operation = 7;
    });
    assert_eq!(refused(beside), Verdict::Refused(Refusal::Sequence));
    // A change that replaces what another wrote, with and without building on it.
    let replacing = |dependency: ChangeHash, first: u64| {
        Parts::settings(actor(3), dependency, first, 1).with(|it| {
            it.others = vec![actor(2).as_bytes().to_vec()];
            *it.column(0x15) = [put_signed(-1), vec![2], b"k0".to_vec()].concat();
            *it.column(0x70) = vec![0x7f, 1];
            *it.column(0x71) = vec![0x7f, 1];
            *it.column(0x73) = vec![0x7f, 3];
        })
    };
    assert_eq!(verdict(&mut page.clone(), scanned(&replacing(other.hash(), 7))), Verdict::Applied);
    assert_eq!(
        refused(replacing(first.hash(), 5)),
        Verdict::Refused(Refusal::Operation { row: 0, reason: "what it replaces" })
    );
}

#[test]
fn two_changes_with_one_number_are_a_fork_and_the_log_decides() {
    let (one, two) = (scanned(&settings(1, 1)), scanned(&settings(1, 2)));
    let after_one = scanned(&Parts::settings(actor(2), one.hash(), 4, 1));
    let after_two = scanned(&Parts::settings(actor(3), two.hash(), 5, 1));
    let all = [one.clone(), two.clone(), after_one, after_two];
    let mut incremental = page();
    assert_eq!(verdict(&mut incremental, one.clone()), Verdict::Applied);
    assert_eq!(verdict(&mut incremental, two.clone()), Verdict::Forked);
    let rebuilt = |order: &[usize]| {
        let mut page = page();
        page.admit(order.iter().map(|index| all[*index].clone()).collect());
        state(&page)
    };
    assert_eq!(rebuilt(&[0, 1, 2, 3]), rebuilt(&[3, 2, 1, 0]));
    let kept = if one.hash() < two.hash() { 0 } else { 1 };
    assert_eq!(rebuilt(&[0, 1, 2, 3]), rebuilt(&[kept, kept + 2]));
}

#[test]
fn a_document_grows_to_its_ceiling_and_no_further() {
    let mut page = page();
    // 2,000 keys a change: the third is beyond twice the limit of items.
    let keys = |number: u8, dependency: ChangeHash, first: u64| {
        scanned(&Parts::settings(actor(number), dependency, first, 1_998).with(|parts| {
            let keys = (0..1_998).flat_map(|row| {
                let key = format!("{number}-{row}");
                [put_unsigned(key.len() as u64), key.into_bytes()].concat()
            });
            *parts.column(0x15) = put_signed(-1_998).into_iter().chain(keys).collect();
        }))
    };
    let first = keys(1, genesis(), 3);
    let second = keys(2, first.hash(), 2_001);
    let third = keys(3, second.hash(), 3_999);
    let verdicts = page.admit(vec![first.clone(), second.clone(), third.clone()]);
    assert_eq!(verdicts[&first.hash()], Verdict::Applied);
    assert_eq!(verdicts[&second.hash()], Verdict::Applied);
    assert_eq!(verdicts[&third.hash()], Verdict::Full(Excess { what: "items", count: 5_996, limit: 4_000 }));
    assert_eq!(page.reading().items(), 3_998);
}

#[test]
fn writers_get_in_up_to_the_ceiling() {
    let mut page = page();
    let by = |number: u16| {
        let actor = [[0; 14].as_slice(), &number.to_be_bytes()].concat();
        scanned(&settings(1, 1).with(|parts| parts.actor = actor))
    };
    // The genesis has one.
    let limit = (DOCUMENT_ACTORS_MAX * CEILING_FACTOR) as u16;
    let verdicts = page.admit((1..=limit).map(by).collect());
    assert_eq!(verdicts.values().filter(|verdict| matches!(verdict, Verdict::Full(_))).count(), 1);
    assert_eq!(page.history().len(), usize::from(limit));
}

#[test]
fn a_draft_leaves_the_document_alone() {
    let mut page = page();
    let before = state(&page);
    let draft = page.draft(actor(1), |transaction| transaction.put(ROOT, "key", 7)).unwrap().unwrap();
    assert_eq!(state(&page), before);
    assert!(page.draft(actor(1), |_| Ok(())).unwrap().is_none());
    assert_eq!(page.accept(draft.clone()), Verdict::Applied);
    assert_eq!(page.accept(draft), Verdict::Known);
}

#[test]
fn a_draft_that_others_would_refuse_is_not_made() {
    let page = page();
    let counter = |transaction: &mut Transaction<'_>| transaction.put(ROOT, "key", automerge::ScalarValue::counter(1));
    assert!(matches!(page.draft(actor(1), counter), Err(DraftError::TooLarge(Refusal::Operation { .. }))));
    let many = |transaction: &mut Transaction<'_>| {
        (0..=CHANGE_OPERATIONS_MAX).try_for_each(|key| transaction.put(ROOT, format!("{key}"), 1))
    };
    assert!(matches!(page.draft(actor(1), many), Err(DraftError::TooLarge(_))));
    let failing = |_: &mut Transaction<'_>| -> Result<(), AutomergeError> { panic!("an edit that panics") };
    assert!(matches!(page.draft(actor(1), failing), Err(DraftError::Unreadable(why)) if why.contains("panics")));
}

/// A made-up document of three writers: texts, lists and maps, cut and merged.
fn made_up(steps: &[(usize, usize, u8)]) -> (Vec<ScannedChange>, Page) {
    let mut pages = [page(), page(), page()];
    let mut changes: Vec<ScannedChange> = Vec::new();
    for (writer, other, what) in steps {
        if writer == other {
            pages[*writer].admit(changes.clone());
        }
        let page = &mut pages[*writer];
        let write = |transaction: &mut Transaction<'_>| {
            let topic = transaction.get(ROOT, "topic")?.unwrap().1;
            let length = transaction.length(&topic);
            let key = format!("key {}", what % 5);
            match what % 7 {
                0 => transaction.splice_text(&topic, length / 2, 0, "水位")?,
                1 => transaction.splice_text(&topic, 0, (length / 2) as isize, "道")?,
                2 => drop(transaction.put_object(ROOT, &key, ObjType::List)?),
                3 => drop(transaction.put_object(ROOT, &key, ObjType::Map)?),
                4 => transaction.put(ROOT, &key, i64::from(*what))?,
                5 => match transaction.get(ROOT, &key)? {
                    Some((automerge::Value::Object(ObjType::List), list)) => {
                        let length = transaction.length(&list);
                        transaction.insert(&list, length / 2, f64::from(*what))?;
                        transaction.insert(&list, 0, vec![1u8, 2])?;
                    }
                    Some((automerge::Value::Object(ObjType::Map), map)) => transaction.put(&map, "inner", ())?,
                    _ => {}
                },
                _ => transaction.delete(ROOT, &key).or_else(|_| transaction.put(ROOT, &key, "x"))?,
            }
            Ok(())
        };
        if let Some(draft) = page.draft(actor(*writer as u8 + 1), write).unwrap() {
            changes.push(draft.change.clone());
            assert_eq!(page.accept(draft), Verdict::Applied);
        }
    }
    let mut all = pages[0].clone();
    all.admit(changes.clone());
    (changes, all)
}

fn steps() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    proptest::collection::vec((0..3usize, 0..3usize, any::<u8>()), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_order_and_batching_the_document_is_the_same(
        steps in steps(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
        size in 1usize..10,
    ) {
        let (changes, all) = made_up(&steps);
        prop_assert_eq!(all.history().len(), changes.len() + 1);
        let mut shuffled = changes.clone();
        for index in order {
            if !shuffled.is_empty() {
                let change = shuffled.remove(index.index(shuffled.len()));
                shuffled.push(change);
            }
        }
        let mut page = page();
        for _ in 0..changes.len() {
            for batch in shuffled.chunks(size) {
                page.admit(batch.to_vec());
            }
        }
        prop_assert_eq!(state(&page), state(&all));
    }
}

/// What the gate costs, for small and large documents. Prints figures.
#[test]
fn figures() {
    let started = Instant::now();
    let mut page = page();
    println!("a new page: {} µs", started.elapsed().as_micros());
    let mut changes: Vec<ScannedChange> = Vec::new();
    let started = Instant::now();
    for number in 0..100u32 {
        let write = |transaction: &mut Transaction<'_>| {
            let topic = transaction.get(ROOT, "topic")?.unwrap().1;
            transaction.splice_text(&topic, (number / 2) as usize, 0, "水")
        };
        let draft = page.draft(actor((number % 4) as u8 + 1), write).unwrap().unwrap();
        changes.push(draft.change.clone());
        page.accept(draft);
    }
    println!("one edit of a small page: {} µs", started.elapsed().as_micros() / 100);
    let started = Instant::now();
    let mut rebuilt = super::tests::page();
    rebuilt.admit(changes.clone());
    println!("building it from 100 changes: {} µs", started.elapsed().as_micros());
    assert_eq!(state(&rebuilt), state(&page));
    let started = Instant::now();
    let mut one_by_one = super::tests::page();
    for change in &changes {
        one_by_one.admit(vec![change.clone()]);
    }
    println!("taking in one change: {} µs", started.elapsed().as_micros() / 100);
    let largest = scanned(&settings(9, CHANGE_OPERATIONS_MAX - 500));
    let started = Instant::now();
    println!("the largest change: {:?}, {} µs", verdict(&mut page, largest), started.elapsed().as_micros());
}
