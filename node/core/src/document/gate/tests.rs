//! What gets in, what waits, and what is kept out without a trace.
