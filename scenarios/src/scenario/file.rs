//! A scenario file word for word, before its names are looked up. A field that is not here is an error.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::faults::Weights;

/// Text with its place in the file.
pub(super) type Word = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub title: Word,
    #[serde(default)]
    pub description: String,
    pub start: Spanned<Datetime>,
    pub organisation: Organisation,
    pub office: Vec<Office>,
    #[serde(default)]
    pub person: Vec<Person>,
    #[serde(default)]
    pub room: Vec<Room>,
    #[serde(default)]
    pub link: Vec<Link>,
    #[serde(default)]
    pub event: Vec<Spanned<Event>>,
    pub faults: Option<Spanned<Faults>>,
    pub expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    pub name: Word,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Office {
    pub name: Word,
    pub kind: Word,
    #[serde(default)]
    pub hub: bool,
    /// People without a name of their own in the file.
    #[serde(default)]
    pub people: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub name: Word,
    pub kana: Word,
    pub office: Word,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    pub name: Word,
    /// That many rooms, named «name 001» and so on.
    pub count: Option<Spanned<u32>>,
    #[serde(default)]
    pub offices: Vec<Word>,
    #[serde(default)]
    pub people: Vec<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub between: Option<Spanned<Vec<Word>>>,
    #[serde(default)]
    pub mesh: bool,
    pub latency: Word,
    pub jitter: Option<Word>,
    pub loss: Option<Spanned<f64>>,
    pub rate: Option<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub at: Word,
    /// What happens in the story; shown in the log of a run.
    #[serde(default)]
    pub story: String,
    /// The person must not succeed.
    #[serde(default)]
    pub refused: bool,
    pub cut: Option<Vec<Word>>,
    pub heal: Option<Vec<Word>>,
    pub crash: Option<Crash>,
    pub clock: Option<Clock>,
    pub burst: Option<Burst>,
    pub post: Option<Post>,
    pub edit: Option<Edit>,
    pub redact: Option<Redact>,
    pub react: Option<React>,
    pub page: Option<Page>,
    pub set_member: Option<SetMember>,
    pub remove_member: Option<RemoveMember>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crash {
    pub office: Word,
    pub down: Word,
    pub moment: Option<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    pub office: Word,
    pub jump: Word,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Burst {
    pub offices: Vec<Word>,
    pub rooms: Word,
    pub messages: Spanned<u64>,
    pub over: Word,
    #[serde(default)]
    pub urgent: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Post {
    pub room: Word,
    pub by: Word,
    pub text: String,
    #[serde(default)]
    pub urgent: bool,
    /// A name for the message, for later events.
    pub label: Option<Word>,
    pub reply_to: Option<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    pub message: Word,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redact {
    pub message: Word,
    pub by: Word,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct React {
    pub message: Word,
    pub by: Word,
    pub stamp: String,
    #[serde(default)]
    pub off: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub room: Word,
    pub by: Word,
    pub name: Option<String>,
    pub topic: Option<String>,
    pub purpose: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetMember {
    pub room: Word,
    pub by: Word,
    pub person: Word,
    pub role: Word,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveMember {
    pub room: Word,
    pub by: Word,
    pub person: Word,
}

/// Random work and random faults, drawn from the seed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Faults {
    pub actions: Spanned<(u32, u32)>,
    pub over: Word,
    pub offices: Option<Spanned<(u32, u32)>>,
    #[serde(default)]
    pub loss: Option<Spanned<f64>>,
    pub drop: Option<Spanned<f64>>,
    pub replay: Option<Spanned<f64>>,
    pub weights: Weights,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub converge_within: Word,
    #[serde(default)]
    pub room: Vec<ExpectRoom>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectRoom {
    pub room: Word,
    pub messages: Option<u64>,
    pub name: Option<String>,
    pub topic: Option<String>,
    pub purpose: Option<String>,
    #[serde(default)]
    pub members: Vec<Word>,
    #[serde(default)]
    pub admins: Vec<Word>,
    #[serde(default)]
    pub strangers: Vec<Word>,
}
