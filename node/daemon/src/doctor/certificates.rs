//! Certificates: of the node among nodes, and of its pages in browsers.

use noroshi_node::view::Time;
use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::browser::{LeafCertificate, Reach, WebName, check_leaf};
use noroshi_web::ServedCertificate;

use super::{Patient, Report};
use crate::office::wall_ms;
use crate::web_tls::external::ExternalFiles;
use crate::web_tls::names;

const NODE: &str = "ノードの証明書";
const BROWSER: &str = "ブラウザー用の証明書";
const AUTHORITY: &str = "ブラウザー用の認証局";
const ISSUING: &str = "本庁の発行用証明書";
/// With less than this it ends before the certificates it issues.
const ISSUING_DAYS_LOW: u64 = 500;
const DAY_MS: u64 = 86_400_000;
/// An authority with less than this is to be replaced in every browser, which takes time.
const AUTHORITY_DAYS_LOW: u64 = 365;

pub fn look(patient: &Patient, report: &mut Report) {
    match node_certificate(patient) {
        Some(leaf) => lifetime(
            NODE,
            &leaf,
            leaf.renew_at_ms(),
            "本庁とつながると自動で更新されます。本庁とのつながりと、本庁の時計を確かめてください。",
            report,
        ),
        None => {
            report.bad(NODE, "読めません".to_owned(), "keys/node.pem をバックアップから戻すか、参加し直してください。");
        }
    }
    renewing(patient, report);
    let web = &patient.config.web;
    if web.https.is_empty() {
        let exposed = web.listen.iter().any(|address| !address.ip().is_loopback());
        if exposed {
            report.warn(
                BROWSER,
                "https を使わず、暗号化なしでほかのマシンに公開しています（縮退モード）".to_owned(),
                "noroshi.toml の web.https を設定してください。",
            );
        } else {
            report.good(BROWSER, "https は設定されていません（このマシンの中だけで使います）".to_owned());
        }
    } else if web.tls.is_set() {
        external(patient, report);
    } else {
        own(patient, report);
    }
    issuing(patient, report);
}

/// The leaf by which other nodes know this one.
pub fn node_certificate(patient: &Patient) -> Option<LeafCertificate> {
    let identity = keys(patient).load_node().ok()?;
    identity.chain().first().and_then(|leaf| LeafCertificate::read(leaf).ok())
}

fn keys(patient: &Patient) -> KeyFolder {
    KeyFolder::in_data_folder(patient.folder.path())
}

/// The organisation's own authority.
fn own(patient: &Patient, report: &mut Report) {
    let web = match keys(patient).load_web() {
        Ok(Some(web)) => web,
        Ok(None) => {
            return report.bad(BROWSER, "まだありません".to_owned(),
                "ノードを動かし、本庁とつながると発行されます。本庁では noroshi browser-ca create が必要な場合があります。");
        }
        Err(error) => {
            return report.bad(
                BROWSER,
                error.to_string(),
                "keys/web.pem を消してノードを起動し直すと、作り直されます。",
            );
        }
    };
    let leaf = match check_leaf(&web.authority, &web.leaf, &[]) {
        Ok(leaf) => leaf,
        Err(error) => {
            return report.bad(
                BROWSER,
                error.to_string(),
                "keys/web.pem を消してノードを起動し直すと、作り直されます。",
            );
        }
    };
    lifetime(BROWSER, &leaf, leaf.renew_at_ms(), "本庁とつながると更新されます。つながりを確かめてください。", report);
    let domain = Reach::of_certificate(&web.authority).map(|reach| reach.domain().to_owned()).unwrap_or_default();
    let advice = format!(
        "名前は {domain} の下に、アドレスはプライベートアドレスにしてください。ほかの拠点が使っている名前は使えません。変えた直後なら 1 分ほど待ってください。"
    );
    missing_names(patient, &leaf, &advice, report);
    if let Ok(authority) = LeafCertificate::read(&web.authority) {
        let due = authority.not_after_ms.saturating_sub(AUTHORITY_DAYS_LOW * DAY_MS);
        lifetime(
            AUTHORITY,
            &authority,
            due,
            "本庁で新しい認証局を作り、全端末に入れ直す計画を立ててください。",
            report,
        );
    }
}

/// A certificate named in the configuration.
fn external(patient: &Patient, report: &mut Report) {
    let opened = ServedCertificate::none().map_err(|error| error.to_string()).and_then(|served| {
        ExternalFiles::open(&patient.config.web.tls, &served).map(|_| served).map_err(|error| error.to_string())
    });
    let leaf = match opened.map(|served| served.leaf().and_then(|leaf| LeafCertificate::read(&leaf).ok())) {
        Ok(Some(leaf)) => leaf,
        Ok(None) => return report.warn(BROWSER, "証明書の中身を読めません".to_owned(), "発行元に確かめてください。"),
        Err(error) => return report.bad(BROWSER, error, "noroshi.toml の web.tls と、2つのファイルを直してください。"),
    };
    lifetime(
        BROWSER,
        &leaf,
        leaf.renew_at_ms(),
        "発行元で更新し、web.tls のファイルを置き換えてください。起動し直す必要はありません。",
        report,
    );
    missing_names(
        patient,
        &leaf,
        "その名前では警告が出ます。発行元に、名前を加えて発行し直してもらってください。",
        report,
    );
}

/// Why the running node could not renew its certificate, and when the key of headquarters itself ends.
fn renewing(patient: &Patient, report: &mut Report) {
    let certificate = patient.status.as_ref().and_then(|status| status.get("certificate"));
    if let Some(problem) = certificate.and_then(|certificate| certificate.get("problem")).and_then(|text| text.as_str())
    {
        report.warn(
            NODE,
            format!("更新できていません: {problem}"),
            "本庁とのつながりを確かめてください。更新は自動で試みられます。",
        );
    }
    if let Ok(Some(issuing)) = keys(patient).load_issuing()
        && let Ok(certificate) = LeafCertificate::read(issuing.certificate())
    {
        let due = certificate.not_after_ms.saturating_sub(ISSUING_DAYS_LOW * DAY_MS);
        lifetime(ISSUING, &certificate, due, "発行用の鍵を、金庫の根の鍵で作り直す計画を立ててください。", report);
    }
}

/// Whoever admits nodes should be able to give them browser certificates.
fn issuing(patient: &Patient, report: &mut Report) {
    let keys = keys(patient);
    if !matches!(keys.load_issuing(), Ok(Some(_))) {
        return;
    }
    match keys.load_browser_authority() {
        Ok(Some(authority)) => {
            report.good(AUTHORITY, format!("このノードが {} の名前に発行します", authority.reach().domain()));
        }
        Ok(None) => report.warn(
            AUTHORITY,
            "鍵がありません。どの拠点も証明書を更新できません".to_owned(),
            "noroshi browser-ca create、または金庫の控えから noroshi browser-ca restore を実行してください。",
        ),
        Err(error) => {
            report.bad(AUTHORITY, error.to_string(), "keys/browser-ca.key と browser-ca.pem を確かめてください。");
        }
    }
}

/// ✗ when it has ended (or has not begun), △ when it should have been renewed.
fn lifetime(topic: &'static str, leaf: &LeafCertificate, due_ms: u64, advice: &str, report: &mut Report) {
    let now_ms = wall_ms();
    let until = Time::from_ms(leaf.not_after_ms).0;
    let until = until.get(..10).unwrap_or(&until);
    let days = leaf.not_after_ms.saturating_sub(now_ms) / DAY_MS;
    if now_ms < leaf.not_before_ms {
        report.bad(topic, "まだ有効期間が始まっていません".to_owned(), "マシンの時計を確かめてください。");
    } else if now_ms >= leaf.not_after_ms {
        report.bad(topic, format!("{until} に期限が切れました"), advice);
    } else if now_ms >= due_ms {
        report.warn(topic, format!("更新の時期を過ぎています（{until} まで、あと {days} 日）"), advice);
    } else {
        report.good(topic, format!("{until} まで有効です（あと {days} 日）"));
    }
}

fn missing_names(patient: &Patient, leaf: &LeafCertificate, advice: &str, report: &mut Report) {
    let Ok(identity) = keys(patient).load_node() else { return };
    let wanted = names::of_node(&patient.config.web, identity.node());
    let is_configured = |name: &&WebName| patient.config.web.names.contains(name);
    let missing: Vec<String> = wanted
        .iter()
        // Other authorities certify the names they were asked for; the rest is ours to add by itself.
        .filter(|name| !patient.config.web.tls.is_set() || is_configured(name))
        .filter(|name| !leaf.names.contains(name))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
        report.good(BROWSER, format!("名前とアドレスがそろっています: {}", names.join(" ")));
    } else {
        report.warn(BROWSER, format!("証明書にない名前・アドレス: {}", missing.join(" ")), advice);
    }
}
