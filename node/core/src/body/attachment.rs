//! What a message says of a file that goes with it: enough to show it before it is here.

use noroshi_sync::blob::{BlobHash, BlobId};
use serde::{Deserialize, Serialize};

use crate::blobs::{Kind, is_clean_name};
use crate::limits::{PICTURE_SIDE_MAX, THUMBNAIL_BYTES_MAX};

/// One file of a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    pub blob: BlobId,
    /// As people see it; [`is_clean_name`].
    pub name: String,
    /// Of the list of [`Kind`], or of a later program.
    pub mime: String,
    /// Of a picture, pixels.
    pub picture: Option<Picture>,
}

/// What only pictures have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// JPEG; empty where the message had no room for it.
    #[serde(with = "serde_bytes")]
    pub thumbnail: Vec<u8>,
    /// Where it was taken, if the reporter wanted that told.
    pub place: Option<Place>,
}

/// WGS 84, in ten-millionths of a degree (about a centimetre).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    pub lat_e7: i32,
    pub lon_e7: i32,
}

impl Place {
    /// `None` for what is no place on Earth.
    pub fn of(lat: f64, lon: f64) -> Option<Self> {
        let e7 = |degrees: f64| (degrees * 1e7).round();
        let on_earth = lat.is_finite() && lon.is_finite() && lat.abs() <= 90.0 && lon.abs() <= 180.0;
        on_earth.then(|| Self { lat_e7: e7(lat) as i32, lon_e7: e7(lon) as i32 })
    }

    pub fn lat(self) -> f64 {
        f64::from(self.lat_e7) / 1e7
    }
    pub fn lon(self) -> f64 {
        f64::from(self.lon_e7) / 1e7
    }
}

/// What a device signs of an attachment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Named {
    pub hash: BlobHash,
    pub name: String,
}

impl Attachment {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if !self.blob.is_well_formed() {
            return Err("an attachment is empty or too large");
        }
        if !is_clean_name(&self.name) {
            return Err("the name of an attachment is not one");
        }
        if !Kind::is_mime(&self.mime) {
            return Err("the type of an attachment is not one");
        }
        self.picture.as_ref().map_or(Ok(()), Picture::check)
    }

    pub fn named(&self) -> Named {
        Named { hash: self.blob.hash, name: self.name.clone() }
    }
}

impl Picture {
    fn check(&self) -> Result<(), &'static str> {
        let sides = 1..=PICTURE_SIDE_MAX;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return Err("a picture has no such size");
        }
        if self.thumbnail.len() > THUMBNAIL_BYTES_MAX {
            return Err("a thumbnail is too large");
        }
        // Nothing but a JPEG is handed to browsers as one.
        if !self.thumbnail.is_empty() && !self.thumbnail.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err("a thumbnail is no JPEG");
        }
        match self.place {
            Some(place) if Place::of(place.lat(), place.lon()) != Some(place) => Err("there is no such place"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Attachment {
        let picture =
            Picture { width: 1, height: PICTURE_SIDE_MAX, thumbnail: Vec::new(), place: Place::of(35.6, 139.7) };
        Attachment {
            blob: BlobId::of(b"a"),
            name: "堤防.jpg".into(),
            mime: "image/jpeg".into(),
            picture: Some(picture),
        }
    }

    #[test]
    fn what_our_own_services_would_not_write_is_refused() {
        assert_eq!(sample().check(), Ok(()));
        let with = |change: fn(&mut Attachment)| {
            let mut attachment = sample();
            change(&mut attachment);
            attachment.check()
        };
        let picture = |change: fn(&mut Picture)| {
            let mut picture = sample().picture.unwrap();
            change(&mut picture);
            picture.check()
        };
        assert!(with(|it| it.blob.size = 0).is_err());
        assert!(with(|it| it.name = "../a".into()).is_err());
        assert!(with(|it| it.mime = "text/html\r\nx".into()).is_err());
        assert!(picture(|it| it.width = 0).is_err());
        assert!(picture(|it| it.height = PICTURE_SIDE_MAX + 1).is_err());
        assert!(picture(|it| it.thumbnail = b"<svg/>".to_vec()).is_err());
        let mut largest = vec![0xff, 0xd8, 0xff];
        largest.resize(THUMBNAIL_BYTES_MAX, 0);
        let mut it = sample().picture.unwrap();
        it.thumbnail = largest;
        assert_eq!(it.check(), Ok(()));
        it.thumbnail.push(0);
        assert!(it.check().is_err());
        it = Picture { place: Some(Place { lat_e7: 900_000_001, lon_e7: 0 }), ..sample().picture.unwrap() };
        assert!(it.check().is_err());
    }

    #[test]
    fn places_keep_a_centimetre() {
        for (lat, lon) in [(35.689_487_5, 139.691_706_4), (-90.0, 180.0), (0.0, -0.000_000_1)] {
            let place = Place::of(lat, lon).unwrap();
            assert!((place.lat() - lat).abs() < 1e-7 && (place.lon() - lon).abs() < 1e-7);
        }
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Place::of(lat, lon), None);
        }
    }
}
