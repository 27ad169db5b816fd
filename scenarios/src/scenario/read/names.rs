//! Looks up offices, people, rooms and lines by the words of a file.

use std::collections::BTreeMap;

use toml::Spanned;

use super::super::file::Word;
use super::super::{Direction, OfficeNumber, PersonNumber, RoomNumber, ScenarioLine, ScenarioOffice};
use super::{Reader, Result};

/// Stands for every line.
const ALL: &str = "all";
/// Ends a word that means all rooms whose names begin so.
const ANY: char = '*';
/// What has a meaning of its own between or behind the names of offices.
const SEPARATORS: [char; 3] = ['-', '>', ANY];

pub(super) struct Names<'a> {
    reader: Reader<'a>,
    offices: BTreeMap<String, OfficeNumber>,
    people: BTreeMap<String, PersonNumber>,
    rooms: BTreeMap<String, RoomNumber>,
    lines: Vec<(OfficeNumber, OfficeNumber)>,
}

impl<'a> Names<'a> {
    pub fn new(reader: Reader<'a>) -> Self {
        Self { reader, offices: BTreeMap::new(), people: BTreeMap::new(), rooms: BTreeMap::new(), lines: Vec::new() }
    }

    pub fn add_office(&mut self, office: &ScenarioOffice, word: &Word) -> Result<()> {
        if office.name == ALL || office.name.contains(SEPARATORS) {
            return self
                .reader
                .error(word.span(), "the name of an office must not be «all» or contain «-», «>» or «*»");
        }
        let number = OfficeNumber(self.offices.len());
        match self.offices.insert(office.name.clone(), number) {
            None => Ok(()),
            Some(_) => self.reader.error(word.span(), "there is an office of that name already"),
        }
    }

    pub fn add_person(&mut self, number: PersonNumber, word: &Word) -> Result<()> {
        match self.people.insert(word.get_ref().clone(), number) {
            None => Ok(()),
            Some(_) => self.reader.error(word.span(), "there is a person of that name already"),
        }
    }

    pub fn add_room(&mut self, number: RoomNumber, name: &str, word: &Word) -> Result<()> {
        if name.contains(ANY) {
            return self.reader.error(word.span(), "the name of a room must not contain «*»");
        }
        match self.rooms.insert(name.to_owned(), number) {
            None => Ok(()),
            Some(_) => self.reader.error(word.span(), "there is a room of that name already"),
        }
    }

    pub fn set_lines(&mut self, lines: &[ScenarioLine]) {
        self.lines = lines.iter().map(|line| line.offices).collect();
    }

    pub fn knows_person(&self, name: &str) -> bool {
        self.people.contains_key(name)
    }

    pub fn office(&self, word: &Word) -> Result<OfficeNumber> {
        self.office_named(word.get_ref(), word)
    }

    fn office_named(&self, name: &str, word: &Word) -> Result<OfficeNumber> {
        match self.offices.get(name) {
            Some(office) => Ok(*office),
            None => self.reader.error(word.span(), format!("there is no office {name:?}")),
        }
    }

    pub fn person(&self, word: &Word) -> Result<PersonNumber> {
        match self.people.get(word.get_ref()) {
            Some(person) => Ok(*person),
            None => self.reader.error(word.span(), format!("there is no person {:?}", word.get_ref())),
        }
    }

    pub fn people(&self, words: &[Word]) -> Result<Vec<PersonNumber>> {
        words.iter().map(|word| self.person(word)).collect()
    }

    pub fn room(&self, word: &Word) -> Result<RoomNumber> {
        match self.rooms.get(word.get_ref()) {
            Some(room) => Ok(*room),
            None => self.reader.error(word.span(), format!("there is no room {:?}", word.get_ref())),
        }
    }

    /// One room, or with a star at the end all whose names begin so.
    pub fn rooms(&self, word: &Word) -> Result<Vec<RoomNumber>> {
        let Some(start) = word.get_ref().strip_suffix(ANY) else { return Ok(vec![self.room(word)?]) };
        let mut rooms: Vec<RoomNumber> =
            self.rooms.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, room)| *room).collect();
        rooms.sort_unstable();
        if rooms.is_empty() {
            return self.reader.error(word.span(), format!("there is no room whose name begins with {start:?}"));
        }
        Ok(rooms)
    }

    /// Two different offices, the lower number first.
    pub fn pair(&self, words: &Spanned<Vec<Word>>) -> Result<(OfficeNumber, OfficeNumber)> {
        let [a, b] = words.get_ref().as_slice() else {
            return self.reader.error(words.span(), "a line is between two offices");
        };
        let (a, b) = (self.office(a)?, self.office(b)?);
        if a == b {
            return self.reader.error(words.span(), "a line is between two different offices");
        }
        Ok((a.min(b), a.max(b)))
    }

    /// «all», «本庁» (every line of the office), «本庁-北支所» (both ways) or «本庁>北支所» (one way).
    pub fn directions(&self, words: &[Word]) -> Result<Vec<Direction>> {
        let mut directions = Vec::new();
        for word in words {
            let text = word.get_ref().as_str();
            if let Some((from, to)) = text.split_once('>') {
                let (from, to) = (self.office_named(from, word)?, self.office_named(to, word)?);
                self.known_line(from, to, word)?;
                directions.push(Direction { from, to });
            } else if let Some((a, b)) = text.split_once('-') {
                let (a, b) = (self.office_named(a, word)?, self.office_named(b, word)?);
                self.known_line(a, b, word)?;
                directions.extend(both(a, b));
            } else {
                let office = if text == ALL { None } else { Some(self.office_named(text, word)?) };
                let touched =
                    self.lines.iter().filter(|(a, b)| office.is_none_or(|office| *a == office || *b == office));
                directions.extend(touched.flat_map(|(a, b)| both(*a, *b)));
            }
        }
        directions.sort_unstable();
        directions.dedup();
        Ok(directions)
    }

    fn known_line(&self, a: OfficeNumber, b: OfficeNumber, word: &Word) -> Result<()> {
        if self.lines.contains(&(a.min(b), a.max(b))) {
            return Ok(());
        }
        self.reader.error(word.span(), "there is no line between these offices")
    }
}

fn both(a: OfficeNumber, b: OfficeNumber) -> [Direction; 2] {
    [Direction { from: a, to: b }, Direction { from: b, to: a }]
}
