//! What may happen by chance in a run, and how often.

use serde::Deserialize;

/// Random work and random faults, drawn from the seed of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Least and greatest number of actions.
    pub actions: (u32, u32),
    /// The actions are spread over this time, milliseconds.
    pub over_ms: u64,
    /// Least and greatest number of offices; the first ones of the file take part.
    pub offices: (usize, usize),
    /// Chance of each packet to be lost, in addition to the loss of the lines.
    pub loss: f64,
    /// Chance of each frame that its connection breaks, although the line is up.
    pub drop: f64,
    /// Chance of each new connection that frames of the last one arrive on it again; in runs with an odd seed.
    pub replay: f64,
    pub weights: Weights,
}

/// How often each kind of action is drawn, in relation to the others.
#[derive(Debug, Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    pub post: u32,
    /// Up to 100 messages at once.
    pub burst: u32,
    pub urgent: u32,
    pub edit: u32,
    pub redact: u32,
    pub react: u32,
    pub read: u32,
    /// Name, topic or purpose of a room.
    pub page: u32,
    /// Somebody becomes, or is no longer, a member or administrator of a room.
    pub member: u32,
    pub cut: u32,
    pub cut_one_way: u32,
    pub heal: u32,
    /// A process dies at any time.
    pub crash: u32,
    /// A process dies just before or just after the next COMMIT.
    pub crash_at_commit: u32,
    /// A clock jumps by up to three days.
    pub clock: u32,
}
