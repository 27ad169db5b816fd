//! The window itself: bytes that may be under way, by what comes back. Times are microseconds from any start.

/// Packets of the first round trip.
const INITIAL_PACKETS: u64 = 10;
const PACKETS_MIN: u64 = 3;
const WINDOW_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A queue longer than a quarter of the bare round trip is too long, within these bounds. Below the lower one it cannot be
/// told from a busy machine.
const QUEUE_US_MIN: u64 = 15_000;
const QUEUE_US_MAX: u64 = 150_000;
/// Loss is judged over at least so many packets …
const JUDGED_PACKETS: u64 = 20;
/// … and counts as congestion when more than one in so many was lost: a queue so short that it overflows before the round
/// trip shows it.
const LOSS_ONE_IN: u64 = 8;
/// The bare round trip is the shortest of this time. It is looked for anew, with half the window for a round, when it was not
/// seen for as long.
const BARE_US: u64 = 15_000_000;
/// So many rounds in a row with a queue that does not go when the window shrinks: it is made by others, or the way has become
/// longer.
const ROUNDS_IN_VAIN: u32 = 10;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Window {
    bytes: u64,
    packet_bytes: u64,
    /// The window doubles every round until the first queue.
    starting: bool,
    round: Round,
    last_sent: u64,
    /// Shortest round trip, and when it was last seen.
    bare: Option<(u64, u64)>,
    judged: Loss,
    rounds_in_vain: u32,
    /// What the window was before it was halved to look for the bare round trip.
    looking: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// It ends when this packet is acknowledged.
    ends_at: u64,
    shortest_us: Option<u64>,
    acknowledged: u64,
    /// Whether the window, and not what there was to send, was the limit.
    was_full: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    acknowledged: u64,
    lost: u64,
}

impl Window {
    pub fn new(packet_bytes: u64) -> Self {
        Self {
            bytes: INITIAL_PACKETS * packet_bytes,
            packet_bytes,
            starting: true,
            round: Round::default(),
            last_sent: 0,
            bare: None,
            judged: Loss::default(),
            rounds_in_vain: 0,
            looking: None,
        }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn initial_bytes(&self) -> u64 {
        INITIAL_PACKETS * self.packet_bytes
    }

    pub fn set_packet_bytes(&mut self, bytes: u64) {
        self.packet_bytes = bytes;
        self.set(self.bytes);
    }

    pub fn sent(&mut self, packet: u64) {
        self.last_sent = packet;
    }

    /// A packet came to the other side; `sample_us` from sending it until this was known.
    pub fn acknowledged(&mut self, bytes: u64, sample_us: u64, app_limited: bool) {
        self.round.acknowledged += bytes;
        self.judged.acknowledged += bytes;
        self.round.was_full |= !app_limited;
        self.round.shortest_us = Some(self.round.shortest_us.map_or(sample_us, |shortest| shortest.min(sample_us)));
        if self.starting && !app_limited {
            self.set(self.bytes + bytes);
        }
    }

    /// The acknowledgements of one packet of the peer are complete.
    pub fn acknowledged_up_to(&mut self, packet: u64, now_us: u64) {
        if packet < self.round.ends_at {
            return;
        }
        let round = std::mem::replace(&mut self.round, Round { ends_at: self.last_sent + 1, ..Round::default() });
        self.judge_loss();
        if let Some(shortest_us) = round.shortest_us {
            self.judge_queue(round, shortest_us, now_us);
        }
    }

    pub fn lost(&mut self, bytes: u64, is_persistent: bool) {
        self.judged.lost += bytes;
        if is_persistent {
            // Nothing came through for several round trips: begin gently, as if the way were new.
            self.starting = false;
            self.looking = None;
            self.set(self.bytes / 2);
        }
    }

    fn judge_loss(&mut self) {
        let Loss { acknowledged, lost } = self.judged;
        if acknowledged + lost < JUDGED_PACKETS * self.packet_bytes {
            return;
        }
        self.judged = Loss::default();
        if lost * LOSS_ONE_IN > acknowledged + lost {
            self.starting = false;
            self.set(self.bytes / 10 * 7);
        }
    }

    fn judge_queue(&mut self, round: Round, shortest_us: u64, now_us: u64) {
        let bare_us = match self.bare {
            Some((bare_us, _)) if shortest_us > bare_us + bare_us / 16 => bare_us,
            _ => {
                let bare_us = self.bare.map_or(shortest_us, |(bare_us, _)| bare_us.min(shortest_us));
                self.bare = Some((bare_us, now_us));
                bare_us
            }
        };
        if let Some(before) = self.looking.take() {
            // The shortest that half a window shows is the bare one, also if it is longer than what was believed.
            self.bare = Some((shortest_us, now_us));
            return self.set(before);
        }
        if self.bare.is_some_and(|(_, seen_us)| now_us.saturating_sub(seen_us) > BARE_US) && round.was_full {
            self.looking = Some(self.bytes);
            return self.set(self.bytes / 2);
        }
        self.adjust(round, shortest_us, bare_us);
    }

    fn adjust(&mut self, round: Round, shortest_us: u64, bare_us: u64) {
        let queue_us = shortest_us - bare_us.min(shortest_us);
        let limit_us = (bare_us / 4).clamp(QUEUE_US_MIN, QUEUE_US_MAX);
        if queue_us <= limit_us {
            self.rounds_in_vain = 0;
            let is_short = queue_us <= limit_us / 2;
            if self.starting && is_short || !round.was_full {
                return;
            }
            self.starting = false;
            let step = if is_short { self.bytes / 8 } else { 0 };
            return self.set(self.bytes + step.max(self.packet_bytes / 2));
        }
        self.starting = false;
        self.rounds_in_vain += 1;
        if self.rounds_in_vain > ROUNDS_IN_VAIN {
            self.rounds_in_vain = 0;
            self.bare = Some((shortest_us, self.bare.map_or(0, |(_, seen_us)| seen_us)));
            return;
        }
        // What is above half the limit leaves the queue within a round.
        let excess = self.bytes.saturating_mul(queue_us - limit_us / 2) / shortest_us.max(1);
        self.set(self.bytes - excess.min(self.bytes / 2));
    }

    fn set(&mut self, bytes: u64) {
        self.bytes = bytes.clamp(PACKETS_MIN * self.packet_bytes, WINDOW_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::jitter::Jitter;

    const PACKET: u64 = 1_200;

    /// A bottleneck with a queue, and a sender that always has something to send.
    struct Path {
        bytes_per_s: u64,
        round_trip_us: u64,
        queue_bytes: u64,
        /// Of 1,000 packets so many are lost on the air.
        loss_per_mille: u64,
    }

    #[derive(Debug)]
    struct Seen {
        /// Share of the bottleneck that was used in the second half.
        used: f64,
        /// Longest and median wait in the queue in the second half, microseconds.
        longest_us: u64,
        median_us: u64,
    }

    struct Flight {
        packet: u64,
        sent_us: u64,
        arrives_us: Option<u64>,
    }

    impl Path {
        /// Packets are paced over the round trip as quinn does; an acknowledgement comes for each.
        fn run(&self, window: &mut Window, from_s: u64, seconds: u64) -> Seen {
            let mut random = Jitter::new(5);
            let (mut now_us, mut free_us) = (from_s * 1_000_000, 0u64);
            let (mut packet, mut in_flight) = (from_s * 1_000_000, 0u64);
            let mut flights: VecDeque<Flight> = VecDeque::new();
            let (mut waits, mut delivered) = (Vec::new(), 0u64);
            let half_us = now_us + seconds * 500_000;
            let end_us = now_us + seconds * 1_000_000;
            while now_us < end_us {
                if in_flight + PACKET <= window.bytes() {
                    packet += 1;
                    window.sent(packet);
                    in_flight += PACKET;
                    let begins_us = free_us.max(now_us);
                    let wait_us = begins_us - now_us;
                    let is_full = wait_us * self.bytes_per_s / 1_000_000 + PACKET > self.queue_bytes;
                    let is_lost = random.between(1, 1_000) <= self.loss_per_mille;
                    if !is_full {
                        free_us = begins_us + PACKET * 1_000_000 / self.bytes_per_s;
                        if now_us > half_us {
                            waits.push(wait_us);
                            delivered += PACKET;
                        }
                    }
                    let arrives_us = (!is_full && !is_lost).then_some(free_us + self.round_trip_us);
                    flights.push_back(Flight { packet, sent_us: now_us, arrives_us });
                    // Paced: a window over a round trip, a quarter faster.
                    now_us += PACKET * self.round_trip_us * 4 / (window.bytes() * 5);
                    continue;
                }
                let Some(at_us) = flights.iter().find_map(|flight| flight.arrives_us) else {
                    // Everything under way was lost: quinn would probe.
                    flights.clear();
                    window.lost(in_flight, true);
                    in_flight = 0;
                    now_us += 2 * self.round_trip_us;
                    continue;
                };
                now_us = now_us.max(at_us);
                while let Some(flight) = flights.pop_front() {
                    in_flight -= PACKET;
                    match flight.arrives_us {
                        Some(_) => {
                            window.acknowledged(PACKET, now_us - flight.sent_us, false);
                            window.acknowledged_up_to(flight.packet, now_us);
                            break;
                        }
                        None => window.lost(PACKET, false),
                    }
                }
            }
            waits.sort_unstable();
            Seen {
                used: delivered as f64 / (self.bytes_per_s * (seconds - seconds / 2)) as f64,
                longest_us: waits.last().copied().unwrap_or(0),
                median_us: waits.get(waits.len() / 2).copied().unwrap_or(0),
            }
        }
    }

    #[test]
    fn lines_are_used_and_their_queues_stay_short() {
        // Bits a second, round trip ms, queue KiB, loss in 1,000; at least this share used, longest queue ms.
        let table = [
            ("satellite", 64_000, 600, 64, 50, 0.70, 900),
            ("satellite without loss", 64_000, 600, 64, 0, 0.90, 900),
            ("emergency line", 10_000_000, 100, 256, 10, 0.85, 100),
            ("mobile", 5_000_000, 60, 1_024, 5, 0.85, 60),
            ("fibre", 100_000_000, 10, 1_024, 0, 0.85, 40),
        ];
        for (what, bits, ms, kib, loss, used, longest_ms) in table {
            let path = Path {
                bytes_per_s: bits / 8,
                round_trip_us: ms * 1_000,
                queue_bytes: kib * 1_024,
                loss_per_mille: loss,
            };
            let mut window = Window::new(PACKET);
            let seen = path.run(&mut window, 0, 60);
            println!("{what}: {seen:?}, window {} packets", window.bytes() / PACKET);
            assert!(seen.used >= used, "{what}: {seen:?}");
            assert!(seen.longest_us <= longest_ms * 1_000, "{what}: {seen:?}");
            assert!(seen.median_us <= longest_ms * 1_000 / 2, "{what}: {seen:?}");
        }
    }

    #[test]
    fn a_queue_too_short_to_be_felt_is_felt_by_its_loss() {
        let path = Path { bytes_per_s: 1_250_000, round_trip_us: 100_000, queue_bytes: 4 * PACKET, loss_per_mille: 0 };
        let mut window = Window::new(PACKET);
        let seen = path.run(&mut window, 0, 60);
        assert!(seen.used > 0.5, "{seen:?}");
        assert!(window.bytes() < 2 * 125_000, "{}", window.bytes());
    }

    #[test]
    fn a_way_that_becomes_longer_is_found_out() {
        let mut path =
            Path { bytes_per_s: 1_250_000, round_trip_us: 20_000, queue_bytes: 256 * 1_024, loss_per_mille: 0 };
        let mut window = Window::new(PACKET);
        path.run(&mut window, 0, 10);
        path.round_trip_us = 200_000;
        let seen = path.run(&mut window, 20, 60);
        assert!(seen.used > 0.7, "{seen:?}");
    }

    #[test]
    fn the_window_stays_within_its_bounds() {
        let mut window = Window::new(PACKET);
        for number in 0..200 {
            window.lost(PACKET * 100, number % 2 == 0);
            window.acknowledged_up_to(number, number * 1_000);
        }
        assert_eq!(window.bytes(), PACKETS_MIN * PACKET);
        for number in 200..4_000 {
            window.sent(number);
            window.acknowledged(WINDOW_BYTES_MAX / 8, 100, false);
            window.acknowledged_up_to(number, number * 1_000);
        }
        assert_eq!(window.bytes(), WINDOW_BYTES_MAX);
    }
}
