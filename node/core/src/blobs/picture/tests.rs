use image::{Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

/// A picture with some detail in it.
fn drawn(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]))
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// An EXIF segment: rotated by `orientation`, taken at 35°41'22"N 139°41'30"E.
fn exif(orientation: u16) -> Vec<u8> {
    use exif::experimental::Writer;
    use exif::{Field, In, Rational, Tag, Value};
    let rational = |values: [u32; 3]| Value::Rational(values.map(|num| Rational { num, denom: 1 }).to_vec());
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let fields = [
        field(Tag::Orientation, Value::Short(vec![orientation])),
        field(Tag::Make, Value::Ascii(vec![b"CANARY-CAMERA".to_vec()])),
        field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"N".to_vec()])),
        field(Tag::GPSLatitude, rational([35, 41, 22])),
        field(Tag::GPSLongitudeRef, Value::Ascii(vec![b"E".to_vec()])),
        field(Tag::GPSLongitude, rational([139, 41, 30])),
    ];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    let body = [b"Exif\0\0".as_slice(), tiff.get_ref()].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, 0xe1], length.as_slice(), &body].concat()
}

/// A JPEG as a phone makes it.
fn photo(width: u32, height: u32, orientation: u16) -> Vec<u8> {
    let plain = encoded(&drawn(width, height).into(), ImageFormat::Jpeg);
    [&plain[..2], &exif(orientation), &plain[2..]].concat()
}

fn contains(bytes: &[u8], canary: &[u8]) -> bool {
    bytes.windows(canary.len()).any(|window| window == canary)
}

#[test]
fn nothing_of_the_camera_is_left_and_the_place_only_if_wanted() {
    let bytes = photo(400, 300, 1);
    assert!(contains(&bytes, b"CANARY-CAMERA") && contains(&bytes, b"Exif"));
    let made = remake(&bytes, false).unwrap();
    assert_eq!((made.place, made.mime), (None, "image/jpeg"));
    for canary in [b"CANARY-CAMERA".as_slice(), b"Exif", b"GPS"] {
        assert!(!contains(&made.bytes, canary));
        assert!(made.thumbnails.iter().all(|thumbnail| !contains(thumbnail, canary)));
    }
    let kept = remake(&bytes, true).unwrap();
    let place = kept.place.unwrap();
    assert!((place.lat() - 35.689_444_4).abs() < 1e-6 && (place.lon() - 139.691_666_6).abs() < 1e-6);
    assert_eq!(kept.bytes, made.bytes);
}

#[test]
fn a_photo_stands_upright() {
    let made = remake(&photo(400, 300, 6), false).unwrap();
    assert_eq!((made.width, made.height), (300, 400));
    assert_eq!(remake(&photo(400, 300, 1), false).unwrap().width, 400);
}

#[test]
fn a_large_photo_becomes_2560_pixels_wide_and_its_thumbnails_fit() {
    let bytes = encoded(&drawn(3_000, 1_500).into(), ImageFormat::Jpeg);
    let made = remake(&bytes, false).unwrap();
    assert_eq!((made.width, made.height), (PICTURE_SIDE_MAX, PICTURE_SIDE_MAX / 2));
    for (thumbnail, (side, bytes_max)) in made.thumbnails.iter().zip(THUMBNAILS) {
        assert!(thumbnail.len() <= bytes_max);
        let small = image::load_from_memory(thumbnail).unwrap();
        assert!(small.width() <= side && small.height() <= side && small.width() > 16);
    }
    let exact = remake(&encoded(&drawn(PICTURE_SIDE_MAX, 10).into(), ImageFormat::Png), false).unwrap();
    assert_eq!((exact.width, exact.height, exact.mime), (PICTURE_SIDE_MAX, 10, "image/png"));
}

#[test]
fn transparency_stays_and_noise_as_png_becomes_a_jpeg() {
    let clear = RgbaImage::from_fn(40, 40, |x, _| Rgba([255, 0, 0, if x < 20 { 0 } else { 255 }]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let made = remake(&encoded(&clear.clone().into(), format), false).unwrap();
        assert_eq!((made.mime, made.extensions), ("image/png", ["png"].as_slice()));
        assert_eq!(image::load_from_memory(&made.bytes).unwrap().to_rgba8().get_pixel(0, 0).0[3], 0);
        // On white, not on black.
        let small = image::load_from_memory(&made.thumbnails[0]).unwrap().to_rgb8();
        assert!(small.get_pixel(2, 20).0.iter().all(|channel| *channel > 200));
    }
    let mut state = 1_u32;
    let noise = RgbImage::from_fn(900, 900, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    assert_eq!(remake(&encoded(&noise.into(), ImageFormat::Png), false).unwrap().mime, "image/jpeg");
    let gif = encoded(&DynamicImage::from(drawn(30, 20)).to_rgba8().into(), ImageFormat::Gif);
    assert_eq!(remake(&gif, false).unwrap().width, 30);
}

#[test]
fn a_second_file_behind_the_picture_is_gone() {
    for tail in [b"PK\x03\x04 CANARY".as_slice(), b"<html><script>CANARY</script>", &[b'A'; 70_000]] {
        let made = remake(&[photo(64, 64, 1), tail.to_vec()].concat(), false).unwrap();
        assert!(!contains(&made.bytes, b"CANARY") && !contains(&made.bytes, b"AAAAAAAA"));
    }
}

/// A PNG that says it has so many pixels and has none.
fn header_only(width: u32, height: u32) -> Vec<u8> {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let body = [name.as_slice(), data].concat();
        let mut crc = flate2_crc(&body);
        crc = crc.to_be();
        [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc.to_ne_bytes()].concat()
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [size.as_slice(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), &chunk(b"IDAT", &[]), &chunk(b"IEND", &[])].concat()
}

fn flate2_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn a_header_that_promises_too_much_is_refused_unread() {
    assert_eq!(remake(&header_only(60_000, 60_000), false), Err(Unreadable::TooManyPixels(3_600_000_000)));
    assert_eq!(remake(&header_only(10_001, 10_000), false), Err(Unreadable::TooManyPixels(100_010_000)));
    // As many as may be are decoded; there are none.
    assert!(matches!(remake(&header_only(10_000, 10_000), false), Err(Unreadable::Broken(_))));
    assert!(matches!(remake(&header_only(0, 10), false), Err(Unreadable::Broken(_))));
}

#[test]
fn what_is_cut_off_or_no_picture_is_refused() {
    let png = encoded(&drawn(50, 50).into(), ImageFormat::Png);
    for bytes in [&png[..20], &png[..png.len() / 2], b"", b"<svg/>", b"\xff\xd8\xff", b"GIF89a"] {
        assert!(matches!(remake(bytes, true), Err(Unreadable::Broken(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn damage_never_panics(which in 0..3_usize, places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = match which {
            0 => photo(24, 16, 6),
            1 => encoded(&drawn(24, 16).into(), ImageFormat::Png),
            _ => encoded(&drawn(24, 16).into(), ImageFormat::WebP),
        };
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        _ = remake(&bytes, true);
    }
}
