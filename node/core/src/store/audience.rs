//! Who may hold a room, and who may write: set by the domain from its policies, asked by replication.

use std::collections::BTreeSet;

use noroshi_sync::digest::Digest;
use noroshi_sync::id::{NodeId, RoomId};
use noroshi_sync::store::StoreError;

use super::database::Database;
use super::heads::Origin;
use super::keys::{AudiencePk, NodePk, RoomPk};
use super::rows::Ledger;
use super::writing::Writing;

/// The nodes that may hold a room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Every certified node, whether this node knows it or not: the public ledger.
    Everyone,
    Nodes(BTreeSet<NodeId>),
}

impl From<BTreeSet<NodeId>> for Audience {
    fn from(nodes: BTreeSet<NodeId>) -> Self {
        Self::Nodes(nodes)
    }
}

impl Audience {
    /// Names the set, so that rooms with equal audiences share one running sum.
    fn name(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        match self {
            Self::Everyone => hasher.update(b"noroshi/audience/everyone"),
            Self::Nodes(nodes) => {
                hasher.update(b"noroshi/audience/nodes");
                for node in nodes {
                    hasher.update(node.as_bytes());
                }
                &mut hasher
            }
        };
        *hasher.finalize().as_bytes()
    }
}

impl Writing<'_> {
    /// Names the nodes that may hold a room. When that adds a node, all lines of the room count as changed, so that the
    /// node is offered them. The room takes a new change number in any case: a number names one digest. Returns whether anything changed; costs one look-up when nothing did.
    pub fn set_audience(&self, room: &RoomId, audience: &Audience) -> Result<bool, StoreError> {
        let room_pk = self.ensure_room(room)?;
        let old = self.room_row(room_pk, |row| row.audience)?;
        let name = audience.name();
        let known = self.row("SELECT audience_pk FROM audiences WHERE name = ?", [&name], |row| row.get(0))?;
        if old.is_some() && old == known {
            return Ok(false);
        }
        let new = match known {
            Some(pk) => pk,
            None => self.insert_audience(&name, audience)?,
        };
        let adds = match old {
            Some(old) => self.adds_somebody(old, new)?,
            None => true,
        };
        self.move_room(room_pk, old, new)?;
        let change = self.touch(room_pk, Origin::Local)?;
        if adds {
            self.offer_again(room_pk, change)?;
        }
        if let Some(old) = old {
            self.drop_unused(old)?;
        }
        Ok(true)
    }

    fn insert_audience(&self, name: &[u8; 32], audience: &Audience) -> Result<AudiencePk, StoreError> {
        let everyone = *audience == Audience::Everyone;
        let pk = AudiencePk(self.insert(
            "INSERT INTO audiences (name, everyone, rooms, ledgers) VALUES (?, ?, zeroblob(32), zeroblob(32))",
            (name, everyone),
        )?);
        if let Audience::Nodes(nodes) = audience {
            for node in nodes {
                let node = self.ensure_node(node)?;
                self.execute("INSERT INTO audience_nodes (node_pk, audience_pk) VALUES (?, ?)", (node, pk))?;
            }
        }
        Ok(pk)
    }

    fn adds_somebody(&self, old: AudiencePk, new: AudiencePk) -> Result<bool, StoreError> {
        let added = self.row(
            "SELECT 1 FROM audiences WHERE audience_pk = ?2 AND everyone
             UNION ALL
             SELECT 1 FROM audience_nodes AS named WHERE named.audience_pk = ?2 AND NOT EXISTS
                (SELECT 1 FROM audience_nodes AS before WHERE before.audience_pk = ?1 AND before.node_pk = named.node_pk)
             LIMIT 1",
            (old, new),
            |_| Ok(()),
        )?;
        Ok(added.is_some())
    }

    /// Takes the room's digest out of one sum and puts it into another.
    fn move_room(&self, room: RoomPk, old: Option<AudiencePk>, new: AudiencePk) -> Result<(), StoreError> {
        let (ledger, counted) = self.edit_room(room, |row| {
            row.audience = Some(new);
            (row.ledger, row.counted)
        })?;
        if let Some(old) = old {
            self.edit_audience(old, |sums| *sums.sum(ledger) -= counted)?;
        }
        self.edit_audience(new, |sums| *sums.sum(ledger) += counted)
    }

    fn offer_again(&self, room: RoomPk, change: u64) -> Result<(), StoreError> {
        let change = change.cast_signed();
        self.execute("UPDATE logs SET change = ?1 WHERE room_pk = ?2 AND change <> ?1", (change, room))?;
        self.execute("UPDATE registers SET change = ?1 WHERE room_pk = ?2 AND change <> ?1", (change, room))?;
        Ok(())
    }

    fn drop_unused(&self, audience: AudiencePk) -> Result<(), StoreError> {
        // The rows must name their audiences as they are now.
        self.flush()?;
        if self.row("SELECT 1 FROM rooms WHERE audience_pk = ? LIMIT 1", [audience], |_| Ok(()))?.is_none() {
            self.execute("DELETE FROM audiences WHERE audience_pk = ?", [audience])?;
            let mut state = self.state.borrow_mut();
            state.audience_rows.drop_row(audience);
            // The number may be given to another set.
            state.members.clear();
        }
        Ok(())
    }

    /// Says whether a room is ledger: its part of the greeting, and whose writers are taken.
    pub fn set_ledger(&self, room: &RoomId, ledger: Ledger) -> Result<(), StoreError> {
        let room = self.ensure_room(room)?;
        let (before, audience, counted) = self.room_row(room, |row| (row.ledger, row.audience, row.counted))?;
        if before == ledger {
            return Ok(());
        }
        self.edit_room(room, |row| row.ledger = ledger)?;
        if let Some(audience) = audience {
            self.edit_audience(audience, |sums| {
                *sums.sum(before) -= counted;
                *sums.sum(ledger) += counted;
            })?;
        }
        self.touch(room, Origin::Local)?;
        Ok(())
    }

    /// Names the enrolled nodes: only their logs and registers are taken, except in the public ledger. Returns whether
    /// anything changed.
    pub fn set_writers(&self, nodes: &BTreeSet<NodeId>) -> Result<bool, StoreError> {
        let before: BTreeSet<NodeId> = self
            .rows("SELECT id FROM nodes WHERE writer", [], |row| row.get(0).map(NodeId::from_bytes))?
            .into_iter()
            .collect();
        for (node, writes) in
            nodes.difference(&before).map(|node| (node, true)).chain(before.difference(nodes).map(|node| (node, false)))
        {
            let node = self.ensure_node(node)?;
            self.execute("UPDATE nodes SET writer = ? WHERE node_pk = ?", (writes, node))?;
        }
        self.state.borrow_mut().writers.clear();
        Ok(before != *nodes)
    }

    /// Whether logs of the node are taken.
    pub(in crate::store) fn is_writer(&self, node: &NodeId) -> Result<bool, StoreError> {
        let Some(node) = self.node_pk(node)? else { return Ok(false) };
        if let Some(writes) = self.state.borrow().writers.get(&node) {
            return Ok(*writes);
        }
        let writes = self.row("SELECT writer FROM nodes WHERE node_pk = ?", [node], |row| row.get(0))?.unwrap_or(false);
        self.state.borrow_mut().writers.insert(node, writes);
        Ok(writes)
    }

    /// Whether this node and the peer may both hold the room.
    pub(in crate::store) fn is_shared(&self, room: &RoomId, peer: &NodeId) -> Result<bool, StoreError> {
        let Some(room) = self.room_pk(room)? else { return Ok(false) };
        let Some(audience) = self.room_row(room, |row| row.audience)? else { return Ok(false) };
        Ok(self.names(audience, Some(self.own_pk()))? && self.names(audience, self.node_pk(peer)?)?)
    }

    /// `None` is a node never heard of.
    fn names(&self, audience: AudiencePk, node: Option<NodePk>) -> Result<bool, StoreError> {
        let key = (audience, node.unwrap_or(NodePk(0)));
        if let Some(named) = self.state.borrow().members.get(&key) {
            return Ok(*named);
        }
        let named = self
            .row(
                "SELECT 1 FROM audiences WHERE audience_pk = ?1 AND everyone
                 UNION ALL SELECT 1 FROM audience_nodes WHERE audience_pk = ?1 AND node_pk = ?2 LIMIT 1",
                key,
                |_| Ok(()),
            )?
            .is_some();
        self.state.borrow_mut().members.insert(key, named);
        Ok(named)
    }
}

/// Whether a row of `rooms` is shared; values: this node, the peer. Looked up room by room, so that the cost follows the
/// rooms at hand and not the audiences there are.
macro_rules! room_is_shared {
    () => {
        "(EXISTS (SELECT 1 FROM audiences WHERE audiences.audience_pk = rooms.audience_pk AND everyone)
          OR EXISTS (SELECT 1 FROM audience_nodes AS own WHERE own.node_pk = ?1 AND own.audience_pk = rooms.audience_pk)
             AND EXISTS (SELECT 1 FROM audience_nodes AS peer
                         WHERE peer.node_pk = ?2 AND peer.audience_pk = rooms.audience_pk))"
    };
}
pub(in crate::store) use room_is_shared;

impl Database {
    /// The key of a peer for [`room_is_shared`]; 0 for one that no policy names.
    pub(in crate::store) fn peer_pk(&self, peer: &NodeId) -> Result<NodePk, StoreError> {
        Ok(self.node_pk(peer)?.unwrap_or(NodePk(0)))
    }

    /// Sums over all rooms shared with the peer, and over the ledger rooms among them.
    pub(in crate::store) fn shared_sums(&self, peer: &NodeId) -> Result<(Digest, Digest), StoreError> {
        let sums = self.rows(
            "SELECT rooms, ledgers FROM audiences WHERE everyone
             UNION ALL
             SELECT rooms, ledgers FROM audience_nodes AS peer
             JOIN audience_nodes AS own ON own.audience_pk = peer.audience_pk
             JOIN audiences ON audiences.audience_pk = peer.audience_pk
             WHERE peer.node_pk = ?2 AND own.node_pk = ?1",
            (self.own_pk(), self.peer_pk(peer)?),
            |row| Ok((Digest::from_bytes(row.get(0)?), Digest::from_bytes(row.get(1)?))),
        )?;
        let ledgers: Digest = sums.iter().map(|(_, ledgers)| *ledgers).sum();
        let rooms: Digest = sums.iter().map(|(rooms, _)| *rooms).sum();
        Ok((rooms + ledgers, ledgers))
    }

    /// The row of a room that is shared with the peer.
    pub(in crate::store) fn shared_room(&self, room: &RoomId, peer: &NodeId) -> Result<Option<RoomPk>, StoreError> {
        self.row(
            concat!("SELECT room_pk FROM rooms WHERE id = ?3 AND ", room_is_shared!()),
            (self.own_pk(), self.peer_pk(peer)?, room.as_bytes()),
            |row| row.get(0),
        )
    }
}
