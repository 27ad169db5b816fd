//! Read marks, late messages, arrival.

use noroshi_sync::id::EntryId;

use super::island::Island;
use crate::events::Happening;
use crate::fixture::Fixture;
use crate::store::projection::{LateShown, Shown};
use crate::store::query::{Holders, Place, Unread};
use crate::view::Actor;

fn unread(island: &Island, actor: &Actor, room: noroshi_sync::id::RoomId) -> Unread {
    island.read(|database| {
        let (row, member) = database.room_of_member(&room, &actor.user)?.unwrap();
        let marks = database.reads_of(row.pk, &actor.user)?;
        database.unread(row.pk, &actor.user, &marks, member.added)
    })
}

fn world() -> (Fixture, Island, Island, Actor, Actor, noroshi_sync::id::RoomId) {
    let city = Fixture::city(2, 2).unwrap();
    let (mut a, mut b) = (Island::founded(&city, 0), Island::empty(&city, 1));
    b.pull(&a);
    let (chief, branch) = (city.actor(0, 0).unwrap(), city.actor(1, 0).unwrap());
    let room = a.room(&chief, "本部", &[&branch]);
    a.exchange(&mut b);
    (city, a, b, chief, branch, room)
}

#[test]
fn a_mark_never_goes_back() {
    let (_, mut a, _, chief, branch, room) = world();
    let ids: Vec<_> = (0..5).map(|n| a.post(&chief, room, &format!("{n}"))).collect();
    assert_eq!(unread(&a, &branch, room).count, 5);
    assert!(a.act(|desk| desk.mark_read(&branch, room, ids[3])).unwrap());
    assert_eq!(unread(&a, &branch, room).count, 1);
    assert!(!a.act(|desk| desk.mark_read(&branch, room, ids[1])).unwrap());
    assert!(!a.act(|desk| desk.mark_read(&branch, room, ids[3])).unwrap());
    let left = unread(&a, &branch, room);
    assert_eq!((left.count, left.first.map(|place| place.id)), (1, Some(ids[4])));
    // What one wrote oneself and what was taken back is not unread.
    assert_eq!(unread(&a, &chief, room).count, 0);
    a.act(|desk| desk.redact(&chief, room, ids[4])).unwrap();
    assert_eq!(unread(&a, &branch, room), Unread::default());
}

fn last_event(island: &Island) -> u64 {
    island.read(|database| Ok(database.event_bounds()?.1))
}

/// Messages whose counts were told to have changed.
fn arrivals_after(island: &Island, cursor: u64) -> Vec<EntryId> {
    let events = island.read(|database| database.events_after(cursor, 100));
    let arrived = |(_, event): (u64, Vec<u8>)| match Happening::decode(&event) {
        Ok(Happening::Arrived { messages, .. }) => messages.into_iter().map(|(id, _)| id).collect(),
        _ => Vec::new(),
    };
    events.into_iter().flat_map(arrived).collect()
}

#[test]
fn what_arrives_late_below_the_mark_is_unread() {
    let (_, mut a, mut b, chief, branch, room) = world();
    // The branch writes first, but is cut off; headquarters reads on meanwhile.
    b.set_clock(2_000_000_000_000);
    a.set_clock(2_000_000_500_000);
    let late = b.post(&branch, room, "川があふれそうです");
    let newest = a.post(&chief, room, "本部設置");
    a.act(|desk| desk.mark_read(&chief, room, newest)).unwrap();
    assert_eq!(unread(&a, &chief, room).count, 0);
    a.exchange(&mut b);
    assert_eq!(a.texts(&chief, room), vec!["川があふれそうです", "本部設置"]);
    let found = unread(&a, &chief, room);
    assert_eq!((found.count, found.first.map(|place| place.id)), (1, Some(late)));
    let told = (last_event(&a), last_event(&b));
    assert!(a.act(|desk| desk.mark_read(&chief, room, newest)).unwrap(), "reading again reads what came late");
    assert_eq!(unread(&a, &chief, room).count, 0);
    // Whoever looks at the late message is told that it has been read by one more, here and at its author's office.
    a.exchange(&mut b);
    for (island, since) in [(&a, told.0), (&b, told.1)] {
        assert!(arrivals_after(island, since).contains(&late));
    }
}

#[test]
fn what_came_after_the_list_stays_late_and_so_does_what_was_not_on_it() {
    let (_, mut a, mut b, chief, branch, room) = world();
    b.set_clock(2_000_000_000_000);
    a.set_clock(2_000_000_500_000);
    let late: Vec<_> = (0..3).map(|n| b.post(&branch, room, &format!("{n}"))).collect();
    let newest = a.post(&chief, room, "本部設置");
    a.act(|desk| desk.mark_read(&chief, room, newest)).unwrap();
    a.exchange(&mut b);
    let left = |a: &Island| {
        a.read(|database| {
            let row = database.room_key(&room)?.unwrap();
            let found = database.late_after(row, &chief.user, None, 50)?;
            Ok(found.into_iter().map(|message| message.entry.id).collect::<Vec<_>>())
        })
    };
    assert_eq!(left(&a), late);
    let count = unread(&a, &chief, room);
    assert_eq!((count.count, count.late), (3, 3));
    let shown = |cursor, ids: &[EntryId]| Shown::UpTo { cursor, late: LateShown::These(ids.iter().copied().collect()) };
    // The list is on the screen with the first two of them; meanwhile another one arrives.
    let seen = last_event(&a);
    let later = b.post(&branch, room, "後から");
    a.set_clock(2_000_000_900_000);
    let above = a.post(&chief, room, "続報");
    a.exchange(&mut b);
    assert!(a.act(|desk| desk.mark_shown(&chief, room, newest, &shown(seen, &late[..2]))).unwrap());
    assert_eq!(left(&a), vec![late[2]], "the third was not shown; the other one is above the mark and simply unread");
    assert_eq!(unread(&a, &chief, room).count, 2);
    // Reading on does not read what arrived late, nor what was told of after the page.
    assert!(a.act(|desk| desk.mark_shown(&chief, room, above, &shown(seen, &[]))).unwrap());
    assert_eq!(left(&a), vec![late[2], later]);
    let now = shown(last_event(&a), &[later]);
    assert!(a.act(|desk| desk.mark_shown(&chief, room, above, &now)).unwrap());
    assert_eq!(left(&a), vec![late[2]]);
    // The same at the other office, from the register alone.
    a.exchange(&mut b);
    let at_b = unread(&b, &chief, room);
    assert_eq!((at_b.count, at_b.late), (1, 1));
    let all = Shown::UpTo { cursor: last_event(&a), late: LateShown::All };
    assert!(
        a.act(|desk| desk.mark_shown(&chief, room, newest, &all)).unwrap(),
        "an earlier message moves nothing back"
    );
    assert_eq!(unread(&a, &chief, room), Unread::default());
    // A place that no longer exists, or never did, says nothing about what was shown.
    let never = shown(last_event(&a) + 1, &[]);
    assert!(a.act(|desk| desk.mark_shown(&chief, room, above, &never)).is_err());
}

#[test]
fn what_was_read_stays_read_whatever_the_next_mark_says_was_shown() {
    let (_, mut a, mut b, chief, branch, room) = world();
    let seen = last_event(&a);
    let first = b.post(&branch, room, "一");
    a.exchange(&mut b);
    a.act(|desk| desk.mark_read(&chief, room, first)).unwrap();
    let stale = Shown::UpTo { cursor: seen, late: LateShown::These(Default::default()) };
    a.act(|desk| desk.mark_shown(&chief, room, first, &stale)).unwrap();
    assert_eq!(unread(&a, &chief, room), Unread::default());
}

#[test]
fn registers_carry_marks_and_what_was_held() {
    let (_, mut a, mut b, chief, branch, room) = world();
    let first = a.post(&chief, room, "一");
    a.exchange(&mut b);
    b.act(|desk| desk.mark_read(&branch, room, first)).unwrap();
    a.post(&chief, room, "二");
    a.exchange(&mut b);
    a.exchange(&mut b);
    let rows = |island: &Island| {
        island.read(|database| {
            let room = database.room_key(&room)?.unwrap();
            database.reads_of(room, &branch.user)
        })
    };
    let (at_a, at_b) = (rows(&a), rows(&b));
    assert_eq!(at_a.len(), 1);
    assert_eq!((at_a[0].place, at_a[0].at_ms), (at_b[0].place, at_b[0].at_ms));
    // Read at home, read here: the same messages are unread for the person at both offices.
    assert_eq!(unread(&a, &branch, room), unread(&b, &branch, room));
    a.reindex();
    assert_eq!(rows(&a), at_a);
    b.reindex();
    assert_eq!(rows(&b), at_b, "marks of one's own people are no projection and stay");
}

#[test]
fn arrival_comes_from_registers() {
    let (city, mut a, mut b, chief, _, room) = world();
    let holders = |island: &Island, id| {
        island.read(|database| {
            let room = database.room_key(&room)?.unwrap();
            let message = database.message(room, &id)?.unwrap();
            Holders::default().of(database, message.pk)
        })
    };
    let (at_a, at_b) = (city.offices[0].identity.node(), city.offices[1].identity.node());
    let id = a.post(&chief, room, "一報");
    assert_eq!(holders(&a, id), vec![at_a]);
    a.exchange(&mut b);
    let mut both = vec![at_a, at_b];
    both.sort_unstable();
    assert_eq!(holders(&a, id), both);
    assert_eq!(holders(&b, id), vec![at_a], "what this node holds itself is not asked of registers");
    let learned = |island: &Island, node| {
        island.read(|database| {
            let room = database.room_key(&room)?.unwrap();
            let message = database.message(room, &id)?.unwrap();
            database.learned_ms(message.pk, &node)
        })
    };
    assert!(learned(&a, at_b).is_some());
}

#[test]
fn marks_come_back_after_a_restore() {
    let (city, mut a, mut b, chief, branch, room) = world();
    let id = a.post(&chief, room, "一報");
    a.exchange(&mut b);
    b.act(|desk| desk.mark_read(&branch, room, id)).unwrap();
    a.exchange(&mut b);
    // The branch's disk dies; it starts from nothing and pulls everything, its own register included.
    let mut again = Island::empty(&city, 1).restart(999);
    for _ in 0..3 {
        again.pull(&a);
    }
    let marks = again.read(|database| {
        let room = database.room_key(&room)?.unwrap();
        database.reads_of(room, &branch.user)
    });
    assert_eq!(marks.first().map(|mark| mark.place.id), Some(id));
}

#[test]
fn twenty_thousand_messages_and_the_last_fifty() {
    let (_, mut a, _, chief, _, room) = world();
    for chunk in 0..200u64 {
        a.act(|desk| {
            for number in 0..100 {
                let id =
                    noroshi_sync::id::EntryId::from_uuid(uuid::Uuid::from_u64_pair(7 << 12, chunk * 100 + number + 1));
                let text = format!("{number} 番");
                desk.post(&chief, room, id, &crate::deeds::NewMessage { text, ..Default::default() })?;
            }
            Ok(())
        })
        .unwrap();
    }
    let pk = a.read(|database| database.room_key(&room)).unwrap();
    let plan = a.read(|database| {
        database.rows(
            "EXPLAIN QUERY PLAN SELECT entry_pk, room_pk, redacted, conflict, received_ms, bytes
             FROM messages JOIN entries USING (entry_pk)
             WHERE room_pk = 1 AND state = 2 AND (hlc, id) < (5, x'00') ORDER BY hlc DESC, id DESC LIMIT 50",
            [],
            |row| row.get::<_, String>(3),
        )
    });
    assert!(plan.iter().any(|line| line.contains("COVERING INDEX messages_timeline")), "{plan:?}");
    assert!(plan.iter().all(|line| !line.contains("TEMP B-TREE") && !line.contains("SCAN")), "{plan:?}");
    let newest = a.read(|database| database.messages_before(pk, None, 50));
    assert_eq!(newest.len(), 50);
    let oldest = newest.last().unwrap();
    let place = Place { hlc: oldest.entry.hlc, id: oldest.entry.id };
    let before = a.read(|database| database.messages_before(pk, Some(place), 200));
    assert_eq!(before.len(), 200);
    assert!(before.iter().all(|message| Place { hlc: message.entry.hlc, id: message.entry.id } < place));
}
