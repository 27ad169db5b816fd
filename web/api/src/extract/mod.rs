//! What comes in, checked before a handler sees it. Each extractor refuses with a [`crate::problem::Problem`].

pub mod id;
mod json;
mod path;
mod query;

pub use id::Id;
pub use json::Json;
pub use path::Path;
pub use query::Query;
