//! Notices a peer that no longer answers, and measures its clock.

use super::{Context, Session};
use crate::event::{CloseReason, Notice, Now};
use crate::frame::{Class, Frame, Pong};
use crate::id::NodeId;

/// The first ping after the connection is up: late enough to stay out of a greeting between equals.
const FIRST_PING_MS: u64 = 1_000;
/// Pings measure the clock; whether the line is up is noticed earlier by the transport's own keep-alive.
const PING_EVERY_MS: u64 = 10_000;
/// A peer whose program hangs while its transport lives.
const SILENT_MS: u64 = 30_000;
/// What a peer claims to be longer is not believed: its pong names the times.
const ROUND_TRIP_MS_MAX: u64 = 5_000;
/// `Heard` is reported at most this often.
const HEARD_EVERY_MS: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Pulse {
    ping_at: u64,
    heard_at: u64,
    reported_at: Option<u64>,
}

impl Pulse {
    pub fn new(now: Now) -> Self {
        Self { ping_at: now.mono_ms + FIRST_PING_MS, heard_at: now.mono_ms, reported_at: None }
    }

    pub fn wake_at(&self) -> u64 {
        self.ping_at
    }

    pub fn heard(&mut self, context: &mut Context, peer: NodeId) {
        let now = context.now.mono_ms;
        self.heard_at = now;
        if self.reported_at.is_none_or(|at| now >= at + HEARD_EVERY_MS) {
            self.reported_at = Some(now);
            context.notice(Notice::Heard { peer });
        }
    }

    /// RFC 5905 §8: offset = ((t1 − t0) + (t2 − t3)) / 2, delay = (t3 − t0) − (t2 − t1), which is returned.
    fn pong(&self, context: &mut Context, peer: NodeId, pong: Pong) -> u64 {
        let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        let (sent, received) = (ms(pong.ping_wall_ms), ms(pong.received_wall_ms));
        let (answered, now) = (ms(pong.sent_wall_ms), ms(context.now.wall_ms));
        let offset_ms = ((received - sent) + (answered - now)) / 2;
        let rtt_ms = u64::try_from((now - sent) - (answered - received)).unwrap_or(0);
        context.notice(Notice::Clock { peer, offset_ms, rtt_ms });
        rtt_ms
    }
}

impl Session {
    pub(super) fn handle_pong(&mut self, context: &mut Context, pong: Pong) {
        let round_trip_ms = self.pulse.pong(context, self.peer, pong);
        self.flow.measured(round_trip_ms.min(ROUND_TRIP_MS_MAX));
    }

    pub(super) fn handle_ping(&mut self, context: &mut Context, ping_wall_ms: u64) {
        let wall_ms = context.now.wall_ms;
        let pong = Pong { ping_wall_ms, received_wall_ms: wall_ms, sent_wall_ms: wall_ms };
        self.send(context, Class::Control, &Frame::Pong(pong));
    }

    pub(super) fn beat(&mut self, context: &mut Context) {
        let now = context.now.mono_ms;
        let silent = now.saturating_sub(self.pulse.heard_at);
        if silent >= SILENT_MS {
            return self.close(context, CloseReason::Silent(silent));
        }
        if now >= self.pulse.ping_at {
            self.pulse.ping_at = now + PING_EVERY_MS;
            self.send(context, Class::Control, &Frame::Ping { wall_ms: context.now.wall_ms });
        }
    }
}
