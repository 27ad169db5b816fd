//! What devices sign: nobody else can make it, every office judges it alike, and a wrong one hides nothing.

use std::time::Instant;

use noroshi_sync::entry::{Draft, Lane};
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, RoomId};

use super::dump::dump;
use super::island::Island;
use crate::deeds::{NewMessage, NewText};
use crate::fixture::{DeviceSigner, Fixture};
use crate::kinds;
use crate::render::Renderer;
use crate::view::{Actor, MessageView, SignedBy};

/// Headquarters and two branches with a room of the three; the person of the first branch has a key.
struct World {
    offices: [Island; 3],
    people: [Actor; 3],
    room: RoomId,
    key: DeviceSigner,
}

const HQ: usize = 0;
const HOME: usize = 1;

impl World {
    fn new() -> Self {
        let city = Fixture::city(3, 2).unwrap();
        let mut offices = [Island::founded(&city, 0), Island::empty(&city, 1), Island::empty(&city, 2)];
        let people = [0, 1, 2].map(|office| city.actor(office, 0).unwrap());
        let [a, b, c] = &mut offices;
        b.pull(a);
        c.pull(a);
        let room = a.room(&people[0], "対策本部", &[&people[1], &people[2]]);
        let mut world = Self { offices, people, room, key: DeviceSigner::generate().unwrap() };
        world.meet();
        world
    }

    fn meet(&mut self) {
        let [a, b, c] = &mut self.offices;
        for _ in 0..2 {
            a.exchange(b);
            a.exchange(c);
        }
    }

    fn enrol(&mut self, at: usize) {
        let office = &mut self.offices[at];
        let draft = self.key.enrol(&office.projection.directory(), &self.people[HOME], id(900 + at as u64)).unwrap();
        office.act(|desk| desk.append_ledger(vec![draft])).unwrap();
    }

    /// As the node of an office writes it down, whatever the signature is: this is what a hostile one can do.
    fn write(&mut self, at: usize, number: u64, new: &NewMessage) {
        let (author, room) = (&self.people[HOME], self.room);
        self.offices[at].act(|desk| desk.post(author, room, id(number), new)).unwrap();
    }

    fn signed(&self, number: u64, new: NewMessage) -> NewMessage {
        self.key.sign_message(self.people[HOME].user, self.room, id(number), new)
    }

    /// The message as everybody sees it, after making sure that all offices see the same and would see it again.
    fn seen(&mut self, number: u64) -> MessageView {
        self.meet();
        let views: Vec<MessageView> = (0..3).map(|office| self.view(office, number)).collect();
        let rows = dump(&self.offices[HQ].database);
        assert_eq!(rows, dump(&self.offices[2].database));
        self.offices[HQ].reindex();
        assert_eq!(dump(&self.offices[HQ].database), rows, "the rows built anew are the same");
        for view in &views {
            assert_eq!((view.signed, view.unsigned), (views[0].signed, views[0].unsigned));
        }
        views.into_iter().next().unwrap()
    }

    fn view(&self, office: usize, number: u64) -> MessageView {
        let (room, author) = (self.room, self.people[HOME].user);
        let directory = self.offices[office].projection.directory();
        self.offices[office].read(|database| {
            let room = database.room_key(&room)?.expect("the room is here");
            let shown = database.messages_of(room, &id(number), &author)?.remove(0);
            Ok(Renderer::new(database, &directory).message(&shown, None)?.expect("it is shown"))
        })
    }
}

fn id(number: u64) -> EntryId {
    EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0193_0000_0000_7000, (0x8000 << 48) | number))
}

fn text(text: &str) -> NewMessage {
    NewMessage { text: text.into(), ..NewMessage::default() }
}

fn urgent(words: &str) -> NewMessage {
    NewMessage { urgent: true, ..text(words) }
}

#[test]
fn what_a_device_signed_is_shown_as_signed_everywhere() {
    let mut world = World::new();
    world.enrol(HOME);
    for (number, new) in [(1, text("橋を通行止め")), (2, urgent("総員参集"))] {
        let new = world.signed(number, new);
        world.write(HOME, number, &new);
        let view = world.seen(number);
        assert_eq!((view.signed, view.unsigned), (SignedBy::Device, false));
    }
}

#[test]
fn without_a_signature_only_what_is_urgent_or_a_visitors_is_marked() {
    let mut world = World::new();
    world.enrol(HOME);
    world.meet();
    world.write(HOME, 1, &text("いつもの連絡"));
    world.write(HOME, 2, &urgent("総員参集"));
    world.write(HQ, 3, &text("本庁から、北支所の者です"));
    let signed = world.signed(4, text("本庁から、署名しました"));
    world.write(HQ, 4, &signed);
    let marked: Vec<_> = (1..=4).map(|number| world.seen(number)).map(|view| (view.signed, view.unsigned)).collect();
    assert_eq!(
        marked,
        [(SignedBy::None, false), (SignedBy::None, true), (SignedBy::None, true), (SignedBy::Device, false)]
    );
}

#[test]
fn a_hostile_node_cannot_sign_for_its_own_people() {
    let mut world = World::new();
    world.enrol(HOME);
    let honest = world.signed(1, urgent("避難所を開設"));
    world.write(HOME, 1, &honest);
    let other = DeviceSigner::generate().unwrap();
    let (author, room) = (world.people[HOME].user, world.room);
    let content = urgent("偽の指示").body().unwrap().encode();
    let lies = [
        // The signature of another message, of another key, of another room, as another kind, for another person.
        honest.signature.clone().unwrap(),
        other.sign(author, room, id(10), kinds::MESSAGE, &content).unwrap(),
        world.key.sign(author, RoomId::from_bytes([9; 16]), id(12), kinds::MESSAGE, &content).unwrap(),
        world.key.sign(author, room, id(13), kinds::EDIT, &content).unwrap(),
        world.key.sign(world.people[HQ].user, room, id(14), kinds::MESSAGE, &content).unwrap(),
        vec![0; 64],
        vec![1; 128],
        Vec::new(),
    ];
    for (number, lie) in (10..).zip(lies) {
        world.write(HOME, number, &NewMessage { signature: Some(lie), ..urgent("偽の指示") });
        let view = world.seen(number);
        assert_eq!((view.text.as_str(), view.signed, view.unsigned), ("偽の指示", SignedBy::None, true), "{number}");
    }
    assert_eq!(world.seen(1).signed, SignedBy::Device);
}

#[test]
fn a_node_that_changes_the_text_changes_that_it_is_signed() {
    let mut world = World::new();
    world.enrol(HOME);
    let new = world.signed(1, urgent("避難所は第一小学校"));
    world.write(HOME, 1, &new);
    let (author, room) = (world.people[HOME].clone(), world.room);
    let edit = |world: &mut World, new: NewText| {
        world.offices[HOME].act(|desk| desk.edit(&author, room, id(1), &new)).unwrap();
        let view = world.seen(1);
        (view.text, view.signed, view.unsigned)
    };
    assert_eq!(edit(&mut world, "避難所は山の上".into()), ("避難所は山の上".into(), SignedBy::None, true));
    let own = world.key.sign_text(author.user, room, id(1), id(2), "避難所は第二小学校");
    assert_eq!(edit(&mut world, own), ("避難所は第二小学校".into(), SignedBy::Device, false));
    // A signature moved to another text, or to another message, is none.
    let moved = world.key.sign_text(author.user, room, id(1), id(3), "避難所は第三小学校");
    let moved = NewText { text: "避難所は海岸".into(), ..moved };
    assert_eq!(edit(&mut world, moved), ("避難所は海岸".into(), SignedBy::None, true));
}

#[test]
fn who_repeats_a_message_without_its_signature_takes_nothing_away() {
    let mut world = World::new();
    world.enrol(HOME);
    world.meet();
    // Headquarters, cut off, writes the same down first, without the signature; then the other way round.
    for (number, first) in [(1, HQ), (2, HOME)] {
        let plain = urgent("停電しています");
        let signed = world.signed(number, plain.clone());
        let (one, other) = if first == HQ { (plain, signed) } else { (signed, plain) };
        world.write(HQ, number, &one);
        world.write(HOME, number, &other);
        let view = world.seen(number);
        assert_eq!((view.signed, view.unsigned, view.conflict), (SignedBy::Device, false, false), "{number}");
    }
}

#[test]
fn a_signature_counts_once_the_ledger_knows_the_device() {
    let mut world = World::new();
    let new = world.signed(1, urgent("先に届いた"));
    world.write(HOME, 1, &new);
    assert!(world.seen(1).unsigned, "of a device nobody knows");
    world.enrol(HOME);
    assert_eq!(world.seen(1).signed, SignedBy::Device);
}

/// Prints what signatures cost; judges nothing, since machines differ.
#[test]
fn what_a_signature_costs() {
    const BATCHES: u64 = 20;
    const BATCH: u64 = 100;
    let mut world = World::new();
    world.enrol(HOME);
    let (author, room) = (world.people[HOME].clone(), world.room);
    let news = |first: u64, signed: bool| -> Vec<(EntryId, NewMessage)> {
        let new = |number| (id(number), text("避難所の毛布が足りません。至急百枚を送ってください。"));
        let all = (first..first + BATCHES * BATCH).map(new);
        let sign = |(id, new): (EntryId, NewMessage)| (id, world.key.sign_message(author.user, room, id, new));
        if signed { all.map(sign).collect() } else { all.collect() }
    };
    let plain = news(10_000, false);
    let (fresh, ahead) = (news(20_000, true), news(30_000, true));
    let office = &mut world.offices[HOME];
    let started = Instant::now();
    for (id, new) in &ahead {
        let body = new.body().unwrap().encode();
        let draft = Draft::attested(room, Lane::Normal, *id, kinds::MESSAGE, author.user, author.device, *id, body);
        let entry = draft.signed_by_device(new.signature.clone()).into_entry(1, Hlc::ZERO, 0, None);
        assert!(office.projection.check_ahead(room, &entry));
    }
    let each = started.elapsed() / (BATCHES * BATCH) as u32;
    println!("a signature is checked in {each:?}");
    for (what, all) in [("unsigned", plain), ("signed, checked by the writer", fresh), ("signed, checked ahead", ahead)]
    {
        let started = Instant::now();
        for batch in all.chunks(BATCH as usize) {
            office
                .act(|desk| batch.iter().try_for_each(|(id, new)| desk.post(&author, room, *id, new).map(drop)))
                .unwrap();
        }
        let rate = (BATCHES * BATCH) as f64 / started.elapsed().as_secs_f64();
        println!("{rate:.0} posts a second in transactions of {BATCH}, {what}");
    }
}
