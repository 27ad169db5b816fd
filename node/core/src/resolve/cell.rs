//! The last-writer cell: an entry names the entries it takes the place of, and stamps order only the concurrent.
//!
//! So no clock can win for ever: who has seen an entry of the year 2099 and replaces it is the winner.

use std::collections::HashSet;

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::EntryId;

/// One entry that writes to a cell.
pub trait Write {
    fn id(&self) -> EntryId;
    fn hlc(&self) -> Hlc;
    fn replaces(&self) -> &[EntryId];
    /// Orders entries that share stamp and id but differ otherwise.
    fn content(&self) -> &[u8];
}

/// The entry that counts; `None` for an empty cell. The same entry may be given more than once.
pub fn winner<'a, W: Write + 'a>(writes: impl IntoIterator<Item = &'a W>) -> Option<&'a W> {
    let writes: Vec<&W> = writes.into_iter().collect();
    heads(&writes).into_iter().max_by(|a, b| order(*a, *b))
}

/// The entries of a cell that a new one should name in `replaces`: those nobody has replaced yet, newest first.
pub fn replaceable<'a, W: Write + 'a>(writes: impl IntoIterator<Item = &'a W>) -> Vec<EntryId> {
    let writes: Vec<&W> = writes.into_iter().collect();
    let mut heads = heads(&writes);
    heads.sort_by(|a, b| order(*b, *a));
    let mut ids: Vec<EntryId> = heads.into_iter().map(Write::id).collect();
    ids.dedup();
    ids.truncate(crate::limits::REPLACES_MAX);
    ids
}

/// The entries that no other one replaces. Liars may replace each other in a circle: then all of them count.
fn heads<'a, W: Write>(writes: &[&'a W]) -> Vec<&'a W> {
    let replaced: HashSet<EntryId> =
        writes.iter().flat_map(|write| write.replaces().iter().copied().filter(|id| *id != write.id())).collect();
    let heads: Vec<&W> = writes.iter().copied().filter(|write| !replaced.contains(&write.id())).collect();
    if heads.is_empty() { writes.to_vec() } else { heads }
}

fn order<W: Write>(a: &W, b: &W) -> std::cmp::Ordering {
    (a.hlc(), a.id(), a.content(), a.replaces()).cmp(&(b.hlc(), b.id(), b.content(), b.replaces()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Sample {
        id: EntryId,
        hlc: Hlc,
        replaces: Vec<EntryId>,
        content: Vec<u8>,
    }

    impl Write for Sample {
        fn id(&self) -> EntryId {
            self.id
        }
        fn hlc(&self) -> Hlc {
            self.hlc
        }
        fn replaces(&self) -> &[EntryId] {
            &self.replaces
        }
        fn content(&self) -> &[u8] {
            &self.content
        }
    }

    fn id(number: u8) -> EntryId {
        EntryId::from_bytes([number; 16])
    }

    fn sample(number: u8, ms: u64, replaces: &[u8]) -> Sample {
        Sample {
            id: id(number),
            hlc: Hlc::from_parts(ms, 0),
            replaces: replaces.iter().map(|n| id(*n)).collect(),
            content: vec![],
        }
    }

    #[test]
    fn stamps_order_only_the_concurrent() {
        assert_eq!(winner(&[sample(1, 10, &[]), sample(2, 20, &[])]).unwrap().id, id(2));
        // The first clock was years ahead; who saw its entry and replaced it wins all the same.
        assert_eq!(winner(&[sample(1, 99_999, &[]), sample(2, 20, &[1])]).unwrap().id, id(2));
        assert_eq!(winner::<Sample>(&[]), None);
    }

    #[test]
    fn an_entry_that_replaces_one_not_here_counts() {
        assert_eq!(winner(&[sample(2, 20, &[1])]).unwrap().id, id(2));
    }

    #[test]
    fn a_circle_falls_to_the_order_of_stamps() {
        assert_eq!(winner(&[sample(1, 10, &[2]), sample(2, 20, &[1])]).unwrap().id, id(2));
        assert_eq!(winner(&[sample(1, 10, &[1])]).unwrap().id, id(1));
    }

    #[test]
    fn a_new_entry_replaces_what_stands() {
        let writes = [sample(1, 10, &[]), sample(2, 20, &[1]), sample(3, 15, &[1])];
        assert_eq!(replaceable(&writes), vec![id(2), id(3)]);
    }

    fn arbitrary() -> impl Strategy<Value = Vec<Sample>> {
        let one = (0u8..6, 0u64..4, proptest::collection::vec(0u8..6, 0..3), 0u8..2);
        proptest::collection::vec(
            one.prop_map(|(number, ms, replaces, content)| Sample {
                content: vec![content],
                ..sample(number, ms, &replaces)
            }),
            0..8,
        )
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(writes in arbitrary(), seed in any::<u64>()) {
            let mut shuffled = writes.clone();
            shuffled.extend(writes.iter().take(3).cloned());
            let length = shuffled.len().max(1) as u64;
            for index in (1..shuffled.len()).rev() {
                shuffled.swap(index, (seed.wrapping_mul(index as u64 + 7) % length) as usize % (index + 1));
            }
            prop_assert_eq!(winner(&writes), winner(&shuffled));
            prop_assert_eq!(replaceable(&writes), replaceable(&shuffled));
        }
    }
}
