//! Who asks: tokens and cookies, and what a browser must prove before it may write.

pub mod cookie;
pub mod credential;
pub mod login_limit;
pub mod origin;
pub mod rules;
mod session;

pub use session::Session;
