//! What can be asked of a node, one file a subject. All of it is `async` and blocks no thread of the caller.

mod administration;
mod administrator_keys;
mod alarms;
mod attachments;
mod audit;
mod blobs;
mod care;
mod console;
mod devices;
mod directory;
mod erasing;
mod events;
mod gaps;
mod health;
mod imports;
mod lines;
mod log_in;
mod members;
mod messages;
mod node_view;
mod password;
mod peers;
mod reading;
mod replication;
mod rooms;
mod sight;
mod signals;
mod upkeep;

pub use administration::{Invited, NewInvitation, NewOffice, NewPerson, NewPost, OfficeEdit, PersonEdit};
pub use attachments::{OpenedAttachment, Upload};
pub use audit::AuditRequest;
pub use events::EventPage;
pub use imports::Importing;
pub use lines::CutsRequest;
pub use log_in::{Credentials, Gate};
pub use messages::{Anchor, PageRequest};
pub use signals::Signal;

pub(crate) use attachments::Uploads;
pub(crate) use directory::Directories;
pub(crate) use gaps::Gaps;
pub(crate) use health::Health;
pub(crate) use peers::saved_links;
pub(crate) use sight::Sight;
pub use sight::Target;
pub(crate) use signals::Signals;
