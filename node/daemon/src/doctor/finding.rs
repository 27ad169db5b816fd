//! One line of the report.

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Good,
    /// Works, but somebody should look at it.
    Warn,
    /// People are hindered, now or soon.
    Bad,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    pub mark: Mark,
    pub topic: &'static str,
    pub text: String,
    /// What to do; none when all is well.
    pub advice: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Good => '✓',
            Mark::Warn => '△',
            Mark::Bad => '✗',
        };
        write!(f, "{mark} {}: {}", self.topic, self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n    → {advice}"),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn good(&mut self, topic: &'static str, text: String) {
        self.findings.push(Finding { mark: Mark::Good, topic, text, advice: None });
    }

    pub fn warn(&mut self, topic: &'static str, text: String, advice: impl Into<String>) {
        self.findings.push(Finding { mark: Mark::Warn, topic, text, advice: Some(advice.into()) });
    }

    pub fn bad(&mut self, topic: &'static str, text: String, advice: impl Into<String>) {
        self.findings.push(Finding { mark: Mark::Bad, topic, text, advice: Some(advice.into()) });
    }

    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.mark == Mark::Bad)
    }
}
