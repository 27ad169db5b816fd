//! What a list does to the people of a small town, and how it is taken back.

use noroshi_sync::id::{DeviceId, UserId};
use proptest::prelude::*;

use super::support::{is_told, rows, told};
use crate::ledger::{Directory, Employment, Ledger, LedgerWriter, User};
use crate::password::make_verifier;
use crate::role::Role;
use crate::roster::{EncodingChoice, FieldValue, Letter, NotCarriedOut, Outcome, Plan, Snapshot, Undo, read};
use crate::testing::{NOW_MS, Town, office, user};

/// 2027-04-01 and 2027-10-01, begin of the day in Japan.
const APRIL: u64 = 1_806_505_200_000;
const OCTOBER: u64 = 1_822_316_400_000;
const DAY_MS: u64 = 86_400_000;

/// The town of the ledger's tests with a clock, and lists that are imported into it.
struct Hall {
    town: Town,
    now_ms: u64,
}

impl Hall {
    fn new() -> Self {
        Self { town: Town::new(), now_ms: NOW_MS }
    }

    fn directory(&self) -> Directory {
        let mut ledger = Ledger::new(Town::root_public());
        for (log, entry) in &self.town.entries {
            ledger.insert(log, entry);
        }
        ledger.resolve(self.now_ms)
    }

    fn plan(&self, list: &str) -> Plan {
        Plan::of(&rows(list), &self.directory(), self.now_ms)
    }

    /// Imports a list without problems that prevent it.
    fn import(&mut self, list: &str) -> (Vec<Letter>, Undo) {
        let (directory, plan) = (self.directory(), self.plan(list));
        let Outcome { drafts, letters, undo } = self.carry_out(&directory, &plan).unwrap();
        drafts.into_iter().for_each(|draft| drop(self.town.write(1, draft)));
        (letters, undo)
    }

    fn carry_out(&mut self, directory: &Directory, plan: &Plan) -> Result<Outcome, NotCarriedOut> {
        let Town { administrator, scribe, .. } = &mut self.town;
        let writer = LedgerWriter { directory, signer: &*administrator, device: DeviceId::NIL };
        plan.carry_out(writer, &mut || scribe.id().as_uuid(), self.now_ms)
    }

    fn undo(&mut self, undo: &Undo) -> Vec<String> {
        let directory = self.directory();
        let Town { administrator, scribe, .. } = &mut self.town;
        let writer = LedgerWriter { directory: &directory, signer: &*administrator, device: DeviceId::NIL };
        let outcome = undo.carry_out(writer, &mut || scribe.id().as_uuid(), self.now_ms).unwrap();
        outcome.drafts.into_iter().for_each(|draft| drop(self.town.write(1, draft)));
        outcome.kept.iter().map(crate::roster::Problem::japanese).collect()
    }

    /// The person with a number in service.
    fn person(&self, number: &str) -> User {
        let directory = self.directory();
        let mut found = directory.users().filter(|user| user.details.number == number);
        found.find(|user| user.details.is_valid_at(self.now_ms)).cloned().unwrap()
    }

    /// Everybody in service, with what is planned for them.
    fn in_service(&self) -> Vec<(User, Snapshot)> {
        let valid = |user: &&User| user.details.is_valid_at(self.now_ms);
        let directory = self.directory();
        directory.users().filter(valid).map(|user| (without_entries(user.clone()), Snapshot::of(user))).collect()
    }
}

/// A person as the directory shows it; entries are new after every change.
fn without_entries(user: User) -> User {
    User { heads: Vec::new(), detail_heads: Vec::new(), homes: Default::default(), planned: Vec::new(), ..user }
}

#[track_caller]
fn has_problem(hall: &Hall, list: &str, row: Option<u32>, code: &str, japanese: &str) {
    let plan = hall.plan(list);
    let told = told(&plan.problems);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].0, told[0].2, told[0].3.as_str()), (row, code, japanese));
}

const STAFF: &str = "職員番号,氏名,氏名カナ,拠点,所属,役職\n";

#[test]
fn a_person_who_is_new_gets_an_account_and_a_letter() {
    let mut hall = Hall::new();
    let before = hall.in_service().len();
    let list = "職員番号,氏名,氏名カナ,拠点,所属コード,所属,役職,メール,電話,参集区分,参集場所,資格,権限,雇用区分,有効終了\n\
                ００１２,髙﨑　太郎,ﾀｶｻｷ ﾀﾛｳ,拠点２,0101,総務課,主事,a@b.jp,+81-90-1234-5678,第1,北小学校,防災士,拠点管理者,会計年度任用職員,R10.3.31\n";
    let (letters, _) = hall.import(list);
    let person = hall.person("0012");
    assert_eq!(
        (person.login.as_str(), person.name.as_str(), person.kana.as_str()),
        ("0012", "髙﨑 太郎", "たかさき たろう")
    );
    assert_eq!((person.office, person.section.as_str(), person.post.as_str()), (office(2), "総務課", "主事"));
    assert_eq!((person.details.phone.as_str(), person.details.email.as_str()), ("09012345678", "a@b.jp"));
    assert_eq!((person.details.section_code.as_str(), person.details.muster_class.as_str()), ("0101", "第1"));
    assert_eq!((person.details.muster_place.as_str(), person.details.qualifications.as_str()), ("北小学校", "防災士"));
    assert_eq!(person.details.employment, Employment::FixedTerm);
    assert_eq!(person.details.valid_until_ms, Some(APRIL + 366 * DAY_MS - 1_000));
    assert!(person.roles.iter().eq([&Role::OfficeAdmin]));
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].user, person.id);
    assert!(hall.directory().verifier(person.id).unwrap().check(letters[0].initial_password.as_str()));
    assert_eq!(hall.in_service().len(), before + 1);
}

#[test]
fn accounts_of_sections_need_no_number() {
    let mut hall = Hall::new();
    hall.import("ログイン名,氏名,拠点,所属,アカウント種別\nsoumu,総務課共用,拠点1,総務課,所属アカウント\n");
    let directory = hall.directory();
    let shared = directory.user_by_login("soumu").unwrap();
    assert_eq!((shared.details.employment, shared.details.number.as_str()), (Employment::SectionAccount, ""));
    assert!(shared.roles.iter().eq([&Role::Staff]));
}

#[test]
fn numbers_are_one_however_they_are_written() {
    let mut hall = Hall::new();
    hall.import(&format!(
        "{STAFF}0012,山田 太郎,ヤマダ タロウ,拠点1,総務課,主事\nA01,鈴木 花子,スズキ ハナコ,拠点1,総務課,主事\n"
    ));
    for number in ["0012", "12", "１２", " 00 12 ", "000012", "=\"0012\""] {
        let plan = hall.plan(&format!("{STAFF}{number},山田 太郎,ヤマダ タロウ,拠点1,総務課,主事\n"));
        assert_eq!((plan.same, plan.is_empty()), (1, true), "{number}");
    }
    assert_eq!(hall.plan(&format!("{STAFF}ａ01,鈴木 花子,スズキ ハナコ,拠点1,総務課,主事\n")).same, 1);
    for (number, shown) in [("0012", "0012"), ("12", "12"), ("１２", "12"), ("00 12", "0012")] {
        let sentence = format!(
            "職員番号「{shown}」が同じファイルに2回以上あります(先頭の0、全角と半角、大文字と小文字は区別しません)。"
        );
        let list = format!("{STAFF}12,山田 太郎,,拠点1,総務課,\n{number},山田 次郎,,拠点1,総務課,\n");
        has_problem(&hall, &list, Some(3), "duplicate_number", &sentence);
    }
}

#[test]
fn people_of_one_name_are_two_people() {
    let mut hall = Hall::new();
    let list = format!(
        "{STAFF}1,佐藤 一郎,サトウ イチロウ,拠点1,総務課,主事\n2,佐藤 一郎,サトウ イチロウ,拠点1,総務課,主事\n"
    );
    hall.import(&list);
    assert_ne!(hall.person("1").id, hall.person("2").id);
    assert_eq!(hall.plan(&list).same, 2);
}

#[test]
fn log_in_names_are_of_one_person() {
    let mut hall = Hall::new();
    let with_login = "職員番号,ログイン名,氏名,拠点,所属\n";
    hall.import(&format!("{with_login}1,sato,佐藤 一郎,拠点1,総務課\n2,suzuki,鈴木 花子,拠点1,総務課\n"));
    let twice = "ログイン名「x」が同じファイルに2回以上あります。";
    let list = format!("{with_login}3,x,山田 太郎,拠点1,総務課\n4,Ｘ,山田 次郎,拠点1,総務課\n");
    has_problem(&hall, &list, Some(3), "duplicate_login", twice);
    let differ = "職員番号とログイン名が別の人(佐藤 一郎、鈴木 花子)を指しています。";
    has_problem(
        &hall,
        &format!("{with_login}1,suzuki,佐藤 一郎,拠点1,総務課\n"),
        Some(2),
        "number_and_login_differ",
        differ,
    );
    let differ = "職員番号とログイン名が別の人(佐藤 一郎)を指しています。";
    has_problem(
        &hall,
        &format!("{with_login}9,sato,佐藤 一郎,拠点1,総務課\n"),
        Some(2),
        "number_and_login_differ",
        differ,
    );
    // A number alone becomes the name to log in with; this one is taken.
    hall.import("ログイン名,氏名,拠点,所属\n77,当直,拠点1,総務課\n");
    let taken = "ログイン名「77」はほかの人が使っています。「ログイン名」の列で別の名前を付けてください。";
    has_problem(&hall, &format!("{STAFF}77,山田 太郎,,拠点1,総務課,\n"), Some(2), "login_taken", taken);
    // Somebody without a number gets it by the log-in name.
    hall.import(&format!("{with_login}78,77,当直,拠点1,総務課\n"));
    assert_eq!(hall.person("78").login, "77");
}

#[test]
fn who_moves_changes_and_nobody_else() {
    let mut hall = Hall::new();
    hall.import(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点1,総務課,主事\n2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    let administrator = hall.town.by_administrator(|admin, id| {
        let user = admin.directory.users().find(|user| user.details.number == "1").unwrap().id;
        admin.password(id, user, office(1), make_verifier("しおかぜ-かもめ", "").unwrap())
    });
    drop(administrator);
    let plan =
        hall.plan(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点2,建設課,係長\n2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    assert_eq!((plan.additions.len(), plan.revisions.len(), plan.same), (0, 1, 1));
    let revision = &plan.revisions[0];
    let changes = revision.before.person.changes(&revision.after.person);
    let fields: Vec<_> = changes.iter().map(|change| (change.field, change.from.clone(), change.to.clone())).collect();
    let text = |text: &str| FieldValue::Text(text.into());
    assert_eq!(
        fields,
        [
            ("office", FieldValue::Office(office(1)), FieldValue::Office(office(2))),
            ("section", text("総務課"), text("建設課")),
            ("post", text("主事"), text("係長")),
        ]
    );
    hall.import(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点2,建設課,係長\n"));
    let directory = hall.directory();
    let person = hall.person("1");
    assert_eq!((person.office, person.section.as_str(), person.login.as_str()), (office(2), "建設課", "1"));
    // The new office holds what the password is checked against: it stands in its secrets.
    let secrets = directory.rooms().secrets(office(2));
    let carried = hall.town.entries.iter().rev().find(|(log, _)| log.room == secrets);
    assert!(carried.is_some() && directory.verifier(person.id).unwrap().check("しおかぜ-かもめ"));
}

#[test]
fn absence_ends_nobody() {
    let mut hall = Hall::new();
    hall.import(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点1,総務課,主事\n2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    let before = hall.in_service();
    let plan = hall.plan(&format!("{STAFF}2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    // The seven of the town and the one who is not listed.
    assert_eq!((plan.same, plan.absent, plan.is_empty()), (1, 8, true));
    hall.import(&format!("{STAFF}2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    assert_eq!(hall.in_service(), before);
}

#[test]
fn columns_that_are_not_there_say_nothing_and_empty_cells_empty() {
    let mut hall = Hall::new();
    hall.import("職員番号,氏名,拠点,所属,電話,役職\n1,佐藤 一郎,拠点1,総務課,09012345678,主事\n");
    assert!(hall.plan("職員番号,氏名\n1,佐藤 一郎\n").is_empty());
    hall.import("職員番号,氏名,電話\n1,佐藤 一郎,\n");
    let person = hall.person("1");
    assert_eq!((person.details.phone.as_str(), person.section.as_str(), person.post.as_str()), ("", "総務課", "主事"));
}

#[test]
fn places_are_known_or_asked_for() {
    let mut hall = Hall::new();
    let unknown = "拠点「東支所」は登録されていません。";
    has_problem(&hall, &format!("{STAFF}1,佐藤,,東支所,総務課,\n"), Some(2), "unknown_office", unknown);
    let plain = "職員番号,氏名,所属コード,所属\n";
    let asked = "所属「建設課」がどの拠点か分かりません。「拠点」の列を加えてください。";
    has_problem(&hall, &format!("{plain}1,佐藤,,建設課\n"), Some(2), "unknown_section", asked);
    let asked = "所属「9999」がどの拠点か分かりません。「拠点」の列を加えてください。";
    has_problem(&hall, &format!("{plain}1,佐藤,9999,\n"), Some(2), "unknown_section", asked);
    // By the name of the office, by the section and by the department of others, by the code.
    hall.import("職員番号,氏名,拠点,所属コード,所属\n1,佐藤,拠点3,0301,建設部 土木課\n");
    for (line, office_of, section) in [
        ("2,鈴木,,拠点２ 窓口係", 2, "拠点２ 窓口係"),
        ("3,田中,,建設部　土木課", 3, "建設部 土木課"),
        ("4,高橋,,建設部 住宅課", 3, "建設部 住宅課"),
        ("5,伊藤,301,", 3, "建設部 土木課"),
    ] {
        let plan = hall.plan(&format!("{plain}{line}\n"));
        assert_eq!(plan.problems, [], "{line}");
        let profile = &plan.additions[0].person.profile;
        assert_eq!((profile.office, profile.section.as_str()), (office(office_of), section), "{line}");
    }
}

#[test]
fn a_number_is_not_given_to_somebody_else_after_its_owner_left() {
    let mut hall = Hall::new();
    let with_end = "職員番号,氏名,拠点,所属,有効終了\n";
    hall.import(&format!("{with_end}12,山田 花子,拠点1,総務課,2026-12-31\n"));
    hall.now_ms = APRIL;
    let reused =
        "この職員番号は、利用を終えた 山田 花子 さんのものです。別の番号にするか、同じ人なら氏名をそろえてください。";
    has_problem(&hall, &format!("{STAFF}0012,鈴木 次郎,,拠点1,総務課,\n"), Some(2), "number_reused", reused);
    // The same person comes back: said, and done.
    let list = format!("{STAFF}12,山田　花子,,拠点1,総務課,主事\n");
    let back = "山田 花子 さんは利用を終えています。取り込むと、また利用できるようになります。";
    has_problem(&hall, &list, Some(2), "reinstated", back);
    let former = hall.directory().users().find(|user| user.details.number == "12").unwrap().id;
    let (letters, _) = hall.import(&list);
    assert_eq!(hall.person("12").id, former);
    assert_eq!(letters.len(), 1, "with a new password");
    assert!(hall.directory().verifier(former).unwrap().check(letters[0].initial_password.as_str()));
    assert!(hall.plan(&list).is_empty());
}

#[test]
fn who_leaves_is_ended_and_who_has_left_is_not_registered() {
    let mut hall = Hall::new();
    let with_end = "職員番号,氏名,拠点,所属,雇用区分,有効終了\n";
    let line = "7,山田 花子,拠点1,総務課,会計年度任用職員";
    let past = "山田 花子 さんは有効終了を過ぎています。登録しない人の行は削除してください。";
    has_problem(&hall, &format!("{with_end}{line},2026-03-31\n"), Some(2), "end_in_past", past);
    hall.import(&format!("{with_end}{line},\n"));
    // Of somebody who is registered an end in the past is the end.
    let plan = hall.plan(&format!("{with_end}{line},2026-03-31\n"));
    assert_eq!((plan.problems.len(), plan.revisions.len()), (0, 1));
    let before = hall.in_service().len();
    hall.import(&format!("{with_end}{line},2026-03-31\n"));
    assert_eq!(hall.in_service().len(), before - 1);
    assert!(hall.plan(&format!("{with_end}{line},2026-03-31\n")).is_empty());
    let both = "職員番号,氏名,拠点,所属,有効開始,有効終了\n";
    let turned = "山田 花子 さんの有効終了が有効開始より前です。";
    is_told(
        &format!("{both}8,山田 花子,拠点1,総務課,2027-04-01,2027-03-31\n"),
        Some(2),
        None,
        "end_before_start",
        turned,
    );
}

#[test]
fn a_transfer_takes_force_on_its_day() {
    let mut hall = Hall::new();
    let dated = "職員番号,氏名,拠点,所属,役職,参集場所,権限,有効開始\n";
    hall.import(&format!("{dated}1,佐藤 一郎,拠点1,総務課,主事,本庁,職員,\n"));
    let list = format!("{dated}1,佐藤 一郎,拠点2,建設課,係長,北小学校,拠点管理者,令和9年4月1日\n");
    let waits = "権限、雇用区分、参集区分、参集場所、所属コードは日付を指定して変えられません。2027-04-01 を過ぎたら、この名簿をもう一度取り込んでください。";
    has_problem(&hall, &list, Some(2), "not_planned", waits);
    hall.import(&list);
    let person = hall.person("1");
    assert_eq!(
        (person.office, person.section.as_str(), person.details.muster_place.as_str()),
        (office(1), "総務課", "本庁")
    );
    assert!(person.roles.iter().eq([&Role::Staff]), "nobody gets a right early");
    assert_eq!(person.planned.len(), 1);
    assert!(hall.plan(&list).is_empty());
    // In March somebody is renamed: by whatever list, the transfer stands and the new name as well.
    hall.import("職員番号,氏名\n1,鈴木 一郎\n");
    hall.now_ms = APRIL;
    let person = hall.person("1");
    assert_eq!((person.office, person.section.as_str(), person.post.as_str()), (office(2), "建設課", "係長"));
    assert_eq!(person.name, "鈴木 一郎");
    let plan = hall.plan(&list.replace("佐藤", "鈴木"));
    assert_eq!((plan.problems.len(), plan.revisions.len()), (0, 1), "the rest comes with the list of that day");
}

#[test]
fn of_two_transfers_each_has_its_day() {
    let mut hall = Hall::new();
    let dated = "職員番号,氏名,拠点,所属,有効開始\n";
    hall.import(&format!("{dated}1,佐藤 一郎,拠点1,総務課,\n"));
    hall.import(&format!("{dated}1,佐藤 一郎,拠点3,港湾課,2027-10-01\n"));
    let (_, undo) = hall.import(&format!("{dated}1,佐藤 一郎,拠点2,建設課,2027-04-01\n"));
    let office_at = |hall: &mut Hall, at| {
        hall.now_ms = at;
        hall.person("1").office
    };
    let seen = [APRIL - 1, APRIL, OCTOBER - 1, OCTOBER].map(|at| office_at(&mut hall, at));
    assert_eq!(seen, [office(1), office(2), office(2), office(3)]);
    // Taken back before its day, a transfer never happens, and the other one does.
    hall.now_ms = NOW_MS;
    assert_eq!(hall.undo(&undo), Vec::<String>::new());
    let seen = [APRIL - 1, APRIL, OCTOBER].map(|at| office_at(&mut hall, at));
    assert_eq!(seen, [office(1), office(1), office(3)]);
}

#[test]
fn who_begins_later_begins_later() {
    let mut hall = Hall::new();
    let dated = "職員番号,氏名,拠点,所属,役職,有効開始\n";
    hall.import(&format!("{dated}1,佐藤 一郎,拠点1,総務課,主事,2027-04-01\n"));
    let begins =
        |hall: &Hall| hall.directory().users().find(|user| user.details.number == "1").unwrap().details.valid_from_ms;
    assert_eq!(begins(&hall), Some(APRIL));
    assert!(hall.plan(&format!("{dated}1,佐藤 一郎,拠点1,総務課,主事,2027-04-01\n")).is_empty());
    hall.import(&format!("{dated}1,佐藤 一郎,拠点1,総務課,主任,2027-10-01\n"));
    assert_eq!(begins(&hall), Some(OCTOBER));
    hall.now_ms = OCTOBER;
    assert_eq!(hall.person("1").post, "主任");
}

#[test]
fn the_last_administrator_stays() {
    let hall = Hall::new();
    // User 1 is the only one; the name to log in is user1.
    let sentence = "このまま取り込むとシステム管理者がいなくなります。";
    let list = "ログイン名,氏名,拠点,権限\nuser1,朝凪 1郎,拠点1,職員\n";
    has_problem(&hall, list, None, "last_administrator", sentence);
    let list = "ログイン名,氏名,拠点,有効終了\nuser1,朝凪 1郎,拠点1,2026-03-31\n";
    has_problem(&hall, list, None, "last_administrator", sentence);
    let list = "ログイン名,氏名,拠点,権限\nuser1,朝凪 1郎,拠点1,職員\nuser2,朝凪 2郎,拠点2,システム管理者\n";
    assert_eq!(hall.plan(list).problems, []);
}

#[test]
fn a_problem_keeps_the_whole_list_back() {
    let mut hall = Hall::new();
    let (directory, plan) =
        (hall.directory(), hall.plan(&format!("{STAFF}1,佐藤,,拠点1,総務課,\n2,鈴木,,東支所,総務課,\n")));
    assert_eq!(plan.additions.len(), 1);
    assert_eq!(hall.carry_out(&directory, &plan).unwrap_err(), NotCarriedOut::Problems);
}

#[test]
fn lists_imported_on_two_islands_are_noticed_when_they_meet() {
    let (mut east, mut west) = (Hall::new(), Hall::new());
    let list = format!("{STAFF}12,山田 花子,,拠点1,総務課,\n");
    east.import(&list);
    // The other island mints other ids.
    for _ in 0..1_000 {
        west.town.scribe.id();
    }
    west.import(&list);
    let known = east.town.entries.len();
    let theirs: Vec<_> = west.town.entries.split_off(known.min(Town::new().entries.len()));
    east.town.entries.extend(theirs.into_iter().map(|(log, mut entry)| {
        entry.seq += 1_000;
        (log, entry)
    }));
    let sentence =
        "この職員番号の人がすでに2人以上登録されています(山田 花子、山田 花子)。先にどちらかを整理してください。";
    has_problem(&east, &list, Some(2), "number_shared", sentence);
}

#[test]
fn undoing_puts_everybody_back_and_names_who_was_changed_since() {
    let mut hall = Hall::new();
    hall.import(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点1,総務課,主事\n2,鈴木 花子,スズキ,拠点1,税務課,主任\n"));
    let before = hall.in_service();
    let (_, undo) = hall.import(&format!("{STAFF}1,佐藤 一郎,サトウ,拠点2,建設課,係長\n2,鈴木 花子,スズキ,拠点1,税務課,係長\n3,高橋 実,タカハシ,拠点1,総務課,主事\n"));
    let mut later = hall.town.entries.clone();
    assert_eq!(hall.undo(&undo), Vec::<String>::new());
    assert_eq!(hall.in_service(), before);
    // Once more, with somebody changed in between.
    std::mem::swap(&mut hall.town.entries, &mut later);
    hall.import(&format!("{STAFF}2,鈴木 花子,スズキ,拠点1,税務課,部長\n"));
    let kept = hall.undo(&undo);
    assert_eq!(kept, ["鈴木 花子 さんは取り込みのあとに変更されているため、元に戻しませんでした。"]);
    assert_eq!((hall.person("1").post, hall.person("2").post), ("主事".into(), "部長".into()));
    assert_eq!(hall.undo(&undo).len(), 2, "what is taken back is not taken back again");
    // The list can be imported again; who had come with it comes back.
    let list = format!("{STAFF}3,高橋 実,タカハシ,拠点1,総務課,主事\n");
    assert_eq!(told(&hall.plan(&list).problems)[0].2, "reinstated");
    hall.import(&list);
    assert_eq!(hall.person("3").name, "高橋 実");
}

#[test]
fn rights_given_and_taken_by_lists_can_be_given_again() {
    let mut hall = Hall::new();
    let with_roles = "職員番号,氏名,拠点,権限\n";
    hall.import(&format!("{with_roles}1,佐藤 一郎,拠点1,拠点管理者 訓練統制者\n"));
    hall.import(&format!("{with_roles}1,佐藤 一郎,拠点1,職員\n"));
    assert!(hall.person("1").roles.iter().eq([&Role::Staff]));
    hall.import(&format!("{with_roles}1,佐藤 一郎,拠点1,拠点管理者\n"));
    assert!(hall.person("1").roles.iter().eq([&Role::OfficeAdmin]));
    hall.import(&format!("{with_roles}1,佐藤 一郎,拠点1,\n"));
    assert!(hall.person("1").roles.iter().eq([&Role::OfficeAdmin]), "an empty cell takes no right away");
}

#[test]
fn a_hostile_list_becomes_no_entry() {
    let text = "職員番号,氏名\n1,=cmd|' /C calc'!A0\n2,山\u{202e}田\n3,<script>alert(1)</script>\n";
    let roster = read(text.as_bytes(), EncodingChoice::Auto).unwrap();
    let codes: Vec<_> = told(&roster.problems).into_iter().map(|(row, _, code, _)| (row, code)).collect();
    assert_eq!(codes, [(Some(2), "formula"), (Some(3), "control_characters")]);
    assert_eq!(roster.rows[0].name, "<script>alert(1)</script>", "a text like any other; pages show it as text");
}

fn lists() -> impl Strategy<Value = String> {
    let line = (
        prop_oneof!["佐藤 一郎", "鈴木 花子", "髙﨑 実"],
        1..4u8,
        prop_oneof!["総務課", "建設課", ""],
        prop_oneof!["主事", "係長", ""],
        prop_oneof!["090-1234-5678", "0123-45-6789", ""],
        prop_oneof!["職員", "拠点管理者", "訓練統制者、職員", ""],
        prop_oneof!["", "2026-04-01", "2027-04-01", "2027-10-01"],
        prop_oneof!["", "", "2026-03-31", "2028-03-31"],
    );
    proptest::collection::btree_map(1..7u8, line, 0..6).prop_map(|lines| {
        let line = |(number, (name, office, section, post, phone, roles, from, until)): (u8, _)| -> String {
            let until = if String::is_empty(&from) { until } else { String::new() };
            format!("{number},{name},拠点{office},{section},{post},{phone},{roles},{from},{until}\n")
        };
        let lines: String = lines.into_iter().map(line).collect();
        format!("職員番号,氏名,拠点,所属,役職,電話,権限,有効開始,有効終了\n{lines}")
    })
}

/// The rows of a list that can be imported as it stands.
fn importable(hall: &Hall, list: &str) -> Option<Plan> {
    let rows = read(list.as_bytes(), EncodingChoice::Auto).unwrap().rows;
    let plan = Plan::of(&rows, &hall.directory(), hall.now_ms);
    (!plan.problems.iter().any(crate::roster::Problem::prevents)).then_some(plan)
}

fn write(hall: &mut Hall, plan: &Plan) -> Undo {
    let directory = hall.directory();
    let outcome = hall.carry_out(&directory, plan).unwrap();
    outcome.drafts.into_iter().for_each(|draft| drop(hall.town.write(1, draft)));
    outcome.undo
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_list_imported_twice_changes_nothing_and_undoing_restores(first in lists(), second in lists(), days in 0..400u64) {
        let mut hall = Hall::new();
        if let Some(plan) = importable(&hall, &first) {
            write(&mut hall, &plan);
        }
        hall.now_ms += days * DAY_MS;
        if let Some(plan) = importable(&hall, &second) {
            let before = hall.in_service();
            let undo = write(&mut hall, &plan);
            let again = importable(&hall, &second);
            prop_assert!(again.as_ref().is_some_and(Plan::is_empty), "{again:?}");
            prop_assert_eq!(hall.undo(&undo), Vec::<String>::new());
            prop_assert_eq!(hall.in_service(), before);
        }
    }
}

#[test]
fn ids_of_people_are_their_own() {
    let mut hall = Hall::new();
    let (letters, _) = hall.import(&format!("{STAFF}1,佐藤,,拠点1,総務課,\n2,鈴木,,拠点1,総務課,\n"));
    let ids: std::collections::BTreeSet<UserId> = letters.iter().map(|letter| letter.user).collect();
    assert!(ids.len() == 2 && !ids.contains(&user(1)));
}
