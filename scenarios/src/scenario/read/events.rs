//! The timeline: each event is exactly one action at one time.

use std::collections::BTreeMap;

use toml::Spanned;

use super::super::file::{self, File, Word};
use super::super::unit::{instant_ms, jump_ms};
use super::super::{Action, CrashMoment, MessageLabel, TimelineEvent};
use super::names::Names;
use super::{Reader, Result};

/// Messages of one burst.
const BURST_MAX: u64 = 1_000_000;

/// All events, ascending by time; those of the same time in the order of the file.
pub(super) fn timeline(reader: Reader, file: &File, start_of_day_ms: u64, names: &Names) -> Result<Vec<TimelineEvent>> {
    let mut timed = Vec::new();
    for word in &file.event {
        let at = &word.get_ref().at;
        match instant_ms(at.get_ref(), start_of_day_ms) {
            Some(at_ms) => timed.push((at_ms, word)),
            None => {
                let message = format!("not a time after the start: {:?} (write 08:20, T+0:18 or T+90s)", at.get_ref());
                return reader.error(at.span(), message);
            }
        }
    }
    timed.sort_by_key(|(at_ms, _)| *at_ms);
    let mut events = Events { reader, names, labels: BTreeMap::new() };
    timed.into_iter().map(|(at_ms, word)| events.event(at_ms, word)).collect()
}

struct Events<'a> {
    reader: Reader<'a>,
    names: &'a Names<'a>,
    labels: BTreeMap<String, MessageLabel>,
}

impl Events<'_> {
    fn event(&mut self, at_ms: u64, word: &Spanned<file::Event>) -> Result<TimelineEvent> {
        let event = word.get_ref();
        let mut actions = Vec::new();
        actions.extend(self.network(event)?);
        actions.extend(self.machines(event)?);
        actions.extend(self.messages(event)?);
        actions.extend(self.room(event)?);
        let (Some(action), true) = (actions.pop(), actions.is_empty()) else {
            return self.reader.error(event.at.span(), "an event has exactly one action");
        };
        let of_people = !matches!(
            action,
            Action::Cut(_) | Action::Heal(_) | Action::Crash { .. } | Action::Clock { .. } | Action::Burst { .. }
        );
        if event.refused && !of_people {
            return self.reader.error(event.at.span(), "only what a single person does can be refused");
        }
        Ok(TimelineEvent { at_ms, story: event.story.clone(), action, refused: event.refused })
    }

    fn network(&self, event: &file::Event) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        if let Some(words) = &event.cut {
            actions.push(Action::Cut(self.names.directions(words)?));
        }
        if let Some(words) = &event.heal {
            actions.push(Action::Heal(self.names.directions(words)?));
        }
        Ok(actions)
    }

    fn machines(&self, event: &file::Event) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        if let Some(crash) = &event.crash {
            actions.push(Action::Crash {
                office: self.names.office(&crash.office)?,
                down_ms: self.reader.duration(&crash.down)?,
                moment: crash.moment.as_ref().map_or(Ok(CrashMoment::Now), |word| self.moment(word))?,
            });
        }
        if let Some(clock) = &event.clock {
            let Some(jump_ms) = jump_ms(clock.jump.get_ref()) else {
                return self.reader.error(clock.jump.span(), "a clock jumps by +3h or -10m");
            };
            actions.push(Action::Clock { office: self.names.office(&clock.office)?, jump_ms });
        }
        if let Some(burst) = &event.burst {
            if !(1..=BURST_MAX).contains(burst.messages.get_ref()) || burst.offices.is_empty() {
                let message = format!("a burst has offices and 1 to {BURST_MAX} messages");
                return self.reader.error(burst.messages.span(), message);
            }
            actions.push(Action::Burst {
                offices: burst.offices.iter().map(|word| self.names.office(word)).collect::<Result<_>>()?,
                rooms: self.names.rooms(&burst.rooms)?,
                messages: *burst.messages.get_ref(),
                over_ms: self.reader.duration(&burst.over)?,
                urgent: burst.urgent,
            });
        }
        Ok(actions)
    }

    fn moment(&self, word: &Word) -> Result<CrashMoment> {
        match word.get_ref().as_str() {
            "now" => Ok(CrashMoment::Now),
            "before_commit" => Ok(CrashMoment::BeforeCommit),
            "after_commit" => Ok(CrashMoment::AfterCommit),
            _ => self.reader.error(word.span(), "a crash is at one of: now, before_commit, after_commit"),
        }
    }

    fn messages(&mut self, event: &file::Event) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        if let Some(post) = &event.post {
            actions.push(Action::Post {
                room: self.names.room(&post.room)?,
                by: self.names.person(&post.by)?,
                text: post.text.clone(),
                urgent: post.urgent,
                reply_to: post.reply_to.as_ref().map(|word| self.label(word)).transpose()?,
                label: post.label.as_ref().map(|word| self.new_label(word)).transpose()?,
            });
        }
        if let Some(edit) = &event.edit {
            actions.push(Action::Edit { message: self.label(&edit.message)?, text: edit.text.clone() });
        }
        if let Some(redact) = &event.redact {
            actions.push(Action::Redact { message: self.label(&redact.message)?, by: self.names.person(&redact.by)? });
        }
        if let Some(react) = &event.react {
            actions.push(Action::React {
                message: self.label(&react.message)?,
                by: self.names.person(&react.by)?,
                stamp: react.stamp.clone(),
                on: !react.off,
            });
        }
        Ok(actions)
    }

    fn room(&self, event: &file::Event) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        if let Some(page) = &event.page {
            if page.name.is_none() && page.topic.is_none() && page.purpose.is_none() {
                return self.reader.error(page.room.span(), "a change of the page has a name, a topic or a purpose");
            }
            actions.push(Action::Page {
                room: self.names.room(&page.room)?,
                by: self.names.person(&page.by)?,
                name: page.name.clone(),
                topic: page.topic.clone(),
                purpose: page.purpose.clone(),
            });
        }
        if let Some(set) = &event.set_member {
            let admin = match set.role.get_ref().as_str() {
                "admin" => true,
                "member" => false,
                _ => return self.reader.error(set.role.span(), "a role in a room is one of: admin, member"),
            };
            actions.push(Action::SetMember {
                room: self.names.room(&set.room)?,
                by: self.names.person(&set.by)?,
                person: self.names.person(&set.person)?,
                admin,
            });
        }
        if let Some(remove) = &event.remove_member {
            actions.push(Action::RemoveMember {
                room: self.names.room(&remove.room)?,
                by: self.names.person(&remove.by)?,
                person: self.names.person(&remove.person)?,
            });
        }
        Ok(actions)
    }

    fn new_label(&mut self, word: &Word) -> Result<MessageLabel> {
        let label = MessageLabel(self.labels.len());
        match self.labels.insert(word.get_ref().clone(), label) {
            None => Ok(label),
            Some(_) => self.reader.error(word.span(), "there is a message with that label already"),
        }
    }

    fn label(&self, word: &Word) -> Result<MessageLabel> {
        match self.labels.get(word.get_ref()) {
            Some(label) => Ok(*label),
            None => self
                .reader
                .error(word.span(), format!("no earlier event posts a message labelled {:?}", word.get_ref())),
        }
    }
}
