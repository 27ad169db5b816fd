//! What this node knows of its peers right now, and which lines people have cut.

mod board;
mod clocks;
pub mod codes;
mod cuts;
mod links;
pub mod metric;
mod pace;
mod rate;
mod report;

pub(crate) use board::Alarm;
pub use board::{PeerBoard, PeerRecord, Wake};
pub use clocks::{CLOCK_SUSPECT_MS, own_offset_ms};
pub use cuts::CutReason;
pub(crate) use cuts::{CutChange, CutStep};
pub use links::{LinkState, LinkTarget, Links};
pub(crate) use pace::Pace;
pub(crate) use report::name_of as report_name;
pub use report::{LINES_MAX, LineReport, LineState, ReportedLine, RttClass};
