//! Log-ins: how often somebody may try, and what a session token is.

mod attempts;
mod token;

pub(crate) use attempts::Attempts;
pub(crate) use token::{Token, TokenHash};
