//! The machine's clock: against what must be past, and against the peers of a running node.

use serde_json::Value;

use super::{Patient, Report};
use crate::office::wall_ms;

const TOPIC: &str = "時計";
/// 2026-01-01 in Japan. No node was made earlier.
const EARLIEST_MS: u64 = 1_767_193_200_000;
/// Beyond this people notice wrong times on messages, ms.
const OFFSET_MS_MAX: i64 = 60_000;
const ADVICE: &str =
    "マシンの時計を合わせてください（時刻同期: chrony など。隔離中は手で）。メッセージの時刻と期限の判定に使います。";

pub fn look(patient: &Patient, report: &mut Report) {
    let issued_ms = super::certificates::node_certificate(patient).map(|leaf| leaf.not_before_ms);
    let clock = patient.status.as_ref().and_then(|status| status.pointer("/node/clock"));
    let offset_ms = clock.and_then(|clock| clock.get("offset_ms")).and_then(Value::as_i64);
    let is_suspect = clock.and_then(|clock| clock.get("suspect")).and_then(Value::as_bool).unwrap_or(false);
    match judge(wall_ms(), issued_ms, offset_ms, is_suspect) {
        Ok(text) => report.good(TOPIC, text),
        Err(text) => report.bad(TOPIC, text, ADVICE),
    }
}

fn judge(now_ms: u64, issued_ms: Option<u64>, offset_ms: Option<i64>, is_suspect: bool) -> Result<String, String> {
    if now_ms < EARLIEST_MS {
        return Err("2026年より前を指しています".to_owned());
    }
    if issued_ms.is_some_and(|issued_ms| now_ms < issued_ms) {
        return Err("このノードの証明書が発行された日より前を指しています".to_owned());
    }
    match offset_ms {
        Some(offset_ms) if is_suspect || offset_ms.abs() > OFFSET_MS_MAX => {
            Err(format!("ほかの拠点と {} 秒ずれています", offset_ms / 1_000))
        }
        Some(offset_ms) => Ok(format!("ほかの拠点との差は {:.1} 秒です", offset_ms as f64 / 1_000.0)),
        None if is_suspect => Err("ほかの拠点の時計と合いません".to_owned()),
        None => Ok("おかしなところはありません（ほかの拠点とは比べていません）".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_said_to_be_wrong() {
        let now = EARLIEST_MS + 1_000_000;
        for (now_ms, issued_ms, offset_ms, is_suspect, good) in [
            (now, None, None, false, true),
            (0, None, None, false, false),
            (EARLIEST_MS - 1, None, None, false, false),
            (now, Some(now), Some(-900), false, true),
            (now, Some(now + 1), None, false, false),
            (now, None, Some(60_000), false, true),
            (now, None, Some(-60_001), false, false),
            (now, None, Some(5), true, false),
            (now, None, None, true, false),
        ] {
            assert_eq!(judge(now_ms, issued_ms, offset_ms, is_suspect).is_ok(), good, "{now_ms} {offset_ms:?}");
        }
    }
}
