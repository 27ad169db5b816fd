//! The machine is not always as its makers imagine: odd folders, locales and clocks work; what cannot work is refused with a
//! sentence, before anything is changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use noroshi_tests::city::City;
use noroshi_tests::client::Client;
use noroshi_tests::process::{self, Process};
use noroshi_tests::wait::until;

/// A folder with a node of headquarters in it, not running.
struct Node {
    home: tempfile::TempDir,
    data: PathBuf,
    web: u16,
}

impl Node {
    fn found(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join(name);
        let node = Self { home, data, web: process::free_port() };
        let (web, sync) = (format!("127.0.0.1:{}", node.web), format!("127.0.0.1:{}", process::free_port()));
        let mut command = node.strange(&[
            "init",
            "--organisation",
            "朝凪市",
            "--login",
            "kanri",
            "--name",
            "管理 花子",
            "--web",
            &web,
            "--sync",
            &sync,
            "--no-discovery",
        ]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        node
    }

    /// A command in a locale nobody has, without a home, in a time zone of quarters of an hour, and with no mask.
    fn strange(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(process::binary()).arg("--data").arg(&self.data);
        command.args(arguments).envs(City::environment()).stdin(Stdio::null());
        command.env("LC_ALL", "ja_JP.SJIS").env("LANG", "C").env("HOME", "/nonexistent").env("TZ", "Asia/Kathmandu");
        command
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--data", self.data.to_str().unwrap()];
        all.extend(arguments);
        process::refused(&all, &City::environment())
    }

    fn key(&self, name: &str) -> PathBuf {
        self.data.join("keys").join(name)
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strange_environment_changes_nothing() {
    let node = Node::found("朝凪市 の データ");
    assert_eq!(mode(&node.data), 0o700);
    for file in std::fs::read_dir(node.data.join("keys")).unwrap().map(|entry| entry.unwrap().path()) {
        let expected = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file), expected, "{}", file.display());
    }
    let log = node.home.path().join("log");
    let mut running = Process::spawn(node.strange(&["serve"]), &log);
    let url = format!("http://127.0.0.1:{}", node.web);
    until("the node serves", Duration::from_secs(30), || async {
        let reply = Client::at(&url).request(http::Method::GET, "/readyz", None).await;
        reply.is_ok_and(|reply| reply.status.is_success()).then_some(())
    })
    .await;
    assert_eq!(mode(&node.data.join("noroshi.db")), 0o600, "with no mask, too");
    // A second process in the same folder.
    assert!(node.refused(&["serve"]).contains("another"), "{}", node.refused(&["serve"]));
    running.stop();
    let checked = node.strange(&["check"]).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn what_cannot_work_is_refused_with_a_sentence() {
    let node = Node::found("data");
    let other = Node::found("other");
    // Not `serve`: what is not refused would go on for ever.
    let refusal = |what: &str, word: &str| {
        let said = node.refused(&["check"]);
        assert!(said.contains(word), "{what}: {said}");
        assert!(!said.contains("panicked"), "{what}: {said}");
    };

    let taken = std::net::TcpListener::bind(("127.0.0.1", node.web)).unwrap();
    let said = node.refused(&["serve"]);
    assert!(said.contains(&node.web.to_string()), "{said}");
    drop(taken);

    let restore = |name: &str| {
        let path = node.key(name);
        let before = std::fs::read(&path).unwrap();
        move || std::fs::write(&path, &before).unwrap()
    };
    let (key, papers) = (restore("node.key"), restore("node.pem"));
    std::fs::copy(other.key("node.key"), node.key("node.key")).unwrap();
    refusal("the key of another node", "does not belong");
    std::fs::copy(other.key("node.pem"), node.key("node.pem")).unwrap();
    refusal("key and papers of another organisation", "not issued under this root");
    key();
    papers();

    let root = restore("organisation.pem");
    let two =
        [std::fs::read(node.key("organisation.pem")).unwrap(), std::fs::read(other.key("organisation.pem")).unwrap()];
    std::fs::write(node.key("organisation.pem"), two.concat()).unwrap();
    refusal("two roots", "organisation.pem");
    root();

    std::fs::set_permissions(node.key("node.key"), PermissionsExt::from_mode(0o644)).unwrap();
    refusal("a key that everybody can read", "node.key");
    std::fs::set_permissions(node.key("node.key"), PermissionsExt::from_mode(0o600)).unwrap();

    // The whole identity of another organisation beside this database.
    let all = ["node.key", "node.pem", "organisation.pem"];
    let back: Vec<_> = all.iter().map(|name| restore(name)).collect();
    for name in all {
        std::fs::copy(other.key(name), node.key(name)).unwrap();
    }
    refusal("another node beside this database", "noroshi.db");
    back.into_iter().for_each(|restore| restore());

    // Nothing of this has left a mark.
    process::run(&["--data", node.data.to_str().unwrap(), "check"], &City::environment());
    let file = node.home.path().join("a file");
    std::fs::write(&file, "not a folder").unwrap();
    let said = process::refused(&["--data", file.to_str().unwrap(), "serve"], &City::environment());
    assert!(said.contains("a file"), "{said}");
}
