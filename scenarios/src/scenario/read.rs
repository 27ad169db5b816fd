//! Turns a file into a [`Scenario`]: looks up every name, computes every time, refuses what cannot be run.

mod events;
mod names;

use std::collections::BTreeSet;
use std::ops::Range;

use noroshi_provisioning::OfficeKind;
use toml::Spanned;

use self::events::timeline;
use self::names::Names;
use super::file::{self, File, Word};
use super::people::invented;
use super::unit::{bits_a_second, duration_ms};
use super::{
    Expectation, Faults, OfficeNumber, PersonNumber, RoomExpectation, Scenario, ScenarioError, ScenarioLine,
    ScenarioOffice, ScenarioPerson, ScenarioRoom,
};

/// Longest name in a scenario, characters.
const NAME_CHARS_MAX: usize = 100;
/// Offices of one scenario.
const OFFICES_MAX: usize = 500;
/// People of one office that are counted and not named.
const PEOPLE_MAX: u32 = 1_000;
/// Rooms that one line of a file makes.
const ROOMS_MAX: u32 = 10_000;
/// Random actions of one run.
const ACTIONS_MAX: u32 = 100_000;
/// Beyond this nothing arrives any more.
const LOSS_MAX: f64 = 0.9;

impl Scenario {
    /// Reads a scenario file.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| ScenarioError::of_toml(text, &error))?;
        Reader { text }.scenario(&file)
    }
}

/// Knows the text, to say where in it something is wrong.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
}

type Result<T> = std::result::Result<T, ScenarioError>;

impl Reader<'_> {
    fn error<T>(self, span: Range<usize>, message: impl Into<String>) -> Result<T> {
        Err(ScenarioError::at(self.text, span, message))
    }

    fn scenario(self, file: &File) -> Result<Scenario> {
        let (start_wall_ms, time_of_day_ms) = self.start(&file.start)?;
        let offices = self.offices(&file.office, &file.organisation)?;
        let mut names = Names::new(self);
        for (office, word) in offices.iter().zip(&file.office) {
            names.add_office(office, &word.name)?;
        }
        let people = self.people(file, &mut names)?;
        let rooms = self.rooms(file, &people, &mut names)?;
        let lines = self.lines(file, &offices, &names)?;
        names.set_lines(&lines);
        let faults = file.faults.as_ref().map(|faults| self.faults(faults, offices.len())).transpose()?;
        if let Some(faults) = &faults {
            (faults.offices.0..=faults.offices.1).try_for_each(|count| self.is_connected(file, &lines, count))?;
        }
        let timeline = timeline(self, file, time_of_day_ms, &names)?;
        if let (Some(faults), Some(event)) = (&faults, file.event.first())
            && faults.offices.0 < offices.len()
        {
            return self.error(event.span(), "a timeline cannot be told when the number of offices is left to chance");
        }
        let expect = self.expect(&file.expect, &names)?;
        let scenario = Scenario {
            title: self.name(&file.title)?,
            description: file.description.trim().to_owned(),
            start_wall_ms,
            organisation: self.name(&file.organisation.name)?,
            offices,
            people,
            rooms,
            lines,
            timeline,
            faults,
            expect,
        };
        Ok(scenario)
    }

    /// Milliseconds since 1970, and of the day.
    fn start(self, start: &Spanned<toml::value::Datetime>) -> Result<(u64, u64)> {
        let text = start.get_ref().to_string();
        let of_day = start.get_ref().time.map(|time| {
            let minutes = u64::from(time.hour) * 60 + u64::from(time.minute);
            (minutes * 60 + u64::from(time.second.unwrap_or(0))) * 1_000
        });
        let wall = text.parse::<jiff::Timestamp>().ok().and_then(|time| u64::try_from(time.as_millisecond()).ok());
        match (wall, of_day) {
            (Some(wall), Some(of_day)) => Ok((wall, of_day)),
            _ => {
                self.error(start.span(), "the start must have a date, a time and an offset: 2026-09-01T08:00:00+09:00")
            }
        }
    }

    fn offices(self, words: &[file::Office], organisation: &file::Organisation) -> Result<Vec<ScenarioOffice>> {
        if words.is_empty() || words.len() > OFFICES_MAX {
            return self.error(organisation.name.span(), format!("there must be 1 to {OFFICES_MAX} offices"));
        }
        let mut offices = Vec::new();
        for word in words {
            let Ok(kind) = word.kind.get_ref().parse::<OfficeKind>() else {
                let known: Vec<String> = OfficeKind::ALL.iter().map(ToString::to_string).collect();
                return self.error(word.kind.span(), format!("an office is one of: {}", known.join(", ")));
            };
            if offices.is_empty() && kind != OfficeKind::Headquarters {
                return self.error(word.kind.span(), "the first office must be headquarters");
            }
            if word.people > PEOPLE_MAX {
                return self.error(word.name.span(), format!("at most {PEOPLE_MAX} people without a name"));
            }
            offices.push(ScenarioOffice { name: self.name(&word.name)?, kind, hub: word.hub });
        }
        Ok(offices)
    }

    /// People with a name first, then those who are only counted.
    fn people(self, file: &File, names: &mut Names) -> Result<Vec<ScenarioPerson>> {
        let mut people = Vec::new();
        for word in &file.person {
            let person = ScenarioPerson {
                name: self.name(&word.name)?,
                kana: self.name(&word.kana)?,
                office: names.office(&word.office)?,
            };
            names.add_person(PersonNumber(people.len()), &word.name)?;
            people.push(person);
        }
        let mut number = 0;
        for (office, word) in file.office.iter().enumerate() {
            for _ in 0..word.people {
                let (mut name, mut kana) = invented(number);
                while names.knows_person(&name) {
                    number += 1;
                    (name, kana) = invented(number);
                }
                number += 1;
                people.push(ScenarioPerson { name, kana, office: OfficeNumber(office) });
            }
        }
        if !people.iter().any(|person| person.office == OfficeNumber(0)) {
            return self
                .error(file.organisation.name.span(), "the first office needs somebody who founds the organisation");
        }
        Ok(people)
    }

    fn rooms(self, file: &File, people: &[ScenarioPerson], names: &mut Names) -> Result<Vec<ScenarioRoom>> {
        let mut rooms: Vec<ScenarioRoom> = Vec::new();
        for word in &file.room {
            let mut members = BTreeSet::new();
            for office in &word.offices {
                let office = names.office(office)?;
                let there = people.iter().enumerate().filter(|(_, person)| person.office == office);
                members.extend(there.map(|(number, _)| PersonNumber(number)));
            }
            for person in &word.people {
                members.insert(names.person(person)?);
            }
            let members: Vec<PersonNumber> = members.into_iter().collect();
            if members.is_empty() {
                return self.error(word.name.span(), "a room needs members: offices with people, or people");
            }
            let name = self.name(&word.name)?;
            let numbered: Vec<String> = match &word.count {
                None => vec![name],
                Some(count) if (1..=ROOMS_MAX).contains(count.get_ref()) => {
                    (1..=*count.get_ref()).map(|number| format!("{name} {number:03}")).collect()
                }
                Some(count) => return self.error(count.span(), format!("there must be 1 to {ROOMS_MAX} of them")),
            };
            for name in numbered {
                names.add_room(super::RoomNumber(rooms.len()), &name, &word.name)?;
                rooms.push(ScenarioRoom { name, members: members.clone() });
            }
        }
        Ok(rooms)
    }

    fn lines(self, file: &File, offices: &[ScenarioOffice], names: &Names) -> Result<Vec<ScenarioLine>> {
        let mut lines: Vec<ScenarioLine> = Vec::new();
        for word in &file.link {
            let span = word.between.as_ref().map_or_else(|| word.latency.span(), Spanned::span);
            let pairs = match (&word.between, word.mesh) {
                (Some(between), false) => vec![names.pair(between)?],
                (None, true) => {
                    let all = 0..offices.len();
                    all.clone()
                        .flat_map(|a| all.clone().skip(a + 1).map(move |b| (OfficeNumber(a), OfficeNumber(b))))
                        .collect()
                }
                _ => return self.error(span, "a link has either `between` with two offices or `mesh = true`"),
            };
            for offices in pairs {
                if lines.iter().any(|line| line.offices == offices) {
                    return self.error(span, "there is a line between these offices already");
                }
                lines.push(ScenarioLine {
                    offices,
                    latency_ms: self.duration(&word.latency)?,
                    jitter_ms: word.jitter.as_ref().map(|jitter| self.duration(jitter)).transpose()?.unwrap_or(0),
                    loss: self.chance(word.loss.as_ref())?,
                    rate: word.rate.as_ref().map(|rate| self.rate(rate)).transpose()?,
                });
            }
        }
        self.is_connected(file, &lines, offices.len())?;
        Ok(lines)
    }

    /// An office without a way to headquarters could never converge.
    fn is_connected(self, file: &File, lines: &[ScenarioLine], count: usize) -> Result<()> {
        match unreached(lines, count).and_then(|office| file.office.get(office)) {
            Some(office) => self.error(office.name.span(), "no line leads from here to the first office"),
            None => Ok(()),
        }
    }

    fn faults(self, word: &Spanned<file::Faults>, office_count: usize) -> Result<Faults> {
        let faults = word.get_ref();
        let (least, most) = *faults.actions.get_ref();
        if least > most || most == 0 || most > ACTIONS_MAX {
            return self.error(
                faults.actions.span(),
                format!("two numbers are needed, the first not above the second, at most {ACTIONS_MAX}"),
            );
        }
        let offices = match &faults.offices {
            None => (office_count, office_count),
            Some(range) => {
                let (least, most) = *range.get_ref();
                let range_of = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
                if least < 2 || least > most || range_of(most) > office_count {
                    return self.error(range.span(), "two numbers from 2 to the number of offices are needed");
                }
                (range_of(least), range_of(most))
            }
        };
        let over_ms = self.duration(&faults.over)?;
        if over_ms == 0 {
            return self.error(faults.over.span(), "the actions need some time");
        }
        if faults.weights == (super::Weights { heal: faults.weights.heal, ..super::Weights::default() }) {
            return self.error(word.span(), "with these weights nothing can happen");
        }
        Ok(Faults {
            actions: (least, most),
            over_ms,
            offices,
            loss: self.chance(faults.loss.as_ref())?,
            drop: self.chance(faults.drop.as_ref())?,
            replay: self.probability(faults.replay.as_ref(), 1.0)?,
            weights: faults.weights,
        })
    }

    fn expect(self, word: &file::Expect, names: &Names) -> Result<Expectation> {
        let mut rooms = Vec::new();
        for expected in &word.room {
            rooms.push(RoomExpectation {
                rooms: names.rooms(&expected.room)?,
                messages: expected.messages,
                name: expected.name.clone(),
                topic: expected.topic.clone(),
                purpose: expected.purpose.clone(),
                members: names.people(&expected.members)?,
                admins: names.people(&expected.admins)?,
                strangers: names.people(&expected.strangers)?,
            });
        }
        Ok(Expectation { converge_within_ms: self.duration(&word.converge_within)?, rooms })
    }

    fn name(self, word: &Word) -> Result<String> {
        let name = word.get_ref();
        let good = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
            && name.trim() == name
            && !name.chars().any(char::is_control);
        if good {
            return Ok(name.clone());
        }
        self.error(word.span(), format!("a name has 1 to {NAME_CHARS_MAX} characters and no space around it"))
    }

    fn duration(self, word: &Word) -> Result<u64> {
        match duration_ms(word.get_ref()) {
            Some(ms) => Ok(ms),
            None => {
                self.error(word.span(), format!("not a duration: {:?} (write 20ms, 5s, 10m or 72h)", word.get_ref()))
            }
        }
    }

    fn rate(self, word: &Word) -> Result<u64> {
        match bits_a_second(word.get_ref()) {
            Some(rate) => Ok(rate),
            None => self.error(word.span(), format!("not a speed: {:?} (write 64kbit/s or 10Mbit/s)", word.get_ref())),
        }
    }

    fn chance(self, word: Option<&Spanned<f64>>) -> Result<f64> {
        self.probability(word, LOSS_MAX)
    }

    fn probability(self, word: Option<&Spanned<f64>>, most: f64) -> Result<f64> {
        match word {
            None => Ok(0.0),
            Some(word) if (0.0..=most).contains(word.get_ref()) => Ok(*word.get_ref()),
            Some(word) => self.error(word.span(), format!("a chance from 0 to {most} is needed")),
        }
    }
}

/// Of the first `count` offices one that is not connected with the first, through offices among them.
fn unreached(lines: &[ScenarioLine], count: usize) -> Option<usize> {
    let mut reached = BTreeSet::from([0]);
    loop {
        let before = reached.len();
        for ScenarioLine { offices: (a, b), .. } in lines.iter().filter(|line| line.offices.1.0 < count) {
            if reached.contains(&a.0) || reached.contains(&b.0) {
                reached.extend([a.0, b.0]);
            }
        }
        if reached.len() == before {
            return (0..count).find(|office| !reached.contains(office));
        }
    }
}
