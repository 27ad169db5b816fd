//! `noroshi.toml`: what an operator may set. An unknown key is an error, never ignored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "noroshi.toml";

/// Everything that can be set. Defaults are for one office with one node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub web: Web,
    pub sync: Sync,
    pub log: Log,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    pub listen: Vec<SocketAddr>,
    pub plain_http_beyond_loopback: bool,
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
        Self { listen: vec![SocketAddr::from(([127, 0, 0, 1], 8470))], plain_http_beyond_loopback: false }
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
    #[error("{path} is not valid: {error}")]
    Parse { path: String, error: Box<toml::de::Error> },
    #[error("{path}: {reason}")]
    Invalid { path: String, reason: String },
}

impl Config {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read { path: name.clone(), error })?;
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
        if self.web.listen.is_empty() {
            return Err("web.listen is empty: browsers could not reach this node".to_owned());
        }
        let beyond = self.web.listen.iter().find(|address| !address.ip().is_loopback());
        if let (Some(address), false) = (beyond, self.web.plain_http_beyond_loopback) {
            return Err(format!(
                "web.listen names {address}, which other machines reach over plain HTTP: set \
                 web.plain_http_beyond_loopback = true if passwords may cross that network unencrypted"
            ));
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
        let comments: BTreeMap<&str, &str> = COMMENTS.iter().copied().collect();
        let Ok(toml::Value::Table(sections)) = toml::Value::try_from(self) else { return text };
        for (section, values) in sections {
            let _ = write!(text, "\n[{section}]\n");
            let toml::Value::Table(values) = values else { continue };
            for (key, value) in values {
                let path = format!("{section}.{key}");
                for line in comments.get(path.as_str()).unwrap_or(&"").lines() {
                    let _ = writeln!(text, "# {line}");
                }
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        text
    }
}

/// What each key means, for the person who opens the file.
const COMMENTS: &[(&str, &str)] = &[
    ("web.listen", "Where browsers connect. Plain HTTP: keep it on loopback, or behind a proxy that speaks HTTPS."),
    (
        "web.plain_http_beyond_loopback",
        "Allow plain HTTP from other machines. Passwords and messages then cross that network unencrypted, and\n\
         browsers switch off notifications and the offline page.",
    ),
    ("sync.listen", "Where other nodes connect (QUIC over UDP). Open this port between offices."),
    (
        "sync.announce",
        "Addresses (host:port) under which other offices reach this node; told to them in the signed directory.\n\
         Empty: they find it by mDNS or by their own list of peers.",
    ),
    ("sync.peers", "Addresses (host:port) of other nodes to connect to, besides those found by themselves."),
    ("sync.discovery", "Find nodes on the same LAN by mDNS, and be found."),
    ("sync.interfaces", "Network interfaces for discovery, by name. Empty: all."),
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
        let toml::Value::Table(sections) = toml::Value::try_from(Config::default()).unwrap() else { panic!() };
        let keys: Vec<String> = sections
            .iter()
            .flat_map(|(section, values)| values.as_table().unwrap().keys().map(move |key| format!("{section}.{key}")))
            .collect();
        let mut explained: Vec<&str> = COMMENTS.iter().map(|(path, _)| *path).collect();
        explained.sort_unstable();
        assert_eq!(keys, explained);
        insta::assert_snapshot!(example);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("[web]\nlisten = []\n", "web.listen is empty"),
            ("[web]\nlistn = []\n", "listn"),
            ("[wep]\n", "wep"),
            ("[web]\nlisten = [\"0.0.0.0:80\"]\n", "plain_http_beyond_loopback"),
            ("[web]\nlisten = [\"127.0.0.1:70000\"]\n", "invalid"),
            ("[sync]\npeers = [\"hq.example\"]\n", "host:port"),
            ("[sync]\npeers = [\"hq.example:0\"]\n", "host:port"),
            ("[log]\nformat = \"xml\"\n", "xml"),
            ("[log]\nfilter = 1\n", "string"),
            ("not toml", "noroshi.toml"),
        ] {
            let error = Config::parse("noroshi.toml", text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_windows_lines_are_read() {
        let text = "\u{feff}[log]\r\nfilter = \"debug\"\r\n";
        assert_eq!(Config::parse("noroshi.toml", text).unwrap().log.filter, "debug");
    }
}
