//! Notices when two running programs are the same node: somebody copied its folder and started both.
//!
//! Each run of a node has a random name, and the newest run takes the place of the one before. A run that comes back after
//! another has taken its place was alive all the time. And whoever is told that another connection of its own took its
//! place, and has none, has a double.

use std::collections::{BTreeMap, VecDeque};

use noroshi_sync::id::NodeId;

use crate::stream::Run;

/// Earlier runs remembered of one peer.
const RUNS_MAX: usize = 8;
/// So often this node must be displaced by nobody it knows before it says so.
const DISPLACED_MIN: u32 = 2;

#[derive(Debug, Default)]
pub(crate) struct Doubles {
    runs: BTreeMap<NodeId, Runs>,
    displaced: u32,
}

#[derive(Debug)]
struct Runs {
    current: Run,
    earlier: VecDeque<Run>,
}

impl Doubles {
    /// A connection of this run of the peer begins. Whether that proves two running programs.
    pub fn begins(&mut self, peer: NodeId, run: Run) -> bool {
        let runs = self.runs.entry(peer).or_insert_with(|| Runs { current: run, earlier: VecDeque::new() });
        if runs.current == run {
            return false;
        }
        let came_back = runs.earlier.contains(&run);
        let before = std::mem::replace(&mut runs.current, run);
        runs.earlier.retain(|known| *known != run && *known != before);
        runs.earlier.push_back(before);
        if runs.earlier.len() > RUNS_MAX {
            runs.earlier.pop_front();
        }
        came_back
    }

    /// A peer says that another connection of this node took the place of one, and this node has none. Whether that
    /// proves two running programs.
    pub fn displaced(&mut self) -> bool {
        self.displaced += 1;
        self.displaced >= DISPLACED_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_no_doubles_and_a_run_that_comes_back_is_one() {
        let mut doubles = Doubles::default();
        let peer = NodeId::from_bytes([1; 32]);
        let run = |n: u8| [n; 16];
        for n in 0..20 {
            assert!(!doubles.begins(peer, run(n)) && !doubles.begins(peer, run(n)), "restart {n}, and a second line");
        }
        assert!(doubles.begins(peer, run(18)) && doubles.begins(peer, run(19)));
        assert!(!doubles.begins(NodeId::from_bytes([2; 32]), run(18)), "another node");
        assert!(!doubles.begins(peer, run(3)), "forgotten");
    }
}
