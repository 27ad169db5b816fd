//! How much may be under way to a peer: about one bandwidth-delay product, so that little waits in the queues of modems.
//!
//! QUIC's streams have priorities, but a packet that has left cannot be overtaken any more. A controller that fills queues
//! until they overflow (Cubic, as TCP) makes an alarm wait behind eight seconds of history on a satellite line with a 64 KiB
//! modem; one that takes every loss for congestion (Cubic again) uses a tenth of an emergency line with 1 % loss. This one
//! goes by the round trip: it grows while the queue it makes is short and shrinks by what is too much in it. Loss counts
//! only when it is more than a bad radio line loses.
//!
//! The idea is that of TCP Vegas (Brakmo, O'Malley, Peterson 1994) and LEDBAT++; [`window`] is the whole of it, without
//! clocks and without quinn.

mod window;

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

use window::Window;

/// Makes a controller for each connection.
#[derive(Debug, Default)]
pub(crate) struct ShortQueues;

impl ControllerFactory for ShortQueues {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(ShortQueue { begun: now, window: Window::new(u64::from(current_mtu)) })
    }
}

/// See the module.
#[derive(Clone, Debug)]
struct ShortQueue {
    begun: Instant,
    window: Window,
}

impl ShortQueue {
    fn us(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }
}

impl Controller for ShortQueue {
    fn on_sent(&mut self, _now: Instant, _bytes: u64, last_packet_number: u64) {
        self.window.sent(last_packet_number);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, _rtt: &RttEstimator) {
        let sample_us = self.us(now).saturating_sub(self.us(sent));
        self.window.acknowledged(bytes, sample_us, app_limited);
    }

    fn on_end_acks(&mut self, now: Instant, _in_flight: u64, _app_limited: bool, largest: Option<u64>) {
        if let Some(largest) = largest {
            self.window.acknowledged_up_to(largest, self.us(now));
        }
    }

    fn on_congestion_event(&mut self, _now: Instant, _sent: Instant, is_persistent: bool, lost_bytes: u64) {
        self.window.lost(lost_bytes, is_persistent);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.window.set_packet_bytes(u64::from(new_mtu));
    }

    fn window(&self) -> u64 {
        self.window.bytes()
    }

    fn initial_window(&self) -> u64 {
        self.window.initial_bytes()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
