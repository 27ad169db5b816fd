//! The encodings that can never change again: recomputes the vectors of docs/protocol.md.
//!
//! `NOROSHI_UPDATE_VECTORS=1 cargo test -p noroshi-sync --test vectors` writes them; a change of a line that has been
//! released is a change of the protocol.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use noroshi_sync::checkpoint::{self, NodeKey};
use noroshi_sync::digest::Digest;
use noroshi_sync::entry::{Draft, Entry, Lane};
use noroshi_sync::frame::{Done, Frame, Held, Hello, Want, short_digest};
use noroshi_sync::frontier::{Frontier, HeldRange, LogState};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, RoomId, StorageId, UserId};
use noroshi_sync::log::{Hash, LogId, chain, entry_hash};
use noroshi_sync::register::{Register, RegisterVersion, register_digest};
use noroshi_sync::store::{Cursor, LogRange};
use noroshi_sync::window::{CheckpointMark, Item, Window};
use noroshi_sync::wire;

fn key(number: u8) -> NodeKey {
    NodeKey::from_seed(&[number; 32]).unwrap()
}

fn log(node: u8) -> LogId {
    LogId::new(RoomId::from_bytes([1; 16]), key(node).node(), Epoch(0x0102_0304_0506_0708), Lane::Normal)
}

fn entry() -> Entry {
    let body = "北支所、停電です".as_bytes().to_vec();
    let (id, auth_ref) = (EntryId::from_bytes([2; 16]), EntryId::from_bytes([5; 16]));
    let (author, device) = (UserId::from_bytes([3; 16]), DeviceId::from_bytes([4; 16]));
    Draft::attested(log(1).room, Lane::Normal, id, 1, author, device, auth_ref, body).into_entry(
        1,
        Hlc::from_parts(1_790_000_000_000, 1),
        1_790_000_000_000,
        None,
    )
}

fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = entry().encode();
    let (genesis, first) = (log(1).genesis(), entry_hash(&bytes));
    let head = chain(genesis, first);
    let signature = checkpoint::sign(&key(1), &log(1), 1, &head);
    let zero = Hash::from_bytes([0; 32]);
    let state = LogState { length: 3, hash: zero, above: vec![HeldRange { first: 6, last: 7, hash: zero }] };
    let frontier: Frontier = [1, 2].map(|node| (log(node), LogState::empty(&log(node)))).into();
    let version = RegisterVersion { start: Hlc::from_parts(1, 0), counter: 1 };
    let register = Register::new(log(1).room, key(1).node(), version, &frontier, vec![1, 2, 3]).sign(&key(1));
    let digest = state.digest(&log(1));
    let branch_digest = LogState { length: 3, hash: zero, above: Vec::new() }.digest(&log(1).branch(2, zero));
    let storage = StorageId::from_bytes([6; 16]);
    let hello = Hello {
        versions: (1, 1),
        node: key(1).node(),
        storage,
        latest_change: 300,
        cursor_i_hold_for_you: Cursor { storage, change: 299 },
        shared: digest,
        ledger: Digest::EMPTY,
        wall_ms: 1_790_000_000_000,
        features: 0,
    };
    let range = LogRange { log: log(1), first: 1, last: 200 };
    let want = Want { request: 1, class: 3, ranges: vec![range], registers: vec![(log(1).room, key(2).node())] };
    let window = Window {
        log: log(1),
        first: 1,
        base: genesis,
        items: vec![Item::Entry(bytes.clone())],
        checkpoints: vec![CheckpointMark { seq: 1, signature }],
    };
    let done = Done { applied: 7, latest_change: 300, shared: digest };
    vec![
        ("node 1", key(1).node().as_bytes().to_vec()),
        ("log bytes", log(1).to_bytes().to_vec()),
        ("entry", bytes),
        ("statement", entry().statement(log(1).room).to_vec()),
        ("h(0)", genesis.as_bytes().to_vec()),
        ("e(1)", first.as_bytes().to_vec()),
        ("h(1)", head.as_bytes().to_vec()),
        ("checkpoint", signature.as_bytes().to_vec()),
        ("window", wire::encode(&window)),
        ("digest line", digest.as_bytes().to_vec()),
        ("digest line + digest line", (digest + digest).as_bytes().to_vec()),
        ("digest branch", branch_digest.as_bytes().to_vec()),
        ("register", wire::encode(&register)),
        ("digest register", register_digest(&register).as_bytes().to_vec()),
        ("short digest, nonce 07…07", short_digest(&[7; 16], &log(1).room, &digest).to_vec()),
        ("frame Hello", Frame::Hello(hello).encode()),
        ("frame Want", Frame::Want(want).encode()),
        ("frame Held", Frame::Held(Held { logs: vec![(log(1), 200), (log(1).branch(2, zero), 3)] }).encode()),
        ("frame Done", Frame::Done(done).encode()),
    ]
}

#[test]
fn the_encodings_are_those_of_the_protocol() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("```vectors\n").unwrap();
    let (written, after) = rest.split_once("```").unwrap();
    let computed: String = vectors()
        .into_iter()
        .map(|(name, bytes)| format!("{name:<28} {}\n", data_encoding::HEXLOWER.encode(&bytes)))
        .collect();
    if std::env::var_os("NOROSHI_UPDATE_VECTORS").is_some() {
        std::fs::write(&path, format!("{before}```vectors\n{computed}```{after}")).unwrap();
        return;
    }
    assert_eq!(written, computed);
}

#[test]
fn a_greeting_is_far_below_400_bytes() {
    let hello = vectors().into_iter().find(|(name, _)| *name == "frame Hello").unwrap();
    assert!(hello.1.len() < 250, "{}", hello.1.len());
}
