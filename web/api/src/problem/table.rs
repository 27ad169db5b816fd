//! Every error there is: its status and its words. The one place to add a code.

use http::StatusCode;

/// One line of the table. `{field}`, `{limit}` and `{seconds}` are filled in.
pub struct Row {
    pub code: &'static str,
    pub status: StatusCode,
    /// Title and sentence.
    pub ja: (&'static str, &'static str),
    pub en: (&'static str, &'static str),
}

/// The line of a code. Unknown codes of a field are 422, any other is our own fault.
pub fn row(code: &str, of_field: bool) -> &'static Row {
    let fallback = if of_field { &INVALID } else { &INTERNAL };
    TABLE.iter().find(|row| row.code == code).unwrap_or(fallback)
}

#[cfg(test)]
pub fn knows(code: &str) -> bool {
    TABLE.iter().any(|row| row.code == code)
}

const fn line(
    code: &'static str,
    status: StatusCode,
    ja: (&'static str, &'static str),
    en: (&'static str, &'static str),
) -> Row {
    Row { code, status, ja, en }
}

const INVALID: Row = line(
    "invalid",
    StatusCode::UNPROCESSABLE_ENTITY,
    ("入力に誤りがあります", "{field}の内容が正しくありません。"),
    ("Invalid input", "The {field} is not valid."),
);

const INTERNAL: Row = line(
    "internal",
    StatusCode::INTERNAL_SERVER_ERROR,
    ("内部エラー", "処理中に問題が起きました。管理者にお知らせください。"),
    ("Internal error", "Something went wrong here. Please tell the administrator."),
);

#[rustfmt::skip]
static TABLE: &[Row] = &[
    INVALID,
    INTERNAL,
    // 400: the request cannot be read
    line("malformed", StatusCode::BAD_REQUEST,
        ("リクエストの形式が違います", "送られた内容を読み取れませんでした。"),
        ("Malformed request", "The request could not be read.")),
    line("bad_host", StatusCode::BAD_REQUEST,
        ("宛先が正しくありません", "Host ヘッダーが正しくありません。"),
        ("Bad host", "The Host header is missing or not valid.")),
    line("token_in_query", StatusCode::BAD_REQUEST,
        ("トークンを URL に書くことはできません", "トークンは Authorization ヘッダーか Cookie で送ってください。"),
        ("A token does not belong in an address", "Send the token in the Authorization header or the cookie.")),
    // 401
    line("unauthenticated", StatusCode::UNAUTHORIZED,
        ("ログインが必要です", "ログインしていないか、ログインの期限が切れています。"),
        ("Please log in", "You are not logged in, or the login has expired.")),
    line("wrong_credentials", StatusCode::UNAUTHORIZED,
        ("ログインできません", "ログイン名またはパスワードが違います。"),
        ("Cannot log in", "The login name or the password is wrong.")),
    line("credentials_disagree", StatusCode::UNAUTHORIZED,
        ("ログイン情報が一致しません", "Cookie と Authorization ヘッダーのログイン情報が異なります。もう一度ログインしてください。"),
        ("The credentials disagree", "The cookie and the Authorization header are of different logins. Please log in again.")),
    // 403
    line("forbidden", StatusCode::FORBIDDEN,
        ("許可されていません", "この操作を行う権限がありません。"),
        ("Not allowed", "You do not have the right to do this.")),
    line("csrf", StatusCode::FORBIDDEN,
        ("この画面からは操作できません", "操作の確認に必要な X-Noroshi ヘッダーがありません。"),
        ("Not from this page", "The X-Noroshi header, which proves that this application asks, is missing.")),
    line("wrong_origin", StatusCode::FORBIDDEN,
        ("別のサイトからの操作です", "別のサイトから送られたため、拒否しました。"),
        ("Another site asks", "Refused, because the request comes from another site.")),
    line("locked", StatusCode::FORBIDDEN,
        ("画面がロックされています", "暗証番号を入力してください。"),
        ("Locked", "Please enter your passcode.")),
    line("wrong_passcode", StatusCode::FORBIDDEN,
        ("暗証番号が違います", "暗証番号が違います。あと{left}回まちがえると、この端末は停止されます。"),
        ("Wrong passcode", "The passcode is wrong. After {left} more wrong attempts this device is stopped.")),
    line("no_passcode", StatusCode::FORBIDDEN,
        ("暗証番号がありません", "ロックするには、先に暗証番号を設定してください。"),
        ("No passcode", "Set a passcode first to lock the screen.")),
    line("console_locked", StatusCode::FORBIDDEN,
        ("管理者鍵が施錠されています", "この操作には管理者の署名が必要です。管理者鍵を解錠してください。"),
        ("The administrator's key is locked", "This needs an administrator's signature. Please unlock your key.")),
    line("no_key_here", StatusCode::FORBIDDEN,
        ("管理者鍵がありません", "このノードにはあなたの管理者鍵がありません。鍵のあるノードで操作してください。"),
        ("No key here", "Your administrator's key is not on this node. Please work at the node that has it.")),
    line("wrong_password", StatusCode::FORBIDDEN,
        ("パスワードが違います", "パスワードが違います。"),
        ("Wrong password", "The password is wrong.")),
    line("passcode_required", StatusCode::FORBIDDEN,
        ("暗証番号を設定してください", "この団体では、端末に暗証番号が必要です。先に設定してください。"),
        ("A passcode is needed", "Your organisation wants a passcode on every device. Please set one first.")),
    line("password_elsewhere", StatusCode::FORBIDDEN,
        ("ここでは変更できません", "このノードでは、あなたのパスワードを変更できません。所属する拠点のノードで変更してください。"),
        ("Not at this office", "Your password cannot be changed at this node. Please do it at your own office.")),
    line("device_code_required", StatusCode::FORBIDDEN,
        ("端末コードが必要です", "この端末はまだ登録されていません。管理者から受け取った端末コードを入力してください。"),
        ("A device code is needed", "This device is not enrolled yet. Please enter the device code from your administrator.")),
    line("wrong_device_code", StatusCode::FORBIDDEN,
        ("端末コードが違います", "端末コードが違うか、期限が切れているか、すでに使われています。管理者に確認してください。"),
        ("Wrong device code", "The device code is wrong, has expired or was used. Please ask your administrator.")),
    line("device_suspended", StatusCode::FORBIDDEN,
        ("この端末は停止されています", "この端末は停止されました。管理者に連絡してください。"),
        ("This device is stopped", "This device was stopped. Please contact your administrator.")),
    line("user_suspended", StatusCode::FORBIDDEN,
        ("利用が停止されています", "あなたの利用は停止されています。管理者に連絡してください。"),
        ("You are suspended", "Your account is suspended. Please contact your administrator.")),
    line("account_ended", StatusCode::FORBIDDEN,
        ("利用期間外です", "このアカウントの利用期間ではありません。管理者に確認してください。"),
        ("Outside the period of use", "This account is not in its period of use. Please ask your administrator.")),
    // 404, 405
    line("not_found", StatusCode::NOT_FOUND,
        ("見つかりません", "存在しないか、表示する権限がありません。"),
        ("Not found", "It does not exist, or you may not see it.")),
    line("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED,
        ("この操作はできません", "このアドレスではその操作を受け付けていません。"),
        ("Method not allowed", "This address does not take that method.")),
    // 408, 409
    line("request_timeout", StatusCode::REQUEST_TIMEOUT,
        ("時間切れです", "内容が時間内に届きませんでした。通信状態を確認して、もう一度お試しください。"),
        ("Too slow", "The request did not arrive in time. Please check the connection and try again.")),
    line("conflict", StatusCode::CONFLICT,
        ("ID が重複しています", "同じ ID で別の内容がすでに保存されています。"),
        ("The id is taken", "Other content is stored under the same id.")),
    line("import_running", StatusCode::CONFLICT,
        ("ほかの名簿を処理中です", "いま別の名簿を処理しています。終わってからもう一度お試しください。"),
        ("Another list is worked with", "Another staff list is being processed. Please try again when it is done.")),
    line("directory_changed", StatusCode::CONFLICT,
        ("職員の情報が変わりました", "確認のあとに職員の情報が変わったため、まだ取り込んでいません。新しい内容を確かめてください。"),
        ("The directory has changed", "Nothing was imported, because the directory changed after you looked. Please look again.")),
    line("import_has_problems", StatusCode::CONFLICT,
        ("名簿に問題があります", "問題のある行が 1 つでもあると取り込みません。名簿を直して読み込み直してください。"),
        ("The list has problems", "Nothing is imported while a row has a problem. Please correct the list and read it again.")),
    line("import_not_draft", StatusCode::CONFLICT,
        ("取り込み済みです", "この名簿はすでに取り込まれています。"),
        ("Already imported", "This list has been imported already.")),
    line("import_not_applied", StatusCode::CONFLICT,
        ("元に戻せません", "この名簿は取り込まれていないか、すでに元に戻されています。"),
        ("Cannot be undone", "This list was not imported, or has been undone already.")),
    line("nothing_to_undo", StatusCode::CONFLICT,
        ("元に戻すものがありません", "取り込んだ内容は、あとからすべて変更されています。"),
        ("Nothing to undo", "Everything that was imported has been changed since.")),
    line("last_administrator", StatusCode::CONFLICT,
        ("システム管理者がいなくなります", "システム管理者が 1 人以上必要です。先に別の人を管理者にしてください。"),
        ("The last administrator", "There must be a system administrator. Please make somebody else one first.")),
    // 413, 414, 415, 426
    line("too_large", StatusCode::PAYLOAD_TOO_LARGE,
        ("大きすぎます", "送れる大きさ({limit})を超えています。"),
        ("Too large", "More than the limit of {limit}.")),
    line("uri_too_long", StatusCode::URI_TOO_LONG,
        ("アドレスが長すぎます", "アドレスが長すぎるため、処理できません。"),
        ("The address is too long", "The address is too long to be handled.")),
    line("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ("この形式は受け付けていません", "内容は UTF-8 の application/json で送ってください。"),
        ("Unsupported media type", "Please send application/json in UTF-8.")),
    line("unsupported_file_type", StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ("この形式のファイルは読めません", "CSV または Excel(.xlsx)のファイルを選んでください。"),
        ("Not a staff list", "Please choose a CSV or Excel (.xlsx) file.")),
    line("upgrade_required", StatusCode::UPGRADE_REQUIRED,
        ("WebSocket でつないでください", "このアドレスは WebSocket 専用です。"),
        ("WebSocket only", "This address speaks WebSocket only.")),
    // 422: understood, but not valid
    line("own_node", StatusCode::UNPROCESSABLE_ENTITY,
        ("自分のノードは失効できません", "このノード自身は失効できません。別のノードから操作してください。"),
        ("Not this node", "A node cannot revoke itself. Please do it at another node.")),
    line("login_taken", StatusCode::UNPROCESSABLE_ENTITY,
        ("ログイン名が使われています", "このログイン名は、すでに使われています。"),
        ("Login name taken", "This login name is in use.")),
    line("name_taken", StatusCode::UNPROCESSABLE_ENTITY,
        ("名前が使われています", "同じ名前が、すでにあります。"),
        ("Name taken", "This name is in use.")),
    line("not_digits", StatusCode::UNPROCESSABLE_ENTITY,
        ("暗証番号は数字です", "暗証番号は6〜12桁の数字で入力してください。"),
        ("Digits, please", "A passcode has 6 to 12 digits.")),
    line("too_simple", StatusCode::UNPROCESSABLE_ENTITY,
        ("暗証番号が簡単すぎます", "同じ数字や連続した数字だけの暗証番号は使えません。"),
        ("Too simple", "A passcode of one repeated digit or a run is not accepted.")),
    line("wrong_signature", StatusCode::UNPROCESSABLE_ENTITY,
        ("本人署名が正しくありません", "この端末の署名として確かめられないため、保存していません。署名なしで送り直すことはできます。"),
        ("The signature is wrong", "It is not one by the key of this device, so nothing was stored. It can be sent without a signature.")),
    line("password_too_short", StatusCode::UNPROCESSABLE_ENTITY,
        ("パスワードが短すぎます", "8文字以上にしてください。"),
        ("Too short", "Please use at least 8 characters.")),
    line("password_too_short_alone", StatusCode::UNPROCESSABLE_ENTITY,
        ("パスワードが短すぎます", "15文字以上にしてください。短い文にすると覚えやすくなります。"),
        ("Too short", "Please use at least 15 characters. A short sentence is easy to remember.")),
    line("password_too_long", StatusCode::UNPROCESSABLE_ENTITY,
        ("パスワードが長すぎます", "128バイト(日本語で約40文字)以内にしてください。"),
        ("Too long", "Please use at most 128 bytes.")),
    line("password_is_login", StatusCode::UNPROCESSABLE_ENTITY,
        ("ログイン名と同じです", "ログイン名と異なるパスワードにしてください。"),
        ("It is your login name", "Please choose a password other than your login name.")),
    line("password_too_common", StatusCode::UNPROCESSABLE_ENTITY,
        ("推測されやすいパスワードです", "よく使われる言葉や、名前・所属から推測できるパスワードは使えません。"),
        ("Easily guessed", "It is made of common words, or of your name or office. Please choose another one.")),
    line("password_unchanged", StatusCode::UNPROCESSABLE_ENTITY,
        ("いまのパスワードと同じです", "いまと異なるパスワードにしてください。"),
        ("It is the present one", "Please choose a password other than the present one.")),
    line("empty", StatusCode::UNPROCESSABLE_ENTITY,
        ("入力がありません", "{field}を入力してください。"),
        ("Nothing entered", "The {field} must not be empty.")),
    line("too_long", StatusCode::UNPROCESSABLE_ENTITY,
        ("長すぎます", "{field}が長すぎます。短くしてください。"),
        ("Too long", "The {field} is too long. Please shorten it.")),
    line("control_characters", StatusCode::UNPROCESSABLE_ENTITY,
        ("使えない文字があります", "{field}に使えない制御文字が含まれています。取り除いてください。"),
        ("Characters not allowed", "The {field} contains control characters. Please remove them.")),
    line("unknown_user", StatusCode::UNPROCESSABLE_ENTITY,
        ("職員が見つかりません", "{field}に、この団体にいない人が含まれています。"),
        ("Unknown person", "The {field} names somebody who is not in this organisation.")),
    line("unknown_office", StatusCode::UNPROCESSABLE_ENTITY,
        ("拠点が見つかりません", "{field}に、この団体にない拠点が含まれています。"),
        ("Unknown office", "The {field} names an office that is not in this organisation.")),
    line("too_many_items", StatusCode::UNPROCESSABLE_ENTITY,
        ("数が多すぎます", "{field}の数が多すぎます。"),
        ("Too many", "The {field} has too many items.")),
    line("unknown_message", StatusCode::UNPROCESSABLE_ENTITY,
        ("メッセージが見つかりません", "{field}に、このトークルームにないメッセージが含まれています。"),
        ("Unknown message", "The {field} names a message that is not in this room.")),
    line("redacted", StatusCode::UNPROCESSABLE_ENTITY,
        ("取り消されたメッセージです", "取り消されたメッセージには操作できません。"),
        ("The message was redacted", "A redacted message cannot be changed any more.")),
    line("last_admin", StatusCode::UNPROCESSABLE_ENTITY,
        ("管理者がいなくなります", "トークルームには管理者が 1 人以上必要です。先に別の人を管理者にしてください。"),
        ("The last administrator", "A room needs an administrator. Please make somebody else one first.")),
    line("not_two", StatusCode::UNPROCESSABLE_ENTITY,
        ("相手は 1 人です", "1 対 1 のトークルームの相手は 1 人だけ選んでください。"),
        ("Not two people", "A conversation of two needs exactly one other person.")),
    line("not_allowed", StatusCode::UNPROCESSABLE_ENTITY,
        ("ここでは設定できません", "このトークルームでは{field}を設定できません。"),
        ("Not possible here", "The {field} cannot be set in this room.")),
    line("out_of_range", StatusCode::UNPROCESSABLE_ENTITY,
        ("範囲外です", "{field}が範囲外です。"),
        ("Out of range", "The {field} is out of range.")),
    line("invalid_id", StatusCode::UNPROCESSABLE_ENTITY,
        ("ID の形式が違います", "{field}は UUID(バージョン 7)で指定してください。"),
        ("Not a valid id", "The {field} must be a UUID of version 7.")),
    line("unknown_cursor", StatusCode::UNPROCESSABLE_ENTITY,
        ("続きが見つかりません", "ページの位置が古くなりました。はじめから読み込み直してください。"),
        ("The page is gone", "The page position is out of date. Please load from the beginning.")),
    line("attachments_unsupported", StatusCode::UNPROCESSABLE_ENTITY,
        ("ファイルは送れません", "この版ではファイルを添付できません。ファイルを外して送ってください。"),
        ("No files yet", "This version does not take attachments. Please send the message without files.")),
    line("device_code_not_used", StatusCode::UNPROCESSABLE_ENTITY,
        ("端末コードは使えません", "この団体では端末コードによる登録を行っていません。"),
        ("No device codes here", "This organisation does not enrol devices by code.")),
    line("unknown_encoding", StatusCode::UNPROCESSABLE_ENTITY,
        ("文字コードの指定が違います", "文字コードは auto、utf-8、cp932 から選んでください。"),
        ("Unknown encoding", "The encoding must be auto, utf-8 or cp932.")),
    line("empty_file", StatusCode::UNPROCESSABLE_ENTITY,
        ("ファイルが空です", "ファイルに何も書かれていません。"),
        ("The file is empty", "There is nothing in the file.")),
    line("broken_workbook", StatusCode::UNPROCESSABLE_ENTITY,
        ("Excel ファイルを読み取れません", "ファイルが壊れているか、Excel(.xlsx)のファイルではありません。"),
        ("The workbook cannot be read", "The file is damaged, or not an Excel workbook (.xlsx).")),
    line("old_workbook", StatusCode::UNPROCESSABLE_ENTITY,
        ("この Excel ファイルは読めません", "古い形式(.xls)か、パスワード付きのファイルです。パスワードなしの .xlsx で保存し直してください。"),
        ("An old or protected workbook", "It is of the old format (.xls) or has a password. Please save it as .xlsx without one.")),
    line("workbook_too_large", StatusCode::UNPROCESSABLE_ENTITY,
        ("Excel ファイルが大きすぎます", "展開すると大きすぎるファイルです。名簿のシートだけにして保存し直してください。"),
        ("The workbook is too large", "It unpacks to too much. Please save the sheet with the list alone.")),
    // 429
    line("too_many", StatusCode::TOO_MANY_REQUESTS,
        ("回数が多すぎます", "回数の上限に達しました。{seconds} 秒待ってからもう一度お試しください。"),
        ("Too many attempts", "Please wait {seconds} seconds and try again.")),
    // 503, 507
    line("busy", StatusCode::SERVICE_UNAVAILABLE,
        ("混み合っています", "ただいま混み合っています。{seconds} 秒ほど待ってからもう一度お試しください。"),
        ("Busy", "The node is busy. Please try again in about {seconds} seconds.")),
    line("answer_timeout", StatusCode::SERVICE_UNAVAILABLE,
        ("応答に時間がかかっています", "処理が時間内に終わりませんでした。同じ内容をもう一度送っても二重にはなりません。"),
        ("Too slow an answer", "It did not finish in time. Sending the same again will not double it.")),
    line("storage_failed", StatusCode::SERVICE_UNAVAILABLE,
        ("保存先に問題があります", "保存先に問題があるため、いまは保存できません。管理者にお知らせください。"),
        ("The storage does not work", "Nothing can be saved at the moment. Please tell the administrator.")),
    line("app_missing", StatusCode::SERVICE_UNAVAILABLE,
        ("画面が組み込まれていません", "このプログラムには画面が組み込まれていません。"),
        ("The app is missing", "This program was built without its web app.")),
    line("storage_full", StatusCode::INSUFFICIENT_STORAGE,
        ("空き容量がありません", "保存先の空き容量がないため、いまは保存できません。管理者にお知らせください。"),
        ("The storage is full", "Nothing can be saved, because the disk is full. Please tell the administrator.")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_every_line_says_something() {
        let codes: BTreeSet<_> = TABLE.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), TABLE.len());
        for row in TABLE {
            assert!(row.status.is_client_error() || row.status.is_server_error(), "{}", row.code);
            assert!(row.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", row.code);
            assert!(row.ja.1.ends_with('。') && row.en.1.ends_with('.'), "{}", row.code);
        }
    }

    #[test]
    fn a_code_nobody_wrote_down_is_never_a_success() {
        assert_eq!(row("never_heard_of", true).status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(row("never_heard_of", false).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
