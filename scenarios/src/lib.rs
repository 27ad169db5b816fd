//! Scenarios (訓練・障害のシナリオ): files that say what happens, and a simulator that runs them in virtual time.
//!
//! [`Scenario`] reads a file.

pub mod scenario;
pub mod sim;

pub use scenario::{Scenario, ScenarioError};
