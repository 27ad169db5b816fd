//! Measures real nodes as their users see them, one JSON line a figure. Prints, never passes or fails on time.
//!
//! Every workload sets up its own offices in a temporary folder with the binary beside it, so that
//! `cargo build --release --workspace && target/release/noroshi-load post` is all there is to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod baseline;
mod footprint;
mod import;
mod live;
mod logins;
mod open;
mod post;
mod reconcile;
mod report;
mod resume;
mod setting;
mod suspend;
mod thin;

use clap::{Parser, Subcommand};
use noroshi_tests::lab::Weather;

#[derive(Debug, Parser)]
#[command(name = "noroshi-load", version, about = "Figures of real Noroshi nodes, as JSON lines")]
struct Cli {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Durable posts a second by 1 and by 32 clients, beside a bare SQLite commit of one row in the same run.
    Post {
        /// Seconds for each measurement.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// From posting at one office until a browser of another sees it.
    Live {
        #[arg(long, default_value_t = 20)]
        rate: u64,
        #[arg(long, default_value_t = 30)]
        seconds: u64,
    },
    /// Both sides of a cut write; the line returns; until every message is visible on both sides.
    Reconcile {
        #[arg(long, default_value_t = 100)]
        rooms: usize,
        /// Messages a side.
        #[arg(long, default_value_t = 2_000)]
        messages: usize,
    },
    /// The last 50 messages of a long room.
    Open {
        #[arg(long, default_value_t = 20_000)]
        messages: usize,
    },
    /// Start-up time and resident memory, empty and with rooms.
    Footprint {
        #[arg(long, default_value_t = 1_000)]
        rooms: usize,
        #[arg(long, default_value_t = 20)]
        messages: usize,
    },
    /// Reconnecting two equal nodes: frames and bytes a side.
    Reconnect {
        #[arg(long, default_value_t = 1_000)]
        rooms: usize,
    },
    /// A staff list read and applied, read again and taken back.
    Import {
        #[arg(long, default_value_t = 900)]
        people: usize,
    },
    /// People log in at once, each password at its full cost, while somebody reads and posts.
    Logins {
        #[arg(long, default_value_t = 1_000)]
        people: usize,
    },
    /// From stopping a phone until its event stream ends.
    Suspend {
        #[arg(long, default_value_t = 100)]
        phones: usize,
    },
    /// Urgent messages over a thin line that is full of history. Needs root: the offices are in network namespaces.
    Thin {
        #[arg(long, default_value_t = 20)]
        megabytes: usize,
        /// Urgent messages.
        #[arg(long, default_value_t = 50)]
        messages: usize,
        /// Percent of packets that are lost.
        #[arg(long, default_value_t = 5.0)]
        loss: f64,
        /// Bits a second.
        #[arg(long, default_value_t = 64_000)]
        rate: u64,
        /// Round trip, milliseconds.
        #[arg(long, default_value_t = 600)]
        round_trip: u64,
        /// Only TCP passes.
        #[arg(long)]
        no_udp: bool,
    },
    /// A line whose packets vanish for a time and that then comes back. Needs root: the offices are in network namespaces.
    Resume {
        /// Seconds.
        #[arg(long, default_value_t = 15)]
        cut: u64,
        #[arg(long, default_value_t = 5)]
        times: usize,
        #[arg(long, default_value_t = 100)]
        rooms: usize,
        /// Messages a side, each time.
        #[arg(long, default_value_t = 2_000)]
        messages: usize,
        /// 10 Mbit/s, 100 ms, 1 % loss instead of a LAN.
        #[arg(long)]
        emergency: bool,
    },
    /// All of them with their defaults, and reconcile with 20,000 a side.
    All,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    report::machine();
    match Cli::parse().workload {
        Workload::Post { seconds } => post::measure(seconds).await,
        Workload::Live { rate, seconds } => live::measure(rate, seconds).await,
        Workload::Reconcile { rooms, messages } => reconcile::measure(rooms, messages).await,
        Workload::Open { messages } => open::measure(messages).await,
        Workload::Footprint { rooms, messages } => footprint::measure(rooms, messages).await,
        Workload::Reconnect { rooms } => reconcile::reconnect(rooms).await,
        Workload::Import { people } => import::measure(people).await,
        Workload::Logins { people } => logins::measure(people).await,
        Workload::Suspend { phones } => suspend::measure(phones).await,
        Workload::Thin { megabytes, messages, loss, rate, round_trip, no_udp } => {
            let round_trip = std::time::Duration::from_millis(round_trip);
            let weather = Weather { drops_udp: no_udp, ..Weather::of_rate(rate, round_trip, loss / 100.0) };
            let name = format!("{rate} bit/s, {round_trip:?}, {loss} % lost{}", if no_udp { ", TCP" } else { "" });
            thin::measure(weather, &name, megabytes, messages).await;
        }
        Workload::Resume { cut, times, rooms, messages, emergency } => {
            let weather = if emergency { Weather::emergency() } else { Weather::default() };
            resume::measure(weather, std::time::Duration::from_secs(cut), times, rooms, messages).await;
        }
        Workload::All => {
            post::measure(10).await;
            live::measure(20, 30).await;
            reconcile::measure(100, 2_000).await;
            reconcile::measure(100, 20_000).await;
            reconcile::reconnect(1_000).await;
            open::measure(20_000).await;
            footprint::measure(1_000, 20).await;
            import::measure(900).await;
            logins::measure(1_000).await;
            suspend::measure(100).await;
        }
    }
}
