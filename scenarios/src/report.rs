//! What a run came to: figures, and every rule it broke with what is needed to see it again.

use std::fmt;

use serde::Serialize;

use crate::invariant::bounds::Peaks;
use crate::invariant::{Invariant, Violation};

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub scenario: String,
    pub seed: u64,
    pub offices: usize,
    pub rooms: usize,
    pub people: usize,
    pub figures: Figures,
    /// Empty when every invariant held.
    pub violations: Vec<Violation>,
    /// The last events before the first violation; empty when there is none.
    pub last_events: Vec<String>,
    /// Equal for two runs if and only if the same happened in them.
    pub event_hash: String,
}

/// What was counted. Times are virtual, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    /// From the start of the scenario to the last event.
    pub story_ms: u64,
    /// From the last event until every office held and showed the same, registers included; `None`: never.
    pub converged_ms: Option<u64>,
    /// From the last event until the last entry had arrived.
    pub last_entry_ms: u64,
    pub events: u64,
    /// Messages that people were told are saved.
    pub messages: usize,
    /// Other requests of people that succeeded, and those that were refused.
    pub deeds: u64,
    pub refused: u64,
    pub crashes: u64,
    pub connections_ended: u64,
    /// Frames of an ended connection that arrived again on the next one.
    pub frames_replayed: u64,
    /// Entries that arrived over lines, all in all and after the last event.
    pub entries_carried: u64,
    pub entries_carried_after: u64,
    /// Of all of them, those that were there already.
    pub entries_repeated: u64,
    /// Times that a cursor moved over a register that had not come yet.
    pub registers_late: u64,
    /// Bytes of frames handed to the lines, all in all and after the last event.
    pub bytes: u64,
    pub bytes_after: u64,
    /// The costliest reconnection with nothing new, bytes.
    pub idle_bytes: u64,
    pub peaks: Peaks,
}

impl Figures {
    /// Bytes on the lines for one entry that arrived after the last event.
    pub fn bytes_an_entry(&self) -> Option<f64> {
        (self.entries_carried_after > 0).then(|| self.bytes_after as f64 / self.entries_carried_after as f64)
    }
}

impl Report {
    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether this rule was broken.
    pub fn broke(&self, invariant: Invariant) -> bool {
        self.violations.iter().any(|violation| violation.invariant == invariant)
    }

    /// The report for programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seed, offices, rooms, people, figures, .. } = self;
        writeln!(f, "シナリオ「{scenario}」 種 {seed}: {}", if self.is_good() { "合格" } else { "不合格" })?;
        writeln!(f, "  規模        {offices} 拠点、{rooms} 部屋、{people} 人")?;
        writeln!(
            f,
            "  経過        {} (仮想時間)、事象 {} 件、異常終了 {} 回、接続断 {} 回",
            Span(figures.story_ms),
            figures.events,
            figures.crashes,
            figures.connections_ended
        )?;
        writeln!(
            f,
            "  操作        発言 {} 件、その他 {} 件、拒否 {} 件",
            figures.messages, figures.deeds, figures.refused
        )?;
        match figures.converged_ms {
            Some(ms) => writeln!(
                f,
                "  収束        最後の出来事から {} (全記録の到着 {})",
                Span(ms),
                Span(figures.last_entry_ms)
            )?,
            None => writeln!(f, "  収束        期限までに一致しなかった")?,
        }
        write!(f, "  通信        全体 {} B、最後の出来事のあと {} B", figures.bytes, figures.bytes_after)?;
        match figures.bytes_an_entry() {
            Some(bytes) => writeln!(f, " ({} 件、1件あたり {bytes:.0} B)", figures.entries_carried_after)?,
            None => writeln!(f)?,
        }
        writeln!(
            f,
            "  重複        {} / {} 件   無変化の再接続 {} B   最大のフレーム {} B   送信待ち {} 枚",
            figures.entries_repeated,
            figures.entries_carried,
            figures.idle_bytes,
            figures.peaks.frame,
            figures.peaks.frames_waiting
        )?;
        writeln!(f, "  事象の照合値 {}", self.event_hash)?;
        for violation in &self.violations {
            let office = violation.office.as_deref().unwrap_or("全体");
            writeln!(
                f,
                "  違反 [{}] {} {}: {}",
                violation.invariant,
                Signed(violation.at_ms),
                office,
                violation.detail
            )?;
        }
        if !self.is_good() {
            writeln!(f, "  再現        noroshi sim <ファイル> --seed {seed}")?;
            writeln!(f, "  直前の出来事:")?;
            for event in &self.last_events {
                writeln!(f, "    {event}")?;
            }
        }
        Ok(())
    }
}

/// A span of time for people: the largest unit that leaves something in front of the point.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms @ 0..1_000 => write!(f, "{ms} ミリ秒"),
            ms @ 1_000..120_000 => write!(f, "{}.{} 秒", ms / 1_000, ms % 1_000 / 100),
            ms @ 120_000..7_200_000 => write!(f, "{} 分", ms / 60_000),
            ms => write!(f, "{}.{} 時間", ms / 3_600_000, ms % 3_600_000 / 360_000),
        }
    }
}

/// Time after (or before) the start.
struct Signed(i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let ms = self.0.unsigned_abs();
        write!(f, "T{sign}{}.{:03}s", ms / 1_000, ms % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(violations: Vec<Violation>) -> Report {
        Report {
            scenario: "試し".into(),
            seed: 42,
            offices: 3,
            rooms: 100,
            people: 14,
            figures: Figures {
                story_ms: 259_500_000,
                converged_ms: Some(4_250),
                last_entry_ms: 900,
                messages: 20_000,
                entries_carried: 40_000,
                entries_carried_after: 20_000,
                bytes_after: 1_400_000,
                ..Figures::default()
            },
            violations,
            last_events: vec!["T+00:00:01.000 本庁: 起動".into()],
            event_hash: "abc".into(),
        }
    }

    #[test]
    fn a_good_run_gives_its_figures() {
        let text = report(Vec::new()).to_string();
        for part in ["合格", "種 42", "72.0 時間", "4.2 秒", "900 ミリ秒", "1件あたり 70 B"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("不合格") && !text.contains("--seed"));
    }

    #[test]
    fn a_bad_run_says_how_to_see_it_again() {
        let violation = Violation {
            invariant: Invariant::Durability,
            at_ms: 1_500,
            office: Some("北支所".into()),
            detail: "entry 3 is missing".into(),
        };
        let report = report(vec![violation]);
        let text = report.to_string();
        for part in ["不合格", "永続性", "T+1.500s", "北支所", "entry 3", "--seed 42", "本庁: 起動"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(report.broke(Invariant::Durability) && !report.broke(Invariant::Cursor));
        assert_eq!(report.to_json()["violations"][0]["invariant"], "durability");
    }
}
