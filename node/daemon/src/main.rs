//! `noroshi`: the command line of a node.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod administration;
mod backup;
mod browser_ca;
mod cli;
mod commands;
mod config;
mod control;
mod demo;
mod doctor;
mod folder;
mod founding;
mod headquarters;
mod joining;
mod mount;
mod office;
mod offline;
mod renewal;
mod secrets;
mod serve;
mod web_tls;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

/// Exit codes: 0 done, 1 refused or failed, 2 wrong use (clap), 3 damage found by `check`.
fn main() -> ExitCode {
    // Two providers in one program panic at the first handshake; this one is chosen before anything else happens.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("noroshi: another TLS provider is installed");
        return ExitCode::FAILURE;
    }
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("noroshi: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
