//! The simulator.

mod agenda;
mod line;
mod random;
