//! Files that go with messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Place;

/// A file as a message shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttachmentView {
    /// BLAKE3 of the content, 64 hexadecimal digits.
    pub hash: String,
    pub name: String,
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// Pixels; null for what is no picture.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// `data:image/jpeg;base64,…`, at most 12 KiB of JPEG; null for what is no picture, or where the message had no room.
    pub thumbnail: Option<String>,
    /// Where the photo was taken, if its reporter wanted that told.
    #[schema(value_type = Option<Degrees>)]
    pub place: Option<PlaceView>,
    pub state: AttachmentState,
    /// Bytes of it that are here.
    pub held_bytes: u64,
}

/// A file that has just been sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadView {
    /// BLAKE3 of what is stored: pictures are made anew, so it is not that of what was sent.
    pub hash: String,
    /// Bytes of what is stored.
    pub size: u64,
    pub mime: String,
    /// Cleaned; what a device signs.
    pub name: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub thumbnail: Option<String>,
    #[schema(value_type = Option<Degrees>)]
    pub place: Option<PlaceView>,
}

/// Where a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// On this node, whole.
    Here,
    /// Wanted here; comes as soon as a node that holds it is reached.
    Coming,
    /// Not here, and nobody has asked for it.
    Elsewhere,
}

/// How far a file has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttachmentProgress {
    pub state: AttachmentState,
    pub held_bytes: u64,
    pub size: u64,
}

/// A place, in JSON as [`Degrees`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Degrees", into = "Degrees")]
pub struct PlaceView(pub Place);

/// WGS 84.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Degrees {
    pub lat: f64,
    pub lon: f64,
}

impl From<PlaceView> for Degrees {
    fn from(PlaceView(place): PlaceView) -> Self {
        Self { lat: place.lat(), lon: place.lon() }
    }
}

impl From<Degrees> for PlaceView {
    fn from(Degrees { lat, lon }: Degrees) -> Self {
        Self(Place::of(lat, lon).unwrap_or(Place { lat_e7: 0, lon_e7: 0 }))
    }
}
