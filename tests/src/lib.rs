//! Whole-system tests of Noroshi: the real binary in real processes. What several of them need lives here.
