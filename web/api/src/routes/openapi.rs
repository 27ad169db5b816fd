//! The description of all calls, made from the handlers themselves.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response as Answer};
use http::{StatusCode, header};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi as Document, PathItem, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::events::wire::{ClientEvent, ServerEvent};
use crate::problem::{CONTENT_TYPE, ProblemBody};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Noroshi",
        version = "1",
        description = "Talk, report and be called up through the node of one's own office.\n\n\
            Ids are UUIDs, times RFC 3339 with offset. A 2xx to a write means that it is on disk. Lists are \
            `{items, next}`; `next` is the `cursor` of the following part. Errors are `application/problem+json` with a \
            stable `code`; title and detail are sentences for the person, in Japanese or by `Accept-Language` in \
            English. Unknown fields are refused. Whoever logs in by cookie sends `X-Noroshi: 1` with every write.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody, ServerEvent, ClientEvent)),
    modifiers(&Login),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "session", description = "Logging in and out"),
        (name = "node", description = "This node"),
        (name = "peers", description = "The lines to other nodes"),
        (name = "rooms", description = "Rooms and their members"),
        (name = "messages", description = "Timelines"),
        (name = "directory", description = "People and offices"),
        (name = "people", description = "Managing people"),
        (name = "events", description = "What happens, pushed"),
        (name = "health", description = "For supervisors")
    )
)]
struct Frame;

struct Login;

impl Modify for Login {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let cookie =
            ApiKeyValue::with_description("noroshi_<short node id>", "Set by logging in. Writes need X-Noroshi: 1.");
        let components = document.components.get_or_insert_with(Components::new);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let mut document = Frame::openapi();
    document.merge(super::calls().into_openapi());
    for item in document.paths.paths.values_mut() {
        complete(item);
    }
    document
});

/// The description as JSON, with a line break at its end.
pub fn document() -> String {
    let mut text = DOCUMENT.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// This description.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "node", operation_id = "openapi",
    responses((status = 200, content_type = "application/json")), security(())
)]
pub async fn openapi() -> Answer {
    static TEXT: LazyLock<String> = LazyLock::new(document);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

fn complete(item: &mut PathItem) {
    let reads = item.get.iter_mut().map(|operation| (operation, false));
    let writes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    let writes = writes.into_iter().flatten().map(|operation| (operation, true));
    for (operation, is_write) in reads.chain(writes) {
        add_errors(operation, is_write);
    }
}

/// The errors that a call has by its nature, beside those of its own that it lists; all of them are problems.
fn add_errors(operation: &mut Operation, is_write: bool) {
    let is_public = operation.security.as_ref().is_some_and(|wanted| wanted.contains(&SecurityRequirement::default()));
    let has_body = operation.request_body.is_some();
    let has_query = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == utoipa::openapi::path::ParameterIn::Query,
        RefOr::Ref(_) => false,
    });
    let natural = [
        (400, has_body || has_query),
        (401, !is_public),
        (403, is_write && !is_public),
        (408, has_body),
        (413, has_body),
        (415, has_body),
        (422, has_body),
        (500, true),
        (503, true),
        (507, is_write),
    ];
    let responses = &mut operation.responses.responses;
    for (status, _) in natural.into_iter().filter(|(_, applies)| *applies) {
        responses.entry(status.to_string()).or_insert_with(|| RefOr::T(Response::default()));
    }
    for (status, response) in responses {
        let status: StatusCode = status.parse().unwrap_or(StatusCode::OK);
        match response {
            RefOr::T(response) if status.as_u16() >= 400 => *response = problem(status),
            RefOr::T(response) if response.description.is_empty() => response.description = reason(status),
            _ => {}
        }
    }
}

fn problem(status: StatusCode) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(reason(status)).content(CONTENT_TYPE, content).build()
}

fn reason(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Run with `UPDATE_OPENAPI=1` after a change that is meant.
    #[test]
    fn the_committed_description_is_the_true_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == document(), "web/api/openapi.json differs: run the tests with UPDATE_OPENAPI=1");
    }

    fn operations(document: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
        let paths = document["paths"].as_object().unwrap();
        let each = |(path, item): (&String, &serde_json::Value)| {
            let item = item.as_object().unwrap().clone();
            let path = path.clone();
            item.into_iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        };
        paths.iter().flat_map(each).collect()
    }

    #[test]
    fn every_call_is_described_whole() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let operations = operations(&document);
        assert_eq!(operations.len(), 91);
        let ids: BTreeSet<_> = operations.iter().map(|(_, operation)| operation["operationId"].to_string()).collect();
        assert_eq!(ids.len(), operations.len(), "operation ids are unique");
        for (name, operation) in &operations {
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has a summary");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with(['1', '2'])), "{name} can succeed");
            for (status, response) in responses {
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
                if status.as_str() >= "400" {
                    let schema = &response["content"][CONTENT_TYPE]["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
                }
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = document();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
