//! A file of a message as people see it.

use data_encoding::BASE64;
use noroshi_provisioning::Directory;
use noroshi_sync::blob::BlobId;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::StoreError;

use super::Renderer;
use crate::body::{Attachment, Picture};
use crate::store::query::BlobRow;
use crate::view::{AttachmentState, AttachmentView, NodeEvent, PlaceView, UploadView};

/// Whether the node fetches the files of all messages by itself: one of headquarters, or of a hub.
pub(crate) fn keeps_everything(directory: &Directory, node: NodeId) -> bool {
    let office = directory.node(node).map(|node| node.office);
    let hub = office.is_some_and(|office| directory.hubs().any(|hub| hub.id == office));
    hub || directory.is_headquarters_node(node)
}

/// `keeps`: [`keeps_everything`] of this node.
pub(crate) fn attachment_view(attachment: &Attachment, row: Option<&BlobRow>, keeps: bool) -> AttachmentView {
    let here = row.is_some_and(|row| row.here);
    let held = row.map_or(0, |row| row.held);
    let coming = keeps || row.is_some_and(|row| row.asked || row.held > 0);
    let upload = upload_view(attachment);
    AttachmentView {
        hash: upload.hash,
        name: upload.name,
        mime: upload.mime,
        size: upload.size,
        width: upload.width,
        height: upload.height,
        thumbnail: upload.thumbnail,
        place: upload.place,
        state: match (here, coming) {
            (true, _) => AttachmentState::Here,
            (false, true) => AttachmentState::Coming,
            (false, false) => AttachmentState::Elsewhere,
        },
        held_bytes: if here { attachment.blob.size } else { held },
    }
}

pub(crate) fn upload_view(attachment: &Attachment) -> UploadView {
    let picture = attachment.picture.as_ref();
    let shown = |picture: &Picture| {
        (!picture.thumbnail.is_empty()).then(|| format!("data:image/jpeg;base64,{}", BASE64.encode(&picture.thumbnail)))
    };
    UploadView {
        hash: attachment.blob.hash.to_string(),
        size: attachment.blob.size,
        mime: attachment.mime.clone(),
        name: attachment.name.clone(),
        width: picture.map(|picture| picture.width),
        height: picture.map(|picture| picture.height),
        thumbnail: picture.and_then(shown),
        place: picture.and_then(|picture| picture.place).map(PlaceView),
    }
}

impl Renderer<'_> {
    pub(super) fn attachments(&self, attachments: &[Attachment]) -> Result<Vec<AttachmentView>, StoreError> {
        let keeps = keeps_everything(self.people.directory(), self.database.node());
        let view = |attachment: &Attachment| {
            let row = self.database.blob(&attachment.blob)?;
            Ok(attachment_view(attachment, row.as_ref(), keeps))
        };
        attachments.iter().map(view).collect()
    }

    /// How far a file has come, as its room is told.
    pub(super) fn attachment_event(&self, room: RoomId, blob: &BlobId) -> Result<Option<NodeEvent>, StoreError> {
        let Some(row) = self.database.blob(blob)? else { return Ok(None) };
        let keeps = keeps_everything(self.people.directory(), self.database.node());
        let bare = Attachment { blob: *blob, name: String::new(), mime: String::new(), picture: None };
        let view = attachment_view(&bare, Some(&row), keeps);
        Ok(Some(NodeEvent::Attachment {
            room,
            hash: view.hash,
            state: view.state,
            held_bytes: view.held_bytes,
            size: view.size,
        }))
    }
}
