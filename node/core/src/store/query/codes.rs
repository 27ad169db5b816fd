//! How words and ids stand in the columns of tables. What cannot be read is damage.

use noroshi_provisioning::membership::Grounds;
use noroshi_sync::entry::Entry;
use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId, RoomId, UserId};
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use crate::view::{RoomKind, RoomRole};

const KINDS: [RoomKind; 3] = [RoomKind::Group, RoomKind::Direct, RoomKind::Announcement];
const ROLES: [RoomRole; 2] = [RoomRole::Admin, RoomRole::Member];

pub(in crate::store) const fn kind_number(kind: RoomKind) -> i64 {
    match kind {
        RoomKind::Group => 0,
        RoomKind::Direct => 1,
        RoomKind::Announcement => 2,
    }
}

pub(in crate::store) const fn grounds_number(grounds: Grounds) -> i64 {
    match grounds {
        Grounds::PersonalData => 0,
        Grounds::Drill => 1,
        Grounds::Retention => 2,
    }
}

pub(in crate::store) fn grounds(row: &Row<'_>, column: usize) -> Result<Grounds> {
    word(row, column, &Grounds::ALL)
}

pub(in crate::store) const fn role_number(role: RoomRole) -> i64 {
    match role {
        RoomRole::Admin => 0,
        RoomRole::Member => 1,
    }
}

pub(in crate::store) fn room_kind(row: &Row<'_>, column: usize) -> Result<RoomKind> {
    word(row, column, &KINDS)
}

pub(in crate::store) fn room_role(row: &Row<'_>, column: usize) -> Result<RoomRole> {
    word(row, column, &ROLES)
}

fn word<T: Copy>(row: &Row<'_>, column: usize, words: &[T]) -> Result<T> {
    let number: i64 = row.get(column)?;
    let word = usize::try_from(number).ok().and_then(|index| words.get(index));
    word.copied().ok_or(Error::IntegralValueOutOfRange(column, number))
}

/// Entry ids one after another, 16 bytes each.
pub(in crate::store) fn join_ids(ids: &[EntryId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}

pub(in crate::store) fn id_list(row: &Row<'_>, column: usize) -> Result<Vec<EntryId>> {
    let bytes: Vec<u8> = row.get(column)?;
    let (ids, rest) = bytes.as_chunks::<16>();
    if rest.is_empty() { Ok(ids.iter().map(|id| EntryId::from_bytes(*id)).collect()) } else { Err(unreadable(column)) }
}

pub(in crate::store) fn entry_id(row: &Row<'_>, column: usize) -> Result<EntryId> {
    row.get(column).map(EntryId::from_bytes)
}

pub(in crate::store) fn user_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    row.get(column).map(UserId::from_bytes)
}

pub(in crate::store) fn room_id(row: &Row<'_>, column: usize) -> Result<RoomId> {
    row.get(column).map(RoomId::from_bytes)
}

pub(in crate::store) fn node_id(row: &Row<'_>, column: usize) -> Result<NodeId> {
    row.get(column).map(NodeId::from_bytes)
}

/// A number that is never negative.
pub(in crate::store) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(in crate::store) fn hlc(row: &Row<'_>, column: usize) -> Result<Hlc> {
    unsigned(row, column).map(Hlc::from_raw)
}

pub(in crate::store) const fn hlc_number(hlc: Hlc) -> i64 {
    hlc.raw().cast_signed()
}

/// An encoded entry. It was decoded once when it was stored.
pub(in crate::store) fn entry(row: &Row<'_>, column: usize) -> Result<Entry> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|_| unreadable(column))?;
    Entry::decode(bytes).map_err(|error| Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error)))
}

fn unreadable(column: usize) -> Error {
    Error::InvalidColumnType(column, "not what was stored".into(), Type::Blob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_one_to_one() {
        for (index, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind_number(kind), index as i64);
        }
        for (index, role) in ROLES.into_iter().enumerate() {
            assert_eq!(role_number(role), index as i64);
        }
    }
}
