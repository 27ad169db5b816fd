//! Offices, invitations and nodes.

use std::collections::BTreeMap;

use noroshi_sync::hlc::Hlc;
use noroshi_sync::id::{EntryId, NodeId};

use super::super::act::{Act, ActKey};
use super::super::body::{LedgerBody, NodeEnrol, OfficeSet, enrol_statement};
use super::super::record::{Invite, NodeRecord, Office};
use super::super::rights::is_invited;
use super::Resolution;
use crate::cell::{Writing, heads};
use crate::id::OfficeId;
use crate::office_kind::OfficeKind;

/// An enrolment that rests on an invitation, as it stands in the log of one node.
struct Arrival<'a> {
    stamp: Hlc,
    key: ActKey,
    writer: NodeId,
    invite: EntryId,
    body: &'a NodeEnrol,
}

impl<'a> Resolution<'a> {
    pub(super) fn offices(&mut self) {
        let mut cells: BTreeMap<OfficeId, Vec<Writing<'a, ActKey, &'a OfficeSet>>> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::OfficeSet(body) = &act.body else { continue };
            if act.room != self.directory.rooms.public || !self.count_signed(*key, act) {
                continue;
            }
            if body.kind == OfficeKind::Headquarters {
                self.directory.ever_headquarters.insert(body.office);
            }
            let writing = Writing { id: key.id, order: *key, replaces: &body.replaces, value: body };
            cells.entry(body.office).or_default().push(writing);
        }
        for (id, writings) in cells {
            let heads = heads(writings);
            let Some(winner) = heads.first().map(|head| head.value) else { continue };
            let office = Office {
                id,
                name: winner.name.clone(),
                kana: winner.kana.clone(),
                kind: winner.kind,
                hub: winner.hub,
                heads: heads.iter().map(|head| head.id).collect(),
            };
            self.directory.offices.insert(id, office);
        }
    }

    pub(super) fn nodes(&mut self) {
        self.invites();
        self.signed_enrolments();
        self.invited_enrolments();
        self.revocations();
        self.addresses();
    }

    fn invites(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::NodeInvite(body) = &act.body else { continue };
            if act.room != self.directory.rooms.public || !self.count_signed(*key, act) {
                continue;
            }
            // Two contents under one id: the first by content, so that it is the same everywhere.
            self.directory.invites.entry(key.id).or_insert_with(|| Invite {
                entry: key.id,
                office: body.office,
                key: body.key,
                expires_ms: body.expires_ms,
                node_name: body.node_name.clone(),
                used_by: None,
                cancelled: false,
            });
        }
        for (key, act) in self.acts {
            let LedgerBody::InviteCancel(body) = &act.body else { continue };
            if act.room == self.directory.rooms.public && self.count_signed(*key, act) {
                // Who was admitted before stays: a withdrawal takes back nothing that has happened.
                if let Some(invite) = self.directory.invites.get_mut(&body.invite) {
                    invite.cancelled = true;
                }
            }
        }
    }

    /// Enrolments by the root or an administrator. Of several for one node the first by id counts: moving a node to
    /// another office is a kind of its own.
    fn signed_enrolments(&mut self) {
        for (key, act) in self.acts {
            let LedgerBody::NodeEnrol(body) = &act.body else { continue };
            if act.room == self.directory.rooms.public && self.count_signed(*key, act) {
                self.enrol(key.id, body);
            }
        }
    }

    /// Enrolments by invitation, in the order of their stamps: a node that admits was admitted before, in this room, so
    /// its own enrolment has a lower stamp. The first for an invitation uses it up.
    fn invited_enrolments(&mut self) {
        let mut arrivals = self.arrivals();
        arrivals.sort_by_key(|arrival| (arrival.stamp, arrival.key, arrival.writer));
        for Arrival { key, writer, invite, body, .. } in arrivals {
            let office = self.directory.nodes.get(&writer).map(|node| node.office);
            if !office.is_some_and(|office| self.directory.ever_headquarters.contains(&office)) {
                continue;
            }
            let unused = self.directory.invites.get(&invite).is_some_and(|invite| invite.used_by.is_none());
            if !unused || self.directory.nodes.contains_key(&body.node) {
                continue;
            }
            self.counted.insert(key);
            self.enrol(key.id, body);
            if let Some(invite) = self.directory.invites.get_mut(&invite) {
                invite.used_by = Some(body.node);
            }
        }
    }

    /// Enrolments that carry the signature of the invitation they name, once for each log they stand in.
    fn arrivals(&mut self) -> Vec<Arrival<'a>> {
        let mut arrivals = Vec::new();
        for (key, act) in self.acts {
            let LedgerBody::NodeEnrol(body) = &act.body else { continue };
            if act.room == self.directory.rooms.public && act.is_attested() && self.is_invited(*key, act, body) {
                arrivals.extend(act.writers.iter().map(|(writer, place)| Arrival {
                    stamp: place.stamp,
                    key: *key,
                    writer: *writer,
                    invite: act.auth_ref,
                    body,
                }));
            }
        }
        arrivals
    }

    fn is_invited(&mut self, key: ActKey, act: &Act, body: &NodeEnrol) -> bool {
        let (Some(invite), Some(signature)) = (self.directory.invites.get(&act.auth_ref), body.invite_signature) else {
            return false;
        };
        let statement = enrol_statement(body.node, body.office, act.auth_ref);
        invite.office == body.office && is_invited(key, &invite.key, &statement, signature.as_bytes(), self.verdicts)
    }

    fn enrol(&mut self, entry: EntryId, body: &NodeEnrol) {
        let record =
            NodeRecord { id: body.node, office: body.office, name: body.name.clone(), addresses: Vec::new(), entry };
        if let std::collections::btree_map::Entry::Vacant(place) = self.directory.nodes.entry(body.node) {
            place.insert(record);
            self.directory.nodes_of.entry(body.office).or_default().insert(body.node);
        }
    }

    /// The latest word of each enrolled node about itself.
    fn addresses(&mut self) {
        let mut latest: BTreeMap<NodeId, (Hlc, ActKey)> = BTreeMap::new();
        for (key, act) in self.acts {
            let LedgerBody::NodeAddresses(body) = &act.body else { continue };
            let in_place = act.room == self.directory.rooms.public && act.is_attested();
            let Some(place) = act.writers.get(&body.node).filter(|_| in_place) else { continue };
            let Some(node) = self.directory.nodes.get_mut(&body.node) else { continue };
            self.counted.insert(*key);
            let order = (place.stamp, *key);
            if latest.get(&body.node).is_none_or(|known| *known < order) {
                latest.insert(body.node, order);
                node.addresses.clone_from(&body.addresses);
            }
        }
    }
}
