//! One office's database, driven by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use noroshi_sync::id::{EntryId, Epoch, RoomId};
use noroshi_sync::register::VerifiedRegister;
use noroshi_sync::store::{Batch, LogRange, Store, StoreError, WallClock, WindowOutcome};
use noroshi_sync::window::VerifiedWindow;

use crate::deeds::{Desk, NewMessage, NewRoom};
use crate::document::PageEdit;
use crate::error::ServiceError;
use crate::fixture::{FOUNDED_MS, Fixture};
use crate::store::Database;
use crate::store::projection::Projection;
use crate::view::{Actor, RoomKind, RoomRole};

pub struct Island {
    pub database: Database,
    pub projection: Arc<Projection>,
    clock: Arc<AtomicU64>,
    ids: u64,
}

impl Island {
    /// An office that knows nothing yet.
    pub fn empty(city: &Fixture, office: usize) -> Self {
        let clock = Arc::new(AtomicU64::new(FOUNDED_MS + 1_000_000));
        let now = clock.clone();
        let wall_ms = Arc::new(move || now.load(Ordering::SeqCst));
        let (database, projection) = city.database(office, Epoch(100 + office as u64), wall_ms).unwrap();
        Self { database, projection, clock, ids: office as u64 * 1_000_000 }
    }

    /// An office that has the city's ledger.
    pub fn founded(city: &Fixture, office: usize) -> Self {
        let mut island = Self::empty(city, office);
        city.write_ledger(&mut island.database).unwrap();
        island
    }

    pub fn set_clock(&self, ms: u64) {
        self.clock.store(ms, Ordering::SeqCst);
    }

    pub fn act<T>(&mut self, deed: impl FnOnce(&Desk<'_>) -> Result<T, ServiceError>) -> Result<T, ServiceError> {
        let now_ms = self.clock.fetch_add(1, Ordering::SeqCst);
        self.ids += 1_000;
        let next = AtomicU64::new(self.ids);
        let mint = move || {
            let number = next.fetch_add(1, Ordering::SeqCst);
            EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0190_0000_0000_7000, (0x8000 << 48) | number))
        };
        let projection = self.projection.clone();
        self.database.write(|writing| {
            let clock = WallClock { now_ms, offset_ms: None };
            deed(&Desk { projection: &projection, writing, clock, mint: &mint })
        })
    }

    /// A group room with the other people as members.
    pub fn room(&mut self, actor: &Actor, name: &str, members: &[&Actor]) -> RoomId {
        let new = NewRoom {
            id: None,
            name: name.into(),
            topic: String::new(),
            purpose: String::new(),
            kind: RoomKind::Group,
            members: members.iter().map(|member| member.user).collect(),
            offices: Vec::new(),
        };
        self.act(|desk| desk.create_room(actor, &new)).unwrap().1
    }

    pub fn post(&mut self, actor: &Actor, room: RoomId, text: &str) -> EntryId {
        self.ids += 1_000;
        let id = EntryId::from_uuid(uuid::Uuid::from_u64_pair(0x0191_0000_0000_7000, (0x8000 << 48) | self.ids));
        self.post_as(actor, room, id, text).unwrap();
        id
    }

    pub fn post_as(&mut self, actor: &Actor, room: RoomId, id: EntryId, text: &str) -> Result<bool, ServiceError> {
        let new = NewMessage { text: text.into(), ..NewMessage::default() };
        self.act(|desk| desk.post(actor, room, id, &new)).map(|posted| posted.created)
    }

    pub fn edit_page(&mut self, actor: &Actor, room: RoomId, edit: &PageEdit) {
        assert!(self.act(|desk| desk.edit_page(actor, room, edit)).unwrap());
    }

    pub fn set_member(&mut self, actor: &Actor, room: RoomId, user: &Actor, role: RoomRole) {
        self.act(|desk| desk.set_member(actor, room, user.user, role)).unwrap();
    }

    pub fn write_registers(&mut self) {
        while self.database.write(|writing| writing.write_due_registers(100)).unwrap() > 0 {}
    }

    /// Texts of the room as they are shown.
    pub fn texts(&self, actor: &Actor, room: RoomId) -> Vec<String> {
        let Some((row, _)) = self.database.room_of_member(&room, &actor.user).unwrap() else {
            return vec!["×".into()];
        };
        let mut messages = self.database.messages_before(row.pk, None, 1_000).unwrap();
        messages.reverse();
        let shown = |message: crate::store::query::ShownMessage| {
            let marks = self.database.marks_of(row.pk, &message.entry.id, &message.entry.author).unwrap();
            let text = marks.edit().map_or(message.message.text.clone(), |edit| edit.text.to_owned());
            match message.erased {
                Some(erased) => format!("[{}]", erased.reason),
                None if message.redacted => "[取り消し]".into(),
                None => text,
            }
        };
        messages.into_iter().map(shown).collect()
    }

    pub fn restart(self, epoch: u64) -> Self {
        let Self { database, projection, clock, ids } = self;
        Self { database: database.restart(Epoch(epoch)).unwrap(), projection, clock, ids }
    }

    /// Takes everything that the other island offers and that this one lacks; returns how many windows were refused.
    pub fn pull(&mut self, from: &Self) -> usize {
        let (windows, registers) = self.missing(from);
        self.apply(from, windows, registers)
    }

    /// Both have all that both may have.
    pub fn exchange(&mut self, other: &mut Self) {
        for _ in 0..4 {
            self.pull(other);
            other.pull(self);
        }
        self.write_registers();
        other.write_registers();
        self.pull(other);
        other.pull(self);
    }

    pub fn missing(&self, from: &Self) -> (Vec<VerifiedWindow>, Vec<VerifiedRegister>) {
        let (me, them) = (self.database.node(), from.database.node());
        let mut windows = Vec::new();
        let mut registers = Vec::new();
        for lines in from.database.changes(&me, 0).unwrap().rooms {
            let held = &self.database.holdings(&them, &[lines.room]).unwrap()[0].lines;
            let mut ranges = Vec::new();
            for (log, state) in &lines.logs {
                let mine = held.logs.get(log).cloned().unwrap_or_else(|| noroshi_sync::frontier::LogState::empty(log));
                let missing = mine.missing_from(state);
                ranges.extend(missing.into_iter().map(|(first, last)| LogRange { log: *log, first, last }));
            }
            while !ranges.is_empty() {
                let page = from.database.windows(&me, &ranges, 1 << 20).unwrap();
                windows.extend(page.windows.into_iter().map(|window| window.verify().unwrap()));
                ranges = page.rest;
            }
            let wanted: Vec<_> = lines.registers.keys().map(|node| (lines.room, *node)).collect();
            registers.extend(from.database.registers(&me, &wanted).unwrap().into_iter().map(|r| r.verify().unwrap()));
        }
        (windows, registers)
    }

    pub fn apply(&mut self, from: &Self, windows: Vec<VerifiedWindow>, registers: Vec<VerifiedRegister>) -> usize {
        let batch = Batch { peer: from.database.node(), windows, registers, cursor: None };
        let applied = self.database.apply(batch).unwrap();
        applied.windows.iter().filter(|outcome| matches!(outcome, WindowOutcome::Refused { .. })).count()
    }

    pub fn reindex(&mut self) {
        let projection = self.projection.clone();
        projection.reindex(&mut self.database, |_, _| {}).unwrap();
    }

    pub fn read<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> T {
        self.database.read(work).unwrap()
    }
}
