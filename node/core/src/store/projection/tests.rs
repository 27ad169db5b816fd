//! The rows must not depend on the order in which entries come. Islands here are whole databases in memory.

mod audit;
mod branches;
mod dump;
mod erasing;
mod island;
mod islands;
mod orders;
mod reading;
mod renewal;
mod replies;
mod revoked;
mod signatures;
mod vectors;
