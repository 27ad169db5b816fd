//! The simulator: hundreds of offices in one thread and in virtual time, each with the real replica, the real database
//! and the real projections.
//!
//! A run is a pure function of the scenario and the seed. Every rule of [`crate::invariant`] is checked, the cheap ones
//! after every event; the first breach ends the run, and its report says with which seed to see it again.
//!
//! Nothing here reads a clock, opens a file or draws a number that does not come from the seed.

mod agenda;
mod deed;
mod entries;
mod founding;
mod journal;
mod line;
mod node;
mod order;
mod phrase;
mod random;
mod view;
mod world;

#[cfg(test)]
mod tests;

use self::random::Random;
use self::world::{Stop, World};
use crate::report::{Figures, Report};
use crate::scenario::Scenario;

/// How a run is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Events that a failing report shows.
    pub events_kept: usize,
    pub thoroughness: Thoroughness,
}

/// At how many offices everything is rebuilt at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thoroughness {
    EveryOffice,
    /// The first one only: for large scenarios.
    OneOffice,
}

impl Default for Options {
    fn default() -> Self {
        Self { events_kept: 60, thoroughness: Thoroughness::EveryOffice }
    }
}

/// Runs a scenario once.
pub fn run(scenario: &Scenario, seed: u64, options: Options) -> Report {
    run_prepared(scenario, seed, options, |_| {})
}

/// As [`run`], with a world that was changed before the story begins.
fn run_prepared(scenario: &Scenario, seed: u64, options: Options, change: impl FnOnce(&mut World)) -> Report {
    let scenario = sized(scenario, seed);
    let title = scenario.title.clone();
    let mut world = match World::new(scenario, seed, options.events_kept) {
        Ok(world) => world,
        Err(violation) => {
            return Report {
                scenario: title,
                seed,
                offices: 0,
                rooms: 0,
                people: 0,
                figures: Figures::default(),
                violations: vec![violation],
                last_events: Vec::new(),
                event_hash: String::new(),
            };
        }
    };
    let stop = tell(&mut world, options, change).err();
    world.report(stop)
}

fn tell(world: &mut World, options: Options, change: impl FnOnce(&mut World)) -> Result<(), Stop> {
    world.prepare()?;
    change(world);
    world.begin_story();
    world.begin_chance();
    world.run_story()?;
    world.converge()?;
    world.examine(options.thoroughness)
}

/// The scenario with as many offices as the seed says. Frames come again only with odd seeds: where they do, nothing can
/// be said of cursors, so every other run goes without.
fn sized(scenario: &Scenario, seed: u64) -> Scenario {
    let mut scenario = scenario.clone();
    if let Some(faults) = scenario.faults.as_mut().filter(|_| seed.is_multiple_of(2)) {
        faults.replay = 0.0;
    }
    match &scenario.faults {
        Some(faults) if faults.offices != (scenario.offices.len(), scenario.offices.len()) => {
            let (least, most) = faults.offices;
            // A stream of its own, so that it tells nothing about the others.
            let count = Random::new(!seed).between(least as u64, most as u64);
            scenario.with_offices(usize::try_from(count).unwrap_or(most))
        }
        _ => scenario,
    }
}
