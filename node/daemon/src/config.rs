//! `noroshi.toml`: what an operator may set. An unknown key is an error, never ignored.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use noroshi_node::blobs::Quota;
use noroshi_provisioning::browser::WebName;
use serde::{Deserialize, Serialize};

/// Names beside those that a node has by itself (host name, addresses); a certificate holds 32 in all.
const NAMES_MAX: usize = 16;

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "noroshi.toml";

/// Everything that can be set. Defaults are for one office with one node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub web: Web,
    pub sync: Sync,
    pub storage: Storage,
    pub log: Log,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    pub listen: Vec<SocketAddr>,
    pub https: Vec<SocketAddr>,
    pub names: Vec<WebName>,
    pub helper: Vec<SocketAddr>,
    #[serde(alias = "plain_http_beyond_loopback")]
    pub plain_http: bool,
    pub tls: WebTls,
}

/// A certificate of somebody else's authority, as two files in PEM. Empty: the organisation's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebTls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl WebTls {
    pub fn is_set(&self) -> bool {
        !self.cert.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sync {
    pub listen: SocketAddr,
    pub announce: Vec<String>,
    pub peers: Vec<String>,
    pub discovery: bool,
    pub interfaces: Vec<String>,
}

/// Room on the disk for files that go with messages, GiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    pub attachments_gib: u32,
    pub free_gib: u32,
}

impl Storage {
    pub fn quota(&self) -> Quota {
        Quota::of_gib(self.attachments_gib, self.free_gib)
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { attachments_gib: 20, free_gib: 5 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8470))],
            https: Vec::new(),
            names: Vec::new(),
            helper: Vec::new(),
            plain_http: false,
            tls: WebTls::default(),
        }
    }
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8471)),
            announce: Vec::new(),
            peers: Vec::new(),
            discovery: true,
            interfaces: Vec::new(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Why a configuration cannot be used: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("{path} is not in UTF-8 (Windows editors may save Shift_JIS): save it as UTF-8")]
    Encoding { path: String },
    #[error("{path} is not valid: {error}")]
    Parse { path: String, error: Box<toml::de::Error> },
    #[error("{path}: {reason}")]
    Invalid { path: String, reason: String },
}

impl Config {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| ConfigError::Read { path: name.clone(), error })?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::Encoding { path: name.clone() })?;
        Self::parse(&name, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        // Editors on Windows begin files with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let config: Self = toml::from_str(text)
            .map_err(|error| ConfigError::Parse { path: name.to_owned(), error: Box::new(error) })?;
        config.check().map_err(|reason| ConfigError::Invalid { path: name.to_owned(), reason })?;
        Ok(config)
    }

    /// What the types cannot say.
    pub fn check(&self) -> Result<(), String> {
        self.web.check()?;
        if self.sync.listen.port() == 0 {
            return Err("sync.listen names port 0: other nodes would look for this one at another port".to_owned());
        }
        for peer in self.sync.peers.iter().chain(&self.sync.announce) {
            let port = peer.rsplit_once(':').map(|(host, port)| (host.is_empty(), port.parse::<u16>()));
            if !matches!(port, Some((false, Ok(1..)))) {
                return Err(format!("{peer:?} is not an address of the form host:port"));
            }
        }
        Ok(())
    }

    /// The file with every key, its meaning and this configuration's values. Generated from the struct, so that no key
    /// can be missing.
    pub fn to_commented_toml(&self) -> String {
        let mut text =
            String::from("# Configuration of a Noroshi node. Every key is shown; a wrong key is an error at start.\n");
        let Ok(toml::Value::Table(sections)) = toml::Value::try_from(self) else { return text };
        for (name, values) in &sections {
            write_section(&mut text, name, values);
        }
        text
    }
}

/// Its own keys, then the sections within.
fn write_section(text: &mut String, name: &str, values: &toml::Value) {
    let toml::Value::Table(values) = values else { return };
    let _ = write!(text, "\n[{name}]\n");
    for (key, value) in values.iter().filter(|(_, value)| !value.is_table()) {
        let path = format!("{name}.{key}");
        let comment = COMMENTS.iter().find(|(of, _)| *of == path).map_or("", |(_, comment)| *comment);
        for line in comment.lines() {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "{key} = {value}");
    }
    for (key, value) in values.iter().filter(|(_, value)| value.is_table()) {
        write_section(text, &format!("{name}.{key}"), value);
    }
}

impl Web {
    fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() && self.https.is_empty() {
            return Err("web.listen and web.https are empty: browsers could not reach this node".to_owned());
        }
        let beyond = self.listen.iter().find(|address| !address.ip().is_loopback());
        if let (Some(address), false) = (beyond, self.plain_http) {
            return Err(format!(
                "web.listen names {address}, which other machines reach over plain HTTP: name it in web.https instead, \
                 or set web.plain_http = true if passwords may cross that network unencrypted"
            ));
        }
        let lists = [("web.listen", &self.listen), ("web.https", &self.https), ("web.helper", &self.helper)];
        let mut seen: Vec<SocketAddr> = Vec::new();
        for (key, address) in lists.into_iter().flat_map(|(key, list)| list.iter().map(move |address| (key, *address)))
        {
            if address.port() == 0 {
                return Err(format!("{key} names port 0: nobody would know which port it is"));
            }
            if seen.contains(&address) {
                return Err(format!("{key} names {address}, which is named before"));
            }
            seen.push(address);
        }
        if self.https.is_empty() && !self.helper.is_empty() {
            return Err("web.helper leads people to HTTPS, but web.https is empty".to_owned());
        }
        if self.names.len() > NAMES_MAX {
            return Err(format!("web.names has more than {NAMES_MAX} names"));
        }
        self.tls.check(&self.https)
    }
}

impl WebTls {
    fn check(&self, https: &[SocketAddr]) -> Result<(), String> {
        let (cert, key) = (self.cert.as_os_str(), self.key.as_os_str());
        if cert.is_empty() != key.is_empty() {
            return Err("web.tls needs both cert and key, or neither".to_owned());
        }
        if self.is_set() && https.is_empty() {
            return Err("web.tls names a certificate, but web.https is empty".to_owned());
        }
        match [&self.cert, &self.key].into_iter().find(|path| self.is_set() && path.is_relative()) {
            Some(path) => Err(format!("web.tls: {} is not an absolute path", path.display())),
            None => Ok(()),
        }
    }
}

/// What each key means, for the person who opens the file.
const COMMENTS: &[(&str, &str)] = &[
    (
        "web.helper",
        "Where the page is that helps people trust this node's certificate, over plain HTTP, e.g. [\"0.0.0.0:80\"].\n\
         It serves the certificate, instructions and a poster, nothing else.",
    ),
    ("web.https", "Where browsers of other machines connect, e.g. [\"0.0.0.0:443\"]."),
    ("web.listen", "Where browsers on this machine connect, or a proxy. Plain HTTP: keep it on loopback."),
    (
        "web.names",
        "DNS names under which browsers reach this node, best first, e.g. [\"hq.asanagi.home.arpa\"]. They must lie in the\n\
         domain given to `noroshi init`. The machine's .local names and private addresses are added by themselves.",
    ),
    (
        "web.plain_http",
        "Degraded mode: allow plain HTTP in web.listen from other machines. Passwords and messages then cross that network\n\
         unencrypted, and browsers switch off notifications, the offline page and device keys.",
    ),
    (
        "web.tls.cert",
        "A certificate of another authority instead (PEM: leaf first, then intermediates). Read again when it changes.",
    ),
    ("web.tls.key", "Its private key (PEM), not readable by everybody."),
    ("sync.listen", "Where other nodes connect (QUIC over UDP). Open this port between offices."),
    (
        "sync.announce",
        "Addresses (host:port) under which other offices reach this node; told to them in the signed directory.\n\
         Empty: they find it by mDNS or by their own list of peers.",
    ),
    ("sync.peers", "Addresses (host:port) of other nodes to connect to, besides those found by themselves."),
    ("sync.discovery", "Find nodes on the same LAN by mDNS, and be found."),
    ("sync.interfaces", "Network interfaces for discovery, by name. Empty: all."),
    (
        "storage.attachments_gib",
        "Room for files that go with messages, GiB. When it is used up, originals that headquarters holds as well and nobody\n\
         has opened for longest are given up; what only this node has stays.",
    ),
    ("storage.free_gib", "Files leave at least this much of the disk free, GiB, so that messages always find room."),
    ("log.filter", "What is logged, e.g. \"info\" or \"info,noroshi_net=debug\"."),
    ("log.format", "\"text\" for people and the journal, \"json\" for machines."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_names_every_key_and_reads_back_as_the_defaults() {
        let example = Config::default().to_commented_toml();
        assert_eq!(Config::parse("example", &example).unwrap(), Config::default());
        let mut keys = Vec::new();
        collect_keys("", &toml::Value::try_from(Config::default()).unwrap(), &mut keys);
        let mut explained: Vec<&str> = COMMENTS.iter().map(|(path, _)| *path).collect();
        keys.sort_unstable();
        explained.sort_unstable();
        assert_eq!(keys, explained);
        insta::assert_snapshot!(example);
    }

    fn collect_keys(path: &str, value: &toml::Value, keys: &mut Vec<String>) {
        match value {
            toml::Value::Table(values) => {
                for (key, value) in values {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    collect_keys(&path, value, keys);
                }
            }
            _ => keys.push(path.to_owned()),
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many = format!("[web]\nnames = [{}]\n", "\"a.local\",".repeat(NAMES_MAX + 1));
        for (text, expected) in [
            ("[web]\nlisten = []\n", "web.listen and web.https are empty"),
            ("[web]\nlistn = []\n", "listn"),
            ("[wep]\n", "wep"),
            ("[web]\nhelper = []\nhelper = []\n", "duplicate key"),
            ("[web]\nlisten = [\"0.0.0.0:80\"]\n", "web.plain_http = true"),
            ("[web]\nlisten = [\"127.0.0.1:70000\"]\n", "invalid"),
            ("[web]\nlisten = [\"127.0.0.1:0\"]\n", "port 0"),
            ("[web]\nhttps = [\"0.0.0.0:0\"]\n", "port 0"),
            ("[web]\nhttps = [\"127.0.0.1:8470\"]\n", "which is named before"),
            ("[web]\nhelper = [\"0.0.0.0:80\"]\n", "web.https is empty"),
            ("[web]\nnames = [\"本庁\"]\n", "neither a host name nor an IP address"),
            ("[web]\nnames = [\"*.home.arpa\"]\n", "neither a host name nor an IP address"),
            (&many, "more than 16 names"),
            ("[web]\nhttps = [\"0.0.0.0:443\"]\n[web.tls]\ncert = \"/a.pem\"\n", "both cert and key"),
            (
                "[web]\nhttps = [\"0.0.0.0:443\"]\n[web.tls]\ncert = \"a.pem\"\nkey = \"/b\"\n",
                "a.pem is not an absolute path",
            ),
            ("[web.tls]\ncert = \"/a.pem\"\nkey = \"/b.pem\"\n", "web.https is empty"),
            ("[sync]\nlisten = \"0.0.0.0:0\"\n", "port 0"),
            ("[sync]\npeers = [\"hq.example\"]\n", "host:port"),
            ("[sync]\npeers = [\"hq.example:0\"]\n", "host:port"),
            ("[storage]\nattachments_gib = -1\n", "invalid value"),
            ("[log]\nformat = \"xml\"\n", "xml"),
            ("[log]\nfilter = 1\n", "string"),
            ("not toml", "noroshi.toml"),
        ] {
            let error = Config::parse("noroshi.toml", text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn files_as_people_leave_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("設定 ファイル.toml");
        let missing = Config::read(&path).unwrap_err();
        assert!(matches!(missing, ConfigError::Read { .. }) && missing.to_string().contains("設定 ファイル.toml"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(Config::read(&path).unwrap(), Config::default());
        // 「# 設定」 in Shift_JIS.
        std::fs::write(&path, b"# \x90\xdd\x92\xe8\n").unwrap();
        assert!(Config::read(&path).unwrap_err().to_string().contains("save it as UTF-8"));
    }

    #[test]
    fn the_key_of_earlier_versions_is_read() {
        let text = "[web]\nlisten = [\"0.0.0.0:80\"]\nplain_http_beyond_loopback = true\n";
        assert!(Config::parse("noroshi.toml", text).unwrap().web.plain_http);
    }

    #[test]
    fn a_byte_order_mark_and_windows_lines_are_read() {
        let text = "\u{feff}[log]\r\nfilter = \"debug\"\r\n";
        assert_eq!(Config::parse("noroshi.toml", text).unwrap().log.filter, "debug");
    }
}
