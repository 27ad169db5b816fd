//! HTTPS with a real client that trusts one authority, and the helper page beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noroshi_provisioning::browser::{BrowserAuthority, LeafKey, WebIdentity, fingerprint};
use noroshi_web::{ConnectionLimits, HelperConfig, Listen, ServedCertificate, UnusableCertificate};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::House;
use crate::http::{Caller, Reply, exchange, read_to_end, soon};

const NOW_MS: u64 = 1_790_000_000_000;
const NAME: &str = "hq.asanagi.home.arpa";
const LOOPBACK: &str = "127.0.0.1:0";

fn authority() -> BrowserAuthority {
    BrowserAuthority::create("朝凪市", "asanagi.home.arpa", NOW_MS).unwrap()
}

fn leaf(authority: &BrowserAuthority) -> WebIdentity {
    let key = LeafKey::generate().unwrap();
    let leaf = authority.issue(&key.public_key(), &[NAME.parse().unwrap()], NOW_MS).unwrap();
    WebIdentity { pkcs8: key.pkcs8(), leaf, authority: authority.certificate().to_vec() }
}

fn put(served: &ServedCertificate, web: &WebIdentity) -> Result<(), UnusableCertificate> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(web.pkcs8.to_vec()));
    served.replace(vec![CertificateDer::from(web.leaf.clone())], &key)
}

/// A house that speaks HTTPS too.
struct Secure {
    house: House,
    served: ServedCertificate,
    authority: BrowserAuthority,
    https: SocketAddr,
}

impl Secure {
    async fn new(limits: ConnectionLimits) -> Self {
        let (served, authority) = (ServedCertificate::none().unwrap(), authority());
        put(&served, &leaf(&authority)).unwrap();
        let listen = Listen::tls(LOOPBACK.parse().unwrap(), served.clone());
        let house = House::listening(limits, vec![listen], None).await;
        let https = house.addresses[1];
        Self { house, served, authority, https }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        connect(self.https, &self.authority, NAME).await.unwrap()
    }

    async fn send(&self, head: &str, body: &str) -> Reply {
        let mut stream = self.connect().await;
        let length = body.len();
        let request = format!("{head}\r\nhost: {NAME}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        soon("the answer", stream.read_to_end(&mut answer)).await.unwrap();
        Reply::parse(&answer)
    }
}

/// The clock of the test's browser stands where the certificates are valid.
#[derive(Debug)]
struct Then;

impl rustls::time_provider::TimeProvider for Then {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(NOW_MS)))
    }
}

/// As a browser in which the authority is installed.
async fn connect(to: SocketAddr, authority: &BrowserAuthority, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_details(provider, Arc::new(Then))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(server, TcpStream::connect(to).await.unwrap()).await
}

#[tokio::test]
async fn a_person_logs_in_with_cookies_that_browsers_guard() {
    let secure = Secure::new(ConnectionLimits::default()).await;
    let body = json!({"login": secure.house.login_of("tanaka"), "password": House::PASSWORD}).to_string();
    let head = format!("POST /api/v1/session HTTP/1.1\r\norigin: https://{NAME}\r\ncontent-type: application/json");
    let reply = secure.send(&head, &body).await.ok(201);
    let cookies: Vec<&String> =
        reply.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert!(cookies.iter().all(|cookie| cookie.starts_with("__Host-noroshi_") && cookie.ends_with("; Secure")));
    assert_eq!(cookies.len(), 2);

    let (token, short) = (reply.json()["token"].as_str().unwrap().to_owned(), &secure.house.short);
    let me = |name: String| format!("GET /api/v1/me HTTP/1.1\r\ncookie: {name}={token}");
    secure.send(&me(format!("__Host-noroshi_{short}")), "").await.ok(200);
    // What somebody on the unencrypted network could have planted.
    secure.send(&me(format!("noroshi_{short}")), "").await.refused(401, "unauthenticated");
    // The plain listener of the same node keeps its own.
    let over_http = Caller::nobody(secure.house.address);
    let cookie = |name: String| (name, token.clone());
    for (name, status) in [(format!("noroshi_{short}"), 200), (format!("__Host-noroshi_{short}"), 401)] {
        let (name, token) = cookie(name);
        let reply = over_http.send("GET", "/api/v1/me", &[("cookie", &format!("{name}={token}"))], b"").await;
        assert_eq!(reply.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_browser_accepts_only_the_names_and_the_authority_of_the_certificate() {
    let secure = Secure::new(ConnectionLimits::default()).await;
    assert!(connect(secure.https, &secure.authority, "minami.asanagi.home.arpa").await.is_err());
    assert!(connect(secure.https, &authority(), NAME).await.is_err(), "not the authority it trusts");
    secure.send("GET /livez HTTP/1.1", "").await.ok(200);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let secure = Secure::new(ConnectionLimits::default()).await;
    let mut old = secure.connect().await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let renewed = leaf(&secure.authority);
    put(&secure.served, &renewed).unwrap();
    let new = secure.connect().await;
    assert_ne!(shown(&old), renewed.leaf);
    assert_eq!(shown(&new), renewed.leaf);
    old.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    soon("the answer", old.read_to_end(&mut answer)).await.unwrap();
    Reply::parse(&answer).ok(200);

    let mixed = WebIdentity { pkcs8: leaf(&secure.authority).pkcs8, ..renewed.clone() };
    assert_eq!(put(&secure.served, &mixed), Err(UnusableCertificate::Mismatch));
    assert_eq!(secure.served.leaf(), Some(renewed.leaf), "what cannot serve changes nothing");
}

#[tokio::test]
async fn before_the_first_certificate_handshakes_fail_and_nothing_else() {
    let served = ServedCertificate::none().unwrap();
    let listen = Listen::tls(LOOPBACK.parse().unwrap(), served.clone());
    let house = House::listening(ConnectionLimits::default(), vec![listen], None).await;
    let authority = authority();
    assert!(connect(house.addresses[1], &authority, NAME).await.is_err());
    house.nobody().get("/livez").await.ok(200);
    put(&served, &leaf(&authority)).unwrap();
    connect(house.addresses[1], &authority, NAME).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_handshake_is_dropped() {
    let limits =
        ConnectionLimits { handshake_time: Duration::from_millis(300), total: 2, ..ConnectionLimits::default() };
    let secure = Secure::new(limits).await;
    // One that says nothing, one that begins a TLS record and stops.
    let mut silent = TcpStream::connect(secure.https).await.unwrap();
    let mut stopped = TcpStream::connect(secure.https).await.unwrap();
    stopped.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00]).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, b"");
    assert_eq!(read_to_end(&mut stopped).await, b"");
    drop((silent, stopped));
    soon("their places to be free again", async {
        while connect(secure.https, &secure.authority, NAME).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn garbage_and_plain_http_on_the_https_port_get_an_answer_or_an_end() {
    let secure = Secure::new(ConnectionLimits::default()).await;
    let request = format!("GET /rooms/1?a=b HTTP/1.1\r\nhost: {NAME}:8443\r\nconnection: close\r\n\r\n");
    let reply = Reply::parse(&exchange(secure.https, request.as_bytes()).await).ok(307);
    assert_eq!(reply.header("location"), Some(format!("https://{NAME}:8443/rooms/1?a=b").as_str()));
    let log_in = b"POST /api/v1/session HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    Reply::parse(&exchange(secure.https, log_in).await).ok(307);
    for garbage in [&[0x16; 600][..], &[0x16, 3, 1, 0xff, 0xff, 1, 0, 0], &[0; 64], b"\x16\x03\x01\x00\x05hello"] {
        let answer = exchange(secure.https, garbage).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    }
    secure.send("GET /livez HTTP/1.1", "").await.ok(200);
}

#[tokio::test]
async fn the_end_of_the_server_ends_a_handshake_too() {
    let mut secure = Secure::new(ConnectionLimits::default()).await;
    let mut silent = TcpStream::connect(secure.https).await.unwrap();
    secure.send("GET /livez HTTP/1.1", "").await.ok(200);
    secure.house.shutdown.cancel();
    soon("the end of the server", secure.house.task()).await;
    assert_eq!(read_to_end(&mut silent).await, b"");
}

#[tokio::test]
async fn the_picture_of_the_trust_test_may_be_loaded_from_the_helper_page() {
    let secure = Secure::new(ConnectionLimits::default()).await;
    let reply = secure.send("GET /trust.gif HTTP/1.1", "").await.ok(200);
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(reply.header("content-type"), Some("image/gif"));
    assert!(reply.body.starts_with(b"GIF89a"));
}

async fn helped(authority: Option<Vec<u8>>) -> (House, Caller) {
    let helper = HelperConfig {
        listen: vec![LOOPBACK.parse().unwrap()],
        organisation: "朝凪<市>".to_owned(),
        https_port: 8443,
        names: vec![NAME.to_owned(), "10.1.2.3".to_owned()],
        authority: watch::Sender::new(authority).subscribe(),
    };
    let house = House::listening(ConnectionLimits::default(), Vec::new(), Some(helper)).await;
    let caller = Caller::nobody(house.helper[0]);
    (house, caller)
}

#[tokio::test]
async fn the_helper_serves_the_certificate_and_how_to_use_it() {
    let authority = authority();
    let der = authority.certificate();
    let (_house, helper) = helped(Some(der.to_vec())).await;
    let crt = helper.get("/ca.crt").await.ok(200);
    assert_eq!(crt.header("content-type"), Some("application/x-x509-ca-cert"));
    assert_eq!(crt.body, der);
    let profile = helper.get("/ca.mobileconfig").await.ok(200);
    assert_eq!(profile.header("content-type"), Some("application/x-apple-aspen-config"));
    assert!(profile.text().contains("com.apple.security.root"));

    let page = helper.get("/").await.ok(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("img-src https://127.0.0.1:8443;"), "{policy}");
    assert!(!policy.contains("unsafe"));
    let text = page.text();
    let shown = fingerprint(der).replace(':', "");
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    assert!(digits.contains(&shown), "the fingerprint is on the page");
    for word in [
        "Windows",
        "Android",
        "iPhone・iPad",
        "1 段階目",
        "2 段階目",
        "macOS",
        "Linux",
        "asanagi.home.arpa",
        "朝凪&lt;市&gt;",
    ] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("{{") && !text.contains("朝凪<市>"));
    assert!(helper.get("/?lang=en").await.text().contains("This device trusts this node"));
    let english = helper.send("GET", "/", &[("accept-language", "en-GB")], b"").await;
    assert_eq!(english.header("content-language"), Some("en"));
}

#[tokio::test]
async fn the_poster_names_what_others_can_reach() {
    let (_house, helper) = helped(Some(authority().certificate().to_vec())).await;
    for path in ["/poster", "/poster?lang=en"] {
        let poster = helper.get(path).await.ok(200).text();
        let port = helper.address.port();
        assert!(poster.contains(&format!("http://{NAME}:{port}/")), "not the loopback address it was asked by");
        assert!(poster.contains(&format!("https://{NAME}:8443/")) && poster.contains("https://10.1.2.3:8443/"));
        assert!(poster.contains("<svg ") && !poster.contains("{{"));
    }
}

#[tokio::test]
async fn without_a_certificate_the_helper_says_so() {
    let (_house, helper) = helped(None).await;
    assert!(helper.get("/").await.ok(200).text().contains("配る証明書がありません"));
    for path in ["/ca.crt", "/ca.mobileconfig"] {
        assert_eq!(helper.get(path).await.status, 404);
    }
    helper.get("/poster").await.ok(200);
}

#[tokio::test]
async fn the_helper_is_nothing_but_a_helper() {
    let (house, helper) = helped(None).await;
    let body = json!({"login": house.login_of("tanaka"), "password": House::PASSWORD});
    assert_eq!(helper.call("POST", "/api/v1/session", &body).await.status, 404);
    for path in ["/api/v1/node", "/metrics", "/livez", "/sw.js", "/..%2f..%2fetc/passwd"] {
        assert_eq!(helper.get(path).await.status, 404, "{path}");
    }
    let lost = helper.send("GET", "/rooms/1", &[("accept", "text/html")], b"").await.ok(303);
    assert_eq!(lost.header("location"), Some("/"));
    assert_eq!(helper.call("POST", "/", &body).await.status, 405);
    // A host that would break out of the page or of its policy.
    for host in ["a';script-src", "a b", "a\"onload=x", "a;x"] {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let reply = Reply::parse(&exchange(helper.address, request.as_bytes()).await);
        assert_eq!(reply.status, 400, "{host}");
    }
}

#[tokio::test]
async fn a_helper_port_that_is_taken_does_not_keep_the_node_from_serving() {
    let taken = std::net::TcpListener::bind(LOOPBACK).unwrap();
    let helper = HelperConfig {
        listen: vec![taken.local_addr().unwrap()],
        organisation: "朝凪市".to_owned(),
        https_port: 443,
        names: Vec::new(),
        authority: watch::Sender::new(None).subscribe(),
    };
    let house = House::listening(ConnectionLimits::default(), Vec::new(), Some(helper)).await;
    assert_eq!(house.helper, []);
    house.nobody().get("/livez").await.ok(200);
}
