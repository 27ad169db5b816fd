//! What the timeline of a scenario says, event by event.

use noroshi_node::deeds::NewMessage;
use noroshi_node::document::PageEdit;
use noroshi_node::view::RoomRole;
use noroshi_sync::id::{EntryId, RoomId};

use super::{Happening, Outcome, START_MS, World};
use crate::scenario::{Action, CrashMoment, MessageLabel, OfficeNumber, PersonNumber, RoomNumber};
use crate::sim::deed::Deed;
use crate::sim::founding::mint;
use crate::sim::journal::Note;
use crate::sim::phrase::report;

impl World {
    /// Plans the whole timeline.
    pub fn begin_story(&mut self) {
        for (event, planned) in self.scenario.timeline.iter().enumerate() {
            self.agenda.plan(START_MS + planned.at_ms, Happening::Story { event });
            let lasts_ms = match &planned.action {
                Action::Burst { over_ms, .. } => *over_ms,
                Action::Crash { down_ms, .. } => *down_ms,
                _ => 0,
            };
            self.last_event_ms = self.last_event_ms.max(START_MS + planned.at_ms + lasts_ms);
        }
    }

    pub(super) fn story_event(&mut self, number: usize) -> Outcome {
        let Some(event) = self.scenario.timeline.get(number).cloned() else { return Ok(()) };
        if !event.story.is_empty() {
            self.note(Note::Story(event.story.clone()));
        }
        match event.action {
            Action::Cut(ways) => self.set_ways(&ways, false),
            Action::Heal(ways) => self.set_ways(&ways, true),
            Action::Crash { office, down_ms, moment } => self.story_crash(office, down_ms, moment),
            Action::Clock { office, jump_ms } => self.jump_clock(office.0, jump_ms),
            Action::Burst { .. } => self.burst(number, 0),
            action => {
                if let Some((by, deed)) = self.deed_of(action) {
                    self.tell_checks(&deed);
                    let mut request = self.request(by, deed);
                    request.must_be_refused = event.refused;
                    self.person_asks(by, request);
                }
                Ok(())
            }
        }
    }

    fn story_crash(&mut self, office: OfficeNumber, down_ms: u64, moment: CrashMoment) -> Outcome {
        if moment == CrashMoment::Now {
            return self.crash(office.0, moment, down_ms);
        }
        if let Some(process) = &mut self.node(office.0)?.process {
            process.armed = Some(moment);
        }
        Ok(())
    }

    pub(super) fn jump_clock(&mut self, office: usize, jump_ms: i64) -> Outcome {
        self.note(Note::Clock { office, jump_ms });
        let node = self.node(office)?;
        node.clock_error_ms = node.clock_error_ms.saturating_add(jump_ms);
        Ok(())
    }

    /// The next message of a burst.
    pub(super) fn burst(&mut self, number: usize, sent: u64) -> Outcome {
        let Some(event) = self.scenario.timeline.get(number) else { return Ok(()) };
        let Action::Burst { offices, rooms, messages, over_ms, urgent } = &event.action else { return Ok(()) };
        let (messages, over_ms, urgent, start_ms) = (*messages, *over_ms, *urgent, START_MS + event.at_ms);
        let place = usize::try_from(sent).unwrap_or(0);
        let room = rooms.get(place % rooms.len().max(1)).copied();
        let authors: Vec<PersonNumber> = match room {
            Some(room) => offices.iter().flat_map(|office| self.scenario.members_of(room, *office)).collect(),
            None => Vec::new(),
        };
        if let (Some(room), Some(author)) = (room, self.luck.pick(&authors).copied()) {
            let text = report(&mut self.luck);
            self.post(room, author, NewMessage { text, urgent, ..NewMessage::default() });
        }
        let sent = sent + 1;
        if sent < messages {
            let at_ms =
                start_ms + u64::try_from(u128::from(over_ms) * u128::from(sent) / u128::from(messages)).unwrap_or(0);
            self.agenda.plan(at_ms.max(self.now_ms), Happening::Burst { event: number, sent });
        }
        Ok(())
    }

    /// A person says something; the id under which it will be known.
    pub(super) fn post(&mut self, room: RoomNumber, by: PersonNumber, new: NewMessage) {
        let Some(room) = self.people.rooms.get(room.0).copied() else { return };
        let id = self.new_id();
        let request = self.request(by, Deed::Post(room, id, new));
        self.person_asks(by, request);
    }

    pub(super) fn new_id(&mut self) -> EntryId {
        let wall_ms = self.true_wall_ms();
        EntryId::from_uuid(mint(&mut self.luck, wall_ms))
    }

    /// Who does what; nothing for what is no deed of a person.
    fn deed_of(&mut self, action: Action) -> Option<(PersonNumber, Deed)> {
        match action {
            Action::Post { room, by, text, urgent, label, reply_to } => {
                let room = self.room_id(room)?;
                let id = self.new_id();
                let reply_to = reply_to.and_then(|label| self.labelled(label)).map(|(_, id)| id);
                if let Some(MessageLabel(label)) = label {
                    self.people.labels.insert(label, (room, id));
                }
                Some((by, Deed::Post(room, id, NewMessage { text, reply_to, urgent, ..NewMessage::default() })))
            }
            Action::Edit { message, text } => {
                let (room, id) = self.labelled(message)?;
                Some((self.author_of(message)?, Deed::Edit(room, id, text)))
            }
            Action::Redact { message, by } => {
                let (room, id) = self.labelled(message)?;
                Some((by, Deed::Redact(room, id)))
            }
            Action::React { message, by, stamp, on } => {
                let (room, id) = self.labelled(message)?;
                Some((by, Deed::React(room, id, stamp, on)))
            }
            Action::Page { room, by, name, topic, purpose } => {
                let room = self.room_id(room)?;
                Some((by, Deed::Page(room, PageEdit { name, topic, purpose, pins: None })))
            }
            Action::SetMember { room, by, person, admin } => {
                let room = self.room_id(room)?;
                let user = self.people.actors.get(person.0)?.user;
                Some((by, Deed::SetMember(room, user, if admin { RoomRole::Admin } else { RoomRole::Member })))
            }
            Action::RemoveMember { room, by, person } => {
                let room = self.room_id(room)?;
                Some((by, Deed::RemoveMember(room, self.people.actors.get(person.0)?.user)))
            }
            Action::Cut(_) | Action::Heal(_) | Action::Crash { .. } | Action::Clock { .. } | Action::Burst { .. } => {
                None
            }
        }
    }

    /// What the checkers must know of a deed before it is done.
    pub(super) fn tell_checks(&mut self, deed: &Deed) {
        match deed {
            Deed::SetMember(room, user, _) => {
                let person = self.people.actors.iter().position(|actor| actor.user == *user);
                if let Some(person) = person {
                    self.let_hold(*room, PersonNumber(person));
                }
            }
            Deed::RemoveMember(room, _) => self.checks.talk.dispute(*room),
            _ => {}
        }
    }

    fn room_id(&self, room: RoomNumber) -> Option<RoomId> {
        self.people.rooms.get(room.0).copied()
    }

    fn labelled(&self, label: MessageLabel) -> Option<(RoomId, EntryId)> {
        self.people.labels.get(&label.0).copied()
    }

    fn author_of(&self, label: MessageLabel) -> Option<PersonNumber> {
        self.scenario.timeline.iter().find_map(|event| match &event.action {
            Action::Post { by, label: Some(of), .. } if *of == label => Some(*by),
            _ => None,
        })
    }
}
