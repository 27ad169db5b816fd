//! What happened in a run: a hash over all of it, which tells two runs apart, and the last of it in words.

use std::collections::VecDeque;
use std::fmt;

use crate::scenario::CrashMoment;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    Frame { from: usize, to: usize, kind: &'static str, bytes: usize },
    Up { office: usize, peer: usize },
    Down { office: usize, peer: usize },
    Closed { office: usize, peer: usize, reason: String },
    Committed { office: usize, items: usize, latest_change: u64 },
    Crash { office: usize, moment: CrashMoment },
    Start { office: usize },
    Way { from: usize, to: usize, open: bool },
    Clock { office: usize, jump_ms: i64 },
    Asked { office: usize, what: String },
    Answered { office: usize, what: String, outcome: String },
    Refused { office: usize, what: String },
    Story(String),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    hasher: blake3::Hasher,
    last: VecDeque<(u64, Note)>,
    keep: usize,
    pub events: u64,
}

impl Journal {
    /// Keeps the last `keep` notes.
    pub fn new(keep: usize) -> Self {
        Self { hasher: blake3::Hasher::new(), last: VecDeque::new(), keep, events: 0 }
    }

    /// Something was dispatched that has no note of its own.
    pub fn tick(&mut self, at_ms: u64, what: u8, office: usize) {
        self.events += 1;
        self.hasher.update(&at_ms.to_be_bytes());
        self.hasher.update(&[what]);
        self.hasher.update(&office.to_be_bytes());
    }

    /// Bytes that two equal runs must have in common.
    pub fn fingerprint(&mut self, bytes: &[u8]) {
        self.hasher.update(&bytes.len().to_be_bytes());
        self.hasher.update(bytes);
    }

    pub fn note(&mut self, at_ms: u64, note: Note) {
        self.fingerprint(format!("{at_ms} {note}").as_bytes());
        if self.keep > 0 {
            if self.last.len() >= self.keep {
                self.last.pop_front();
            }
            self.last.push_back((at_ms, note));
        }
    }

    /// Equal for equal runs, and for no others.
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex().chars().take(32).collect()
    }

    /// The last notes; `names` are those of the offices, `start_ms` the time of the start of the story.
    pub fn tail(&self, names: &[String], start_ms: u64) -> Vec<String> {
        let line = |(at_ms, note): &(u64, Note)| format!("{} {}", clock(*at_ms, start_ms), note.named(names));
        self.last.iter().map(line).collect()
    }
}

/// «T+01:02:03.004».
pub(crate) fn clock(at_ms: u64, start_ms: u64) -> String {
    let (sign, ms) = if at_ms < start_ms { ('-', start_ms - at_ms) } else { ('+', at_ms - start_ms) };
    let seconds = ms / 1_000;
    format!("T{sign}{:02}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, ms % 1_000)
}

impl Note {
    fn named(&self, names: &[String]) -> String {
        let name = |office: usize| names.get(office).cloned().unwrap_or_else(|| office.to_string());
        self.words(&name)
    }

    fn words(&self, name: &dyn Fn(usize) -> String) -> String {
        match self {
            Self::Frame { from, to, kind, bytes } => format!("{} → {} {kind} {bytes} B", name(*from), name(*to)),
            Self::Up { office, peer } => format!("{}: 接続 {}", name(*office), name(*peer)),
            Self::Down { office, peer } => format!("{}: 切断 {}", name(*office), name(*peer)),
            Self::Closed { office, peer, reason } => format!("{}: {} を閉じた ({reason})", name(*office), name(*peer)),
            Self::Committed { office, items, latest_change } => {
                format!("{}: 保存 {items} 件 (変更 {latest_change})", name(*office))
            }
            Self::Crash { office, moment } => format!("{}: 異常終了 {moment:?}", name(*office)),
            Self::Start { office } => format!("{}: 起動", name(*office)),
            Self::Way { from, to, open } => {
                format!("{} → {} {}", name(*from), name(*to), if *open { "回復" } else { "断" })
            }
            Self::Clock { office, jump_ms } => format!("{}: 時計 {jump_ms:+} ms", name(*office)),
            Self::Asked { office, what } => format!("{}: {what}", name(*office)),
            Self::Answered { office, what, outcome } => format!("{}: {what} → {outcome}", name(*office)),
            Self::Refused { office, what } => format!("{}: 受け取らない {what}", name(*office)),
            Self::Story(text) => format!("《{text}》"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(&|office| office.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_difference_gives_another_hash() {
        let run = |work: fn(&mut Journal)| {
            let mut journal = Journal::new(1);
            work(&mut journal);
            journal.hash()
        };
        let up = || Note::Up { office: 0, peer: 1 };
        assert_eq!(
            run(|journal| journal.note(1, Note::Start { office: 0 })),
            run(|journal| journal.note(1, Note::Start { office: 0 }))
        );
        let hashes = [
            run(|_| {}),
            run(|journal| journal.note(1, Note::Start { office: 0 })),
            run(|journal| journal.note(2, Note::Start { office: 0 })),
            run(|journal| journal.note(1, Note::Start { office: 1 })),
            run(|journal| journal.tick(1, 0, 0)),
            run(|journal| journal.fingerprint(b"a")),
        ];
        assert_eq!(hashes.iter().collect::<std::collections::BTreeSet<_>>().len(), hashes.len());
        let mut journal = Journal::new(1);
        journal.note(900, Note::Start { office: 0 });
        journal.note(61_001, up());
        assert_eq!(journal.tail(&["本庁".into(), "北支所".into()], 1_000), ["T+00:01:00.001 本庁: 接続 北支所"]);
        assert_eq!(clock(900, 1_000), "T-00:00:00.100");
    }
}
