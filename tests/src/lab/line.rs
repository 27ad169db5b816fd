//! One direction between two offices: what becomes of a frame and when it arrives. No sockets and no clock of its own.

use std::time::{Duration, Instant};

/// How a line behaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Weather {
    /// Nothing passes, and nobody is told.
    pub cut: bool,
    /// Bits a second; `None` is as fast as this machine.
    pub bits_per_s: Option<u64>,
    /// What may wait in the modem for its turn, bytes. What finds it full is lost, as in a modem: with a large queue a
    /// sender that fills it makes everybody wait (bufferbloat). Counts only with a rate.
    pub queue_bytes: u64,
    /// One way.
    pub delay: Duration,
    /// Added to the delay, from nothing up to this. Frames do not overtake each other for it.
    pub jitter: Duration,
    /// Share of frames that are lost, 0 to 1.
    pub loss: f64,
    /// Share of frames that arrive twice.
    pub doubled: f64,
    /// Share of frames that later ones may overtake.
    pub overtaken: f64,
    /// UDP vanishes, as in networks that let only TCP pass.
    pub drops_udp: bool,
    /// IP packets with more bytes vanish, and nobody is told (a black hole of path MTU).
    pub largest_packet: Option<usize>,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            cut: false,
            bits_per_s: None,
            queue_bytes: 64 * 1024,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            doubled: 0.0,
            overtaken: 0.0,
            drops_udp: false,
            largest_packet: None,
        }
    }
}

impl Weather {
    /// A line of this rate and round trip; half of the round trip in each direction.
    pub fn of_rate(bits_per_s: u64, round_trip: Duration, loss: f64) -> Self {
        Self { bits_per_s: Some(bits_per_s), delay: round_trip / 2, loss, ..Self::default() }
    }

    /// Over a satellite: 64 kbit/s, 600 ms, 5 % loss, a modem that keeps 64 KiB.
    pub fn thin() -> Self {
        Self::of_rate(64_000, Duration::from_millis(600), 0.05)
    }

    /// An emergency line: 10 Mbit/s, 100 ms, 1 % loss.
    pub fn emergency() -> Self {
        Self { queue_bytes: 256 * 1024, ..Self::of_rate(10_000_000, Duration::from_millis(100), 0.01) }
    }
}

/// What passed, and why other frames did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub passed: u64,
    /// Bytes of IP packets.
    pub passed_bytes: u64,
    pub cut: u64,
    pub lost: u64,
    /// Found the modem's queue full.
    pub overflowed: u64,
    pub udp_dropped: u64,
    pub too_large: u64,
    /// The most that ever waited in the modem's queue, bytes.
    pub queued_bytes_max: u64,
}

const ETHERNET_HEADER_BYTES: usize = 14;

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    pub weather: Weather,
    pub counts: Counts,
    /// When the modem has sent everything it was given.
    free_at: Option<Instant>,
    last_arrival: Option<Instant>,
    random: Random,
}

impl Line {
    pub fn new(seed: u64) -> Self {
        let weather = Weather::default();
        Self { weather, counts: Counts::default(), free_at: None, last_arrival: None, random: Random(seed) }
    }

    /// When the frame arrives: never, once, or twice.
    pub fn send(&mut self, frame: &[u8], now: Instant) -> Vec<Instant> {
        let bytes = frame.len().saturating_sub(ETHERNET_HEADER_BYTES);
        if self.weather.cut {
            self.counts.cut += 1;
        } else if self.weather.drops_udp && is_udp(frame) {
            self.counts.udp_dropped += 1;
        } else if self.weather.largest_packet.is_some_and(|limit| bytes > limit) {
            self.counts.too_large += 1;
        } else if let Some(sent_at) = self.through_the_modem(bytes as u64, now) {
            return self.through_the_air(bytes as u64, sent_at);
        }
        Vec::new()
    }

    /// When the last bit of it has left the modem; `None` when its queue is full.
    fn through_the_modem(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let Some(bits_per_s) = self.weather.bits_per_s else { return Some(now) };
        let begins_at = self.free_at.map_or(now, |free_at| free_at.max(now));
        let waiting = (begins_at - now).as_secs_f64() * bits_per_s as f64 / 8.0;
        let queued = waiting as u64 + bytes;
        if queued > self.weather.queue_bytes {
            self.counts.overflowed += 1;
            return None;
        }
        self.counts.queued_bytes_max = self.counts.queued_bytes_max.max(queued);
        let sent_at = begins_at + Duration::from_secs_f64(bytes as f64 * 8.0 / bits_per_s as f64);
        self.free_at = Some(sent_at);
        Some(sent_at)
    }

    fn through_the_air(&mut self, bytes: u64, sent_at: Instant) -> Vec<Instant> {
        if self.random.happens(self.weather.loss) {
            self.counts.lost += 1;
            return Vec::new();
        }
        self.counts.passed += 1;
        self.counts.passed_bytes += bytes;
        let mut arrival = sent_at + self.weather.delay + self.weather.jitter.mul_f64(self.random.share());
        if self.random.happens(self.weather.overtaken) {
            // Late enough for the next few.
            arrival += Duration::from_millis(5) + self.weather.delay / 4;
        } else {
            arrival = self.last_arrival.map_or(arrival, |last| last.max(arrival));
            self.last_arrival = Some(arrival);
        }
        let count = if self.random.happens(self.weather.doubled) { 2 } else { 1 };
        vec![arrival; count]
    }
}

fn is_udp(frame: &[u8]) -> bool {
    const UDP: u8 = 17;
    let at = |place: usize| frame.get(place).copied().unwrap_or(0);
    match (at(12), at(13)) {
        (0x08, 0x00) => at(ETHERNET_HEADER_BYTES + 9) == UDP,
        (0x86, 0xdd) => at(ETHERNET_HEADER_BYTES + 6) == UDP,
        _ => false,
    }
}

/// SplitMix64: the same frames in the same order meet the same fate.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn happens(&mut self, share: f64) -> bool {
        // Nothing is drawn for what cannot happen, so that one fault does not change the course of another.
        share > 0.0 && self.share() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Vec<u8> {
        let mut frame = vec![0; bytes + ETHERNET_HEADER_BYTES];
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        frame
    }

    fn line(weather: Weather) -> Line {
        Line { weather, ..Line::new(1) }
    }

    #[test]
    fn a_rate_spaces_frames_and_a_delay_moves_them() {
        let delay = Duration::from_millis(300);
        let mut line = line(Weather { bits_per_s: Some(64_000), delay, ..Weather::default() });
        let now = Instant::now();
        for number in 1..=10u32 {
            let arrivals = line.send(&frame(1_000), now);
            assert_eq!(arrivals, [now + delay + Duration::from_millis(125) * number]);
        }
        assert_eq!(line.counts.queued_bytes_max, 10_000);
    }

    #[test]
    fn a_full_queue_loses_what_comes_last_and_empties_with_time() {
        let mut line = line(Weather { bits_per_s: Some(8_000), queue_bytes: 3_000, ..Weather::default() });
        let now = Instant::now();
        let sent = (0..5).filter(|_| !line.send(&frame(1_000), now).is_empty()).count();
        assert_eq!((sent, line.counts.overflowed), (3, 2));
        assert_eq!(line.send(&frame(1_000), now + Duration::from_secs(1)).len(), 1);
    }

    #[test]
    fn shares_of_frames_are_lost_doubled_and_overtaken() {
        let mut line = line(Weather { loss: 0.2, doubled: 0.1, overtaken: 0.1, ..Weather::default() });
        let now = Instant::now();
        let mut arrivals = Vec::new();
        for number in 0..10_000u64 {
            arrivals.push(line.send(&frame(100), now + Duration::from_micros(number * 100)));
        }
        let count = |length: usize| arrivals.iter().filter(|arrivals| arrivals.len() == length).count();
        assert!((1_800..2_200).contains(&count(0)) && (700..900).contains(&count(2)), "{} {}", count(0), count(2));
        let order: Vec<Instant> = arrivals.iter().filter_map(|arrivals| arrivals.first().copied()).collect();
        let overtaken = order.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!((600..1_000).contains(&overtaken), "{overtaken}");
    }

    #[test]
    fn jitter_alone_keeps_the_order() {
        let mut line = line(Weather { jitter: Duration::from_millis(50), ..Weather::default() });
        let now = Instant::now();
        let arrivals: Vec<Instant> =
            (0..1_000).flat_map(|number| line.send(&frame(100), now + Duration::from_micros(number))).collect();
        assert!(arrivals.is_sorted() && arrivals[999] > now + Duration::from_millis(40));
    }

    #[test]
    fn cuts_black_holes_and_filters_take_what_they_name() {
        let now = Instant::now();
        let mut udp = frame(100);
        udp[ETHERNET_HEADER_BYTES + 9] = 17;
        let mut udp6 = frame(100);
        udp6[12..14].copy_from_slice(&[0x86, 0xdd]);
        udp6[ETHERNET_HEADER_BYTES + 6] = 17;
        let mut filter = line(Weather { drops_udp: true, ..Weather::default() });
        assert!(filter.send(&udp, now).is_empty() && filter.send(&udp6, now).is_empty());
        assert_eq!((filter.send(&frame(100), now).len(), filter.counts.udp_dropped), (1, 2));
        let mut hole = line(Weather { largest_packet: Some(1_280), ..Weather::default() });
        assert_eq!((hole.send(&frame(1_280), now).len(), hole.send(&frame(1_281), now).len()), (1, 0));
        let mut cut = line(Weather { cut: true, ..Weather::default() });
        assert!(cut.send(&udp, now).is_empty());
        cut.weather.cut = false;
        assert_eq!((cut.send(&udp, now).len(), cut.counts.cut), (1, 1));
    }
}
