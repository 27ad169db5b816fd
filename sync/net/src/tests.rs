//! What the tests of this crate share, and the tests of whole nodes on loopback.

pub(crate) mod authority;
