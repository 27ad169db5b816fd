//! What the parts of a request are called in a sentence.

use super::Language;

/// Name of a request field as people say it.
pub fn label(field: Option<&str>, language: Language) -> &'static str {
    let (ja, en) = match field {
        Some("text") => ("本文", "text"),
        Some("name") => ("名前", "name"),
        Some("topic") => ("話題", "topic"),
        Some("purpose") => ("目的", "purpose"),
        Some("members" | "user") => ("メンバー", "list of members"),
        Some("offices") => ("拠点", "list of offices"),
        Some("mentions") => ("宛先", "list of mentions"),
        Some("pins") => ("ピン留め", "list of pins"),
        Some("reply_to") => ("返信先", "message replied to"),
        Some("attachments") => ("ファイル", "list of attachments"),
        Some("stamp") => ("スタンプ", "stamp"),
        Some("message" | "id") => ("ID", "id"),
        Some("limit") => ("件数", "limit"),
        Some("login") => ("ログイン名", "login name"),
        Some("password") => ("パスワード", "password"),
        Some("q") => ("検索語", "search text"),
        Some("encoding") => ("文字コード", "encoding"),
        Some("file") => ("ファイル", "file"),
        Some("passcode") => ("暗証番号", "passcode"),
        Some("reason") => ("理由", "reason"),
        Some("office") => ("拠点", "office"),
        Some("kana") => ("ふりがな", "reading"),
        Some("holders" | "deputies") => ("担当者", "list of people"),
        Some("addresses") => ("アドレス", "addresses"),
        Some("valid_from" | "valid_until") => ("有効期間", "period of use"),
        Some("idle_lock_minutes" | "lease_hours" | "lease_isolated_hours" | "hours") => ("時間", "time"),
        Some("role") => ("役割", "role"),
        Some("kind") => ("種類", "kind"),
        Some("cursor" | "before" | "after" | "around" | "seen") => ("ページの位置", "page position"),
        _ => ("入力", "input"),
    };
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}
