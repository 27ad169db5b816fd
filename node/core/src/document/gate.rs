//! The only way into an Automerge document: on a copy, under guard, and only if what comes out can be loaded again.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{Automerge, AutomergeError, Change};

use super::actor::Actor;
use super::guard::guarded;
use super::hash::ChangeHash;
use super::history::{History, Obstacle};
use super::limits::{
    BATCH_BYTES_MAX, BATCH_CHANGES_MAX, CEILING_FACTOR, DOCUMENT_BYTES_MAX, DOCUMENT_ITEMS_MAX, Excess,
};
use super::scan::{Refusal, ScannedChange, scan};

/// What is shown of a document. Read inside the guard, so that looking at a document cannot fail later.
pub trait Reading: Sized + Clone {
    fn of(document: &Automerge) -> Result<Self, AutomergeError>;
    /// Live items of the document, as the limit counts them.
    fn items(&self) -> usize;
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the document now.
    Applied,
    /// It was part of the document before.
    Known,
    /// It builds on these changes, which are not here. To be offered again when one of them came; never dropped.
    Waiting { missing: Vec<ChangeHash> },
    /// Its actor wrote two changes with one sequence number: a cloned or lying node. The document is to be built anew
    /// from the log, which chooses the same one of the two everywhere.
    Forked,
    /// The document took more than it may; an administrator has to close it. To be offered again to its successor.
    Full(Excess),
    /// Never part of any document, at any office.
    Refused(Refusal),
    /// Well formed as far as we can tell, and still Automerge panics on it, refuses it or cannot load what it made of
    /// it. Kept out by its hash.
    Quarantined { why: String },
}

/// A document, its history and what is shown of it: always the three of the same changes.
#[derive(Clone)]
pub struct Gate<R> {
    document: Automerge,
    history: History,
    reading: R,
}

/// A change made here, ready to be stored; the document is untouched until [`Gate::accept`].
#[derive(Debug, Clone)]
pub struct Draft<R> {
    change: ScannedChange,
    builds_on: BTreeSet<ChangeHash>,
    settled: Settled<R>,
}

/// Why no change could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("the edit is too large for one change: {0}")]
    TooLarge(Refusal),
    /// The document has to be closed and succeeded by a new one.
    #[error("the document is full: {0}")]
    Full(Excess),
    #[error("the document cannot be edited: {0}")]
    Unreadable(String),
}

/// A document that was saved and loaded again.
#[derive(Debug, Clone)]
struct Settled<R> {
    document: Automerge,
    reading: R,
    saved_bytes: usize,
}

/// Why a batch did not get in.
enum Failure {
    Full(Excess),
    Unsound(String),
}

impl<R: Reading> Gate<R> {
    /// A document that holds its genesis alone. `empty` is what is shown of nothing at all.
    ///
    /// The genesis is a constant of ours, so it always gets in; if it did not, the document would stay empty and every
    /// change would wait.
    pub fn open(genesis: &[u8], author: Actor, empty: R) -> Self {
        let mut gate = Self { document: Automerge::new(), history: History::default(), reading: empty };
        let opened = scan(genesis.to_vec(), author).map_err(|refusal| refusal.to_string()).and_then(|change| {
            let settled = settle_with(&gate.document, &[&change], &BTreeSet::from([change.hash()]));
            settled.map(|settled| (change, settled)).map_err(|failure| failure.why())
        });
        match opened {
            Ok((change, settled)) => {
                gate.history = History::begin(&change);
                gate.take(settled);
            }
            Err(why) => tracing::error!(why, "the genesis of a document does not open"),
        }
        gate
    }

    pub fn reading(&self) -> &R {
        &self.reading
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// Lets in what fits, in an order that depends on the changes alone. One verdict for each different change.
    pub fn admit(&mut self, offered: Vec<ScannedChange>) -> BTreeMap<ChangeHash, Verdict> {
        let mut verdicts = BTreeMap::new();
        let mut new = BTreeMap::new();
        for change in offered {
            if self.history.contains(&change.hash()) {
                verdicts.insert(change.hash(), Verdict::Known);
            } else {
                new.insert(change.hash(), change);
            }
        }
        let ordered = self.in_causal_order(new, &mut verdicts);
        for batch in batches(ordered) {
            self.enter(batch, &mut verdicts);
        }
        verdicts
    }

    /// Each change after those it builds on; among the free ones the smallest hash first, so that two offices that
    /// build a document from the same log do it in the same order. What builds on unknown changes gets its verdict.
    fn in_causal_order(
        &self,
        mut changes: BTreeMap<ChangeHash, ScannedChange>,
        verdicts: &mut BTreeMap<ChangeHash, Verdict>,
    ) -> Vec<ScannedChange> {
        let mut open: BTreeMap<ChangeHash, usize> = BTreeMap::new();
        let mut builders: BTreeMap<ChangeHash, Vec<ChangeHash>> = BTreeMap::new();
        let mut free = BTreeSet::new();
        for change in changes.values() {
            let missing = change.dependencies().iter().filter(|hash| !self.history.contains(hash));
            let mut count = 0;
            for hash in missing {
                builders.entry(*hash).or_default().push(change.hash());
                count += 1;
            }
            if count == 0 {
                free.insert(change.hash());
            }
            open.insert(change.hash(), count);
        }
        let mut ordered = Vec::new();
        while let Some(hash) = free.pop_first() {
            ordered.extend(changes.remove(&hash));
            for builder in builders.remove(&hash).unwrap_or_default() {
                let Some(count) = open.get_mut(&builder) else { continue };
                *count -= 1;
                if *count == 0 {
                    free.insert(builder);
                }
            }
        }
        for (hash, change) in changes {
            let missing = change.dependencies().iter().filter(|hash| !self.history.contains(hash)).copied().collect();
            verdicts.insert(hash, Verdict::Waiting { missing });
        }
        ordered
    }

    /// Lets a batch in together, or its halves, until what is wrong stands alone.
    fn enter(&mut self, batch: Vec<ScannedChange>, verdicts: &mut BTreeMap<ChangeHash, Verdict>) {
        let before = self.history.mark();
        let mut fitting = Vec::new();
        for change in batch {
            match self.history.check(&change) {
                Ok(fit) => {
                    self.history.insert(&change, fit);
                    fitting.push(change);
                }
                Err(obstacle) => drop(verdicts.insert(change.hash(), obstacle.into())),
            }
        }
        if fitting.is_empty() {
            return;
        }
        let changes: Vec<&ScannedChange> = fitting.iter().collect();
        match settle_with(&self.document, &changes, self.history.heads()) {
            Ok(settled) => {
                self.take(settled);
                verdicts.extend(fitting.iter().map(|change| (change.hash(), Verdict::Applied)));
            }
            Err(failure) => {
                self.history.roll_back(before);
                match fitting.as_slice() {
                    [alone] => drop(verdicts.insert(alone.hash(), failure.into())),
                    _ => {
                        let second = fitting.split_off(fitting.len() / 2);
                        self.enter(fitting, verdicts);
                        self.enter(second, verdicts);
                    }
                }
            }
        }
    }

    /// Makes a change on a copy. `None` when `write` changes nothing.
    ///
    /// # Errors
    /// When the result would be refused by the others, or cannot be made at all.
    pub fn draft(
        &self,
        author: Actor,
        write: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
    ) -> Result<Option<Draft<R>>, DraftError> {
        let written = guarded(|| {
            let mut copy = self.document.clone().with_actor(author.into());
            let mut transaction = copy.transaction();
            write(&mut transaction)?;
            // The entry that carries the change says when; two clocks in one thing would disagree.
            let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(0));
            let change = hash.and_then(|_| copy.get_last_local_change());
            Ok::<_, AutomergeError>(change.map(|change| (copy, change.raw_bytes().to_vec())))
        });
        let written = written.and_then(|result| result.map_err(|error| error.to_string()));
        let Some((copy, bytes)) = written.map_err(DraftError::Unreadable)? else { return Ok(None) };
        // What we write passes what we ask of others: an edit nobody else would take must not reach the log.
        let change = scan(bytes, author).map_err(DraftError::TooLarge)?;
        self.history.check(&change).map_err(|obstacle| DraftError::Unreadable(format!("{obstacle:?}")))?;
        let heads = BTreeSet::from([change.hash()]);
        let settled = guarded(|| settle(&copy, &heads)).unwrap_or_else(|why| Err(Failure::Unsound(why)));
        let settled: Settled<R> = settled.map_err(|failure| DraftError::Unreadable(failure.why()))?;
        let excess = self.history.excess_with(&change, 1).or_else(|| settled.excess(1, self.reading.items()));
        if let Some(excess) = excess {
            return Err(DraftError::Full(excess));
        }
        Ok(Some(Draft { change, builds_on: self.history.heads().clone(), settled }))
    }

    /// Takes up a draft whose change is stored now. Other changes may have come since it was made.
    pub fn accept(&mut self, draft: Draft<R>) -> Verdict {
        let is_unchanged = *self.history.heads() == draft.builds_on;
        if let Some(fit) = self.history.check(&draft.change).ok().filter(|_| is_unchanged) {
            self.history.insert(&draft.change, fit);
            self.take(draft.settled);
            return Verdict::Applied;
        }
        let hash = draft.change.hash();
        self.admit(vec![draft.change]).remove(&hash).unwrap_or(Verdict::Known)
    }

    fn take(&mut self, settled: Settled<R>) {
        self.document = settled.document;
        self.reading = settled.reading;
    }
}

impl<R: Reading> Draft<R> {
    /// The change, as it goes into the log.
    pub fn bytes(&self) -> &[u8] {
        self.change.bytes()
    }
    pub fn hash(&self) -> ChangeHash {
        self.change.hash()
    }
    /// What will be shown.
    pub fn reading(&self) -> &R {
        &self.settled.reading
    }
}

/// Applies changes to a copy of `document`, all under guard. `heads` is what must come out.
fn settle_with<R: Reading>(
    document: &Automerge,
    changes: &[&ScannedChange],
    heads: &BTreeSet<ChangeHash>,
) -> Result<Settled<R>, Failure> {
    guarded(|| {
        let decode = |change: &&ScannedChange| Change::try_from(change.bytes()).map_err(unsound);
        let decoded = changes.iter().map(decode).collect::<Result<Vec<Change>, _>>()?;
        let mut copy = document.clone();
        copy.apply_changes(decoded).map_err(unsound)?;
        settle(&copy, heads)
    })
    .unwrap_or_else(|why| Err(Failure::Unsound(why)))
}

/// Saves and loads a document. What is loaded is what is kept, so a restart changes nothing.
fn settle<R: Reading>(document: &Automerge, heads: &BTreeSet<ChangeHash>) -> Result<Settled<R>, Failure> {
    if heads_of(document) != *heads {
        return Err(Failure::Unsound("the heads are not those of the changes".into()));
    }
    let saved = document.save();
    let loaded = Automerge::load(&saved).map_err(unsound)?;
    if heads_of(&loaded) != *heads {
        return Err(Failure::Unsound("the heads changed when it was loaded again".into()));
    }
    let reading = R::of(&loaded).map_err(unsound)?;
    let settled = Settled { document: loaded, reading, saved_bytes: saved.len() };
    match settled.excess(CEILING_FACTOR, 0) {
        Some(excess) => Err(Failure::Full(excess)),
        None => Ok(settled),
    }
}

impl<R: Reading> Settled<R> {
    /// What there is too much of, when the limits are taken `factor` times. Fewer items than before are never too many.
    fn excess(&self, factor: usize, items_before: usize) -> Option<Excess> {
        let items = Excess::of("items", self.reading.items(), DOCUMENT_ITEMS_MAX * factor);
        let bytes = || Excess::of("bytes", self.saved_bytes, DOCUMENT_BYTES_MAX * factor);
        items.filter(|excess| excess.count > items_before).or_else(bytes)
    }
}

fn heads_of(document: &Automerge) -> BTreeSet<ChangeHash> {
    document.get_heads().into_iter().map(ChangeHash::from).collect()
}

fn unsound(error: impl std::fmt::Display) -> Failure {
    Failure::Unsound(error.to_string())
}

/// Cuts a list into batches of bounded count and size.
fn batches(changes: Vec<ScannedChange>) -> Vec<Vec<ScannedChange>> {
    let mut batches: Vec<Vec<ScannedChange>> = Vec::new();
    let mut bytes = 0;
    for change in changes {
        bytes += change.bytes().len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_CHANGES_MAX && bytes <= BATCH_BYTES_MAX => batch.push(change),
            _ => {
                bytes = change.bytes().len();
                batches.push(vec![change]);
            }
        }
    }
    batches
}

impl Failure {
    fn why(self) -> String {
        match self {
            Self::Full(excess) => excess.to_string(),
            Self::Unsound(why) => why,
        }
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full(excess) => Self::Full(excess),
            Failure::Unsound(why) => Self::Quarantined { why },
        }
    }
}

impl From<Obstacle> for Verdict {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Missing(missing) => Self::Waiting { missing },
            Obstacle::Forked => Self::Forked,
            Obstacle::Full(excess) => Self::Full(excess),
            Obstacle::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

#[cfg(test)]
mod tests;
