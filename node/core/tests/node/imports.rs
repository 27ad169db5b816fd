//! Staff lists from the file to the log-in, and back.

use noroshi_node::ServiceError;
use noroshi_node::view::{ImportState, ImportView, Role, Wording};
use noroshi_provisioning::roster::EncodingChoice;

use crate::city::{CITY, Office, person};

const LIST: &str = "職員番号,氏名,氏名カナ,拠点,所属,役職,権限\n\
                    0012,髙﨑 太郎,ﾀｶｻｷ ﾀﾛｳ,北支所,総務課,主事,拠点管理者\n\
                    0013,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,本庁,税務課,係長,\n";

async fn read(office: &Office, list: &str) -> Result<ImportView, ServiceError> {
    let importing = office.node.begin_import(&person(0, 0))?;
    importing.read(list.into(), EncodingChoice::Auto, Wording::Japanese).await
}

async fn apply(office: &Office, import: &ImportView) -> Result<ImportView, ServiceError> {
    let importing = office.node.begin_import(&person(0, 0))?;
    importing.apply(&CITY.administrator, import.id, Wording::Japanese).await
}

async fn undo(office: &Office, import: &ImportView) -> Result<ImportView, ServiceError> {
    let importing = office.node.begin_import(&person(0, 0))?;
    importing.undo(&CITY.administrator, import.id, Wording::Japanese).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_becomes_accounts_that_log_in_and_is_taken_back() {
    let office = Office::founded(0).await;
    let people = office.node.directory().users().count();
    let draft = read(&office, LIST).await.unwrap();
    assert_eq!((draft.state, draft.file.rows, draft.file.encoding.as_str()), (ImportState::Draft, 2, "utf-8"));
    assert_eq!((draft.problems.len(), draft.diff.add.len(), draft.letters.as_ref()), (0, 2, None));
    assert_eq!((draft.diff.same, draft.diff.absent), (0, people));
    assert_eq!(office.node.directory().users().count(), people, "nothing has happened yet");

    let applied = apply(&office, &draft).await.unwrap();
    assert_eq!(applied.state, ImportState::Applied);
    let letters = applied.letters.unwrap();
    assert_eq!((letters.len(), letters[0].login.as_str(), letters[0].office.name.as_str()), (2, "0012", "北支所"));
    let log_in = office.node.log_in("0012", &letters[0].initial_password, None).await.unwrap();
    assert_eq!((log_in.user.name.as_str(), log_in.user.roles.as_slice()), ("髙﨑 太郎", &[Role::OfficeAdmin][..]));
    // The passwords were told once; nothing here knows them.
    let shown = office.node.import(&person(0, 0), draft.id, Wording::English).await.unwrap();
    assert_eq!((shown.state, shown.letters), (ImportState::Applied, None));
    assert_eq!(apply(&office, &draft).await, Err(ServiceError::Denied("import_not_draft")));
    assert_eq!(read(&office, LIST).await.unwrap().diff.same, 2);

    let undone = undo(&office, &draft).await.unwrap();
    assert_eq!((undone.state, undone.problems.len()), (ImportState::Undone, 0));
    let ended = office.node.directory();
    let user = ended.user_by_login("0012").unwrap();
    assert!(user.roles.is_empty() && user.details.valid_until_ms.is_some());
    assert_eq!(undo(&office, &draft).await, Err(ServiceError::Denied("import_not_applied")));
    let states: Vec<_> = office.node.imports(&person(0, 0), Wording::Japanese).await.unwrap();
    assert_eq!(states.iter().map(|import| import.state).collect::<Vec<_>>(), [ImportState::Draft, ImportState::Undone]);
    // All of it survives a restart.
    let office = office.restart().await;
    let again = office.node.import(&person(0, 0), draft.id, Wording::Japanese).await.unwrap();
    assert_eq!(again, undone);
}

#[tokio::test(flavor = "multi_thread")]
async fn initial_passwords_are_nowhere_on_disk() {
    let office = Office::founded(0).await;
    let draft = read(&office, LIST).await.unwrap();
    let letters = apply(&office, &draft).await.unwrap().letters.unwrap();
    office.node.close().await;
    for file in
        std::fs::read_dir(office.folder()).unwrap().map(|file| file.unwrap().path()).filter(|file| file.is_file())
    {
        let bytes = std::fs::read(file).unwrap();
        for letter in &letters {
            let password = letter.initial_password.as_bytes();
            assert!(!bytes.windows(password.len()).any(|window| window == password));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_a_problem_changes_nothing() {
    let office = Office::founded(0).await;
    let people = office.node.directory().users().count();
    let draft = read(&office, &format!("{LIST}0014,鈴木 次郎,,東支所,総務課,,\n")).await.unwrap();
    assert_eq!((draft.diff.add.len(), draft.problems.len()), (2, 1));
    let problem = &draft.problems[0];
    assert_eq!((problem.row, problem.code.as_str()), (Some(4), "unknown_office"));
    assert_eq!(problem.message, "拠点「東支所」は登録されていません。");
    assert_eq!(apply(&office, &draft).await, Err(ServiceError::Denied("import_has_problems")));
    let draft = read(&office, "職員番号,氏名\n1,\u{e000}田\n").await.unwrap();
    assert_eq!(apply(&office, &draft).await, Err(ServiceError::Denied("import_has_problems")));
    assert_eq!(office.node.directory().users().count(), people);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_done_or_nothing_is() {
    let office = Office::founded(0).await;
    let (first, second) = (read(&office, LIST).await.unwrap(), read(&office, LIST).await.unwrap());
    assert!(apply(&office, &first).await.is_ok());
    // The second draft would have made both people a second time.
    assert_eq!(apply(&office, &second).await, Err(ServiceError::Denied("directory_changed")));
    let shown = office.node.import(&person(0, 0), second.id, Wording::Japanese).await.unwrap();
    assert_eq!((shown.state, shown.diff.add.len(), shown.diff.same), (ImportState::Draft, 0, 2));
    // Who has looked again may go on.
    assert_eq!(apply(&office, &second).await.unwrap().letters, Some(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_list_at_a_time_and_administrators_alone() {
    let office = Office::founded(0).await;
    let working = office.node.begin_import(&person(0, 0)).unwrap();
    assert_eq!(read(&office, LIST).await, Err(ServiceError::Denied("import_running")));
    drop(working);
    assert!(read(&office, LIST).await.is_ok());
    for actor in [person(0, 1), person(1, 0)] {
        assert!(matches!(office.node.begin_import(&actor).err(), Some(ServiceError::Forbidden(_))));
        assert!(matches!(office.node.imports(&actor, Wording::Japanese).await, Err(ServiceError::Forbidden(_))));
        let one = office.node.import(&actor, uuid::Uuid::now_v7(), Wording::Japanese).await;
        assert!(matches!(one, Err(ServiceError::Forbidden(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_forgotten_after_a_week() {
    let office = Office::founded(0).await;
    let draft = read(&office, LIST).await.unwrap();
    office.clock.advance(7 * 24 * 60 * 60 * 1_000 + 1);
    read(&office, LIST).await.unwrap();
    let gone = office.node.import(&person(0, 0), draft.id, Wording::Japanese).await;
    assert_eq!(gone, Err(ServiceError::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_which_nothing_can_be_shown_are_refused() {
    let office = Office::founded(0).await;
    let invalid = |code| Err(ServiceError::Invalid { field: "file", code });
    assert_eq!(read(&office, "").await, invalid("empty_file"));
    assert_eq!(read(&office, "PK\u{3}\u{4}").await, invalid("broken_workbook"));
    let large = "a".repeat(20 * 1024 * 1024 + 1);
    assert!(matches!(read(&office, &large).await, Err(ServiceError::TooLarge { limit: 20_971_520, .. })));
}
