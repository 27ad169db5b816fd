//! Scenarios (訓練・障害のシナリオ): files that say what happens, and a simulator that runs them in virtual time.
//!
//! [`Scenario`] reads a file, [`run`] runs it with a seed, [`Report`] says what came of it.

pub mod invariant;
pub mod report;
pub mod scenario;
pub mod sim;

pub use report::Report;
pub use scenario::{Scenario, ScenarioError};
pub use sim::{Options, run};
