//! Every trap of staff lists that is known, with the code and the sentence a person reads.

mod files;
mod plans;
mod support;
