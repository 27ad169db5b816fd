use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const ROOMY: Quota = Quota { bytes_max: u64::MAX, free_min: 0 };

/// Bytes that differ from place to place.
fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(b"content").finalize_xof().fill(&mut bytes);
    bytes
}

fn shelf() -> (TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), ROOMY).unwrap();
    (folder, shelf)
}

fn put(shelf: &Shelf, bytes: &[u8]) -> BlobId {
    let mut incoming = shelf.incoming().unwrap();
    incoming.write(bytes).unwrap();
    shelf.keep(&incoming).unwrap()
}

fn all(blob: &BlobId) -> Groups {
    Groups { first: 0, last: blob.groups() - 1 }
}

fn group(number: u64) -> Groups {
    Groups { first: number, last: number }
}

fn whole(shelf: &Shelf, blob: &BlobId) -> Vec<u8> {
    let mut bytes = Vec::new();
    shelf.read(blob).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn stored(taking: Taking) -> Stored {
    match taking {
        Taking::Kept(stored) => stored,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_kept_is_there_and_the_same_twice_is_one_file() {
    let (folder, shelf) = shelf();
    let bytes = content(40_000);
    let blob = put(&shelf, &bytes);
    assert_eq!((blob, put(&shelf, &bytes)), (BlobId::of(&bytes), blob));
    assert_eq!((whole(&shelf, &blob), shelf.used_bytes()), (bytes, 40_000));
    // An upload that is broken off leaves nothing, a killed program nothing after the next start.
    let mut broken = shelf.incoming().unwrap();
    broken.write(b"half").unwrap();
    std::mem::forget(broken);
    let shelf = Shelf::open(folder.path(), ROOMY).unwrap();
    assert_eq!(fs::read_dir(folder.path().join("blobs/incoming")).unwrap().count(), 0);
    assert_eq!((shelf.all().unwrap(), shelf.used_bytes()), (vec![blob], 40_000));
    shelf.remove(&blob).unwrap();
    assert!(!shelf.has(&blob) && shelf.all().unwrap().is_empty() && shelf.used_bytes() == 0);
}

#[test]
fn an_upload_has_50_mib_at_most() {
    let (_folder, shelf) = shelf();
    let mut incoming = shelf.incoming().unwrap();
    incoming.write(&vec![0; BLOB_BYTES_MAX as usize]).unwrap();
    assert_eq!(incoming.write(&[0]).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(incoming.written(), BLOB_BYTES_MAX);
}

#[test]
fn a_file_goes_over_in_any_order_of_slices() {
    for size in [1, 1_024, 16 * 1024, 16 * 1024 + 1, 100_000] {
        let ((_here, here), (_there, there)) = (shelf(), shelf());
        let blob = put(&here, &content(size));
        assert_eq!(there.missing(&blob).unwrap(), vec![all(&blob)]);
        let mut held = 0;
        for number in (0..blob.groups()).rev() {
            let slice = here.slice(&blob, group(number)).unwrap().unwrap();
            let stored = stored(there.store(&blob, group(number), &slice).unwrap());
            held += blob.bytes_of(group(number));
            assert_eq!(stored, Stored { held_bytes: held, complete: number == 0 });
        }
        assert_eq!(whole(&there, &blob), content(size));
        assert_eq!((there.missing(&blob).unwrap(), there.used_bytes()), (vec![], size as u64));
        // Whoever has it can give it on.
        assert!(there.slice(&blob, all(&blob)).unwrap().is_some());
    }
}

#[test]
fn a_forged_slice_is_refused_and_nothing_of_it_stays() {
    let ((_here, here), (_there, there)) = (shelf(), shelf());
    let blob = put(&here, &content(70_000));
    let slice = here.slice(&blob, group(2)).unwrap().unwrap();
    for place in [0, 40, slice.len() / 2, slice.len() - 1] {
        let mut forged = slice.clone();
        forged[place] ^= 1;
        assert_eq!(there.store(&blob, group(2), &forged).unwrap(), Taking::Forged);
    }
    for forged in [&slice[..slice.len() - 1], &[slice.as_slice(), b"x"].concat(), b""] {
        assert_eq!(there.store(&blob, group(2), forged).unwrap(), Taking::Forged);
    }
    // Of another place, and of no place.
    assert_eq!(there.store(&blob, group(1), &slice).unwrap(), Taking::Forged);
    assert_eq!(there.store(&blob, group(5), &slice).unwrap(), Taking::Forged);
    // Who lies about the size names something that nobody has.
    let smaller = BlobId { size: 69_999, ..blob };
    let last = here.slice(&blob, group(4)).unwrap().unwrap();
    assert_eq!(there.store(&smaller, group(4), &last).unwrap(), Taking::Forged);
    assert_eq!(there.missing(&blob).unwrap(), vec![all(&blob)]);
    assert_eq!(stored(there.store(&blob, group(2), &slice).unwrap()).held_bytes, 16 * 1024);
}

#[test]
fn a_file_that_rotted_is_given_to_nobody_and_taken_away() {
    let (_folder, shelf) = shelf();
    let bytes = content(100_000);
    let blob = put(&shelf, &bytes);
    assert!(shelf.slice(&blob, group(3)).unwrap().is_some());
    // A tree of hashes that rotted is made anew.
    fs::write(shelf.path_of(&blob.hash).with_extension(TREE), vec![7; tree_bytes(&blob) as usize]).unwrap();
    assert!(shelf.slice(&blob, group(3)).unwrap().is_some());
    let mut rotten = bytes;
    rotten[60_000] ^= 1;
    fs::write(shelf.path_of(&blob.hash), rotten).unwrap();
    assert!(shelf.slice(&blob, group(0)).unwrap().is_some(), "what is right can be proved");
    assert_eq!(shelf.slice(&blob, group(3)).unwrap(), None);
    assert!(!shelf.has(&blob));
}

#[test]
fn room_ends_at_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), Quota { bytes_max: 50_000, free_min: 0 }).unwrap();
    put(&shelf, &content(20_000));
    assert_eq!((shelf.room(30_000).unwrap(), shelf.room(30_001).unwrap()), (Room::Enough, Room::OverQuota(1)));
    let (_other, other) = self::shelf();
    let large = put(&other, &content(30_001));
    let slice = other.slice(&large, group(0)).unwrap().unwrap();
    assert_eq!(shelf.store(&large, group(0), &slice).unwrap(), Taking::NoRoom(Room::OverQuota(1)));
    let full = Shelf::open(folder.path(), Quota { bytes_max: u64::MAX, free_min: u64::MAX }).unwrap();
    assert!(matches!(full.room(0).unwrap(), Room::DiskFull(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A power cut: any part of the file, and any part of the tree, is not what was written.
    #[test]
    fn after_a_cut_at_any_byte_the_rest_is_fetched_and_the_file_is_whole(
        size in 1..200_000_usize,
        order in any::<u64>(),
        taken in any::<prop::sample::Index>(),
        torn in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4),
    ) {
        let ((_here, here), (folder, there)) = (shelf(), shelf());
        let blob = put(&here, &content(size));
        let mut groups: Vec<u64> = (0..blob.groups()).collect();
        let mut state = order | 1;
        groups.sort_by_cached_key(|_| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); state >> 32 });
        for number in &groups[..taken.index(groups.len())] {
            let slice = here.slice(&blob, group(*number)).unwrap().unwrap();
            there.store(&blob, group(*number), &slice).unwrap();
        }
        let paths = there.part_paths(&blob);
        drop(there);
        for (place, of_tree) in torn {
            let path = if of_tree { &paths.tree } else { &paths.data };
            let Ok(mut bytes) = fs::read(path) else { continue };
            if bytes.is_empty() { continue }
            let from = place.index(bytes.len());
            bytes[from..].fill(0);
            bytes.truncate(from.max(1));
            fs::write(path, bytes).unwrap();
        }
        let there = Shelf::open(folder.path(), ROOMY).unwrap();
        for missing in there.missing(&blob).unwrap() {
            let mut rest = Some(missing);
            while let Some(groups) = rest {
                let (part, left) = groups.split(4);
                let slice = here.slice(&blob, part).unwrap().unwrap();
                stored(there.store(&blob, part, &slice).unwrap());
                rest = left;
            }
        }
        prop_assert!(there.has(&blob));
        prop_assert_eq!(whole(&there, &blob), content(size));
        prop_assert_eq!(there.used_bytes(), size as u64);
    }
}
