//! What administrators do and see: people, offices, nodes, posts, policy, rules.

mod organisation;
mod people;
mod usage;

pub use organisation::{Invited, NewInvitation, NewOffice, NewPost, OfficeEdit};
pub use people::{NewPerson, PersonEdit};
