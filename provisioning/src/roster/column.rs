//! The columns of a staff list, and where they are in one file.

use serde::{Deserialize, Serialize};

use super::problem::{Problem, ProblemCode};
use super::table::Record;
use super::value::folded;

/// A column with a meaning. The format of the header: 職員番号, 氏名, … in any order; English words do as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Column {
    Number,
    Login,
    Name,
    Kana,
    Office,
    SectionCode,
    Section,
    Post,
    Email,
    Phone,
    MusterClass,
    MusterPlace,
    Qualifications,
    Roles,
    Employment,
    AccountKind,
    ValidFrom,
    ValidUntil,
}

/// Each column: its name, the word of the interface, and other headings that mean it.
const COLUMNS: [(Column, &str, &str, &[&str]); 18] = [
    (Column::Number, "職員番号", "number", &["職員コード", "職員no", "職員no.", "employee_number", "employee number"]),
    (Column::Login, "ログイン名", "login", &["ログインid", "ユーザー名", "ユーザーid", "username"]),
    (Column::Name, "氏名", "name", &["名前", "職員氏名", "full name"]),
    (Column::Kana, "氏名カナ", "kana", &["氏名かな", "カナ", "カナ氏名", "フリガナ", "ふりがな"]),
    (Column::Office, "拠点", "office", &["拠点名", "勤務場所"]),
    (Column::SectionCode, "所属コード", "section_code", &["section code", "所属cd"]),
    (Column::Section, "所属", "section", &["所属名", "部署", "課名"]),
    (Column::Post, "役職", "post", &["職名", "役職名", "title"]),
    (Column::Email, "メール", "email", &["メールアドレス", "e-mail", "mail"]),
    (Column::Phone, "電話", "phone", &["電話番号", "携帯電話", "tel"]),
    (Column::MusterClass, "参集区分", "muster_class", &["muster class"]),
    (Column::MusterPlace, "参集場所", "muster_place", &["muster place"]),
    (Column::Qualifications, "資格", "qualifications", &["保有資格"]),
    (Column::Roles, "権限", "roles", &["role"]),
    (Column::Employment, "雇用区分", "employment", &["任用区分"]),
    (Column::AccountKind, "アカウント種別", "account_kind", &["account kind", "アカウント区分"]),
    (Column::ValidFrom, "有効開始", "valid_from", &["有効開始日", "valid from", "発令日"]),
    (Column::ValidUntil, "有効終了", "valid_until", &["有効終了日", "valid until"]),
];

impl Column {
    /// As it stands in a header.
    pub fn heading(self) -> &'static str {
        COLUMNS.iter().find(|(column, ..)| *column == self).map_or("", |(_, heading, ..)| heading)
    }

    /// As programs name it.
    pub fn word(self) -> &'static str {
        COLUMNS.iter().find(|(column, ..)| *column == self).map_or("", |(_, _, word, _)| word)
    }

    /// The column that a heading means, however wide or spaced it is written.
    fn of(heading: &str) -> Option<Self> {
        let wanted = folded(heading);
        let is_named = |(_, heading, word, others): &&(Self, &str, &str, &[&str])| {
            [heading, word].into_iter().chain(*others).any(|name| folded(name) == wanted)
        };
        COLUMNS.iter().find(is_named).map(|(column, ..)| *column)
    }
}

/// The header of one file.
#[derive(Debug)]
pub(super) struct Header {
    /// The place of each column.
    places: Vec<(Column, usize)>,
    /// Places up to the last that has a heading.
    pub width: usize,
}

impl Header {
    /// Reads the first row. Without columns that can be told from data the file has no header.
    pub fn read(record: &Record, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut header = Self { places: Vec::new(), width: 0 };
        let mut ignored = Vec::new();
        for (place, cell) in record.cells.iter().enumerate() {
            let heading = cell.trim();
            if heading.is_empty() {
                continue;
            }
            header.width = place + 1;
            match Column::of(heading) {
                None => ignored.push(Problem::of_heading(ProblemCode::ColumnIgnored, heading)),
                Some(column) if header.has(column) => {
                    problems.push(Problem::of_file(ProblemCode::DuplicateColumn).in_column(column));
                }
                Some(column) => header.places.push((column, place)),
            }
        }
        // One familiar word may stand in any row.
        if header.places.len() < 2 {
            problems.push(Problem::of_row(record.row, ProblemCode::NoHeader));
            return None;
        }
        if !header.has(Column::Name) {
            problems.push(Problem::of_file(ProblemCode::MissingColumn).in_column(Column::Name));
        }
        if !header.has(Column::Number) && !header.has(Column::Login) {
            problems.push(Problem::of_file(ProblemCode::MissingColumn).in_column(Column::Number));
        }
        problems.append(&mut ignored);
        Some(header)
    }

    pub fn has(&self, column: Column) -> bool {
        self.places.iter().any(|(known, _)| *known == column)
    }

    /// The columns of the file with their places.
    pub fn columns(&self) -> impl Iterator<Item = (Column, usize)> {
        self.places.iter().copied()
    }

    /// Whether a text that was decoded otherwise would have a header: to tell a person what is wrong.
    pub fn is_in(record: &Record) -> bool {
        record.cells.iter().filter(|cell| Column::of(cell).is_some()).count() >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_in_any_width_and_either_language() {
        for column in COLUMNS.map(|(column, ..)| column) {
            assert_eq!(Column::of(column.heading()), Some(column));
            assert_eq!(Column::of(column.word()), Some(column));
            assert_eq!(Column::of(&column.word().to_uppercase()), Some(column));
        }
        for (heading, column) in [
            (" 氏　名 ", Column::Name),
            ("氏名ｶﾅ", Column::Kana),
            ("Ｅｍａｉｌ", Column::Email),
            ("職員Ｎｏ．", Column::Number),
            ("ログインＩＤ", Column::Login),
        ] {
            assert_eq!(Column::of(heading), Some(column), "{heading}");
        }
        for heading in ["", "上司", "氏", "氏名氏名"] {
            assert_eq!(Column::of(heading), None, "{heading}");
        }
    }
}
