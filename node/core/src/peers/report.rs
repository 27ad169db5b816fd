//! What a node says about its own lines to all others, for the map of the organisation.
//!
//! It travels in the place for read marks of the node's signed register of the directory room, which nobody reads: no
//! frames, no kinds of entries, no storage that grows. Only what people see belongs in it, so that it changes seldom.

use noroshi_sync::id::NodeId;
use noroshi_sync::wire::{self, Malformed};
use serde::{Deserialize, Serialize};

use crate::view::Transport;

/// Tells a report from read marks, whose first byte is a small number.
const VERSION: u8 = 0x81;
/// Lines of one node; a node of an organisation of 1,000 offices has one to each.
pub const LINES_MAX: usize = 1_000;
/// A report of so many lines is smaller.
const BYTES_MAX: usize = 32 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LineState {
    Up,
    /// By the link switch of the node that says so.
    Cut,
    /// It was up, and nothing is heard any more.
    Down,
}

/// A round trip, roughly: the exact figure changes all the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RttClass {
    Unknown,
    /// Below 10 ms: one building.
    Near,
    /// Below 100 ms.
    Middle,
    /// Below 500 ms.
    Far,
    /// A satellite, or a line that is full.
    Slow,
}

impl RttClass {
    pub const fn of(rtt_ms: u64) -> Self {
        match rtt_ms {
            0..10 => Self::Near,
            10..100 => Self::Middle,
            100..500 => Self::Far,
            _ => Self::Slow,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReportedLine {
    /// The first bytes of the other node's id: enough to find it among those of the directory.
    pub node: [u8; 8],
    pub state: LineState,
    pub transport: Option<Transport>,
    pub rtt: RttClass,
    /// Since when the state is what it is, seconds since 1970.
    pub since_s: u64,
}

impl ReportedLine {
    pub fn new(node: &NodeId, state: LineState, transport: Option<Transport>, rtt: RttClass, since_s: u64) -> Self {
        Self { node: name_of(node), state, transport, rtt, since_s }
    }
}

/// What names a node in a report.
pub(crate) fn name_of(node: &NodeId) -> [u8; 8] {
    node.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineReport {
    version: u8,
    /// When it was made, by the clock of its node, seconds since 1970.
    at_s: u64,
    /// Ascending by node.
    lines: Vec<ReportedLine>,
}

impl LineReport {
    /// Of more than [`LINES_MAX`] lines those that are up go first.
    pub fn new(mut lines: Vec<ReportedLine>, at_s: u64) -> Self {
        lines.sort_by_key(|line| (line.state != LineState::Up, line.node));
        lines.truncate(LINES_MAX);
        lines.sort_by_key(|line| line.node);
        lines.dedup_by_key(|line| line.node);
        Self { version: VERSION, at_s, lines }
    }

    pub fn at_s(&self) -> u64 {
        self.at_s
    }

    /// Whatever the time: then it need not be told again.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.lines == other.lines
    }

    pub fn lines(&self) -> &[ReportedLine] {
        &self.lines
    }

    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Whether bytes in the place of read marks are a report, of this or a later version.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| *first >= VERSION)
    }

    /// A later version is not understood, which is no fault of it.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        if bytes.first() != Some(&VERSION) {
            return Ok(None);
        }
        let report: Self = wire::decode("line report", bytes, BYTES_MAX)?;
        let invalid = |reason| Err(Malformed::Invalid { what: "line report", reason });
        if report.lines.len() > LINES_MAX {
            return invalid("too many lines");
        }
        if report.lines.windows(2).any(|pair| matches!(pair, [a, b] if a.node >= b.node)) {
            return invalid("the lines are out of order");
        }
        Ok(Some(report))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(number: u16, state: LineState) -> ReportedLine {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let since_s = 1_790_000_000 + u64::from(number);
        ReportedLine::new(&NodeId::from_bytes(id), state, Some(Transport::Quic), RttClass::of(12), since_s)
    }

    #[test]
    fn a_report_survives_its_encoding_and_a_later_one_is_passed_over() {
        let report = LineReport::new(vec![line(2, LineState::Up), line(1, LineState::Down)], 7);
        let bytes = report.encode();
        assert!(LineReport::is_one(&bytes) && !LineReport::is_one(&[1, 0]) && !LineReport::is_one(&[]));
        assert_eq!(LineReport::decode(&bytes), Ok(Some(report)));
        assert_eq!(LineReport::decode(&[0x82, 7]), Ok(None));
        assert_eq!(LineReport::decode(&[]), Ok(None));
    }

    #[test]
    fn the_largest_report_fits_and_one_line_more_is_left_out_or_refused() {
        let lines = |count: u16| (0..count).map(|number| line(number, LineState::Up)).collect::<Vec<_>>();
        let most = u16::try_from(LINES_MAX).unwrap();
        let report = LineReport::new(lines(most), 7);
        assert!(report.encode().len() <= BYTES_MAX);
        assert_eq!(LineReport::decode(&report.encode()), Ok(Some(report)));
        assert_eq!(LineReport::new(lines(most + 1), 7).lines().len(), LINES_MAX);
        let excess = LineReport { version: VERSION, at_s: 7, lines: lines(most + 1) };
        assert!(LineReport::decode(&excess.encode()).is_err());
    }

    #[test]
    fn lines_that_are_up_go_first() {
        let mut lines: Vec<_> = (0..1_000).map(|number| line(number, LineState::Down)).collect();
        lines.push(line(2_000, LineState::Up));
        let report = LineReport::new(lines, 7);
        assert_eq!(report.lines().last(), Some(&line(2_000, LineState::Up)));
    }

    #[test]
    fn disorder_is_malformed() {
        let lines = vec![line(2, LineState::Up), line(1, LineState::Up)];
        assert!(LineReport::decode(&LineReport { version: VERSION, at_s: 7, lines }.encode()).is_err());
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = LineReport::decode(&bytes);
            bytes.insert(0, VERSION);
            let _ = LineReport::decode(&bytes);
        }
    }
}
