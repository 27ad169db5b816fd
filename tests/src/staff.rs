//! The staff of 朝凪市, which does not exist: lists of any length, always the same, as a personnel system would export them.

use std::fmt::Write;

use encoding_rs::SHIFT_JIS;

/// Family names with their readings. Some need the characters that only Windows has.
const FAMILIES: [(&str, &str); 40] = [
    ("佐藤", "ｻﾄｳ"),
    ("鈴木", "ｽｽﾞｷ"),
    ("髙橋", "ﾀｶﾊｼ"),
    ("田中", "ﾀﾅｶ"),
    ("伊藤", "ｲﾄｳ"),
    ("渡邉", "ﾜﾀﾅﾍﾞ"),
    ("山本", "ﾔﾏﾓﾄ"),
    ("中村", "ﾅｶﾑﾗ"),
    ("小林", "ｺﾊﾞﾔｼ"),
    ("加藤", "ｶﾄｳ"),
    ("吉田", "ﾖｼﾀﾞ"),
    ("山﨑", "ﾔﾏｻﾞｷ"),
    ("佐々木", "ｻｻｷ"),
    ("松本", "ﾏﾂﾓﾄ"),
    ("井上", "ｲﾉｳｴ"),
    ("木村", "ｷﾑﾗ"),
    ("林", "ﾊﾔｼ"),
    ("齋藤", "ｻｲﾄｳ"),
    ("清水", "ｼﾐｽﾞ"),
    ("阿部", "ｱﾍﾞ"),
    ("池田", "ｲｹﾀﾞ"),
    ("橋本", "ﾊｼﾓﾄ"),
    ("石川", "ｲｼｶﾜ"),
    ("前田", "ﾏｴﾀﾞ"),
    ("藤田", "ﾌｼﾞﾀ"),
    ("後藤", "ｺﾞﾄｳ"),
    ("岡田", "ｵｶﾀﾞ"),
    ("長谷川", "ﾊｾｶﾞﾜ"),
    ("村上", "ﾑﾗｶﾐ"),
    ("近藤", "ｺﾝﾄﾞｳ"),
    ("濵田", "ﾊﾏﾀﾞ"),
    ("能登", "ﾉﾄ"),
    ("表", "ｵﾓﾃ"),
    ("曽根", "ｿﾈ"),
    ("磯部", "ｲｿﾍﾞ"),
    ("湊", "ﾐﾅﾄ"),
    ("渚", "ﾅｷﾞｻ"),
    ("浦野", "ｳﾗﾉ"),
    ("汐見", "ｼｵﾐ"),
    ("凪原", "ﾅｷﾞﾊﾗ"),
];

const GIVEN: [(&str, &str); 30] = [
    ("太郎", "ﾀﾛｳ"),
    ("花子", "ﾊﾅｺ"),
    ("健一", "ｹﾝｲﾁ"),
    ("美咲", "ﾐｻｷ"),
    ("翔", "ｼｮｳ"),
    ("直樹", "ﾅｵｷ"),
    ("由美", "ﾕﾐ"),
    ("隆", "ﾀｶｼ"),
    ("彩", "ｱﾔ"),
    ("正人", "ﾏｻﾄ"),
    ("大輔", "ﾀﾞｲｽｹ"),
    ("恵", "ﾒｸﾞﾐ"),
    ("優", "ﾕｳ"),
    ("誠", "ﾏｺﾄ"),
    ("さくら", "ｻｸﾗ"),
    ("浩二", "ｺｳｼﾞ"),
    ("麻衣", "ﾏｲ"),
    ("博", "ﾋﾛｼ"),
    ("典子", "ﾉﾘｺ"),
    ("拓也", "ﾀｸﾔ"),
    ("千尋", "ﾁﾋﾛ"),
    ("進", "ｽｽﾑ"),
    ("七海", "ﾅﾅﾐ"),
    ("哲", "ｻﾄｼ"),
    ("陽子", "ﾖｳｺ"),
    ("亮", "ﾘｮｳ"),
    ("ひかり", "ﾋｶﾘ"),
    ("勉", "ﾂﾄﾑ"),
    ("里奈", "ﾘﾅ"),
    ("一平", "ｲｯﾍﾟｲ"),
];

/// Code, section, where its people muster, and how many of a hundred work there.
const SECTIONS: [(&str, &str, &str, usize); 27] = [
    ("010100", "総務部 危機管理課", "本庁 災害対策本部", 4),
    ("010200", "総務部 総務課", "本庁", 4),
    ("010300", "総務部 人事課", "本庁", 3),
    ("010400", "総務部 財政課", "本庁", 3),
    ("010500", "総務部 情報政策課", "本庁", 3),
    ("010600", "総務部 税務課", "本庁", 6),
    ("020100", "企画部 企画課", "本庁", 3),
    ("020200", "企画部 広報課", "本庁", 2),
    ("020300", "企画部 市民協働課", "本庁", 3),
    ("030100", "福祉部 福祉政策課", "本庁", 4),
    ("030200", "福祉部 高齢福祉課", "本庁", 4),
    ("030300", "福祉部 こども課", "中央保育所", 6),
    ("030400", "福祉部 健康推進課", "保健センター", 4),
    ("040100", "建設部 土木課", "本庁", 5),
    ("040200", "建設部 都市計画課", "本庁", 3),
    ("040300", "建設部 住宅課", "本庁", 2),
    ("050100", "水道局 総務課", "水道局", 2),
    ("050200", "水道局 工務課", "水道局", 4),
    ("060100", "北支所 地域振興係", "北支所", 4),
    ("060200", "北支所 市民窓口係", "北支所", 3),
    ("060300", "北支所 建設係", "北支所", 2),
    ("070100", "南支所 地域振興係", "南支所", 4),
    ("070200", "南支所 市民窓口係", "南支所", 3),
    ("070300", "南支所 水産港湾係", "南支所 漁港", 2),
    ("080100", "消防本部 警防課", "消防本部", 6),
    ("080200", "消防本部 通信指令課", "消防本部", 4),
    ("080300", "消防本部 予防課", "消防本部", 7),
];

const HEADER: &str =
    "職員番号,氏名,氏名カナ,所属コード,所属,役職,メール,電話,参集区分,参集場所,資格,権限,有効開始,有効終了,雇用区分";

/// The list as text, with the line ends of Windows.
pub fn list(people: usize) -> String {
    let mut text = format!("{HEADER}\r\n");
    for number in 0..people {
        // Writing into a text does not fail.
        let _ = write!(text, "{}\r\n", line(number));
    }
    text
}

/// The list as Excel saves it.
pub fn list_in_cp932(people: usize) -> Vec<u8> {
    SHIFT_JIS.encode(&list(people)).0.into_owned()
}

fn line(number: usize) -> String {
    let (code, section, place, within) = section(number);
    // Strides without a common divisor: names repeat late, but they do, as in any city.
    let family = FAMILIES[number * 7 % FAMILIES.len()];
    let given = GIVEN[(number * 11 + number / FAMILIES.len()) % GIVEN.len()];
    let post = post(section, within, number);
    let roles = match (within, section) {
        (0, "総務部 危機管理課") => "訓練統制者、職員",
        (0, "北支所 地域振興係" | "南支所 地域振興係" | "消防本部 警防課") => "拠点管理者",
        _ => "職員",
    };
    let (employment, until) = if number % 9 == 8 && within > 2 {
        ("会計年度任用職員", "令和20年3月31日")
    } else {
        ("正規", "")
    };
    let muster = ["第1配備", "第2配備", "第3配備"][number % 3];
    let qualification = match number % 12 {
        0 => "防災士",
        5 => "\"防災士、危険物取扱者(乙4)\"",
        7 => "応急危険度判定士",
        _ => "",
    };
    let mail = if number % 4 == 3 { String::new() } else { format!("s{number:04}@city.asanagi.example") };
    format!(
        "{:06},{} {},{} {},{code},{section},{post},{mail},090-0000-{number:04},{muster},{place},{qualification},{roles},,{until},{employment}",
        number + 1_001,
        family.0,
        given.0,
        family.1,
        given.1,
    )
}

/// Code, name and mustering place of the section of the person with this number, and the place within the section.
fn section(number: usize) -> (&'static str, &'static str, &'static str, usize) {
    let (hundred, mut rest) = (number / 100, number % 100);
    for (code, section, place, share) in SECTIONS {
        if rest < share {
            return (code, section, place, hundred * share + rest);
        }
        rest -= share;
    }
    unreachable!("the shares add up to a hundred")
}

fn post(section: &str, within: usize, number: usize) -> &'static str {
    let fire = section.starts_with("消防");
    match (within, number % 7) {
        (0, _) if section.contains("支所") => "支所長",
        (0, _) => "課長",
        (1, _) => "課長補佐",
        (2, _) => "係長",
        (_, 0 | 1) if fire => "消防士長",
        (_, _) if fire => "消防士",
        (_, 0) => "主任",
        (_, 1) if section.starts_with("建設") || section.starts_with("水道") => "技師",
        (_, 2) if section.ends_with("健康推進課") => "保健師",
        _ => "主事",
    }
}
