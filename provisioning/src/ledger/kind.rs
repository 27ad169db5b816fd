//! Numbers of the entry kinds of the ledger. Never reused, never renumbered.
//!
//! Reserved for what comes later: 266 `NodeMove`, 267 `PartnerAdmit`, 277 `UserEnd`, 281 `GuestInvite`,
//! 290 `RecoveryCodes`.

/// Public ledger: an office and its properties.
pub const OFFICE_SET: u16 = 256;
/// Public ledger: a one-time permission to join.
pub const NODE_INVITE: u16 = 257;
/// Public ledger: a node belongs to an office.
pub const NODE_ENROL: u16 = 258;
/// Public ledger: where a node says it may be reached.
pub const NODE_ADDRESSES: u16 = 259;
/// Public ledger: the public half of an administrator's key.
pub const ADMINISTRATOR_KEY: u16 = 260;
/// Public ledger: the time by headquarters.
pub const TIME_MARK: u16 = 261;
/// Public ledger: a node is no node of the organisation any more.
pub const NODE_REVOKE: u16 = 262;
/// Any room: what a holder had of the logs of a revoked node.
pub const WITNESS: u16 = 263;
/// Public ledger: an administrator's key is used no more.
pub const ADMINISTRATOR_KEY_END: u16 = 264;
/// Public ledger: an invitation is withdrawn.
pub const INVITE_CANCEL: u16 = 265;
/// Public ledger: what the organisation demands of devices and sessions.
pub const POLICY_SET: u16 = 268;
/// Directory: the rules of use that everybody accepts.
pub const RULES_SET: u16 = 269;
/// Directory: an administrator asks for a key of theirs to be named.
pub const ADMINISTRATOR_KEY_REQUEST: u16 = 270;
/// Directory: a person.
pub const USER_SET: u16 = 272;
/// Directory: a person has a role.
pub const ROLE_GRANT: u16 = 273;
/// Directory: a person has a role no more.
pub const ROLE_REMOVE: u16 = 274;
/// Directory: a person is suspended.
pub const USER_SUSPEND: u16 = 275;
/// Directory: suspensions of a person are lifted.
pub const USER_LIFT: u16 = 276;
/// Directory: a device of a person.
pub const DEVICE_ENROL: u16 = 278;
/// Directory: a device is suspended.
pub const DEVICE_SUSPEND: u16 = 279;
/// Directory: suspensions of a device are lifted.
pub const DEVICE_LIFT: u16 = 280;
/// Directory: a post or team, who holds it, and who stands in.
pub const POST_SET: u16 = 282;
/// Directory: what else is known of a person.
pub const USER_DETAIL: u16 = 283;
/// Directory: a change of a person that takes force later.
pub const USER_TRANSFER: u16 = 284;
/// Directory: somebody asks for a device code for a person.
pub const DEVICE_REQUEST: u16 = 285;
/// Directory: what became of such a request.
pub const DEVICE_REQUEST_END: u16 = 286;
/// Directory: a person accepted the rules of use.
pub const RULES_ACCEPTED: u16 = 287;
/// Secrets of an office: what a password is checked against.
pub const PASSWORD_VERIFIER: u16 = 288;
/// Public ledger: the people of one office may log in at another.
pub const ROAMING_SET: u16 = 289;
