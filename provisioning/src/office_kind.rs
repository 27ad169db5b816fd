//! What an office is for.

use std::fmt;
use std::str::FromStr;

use noroshi_sync::id::InvalidId;
use serde::{Deserialize, Serialize};

/// The words are those of the HTTP interface. The order is the encoding in the ledger: add at the end only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficeKind {
    /// Holds every room, vouches for everyone, admits nodes. There may be several.
    Headquarters,
    Branch,
    Fire,
    Shelter,
    Health,
    Other,
}

impl OfficeKind {
    pub const ALL: [Self; 6] = [Self::Headquarters, Self::Branch, Self::Fire, Self::Shelter, Self::Health, Self::Other];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Headquarters => "headquarters",
            Self::Branch => "branch",
            Self::Fire => "fire",
            Self::Shelter => "shelter",
            Self::Health => "health",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for OfficeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for OfficeKind {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| InvalidId { kind: "office kind", text: text.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_kinds_are_one_to_one() {
        for kind in OfficeKind::ALL {
            assert_eq!(kind.word().parse::<OfficeKind>().unwrap(), kind);
        }
        assert!("castle".parse::<OfficeKind>().is_err());
    }
}
