//! The lines between nodes: what waits, what is wrong, when they were cut, and who has a line to whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeRef, Time, Transport};

/// Classes in the order in which they go over a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingClass {
    Urgent,
    /// Members, rights, devices.
    Policy,
    /// The newest page of each room.
    Newest,
    History,
    /// Files that were asked for.
    Attachments,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    pub class: WaitingClass,
    /// The other one has them, this node lacks them.
    pub here_entries: u64,
    /// This node has them, the other one has not said that it does.
    pub there_entries: u64,
    /// Of both together, estimated.
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PeerAlarmView {
    /// A stable word; docs/operations.md has a section for each.
    pub code: String,
    /// What it is and what is to be done, in Japanese.
    pub text: String,
    pub since: Option<Time>,
}

/// Why a line was not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CutReasonView {
    /// The link switch of this node.
    CutHere,
    /// The link switch of the other node.
    CutThere,
    /// Nothing was heard any more.
    Lost,
}

/// An item of `GET /peers/cuts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CutView {
    pub node: String,
    pub name: String,
    pub office: Option<OfficeRef>,
    pub from: Time,
    /// Null: it is cut still.
    pub until: Option<Time>,
    pub reason: CutReasonView,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CutListView {
    pub items: Vec<CutView>,
    /// To be given as `before` for the part that follows.
    pub next: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MapNode {
    pub node: String,
    pub name: String,
    pub office: Option<OfficeRef>,
    pub headquarters: bool,
    /// The node that answers.
    pub this: bool,
    /// There is a way from here to it over lines that are up.
    pub reachable: bool,
    /// When it last said something about its lines, by its own clock.
    pub reported_at: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapLineState {
    Up,
    /// By a link switch.
    Cut,
    /// It was up and is lost.
    Down,
}

/// How long an answer takes, roughly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MapRtt {
    Unknown,
    /// Below 10 ms.
    Near,
    /// Below 100 ms.
    Middle,
    /// Below 500 ms.
    Far,
    Slow,
}

/// A line between two nodes; each pair is named once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MapLine {
    pub a: String,
    pub b: String,
    pub state: MapLineState,
    pub transport: Option<Transport>,
    pub rtt: MapRtt,
    pub since: Time,
    /// Neither of its ends can be reached from here now, so that it may be otherwise by now.
    pub old: bool,
}

/// Who has a line to whom, as far as this node knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MapView {
    pub nodes: Vec<MapNode>,
    pub lines: Vec<MapLine>,
}
