//! A run of entries of one log on its way between two replicas, and the proof that its writer signed it.
//!
//! Bytes from a peer are a [`Window`]; only [`Window::verify`] makes a [`VerifiedWindow`], and only that can be stored.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{self, Signature};
use crate::entry::Entry;
use crate::limits::WINDOW_BYTES_MAX;
use crate::log::{Hash, LogId, chain, entry_hash};
use crate::wire::Malformed;

/// One place of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Item {
    /// The encoded entry, byte for byte as its writer made it.
    Entry(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The body was erased; e(n) stays, so that the chain still verifies.
    Erased(Hash),
}

impl Item {
    /// e(n).
    pub fn hash(&self) -> Hash {
        match self {
            Self::Entry(bytes) => entry_hash(bytes),
            Self::Erased(hash) => *hash,
        }
    }

    /// The encoded entry; nothing of an erased one.
    pub fn content(&self) -> &[u8] {
        match self {
            Self::Entry(bytes) => bytes,
            Self::Erased(_) => &[],
        }
    }

    /// Bytes that travel.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Entry(bytes) => bytes.len(),
            Self::Erased(hash) => hash.as_bytes().len(),
        }
    }
}

/// A signature at one place of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckpointMark {
    pub seq: u64,
    pub signature: Signature,
}

/// Entries `first ..` of one log, not yet verified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Window {
    pub log: LogId,
    pub first: u64,
    /// h(first − 1): lets a suffix be verified without its prefix.
    pub base: Hash,
    pub items: Vec<Item>,
    /// Ascending; the last one stands at the last item.
    pub checkpoints: Vec<CheckpointMark>,
}

/// One verified place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedItem {
    pub seq: u64,
    /// `None` for an erased place.
    pub entry: Option<Entry>,
    /// Byte for byte as received; empty for an erased place.
    pub bytes: Vec<u8>,
    /// e(seq).
    pub entry_hash: Hash,
    /// h(seq).
    pub chain_hash: Hash,
}

/// Entries that their writer signed. Cannot be made otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedWindow {
    log: LogId,
    first: u64,
    base: Hash,
    items: Vec<VerifiedItem>,
    checkpoints: Vec<CheckpointMark>,
}

/// Why a window is not what its log's node wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowRefused {
    #[error("the window is empty or does not end at a checkpoint")]
    Unsigned,
    #[error("entry {seq} is malformed: {malformed}")]
    Entry { seq: u64, malformed: Malformed },
    #[error("entry {seq} says it is entry {found}")]
    Misplaced { seq: u64, found: u64 },
    #[error("the signature at {seq} is not by the log's node over this chain")]
    Forged { seq: u64 },
    #[error("the window has {bytes} bytes, over the limit")]
    TooLarge { bytes: usize },
    #[error("sequence numbers run over")]
    Overflow,
}

impl Window {
    /// Bytes of all entries.
    pub fn bytes(&self) -> usize {
        self.items.iter().map(|item| if let Item::Entry(bytes) = item { bytes.len() } else { 32 }).sum()
    }

    /// The last place.
    pub fn last(&self) -> u64 {
        self.first.saturating_add(self.items.len() as u64).saturating_sub(1)
    }

    /// Chains all entries from `base` and checks every signature. About 1 µs an entry and 36 µs a checkpoint.
    pub fn verify(self) -> Result<VerifiedWindow, WindowRefused> {
        let bytes = self.bytes();
        if bytes > WINDOW_BYTES_MAX {
            return Err(WindowRefused::TooLarge { bytes });
        }
        if self.first == 0 || self.first.checked_add(self.items.len() as u64).is_none() {
            return Err(WindowRefused::Overflow);
        }
        if self.checkpoints.last().is_none_or(|mark| mark.seq != self.last()) || self.items.is_empty() {
            return Err(WindowRefused::Unsigned);
        }
        let mut hash = self.base;
        let mut marks = self.checkpoints.iter().peekable();
        let mut verified = Vec::with_capacity(self.items.len());
        for (item, seq) in self.items.into_iter().zip(self.first..) {
            let item = verify_item(item, seq, hash)?;
            hash = item.chain_hash;
            verified.push(item);
            if let Some(mark) = marks.next_if(|mark| mark.seq == seq)
                && !checkpoint::is_signed(&self.log, seq, &hash, &mark.signature)
            {
                return Err(WindowRefused::Forged { seq });
            }
        }
        // A mark that was not reached is out of order or outside the window.
        if marks.next().is_some() {
            return Err(WindowRefused::Unsigned);
        }
        Ok(VerifiedWindow {
            log: self.log,
            first: self.first,
            base: self.base,
            items: verified,
            checkpoints: self.checkpoints,
        })
    }
}

fn verify_item(item: Item, seq: u64, previous: Hash) -> Result<VerifiedItem, WindowRefused> {
    let (entry, bytes, hash) = match item {
        Item::Entry(bytes) => {
            let entry = Entry::decode(&bytes).map_err(|malformed| WindowRefused::Entry { seq, malformed })?;
            if entry.seq != seq {
                return Err(WindowRefused::Misplaced { seq, found: entry.seq });
            }
            let hash = entry_hash(&bytes);
            (Some(entry), bytes, hash)
        }
        Item::Erased(hash) => (None, Vec::new(), hash),
    };
    Ok(VerifiedItem { seq, entry, bytes, entry_hash: hash, chain_hash: chain(previous, hash) })
}

impl VerifiedWindow {
    pub fn log(&self) -> &LogId {
        &self.log
    }
    pub fn first(&self) -> u64 {
        self.first
    }
    pub fn last(&self) -> u64 {
        self.first + self.items.len() as u64 - 1
    }
    /// h(first − 1), as the sender gave it; right if the signature is, since the chain reaches the signed hash.
    pub fn base(&self) -> Hash {
        self.base
    }
    /// h(last).
    pub fn end(&self) -> Hash {
        self.items.last().map_or(self.base, |item| item.chain_hash)
    }
    pub fn items(&self) -> &[VerifiedItem] {
        &self.items
    }
    pub fn checkpoints(&self) -> &[CheckpointMark] {
        &self.checkpoints
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::checkpoint::NodeKey;
    use crate::checkpoint::tests::sample_key;
    use crate::entry::tests::sample;
    use crate::log::tests::sample_log;

    /// A signed window of `count` entries from `first`, with the hash chain of the whole log.
    pub fn sample_window(key: &NodeKey, first: u64, count: u64) -> Window {
        let log = LogId { node: key.node(), ..sample_log() };
        let mut hash = log.genesis();
        let mut base = hash;
        let mut items = Vec::new();
        for seq in 1..first + count {
            if seq == first {
                base = hash;
            }
            let bytes = sample(seq).encode();
            hash = chain(hash, entry_hash(&bytes));
            if seq >= first {
                items.push(Item::Entry(bytes));
            }
        }
        let seq = first + count - 1;
        let signature = checkpoint::sign(key, &log, seq, &hash);
        Window { log, first, base, items, checkpoints: vec![CheckpointMark { seq, signature }] }
    }

    #[test]
    fn a_suffix_verifies_without_its_prefix() {
        let window = sample_window(&sample_key(1), 5, 3).verify().unwrap();
        assert_eq!((window.first(), window.last(), window.items().len()), (5, 7, 3));
    }

    #[test]
    fn every_kind_of_damage_is_refused() {
        let key = sample_key(1);
        let refuse = |name: &str, spoil: fn(&mut Window)| {
            let mut window = sample_window(&key, 2, 3);
            spoil(&mut window);
            assert!(window.verify().is_err(), "{name}");
        };
        refuse("no checkpoint", |window| window.checkpoints.clear());
        refuse("no items", |window| window.items.clear());
        refuse("wrong base", |window| window.base = Hash::from_bytes([0; 32]));
        refuse("an entry is missing", |window| drop(window.items.remove(1)));
        refuse("two entries are swapped", |window| window.items.swap(0, 1));
        refuse("another log", |window| window.log.epoch.0 += 1);
        refuse("a flipped bit", |window| {
            if let Item::Entry(bytes) = &mut window.items[1] {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }
        });
        refuse("a forged signature", |window| window.checkpoints[0].signature = Signature::from_bytes([7; 64]));
        refuse("another node's signature", |window| {
            *window = Window { checkpoints: sample_window(&sample_key(2), 2, 3).checkpoints, ..window.clone() }
        });
        refuse("checkpoints out of order", |window| {
            let mark = window.checkpoints[0];
            window.checkpoints.insert(0, mark);
        });
        refuse("sequence 0", |window| window.first = 0);
        refuse("sequence overflow", |window| window.first = u64::MAX);
        refuse("an erased place with another hash", |window| window.items[0] = Item::Erased(Hash::from_bytes([1; 32])));
    }

    #[test]
    fn a_window_of_4_mib_is_the_largest() {
        // Never reaches the signature: what is too large is refused before anything is hashed.
        let refusal = |bytes: usize| {
            let mut window = sample_window(&sample_key(1), 1, 1);
            window.items = vec![Item::Entry(vec![0; 1024 * 1024]); bytes / (1024 * 1024)];
            window.items.push(Item::Entry(vec![0; bytes % (1024 * 1024)]));
            window.verify().unwrap_err()
        };
        assert_eq!(refusal(WINDOW_BYTES_MAX + 1), WindowRefused::TooLarge { bytes: WINDOW_BYTES_MAX + 1 });
        assert!(!matches!(refusal(WINDOW_BYTES_MAX), WindowRefused::TooLarge { .. }));
    }

    #[test]
    fn an_entry_over_64_kib_is_refused() {
        let key = sample_key(1);
        let signed = |body: usize| {
            let log = LogId { node: key.node(), ..sample_log() };
            let mut entry = sample(1);
            entry.body = vec![7; body];
            let bytes = entry.encode();
            let hash = chain(log.genesis(), entry_hash(&bytes));
            let signature = checkpoint::sign(&key, &log, 1, &hash);
            let checkpoints = vec![CheckpointMark { seq: 1, signature }];
            Window { log, first: 1, base: log.genesis(), items: vec![Item::Entry(bytes)], checkpoints }.verify()
        };
        assert!(signed(64 * 1024).is_ok());
        assert!(matches!(signed(64 * 1024 + 1), Err(WindowRefused::Entry { seq: 1, .. })));
    }

    #[test]
    fn an_erased_place_keeps_the_chain() {
        let mut window = sample_window(&sample_key(1), 1, 3);
        let Item::Entry(bytes) = &window.items[1] else { panic!() };
        window.items[1] = Item::Erased(entry_hash(bytes));
        let verified = window.verify().unwrap();
        assert!(verified.items()[1].entry.is_none());
    }
}
