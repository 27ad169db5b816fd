//! Whole nodes on real files, opened and asked like the web layer does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attachments;
mod audit;
mod city;
mod events;
mod imports;
mod ledger_only;
mod lines;
mod log_in;
mod messages;
mod offices;
mod passwords;
mod peers;
mod reading;
mod rooms;
