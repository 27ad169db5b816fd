//! What can be asked of a node, one file a subject. All of it is `async` and blocks no thread of the caller.

mod administration;
mod alarms;
mod care;
mod console;
mod devices;
mod directory;
mod events;
mod gaps;
mod health;
mod log_in;
mod members;
mod messages;
mod node_view;
mod peers;
mod reading;
mod replication;
mod rooms;
mod sight;
mod signals;
mod upkeep;

pub use administration::{Invited, NewInvitation, NewOffice, NewPerson, NewPost, OfficeEdit, PersonEdit};
pub use events::EventPage;
pub use log_in::Credentials;
pub use messages::{Anchor, PageRequest};
pub use signals::Signal;

pub(crate) use directory::Directories;
pub(crate) use gaps::Gaps;
pub(crate) use health::Health;
pub(crate) use peers::saved_links;
pub(crate) use sight::Sight;
pub(crate) use signals::Signals;

use crate::error::ServiceError;

/// Characters of a password that is made for somebody: 80 random bits.
const INITIAL_PASSWORD_CHARS: usize = 16;

/// A password to be handed over on paper: four groups without look-alikes, `ABCD-EFGH-JKMN-PQRS`.
pub(crate) fn initial_password() -> Result<String, ServiceError> {
    let mut password = String::new();
    for place in 0..INITIAL_PASSWORD_CHARS {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        let code = crate::people::random_code().ok_or_else(|| ServiceError::Storage("no random bytes".into()))?;
        password.extend(code.chars().next());
    }
    Ok(password)
}
