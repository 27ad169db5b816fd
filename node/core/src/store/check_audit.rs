//! The check of the audit log: its rows are those that its entries give, and nothing is held less than was signed.

use noroshi_sync::entry::{Entry, Lane};
use noroshi_sync::id::RoomId;
use noroshi_sync::store::StoreError;

use super::audit::AuditRow;
use super::check::{CheckReport, Damage};
use super::database::Database;
use super::keys::{EntryPk, LogPk, RoomPk, SEQ_MAX};

impl Database {
    /// About 2 µs an entry; nothing for rooms that are no audit rooms.
    pub(in crate::store) fn check_audit(&self, room: RoomPk, report: &mut CheckReport) -> Result<(), StoreError> {
        if self.row("SELECT 1 FROM audit_rooms WHERE room_pk = ?", [room], |_| Ok(()))?.is_none() {
            return Ok(());
        }
        let logs: Vec<LogPk> = self.rows(
            "SELECT log_pk FROM logs WHERE room_pk = ? AND lane <> ?",
            (room, Lane::Policy.number()),
            |row| row.get(0),
        )?;
        for log in &logs {
            self.check_audit_log(room, *log, report)?;
        }
        // Rows of this room that lie in no log of it.
        let strays =
            self.rows("SELECT entry_pk FROM audit WHERE room_pk = ?", [room], |row| row.get::<_, EntryPk>(0))?;
        let strays = strays.into_iter().filter(|pk| !logs.contains(&pk.log()));
        report.damages.extend(strays.map(|pk| Damage::File(format!("a row of audit names entry {} of no log", pk.0))));
        Ok(())
    }

    fn check_audit_log(&self, room: RoomPk, log: LogPk, report: &mut CheckReport) -> Result<(), StoreError> {
        let name = self.log_name(log)?;
        let range = (EntryPk::new(log, 0), EntryPk::new(log, SEQ_MAX));
        let mut rows = self
            .rows(
                "SELECT entry_pk, room_pk, at_ms, id, kind, actor, subject FROM audit
                 WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
                range,
                AuditRow::read,
            )?
            .into_iter()
            .peekable();
        let mut wrong = Vec::new();
        self.each(
            "SELECT entry_pk, bytes FROM entries WHERE entry_pk BETWEEN ? AND ? ORDER BY entry_pk",
            range,
            |stored| {
                let pk = stored.get::<_, EntryPk>(0)?;
                while let Some(row) = rows.next_if(|row| row.entry < pk) {
                    wrong.push(row.entry);
                }
                let row = rows.next_if(|row| row.entry == pk);
                // An entry that cannot be read is damage of the chain.
                let expected = Entry::decode(stored.get_ref(1)?.as_blob()?).ok();
                if expected.is_some_and(|entry| AuditRow::of(room, pk, &entry) != row) {
                    wrong.push(pk);
                }
                Ok(true)
            },
        )?;
        wrong.extend(rows.map(|row| row.entry));
        report.damages.extend(wrong.into_iter().map(|pk| Damage::AuditRow { log: name, seq: pk.seq() }));
        Ok(())
    }

    /// What this node has signed to hold and does not.
    pub(in crate::store) fn check_own_register(&self, room: &RoomId) -> Result<Vec<Damage>, StoreError> {
        let Some(own) = self.own_register(room)? else { return Ok(Vec::new()) };
        let mut damages = Vec::new();
        for (log, state) in own.frontier() {
            let found = match self.log_pk(&log)? {
                Some(pk) => self.load_log(pk)?.state.length,
                None => 0,
            };
            if found < state.length && !self.has_history(&log, &state)? {
                damages.push(Damage::Fewer { log, said: state.length, found });
            }
        }
        Ok(damages)
    }

    /// A quick look at every start: audit rooms of which less is here than was signed.
    pub fn check_audit_held(&self) -> Result<Vec<Damage>, StoreError> {
        self.read(|database| {
            let rooms: Vec<RoomId> =
                database.rows("SELECT id FROM audit_rooms JOIN rooms USING (room_pk)", [], |row| {
                    row.get(0).map(RoomId::from_bytes)
                })?;
            let mut damages = Vec::new();
            for room in rooms {
                damages.extend(database.check_own_register(&room)?);
            }
            Ok(damages)
        })
    }
}
