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

/// The scenarios that come with the program: name and text.
pub const fn shipped() -> [(&'static str, &'static str); 3] {
    [
        ("72h-line-cut", include_str!("../files/72h-line-cut.toml")),
        ("small-faults", include_str!("../files/small-faults.toml")),
        ("rename-and-members", include_str!("../files/rename-and-members.toml")),
    ]
}
