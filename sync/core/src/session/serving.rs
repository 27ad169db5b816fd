//! Answers the peer's requests, one page at a time and only as fast as the transport takes them.
//!
//! Each class has a share of the transport to itself, so that a newest page never waits until history is taken.

use std::collections::VecDeque;

use super::flow::is_history;
use super::{Context, Purpose, Session};
use crate::event::CloseReason;
use crate::frame::{Class, Data, Frame, Payload, Want};
use crate::id::{NodeId, RoomId};
use crate::register::SignedRegister;
use crate::store::{LogRange, Query, WindowPage};

/// Requests of one peer that wait here; a peer that asks for more breaks the protocol.
const REQUESTS_MAX: usize = 64;
/// Frames of a class handed to the transport and not yet taken by it.
const UNSENT_MAX: usize = 2;
/// Uncompressed bytes after which an answer takes no further window. With that last window it may still be more than a
/// frame holds, if it does not compress; then it is cut.
pub(super) const PAGE_BYTES: usize = 192 * 1024;
/// Register batches read for one answer.
const REGISTERS_A_PAGE: usize = 16;

#[derive(Debug)]
struct Request {
    number: u64,
    class: Class,
    ranges: Vec<LogRange>,
    registers: VecDeque<(RoomId, NodeId)>,
}

#[derive(Debug, Default)]
pub(super) struct Serving {
    /// By class, then by arrival.
    requests: VecDeque<Request>,
    /// The request being read from the store.
    current: Option<Request>,
}

impl Session {
    pub(super) fn handle_want(&mut self, context: &mut Context, want: Want) {
        if self.serving.requests.len() >= REQUESTS_MAX {
            return self.close(context, CloseReason::Protocol("too many requests at once"));
        }
        let class = Class::from_number(want.class).filter(|class| *class != Class::Blob).unwrap_or(Class::Backfill);
        if is_history(class)
            && let Err(full) = context.served.admit(self.peer, context.now.mono_ms)
        {
            let retry_after_ms = u32::try_from(full.retry_after_ms).unwrap_or(u32::MAX);
            return self.send(context, Class::Control, &Frame::Busy { request: want.request, retry_after_ms });
        }
        let request = Request { number: want.request, class, ranges: want.ranges, registers: want.registers.into() };
        let place = self.serving.requests.partition_point(|waiting| waiting.class <= class);
        self.serving.requests.insert(place, request);
        self.serve(context);
    }

    /// Goes on with the most urgent request, if the transport has room.
    pub(super) fn serve(&mut self, context: &mut Context) {
        if self.closed || self.serving.current.is_some() {
            return;
        }
        let unsent = &self.unsent;
        let has_room = |request: &Request| unsent.get(&request.class).is_none_or(|unsent| *unsent < UNSENT_MAX);
        let place = self.serving.requests.iter().position(has_room);
        let Some(mut request) = place.and_then(|place| self.serving.requests.remove(place)) else { return };
        if request.registers.is_empty() {
            let ranges = request.ranges.clone();
            context.ask(Purpose::Serve, Query::Windows { peer: self.peer, ranges, bytes_max: PAGE_BYTES });
        } else {
            let page = request.registers.len().min(REGISTERS_A_PAGE);
            let wanted = request.registers.drain(..page).collect();
            context.ask(Purpose::ServeRegisters, Query::Registers { peer: self.peer, wanted });
        }
        self.serving.current = Some(request);
    }

    pub(super) fn serve_windows(&mut self, context: &mut Context, page: WindowPage) {
        let payload = Payload { windows: page.windows, registers: Vec::new(), unavailable: page.unavailable };
        if let Some(request) = &mut self.serving.current {
            request.ranges = page.rest;
        }
        self.answer(context, payload);
    }

    pub(super) fn serve_registers(&mut self, context: &mut Context, registers: Vec<SignedRegister>) {
        self.answer(context, Payload { registers, ..Payload::default() });
    }

    /// Sends the payload as a part of the answer to the current request, or several, and puts back what remains of it.
    fn answer(&mut self, context: &mut Context, payload: Payload) {
        let Some(request) = self.serving.current.take() else { return };
        let is_complete = request.ranges.is_empty() && request.registers.is_empty();
        let Ok(parts) = payload.into_parts() else {
            return self.close(context, CloseReason::Store);
        };
        let count = parts.len();
        for (index, payload) in parts.into_iter().enumerate() {
            let last = is_complete && index + 1 == count;
            self.send(context, request.class, &Frame::Data(Data { request: request.number, last, payload }));
        }
        if is_complete && is_history(request.class) {
            context.served.done(&self.peer, context.now.mono_ms);
        }
        if !is_complete {
            let place = self.serving.requests.partition_point(|waiting| waiting.class < request.class);
            self.serving.requests.insert(place, request);
        }
        self.serve(context);
    }
}
