//! Errors as the contract wants them: `application/problem+json` with a stable code and a sentence for the person.
//!
//! A handler returns a [`Problem`], which is only a code and its numbers. [`render`] turns it into text at the very
//! end, in the language of the request. Everything that can be said stands in [`table`].

mod field;
mod language;
pub mod render;
mod table;

use axum::response::{IntoResponse, Response};
use noroshi_node::error::ServiceError;
use serde::Serialize;
use utoipa::ToSchema;

pub use language::Language;

/// The content type of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// The part of the request that is wrong, by its name there.
    pub field: Option<&'static str>,
    /// The limit that was passed.
    pub limit: Option<usize>,
    pub retry_after_s: Option<u32>,
    /// How often it may be tried again.
    pub left: Option<u32>,
    /// For the programmer of a client: what the parser met. Only ever speaks of the request itself.
    pub hint: Option<String>,
}

impl Problem {
    pub const fn new(code: &'static str) -> Self {
        Self { code, field: None, limit: None, retry_after_s: None, left: None, hint: None }
    }

    pub const NOT_FOUND: Self = Self::new("not_found");
    pub const UNAUTHENTICATED: Self = Self::new("unauthenticated");

    /// A request that cannot be read.
    pub fn malformed(hint: &(impl ToString + ?Sized)) -> Self {
        let hint = hint.to_string().chars().take(200).collect();
        Self { hint: Some(hint), ..Self::new("malformed") }
    }

    /// Understood, but not valid.
    pub fn invalid(field: &'static str, code: &'static str) -> Self {
        Self { field: Some(field), ..Self::new(code) }
    }

    pub fn too_large(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::new("too_large") }
    }

    pub fn retry(code: &'static str, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(code) }
    }
}

/// Seconds after which a busy or broken storage is worth another try.
const RETRY_STORAGE_S: u32 = 5;

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let code = error.code();
        match error {
            ServiceError::Invalid { field, code } => Self::invalid(field, own_name(code)),
            ServiceError::TooLarge { limit, .. } => Self::too_large(limit),
            ServiceError::TooMany { retry_after_s } | ServiceError::Overloaded { retry_after_s } => {
                Self::retry(code, retry_after_s)
            }
            ServiceError::Busy => Self::retry(code, 1),
            ServiceError::StorageFull => Self::retry(code, RETRY_STORAGE_S),
            ServiceError::Storage(reason) => {
                // The reason names files and tables: for the log, not for the person.
                tracing::error!(%reason, "storage failed during a request");
                Self::retry(code, RETRY_STORAGE_S)
            }
            ServiceError::NotFound
            | ServiceError::Forbidden(_)
            | ServiceError::Unauthenticated
            | ServiceError::Conflict
            | ServiceError::Denied(_) => Self::new(code),
            ServiceError::WrongPasscode { left } => Self { left: Some(left), ..Self::new(code) },
        }
    }
}

/// Codes of fields that already mean something else for a whole request.
fn own_name(code: &'static str) -> &'static str {
    match code {
        "too_many" => "too_many_items",
        "malformed" => "invalid",
        other => other,
    }
}

impl IntoResponse for Problem {
    /// Without a body: [`render::render`] writes it.
    fn into_response(self) -> Response {
        let mut response = table::row(self.code, self.field.is_some()).status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, title = "Problem")]
pub struct ProblemBody {
    /// `about:blank#` and the code.
    #[serde(rename = "type")]
    #[schema(example = "about:blank#not_found")]
    pub kind: String,
    /// A heading in the language of the request.
    pub title: &'static str,
    #[schema(example = 404)]
    pub status: u16,
    /// Stable; for programs.
    #[schema(example = "not_found")]
    pub code: &'static str,
    /// A sentence for the person, in the language of the request.
    pub detail: String,
    /// The part of the request that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<&'static str>,
    /// How often a passcode may be tried again before the device is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub left: Option<u32>,
    /// For the programmer of a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
}

impl ProblemBody {
    pub fn new(problem: Problem, language: Language) -> Self {
        let row = table::row(problem.code, problem.field.is_some());
        let (title, detail) = match language {
            Language::Japanese => (row.ja.0, row.ja.1),
            Language::English => (row.en.0, row.en.1),
        };
        let detail = detail
            .replace("{field}", field::label(problem.field, language))
            .replace("{limit}", &problem.limit.map(|limit| limit.to_string()).unwrap_or_default())
            .replace("{left}", &problem.left.unwrap_or_default().to_string())
            .replace("{seconds}", &problem.retry_after_s.unwrap_or(1).to_string());
        Self {
            kind: format!("about:blank#{}", problem.code),
            title,
            status: row.status.as_u16(),
            code: problem.code,
            detail,
            field: problem.field,
            left: problem.left,
            hint: problem.hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_speaks_the_language_of_the_person() {
        let problem = || Problem::invalid("text", "too_long");
        let ja = ProblemBody::new(problem(), Language::Japanese);
        assert_eq!(ja.detail, "本文が長すぎます。短くしてください。");
        assert_eq!((ja.status, ja.kind.as_str()), (422, "about:blank#too_long"));
        let en = ProblemBody::new(problem(), Language::English);
        assert_eq!(en.detail, "The text is too long. Please shorten it.");
    }

    #[test]
    fn every_service_error_has_words_and_hides_its_reason() {
        let errors = [
            ServiceError::NotFound,
            ServiceError::Forbidden("not_room_admin"),
            ServiceError::Unauthenticated,
            ServiceError::Conflict,
            ServiceError::Invalid { field: "text", code: "empty" },
            ServiceError::TooLarge { what: "text", limit: 10 },
            ServiceError::TooMany { retry_after_s: 7 },
            ServiceError::Overloaded { retry_after_s: 30 },
            ServiceError::StorageFull,
            ServiceError::Storage("/var/lib/noroshi.db: SECRET".into()),
            ServiceError::Busy,
            ServiceError::WrongPasscode { left: 3 },
            ServiceError::Denied("console_locked"),
            ServiceError::Denied("no_key_here"),
            ServiceError::Denied("wrong_password"),
            ServiceError::Denied("locked"),
            ServiceError::Denied("no_passcode"),
            ServiceError::Denied("device_code_required"),
            ServiceError::Denied("wrong_device_code"),
            ServiceError::Denied("device_suspended"),
            ServiceError::Denied("user_suspended"),
            ServiceError::Denied("account_ended"),
        ];
        for error in errors {
            let code = error.code();
            let problem = Problem::from(error);
            assert_eq!(problem.code, code);
            assert!(table::knows(code), "{code}");
            let text = serde_json::to_string(&ProblemBody::new(problem, Language::Japanese)).unwrap();
            assert!(!text.contains("SECRET") && !text.trim_start_matches('{').contains('{'), "{text}");
        }
    }

    #[test]
    fn a_code_means_one_thing() {
        let of_field = Problem::from(ServiceError::Invalid { field: "mentions", code: "too_many" });
        let body = ProblemBody::new(of_field, Language::English);
        assert_eq!((body.status, body.code), (422, "too_many_items"));
        let of_request = ProblemBody::new(Problem::from(ServiceError::TooMany { retry_after_s: 9 }), Language::English);
        assert_eq!((of_request.status, of_request.code), (429, "too_many"));
    }

    #[test]
    fn a_hint_is_short() {
        assert_eq!(Problem::malformed(&"x".repeat(5_000)).hint.unwrap().len(), 200);
    }
}
