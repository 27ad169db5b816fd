//! What the bytes of a file may be.

use std::io::{Cursor, Write};

use rust_xlsxwriter::{Format, Workbook};
use zip::write::SimpleFileOptions;

use super::support::{HEADER, bytes_are_told, cp932, euc_jp, is_told, roster, rows, told, utf16};
use crate::roster::limits::{WORKBOOK_BYTES_MAX, WORKBOOK_PARTS_MAX};
use crate::roster::{Encoding, EncodingChoice, FILE_BYTES_MAX, PROBLEMS_MAX, ROWS_MAX, Unreadable, read};

const LIST: &str = "職員番号,氏名,氏名カナ\r\n0012,髙﨑 表ソ能予,ﾀｶｻｷ ﾀﾛｳ\r\n";

#[test]
fn every_encoding_of_a_spreadsheet_gives_the_same_people() {
    let with_mark = [b"\xef\xbb\xbf".as_slice(), LIST.as_bytes()].concat();
    for (bytes, encoding) in [
        (LIST.as_bytes().to_vec(), Encoding::Utf8),
        (with_mark, Encoding::Utf8),
        (cp932(LIST), Encoding::Cp932),
        (utf16(LIST), Encoding::Utf16Le),
        (utf16(&LIST.replace(',', "\t")), Encoding::Utf16Le),
    ] {
        let roster = roster(&bytes);
        assert_eq!((roster.encoding, roster.problems.len(), roster.count), (encoding, 0, 1));
        assert_eq!(roster.headings, ["職員番号", "氏名", "氏名カナ"]);
        assert_eq!(roster.preview, [["0012", "髙﨑 表ソ能予", "ﾀｶｻｷ ﾀﾛｳ"]]);
        let row = &roster.rows[0];
        assert_eq!((row.row, row.number.as_deref()), (2, Some("0012")));
        assert_eq!((row.name.as_str(), row.kana.as_deref()), ("髙﨑 表ソ能予", Some("たかさき たろう")));
    }
}

#[test]
fn characters_of_cp932_arrive_as_themselves() {
    for name in ["髙橋", "﨑山", "Ⅲ①㈱℡", "山～田", "山－田", "山∥田", "￠￡￢", "表ソ能予十貼", "彅渡邉齋藤辻", "ﾊﾟﾋﾞ"]
    {
        let text = format!("職員番号,氏名\r\n1,{name}\r\n");
        assert_eq!(roster(&cp932(&text)).rows[0].name, name);
    }
}

#[test]
fn a_file_in_euc_jp_is_called_by_its_name() {
    let sentence = "文字コードが EUC-JP です。UTF-8 または Shift_JIS(Excel の CSV)で保存し直してください。";
    bytes_are_told(&euc_jp("職員番号,氏名\r\n1,山田太郎\r\n"), Some(1), None, "euc_jp", sentence);
    let told_cp932 = read(&euc_jp("職員番号,氏名\r\n1,山田\r\n"), EncodingChoice::Cp932).unwrap();
    assert_eq!(told(&told_cp932.problems)[0].2, "euc_jp");
}

#[test]
fn rows_of_another_encoding_are_named_and_never_guessed() {
    let sentence = "「氏名」に読み取れない文字があります。この行の文字コードがほかの行と違うか、データが壊れています。";
    let mixed = [cp932("職員番号,氏名\r\n1,山田\r\n"), "2,鈴木\r\n".as_bytes().to_vec()].concat();
    bytes_are_told(&mixed, Some(3), Some("氏名"), "undecodable", sentence);
    let mixed = ["職員番号,氏名\r\n1,山田\r\n".as_bytes(), &cp932("2,鈴木\r\n")].concat();
    bytes_are_told(&mixed, Some(3), Some("氏名"), "undecodable", sentence);
    for bytes in [b"\x80".as_slice(), b"\xa0", b"\xfd", b"\xfe", b"\xff", b"\x8e"] {
        let broken = [&cp932("職員番号,氏名\r\n1,山田\r\n2,鈴"), bytes, b"\r\n"].concat();
        bytes_are_told(&broken, Some(3), Some("氏名"), "undecodable", sentence);
    }
    // The scar of an earlier conversion in a sound UTF-8 file.
    is_told("職員番号,氏名\r\n1,山\u{fffd}\r\n", Some(2), Some("氏名"), "undecodable", sentence);
    // Told to be UTF-8, and is not.
    let told_utf8 = read(&cp932(LIST), EncodingChoice::Utf8).unwrap();
    assert_eq!(told(&told_utf8.problems)[0].2, "no_header");
    let told_cp932 = read(LIST.as_bytes(), EncodingChoice::Cp932).unwrap();
    assert_eq!((told_cp932.encoding, told(&told_cp932.problems)[0].2), (Encoding::Cp932, "no_header"));
}

#[test]
fn characters_of_one_machine_are_refused_with_their_row() {
    let sentence =
        "「氏名」に外字があります。外字は機械ごとに形が変わるため、標準の文字(代替文字)に置き換えてください。";
    is_told("職員番号,氏名\n1,山田\n2,\u{e000}田\n", Some(3), Some("氏名"), "gaiji", sentence);
    let bytes = [cp932("職員番号,氏名\r\n1,山田\r\n2,"), b"\xf0\x40".to_vec(), cp932("田\r\n")].concat();
    bytes_are_told(&bytes, Some(3), Some("氏名"), "gaiji", sentence);
}

#[test]
fn a_header_is_needed_and_its_order_is_free() {
    let no_header = "見出しの行が見つかりません。1行目に「職員番号」「氏名」などの見出しを入れてください。";
    is_told("1,山田太郎,総務課\n2,鈴木花子,総務課\n", Some(1), None, "no_header", no_header);
    let reordered = rows("氏名,電話,職員番号\n山田,090-1234-5678,12\n");
    assert_eq!((reordered[0].number.as_deref(), reordered[0].phone.as_deref()), (Some("12"), Some("09012345678")));
    let english = rows("Number,NAME,Kana,section\n12,山田,ヤマダ,総務課\n");
    assert_eq!((english[0].kana.as_deref(), english[0].section.as_deref()), (Some("やまだ"), Some("総務課")));
    is_told("職員番号,所属\n1,総務課\n", None, Some("氏名"), "missing_column", "必要な列「氏名」がありません。");
    is_told("氏名,所属\n山田,総務課\n", None, Some("職員番号"), "missing_column", "必要な列「職員番号」がありません。");
    let twice = "列「氏名」が2つ以上あります。1つだけにしてください。";
    is_told("職員番号,氏名,氏　名\n1,山田,鈴木\n", None, Some("氏名"), "duplicate_column", twice);
    let ignored = "列「上司」は取り込みません。";
    is_told("職員番号,氏名,上司\n1,山田,1\n", None, Some("上司"), "column_ignored", ignored);
    assert_eq!(roster("職員番号,氏名,上司\n1,山田,1\n".as_bytes()).rows.len(), 1);
}

#[test]
fn rows_have_as_many_cells_as_the_header() {
    let fewer = "セルの数が見出しより少ない行です。コンマが抜けていないか確かめてください。";
    is_told("職員番号,氏名,所属\n1,山田\n", Some(2), None, "missing_cells", fewer);
    let more = "セルの数が見出しより多い行です。余分なコンマがないか確かめてください。";
    is_told("職員番号,氏名\n1,山田,総務課\n", Some(2), None, "extra_cells", more);
    // Trailing commas, in the header too, are nothing.
    assert_eq!(rows("職員番号,氏名,,\n1,山田,,,,\n").len(), 1);
    let lines: String = "列,".repeat(101);
    let columns = format!("職員番号,氏名,{lines}\n");
    assert!(told(&roster(columns.as_bytes()).problems).iter().any(|problem| problem.2 == "too_many_columns"));
}

#[test]
fn quotes_line_breaks_tabs_and_nul() {
    let row = &rows(
        "職員番号,氏名,資格\r\n1,\"山田 \"\"太郎\"\"\",\"防災士\r\n危険物, 乙4\"\r\n".replace(", 乙4", "").as_str(),
    )[0];
    assert_eq!((row.name.as_str(), row.qualifications.as_deref()), ("山田 \"太郎\"", Some("防災士、危険物")));
    assert_eq!(rows("職員番号,氏名\r1,山田\r2,鈴木\r")[1].row, 3);
    assert_eq!(rows("職員番号\t氏名\n1\t山田\n")[0].name, "山田");
    let open = "引用符「\"」が閉じられていません。この行からあとは読み取れませんでした。";
    is_told("職員番号,氏名\n1,山田\n2,\"鈴木\n3,佐藤\n", Some(3), None, "unclosed_quote", open);
    let break_ = "「氏名」の中に改行があります。引用符「\"」の閉じ忘れがないか確かめてください。";
    is_told("職員番号,氏名\n1,\"山田\n2,鈴木\"\n", Some(2), Some("氏名"), "line_break", break_);
    let invisible = "「氏名」に目に見えない文字(タブや制御文字)があります。取り除いてください。";
    is_told("職員番号,氏名\n1,山\t田\n", Some(2), Some("氏名"), "control_characters", invisible);
    is_told("職員番号,氏名\n1,山\0田\n", Some(2), Some("氏名"), "control_characters", invisible);
}

#[test]
fn each_bad_value_has_its_code_and_its_sentence() {
    for (column, value, code, sentence) in [
        (
            "職員番号",
            "12番",
            "number_characters",
            "「職員番号」の「12番」に使えない文字があります。英数字とハイフンだけにしてください。",
        ),
        (
            "ログイン名",
            "さとう",
            "login_characters",
            "ログイン名「さとう」は使えません。英小文字、数字、. _ @ - で64文字までにしてください。",
        ),
        ("氏名カナ", "山田", "not_kana", "「氏名カナ」の「山田」に漢字があります。ふりがなを入れてください。"),
        ("メール", "sato@city", "email", "メールアドレス「sato@city」の形が正しくありません。"),
        ("電話", "090-1234", "phone", "電話番号「090-1234」の形が正しくありません。番号を1つだけ入れてください。"),
        (
            "電話",
            "03-1234-5678/2345",
            "phone",
            "電話番号「03-1234-5678/2345」の形が正しくありません。番号を1つだけ入れてください。",
        ),
        (
            "有効開始",
            "4月1日",
            "date",
            "「有効開始」の「4月1日」を日付として読み取れません。2027-04-01、令和9年4月1日 のように書いてください。",
        ),
        (
            "有効終了",
            "2027-02-29",
            "date",
            "「有効終了」の「2027-02-29」を日付として読み取れません。2027-04-01、令和9年4月1日 のように書いてください。",
        ),
        (
            "権限",
            "部長",
            "unknown_role",
            "権限「部長」はありません。システム管理者、拠点管理者、訓練統制者、職員 から選んでください。",
        ),
        ("雇用区分", "パート", "unknown_employment", "「雇用区分」の「パート」は分かりません。"),
        ("アカウント種別", "？", "unknown_employment", "「アカウント種別」の「？」は分かりません。"),
        ("所属", "#REF!", "cell_error", "「所属」が計算式のエラー(#REF!)になっています。"),
        (
            "役職",
            "=HYPERLINK(1)",
            "formula",
            "「役職」の「=HYPERLINK(1)」は計算式として実行されるおそれがあります。先頭の記号(= + - @)を取り除いてください。",
        ),
    ] {
        let list = if column == "職員番号" {
            format!("職員番号,氏名\n{value},山田\n")
        } else {
            format!("職員番号,氏名,{column}\n1,山田,{value}\n")
        };
        is_told(&list, Some(2), Some(column), code, sentence);
    }
    is_told(
        "職員番号,氏名\n,山田\n",
        Some(2),
        None,
        "no_key",
        "職員番号もログイン名もありません。どちらかを入れてください。",
    );
    is_told("職員番号,氏名\n1,　\n", Some(2), Some("氏名"), "empty_name", "氏名がありません。");
}

#[test]
fn files_without_people() {
    for bytes in [b"".as_slice(), b"\r\n\r\n", b"\xef\xbb\xbf", b" ,, \n"] {
        assert_eq!(read(bytes, EncodingChoice::Auto), Err(Unreadable::Empty), "{bytes:?}");
    }
    is_told(HEADER, None, None, "no_rows", "職員の行がありません。");
}

#[test]
fn files_of_any_size_are_answered() {
    let header = "職員番号,氏名\n".to_owned();
    let line = |number: usize| format!("{number},山田\n");
    let most = header.clone() + &(0..ROWS_MAX).map(line).collect::<String>();
    assert_eq!(rows(&most).len(), ROWS_MAX);
    let too_many = header.clone() + &(0..100_000).map(line).collect::<String>();
    let sentence =
        "一度に取り込めるのは10,000人までです。ファイルを分けてください。名簿にない人が停止されることはありません。";
    is_told(&too_many, None, None, "too_many_rows", sentence);
    let mut large = header.into_bytes();
    large.resize(FILE_BYTES_MAX, b'\n');
    assert!(read(&large, EncodingChoice::Auto).is_ok());
    large.push(b'\n');
    assert_eq!(read(&large, EncodingChoice::Auto), Err(Unreadable::TooLarge));
    // One cell of 20 MB.
    let cell = format!("職員番号,氏名\n1,{}\n", "あ".repeat(FILE_BYTES_MAX / 3 - 100));
    is_told(&cell, Some(2), Some("氏名"), "too_long", "「氏名」が長すぎます。");
}

#[test]
fn of_many_problems_the_first_are_told() {
    let wrong: String = (0..500).map(|number| format!("{number},\n")).collect();
    let problems = roster(format!("職員番号,氏名\n{wrong}").as_bytes()).problems;
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!((problems[0].row, problems[0].japanese()), (Some(2), "氏名がありません。".into()));
    assert_eq!(problems[PROBLEMS_MAX].japanese(), "ほかに300件の問題があります。");
}

#[test]
fn any_bytes_are_answered() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..2_000 {
        let mut bytes =
            if round % 2 == 0 { cp932(LIST) } else { workbook(&[&["職員番号", "氏名"], &["1", "山田"]]) };
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = usize::try_from(seed >> 33).unwrap() % bytes.len();
            bytes[place] = (seed >> 24) as u8;
        }
        let _ = read(&bytes, EncodingChoice::Auto);
    }
}

fn workbook(cells: &[&[&str]]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in cells.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write(u32::try_from(row).unwrap(), u16::try_from(column).unwrap(), *cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_is_read_like_text() {
    let bytes = workbook(&[
        &["職員番号", "氏名", "氏名カナ", "役職"],
        &["0012", "髙﨑 太郎", "ﾀｶｻｷ ﾀﾛｳ"],
        &[],
        &["13", "葛\u{e0100}城"],
    ]);
    let roster = roster(&bytes);
    assert_eq!((roster.encoding, roster.problems.as_slice(), roster.count), (Encoding::Workbook, &[][..], 2));
    assert_eq!(
        (roster.rows[0].number.as_deref(), roster.rows[0].kana.as_deref()),
        (Some("0012"), Some("たかさき たろう"))
    );
    assert_eq!((roster.rows[1].row, roster.rows[1].name.as_str()), (4, "葛\u{e0100}城"));
    assert_eq!(roster.preview[0], ["0012", "髙﨑 太郎", "ﾀｶｻｷ ﾀﾛｳ", ""]);
}

#[test]
fn numbers_and_dates_of_a_workbook_are_what_a_person_sees() {
    let mut book = Workbook::new();
    let hidden = book.add_worksheet();
    hidden.write(0, 0, "隠したシート").unwrap();
    hidden.set_hidden(true);
    let sheet = book.add_worksheet();
    sheet.set_active(true);
    let day = Format::new().set_num_format("yyyy/m/d");
    let padded = Format::new().set_num_format("0000");
    for (column, heading) in ["職員番号", "氏名", "電話", "有効開始", "有効終了"].iter().enumerate() {
        sheet.write(0, u16::try_from(column).unwrap(), *heading).unwrap();
    }
    sheet.write_with_format(1, 0, 12.0, &padded).unwrap();
    sheet.write(1, 1, "山田").unwrap();
    sheet.write(1, 2, 9_012_345_678.0).unwrap();
    // 2027-04-01.
    sheet.write_with_format(1, 3, 46_478.0, &day).unwrap();
    sheet.write(1, 4, "令和10年3月31日").unwrap();
    let roster = roster(&book.save_to_buffer().unwrap());
    assert_eq!(roster.problems, []);
    let row = &roster.rows[0];
    assert_eq!((row.number.as_deref(), row.phone.as_deref()), (Some("12"), Some("09012345678")));
    assert_eq!((row.starts_ms, row.ends_ms), (Some(1_806_505_200_000), Some(Some(1_838_127_599_000))));
}

#[test]
fn workbooks_that_are_none_are_refused() {
    let whole = workbook(&[&["職員番号", "氏名"], &["1", "山田"]]);
    for bytes in [&whole[..whole.len() / 2], b"PK\x03\x04", b"PK\x05\x06", &archive(&[("a.txt", b"a")])] {
        assert_eq!(read(bytes, EncodingChoice::Auto), Err(Unreadable::BrokenWorkbook));
    }
    let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more";
    assert_eq!(read(old, EncodingChoice::Auto), Err(Unreadable::OldWorkbook));
    assert_eq!(read(&workbook(&[]), EncodingChoice::Auto), Err(Unreadable::Empty));
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![0u8; usize::try_from(WORKBOOK_BYTES_MAX).unwrap()];
    let bomb = archive(&[("xl/sharedStrings.xml", &zeros), ("xl/workbook.xml", b"<")]);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    assert_eq!(read(&bomb, EncodingChoice::Auto), Err(Unreadable::WorkbookTooLarge));
    let names: Vec<String> = (0..=WORKBOOK_PARTS_MAX).map(|n| format!("{n}.xml")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"a".as_slice())).collect();
    assert_eq!(read(&archive(&parts), EncodingChoice::Auto), Err(Unreadable::WorkbookTooLarge));
    // A cell at the far end of the sheet is one cell.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "職員番号").unwrap();
    sheet.write(0, 1, "氏名").unwrap();
    sheet.write(1_048_575, 16_383, "遠い").unwrap();
    let problems = roster(&book.save_to_buffer().unwrap()).problems;
    assert!(told(&problems).iter().any(|problem| problem.2 == "extra_cells"), "{problems:?}");
}
