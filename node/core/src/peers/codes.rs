//! The stable words of all alarms. docs/operations.md says of each what it means and what is to be done.

/// A node has signed two histories.
pub const FORK: &str = "fork";
/// Two running programs are one node.
pub const DOUBLED: &str = "doubled";
/// The certificate of this node ends soon.
pub const CERTIFICATE: &str = "certificate";
/// A peer sent what its writer did not sign.
pub const FORGED: &str = "forged";
/// This node and a peer do not come to hold the same.
pub const DIVERGED: &str = "diverged";
/// Records of this node are missing or damaged.
pub const RECORDS_MISSING: &str = "records_missing";
/// Records of this node came back from another one.
pub const RECORDS_RETURNED: &str = "records_returned";
/// Many people or devices were stopped in a short time.
pub const MANY_SUSPENSIONS: &str = "many_suspensions";
/// A peer has not been heard for long.
pub const UNREACHABLE: &str = "unreachable";
/// People have cut the line here.
pub const CUT_HERE: &str = "cut_here";
/// People have cut the line at the other node.
pub const CUT_THERE: &str = "cut_there";
/// The clock of a peer is wrong, or that of this node.
pub const CLOCK: &str = "clock";

pub const ALL: [&str; 12] = [
    FORK,
    DOUBLED,
    CERTIFICATE,
    FORGED,
    DIVERGED,
    RECORDS_MISSING,
    RECORDS_RETURNED,
    MANY_SUSPENSIONS,
    UNREACHABLE,
    CUT_HERE,
    CUT_THERE,
    CLOCK,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::ALL;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    #[test]
    fn operators_are_told_what_every_alarm_means_and_what_to_do() {
        let page = std::fs::read_to_string(Path::new(ROOT).join("docs/operations.md")).unwrap();
        let sections: Vec<&str> = page.split("\n### `").skip(1).collect();
        let told: BTreeSet<&str> = sections.iter().filter_map(|section| section.split('`').next()).collect();
        assert_eq!(told, ALL.into_iter().collect::<BTreeSet<_>>(), "a section for each code, and none for others");
        for section in sections {
            assert!(section.contains("**意味**") && section.contains("**対応**"), "{section}");
            let summary = section.lines().nth(1).unwrap();
            assert!(summary.starts_with('*') && summary.is_ascii(), "one sentence in English: {summary}");
        }
    }

    /// No alarm is raised under a word that is not in the list: only constants stand where a code is expected.
    #[test]
    fn codes_are_written_down_here_alone() {
        for file in sources(&Path::new(ROOT).join("node/core/src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for raised in ["Happening::Alert { code: \"", ".alert(\"", "PeerAlarmView { code: \""] {
                assert!(!code.contains(raised), "{}: {raised}", file.display());
            }
        }
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
        entries.flat_map(below).filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
    }
}
