//! The problems of a staff list in the words of the people who have to put them right.

use super::limits::{COLUMNS_MAX, ROWS_MAX};
use super::problem::{Problem, ProblemCode};

impl Problem {
    /// What is wrong and what to do. The row stands beside it and is not repeated.
    pub fn japanese(&self) -> String {
        let (value, column) = (&self.value, self.column.as_deref().unwrap_or("セル"));
        match self.code {
            ProblemCode::NoHeader => {
                "見出しの行が見つかりません。1行目に「職員番号」「氏名」などの見出しを入れてください。".into()
            }
            ProblemCode::EucJp => {
                "文字コードが EUC-JP です。UTF-8 または Shift_JIS(Excel の CSV)で保存し直してください。".into()
            }
            ProblemCode::MissingColumn => format!("必要な列「{column}」がありません。"),
            ProblemCode::DuplicateColumn => format!("列「{column}」が2つ以上あります。1つだけにしてください。"),
            ProblemCode::ColumnIgnored => format!("列「{column}」は取り込みません。"),
            ProblemCode::TooManyRows => format!(
                "一度に取り込めるのは{}人までです。ファイルを分けてください。名簿にない人が停止されることはありません。",
                thousands(ROWS_MAX)
            ),
            ProblemCode::TooManyColumns => format!("列が多すぎます。{COLUMNS_MAX}列までにしてください。"),
            ProblemCode::NoRows => "職員の行がありません。".into(),
            ProblemCode::UnclosedQuote => {
                "引用符「\"」が閉じられていません。この行からあとは読み取れませんでした。".into()
            }
            ProblemCode::MoreProblems => format!("ほかに{value}件の問題があります。"),
            ProblemCode::MissingCells => {
                "セルの数が見出しより少ない行です。コンマが抜けていないか確かめてください。".into()
            }
            ProblemCode::ExtraCells => "セルの数が見出しより多い行です。余分なコンマがないか確かめてください。".into(),
            ProblemCode::Undecodable => format!(
                "「{column}」に読み取れない文字があります。この行の文字コードがほかの行と違うか、データが壊れています。"
            ),
            ProblemCode::Gaiji => format!(
                "「{column}」に外字があります。外字は機械ごとに形が変わるため、標準の文字(代替文字)に置き換えてください。"
            ),
            ProblemCode::ControlCharacters => {
                format!("「{column}」に目に見えない文字(タブや制御文字)があります。取り除いてください。")
            }
            ProblemCode::LineBreak => {
                format!("「{column}」の中に改行があります。引用符「\"」の閉じ忘れがないか確かめてください。")
            }
            ProblemCode::Formula => format!(
                "「{column}」の「{value}」は計算式として実行されるおそれがあります。先頭の記号(= + - @)を取り除いてください。"
            ),
            ProblemCode::CellError => format!("「{column}」が計算式のエラー({value})になっています。"),
            ProblemCode::TooLong => format!("「{column}」が長すぎます。"),
            ProblemCode::EmptyName => "氏名がありません。".into(),
            ProblemCode::NoKey => "職員番号もログイン名もありません。どちらかを入れてください。".into(),
            ProblemCode::NumberCharacters => {
                format!("「{column}」の「{value}」に使えない文字があります。英数字とハイフンだけにしてください。")
            }
            ProblemCode::LoginCharacters => {
                format!("ログイン名「{value}」は使えません。英小文字、数字、. _ @ - で64文字までにしてください。")
            }
            ProblemCode::NotKana => format!("「{column}」の「{value}」に漢字があります。ふりがなを入れてください。"),
            ProblemCode::Email => format!("メールアドレス「{value}」の形が正しくありません。"),
            ProblemCode::Phone => format!("電話番号「{value}」の形が正しくありません。番号を1つだけ入れてください。"),
            ProblemCode::Date => format!(
                "「{column}」の「{value}」を日付として読み取れません。2027-04-01、令和9年4月1日 のように書いてください。"
            ),
            ProblemCode::EndBeforeStart => format!("{value} さんの有効終了が有効開始より前です。"),
            ProblemCode::UnknownRole => format!(
                "権限「{value}」はありません。システム管理者、拠点管理者、訓練統制者、職員 から選んでください。"
            ),
            ProblemCode::UnknownEmployment => format!("「{column}」の「{value}」は分かりません。"),
            ProblemCode::DuplicateNumber => format!(
                "職員番号「{value}」が同じファイルに2回以上あります(先頭の0、全角と半角、大文字と小文字は区別しません)。"
            ),
            ProblemCode::DuplicateLogin => format!("ログイン名「{value}」が同じファイルに2回以上あります。"),
            ProblemCode::NumberAndLoginDiffer => format!("職員番号とログイン名が別の人({value})を指しています。"),
            ProblemCode::NumberShared => {
                format!("この職員番号の人がすでに2人以上登録されています({value})。先にどちらかを整理してください。")
            }
            ProblemCode::NumberReused => format!(
                "この職員番号は、利用を終えた {value} さんのものです。別の番号にするか、同じ人なら氏名をそろえてください。"
            ),
            ProblemCode::LoginTaken => {
                format!("ログイン名「{value}」はほかの人が使っています。「ログイン名」の列で別の名前を付けてください。")
            }
            ProblemCode::UnknownOffice => format!("拠点「{value}」は登録されていません。"),
            ProblemCode::UnknownSection => {
                format!("所属「{value}」がどの拠点か分かりません。「拠点」の列を加えてください。")
            }
            ProblemCode::EndInPast => {
                format!("{value} さんは有効終了を過ぎています。登録しない人の行は削除してください。")
            }
            ProblemCode::LastAdministrator => "このまま取り込むとシステム管理者がいなくなります。".into(),
            ProblemCode::Reinstated => {
                format!("{value} さんは利用を終えています。取り込むと、また利用できるようになります。")
            }
            ProblemCode::NotPlanned => format!(
                "権限、雇用区分、参集区分、参集場所、所属コードは日付を指定して変えられません。{value} を過ぎたら、この名簿をもう一度取り込んでください。"
            ),
            ProblemCode::ChangedSince => {
                format!("{value} さんは取り込みのあとに変更されているため、元に戻しませんでした。")
            }
        }
    }

    pub fn english(&self) -> String {
        let (value, column) = (&self.value, self.column.as_deref().unwrap_or("cell"));
        match self.code {
            ProblemCode::NoHeader => {
                "There is no header. Put headings such as 職員番号 and 氏名 into the first row.".into()
            }
            ProblemCode::EucJp => "The file is in EUC-JP. Please save it as UTF-8 or Shift_JIS.".into(),
            ProblemCode::MissingColumn => format!("The column {column} is missing."),
            ProblemCode::DuplicateColumn => format!("The column {column} is there more than once."),
            ProblemCode::ColumnIgnored => format!("The column {column} is not imported."),
            ProblemCode::TooManyRows => format!(
                "At most {ROWS_MAX} people can be imported at once. Please split the file; nobody is stopped for not being in it."
            ),
            ProblemCode::TooManyColumns => format!("More than {COLUMNS_MAX} columns."),
            ProblemCode::NoRows => "There are no people in the file.".into(),
            ProblemCode::UnclosedQuote => {
                "A quotation mark is not closed. Nothing below this row could be read.".into()
            }
            ProblemCode::MoreProblems => format!("{value} more problems."),
            ProblemCode::MissingCells => "The row has fewer cells than the header. Is a comma missing?".into(),
            ProblemCode::ExtraCells => "The row has more cells than the header. Is there a comma too many?".into(),
            ProblemCode::Undecodable => {
                format!("{column} has characters that cannot be read: another encoding, or damaged.")
            }
            ProblemCode::Gaiji => {
                format!("{column} has a private-use character (gaiji). Please replace it by a standard one.")
            }
            ProblemCode::ControlCharacters => {
                format!("{column} has invisible characters (tabs, control characters). Please remove them.")
            }
            ProblemCode::LineBreak => format!("{column} has a line break. Is a quotation mark left open?"),
            ProblemCode::Formula => {
                format!("{value} in {column} could be executed as a formula. Please remove the sign in front.")
            }
            ProblemCode::CellError => format!("{column} is the error of a formula ({value})."),
            ProblemCode::TooLong => format!("{column} is too long."),
            ProblemCode::EmptyName => "The name is missing.".into(),
            ProblemCode::NoKey => "Neither an employee number nor a login name is given.".into(),
            ProblemCode::NumberCharacters => {
                format!("{value} in {column} has other characters than letters, digits and hyphens.")
            }
            ProblemCode::LoginCharacters => {
                format!("{value} cannot be a login name: use a-z, 0-9 and . _ @ -, at most 64.")
            }
            ProblemCode::NotKana => format!("{value} in {column} has kanji; it is for the reading."),
            ProblemCode::Email => format!("{value} is not an e-mail address."),
            ProblemCode::Phone => format!("{value} is not one telephone number."),
            ProblemCode::Date => format!("{value} in {column} is not a date such as 2027-04-01."),
            ProblemCode::EndBeforeStart => format!("{value} ends before beginning."),
            ProblemCode::UnknownRole => format!("There is no right {value}."),
            ProblemCode::UnknownEmployment => format!("{value} in {column} is not known."),
            ProblemCode::DuplicateNumber => format!(
                "The employee number {value} is in the file more than once (zeros in front, width and case do not count)."
            ),
            ProblemCode::DuplicateLogin => format!("The login name {value} is in the file more than once."),
            ProblemCode::NumberAndLoginDiffer => format!("Number and login name belong to different people ({value})."),
            ProblemCode::NumberShared => {
                format!("Several people have this employee number ({value}). Please put that right first.")
            }
            ProblemCode::NumberReused => format!(
                "The number was that of {value}, who has left. Use another, or the same name if it is the same person."
            ),
            ProblemCode::LoginTaken => {
                format!("Somebody else has the login name {value}. Give another one in the column ログイン名.")
            }
            ProblemCode::UnknownOffice => format!("There is no office {value}."),
            ProblemCode::UnknownSection => {
                format!("It is not known to which office {value} belongs. Please add the column 拠点.")
            }
            ProblemCode::EndInPast => {
                format!("The last day of {value} is over. Remove the rows of people who are not to be registered.")
            }
            ProblemCode::LastAdministrator => "Nobody would be system administrator any more.".into(),
            ProblemCode::Reinstated => format!("{value} has left, and will be in service again."),
            ProblemCode::NotPlanned => format!(
                "Rights, employment, places of mustering and section codes cannot be changed on a date. Please import the list once more after {value}."
            ),
            ProblemCode::ChangedSince => format!("{value} was changed after the import and stays as is."),
        }
    }
}

fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}
