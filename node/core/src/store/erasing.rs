//! Places of logs of which nothing is left but e(n): chains still verify, heads and digests stay, and what was erased does
//! not come back.

use std::collections::BTreeSet;

use noroshi_sync::log::{Hash, LogId, entry_hash};
use noroshi_sync::store::StoreError;
use noroshi_sync::window::{Item, VerifiedItem, VerifiedWindow};

use super::database::Database;
use super::keys::{EntryPk, LogPk, SEQ_MAX};
use super::writing::Writing;

/// Stands before the hash of an erased entry. There is no version 0 of an entry, so no entry begins with it.
const MARK: u8 = 0;
/// The mark and a hash.
const ERASED_BYTES: usize = 33;

/// What the column `bytes` of `entries` holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) enum Content<'a> {
    Entry(&'a [u8]),
    Erased(Hash),
}

impl<'a> Content<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        match bytes.split_first() {
            Some((&MARK, hash)) if bytes.len() == ERASED_BYTES => match hash.try_into() {
                Ok(hash) => Self::Erased(Hash::from_bytes(hash)),
                Err(_) => Self::Entry(bytes),
            },
            _ => Self::Entry(bytes),
        }
    }

    /// e(n).
    pub fn hash(&self) -> Hash {
        match self {
            Self::Entry(bytes) => entry_hash(bytes),
            Self::Erased(hash) => *hash,
        }
    }

    pub fn is_erased(&self) -> bool {
        matches!(self, Self::Erased(_))
    }

    pub fn item(&self) -> Item {
        match self {
            Self::Entry(bytes) => Item::Entry(bytes.to_vec()),
            Self::Erased(hash) => Item::Erased(*hash),
        }
    }
}

/// The column of an erased place.
fn erased(hash: &Hash) -> Vec<u8> {
    std::iter::once(MARK).chain(*hash.as_bytes()).collect()
}

/// What acts of erasure say about the places of a window.
pub(in crate::store) struct Erasable(BTreeSet<(u64, Hash)>);

impl Erasable {
    pub fn names(&self, item: &VerifiedItem) -> bool {
        !self.0.is_empty() && self.0.contains(&(item.seq, item.entry_hash))
    }

    /// The column for an item: nothing is stored again that was erased.
    pub fn column(&self, item: &VerifiedItem) -> Vec<u8> {
        if item.entry.is_none() || self.names(item) { erased(&item.entry_hash) } else { item.bytes.clone() }
    }
}

impl Database {
    /// Which places of a window are erased; `log` is the trunk, by which acts name them.
    pub(in crate::store) fn erasable_in(
        &self,
        log: Option<LogPk>,
        window: &VerifiedWindow,
    ) -> Result<Erasable, StoreError> {
        let Some(log) = log else { return Ok(Erasable(BTreeSet::new())) };
        let (first, last) = (window.first().min(SEQ_MAX), window.last().min(SEQ_MAX));
        let places = self.rows(
            "SELECT entry_pk, hash FROM erasable WHERE entry_pk BETWEEN ? AND ?",
            (EntryPk::new(log, first), EntryPk::new(log, last)),
            |row| Ok((row.get::<_, EntryPk>(0)?.seq(), Hash::from_bytes(row.get(1)?))),
        )?;
        Ok(Erasable(places.into_iter().collect()))
    }

    /// The place, if exactly this content is held there.
    pub(in crate::store) fn content_at(
        &self,
        log: &LogId,
        seq: u64,
        hash: &Hash,
    ) -> Result<Option<EntryPk>, StoreError> {
        if seq > SEQ_MAX {
            return Ok(None);
        }
        // An act does not say on which branch of a log that forks the entry stands: the hash does.
        for log in self.rows_of(log)? {
            let pk = EntryPk::new(log, seq);
            let found = self.row("SELECT bytes FROM entries WHERE entry_pk = ?", [pk], |row| {
                let content = Content::of(row.get_ref(0)?.as_blob()?);
                Ok(!content.is_erased() && content.hash() == *hash)
            })?;
            if found == Some(true) {
                return Ok(Some(pk));
            }
        }
        Ok(None)
    }
}

impl Writing<'_> {
    /// Notes that what stands at a place of a log is erased, whether it is here or comes later, and erases it. The
    /// projector has forgotten it before.
    pub fn erase(&self, log: &LogId, seq: u64, hash: &Hash) -> Result<(), StoreError> {
        if seq == 0 || seq > SEQ_MAX {
            return Ok(());
        }
        let named = EntryPk::new(self.ensure_log(&log.trunk())?, seq);
        self.execute("INSERT OR IGNORE INTO erasable (entry_pk, hash) VALUES (?, ?)", (named, hash.as_bytes()))?;
        while let Some(pk) = self.content_at(log, seq, hash)? {
            self.execute("UPDATE entries SET bytes = ? WHERE entry_pk = ?", (erased(hash), pk))?;
            self.erasing.set(true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erased_place_is_told_from_every_entry() {
        let hash = Hash::from_bytes([9; 32]);
        let column = erased(&hash);
        assert_eq!(Content::of(&column), Content::Erased(hash));
        assert_eq!((Content::of(&column).hash(), Content::of(&column).item()), (hash, Item::Erased(hash)));
        for entry in [&[][..], &[1; 33], &column[..32], &[0; 34]] {
            assert!(!Content::of(entry).is_erased(), "{entry:?}");
            assert_eq!(Content::of(entry).hash(), entry_hash(entry));
        }
    }
}
