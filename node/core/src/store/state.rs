//! What a connection remembers between statements. Everything but the open transaction's changes can be dropped.

use std::collections::HashMap;

use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::log::LogId;

use super::cache::{Notes, Rows};
use super::keys::{AudiencePk, LogPk, NodePk, RoomPk};
use super::rows::{AudienceRow, LogRow, RoomRow};

/// Rows of one kind kept between transactions; about 20 MiB of heads at the most.
const ROWS_KEPT_MAX: usize = 50_000;

#[derive(Debug, Default)]
pub(in crate::store) struct State {
    // Names never change once they are committed.
    pub nodes: HashMap<NodeId, NodePk>,
    pub rooms: HashMap<RoomId, RoomPk>,
    pub logs: HashMap<LogId, LogPk>,

    // Only the writing connection fills these.
    pub room_rows: Rows<RoomPk, RoomRow>,
    pub log_rows: Rows<LogPk, LogRow>,
    pub audience_rows: Rows<AudiencePk, AudienceRow>,
    pub writers: HashMap<NodePk, bool>,
    pub members: HashMap<(AudiencePk, NodePk), bool>,

    pub pending: Pending,
}

/// The open transaction.
#[derive(Debug, Default)]
pub(in crate::store) struct Pending {
    /// Numbers the transactions of this process.
    pub number: u64,
    /// `None` until it is needed.
    pub latest_change: Option<u64>,
    /// `latest_change` as it is on disk; `None` when that is not certain.
    pub written_change: Option<u64>,
    /// Own logs that may have entries above their newest checkpoint.
    pub unsigned: Notes<LogPk>,
    pub local: Notes<RoomId>,
    pub applied: Notes<RoomId>,
    pub events: Vec<(u64, Vec<u8>)>,
}

impl State {
    pub fn begin(&mut self) {
        self.trim();
        let Pending { number, latest_change, .. } = std::mem::take(&mut self.pending);
        self.pending =
            Pending { number: number + 1, latest_change, written_change: latest_change, ..Pending::default() };
    }

    /// Between transactions: drops what has grown too large.
    pub fn trim(&mut self) {
        let rows = self.room_rows.len().max(self.log_rows.len()).max(self.audience_rows.len());
        let names = self.rooms.len().max(self.logs.len()).max(self.members.len());
        if rows.max(names) > ROWS_KEPT_MAX {
            self.forget();
        }
    }

    pub fn begin_item(&mut self) {
        self.room_rows.begin_item();
        self.log_rows.begin_item();
        self.audience_rows.begin_item();
        self.pending.unsigned.begin_item();
        self.pending.local.begin_item();
        self.pending.applied.begin_item();
    }

    /// The statements of the running item are rolled back; those before it stand. Numbers of changes it took stay
    /// unused.
    pub fn undo_item(&mut self, events: usize) {
        self.room_rows.undo_item();
        self.log_rows.undo_item();
        self.audience_rows.undo_item();
        self.pending.unsigned.undo_item();
        self.pending.local.undo_item();
        self.pending.applied.undo_item();
        self.forget_names();
        self.pending.events.truncate(events);
        self.pending.written_change = None;
    }

    /// The transaction is rolled back, or is not this connection's to know.
    pub fn forget(&mut self) {
        self.room_rows.clear();
        self.log_rows.clear();
        self.audience_rows.clear();
        self.forget_names();
        self.pending = Pending { number: self.pending.number, ..Pending::default() };
    }

    fn forget_names(&mut self) {
        self.nodes.clear();
        self.rooms.clear();
        self.logs.clear();
        self.writers.clear();
        self.members.clear();
    }
}
