//! Two and three islands edit one page; whatever order their changes come in, everyone ends with the same page.

use proptest::prelude::*;

use super::*;
use crate::document::limits::{DOCUMENT_ACTORS_MAX, DOCUMENT_ITEMS_MAX};

type Change = (NodeId, Epoch, Vec<u8>);

const ROOM: RoomId = RoomId::from_bytes([1; 16]);

/// One office: its page and the log of what it knows.
#[derive(Clone)]
struct Office {
    node: NodeId,
    epoch: Epoch,
    page: RoomPage,
    log: Vec<Change>,
}

impl Office {
    fn new(number: u8) -> Self {
        let (node, epoch) = (NodeId::from_bytes([number; 32]), Epoch(u64::from(number)));
        Self { node, epoch, page: RoomPage::new(ROOM, node, epoch), log: Vec::new() }
    }

    fn edit(&mut self, edit: &PageEdit) {
        if let Some(pending) = self.page.edit(edit).unwrap() {
            self.log.push((self.node, self.epoch, pending.bytes().to_vec()));
            self.page.commit(pending).unwrap();
        }
    }

    fn hear(&mut self, other: &Self) {
        let report = self.page.apply(&other.log);
        let good = |verdict: &Verdict| matches!(verdict, Verdict::Applied | Verdict::Known);
        assert!(report.verdicts.iter().all(|(_, verdict)| good(verdict)), "{report:?}");
        for change in &other.log {
            if !self.log.contains(change) {
                self.log.push(change.clone());
            }
        }
    }

    fn restart(&mut self, epoch: u64) {
        self.epoch = Epoch(epoch);
        self.page = RoomPage::from_changes(ROOM, self.node, self.epoch, &self.log).0;
    }
}

fn name(name: &str) -> PageEdit {
    PageEdit { name: Some(name.into()), ..PageEdit::default() }
}

fn topic(topic: &str) -> PageEdit {
    PageEdit { topic: Some(topic.into()), ..PageEdit::default() }
}

fn purpose(purpose: &str) -> PageEdit {
    PageEdit { purpose: Some(purpose.into()), ..PageEdit::default() }
}

fn pins(pins: &[u8]) -> PageEdit {
    PageEdit { pins: Some(pins.iter().map(|pin| pin_id(*pin)).collect()), ..PageEdit::default() }
}

fn pin_id(number: u8) -> EntryId {
    EntryId::from_bytes([number; 16])
}

/// Two offices that held the same page when the line was cut.
fn islands(before: &[PageEdit]) -> (Office, Office) {
    let (mut a, mut b) = (Office::new(1), Office::new(2));
    for edit in before {
        a.edit(edit);
    }
    b.hear(&a);
    (a, b)
}

fn heal(a: &mut Office, b: &mut Office) -> PageView {
    a.hear(b);
    b.hear(a);
    assert_eq!(a.page.heads(), b.page.heads());
    assert_eq!(a.page.view(), b.page.view());
    a.page.view()
}

#[test]
fn a_new_page_is_empty_and_the_same_everywhere() {
    let (a, b) = (Office::new(1), Office::new(2));
    assert_eq!(a.page.view(), PageView::default());
    assert_eq!(a.page.heads(), b.page.heads());
}

#[test]
fn an_edit_shows_after_its_commit_and_not_before() {
    let mut a = Office::new(1);
    let pending = a.page.edit(&name("本庁連絡")).unwrap().unwrap();
    assert_eq!(pending.view().name, "本庁連絡");
    assert_eq!(a.page.view(), PageView::default());
    a.page.commit(pending).unwrap();
    assert_eq!(a.page.view().name, "本庁連絡");
}

#[test]
fn a_dropped_edit_leaves_no_trace() {
    let mut a = Office::new(1);
    let heads = a.page.heads();
    drop(a.page.edit(&name("取り消し")).unwrap());
    assert_eq!(a.page.heads(), heads);
    a.edit(&name("残る"));
    let mut b = Office::new(2);
    b.hear(&a);
    assert_eq!(b.page.view().name, "残る");
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    let mut a = Office::new(1);
    assert!(a.page.edit(&PageEdit::default()).unwrap().is_none());
    let edit = PageEdit { pins: Some(vec![pin_id(1)]), ..name("同じ") };
    a.edit(&edit);
    assert!(a.page.edit(&edit).unwrap().is_none());
    assert!(a.page.edit(&topic("")).unwrap().is_none());
}

#[test]
fn changes_that_come_between_edit_and_commit_are_kept() {
    let (mut a, mut b) = islands(&[topic("水位")]);
    let pending = a.page.edit(&name("河川")).unwrap().unwrap();
    a.log.push((a.node, a.epoch, pending.bytes().to_vec()));
    b.edit(&purpose("水位の連絡"));
    a.hear(&b);
    a.page.commit(pending).unwrap();
    assert_eq!(a.page.view().purpose, "水位の連絡");
    assert_eq!(heal(&mut a, &mut b).name, "河川");
}

#[test]
fn several_edits_of_one_transaction_go_through_a_clone() {
    let mut a = Office::new(1);
    let mut working = a.page.clone();
    for edit in [name("一"), topic("二"), purpose("三")] {
        let pending = working.edit(&edit).unwrap().unwrap();
        a.log.push((a.node, a.epoch, pending.bytes().to_vec()));
        working.commit(pending).unwrap();
    }
    assert_eq!(a.page.view(), PageView::default());
    a.page = working;
    let mut b = Office::new(2);
    b.hear(&a);
    assert_eq!(b.page.view(), a.page.view());
}

#[test]
fn a_second_edit_of_the_same_state_is_not_committed() {
    let mut a = Office::new(1);
    let (first, second) = (a.page.edit(&name("甲")).unwrap().unwrap(), a.page.edit(&name("乙")).unwrap().unwrap());
    a.page.commit(first).unwrap();
    assert_eq!(a.page.commit(second), Err(PageError::Superseded(Verdict::Forked)));
    assert_eq!(a.page.view().name, "甲");
}

#[test]
fn two_islands_rename_and_one_name_wins_everywhere() {
    let (mut a, mut b) = islands(&[name("連絡")]);
    a.edit(&name("本庁の連絡"));
    b.edit(&name("北支所の連絡"));
    let name = heal(&mut a, &mut b).name;
    assert!(["本庁の連絡", "北支所の連絡"].contains(&name.as_str()), "{name}");
}

#[test]
fn topic_here_and_purpose_there_both_stay() {
    let (mut a, mut b) = islands(&[topic("平時"), purpose("連絡用")]);
    a.edit(&topic("地震対応"));
    b.edit(&purpose("避難所との連絡用"));
    let view = heal(&mut a, &mut b);
    assert_eq!((view.topic.as_str(), view.purpose.as_str()), ("地震対応", "避難所との連絡用"));
}

#[test]
fn edits_of_one_topic_at_different_places_both_stay() {
    let (mut a, mut b) = islands(&[topic("朝の会議は九時、夕方の会議は五時です。")]);
    a.edit(&topic("朝の会議は八時、夕方の会議は五時です。"));
    b.edit(&topic("朝の会議は九時、夕方の会議は六時です。"));
    assert_eq!(heal(&mut a, &mut b).topic, "朝の会議は八時、夕方の会議は六時です。");
}

#[test]
fn an_edit_at_both_ends_spares_what_others_wrote_between() {
    let (mut a, mut b) = islands(&[purpose("始め。中ほどの文。終わり。")]);
    a.edit(&purpose("初め。中ほどの文。結び。"));
    b.edit(&purpose("始め。中ほどの長い文。終わり。"));
    assert_eq!(heal(&mut a, &mut b).purpose, "初め。中ほどの長い文。結び。");
}

#[test]
fn two_islands_that_write_into_an_empty_page_share_its_texts() {
    let (mut a, mut b) = islands(&[]);
    a.edit(&topic("道路"));
    b.edit(&topic("河川"));
    let topic = heal(&mut a, &mut b).topic;
    assert!(topic == "道路河川" || topic == "河川道路", "{topic}");
}

#[test]
fn signs_made_of_several_characters_are_not_cut() {
    let (mut a, mut b) = islands(&[topic("担当👩‍🚒か\u{3099}")]);
    a.edit(&topic("担当👩‍⚕️か\u{3099}"));
    b.edit(&topic("担当👩‍🚒か"));
    let topic = heal(&mut a, &mut b).topic;
    assert_eq!(topic, "担当👩‍⚕️か");
}

#[test]
fn pins_set_apart_all_stay_and_a_pin_again_beats_an_unpin() {
    let (mut a, mut b) = islands(&[pins(&[1, 2])]);
    a.edit(&pins(&[1, 2, 3]));
    b.edit(&pins(&[2, 4]));
    assert_eq!(heal(&mut a, &mut b).pins, [2, 3, 4].map(pin_id));
    a.edit(&pins(&[]));
    b.edit(&pins(&[2, 3]));
    assert_eq!(heal(&mut a, &mut b).pins, []);
}

#[test]
fn a_restarted_node_goes_on_under_a_new_actor() {
    let (mut a, mut b) = islands(&[name("前")]);
    a.restart(77);
    a.edit(&name("後"));
    b.edit(&topic("話題"));
    let view = heal(&mut a, &mut b);
    assert_eq!((view.name.as_str(), view.topic.as_str()), ("後", "話題"));
}

#[test]
fn a_rebuilt_page_edits_on_in_the_same_run() {
    let mut a = Office::new(1);
    a.edit(&name("一"));
    a.edit(&topic("二"));
    a.page = RoomPage::from_changes(ROOM, a.node, a.epoch, &a.log).0;
    a.edit(&purpose("三"));
    let mut b = Office::new(2);
    b.hear(&a);
    assert_eq!(b.page.view().purpose, "三");
}

#[test]
fn a_change_that_comes_before_what_it_builds_on_waits() {
    let mut a = Office::new(1);
    a.edit(&name("一"));
    a.edit(&name("二"));
    a.edit(&name("三"));
    let mut b = Office::new(2);
    let report = b.page.apply(&a.log[2..]);
    let [(hash, Verdict::Waiting { missing })] = report.verdicts.as_slice() else { panic!("{report:?}") };
    assert!(hash.is_some() && missing.len() == 1 && !report.changed);
    let report = b.page.apply(&a.log);
    assert!(report.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Applied) && report.changed);
    assert_eq!(b.page.view().name, "三");
}

#[test]
fn a_change_counts_in_its_own_room_and_under_its_own_writer_only() {
    let mut a = Office::new(1);
    a.edit(&name("秘"));
    let (node, epoch, bytes) = a.log.pop().unwrap();
    let mut elsewhere = RoomPage::new(RoomId::from_bytes([2; 16]), node, epoch);
    let refused = [(None, Verdict::Refused(Refusal::WrongActor))];
    assert_eq!(elsewhere.apply(&[(node, epoch, bytes.clone())]).verdicts, refused);
    let mut b = Office::new(2);
    assert_eq!(b.page.apply(&[(node, Epoch(9), bytes.clone())]).verdicts, refused);
    assert_eq!(b.page.apply(&[(b.node, epoch, bytes)]).verdicts, refused);
    assert_eq!(b.page.view(), PageView::default());
}

#[test]
fn the_longest_texts_are_taken_and_one_more_character_is_not() {
    let mut a = Office::new(1);
    let text = |chars: usize| "字".repeat(chars);
    a.edit(&PageEdit {
        name: Some(text(ROOM_NAME_CHARS_MAX)),
        topic: Some(text(ROOM_TOPIC_CHARS_MAX)),
        purpose: Some(text(ROOM_PURPOSE_CHARS_MAX)),
        pins: None,
    });
    let too_long = |field, limit| Err(PageError::TooLong { field, limit });
    for (edit, field, limit) in [
        (name(&text(101)), "name", ROOM_NAME_CHARS_MAX),
        (topic(&text(301)), "topic", ROOM_TOPIC_CHARS_MAX),
        (purpose(&text(2_001)), "purpose", ROOM_PURPOSE_CHARS_MAX),
    ] {
        assert_eq!(a.page.edit(&edit).map(|pending| pending.is_some()), too_long(field, limit));
    }
}

#[test]
fn a_text_is_replaced_wholly_in_one_change() {
    let mut a = Office::new(1);
    let old: String = ('\u{4e00}'..).take(ROOM_PURPOSE_CHARS_MAX).collect();
    let new: String = ('\u{6000}'..).take(ROOM_PURPOSE_CHARS_MAX).collect();
    a.edit(&PageEdit { topic: Some(old.chars().take(300).collect()), ..purpose(&old) });
    a.edit(&PageEdit { topic: Some(new.chars().take(300).collect()), ..purpose(&new) });
    assert_eq!(a.log.len(), 2);
    let mut b = Office::new(2);
    b.hear(&a);
    assert_eq!(b.page.view().purpose, new);
}

#[test]
fn merged_texts_over_the_limit_are_cut_for_display_and_heal_with_the_next_edit() {
    let (mut a, mut b) = islands(&[]);
    a.edit(&purpose(&"あ".repeat(2_000)));
    b.edit(&purpose(&"い".repeat(2_000)));
    let shown = heal(&mut a, &mut b).purpose;
    assert_eq!(shown.chars().count(), 2_000);
    a.edit(&purpose("短く"));
    assert_eq!(heal(&mut a, &mut b).purpose, "短く");
    // Three at once: more than one change may take away, so the text is begun anew.
    let mut c = Office::new(3);
    c.hear(&a);
    for (office, char) in [(&mut a, "う"), (&mut b, "え"), (&mut c, "お")] {
        office.edit(&purpose(&char.repeat(2_000)));
    }
    c.hear(&a);
    heal(&mut a, &mut b);
    heal(&mut b, &mut c);
    b.edit(&purpose("三つから"));
    assert_eq!(heal(&mut b, &mut c).purpose, "三つから");
    assert_eq!(heal(&mut a, &mut c).purpose, "三つから");
}

#[test]
fn control_characters_of_others_are_not_shown() {
    let (mut a, mut b) = islands(&[]);
    a.edit(&PageEdit { topic: Some("一行目\n二行目\u{7}\u{1b}[31m".into()), ..name("鐘\u{7}") });
    let view = heal(&mut a, &mut b);
    assert_eq!((view.name.as_str(), view.topic.as_str()), ("鐘", "一行目\n二行目[31m"));
}

/// One more than the limit.
fn full(what: &'static str, limit: usize) -> Result<bool, PageError> {
    Err(PageError::Full(Excess { what, count: limit + 1, limit }))
}

#[test]
fn a_page_full_of_pins_takes_no_more_and_can_be_emptied() {
    let mut a = Office::new(1);
    let many = |count: usize| -> Vec<EntryId> {
        (0..count as u128).map(|number| EntryId::from_bytes(number.to_be_bytes())).collect()
    };
    // Two keys are the texts.
    let limit = DOCUMENT_ITEMS_MAX - 2;
    let edit = |count| PageEdit { pins: Some(many(count)), ..PageEdit::default() };
    // One change of 60 KiB has room for about 1,400 pins.
    a.edit(&edit(limit / 2));
    a.edit(&edit(limit));
    let refused = a.page.edit(&edit(limit + 1)).map(|pending| pending.is_some());
    assert_eq!(refused, full("items", DOCUMENT_ITEMS_MAX));
    a.edit(&edit(limit / 2));
    assert_eq!(a.page.view().pins.len(), limit / 2);
}

#[test]
fn a_page_with_500_writers_takes_edits_from_these_alone() {
    let mut a = Office::new(1);
    // The genesis is one of them.
    for run in 1..DOCUMENT_ACTORS_MAX as u64 {
        a.restart_lightly(run);
        a.edit(&topic(&run.to_string()));
    }
    a.edit(&topic("五百人目も続ける"));
    a.restart_lightly(9_999);
    let refused = a.page.edit(&name("次の人")).map(|pending| pending.is_some());
    assert_eq!(refused, full("writers", DOCUMENT_ACTORS_MAX));
}

impl Office {
    /// A new run without reading the log again.
    fn restart_lightly(&mut self, epoch: u64) {
        self.epoch = Epoch(epoch);
        self.page.author = Actor::of(self.node, self.epoch, ROOM);
    }
}

/// What an office may do in a made-up history.
#[derive(Debug, Clone)]
enum Step {
    Edit { office: usize, edit: PageEdit },
    Hear { office: usize, other: usize },
    Restart { office: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let text = || proptest::option::weighted(0.4, "[あいう👩\u{200d}🚒a\u{3099}]{0,12}");
    let pins = proptest::option::weighted(0.3, proptest::collection::vec((0u8..6).prop_map(pin_id), 0..4));
    let edit =
        (text(), text(), text(), pins).prop_map(|(name, topic, purpose, pins)| PageEdit { name, topic, purpose, pins });
    prop_oneof![
        5 => (0..3usize, edit).prop_map(|(office, edit)| Step::Edit { office, edit }),
        3 => (0..3usize, 0..3usize).prop_map(|(office, other)| Step::Hear { office, other }),
        1 => (0..3usize).prop_map(|office| Step::Restart { office }),
    ]
}

fn live(steps: Vec<Step>) -> Vec<Office> {
    let mut offices = vec![Office::new(1), Office::new(2), Office::new(3)];
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Edit { office, edit } => offices[office].edit(&edit),
            Step::Hear { office, other } => {
                let other = offices[other].clone();
                offices[office].hear(&other);
            }
            Step::Restart { office } => offices[office].restart(1_000 + number as u64),
        }
    }
    offices
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn three_islands_converge(steps in proptest::collection::vec(step(), 1..40)) {
        let mut offices = live(steps);
        for _ in 0..2 {
            for (office, other) in [(0, 1), (1, 2), (2, 0)] {
                let other = offices[other].clone();
                offices[office].hear(&other);
            }
        }
        for office in &offices[1..] {
            prop_assert_eq!(office.page.heads(), offices[0].page.heads());
            prop_assert_eq!(office.page.view(), offices[0].page.view());
        }
    }

    #[test]
    fn any_order_repetition_and_batching_gives_the_same_page(
        steps in proptest::collection::vec(step(), 1..40),
        picks in proptest::collection::vec((any::<prop::sample::Index>(), 1usize..8), 0..80),
    ) {
        let mut offices = live(steps);
        let [a, b, c] = offices.as_mut_slice() else { unreachable!() };
        a.hear(b);
        a.hear(c);
        let mut other = RoomPage::new(ROOM, NodeId::from_bytes([9; 32]), Epoch(9));
        for (pick, length) in picks {
            if !a.log.is_empty() {
                let from = pick.index(a.log.len());
                let mut batch: Vec<Change> = a.log[from..].iter().take(length).cloned().collect();
                batch.reverse();
                other.apply(&batch);
            }
        }
        other.apply(&a.log);
        prop_assert_eq!(other.heads(), a.page.heads());
        prop_assert_eq!(other.view(), a.page.view());
        let mut backwards = a.log.clone();
        backwards.reverse();
        let (rebuilt, report) = RoomPage::from_changes(ROOM, a.node, Epoch(10), &backwards);
        prop_assert!(report.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Applied));
        prop_assert_eq!(rebuilt.heads(), a.page.heads());
        prop_assert_eq!(rebuilt.view(), a.page.view());
    }
}
