//! What a peer says its message answers is kept as it came, and never shows what was said in another room.

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::id::{EntryId, RoomId};

use super::island::Island;
use crate::body::Message;
use crate::fixture::Fixture;
use crate::kinds;
use crate::render::Renderer;
use crate::view::{Actor, MessageView};

/// What the actor is shown of the only message of the room.
fn shown(island: &Island, actor: &Actor, room: RoomId) -> MessageView {
    let directory = island.projection.directory();
    island.read(|database| {
        let (row, _) = database.room_of_member(&room, &actor.user)?.unwrap();
        let message = database.messages_before(row.pk, None, 2)?.pop().unwrap();
        Ok(Renderer::new(database, &directory).message(&message, Some(actor.user))?.unwrap())
    })
}

#[test]
fn a_reply_from_a_peer_never_quotes_another_room() {
    let city = Fixture::city(2, 2).unwrap();
    let (mut a, mut b) = (Island::founded(&city, 0), Island::empty(&city, 1));
    b.pull(&a);
    let (chief, branch) = (city.actor(0, 0).unwrap(), city.actor(1, 0).unwrap());
    let (secret, open) = (a.room(&chief, "人事", &[]), a.room(&chief, "本部", &[&branch]));
    let said = a.post(&chief, secret, "内輪の話");
    a.exchange(&mut b);
    // A node that checks nothing.
    let grant = b.read(|database| database.standing(&open, &branch.user)).unwrap().grant;
    let id = EntryId::from_uuid(uuid::Uuid::now_v7());
    let body = Message::new("返信です".into(), Some(said), Vec::new(), false).encode();
    let kind = kinds::MESSAGE;
    let draft = Draft::attested(open, Lane::Normal, id, kind, branch.user, branch.device, grant, body);
    b.act(|desk| Ok(desk.append(vec![draft])?)).unwrap();
    assert_eq!(a.pull(&b), 0);
    for (island, actor) in [(&a, &chief), (&a, &branch), (&b, &branch)] {
        let view = shown(island, actor, open);
        let reply = view.reply_to.unwrap();
        assert_eq!((view.text.as_str(), reply.id), ("返信です", said.as_uuid()));
        assert_eq!((reply.excerpt.as_str(), reply.author_name.as_str()), ("", ""));
    }
    assert_eq!(a.texts(&chief, secret), vec!["内輪の話"]);
}
