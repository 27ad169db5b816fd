//! The ledger judged as a whole.
