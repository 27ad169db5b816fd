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

impl Claims {
    /// Whether `node` may have this name.
    ///
    /// A host name belongs to one node as long as its last certificate is valid. Private addresses may be the same on two
    /// separate networks, so only those of headquarters are kept from others; this machine's own names are everybody's.
    pub fn may_have(
        &self,
        node: NodeId,
        name: &WebName,
        now_ms: u64,
        is_member: impl Fn(NodeId) -> bool,
        is_headquarters: impl Fn(NodeId) -> bool,
    ) -> bool {
        if name.is_loopback() {
            return true;
        }
        let mut others = self
            .0
            .get(name)
            .into_iter()
            .flatten()
            .filter(|claim| claim.node != node && claim.until_ms > now_ms && is_member(claim.node));
        match name {
            WebName::Dns(_) => others.next().is_none(),
            WebName::Ip(_) => !others.any(|claim| is_headquarters(claim.node)) || is_headquarters(node),
        }
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
    fn a_name_is_its_holders_until_the_certificate_ends() {
        let (one, two) = (NodeId::from_bytes([1; 32]), NodeId::from_bytes([2; 32]));
        let mut claims = Claims::default();
        let may = |claims: &Claims, node, text: &str, now_ms, members: &[NodeId]| {
            let headquarters = [NodeId::from_bytes([1; 32])];
            claims.may_have(
                node,
                &name(text),
                now_ms,
                |node| members.contains(&node),
                |node| headquarters.contains(&node),
            )
        };
        let all = [one, two];
        claims.note(one, &[name("hq.home.arpa"), name("10.0.0.1"), name("localhost")], 100, 0);
        for (node, text, now_ms, expected) in [
            (two, "hq.home.arpa", 99, false),
            (two, "hq.home.arpa", 100, true),
            (one, "hq.home.arpa", 99, true),
            (two, "10.0.0.1", 99, false),
            (two, "localhost", 99, true),
            (two, "127.0.0.1", 99, true),
            (two, "kita.home.arpa", 99, true),
        ] {
            assert_eq!(may(&claims, node, text, now_ms, &all), expected, "{text} at {now_ms}");
        }
        assert!(may(&claims, two, "hq.home.arpa", 99, &[two]), "a node that is none any more holds nothing");
        // Two shelters behind routers of the same make.
        claims.note(two, &[name("192.168.1.2")], 100, 0);
        assert!(may(&claims, NodeId::from_bytes([3; 32]), "192.168.1.2", 50, &all));
        let mut later = claims.clone();
        later.note(one, &[], 200, 150);
        assert_eq!(later, Claims::default());
    }
}
