//! The certificate that browsers see of this node: got, renewed, put in force while the node runs.
//!
//! Either the organisation's own authority issues it ([`renewal`]: at headquarters here, elsewhere over the line), or the
//! administrator names two files of another authority ([`external`]).

pub mod external;
pub mod issue;
pub mod names;
pub mod renewal;

use std::sync::{Arc, Weak};

use noroshi_net::Net;
use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::authority::KeyFileError;
use noroshi_provisioning::browser::{WebIdentity, WebName};
use noroshi_web::{HelperConfig, ServedCertificate, UnusableCertificate};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;
use crate::office::Office;
use external::ExternalFiles;
use renewal::Renewal;

/// What listeners and the helper page follow.
#[derive(Clone, Debug)]
pub struct InForce {
    certificate: ServedCertificate,
    authority: watch::Sender<Option<Vec<u8>>>,
}

impl InForce {
    fn put(&self, web: &WebIdentity) -> Result<(), UnusableCertificate> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(web.pkcs8.to_vec()));
        self.certificate.replace(vec![CertificateDer::from(web.leaf.clone())], &key)?;
        self.authority.send_replace(Some(web.authority.clone()));
        Ok(())
    }
}

/// What this node has in its folder. What is damaged is as good as none, and is got anew; a key that others could read is
/// for a human to decide about.
fn held(keys: &KeyFolder) -> Result<Option<WebIdentity>, KeyFileError> {
    match keys.load_web() {
        Err(error @ (KeyFileError::Malformed { .. } | KeyFileError::Browser { .. })) => {
            tracing::warn!(%error, "the certificate for browsers is damaged");
            Ok(None)
        }
        other => other,
    }
}

/// The running care for the certificate.
pub struct WebTls {
    in_force: InForce,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl WebTls {
    /// `None` when this node speaks no HTTPS. Files of another authority must be good; a certificate of our own may come
    /// later.
    pub fn start(office: &Arc<Office>, net: Weak<Net>) -> Result<Option<Self>, Failure> {
        let web = &office.config.web;
        if web.https.is_empty() {
            return Ok(None);
        }
        let in_force = InForce { certificate: ServedCertificate::none()?, authority: watch::Sender::new(None) };
        let stop = CancellationToken::new();
        let task = if web.tls.is_set() {
            let files = ExternalFiles::open(&web.tls, &in_force.certificate)?;
            tokio::spawn(files.follow(in_force.certificate.clone(), stop.clone()))
        } else {
            if let Some(web) = held(&office.keys)? {
                in_force.put(&web)?;
            }
            tokio::spawn(Renewal::new(office.clone(), net, in_force.clone()).run(stop.clone()))
        };
        Ok(Some(Self { in_force, task, stop }))
    }

    pub fn certificate(&self) -> ServedCertificate {
        self.in_force.certificate.clone()
    }

    /// `None` when there is nowhere to show it.
    pub fn helper(&self, office: &Office) -> Option<HelperConfig> {
        let web = &office.config.web;
        let names = names::of_node(web, office.identity.node());
        let shown = names.iter().filter(|name| !name.is_loopback());
        Some(HelperConfig {
            listen: web.helper.clone(),
            organisation: office.identity.organisation_name().to_owned(),
            https_port: web.https.first()?.port(),
            names: shown.map(WebName::in_url).collect(),
            authority: self.in_force.authority.subscribe(),
        })
        .filter(|helper| !helper.listen.is_empty())
    }

    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the care for the browser certificate ended badly");
        }
    }
}
