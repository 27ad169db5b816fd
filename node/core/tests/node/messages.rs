//! Messages: posting once, limits, pages, marks.

use noroshi_node::view::{MessagePage, RoomKind};
use noroshi_node::{Anchor, NewMessage, PageRequest, ServiceError};
use noroshi_sync::id::{EntryId, RoomId, UserId};

use crate::city::{ADMIN, Office, message, new_id, new_room, person};

fn invalid(field: &'static str, code: &'static str) -> ServiceError {
    ServiceError::Invalid { field, code }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_identical_posts_are_one_message() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let id = new_id();
    let mut tasks = Vec::new();
    for _ in 0..1_000 {
        let (node, chief) = (office.node.clone(), chief.clone());
        tasks.push(tokio::spawn(async move { node.post(&chief, room, id, message("参集")).await.unwrap() }));
    }
    let mut created = 0;
    for task in tasks {
        let (new, view) = task.await.unwrap();
        assert_eq!((view.id, view.text.as_str()), (id.as_uuid(), "参集"));
        created += u32::from(new);
    }
    assert_eq!(created, 1);
    assert_eq!(office.texts(&chief, room).await, vec!["参集"]);
    assert_eq!(office.node.post(&chief, room, id, message("解散")).await.unwrap_err(), ServiceError::Conflict);
    let urgent = NewMessage { urgent: true, ..message("参集") };
    assert_eq!(office.node.post(&chief, room, id, urgent).await.unwrap_err(), ServiceError::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_of_a_message_is_kept() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let post = |new: NewMessage| async { office.node.post(&chief, room, new_id(), new).await.map(|(_, view)| view) };
    assert!(post(message(&"災".repeat(10_000))).await.is_ok());
    assert_eq!(post(message(&"災".repeat(10_001))).await.unwrap_err(), invalid("text", "too_long"));
    assert_eq!(post(message("  \n")).await.unwrap_err(), invalid("text", "empty"));
    assert_eq!(post(message("a\u{1b}[0m")).await.unwrap_err(), invalid("text", "control_characters"));
    assert_eq!(post(message("  前後の空白 \n")).await.unwrap().text, "前後の空白");
    let mention = |mentions| NewMessage { mentions, ..message("x") };
    let stranger = UserId::from_bytes([1; 16]);
    assert_eq!(post(mention(vec![stranger])).await.unwrap_err(), invalid("mentions", "unknown_user"));
    let twice = post(mention(vec![chief.user, chief.user])).await.unwrap();
    assert_eq!(twice.mentions.len(), 1);
    let many: Vec<_> = (0..101u16).map(|n| UserId::from_uuid(uuid::Uuid::from_u64_pair(1, n.into()))).collect();
    assert_eq!(post(mention(many.clone())).await.unwrap_err(), invalid("mentions", "too_many"));
    assert_eq!(post(mention(many[1..].to_vec())).await.unwrap_err(), invalid("mentions", "unknown_user"));
    let nil = office.node.post(&chief, room, EntryId::NIL, message("x")).await;
    assert_eq!(nil.unwrap_err(), invalid("id", "malformed"));
    let id = office.post(&chief, room, "x").await;
    assert_eq!(office.node.edit(&chief, room, id, "").await.unwrap_err(), invalid("text", "empty"));
    assert_eq!(office.node.edit(&chief, room, id, "x".repeat(10_001)).await.unwrap_err(), invalid("text", "too_long"));
    for (stamp, good) in
        [("a".repeat(32), true), ("a".repeat(33), false), (String::new(), false), ("了解".into(), false)]
    {
        let result = office.node.react(&chief, room, id, &stamp, true).await;
        assert_eq!(result.is_ok(), good, "{stamp}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_and_a_read_mark_stay_within_their_room() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let (room, other) = (office.room(&[&chief, &staff]).await, office.room(&[&chief, &staff]).await);
    let elsewhere = office.post(&chief, other, "別室の話").await;
    let here = office.post(&chief, room, "橋が落ちた").await;
    let reply_to = |target| NewMessage { reply_to: Some(target), ..message("どの橋ですか") };
    let id = new_id();
    // Another room's, nobody's, and the message itself.
    for target in [elsewhere, new_id(), EntryId::NIL, id] {
        let refused = office.node.post(&staff, room, id, reply_to(target)).await;
        assert_eq!(refused.unwrap_err(), invalid("reply_to", "unknown_message"));
    }
    assert_eq!(office.texts(&staff, room).await, vec!["橋が落ちた"]);
    assert_eq!(office.node.mark_read(&staff, room, elsewhere).await.unwrap_err(), ServiceError::NotFound);
    assert_eq!((office.node.room(&staff, room).await.unwrap().my_read, office.unread(&staff, other).await), (None, 1));
    assert!(office.node.post(&staff, room, id, reply_to(here)).await.unwrap().0);
    // Taken back since: a repetition is one still, and there is something to answer.
    office.node.redact(&chief, room, here).await.unwrap();
    assert!(!office.node.post(&staff, room, id, reply_to(here)).await.unwrap().0);
    let (_, late) = office.node.post(&staff, room, new_id(), reply_to(here)).await.unwrap();
    assert_eq!(late.reply_to.unwrap().excerpt, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_are_written_by_administrators() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let new = new_room("お知らせ", RoomKind::Announcement, &[&staff]);
    let room = RoomId::from_uuid(office.node.create_room(&chief, new).await.unwrap().1.id);
    let id = office.post(&chief, room, "本日休業").await;
    let refused = office.node.post(&staff, room, new_id(), message("質問です")).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))));
    office.node.react(&staff, room, id, "ryokai", true).await.unwrap();
    office.node.set_member(&chief, room, staff.user, ADMIN).await.unwrap();
    office.post(&staff, room, "回答です").await;
    assert_eq!(office.texts(&staff, room).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_stamps_and_redactions_show_in_the_view() {
    let office = Office::founded(0).await;
    let (chief, staff) = (person(0, 0), person(0, 1));
    let room = office.room(&[&chief, &staff]).await;
    let id = office.post(&staff, room, "橋が落ちた").await;
    let reply = NewMessage { reply_to: Some(id), mentions: vec![staff.user], ..message("どの橋ですか") };
    let (_, reply) = office.node.post(&chief, room, new_id(), reply).await.unwrap();
    let quoted = reply.reply_to.unwrap();
    assert_eq!((quoted.id, quoted.excerpt.as_str()), (id.as_uuid(), "橋が落ちた"));
    assert_eq!(reply.mentions[0].id, staff.user.as_uuid());
    let edited = office.node.edit(&staff, room, id, " 大橋が落ちた ").await.unwrap();
    assert!(edited.text == "大橋が落ちた" && edited.edited_at.is_some() && edited.my_own);
    assert!(matches!(office.node.edit(&chief, room, id, "x").await, Err(ServiceError::Forbidden(_))));
    assert_eq!(office.node.edit(&staff, room, new_id(), "x").await.unwrap_err(), ServiceError::NotFound);
    for (actor, on) in [(&chief, true), (&chief, true), (&staff, true), (&staff, false)] {
        office.node.react(actor, room, id, "ryokai", on).await.unwrap();
    }
    let page = latest(&office, &chief, room, 50).await;
    let reactions = &page.items[0].reactions;
    assert_eq!((reactions.len(), reactions[0].users.len()), (1, 1));
    assert_eq!(page.items[1].reply_to.as_ref().unwrap().excerpt, "大橋が落ちた");
    // Somebody else's message is taken back by administrators only.
    let other = office.post(&chief, room, "x").await;
    assert!(matches!(office.node.redact(&staff, room, other).await, Err(ServiceError::Forbidden(_))));
    office.node.redact(&chief, room, id).await.unwrap();
    office.node.redact(&staff, room, id).await.unwrap();
    let page = latest(&office, &staff, room, 50).await;
    let gone = &page.items[0];
    assert!(gone.text.is_empty() && gone.redacted.as_ref().is_some_and(|by| by.by.id == chief.user.as_uuid()));
    assert_eq!(page.items[1].reply_to.as_ref().unwrap().excerpt, "");
    let late = office.node.react(&staff, room, id, "ryokai", true).await;
    assert_eq!(late.unwrap_err(), invalid("message", "redacted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let mut ids = Vec::new();
    for number in 0..23 {
        ids.push(office.post(&chief, room, &format!("{number}")).await.as_uuid());
    }
    let get = |limit, anchor| office.node.messages(&chief, room, PageRequest { limit, anchor });
    let of = |page: &MessagePage| page.items.iter().map(|message| message.id).collect::<Vec<_>>();
    let mut page = get(10, Anchor::Latest).await.unwrap();
    assert_eq!((of(&page), page.previous.is_none()), (ids[13..].to_vec(), true));
    let mut collected = vec![of(&page)];
    while let Some(next) = page.next {
        page = get(10, Anchor::Before(next)).await.unwrap();
        assert!(page.previous.is_some());
        collected.push(of(&page));
    }
    collected.reverse();
    assert_eq!(collected.concat(), ids);
    let mut page = get(7, Anchor::After(ids[0].to_string())).await.unwrap();
    let mut forward = of(&page);
    while let Some(previous) = page.previous {
        page = get(7, Anchor::After(previous)).await.unwrap();
        forward.extend(of(&page));
    }
    assert_eq!(forward, ids[1..]);
    let around = get(5, Anchor::Around(EntryId::from_uuid(ids[10]))).await.unwrap();
    assert_eq!(of(&around), ids[8..13]);
    assert!(around.next.is_some() && around.previous.is_some());
    let first = get(5, Anchor::Around(EntryId::from_uuid(ids[0]))).await.unwrap();
    assert_eq!((of(&first), first.next), (ids[..5].to_vec(), None));
    let empty = get(5, Anchor::After(ids[22].to_string())).await.unwrap();
    assert_eq!((empty.items.len(), empty.previous), (0, None));
    for (limit, good) in [(0, false), (1, true), (200, true), (201, false)] {
        assert_eq!(get(limit, Anchor::Latest).await.is_ok(), good, "{limit}");
    }
    for bad in ["", "-1", "x", "9223372036854775808", &"0".repeat(10_000)] {
        assert_eq!(get(5, Anchor::Before(bad.into())).await.unwrap_err(), invalid("before", "malformed"), "{bad:.20}");
        assert_eq!(get(5, Anchor::After(bad.into())).await.unwrap_err(), invalid("after", "malformed"));
    }
    assert_eq!(get(5, Anchor::Before(new_id().to_string())).await.unwrap_err(), ServiceError::NotFound);
    assert_eq!(get(5, Anchor::Around(new_id())).await.unwrap_err(), ServiceError::NotFound);
}

async fn latest(office: &Office, actor: &noroshi_node::view::Actor, room: RoomId, limit: u32) -> MessagePage {
    office.node.messages(actor, room, PageRequest { limit, anchor: Anchor::Latest }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_large_room_costs_the_page() {
    let office = Office::founded(0).await;
    let chief = person(0, 0);
    let room = office.room(&[&chief]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..2_000 {
        let (node, chief) = (office.node.clone(), chief.clone());
        tasks.spawn(async move { node.post(&chief, room, new_id(), message(&format!("{number}"))).await.unwrap() });
    }
    while tasks.join_next().await.is_some() {}
    let page = latest(&office, &chief, room, 50).await;
    assert_eq!(page.items.len(), 50);
    assert!(page.items.is_sorted_by_key(|message| message.sent_at.0.clone()));
    assert_eq!(office.node.rooms(&chief).await.unwrap()[0].unread, 0);
    assert!(office.node.check().await.unwrap().damages.is_empty());
    let before = latest(&office, &chief, room, 200).await;
    office.node.reindex(|_, _| {}).await.unwrap();
    assert_eq!(latest(&office, &chief, room, 200).await, before);
}
