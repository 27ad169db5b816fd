//! What is wrong with a scenario file, and in which line.

use std::ops::Range;

/// A scenario that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    pub message: String,
}

impl ScenarioError {
    /// An error at a place of the file, given as a range of bytes.
    pub(super) fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..span.start.min(text.len())).unwrap_or_default();
        Self { line: 1 + before.iter().filter(|byte| **byte == b'\n').count(), message: message.into() }
    }

    /// What the TOML parser or a missing or unknown field says.
    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        Self::at(text, error.span().unwrap_or_default(), error.message())
    }
}
