//! Numbers of the entry kinds of the ledger. Never reused, never renumbered.
//!
//! Reserved for what comes later: 261 `TimeMark`, 262 `NodeRevoke`, 263 `NodeWitness`, 264 `AdministratorKeyEnd`,
//! 265 `InviteCancel`, 266 `NodeMove`, 267 `PartnerAdmit`, 275 `UserSuspend`, 276 `UserLift`, 277 `UserEnd`,
//! 278 `DeviceEnrol`, 279 `DeviceSuspend`, 280 `DeviceLift`, 281 `GuestInvite`, 289 `VerifierShare`,
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
/// Directory: a person.
pub const USER_SET: u16 = 272;
/// Directory: a person has a role.
pub const ROLE_GRANT: u16 = 273;
/// Directory: a person has a role no more.
pub const ROLE_REMOVE: u16 = 274;
/// Secrets of an office: what a password is checked against.
pub const PASSWORD_VERIFIER: u16 = 288;
