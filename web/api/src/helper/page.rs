//! The two pages of the helper, in two languages.

use http::uri::Authority;
use noroshi_provisioning::browser::{Reach, fingerprint, fingerprint_sha1};

use super::HelperConfig;
use super::template::{escape, fill};
use crate::auth::origin;
use crate::problem::Language;
use crate::qr;
use crate::routes::TRUST_PIXEL;

/// What a page must know of who looks at it.
pub struct Visit {
    pub language: Language,
    /// This site, as others reach it: `http://…`, without a final slash.
    here: String,
    /// The host of this visit over HTTPS, which this browser has reached for sure.
    pub https: String,
    /// Under the name that others use, and under further ones.
    shared_https: String,
    other_https: Vec<String>,
}

impl Visit {
    /// From the `Host` of the request. Whoever prints a poster on the node's own screen gets the name that others use.
    pub fn new(config: &HelperConfig, host: &Authority, language: Language) -> Self {
        let name = match config.names.first() {
            Some(name) if origin::is_loopback_name(host) => name.as_str(),
            _ => host.host(),
        };
        let https = |name: &str| match config.https_port {
            443 => format!("https://{name}"),
            port => format!("https://{name}:{port}"),
        };
        let here = match host.port_u16() {
            None | Some(80) => format!("http://{name}"),
            Some(port) => format!("http://{name}:{port}"),
        };
        let other_https = config.names.iter().filter(|other| *other != name).map(|other| https(other)).collect();
        Self { language, here, https: https(host.host()), shared_https: https(name), other_https }
    }
}

/// Download, steps, trust test, the way on.
pub fn help(config: &HelperConfig, visit: &Visit) -> String {
    let (template, install) = match visit.language {
        Language::Japanese => (include_str!("assets/help.ja.html"), include_str!("assets/install.ja.html")),
        Language::English => (include_str!("assets/help.en.html"), include_str!("assets/install.en.html")),
    };
    let install = config.authority.borrow().as_deref().map_or_else(
        || none(visit.language).to_owned(),
        |authority| {
            let domain = domain(authority);
            let sha256 = grouped(&fingerprint(authority));
            fill(install, &[("domain", &domain), ("sha256", &sha256), ("sha1", &grouped(&fingerprint_sha1(authority)))])
        },
    );
    let pixel = format!("{}{TRUST_PIXEL}", visit.https);
    let values = [
        ("organisation", config.organisation.as_str()),
        ("https", &visit.https),
        ("pixel", &pixel),
        ("install", &install),
    ];
    fill(template, &values)
}

/// One A4 sheet for walls and the disaster binder.
pub fn poster(config: &HelperConfig, visit: &Visit) -> String {
    let template = match visit.language {
        Language::Japanese => include_str!("assets/poster.ja.html"),
        Language::English => include_str!("assets/poster.en.html"),
    };
    let authority = config.authority.borrow();
    let sha256 = authority.as_deref().map_or_else(|| "—".to_owned(), |authority| grouped(&fingerprint(authority)));
    let url = format!("{}/", visit.here);
    let others: Vec<String> = visit.other_https.iter().map(|url| format!("<code>{}/</code>", escape(url))).collect();
    let values = [
        ("organisation", config.organisation.as_str()),
        ("url", &url),
        ("https", &visit.shared_https),
        ("others", &others.join(" ")),
        ("sha256", &sha256),
        ("qr", &qr::svg(&url).unwrap_or_default()),
    ];
    fill(template, &values)
}

fn domain(authority: &[u8]) -> String {
    Reach::of_certificate(authority).map(|reach| reach.domain().to_owned()).unwrap_or_default()
}

/// Four pairs a group, so that eyes find their place.
fn grouped(fingerprint: &str) -> String {
    let pairs: Vec<&str> = fingerprint.split(':').collect();
    pairs.chunks(4).map(|group| group.join(":")).collect::<Vec<_>>().join(" ")
}

const fn none(language: Language) -> &'static str {
    match language {
        Language::Japanese => {
            "<p>このノードには、ここで配る証明書がありません（まだ本庁から届いていないか、別の認証局の証明書を使っています）。上の確認が ✗ のときは管理者に連絡してください。</p>"
        }
        Language::English => {
            "<p>This node has no certificate to hand out: it has not arrived from headquarters yet, or another authority issues it. If the check above says ✗, tell your administrator.</p>"
        }
    }
}
