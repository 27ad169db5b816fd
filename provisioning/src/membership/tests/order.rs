//! The same set of entries gives the same membership, however it arrives, whatever is in it.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::Epoch;
use proptest::prelude::*;

use super::*;
use crate::body::Body;

/// Any policy entry about a handful of people, relying on, lifting and replacing any of a handful of entries: most are
/// without right, some rest on others, some contradict each other.
fn any_entry() -> impl Strategy<Value = Written> {
    let id = || (0u8..12).prop_map(|n| entry_id(1, n));
    let ids = || proptest::collection::btree_set(id(), 0..4).prop_map(|ids| ids.into_iter().collect::<Vec<_>>());
    let who = || (1u8..6).prop_map(user);
    let role = prop_oneof![Just(Admin), Just(Plain)];
    let body = prop_oneof![
        2 => Just((kind::ROOM_CREATE, RoomCreate { kind: RoomKind::Group, created_for: None }.encode().unwrap())),
        8 => (who(), role, ids(), ids())
            .prop_map(|(user, role, lifts, replaces)| (kind::MEMBER_SET, MemberSet { user, role, lifts, replaces }.encode().unwrap())),
        3 => who().prop_map(|user| (kind::MEMBER_REMOVE, MemberRemove { user }.encode().unwrap())),
        1 => ids().prop_map(|lifts| (kind::AUDIENCE_ADD, AudienceAdd { office: office(3), lifts }.encode().unwrap())),
        1 => Just((kind::AUDIENCE_REMOVE, AudienceRemove { office: office(3) }.encode().unwrap())),
    ];
    (body, id(), id(), who(), 1u8..5, 0u64..12, 0u64..3).prop_map(
        |((kind, body), id, auth_ref, author, node, ms, seq)| {
            let room = RoomId::from_bytes([0x51; 16]);
            let draft = Draft::attested(room, Lane::Policy, id, kind, author, DeviceId::NIL, auth_ref, body);
            let log = LogId::new(room, Town::node(node), Epoch(1), Lane::Policy);
            (log, draft.into_entry(seq + 1, Hlc::from_parts(NOW_MS + ms, 0), NOW_MS + ms, None))
        },
    )
}

/// How many different entries there are; several may claim one place in a log (a fork).
fn different(entries: &[Written]) -> usize {
    let mut seen: Vec<&Written> = Vec::new();
    for written in entries {
        if !seen.contains(&written) {
            seen.push(written);
        }
    }
    seen.len()
}

fn directory() -> &'static Directory {
    static DIRECTORY: std::sync::OnceLock<Directory> = std::sync::OnceLock::new();
    DIRECTORY.get_or_init(|| Town::new().directory())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn shuffled_and_repeated_arrival_changes_nothing(
        (entries, shuffled) in proptest::collection::vec(any_entry(), 1..40)
            .prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle())),
        repeats in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let room = RoomId::from_bytes([0x51; 16]);
        let repeated = repeats.iter().map(|index| index.get(&entries));
        let one = resolve(room, &entries, directory());
        prop_assert_eq!(&resolve(room, shuffled.iter().chain(repeated), directory()), &one);
        prop_assert_eq!(one.counted() + one.hidden(), different(&entries));
    }

    #[test]
    fn members_were_granted_and_have_no_removal_open(entries in proptest::collection::vec(any_entry(), 1..40)) {
        let room = RoomId::from_bytes([0x51; 16]);
        let membership = resolve(room, &entries, directory());
        for (user, member) in membership.members() {
            prop_assert!(membership.ever_granted(member.grant, *user));
            prop_assert!(membership.sets_to_replace(*user).contains(&member.grant));
            let grant = entries.iter().find(|(_, entry)| entry.id == member.grant && entry.kind == kind::MEMBER_SET);
            if membership.created().is_none_or(|(create, _)| create != member.grant) && grant.is_some() {
                let lifted = entries.iter().filter(|(_, entry)| entry.id == member.grant).any(|(_, entry)| {
                    MemberSet::decode(&entry.body)
                        .is_ok_and(|body| membership.removals_to_lift(*user).iter().all(|id| body.lifts.contains(id)))
                });
                prop_assert!(lifted);
            }
        }
    }

    #[test]
    fn any_body_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for bytes in [bytes.clone(), [&[1], bytes.as_slice()].concat()] {
            let _ = (RoomCreate::decode(&bytes), MemberSet::decode(&bytes), MemberRemove::decode(&bytes));
            let _ = (AudienceAdd::decode(&bytes), AudienceRemove::decode(&bytes));
        }
    }
}

#[test]
fn the_directory_may_come_later() {
    let mut island = Island::new();
    island.set(1, 1, 2, Plain);
    let nothing = Directory::empty(island.directory.organisation());
    assert!(resolve(island.room, &island.entries, &nothing).members().is_empty());
    assert_eq!(members(&resolve(island.room, &island.entries, &island.directory)), [(1, Admin), (2, Plain)]);
}
