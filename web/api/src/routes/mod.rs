//! Every call there is: one module a subject, each owning its requests and answers.

mod administrator_keys;
mod attachments;
mod audit;
mod console;
mod devices;
mod directory;
mod erasures;
mod events;
mod front_door;
mod health;
mod imports;
mod members;
mod messages;
mod node;
mod openapi;
mod organisation;
mod paths;
mod peers;
mod people;
mod reactions;
mod reading;
mod rooms;
mod session;
mod trust;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::observe;
use crate::problem::{self, Problem};
use crate::state::State;

pub use openapi::document;
pub use trust::PATH as TRUST_PIXEL;

/// A list, as every list of the contract looks.
#[derive(Serialize, ToSchema)]
pub struct Items<T> {
    pub items: Vec<T>,
    /// `cursor=` for the next part; null at the end.
    pub next: Option<String>,
}

impl<T> Items<T> {
    /// A list that fits into one answer.
    pub fn all(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// The status of a write that may be a repeat.
fn created(now: bool) -> StatusCode {
    if now { StatusCode::CREATED } else { StatusCode::OK }
}

/// The calls with their description.
fn calls() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(session::log_in, session::log_out))
        .routes(routes!(session::me))
        .routes(routes!(session::change_password))
        .routes(routes!(session::lock))
        .routes(routes!(session::unlock))
        .routes(routes!(session::set_passcode))
        .routes(routes!(console::get, console::unlock, console::lock))
        .routes(routes!(administrator_keys::list, administrator_keys::request))
        .routes(routes!(administrator_keys::restore))
        .routes(routes!(administrator_keys::approve))
        .routes(routes!(administrator_keys::end))
        .routes(routes!(devices::list))
        .routes(routes!(devices::suspend, devices::lift))
        .routes(routes!(devices::requests, devices::request))
        .routes(routes!(devices::decline))
        .routes(routes!(devices::issue))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::get, people::edit))
        .routes(routes!(people::reset_password))
        .routes(routes!(people::grant, people::remove))
        .routes(routes!(people::suspend, people::lift))
        .routes(routes!(organisation::add_office))
        .routes(routes!(organisation::edit_office))
        .routes(routes!(organisation::roaming, organisation::set_roaming))
        .routes(routes!(organisation::nodes))
        .routes(routes!(organisation::revoke))
        .routes(routes!(organisation::invitations, organisation::invite))
        .routes(routes!(organisation::cancel_invitation))
        .routes(routes!(organisation::posts, organisation::add_post))
        .routes(routes!(organisation::set_post, organisation::end_post))
        .routes(routes!(organisation::policy, organisation::set_policy))
        .routes(routes!(organisation::rules, organisation::set_rules))
        .routes(routes!(organisation::accept_rules))
        .routes(routes!(organisation::usage))
        .routes(routes!(audit::list))
        .routes(routes!(node::node))
        .routes(routes!(peers::list))
        .routes(routes!(peers::cuts))
        .routes(routes!(peers::map))
        .routes(routes!(peers::set_link))
        .routes(routes!(rooms::list, rooms::create))
        .routes(routes!(rooms::get, rooms::edit))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(messages::page))
        .routes(routes!(messages::put, messages::edit, messages::redact))
        .routes(routes!(attachments::upload))
        .routes(routes!(attachments::read))
        .routes(routes!(attachments::fetch, attachments::leave))
        .routes(routes!(reactions::add, reactions::remove))
        .routes(routes!(reading::mark))
        .routes(routes!(erasures::erase, erasures::list))
        .routes(routes!(rooms::renew_page))
        .routes(routes!(reading::receipts))
        .routes(routes!(directory::users))
        .routes(routes!(directory::offices))
        .routes(routes!(imports::read, imports::list))
        .routes(routes!(imports::get))
        .routes(routes!(imports::apply))
        .routes(routes!(imports::undo))
        .routes(routes!(events::socket))
        .routes(routes!(events::stream))
        .routes(routes!(openapi::openapi))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// Calls, app and everything around them. Layers are listed from the inside out.
pub fn router(state: State) -> Router {
    let (router, _document) = calls().split_for_parts();
    router
        .route(trust::PATH, axum::routing::get(trust::pixel))
        .fallback(elsewhere)
        .method_not_allowed_fallback(|| async { Problem::new("method_not_allowed") })
        .layer(from_fn_with_state(state.clone(), front_door::guard))
        .layer(from_fn_with_state(state.clone(), front_door::admit))
        .layer(CatchPanicLayer::custom(|_panic| Problem::new("internal").into_response()))
        .layer(axum::middleware::from_fn(problem::render::render))
        .layer(axum::middleware::from_fn(front_door::harden))
        .layer(axum::middleware::from_fn(observe::observe))
        .with_state(state)
}

/// What is no call is a page or a file of the app.
async fn elsewhere(axum::extract::State(state): axum::extract::State<State>, request: Request) -> Response {
    state.app.answer(&request)
}
