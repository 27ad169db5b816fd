//! Good changes pass, everything else is refused, and no bytes bring the scan down.

use std::time::Instant;

use noroshi_sync::id::{EntryId, Epoch, NodeId, RoomId};
use proptest::prelude::*;

use super::*;
use crate::document::genesis::{GENESIS_ACTOR, PAGE_GENESIS};
use crate::document::limits::{CHANGE_OPERATIONS_MAX, CHANGE_PREDECESSORS_MAX, KEY_BYTES_MAX};
use crate::document::testing::{Parts, chunk, content, length_prefixed, put_signed, put_unsigned, vectors};
use crate::document::{PageEdit, RoomPage};

const ROOM: RoomId = RoomId::from_bytes([1; 16]);
const NODE: NodeId = NodeId::from_bytes([1; 32]);
const EPOCH: Epoch = Epoch(1);

fn writer() -> Actor {
    Actor::of(NODE, EPOCH, ROOM)
}

/// Changes of honest edits: texts made, changed and shortened, a name, pins set and taken away, a merge.
fn good_changes() -> Vec<Vec<u8>> {
    let mut page = RoomPage::new(ROOM, NODE, EPOCH);
    let mut other = RoomPage::new(ROOM, NodeId::from_bytes([2; 32]), EPOCH);
    let text = |text: &str| Some(text.to_owned());
    let pins = |pins: &[u8]| Some(pins.iter().map(|pin| EntryId::from_bytes([*pin; 16])).collect());
    let edits = [
        PageEdit {
            name: text("連絡"),
            topic: text("水位"),
            purpose: text("河川の水位を知らせる"),
            pins: pins(&[1, 2, 3]),
        },
        PageEdit { topic: text("水位と道路"), purpose: text("水位を知らせ合う"), ..PageEdit::default() },
        PageEdit { name: text("水防"), pins: pins(&[2]), ..PageEdit::default() },
        PageEdit { purpose: text(""), pins: pins(&[]), ..PageEdit::default() },
    ];
    let mut changes: Vec<Vec<u8>> = Vec::new();
    for edit in edits {
        let pending = page.edit(&edit).unwrap().unwrap();
        changes.push(pending.bytes().to_vec());
        page.commit(pending).unwrap();
        let meanwhile = PageEdit { name: text("別"), topic: text(&changes.len().to_string()), ..PageEdit::default() };
        let pending = other.edit(&meanwhile).unwrap().unwrap();
        page.apply(&[(NodeId::from_bytes([2; 32]), EPOCH, pending.bytes().to_vec())]);
        other.commit(pending).unwrap();
        other.apply(&[(NODE, EPOCH, changes.last().unwrap().clone())]);
    }
    changes
}

/// A change with `count` operations that passes.
fn settings(count: usize) -> Parts {
    Parts::settings(writer(), ChangeHash::from_bytes([7; 32]), 3, count)
}

fn verdict(parts: &Parts) -> Result<(), Refusal> {
    scan(parts.chunk(), writer()).map(drop)
}

#[test]
fn good_changes_pass_as_they_are() {
    scan(PAGE_GENESIS.to_vec(), GENESIS_ACTOR).unwrap();
    for (number, bytes) in good_changes().into_iter().enumerate() {
        let change = scan(bytes.clone(), writer()).unwrap();
        assert_eq!(change.sequence(), number as u64 + 1);
        assert_eq!(Parts::of(&bytes).chunk(), bytes);
        let decoded = automerge::Change::from_bytes(bytes).unwrap();
        assert_eq!(ChangeHash::from(decoded.hash()), change.hash());
        assert_eq!(decoded.max_op(), change.last_operation());
    }
    assert_eq!(verdict(&settings(1)), Ok(()));
    assert_eq!(verdict(&settings(2)), Ok(()));
}

#[test]
fn every_vector_is_refused_for_what_it_is() {
    for (name, bytes) in vectors() {
        let started = Instant::now();
        let refusal = scan(bytes.clone(), writer()).unwrap_err();
        println!("{name}: {refusal} ({} µs)", started.elapsed().as_micros());
        match name.split('_').next().unwrap() {
            "doc" | "abort" => assert_eq!(refusal, Refusal::ChunkType(0), "{name}"),
            "hang" => assert_eq!(refusal, Refusal::ChunkType(3), "{name}"),
            "badsave" | "panic" | "change" | "rle.chg" | "rle2.chg" => {
                assert_eq!(refusal, Refusal::WrongActor, "{name}");
            }
            _ => panic!("{name} is new"),
        }
    }
}

#[test]
fn the_vectors_are_refused_also_when_their_envelope_is_right() {
    for (name, bytes) in vectors() {
        let wrapped = match bytes[8] {
            1 => Parts::of(&bytes)
                .with(|parts| {
                    parts.actor = writer().as_bytes().to_vec();
                    parts.dependencies = vec![[7; 32]];
                })
                .chunk(),
            _ => chunk(1, content(&bytes)),
        };
        let verdict = scan(wrapped, writer());
        println!("{name}: {verdict:?}");
        // Two are well formed and say that they are the 24th and 17th of their actor: the history knows better.
        let sequence = match name.as_str() {
            "panic_inc_59369_2112" => Some(24),
            "change_panic_2.bin" => Some(17),
            _ => None,
        };
        assert_eq!(verdict.map(|change| change.sequence()).ok(), sequence, "{name}");
    }
}

#[test]
fn a_chunk_ends_where_it_says() {
    for good in good_changes() {
        for length in 0..good.len() {
            assert!(scan(good[..length].to_vec(), writer()).is_err(), "{length} bytes");
        }
        assert_eq!(scan([&good[..], &[0]].concat(), writer()), Err(Refusal::TrailingBytes));
        assert_eq!(scan([&good[..], &good[..]].concat(), writer()), Err(Refusal::TrailingBytes));
    }
    assert_eq!(verdict(&settings(2).with(|parts| parts.extra = vec![1, 0])), Err(Refusal::TrailingBytes));
}

#[test]
fn a_flipped_bit_breaks_the_checksum() {
    let good = settings(2).chunk();
    for at in 4..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(scan(bytes, writer()).is_err(), "byte {at}");
    }
    let mut bytes = good;
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(scan(bytes, writer()), Err(Refusal::Checksum));
}

#[test]
fn other_chunks_than_plain_changes_are_not_opened() {
    for chunk_type in [0, 2, 3, 4, 255] {
        let parts = settings(2).with(|parts| parts.chunk_type = chunk_type);
        assert_eq!(verdict(&parts), Err(Refusal::ChunkType(chunk_type)));
    }
    assert_eq!(scan(b"noroshi, not automerge".to_vec(), writer()), Err(Refusal::NotAChunk));
}

#[test]
fn a_change_belongs_to_the_run_that_brought_it() {
    let bytes = settings(2).chunk();
    assert_eq!(scan(bytes, Actor::of(NODE, Epoch(2), ROOM)), Err(Refusal::WrongActor));
    assert_eq!(verdict(&settings(2).with(|parts| parts.actor = vec![1; 4])), Err(Refusal::WrongActor));
    assert_eq!(verdict(&settings(2).with(|parts| parts.actor = Vec::new())), Err(Refusal::WrongActor));
}

#[test]
fn numbers_and_times_have_a_range() {
    let time = |time| verdict(&settings(2).with(|parts| parts.time = time));
    let year_2100 = TIME_MS_MAX as i64;
    assert_eq!((time(0), time(year_2100)), (Ok(()), Ok(())));
    for bad in [-1, year_2100 + 1, i64::MIN, i64::MAX] {
        assert_eq!(time(bad), Err(Refusal::OutOfRange("the time")), "{bad}");
    }
    let sequence = |sequence| verdict(&settings(2).with(|parts| parts.sequence = sequence));
    let first = |first| verdict(&settings(2).with(|parts| parts.first_operation = first));
    let most = u64::from(u32::MAX);
    assert_eq!((sequence(1), sequence(most)), (Ok(()), Ok(())));
    assert_eq!((first(1), first(most - 2)), (Ok(()), Ok(())));
    for bad in [0, most + 1, u64::MAX] {
        assert_eq!(sequence(bad), Err(Refusal::OutOfRange("the sequence")));
        assert_eq!(first(bad), Err(Refusal::OutOfRange("the first operation")));
    }
    assert_eq!(first(most - 1), Err(Refusal::OutOfRange("the last operation")));
}

#[test]
fn the_largest_change_is_60_kib() {
    let with_key = |bytes: usize| {
        settings(1).with(|parts| {
            // One text value as large as it takes.
            let kind = put_unsigned((bytes as u64) << 4 | 6);
            *parts.column(0x56) = [put_signed(-1), kind].concat();
            *parts.column(0x57) = vec![b'a'; bytes];
        })
    };
    let envelope = with_key(60_000).chunk().len() - 60_000;
    assert_eq!(verdict(&with_key(CHANGE_BYTES_MAX - envelope)), Ok(()));
    let over = Refusal::TooLarge { bytes: CHANGE_BYTES_MAX + 1, limit: CHANGE_BYTES_MAX };
    assert_eq!(verdict(&with_key(CHANGE_BYTES_MAX - envelope + 1)), Err(over));
}

#[test]
fn counts_have_limits() {
    let too_many = |what, count: usize, limit| Err(Refusal::TooMany { what, count: count as u64, limit });
    let dependencies = |count: u64| {
        let hash = |number: u64| [[0; 24].as_slice(), &number.to_be_bytes()].concat().try_into().unwrap();
        verdict(&settings(2).with(|parts| parts.dependencies = (0..count).map(hash).collect()))
    };
    assert_eq!(dependencies(512), Ok(()));
    assert_eq!(dependencies(513), too_many("dependencies", 513, CHANGE_DEPENDENCIES_MAX));
    let message = |bytes: usize| verdict(&settings(2).with(|parts| parts.message = vec![b'm'; bytes]));
    assert_eq!(message(256), Ok(()));
    assert_eq!(message(257), too_many("bytes of a message", 257, CHANGE_MESSAGE_BYTES_MAX));
    let key = |bytes: usize| {
        let key = [put_signed(-1), length_prefixed(&vec![b'k'; bytes])].concat();
        verdict(&settings(1).with(|parts| *parts.column(0x15) = key))
    };
    assert_eq!(key(256), Ok(()));
    assert_eq!(key(257), too_many("bytes of a key", 257, KEY_BYTES_MAX));
    assert_eq!(key(0), Err(Refusal::OutOfRange("a key")));
}

/// A change that replaces `count` operations of another actor's, all by its first operation.
fn replacing(count: usize) -> Parts {
    settings(2).with(|parts| {
        parts.others = vec![vec![9; 16]];
        parts.first_operation = 20_000;
        *parts.column(0x70) = [put_signed(-2), put_unsigned(count as u64), vec![0]].concat();
        *parts.column(0x71) = [put_signed(count as i64), vec![1]].concat();
        *parts.column(0x73) = [put_signed(count as i64), vec![1]].concat();
    })
}

#[test]
fn operations_and_what_they_replace_have_limits() {
    let inserting = |count: usize| {
        // A run for each column: 8,192 operations in a hundred bytes.
        let run = |value: &[u8]| [put_signed(count as i64), value.to_vec()].concat();
        settings(1).with(|parts| {
            parts.columns = vec![
                (0x15, run(&length_prefixed(b"same"))),
                (0x34, put_unsigned(count as u64)),
                (0x42, run(&[1])),
                (0x56, run(&[2])),
                (0x70, run(&[0])),
            ];
        })
    };
    assert_eq!(verdict(&inserting(CHANGE_OPERATIONS_MAX)), Ok(()));
    for count in [CHANGE_OPERATIONS_MAX + 1, 100_000, 1 << 40] {
        let parts = inserting(count);
        assert!(parts.chunk().len() < 150);
        assert!(matches!(verdict(&parts), Err(Refusal::TooMany { what: "rows", .. })), "{count}");
    }
    assert_eq!(verdict(&replacing(CHANGE_PREDECESSORS_MAX)), Ok(()));
    let over = CHANGE_PREDECESSORS_MAX + 1;
    assert!(matches!(verdict(&replacing(over)), Err(Refusal::TooMany { what: "rows", .. })));
}

#[test]
fn actors_are_named_once_in_order_and_used() {
    let naming = |actors: Vec<u8>| {
        let count = actors.len() as u64;
        settings(2).with(|parts| {
            parts.first_operation = 20_000;
            parts.others = actors.iter().map(|actor| vec![*actor; 16]).collect();
            // The first operation replaces one of each.
            *parts.column(0x70) = [put_signed(-2), put_unsigned(count), vec![0]].concat();
            let indexes: Vec<u8> = (1..=actors.len() as u8).collect();
            *parts.column(0x71) = [put_signed(-(count as i64)), indexes].concat();
            *parts.column(0x73) = [put_signed(count as i64), vec![1]].concat();
        })
    };
    assert_eq!(verdict(&naming(vec![1, 2, 3])), Ok(()));
    let not_canonical = Err(Refusal::NotCanonical("the list of actors"));
    assert_eq!(verdict(&naming(vec![2, 1])), not_canonical);
    assert_eq!(verdict(&naming(vec![2, 2])), not_canonical);
    assert_eq!(verdict(&naming(vec![1, 2]).with(|parts| parts.others.push(vec![3; 16]))), not_canonical);
    assert_eq!(verdict(&settings(2).with(|parts| parts.others = vec![parts.actor.clone()])), not_canonical);
    assert_eq!(verdict(&settings(2).with(|parts| parts.others = vec![vec![1; 15]])), Err(Refusal::WrongActor));
    let too_many = settings(2).with(|parts| {
        parts.others = (0..513u16).map(|actor| [[0; 14].as_slice(), &actor.to_be_bytes()].concat()).collect();
    });
    assert!(matches!(verdict(&too_many), Err(Refusal::TooMany { what: "actors", count: 513, .. })));
}

#[test]
fn columns_are_known_in_order_and_not_compressed() {
    let column =
        |specification, bytes: Vec<u8>| verdict(&settings(2).with(|parts| parts.columns.push((specification, bytes))));
    // Marks, compressed columns, unknown columns, a column twice, one out of order, an empty one.
    for specification in [0x94, 0xa5, 0x7a, 0x1234, 0x70, 0x42] {
        assert_eq!(column(specification, vec![2, 0]), Err(Refusal::Column(specification)));
    }
    assert_eq!(column(0x71, Vec::new()), Err(Refusal::Column(0x71)));
    assert!(matches!(verdict(&settings(2).with(|parts| drop(parts.columns.pop()))), Err(Refusal::Rows)));
}

#[test]
fn operations_are_of_the_kinds_our_documents_use() {
    let with = |column: u64, bytes: &[u8]| verdict(&settings(1).with(|parts| *parts.column(column) = bytes.to_vec()));
    let operation = |reason| Err(Refusal::Operation { row: 0, reason });
    for action in [5, 6, 7, 8, 100] {
        assert_eq!(with(0x42, &[0x7f, action]), operation("its action or value"), "{action}");
    }
    // An object or a deletion with a value.
    for action in [0, 2, 3, 4] {
        assert_eq!(with(0x42, &[0x7f, action]), operation("its action or value"), "{action}");
    }
    // Counter, and kinds that do not exist.
    for kind in [8, 10, 15] {
        assert_eq!(with(0x56, &[0x7f, kind]), operation("its action or value"), "{kind}");
    }
    // true with a length; a text longer than the column; bytes that belong to no value.
    assert_eq!(with(0x56, &[0x7f, 0x12]), Err(Refusal::Truncated));
    assert_eq!(with(0x56, &[0x7f, 0x26]), Err(Refusal::Truncated));
    assert_eq!(with(0x57, b"left over"), Err(Refusal::TrailingBytes));
    // Inserting into the root map; an object without an actor; a place in a list without an object; a key and a place.
    assert_eq!(with(0x34, &[0, 1]), operation("its place"));
    assert_eq!(with(0x02, &[0x7f, 1]), operation("its object"));
    assert_eq!(with(0x13, &[0x7f, 0]), operation("its place"));
    // An object that is its own, one of an actor that is not named, one that comes later.
    for (actor, counter) in [(0, 3), (1, 1), (0, 60)] {
        let own = settings(1).with(|parts| {
            *parts.column(0x01) = vec![0x7f, actor];
            *parts.column(0x02) = vec![0x7f, counter];
        });
        assert_eq!(verdict(&own), operation("its object"));
    }
    // Replacing more than the column has.
    assert_eq!(with(0x70, &[0x7f, 1]), operation("what it replaces"));
    assert_eq!(
        with(0x70, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        operation("what it replaces")
    );
}

#[test]
fn what_is_replaced_is_named_once_in_order() {
    let replacing = |counters: [u8; 3]| {
        settings(2).with(|parts| {
            parts.others = vec![vec![9; 16]];
            parts.first_operation = 100;
            *parts.column(0x70) = vec![0x7e, 2, 0];
            *parts.column(0x71) = vec![2, 1];
            *parts.column(0x73) = counters.to_vec();
        })
    };
    assert_eq!(verdict(&replacing([0x7e, 5, 1])), Ok(()));
    let refused = Err(Refusal::Operation { row: 0, reason: "what it replaces" });
    assert_eq!(verdict(&replacing([0x7e, 5, 0])), refused);
    assert_eq!(verdict(&replacing([0x7e, 5, 0x7f])), refused);
}

#[test]
fn a_scan_takes_microseconds() {
    let small = good_changes().remove(1);
    let largest = settings(CHANGE_OPERATIONS_MAX - 500).chunk();
    for (what, bytes) in
        [("an edit", small), ("the largest change", largest), ("replacing 8,192", replacing(8_192).chunk())]
    {
        let started = Instant::now();
        let rounds = 50;
        for _ in 0..rounds {
            assert!(scan(bytes.clone(), writer()).is_ok());
        }
        println!("scan of {what}, {} bytes: {} µs", bytes.len(), started.elapsed().as_micros() / rounds);
    }
}

/// Good changes and vectors with some bytes changed, the envelope made right again.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = good_changes().iter().map(|good| content(good).to_vec()).collect();
    seeds.extend(vectors().iter().map(|(_, bytes)| content(bytes).to_vec()));
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (proptest::sample::select(seeds), edits).prop_map(|(mut content, edits)| {
        for (at, byte) in edits {
            let at = at.index(content.len());
            content[at] = byte;
        }
        chunk(1, &content)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_bring_the_scan_down(bytes in proptest::collection::vec(any::<u8>(), 0..300), chunk_type: u8) {
        let _ = scan(bytes.clone(), writer());
        let _ = scan(chunk(chunk_type % 4, &bytes), writer());
    }

    #[test]
    fn no_mutation_brings_the_scan_down(bytes in mutated()) {
        let _ = scan(bytes, writer());
    }
}
