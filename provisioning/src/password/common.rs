//! Passwords that are tried first: patterns, dates, the words of this trade, and what can be seen of the person.

use unicode_normalization::UnicodeNormalization;

use super::Owner;

/// Whether a folded password consists of what anybody would try. One further word is enough to pass.
pub(super) fn is_common(folded: &str, owner: &Owner<'_>) -> bool {
    let mut characters: Vec<char> = folded.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() <= 2 || RUNS.iter().any(|run| run.contains(folded)) || is_date(folded) {
        return true;
    }
    let own = own_words(owner);
    let words: Vec<&str> = WORDS.iter().copied().chain(own.iter().map(String::as_str)).collect();
    // As typed, and without the digits and signs before, between and behind: password1234, 佐藤-2026.
    let letters: String = folded.chars().filter(|c| c.is_alphabetic() || *c == 'ー').collect();
    let figures = folded.chars().count() - letters.chars().count();
    words.contains(&folded) || is_made_of(folded, &words) || (figures <= FIGURES_MAX && is_made_of(&letters, &words))
}

/// Digits and signs beside common words that make nothing better: a year and two exclamation marks.
const FIGURES_MAX: usize = 8;

/// The log-in name, the names and their parts, in the form in which they would be typed.
fn own_words(owner: &Owner<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for name in owner.names.iter().copied().chain([owner.login]) {
        let folded: String = name.nfkc().collect::<String>().to_lowercase();
        words.extend(folded.split(|c: char| c.is_whitespace() || "._@-".contains(c)).map(str::to_owned));
        words.push(folded.chars().filter(|c| c.is_alphabetic()).collect());
        words.push(folded.chars().filter(|c| c.is_alphanumeric()).collect());
        words.push(folded);
    }
    // A single letter would forbid every word that begins with it.
    words.retain(|word| word.chars().count() >= 2);
    words
}

/// Whether a text is nothing but these words in a row.
fn is_made_of(text: &str, words: &[&str]) -> bool {
    if text.is_empty() {
        return false;
    }
    // Places that words lead to. A password has at most 128 bytes.
    let mut reached = vec![0];
    let mut next = 0;
    while let Some(place) = reached.get(next).copied() {
        let rest = text.get(place..).unwrap_or_default();
        for word in words.iter().filter(|word| rest.starts_with(**word)) {
            let end = place + word.len();
            if end == text.len() {
                return true;
            }
            if !reached.contains(&end) {
                reached.push(end);
            }
        }
        next += 1;
    }
    false
}

/// Eight digits that are a day, with or without signs between them: a birthday.
fn is_date(folded: &str) -> bool {
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let signs = folded.chars().all(|c| c.is_ascii_digit() || "-/. 年月日".contains(c));
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    signs
        && digits.len() == 8
        && (1900..2100).contains(&part(0, 4))
        && (1..=12).contains(&part(4, 6))
        && (1..=31).contains(&part(6, 8))
}

const RUNS: [&str; 8] = [
    "01234567890123456789",
    "09876543210987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujm",
    "あいうえおかきくけこさしすせそたちつてとなにぬねの",
];

/// Lower case. The heads of public lists of leaked passwords, and what an office of this trade would come up with.
const WORDS: [&str; 96] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "pass",
    "admin",
    "administrator",
    "root",
    "user",
    "guest",
    "test",
    "welcome",
    "letmein",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "qwerty",
    "qwerty123",
    "asdfghjkl",
    "asdf",
    "abc123",
    "abc",
    "abcd1234",
    "a1b2c3d4",
    "aa123456",
    "changeme",
    "default",
    "secret",
    "computer",
    "internet",
    "starwars",
    "whatever",
    "dragon",
    "monkey",
    "master",
    "login",
    "hello",
    "sakura",
    "nippon",
    "nihon",
    "japan",
    "tokyo",
    "yakusho",
    "shiyakusho",
    "yakuba",
    "shokuin",
    "bousai",
    "bosai",
    "saigai",
    "hinan",
    "shoubou",
    "kikikanri",
    "taisaku",
    "honbu",
    "jishin",
    "tsunami",
    "noroshi",
    "asanagi",
    "arigatou",
    "daisuki",
    "パスワード",
    "ぱすわーど",
    "ログイン",
    "のろし",
    "ノロシ",
    "狼煙",
    "市役所",
    "区役所",
    "町役場",
    "村役場",
    "役所",
    "役場",
    "県庁",
    "職員",
    "管理者",
    "管理",
    "防災",
    "災害",
    "避難",
    "対策",
    "本部",
    "消防",
    "地震",
    "津波",
    "台風",
    "危機",
    "訓練",
    "日本",
    "さくら",
    "桜",
    "課",
    "こんにちは",
];
