//! Membership judged as a whole.
