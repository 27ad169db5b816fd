//! What a connection promises, and what it does not, when ways are cut and processes die.

use noroshi_sync::frame::Class;

use super::*;
use crate::scenario::OfficeNumber;
use crate::sim::agenda::Agenda;

/// A line with nobody at its ends but a notebook.
struct Bench {
    line: Line,
    agenda: Agenda<Step>,
    now_ms: u64,
    seen: Vec<(u64, Effect)>,
}

impl Bench {
    fn new(rate: Option<u64>, weather: Weather) -> Self {
        let config = ScenarioLine {
            offices: (OfficeNumber(0), OfficeNumber(1)),
            latency_ms: 20,
            jitter_ms: 15,
            loss: 0.0,
            rate,
        };
        let mut bench = Self {
            line: Line::new(config, weather, Random::new(3)),
            agenda: Agenda::default(),
            now_ms: 0,
            seen: Vec::new(),
        };
        bench.act(|line, now_ms, effects| line.begin(now_ms, effects));
        bench
    }

    fn act(&mut self, work: impl FnOnce(&mut Line, u64, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        work(&mut self.line, self.now_ms, &mut effects);
        for effect in effects {
            match effect {
                Effect::Later { at_ms, step } => self.agenda.plan(at_ms, step),
                seen => self.seen.push((self.now_ms, seen)),
            }
        }
    }

    fn run(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.agenda.next_ms().is_some_and(|at| at <= end) {
            let (at_ms, step) = self.agenda.pop().unwrap();
            self.now_ms = at_ms;
            self.act(|line, now_ms, effects| line.handle(step, now_ms, effects));
        }
        self.now_ms = end;
    }

    fn send(&mut self, class: Class, bytes: Vec<u8>) {
        self.act(|line, now_ms, effects| line.send(Side::First, class, bytes, now_ms, effects));
    }

    fn open(&mut self, from: Side, open: bool) {
        self.act(|line, now_ms, effects| line.set_open(from, open, now_ms, effects));
    }

    fn received(&self) -> Vec<u8> {
        let first = |(_, effect): &(u64, Effect)| match effect {
            Effect::Frame { side: Side::Second, bytes } => bytes.first().copied(),
            _ => None,
        };
        self.seen.iter().filter_map(first).collect()
    }

    fn count(&self, wanted: &Effect) -> usize {
        self.seen.iter().filter(|(_, effect)| effect == wanted).count()
    }
}

#[test]
fn frames_of_a_class_keep_their_order_and_classes_do_not() {
    let mut bench = Bench::new(None, Weather { loss: 0.3, ..Weather::default() });
    bench.run(1_000);
    for number in 0..100 {
        bench.send(if number % 2 == 0 { Class::Control } else { Class::Backfill }, vec![number; 3_000]);
    }
    bench.run(60_000);
    let received = bench.received();
    assert_eq!(received.len(), 100);
    for parity in 0..2 {
        let of_class: Vec<u8> = received.iter().copied().filter(|number| number % 2 == parity).collect();
        assert!(of_class.is_sorted(), "{of_class:?}");
    }
    assert!(!received.is_sorted());
    assert_eq!(bench.count(&Effect::Sent { side: Side::First, class: Class::Control }), 50);
}

#[test]
fn an_urgent_frame_overtakes_a_long_one_on_a_slow_line() {
    let mut bench = Bench::new(Some(64_000), Weather::default());
    bench.run(1_000);
    bench.send(Class::Backfill, vec![1; 80_000]);
    bench.run(1_000);
    bench.send(Class::Urgent, vec![2; 500]);
    bench.run(1_000);
    assert_eq!(bench.received(), vec![2], "80 kB take ten seconds at 64 kbit/s");
    bench.run(10_000);
    assert_eq!(bench.received(), vec![2, 1]);
}

#[test]
fn a_short_cut_delays_and_a_long_one_loses() {
    let mut bench = Bench::new(None, Weather::default());
    bench.run(1_000);
    bench.send(Class::Control, vec![1]);
    bench.open(Side::First, false);
    bench.send(Class::Control, vec![2]);
    bench.run(2_000);
    assert!(bench.received().is_empty());
    bench.open(Side::First, true);
    bench.run(3_000);
    assert_eq!(bench.received(), vec![1, 2]);
    assert_eq!(bench.count(&Effect::Down { side: Side::Second }), 0);
    for side in Side::BOTH {
        bench.open(side, false);
    }
    bench.send(Class::Control, vec![3]);
    bench.run(20_000);
    for side in Side::BOTH {
        assert_eq!(bench.count(&Effect::Down { side }), 1);
        bench.open(side, true);
    }
    bench.run(20_000);
    assert_eq!(bench.received(), vec![1, 2]);
    assert_eq!(bench.count(&Effect::Up { side: Side::Second }), 2);
    assert!(bench.line.is_connected());
}

#[test]
fn a_cut_one_way_is_noticed_by_both_sides_one_after_the_other() {
    let mut bench = Bench::new(None, Weather::default());
    bench.run(1_000);
    bench.open(Side::First, false);
    bench.run(30_000);
    let down = |side| bench.seen.iter().find(|(_, effect)| *effect == Effect::Down { side }).map(|(at, _)| *at);
    let (first, second) = (down(Side::First).unwrap(), down(Side::Second).unwrap());
    assert!(second <= 1_000 + 6_000 && first > second && first <= second + 6_000, "{first} {second}");
}

#[test]
fn a_dead_process_is_noticed_and_dialled_when_it_is_back() {
    let mut bench = Bench::new(None, Weather::default());
    bench.run(1_000);
    bench.act(|line, now_ms, effects| line.set_running(Side::First, false, now_ms, effects));
    bench.run(500);
    bench.act(|line, now_ms, effects| line.set_running(Side::First, true, now_ms, effects));
    bench.run(5_000);
    assert_eq!(bench.count(&Effect::Up { side: Side::First }), 2);
    // The other side never noticed that it was gone; it hears of the new connection.
    assert_eq!(bench.count(&Effect::Up { side: Side::Second }), 2);
    assert_eq!(bench.count(&Effect::Down { side: Side::Second }), 0);
}

#[test]
fn old_frames_come_again_where_the_weather_is_bad() {
    let mut bench = Bench::new(None, Weather { replay: 1.0, ..Weather::default() });
    bench.run(1_000);
    bench.send(Class::Control, vec![9]);
    bench.run(1_000);
    bench.act(|line, now_ms, effects| line.break_connection(now_ms, effects));
    bench.run(10_000);
    assert_eq!(bench.received(), vec![9, 9]);
    bench.act(|line, now_ms, effects| {
        line.calm();
        line.break_connection(now_ms, effects);
    });
    bench.run(10_000);
    assert_eq!(bench.received(), vec![9, 9]);
}

#[test]
fn a_peer_that_breaks_the_protocol_is_left_alone_for_a_minute() {
    let mut bench = Bench::new(None, Weather::default());
    bench.run(1_000);
    bench.act(|line, now_ms, effects| line.close(Side::First, true, now_ms, effects));
    bench.run(59_000);
    assert!(!bench.line.is_connected());
    bench.run(2_000);
    assert!(bench.line.is_connected());
}

#[test]
fn who_believed_in_the_old_connection_hears_when_the_new_one_fails() {
    let mut bench = Bench::new(None, Weather::default());
    bench.run(1_000);
    // The first side notices that its peer is gone; the peer comes back, and the handshake is cut.
    bench.open(Side::Second, false);
    bench.run(5_900);
    let down = |bench: &Bench, side| bench.count(&Effect::Down { side });
    let up = |bench: &Bench, side| bench.count(&Effect::Up { side });
    bench.open(Side::Second, true);
    bench.run(30);
    for side in Side::BOTH {
        bench.open(side, false);
    }
    bench.run(20_000);
    for side in Side::BOTH {
        assert_eq!(up(&bench, side), down(&bench, side), "{side:?}");
    }
}
