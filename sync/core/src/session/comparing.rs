//! Proves that both sides became equal, and finds the difference when they did not.
//!
//! A `Done` is sent when everything offered by the peer is on disk here and everything here was offered. When both
//! sides' `Done` speak of the same moment, their digests must be equal. If not, one side sends the full list of rooms.

use std::collections::BTreeMap;

use super::{Context, Purpose, Session};
use crate::digest::Digest;
use crate::event::{Notice, Now};
use crate::frame::{Class, Done, Frame, List, short_digest};
use crate::id::RoomId;
use crate::limits::{CHANGES_ROOMS_MAX, LIST_ROOMS_MAX};
use crate::store::{Batch, Cursor, Greeting, Query};

/// Quiet time before a `Done`, so that a busy room does not make one for every message.
const QUIET_MS: u64 = 300;
/// A cursor that only moved over things already held is saved this late.
const SAVE_CURSOR_MS: u64 = 5_000;
/// How often equality is proven again while nothing seems to happen.
const MONITOR_MS: u64 = 10 * 60 * 1_000;
/// Comparisons in a row that found a difference, before it is left to the next monitor pass.
const PASSES_MAX: u32 = 3;

#[derive(Debug)]
pub(super) struct Comparing {
    prove_at: Option<u64>,
    asked: bool,
    sent: Option<Done>,
    received: Option<Done>,
    save_at: Option<u64>,
    monitor_at: u64,
    /// Comparisons in a row that found a difference, with nothing new on either side in between.
    passes: u32,
    /// Where the next page of our list begins, while one is under way.
    listing: Option<RoomId>,
}

impl Comparing {
    pub fn new(now: Now) -> Self {
        Self {
            prove_at: None,
            asked: false,
            sent: None,
            received: None,
            save_at: None,
            monitor_at: now.mono_ms + MONITOR_MS,
            passes: 0,
            listing: None,
        }
    }

    pub fn saw_equal(&mut self, now: Now) {
        self.passes = 0;
        self.save_at.get_or_insert(now.mono_ms + SAVE_CURSOR_MS);
    }

    pub fn wake_at(&self) -> u64 {
        let soonest = [self.prove_at, self.save_at].into_iter().flatten().min();
        soonest.unwrap_or(u64::MAX).min(self.monitor_at)
    }

    /// Something came to one of the sides: that they differed before is no fault.
    pub fn saw_progress(&mut self) {
        self.passes = 0;
    }

    /// Proves again even if nothing changed since the last time.
    fn again(&mut self, now: Now) {
        self.sent = None;
        self.prove_at = Some(now.mono_ms + QUIET_MS);
    }
}

impl Session {
    /// Something came to rest: if both directions have, prove it after a short quiet time.
    pub(super) fn check_drained(&mut self, context: &mut Context) {
        if !self.is_begun() || !self.fetching.drain(context, self.peer) || !self.offering.is_quiet() {
            return;
        }
        let (applied, announced) = (self.fetching.applied, self.offering.announced);
        let said = self.comparing.sent.is_some_and(|done| (done.applied, done.latest_change) == (applied, announced));
        if !said {
            self.comparing.prove_at = Some(context.now.mono_ms + QUIET_MS);
        }
    }

    pub(super) fn prove_if_due(&mut self, context: &mut Context) {
        let now = context.now.mono_ms;
        if now >= self.comparing.monitor_at {
            self.comparing.monitor_at = now + MONITOR_MS;
            self.comparing.passes = 0;
            self.comparing.again(context.now);
        }
        if self.comparing.save_at.is_some_and(|at| now >= at) {
            self.comparing.save_at = None;
            self.save_cursor(context);
        }
        if self.comparing.prove_at.is_some_and(|at| now >= at) {
            self.comparing.prove_at = None;
            if self.is_begun() && self.fetching.is_drained() && self.offering.is_quiet() && !self.comparing.asked {
                self.comparing.asked = true;
                context.ask(Purpose::Prove, Query::Greeting { peer: self.peer });
            }
        }
    }

    pub(super) fn prove(&mut self, context: &mut Context, mine: &Greeting) {
        self.comparing.asked = false;
        if mine.latest_change != self.offering.announced {
            self.offering.dirty = true;
            return self.offer_more(context);
        }
        if !self.fetching.is_drained() || !self.offering.is_quiet() {
            return;
        }
        let done = Done { applied: self.fetching.applied, latest_change: mine.latest_change, shared: mine.shared };
        self.comparing.sent = Some(done);
        self.send(context, Class::Control, &Frame::Done(done));
        self.compare(context);
    }

    pub(super) fn handle_done(&mut self, context: &mut Context, done: Done) {
        self.fetching.all_announced(done.latest_change);
        self.comparing.received = Some(done);
        self.check_drained(context);
        self.compare(context);
    }

    /// Compares the digests if both sides spoke of the same moment.
    fn compare(&mut self, context: &mut Context) {
        let (Some(mine), Some(theirs)) = (self.comparing.sent, self.comparing.received) else { return };
        let (has_all, gave_all) = (mine.applied == theirs.latest_change, mine.latest_change == theirs.applied);
        // One side may have given up on something that then came another way: equal digests say that nothing is missing.
        if mine.shared == theirs.shared && (has_all || gave_all) {
            self.fetching.all_is_here(theirs.latest_change);
            self.comparing.saw_equal(context.now);
            return context.notice(Notice::InSync { peer: self.peer });
        }
        if !has_all || !gave_all {
            return;
        }
        if self.comparing.listing.is_some() || self.comparing.passes >= PASSES_MAX {
            return;
        }
        self.comparing.passes += 1;
        context.notice(Notice::Diverged { peer: self.peer, passes: self.comparing.passes });
        // One list is enough; the node with the smaller id sends it.
        if context.me < self.peer {
            context.ask(Purpose::ListMine { after: None }, Query::List { peer: self.peer, after: None });
        }
    }

    pub(super) fn send_list(&mut self, context: &mut Context, after: Option<RoomId>, rooms: &[(RoomId, Digest)]) {
        let nonce = self.nonce;
        let more = rooms.len() >= LIST_ROOMS_MAX;
        self.comparing.listing = rooms.last().map(|(room, _)| *room).filter(|_| more);
        let rooms = rooms.iter().map(|(room, digest)| (*room, short_digest(&nonce, room, digest))).collect();
        self.send(context, Class::Control, &Frame::List(List { nonce, rooms, after, more }));
    }

    pub(super) fn handle_list(&mut self, context: &mut Context, list: List) {
        let after = list.after;
        context.ask(Purpose::Differing(Box::new(list)), Query::List { peer: self.peer, after });
    }

    /// Asks for the rooms that differ, and shows our side of them.
    pub(super) fn differing(&mut self, context: &mut Context, theirs: &List, mine: &[(RoomId, Digest)]) {
        let end = theirs.rooms.last().map(|(room, _)| *room).filter(|_| theirs.more);
        let mine: BTreeMap<RoomId, [u8; 8]> = mine
            .iter()
            .filter(|(room, _)| end.is_none_or(|end| *room <= end))
            .map(|(room, digest)| (*room, short_digest(&theirs.nonce, room, digest)))
            .collect();
        let listed: BTreeMap<RoomId, [u8; 8]> = theirs.rooms.iter().copied().collect();
        // A page too full for one request is finished by the next comparison.
        let wanted = listed.iter().filter(|(room, short)| mine.get(*room) != Some(*short));
        let wanted: Vec<RoomId> = wanted.map(|(room, _)| *room).take(CHANGES_ROOMS_MAX).collect();
        let shown = mine.iter().filter(|(room, short)| listed.get(*room) != Some(*short));
        let shown: Vec<RoomId> = shown.map(|(room, _)| *room).take(CHANGES_ROOMS_MAX).collect();
        self.send(context, Class::Control, &Frame::RoomsWanted(wanted));
        if !shown.is_empty() {
            context.ask(Purpose::OfferRooms, Query::Offers { peer: self.peer, rooms: shown });
        }
        self.comparing.again(context.now);
    }

    pub(super) fn handle_rooms_wanted(&mut self, context: &mut Context, rooms: Vec<RoomId>) {
        if !rooms.is_empty() {
            context.ask(Purpose::OfferRooms, Query::Offers { peer: self.peer, rooms });
        }
        match self.comparing.listing.take() {
            Some(after) => {
                let after = Some(after);
                context.ask(Purpose::ListMine { after }, Query::List { peer: self.peer, after });
            }
            None => self.comparing.again(context.now),
        }
    }

    /// Puts the cursor on disk if it moved without data.
    pub(super) fn save_cursor(&mut self, context: &mut Context) {
        let Some(cursor): Option<Cursor> = self.fetching.unsaved_cursor() else { return };
        self.fetching.saved(cursor);
        let batch = Batch { peer: self.peer, windows: Vec::new(), registers: Vec::new(), cursor: Some(cursor) };
        context.ask(Purpose::SaveCursor, Query::Apply(batch));
    }
}
