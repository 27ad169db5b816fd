//! Good files are read, and of bad ones the line and the reason are told.

use super::*;

const GOOD: &str = r#"title = "試し"
start = 2026-09-01T08:00:00+09:00
[organisation]
name = "朝凪市"
[[office]]
name = "本庁"
kind = "headquarters"
people = 2
[[office]]
name = "北支所"
kind = "branch"
hub = true
[[person]]
name = "上野 修"
kana = "うえの おさむ"
office = "北支所"
[[room]]
name = "道路班"
people = ["上野 修"]
[[room]]
name = "連絡室"
count = 3
offices = ["本庁", "北支所"]
[[link]]
between = ["北支所", "本庁"]
latency = "20ms"
jitter = "5ms"
loss = 0.01
rate = "64kbit/s"
[[event]]
at = "09:30"
cut = ["本庁>北支所"]
[[event]]
at = "T+0:18"
story = "余震"
post = { room = "道路班", by = "上野 修", text = "確認中", label = "一報" }
[[event]]
at = "T+20m"
refused = true
edit = { message = "一報", text = "確認済み" }
[[event]]
at = "08:30"
burst = { offices = ["本庁"], rooms = "連絡室*", messages = 10, over = "1h" }
[expect]
converge_within = "1m"
[[expect.room]]
room = "連絡室*"
messages = 4
strangers = ["上野 修"]
"#;

#[test]
fn a_good_file_is_read_and_its_names_are_looked_up() {
    let scenario = Scenario::parse(GOOD).unwrap();
    assert_eq!(scenario.start_wall_ms, 1_788_217_200_000);
    assert_eq!(scenario.people.len(), 3);
    assert_eq!(scenario.people[0].office, OfficeNumber(1));
    assert_eq!(
        scenario.rooms.iter().map(|room| room.name.as_str()).collect::<Vec<_>>(),
        ["道路班", "連絡室 001", "連絡室 002", "連絡室 003"]
    );
    assert_eq!(scenario.rooms[1].members, [PersonNumber(0), PersonNumber(1), PersonNumber(2)]);
    let line = &scenario.lines[0];
    assert_eq!((line.offices, line.latency_ms, line.rate), ((OfficeNumber(0), OfficeNumber(1)), 20, Some(64_000)));
    let times: Vec<u64> = scenario.timeline.iter().map(|event| event.at_ms / 60_000).collect();
    assert_eq!(times, [18, 20, 30, 90]);
    assert!(scenario.timeline[1].refused);
    assert_eq!(
        scenario.timeline[3].action,
        Action::Cut(vec![Direction { from: OfficeNumber(0), to: OfficeNumber(1) }])
    );
    assert_eq!(scenario.expect.rooms[0].rooms.len(), 3);
}

#[test]
fn every_shipped_file_is_good() {
    for (name, text) in crate::shipped() {
        let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!scenario.description.is_empty(), "{name}");
    }
}

#[test]
fn whole_offices_and_all_lines_can_be_cut() {
    let cut = |words: &str| {
        let text = GOOD.replace("[\"本庁>北支所\"]", words);
        let timeline = Scenario::parse(&text).unwrap().timeline;
        match &timeline[3].action {
            Action::Cut(ways) => ways.len(),
            other => panic!("{other:?}"),
        }
    };
    for (words, ways) in [
        ("[\"all\"]", 2),
        ("[\"北支所\"]", 2),
        ("[\"本庁-北支所\"]", 2),
        ("[\"北支所>本庁\"]", 1),
        ("[\"北支所>本庁\", \"all\"]", 2),
        ("[]", 0),
    ] {
        assert_eq!(cut(words), ways, "{words}");
    }
}

/// What is replaced by what, the line of the error, and a part of its message.
const BAD: [(&str, &str, usize, &str); 44] = [
    ("title = \"試し\"", "titel = \"試し\"", 1, "unknown field `titel`"),
    ("title = \"試し\"\n", "", 1, "missing field `title`"),
    ("title = \"試し\"", "title = 5", 1, "invalid type"),
    ("title = \"試し\"", "title = \"\"", 1, "1 to 100 characters"),
    ("title = \"試し\"", "title = \"a\\u0007\"", 1, "1 to 100 characters"),
    ("title = \"試し\"", "title = \"試し", 1, "invalid basic string"),
    ("2026-09-01T08:00:00+09:00", "2026-09-01", 2, "a date, a time and an offset"),
    ("2026-09-01T08:00:00+09:00", "2026-09-01T08:00:00", 2, "a date, a time and an offset"),
    ("2026-09-01T08:00:00+09:00", "1950-09-01T08:00:00+09:00", 2, "a date, a time and an offset"),
    ("kind = \"headquarters\"", "kind = \"castle\"", 7, "an office is one of"),
    ("kind = \"headquarters\"", "kind = \"branch\"", 7, "must be headquarters"),
    ("kind = \"headquarters\"", "kind = \"headquarters\"\nport = 443", 8, "unknown field `port`"),
    ("kind = \"headquarters\"", "kind = \"headquarters\"\npath = \"/var\"", 8, "unknown field `path`"),
    ("people = 2", "people = 100000", 6, "people without a name"),
    ("people = 2", "people = -1", 8, "invalid value"),
    ("people = 2", "people = 0", 4, "somebody who founds"),
    ("name = \"北支所\"", "name = \"本庁\"", 10, "an office of that name already"),
    ("name = \"北支所\"", "name = \"all\"", 10, "must not be «all»"),
    ("name = \"北支所\"", "name = \"北-支所\"", 10, "must not be «all»"),
    ("office = \"北支所\"", "office = \"東支所\"", 16, "no office \"東支所\""),
    ("people = [\"上野 修\"]", "people = [\"上野\"]", 19, "no person \"上野\""),
    ("people = [\"上野 修\"]", "people = []", 18, "a room needs members"),
    ("name = \"連絡室\"", "name = \"連絡*\"", 21, "must not contain «*»"),
    ("name = \"連絡室\"\ncount = 3", "name = \"道路班\"", 21, "a room of that name already"),
    ("count = 3", "count = 0", 22, "1 to 10000"),
    ("between = [\"北支所\", \"本庁\"]", "between = [\"北支所\"]", 25, "between two offices"),
    ("between = [\"北支所\", \"本庁\"]", "between = [\"本庁\", \"本庁\"]", 25, "two different offices"),
    ("between = [\"北支所\", \"本庁\"]", "between = [\"北支所\", \"本庁\"]\nmesh = true", 25, "either `between`"),
    ("between = [\"北支所\", \"本庁\"]\n", "", 25, "either `between`"),
    (
        "[[link]]\nbetween",
        "[[link]]\nmesh = true\nlatency = \"1ms\"\n[[link]]\nbetween",
        28,
        "a line between these offices already",
    ),
    ("latency = \"20ms\"", "latency = \"20\"", 26, "not a duration"),
    ("loss = 0.01", "loss = 1.5", 28, "a chance from 0 to 0.9"),
    ("loss = 0.01", "loss = nan", 28, "a chance from 0 to 0.9"),
    ("rate = \"64kbit/s\"", "rate = \"fast\"", 29, "not a speed"),
    ("at = \"09:30\"", "at = \"07:30\"", 31, "not a time after the start"),
    ("at = \"09:30\"", "at = \"25:00\"", 31, "not a time after the start"),
    ("cut = [\"本庁>北支所\"]", "cut = [\"本庁>東支所\"]", 32, "no office"),
    ("cut = [\"本庁>北支所\"]", "cut = [\"all\"]\nheal = [\"all\"]", 31, "exactly one action"),
    ("cut = [\"本庁>北支所\"]\n", "", 31, "exactly one action"),
    ("cut = [\"本庁>北支所\"]", "refused = true\ncut = [\"all\"]", 31, "only what a single person does"),
    ("message = \"一報\"", "message = \"二報\"", 40, "no earlier event posts"),
    ("messages = 10", "messages = 0", 43, "1 to 1000000 messages"),
    ("rooms = \"連絡室*\"", "rooms = \"会議室*\"", 43, "no room whose name begins"),
    ("room = \"連絡室*\"", "room = \"会議室\"", 47, "no room \"会議室\""),
];

#[test]
fn of_a_bad_file_the_line_and_the_reason_are_told() {
    for (good, bad, line, reason) in BAD {
        assert!(GOOD.contains(good), "{good}");
        let error = Scenario::parse(&GOOD.replacen(good, bad, 1)).expect_err(bad);
        assert!(error.message.contains(reason), "{bad}: {error}");
        assert_eq!(error.line, line, "{bad}: {error}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
    }
}

const FAULTS: &str = r#"[faults]
actions = [10, 20]
over = "1m"
offices = [2, 2]
[faults.weights]
post = 1
"#;

#[test]
fn the_menu_of_chance_is_checked() {
    let without_events = {
        let (start, rest) = GOOD.split_once("[[event]]").unwrap();
        let (_, end) = rest.split_once("[expect]").unwrap();
        format!("{start}{FAULTS}[expect]{end}")
    };
    assert_eq!(Scenario::parse(&without_events).unwrap().faults.unwrap().actions, (10, 20));
    for (good, bad, reason) in [
        ("[10, 20]", "[20, 10]", "two numbers"),
        ("[10, 20]", "[0, 0]", "two numbers"),
        ("[10, 20]", "[1]", "invalid length"),
        ("offices = [2, 2]", "offices = [1, 2]", "two numbers from 2"),
        ("offices = [2, 2]", "offices = [2, 3]", "two numbers from 2"),
        ("over = \"1m\"", "over = \"0s\"", "some time"),
        ("over = \"1m\"", "over = \"1m\"\nreplay = 2.0", "a chance from 0 to 1"),
        ("post = 1", "shout = 1", "unknown field `shout`"),
        ("post = 1", "post = 0", "nothing can happen"),
    ] {
        let error = Scenario::parse(&without_events.replacen(good, bad, 1)).expect_err(bad);
        assert!(error.message.contains(reason), "{bad}: {error}");
    }
}

#[test]
fn a_changing_number_of_offices_and_a_timeline_do_not_mix() {
    let text = GOOD
        .replace("[expect]", &format!("{FAULTS}[expect]"))
        .replace("[[person]]", "[[office]]\nname = \"南支所\"\nkind = \"branch\"\n[[person]]");
    let text = text.replace("[[link]]", "[[link]]\nbetween = [\"南支所\", \"本庁\"]\nlatency = \"1ms\"\n[[link]]");
    let error = Scenario::parse(&text.replace("[2, 2]", "[2, 3]")).unwrap_err();
    assert!(error.message.contains("timeline"), "{error}");
    assert!(Scenario::parse(&text.replace("[2, 2]", "[3, 3]")).is_ok());
}

#[test]
fn an_office_without_a_line_is_found() {
    let text = GOOD.replace("[[person]]", "[[office]]\nname = \"南支所\"\nkind = \"branch\"\n[[person]]");
    let error = Scenario::parse(&text).unwrap_err();
    assert!(error.message.contains("no line leads"), "{error}");
}

#[test]
fn fewer_offices_keep_their_people_and_lines() {
    let scenario = Scenario::parse(include_str!("../../files/small-faults.toml")).unwrap();
    let small = scenario.with_offices(3);
    assert_eq!((small.offices.len(), small.people.len(), small.lines.len()), (3, 7, 3));
    assert!(small.rooms.iter().flat_map(|room| &room.members).all(|person| small.person(*person).is_some()));
    assert_eq!(small.members_of(RoomNumber(0), OfficeNumber(2)).len(), 2);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", place in 0usize..1_200, length in 0usize..40) {
        let _ = Scenario::parse(&text);
        // A good file with a hole in it, filled with something else.
        let chars: Vec<char> = GOOD.chars().collect();
        let start = place.min(chars.len());
        let end = (start + length).min(chars.len());
        let holed: String = chars[..start].iter().copied().chain(text.chars()).chain(chars[end..].iter().copied()).collect();
        let _ = Scenario::parse(&holed);
    }
}
