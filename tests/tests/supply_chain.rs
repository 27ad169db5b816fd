//! What enters the product: licences, banned crates, sources, and which of our crates may know which.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn policy() -> toml::Table {
    std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

/// An SPDX expression is fine if one alternative has only allowed parts. Slashes are the older spelling of OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    flat.split(" OR ").any(|alternative| alternative.split(" AND ").all(|part| allowed.contains(part.trim())))
}

#[test]
fn licences_sources_and_bans_hold() {
    let policy = policy();
    let allowed: BTreeSet<String> = policy["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap().to_owned())
        .collect();
    let banned: Vec<String> = policy["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| ban["crate"].as_str().unwrap().to_owned())
        .collect();
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            wrong.push(format!("{name} {version} has licence {licence}"));
        }
        let source = package["source"].as_str().unwrap_or("workspace");
        if source != "workspace" && !source.starts_with("registry+https://github.com/rust-lang/crates.io-index") {
            wrong.push(format!("{name} {version} comes from {source}"));
        }
        for ban in &banned {
            let (of, below) = ban.split_once(":<").map_or((ban.as_str(), None), |(of, below)| (of, Some(below)));
            if of == name && below.is_none_or(|below| is_below(version, below)) {
                wrong.push(format!("{name} {version} is banned ({ban})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_below(version: &str, limit: &str) -> bool {
    let numbers = |text: &str| text.split(['.', '-', '+']).take(3).filter_map(|n| n.parse().ok()).collect::<Vec<u64>>();
    numbers(version) < numbers(limit)
}

/// Crate → the crates of ours that it may depend on (tests and build scripts of a crate included).
fn layers() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("noroshi-sync", &[][..]),
        ("noroshi-net", &["noroshi-sync"][..]),
        ("noroshi-provisioning", &["noroshi-sync"][..]),
        ("noroshi-node", &["noroshi-provisioning", "noroshi-sync"][..]),
        ("noroshi-web", &["noroshi-node", "noroshi-provisioning", "noroshi-sync"][..]),
        ("noroshi-scenarios", &["noroshi-node", "noroshi-provisioning", "noroshi-sync"][..]),
        (
            "noroshi",
            &[
                "noroshi-net",
                "noroshi-node",
                "noroshi-provisioning",
                "noroshi-scenarios",
                "noroshi-sync",
                "noroshi-web",
            ][..],
        ),
        ("noroshi-tests", &["noroshi-node", "noroshi-provisioning", "noroshi-sync"][..]),
    ])
}

/// Library → the only crates of ours that may name it.
fn homes() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("quinn", &["noroshi-net", "noroshi-tests"][..]),
        ("mdns-sd", &["noroshi-net"][..]),
        ("rusqlite", &["noroshi-node", "noroshi-tests"][..]),
        ("automerge", &["noroshi-node"][..]),
        ("axum", &["noroshi-web"][..]),
        ("tokio-rustls", &["noroshi-net", "noroshi-web"][..]),
        ("utoipa-axum", &["noroshi-web"][..]),
    ])
}

#[test]
fn dependencies_point_the_way_of_the_map() {
    let (layers, homes, metadata) = (layers(), homes(), metadata());
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        if !members.contains(package["id"].as_str().unwrap()) {
            continue;
        }
        let name = package["name"].as_str().unwrap();
        seen.insert(name.to_owned());
        let Some(may) = layers.get(name) else {
            wrong.push(format!("{name} has no place on the map"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if on.starts_with("noroshi") && !may.contains(&on) {
                wrong.push(format!("{name} must not know {on}"));
            }
            if homes.get(on).is_some_and(|homes| !homes.contains(&name)) {
                wrong.push(format!("{name} must not know {on}"));
            }
        }
    }
    assert_eq!(seen.len(), layers.len(), "{seen:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The core of replication has no runtime, socket, file, clock or random source, and SQL has one home.
#[test]
fn the_core_is_free_of_effects_and_sql_has_one_home() {
    let mut wrong = Vec::new();
    let forbidden =
        ["SystemTime::now", "Instant::now", "std::net", "std::fs", "std::thread", "tokio", "rand::", "SystemRandom"];
    for (path, text) in sources(&root().join("sync/core/src")) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            if let Some(found) = forbidden.iter().find(|word| line.contains(**word)) {
                wrong.push(format!("{}:{} names {found}", path.display(), number + 1));
            }
        }
    }
    for (path, text) in sources(&root().join("node/core/src")) {
        if !path.starts_with(root().join("node/core/src/store")) && text.contains("rusqlite::") {
            wrong.push(format!("{} knows SQL", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}
