//! After healing everybody who may hold a room holds the same of it and shows the same of it.

use std::collections::BTreeMap;

use noroshi_sync::digest::Digest;
use noroshi_sync::id::RoomId;

/// What one office has at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Replica {
    pub office: String,
    /// For each other office, by its place in the list: rooms shared with it and their digests.
    pub shared: BTreeMap<usize, BTreeMap<RoomId, Digest>>,
    /// What people see of each room, line by line.
    pub views: BTreeMap<RoomId, Vec<String>>,
}

/// Compares every pair of offices.
pub(crate) fn check(replicas: &[Replica]) -> Result<(), String> {
    for (a, one) in replicas.iter().enumerate() {
        for (b, other) in replicas.iter().enumerate().skip(a + 1) {
            compare(one, one.shared.get(&b), other, other.shared.get(&a))?;
        }
    }
    Ok(())
}

type Rooms<'a> = Option<&'a BTreeMap<RoomId, Digest>>;

fn compare(one: &Replica, one_shares: Rooms, other: &Replica, other_shares: Rooms) -> Result<(), String> {
    let (Some(one_shares), Some(other_shares)) = (one_shares, other_shares) else {
        return Err(format!("{} and {} were not compared", one.office, other.office));
    };
    let pair = format!("{} and {}", one.office, other.office);
    if let Some(room) =
        one_shares.keys().chain(other_shares.keys()).find(|room| one_shares.get(*room) != other_shares.get(*room))
    {
        return Err(format!("{pair} do not hold the same of room {room}"));
    }
    for room in one_shares.keys() {
        if one.views.get(room) != other.views.get(room) {
            let difference = first_difference(one.views.get(room), other.views.get(room));
            return Err(format!("{pair} do not show the same of room {room}: {difference}"));
        }
    }
    Ok(())
}

/// The first line in which two views differ.
pub(crate) fn first_difference(one: Option<&Vec<String>>, other: Option<&Vec<String>>) -> String {
    let line = |view: Option<&Vec<String>>, number: usize| view.and_then(|view| view.get(number)).cloned();
    let length = one.map_or(0, Vec::len).max(other.map_or(0, Vec::len));
    let differs = (0..length).find(|number| line(one, *number) != line(other, *number));
    match differs {
        Some(number) => format!("{:?} against {:?}", line(one, number), line(other, number)),
        None => "one of them does not show it at all".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    fn pair() -> Vec<Replica> {
        let replica = |office: &str, other: usize| Replica {
            office: office.into(),
            shared: [(other, [(ROOM, Digest::of("test", &[]))].into())].into(),
            views: [(ROOM, vec!["部屋".to_owned(), "発言".to_owned()])].into(),
        };
        vec![replica("本庁", 1), replica("北支所", 0)]
    }

    #[test]
    fn equal_replicas_are_equal() {
        assert_eq!(check(&pair()), Ok(()));
    }

    #[test]
    fn every_difference_is_found() {
        type Spoil = (&'static str, fn(&mut Replica));
        let spoils: [Spoil; 5] = [
            ("another digest", |replica| {
                replica.shared.values_mut().for_each(|rooms| *rooms = [(ROOM, Digest::EMPTY)].into());
            }),
            ("a room is not shared", |replica| replica.shared.values_mut().for_each(BTreeMap::clear)),
            ("nothing to compare", |replica| replica.shared.clear()),
            ("another line", |replica| replica.views = [(ROOM, vec!["部屋".into(), "別の発言".into()])].into()),
            ("no view", |replica| replica.views.clear()),
        ];
        for (name, spoil) in spoils {
            for which in 0..2 {
                let mut replicas = pair();
                spoil(&mut replicas[which]);
                assert!(check(&replicas).is_err(), "{name}");
            }
        }
    }
}
