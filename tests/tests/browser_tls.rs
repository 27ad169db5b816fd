//! Certificates for browsers as people meet them: headquarters issues, a branch gets its own over the line, Debian's
//! Chromium trusts the authority, `noroshi doctor` sees what is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use noroshi_provisioning::KeyFolder;
use noroshi_provisioning::browser::{WebIdentity, WebName, check_leaf};
use noroshi_tests::city::{ADMINISTRATOR, City, PASSWORD};
use noroshi_tests::process;
use noroshi_tests::wait::until;
use serde_json::{Value, json};

const NAME: &str = "hq.asanagi.home.arpa";
const BRANCH: &str = "kita.asanagi.home.arpa";

/// Adds the addresses for HTTPS and the helper, and a name, to an office's configuration; (https, helper) ports.
fn speak_https(data: &Path, name: &str) -> (u16, u16) {
    let (https, helper) = (process::free_port(), process::free_port());
    let path = data.join("noroshi.toml");
    let mut config: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let web = config["web"].as_table_mut().unwrap();
    let list = |text: String| toml::Value::Array(vec![text.into()]);
    web.insert("https".into(), list(format!("127.0.0.1:{https}")));
    web.insert("helper".into(), list(format!("127.0.0.1:{helper}")));
    web.insert("names".into(), list(name.to_owned()));
    std::fs::write(path, config.to_string()).unwrap();
    (https, helper)
}

/// What the office shows to browsers, once it is there.
async fn web_identity(city: &City, office: usize) -> WebIdentity {
    let keys = KeyFolder::in_data_folder(&city.offices[office].data);
    until("a certificate for browsers", Duration::from_secs(30), || async { keys.load_web().unwrap() }).await
}

/// `noroshi doctor --json` and whether it found nothing ✗.
fn doctor(data: &Path) -> (Value, bool) {
    let output = Command::new(process::binary())
        .args(["--data", data.to_str().unwrap(), "doctor", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"] == true, output.status.success(), "{report}");
    (report, output.status.success())
}

fn marks(report: &Value, topic: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["topic"] == topic);
    findings.map(|finding| finding["mark"].as_str().unwrap().to_owned()).collect()
}

/// What `doctor` says of names that the certificate lacks.
fn missing_names(report: &Value) -> String {
    let findings = report["findings"].as_array().unwrap().iter();
    let texts = findings.filter_map(|finding| finding["text"].as_str());
    texts.filter(|text| text.starts_with("証明書にない")).collect()
}

/// A home folder whose browser trusts this authority.
fn home_that_trusts(home: &Path, authority: &[u8]) {
    let database = home.join(".pki/nssdb");
    std::fs::create_dir_all(&database).unwrap();
    let certificate = home.join("ca.crt");
    std::fs::write(&certificate, authority).unwrap();
    let database = format!("sql:{}", database.display());
    for arguments in
        [vec!["-N", "--empty-password"], vec!["-A", "-t", "C,,", "-n", "noroshi", "-i", certificate.to_str().unwrap()]]
    {
        let output = Command::new("certutil").args(["-d", &database]).args(arguments).output();
        let output = output.expect("certutil of Debian's libnss3-tools, which ./test installs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn visit(home: &Path, office: &Value, untrusted: &str) {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let output = Command::new("node")
        .arg("https.mjs")
        .current_dir(browser)
        .envs([("NOROSHI_HTTPS", office.to_string().as_str()), ("NOROSHI_UNTRUSTED", untrusted)])
        .env("HOME", home)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}");
}

#[tokio::test]
async fn a_browser_that_trusts_the_authority_works_offline_over_https() {
    let mut city = City::found(&["本庁"]).await;
    city.stop(0);
    let (https, helper) = speak_https(&city.offices[0].data, NAME);
    city.start(0).await;
    let web = web_identity(&city, 0).await;
    let mut client = city.log_in(0, ADMINISTRATOR).await;
    let room = json!({"name": "災害対策本部", "kind": "group", "members": []});
    client.post("/api/v1/rooms", &room).await.ok();

    let office = json!({
        "url": format!("https://{NAME}:{https}/"), "helper": format!("http://{NAME}:{helper}/"), "host": NAME,
        "login": ADMINISTRATOR, "password": PASSWORD, "room": "災害対策本部",
    });
    let (trusting, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    home_that_trusts(trusting.path(), &web.authority);
    visit(trusting.path(), &office, "0");
    visit(other.path(), &office, "1");
    city.stop(0);
    city.assert_clean(0);
}

#[tokio::test]
async fn a_branch_gets_its_certificate_from_headquarters_and_never_headquarters_name() {
    let mut city = City::found(&["本庁", "北支所"]).await;
    for (office, name) in [(0, NAME), (1, BRANCH)] {
        city.stop(office);
        speak_https(&city.offices[office].data, name);
        city.start(office).await;
    }
    let (headquarters, branch) = (web_identity(&city, 0).await, web_identity(&city, 1).await);
    assert_eq!(headquarters.authority, branch.authority);
    let names = |name: &str| [name, "localhost", "127.0.0.1"].map(|name| name.parse::<WebName>().unwrap());
    check_leaf(&headquarters.authority, &headquarters.leaf, &names(NAME)).unwrap();
    check_leaf(&headquarters.authority, &branch.leaf, &names(BRANCH)).unwrap();

    let (report, _) = doctor(&city.offices[1].data);
    // Both nodes of the test are on one machine, so its host name is headquarters'.
    assert_eq!(marks(&report, "ブラウザー用の証明書")[0], "good", "{report}");
    assert!(!missing_names(&report).contains(BRANCH), "{report}");
    assert!(marks(&report, "ポート").iter().all(|mark| mark == "good"), "{report}");
    assert_eq!(marks(&report, "名前"), ["warn"], "no name server knows it: {report}");

    // Half a file, as a full disk may leave it: got anew.
    city.stop(1);
    std::fs::write(city.offices[1].data.join("keys/web.pem"), "-----BEGIN").unwrap();
    city.start(1).await;
    let keys = KeyFolder::in_data_folder(&city.offices[1].data);
    let branch =
        until("a whole certificate", Duration::from_secs(30), || async { keys.load_web().ok().flatten() }).await;

    // A branch that claims to be headquarters gets its own addresses and nothing more.
    city.stop(1);
    speak_https(&city.offices[1].data, NAME);
    let before = branch.leaf;
    city.start(1).await;
    let claimed = until("another certificate", Duration::from_secs(30), || async {
        keys.load_web().unwrap().filter(|web| web.leaf != before)
    })
    .await;
    let leaf = check_leaf(&claimed.authority, &claimed.leaf, &[]).unwrap();
    assert!(!leaf.names.contains(&NAME.parse().unwrap()), "{:?}", leaf.names);
    let (report, is_good) = doctor(&city.offices[1].data);
    assert!(is_good && missing_names(&report).contains(NAME), "{report}");
}

#[tokio::test]
async fn the_doctor_finds_what_hinders_people() {
    let mut city = City::found(&["本庁"]).await;
    let data = city.offices[0].data.clone();
    let (report, is_good) = doctor(&data);
    assert!(is_good, "{report}");
    city.stop(0);
    let (report, is_good) = doctor(&data);
    assert!(is_good && marks(&report, "ノード") == ["warn"], "{report}");

    let taken = std::net::TcpListener::bind(("127.0.0.1", speak_https(&data, NAME).0)).unwrap();
    let (report, is_good) = doctor(&data);
    assert!(!is_good && marks(&report, "ポート").contains(&"bad".to_owned()), "{report}");
    assert_eq!(marks(&report, "ブラウザー用の証明書"), ["bad"], "none yet: {report}");
    drop(taken);

    let key = data.join("keys/issuing.key");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let (report, is_good) = doctor(&data);
    assert!(!is_good && marks(&report, "フォルダー").contains(&"bad".to_owned()), "{report}");

    std::fs::write(data.join("noroshi.toml"), "[web]\nlistn = []\n").unwrap();
    assert_eq!(marks(&doctor(&data).0, "設定"), ["bad"]);
}

/// A command that is to fail; what it said.
fn fails(data: &Path, arguments: &[&str], passphrase: &str) -> String {
    let output = Command::new(process::binary())
        .args(["--data", data.to_str().unwrap()])
        .args(arguments)
        .envs(City::environment())
        .env("NOROSHI_PASSPHRASE", passphrase)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_node_that_joins_has_its_certificate_before_it_first_runs() {
    let city = City::found(&["本庁"]).await;
    let code = city.command(0, &["invite-node", "--office", "南支所", "--login", ADMINISTRATOR]);
    let code = code.split_whitespace().find(|word| word.starts_with("NOROSHI1-")).unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("minami");
    let https = format!("127.0.0.1:{}", process::free_port());
    let name = "minami.asanagi.home.arpa";
    let arguments = ["--data", data.to_str().unwrap(), "join", &code, "--https", &https, "--web-name", name];
    process::run(&arguments, &City::environment());
    let web = KeyFolder::in_data_folder(&data).load_web().unwrap().unwrap();
    check_leaf(&web.authority, &web.leaf, &[name.parse().unwrap()]).unwrap();
}

#[tokio::test]
async fn the_authority_comes_back_from_the_safe_by_its_passphrase() {
    let mut city = City::found(&["本庁"]).await;
    city.stop(0);
    let data = city.offices[0].data.clone();
    let keys = KeyFolder::in_data_folder(&data);
    let before = keys.load_browser_authority().unwrap().unwrap();
    std::fs::remove_file(data.join("keys/browser-ca.key")).unwrap();
    assert!(marks(&doctor(&data).0, "ブラウザー用の認証局").contains(&"warn".to_owned()));

    assert!(fails(&data, &["browser-ca", "create"], "root-passphrase").contains("already"));
    assert!(fails(&data, &["browser-ca", "restore"], "another passphrase").contains("password is wrong"));
    city.command(0, &["browser-ca", "restore"]);
    let after = keys.load_browser_authority().unwrap().unwrap();
    assert_eq!(after.certificate(), before.certificate());

    // An organisation that was founded before there were such authorities.
    for file in ["browser-ca.key", "browser-ca.key.sealed", "browser-ca.pem"] {
        std::fs::remove_file(data.join("keys").join(file)).unwrap();
    }
    assert!(fails(&data, &["browser-ca", "create"], "another passphrase").contains("password is wrong"));
    assert!(fails(&data, &["browser-ca", "create", "--domain", "jp"], "root-passphrase").contains("not a domain"));
    city.command(0, &["browser-ca", "create", "--domain", "bousai.asanagi.example"]);
    assert_eq!(keys.load_browser_authority().unwrap().unwrap().reach().domain(), "bousai.asanagi.example");
}

#[tokio::test]
async fn a_node_that_cannot_serve_browsers_says_why() {
    let mut city = City::found(&["本庁"]).await;
    city.stop(0);
    let data = city.offices[0].data.clone();
    let (https, _) = speak_https(&data, NAME);
    let taken = std::net::TcpListener::bind(("127.0.0.1", https)).unwrap();
    let said = fails(&data, &["serve"], "");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{https}")), "{said}");
    drop(taken);

    let path = data.join("noroshi.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let (cert, key) = (data.join("cert.pem"), data.join("鍵 key.pem"));
    let mut table: toml::Table = config.parse().unwrap();
    let tls = table["web"]["tls"].as_table_mut().unwrap();
    tls.insert("cert".into(), cert.to_str().unwrap().into());
    tls.insert("key".into(), key.to_str().unwrap().into());
    std::fs::write(&path, table.to_string()).unwrap();
    assert!(fails(&data, &["serve"], "").contains("鍵 key.pem"), "missing files are named");
    std::fs::write(&cert, "nothing").unwrap();
    std::fs::write(&key, "nothing").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(fails(&data, &["serve"], "").contains("can be read by every user"));
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(fails(&data, &["serve"], "").contains("holds no certificate in PEM"));
}
