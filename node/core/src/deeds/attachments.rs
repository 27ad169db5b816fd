//! The files of a message about to be written: the author's own uploads, and what the author may see already.

use noroshi_sync::blob::BlobHash;
use noroshi_sync::id::UserId;
use noroshi_sync::store::StoreError;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Desk;
use crate::blobs::clean_name;
use crate::body::{Attachment, Message, Named};
use crate::error::ServiceError;
use crate::limits::ATTACHMENTS_MAX;
use crate::store::query::BlobRow;

/// The form of the column `uploads.content`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UploadContent {
    /// As a message would show it, with the largest thumbnail.
    pub attachment: Attachment,
    /// The largest first.
    pub thumbnails: Vec<ByteBuf>,
}

impl UploadContent {
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        wire::decode("upload", bytes, usize::MAX).map_err(|error| StoreError::Damaged(error.to_string()))
    }
}

/// A file as its author names it; cleaned here, since that is what the device signs.
pub fn named(hash: BlobHash, name: &str) -> Named {
    Named { hash, name: clean_name(name) }
}

/// # Errors
/// `Invalid` for more than [`ATTACHMENTS_MAX`].
pub(super) fn check_count(attachments: &[Named]) -> Result<(), ServiceError> {
    match attachments.len() {
        0..=ATTACHMENTS_MAX => Ok(()),
        _ => Err(ServiceError::Invalid { field: "attachments", code: "too_many" }),
    }
}

impl Desk<'_> {
    /// Puts the files on the message, with as large thumbnails as an entry has room for.
    pub(super) fn attach(&self, user: &UserId, message: &mut Message, named: &[Named]) -> Result<(), ServiceError> {
        let mut thumbnails = Vec::with_capacity(named.len());
        for Named { hash, name } in named {
            let (attachment, choices) = self.file_of(user, hash)?;
            message.attachments.push(Attachment { name: name.clone(), ..attachment });
            thumbnails.push(choices);
        }
        message.fit(&|place| thumbnails.get(place).cloned().unwrap_or_default());
        Ok(())
    }

    /// What a message would say of the file, and its thumbnails.
    fn file_of(&self, user: &UserId, hash: &BlobHash) -> Result<(Attachment, Vec<Vec<u8>>), ServiceError> {
        if let Some((BlobRow { here: true, .. }, content)) = self.writing.upload_of(user, hash)? {
            let UploadContent { attachment, thumbnails } = UploadContent::decode(&content)?;
            return Ok((attachment, thumbnails.into_iter().map(ByteBuf::into_vec).collect()));
        }
        if let Some((_, attachment)) = self.writing.blob_of(user, hash)? {
            let thumbnail = attachment.picture.as_ref().map(|picture| picture.thumbnail.clone());
            return Ok((attachment, thumbnail.into_iter().collect()));
        }
        Err(ServiceError::Invalid { field: "attachments", code: "attachment_unknown" })
    }
}
