//! Log-ins: how often somebody may try, what a session token is, and which sessions are known.

mod attempts;
mod sessions;
mod token;

pub(crate) use attempts::Attempts;
pub(crate) use sessions::{Session, Sessions};
pub(crate) use token::{Token, TokenHash};
