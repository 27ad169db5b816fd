//! Log-ins: how often somebody may try, what a session token is, and which sessions are known.

mod attempts;
mod code_clocks;
mod console;
mod device_code;
mod folds;
mod isolation;
mod password_queue;
mod sessions;
mod token;

pub(crate) use attempts::Attempts;
pub(crate) use code_clocks::CodeClocks;
pub(crate) use console::Consoles;
pub(crate) use device_code::{code_hash, device_secret, random_code, secret_hash};
pub(crate) use folds::{FoldKey, Folds};
pub(crate) use isolation::Isolation;
pub(crate) use password_queue::{PasswordQueue, Place};
pub(crate) use sessions::{Session, Sessions, mono_ms};
pub(crate) use token::{Token, TokenHash};
