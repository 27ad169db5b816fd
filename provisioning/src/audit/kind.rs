//! What can happen. The numbers stand in entries and are never reused; the names stand in the API.

/// Entry kind. Audit room of an office: what happened there.
pub const AUDIT_EVENT: u16 = 320;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// A sort of event.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum AuditKind {
            $($(#[$doc])* $name = $number,)*
        }

        impl AuditKind {
            /// All of them, for tables and filters.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    LogIn = 1, "log_in";
    /// Folded: a count of attempts.
    LogInRefused = 2, "log_in_refused";
    LogOut = 3, "log_out";
    /// Sessions ended before their time: by a stop or a new password.
    SessionsEnded = 4, "sessions_ended";
    ConsoleUnlocked = 5, "console_unlocked";
    /// Folded.
    ConsoleRefused = 6, "console_refused";
    /// Folded.
    PasscodeRefused = 7, "passcode_refused";
    /// Somebody asked for what their roles do not allow. Folded.
    Forbidden = 8, "forbidden";

    UserSuspended = 16, "user_suspended";
    UserLifted = 17, "user_lifted";
    DeviceSuspended = 18, "device_suspended";
    DeviceLifted = 19, "device_lifted";
    DeviceRequested = 20, "device_requested";
    DeviceRequestDeclined = 21, "device_request_declined";
    DeviceCodeIssued = 22, "device_code_issued";
    DeviceEnrolled = 23, "device_enrolled";

    PersonAdded = 32, "person_added";
    PersonChanged = 33, "person_changed";
    TransferPlanned = 34, "transfer_planned";
    RoleGranted = 35, "role_granted";
    RoleRemoved = 36, "role_removed";
    PasswordSet = 37, "password_set";
    PostChanged = 38, "post_changed";
    PostEnded = 39, "post_ended";
    /// A staff list was read and compared; nothing is changed yet.
    ImportRead = 40, "import_read";
    /// Its letters with first passwords were handed out, too.
    ImportApplied = 41, "import_applied";
    ImportUndone = 42, "import_undone";

    OfficeAdded = 48, "office_added";
    OfficeChanged = 49, "office_changed";
    NodeInvited = 50, "node_invited";
    InvitationCancelled = 51, "invitation_cancelled";
    NodeJoined = 52, "node_joined";
    NodeRevoked = 53, "node_revoked";
    RoamingChanged = 54, "roaming_changed";
    AdministratorKeyAdded = 55, "administrator_key_added";
    AdministratorKeyEnded = 56, "administrator_key_ended";
    PolicyChanged = 57, "policy_changed";
    RulesChanged = 58, "rules_changed";
    AdministratorKeyRequested = 59, "administrator_key_requested";

    /// Content of a room was erased for good.
    ContentErased = 60, "content_erased";
    /// A shared document was closed and its successor started.
    PageRenewed = 61, "page_renewed";

    /// The node holds less than it had signed: its store was cut short, or is an older copy.
    RecordsMissing = 64, "records_missing";
    /// Entries that this node had written came back from another.
    RecordsReturned = 65, "records_returned";
    /// A session with another node raised an alarm: two histories, a forged signature, sums that differ.
    Alarm = 66, "alarm";

    /// Everything of this node left it in one encrypted file.
    BackupMade = 72, "backup_made";
    /// Rooms left it in a file for other nodes.
    BundleExported = 73, "bundle_exported";
    BundleImported = 74, "bundle_imported";
}

impl AuditKind {
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// `None` for an event of a later program.
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_one_to_one_and_golden() {
        let mut lines = String::new();
        for kind in AuditKind::ALL {
            assert_eq!(AuditKind::of_number(kind.number()), Some(*kind));
            assert_eq!(AuditKind::of_name(kind.name()), Some(*kind));
            lines += &format!("{} {}\n", kind.number(), kind.name());
        }
        insta::assert_snapshot!(lines);
        assert_eq!(AuditKind::of_number(9_999), None);
    }
}
