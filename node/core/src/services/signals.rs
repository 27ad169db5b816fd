//! Who is typing: passed on at once, stored nowhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use noroshi_sync::id::{NodeId, RoomId, UserId};
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::error::ServiceError;
use crate::limits::{SIGNALS_QUEUE, TYPING_INTERVAL_MS};
use crate::node::{Inner, Node};
use crate::render::People;
use crate::view::{Actor, NodeEvent};

/// Something to pass on to peers without storing it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signal {
    pub peers: Vec<NodeId>,
    pub room: RoomId,
    pub body: Vec<u8>,
}

/// What a signal says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Typing {
    version: u8,
    user: UserId,
}

const VERSION: u8 = 1;
/// Largest body of a signal that is looked at, bytes.
const SIGNAL_BYTES_MAX: usize = 64;
/// People whose last signal is remembered.
const TYPING_REMEMBERED_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Signals {
    outgoing: mpsc::Sender<Signal>,
    taken: Mutex<Option<mpsc::Receiver<Signal>>>,
    /// When each person last signalled in each room, by monotonic time.
    last_ms: Mutex<HashMap<(UserId, RoomId), u64>>,
}

impl Default for Signals {
    fn default() -> Self {
        let (outgoing, receiver) = mpsc::channel(SIGNALS_QUEUE);
        Self { outgoing, taken: Mutex::new(Some(receiver)), last_ms: Mutex::default() }
    }
}

impl Signals {
    /// Whether the person has not signalled a moment ago.
    fn is_due(&self, user: UserId, room: RoomId, now_ms: u64) -> bool {
        let mut last_ms = self.last_ms.lock().unwrap_or_else(PoisonError::into_inner);
        if last_ms.len() >= TYPING_REMEMBERED_MAX {
            last_ms.retain(|_, last| now_ms.saturating_sub(*last) < TYPING_INTERVAL_MS);
        }
        let due = last_ms.get(&(user, room)).is_none_or(|last| now_ms.saturating_sub(*last) >= TYPING_INTERVAL_MS);
        if due && last_ms.len() < TYPING_REMEMBERED_MAX {
            last_ms.insert((user, room), now_ms);
        }
        due
    }
}

impl Node {
    /// The actor is typing. More often than every two seconds changes nothing.
    pub async fn typing(&self, actor: &Actor, room: RoomId) -> Result<(), ServiceError> {
        let inner = &self.inner;
        if !self.may_see(actor, room).await? {
            return Err(ServiceError::NotFound);
        }
        if !inner.signals.is_due(actor.user, room, inner.clock.mono_ms()) {
            return Ok(());
        }
        let own = self.id();
        let peers = inner
            .read(move |database| {
                let Some(pk) = database.room_key(&room)? else { return Ok(Vec::new()) };
                Ok(database.audience_of(pk)?.into_iter().filter(|node| *node != own).collect::<Vec<_>>())
            })
            .await?;
        inner.tell_typing(room, actor.user);
        let body = wire::encode(&Typing { version: VERSION, user: actor.user });
        if !peers.is_empty() && inner.signals.outgoing.try_send(Signal { peers, room, body }).is_err() {
            tracing::debug!("a signal was dropped");
        }
        Ok(())
    }

    /// What is to be passed on to peers; for one taker, the driver.
    pub fn signals(&self) -> Option<mpsc::Receiver<Signal>> {
        self.inner.signals.taken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A signal of a peer. What the peer may not say, or this program cannot read, is ignored.
    pub async fn take_signal(&self, peer: NodeId, room: RoomId, body: &[u8]) {
        let Ok(Typing { version: VERSION, user }) = wire::decode("signal", body, SIGNAL_BYTES_MAX) else { return };
        let inner = &self.inner;
        if !inner.directory().may_attest(peer, user) {
            return;
        }
        let allowed = inner
            .read(move |database| {
                let Some(standing) = database.standing(&room, &user)? else { return Ok(false) };
                Ok(database.audience_of(standing.room)?.contains(&peer))
            })
            .await;
        if allowed.unwrap_or(false) && inner.signals.is_due(user, room, inner.clock.mono_ms()) {
            inner.tell_typing(room, user);
        }
    }
}

impl Inner {
    fn tell_typing(&self, room: RoomId, user: UserId) {
        let user = People::of(&self.directory()).person(user);
        self.hub.tell(NodeEvent::Typing { room, user });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_signalled_every_two_seconds() {
        let signals = Signals::default();
        let due = |user: u8, now_ms| signals.is_due(UserId::from_bytes([user; 16]), RoomId::NIL, now_ms);
        assert!(due(1, 0) && !due(1, 1_999) && due(2, 1_999) && due(1, 2_000));
    }
}
