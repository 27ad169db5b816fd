//! All that is held of one log in memory, as a set of entries that know what they follow. Whether it forks, where, and what
//! its branches are called is worked out from the set alone, so it cannot depend on what came first.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::Signature;
use crate::frontier::LogState;
use crate::limits::{LOG_BRANCHES_MAX, WINDOW_BYTES_ENOUGH};
use crate::log::{Branch, Hash, LogId, chain, entry_hash};
use crate::store::{Refusal, Standing};
use crate::window::{CheckpointMark, Item, VerifiedItem, VerifiedWindow, Window};

/// An entry is named by its place and the hash of the whole history up to it.
type Place = (u64, Hash);

const LOWEST: Hash = Hash::from_bytes([0; 32]);
const HIGHEST: Hash = Hash::from_bytes([0xff; 32]);

#[derive(Debug, Clone)]
struct Held {
    item: Item,
    /// h(seq − 1).
    before: Hash,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Histories {
    entries: BTreeMap<Place, Held>,
    checkpoints: BTreeMap<Place, Signature>,
    genesis: Hash,
    /// What is held, as long as only one history is known.
    single: Option<LogState>,
}

/// A run of entries on one path.
struct Run {
    branch: Option<Branch>,
    last: Place,
}

impl Histories {
    pub fn new(log: &LogId) -> Self {
        let single = Some(LogState::empty(log));
        Self { entries: BTreeMap::new(), checkpoints: BTreeMap::new(), genesis: log.genesis(), single }
    }

    /// Nothing of those that are erased.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.entries.iter().map(|((seq, _), held)| (*seq, held.item.content()))
    }

    /// The last entry of the contiguous part and its hash, of a log with one history.
    pub fn head(&self) -> Place {
        self.single.as_ref().map_or((0, self.genesis), |state| (state.length, state.hash))
    }

    /// The next entry of the writer; h of it.
    pub fn append(&mut self, seq: u64, bytes: Vec<u8>) -> Hash {
        let (_, before) = self.head();
        let hash = chain(before, entry_hash(&bytes));
        self.entries.insert((seq, hash), Held { item: Item::Entry(bytes), before });
        self.single = Some(LogState { length: seq, hash, above: Vec::new() });
        hash
    }

    /// Erases what has this e(n) at a place, on every branch.
    pub fn erase(&mut self, seq: u64, hash: Hash) {
        let held = self.entries.range_mut((seq, LOWEST)..=(seq, HIGHEST)).map(|(_, held)| held);
        held.filter(|held| held.item.hash() == hash).for_each(|held| held.item = Item::Erased(hash));
    }

    pub fn sign(&mut self, seq: u64, hash: Hash, signature: Signature) {
        self.checkpoints.entry((seq, hash)).or_insert(signature);
    }

    /// Entries at one place, of any history.
    fn at(&self, seq: u64) -> impl Iterator<Item = (&Place, &Held)> {
        self.entries.range((seq, LOWEST)..=(seq, HIGHEST))
    }

    /// What follows a place directly.
    fn next(&self, (seq, hash): Place) -> Vec<Place> {
        self.at(seq + 1).filter(|(_, held)| held.before == hash).map(|(place, _)| *place).collect()
    }

    /// Whether two histories are known: two entries at one place, or one that does not follow the one before it.
    pub fn is_forked(&self) -> bool {
        self.single.is_none()
    }

    /// Whether the window is part of the one history that is known.
    fn agrees(&self, window: &VerifiedWindow) -> bool {
        let above = self.at(window.last() + 1).all(|(_, held)| held.before == window.end());
        let below = self.at(window.first() - 1).all(|((_, hash), _)| *hash == window.base());
        let inside = |item: &VerifiedItem| self.at(item.seq).all(|((_, hash), _)| *hash == item.chain_hash);
        above && below && window.items().iter().all(inside)
    }

    /// All entries that follow the beginning without a gap, as runs between forks.
    fn tree(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut open = vec![(None, (0, self.genesis))];
        while let Some((branch, mut last)) = open.pop() {
            loop {
                let next = self.next(last);
                match next[..] {
                    [] => break,
                    [only] => last = only,
                    _ => {
                        open.extend(next.iter().map(|&(first, hash)| (Some(Branch { first, hash }), (first, hash))));
                        break;
                    }
                }
            }
            runs.push(Run { branch, last });
        }
        runs
    }

    /// What is held, by the names of branches. Of a log that forks only what joins its beginning: anything else belongs to
    /// some branch, and nobody can say to which.
    pub fn lines(&self, log: &LogId) -> BTreeMap<LogId, LogState> {
        if let Some(state) = &self.single {
            return (state.last() > 0).then(|| (*log, state.clone())).into_iter().collect();
        }
        let line = |run: &Run| {
            let state = LogState { length: run.last.0, hash: run.last.1, above: Vec::new() };
            (LogId { branch: run.branch, ..*log }, state)
        };
        let mut lines: BTreeMap<LogId, LogState> = self.tree().iter().map(line).collect();
        lines.retain(|_, state| state.last() > 0);
        lines
    }

    fn is_connected(&self, (seq, hash): Place) -> bool {
        let mut at = (seq, hash);
        while at.0 > 0 {
            let Some(held) = self.entries.get(&at) else { return false };
            at = (at.0 - 1, held.before);
        }
        at.1 == self.genesis
    }

    /// Takes a window, of some places only their hash; `true` when it made a further history known.
    pub fn add(&mut self, window: &VerifiedWindow, erased: &BTreeSet<u64>) -> Result<bool, Refusal> {
        let base = (window.first() - 1, window.base());
        let starts_wrong = base.0 == 0 && base.1 != self.genesis;
        let agrees = self.agrees(window);
        if let Some(state) = self.single.as_ref().filter(|_| agrees && !starts_wrong) {
            let state = state.with(window.first(), window.last(), window.end()).ok_or(Refusal::TooManyGaps)?;
            self.single = Some(state);
            self.insert(window, erased);
            return Ok(false);
        }
        if starts_wrong || !self.is_connected(base) {
            return Err(Refusal::Unjoined);
        }
        let branches = |histories: &Self| histories.tree().iter().filter(|run| run.branch.is_some()).count();
        let mut after = Self { single: None, ..self.clone() };
        after.insert(window, erased);
        let (before, count) = (branches(self), branches(&after));
        if count > LOG_BRANCHES_MAX {
            return Err(Refusal::TooManyBranches);
        }
        *self = after;
        Ok(count > before)
    }

    fn insert(&mut self, window: &VerifiedWindow, erased: &BTreeSet<u64>) {
        let mut before = window.base();
        let mut marks = window.checkpoints().iter().peekable();
        for item in window.items() {
            let place = (item.seq, item.chain_hash);
            let is_erased = item.entry.is_none() || erased.contains(&item.seq);
            let content = if is_erased { Item::Erased(item.entry_hash) } else { Item::Entry(item.bytes.clone()) };
            self.entries.entry(place).or_insert(Held { item: content, before });
            if let Some(mark) = marks.next_if(|mark| mark.seq == item.seq) {
                self.checkpoints.insert(place, mark.signature);
            }
            before = item.chain_hash;
        }
    }

    /// How a line stands to what is held here.
    pub fn standing(&self, log: &LogId, theirs: &LogState) -> Standing {
        let head = (theirs.length, theirs.hash);
        let Some(mine) = &self.single else {
            let agrees = self.is_connected(head);
            return Standing { held: if agrees { theirs.clone() } else { self.common(log, theirs) }, agrees };
        };
        if log.branch.is_some_and(|branch| !self.entries.contains_key(&(branch.first, branch.hash))) {
            return Standing { held: LogState::empty(log), agrees: true };
        }
        if theirs.length > mine.length || theirs.length == 0 || self.entries.contains_key(&head) {
            return Standing { held: mine.clone(), agrees: true };
        }
        Standing { held: LogState { length: theirs.length - 1, ..mine.clone() }, agrees: false }
    }

    /// What is probably held of a history whose head is not.
    fn common(&self, log: &LogId, theirs: &LogState) -> LogState {
        let lines = self.lines(&log.trunk());
        let line = match log.branch {
            Some(branch) if !self.is_connected((branch.first, branch.hash)) => None,
            _ => lines.get(log),
        };
        let length = line.map_or(log.before(), |line| line.length).min(theirs.length.saturating_sub(1));
        LogState { length, above: theirs.above.clone(), ..LogState::empty(log) }
    }

    /// The window from `first` to the first checkpoint at or after `last`, or at which it has bytes enough, if all of it
    /// is held. It may run on along any branch, since one end is signed as well as another.
    pub fn window(&self, log: &LogId, first: u64, last: u64) -> Option<Window> {
        let path = self.path(log, first, last)?;
        let (mut bytes, mut items, mut marks) = (0, Vec::new(), Vec::new());
        let base = self.entries.get(path.first().filter(|place| place.0 == first)?)?.before;
        for place in path {
            let held = self.entries.get(&place)?;
            bytes += held.item.bytes();
            items.push(held.item.clone());
            if let Some(signature) = self.checkpoints.get(&place) {
                marks.push(CheckpointMark { seq: place.0, signature: *signature });
                if place.0 >= last || bytes >= WINDOW_BYTES_ENOUGH {
                    return Some(Window { log: *log, first, base, items, checkpoints: marks });
                }
            }
        }
        None
    }

    /// The places from `first` on of the history that the line is part of, ascending, to the first signature behind `last`:
    /// where the line ends, on along any branch.
    fn path(&self, log: &LogId, first: u64, last: u64) -> Option<Vec<Place>> {
        let lines = self.lines(&log.trunk());
        let line = lines.get(log)?;
        let mut at = if self.single.is_some() {
            let is_signed = |place: &Place| self.checkpoints.contains_key(place);
            *self.entries.range((last, LOWEST)..).map(|(place, _)| place).find(|place| is_signed(place))?
        } else {
            (line.length, line.hash)
        };
        if at.0 < last {
            return None;
        }
        let mut path = Vec::new();
        let mut end = at;
        while let Some(held) = self.entries.get(&at).filter(|_| at.0 >= first) {
            path.push(at);
            at = (at.0 - 1, held.before);
        }
        path.reverse();
        while let Some(next) = self.next(end).first().filter(|_| self.single.is_none()) {
            path.push(*next);
            end = *next;
        }
        Some(path)
    }
}
