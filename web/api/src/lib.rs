//! The web layer of a node: HTTP, WebSocket and the embedded app over [`noroshi_node::Node`].
//!
//! Bird's eye: [`serve`] listens and hands every request to the router of `routes`, through what all requests pass
//! (`routes::front_door`, `problem::render`, `observe`). A handler takes its input by the extractors of `extract` and the
//! caller by `auth::Session`, calls one method of the node and returns its view, or a `problem::Problem`. `events` pushes
//! what happens to browsers. `app` is everything that is not a call. `helper` is a small site of its own,
//! over plain HTTP, that leads people to HTTPS.
//!
//! This crate knows HTTP and nothing else: no SQL, no rights (the node decides who may see what), no replication.

mod app;
mod auth;
mod config;
mod events;
mod extract;
mod helper;
mod limits;
mod observe;
mod problem;
mod qr;
mod routes;
mod server;
mod state;

pub use config::{ConnectionLimits, Listen, Transport, WebConfig};
pub use helper::HelperConfig;
pub use observe::names as metric_names;
pub use routes::document as openapi;
pub use server::{Bound, ServeError, ServedCertificate, UnusableCertificate, serve};
