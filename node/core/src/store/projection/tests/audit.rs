//! The audit log: written with the deed, held by others, and nobody changes one copy unnoticed.

use noroshi_provisioning::audit::{AuditEvent, AuditKind};
use noroshi_provisioning::body::body_of;
use noroshi_provisioning::ledger::LedgerWriter;
use noroshi_sync::id::{DeviceId, EntryId, RoomId, UserId};
use noroshi_sync::store::{StoreError, WallClock};

use super::dump::dump;
use super::island::Island;
use crate::deeds::Stopped;
use crate::error::ServiceError;
use crate::fixture::Fixture;
use crate::store::query::AuditFilter;
use crate::store::{AuditProof, AuditRow, Damage};

/// Headquarters, a branch, and another branch, which holds a copy of both others.
struct World {
    city: Fixture,
    offices: [Island; 3],
}

fn world() -> World {
    let city = Fixture::city(3, 3).unwrap();
    let mut offices = [Island::founded(&city, 0), Island::empty(&city, 1), Island::empty(&city, 2)];
    let [a, b, c] = &mut offices;
    b.pull(a);
    c.pull(a);
    World { city, offices }
}

fn everything() -> AuditFilter {
    AuditFilter { until_ms: u64::MAX, ..AuditFilter::default() }
}

/// All lines of an island, the oldest first, with what they stand on.
fn lines(island: &Island) -> Vec<(AuditRow, AuditProof)> {
    island.read(|database| {
        let page = database.audit_page(&everything(), 1_000, |_| Ok(true))?;
        let proofs = database.audit_proofs(&page.rows)?;
        Ok(page.rows.into_iter().zip(proofs).rev().collect())
    })
}

fn kinds(island: &Island) -> Vec<AuditKind> {
    lines(island).iter().filter_map(|(row, _)| AuditKind::of_number(row.kind)).collect()
}

fn unverified(island: &Island) -> usize {
    lines(island).iter().filter(|(_, proof)| !proof.verified).count()
}

fn room_of(city: &Fixture, island: &Island, office: usize) -> RoomId {
    island.projection.directory().rooms().audit(city.offices[office].id)
}

/// The branch stops somebody of its own, many times over, with a letter of its own each.
fn stop_somebody(city: &Fixture, island: &mut Island, office: usize) {
    let (admin, user) = (city.actor(office, 0).unwrap(), city.actor(office, 2).unwrap().user);
    island.act(|desk| desk.suspend(&admin, Stopped::User(user), "紛失", None)).unwrap();
}

fn note(island: &mut Island, times: u32) {
    for number in 0..times {
        let event = AuditEvent::new(AuditKind::LogIn, None).with("address", &format!("10.0.0.{number}"));
        island.act(|desk| Ok(desk.note((UserId::NIL, DeviceId::NIL), &event)?)).unwrap();
    }
}

#[test]
fn a_deed_and_its_event_are_one_step() {
    let World { city, offices: [_, mut b, _] } = world();
    let (admin, user) = (city.actor(1, 0).unwrap(), city.actor(1, 2).unwrap().user);
    let fails = b.act(|desk| {
        desk.suspend(&admin, Stopped::User(user), "紛失", None)?;
        Err::<(), _>(ServiceError::Conflict)
    });
    assert_eq!(fails, Err(ServiceError::Conflict));
    assert_eq!(kinds(&b), [], "a deed that failed has no event");
    assert!(!b.projection.directory().is_suspended(b.database.node(), user));

    stop_somebody(&city, &mut b, 1);
    let lines = lines(&b);
    assert_eq!(kinds(&b), [AuditKind::UserSuspended]);
    let (row, proof) = &lines[0];
    assert_eq!((row.actor, row.subject), (admin.user, Some(user)));
    let event = body_of::<AuditEvent>(proof.entry.as_ref().unwrap()).unwrap();
    assert_eq!(event.detail, [("reason".to_owned(), "紛失".to_owned())]);
    assert!(proof.verified);
    // No right is resolved from it: the ledger knows nothing of the audit room.
    assert!(b.projection.directory().ledger_audience(room_of(&city, &b, 1)).is_none());
}

#[test]
fn the_office_headquarters_and_one_more_hold_it_and_nobody_else() {
    let city = Fixture::city(5, 2).unwrap();
    let mut offices: Vec<Island> = (0..5).map(|office| Island::empty(&city, office)).collect();
    city.write_ledger(&mut offices[0].database).unwrap();
    for office in 1..5 {
        let (first, rest) = offices.split_at_mut(1);
        rest[office - 1].pull(&first[0]);
    }
    note(&mut offices[1], 3);
    for _ in 0..2 {
        for from in 0..5 {
            for to in (0..5).filter(|to| *to != from) {
                let (low, high) = offices.split_at_mut(from.max(to));
                let (lower, higher) = (&mut low[from.min(to)], &mut high[0]);
                if from < to {
                    higher.pull(lower)
                } else {
                    lower.pull(higher)
                };
            }
        }
    }
    let holders: Vec<usize> = (0..5).filter(|office| lines(&offices[*office]).len() == 3).collect();
    assert_eq!(holders.len(), 3, "{holders:?}");
    assert!(holders.contains(&0) && holders.contains(&1));
    let nothing = (0..5).filter(|office| lines(&offices[*office]).is_empty()).count();
    assert_eq!(nothing, 2);
}

/// Whether this is the damage that was done.
type IsFound = fn(&Damage) -> bool;

#[test]
fn an_edit_of_one_nodes_copy_is_detected() {
    // What an intruder does to the copy at headquarters, and what the check calls it.
    let edits: [(&str, &str, IsFound); 6] = [
        (
            "the bytes of an entry",
            "UPDATE entries SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'41' AS BLOB)
             WHERE entry_pk = (SELECT max(entry_pk) - 3 FROM audit)",
            |damage| matches!(damage, Damage::Chain { .. }),
        ),
        (
            "the bytes, and the hash that follows from them",
            "UPDATE checkpoints SET hash = zeroblob(32) WHERE entry_pk = (SELECT max(entry_pk) FROM audit)",
            |damage| matches!(damage, Damage::Chain { .. } | Damage::Signature { .. }),
        ),
        (
            "who did it, in the row",
            "UPDATE audit SET actor = x'11111111111111111111111111111111'
             WHERE entry_pk = (SELECT max(entry_pk) - 3 FROM audit)",
            |damage| matches!(damage, Damage::AuditRow { .. }),
        ),
        ("the row is gone", "DELETE FROM audit WHERE entry_pk = (SELECT max(entry_pk) - 3 FROM audit)", |damage| {
            matches!(damage, Damage::AuditRow { .. })
        }),
        ("the entry is gone", "DELETE FROM entries WHERE entry_pk = (SELECT max(entry_pk) - 3 FROM audit)", |damage| {
            matches!(damage, Damage::Missing { .. })
        }),
        (
            "the last entries are gone",
            "DELETE FROM entries WHERE entry_pk > (SELECT max(entry_pk) - 5 FROM audit)
                AND entry_pk <= (SELECT max(entry_pk) FROM audit)",
            |damage| matches!(damage, Damage::Missing { .. }),
        ),
    ];
    for (what, sql, is_named) in edits {
        let World { city: _city, offices: [mut a, mut b, mut c] } = world();
        note(&mut b, 20);
        a.exchange(&mut b);
        c.exchange(&mut b);
        for island in [&a, &b, &c] {
            assert_eq!((lines(island).len(), unverified(island)), (20, 0), "{what}");
            assert_eq!(island.database.check().unwrap().damages, vec![], "{what}");
        }
        assert_ne!(a.database.execute(sql, []).unwrap(), 0, "{what}");
        assert!(unverified(&a) > 0, "the viewer says so: {what}");
        let damages = a.database.check().unwrap().damages;
        assert!(damages.iter().any(is_named), "the check says so: {what}: {damages:?}");
        for neighbour in [&b, &c] {
            assert_eq!((lines(neighbour).len(), unverified(neighbour)), (20, 0), "the others have it: {what}");
        }
    }
}

/// Takes the newest half of a log away and makes everything else fit, as well as it can be done without the node's key.
fn cut(island: &Island, log: &str) {
    let node = island.database.node();
    island
        .database
        .execute(
            &format!("DELETE FROM entries WHERE entry_pk >> 32 IN ({log}) AND (entry_pk & 4294967295) > 64"),
            [node.as_bytes()],
        )
        .unwrap();
    for sql in [
        format!("DELETE FROM audit WHERE entry_pk >> 32 IN ({log}) AND (entry_pk & 4294967295) > 64"),
        format!("DELETE FROM checkpoints WHERE entry_pk >> 32 IN ({log}) AND (entry_pk & 4294967295) > 64"),
        format!(
            "UPDATE logs SET length = 64, kept = 64, kept_bytes = 0,
                hash = (SELECT hash FROM checkpoints WHERE entry_pk = (log_pk << 32) + 64)
             WHERE log_pk IN ({log})"
        ),
    ] {
        assert_ne!(island.database.execute(&sql, [node.as_bytes()]).unwrap(), 0, "{sql}");
    }
}

#[test]
fn a_log_cut_short_is_noticed_and_taken_again_from_the_neighbour() {
    let World { city, offices: [mut a, mut b, _] } = world();
    note(&mut b, 100);
    a.exchange(&mut b);
    assert_eq!(lines(&a).len(), 100);
    // At headquarters somebody takes the end of the branch's log away, up to a place that is signed.
    cut(
        &a,
        "SELECT log_pk FROM logs JOIN rooms USING (room_pk) JOIN nodes USING (node_pk) JOIN audit_rooms USING (room_pk) WHERE lane = 2 AND nodes.id <> ?",
    );
    let mut a = a.restart(901);
    assert_eq!((lines(&a).len(), unverified(&a)), (64, 0), "each line that is left is genuine");
    let damages = a.database.check().unwrap().damages;
    assert!(
        damages.iter().any(|damage| matches!(damage, Damage::Fewer { said: 100, found: 64, .. })),
        "this node itself had signed that it holds more: {damages:?}"
    );
    assert_eq!(a.database.check_audit_held().unwrap().len(), 1, "and says so at the next start");
    a.pull(&b);
    assert_eq!((lines(&a).len(), unverified(&a)), (100, 0), "the neighbour's copy is whole");
    assert_eq!(a.database.check_audit_held().unwrap(), vec![]);
    let _ = city;
}

#[test]
fn what_a_node_took_from_its_own_log_comes_back_with_an_alarm() {
    let World { city, offices: [mut a, mut b, mut c] } = world();
    note(&mut b, 100);
    a.exchange(&mut b);
    c.exchange(&mut b);
    cut(
        &b,
        "SELECT log_pk FROM logs JOIN rooms USING (room_pk) JOIN nodes USING (node_pk) JOIN audit_rooms USING (room_pk) WHERE lane = 2 AND nodes.id = ?",
    );
    let mut b = b.restart(902);
    assert_eq!(lines(&b).len(), 64);
    b.pull(&a);
    let found = lines(&b);
    assert_eq!(unverified(&b), 0);
    assert_eq!(found.len(), 101, "all that was taken, and one more");
    assert!(kinds(&b).contains(&AuditKind::RecordsReturned));
    b.pull(&a);
    assert_eq!(lines(&b).len(), 101, "said once");
    // It stands in the log of the office, for everybody who holds it.
    a.exchange(&mut b);
    assert_eq!(kinds(&a).last(), Some(&AuditKind::RecordsReturned));
    let _ = city;
}

#[test]
fn the_rows_are_a_function_of_the_entries() {
    let World { city, offices: [mut a, mut b, mut c] } = world();
    note(&mut b, 5);
    stop_somebody(&city, &mut b, 1);
    a.exchange(&mut b);
    note(&mut a, 2);
    c.exchange(&mut a);
    c.exchange(&mut b);
    let same = |island: &mut Island| {
        let (before, rows) = (dump(&island.database), lines(island));
        assert!(!rows.is_empty());
        island.reindex();
        assert_eq!((dump(&island.database), lines(island)), (before, rows));
    };
    same(&mut a);
    same(&mut b);
    // Which rows they are does not depend on the island, nor on the order in which they came.
    let of_branch = |island: &Island| -> Vec<(EntryId, u64)> {
        let room = island.database.room_pk(&room_of(&city, island, 1)).unwrap().unwrap();
        lines(island).iter().filter(|(row, _)| row.room == room).map(|(row, _)| (row.id, row.at_ms)).collect()
    };
    assert_eq!(of_branch(&a), of_branch(&b));
    assert_eq!(of_branch(&c), of_branch(&b));
}

#[test]
fn an_event_of_a_later_program_is_kept_and_an_unreadable_one_too() {
    let World { city, offices: [mut a, mut b, _] } = world();
    let room = room_of(&city, &b, 1);
    let later = AuditEvent { kind: 60_000, count: 1, subject: None, detail: Vec::new() };
    let mut drafts = Vec::new();
    for number in 0..2u8 {
        let id =
            EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0192_0000_0000_7000, (0x8000 << 48) | u64::from(number)));
        drafts.push(later.draft(room, id, UserId::NIL, DeviceId::NIL).unwrap());
    }
    drafts[1].body = vec![1, 0xff, 0xff];
    b.database
        .write(|writing| writing.append(drafts, WallClock { now_ms: crate::fixture::FOUNDED_MS, offset_ms: None }))
        .map_err(|error: StoreError| error)
        .unwrap();
    a.exchange(&mut b);
    let kinds: Vec<u16> = lines(&a).iter().map(|(row, _)| row.kind).collect();
    assert_eq!((kinds, unverified(&a)), (vec![60_000, crate::store::UNREADABLE], 0));
}

#[test]
fn nothing_that_is_written_there_is_seen_as_a_message_or_counts_as_a_right() {
    let World { city, offices: [mut a, mut b, _] } = world();
    let room = room_of(&city, &b, 1);
    let admin = city.actor(1, 0).unwrap();
    // Nobody makes a room of people of it.
    let new = crate::deeds::NewRoom {
        id: Some(room),
        name: "監査".into(),
        topic: String::new(),
        purpose: String::new(),
        kind: crate::view::RoomKind::Group,
        members: Vec::new(),
        offices: Vec::new(),
    };
    assert_eq!(b.act(|desk| desk.create_room(&admin, &new)).unwrap_err(), ServiceError::Conflict);
    note(&mut b, 1);
    a.exchange(&mut b);
    assert_eq!(a.texts(&city.actor(0, 0).unwrap(), room), ["×"]);
    let messages = a.database.row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(messages, Some(0));
}

#[test]
fn a_revoked_nodes_word_counts_as_far_as_it_was_witnessed() {
    let World { city, offices: [mut a, mut b, mut c] } = world();
    note(&mut b, 3);
    a.exchange(&mut b);
    let directory = a.projection.directory();
    let writer = LedgerWriter { directory: &directory, signer: &city.administrator, device: DeviceId::NIL };
    let id = EntryId::from_uuid(uuid::Uuid::now_v7());
    let draft = writer.revoke(id, city.offices[1].identity.node(), "盗難").unwrap();
    a.act(|desk| desk.append_ledger(vec![draft])).unwrap();
    a.act(|desk| desk.witness_revoked()).unwrap();
    // The thief goes on.
    note(&mut b, 4);
    let (windows, registers) = a.missing(&b);
    a.apply(&b, windows, registers);
    a.exchange(&mut c);
    let (log, witnessed) = a.read(|database| {
        let row = database.audit_page(&everything(), 1_000, |_| Ok(true))?.rows.into_iter().map(|row| row.entry);
        let mut logs: Vec<_> = row.map(|entry| database.log_of(entry)).collect::<Result<_, _>>()?;
        logs.retain(|log| log.node == city.offices[1].identity.node());
        let log = *logs.first().unwrap();
        Ok((log, database.witnessed(&log)?))
    });
    assert_eq!((log.room, witnessed), (room_of(&city, &a, 1), 3));
}

#[test]
fn every_page_is_found_by_an_index() {
    let World { offices: [a, ..], .. } = world();
    let user = UserId::from_bytes([3; 16]);
    let filters = [
        everything(),
        AuditFilter { kind: Some(2), ..everything() },
        AuditFilter { user: Some(user), ..everything() },
        AuditFilter { office: Some(noroshi_provisioning::OfficeId::from_bytes([7; 16])), ..everything() },
    ];
    for filter in filters {
        for step in a.read(|database| database.audit_plan(&filter)) {
            assert!(!step.contains("SCAN audit") || step.contains("USING INDEX"), "{filter:?}: {step}");
            assert!(!step.contains("TEMP B-TREE") || filter.user.is_some(), "{filter:?}: {step}");
            println!("{step}");
        }
    }
}

/// Prints what looking things up costs among a million lines; asserts only that the right ones are found.
#[test]
fn a_page_among_a_million_lines() {
    let World { offices: [mut a, ..], .. } = world();
    note(&mut a, 300);
    let real = lines(&a).pop().unwrap().0;
    // Older lines by the thousand, by a thousand people in 40 kinds; what they point at does not matter here.
    let fill = "WITH RECURSIVE line (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM line WHERE n < 1000000)
         INSERT INTO audit (entry_pk, room_pk, at_ms, id, kind, actor, subject)
         SELECT (9 << 32) + n, ?1, n, randomblob(16), 1 + n % 40, CAST(printf('%016d', n % 100) AS BLOB),
                CASE WHEN n % 3 = 0 THEN CAST(printf('%016d', n % 97) AS BLOB) END FROM line";
    a.database.execute(fill, [real.room]).unwrap();
    let somebody = UserId::from_bytes(*b"0000000000000007");
    let old = AuditFilter { until_ms: 900_000, ..everything() };
    for (what, filter, expected) in [
        ("the newest", everything(), 100),
        ("before a day", old.clone(), 100),
        ("one kind", AuditFilter { kind: Some(7), ..old.clone() }, 100),
        ("one person", AuditFilter { user: Some(somebody), ..old.clone() }, 100),
        ("one person and one kind", AuditFilter { user: Some(somebody), kind: Some(8), ..old }, 100),
    ] {
        let start = std::time::Instant::now();
        let page = a.read(|database| database.audit_page(&filter, 100, |_| Ok(true)));
        println!("{what}: {} lines in {:.2} ms", page.rows.len(), start.elapsed().as_secs_f64() * 1e3);
        assert_eq!(page.rows.len(), expected, "{what}");
        assert!(page.rows.is_sorted_by_key(|row| std::cmp::Reverse((row.at_ms, row.entry))));
    }
    let newest = a.read(|database| database.audit_page(&everything(), 100, |_| Ok(true)));
    let start = std::time::Instant::now();
    let proofs = a.read(|database| database.audit_proofs(&newest.rows));
    println!("proof of 100 lines: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    assert!(proofs.iter().all(|proof| proof.verified));
}

/// Prints what an event costs the deed it goes with, in one transaction of many.
#[test]
fn an_event_costs_little() {
    let World { offices: [mut a, ..], .. } = world();
    let event = AuditEvent::new(AuditKind::LogIn, None).with("address", "10.0.0.1");
    let start = std::time::Instant::now();
    a.act(|desk| {
        for _ in 0..10_000 {
            desk.note((UserId::from_bytes([1; 16]), DeviceId::NIL), &event)?;
        }
        Ok(())
    })
    .unwrap();
    let each_us = start.elapsed().as_secs_f64() * 1e6 / 10_000.0;
    println!("an event: {each_us:.1} µs");
    assert_eq!(a.read(|database| database.audit_counts()).len(), 1);
}
