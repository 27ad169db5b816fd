//! Tests of the store as a whole.

mod damage;
mod full;
mod model;
mod restart;
mod speed;
