//! The link switch: lines that people here have cut, both directions at this node. What is cut stays cut over a restart.

use std::collections::BTreeSet;

use noroshi_sync::id::NodeId;
use tokio::sync::watch;

/// Which lines are cut by us.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinkState {
    /// Every line.
    pub all: bool,
    /// The lines to these nodes.
    pub nodes: BTreeSet<NodeId>,
}

impl LinkState {
    pub fn is_cut(&self, node: &NodeId) -> bool {
        self.all || self.nodes.contains(node)
    }

    /// The state after a person has moved one switch. Restoring `All` restores every line.
    #[must_use]
    pub fn with(&self, target: LinkTarget, cut: bool) -> Self {
        let mut next = self.clone();
        match (target, cut) {
            (LinkTarget::All, true) => next.all = true,
            (LinkTarget::All, false) => next = Self::default(),
            (LinkTarget::Node(node), true) => {
                next.nodes.insert(node);
            }
            (LinkTarget::Node(node), false) => {
                next.nodes.remove(&node);
            }
        }
        next
    }
}

/// Which switch is moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkTarget {
    All,
    Node(NodeId),
}

/// The switches, for those who must act on them.
#[derive(Debug)]
pub struct Links {
    state: watch::Sender<LinkState>,
}

impl Links {
    pub fn new(state: LinkState) -> Self {
        Self { state: watch::Sender::new(state) }
    }
    pub fn changes(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }
    pub fn is_cut(&self, node: &NodeId) -> bool {
        self.state.borrow().is_cut(node)
    }
    pub fn state(&self) -> LinkState {
        self.state.borrow().clone()
    }
    /// Makes a state known that is on disk.
    pub fn set(&self, state: LinkState) {
        self.state.send_if_modified(|current| {
            let changed = *current != state;
            *current = state;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_or_all_lines_can_be_cut_and_restored() {
        let (a, b) = (NodeId::from_bytes([1; 32]), NodeId::from_bytes([2; 32]));
        let one = LinkState::default().with(LinkTarget::Node(a), true);
        assert!(one.is_cut(&a) && !one.is_cut(&b));
        let all = one.with(LinkTarget::All, true);
        assert!(all.is_cut(&b));
        assert_eq!(all.with(LinkTarget::All, false), LinkState::default());
        // Restoring one line does not lift the cut of all.
        assert!(all.with(LinkTarget::Node(a), false).is_cut(&a));
    }

    #[test]
    fn who_watches_hears_of_changes_only() {
        let links = Links::new(LinkState::default());
        let mut changes = links.changes();
        links.set(LinkState::default());
        assert!(!changes.has_changed().unwrap());
        links.set(LinkState { all: true, nodes: BTreeSet::new() });
        assert!(changes.has_changed().unwrap());
        assert!(changes.borrow_and_update().all);
    }
}
