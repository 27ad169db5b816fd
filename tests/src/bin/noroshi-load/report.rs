//! How figures are printed: one JSON object a line, the machine first.

use std::time::Duration;

use serde_json::{Value, json};

/// Which machine and build the figures are of.
pub fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("").trim_start_matches([':', '\t', ' ']);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("").to_owned();
    line("machine", json!({"cpu": model, "cores": cores, "build": build, "load_average": load}));
}

pub fn line(workload: &str, mut figures: Value) {
    figures["workload"] = json!(workload);
    println!("{figures}");
}

/// The value below which `share` of the samples lie, milliseconds.
pub fn percentile_ms(samples: &mut [Duration], share: f64) -> f64 {
    samples.sort_unstable();
    let place = ((samples.len() as f64 * share).ceil() as usize).clamp(1, samples.len().max(1)) - 1;
    samples.get(place).map_or(0.0, |sample| round(sample.as_secs_f64() * 1_000.0))
}

pub fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
