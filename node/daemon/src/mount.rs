//! On what file system a folder lies. SQLite's locks and its write-ahead log do not hold over a network.

use std::path::{Path, PathBuf};

/// Kinds of file systems that another machine serves.
const NETWORK: &[&str] =
    &["nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "ceph", "lustre", "glusterfs", "sshfs", "davfs"];

/// The kind of the network file system that `path` lies on; `None` for a local one, and where the system does not tell.
pub fn network_file_system(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let path = std::fs::canonicalize(path).ok()?;
    let kind = kind_of(&mounts, &path)?;
    // «fuse.sshfs» is sshfs in user space.
    let name = kind.strip_prefix("fuse.").unwrap_or(kind);
    NETWORK.contains(&name).then(|| kind.to_owned())
}

/// The kind of the mount that holds `path`: the deepest, and of several at one place the last. The form is that of proc(5).
fn kind_of<'m>(mounts: &'m str, path: &Path) -> Option<&'m str> {
    let mut deepest: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((about, source)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (about.split(' ').nth(4), source.split(' ').next()) else { continue };
        let point = unescape(point);
        let depth = point.components().count();
        if path.starts_with(&point) && deepest.is_none_or(|(known, _)| known <= depth) {
            deepest = Some((depth, kind));
        }
    }
    deepest.map(|(_, kind)| kind)
}

/// White space and backslashes stand there as three octal digits.
fn unescape(point: &str) -> PathBuf {
    let space = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    PathBuf::from(space.iter().fold(point.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        22 28 0:21 / /proc rw,nosuid - proc proc rw\n\
        28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
        40 28 0:40 / /srv rw shared:2 - nfs4 10.0.0.5:/export rw\n\
        41 40 254:1 / /srv/local rw - xfs /dev/vdb rw\n\
        42 28 0:42 / /mnt/共有\\040フォルダー rw - cifs //files/share rw\n\
        43 28 0:43 / /mnt/far rw - fuse.sshfs me@far: rw\n\
        garbage\n";

    #[test]
    fn the_deepest_mount_counts() {
        for (path, kind) in [
            ("/home/noroshi", "ext4"),
            ("/srv/noroshi", "nfs4"),
            ("/srv/local/noroshi", "xfs"),
            ("/srvice", "ext4"),
            ("/mnt/共有 フォルダー/noroshi", "cifs"),
            ("/mnt/far", "fuse.sshfs"),
        ] {
            assert_eq!(kind_of(MOUNTS, Path::new(path)), Some(kind), "{path}");
        }
        assert_eq!(kind_of("", Path::new("/")), None);
    }

    #[test]
    fn this_machine_tells() {
        assert_eq!(network_file_system(Path::new("/proc")), None);
        assert_eq!(network_file_system(Path::new("/there/is/nothing")), None);
    }
}
