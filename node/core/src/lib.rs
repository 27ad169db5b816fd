//! One office's node: rooms, people and messages over a SQLite store. No HTTP, no sockets.
//!
//! Read in this order: [`store`] (logs, and the rows that people see), [`deeds`] (what people do, as steps of one
//! transaction), [`Node`] (all of it behind `async` methods, for the web layer and the daemon).

mod background;
pub mod blobs;
pub mod body;
pub mod clock;
pub mod deeds;
pub mod document;
pub mod error;
pub mod events;
pub mod fixture;
mod hub;
pub mod kinds;
pub mod limits;
mod node;
pub mod peers;
mod people;
mod render;
pub mod repair;
pub mod resolve;
pub mod rights;
mod services;
pub mod store;
pub mod text;
pub mod view;

pub use deeds::{NewErasure, NewMessage, NewRoom, NewText, Stopped, named};
pub use document::PageEdit;
pub use error::ServiceError;
pub use hub::Ending;
pub use hub::StoreChange;
pub use node::{DATABASE_FILE, Node, OpenError, OpenOptions};
pub use peers::{LinkState, LinkTarget, PeerBoard};
pub use services::{
    Anchor, AuditRequest, BundleOrder, Credentials, CutsRequest, EventPage, Gate, Importing, Invited, NewInvitation,
    NewOffice, NewPerson, NewPost, OfficeEdit, OpenedAttachment, PageRequest, PersonEdit, Signal, Target, Upload,
};
