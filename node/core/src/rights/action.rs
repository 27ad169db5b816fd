//! Everything that needs a right.

/// What somebody wants to do. New ones are refused to everybody until a rule is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    // --- in a room
    SeeRoom,
    Post,
    EditPage,
    RenameRoom,
    ManageMembers,
    LeaveRoom,
    React,
    MarkRead,
    ShowTyping,
    EditMessage,
    RedactMessage,

    // --- as somebody of the organisation
    SeeSelf,
    SeeDirectory,
    SeePeers,
    CreateRoom,
    Search,
    AcceptRules,
    RequestDevice,

    // --- as an administrator or drill controller
    SwitchLinks,
    /// Write a file for other offices, or read one in.
    CarryRecords,
    SeePeople,
    SeeDevices,
    SeeRequests,
    SeeNodes,
    SeeAudit,
    SeeUsage,
    SeeMetrics,
    /// Stop a person.
    Suspend,
    /// Stop a lost phone; everybody may stop their own.
    SuspendDevice,
    IssueCode,
    ManagePosts,

    // --- signed with an administrator's key
    UnlockConsole,
    /// Let a person or a device in again.
    Lift,
    ManagePeople,
    ManageOffices,
    ManageNodes,
    /// Administrators' keys: asking for one, naming, ending, getting one back.
    ManageKeys,
    SetPolicy,
    EditRules,
    /// Erase messages for good.
    EraseContent,
    /// Start a shared document anew.
    RenewDocument,
}

impl Action {
    /// All of them, for tables.
    pub const ALL: [Self; 41] = [
        Self::SeeRoom,
        Self::Post,
        Self::EditPage,
        Self::RenameRoom,
        Self::ManageMembers,
        Self::LeaveRoom,
        Self::React,
        Self::MarkRead,
        Self::ShowTyping,
        Self::EditMessage,
        Self::RedactMessage,
        Self::SeeSelf,
        Self::SeeDirectory,
        Self::SeePeers,
        Self::CreateRoom,
        Self::Search,
        Self::AcceptRules,
        Self::RequestDevice,
        Self::SwitchLinks,
        Self::CarryRecords,
        Self::SeePeople,
        Self::SeeDevices,
        Self::SeeRequests,
        Self::SeeNodes,
        Self::SeeAudit,
        Self::SeeUsage,
        Self::SeeMetrics,
        Self::Suspend,
        Self::SuspendDevice,
        Self::IssueCode,
        Self::ManagePosts,
        Self::UnlockConsole,
        Self::Lift,
        Self::ManagePeople,
        Self::ManageOffices,
        Self::ManageNodes,
        Self::ManageKeys,
        Self::SetPolicy,
        Self::EditRules,
        Self::EraseContent,
        Self::RenewDocument,
    ];
}
