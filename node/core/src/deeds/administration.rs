//! What is signed with an administrator's key: people, offices, nodes, policy.

use noroshi_provisioning::ledger::{LedgerWriter, PostSet};
use noroshi_provisioning::{AdministratorKey, InvalidField};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::EntryId;

use super::Desk;
use super::policy::impossible;
use crate::error::ServiceError;
use crate::rights::{Action, Object};
use crate::view::Actor;

/// Writes signed drafts from what the ledger says now.
pub type SignedWork<'w> = dyn FnMut(&LedgerWriter<'_, AdministratorKey>, &dyn Fn() -> EntryId) -> Result<Vec<Draft>, ServiceError>
    + Send
    + 'w;

impl Desk<'_> {
    /// Signs and appends what `work` makes, if the actor may do it now.
    pub fn sign(
        &self,
        actor: &Actor,
        action: Action,
        object: Object<'_>,
        signer: &AdministratorKey,
        work: &mut SignedWork<'_>,
    ) -> Result<(), ServiceError> {
        self.check(actor, action, object)?;
        if signer.user() != actor.user {
            return Err(ServiceError::Denied("console_locked"));
        }
        let current = self.projection.current(self.writing)?;
        // Unlocked before it was ended: what it signs would be kept and never count.
        if current.directory.administrator_key(signer.entry()).is_none() {
            return Err(ServiceError::Denied("key_ended"));
        }
        let writer = LedgerWriter { directory: &current.directory, signer, device: actor.device };
        let drafts = work(&writer, self.mint)?;
        self.append_ledger(drafts)
    }

    /// Asks other administrators to name a key of the actor.
    pub fn request_key(&self, actor: &Actor, id: EntryId, public_key: [u8; 32]) -> Result<(), ServiceError> {
        self.check(actor, Action::ManageKeys, Object::Organisation)?;
        let current = self.projection.current(self.writing)?;
        let draft = self.by_node(actor, &current.directory).request_key(id, public_key).map_err(impossible)?;
        self.append(vec![draft])?;
        Ok(())
    }

    /// Makes or changes a post: signed where a key is at hand, else by the word of this office.
    pub fn set_post(&self, actor: &Actor, post: PostSet, key: Option<&AdministratorKey>) -> Result<(), ServiceError> {
        self.check(actor, Action::ManagePosts, Object::Office(post.office))?;
        let current = self.projection.current(self.writing)?;
        let directory = &*current.directory;
        if let Some(known) = directory.post(post.post) {
            self.check(actor, Action::ManagePosts, Object::Office(known.office))?;
        }
        if post.holders.iter().chain(&post.deputies).any(|user| directory.user(*user).is_none()) {
            return Err(ServiceError::Invalid { field: "holders", code: "unknown_user" });
        }
        let own = directory.office_of(self.writing.node()) == Some(post.office);
        let draft = match key {
            Some(signer) => LedgerWriter { directory, signer, device: actor.device }.post((self.mint)(), post),
            None if own => self.by_node(actor, directory).post((self.mint)(), post),
            None => return Err(ServiceError::Denied("console_locked")),
        };
        self.append(vec![draft.map_err(impossible)?])?;
        Ok(())
    }
}

/// A field that does not fit, as services say it.
pub fn invalid(error: InvalidField) -> ServiceError {
    impossible(error)
}
