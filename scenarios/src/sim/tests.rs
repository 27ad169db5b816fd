//! Whole runs: many seeds, long cuts, a break at every frame; and faulty nodes, to see that the rules find them.

use super::node::Sabotage;
use super::*;
use crate::invariant::Invariant;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text).unwrap()
}

fn small_faults() -> Scenario {
    scenario(include_str!("../../files/small-faults.toml"))
}

fn all_good(seeds: std::ops::Range<u64>) {
    let scenario = small_faults();
    for seed in seeds {
        let report = run(&scenario, seed, Options::default());
        assert!(report.is_good(), "{report}");
        assert!(report.figures.messages > 0, "a run in which nobody speaks proves nothing: {report}");
    }
}

// 200 seeds, in parts that run beside each other.

#[test]
fn seeds_0_to_49_hold_every_rule() {
    all_good(0..50);
}

#[test]
fn seeds_50_to_99_hold_every_rule() {
    all_good(50..100);
}

#[test]
fn seeds_100_to_149_hold_every_rule() {
    all_good(100..150);
}

#[test]
fn seeds_150_to_199_hold_every_rule() {
    all_good(150..200);
}

#[test]
fn the_faults_do_happen() {
    let scenario = small_faults();
    let reports: Vec<Report> = (0..10).map(|seed| run(&scenario, seed, Options::default())).collect();
    let sum = |count: fn(&Figures) -> u64| reports.iter().map(|report| count(&report.figures)).sum::<u64>();
    assert!(sum(|figures| figures.crashes) > 20);
    assert!(sum(|figures| figures.connections_ended) > 50);
    assert!(sum(|figures| figures.frames_replayed) > 10);
    assert!(sum(|figures| figures.entries_carried) > 1_000);
    assert!(reports.iter().any(|report| report.offices == 3) && reports.iter().any(|report| report.offices == 5));
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    let scenario = small_faults();
    let [first, again, other] = [7, 7, 8].map(|seed| run(&scenario, seed, Options::default()));
    assert_eq!(first, again);
    assert_ne!(first.event_hash, other.event_hash);
}

#[test]
fn seventy_two_hours_apart_become_equal() {
    let options = Options { thoroughness: Thoroughness::OneOffice, ..Options::default() };
    let report = run(&scenario(include_str!("../../files/72h-line-cut.toml")), 1, options);
    println!("{report}");
    assert!(report.is_good(), "{report}");
    assert_eq!(report.figures.messages, 20_000);
}

#[test]
fn islands_rename_and_change_members() {
    let report = run(&scenario(include_str!("../../files/rename-and-members.toml")), 1, Options::default());
    assert!(report.is_good(), "{report}");
}

/// Two offices, a backlog on both sides, one reconnection.
const BACKLOG: &str = r#"
title = "中断"
start = 2026-09-01T08:00:00+09:00
[organisation]
name = "朝凪市"
[[office]]
name = "本庁"
kind = "headquarters"
people = 1
[[office]]
name = "北支所"
kind = "branch"
people = 1
[[room]]
name = "災害対策本部"
count = 3
offices = ["本庁", "北支所"]
[[link]]
mesh = true
latency = "20ms"
rate = "2Mbit/s"
[[event]]
at = "T+0:01"
cut = ["北支所"]
[[event]]
at = "T+0:02"
burst = { offices = ["本庁"], rooms = "災害対策本部*", messages = 300, over = "10m" }
[[event]]
at = "T+0:02"
burst = { offices = ["北支所"], rooms = "災害対策本部*", messages = 300, over = "10m" }
[[event]]
at = "T+0:20"
heal = ["北支所"]
[expect]
converge_within = "1m"
"#;

#[test]
fn a_break_at_any_frame_repeats_at_most_one_window() {
    let scenario = scenario(BACKLOG);
    let whole = run(&scenario, 1, Options::default());
    assert!(whole.is_good(), "{whole}");
    for frame in 1..=80 {
        let report = run_prepared(&scenario, 1, Options::default(), |world| world.break_at(frame));
        assert!(report.is_good(), "broken at frame {frame}: {report}");
    }
}

#[test]
fn a_node_that_acknowledges_too_early_is_found() {
    let sabotage = |world: &mut World| world.sabotage(0, Sabotage::AcknowledgesTooEarly);
    let report = run_prepared(&small_faults(), 1, Options::default(), sabotage);
    assert!(report.broke(Invariant::Durability), "{report}");
    assert!(!report.last_events.is_empty() && report.to_string().contains("種 1"), "{report}");
}

#[test]
fn a_node_that_skips_data_is_found() {
    let sabotage = |world: &mut World| world.sabotage(1, Sabotage::SkipsData);
    let report = run_prepared(&small_faults(), 1, Options::default(), sabotage);
    assert!(report.broke(Invariant::Cursor) || report.broke(Invariant::Convergence), "{report}");
}
