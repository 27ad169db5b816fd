//! Keeps the certificate by which other nodes know this one: renewed at two thirds of its life over whatever line reaches
//! headquarters, taken into use while the node runs. And headquarters' answer to those who ask.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use noroshi_net::{Identity, Net};
use noroshi_node::view::Time;
use noroshi_provisioning::join::renewal::{Life, RenewalRequest, RenewalResponse, renew};
use noroshi_provisioning::{IssuingKey, NodeIdentity};
use noroshi_sync::id::NodeId;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;
use crate::headquarters;
use crate::joining::JoinReply;
use crate::office::{Office, wall_ms};

/// Between two looks at the date, and the longest pause after a failure.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The first pause after a failure; each next is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// After a renewal the next is not tried sooner: by a clock in another decade every certificate is old.
const REST: Duration = Duration::from_secs(12 * 3_600);
const DAY_MS: u64 = 86_400_000;

/// What people are shown of the care.
#[derive(Debug, Default)]
pub struct State(Mutex<Inner>);

#[derive(Debug, Default, Clone)]
struct Inner {
    life: Option<Life>,
    renew_at_ms: u64,
    /// Why the last attempt failed.
    problem: Option<String>,
}

impl State {
    fn set(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// For `noroshi status` and `noroshi doctor`.
    pub fn view(&self) -> Value {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(life) = inner.life else { return Value::Null };
        json!({
            "until": Time::from_ms(life.until_ms).0,
            "days_left": life.until_ms.saturating_sub(wall_ms()) / DAY_MS,
            "renew_at": Time::from_ms(inner.renew_at_ms).0,
            "problem": inner.problem,
        })
    }
}

/// The care of a running node.
pub struct Care {
    office: Arc<Office>,
    net: Weak<Net>,
    identity: NodeIdentity,
}

impl Care {
    pub fn new(office: Arc<Office>, net: Weak<Net>) -> Self {
        let identity = office.identity.clone();
        Self { office, net, identity }
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let round = tokio::select! {
                () = stop.cancelled() => return,
                round = self.round() => round,
            };
            let wait = match round {
                Ok(renewed) => {
                    pause = FIRST_PAUSE;
                    self.office.certificate.set(|state| state.problem = None);
                    if renewed { REST } else { LOOK_EVERY }
                }
                Err(error) => {
                    let sentence = error.to_string();
                    self.office.certificate.set(|state| {
                        // Without its line a branch fails for days; once is enough to read.
                        if state.problem.as_ref() != Some(&sentence) {
                            tracing::warn!(
                                error = sentence,
                                "the certificate of this node is not renewed; trying again"
                            );
                        }
                        state.problem = Some(sentence);
                    });
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

    /// Whether a new certificate is in use now.
    async fn round(&mut self) -> Result<bool, Failure> {
        let life = Life::of(&self.identity)?;
        let renew_at_ms = life.renew_at_ms(self.identity.node());
        self.office.certificate.set(|state| (state.life, state.renew_at_ms) = (Some(life), renew_at_ms));
        let signed_ms = self.office.node.directory().headquarters_time().map_or(0, |(at_ms, _)| at_ms);
        let now_ms = wall_ms().max(signed_ms);
        self.office.node.peer_board().note_own_certificate(life.until_ms, now_ms);
        if now_ms < renew_at_ms {
            return Ok(false);
        }
        let renewed = self.ask().await?.accept(&self.identity)?;
        self.office.keys.replace_chain(renewed.chain())?;
        if let Some(net) = self.net.upgrade() {
            net.set_identity(&net_identity(&renewed)?).await?;
        }
        let life = Life::of(&renewed)?;
        let renew_at_ms = life.renew_at_ms(renewed.node());
        self.office.certificate.set(|state| (state.life, state.renew_at_ms) = (Some(life), renew_at_ms));
        tracing::info!(until = %Time::from_ms(life.until_ms).0, "the certificate of this node is renewed");
        self.identity = renewed;
        Ok(true)
    }

    /// Here, where the issuing key is; elsewhere over the line.
    async fn ask(&self) -> Result<RenewalResponse, Failure> {
        let request = RenewalRequest::new(self.identity.key(), self.identity.organisation());
        let directory = self.office.node.directory();
        if let Some(issuing) = self.office.keys.load_issuing()? {
            return Ok(renew(&request, &directory, self.identity.node(), &issuing, wall_ms())?);
        }
        let addresses = headquarters::addresses(&self.office, &self.net);
        let is_headquarters = |node: NodeId| directory.is_headquarters_node(node);
        match headquarters::ask(&self.identity, &request.encode(), &addresses, is_headquarters).await? {
            JoinReply::Renewed(response) => Ok(RenewalResponse::decode(&response)?),
            _ => Err("headquarters answered another question".into()),
        }
    }
}

/// The identity as the network wants it.
pub fn net_identity(identity: &NodeIdentity) -> Result<Identity, Failure> {
    let (chain, key) = (identity.chain().to_vec(), identity.pkcs8().to_vec());
    Ok(Identity::new(chain, key, identity.root_certificate().to_vec())?)
}

/// Headquarters' side.
pub fn answer(office: &Office, issuing: &IssuingKey, request: &[u8]) -> JoinReply {
    let refused = |code: &str, reason: String| JoinReply::Refused { code: code.to_owned(), reason };
    let request = match RenewalRequest::decode(request) {
        Ok(request) => request,
        Err(malformed) => return refused("malformed", malformed.to_string()),
    };
    match renew(&request, &office.node.directory(), office.identity.node(), issuing, wall_ms()) {
        Ok(response) => JoinReply::Renewed(response.encode()),
        Err(refusal) => refused(refusal.code(), refusal.to_string()),
    }
}
