//! Staff lists: reading, applying, taking back.

use axum::Json as Answer;
use axum::extract::{Request, State as Extracted};
use http::{HeaderMap, StatusCode};
use noroshi_node::view::{ImportView, Wording};
use noroshi_provisioning::roster::{EncodingChoice, FILE_BYTES_MAX};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Items;
use super::paths::ImportPath;
use crate::auth::Session;
use crate::extract::{Path, Query, read_file};
use crate::problem::{Language, Problem};
use crate::state::State;

const CSV: &str = "text/csv";
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    /// How the text of a CSV is encoded: `auto` (by byte order mark, then strict UTF-8, then CP932), `utf-8` or `cp932`.
    #[param(example = "auto", default = "auto")]
    pub encoding: Option<String>,
}

impl ReadQuery {
    fn choice(&self) -> Result<EncodingChoice, Problem> {
        match self.encoding.as_deref() {
            None | Some("auto") => Ok(EncodingChoice::Auto),
            Some("utf-8") => Ok(EncodingChoice::Utf8),
            Some("cp932") => Ok(EncodingChoice::Cp932),
            Some(_) => Err(Problem::invalid("encoding", "unknown_encoding")),
        }
    }
}

/// Read a staff list (CSV or XLSX, at most 20 MiB) and see what it would do. Nothing changes. The file is the body.
#[utoipa::path(
    post, path = "/api/v1/imports", tag = "people", operation_id = "read_import", params(ReadQuery),
    request_body(content((Vec<u8> = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 201, body = ImportView), (status = 409))
)]
pub async fn read(
    Extracted(state): Extracted<State>,
    session: Session,
    Query(query): Query<ReadQuery>,
    request: Request,
) -> Result<(StatusCode, Answer<ImportView>), Problem> {
    let choice = query.choice()?;
    // Rights first: nobody else makes the node take 20 MiB.
    let importing = state.node.begin_import(&session.actor)?;
    let wording = wording(request.headers());
    let bytes = read_file(&state, request, &[CSV, WORKBOOK], FILE_BYTES_MAX).await?;
    Ok((StatusCode::CREATED, Answer(importing.read(bytes, choice, wording).await?)))
}

/// The newest staff lists, without the details of what they change.
#[utoipa::path(
    get, path = "/api/v1/imports", tag = "people", operation_id = "list_imports",
    responses((status = 200, body = Items<ImportView>), (status = 403))
)]
pub async fn list(
    Extracted(state): Extracted<State>,
    session: Session,
    headers: HeaderMap,
) -> Result<Answer<Items<ImportView>>, Problem> {
    Ok(Answer(Items::all(state.node.imports(&session.actor, wording(&headers)).await?)))
}

/// One staff list.
#[utoipa::path(
    get, path = "/api/v1/imports/{import}", tag = "people", operation_id = "get_import", params(ImportPath),
    responses((status = 200, body = ImportView), (status = 403), (status = 404))
)]
pub async fn get(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(ImportPath { import }): Path<ImportPath>,
    headers: HeaderMap,
) -> Result<Answer<ImportView>, Problem> {
    Ok(Answer(state.node.import(&session.actor, import, wording(&headers)).await?))
}

/// Do what the list says, in one transaction. The initial passwords of new people come in this answer and never again.
#[utoipa::path(
    post, path = "/api/v1/imports/{import}/apply", tag = "people", operation_id = "apply_import", params(ImportPath),
    responses((status = 200, body = ImportView), (status = 404), (status = 409))
)]
pub async fn apply(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(ImportPath { import }): Path<ImportPath>,
    headers: HeaderMap,
) -> Result<Answer<ImportView>, Problem> {
    let importing = state.node.begin_import(&session.actor)?;
    let key = state.node.signer(&session.actor)?;
    Ok(Answer(importing.apply(&key, import, wording(&headers)).await?))
}

/// Take back what the list did, as far as nobody has changed it since. Who keeps a change is named in `problems`.
#[utoipa::path(
    post, path = "/api/v1/imports/{import}/undo", tag = "people", operation_id = "undo_import", params(ImportPath),
    responses((status = 200, body = ImportView), (status = 404), (status = 409))
)]
pub async fn undo(
    Extracted(state): Extracted<State>,
    session: Session,
    Path(ImportPath { import }): Path<ImportPath>,
    headers: HeaderMap,
) -> Result<Answer<ImportView>, Problem> {
    let importing = state.node.begin_import(&session.actor)?;
    let key = state.node.signer(&session.actor)?;
    Ok(Answer(importing.undo(&key, import, wording(&headers)).await?))
}

fn wording(headers: &HeaderMap) -> Wording {
    match Language::of(headers) {
        Language::Japanese => Wording::Japanese,
        Language::English => Wording::English,
    }
}
