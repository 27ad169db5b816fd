//! The dialler under a clock that the test moves.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::limits::{HURRIED_FAR_ATTEMPTS, REDIAL_FAR_MAX_MS, REDIAL_FAR_MIN_MS};

const OWN: NodeId = node(0);

const fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 32])
}

fn address(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, high, low)), 7_400)
}

fn at(number: u16) -> Target {
    Target::Address(address(number))
}

fn dialler(configured: Vec<Target>) -> Dialler {
    Dialler::new(OWN, 7, configured, LinkState::default(), 0)
}

fn targets(dials: Vec<Dial>) -> Vec<Target> {
    dials.into_iter().map(|dial| dial.target).collect()
}

fn unreachable() -> Outcome {
    Outcome::Failed { peer: None, ended: Ended::TimedOut }
}

fn refused() -> Outcome {
    Outcome::Failed { peer: None, ended: Ended::Handshake("unknown issuer".into()) }
}

/// The times at which the only target is dialled when every attempt fails after `lasts_ms`.
fn starts(dialler: &mut Dialler, lasts_ms: u64, outcome: &Outcome, count: usize) -> Vec<u64> {
    let mut times = Vec::new();
    let mut now_ms = 0;
    while times.len() < count {
        now_ms = now_ms.max(dialler.wake_at().unwrap());
        let dials = targets(dialler.due(now_ms));
        assert_eq!(dials.len(), 1);
        times.push(now_ms);
        now_ms += lasts_ms;
        dialler.finished(&dials[0], outcome.clone(), now_ms);
    }
    times
}

fn gaps(times: &[u64]) -> Vec<u64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn an_unreachable_address_is_dialled_every_half_to_three_seconds() {
    for lasts_ms in [0, 100, 2_500] {
        let times = starts(&mut dialler(vec![at(1)]), lasts_ms, &unreachable(), 200);
        assert!(gaps(&times).iter().all(|gap| (500..=3_000).contains(gap)), "{:?}", gaps(&times));
    }
    let times = starts(&mut dialler(vec![at(1)]), 0, &unreachable(), 50);
    assert!(gaps(&times).windows(2).any(|pair| pair[0] != pair[1]), "no jitter");
}

#[test]
fn a_refusal_is_followed_by_a_minute_of_peace() {
    let times = starts(&mut dialler(vec![at(1)]), 10, &refused(), 20);
    assert!(gaps(&times).iter().all(|gap| (54_000..=60_010).contains(gap)), "{:?}", gaps(&times));
}

#[test]
fn a_cut_by_the_peer_is_probed_like_an_unreachable_one() {
    let cut = Outcome::Failed { peer: Some(node(1)), ended: Ended::ByPeer(CloseCode::Cut) };
    let times = starts(&mut dialler(vec![at(1)]), 10, &cut, 50);
    assert!(gaps(&times).iter().all(|gap| *gap <= 3_000));
}

#[test]
fn the_link_switch_ends_the_minute_and_an_announcement_does_not() {
    let mut dialler = dialler(vec![at(1)]);
    starts(&mut dialler, 10, &refused(), 1);
    assert_eq!(dialler.hint(address(1), "aaaaaaaa", 1_000), Hinted::Known);
    assert_eq!(dialler.due(1_000), []);
    dialler.set_links(LinkState::default(), 1_000);
    assert_eq!(targets(dialler.due(1_000)), [at(1)]);
}

#[test]
fn an_announcement_or_a_new_network_redials_now() {
    let mut dialler = dialler(vec![at(1)]);
    let last = *starts(&mut dialler, 0, &unreachable(), 10).last().unwrap();
    let now_ms = last + REDIAL_MIN_MS;
    if dialler.wake_at().unwrap() > now_ms {
        assert_eq!(dialler.due(now_ms), []);
    }
    dialler.hint(address(1), "aaaaaaaa", now_ms);
    assert_eq!(targets(dialler.due(now_ms)), [at(1)]);
    dialler.finished(&at(1), unreachable(), now_ms + 600);
    dialler.network_changed(now_ms + 600);
    assert_eq!(targets(dialler.due(now_ms + 600)), [at(1)]);
}

#[test]
fn repeated_announcements_do_not_hammer() {
    let mut dialler = dialler(vec![]);
    let mut dialled = 0;
    for now_ms in 0..10_000 {
        dialler.hint(address(1), "aaaaaaaa", now_ms);
        for dial in dialler.due(now_ms) {
            dialled += 1;
            dialler.finished(&dial.target, unreachable(), now_ms);
        }
    }
    assert!(dialled <= 20, "{dialled} attempts in 10 s");
}

#[test]
fn a_cut_line_is_not_dialled_and_a_restored_one_is_at_once() {
    let mut dialler = dialler(vec![]);
    dialler.set_directory(vec![(node(1), vec![at(1)]), (node(2), vec![at(2)])], 0);
    dialler.set_links(LinkState { all: false, nodes: [node(1)].into() }, 0);
    assert_eq!(targets(dialler.due(0)), [at(2)]);
    dialler.finished(&at(2), unreachable(), 100);
    dialler.set_links(LinkState { all: true, nodes: BTreeSet::new() }, 10_000);
    assert_eq!(dialler.due(20_000), []);
    assert_eq!(dialler.wake_at(), None);
    dialler.set_links(LinkState::default(), 20_000);
    assert_eq!(targets(dialler.due(20_000)), [at(1), at(2)]);
}

#[test]
fn a_cut_peer_at_an_unnamed_address_is_found_out_once() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.set_links(LinkState { all: false, nodes: [node(1)].into() }, 0);
    assert_eq!(targets(dialler.due(0)), [at(1)]);
    dialler.finished(&at(1), Outcome::Failed { peer: Some(node(1)), ended: Ended::ByUs(CloseCode::Cut) }, 10);
    assert_eq!(dialler.wake_at(), None);
    dialler.set_links(LinkState::default(), 5_000);
    assert_eq!(targets(dialler.due(5_000)), [at(1)]);
}

#[test]
fn every_address_of_a_connected_peer_rests_until_it_is_lost() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.set_directory(vec![(node(1), vec![at(2), at(3)])], 0);
    assert_eq!(dialler.due(0).len(), 3);
    dialler.connected(node(1), Transport::Quic, 0);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 10);
    dialler.finished(&at(2), unreachable(), 10);
    dialler.finished(&at(3), Outcome::Peer(node(1)), 10);
    assert_eq!((dialler.due(60_000), dialler.wake_at()), (vec![], None));
    assert_eq!(dialler.via(&node(1)), Via::Configured);
    dialler.disconnected(node(1), &Ended::TimedOut, 60_000);
    assert_eq!(dialler.due(60_500).len(), 3);
}

#[test]
fn tcp_is_dialled_too_once_quic_has_failed_twice_and_at_once_where_it_was_needed() {
    let mut dialler = dialler(vec![at(1)]);
    let mut ways = Vec::new();
    let mut now_ms = 0;
    for _ in 0..3 {
        now_ms = now_ms.max(dialler.wake_at().unwrap());
        ways.extend(dialler.due(now_ms).into_iter().map(|dial| dial.ways));
        now_ms += 2_500;
        dialler.finished(&at(1), unreachable(), now_ms);
    }
    assert_eq!(ways, [Ways::QuicOnly, Ways::QuicOnly, Ways::QuicThenTcp]);
    assert!(now_ms <= 12_000, "from nothing to TCP in {now_ms} ms");
    dialler.due(now_ms + 3_000);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 20_000);
    dialler.connected(node(1), Transport::Tcp, 20_000);
    dialler.disconnected(node(1), &Ended::TimedOut, 21_000);
    assert_eq!(dialler.due(22_000).first().map(|dial| dial.ways), Some(Ways::QuicThenTcp));
    // Once it was reached over QUIC, that is first again.
    dialler.finished(&at(1), Outcome::Peer(node(1)), 22_100);
    dialler.connected(node(1), Transport::Quic, 22_100);
    dialler.disconnected(node(1), &Ended::TimedOut, 30_000);
    assert_eq!(dialler.due(31_000).first().map(|dial| dial.ways), Some(Ways::QuicOnly));
}

#[test]
fn a_peer_on_tcp_is_tried_over_quic_twice_a_minute_until_that_works() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.due(0);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 0);
    dialler.connected(node(1), Transport::Tcp, 0);
    let times = starts(&mut dialler, 2_500, &unreachable(), 20);
    let gaps = gaps(&times);
    assert!(gaps.iter().all(|gap| (QUIC_PROBE_MS / 2..=QUIC_PROBE_MS + 2_500).contains(gap)), "{gaps:?}");
    let now_ms = times[19] + 60_000;
    assert_eq!(dialler.due(now_ms).first().map(|dial| dial.ways), Some(Ways::QuicOnly));
    dialler.finished(&at(1), Outcome::Peer(node(1)), now_ms);
    dialler.connected(node(1), Transport::Quic, now_ms);
    assert_eq!((dialler.due(now_ms + 600_000), dialler.wake_at()), (vec![], None));
}

#[test]
fn three_far_addresses_and_all_near_ones_are_dialled_often_the_others_seldom() {
    // Configured, first in the directory, second in it: these hurry. The fourth does not, unless it is near.
    for (near, expected_ms) in [(false, REDIAL_FAR_MIN_MS..=REDIAL_FAR_MAX_MS), (true, REDIAL_MIN_MS..=3_000)] {
        let mut dialler = dialler(vec![at(9)]);
        if near {
            dialler.set_locality(Locality::new(vec![(address(1).ip(), 8)]));
        }
        dialler.set_directory((1..=4).map(|number| (node(5 - number), vec![at(5 - u16::from(number))])).collect(), 0);
        let mut begun: BTreeMap<Target, Vec<u64>> = BTreeMap::new();
        let mut now_ms = 0;
        while now_ms < 600_000 {
            for dial in dialler.due(now_ms) {
                begun.entry(dial.target.clone()).or_default().push(now_ms);
                dialler.finished(&dial.target, unreachable(), now_ms);
            }
            now_ms = dialler.wake_at().unwrap();
        }
        let settled = |number: u16| gaps(&begun[&at(number)][usize::try_from(HURRIED_FAR_ATTEMPTS).unwrap()..]);
        for number in [9, 4, 3] {
            assert!(settled(number).iter().all(|gap| (REDIAL_MIN_MS..=3_000).contains(gap)), "{number}");
        }
        for number in [2, 1] {
            assert!(settled(number).iter().all(|gap| expected_ms.contains(gap)), "{number}: {:?}", settled(number));
        }
    }
}

#[test]
fn a_peer_that_broke_the_protocol_waits_a_minute() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.due(0);
    dialler.connected(node(1), Transport::Quic, 0);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 10);
    dialler.disconnected(node(1), &Ended::ByUs(CloseCode::Malformed), 1_000);
    assert_eq!(dialler.due(50_000), []);
    assert_eq!(dialler.due(61_000).len(), 1);
}

#[test]
fn a_peer_with_a_full_disk_gets_some_seconds() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.due(0);
    dialler.connected(node(1), Transport::Quic, 0);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 10);
    dialler.disconnected(node(1), &Ended::ByPeer(CloseCode::Store), 1_000);
    assert_eq!(dialler.due(5_999), []);
    assert_eq!(dialler.due(11_000).len(), 1);
}

#[test]
fn an_address_that_is_our_own_is_left_alone_until_the_network_changes() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.due(0);
    dialler.finished(&at(1), Outcome::Failed { peer: None, ended: Ended::ByUs(CloseCode::Itself) }, 10);
    assert_eq!((dialler.due(600_000), dialler.wake_at()), (vec![], None));
    dialler.network_changed(600_000);
    assert_eq!(dialler.due(600_000).len(), 1);
    assert_eq!(dialler.hint(address(9), &OWN.short(), 0), Hinted::Own);
    assert_eq!(dialler.set_directory(vec![(OWN, vec![at(8)])], 0), 0);
    assert_eq!(dialler.candidate_count(), 1);
}

#[test]
fn another_node_announced_at_a_known_address_is_looked_at() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.due(0);
    dialler.connected(node(1), Transport::Quic, 0);
    dialler.finished(&at(1), Outcome::Peer(node(1)), 10);
    assert_eq!(dialler.hint(address(1), &node(1).short(), 1_000), Hinted::Known);
    assert_eq!(dialler.due(1_000), []);
    assert_eq!(dialler.hint(address(1), &node(2).short(), 1_000), Hinted::Known);
    assert_eq!(dialler.due(1_000).len(), 1);
}

#[test]
fn who_dials_us_can_be_dialled_back() {
    let mut dialler = dialler(vec![]);
    dialler.connected(node(1), Transport::Quic, 0);
    dialler.heard(node(1), address(1), 0);
    assert_eq!((dialler.due(1_000), dialler.via(&node(1))), (vec![], Via::Heard));
    dialler.disconnected(node(1), &Ended::TimedOut, 1_000);
    assert_eq!(targets(dialler.due(1_500)), [at(1)]);
    for number in 0..500 {
        dialler.heard(node(9), address(1_000 + number), 2_000 + u64::from(number));
    }
    assert!(dialler.candidate_count() <= CANDIDATES_HEARD_MAX + 1);
}

#[test]
fn an_address_that_left_the_directory_is_forgotten() {
    let mut dialler = dialler(vec![at(1)]);
    dialler.set_directory(vec![(node(1), vec![at(1), at(2)])], 0);
    dialler.set_directory(vec![], 10);
    assert_eq!(targets(dialler.due(10)), [at(1)]);
    assert_eq!(dialler.candidate_count(), 1);
}

#[test]
fn a_flood_of_announcements_delays_nobody_who_is_trusted() {
    let mut dialler = dialler(vec![at(1)]);
    let mut taken = 0;
    for number in 0..20_000u16 {
        taken += usize::from(dialler.hint(address(1_000 + number % 5_000), "ffffffff", 0) == Hinted::Taken);
    }
    assert!(taken <= CANDIDATES_ANNOUNCED_MAX && dialler.candidate_count() <= CANDIDATES_ANNOUNCED_MAX + 1);
    dialler.set_directory((1..=100).map(|number| (node(number), vec![at(u16::from(number))])).collect(), 0);
    let first = dialler.due(0);
    assert_eq!(first.len(), DIALS_MAX);
    assert!(first.iter().all(|dial| dial.via < Via::Mdns), "{first:?}");
    assert_eq!(dialler.due(0), []);
}

#[test]
fn a_flood_from_one_address_gets_four_attempts_a_minute() {
    let mut dialler = dialler(vec![]);
    let ports = 1_000..2_000u16;
    let taken = ports
        .filter(|port| dialler.hint(SocketAddr::new(address(1).ip(), *port), "ffffffff", 0) == Hinted::Taken)
        .count();
    assert_eq!(taken, 4);
}

#[test]
fn a_real_peer_finds_a_place_once_the_forged_ones_were_tried() {
    let mut dialler = dialler(vec![]);
    for number in 0..500 {
        dialler.hint(address(1_000 + number), "ffffffff", 0);
    }
    assert_eq!(dialler.hint(address(1), "aaaaaaaa", 1), Hinted::Full);
    let first = dialler.due(1);
    assert_eq!(first.len(), DIALS_ANNOUNCED_MAX);
    for dial in first {
        dialler.finished(&dial.target, unreachable(), 2_500);
    }
    assert_eq!(dialler.hint(address(1), "aaaaaaaa", 2_500), Hinted::Taken);
}

#[test]
fn what_never_answers_an_announcement_is_tried_less_and_less() {
    let mut dialler = dialler(vec![]);
    dialler.hint(address(1), "ffffffff", 0);
    let times = starts(&mut dialler, 100, &unreachable(), 30);
    assert!(gaps(&times)[..9].iter().all(|gap| *gap <= 3_000));
    assert!(gaps(&times)[10..].iter().all(|gap| (15_000..=30_000).contains(gap)), "{:?}", gaps(&times));
    dialler.withdrawn("ffffffff");
    assert_eq!(dialler.candidate_count(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Hint(u16, u8),
    Directory(Vec<(u8, u16)>),
    Heard(u8, u16),
    Lost(u8),
    Cut(Vec<u8>),
    Finish(usize, u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..600u16, 1..6u8).prop_map(|(address, node)| Step::Hint(address, node)),
        proptest::collection::vec((1..6u8, 0..400u16), 0..300).prop_map(Step::Directory),
        (1..6u8, 0..600u16).prop_map(|(node, address)| Step::Heard(node, address)),
        (1..6u8).prop_map(Step::Lost),
        proptest::collection::vec(1..6u8, 0..3).prop_map(Step::Cut),
        (0..64usize, 0..9u8).prop_map(|(which, outcome)| Step::Finish(which, outcome)),
        (0..5_000u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn limits_hold_and_nobody_is_dialled_who_should_not_be(steps in proptest::collection::vec(step(), 1..200)) {
        let mut dialler = dialler(vec![at(1), at(2)]);
        let (mut now_ms, mut running) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Hint(number, who) => _ = dialler.hint(address(number), &node(who).short(), now_ms),
                Step::Directory(list) => {
                    let list = list.into_iter().map(|(who, number)| (node(who), vec![at(number)])).collect();
                    dialler.set_directory(list, now_ms);
                }
                Step::Heard(who, number) => {
                    dialler.connected(node(who), Transport::Quic, 0);
                    dialler.heard(node(who), address(number), now_ms);
                }
                Step::Lost(who) => dialler.disconnected(node(who), &Ended::TimedOut, now_ms),
                Step::Cut(who) => {
                    let nodes = who.into_iter().map(node).collect();
                    dialler.set_links(LinkState { all: false, nodes }, now_ms);
                }
                Step::Finish(which, outcome) if which < running.len() => {
                    let target = running.swap_remove(which);
                    let outcome = match outcome {
                        0 => refused(),
                        1..6 => Outcome::Peer(node(outcome)),
                        _ => unreachable(),
                    };
                    dialler.finished(&target, outcome, now_ms);
                }
                Step::Finish(..) => {}
                Step::Wait(pause_ms) => now_ms += pause_ms,
            }
            for dial in dialler.due(now_ms) {
                let candidate = &dialler.candidates[&dial.target];
                let served = |peer: &NodeId| dialler.connected.contains_key(peer) || dialler.links.is_cut(peer);
                prop_assert!(!candidate.found.is_some_and(|peer| served(&peer)));
                prop_assert!(!running.contains(&dial.target), "dialled twice at once");
                running.push(dial.target);
            }
            prop_assert_eq!(dialler.wake_at(), dialler.soonest());
            prop_assert!(running.len() <= DIALS_MAX);
            prop_assert_eq!(dialler.running_count(), running.len());
            prop_assert!(dialler.candidate_count() <= CANDIDATES_MAX);
            prop_assert!(dialler.wake_at().is_none_or(|wake_ms| wake_ms > now_ms), "due, but not dialled");
        }
    }
}
