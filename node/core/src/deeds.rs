//! What people do, as steps of one transaction: each checks the right, the form and the limits, and appends entries.
//!
//! Everything here is synchronous and knows no thread: the node runs it on the writer's connection, a simulation on its
//! own. A deed that returns an error has written nothing.

mod administration;
mod attachments;
mod creation;
mod devices;
mod erasing;
mod messages;
mod page;
mod password;
mod policy;
mod reading;
mod revocation;
mod rooms;

pub use administration::{SignedWork, invalid};
pub use attachments::{UploadContent, named};
pub use devices::Stopped;
pub use erasing::NewErasure;
pub use messages::{NewMessage, NewText, Posted};
pub(crate) use revocation::has_unwitnessed;
pub use rooms::NewRoom;

use noroshi_provisioning::audit::{AuditEvent, Statement, statements};
use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};
use noroshi_sync::store::{Appended, StoreError, WallClock};

use crate::error::ServiceError;
use crate::rights::{Action, Object, may, standing_for};
use crate::store::Writing;
use crate::store::projection::Projection;
use crate::store::query::Standing;
use crate::view::Actor;

/// Where deeds are written down.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub projection: &'a Projection,
    pub writing: &'a Writing<'a>,
    pub clock: WallClock,
    /// Makes ids of entries: UUIDv7.
    pub mint: &'a dyn Fn() -> EntryId,
}

impl Desk<'_> {
    /// Appends entries made elsewhere, such as those of the ledger. What they do to the organisation is said in the audit
    /// log by the same step.
    pub fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, StoreError> {
        let said = statements(&drafts, &self.projection.current(self.writing)?.directory);
        let appended = self.writing.append(drafts, self.clock)?;
        for Statement { actor, device, event } in said {
            self.note((actor, device), &event)?;
        }
        Ok(appended)
    }

    /// Writes an event of somebody, on a device, into the audit log of this office.
    pub fn note(&self, by: (UserId, DeviceId), event: &AuditEvent) -> Result<(), StoreError> {
        self.projection.note_event(self.writing, self.clock, (self.mint)(), by, event)
    }

    /// How the actor stands in the room, if this action is allowed. Who is not in it is told that there is no such room.
    fn standing(&self, actor: &Actor, room: &RoomId, action: Action) -> Result<Standing, ServiceError> {
        let current = self.projection.current(self.writing)?;
        standing_for(self.writing, &current.directory, actor, room, action)
    }

    /// Whether the actor may do this now.
    fn check(&self, actor: &Actor, action: Action, object: Object<'_>) -> Result<(), ServiceError> {
        may(&self.projection.current(self.writing)?.directory, actor, action, object)
    }
}

impl Desk<'_> {
    /// Appends entries of the ledger. Whether they count is for the resolver to say; that they stand in a ledger room is
    /// checked, since rooms of people have deeds of their own.
    pub fn append_ledger(&self, drafts: Vec<Draft>) -> Result<(), ServiceError> {
        self.check_ledger(&drafts)?;
        self.append(drafts)?;
        Ok(())
    }

    /// The same, told as one event of the audit log instead of what each entry says.
    pub fn append_ledger_as(
        &self,
        drafts: Vec<Draft>,
        by: (UserId, DeviceId),
        event: &AuditEvent,
    ) -> Result<(), ServiceError> {
        self.check_ledger(&drafts)?;
        self.writing.append(drafts, self.clock)?;
        Ok(self.note(by, event)?)
    }

    fn check_ledger(&self, drafts: &[Draft]) -> Result<(), ServiceError> {
        let current = self.projection.current(self.writing)?;
        // A new office and its secrets may come in one go, so the rooms are known by the kinds that belong into them.
        let is_ledger = |draft: &Draft| draft.kind >= LEDGER_KINDS || current.is_ledger(&draft.room);
        if drafts.iter().any(|draft| draft.lane != Lane::Policy || !is_ledger(draft)) {
            return Err(ServiceError::Invalid { field: "entries", code: "not_ledger" });
        }
        Ok(())
    }
}

/// Kinds from here on belong to the organisation's ledger.
const LEDGER_KINDS: u16 = 256;
