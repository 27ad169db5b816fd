//! An item in progress, as the projection sees it: the transaction, the directory, and whether people are told.

use std::ops::Deref;
use std::sync::Arc;

use noroshi_sync::store::StoreError;

use super::Current;
use crate::events::Happening;
use crate::store::Writing;

pub(super) struct Work<'w, 'a> {
    pub writing: &'w Writing<'a>,
    pub current: Arc<Current>,
    /// Rows are rebuilt that were there before: nothing happened.
    pub quiet: bool,
}

impl<'a> Deref for Work<'_, 'a> {
    type Target = Writing<'a>;
    fn deref(&self) -> &Writing<'a> {
        self.writing
    }
}

impl Work<'_, '_> {
    /// Says that something happened.
    pub fn tell(&self, happening: &Happening) -> Result<(), StoreError> {
        if self.quiet { Ok(()) } else { self.emit_event(happening.encode()).map(|_| ()) }
    }
}
