//! Plays the day of the demo: the four nodes run in this process under a clock of their own, connected as ever, and
//! everybody posts at their own office at the time the file says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use noroshi_node::clock::Clock;
use noroshi_node::error::ServiceError;
use noroshi_node::view::{Actor, Role, RoomKind};
use noroshi_node::{NewMessage, NewRoom};
use noroshi_sync::id::{DeviceId, EntryId, RoomId};
use uuid::Uuid;

use super::Place;
use super::city::{City, DemoMessage, DemoRoom};
use crate::commands::{Failure, runtime};
use crate::folder::DataFolder;
use crate::office::{Office, wall_ms};
use crate::wiring::Line;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const JAPAN_MS: u64 = 9 * 60 * 60 * 1_000;
/// What one office wrote reaches the others within this, on one machine.
const REPLICATION_LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The time of the story; it only moves when the story says so.
#[derive(Debug)]
struct StoryClock {
    wall_ms: AtomicU64,
    start: Instant,
}

impl StoryClock {
    fn new(wall_ms: u64) -> Self {
        Self { wall_ms: AtomicU64::new(wall_ms), start: Instant::now() }
    }

    fn set(&self, wall_ms: u64) {
        self.wall_ms.fetch_max(wall_ms, Ordering::SeqCst);
    }
}

impl Clock for StoryClock {
    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }
    fn mono_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The offices while the day is played.
struct Stage<'a> {
    city: &'a City,
    offices: BTreeMap<&'a str, (Arc<Office>, Line)>,
    actors: BTreeMap<&'a str, Actor>,
    clock: Arc<StoryClock>,
}

/// Plays yesterday, so that nothing lies in the future.
pub fn play(city: &City, places: &[Place], bar: &ProgressBar) -> Result<(), Failure> {
    let midnight = (wall_ms() + JAPAN_MS) / DAY_MS * DAY_MS - JAPAN_MS - DAY_MS;
    let clock = Arc::new(StoryClock::new(midnight + 8 * 60 * 60 * 1_000));
    runtime()?.block_on(async {
        let mut stage = Stage { city, offices: BTreeMap::new(), actors: BTreeMap::new(), clock };
        for place in places {
            let folder = DataFolder::open(Path::new(&place.data))?;
            let office = Arc::new(Office::open_at(&folder, stage.clock.clone())?);
            let line = Line::start(&office).await?;
            stage.offices.insert(&place.key, (office, line));
        }
        stage.meet_everybody().await?;
        let played = stage.play(midnight, bar).await;
        for (office, line) in stage.offices.into_values() {
            line.stop().await;
            office.close().await;
        }
        played
    })
}

impl<'a> Stage<'a> {
    /// Waits until every office knows every person, and remembers who they are.
    async fn meet_everybody(&mut self) -> Result<(), Failure> {
        for (login, person) in &self.city.people {
            let office = self.office_of(person.office())?.clone();
            let actor = eventually(login, async || {
                let directory = office.node.directory();
                let user = directory.user_by_login(login)?;
                // What these people do on their day needs no role beyond membership.
                let roles = vec![Role::Staff];
                Some(Actor { user: user.id, device: DeviceId::NIL, roles })
            })
            .await?;
            self.actors.insert(login, actor);
        }
        Ok(())
    }

    async fn play(&self, midnight: u64, bar: &ProgressBar) -> Result<(), Failure> {
        let mut rooms = BTreeMap::new();
        for room in &self.city.rooms {
            rooms.insert(room.key.as_str(), self.make_room(room).await?);
        }
        let mut messages = self.city.messages.iter().collect::<Vec<_>>();
        messages.sort_by_key(|message| message.time_of_day_ms());
        let mut keys = BTreeMap::new();
        let mut last = BTreeMap::new();
        for message in messages {
            let room = *rooms.get(message.room.as_str()).ok_or("a message in no room")?;
            let at = midnight + message.time_of_day_ms().ok_or("a message without time")?;
            let reply_to = message.reply.as_ref().and_then(|key| keys.get(key)).copied();
            let id = self.post(room, message, reply_to, at).await?;
            if let Some(key) = &message.key {
                keys.insert(key.clone(), id);
            }
            last.insert(message.room.as_str(), id);
            bar.inc(1);
        }
        self.read_everything(&rooms, &last).await
    }

    async fn make_room(&self, room: &'a DemoRoom) -> Result<RoomId, Failure> {
        let (office, actor) = self.at_home(&room.by)?;
        let members = room.admins.iter().chain(&room.members);
        let members = members.map(|login| Ok(self.actor(login)?.user)).collect::<Result<_, Failure>>()?;
        let kind = if room.kind == "announcement" { RoomKind::Announcement } else { RoomKind::Group };
        let id = RoomId::from_uuid(Uuid::now_v7());
        let new = NewRoom {
            id: Some(id),
            name: room.name.clone(),
            topic: room.topic.clone(),
            purpose: room.purpose.clone(),
            kind,
            members,
            offices: Vec::new(),
        };
        office.node.create_room(actor, new).await?;
        for login in &room.admins {
            let user = self.actor(login)?.user;
            office.node.set_member(actor, id, user, noroshi_node::view::RoomRole::Admin).await?;
        }
        Ok(id)
    }

    /// Posts at the author's office once it has the room and what is replied to; then the stamps of the others.
    async fn post(
        &self,
        room: RoomId,
        message: &'a DemoMessage,
        reply_to: Option<EntryId>,
        at: u64,
    ) -> Result<EntryId, Failure> {
        let (office, actor) = self.at_home(&message.by)?;
        // Seconds differ as people's do.
        self.clock.set(at + u64::try_from(message.text.len())? * 97 % 55_000);
        let id = EntryId::from_uuid(Uuid::now_v7());
        let text = message.text.clone();
        let new = NewMessage { text, reply_to, urgent: message.urgent, ..NewMessage::default() };
        until_known(&message.text, async || office.node.post(actor, room, id, new.clone()).await).await?;
        for (place, stamp) in message.stamps.iter().enumerate() {
            let (stamp, login) = stamp.split_once(':').ok_or("a stamp without a person")?;
            let (office, actor) = self.at_home(login)?;
            self.clock.set(at + 60_000 + place as u64 * 20_000);
            until_known(stamp, async || office.node.react(actor, room, id, stamp, true).await).await?;
        }
        Ok(id)
    }

    /// Most people have read their rooms; some have not, so that the lists show what is unread.
    async fn read_everything(
        &self,
        rooms: &BTreeMap<&str, RoomId>,
        last: &BTreeMap<&str, EntryId>,
    ) -> Result<(), Failure> {
        for (number, room) in self.city.rooms.iter().enumerate() {
            let (Some(id), Some(message)) = (rooms.get(room.key.as_str()), last.get(room.key.as_str())) else {
                continue;
            };
            for (place, login) in room.admins.iter().chain(&room.members).chain([&room.by]).enumerate() {
                let (office, actor) = self.at_home(login)?;
                if (number + place) % 4 == 0 {
                    continue;
                }
                until_known(login, async || office.node.mark_read(actor, *id, *message).await).await?;
            }
            for (office, _) in self.offices.values() {
                let holder = self.city.people.iter().find(|(login, person)| {
                    let is_member = room.admins.contains(*login) || room.members.contains(*login) || room.by == **login;
                    is_member && self.offices.get(person.office()).is_some_and(|(home, _)| Arc::ptr_eq(home, office))
                });
                let Some((login, _)) = holder else { continue };
                let actor = self.actor(login)?;
                until_known(&room.name, async || office.node.receipts(actor, *id, *message).await).await?;
            }
        }
        Ok(())
    }

    fn office_of(&self, key: &str) -> Result<&Arc<Office>, Failure> {
        Ok(&self.offices.get(key).ok_or("an office that is not there")?.0)
    }

    fn actor(&self, login: &str) -> Result<&Actor, Failure> {
        Ok(self.actors.get(login).ok_or("a person who is not there")?)
    }

    fn at_home(&self, login: &str) -> Result<(&Arc<Office>, &Actor), Failure> {
        let person = self.city.people.get(login).ok_or("a person who is not there")?;
        Ok((self.office_of(person.office())?, self.actor(login)?))
    }
}

/// Looks until there is a value.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T, Failure> {
    let start = Instant::now();
    loop {
        if let Some(value) = look().await {
            return Ok(value);
        }
        if start.elapsed() > REPLICATION_LIMIT {
            return Err(format!("{what} did not arrive within {REPLICATION_LIMIT:?}").into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Does a thing once this office knows what it is about.
async fn until_known<T>(what: &str, mut act: impl AsyncFnMut() -> Result<T, ServiceError>) -> Result<T, Failure> {
    let mut refusal = None;
    let done = eventually(what, async || match act().await {
        Ok(value) => Some(Ok(value)),
        Err(error @ (ServiceError::NotFound | ServiceError::Forbidden(_) | ServiceError::Invalid { .. })) => {
            refusal = Some(error);
            None
        }
        Err(error) => Some(Err(error)),
    })
    .await;
    match done {
        Ok(done) => Ok(done?),
        Err(late) => Err(refusal.map_or(late, |refusal| format!("{what}: {refusal}").into())),
    }
}
