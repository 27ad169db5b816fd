//! Ends what a session has open the moment it ends: streams, uploads, downloads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use noroshi_node::Ending;
use noroshi_node::view::Actor;
use noroshi_sync::id::{DeviceId, UserId};
use tokio::sync::watch;

use crate::observe::names;

type Key = [u8; 32];

/// Why a session is over, for the code with which its sockets close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// Logged out, expired, or the password changed.
    Ended,
    /// The person or the device was stopped.
    Stopped,
    /// The passcode is to be given.
    Locked,
    /// A passcode is to be set first.
    PasscodeDue,
}

/// What is open, by session. Tokens are kept as hashes.
#[derive(Clone, Default)]
pub struct LogOuts {
    watched: Arc<Mutex<HashMap<Key, Streams>>>,
}

struct Streams {
    open: usize,
    user: UserId,
    device: DeviceId,
    over: watch::Sender<Option<Over>>,
}

/// Something open of a session.
pub struct Watch {
    key: Key,
    over: watch::Receiver<Option<Over>>,
    of: LogOuts,
    counted: bool,
}

impl LogOuts {
    pub fn new() -> Self {
        Self::default()
    }

    /// For an event stream, which is counted among them.
    pub fn watch(&self, token: &str, actor: &Actor) -> Watch {
        metrics::gauge!(names::EVENT_STREAMS).increment(1);
        let mut watch = self.watch_request(token, actor);
        watch.counted = true;
        watch
    }

    /// For a request that is being answered.
    pub fn watch_request(&self, token: &str, actor: &Actor) -> Watch {
        let key = key(token);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = watched.entry(key).or_insert_with(|| Streams {
            open: 0,
            user: actor.user,
            device: actor.device,
            over: watch::Sender::new(None),
        });
        streams.open += 1;
        Watch { key, over: streams.over.subscribe(), of: self.clone(), counted: false }
    }

    /// The session is over: what it has open ends now.
    pub fn end(&self, token: &str, over: Over) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // Forgotten at once: what opens after an unlocking is not ended by what came before.
        if let Some(streams) = watched.remove(&key(token)) {
            streams.over.send_replace(Some(over));
        }
    }

    /// The same for all sessions of a person, or those on one device.
    pub fn end_all(&self, ending: &Ending) {
        let over = if ending.stopped { Over::Stopped } else { Over::Ended };
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, streams| {
            let meant = streams.user == ending.user && ending.device.is_none_or(|device| device == streams.device);
            if meant {
                streams.over.send_replace(Some(over));
            }
            !meant
        });
    }

    /// Everybody has to log in again, or at least to show that they may: endings were missed.
    pub fn end_everybody(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, streams) in watched.drain() {
            streams.over.send_replace(Some(Over::Ended));
        }
    }
}

impl Watch {
    /// Completes when the session is over, with the reason.
    pub async fn ended(&self) -> Over {
        let mut over = self.over.clone();
        let waited = over.wait_for(Option::is_some).await.map(|over| *over);
        waited.ok().flatten().unwrap_or(Over::Ended)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.counted {
            metrics::gauge!(names::EVENT_STREAMS).decrement(1);
        }
        let mut watched = self.of.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let same = watched.get(&self.key).is_some_and(|streams| self.over.same_channel(&streams.over.subscribe()));
        if let Some(streams) = watched.get_mut(&self.key).filter(|_| same) {
            streams.open = streams.open.saturating_sub(1);
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

    fn actor(user: u8, device: u8) -> Actor {
        let (user, device) = (UserId::from_bytes([user; 16]), DeviceId::from_bytes([device; 16]));
        Actor { user, device, roles: Vec::new() }
    }

    #[tokio::test]
    async fn all_streams_of_the_session_end_and_no_other() {
        let log_outs = LogOuts::new();
        let anybody = actor(1, 1);
        let (one, two, other) =
            (log_outs.watch("a", &anybody), log_outs.watch("a", &anybody), log_outs.watch("b", &anybody));
        log_outs.end("a", Over::Locked);
        assert_eq!((one.ended().await, two.ended().await), (Over::Locked, Over::Locked));
        assert!(other.over.borrow().is_none());
        // What opens afterwards is a new beginning.
        let again = log_outs.watch("a", &anybody);
        assert!(again.over.borrow().is_none());
        drop((one, two, other));
        assert_eq!(log_outs.watched.lock().unwrap().len(), 1);
        drop(again);
        assert!(log_outs.watched.lock().unwrap().is_empty(), "nothing is remembered of streams that ended");
    }

    #[tokio::test]
    async fn a_stopped_device_ends_and_the_others_of_the_person_stay() {
        let log_outs = LogOuts::new();
        let (phone, desk, other) =
            (log_outs.watch("a", &actor(1, 1)), log_outs.watch("b", &actor(1, 2)), log_outs.watch("c", &actor(2, 1)));
        let device = DeviceId::from_bytes([1; 16]);
        log_outs.end_all(&Ending { user: UserId::from_bytes([1; 16]), device: Some(device), stopped: true });
        assert_eq!(phone.ended().await, Over::Stopped);
        assert!(desk.over.borrow().is_none() && other.over.borrow().is_none());
        log_outs.end_all(&Ending { user: UserId::from_bytes([1; 16]), device: None, stopped: true });
        assert_eq!(desk.ended().await, Over::Stopped);
        assert!(other.over.borrow().is_none());
    }
}
