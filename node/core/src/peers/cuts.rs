//! When lines were lost and came back: gathered here in the order it happened, until it is on disk.

use std::collections::BTreeMap;

use noroshi_sync::id::NodeId;

/// Changes that wait for the disk at most; of a line that flaps faster than that the newest are kept.
const WAITING_MAX: usize = 1_000;

/// Why a line ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutReason {
    /// By the link switch of this node.
    Here,
    /// By the link switch of the other one.
    There,
    /// Nothing is heard any more.
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CutStep {
    Begun(CutReason),
    /// The same cut, for another reason now: somebody has moved the switch.
    Turned(CutReason),
    Over,
}

/// One change of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CutChange {
    pub node: NodeId,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub step: CutStep,
}

#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// Lines that were up in this run of the node, with why they are not now.
    lines: BTreeMap<NodeId, Option<CutReason>>,
    changes: Vec<CutChange>,
}

impl Cuts {
    /// A line that was never up in this run cannot be lost: most offices have a line to few others.
    pub fn cut(&mut self, node: NodeId, reason: CutReason, at_ms: u64) {
        let Some(line) = self.lines.get_mut(&node) else { return };
        let step = match line.replace(reason) {
            None => CutStep::Begun(reason),
            Some(before) if before != reason => CutStep::Turned(reason),
            Some(_) => return,
        };
        self.add(CutChange { node, at_ms, step });
    }

    pub fn restored(&mut self, node: NodeId, at_ms: u64) {
        // Also the first time in this run: a cut of the run before may be open on disk.
        if self.lines.insert(node, None) != Some(None) {
            self.add(CutChange { node, at_ms, step: CutStep::Over });
        }
    }

    pub fn was_up(&self, node: &NodeId) -> bool {
        self.lines.contains_key(node)
    }

    pub fn take(&mut self) -> Vec<CutChange> {
        std::mem::take(&mut self.changes)
    }

    pub fn put_back(&mut self, mut cuts: Vec<CutChange>) {
        cuts.append(&mut self.changes);
        self.changes = cuts;
        self.trim();
    }

    fn add(&mut self, change: CutChange) {
        self.changes.push(change);
        self.trim();
    }

    fn trim(&mut self) {
        let excess = self.changes.len().saturating_sub(WAITING_MAX);
        self.changes.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId::from_bytes([7; 32]);

    fn steps(cuts: &mut Cuts) -> Vec<CutStep> {
        cuts.take().into_iter().map(|change| change.step).collect()
    }

    #[test]
    fn a_line_that_was_never_up_is_not_lost() {
        let mut cuts = Cuts::default();
        cuts.cut(NODE, CutReason::Lost, 1);
        assert_eq!(steps(&mut cuts), []);
        assert!(!cuts.was_up(&NODE));
    }

    #[test]
    fn each_change_is_told_once() {
        let mut cuts = Cuts::default();
        cuts.restored(NODE, 1);
        cuts.restored(NODE, 2);
        cuts.cut(NODE, CutReason::Lost, 3);
        cuts.cut(NODE, CutReason::Lost, 4);
        cuts.cut(NODE, CutReason::Here, 5);
        cuts.restored(NODE, 6);
        let told = [CutStep::Over, CutStep::Begun(CutReason::Lost), CutStep::Turned(CutReason::Here), CutStep::Over];
        assert_eq!(steps(&mut cuts), told);
    }

    #[test]
    fn what_could_not_be_written_comes_before_what_came_since_and_is_bounded() {
        let mut cuts = Cuts::default();
        cuts.restored(NODE, 1);
        let taken = cuts.take();
        cuts.cut(NODE, CutReason::Lost, 2);
        cuts.put_back(taken);
        assert_eq!(steps(&mut cuts), [CutStep::Over, CutStep::Begun(CutReason::Lost)]);
        for at_ms in 0..2 * WAITING_MAX as u64 {
            cuts.cut(NODE, CutReason::Lost, at_ms);
            cuts.restored(NODE, at_ms);
        }
        assert_eq!(cuts.take().len(), WAITING_MAX);
    }
}
