//! Log-ins: how often somebody may try, what a session token is, and which sessions are known.

mod attempts;
mod password_queue;
mod sessions;
mod token;

pub(crate) use attempts::Attempts;
pub(crate) use password_queue::{PasswordQueue, Place};
pub(crate) use sessions::{Session, Sessions};
pub(crate) use token::{Token, TokenHash};
