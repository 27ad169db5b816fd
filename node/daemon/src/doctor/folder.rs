//! The data folder: who can read it, whether it can grow, and whether its file system keeps its promises.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Report;
use crate::folder::DataFolder;

const TOPIC: &str = "フォルダー";
/// Below this the node will soon refuse writes.
const FREE_BYTES_BAD: u64 = 1 << 30;
const FREE_BYTES_LOW: u64 = 5 << 30;
/// File systems over a network, where SQLite's locks do not hold.
const NETWORK_FILE_SYSTEMS: [&str; 8] = ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "glusterfs", "ceph", "9p"];

pub fn look(folder: &DataFolder, report: &mut Report) {
    let exposed = exposed_keys(&folder.keys());
    if exposed.is_empty() {
        report.good(TOPIC, format!("{} と鍵は持ち主だけが読めます", folder.path().display()));
    }
    for path in exposed {
        report.bad(
            TOPIC,
            format!("鍵 {path} をほかの利用者が読めます"),
            format!("chmod 600 {path} を実行してください。読まれた可能性があれば鍵を作り直します。"),
        );
    }
    free_space(folder, report);
    if let Some(kind) = network_file_system(folder.path()) {
        report.bad(
            TOPIC,
            format!("ネットワーク上のファイルシステム（{kind}）にあります"),
            "データベースのロックが働かず壊れるおそれがあります。このマシンのディスクに移してください。",
        );
    }
}

/// Files of the key folder that others can read. Certificates are 0600 too: one rule for all is easier to keep.
fn exposed_keys(keys: &Path) -> Vec<String> {
    let files = std::fs::read_dir(keys).into_iter().flatten().flatten();
    let exposed = files.filter(|file| {
        let is_key = file.file_name().to_str().is_some_and(|name| name.contains(".key") || name == "web.pem");
        is_key && file.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
    });
    exposed.map(|file| file.path().display().to_string()).collect()
}

fn free_space(folder: &DataFolder, report: &mut Report) {
    const TOPIC: &str = "ディスク";
    let free = match fs4::available_space(folder.path()) {
        Ok(free) => free,
        Err(error) => {
            return report.warn(TOPIC, format!("空きを調べられません: {error}"), "ディスクの状態を確かめてください。");
        }
    };
    let text = format!("空き {:.1} GB", free as f64 / 1e9);
    let advice = "不要なファイルを消すか、ディスクを増やしてください。満杯になると投稿を受け付けられません。";
    match free {
        ..FREE_BYTES_BAD => report.bad(TOPIC, text, advice),
        FREE_BYTES_BAD..FREE_BYTES_LOW => report.warn(TOPIC, text, advice),
        _ => report.good(TOPIC, text),
    }
}

fn network_file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let kind = file_system_of(&mounts, path.to_str()?)?;
    NETWORK_FILE_SYSTEMS.contains(&kind).then(|| kind.to_owned())
}

/// The type of the innermost mount that holds `path` (fstab(5): device, mount point, type, …; blanks as `\040`).
fn file_system_of<'a>(mounts: &'a str, path: &str) -> Option<&'a str> {
    let mut best = (0, None);
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (fields.next(), fields.next()) else { continue };
        let point = point.replace("\\040", " ");
        let inside =
            path.strip_prefix(point.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // A later mount on the same point hides the earlier one.
        if inside && point.len() >= best.0 {
            best = (point.len(), Some(kind));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts =
            "/dev/sda1 / ext4 rw 0 0\nhq:/share /srv/共有\\040箱 nfs4 rw 0 0\n/dev/sdb1 /srv/noroshi xfs rw 0 0\n";
        for (path, kind) in [
            ("/home/noroshi", "ext4"),
            ("/srv/共有 箱/noroshi", "nfs4"),
            ("/srv/noroshi", "xfs"),
            ("/srv/noroshi-data", "ext4"),
        ] {
            assert_eq!(file_system_of(mounts, path), Some(kind), "{path}");
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let keys = tempfile::tempdir().unwrap();
        for (name, mode) in [("node.key", 0o600), ("issuing.key", 0o640), ("node.pem", 0o644), ("web.pem", 0o604)] {
            let path = keys.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let mut exposed = exposed_keys(keys.path());
        exposed.sort_unstable();
        assert_eq!(exposed.len(), 2);
        assert!(exposed[0].ends_with("issuing.key") && exposed[1].ends_with("web.pem"));
    }
}
