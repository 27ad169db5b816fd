//! The small integers that name rows inside the store. They never leave the node.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

macro_rules! integer_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub i64);

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    };
}

integer_key!(
    /// A row of `nodes`.
    NodePk
);
integer_key!(
    /// A row of `audiences`.
    AudiencePk
);
integer_key!(
    /// A row of `rooms`.
    RoomPk
);
integer_key!(
    /// A row of `logs`; below 2^31.
    LogPk
);
integer_key!(
    /// A row of `entries`: the log and the place in it. Ascends with the place.
    EntryPk
);

integer_key!(
    /// A row of `blobs`.
    BlobPk
);

/// Bits of an [`EntryPk`] that hold the place.
const SEQ_BITS: u32 = 32;
/// The last place of a log that can be stored: 4,294,967,295 entries by one run of one node in one lane of one room.
pub const SEQ_MAX: u64 = (1 << SEQ_BITS) - 1;
/// The last log that can be stored.
pub const LOG_PK_MAX: i64 = i64::MAX >> SEQ_BITS;

impl EntryPk {
    /// `seq` is at most [`SEQ_MAX`].
    pub const fn new(log: LogPk, seq: u64) -> Self {
        Self((log.0 << SEQ_BITS) | seq as i64)
    }
    pub const fn log(self) -> LogPk {
        LogPk(self.0 >> SEQ_BITS)
    }
    pub const fn seq(self) -> u64 {
        self.0 as u64 & SEQ_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_key_holds_log_and_place() {
        for (log, seq) in [(1, 0), (1, SEQ_MAX), (LOG_PK_MAX, 7), (LOG_PK_MAX, SEQ_MAX)] {
            let key = EntryPk::new(LogPk(log), seq);
            assert_eq!((key.log(), key.seq()), (LogPk(log), seq));
        }
        assert!(EntryPk::new(LogPk(1), SEQ_MAX) < EntryPk::new(LogPk(2), 0));
    }
}
