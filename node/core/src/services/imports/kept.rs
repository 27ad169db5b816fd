//! What is kept of a list in its row.

use noroshi_provisioning::roster::{Encoding, Plan, Problem, Roster, RosterRow, Undo};
use serde::{Deserialize, Serialize};

use crate::error::ServiceError;
use crate::store::query::ImportRow;

/// The first byte of a row's content: the fields below, in their order.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
pub struct Kept {
    version: u8,
    pub encoding: Encoding,
    pub headings: Vec<String>,
    pub preview: Vec<Vec<String>>,
    pub count: usize,
    /// Of the file; those of the plan are in the plan.
    pub problems: Vec<Problem>,
    /// Until it is applied.
    pub rows: Vec<RosterRow>,
    pub plan: Plan,
    /// From then on.
    pub undo: Option<Undo>,
}

impl Kept {
    pub fn new(roster: Roster, plan: Plan) -> Self {
        Self {
            version: VERSION,
            encoding: roster.encoding,
            headings: roster.headings,
            preview: roster.preview,
            count: roster.count,
            problems: roster.problems,
            rows: roster.rows,
            plan,
            undo: None,
        }
    }

    pub fn of(row: &ImportRow) -> Result<Self, ServiceError> {
        let damaged = || ServiceError::Storage("the row of a staff list cannot be read".into());
        if row.content.first() != Some(&VERSION) {
            return Err(damaged());
        }
        postcard::from_bytes(&row.content).map_err(|_| damaged())
    }

    pub fn encode(&self) -> Vec<u8> {
        // Nothing in it refuses to be encoded.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// Whether no row has a problem.
    pub fn is_sound(&self) -> bool {
        !self.problems.iter().chain(&self.plan.problems).any(Problem::prevents)
    }

    /// What the list said is in the directory now, and no longer needed here.
    pub fn apply(&mut self, undo: Undo) {
        self.rows = Vec::new();
        self.preview = Vec::new();
        self.undo = Some(undo);
    }

    pub fn take_back(&mut self, kept: Vec<Problem>) {
        self.undo = None;
        self.problems = kept;
        self.plan.problems = Vec::new();
    }
}
