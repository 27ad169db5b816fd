//! Every limit of provisioning as a named constant.

/// Longest name (person, office, node, organisation, room founder's label) and its reading in kana, characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Longest section (課) or post (職名), characters.
pub const SECTION_CHARS_MAX: usize = 100;
/// Longest log-in name, bytes of `[a-z0-9._@-]`.
pub const LOGIN_BYTES_MAX: usize = 64;
/// Addresses of one node.
pub const ADDRESSES_MAX: usize = 16;
/// Longest DNS name in an address, bytes (RFC 1035).
pub const HOST_BYTES_MAX: usize = 253;
/// Entries that one entry may replace or lift. Sixteen kilobytes of ids; an honest cell has one or two.
pub const REFERENCES_MAX: usize = 1_000;
/// Longest password verifier (PHC string), bytes.
pub const VERIFIER_BYTES_MAX: usize = 256;
/// Longest password, bytes after normalisation: caps what one attempt can cost.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Shortest password, characters after normalisation.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Shortest password where nothing else is asked (NIST SP 800-63B-4, 3.1.1.2).
pub const PASSWORD_ALONE_CHARS_MIN: usize = 15;
/// People named one by one in a room. Checked where people are added, not where entries are judged: two islands may
/// together exceed it, and nobody may vanish for that.
pub const ROOM_MEMBERS_MAX: usize = 1_000;
/// Largest certificate, DER bytes (ours have about 500).
pub const CERTIFICATE_BYTES_MAX: usize = 8 * 1024;
/// Addresses in one join code.
pub const JOIN_CODE_ADDRESSES_MAX: usize = 4;
/// Longest join code, characters as typed (the largest genuine one has about 2,000).
pub const JOIN_CODE_CHARS_MAX: usize = 4_096;
/// Largest join message, bytes.
pub const JOIN_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Text of a join request or a join approval, bytes.
pub const JOIN_FILE_BYTES_MAX: usize = 64 * 1024;
/// Text of a file that brings a new node its certificate and its part of the ledger, bytes.
pub const JOIN_CERTIFICATE_FILE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// A request older than this is not approved any more, milliseconds.
pub const JOIN_REQUEST_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// Largest sealed secret file, bytes.
pub const SEALED_BYTES_MAX: usize = 4 * 1024;
/// Names and addresses in one browser certificate.
pub const WEB_NAMES_MAX: usize = 32;
/// Names that one node may hold by all its browser certificates that are still valid.
pub const WEB_NAMES_HELD_MAX: usize = 128;
/// Largest request for a browser certificate and largest answer, bytes.
pub const LEAF_MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Longest reason, remark or name of a device, characters.
pub const REASON_CHARS_MAX: usize = 200;
/// Longest field of a person's details (address of mail, qualifications, place of muster), characters.
pub const DETAIL_CHARS_MAX: usize = 200;
/// Longest rules of use, characters.
pub const RULES_CHARS_MAX: usize = 15_000;
/// Holders, and deputies, of one post.
pub const POST_PEOPLE_MAX: usize = 200;
/// Logs in one witness; a holder of more writes several.
pub const WITNESS_LOGS_MAX: usize = 2_000;
/// Headquarters may by itself move the signed time on by this much at once, milliseconds (DESIGN §6: 48 hours).
pub const TIME_MARK_STEP_MS_MAX: u64 = 48 * 3_600_000;
/// Details of one audit event.
pub const AUDIT_DETAILS_MAX: usize = 8;
/// Longest name of such a detail, bytes of `[a-z_]`.
pub const AUDIT_KEY_CHARS_MAX: usize = 32;
/// Longest value of such a detail, characters.
pub const AUDIT_VALUE_CHARS_MAX: usize = 200;
/// Audit events of one act; beyond that one event for each kind says how many there were.
pub const AUDIT_EVENTS_OF_ACT_MAX: usize = 20;
/// Entries that one act erases: with their hashes about 18 KiB.
pub const ERASED_ENTRIES_MAX: usize = 500;
/// Messages that one act erases.
pub const ERASED_MESSAGES_MAX: usize = 200;
