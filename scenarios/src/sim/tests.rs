//! Whole runs.

use super::*;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text).unwrap()
}

#[test]
fn islands_rename_and_change_members() {
    let report = run(&scenario(include_str!("../../files/rename-and-members.toml")), 1, Options::default());
    assert!(report.is_good(), "{report}");
}

#[test]
fn explore() {
    let scenario = scenario(include_str!("../../files/small-faults.toml"));
    let from: u64 = std::env::var("FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let to: u64 = std::env::var("TO").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    for seed in from..to {
        let report = run(&scenario, seed, Options::default());
        if report.is_good() {
            let f = &report.figures;
            eprintln!(
                "{seed}: ok events {} msgs {} deeds {} refused {} crashes {} conns {} carried {} repeated {} conv {:?} idle {} wait {} {}",
                f.events,
                f.messages,
                f.deeds,
                f.refused,
                f.crashes,
                f.connections_ended,
                f.entries_carried,
                f.entries_repeated,
                f.converged_ms,
                f.idle_bytes,
                f.peaks.frames_waiting,
                report.event_hash
            );
        } else {
            eprintln!(
                "{seed}: {}",
                if std::env::var("FULL").is_ok() { report.to_string() } else { report.violations[0].detail.clone() }
            );
        }
    }
}
