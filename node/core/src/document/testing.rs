//! For tests: takes changes apart and puts them together again, also in ways no honest writer would.

use super::actor::Actor;
use super::hash::ChangeHash;

/// The parts of a change chunk. Numbers are signed and wide, so that a test can write what must be refused.
#[derive(Debug, Clone)]
pub struct Parts {
    pub chunk_type: u8,
    pub dependencies: Vec<[u8; 32]>,
    pub actor: Vec<u8>,
    pub sequence: u64,
    pub first_operation: u64,
    pub time: i64,
    pub message: Vec<u8>,
    pub others: Vec<Vec<u8>>,
    pub columns: Vec<(u64, Vec<u8>)>,
    pub extra: Vec<u8>,
}

impl Parts {
    /// Takes a well-formed chunk apart.
    pub fn of(chunk: &[u8]) -> Self {
        let mut bytes = &chunk[9..];
        let length = unsigned(&mut bytes);
        assert_eq!(length as usize, bytes.len());
        let dependencies = (0..unsigned(&mut bytes)).map(|_| take(&mut bytes, 32).try_into().unwrap()).collect();
        let actor = counted(&mut bytes);
        let (sequence, first_operation) = (unsigned(&mut bytes), unsigned(&mut bytes));
        let time = signed(&mut bytes);
        let message = counted(&mut bytes);
        let others = (0..unsigned(&mut bytes)).map(|_| counted(&mut bytes)).collect();
        let table: Vec<_> = (0..unsigned(&mut bytes)).map(|_| (unsigned(&mut bytes), unsigned(&mut bytes))).collect();
        let columns = table.into_iter().map(|(column, length)| (column, take(&mut bytes, length as usize))).collect();
        let extra = bytes.to_vec();
        let chunk_type = chunk[8];
        Self { chunk_type, dependencies, actor, sequence, first_operation, time, message, others, columns, extra }
    }

    /// A first change on top of `dependency` that sets keys of the root map: `count` operations of one byte each.
    pub fn settings(actor: Actor, dependency: ChangeHash, first_operation: u64, count: usize) -> Self {
        let rows = count as i64;
        let keys: Vec<u8> = (0..count).flat_map(|row| length_prefixed(format!("k{row}").as_bytes())).collect();
        let literal = |values: Vec<u8>| [put_signed(-rows), values].concat();
        let repeat =
            |value: u8| if rows == 1 { literal(vec![value]) } else { [put_signed(rows), vec![value]].concat() };
        Self {
            chunk_type: 1,
            dependencies: vec![*dependency.as_bytes()],
            actor: actor.as_bytes().to_vec(),
            sequence: 1,
            first_operation,
            time: 0,
            message: Vec::new(),
            others: Vec::new(),
            columns: vec![
                (0x15, literal(keys)),
                (0x34, put_unsigned(count as u64)),
                (0x42, repeat(1)),
                (0x56, repeat(2)),
                (0x70, repeat(0)),
            ],
            extra: Vec::new(),
        }
    }

    pub fn column(&mut self, column: u64) -> &mut Vec<u8> {
        if !self.columns.iter().any(|(found, _)| *found == column) {
            self.columns.push((column, Vec::new()));
            self.columns.sort();
        }
        &mut self.columns.iter_mut().find(|(found, _)| *found == column).unwrap().1
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn content(&self) -> Vec<u8> {
        let mut content = put_unsigned(self.dependencies.len() as u64);
        content.extend(self.dependencies.iter().flatten());
        content.extend(length_prefixed(&self.actor));
        content.extend(put_unsigned(self.sequence));
        content.extend(put_unsigned(self.first_operation));
        content.extend(put_signed(self.time));
        content.extend(length_prefixed(&self.message));
        content.extend(put_unsigned(self.others.len() as u64));
        content.extend(self.others.iter().flat_map(|other| length_prefixed(other)));
        content.extend(put_unsigned(self.columns.len() as u64));
        for (column, bytes) in &self.columns {
            content.extend(put_unsigned(*column));
            content.extend(put_unsigned(bytes.len() as u64));
        }
        content.extend(self.columns.iter().flat_map(|(_, bytes)| bytes));
        content.extend(&self.extra);
        content
    }

    pub fn chunk(&self) -> Vec<u8> {
        chunk(self.chunk_type, &self.content())
    }
}

/// One operation as it is written in columns. Operations of others are (index of the actor in the change, counter).
#[derive(Debug, Clone)]
pub struct Row {
    pub object: Option<(u64, u64)>,
    pub key: Key,
    pub insert: bool,
    pub action: u64,
    /// Its kind and its bytes.
    pub value: (u64, Vec<u8>),
    pub replaced: Vec<(u64, u64)>,
}

#[derive(Debug, Clone)]
pub enum Key {
    Text(String),
    Head,
    After(u64, u64),
}

impl Row {
    /// Every place where an actor is named by its index: object, key, what is replaced.
    pub fn actors(&mut self) -> Vec<&mut u64> {
        let key = match &mut self.key {
            Key::After(actor, _) => Some(actor),
            _ => None,
        };
        let object = self.object.as_mut().map(|(actor, _)| actor);
        object.into_iter().chain(key).chain(self.replaced.iter_mut().map(|(actor, _)| actor)).collect()
    }
}

/// The columns of some operations.
pub fn columns(rows: &[Row]) -> Vec<(u64, Vec<u8>)> {
    let number = |value: &u64| put_unsigned(*value);
    let each = |value: &dyn Fn(&Row) -> Option<u64>| runs(&rows.iter().map(value).collect::<Vec<_>>(), number);
    let replaced = || rows.iter().flat_map(|row| row.replaced.iter().copied());
    let keys: Vec<Option<Vec<u8>>> = rows
        .iter()
        .map(|row| match &row.key {
            Key::Text(text) => Some(length_prefixed(text.as_bytes())),
            _ => None,
        })
        .collect();
    let places: Vec<Option<u64>> = rows
        .iter()
        .map(|row| match row.key {
            Key::Text(_) => None,
            Key::Head => Some(0),
            Key::After(_, counter) => Some(counter),
        })
        .collect();
    let key_actor = |row: &Row| match row.key {
        Key::After(actor, _) => Some(actor),
        _ => None,
    };
    let kind = |row: &Row| Some((row.value.1.len() as u64) << 4 | row.value.0);
    let mut columns = vec![
        (0x01, each(&|row| row.object.map(|(actor, _)| actor))),
        (0x02, each(&|row| row.object.map(|(_, counter)| counter))),
        (0x11, each(&key_actor)),
        (0x13, deltas(&places)),
        (0x15, runs(&keys, Clone::clone)),
        (0x34, booleans(rows.iter().map(|row| row.insert))),
        (0x42, each(&|row| Some(row.action))),
        (0x56, each(&kind)),
        (0x57, rows.iter().flat_map(|row| row.value.1.iter().copied()).collect()),
        (0x70, each(&|row| Some(row.replaced.len() as u64))),
        (0x71, runs(&replaced().map(|(actor, _)| Some(actor)).collect::<Vec<_>>(), number)),
        (0x73, deltas(&replaced().map(|(_, counter)| Some(counter)).collect::<Vec<_>>())),
    ];
    columns.retain(|(_, bytes)| !bytes.is_empty());
    columns
}

fn runs<T: PartialEq>(values: &[Option<T>], put: impl Fn(&T) -> Vec<u8>) -> Vec<u8> {
    if values.iter().all(Option::is_none) {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut literals: Vec<&T> = Vec::new();
    let flush = |literals: &mut Vec<&T>, bytes: &mut Vec<u8>| {
        if !literals.is_empty() {
            bytes.extend(put_signed(-(literals.len() as i64)));
            bytes.extend(literals.drain(..).flat_map(&put));
        }
    };
    for same in values.chunk_by(|a, b| a == b) {
        match &same[0] {
            Some(value) if same.len() == 1 => literals.push(value),
            Some(value) => {
                flush(&mut literals, &mut bytes);
                bytes.extend(put_signed(same.len() as i64));
                bytes.extend(put(value));
            }
            None => {
                flush(&mut literals, &mut bytes);
                bytes.push(0);
                bytes.extend(put_unsigned(same.len() as u64));
            }
        }
    }
    flush(&mut literals, &mut bytes);
    bytes
}

fn deltas(values: &[Option<u64>]) -> Vec<u8> {
    let mut last = 0;
    let differences: Vec<Option<i64>> = values
        .iter()
        .map(|value| value.map(|value| value as i64 - std::mem::replace(&mut last, value as i64)))
        .collect();
    runs(&differences, |difference| put_signed(*difference))
}

fn booleans(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let values: Vec<bool> = values.collect();
    let mut bytes = if values.first() == Some(&true) { vec![0] } else { Vec::new() };
    for same in values.chunk_by(|a, b| a == b) {
        bytes.extend(put_unsigned(same.len() as u64));
    }
    bytes
}

/// Wraps content with the right checksum and length.
pub fn chunk(chunk_type: u8, content: &[u8]) -> Vec<u8> {
    let typed = [vec![chunk_type], length_prefixed(content)].concat();
    let hash = ChangeHash::of_chunk(&typed);
    [&[0x85, 0x6f, 0x4a, 0x83], hash.checksum(), &typed].concat()
}

/// The content of a chunk of any type.
pub fn content(chunk: &[u8]) -> &[u8] {
    let mut bytes = &chunk[9..];
    unsigned(&mut bytes);
    bytes
}

pub fn put_unsigned(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub fn put_signed(mut value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !(-64..64).contains(&value) {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
    bytes
}

pub fn length_prefixed(bytes: &[u8]) -> Vec<u8> {
    [put_unsigned(bytes.len() as u64), bytes.to_vec()].concat()
}

/// The vectors that make Automerge 0.12.0 panic, abort, hang or grow without bound, by name.
pub fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/automerge");
    let mut vectors: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect();
    vectors.sort();
    assert_eq!(vectors.len(), 16);
    vectors
}

fn take(bytes: &mut &[u8], count: usize) -> Vec<u8> {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken.to_vec()
}

fn counted(bytes: &mut &[u8]) -> Vec<u8> {
    let count = unsigned(bytes);
    take(bytes, count as usize)
}

fn unsigned(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn signed(bytes: &mut &[u8]) -> i64 {
    let (mut value, mut shift) = (0i64, 0);
    loop {
        let byte = take(bytes, 1)[0];
        value |= i64::from(byte & 0x7f).wrapping_shl(shift);
        shift += 7;
        if byte & 0x80 == 0 {
            return if shift < 64 && byte & 0x40 != 0 { value | (-1 << shift) } else { value };
        }
    }
}
