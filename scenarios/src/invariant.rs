//! What must be true in every run, as checkers that know nothing of how a run comes about: they are told what happened
//! and say what is wrong. Numbers in brackets are those of the design's list of invariants.

pub(crate) mod bounds;
pub(crate) mod convergence;
pub(crate) mod cursor;
pub(crate) mod durability;
pub(crate) mod heads;
pub(crate) mod idle;
pub(crate) mod interruption;
pub(crate) mod placement;
pub(crate) mod talk;

use std::fmt;

use serde::Serialize;

/// A rule that a run broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// [1, 10] After faults stop, equal digests and equal views within a bounded time.
    Convergence,
    /// [2] What was acknowledged survives every crash.
    Durability,
    /// [3] No byte of a room goes to an office that may not hold it.
    Confidentiality,
    /// [4] Reconnecting with nothing new costs next to nothing and loads no room.
    IdleCost,
    /// [5] Frames and queues stay below their limits.
    Boundedness,
    /// [6] What is held of a log only grows.
    MonotoneHeads,
    /// [6] A cursor says nothing was missed that was missed.
    Cursor,
    /// [8] The order in which entries arrive does not matter.
    OrderIndependence,
    /// [12] An interruption repeats at most one window.
    Interruption,
    /// Every message once, with the words of its author; nothing that nobody said.
    Talk,
    /// What the scenario itself expects.
    Expectation,
    /// The program failed inside.
    Failure,
}

impl Invariant {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Convergence => "収束",
            Self::Durability => "永続性",
            Self::Confidentiality => "共有範囲",
            Self::IdleCost => "無変化時の費用",
            Self::Boundedness => "上限",
            Self::MonotoneHeads => "記録の単調性",
            Self::Cursor => "カーソル",
            Self::OrderIndependence => "順序の独立性",
            Self::Interruption => "中断の費用",
            Self::Talk => "発言",
            Self::Expectation => "シナリオの期待",
            Self::Failure => "内部の失敗",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One breach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub invariant: Invariant,
    /// Virtual time, milliseconds after the start of the scenario; negative while it is set up.
    pub at_ms: i64,
    /// The office that shows it.
    pub office: Option<String>,
    pub detail: String,
}
