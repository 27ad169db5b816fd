//! Which node holds which name: without it a node that somebody took over could have itself certified as headquarters.

use std::collections::BTreeMap;

use noroshi_sync::id::NodeId;
use serde::{Deserialize, Serialize};

use super::name::WebName;

/// Names given out by this headquarters node. Kept beside its keys; not a secret.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Claims(BTreeMap<WebName, Vec<Claim>>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Claim {
    node: NodeId,
    /// When the last certificate with this name ends, milliseconds since 1970.
    until_ms: u64,
}

/// What the holder of a name is to the node that asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// The node itself, one of the same office (a new machine, or two behind one name), or none any more.
    Friend,
    Branch,
    Headquarters,
}

impl Claims {
    /// Whether `node` may have this name.
    ///
    /// A host name belongs to one office as long as its last certificate is valid. Private addresses may be the same on
    /// two separate networks, so only those of headquarters are kept from others; this machine's own names are everybody's.
    pub(super) fn may_have(&self, name: &WebName, now_ms: u64, who: impl Fn(NodeId) -> Holder) -> bool {
        let in_force = self.0.get(name).into_iter().flatten().filter(|claim| claim.until_ms > now_ms);
        let mut holders = in_force.map(|claim| who(claim.node));
        match name {
            _ if name.is_loopback() => true,
            WebName::Dns(_) => holders.all(|holder| holder == Holder::Friend),
            WebName::Ip(_) => holders.all(|holder| holder != Holder::Headquarters),
        }
    }

    /// How many names a node holds that are not among these.
    pub(super) fn held_besides(&self, node: NodeId, names: &[WebName]) -> usize {
        let held = self.0.iter().filter(|(_, claims)| claims.iter().any(|claim| claim.node == node));
        held.filter(|(name, _)| !names.contains(name)).count()
    }

    /// Notes a certificate, and forgets those that have ended.
    pub fn note(&mut self, node: NodeId, names: &[WebName], until_ms: u64, now_ms: u64) {
        for claims in self.0.values_mut() {
            claims.retain(|claim| claim.until_ms > now_ms);
        }
        for name in names.iter().filter(|name| !name.is_loopback()) {
            let claims = self.0.entry(name.clone()).or_default();
            claims.retain(|claim| claim.node != node);
            claims.push(Claim { node, until_ms });
        }
        self.0.retain(|_, claims| !claims.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> WebName {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_its_offices_until_the_certificate_ends() {
        let (hq, north) = (NodeId::from_bytes([1; 32]), NodeId::from_bytes([2; 32]));
        let mut claims = Claims::default();
        claims.note(hq, &[name("hq.home.arpa"), name("10.0.0.1"), name("localhost")], 100, 0);
        claims.note(north, &[name("kita.home.arpa"), name("192.168.1.2")], 100, 0);
        for (text, now_ms, holder, expected) in [
            ("hq.home.arpa", 99, Holder::Headquarters, false),
            ("hq.home.arpa", 100, Holder::Headquarters, true),
            ("hq.home.arpa", 99, Holder::Friend, true),
            ("10.0.0.1", 99, Holder::Headquarters, false),
            ("kita.home.arpa", 99, Holder::Branch, false),
            // Two shelters behind routers of the same make.
            ("192.168.1.2", 99, Holder::Branch, true),
            ("localhost", 99, Holder::Headquarters, true),
            ("127.0.0.1", 99, Holder::Headquarters, true),
            ("minami.home.arpa", 99, Holder::Headquarters, true),
        ] {
            assert_eq!(claims.may_have(&name(text), now_ms, |_| holder), expected, "{text} at {now_ms}");
        }
        assert_eq!(claims.held_besides(hq, &[name("10.0.0.1"), name("new.home.arpa")]), 1);
        assert_eq!(claims.held_besides(north, &[]), 2);
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let mut claims = Claims::default();
        claims.note(NodeId::from_bytes([1; 32]), &[name("hq.home.arpa")], 100, 0);
        claims.note(NodeId::from_bytes([2; 32]), &[], 200, 100);
        assert_eq!(claims, Claims::default());
    }
}
