//! A password that somebody chose, written into the ledger.

use noroshi_provisioning::ledger::NodeWriter;
use noroshi_provisioning::password::Verifier;

use super::{Desk, invalid};
use crate::error::ServiceError;
use crate::view::Actor;

impl Desk<'_> {
    /// Puts the actor's own new password in force. The session with this token goes on, all others of the person end.
    pub fn change_password(
        &self,
        actor: &Actor,
        token_hash: &[u8; 32],
        verifier: &Verifier,
    ) -> Result<(), ServiceError> {
        // Whoever was stopped, or whose password an administrator has set, while the old one was being checked.
        if self.writing.session(token_hash)?.is_none() {
            return Err(ServiceError::Unauthenticated);
        }
        self.writing.keep_session(token_hash, verifier.as_str())?;
        let current = self.projection.current(self.writing)?;
        let writer = NodeWriter { directory: &current.directory, author: actor.user, device: actor.device };
        let draft = writer.own_password((self.mint)(), verifier.clone()).map_err(invalid)?;
        self.append_ledger(vec![draft])?;
        // A node that may not vouch for the person has written a word that does not count.
        let current = self.projection.current(self.writing)?;
        if current.directory.verifier(actor.user) == Some(verifier) {
            Ok(())
        } else {
            Err(ServiceError::Denied("password_elsewhere"))
        }
    }
}
