//! The store as a peer sees it with whom only the organisation's ledger is exchanged: its certificate has expired, so it
//! gets what it needs to be renewed and to know who counts, and nothing that people wrote.
//!
//! Both sides of such a session look through the same glass, so their digests compare.

use std::collections::BTreeSet;

use super::{
    Admission, Answer, Applied, Batch, ChangePage, Greeting, Query, Refusal, Store, StoreError, WindowOutcome,
    without_blobs,
};
use crate::id::{NodeId, RoomId};

/// What is exchanged with a peer. The lesser of what the two sides allow holds for both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Scope {
    LedgerOnly,
    Everything,
}

impl Scope {
    /// The question as it is put to the store for a peer of this scope.
    #[must_use]
    pub fn narrow(self, query: Query) -> Query {
        match self {
            Self::Everything => query,
            Self::LedgerOnly => Query::LedgerOnly(Box::new(query)),
        }
    }
}

/// Answers a reading query out of the ledger alone.
pub(super) fn read<S: Store + ?Sized>(store: &S, query: &Query) -> Result<Answer, StoreError> {
    let kept = |peer: &NodeId, rooms: Vec<RoomId>| ledger_among(store, peer, &rooms);
    Ok(match query {
        Query::Greeting { peer } => {
            let greeting = store.greeting(peer)?;
            Answer::Greeting(Greeting { shared: greeting.ledger, ..greeting })
        }
        Query::Changes { peer, after } => {
            let mut page: ChangePage = store.changes(peer, *after)?;
            let ledger = kept(peer, page.rooms.iter().map(|lines| lines.room).collect())?;
            page.rooms.retain(|lines| ledger.contains(&lines.room));
            Answer::Changes(page)
        }
        Query::List { peer, after } => Answer::List(list(store, peer, *after)?),
        Query::Offers { peer, rooms } => {
            let ledger = kept(peer, rooms.clone())?;
            let rooms: Vec<RoomId> = rooms.iter().copied().filter(|room| ledger.contains(room)).collect();
            Answer::Offers(store.offers(peer, &rooms)?)
        }
        Query::Holdings { peer, rooms, offered } => {
            let mut holdings = store.holdings(peer, rooms)?;
            holdings
                .iter_mut()
                .filter(|holding| !holding.ledger)
                .for_each(|other| other.admission = Admission::PolicyOnly);
            Answer::Holdings(holdings, store.standings(offered)?)
        }
        Query::Windows { peer, ranges, bytes_max } => {
            let ledger = kept(peer, ranges.iter().map(|range| range.log.room).collect())?;
            let (inside, outside): (Vec<_>, Vec<_>) =
                ranges.iter().copied().partition(|range| ledger.contains(&range.log.room));
            let mut page = store.windows(peer, &inside, *bytes_max)?;
            page.unavailable.extend(outside);
            Answer::Windows(page)
        }
        Query::Registers { peer, wanted } => {
            let ledger = kept(peer, wanted.iter().map(|(room, _)| *room).collect())?;
            let wanted: Vec<_> = wanted.iter().copied().filter(|(room, _)| ledger.contains(room)).collect();
            Answer::Registers(store.registers(peer, &wanted)?)
        }
        Query::BlobsWanted { .. } | Query::BlobSlice { .. } | Query::BlobStore { .. } | Query::BlobsHeld { .. } => {
            without_blobs(query)?
        }
        Query::Apply(_) => return Err(StoreError::Invalid("a write was asked of a reader".into())),
        Query::LedgerOnly(inner) => read(store, inner)?,
    })
}

/// Pages on until there is something of the ledger: an empty page would mean the end.
fn list<S: Store + ?Sized>(
    store: &S,
    peer: &NodeId,
    mut after: Option<RoomId>,
) -> Result<Vec<(RoomId, crate::digest::Digest)>, StoreError> {
    loop {
        let mut page = store.list(peer, after)?;
        let Some((last, _)) = page.last() else { return Ok(page) };
        after = Some(*last);
        let ledger = ledger_among(store, peer, &page.iter().map(|(room, _)| *room).collect::<Vec<_>>())?;
        page.retain(|(room, _)| ledger.contains(room));
        if !page.is_empty() {
            return Ok(page);
        }
    }
}

/// Which of the rooms are ledger, by what is held here.
pub fn ledger_among<S: Store + ?Sized>(
    store: &S,
    peer: &NodeId,
    rooms: &[RoomId],
) -> Result<BTreeSet<RoomId>, StoreError> {
    let holdings = store.holdings(peer, rooms)?;
    Ok(holdings.into_iter().filter(|holding| holding.ledger).map(|holding| holding.lines.room).collect())
}

/// A batch without what is no ledger, and what became of the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Narrowed {
    pub batch: Batch,
    /// By their places in the batch as it came.
    refused: Vec<(usize, WindowOutcome)>,
}

impl Narrowed {
    /// `ledger`: those rooms of the batch that are ledger.
    pub fn new(batch: Batch, ledger: &BTreeSet<RoomId>) -> Self {
        let (mut windows, mut refused) = (Vec::new(), Vec::new());
        for (place, window) in batch.windows.into_iter().enumerate() {
            if ledger.contains(&window.log().room) {
                windows.push(window);
                continue;
            }
            let (log, first, last) = (*window.log(), window.first(), window.last());
            refused.push((place, WindowOutcome::Refused { log, first, last, refusal: Refusal::NotAdmitted }));
        }
        let registers = batch.registers.into_iter().filter(|one| ledger.contains(&one.register().room)).collect();
        let cursor = batch.cursor.filter(|_| refused.is_empty());
        Self { batch: Batch { peer: batch.peer, windows, registers, cursor }, refused }
    }

    /// The outcomes in the order of the batch as it came.
    pub fn finish(refused: Vec<(usize, WindowOutcome)>, mut applied: Applied) -> Applied {
        for (place, outcome) in refused {
            applied.windows.insert(place.min(applied.windows.len()), outcome);
        }
        applied
    }

    pub fn into_parts(self) -> (Batch, Vec<(usize, WindowOutcome)>) {
        (self.batch, self.refused)
    }
}

/// Stores what is ledger.
pub(super) fn apply<S: Store + ?Sized>(store: &mut S, batch: Batch) -> Result<Applied, StoreError> {
    let ledger = ledger_among(store, &batch.peer, &rooms_of(&batch))?;
    let (batch, refused) = Narrowed::new(batch, &ledger).into_parts();
    Ok(Narrowed::finish(refused, store.apply(batch)?))
}

/// The rooms a batch speaks of.
pub fn rooms_of(batch: &Batch) -> Vec<RoomId> {
    let windows = batch.windows.iter().map(|window| window.log().room);
    windows.chain(batch.registers.iter().map(|register| register.register().room)).collect()
}
