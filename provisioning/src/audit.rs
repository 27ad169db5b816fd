//! The audit log (監査記録): what happened at an office, told by the node where it happened.
//!
//! Every office has an audit room ([`LedgerRooms::audit`](crate::ledger::LedgerRooms::audit)). Its nodes write there, in
//! the lane `normal`, what people should be able to look up later: log-ins and refusals, stops, changes of people, devices,
//! offices, nodes and policy. The entries are chained, signed and replicated like all others, to the offices that
//! [`Directory::audit_audience`](crate::Directory::audit_audience) names, so that one machine cannot change afterwards what
//! it said. They decide nothing: no right is ever resolved from them.
//!
//! A node's word counts in the audit room of its own office alone. Nobody else can know what happened there, and a node
//! that lies does so about itself.

mod copies;
mod event;
mod kind;
mod statements;

pub use copies::copy_holder;
pub use event::{AuditEvent, Subject};
pub use kind::{AUDIT_EVENT, AuditKind};
pub use statements::{Statement, statements};
