//! Last-writer cells: an entry names the entries it replaces; only what nobody has replaced competes.

use std::collections::BTreeSet;

use noroshi_sync::id::EntryId;

/// One counting entry of a cell. `Order` decides between concurrent ones; the greatest wins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a, Order, Value> {
    pub id: EntryId,
    pub order: Order,
    pub replaces: &'a [EntryId],
    pub value: Value,
}

/// The writings that no other replaces, the winner first. A ring of entries that replace each other cannot come about
/// honestly; then all compete, so that the cell still has one value everywhere.
pub(crate) fn heads<'a, Order: Ord + Clone, Value>(
    writings: Vec<Writing<'a, Order, Value>>,
) -> Vec<Writing<'a, Order, Value>> {
    let replaced: BTreeSet<EntryId> =
        writings.iter().flat_map(|w| w.replaces.iter().copied().filter(move |id| *id != w.id)).collect();
    let (mut heads, mut ring): (Vec<_>, Vec<_>) = writings.into_iter().partition(|w| !replaced.contains(&w.id));
    if heads.is_empty() {
        heads.append(&mut ring);
    }
    heads.sort_by(|a, b| b.order.cmp(&a.order));
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> EntryId {
        EntryId::from_bytes([n; 16])
    }

    fn winner(writings: &[(u8, u64, &[EntryId])]) -> Option<u8> {
        let writings =
            writings.iter().map(|(n, order, replaces)| Writing { id: id(*n), order: *order, replaces, value: *n });
        heads(writings.collect()).first().map(|head| head.value)
    }

    #[test]
    fn who_replaces_wins_whatever_the_order_says() {
        assert_eq!(winner(&[(1, 9, &[]), (2, 1, &[id(1)])]), Some(2));
        assert_eq!(winner(&[(1, 9, &[]), (2, 5, &[id(1)]), (3, 1, &[id(2)])]), Some(3));
    }

    #[test]
    fn the_order_decides_between_concurrent_writings() {
        assert_eq!(winner(&[(1, 9, &[]), (2, 1, &[])]), Some(1));
        assert_eq!(winner(&[]), None);
    }

    #[test]
    fn rings_and_self_references_leave_one_value() {
        assert_eq!(winner(&[(1, 1, &[id(2)]), (2, 2, &[id(1)])]), Some(2));
        assert_eq!(winner(&[(1, 1, &[id(1)])]), Some(1));
    }
}
