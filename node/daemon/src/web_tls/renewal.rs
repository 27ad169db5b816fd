//! Keeps the node's certificate for browsers: gets the first, renews it at two thirds of its life, and when the node has a
//! new name or address.

use std::sync::{Arc, Weak};
use std::time::Duration;

use noroshi_net::Net;
use noroshi_provisioning::NodeIdentity;
use noroshi_provisioning::browser::{LeafCertificate, LeafKey, LeafRequest, LeafResponse, WebIdentity, WebName};
use noroshi_sync::id::NodeId;
use tokio_util::sync::CancellationToken;

use super::{InForce, held, issue, names};
use crate::commands::Failure;
use crate::headquarters;
use crate::joining::JoinReply;
use crate::office::{Office, wall_ms};

/// Between two looks at names and dates, and the longest pause after a failure.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The first pause after a failure; each next is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The care of a running node.
pub struct Renewal {
    office: Arc<Office>,
    net: Weak<Net>,
    in_force: InForce,
    /// What was last asked for; some of it may have been withheld, and is not asked for again until something changes.
    asked: Option<Vec<WebName>>,
}

impl Renewal {
    pub fn new(office: Arc<Office>, net: Weak<Net>, in_force: InForce) -> Self {
        Self { office, net, in_force, asked: None }
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut last_failure = String::new();
        loop {
            let round = tokio::select! {
                () = stop.cancelled() => return,
                round = self.round() => round,
            };
            let wait = match round {
                Ok(()) => {
                    last_failure.clear();
                    pause = FIRST_PAUSE;
                    LOOK_EVERY
                }
                Err(error) => {
                    // Without its line a branch fails every minute for days; once is enough to read.
                    let sentence = error.to_string();
                    if sentence != last_failure {
                        tracing::warn!(error = sentence, "no certificate for browsers was got; trying again");
                        last_failure = sentence;
                    }
                    let wait = pause;
                    pause = (pause * 2).min(LOOK_EVERY);
                    wait
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let wanted = names::of_node(&self.office.config.web, self.office.identity.node());
        let authority = issue::authority(&self.office.keys);
        let own = authority.as_ref().map(|authority| authority.certificate());
        let current = held(&self.office.keys)?;
        if !is_due(current.as_ref(), own, &wanted, self.asked.as_deref(), wall_ms()) {
            return Ok(());
        }
        let key = LeafKey::generate()?;
        let response = match &authority {
            Some(authority) => issue::for_self(&self.office, authority, &key, &wanted).await?,
            None => self.ask(&key, &wanted).await?,
        };
        if !response.withheld.is_empty() {
            // Outside the authority's domain, or another office's: `doctor` says what to do.
            tracing::warn!(names = ?response.withheld, "names of this node are not in its certificate");
        }
        let web = response.accept(&key)?;
        self.office.keys.save_web(&web)?;
        self.in_force.put(&web)?;
        self.asked = Some(wanted);
        tracing::info!("a new certificate for browsers is in force");
        Ok(())
    }

    /// Asks headquarters, wherever it can be reached.
    async fn ask(&self, key: &LeafKey, wanted: &[WebName]) -> Result<LeafResponse, Failure> {
        let directory = self.office.node.directory();
        let addresses = headquarters::addresses(&self.office, &self.net);
        let is_headquarters = |node: NodeId| directory.is_headquarters_node(node);
        ask_at(&self.office.identity, key, wanted, &addresses, is_headquarters).await
    }
}

/// Asks at these addresses in turn until headquarters gives a certificate.
pub async fn ask_at(
    identity: &NodeIdentity,
    key: &LeafKey,
    wanted: &[WebName],
    addresses: &[String],
    is_headquarters: impl Fn(NodeId) -> bool,
) -> Result<LeafResponse, Failure> {
    let organisation = identity.organisation();
    let request = LeafRequest::new(identity.key(), organisation, key.public_key(), wanted.to_vec()).encode();
    match headquarters::ask(identity, &request, addresses, is_headquarters).await? {
        JoinReply::Leaf(response) => Ok(LeafResponse::decode(&response)?),
        _ => Err("headquarters answered another question".into()),
    }
}

/// Whether a new certificate is to be got: there is none, it is old, a name is missing that was not asked for yet, or the
/// authority here is another.
fn is_due(
    current: Option<&WebIdentity>,
    authority: Option<&[u8]>,
    wanted: &[WebName],
    asked: Option<&[WebName]>,
    now_ms: u64,
) -> bool {
    let Some(web) = current else { return true };
    let Ok(leaf) = LeafCertificate::read(&web.leaf) else { return true };
    let is_old = now_ms >= leaf.renew_at_ms();
    let is_others = authority.is_some_and(|authority| authority != web.authority);
    let misses_a_name = asked != Some(wanted) && wanted.iter().any(|name| !leaf.names.contains(name));
    is_old || is_others || misses_a_name
}

#[cfg(test)]
mod tests {
    use noroshi_provisioning::browser::BrowserAuthority;

    use super::*;

    const NOW_MS: u64 = 1_790_000_000_000;
    const DAY_MS: u64 = 86_400_000;

    fn names(texts: &[&str]) -> Vec<WebName> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_certificate_is_due_when_it_is_old_or_says_too_little() {
        let authority = BrowserAuthority::create("朝凪市", "home.arpa", NOW_MS).unwrap();
        let other = BrowserAuthority::create("朝凪市", "home.arpa", NOW_MS).unwrap();
        let key = LeafKey::generate().unwrap();
        let has = names(&["hq.home.arpa", "10.0.0.1"]);
        let leaf = authority.issue(&key.public_key(), &has, NOW_MS).unwrap();
        let renew_at = LeafCertificate::read(&leaf).unwrap().renew_at_ms();
        assert_eq!((renew_at - NOW_MS) / DAY_MS, 263, "two thirds of 397 days, from yesterday on");
        let web = WebIdentity { pkcs8: key.pkcs8(), leaf, authority: authority.certificate().to_vec() };
        let more = names(&["hq.home.arpa", "10.0.0.2"]);
        let due = |authority: Option<&BrowserAuthority>, wanted: &[WebName], asked: Option<&[WebName]>, now_ms| {
            is_due(Some(&web), authority.map(BrowserAuthority::certificate), wanted, asked, now_ms)
        };
        assert!(is_due(None, None, &has, None, NOW_MS));
        assert!(!due(None, &has, None, NOW_MS));
        assert!(!due(Some(&authority), &has[..1], None, renew_at - 1), "a name less is no reason");
        assert!(due(None, &has, None, renew_at));
        assert!(due(Some(&other), &has, None, NOW_MS));
        assert!(due(None, &more, None, NOW_MS) && due(None, &more, Some(&has), NOW_MS));
        assert!(!due(None, &more, Some(&more), NOW_MS), "what was withheld is not asked for all the time");
    }
}
