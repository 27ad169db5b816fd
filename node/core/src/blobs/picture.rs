//! Pictures are decoded and made anew: what comes out holds pixels and nothing else, neither place nor camera nor a second
//! file behind the first.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use crate::body::Place;
use crate::limits::{PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, THUMBNAIL_BYTES_MAX};

const JPEG_QUALITY: u8 = 82;
/// A PNG without transparency that is larger than this is a photo, bytes.
const PNG_BYTES_MAX: usize = 1024 * 1024;
/// What a decoder may take, bytes: 100 megapixels in four channels, and some.
const MEMORY_MAX: u64 = 512 * 1024 * 1024;
/// Longest side in pixels and bytes of the thumbnails, the largest first. A message with many pictures has room for small
/// ones only.
const THUMBNAILS: [(u32, usize); 3] = [(320, THUMBNAIL_BYTES_MAX), (192, 4_500), (96, 1_500)];
const THUMBNAIL_QUALITIES: [u8; 5] = [75, 60, 45, 30, 15];

/// A picture made anew.
#[derive(Clone, PartialEq, Debug)]
pub struct Remade {
    pub bytes: Vec<u8>,
    pub mime: &'static str,
    /// Extensions of such a file, the best first.
    pub extensions: &'static [&'static str],
    pub width: u32,
    pub height: u32,
    /// JPEG, the largest first.
    pub thumbnails: Vec<Vec<u8>>,
    /// Where it was taken, if that was asked for and told.
    pub place: Option<Place>,
}

/// Why a picture cannot be made anew.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("{0} pixels are too many")]
    TooManyPixels(u64),
    #[error("the picture cannot be decoded: {0}")]
    Broken(String),
}

fn broken(error: impl ToString) -> Unreadable {
    Unreadable::Broken(error.to_string())
}

/// Decodes the first frame, upright, and encodes it within [`PICTURE_SIDE_MAX`]. Takes a second of one core and up to
/// 1 GiB for the largest; call it for one picture at a time.
pub fn remake(bytes: &[u8], keep_place: bool) -> Result<Remade, Unreadable> {
    let place = if keep_place { place_of(bytes) } else { None };
    let (format, image) = decode(bytes)?;
    let image = fit(image);
    let (bytes, png) = encode(format, &image)?;
    let (mime, extensions): (_, &[_]) = if png { ("image/png", &["png"]) } else { ("image/jpeg", &["jpg", "jpeg"]) };
    let (width, height) = (image.width(), image.height());
    let thumbnails = thumbnails(&flat(&image))?;
    Ok(Remade { bytes, mime, extensions, width, height, thumbnails, place })
}

fn decode(bytes: &[u8]) -> Result<(ImageFormat, DynamicImage), Unreadable> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
    let format = reader.format().filter(|format| known.contains(format)).ok_or_else(|| broken("no known format"))?;
    let mut reader = reader;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    // Before a byte of them is made room for.
    if pixels > PICTURE_PIXELS_MAX {
        return Err(Unreadable::TooManyPixels(pixels));
    }
    if pixels == 0 || decoder.total_bytes() > MEMORY_MAX {
        return Err(broken("no pixels, or too many bits for each"));
    }
    // A wrong word about which side is up is no reason to lose the picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok((format, image))
}

fn fit(image: DynamicImage) -> DynamicImage {
    let side = PICTURE_SIDE_MAX;
    if image.width() <= side && image.height() <= side {
        return image;
    }
    image.resize(side, side, FilterType::Triangle)
}

/// The bytes, and whether they are a PNG.
fn encode(format: ImageFormat, image: &DynamicImage) -> Result<(Vec<u8>, bool), Unreadable> {
    let transparent = is_transparent(image);
    if transparent || format == ImageFormat::Png {
        let mut png = Vec::new();
        // Two forms are enough: 16 bits a channel are for astronomers.
        let eight =
            if transparent { DynamicImage::from(image.to_rgba8()) } else { DynamicImage::from(image.to_rgb8()) };
        eight.write_with_encoder(PngEncoder::new(&mut png)).map_err(broken)?;
        if transparent || png.len() <= PNG_BYTES_MAX {
            return Ok((png, true));
        }
    }
    Ok((jpeg(&image.to_rgb8(), JPEG_QUALITY)?, false))
}

fn is_transparent(image: &DynamicImage) -> bool {
    image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).map_err(broken)?;
    Ok(bytes)
}

/// On white paper.
fn flat(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.clone();
    }
    let small = image.to_rgba8();
    let on_white = |channel: u8, alpha: u8| {
        let (channel, alpha) = (u32::from(channel), u32::from(alpha));
        u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    };
    let mut flat = RgbImage::new(small.width(), small.height());
    for (pixel, of) in flat.pixels_mut().zip(small.pixels()) {
        let [red, green, blue, alpha] = of.0;
        *pixel = Rgb([on_white(red, alpha), on_white(green, alpha), on_white(blue, alpha)]);
    }
    flat.into()
}

fn thumbnails(image: &DynamicImage) -> Result<Vec<Vec<u8>>, Unreadable> {
    THUMBNAILS.into_iter().map(|(side, bytes_max)| thumbnail(image, side, bytes_max)).collect()
}

/// As good as it can be within that many bytes; smaller, if it must.
fn thumbnail(image: &DynamicImage, side: u32, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
    let mut side = side;
    loop {
        let small = if image.width() > side || image.height() > side {
            image.resize(side, side, FilterType::Triangle).to_rgb8()
        } else {
            image.to_rgb8()
        };
        for quality in THUMBNAIL_QUALITIES {
            let bytes = jpeg(&small, quality)?;
            if bytes.len() <= bytes_max {
                return Ok(bytes);
            }
        }
        side /= 2;
        if side == 0 {
            return Ok(Vec::new());
        }
    }
}

/// Where the camera says it was.
fn place_of(bytes: &[u8]) -> Option<Place> {
    use exif::{In, Reader, Tag};
    let exif = Reader::new().read_from_container(&mut Cursor::new(bytes)).ok()?;
    let degrees = |tag: Tag, sign: Tag, negative: u8| {
        let exif::Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let [degrees, minutes, seconds] = parts.as_slice() else { return None };
        let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3_600.0;
        let exif::Value::Ascii(words) = &exif.get_field(sign, In::PRIMARY)?.value else { return None };
        let first = words.first()?.first()?.to_ascii_uppercase();
        Some(if first == negative { -value } else { value })
    };
    let lat = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    let lon = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
    Place::of(lat, lon)
}

#[cfg(test)]
mod tests;
