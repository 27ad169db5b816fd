//! How every room page begins: one constant change, so that offices that never met share its objects.
//!
//! Two offices that each made a text of their own under the same key would see only one of them after they merged.

use super::actor::Actor;

/// Who wrote the genesis; no node derives this actor, so nothing can be written under it.
pub const GENESIS_ACTOR: Actor = Actor::from_bytes(*b"noroshi/genesis1");

/// The genesis of a room page: empty texts under `purpose` and `topic`. Changing a byte of it splits every page in two.
pub const PAGE_GENESIS: &[u8] = b"\
    \x85\x6f\x4a\x83\x58\xc7\x43\x2e\x01\x38\x00\
    \x10\x6e\x6f\x72\x6f\x73\x68\x69\x2f\x67\x65\x6e\x65\x73\x69\x73\x31\x01\x01\
    \x00\x00\x00\x05\x15\
    \x0f\x34\x01\x42\x02\x56\x02\x70\x02\x7e\x07\
    \x70\x75\x72\x70\x6f\x73\x65\x05\x74\x6f\x70\x69\x63\x02\x02\x04\x02\x00\x02\x00";

#[cfg(test)]
mod tests {
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{Automerge, ObjType, ROOT};

    use super::*;
    use crate::document::scan::scan;

    #[test]
    fn the_genesis_is_golden() {
        let mut document = Automerge::new().with_actor(GENESIS_ACTOR.into());
        let mut transaction = document.transaction();
        transaction.put_object(ROOT, "purpose", ObjType::Text).unwrap();
        transaction.put_object(ROOT, "topic", ObjType::Text).unwrap();
        transaction.commit_with(CommitOptions::default().with_time(0));
        let made = document.get_last_local_change().unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(made.raw_bytes()), data_encoding::HEXLOWER.encode(PAGE_GENESIS));
        let scanned = scan(PAGE_GENESIS.to_vec(), GENESIS_ACTOR).unwrap();
        assert_eq!(scanned.hash().to_string(), "58c7432ecea43329ad807660b498fe4b0ecdb8676f256a151687e0360b5e2127");
    }
}
