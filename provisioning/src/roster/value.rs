//! The one form in which the directory keeps each kind of value.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::limits::NUMBER_CHARS_MAX;
use super::problem::ProblemCode;
use crate::field::check_login;
use crate::ledger::Employment;
use crate::role::Role;

/// A name as its owner writes it: composed, with single spaces. Selectors of variants stay, and so do the compatibility
/// ideographs (神 U+FA19, 隆 U+F9DC, …), which NFC would turn into their everyday relatives: in a name they are meant.
pub(super) fn written(text: &str) -> String {
    let mut composed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(is_compatibility_ideograph) {
        let (before, from) = rest.split_at(place);
        composed.extend(before.nfc());
        let mut characters = from.chars();
        composed.extend(characters.next());
        rest = characters.as_str();
    }
    composed.extend(rest.nfc());
    single_spaced(&composed)
}

fn is_compatibility_ideograph(character: char) -> bool {
    matches!(character, '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For comparing what people wrote: width, case and spaces make no difference.
pub(super) fn folded(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The reading of a name in hiragana.
pub(super) fn kana(text: &str) -> Result<String, ProblemCode> {
    let normal: String = text.nfkc().map(to_hiragana).collect();
    let is_kanji = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    if normal.chars().any(is_kanji) {
        return Err(ProblemCode::NotKana);
    }
    Ok(single_spaced(&normal))
}

fn to_hiragana(character: char) -> char {
    match character {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => {
            char::from_u32(u32::from(character) - (u32::from('ァ') - u32::from('ぁ'))).unwrap_or(character)
        }
        other => other,
    }
}

/// An employee number as it is written down: half width, without spaces. Zeros in front are kept.
pub(super) fn number(text: &str) -> Result<String, ProblemCode> {
    let number: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    if number.chars().count() > NUMBER_CHARS_MAX {
        return Err(ProblemCode::TooLong);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if number.bytes().all(allowed) { Ok(number) } else { Err(ProblemCode::NumberCharacters) }
}

/// By which employee numbers are compared: a spreadsheet drops zeros in front and people mix the case.
pub(super) fn number_key(number: &str) -> String {
    let folded = folded(number);
    let significant = folded.trim_start_matches('0');
    if significant.is_empty() && !folded.is_empty() { "0".to_owned() } else { significant.to_owned() }
}

pub(super) fn login(text: &str) -> Result<String, ProblemCode> {
    let login = folded(text);
    check_login(&login).map(|()| login).map_err(|_| ProblemCode::LoginCharacters)
}

/// Longest address that mail servers take (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;

pub(super) fn email(text: &str) -> Result<String, ProblemCode> {
    let email: String = text.nfkc().collect();
    let sound = email.len() <= EMAIL_BYTES_MAX
        && email.bytes().all(|byte| byte.is_ascii_graphic())
        && email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && !host.contains('@')
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    if sound { Ok(email) } else { Err(ProblemCode::Email) }
}

/// A telephone number in digits: of Japan with its leading zero, of elsewhere with + in front, or an extension.
pub(super) fn phone(text: &str) -> Result<String, ProblemCode> {
    let text: String = text.nfkc().filter(|c| !c.is_whitespace() && !PHONE_SIGNS.contains(c)).collect();
    let (abroad, digits) = match text.strip_prefix('+') {
        Some(rest) => match rest.strip_prefix("81") {
            Some(national) => (false, format!("0{}", national.trim_start_matches('0'))),
            None => (true, rest.to_owned()),
        },
        None => (false, text),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ProblemCode::Phone);
    }
    match digits.len() {
        7..=15 if abroad => Ok(format!("+{digits}")),
        _ if abroad => Err(ProblemCode::Phone),
        10 | 11 if digits.starts_with('0') => Ok(digits),
        // A spreadsheet took it for a number and dropped the zero; no number of this length begins otherwise.
        9 | 10 if !digits.starts_with('0') => Ok(format!("0{digits}")),
        3..=6 => Ok(digits),
        _ => Err(ProblemCode::Phone),
    }
}

/// Every sign that stands between the parts of a telephone number, after NFKC.
const PHONE_SIGNS: [char; 10] = ['-', '(', ')', '.', '\u{2010}', '\u{2011}', '\u{2013}', '\u{2014}', '\u{2212}', 'ー'];

/// The rights named in a cell. Guests do not come with a staff list.
pub(super) fn roles(text: &str) -> Result<BTreeSet<Role>, ProblemCode> {
    let normal: String = text.nfkc().collect();
    let words = normal.split(|c: char| c.is_whitespace() || ['、', ',', '・', '/', ';', '|'].contains(&c));
    words.filter(|word| !word.is_empty()).map(role).collect()
}

fn role(word: &str) -> Result<Role, ProblemCode> {
    Ok(match word.to_lowercase().as_str() {
        "システム管理者" | "system_admin" => Role::SystemAdmin,
        "拠点管理者" | "office_admin" => Role::OfficeAdmin,
        "訓練統制者" | "drill_controller" => Role::DrillController,
        "職員" | "staff" => Role::Staff,
        _ => return Err(ProblemCode::UnknownRole),
    })
}

pub(super) fn employment(text: &str) -> Result<Employment, ProblemCode> {
    Ok(match folded(text).as_str() {
        "正規" | "正規職員" | "正職員" | "常勤" | "再任用" | "再任用職員" | "regular" => {
            Employment::Regular
        }
        "会計年度"
        | "会計年度任用"
        | "会計年度任用職員"
        | "任期付"
        | "任期付職員"
        | "非常勤"
        | "臨時"
        | "fixed_term" => Employment::FixedTerm,
        _ => return Err(ProblemCode::UnknownEmployment),
    })
}

/// The word of the interface.
pub const fn employment_word(employment: Employment) -> &'static str {
    match employment {
        Employment::Regular => "regular",
        Employment::FixedTerm => "fixed_term",
        Employment::SectionAccount => "section_account",
    }
}

/// Whether the account is one that a section shares.
pub(super) fn is_shared(text: &str) -> Result<bool, ProblemCode> {
    Ok(match folded(text).as_str() {
        "個人" | "職員" | "personal" => false,
        "所属" | "所属アカウント" | "共用" | "section_account" => true,
        _ => return Err(ProblemCode::UnknownEmployment),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are_written() {
        for (text, name) in [
            ("髙﨑　太郎", "髙﨑 太郎"),
            ("葛\u{e0100}城  花子", "葛\u{e0100}城 花子"),
            ("𠮷野家", "𠮷野家"),
            ("\u{fa19}田 \u{f9dc}", "\u{fa19}田 \u{f9dc}"),
            ("か\u{3099}っこ", "がっこ"),
            ("㈱\u{a0}ソ能", "㈱ ソ能"),
        ] {
            assert_eq!(written(text), name);
        }
    }

    #[test]
    fn readings_are_hiragana() {
        for (text, reading) in [
            ("ｶﾞｯｺｳ ﾀﾛｳ", "がっこう たろう"),
            ("ヤマダ　タロウ", "やまだ たろう"),
            ("さいとう", "さいとう"),
            ("ヴェルヌ・ジュール", "ゔぇるぬ・じゅーる"),
            ("Smith John", "Smith John"),
            ("", ""),
        ] {
            assert_eq!(kana(text).as_deref(), Ok(reading));
        }
        assert_eq!(kana("山田たろう"), Err(ProblemCode::NotKana));
    }

    #[test]
    fn numbers_are_compared_without_zeros_width_spaces_and_case() {
        for text in ["0012", "１２", "12", " 0 0 1 2 ", "００１２"] {
            assert_eq!(number_key(&number(text).unwrap()), "12", "{text}");
        }
        assert_eq!(number(" ００１２ ").as_deref(), Ok("0012"));
        assert_eq!(number_key("A-012"), number_key("ａ-012"));
        assert_ne!(number_key("A12"), number_key("A012"));
        assert_eq!(number_key("000"), "0");
        assert_eq!(number_key(""), "");
        assert_eq!(number("12番"), Err(ProblemCode::NumberCharacters));
        assert_eq!(number(&"1".repeat(33)), Err(ProblemCode::TooLong));
    }

    #[test]
    fn telephone_numbers_are_digits() {
        for (text, digits) in [
            ("090-1234-5678", "09012345678"),
            ("０９０－１２３４－５６７８", "09012345678"),
            ("+81 90-1234-5678", "09012345678"),
            ("+81(0)90-1234-5678", "09012345678"),
            ("(012) 345-6789", "0123456789"),
            ("9012345678", "09012345678"),
            ("312345678", "0312345678"),
            ("090ー1234ー5678", "09012345678"),
            ("2345", "2345"),
            ("+1 202 555 0100", "+12025550100"),
        ] {
            assert_eq!(phone(text).as_deref(), Ok(digits), "{text}");
        }
        for text in ["12", "090-1234", "内線2345", "090-1234-5678 / 2345", "0123456789012", "+1", "+81", "+0+1"] {
            assert_eq!(phone(text), Err(ProblemCode::Phone), "{text}");
        }
    }

    #[test]
    fn addresses_have_one_at_sign_and_a_host() {
        assert_eq!(email("Ｔ.sato@city.asanagi.lg.jp").as_deref(), Ok("T.sato@city.asanagi.lg.jp"));
        for text in ["sato", "@city.jp", "sato@", "sato@city", "a@b@c.jp", "佐藤@city.jp", "a b@c.jp", "a@.jp", "a@jp."]
        {
            assert_eq!(email(text), Err(ProblemCode::Email), "{text}");
        }
    }

    #[test]
    fn rights_and_kinds_of_work_have_their_words() {
        let both = BTreeSet::from([Role::OfficeAdmin, Role::DrillController]);
        assert_eq!(roles("拠点管理者、訓練統制者"), Ok(both.clone()));
        assert_eq!(roles("office_admin / Drill_Controller"), Ok(both));
        assert_eq!(roles("職員"), Ok(BTreeSet::from([Role::Staff])));
        assert_eq!(roles("ゲスト"), Err(ProblemCode::UnknownRole));
        assert_eq!(roles("管理者"), Err(ProblemCode::UnknownRole));
        assert_eq!(employment("会計年度任用職員"), Ok(Employment::FixedTerm));
        assert_eq!(employment("パート"), Err(ProblemCode::UnknownEmployment));
        assert_eq!(is_shared("所属アカウント"), Ok(true));
        assert_eq!(is_shared("個人"), Ok(false));
        assert_eq!(login(" Ｓato.Taro "), Ok("sato.taro".into()));
        assert_eq!(login("さとう"), Err(ProblemCode::LoginCharacters));
    }
}
