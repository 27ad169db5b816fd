//! The switch: one thread that takes frames from the TAP device of each office and gives them to the others when it is
//! time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tun_rs::{AsyncDevice, DeviceBuilder, Layer};

use super::hardware_address;
use super::line::{Counts, Line, Weather};

/// Largest frame of Ethernet without tags.
const FRAME_BYTES_MAX: usize = 1_514;
/// Frames under way on all lines together; more are lost.
const UNDER_WAY_MAX: usize = 100_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Switch {
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something is due earlier than was thought.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    /// From, to.
    lines: Vec<Vec<Line>>,
    under_way: BinaryHeap<Reverse<Flight>>,
    order: u64,
}

/// A frame under way, the earliest first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrives: Instant,
    order: u64,
    to: usize,
    frame: Vec<u8>,
}

impl Switch {
    /// Opens the devices by these names. They are gone with the switch.
    pub fn start(devices: &[String], seed: u64) -> Self {
        let count = devices.len();
        let line = |from: usize, to: usize| Line::new(seed.wrapping_add((from * count + to) as u64 * 7_919));
        let lines = (0..count).map(|from| (0..count).map(|to| line(from, to)).collect()).collect();
        let state = Mutex::new(State { lines, under_way: BinaryHeap::new(), order: 0 });
        let shared = Arc::new(Shared { state, sooner: Notify::new() });
        let stop = CancellationToken::new();
        let (ready, opened) = mpsc::channel();
        let thread = std::thread::spawn({
            let (shared, stop, names) = (shared.clone(), stop.clone(), devices.to_vec());
            move || run(&shared, &stop, &names, &ready)
        });
        opened.recv().expect("TAP devices need root and /dev/net/tun");
        Self { shared, stop, thread: Some(thread) }
    }

    pub fn change(&self, from: usize, to: usize, change: impl FnOnce(&mut Weather)) {
        change(&mut self.shared.state().lines[from][to].weather);
    }

    pub fn counts(&self, from: usize, to: usize) -> Counts {
        self.shared.state().lines[from][to].counts
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Arc<Shared>, stop: &CancellationToken, names: &[String], ready: &mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let open = |name: &String| {
            let device = DeviceBuilder::new().name(name).layer(Layer::L2).inherit_enable_state().build_async();
            Arc::new(device.unwrap())
        };
        let devices: Vec<Arc<AsyncDevice>> = names.iter().map(open).collect();
        for (from, device) in devices.iter().enumerate() {
            tokio::spawn(take(device.clone(), shared.clone(), from));
        }
        let _ = ready.send(());
        tokio::select! {
            () = stop.cancelled() => {}
            () = give(&devices, shared) => {}
        }
    });
}

/// Takes what an office sends.
async fn take(device: Arc<AsyncDevice>, shared: Arc<Shared>, from: usize) {
    let mut buffer = vec![0; FRAME_BYTES_MAX];
    loop {
        match device.recv(&mut buffer).await {
            Ok(length) => shared.admit(from, &buffer[..length]),
            // Not up yet.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Gives frames to the offices when they are due.
async fn give(devices: &[Arc<AsyncDevice>], shared: &Shared) {
    loop {
        let due = shared.due();
        match due {
            Due::Now(flight) => {
                // A device that is not up yet takes nothing: the frame is lost, as on a real one.
                let _ = devices[flight.to].try_send(&flight.frame);
            }
            Due::At(arrives) => tokio::select! {
                () = tokio::time::sleep_until(arrives.into()) => {}
                () = shared.sooner.notified() => {}
            },
            Due::Never => shared.sooner.notified().await,
        }
    }
}

enum Due {
    Now(Flight),
    At(Instant),
    Never,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, from: usize, frame: &[u8]) {
        let now = Instant::now();
        let mut state = self.state();
        let state = &mut *state;
        let soonest = state.under_way.peek().map(|Reverse(flight)| flight.arrives);
        for to in destinations(frame, from, state.lines.len()) {
            for arrives in state.lines[from][to].send(frame, now) {
                if state.under_way.len() < UNDER_WAY_MAX {
                    state.order += 1;
                    let flight = Flight { arrives, order: state.order, to, frame: frame.to_vec() };
                    state.under_way.push(Reverse(flight));
                }
            }
        }
        if state.under_way.peek().map(|Reverse(flight)| flight.arrives) != soonest {
            self.sooner.notify_one();
        }
    }

    fn due(&self) -> Due {
        let mut state = self.state();
        match state.under_way.peek().map(|Reverse(flight)| flight.arrives) {
            None => Due::Never,
            Some(arrives) if arrives > Instant::now() => Due::At(arrives),
            Some(_) => state.under_way.pop().map_or(Due::Never, |Reverse(flight)| Due::Now(flight)),
        }
    }
}

/// One office by its hardware address, or all but the sender for a group.
fn destinations(frame: &[u8], from: usize, count: usize) -> Vec<usize> {
    let is_of = |to: &usize| frame.starts_with(&hardware_address(*to));
    let is_group = frame.first().is_some_and(|first| first & 1 == 1);
    (0..count).filter(|to| *to != from && (is_group || is_of(to))).collect()
}
