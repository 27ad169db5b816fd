//! Why a service refuses: one stable code each. The web layer gives it a status and a sentence in the reader's language.

use noroshi_sync::store::StoreError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Unknown, or not visible to this person; never says which.
    #[error("not found")]
    NotFound,
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// Refused for a reason that the person is told by a code of its own: `locked`, `device_suspended`, `console_locked`, …
    #[error("refused: {0}")]
    Denied(&'static str),
    /// The passcode is wrong; after `left` more the device is stopped.
    #[error("the passcode is wrong, {left} attempts are left")]
    WrongPasscode { left: u32 },
    #[error("no valid session")]
    Unauthenticated,
    /// The same id was used with other content.
    #[error("the id is taken by other content")]
    Conflict,
    /// Understood, but not valid. `field` is the name in the request, `code` says what is wrong (`too_long`,
    /// `control_characters`, `empty`, `unknown_user`, …).
    #[error("{field}: {code}")]
    Invalid { field: &'static str, code: &'static str },
    #[error("too large: {what}, at most {limit}")]
    TooLarge { what: &'static str, limit: usize },
    #[error("too many attempts, again in {retry_after_s} s")]
    TooMany { retry_after_s: u32 },
    /// More wait already than can be served soon.
    #[error("too many wait, again in {retry_after_s} s")]
    Overloaded { retry_after_s: u32 },
    #[error("storage is full")]
    StorageFull,
    #[error("storage does not work: {0}")]
    Storage(String),
    #[error("busy")]
    Busy,
}

impl ServiceError {
    /// The stable code of the HTTP contract.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::Denied(code) => code,
            Self::WrongPasscode { .. } => "wrong_passcode",
            Self::Unauthenticated => "unauthenticated",
            Self::Conflict => "conflict",
            Self::Invalid { code, .. } => code,
            Self::TooLarge { .. } => "too_large",
            Self::TooMany { .. } => "too_many",
            Self::StorageFull => "storage_full",
            Self::Storage(_) => "storage_failed",
            Self::Busy | Self::Overloaded { .. } => "busy",
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::StorageFull,
            other => Self::Storage(other.to_string()),
        }
    }
}
