//! What comes in, checked before a handler sees it. Each extractor refuses with a [`crate::problem::Problem`].

mod file;
pub mod id;
mod json;
mod path;
mod query;

pub use file::read_file;
pub use id::Id;
pub use json::Json;
pub use path::Path;
pub use query::Query;
