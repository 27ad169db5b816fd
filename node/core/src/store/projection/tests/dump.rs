//! All rows that people see, in a form that two nodes can compare: without the integers and times of one node alone.

use std::collections::BTreeMap;

use rusqlite::types::Value;

use crate::store::query::SeenLogs;
use crate::store::{Database, EntryPk};

pub type Dump = BTreeMap<&'static str, Vec<String>>;

const TABLES: [(&str, &str); 12] = [
    (
        "page_cuts",
        "SELECT entry_pk, hex(rooms.id), document, successor, counted FROM page_cuts JOIN rooms USING (room_pk)",
    ),
    (
        "tombstones",
        "SELECT hex(rooms.id), hex(tombstones.id), hex(author), tombstones.hlc, hex(act), hex(actor), at_ms, grounds, reason
         FROM tombstones JOIN rooms USING (room_pk)",
    ),
    (
        "room_states",
        "SELECT hex(rooms.id), kind, created_ms, offices, name, topic, purpose, hex(pins), page_ms
         FROM room_states JOIN rooms USING (room_pk)",
    ),
    (
        "members",
        "SELECT hex(rooms.id), hex(user), role, hex(grant_id), added_ms, added_hlc FROM members JOIN rooms USING (room_pk)",
    ),
    ("grants", "SELECT hex(rooms.id), hex(grant_id), hex(user), role FROM grants JOIN rooms USING (room_pk)"),
    ("room_offices", "SELECT hex(rooms.id), hex(office) FROM room_offices JOIN rooms USING (room_pk)"),
    ("policy_people", "SELECT hex(rooms.id), hex(user) FROM policy_people JOIN rooms USING (room_pk)"),
    (
        "messages",
        "SELECT entry_pk, hex(rooms.id), messages.hlc, hex(messages.id), hex(author), state, redacted, conflict
         FROM messages JOIN rooms USING (room_pk)",
    ),
    (
        "marks",
        "SELECT entry_pk, hex(rooms.id), hex(target), hex(target_author), kind, visible FROM marks JOIN rooms USING (room_pk)",
    ),
    (
        "signatures",
        "SELECT entry_pk, hex(rooms.id), hex(device), hex(author), valid FROM signatures JOIN rooms USING (room_pk)",
    ),
    ("page_changes", "SELECT entry_pk, hex(rooms.id), visible, document FROM page_changes JOIN rooms USING (room_pk)"),
    (
        "audience",
        "SELECT hex(rooms.id), hex(nodes.id) FROM rooms JOIN audience_nodes USING (audience_pk) JOIN nodes USING (node_pk)",
    ),
];

/// Tables in which the first column is an entry.
const BY_ENTRY: [&str; 5] = ["page_cuts", "messages", "marks", "signatures", "page_changes"];

pub fn dump(database: &Database) -> Dump {
    database
        .read(|database| {
            let mut dump = Dump::new();
            for (table, sql) in TABLES {
                let columns = |row: &rusqlite::Row<'_>| {
                    (0..row.as_ref().column_count())
                        .map(|column| row.get::<_, Value>(column))
                        .collect::<Result<Vec<_>, _>>()
                };
                let rows = database.rows(sql, [], columns)?;
                let mut lines = Vec::new();
                for mut row in rows {
                    if BY_ENTRY.contains(&table)
                        && let Some(Value::Integer(pk)) = row.first().cloned()
                    {
                        row[0] = Value::Text(entry_name(database, EntryPk(pk)));
                    }
                    lines.push(format!("{row:?}"));
                }
                lines.sort();
                dump.insert(table, lines);
            }
            dump.insert("reads", reads(database));
            Ok::<_, noroshi_sync::store::StoreError>(dump)
        })
        .unwrap()
}

fn entry_name(database: &Database, entry: EntryPk) -> String {
    format!("{} {}", database.log_name(entry.log()).unwrap(), entry.seq())
}

fn reads(database: &Database) -> Vec<String> {
    let rows = database
        .rows(
            "SELECT hex(rooms.id), hex(user), hex(nodes.id), hex(message), reads.hlc, at_ms, seen
             FROM reads JOIN rooms USING (room_pk) JOIN nodes USING (node_pk)",
            [],
            |row| {
                let head: Vec<String> = (0..4).map(|column| row.get(column)).collect::<Result<_, _>>()?;
                Ok((head, row.get::<_, i64>(4)?, row.get::<_, i64>(5)?, row.get::<_, Option<Vec<u8>>>(6)?))
            },
        )
        .unwrap();
    let mut lines: Vec<String> = rows
        .into_iter()
        .map(|(head, hlc, at_ms, seen)| {
            let seen = seen.map(|seen| {
                let logs: SeenLogs = noroshi_sync::wire::decode("seen", &seen, usize::MAX).unwrap();
                let mut logs: Vec<_> = logs
                    .0
                    .into_iter()
                    .map(|line| {
                        let log = database.log_name(crate::store::LogPk(line.log)).unwrap();
                        format!("{log} {} {:?}", line.length, line.above)
                    })
                    .collect();
                logs.sort();
                logs
            });
            format!("{head:?} {hlc} {at_ms} {seen:?}")
        })
        .collect();
    lines.sort();
    lines
}
