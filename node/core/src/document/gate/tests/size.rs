//! A document grows to its limit of bytes by edits made here, to its ceiling by those of others, and not a byte further.

use super::*;

const CHANGE_BYTES: usize = 50 * 1024;

/// Bytes that no compression makes shorter.
fn noise(number: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&[number]).finalize_xof().fill(&mut bytes);
    bytes
}

fn put(transaction: &mut Transaction<'_>, number: u8, length: usize) -> Result<(), AutomergeError> {
    transaction.put(ROOT, format!("{number}"), noise(number, length))
}

/// A change as another office writes it, which may have fewer scruples about the size; and the size of what it makes.
fn foreign(page: &Page, number: u8, length: usize) -> (ScannedChange, usize) {
    let mut copy = page.document.clone().with_actor(actor(number).into());
    let mut transaction = copy.transaction();
    put(&mut transaction, number, length).unwrap();
    transaction.commit_with(CommitOptions::default().with_time(0));
    let bytes = copy.get_last_local_change().unwrap().raw_bytes().to_vec();
    (scan(bytes, actor(number)).unwrap(), copy.save().len())
}

/// A page that lacks less than one change to `bytes` saved, and the number of the next writer.
fn almost(bytes: usize) -> (Page, u8) {
    let mut page = page();
    let count = u8::try_from(bytes / (CHANGE_BYTES + 100)).unwrap();
    let changes: Vec<ScannedChange> = (1..=count).map(|number| foreign(&page, number, CHANGE_BYTES).0).collect();
    let verdicts = page.admit(changes);
    assert!(verdicts.values().all(|verdict| *verdict == Verdict::Applied));
    (page, count + 1)
}

/// The length with which `size` comes out as wanted.
fn length_for(wanted: usize, size: impl Fn(usize) -> usize) -> usize {
    let mut length = 1_000;
    for _ in 0..20 {
        match size(length) {
            found if found == wanted => return length,
            found => length = (length + wanted).checked_sub(found).unwrap(),
        }
    }
    panic!("no length gives {wanted} bytes");
}

#[test]
fn an_edit_fills_a_document_to_its_limit_and_not_beyond() {
    let (mut page, number) = almost(DOCUMENT_BYTES_MAX);
    let before = state(&page);
    let edit = |length| page.draft(actor(number), |transaction| put(transaction, number, length));
    let size = |length| match edit(length) {
        Ok(draft) => draft.unwrap().settled.saved_bytes,
        Err(DraftError::Full(excess)) => excess.count,
        Err(other) => panic!("{other}"),
    };
    let over = length_for(DOCUMENT_BYTES_MAX + 1, size);
    let excess = Excess { what: "bytes", count: DOCUMENT_BYTES_MAX + 1, limit: DOCUMENT_BYTES_MAX };
    assert_eq!(edit(over).unwrap_err(), DraftError::Full(excess));
    assert_eq!(state(&page), before);
    let draft = edit(length_for(DOCUMENT_BYTES_MAX, size)).unwrap().unwrap();
    assert_eq!(draft.settled.saved_bytes, DOCUMENT_BYTES_MAX);
    assert_eq!(page.accept(draft), Verdict::Applied);
    assert_eq!(page.document.save().len(), DOCUMENT_BYTES_MAX);
    // Full is full for everything made here; what others wrote meanwhile still gets in.
    let full = state(&page);
    let next = page.draft(actor(number + 1), |transaction| put(transaction, number + 1, 1));
    assert!(matches!(next, Err(DraftError::Full(Excess { what: "bytes", limit: DOCUMENT_BYTES_MAX, .. }))));
    assert_eq!(state(&page), full);
    let (theirs, _) = foreign(&page, number + 2, CHANGE_BYTES);
    assert_eq!(verdict(&mut page, theirs), Verdict::Applied);
}

#[test]
fn changes_of_others_fill_a_document_to_its_ceiling_and_not_beyond() {
    let ceiling = DOCUMENT_BYTES_MAX * CEILING_FACTOR;
    let (mut page, number) = almost(ceiling);
    let before = state(&page);
    let size = |length| foreign(&page, number, length).1;
    let (over, fitting) = (length_for(ceiling + 1, size), length_for(ceiling, size));
    let (over, fitting) = (foreign(&page, number, over).0, foreign(&page, number, fitting).0);
    let excess = Excess { what: "bytes", count: ceiling + 1, limit: ceiling };
    assert_eq!(verdict(&mut page, over), Verdict::Full(excess));
    assert_eq!(state(&page), before);
    assert_eq!(verdict(&mut page, fitting), Verdict::Applied);
    assert_eq!(page.document.save().len(), ceiling);
    // Beside one that does not fit, another does not get in either once there is no room left.
    let full = state(&page);
    let more = [foreign(&page, number + 1, 1).0, foreign(&page, number + 2, 1).0];
    let verdicts = page.admit(more.to_vec());
    assert!(verdicts.values().all(|verdict| matches!(verdict, Verdict::Full(excess) if excess.limit == ceiling)));
    assert_eq!((verdicts.len(), state(&page)), (2, full));
}
