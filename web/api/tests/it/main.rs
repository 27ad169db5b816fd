//! The web server over a real node in a folder of its own, spoken to through real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod administrator_keys;
mod app;
mod attachments;
mod audit;
mod auth;
mod bad_input;
mod bodies;
mod connections;
mod devices;
mod erasures;
mod events;
mod frames;
mod house;
mod http;
mod https;
mod ids;
mod imports;
mod passcode_due;
mod password;
mod privacy;
mod rights;
mod routes;
mod signing;
mod socket;
mod stream;
