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
