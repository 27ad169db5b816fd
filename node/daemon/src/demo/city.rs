//! The city of the demo, read from its file: offices, people, rooms and one day of messages.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `demo/asanagi.toml`, built in.
const SOURCE: &str = include_str!("../../demo/asanagi.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct City {
    pub organisation: String,
    /// The municipality code; well-formed and assigned to nobody.
    #[allow(dead_code)]
    pub code: String,
    /// One password for everybody, so that a visitor can be anybody.
    pub password: String,
    pub offices: Vec<DemoOffice>,
    /// Log-in → person, in the order of their names.
    pub people: BTreeMap<String, Person>,
    pub rooms: Vec<DemoRoom>,
    pub messages: Vec<DemoMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoOffice {
    pub key: String,
    pub name: String,
    pub kind: String,
}

/// `[office, name, reading, section, post, role]`.
#[derive(Debug, Deserialize)]
pub struct Person(pub String, pub String, pub String, pub String, pub String, pub String);

impl Person {
    pub fn office(&self) -> &str {
        &self.0
    }
    pub fn name(&self) -> &str {
        &self.1
    }
    pub fn kana(&self) -> &str {
        &self.2
    }
    pub fn section(&self) -> &str {
        &self.3
    }
    pub fn post(&self) -> &str {
        &self.4
    }
    pub fn role(&self) -> &str {
        &self.5
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoRoom {
    pub key: String,
    pub name: String,
    #[serde(default)]
    pub kind: String,
    pub topic: String,
    pub purpose: String,
    /// Who made it.
    pub by: String,
    pub admins: Vec<String>,
    pub members: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoMessage {
    pub room: String,
    /// `HH:MM` in Japan.
    pub at: String,
    pub by: String,
    pub text: String,
    #[serde(default)]
    pub urgent: bool,
    pub key: Option<String>,
    pub reply: Option<String>,
    /// `stamp:login`.
    #[serde(default)]
    pub stamps: Vec<String>,
}

impl City {
    /// Reads the built-in file.
    pub fn read() -> Result<Self, Box<toml::de::Error>> {
        toml::from_str(SOURCE).map_err(Box::new)
    }

    /// The first system administrator founds the organisation.
    pub fn founder(&self) -> Option<(&String, &Person)> {
        self.people.iter().find(|(_, person)| person.role() == "system_admin")
    }

    pub fn people_of<'a>(&'a self, office: &'a str) -> impl Iterator<Item = (&'a String, &'a Person)> {
        self.people.iter().filter(move |(_, person)| person.office() == office)
    }
}

impl DemoMessage {
    /// Milliseconds since midnight in Japan.
    pub fn time_of_day_ms(&self) -> Option<u64> {
        let (hours, minutes) = self.at.split_once(':')?;
        Some((hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?) * 60_000)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_city_is_complete_and_everybody_speaks_only_where_they_are_members() {
        let city = City::read().unwrap();
        assert_eq!((city.offices.len(), city.people.len(), city.rooms.len()), (4, 40, 12));
        assert!(city.messages.len() > 60);
        let offices: BTreeSet<&str> = city.offices.iter().map(|office| office.key.as_str()).collect();
        assert!(city.people.values().all(|person| offices.contains(person.office())));
        let mut keys = BTreeSet::new();
        let mut last = BTreeMap::new();
        for message in &city.messages {
            let room = city.rooms.iter().find(|room| room.key == message.room).unwrap();
            let members: Vec<&String> = room.admins.iter().chain(&room.members).chain([&room.by]).collect();
            assert!(members.contains(&&message.by), "{} in {}", message.by, room.key);
            for stamp in &message.stamps {
                let (_, login) = stamp.split_once(':').unwrap();
                assert!(members.iter().any(|member| *member == login), "{login} in {}", room.key);
            }
            if let Some(key) = &message.key {
                assert!(keys.insert(key));
            }
            assert!(message.reply.as_ref().is_none_or(|reply| keys.contains(reply)));
            let time = message.time_of_day_ms().unwrap();
            assert!(last.insert(&message.room, time).is_none_or(|before| before <= time), "{}", message.text);
            if room.kind == "announcement" {
                assert!(room.admins.contains(&message.by) || room.by == message.by);
            }
        }
        for room in &city.rooms {
            let mut people: Vec<&String> = room.admins.iter().chain(&room.members).collect();
            people.push(&room.by);
            assert!(people.iter().all(|login| city.people.contains_key(*login)), "{}", room.key);
            assert_eq!(people.iter().collect::<BTreeSet<_>>().len(), people.len(), "{}", room.key);
        }
    }
}
