//! What a person sees of themselves: who they are, on which device, at which node.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OfficeRef, Role, Time, UserView};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    pub id: uuid::Uuid,
    pub enrolled: bool,
    pub name: String,
    /// It has a key of its own.
    pub signs: bool,
    /// Of the key it signs with: the first 8 bytes of the SHA-256 of the public key (65 bytes), in hexadecimal.
    pub key_id: Option<String>,
}

/// The passcode of a device at this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasscodeView {
    pub set: bool,
    pub required: bool,
}

/// What a person should know of their own password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordState {
    /// It was handed over on paper and should be replaced by one of the person's own choice.
    pub initial: bool,
    /// Nothing else is asked at a log-in, so a new one needs 15 characters instead of 8.
    pub alone: bool,
}

/// What a change of a password has not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordChanged {
    /// The person's administrator's key here has a password of its own, and keeps it.
    pub key_apart: bool,
}

/// The rules of use, as far as they wait for a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RulesState {
    pub version: uuid::Uuid,
    pub accepted: bool,
}

/// The node a person is logged in at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeRef {
    pub id: String,
    pub short: String,
    pub name: String,
    pub office: Option<OfficeRef>,
}

/// A session that was just begun.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogIn {
    /// 256 random bits in base64url; stored here only as a hash.
    pub token: String,
    pub user: UserView,
    pub device: DeviceView,
    /// Only once, for a device that was just enrolled: proves at later log-ins that it is this device. Browsers get it in
    /// a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_secret: Option<String>,
    pub node: NodeRef,
}

/// `GET /me`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MeView {
    pub user: UserView,
    pub roles: Vec<Role>,
    pub device: DeviceView,
    pub node: NodeRef,
    /// Until then the session goes on without being used.
    pub lease_until: Time,
    pub passcode: PasscodeView,
    /// The passcode is to be given before anything else.
    pub locked: bool,
    pub idle_lock_minutes: u16,
    pub rules: Option<RulesState>,
    pub password: PasswordState,
    /// Settings of the app come with a later version; an empty object now.
    pub settings: serde_json::Map<String, serde_json::Value>,
}
