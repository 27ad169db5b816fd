//! The three files as a whole: the honest way, what mail and editors do to them, and everyone who tries another.

use std::sync::LazyLock;

use noroshi_sync::checkpoint::{NodeKey, sign};
use noroshi_sync::id::{DeviceId, Epoch};
use noroshi_sync::log::{LogId, chain, entry_hash};
use noroshi_sync::window::{CheckpointMark, Item, Window};
use proptest::prelude::*;

use super::*;
use crate::authority::{IssuingKey, NodeIdentity, root_certificate};
use crate::id::OrgId;
use crate::join::response_for;
use crate::key::KeyPair;
use crate::ledger::LedgerWriter;
use crate::testing::*;

const DAY_MS: u64 = 86_400_000;

fn keys() -> RequestKeys {
    RequestKeys::from_parts(key(20), &[21; 32])
}

fn request() -> OfflineRequest {
    OfflineRequest::make(&keys(), "北支所二号機", vec!["192.0.2.20:7450".parse().unwrap()], NOW_MS).unwrap()
}

struct Headquarters {
    identity: NodeIdentity,
    issuing: IssuingKey,
}

impl Headquarters {
    /// Of the organisation of the root key `n`.
    fn new(n: u8) -> Self {
        let root = root_certificate(&key(n), "朝凪市", NOW_MS).unwrap();
        let issuing = IssuingKey::create(&key(n), &root, key(n + 1), NOW_MS).unwrap();
        let chain = issuing.issue(key(1).node(), NOW_MS).unwrap();
        Self { identity: NodeIdentity::new(key(1), chain, root).unwrap(), issuing }
    }

    fn papers(&self, request: &OfflineRequest, windows: Vec<Window>) -> Papers {
        let directory = Town::new().directory();
        let root = self.identity.root_certificate();
        let response =
            response_for(request.node, office(2), "北支所", &directory, &self.issuing, root, NOW_MS).unwrap();
        Papers { response, windows }
    }

    fn file(&self, request: &OfflineRequest) -> String {
        let papers = self.papers(request, vec![window()]);
        OfflineCertificate::to_text(request, papers, &self.identity, "北支所", NOW_MS).unwrap()
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_organisation(self.identity.organisation())
    }
}

/// Three entries, signed.
fn window() -> Window {
    let mut town = Town::new();
    let node = NodeKey::from_seed(key(1).seed()).unwrap();
    let log = LogId::new(town.rooms.public, node.node(), Epoch(9), noroshi_sync::entry::Lane::Policy);
    let drafts = (0..3)
        .map(|n| town.by_administrator(|admin, id| admin.office(id, office_set(n + 10, crate::OfficeKind::Branch))));
    let entries: Vec<_> = drafts.map(|(_, entry)| entry).collect();
    let base = log.genesis();
    let mut hash = base;
    let mut items = Vec::new();
    for (place, mut entry) in entries.into_iter().enumerate() {
        entry.seq = place as u64 + 1;
        let bytes = entry.encode();
        hash = chain(hash, entry_hash(&bytes));
        items.push(Item::Entry(bytes));
    }
    let signature = sign(&node, &log, 3, &hash);
    Window { log, first: 1, base, items, checkpoints: vec![CheckpointMark { seq: 3, signature }] }
}

static HERE: LazyLock<Headquarters> = LazyLock::new(|| Headquarters::new(200));
static FILE: LazyLock<String> = LazyLock::new(|| HERE.file(&request()));

fn open(file: &[u8]) -> Result<OfflineJoined, InvalidPapers> {
    OfflineCertificate::open(file, &keys(), &request(), HERE.fingerprint(), NOW_MS)
}

fn sentence(file: &[u8]) -> String {
    open(file).unwrap_err().to_string()
}

#[test]
fn a_machine_becomes_a_node_by_files() {
    let read = OfflineRequest::from_text(request().to_text().as_bytes()).unwrap();
    assert_eq!((&read, read.fingerprint()), (&request(), request().fingerprint()));
    let joined = open(FILE.as_bytes()).unwrap();
    assert_eq!(joined.joined.identity.node(), key(20).node());
    assert_eq!(joined.joined.identity.organisation(), OrgId::of_root(&key(200).public()));
    assert_eq!((joined.joined.office, joined.writer), (office(2), key(1).node()));
    assert_eq!((joined.windows.len(), joined.windows[0].last()), (1, 3));
    assert!(open(FILE.as_bytes()).is_ok(), "the same file again says the same");
}

#[test]
fn nothing_of_the_ledger_can_be_read_on_the_way() {
    let clear = noroshi_sync::wire::encode(&window());
    let file = armour::read(FileKind::Certificate, FILE.as_bytes()).unwrap();
    let piece = &clear[clear.len() - 24..];
    assert!(!file.windows(24).any(|bytes| bytes == piece));
    let other = RequestKeys::from_parts(key(20), &[22; 32]);
    let opened = OfflineCertificate::open(FILE.as_bytes(), &other, &request(), HERE.fingerprint(), NOW_MS);
    assert!(matches!(opened, Err(InvalidPapers::File(InvalidFile::Damaged))));
}

#[test]
fn mail_and_editors_may_do_what_they_do() {
    for text in [request().to_text(), FILE.clone()] {
        let read = |bytes: &[u8]| match text.contains("REQUEST") {
            true => OfflineRequest::from_text(bytes).map(|_| ()).map_err(|error| error.to_string()),
            false => open(bytes).map(|_| ()).map_err(|error| error.to_string()),
        };
        let with_mark = format!("\u{feff}{text}");
        let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            with_mark.replace('\n', "\r\n").encode_utf16().flat_map(order).collect()
        };
        let (head, body) = text.split_once("\n\n").unwrap();
        let wrapped = body.lines().map(|line| match line.starts_with('-') {
            true => format!("{line}\n"),
            false => format!("{}\n{}\n", &line[..line.len() / 2], &line[line.len() / 2..]),
        });
        let wrapped: String = wrapped.collect();
        let indented: String = body.lines().map(|line| format!("   {line}  \n")).collect();
        for (what, bytes) in [
            ("as written", text.clone().into_bytes()),
            ("Windows line ends", text.replace('\n', "\r\n").into_bytes()),
            ("a byte order mark", with_mark.clone().into_bytes()),
            ("UTF-16, little endian", wide(u16::to_le_bytes)),
            ("UTF-16, big endian", wide(u16::to_be_bytes)),
            ("words before and after", format!("お世話になります。\n\n{text}\n-- \n朝凪市").into_bytes()),
            ("quoted", text.lines().map(|line| format!("> {line}\r\n")).collect::<String>().into_bytes()),
            ("wrapped", format!("{head}\n\n{wrapped}").into_bytes()),
            ("indented", format!("{head}\n\n{indented}").into_bytes()),
            ("the notes edited", format!("{head}\nFingerprint: 0000\n\n{body}").into_bytes()),
        ] {
            assert_eq!(read(&bytes), Ok(()), "{what}");
        }
    }
}

#[test]
fn each_bad_file_has_its_sentence() {
    let text = &*FILE;
    let middle = text.len() / 2;
    let first_line = text.find('\n').unwrap();
    for (file, expected) in [
        (String::new(), "the file is empty"),
        (" \r\n".into(), "the file is empty"),
        ("狼煙".into(), "this is no join certificate: the line -----BEGIN NOROSHI …----- is missing"),
        (text[first_line..].into(), "this is no join certificate: the line -----BEGIN NOROSHI …----- is missing"),
        (text[..middle].into(), "the file is cut off: its last line -----END NOROSHI …----- is missing"),
        (request().to_text(), "this is a join request; a join certificate is needed here"),
        (
            text.replace("CERTIFICATE", "ORDER"),
            "the file was written by a later version of the program; update this node first",
        ),
        (
            format!("{}%{}", &text[..middle], &text[middle..]),
            "the file contains the character '%', which does not belong there",
        ),
    ] {
        assert_eq!(sentence(file.as_bytes()), expected);
    }
    assert_eq!(sentence(&[0x80, 0x81]), "the file is not text");
    assert_eq!(
        sentence(&vec![b'A'; FileKind::Certificate.bytes_max() + 1]),
        "the file is larger than any join certificate"
    );
    let large = OfflineRequest::from_text(&vec![b'A'; FileKind::Request.bytes_max() + 1]).unwrap_err();
    assert_eq!(large.to_string(), "the file is larger than any join request");
}

#[test]
fn papers_for_somebody_else_are_refused() {
    // Another machine's; an earlier request of this one; another organisation's.
    let other = RequestKeys::from_parts(key(30), &[31; 32]);
    let others = OfflineRequest::make(&other, "別の箱", vec![], NOW_MS).unwrap();
    assert!(sentence(HERE.file(&others).as_bytes()).starts_with("the certificate is for another machine ("));
    let earlier = OfflineRequest::make(&keys(), "北支所二号機", vec![], NOW_MS - 1).unwrap();
    assert!(matches!(open(HERE.file(&earlier).as_bytes()), Err(InvalidPapers::OtherRequest)));
    let elsewhere = Headquarters::new(210);
    let refused = open(elsewhere.file(&request()).as_bytes()).unwrap_err();
    assert!(matches!(refused, InvalidPapers::OtherOrganisation { found } if found == elsewhere.fingerprint()));
    // Somebody outside writes a letter with the genuine certificates in it.
    let impostor = NodeIdentity::new(
        key(66),
        elsewhere.issuing.issue(key(66).node(), NOW_MS).unwrap(),
        elsewhere.identity.root_certificate().to_vec(),
    )
    .unwrap();
    let forged =
        OfflineCertificate::to_text(&request(), HERE.papers(&request(), vec![]), &impostor, "", NOW_MS).unwrap();
    assert!(matches!(open(forged.as_bytes()), Err(InvalidPapers::Writer(_))));
}

#[test]
fn what_no_writer_signed_is_refused() {
    let mut changed = window();
    changed.checkpoints[0].signature = noroshi_sync::checkpoint::Signature::from_bytes([7; 64]);
    let papers = HERE.papers(&request(), vec![changed]);
    let file = OfflineCertificate::to_text(&request(), papers, &HERE.identity, "", NOW_MS).unwrap();
    assert!(matches!(open(file.as_bytes()), Err(InvalidPapers::Ledger(_))));
}

#[test]
fn papers_and_requests_grow_old() {
    let opened = |days: u64| {
        OfflineCertificate::open(FILE.as_bytes(), &keys(), &request(), HERE.fingerprint(), NOW_MS + days * DAY_MS)
    };
    assert!(opened(395).is_ok());
    assert!(matches!(opened(398), Err(InvalidPapers::Expired)));
    assert_eq!(request().check_age(NOW_MS + 30 * DAY_MS), Ok(()));
    assert_eq!(request().check_age(NOW_MS + 31 * DAY_MS), Err(RequestRefusal::Old { days: 31 }));
    assert_eq!(request().check_age(0), Ok(()), "the clock of the new machine may be ahead");
    let unset = OfflineRequest::make(&keys(), "箱", vec![], 5_000).unwrap();
    assert_eq!(unset.check_age(NOW_MS), Ok(()), "a clock that was never set says nothing");
}

#[test]
fn a_request_speaks_for_the_machine_that_signed_it() {
    let mut other = request();
    other.sealing_key = [9; 32];
    assert_eq!(OfflineRequest::from_text(other.to_text().as_bytes()), Err(RequestRefusal::BadSignature));
    assert_ne!(other.fingerprint(), request().fingerprint());
}

fn approval(town: &mut Town, request: &OfflineRequest) -> noroshi_sync::entry::Draft {
    let id = town.scribe.id();
    let directory = town.directory();
    let writer = LedgerWriter { directory: &directory, signer: &town.administrator, device: DeviceId::NIL };
    writer.enrol(id, request.node, office(2), "北支所二号機").unwrap()
}

#[test]
fn an_approval_is_an_administrators_word() {
    let mut town = Town::new();
    let draft = approval(&mut town, &request());
    let organisation = town.directory().organisation();
    let read = |organisation, request: &OfflineRequest, draft: &noroshi_sync::entry::Draft| {
        let text = OfflineApproval::to_text(organisation, request, "北支所", draft);
        OfflineApproval::from_text(text.as_bytes(), &town.directory())
    };
    let approved = read(organisation, &request(), &draft).unwrap();
    assert_eq!((approved.request, approved.enrolment, approved.body.office), (request(), draft.clone(), office(2)));
    let elsewhere = read(OrgId::from_bytes([9; 32]), &request(), &draft);
    assert_eq!(elsewhere.unwrap_err(), InvalidApproval::OtherOrganisation);
    let other = OfflineRequest::make(&RequestKeys::from_parts(key(30), &[31; 32]), "箱", vec![], NOW_MS).unwrap();
    assert_eq!(read(organisation, &other, &draft).unwrap_err(), InvalidApproval::OtherNode);
    let changes: [fn(&mut noroshi_sync::entry::Draft); 5] = [
        |draft| draft.sig = Some(vec![0; 64]),
        |draft| draft.sig = None,
        |draft| draft.author = user(2),
        |draft| draft.auth_ref = entry_id(1, 1),
        |draft| draft.id = entry_id(NOW_MS, 9),
    ];
    for change in changes {
        let mut changed = draft.clone();
        change(&mut changed);
        assert_eq!(read(organisation, &request(), &changed).unwrap_err(), InvalidApproval::NotSigned);
    }
    // It enrols, once, however often it is carried.
    for _ in 0..2 {
        town.write(1, draft.clone());
    }
    assert_eq!(town.directory().node(key(20).node()).unwrap().office, office(2));
}

#[test]
fn fingerprints_are_read_as_people_say_them() {
    let fingerprint = HERE.fingerprint();
    let text = fingerprint.to_string();
    assert_eq!(text.len(), 19);
    for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), text.replace('0', "o").replace('1', "l")] {
        assert_eq!(typed.parse(), Ok(fingerprint), "{typed}");
    }
    for typed in ["", "0", &text[1..], &format!("{text}0"), "UUUU-UUUU-UUUU-UUUU", &"0".repeat(300)] {
        assert_eq!(typed.parse::<Fingerprint>(), Err(InvalidFingerprint), "{typed}");
    }
    let keys: [KeyPair; 2] = [key(1), key(2)];
    assert_ne!(
        Fingerprint::of_organisation(OrgId::of_root(&keys[0].public())),
        Fingerprint::of_organisation(OrgId::of_root(&keys[1].public()))
    );
}

/// Where the base64 of a file begins.
fn body_of(text: &str) -> usize {
    text.find("\n\n").unwrap() + 2
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_cut_or_changed_certificate_is_noticed(place in any::<prop::sample::Index>(), by in 1u8..=255, cut in any::<bool>()) {
        let mut bytes = FILE.clone().into_bytes();
        let at = place.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(open(&bytes).is_err() || at + 1 >= FILE.len());
        } else {
            bytes[at] ^= by;
            // Above the base64 stand words for people, whose change changes nothing. A line may end otherwise.
            let read = open(&bytes);
            let harmless = at < body_of(&FILE) || FILE.as_bytes()[at].is_ascii_whitespace() || at + 40 > FILE.len();
            prop_assert!(read.is_err() || harmless, "{at} ^ {by}");
        }
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,300}") {
        let directory = Town::new().directory();
        for file in [bytes, text.clone().into_bytes(), format!("-----BEGIN NOROSHI JOIN REQUEST-----\n\n{text}\n-----END NOROSHI JOIN REQUEST-----").into_bytes()] {
            let _ = OfflineRequest::from_text(&file);
            let _ = OfflineApproval::from_text(&file, &directory);
            let _ = open(&file);
        }
    }

    #[test]
    fn any_content_under_a_good_checksum_is_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..300)) {
        let directory = Town::new().directory();
        let _ = OfflineRequest::from_text(armour::write(FileKind::Request, &[], &content).as_bytes());
        let _ = OfflineApproval::from_text(armour::write(FileKind::Approval, &[], &content).as_bytes(), &directory);
        let _ = open(armour::write(FileKind::Certificate, &[], &content).as_bytes());
    }
}

/// Every byte of the content, not only of the text around it.
#[test]
fn a_certificate_edited_at_any_byte_is_refused() {
    let content = armour::read(FileKind::Certificate, FILE.as_bytes()).unwrap();
    for place in 0..content.len() {
        let mut edited = content.clone();
        edited[place] ^= 1;
        // With a checksum that fits: somebody who knows how.
        let file = armour::write(FileKind::Certificate, &[], &edited);
        assert!(open(file.as_bytes()).is_err(), "byte {place} of {}", content.len());
    }
}
