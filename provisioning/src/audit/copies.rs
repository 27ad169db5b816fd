//! Who keeps a copy of an office's audit log where nobody else is named for it.

use noroshi_sync::id::NodeId;

use crate::id::OfficeId;

/// One of `others`, chosen by the ids alone: the same wherever it is computed, another one for every office, and few change
/// when a node comes or goes (rendezvous hashing). With the lowest id one branch would hold the logs of all.
pub fn copy_holder(office: OfficeId, others: impl IntoIterator<Item = NodeId>) -> Option<NodeId> {
    others.into_iter().min_by_key(|node| distance(office, *node))
}

fn distance(office: OfficeId, node: NodeId) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/audit-copy/1");
    hasher.update(office.as_bytes());
    hasher.update(node.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn node(n: u8) -> NodeId {
        NodeId::from_bytes([n; 32])
    }

    #[test]
    fn copies_are_spread_and_stay_where_they_are() {
        let nodes: Vec<NodeId> = (0..20).map(node).collect();
        let mut held: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut moved = 0;
        for number in 0..200u8 {
            let office = OfficeId::from_bytes([number; 16]);
            let chosen = copy_holder(office, nodes.iter().copied()).unwrap();
            *held.entry(chosen).or_default() += 1;
            assert_eq!(copy_holder(office, nodes.iter().rev().copied()), Some(chosen));
            // One more node takes over a few, the others stay.
            let grown = copy_holder(office, nodes.iter().copied().chain([node(99)])).unwrap();
            assert!(grown == chosen || grown == node(99));
            moved += usize::from(grown != chosen);
        }
        assert!(held.len() > 15 && held.values().all(|offices| *offices < 40), "{held:?}");
        assert!(moved < 40, "{moved}");
        assert_eq!(copy_holder(OfficeId::from_bytes([1; 16]), []), None);
    }
}
