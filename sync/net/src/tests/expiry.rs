//! Certificates and clocks over real QUIC: what is exchanged with whom, and how a renewal heals it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::event::{Notice, Now};
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};
use noroshi_sync::store::{Scope, Store, WallClock};

use crate::clock::{Clock, milliseconds};
use crate::link::NetEvent;
use crate::net::SetIdentityError;
use crate::tests::authority::{Authority, Issued, Leaf};
use crate::tests::node::{ROOM, TestNode, config, store};

const LEDGER: RoomId = RoomId::from_bytes([8; 16]);
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Days from today: this machine's clock, and the last mark of headquarters.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    local: i64,
    headquarters: Option<i64>,
}

/// Real but for the days.
struct SetClock {
    clocks: Clocks,
    start: Instant,
    today_ms: i64,
}

impl SetClock {
    fn new(clocks: Clocks) -> Self {
        let today = std::time::UNIX_EPOCH.elapsed().unwrap();
        Self { clocks, start: Instant::now(), today_ms: i64::try_from(today.as_millis()).unwrap() }
    }

    fn day_ms(&self, day: i64) -> u64 {
        u64::try_from((self.today_ms + day * DAY_MS).max(HOUR_MS)).unwrap()
    }
}

impl Clock for SetClock {
    fn now(&self) -> Now {
        let mono_ms = milliseconds(self.start.elapsed());
        Now { mono_ms, wall_ms: self.day_ms(self.clocks.local) + mono_ms }
    }

    fn headquarters_ms(&self) -> Option<u64> {
        self.clocks.headquarters.map(|day| self.day_ms(day))
    }

    fn floor_ms(&self) -> u64 {
        // The program came out half a year ago.
        self.day_ms(-180)
    }
}

const fn clocks(local: i64, headquarters: i64) -> Clocks {
    Clocks { local, headquarters: Some(headquarters) }
}

const RIGHT: Clocks = clocks(0, 0);
/// The clock was never set.
const YEAR_1970: i64 = -40_000;
const YEAR_2035: i64 = 3_300;

fn start(leaf: &Issued, clocks: Clocks) -> TestNode {
    let config = crate::net::Config { clock: Arc::new(SetClock::new(clocks)), ..config(leaf, &[]) };
    TestNode::start_with(config, store(leaf, 1))
}

/// Both may hold the ledger and a room; each writes into both.
async fn share_and_write(nodes: [&TestNode; 2]) {
    let audience: BTreeSet<_> = nodes.iter().map(|node| node.node()).collect();
    for node in nodes {
        {
            let mut store = node.store.lock().unwrap();
            store.set_audience(ROOM, audience.clone());
            store.set_audience(LEDGER, audience.clone());
            store.set_ledger(LEDGER);
        }
        write(node).await;
    }
}

async fn write(node: &TestNode) {
    let latest = {
        let mut store = node.store.lock().unwrap();
        for (room, lane) in [(LEDGER, Lane::Policy), (ROOM, Lane::Policy), (ROOM, Lane::Urgent), (ROOM, Lane::Normal)] {
            let id = EntryId::from_bytes(*uuid::Uuid::now_v7().as_bytes());
            let (author, device) = (UserId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
            let draft = Draft::attested(room, lane, id, 1, author, device, EntryId::NIL, b"message".to_vec());
            store.append(vec![draft], WallClock { now_ms: 1_700_000_000_000, offset_ms: None }).unwrap();
        }
        store.greeting(&node.node()).unwrap().latest_change
    };
    node.net.changed(latest, vec![LEDGER, ROOM]).await.unwrap();
}

fn held(node: &TestNode, room: RoomId) -> usize {
    node.store.lock().unwrap().entries(room).count()
}

async fn until_held(node: &mut TestNode, room: RoomId, count: usize) {
    let store = node.store.clone();
    node.told.until("all entries", move |_| store.lock().unwrap().entries(room).count() == count).await;
}

fn times_in_sync(told: &[NetEvent]) -> usize {
    told.iter().filter(|event| matches!(event, NetEvent::Notice(Notice::InSync { .. }))).count()
}

/// Two nodes meet, one of them with `leaf`, whichever dials; what they exchanged.
async fn exchanged(authority: &Authority, leaf: &Issued, other: Clocks, holder: Clocks, holder_dials: bool) -> Scope {
    let good = authority.issue(Leaf::default());
    let mut here = start(&good, other);
    let mut there = start(leaf, holder);
    share_and_write([&here, &there]).await;
    let (dials, listens) = if holder_dials { (&there, &here) } else { (&here, &there) };
    dials.net.set_candidates(vec![(listens.node(), vec![listens.address().into()])]).await.unwrap();
    // The ledger always.
    until_held(&mut here, LEDGER, 2).await;
    until_held(&mut there, LEDGER, 2).await;
    let scope = here.net.connections()[0].scope;
    assert_eq!(there.net.connections()[0].scope, scope, "both sides go equally far");
    here.told.until("in sync", |told| times_in_sync(told) > 0).await;
    there.told.until("in sync", |told| times_in_sync(told) > 0).await;
    if scope == Scope::LedgerOnly {
        assert_eq!((held(&here, ROOM), held(&there, ROOM)), (3, 3), "nothing but the ledger");
        // What is written while the session runs does not slip through either.
        let before = there.told.all().len();
        write(&here).await;
        until_held(&mut there, LEDGER, 3).await;
        there.told.until("in sync again", move |told| times_in_sync(&told[before..]) > 0).await;
        assert_eq!(held(&there, ROOM), 3);
        // The renewal makes it whole, without a restart.
        let renewed = authority.renew(leaf);
        there.net.set_identity(&renewed.identity().unwrap()).await.unwrap();
        until_held(&mut here, ROOM, 9).await;
        until_held(&mut there, ROOM, 9).await;
    } else {
        until_held(&mut here, ROOM, 6).await;
        until_held(&mut there, ROOM, 6).await;
    }
    here.net.shutdown().await;
    there.net.shutdown().await;
    scope
}

#[tokio::test]
async fn a_certificate_expired_for_20_days_costs_nothing_until_headquarters_says_so_too() {
    let (all, ledger) = (Scope::Everything, Scope::LedgerOnly);
    let (expired, good, tomorrow) = ((-300, -20), (-100, 30), (1, 300));
    // Days of the certificate, clocks of the other side, clocks of the holder, what is exchanged.
    let table = [
        ("headquarters was cut off before it ended", expired, clocks(0, -25), clocks(0, -25), all),
        ("headquarters was never heard", expired, Clocks { local: 0, headquarters: None }, RIGHT, all),
        ("both say that it ended", expired, RIGHT, RIGHT, ledger),
        ("both say so, the holder has not heard", expired, RIGHT, clocks(0, -25), ledger),
        ("the other side is in 1970", expired, clocks(YEAR_1970, 0), RIGHT, all),
        ("the holder is in 1970", expired, RIGHT, clocks(YEAR_1970, -25), ledger),
        ("the holder is in 1970, headquarters silent", expired, clocks(0, -25), clocks(YEAR_1970, -25), all),
        ("the other side is in 2035, headquarters silent", expired, clocks(YEAR_2035, -25), RIGHT, all),
        ("the other side is in 2035", expired, clocks(YEAR_2035, 0), RIGHT, ledger),
        ("a good one, the other side is in 1970", good, clocks(YEAR_1970, 0), RIGHT, all),
        ("a good one, the holder is in 1970", good, RIGHT, clocks(YEAR_1970, 0), all),
        ("a good one, both are in 1970", good, clocks(YEAR_1970, 0), clocks(YEAR_1970, 0), all),
        ("a good one, the other side is in 2035", good, clocks(YEAR_2035, 0), RIGHT, all),
        ("a good one, the holder is in 2035", good, RIGHT, clocks(YEAR_2035, 0), all),
        ("a good one, both are in 2035", good, clocks(YEAR_2035, 0), clocks(YEAR_2035, 0), all),
        ("one that begins tomorrow", tomorrow, RIGHT, RIGHT, ledger),
        ("one that begins tomorrow, the other side is in 1970", tomorrow, clocks(YEAR_1970, 0), RIGHT, all),
    ];
    let authority = Authority::new("朝凪市");
    for (what, days, other, holder, expected) in table {
        for holder_dials in [true, false] {
            let leaf = authority.issue(Leaf { days, ..Leaf::default() });
            let scope = exchanged(&authority, &leaf, other, holder, holder_dials).await;
            assert_eq!(scope, expected, "{what}, the holder dials: {holder_dials}");
        }
    }
}

#[tokio::test]
async fn only_the_same_node_takes_the_place_of_a_certificate() {
    let authority = Authority::new("朝凪市");
    let node = TestNode::start(&authority.issue(Leaf::default()), &[]);
    let other = authority.issue(Leaf::default()).identity().unwrap();
    assert!(matches!(node.net.set_identity(&other).await, Err(SetIdentityError::OtherNode)));
}
