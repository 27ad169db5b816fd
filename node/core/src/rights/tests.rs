//! The rule for each action and each sort of person, in one readable table.

use std::sync::Arc;

use noroshi_sync::id::{DeviceId, Epoch, UserId};

use super::*;
use crate::fixture::{FOUNDED_MS, Fixture};

/// A city of two offices: the administrator, an office administrator of the second and staff of both.
fn city() -> (Fixture, Arc<Directory>) {
    let city = Fixture::city(2, 3).unwrap();
    let (mut database, projection) = city.database(0, Epoch(1), Arc::new(|| FOUNDED_MS)).unwrap();
    city.write_ledger(&mut database).unwrap();
    (city, projection.directory())
}

fn actor(user: UserId) -> Actor {
    Actor { user, device: DeviceId::NIL, roles: Vec::new() }
}

fn word(answer: &Result<(), ServiceError>) -> char {
    match answer {
        Ok(()) => '+',
        Err(ServiceError::NotFound) => '?',
        Err(_) => '-',
    }
}

#[test]
fn rights_about_people_follow_the_table() {
    let (city, directory) = city();
    let person = |office: usize, place: usize| city.offices[office].people[place].id;
    // Actors: system administrator · administrator of office 1 · staff of office 1 · staff of headquarters · a stranger.
    let actors = [person(0, 0), person(1, 0), person(1, 1), person(0, 1), UserId::from_bytes([9; 16])];
    // Objects: the system administrator · staff of office 1 · staff of headquarters.
    let objects = [person(0, 0), person(1, 2), person(0, 1)];
    #[rustfmt::skip]
    let table = [
        (Action::SeePeople,     ["+----", "++---", "+----"]),
        (Action::IssueCode,     ["+----", "++---", "+----"]),
        (Action::SeeDevices,    ["+----", "++---", "+--+-"]),
        (Action::SuspendDevice, ["+----", "++---", "+--+-"]),
        (Action::Suspend,       ["-----", "++---", "+----"]),
        (Action::Lift,          ["+----", "+----", "+----"]),
        (Action::ManagePeople,  ["+----", "+----", "+----"]),
        (Action::RequestDevice, ["+--+-", "+++--", "+--+-"]),
        (Action::SetPolicy,     ["-----", "-----", "-----"]),
    ];
    for (action, expected) in table {
        for (object, expected) in objects.into_iter().zip(expected) {
            let answers = actors.map(|user| word(&may(&directory, &actor(user), action, Object::Person(object))));
            assert_eq!(answers.iter().collect::<String>(), expected, "{action:?} of {object}");
        }
    }
    let unknown = Object::Person(UserId::from_bytes([8; 16]));
    assert_eq!(word(&may(&directory, &actor(actors[0]), Action::SeePeople, unknown)), '?');
}

#[test]
fn no_action_is_open_to_a_stranger_but_what_concerns_oneself() {
    let (_, directory) = city();
    let stranger = actor(UserId::from_bytes([9; 16]));
    let open: Vec<Action> = Action::ALL
        .into_iter()
        .filter(|action| may(&directory, &stranger, *action, Object::Organisation).is_ok())
        .collect();
    assert_eq!(open, [Action::SeeSelf, Action::SeeDirectory, Action::AcceptRules]);
    for action in Action::ALL {
        assert_eq!(word(&may(&directory, &stranger, action, Object::Room(None))), '?');
    }
}
