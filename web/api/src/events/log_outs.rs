//! Ends the streams of a session the moment it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::observe::names;

type Key = [u8; 32];

/// Open streams by session. Tokens are kept as hashes.
#[derive(Clone, Default)]
pub struct LogOuts {
    watched: Arc<Mutex<HashMap<Key, Streams>>>,
}

#[derive(Default)]
struct Streams {
    open: usize,
    ended: CancellationToken,
}

/// One open stream of a session.
pub struct Watch {
    key: Key,
    ended: CancellationToken,
    of: LogOuts,
}

impl LogOuts {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn watch(&self, token: &str) -> Watch {
        let key = key(token);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = watched.entry(key).or_default();
        streams.open += 1;
        metrics::gauge!(names::EVENT_STREAMS).increment(1);
        Watch { key, ended: streams.ended.clone(), of: self.clone() }
    }

    /// The session is over: its streams end now.
    pub fn end(&self, token: &str) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = watched.get(&key(token)) {
            streams.ended.cancel();
        }
    }
}

impl Watch {
    /// Completes when somebody logged out.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        metrics::gauge!(names::EVENT_STREAMS).decrement(1);
        let mut watched = self.of.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = watched.get_mut(&self.key) {
            streams.open -= 1;
            if streams.open == 0 {
                watched.remove(&self.key);
            }
        }
    }
}

fn key(token: &str) -> Key {
    *blake3::hash(token.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_streams_of_the_session_end_and_no_other() {
        let log_outs = LogOuts::new();
        let (one, two, other) = (log_outs.watch("a"), log_outs.watch("a"), log_outs.watch("b"));
        log_outs.end("a");
        one.ended().await;
        two.ended().await;
        assert!(!other.ended.is_cancelled());
        drop((one, two, other));
        assert!(log_outs.watched.lock().unwrap().is_empty(), "nothing is remembered of streams that ended");
    }
}
