//! What a person may do in the whole organisation.

use std::fmt;
use std::str::FromStr;

use noroshi_sync::id::InvalidId;
use serde::{Deserialize, Serialize};

/// The words are those of the HTTP interface. The order is the encoding in the ledger: add at the end only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Grants roles, enrols nodes; its entries are signed with a key of the person.
    SystemAdmin,
    OfficeAdmin,
    DrillController,
    Staff,
    /// From outside; sees only the rooms that invited them.
    Guest,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::SystemAdmin, Self::OfficeAdmin, Self::DrillController, Self::Staff, Self::Guest];

    pub const fn word(self) -> &'static str {
        match self {
            Self::SystemAdmin => "system_admin",
            Self::OfficeAdmin => "office_admin",
            Self::DrillController => "drill_controller",
            Self::Staff => "staff",
            Self::Guest => "guest",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| InvalidId { kind: "role", text: text.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_roles_are_one_to_one() {
        for role in Role::ALL {
            assert_eq!(role.word().parse::<Role>().unwrap(), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
