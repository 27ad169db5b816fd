//! The store of a running node: the writing thread and the readers of one file.

use std::path::Path;

use noroshi_sync::store::ledger_only::{Narrowed, ledger_among, rooms_of};
use noroshi_sync::store::{self, Answer, Applied, Batch, Query, StoreError};

use super::database::{Database, DatabaseOptions};
use super::queue::Caller;
use super::readers::Readers;
use super::writer::Writer;
use super::writing::Writing;

/// See the module. Nothing here blocks a thread of the async runtime.
#[derive(Debug)]
pub struct Storage {
    writer: Writer,
    readers: Readers,
}

impl Storage {
    /// Opens or creates the file. Blocks while the schema is brought up to date.
    pub fn open(path: &Path, options: &DatabaseOptions, readers: usize) -> Result<Self, StoreError> {
        let writer = Writer::open(path, options.clone())?;
        Ok(Self { writer, readers: Readers::open(path, options, readers)? })
    }

    /// See [`Writer::write`].
    pub async fn write<T, E>(&self, work: impl FnOnce(&Writing<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// A question of a person; see [`Readers::read`].
    pub async fn read<T, E>(&self, work: impl FnOnce(&Database) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.read(Caller::Person, work).await
    }

    /// A question of replication.
    pub async fn answer(&self, query: Query) -> Result<Answer, StoreError> {
        match query {
            Query::Apply(batch) => self.writer.apply(batch).await.map(Answer::Applied),
            Query::LedgerOnly(inner) => match *inner {
                Query::Apply(batch) => self.apply_ledger(batch).await.map(Answer::Applied),
                reading => {
                    let query = Query::LedgerOnly(Box::new(reading));
                    self.readers.read(Caller::Peer, move |database| store::read(database, &query)).await
                }
            },
            query => self.readers.read(Caller::Peer, move |database| store::read(database, &query)).await,
        }
    }

    async fn apply_ledger(&self, batch: Batch) -> Result<Applied, StoreError> {
        let (peer, rooms) = (batch.peer, rooms_of(&batch));
        let ledger = self.readers.read(Caller::Peer, move |database| ledger_among(database, &peer, &rooms)).await?;
        let (batch, refused) = Narrowed::new(batch, &ledger).into_parts();
        Ok(Narrowed::finish(refused, self.writer.apply(batch).await?))
    }

    /// Refuses new work, finishes what waits, and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
