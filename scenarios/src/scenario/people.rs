//! Names for people whom a scenario counts but does not name.

const FAMILY: [(&str, &str); 20] = [
    ("佐藤", "さとう"),
    ("鈴木", "すずき"),
    ("高橋", "たかはし"),
    ("田中", "たなか"),
    ("伊藤", "いとう"),
    ("渡辺", "わたなべ"),
    ("山本", "やまもと"),
    ("中村", "なかむら"),
    ("小林", "こばやし"),
    ("加藤", "かとう"),
    ("吉田", "よしだ"),
    ("山田", "やまだ"),
    ("佐々木", "ささき"),
    ("山口", "やまぐち"),
    ("松本", "まつもと"),
    ("井上", "いのうえ"),
    ("木村", "きむら"),
    ("林", "はやし"),
    ("清水", "しみず"),
    ("斎藤", "さいとう"),
];

const GIVEN: [(&str, &str); 19] = [
    ("陽菜", "ひな"),
    ("健一", "けんいち"),
    ("美咲", "みさき"),
    ("大輔", "だいすけ"),
    ("由美子", "ゆみこ"),
    ("翔太", "しょうた"),
    ("恵", "めぐみ"),
    ("拓也", "たくや"),
    ("香織", "かおり"),
    ("誠", "まこと"),
    ("直子", "なおこ"),
    ("浩二", "こうじ"),
    ("千尋", "ちひろ"),
    ("隆", "たかし"),
    ("真由美", "まゆみ"),
    ("亮", "りょう"),
    ("久美子", "くみこ"),
    ("和也", "かずや"),
    ("明日香", "あすか"),
];

/// The name and its reading of the `number`th person; 380 different ones, then the same with a number.
pub(super) fn invented(number: usize) -> (String, String) {
    // 20 and 19 have no common factor, so the pairs repeat only after all of them.
    #[expect(clippy::type_complexity, reason = "two lists of names with their readings")]
    let pick = |(families, given): (&[(&str, &str)], &[(&str, &str)])| {
        let family = families.get(number % families.len()).copied().unwrap_or_default();
        let given = given.get(number % given.len()).copied().unwrap_or_default();
        (format!("{} {}", family.0, given.0), format!("{} {}", family.1, given.1))
    };
    let (name, kana) = pick((&FAMILY, &GIVEN));
    match number / (FAMILY.len() * GIVEN.len()) {
        0 => (name, kana),
        round => (format!("{name} {}", round + 1), format!("{kana} {}", round + 1)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_has_the_name_of_somebody_else() {
        let names: BTreeSet<String> = (0..1_000).map(|number| invented(number).0).collect();
        assert_eq!(names.len(), 1_000);
    }
}
