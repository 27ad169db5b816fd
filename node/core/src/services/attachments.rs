//! Files that people send and look at.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use noroshi_sync::blob::{BlobHash, BlobId};
use noroshi_sync::id::UserId;
use serde_bytes::ByteBuf;
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

use crate::blobs::{Incoming, Kind, KindError, Room, Shelf, remake, with_extension};
use crate::body::{Attachment, Picture};
use crate::deeds::{UploadContent, named};
use crate::error::ServiceError;
use crate::events::Happening;
use crate::limits::{UPLOAD_KEPT_MS, UPLOADS_OPEN_MAX};
use crate::node::{Inner, Node};
use crate::render::{attachment_view, keeps_everything, upload_view};
use crate::store::Writing;
use crate::store::query::BlobRow;
use crate::view::{Actor, AttachmentProgress, UploadView};

/// Uploads that may run at a time.
const UPLOADS_RUNNING_MAX: usize = 32;
/// Looked at again for the order in which files make room at most this often, milliseconds.
const OPENED_EVERY_MS: u64 = 60 * 60 * 1_000;
/// How much of a file is read for finding out what it is.
const HEAD_BYTES: usize = 8 * 1024;
/// Files whose progress is remembered.
const PROGRESS_REMEMBERED_MAX: usize = 1_024;
/// Files taken away in one go.
const REMOVED_AT_ONCE: u32 = 256;

/// What uploads share.
#[derive(Debug)]
pub(crate) struct Uploads {
    running: Arc<Semaphore>,
    /// One picture is decoded at a time: each may take hundreds of megabytes.
    pictures: Semaphore,
    /// Read by who puts a file on the shelf until it is written down, so that nobody takes it away in between as unused.
    pub shelf: RwLock<()>,
    /// When people were last told how far a file has come, by monotonic time.
    told_ms: Mutex<HashMap<BlobId, u64>>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(UPLOADS_RUNNING_MAX)),
            pictures: Semaphore::new(1),
            shelf: RwLock::default(),
            told_ms: Mutex::default(),
        }
    }
}

impl Uploads {
    /// Whether people are to be told again how far a file has come.
    pub fn is_due(&self, blob: BlobId, now_ms: u64, every_ms: u64) -> bool {
        let mut told_ms = self.told_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let due = |last: u64| now_ms.saturating_sub(last) >= every_ms;
        if told_ms.len() >= PROGRESS_REMEMBERED_MAX {
            told_ms.retain(|_, last| !due(*last));
        }
        let is_due = told_ms.get(&blob).is_none_or(|last| due(*last));
        if is_due {
            told_ms.insert(blob, now_ms);
        }
        is_due
    }
}

/// A file on its way in. Dropped before the end, it leaves nothing behind.
pub struct Upload {
    inner: Arc<Inner>,
    user: UserId,
    incoming: Option<Incoming>,
    _permit: OwnedSemaphorePermit,
}

/// A file to be read.
#[derive(Debug)]
pub struct OpenedAttachment {
    pub attachment: Attachment,
    pub file: std::fs::File,
}

impl OpenedAttachment {
    /// Whether it is a picture of our own making, which a browser may show by itself.
    pub fn is_picture(&self) -> bool {
        self.attachment.picture.is_some() && matches!(self.attachment.mime.as_str(), "image/jpeg" | "image/png")
    }
}

impl Node {
    /// Makes room for a file.
    ///
    /// # Errors
    /// `Busy` when many are under way, `TooMany` for somebody who sends without posting, `StorageFull`.
    pub async fn begin_upload(&self, actor: &Actor) -> Result<Upload, ServiceError> {
        let permit = self.inner.uploads.running.clone().try_acquire_owned().map_err(|_| ServiceError::Busy)?;
        let user = actor.user;
        if self.inner.read(move |database| Ok(database.upload_count(&user)?)).await? >= UPLOADS_OPEN_MAX {
            return Err(ServiceError::TooMany { retry_after_s: 3_600 });
        }
        let shelf = self.inner.shelf.clone();
        let incoming = blocking(move || {
            if let Room::DiskFull(_) = shelf.room(0)? {
                return Err(io::ErrorKind::StorageFull.into());
            }
            shelf.incoming()
        })
        .await?;
        Ok(Upload { inner: self.inner.clone(), user, incoming: Some(incoming), _permit: permit })
    }

    /// The file under this hash, if the person may see it: in a room of theirs, or sent here by themselves.
    ///
    /// # Errors
    /// `NotFound` also for what is not theirs; `attachment_elsewhere` for what is not here.
    pub async fn attachment(&self, actor: &Actor, hash: BlobHash) -> Result<OpenedAttachment, ServiceError> {
        let (row, attachment) = self.inner.attachment_of(actor, hash).await?;
        let (shelf, blob) = (self.inner.shelf.clone(), row.blob);
        let file = if row.here { blocking(move || shelf.read(&blob)).await? } else { None };
        let Some(file) = file else { return Err(ServiceError::Denied("attachment_elsewhere")) };
        self.inner.note_opened(&row).await?;
        Ok(OpenedAttachment { attachment, file })
    }

    /// Somebody wants the file here.
    pub async fn fetch_attachment(&self, actor: &Actor, hash: BlobHash) -> Result<AttachmentProgress, ServiceError> {
        self.ask(actor, hash, true).await
    }

    /// Nobody needs it here any more.
    pub async fn leave_attachment(&self, actor: &Actor, hash: BlobHash) -> Result<(), ServiceError> {
        self.ask(actor, hash, false).await.map(|_| ())
    }

    /// Forgets what nobody needs any more; the node does it by itself every few hours.
    pub async fn tidy_attachments(&self) -> Result<(), ServiceError> {
        self.inner.tidy_blobs().await
    }

    async fn ask(&self, actor: &Actor, hash: BlobHash, asked: bool) -> Result<AttachmentProgress, ServiceError> {
        let (row, attachment) = self.inner.attachment_of(actor, hash).await?;
        if row.here || row.asked == asked {
            return Ok(self.inner.progress(&row, &attachment));
        }
        let act = move |desk: &crate::deeds::Desk<'_>| -> Result<(), ServiceError> {
            if desk.writing.set_blob_asked(row.pk, asked)? {
                tell_rooms(desk.writing, &row)?;
            }
            Ok(())
        };
        self.inner.act(act).await?;
        Ok(self.inner.progress(&BlobRow { asked, ..row }, &attachment))
    }
}

impl Upload {
    /// # Errors
    /// `attachment_too_large` beyond 50 MiB.
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), ServiceError> {
        let Some(mut incoming) = self.incoming.take() else { return Err(ServiceError::Busy) };
        let written = blocking(move || {
            let written = incoming.write(&bytes);
            Ok((incoming, written))
        });
        let (incoming, written) = written.await?;
        self.incoming = Some(incoming);
        written.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => ServiceError::Denied("attachment_too_large"),
            _ => io_error(&error),
        })
    }

    /// Looks at what came, makes a picture anew, and puts it on disk for good. `keep_place`: the reporter wants the place
    /// of the photo told.
    ///
    /// # Errors
    /// `attachment_kind_refused`, `attachment_unreadable`, `attachment_quota`, `StorageFull`.
    pub async fn finish(mut self, name: &str, keep_place: bool) -> Result<UploadView, ServiceError> {
        let Some(incoming) = self.incoming.take() else { return Err(ServiceError::Busy) };
        let inner = self.inner.clone();
        if incoming.written() == 0 {
            return Err(ServiceError::Invalid { field: "file", code: "empty_file" });
        }
        let name = crate::blobs::clean_name(name);
        let (kind, incoming) = judge(name.clone(), incoming).await?;
        let (made, incoming) = match kind.mime() {
            Some(mime) => (Made::File { mime }, incoming),
            None => {
                let _one = inner.uploads.pictures.acquire().await.map_err(|_| ServiceError::Busy)?;
                made_picture(inner.shelf.clone(), incoming, keep_place).await?
            }
        };
        inner.make_room(incoming.written()).await?;
        let _kept = inner.uploads.shelf.read().await;
        let shelf = inner.shelf.clone();
        let blob = blocking(move || shelf.keep(&incoming)).await?;
        let content = made.content(blob, &name);
        let (user, view) = (self.user, upload_view(&content.attachment));
        let at_ms = inner.clock.wall_ms();
        let note = move |desk: &crate::deeds::Desk<'_>| -> Result<(), ServiceError> {
            let pk = desk.writing.ensure_blob(&blob)?;
            if desk.writing.set_blob_here(pk, true)?
                && let Some(row) = desk.writing.blob(&blob)?
            {
                tell_rooms(desk.writing, &row)?;
            }
            desk.writing.set_blob_opened(pk, at_ms)?;
            Ok(desk.writing.add_upload(pk, &user, &content.encode(), at_ms)?)
        };
        inner.act(note).await?;
        inner.count_blobs().await;
        Ok(view)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("user", &self.user).field("incoming", &self.incoming).finish_non_exhaustive()
    }
}

/// What an upload has become.
enum Made {
    File { mime: &'static str },
    Picture { mime: &'static str, extensions: &'static [&'static str], picture: Picture, thumbnails: Vec<Vec<u8>> },
}

impl Made {
    fn content(self, blob: BlobId, name: &str) -> UploadContent {
        match self {
            Self::File { mime } => {
                let name = named(blob.hash, name).name;
                let attachment = Attachment { blob, name, mime: mime.into(), picture: None };
                UploadContent { attachment, thumbnails: Vec::new() }
            }
            Self::Picture { mime, extensions, picture, thumbnails } => {
                let name = with_extension(name, extensions);
                let attachment = Attachment { blob, name, mime: mime.into(), picture: Some(picture) };
                UploadContent { attachment, thumbnails: thumbnails.into_iter().map(ByteBuf::from).collect() }
            }
        }
    }
}

async fn judge(name: String, incoming: Incoming) -> Result<(Kind, Incoming), ServiceError> {
    let judged = blocking(move || {
        let kind = Kind::of(&name, &incoming.head(HEAD_BYTES)?).and_then(|kind| {
            let file = incoming.reader().map_err(|_| KindError::Refused)?;
            kind.check(io::BufReader::new(file)).map(|()| kind)
        });
        Ok((kind, incoming))
    });
    let (kind, incoming) = judged.await?;
    match kind {
        Ok(kind) => Ok((kind, incoming)),
        Err(error) => {
            tracing::info!(%error, "an upload was refused");
            Err(ServiceError::Denied("attachment_kind_refused"))
        }
    }
}

async fn made_picture(
    shelf: Arc<Shelf>,
    incoming: Incoming,
    keep_place: bool,
) -> Result<(Made, Incoming), ServiceError> {
    let made = blocking(move || {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut incoming.reader()?, &mut bytes)?;
        drop(incoming);
        let remade = match remake(&bytes, keep_place) {
            Ok(remade) => remade,
            Err(error) => {
                tracing::info!(%error, "a picture was refused");
                return Ok(None);
            }
        };
        let mut fresh = shelf.incoming()?;
        fresh.write(&remade.bytes)?;
        let thumbnail = remade.thumbnails.first().cloned().unwrap_or_default();
        let picture = Picture { width: remade.width, height: remade.height, thumbnail, place: remade.place };
        let (mime, extensions, thumbnails) = (remade.mime, remade.extensions, remade.thumbnails);
        Ok(Some((Made::Picture { mime, extensions, picture, thumbnails }, fresh)))
    });
    match made.await {
        Ok(made) => made.ok_or(ServiceError::Denied("attachment_unreadable")),
        // A decoder that panics has met a picture that nobody should look at.
        Err(ServiceError::Storage(reason)) if reason == PANICKED => Err(ServiceError::Denied("attachment_unreadable")),
        Err(error) => Err(error),
    }
}

impl Inner {
    /// What the person may see under this hash.
    async fn attachment_of(&self, actor: &Actor, hash: BlobHash) -> Result<(BlobRow, Attachment), ServiceError> {
        let user = actor.user;
        self.read(move |database| {
            if let Some(found) = database.blob_of(&user, &hash)? {
                return Ok(found);
            }
            let (row, content) = database.upload_of(&user, &hash)?.ok_or(ServiceError::NotFound)?;
            Ok((row, UploadContent::decode(&content)?.attachment))
        })
        .await
    }

    fn progress(&self, row: &BlobRow, attachment: &Attachment) -> AttachmentProgress {
        let view = attachment_view(attachment, Some(row), keeps_everything(&self.directory(), self.identity.node()));
        AttachmentProgress { state: view.state, held_bytes: view.held_bytes, size: view.size }
    }

    async fn note_opened(&self, row: &BlobRow) -> Result<(), ServiceError> {
        let (pk, now_ms) = (row.pk, self.clock.wall_ms());
        if now_ms.saturating_sub(row.opened_ms) < OPENED_EVERY_MS {
            return Ok(());
        }
        self.act(move |desk| Ok(desk.writing.set_blob_opened(pk, now_ms)?)).await
    }

    /// Makes room for so many bytes, if need be by giving up originals that headquarters holds as well and nobody has
    /// opened for longest. Headquarters gives up none.
    ///
    /// # Errors
    /// `attachment_quota` or `StorageFull` when there is nothing to give up.
    pub(crate) async fn make_room(&self, more: u64) -> Result<(), ServiceError> {
        let shelf = self.shelf.clone();
        let room = blocking(move || shelf.room(more)).await?;
        let (Room::OverQuota(wanted) | Room::DiskFull(wanted)) = room else { return Ok(()) };
        let directory = self.directory();
        let keepers = match directory.is_headquarters_node(self.identity.node()) {
            true => Default::default(),
            false => {
                directory.nodes().map(|node| node.id).filter(|node| directory.is_headquarters_node(*node)).collect()
            }
        };
        let kept = self.read(move |database| Ok(database.blobs_kept_by(&keepers, REMOVED_AT_ONCE)?)).await?;
        let mut freed = 0;
        let mut given_up = Vec::new();
        for row in kept {
            if freed >= wanted {
                break;
            }
            freed += row.blob.size;
            given_up.push(row);
        }
        if freed < wanted {
            return Err(match room {
                Room::DiskFull(_) => ServiceError::StorageFull,
                _ => ServiceError::Denied("attachment_quota"),
            });
        }
        self.give_up(given_up).await
    }

    /// First it is written down that they are not here, then the files go: in between they are merely unknown.
    async fn give_up(&self, rows: Vec<BlobRow>) -> Result<(), ServiceError> {
        let _alone = self.uploads.shelf.write().await;
        let gone = rows.clone();
        self.act(move |desk| {
            for row in &gone {
                desk.writing.set_blob_asked(row.pk, false)?;
                desk.writing.set_blob_here(row.pk, false)?;
                tell_rooms(desk.writing, row)?;
            }
            Ok(())
        })
        .await?;
        tracing::info!(files = rows.len(), "originals that headquarters holds made room");
        let shelf = self.shelf.clone();
        blocking(move || rows.iter().try_for_each(|row| shelf.remove(&row.blob))).await
    }

    /// Forgets uploads that no message shows a day later, and files that nothing needs any more.
    pub(crate) async fn tidy_blobs(&self) -> Result<(), ServiceError> {
        let before_ms = self.clock.wall_ms().saturating_sub(UPLOAD_KEPT_MS);
        self.act(move |desk| Ok(desk.writing.forget_uploads(before_ms)?)).await?;
        loop {
            let _alone = self.uploads.shelf.write().await;
            let unused = self
                .act(|desk| {
                    let unused = desk.writing.blobs_unused(REMOVED_AT_ONCE)?;
                    unused.iter().try_for_each(|row| desk.writing.forget_blob(row.pk))?;
                    Ok(unused)
                })
                .await?;
            if unused.is_empty() {
                break;
            }
            let shelf = self.shelf.clone();
            blocking(move || unused.iter().try_for_each(|row| shelf.remove(&row.blob))).await?;
        }
        self.count_blobs().await;
        Ok(())
    }

    /// For the metrics; a figure that cannot be had is left as it was.
    pub(crate) async fn count_blobs(&self) {
        use crate::store::metrics::{BLOBS_HELD_BYTES, BLOBS_QUOTA_BYTES, BLOBS_WANTED};
        metrics::gauge!(BLOBS_HELD_BYTES).set(self.shelf.used_bytes() as f64);
        metrics::gauge!(BLOBS_QUOTA_BYTES).set(self.shelf.quota.bytes_max as f64);
        if let Ok((missing, asked)) = self.storage.read(|database| database.blobs_missing()).await {
            let wanted = if keeps_everything(&self.directory(), self.identity.node()) { missing } else { asked };
            metrics::gauge!(BLOBS_WANTED).set(wanted as f64);
        }
    }
}

/// People of the rooms that show it hear of it.
pub(crate) fn tell_rooms(writing: &Writing<'_>, row: &BlobRow) -> Result<(), ServiceError> {
    for room in writing.rooms_showing(row.pk)? {
        writing.emit_event(Happening::Attachment { room, blob: row.blob }.encode())?;
    }
    Ok(())
}

const PANICKED: &str = "the work on a file panicked";

/// Work on files, off the threads that serve others.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| io_error(&error)),
        Err(_) => Err(ServiceError::Storage(PANICKED.into())),
    }
}

pub(crate) fn io_error(error: &io::Error) -> ServiceError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ServiceError::StorageFull,
        _ => ServiceError::Storage(error.to_string()),
    }
}
