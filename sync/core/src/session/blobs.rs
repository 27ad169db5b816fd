//! Attachments: asks the peer for the parts that are wanted here, and gives it the parts it asks for.
//!
//! Whatever is said about an attachment, its hash decides: each part comes with its proof and is checked by the store
//! before it is kept. Parts of one attachment are asked of several peers, no part of two.

use std::collections::{BTreeSet, VecDeque};

use super::{Context, Purpose, Session};
use crate::blob::{BlobId, Groups};
use crate::event::{CloseReason, Notice, Now};
use crate::frame::{BlobData, BlobWant, Class, Frame};
use crate::id::RoomId;
use crate::limits::BLOBS_PAGE_MAX;
use crate::store::{BlobPart, BlobStored, BlobWanted, Query};

/// Chunk groups in one frame: 64 KiB, so that on a thin line (8 s at 64 kbit/s) the next frame is not far.
const FRAME_GROUPS: u64 = 4;
/// Chunk groups asked for at once.
const REQUEST_GROUPS: u64 = 32;
/// Requests under way to one peer.
const FLIGHTS_MAX: usize = 2;
/// Requests of one peer that wait here; a peer that asks for more breaks the protocol.
const REQUESTS_MAX: usize = 16;
/// Frames handed to the transport and not yet taken by it.
const UNSENT_MAX: usize = 2;
/// Attachments remembered as not to be had from the peer, or as to be told when they are here.
const REMEMBERED_MAX: usize = 256;
/// What is wanted is looked at this often even if nothing seems to have changed, and what was not to be had is asked for
/// again, milliseconds.
const RETRY_MS: u64 = 5 * 60 * 1_000;
/// A request without any answer for so long is left to others; what still comes is taken, milliseconds.
const PATIENCE_MS: u64 = 60 * 1_000;
/// The store is asked what is wanted at most this often, milliseconds.
const LOOK_MS: u64 = 1_000;
/// While others are fetching all that is wanted, it is looked at again whether they still do, milliseconds.
const POLL_MS: u64 = 10 * 1_000;

/// A request of ours.
#[derive(Debug)]
struct Flight {
    request: u64,
    room: RoomId,
    blob: BlobId,
    /// What has not come.
    rest: Option<Groups>,
    /// Parts of it that are being stored.
    storing: u32,
    heard_at: u64,
    /// It waits for so long that others may ask for the rest.
    is_slow: bool,
}

#[derive(Debug)]
pub(super) struct Blobs {
    /// There may be more to want than `wanted` says.
    pub is_stale: bool,
    pub unsent: usize,
    wanted: VecDeque<BlobWanted>,
    is_looking: bool,
    look_at: u64,
    poll_at: Option<u64>,
    last_request: u64,
    flights: Vec<Flight>,
    /// Not to be had from this peer until `retry_at`.
    unavailable: BTreeSet<BlobId>,
    retry_at: u64,
    /// Requests of the peer.
    requests: VecDeque<BlobWant>,
    /// The one being read from the store.
    reading: Option<BlobWant>,
    /// The peer asked for these in vain, or gave some of them: it is told when they are here.
    to_tell: BTreeSet<BlobId>,
}

impl Blobs {
    pub fn new(now: Now) -> Self {
        Self {
            is_stale: false,
            unsent: 0,
            wanted: VecDeque::new(),
            is_looking: false,
            look_at: now.mono_ms,
            poll_at: None,
            last_request: 0,
            flights: Vec::new(),
            unavailable: BTreeSet::new(),
            retry_at: now.mono_ms + RETRY_MS,
            requests: VecDeque::new(),
            reading: None,
            to_tell: BTreeSet::new(),
        }
    }

    pub fn wake_at(&self) -> u64 {
        let look = (self.is_stale && !self.is_looking).then_some(self.look_at);
        let patience = self.flights.iter().filter(|flight| !flight.is_slow).map(|flight| flight.heard_at + PATIENCE_MS);
        patience.chain(look).chain(self.poll_at).fold(self.retry_at, u64::min)
    }

    fn remember(set: &mut BTreeSet<BlobId>, blob: BlobId) {
        // Who is forgotten is asked again, or tries again later.
        if set.len() >= REMEMBERED_MAX {
            set.pop_first();
        }
        set.insert(blob);
    }
}

// ---- Fetching ------------------------------------------------------------------------------------------------------

impl Session {
    /// Something is wanted, or no longer, or a peer is gone that was fetching.
    pub(super) fn blobs_changed(&mut self, context: &mut Context) {
        if self.is_begun() {
            self.blobs.is_stale = true;
            self.fetch_blobs(context);
        }
    }

    pub(super) fn blobs_due(&mut self, context: &mut Context) {
        let now = context.now.mono_ms;
        if self.blobs.retry_at <= now {
            self.blobs.retry_at = now + RETRY_MS;
            self.blobs.unavailable.clear();
            self.blobs.is_stale = true;
        }
        let peer = self.peer;
        for flight in
            self.blobs.flights.iter_mut().filter(|flight| !flight.is_slow && flight.heard_at + PATIENCE_MS <= now)
        {
            flight.is_slow = true;
            if let Some(rest) = flight.rest {
                context.blob_planner.release(peer, flight.blob, rest.first, rest.last);
            }
        }
        self.fetch_blobs(context);
    }

    /// Looks what is wanted, if that may have changed, and asks for as much as may be under way.
    fn fetch_blobs(&mut self, context: &mut Context) {
        if !self.is_begun() {
            return;
        }
        let now = context.now.mono_ms;
        let blobs = &mut self.blobs;
        if blobs.is_stale && !blobs.is_looking && blobs.look_at <= now {
            (blobs.is_stale, blobs.is_looking) = (false, true);
            blobs.look_at = now + LOOK_MS;
            let except = blobs.unavailable.iter().copied().collect();
            context.ask(Purpose::BlobsWanted, Query::BlobsWanted { peer: self.peer, except });
        }
        blobs.poll_at = None;
        while self.blobs.flights.len() < FLIGHTS_MAX {
            let Some((room, blob, groups)) = self.next_part(context) else { break };
            self.blobs.last_request += 1;
            let request = self.blobs.last_request;
            let (rest, heard_at) = (Some(groups), now);
            self.blobs.flights.push(Flight { request, room, blob, rest, storing: 0, heard_at, is_slow: false });
            self.send(context, Class::Control, &Frame::BlobWant(BlobWant { request, room, blob, groups }));
        }
        if !self.blobs.wanted.is_empty() && self.blobs.flights.is_empty() {
            self.blobs.poll_at = Some(now + POLL_MS);
        }
    }

    /// Claims a part that is wanted and that nobody is fetching.
    fn next_part(&mut self, context: &mut Context) -> Option<(RoomId, BlobId, Groups)> {
        let (peer, unavailable) = (self.peer, &self.blobs.unavailable);
        self.blobs.wanted.retain(|wanted| !unavailable.contains(&wanted.blob));
        for wanted in &self.blobs.wanted {
            for missing in &wanted.missing {
                let mut rest = Some(*missing);
                while let Some(groups) = rest {
                    let (part, left) = groups.split(REQUEST_GROUPS);
                    rest = left;
                    let mut free = context.blob_planner.claim(peer, wanted.blob, part.first, part.last).into_iter();
                    let Some((first, last)) = free.next() else { continue };
                    for (first, last) in free {
                        context.blob_planner.release(peer, wanted.blob, first, last);
                    }
                    return Some((wanted.room, wanted.blob, Groups { first, last }));
                }
            }
        }
        None
    }

    /// What the store wants of this peer. What was fetched in this connection and is not whole yet stays claimed.
    pub(super) fn blobs_wanted(&mut self, context: &mut Context, wanted: Vec<BlobWanted>) {
        self.blobs.is_looking = false;
        self.blobs.wanted = wanted.into();
        self.fetch_blobs(context);
    }

    pub(super) fn handle_blob_data(&mut self, context: &mut Context, data: BlobData) {
        let BlobData { request, groups, slice } = data;
        if request == 0 || request > self.blobs.last_request {
            return self.close(context, CloseReason::Protocol("attachments that nobody asked for"));
        }
        // Given up meanwhile: it is whole, or no longer wanted.
        let Some(flight) = self.blobs.flights.iter_mut().find(|flight| flight.request == request) else { return };
        let expected = flight.rest.filter(|rest| rest.first == groups.first && groups.last <= rest.last);
        let Some(rest) = expected.filter(|_| groups.first <= groups.last) else {
            return self.close(context, CloseReason::Protocol("another part of an attachment than was asked for"));
        };
        flight.rest = rest.split(groups.count()).1;
        flight.storing += 1;
        flight.heard_at = context.now.mono_ms;
        let (room, blob) = (flight.room, flight.blob);
        let query = Query::BlobStore { peer: self.peer, room, blob, groups, slice };
        context.ask(Purpose::StoreBlob { request, blob, groups }, query);
    }

    pub(super) fn blob_stored(
        &mut self,
        context: &mut Context,
        request: u64,
        blob: BlobId,
        groups: Groups,
        stored: BlobStored,
    ) {
        match stored {
            BlobStored::Kept { .. } => {
                Blobs::remember(&mut self.blobs.to_tell, blob);
                // Here for good: no list of what is wanted may bring it back.
                for wanted in self.blobs.wanted.iter_mut().filter(|wanted| wanted.blob == blob) {
                    wanted.missing = wanted.missing.iter().flat_map(|missing| without(*missing, groups)).collect();
                }
                self.blobs.wanted.retain(|wanted| !wanted.missing.is_empty());
                if let Some(flight) = self.blobs.flights.iter_mut().find(|flight| flight.request == request) {
                    flight.storing = flight.storing.saturating_sub(1);
                    flight.heard_at = context.now.mono_ms;
                }
                self.blobs.flights.retain(|flight| flight.rest.is_some() || flight.storing > 0);
                if self.blobs.wanted.is_empty() {
                    self.blobs.is_stale = true;
                }
                self.fetch_blobs(context);
            }
            BlobStored::Unwanted => self.give_up_blob(context, blob),
            BlobStored::Forged => {
                let reason = format!("a part of the attachment {}", blob.hash);
                context.notice(Notice::Forged { peer: self.peer, reason });
                self.close(context, CloseReason::Protocol("a part of an attachment that its hash does not prove"));
            }
        }
    }

    pub(super) fn handle_blob_unavailable(&mut self, context: &mut Context, request: u64) {
        let flight = self.blobs.flights.iter().find(|flight| flight.request == request);
        if let Some(blob) = flight.map(|flight| flight.blob) {
            self.give_up_blob(context, blob);
        }
    }

    /// Leaves an attachment to other peers, for a while.
    fn give_up_blob(&mut self, context: &mut Context, blob: BlobId) {
        self.blobs.flights.retain(|flight| flight.blob != blob);
        context.blob_planner.release(self.peer, blob, 0, u64::MAX);
        Blobs::remember(&mut self.blobs.unavailable, blob);
        self.blobs.is_stale |= self.blobs.wanted.iter().all(|wanted| wanted.blob == blob);
        self.fetch_blobs(context);
    }

    /// It is here, whole and on disk, whoever brought it.
    pub fn blob_here(&mut self, context: &mut Context, blob: BlobId) {
        if self.closed {
            return;
        }
        self.blobs.flights.retain(|flight| flight.blob != blob);
        self.blobs.wanted.retain(|wanted| wanted.blob != blob);
        if self.blobs.to_tell.remove(&blob) && self.is_begun() {
            self.send(context, Class::Control, &Frame::BlobHave(vec![blob]));
        }
        self.fetch_blobs(context);
    }

    pub(super) fn handle_blob_have(&mut self, context: &mut Context, mut have: Vec<BlobId>) {
        for blob in &have {
            self.blobs.unavailable.remove(blob);
        }
        have.truncate(BLOBS_PAGE_MAX);
        context.ask(Purpose::BlobsNoted, Query::BlobsHeld { peer: self.peer, blobs: have });
        self.blobs_changed(context);
    }
}

/// What is left of a range without another.
fn without(range: Groups, hole: Groups) -> impl Iterator<Item = Groups> {
    let before = (range.first < hole.first)
        .then(|| Groups { first: range.first, last: range.last.min(hole.first.saturating_sub(1)) });
    let after = (range.last > hole.last)
        .then(|| Groups { first: range.first.max(hole.last.saturating_add(1)), last: range.last });
    before.into_iter().chain(after)
}

// ---- Giving --------------------------------------------------------------------------------------------------------

impl Session {
    pub(super) fn handle_blob_want(&mut self, context: &mut Context, want: BlobWant) {
        if self.blobs.requests.len() >= REQUESTS_MAX {
            return self.close(context, CloseReason::Protocol("too many requests for attachments at once"));
        }
        self.blobs.requests.push_back(want);
        self.serve_blobs(context);
    }

    pub(super) fn blob_sent(&mut self, context: &mut Context) {
        self.blobs.unsent = self.blobs.unsent.saturating_sub(1);
        self.serve_blobs(context);
    }

    /// Goes on with the oldest request, if the transport has room.
    fn serve_blobs(&mut self, context: &mut Context) {
        if self.closed || self.blobs.reading.is_some() || self.blobs.unsent >= UNSENT_MAX {
            return;
        }
        let Some(want) = self.blobs.requests.pop_front() else { return };
        let (groups, _) = want.groups.split(FRAME_GROUPS);
        let (room, blob) = (want.room, want.blob);
        context.ask(Purpose::ServeBlob, Query::BlobSlice { peer: self.peer, room, blob, groups });
        self.blobs.reading = Some(want);
    }

    pub(super) fn serve_blob(&mut self, context: &mut Context, part: BlobPart) {
        let Some(want) = self.blobs.reading.take() else { return };
        let request = want.request;
        match part {
            BlobPart::Slice(slice) => {
                let (groups, rest) = want.groups.split(FRAME_GROUPS);
                if let Some(groups) = rest {
                    self.blobs.requests.push_front(BlobWant { groups, ..want });
                }
                self.send(context, Class::Blob, &Frame::BlobData(BlobData { request, groups, slice }));
            }
            BlobPart::NotHere => {
                Blobs::remember(&mut self.blobs.to_tell, want.blob);
                self.send(context, Class::Control, &Frame::BlobUnavailable { request });
            }
            // Told when it is here, the peer would learn that it is.
            BlobPart::NotShared => self.send(context, Class::Control, &Frame::BlobUnavailable { request }),
        }
        self.serve_blobs(context);
    }
}
