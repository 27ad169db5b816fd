//! What an act of the ledger means to somebody who looks it up later: the events of the drafts that one deed appends.
//!
//! It is computed where drafts are appended, whoever made them, so that no entry of the ledger comes into being at a node
//! without its event.

use std::collections::{BTreeMap, BTreeSet};

use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, UserId};

use super::event::{AuditEvent, Subject};
use super::kind::AuditKind;
use crate::ledger::{Details, Directory, LedgerBody, Policy, RequestOutcome, UserSet};
use crate::limits::AUDIT_EVENTS_OF_ACT_MAX;

/// An event with who did it on which device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    pub actor: UserId,
    pub device: DeviceId,
    pub event: AuditEvent,
}

/// The events of one deed. `before`: what the ledger said until then. What concerns one person is one event; of very many
/// only the number is told.
pub fn statements(drafts: &[Draft], before: &Directory) -> Vec<Statement> {
    let decoded: Vec<(&Draft, LedgerBody)> =
        drafts.iter().filter_map(|draft| Some((draft, LedgerBody::decode(draft.kind, &draft.body).ok()?))).collect();
    // Details, roles and the password of a person who is made or moved belong to that.
    let set: BTreeSet<UserId> = decoded.iter().filter_map(|(_, body)| set_of(body)).collect();
    let mut found = Vec::new();
    for (draft, body) in &decoded {
        let part = |user: &UserId| set.contains(user);
        let of_another = match body {
            LedgerBody::UserDetail(body) => part(&body.user),
            LedgerBody::RoleGrant(body) => part(&body.user),
            LedgerBody::PasswordVerifier(body) => part(&body.user),
            LedgerBody::UserTransfer(body) => part(&body.set.user),
            _ => false,
        };
        let event = if of_another { None } else { event(draft, body, before, &decoded) };
        found.extend(event.map(|event| Statement { actor: draft.author, device: draft.device, event }));
    }
    if found.len() > AUDIT_EVENTS_OF_ACT_MAX { folded(&found) } else { found }
}

fn set_of(body: &LedgerBody) -> Option<UserId> {
    match body {
        LedgerBody::UserSet(body) => Some(body.user),
        _ => None,
    }
}

fn folded(all: &[Statement]) -> Vec<Statement> {
    let mut kinds: BTreeMap<(u16, UserId, DeviceId), u32> = BTreeMap::new();
    for statement in all {
        *kinds.entry((statement.event.kind, statement.actor, statement.device)).or_default() += 1;
    }
    let one = |((kind, actor, device), count)| {
        let event = AuditEvent { kind, count, subject: None, detail: Vec::new() };
        Statement { actor, device, event }
    };
    kinds.into_iter().map(one).collect()
}

/// `None`: nothing that people look up.
fn event(draft: &Draft, body: &LedgerBody, before: &Directory, all: &[(&Draft, LedgerBody)]) -> Option<AuditEvent> {
    let new = |kind, subject| AuditEvent::new(kind, Some(subject));
    Some(match body {
        LedgerBody::OfficeSet(body) => {
            let known = before.office(body.office).is_some();
            let kind = if known { AuditKind::OfficeChanged } else { AuditKind::OfficeAdded };
            new(kind, Subject::Office(body.office)).with("name", &body.name)
        }
        LedgerBody::NodeInvite(body) => {
            new(AuditKind::NodeInvited, Subject::Invitation(draft.id)).with("name", &body.node_name)
        }
        LedgerBody::InviteCancel(body) => {
            let name = before.invite(body.invite).map(|invite| invite.node_name.as_str()).unwrap_or_default();
            new(AuditKind::InvitationCancelled, Subject::Invitation(body.invite)).with("name", name)
        }
        LedgerBody::NodeEnrol(body) => new(AuditKind::NodeJoined, Subject::Node(body.node)).with("name", &body.name),
        LedgerBody::NodeRevoke(body) => {
            new(AuditKind::NodeRevoked, Subject::Node(body.node)).with("reason", &body.reason)
        }
        LedgerBody::RoamingSet(body) => {
            let host = before.office(body.host).map(|office| office.name.as_str()).unwrap_or_default();
            let allowed = if body.allowed { "true" } else { "false" };
            new(AuditKind::RoamingChanged, Subject::Office(body.home)).with("host", host).with("allowed", allowed)
        }
        LedgerBody::AdministratorKeySet(body) => new(AuditKind::AdministratorKeyAdded, Subject::User(body.user)),
        LedgerBody::AdministratorKeyRequest(_) => {
            new(AuditKind::AdministratorKeyRequested, Subject::User(draft.author))
        }
        LedgerBody::AdministratorKeyEnd(body) => {
            let named = before.administrator_key(body.key).map(|record| record.user);
            // Declined before it was ever named.
            let user = named.or_else(|| before.key_request(body.key).map(|request| request.user));
            AuditEvent::new(AuditKind::AdministratorKeyEnded, user.map(Subject::User))
        }
        LedgerBody::PolicySet(body) => policy(before.policy(), &body.policy),
        LedgerBody::RulesSet(_) => AuditEvent::new(AuditKind::RulesChanged, None),
        LedgerBody::UserSet(body) => person(body, before, all),
        LedgerBody::UserDetail(body) => {
            let known = before.user(body.user).map(|user| user.details.clone()).unwrap_or_default();
            let fields = changed_details(&known, &body.details).join(",");
            new(AuditKind::PersonChanged, Subject::User(body.user)).with("fields", &fields)
        }
        LedgerBody::UserTransfer(body) => {
            let office = before.office(body.set.office).map(|office| office.name.as_str()).unwrap_or_default();
            new(AuditKind::TransferPlanned, Subject::User(body.set.user))
                .with("effective_ms", &body.effective_ms.to_string())
                .with("office", office)
        }
        LedgerBody::RoleGrant(body) => {
            new(AuditKind::RoleGranted, Subject::User(body.user)).with("role", body.role.word())
        }
        LedgerBody::RoleRemove(body) => {
            new(AuditKind::RoleRemoved, Subject::User(body.user)).with("role", body.role.word())
        }
        LedgerBody::PasswordVerifier(body) => new(AuditKind::PasswordSet, Subject::User(body.user)),
        LedgerBody::PostSet(body) => {
            let kind = if body.ended { AuditKind::PostEnded } else { AuditKind::PostChanged };
            new(kind, Subject::Post(body.post)).with("name", &body.name)
        }
        LedgerBody::UserSuspend(body) => {
            new(AuditKind::UserSuspended, Subject::User(body.user)).with("reason", &body.reason)
        }
        LedgerBody::UserLift(body) => new(AuditKind::UserLifted, Subject::User(body.user)),
        LedgerBody::DeviceEnrol(body) => {
            new(AuditKind::DeviceEnrolled, Subject::Device(body.device, body.user)).with("name", &body.name)
        }
        LedgerBody::DeviceSuspend(body) => new(AuditKind::DeviceSuspended, Subject::Device(body.device, body.user))
            .with("reason", &body.reason)
            .with("name", device_name(before, body.device, body.user)),
        LedgerBody::DeviceLift(body) => {
            let user = before.uses_of(body.device).map(|record| record.user).next().unwrap_or(UserId::NIL);
            new(AuditKind::DeviceLifted, Subject::Device(body.device, user))
                .with("name", device_name(before, body.device, user))
        }
        LedgerBody::DeviceRequest(body) => {
            new(AuditKind::DeviceRequested, Subject::User(body.user)).with("reason", &body.reason)
        }
        LedgerBody::DeviceRequestEnd(body) => match body.outcome {
            // The code itself is told of where it is made.
            RequestOutcome::Issued => return None,
            RequestOutcome::Declined => {
                let user = before.request(body.request).map(|request| Subject::User(request.user));
                AuditEvent::new(AuditKind::DeviceRequestDeclined, user)
            }
        },
        // Said by nodes about themselves, or by everybody once.
        LedgerBody::NodeAddresses(_)
        | LedgerBody::TimeMark(_)
        | LedgerBody::Witness(_)
        | LedgerBody::RulesAccepted(_) => return None,
    })
}

fn device_name(directory: &Directory, device: DeviceId, user: UserId) -> &str {
    directory.device(device, user).map(|record| record.name.as_str()).unwrap_or_default()
}

fn person(body: &UserSet, before: &Directory, all: &[(&Draft, LedgerBody)]) -> AuditEvent {
    let subject = Some(Subject::User(body.user));
    let Some(known) = before.user(body.user) else {
        let roles: Vec<&str> = all
            .iter()
            .filter_map(|(_, other)| match other {
                LedgerBody::RoleGrant(grant) if grant.user == body.user => Some(grant.role.word()),
                _ => None,
            })
            .collect();
        return AuditEvent::new(AuditKind::PersonAdded, subject)
            .with("name", &body.name)
            .with("roles", &roles.join(","));
    };
    let mut fields: Vec<&str> = [
        ("login", known.login != body.login),
        ("name", known.name != body.name),
        ("kana", known.kana != body.kana),
        ("office", known.office != body.office),
        ("section", known.section != body.section),
        ("post", known.post != body.post),
    ]
    .into_iter()
    .filter_map(|(field, changed)| changed.then_some(field))
    .collect();
    for (_, other) in all {
        match other {
            LedgerBody::UserDetail(detail) if detail.user == body.user => {
                fields.extend(changed_details(&known.details, &detail.details));
            }
            _ => {}
        }
    }
    AuditEvent::new(AuditKind::PersonChanged, subject).with("fields", &fields.join(","))
}

fn changed_details(before: &Details, after: &Details) -> Vec<&'static str> {
    [
        ("number", before.number != after.number),
        ("section_code", before.section_code != after.section_code),
        ("email", before.email != after.email),
        ("phone", before.phone != after.phone),
        ("muster_class", before.muster_class != after.muster_class),
        ("muster_place", before.muster_place != after.muster_place),
        ("qualifications", before.qualifications != after.qualifications),
        ("employment", before.employment != after.employment),
        ("valid_from", before.valid_from_ms != after.valid_from_ms),
        ("valid_until", before.valid_until_ms != after.valid_until_ms),
    ]
    .into_iter()
    .filter_map(|(field, changed)| changed.then_some(field))
    .collect()
}

/// What is demanded from now on, as far as it is other than before.
fn policy(before: &Policy, after: &Policy) -> AuditEvent {
    let word = |on: bool| if on { "true" } else { "false" }.to_owned();
    let fields = [
        ("require_devices", word(before.require_devices), word(after.require_devices)),
        ("require_passcode", word(before.require_passcode), word(after.require_passcode)),
        ("idle_lock_minutes", before.idle_lock_minutes.to_string(), after.idle_lock_minutes.to_string()),
        ("lease_hours", before.lease_hours.to_string(), after.lease_hours.to_string()),
        ("lease_isolated_hours", before.lease_isolated_hours.to_string(), after.lease_isolated_hours.to_string()),
    ];
    let changed = fields.into_iter().filter(|(_, before, after)| before != after);
    changed.fold(AuditEvent::new(AuditKind::PolicyChanged, None), |event, (field, _, after)| event.with(field, &after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::LedgerWriter;
    use crate::role::Role;
    use crate::testing::*;

    fn writer<'a>(town: &'a Town, directory: &'a Directory) -> LedgerWriter<'a, crate::AdministratorKey> {
        LedgerWriter { directory, signer: &town.administrator, device: DeviceId::NIL }
    }

    fn user_set_of(n: u8, directory: &Directory) -> UserSet {
        let known = directory.user(user(n)).unwrap();
        UserSet {
            user: known.id,
            login: known.login.clone(),
            name: known.name.clone(),
            kana: known.kana.clone(),
            office: known.office,
            section: known.section.clone(),
            post: known.post.clone(),
            replaces: Vec::new(),
        }
    }

    #[test]
    fn a_person_is_one_event_with_what_belongs_to_it() {
        let mut town = Town::new();
        let directory = town.directory();
        let (one, two, three, four) = (town.scribe.id(), town.scribe.id(), town.scribe.id(), town.scribe.id());
        let new = UserSet { user: user(50), login: "new".into(), ..user_set_of(2, &directory) };
        let writer = writer(&town, &directory);
        let drafts = [
            writer.user(one, new).unwrap(),
            writer.details(two, user(50), Details { phone: "0900000000".into(), ..Details::default() }).unwrap(),
            writer.grant(three, user(50), Role::Staff).unwrap(),
            writer.password(four, user(50), office(2), verifier('A')).unwrap(),
        ];
        let found = statements(&drafts, &directory);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].actor, user(1), "the administrator who signed");
        assert_eq!(found[0].event.kind, AuditKind::PersonAdded.number());
        assert_eq!(found[0].event.detail.last(), Some(&("roles".into(), "staff".into())));
        // Nothing of what is secret or private is in it.
        let bytes = crate::body::Body::encode(&found[0].event).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("argon2") && !text.contains("0900000000"), "{text}");
    }

    #[test]
    fn a_change_names_the_fields_and_not_what_is_in_them() {
        let mut town = Town::new();
        let directory = town.directory();
        let id = town.scribe.id();
        let changed = UserSet { section: "秘密の課".into(), post: "係長".into(), ..user_set_of(2, &directory) };
        let drafts = [writer(&town, &directory).user(id, changed).unwrap()];
        let found = statements(&drafts, &directory);
        assert_eq!(found[0].event.detail, [("fields".to_owned(), "section,post".to_owned())]);
    }

    #[test]
    fn very_many_are_told_as_a_number() {
        let mut town = Town::new();
        let directory = town.directory();
        let ids: Vec<_> = (0..100).map(|_| town.scribe.id()).collect();
        let writer = writer(&town, &directory);
        let drafts: Vec<Draft> = ids
            .iter()
            .zip(0u8..)
            .map(|(id, n)| {
                let login = format!("person{n}");
                writer.user(*id, UserSet { user: user(100 + n), login, ..user_set_of(2, &directory) }).unwrap()
            })
            .collect();
        let found = statements(&drafts, &directory);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].event.count, found[0].event.subject), (100, None));
        assert_eq!(statements(&drafts[..AUDIT_EVENTS_OF_ACT_MAX], &directory).len(), AUDIT_EVENTS_OF_ACT_MAX);
    }

    #[test]
    fn a_policy_tells_what_is_new() {
        let town = Town::new();
        let before = *town.directory().policy();
        let event = policy(&before, &Policy { lease_hours: before.lease_hours + 1, ..before });
        assert_eq!(event.detail, [("lease_hours".to_owned(), (before.lease_hours + 1).to_string())]);
    }
}
