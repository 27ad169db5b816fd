//! `noroshi doctor`: looks, beside a running node or without one, for what will hinder people, and says what to do.
//!
//! Each module looks at one thing and adds its [`Finding`]s. Nothing is changed.

mod certificates;
mod clock;
mod finding;
mod folder;
mod ports;

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::commands::Failure;
use crate::config::Config;
use crate::control::{self, Request};
use crate::folder::DataFolder;
#[cfg(test)]
use finding::Mark;
use finding::Report;

/// What all looks may use.
struct Patient {
    folder: DataFolder,
    config: Config,
    /// What the running node says of itself and its peers.
    status: Option<Value>,
}

/// Exit code 1 when something is ✗.
pub fn run(data: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    examine(data, &mut report);
    if as_json {
        println!("{}", json!({"ok": !report.is_bad(), "findings": report.findings}));
    } else {
        for finding in &report.findings {
            println!("{finding}");
        }
    }
    Ok(if report.is_bad() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn examine(data: &Path, report: &mut Report) {
    let folder = match DataFolder::open(data) {
        Ok(folder) => folder,
        Err(error) => {
            let advice =
                "フォルダーを確かめてください（--data）。新しいノードは noroshi init か noroshi join で作ります。";
            return report.bad("フォルダー", error.to_string(), advice);
        }
    };
    folder::look(&folder, report);
    let config = match Config::read(&folder.config_file()) {
        Ok(config) => config,
        Err(error) => {
            let advice = "noroshi.toml を直してください。noroshi config がすべての項目と説明を表示します。";
            return report.bad("設定", error.to_string(), advice);
        }
    };
    report.good("設定", "noroshi.toml は正しく読めます".to_owned());
    let status = control::ask(&folder.control_socket(), &Request::Status).and_then(Result::ok);
    match &status {
        Some(_) => report.good("ノード", "動いています".to_owned()),
        None => {
            report.warn("ノード", "動いていません".to_owned(), "noroshi serve（または systemd）で起動してください。");
        }
    }
    let patient = Patient { folder, config, status };
    clock::look(&patient, report);
    certificates::look(&patient, report);
    ports::look(&patient, report);
    peers(&patient, report);
}

/// Offices that this node should be talking with.
fn peers(patient: &Patient, report: &mut Report) {
    const TOPIC: &str = "拠点";
    let Some(peers) = patient.status.as_ref().and_then(|status| status.get("peers")).and_then(Value::as_array) else {
        return;
    };
    if peers.is_empty() {
        return report.good(TOPIC, "ほかの拠点はまだありません".to_owned());
    }
    for peer in peers {
        let text = |path: &str| peer.pointer(path).and_then(Value::as_str).unwrap_or("?");
        let name = text("/office/name");
        match text("/state") {
            "connected" => report.good(TOPIC, format!("{name}: つながっています")),
            "cut" => {
                report.warn(TOPIC, format!("{name}: 手動で切断されています"), "画面「拠点とつながり」で戻せます。");
            }
            _ => report.warn(
                TOPIC,
                format!("{name}: つながっていません（最後の受信 {}）", peer["last_heard"].as_str().unwrap_or("なし")),
                "回線と相手のノードを確かめてください。間の機器で UDP のポート（既定 8471）を開ける必要があります。",
            ),
        }
    }
}
