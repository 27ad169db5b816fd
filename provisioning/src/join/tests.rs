//! Joining as a whole: the honest way, and everyone who tries another.

use noroshi_sync::id::EntryId;

use super::*;
use crate::authority::{IssuingKey, root_certificate};
use crate::field::InvalidField;
use crate::id::OrgId;
use crate::key::KeyPair;
use crate::ledger::NodeInvite;
use crate::testing::*;

struct Headquarters {
    town: Town,
    issuing: IssuingKey,
    root: Vec<u8>,
    code: JoinCode,
}

impl Headquarters {
    /// With an invitation for office 2.
    fn new() -> Self {
        let mut town = Town::new();
        let root = root_certificate(&key(200), "朝凪市", NOW_MS).unwrap();
        let issuing = IssuingKey::create(&key(200), &root, key(201), NOW_MS).unwrap();
        let (secret, expires_ms) = ([50; 16], NOW_MS + 86_400_000);
        let body = NodeInvite {
            office: office(2),
            key: invite_key(&secret).unwrap().public(),
            expires_ms,
            node_name: "北支所二号機".into(),
        };
        let invite = town.by_administrator(|admin, id| admin.invite(id, &body)).1.id;
        let code = JoinCode {
            organisation: OrgId::of_root(&Town::root_public()),
            invite,
            office: office(2),
            secret,
            expires_ms,
            addresses: vec!["192.0.2.1:7450".parse().unwrap()],
        };
        // As it arrives: over paper.
        Self { town, issuing, root, code: code.to_string().parse().unwrap() }
    }

    fn check(&mut self, request: &JoinRequest, now_ms: u64) -> Result<Admission, JoinRefusal> {
        let id = self.town.scribe.id();
        let request = JoinRequest::decode(&request.encode()).unwrap();
        check_request(&request, &self.town.directory(), Town::node(1), &self.issuing, &self.root, id, now_ms)
    }

    /// Checks and, when granted, writes the enrolment.
    fn admit(&mut self, request: &JoinRequest) -> Result<Admission, JoinRefusal> {
        let admission = self.check(request, NOW_MS)?;
        if let Some(draft) = admission.enrolment.clone() {
            self.town.write(1, draft);
        }
        Ok(admission)
    }

    fn refusal(&mut self, request: &JoinRequest) -> &'static str {
        self.check(request, NOW_MS).unwrap_err().code()
    }
}

fn request(code: &JoinCode, n: u8) -> JoinRequest {
    make_request(code, &key(n), "", vec!["192.0.2.20:7450".parse().unwrap()]).unwrap()
}

#[test]
fn a_machine_joins() {
    let mut headquarters = Headquarters::new();
    let code = headquarters.code.clone();
    let admission = headquarters.admit(&request(&code, 20)).unwrap();
    let bytes = admission.response.encode();
    assert!(bytes.len() < 2_000, "{}", bytes.len());
    let joined = accept_response(&code, key(20), JoinResponse::decode(&bytes).unwrap()).unwrap();
    assert_eq!(joined.identity.node(), key(20).node());
    assert_eq!(joined.identity.organisation(), code.organisation);
    assert_eq!((joined.office, joined.name.as_str()), (office(2), "北支所二号機"));
    assert_eq!(joined.headquarters.iter().map(|known| known.node).collect::<Vec<_>>(), [Town::node(1)]);
    let node = headquarters.town.directory().node(key(20).node()).cloned().unwrap();
    assert_eq!((node.office, node.name.as_str()), (office(2), "北支所二号機"));
}

#[test]
fn the_machine_may_bring_its_own_name() {
    let mut headquarters = Headquarters::new();
    let request = make_request(&headquarters.code, &key(20), "書庫の箱", vec![]).unwrap();
    assert_eq!(headquarters.admit(&request).unwrap().response.name, "書庫の箱");
    assert_eq!(headquarters.town.directory().node(key(20).node()).unwrap().name, "書庫の箱");
}

#[test]
fn asking_again_gives_papers_again_even_after_the_expiry() {
    let mut headquarters = Headquarters::new();
    let code = headquarters.code.clone();
    let request = request(&code, 20);
    assert!(headquarters.admit(&request).unwrap().enrolment.is_some());
    let again = headquarters.check(&request, code.expires_ms + 1).unwrap();
    assert_eq!(again.enrolment, None);
    assert!(accept_response(&code, key(20), again.response).is_ok());
    assert_eq!(headquarters.town.directory().counts().hidden, 0);
}

#[test]
fn a_code_admits_one_machine_until_it_expires() {
    let mut headquarters = Headquarters::new();
    let code = headquarters.code.clone();
    let first = request(&code, 20);
    assert!(headquarters.check(&first, code.expires_ms).is_ok());
    assert_eq!(headquarters.check(&first, code.expires_ms + 1).unwrap_err().code(), "expired");
    headquarters.admit(&first).unwrap();
    assert_eq!(headquarters.refusal(&request(&code, 21)), "already_used");
}

#[test]
fn a_machine_is_enrolled_once() {
    let mut headquarters = Headquarters::new();
    let request = request(&headquarters.code, 3);
    assert_eq!(headquarters.refusal(&request), "already_enrolled");
}

#[test]
fn who_was_not_invited_is_refused() {
    let mut headquarters = Headquarters::new();
    let code = headquarters.code.clone();
    let genuine = request(&code, 20);
    let mut refusal_with = |change: fn(&mut JoinCode)| {
        let mut code = code.clone();
        change(&mut code);
        headquarters.refusal(&request(&code, 20))
    };
    assert_eq!(refusal_with(|code| code.secret = [51; 16]), "bad_signature");
    assert_eq!(refusal_with(|code| code.office = office(1)), "bad_signature");
    assert_eq!(refusal_with(|code| code.invite = EntryId::from_bytes([9; 16])), "unknown_invite");
    assert_eq!(refusal_with(|code| code.organisation = OrgId::from_bytes([9; 32])), "other_organisation");
    // Somebody on the line changes the genuine question.
    let impostor = request(&code, 66);
    for changed in [
        JoinRequest { node: key(66).node(), ..genuine.clone() },
        JoinRequest { name: "偽".into(), ..genuine.clone() },
        JoinRequest { addresses: vec![], ..genuine.clone() },
        JoinRequest { enrol_signature: impostor.enrol_signature, ..genuine.clone() },
        JoinRequest { invite_signature: impostor.invite_signature, ..genuine.clone() },
        JoinRequest { node_signature: impostor.node_signature, ..genuine },
    ] {
        assert_eq!(headquarters.refusal(&changed), "bad_signature");
    }
}

#[test]
fn only_headquarters_admits() {
    let mut headquarters = Headquarters::new();
    let request = request(&headquarters.code, 20);
    let directory = headquarters.town.directory();
    let id = headquarters.town.scribe.id();
    for here in [Town::node(2), Town::node(66)] {
        let refused = check_request(&request, &directory, here, &headquarters.issuing, &headquarters.root, id, NOW_MS);
        assert_eq!(refused.unwrap_err().code(), "not_headquarters");
    }
}

#[test]
fn answers_that_bend_something_are_not_believed() {
    let mut headquarters = Headquarters::new();
    let code = headquarters.code.clone();
    let answer = headquarters.admit(&request(&code, 20)).unwrap().response;
    let refuse = |answer: JoinResponse| accept_response(&code, key(20), answer).unwrap_err();
    assert!(accept_response(&code, key(20), answer.clone()).is_ok());

    let other_root = root_certificate(&key(210), "朝凪市", NOW_MS).unwrap();
    let other_issuing = IssuingKey::create(&key(210), &other_root, key(211), NOW_MS).unwrap();
    let chain = other_issuing.issue(key(20).node(), NOW_MS).unwrap();
    assert_eq!(refuse(JoinResponse { root: other_root, chain, ..answer.clone() }), InvalidResponse::OtherOrganisation);
    let chain = headquarters.issuing.issue(key(66).node(), NOW_MS).unwrap();
    assert!(matches!(refuse(JoinResponse { chain, ..answer.clone() }), InvalidResponse::Identity(_)));
    assert!(matches!(refuse(JoinResponse { chain: vec![], ..answer.clone() }), InvalidResponse::Identity(_)));
    let chain = vec![answer.chain[0].clone(); 5];
    assert!(matches!(refuse(JoinResponse { chain, ..answer.clone() }), InvalidResponse::Field(_)));
    assert_eq!(refuse(JoinResponse { office: office(1), ..answer.clone() }), InvalidResponse::OtherOffice);
    assert!(matches!(refuse(JoinResponse { root: vec![1, 2, 3], ..answer.clone() }), InvalidResponse::Root(_)));
    assert!(matches!(refuse(JoinResponse { name: "\u{202e}".into(), ..answer.clone() }), InvalidResponse::Field(_)));
    let many = vec![answer.headquarters[0].clone(); 17];
    assert!(matches!(refuse(JoinResponse { headquarters: many, ..answer.clone() }), InvalidResponse::Field(_)));
    assert_eq!(refuse(JoinResponse { version: 2, ..answer }), InvalidResponse::Version);
}

#[test]
fn messages_have_limits() {
    let code = Headquarters::new().code.clone();
    let ask =
        |name: &str, addresses: usize| make_request(&code, &key(20), name, vec!["h:1".parse().unwrap(); addresses]);
    assert!(ask(&"あ".repeat(100), 16).is_ok());
    assert_eq!(ask(&"あ".repeat(101), 0).unwrap_err(), JoinError::Field(InvalidField::new("name", "too_long")));
    assert_eq!(ask("", 17).unwrap_err(), JoinError::Field(InvalidField::new("addresses", "too_many")));
    let mut later = ask("", 0).unwrap();
    later.version = 2;
    assert!(JoinRequest::decode(&later.encode()).is_err());
    assert!(JoinRequest::decode(&[]).is_err());
    assert!(JoinRequest::decode(&vec![1; 64 * 1024 + 1]).is_err());
    assert!(JoinResponse::decode(&vec![1; 64 * 1024 + 1]).is_err());
}

#[test]
fn the_bytes_of_a_question_are_golden() {
    let code = JoinCode {
        organisation: OrgId::from_bytes([1; 32]),
        invite: EntryId::from_bytes([2; 16]),
        office: office(3),
        secret: [4; 16],
        expires_ms: NOW_MS,
        addresses: vec![],
    };
    let key = KeyPair::from_seed(&[5; 32]).unwrap();
    let request = make_request(&code, &key, "一号機", vec!["192.0.2.1:7450".parse().unwrap()]).unwrap();
    insta::assert_snapshot!(data_encoding::HEXLOWER.encode(&request.encode()));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = JoinRequest::decode(&bytes);
        let _ = JoinResponse::decode(&bytes);
    }
}
