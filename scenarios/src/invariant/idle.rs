//! Reconnecting with nothing new: one greeting each way, and no room is loaded.

use noroshi_sync::store::Query;

/// Bytes of all frames on one line, both ways together.
pub(crate) const IDLE_BYTES_MAX: u64 = 4 * 1024;

/// What one reconnection cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdleCost {
    pub bytes: u64,
    /// Questions about rooms.
    pub rooms_loaded: u64,
    /// Both sides know that they are equal.
    pub in_sync: bool,
}

impl IdleCost {
    pub fn question(&mut self, query: &Query) {
        let loads = match query {
            Query::Greeting { .. } => false,
            // A cursor alone is written without a look at any room.
            Query::Apply(batch) => !(batch.windows.is_empty() && batch.registers.is_empty()),
            _ => true,
        };
        self.rooms_loaded += u64::from(loads);
    }

    pub fn check(&self) -> Result<(), String> {
        if !self.in_sync {
            return Err("the two sides do not find that they are equal".into());
        }
        if self.rooms_loaded > 0 {
            return Err(format!("{} questions about rooms were asked, although nothing was new", self.rooms_loaded));
        }
        if self.bytes > IDLE_BYTES_MAX {
            return Err(format!("{} bytes although nothing was new, the limit is {IDLE_BYTES_MAX}", self.bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use noroshi_sync::id::NodeId;
    use noroshi_sync::store::Batch;

    use super::*;

    fn cost(bytes: u64, in_sync: bool, queries: &[Query]) -> Result<(), String> {
        let mut cost = IdleCost { bytes, in_sync, ..IdleCost::default() };
        queries.iter().for_each(|query| cost.question(query));
        cost.check()
    }

    #[test]
    fn only_a_greeting_is_free() {
        let peer = NodeId::from_bytes([1; 32]);
        let greeting = Query::Greeting { peer };
        let cursor = Query::Apply(Batch { peer, windows: vec![], registers: vec![], cursor: None });
        assert_eq!(cost(IDLE_BYTES_MAX, true, &[greeting.clone(), cursor]), Ok(()));
        assert!(cost(IDLE_BYTES_MAX + 1, true, std::slice::from_ref(&greeting)).is_err());
        assert!(cost(300, false, &[greeting]).is_err());
        for loading in [
            Query::Changes { peer, after: 0 },
            Query::List { peer, after: None },
            Query::Offers { peer, rooms: vec![] },
            Query::Holdings { peer, rooms: vec![], offered: vec![] },
            Query::Windows { peer, ranges: vec![], bytes_max: 1 },
            Query::Registers { peer, wanted: vec![] },
        ] {
            assert!(cost(300, true, &[loading]).is_err());
        }
    }
}
