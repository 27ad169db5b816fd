//! Rows held in memory by the writer, with what is needed to undo the changes of one failed item.
//!
//! A cache may be emptied whenever nothing in it waits to be written. Changed rows are written once a transaction, not
//! once an entry: thirty-two posts to one room in one group change its head, digest and checkpoint once.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

#[derive(Debug, Clone)]
struct Slot<V> {
    row: V,
    /// Waits to be written.
    dirty: bool,
    /// The item in which the earlier content was put aside.
    saved_in: u64,
}

/// Rows of one table by key.
#[derive(Debug)]
pub(in crate::store) struct Rows<K, V> {
    slots: HashMap<K, Slot<V>>,
    dirty: BTreeSet<K>,
    /// What slots held before the running item, in the order of the changes.
    undo: Vec<(K, Option<Slot<V>>)>,
    item: u64,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { slots: HashMap::new(), dirty: BTreeSet::new(), undo: Vec::new(), item: 1 }
    }
}

impl<K: Copy + Ord + Hash, V: Clone> Rows<K, V> {
    pub fn get(&self, key: K) -> Option<&V> {
        self.slots.get(&key).map(|slot| &slot.row)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes in a row as it is on disk.
    pub fn load(&mut self, key: K, row: V) {
        let slot = Slot { row, dirty: false, saved_in: self.item };
        let before = self.slots.insert(key, slot);
        self.undo.push((key, before));
    }

    /// Gives the row out to be changed; `None` when it is not here.
    pub fn edit(&mut self, key: K) -> Option<&mut V> {
        let slot = self.slots.get_mut(&key)?;
        if slot.saved_in != self.item {
            self.undo.push((key, Some(slot.clone())));
            slot.saved_in = self.item;
        }
        slot.dirty = true;
        self.dirty.insert(key);
        Some(&mut slot.row)
    }

    /// Keys of the rows that wait to be written, ascending.
    pub fn dirty(&self) -> Vec<K> {
        self.dirty.iter().copied().collect()
    }

    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }

    /// The row has been written as it is now.
    pub fn written(&mut self, key: K) {
        if self.edit(key).is_some()
            && let Some(slot) = self.slots.get_mut(&key)
        {
            slot.dirty = false;
            self.dirty.remove(&key);
        }
    }

    /// The row exists no longer.
    pub fn drop_row(&mut self, key: K) {
        if let Some(slot) = self.slots.remove(&key) {
            self.dirty.remove(&key);
            self.undo.push((key, Some(slot)));
        }
    }

    /// A new item begins: what it changes can be undone.
    pub fn begin_item(&mut self) {
        self.undo.clear();
        self.item += 1;
    }

    /// Puts everything back to the beginning of the item.
    pub fn undo_item(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            if before.as_ref().is_some_and(|slot| slot.dirty) {
                self.dirty.insert(key);
            } else {
                self.dirty.remove(&key);
            }
            match before {
                Some(slot) => self.slots.insert(key, slot),
                None => self.slots.remove(&key),
            };
        }
    }

    pub fn clear(&mut self) {
        self.slots.clear();
        self.dirty.clear();
        self.undo.clear();
    }
}

/// A set that only grows within a transaction, and forgets what a failed item added.
#[derive(Debug)]
pub(in crate::store) struct Notes<T> {
    noted: BTreeSet<T>,
    by_item: Vec<T>,
}

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self { noted: BTreeSet::new(), by_item: Vec::new() }
    }
}

impl<T: Copy + Ord> Notes<T> {
    pub fn insert(&mut self, value: T) {
        if self.noted.insert(value) {
            self.by_item.push(value);
        }
    }

    pub fn begin_item(&mut self) {
        self.by_item.clear();
    }

    pub fn undo_item(&mut self) {
        for value in self.by_item.drain(..) {
            self.noted.remove(&value);
        }
    }

    /// Everything noted, ascending; nothing is left.
    pub fn take(&mut self) -> Vec<T> {
        self.by_item.clear();
        std::mem::take(&mut self.noted).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_item_leaves_no_trace() {
        let mut rows: Rows<i64, &str> = Rows::default();
        rows.load(1, "one");
        rows.begin_item();
        *rows.edit(1).unwrap() = "of the first item";
        rows.begin_item();
        *rows.edit(1).unwrap() = "a";
        *rows.edit(1).unwrap() = "b";
        rows.load(2, "two");
        rows.written(1);
        assert!(rows.dirty().is_empty());
        rows.undo_item();
        assert_eq!((rows.get(1), rows.get(2)), (Some(&"of the first item"), None));
        assert_eq!(rows.dirty(), vec![1], "what the first item changed still waits to be written");
    }

    #[test]
    fn notes_of_a_failed_item_are_forgotten() {
        let mut notes = Notes::default();
        notes.insert(1);
        notes.begin_item();
        notes.insert(1);
        notes.insert(2);
        notes.undo_item();
        assert_eq!(notes.take(), vec![1]);
    }

    #[test]
    fn a_second_item_keeps_what_the_first_one_did() {
        let mut rows: Rows<i64, u8> = Rows::default();
        rows.load(1, 0);
        for _ in 0..3 {
            rows.begin_item();
            *rows.edit(1).unwrap() += 1;
        }
        rows.undo_item();
        assert_eq!(rows.get(1), Some(&2));
    }
}
