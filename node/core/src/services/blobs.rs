//! Attachments between nodes: what is wanted from whom, what is given to whom, what is kept.
//!
//! Nodes of headquarters and of hubs want everything. Others want what somebody asks for from whoever has it, and
//! everything from peers of the same local network (those that were found there by mDNS), where it costs nothing.

use noroshi_sync::blob::{BlobId, Groups};
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::limits::BLOBS_PAGE_MAX;
use noroshi_sync::store::{Answer, BlobPart, BlobStored, BlobWanted, Query};

use super::attachments::{blocking, tell_rooms};
use crate::blobs::{Room, Stored, Taking};
use crate::error::ServiceError;
use crate::limits::BLOB_PROGRESS_MS;
use crate::node::Inner;
use crate::render::keeps_everything;
use crate::store::metrics::BLOBS_FETCHED_BYTES;
use crate::view::PeerVia;

impl Inner {
    /// Answers what is about attachments; gives back what is not. A disk that fails is no reason to end the session with the
    /// peer: then there is simply nothing to give or to keep.
    pub(crate) async fn answer_blobs(&self, query: Query) -> Result<Answer, Box<Query>> {
        let told = |error: ServiceError| tracing::warn!(%error, "an attachment");
        Ok(match query {
            Query::BlobsWanted { peer, except } => {
                Answer::BlobsWanted(self.blobs_wanted(peer, &except).await.map_err(told).unwrap_or_default())
            }
            Query::BlobSlice { peer, room, blob, groups } => {
                let part = self.blob_part(peer, room, blob, groups).await;
                Answer::BlobSlice(part.map_err(told).unwrap_or(BlobPart::NotHere))
            }
            Query::BlobStore { peer, room, blob, groups, slice } => {
                let stored = self.store_blob(peer, room, blob, groups, slice).await;
                Answer::BlobStored(stored.map_err(told).unwrap_or(BlobStored::Unwanted))
            }
            Query::BlobsHeld { peer, blobs } => {
                let noted = self.act(move |desk| Ok(desk.writing.note_blob_holder(&peer, &blobs)?)).await;
                noted.map_err(told).unwrap_or_default();
                Answer::BlobsNoted
            }
            other => return Err(Box::new(other)),
        })
    }

    /// Whether everything is wanted from this peer, or what was asked for.
    fn wants_all_from(&self, peer: NodeId) -> bool {
        let near = self.board.record(&peer).via == Some(PeerVia::Mdns);
        near || keeps_everything(&self.directory(), self.identity.node())
    }

    async fn blobs_wanted(&self, peer: NodeId, except: &[BlobId]) -> Result<Vec<BlobWanted>, ServiceError> {
        let (all, limit) = (self.wants_all_from(peer), BLOBS_PAGE_MAX.saturating_add(except.len()));
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let lacking = self.read(move |database| Ok(database.blobs_lacking(&peer, all, limit)?)).await?;
        let lacking: Vec<_> =
            lacking.into_iter().filter(|row| !except.contains(&row.blob)).take(BLOBS_PAGE_MAX).collect();
        let shelf = self.shelf.clone();
        let wanted = blocking(move || {
            let wanted = lacking.into_iter().map(|row| {
                let missing = shelf.missing(&row.blob)?;
                Ok((row, missing))
            });
            wanted.collect::<std::io::Result<Vec<_>>>()
        });
        let mut open = Vec::new();
        for (row, missing) in wanted.await? {
            if missing.is_empty() {
                // It came whole just before the program ended.
                self.note_here(row.blob).await?;
            } else {
                open.push(BlobWanted { room: row.room, blob: row.blob, missing });
            }
        }
        Ok(open)
    }

    async fn blob_part(
        &self,
        peer: NodeId,
        room: RoomId,
        blob: BlobId,
        groups: Groups,
    ) -> Result<BlobPart, ServiceError> {
        if !self.read(move |database| Ok(database.is_blob_shared(&peer, &room, &blob)?)).await? {
            return Ok(BlobPart::NotShared);
        }
        let shelf = self.shelf.clone();
        let slice = blocking(move || shelf.slice(&blob, groups)).await?;
        if slice.is_none() {
            // It may have been here until a moment ago.
            self.note_gone(blob).await?;
        }
        Ok(slice.map_or(BlobPart::NotHere, BlobPart::Slice))
    }

    async fn store_blob(
        &self,
        peer: NodeId,
        room: RoomId,
        blob: BlobId,
        groups: Groups,
        slice: Vec<u8>,
    ) -> Result<BlobStored, ServiceError> {
        let all = self.wants_all_from(peer);
        let wanted = self.read(move |database| {
            let row = database.blob(&blob)?;
            Ok(row.filter(|row| row.here || row.asked || all).is_some()
                && database.is_blob_shared(&peer, &room, &blob)?)
        });
        if !wanted.await? {
            return Ok(BlobStored::Unwanted);
        }
        let kept = self.uploads.shelf.read().await;
        let (shelf, slice) = (self.shelf.clone(), std::sync::Arc::<[u8]>::from(slice));
        let store = async |slice: std::sync::Arc<[u8]>| {
            let shelf = shelf.clone();
            blocking(move || shelf.store(&blob, groups, &slice)).await
        };
        let mut taking = store(slice.clone()).await?;
        if let Taking::NoRoom(Room::OverQuota(_) | Room::DiskFull(_)) = taking {
            drop(kept);
            if let Err(error) = self.make_room(blob.size).await {
                tracing::warn!(%error, "there is no room for attachments");
                return Ok(BlobStored::Unwanted);
            }
            let _kept = self.uploads.shelf.read().await;
            taking = store(slice).await?;
        }
        match taking {
            Taking::Forged => Ok(BlobStored::Forged),
            Taking::NoRoom(_) => Ok(BlobStored::Unwanted),
            Taking::Kept(Stored { held_bytes, complete }) => {
                metrics::counter!(BLOBS_FETCHED_BYTES).increment(blob.bytes_of(groups));
                if complete {
                    self.note_here(blob).await?;
                } else {
                    self.note_progress(blob, held_bytes).await?;
                }
                Ok(BlobStored::Kept { complete })
            }
        }
    }

    /// The file is on disk; people hear of it.
    async fn note_here(&self, blob: BlobId) -> Result<(), ServiceError> {
        let at_ms = self.clock.wall_ms();
        self.act(move |desk| {
            let pk = desk.writing.ensure_blob(&blob)?;
            if desk.writing.set_blob_here(pk, true)? {
                desk.writing.set_blob_opened(pk, at_ms)?;
                if let Some(row) = desk.writing.blob(&blob)? {
                    tell_rooms(desk.writing, &row)?;
                }
            }
            Ok(())
        })
        .await?;
        self.count_blobs().await;
        Ok(())
    }

    async fn note_gone(&self, blob: BlobId) -> Result<(), ServiceError> {
        let here = self.read(move |database| Ok(database.blob(&blob)?.is_some_and(|row| row.here))).await?;
        let shelf = self.shelf.clone();
        if !here || blocking(move || Ok(shelf.has(&blob))).await? {
            return Ok(());
        }
        self.act(move |desk| {
            let Some(row) = desk.writing.blob(&blob)? else { return Ok(()) };
            // Somebody had it: it is wanted back.
            desk.writing.set_blob_here(row.pk, false)?;
            desk.writing.set_blob_asked(row.pk, true)?;
            tell_rooms(desk.writing, &row)
        })
        .await
    }

    /// How far it has come is told now and then; the end is told by [`Self::note_here`].
    async fn note_progress(&self, blob: BlobId, held_bytes: u64) -> Result<(), ServiceError> {
        let now_ms = self.clock.mono_ms();
        if !self.uploads.is_due(blob, now_ms, BLOB_PROGRESS_MS) {
            return Ok(());
        }
        let rooms = self
            .act(move |desk| {
                let pk = desk.writing.ensure_blob(&blob)?;
                match desk.writing.set_blob_held(pk, held_bytes)? {
                    true => Ok(desk.writing.rooms_showing(pk)?),
                    false => Ok(Vec::new()),
                }
            })
            .await?;
        for room in rooms {
            self.hub.tell(crate::view::NodeEvent::Attachment {
                room,
                hash: blob.hash.to_string(),
                state: crate::view::AttachmentState::Coming,
                held_bytes,
                size: blob.size,
            });
        }
        Ok(())
    }
}
