//! What each call needs: the table that a reader of rights begins with. A call without a line is refused.

use axum::extract::MatchedPath;
use http::request::Parts;
use noroshi_node::rights::Action;
use noroshi_node::view::Actor;
use noroshi_node::{Gate, Node, Target};

use crate::problem::Problem;

/// Who may make a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Whoever is logged in, also while the passcode is to be given.
    Locked,
    /// Whoever is logged in; what comes back depends on the person.
    Anybody,
    /// Members of the room in the path; what they may do in it is asked where it is done.
    Member,
    /// Whoever may do this in the organisation; whether to this thing is asked where it is done.
    May(Action),
    /// Whoever may do this to the person in the path.
    To(Action),
}

use Rule::{Anybody, Locked, May, Member, To};

/// Method, path, who. In the order of the contract.
#[rustfmt::skip]
pub const RULES: &[(&str, &str, Rule)] = &[
    ("DELETE", "/api/v1/session", Locked),
    ("POST", "/api/v1/session/lock", Locked),
    ("POST", "/api/v1/session/unlock", Locked),
    ("PUT", "/api/v1/session/passcode", May(Action::SeeSelf)),
    ("GET", "/api/v1/me", Locked),
    ("PUT", "/api/v1/me/password", May(Action::SeeSelf)),
    ("GET", "/metrics", May(Action::SeeMetrics)),
    ("GET", "/api/v1/peers", May(Action::SeePeers)),
    ("GET", "/api/v1/peers/cuts", May(Action::SeePeers)),
    ("GET", "/api/v1/peers/map", May(Action::SeePeers)),
    ("PUT", "/api/v1/peers/{node}/link", May(Action::SwitchLinks)),
    ("GET", "/api/v1/events", Anybody),
    ("GET", "/api/v1/events/stream", Anybody),
    // rooms
    ("GET", "/api/v1/rooms", Anybody),
    ("POST", "/api/v1/rooms", May(Action::CreateRoom)),
    ("GET", "/api/v1/rooms/{room}", Member),
    ("PATCH", "/api/v1/rooms/{room}", Member),
    ("GET", "/api/v1/rooms/{room}/members", Member),
    ("PUT", "/api/v1/rooms/{room}/members/{user}", Member),
    ("DELETE", "/api/v1/rooms/{room}/members/{user}", Member),
    ("GET", "/api/v1/rooms/{room}/messages", Member),
    ("PUT", "/api/v1/rooms/{room}/messages/{message}", Member),
    ("PATCH", "/api/v1/rooms/{room}/messages/{message}", Member),
    ("DELETE", "/api/v1/rooms/{room}/messages/{message}", Member),
    ("PUT", "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}", Member),
    ("DELETE", "/api/v1/rooms/{room}/messages/{message}/reactions/{stamp}", Member),
    ("PUT", "/api/v1/rooms/{room}/read", Member),
    ("GET", "/api/v1/rooms/{room}/messages/{message}/receipts", Member),
    // files: whoever may see one is asked inside
    ("POST", "/api/v1/attachments", Anybody),
    ("GET", "/api/v1/attachments/{hash}", Anybody),
    ("POST", "/api/v1/attachments/{hash}/fetch", Anybody),
    ("DELETE", "/api/v1/attachments/{hash}/fetch", Anybody),
    // the organisation as everybody sees it
    ("GET", "/api/v1/users", May(Action::SeeDirectory)),
    ("GET", "/api/v1/offices", May(Action::SeeDirectory)),
    ("GET", "/api/v1/posts", May(Action::SeeDirectory)),
    ("GET", "/api/v1/policy", May(Action::SeeSelf)),
    ("GET", "/api/v1/rules", May(Action::SeeSelf)),
    ("POST", "/api/v1/rules/acceptance", May(Action::AcceptRules)),
    // devices
    ("GET", "/api/v1/devices", Anybody),
    ("POST", "/api/v1/devices/{device}/suspension", Anybody),
    ("DELETE", "/api/v1/devices/{device}/suspension", May(Action::Lift)),
    ("GET", "/api/v1/device-requests", Anybody),
    ("POST", "/api/v1/device-requests", Anybody),
    ("POST", "/api/v1/device-requests/{request}/decline", May(Action::SeeRequests)),
    ("POST", "/api/v1/device-codes", May(Action::SeeRequests)),
    // people
    ("GET", "/api/v1/people", May(Action::SeePeople)),
    ("POST", "/api/v1/people", May(Action::ManagePeople)),
    ("GET", "/api/v1/people/{user}", To(Action::SeePeople)),
    ("PATCH", "/api/v1/people/{user}", To(Action::ManagePeople)),
    ("POST", "/api/v1/people/{user}/password", To(Action::ManagePeople)),
    ("PUT", "/api/v1/people/{user}/roles/{role}", To(Action::ManagePeople)),
    ("DELETE", "/api/v1/people/{user}/roles/{role}", To(Action::ManagePeople)),
    ("POST", "/api/v1/people/{user}/suspension", To(Action::Suspend)),
    ("DELETE", "/api/v1/people/{user}/suspension", To(Action::Lift)),
    ("GET", "/api/v1/imports", May(Action::ManagePeople)),
    ("POST", "/api/v1/imports", May(Action::ManagePeople)),
    ("GET", "/api/v1/imports/{import}", May(Action::ManagePeople)),
    ("POST", "/api/v1/imports/{import}/apply", May(Action::ManagePeople)),
    ("POST", "/api/v1/imports/{import}/undo", May(Action::ManagePeople)),
    // administration
    ("GET", "/api/v1/console", Anybody),
    ("POST", "/api/v1/console", May(Action::UnlockConsole)),
    ("DELETE", "/api/v1/console", Anybody),
    ("GET", "/api/v1/administrator-keys", May(Action::ManageKeys)),
    ("POST", "/api/v1/administrator-keys", May(Action::ManageKeys)),
    ("POST", "/api/v1/administrator-keys/restoration", May(Action::ManageKeys)),
    ("POST", "/api/v1/administrator-keys/{key}/approval", May(Action::ManageKeys)),
    ("DELETE", "/api/v1/administrator-keys/{key}", May(Action::ManageKeys)),
    ("POST", "/api/v1/posts", May(Action::SeeRequests)),
    ("PUT", "/api/v1/posts/{post}", May(Action::SeeRequests)),
    ("DELETE", "/api/v1/posts/{post}", May(Action::SeeRequests)),
    ("POST", "/api/v1/offices", May(Action::ManageOffices)),
    ("PATCH", "/api/v1/offices/{office}", May(Action::ManageOffices)),
    ("GET", "/api/v1/offices/{office}/roaming", May(Action::ManageOffices)),
    ("PUT", "/api/v1/offices/{office}/roaming", May(Action::ManageOffices)),
    ("GET", "/api/v1/nodes", May(Action::SeeNodes)),
    ("POST", "/api/v1/nodes/{node}/revocation", May(Action::ManageNodes)),
    ("GET", "/api/v1/invitations", May(Action::ManageNodes)),
    ("POST", "/api/v1/invitations", May(Action::ManageNodes)),
    ("DELETE", "/api/v1/invitations/{invitation}", May(Action::ManageNodes)),
    ("GET", "/api/v1/usage", May(Action::SeeUsage)),
    ("GET", "/api/v1/audit", May(Action::SeeAudit)),
    ("PUT", "/api/v1/policy", May(Action::SetPolicy)),
    ("PUT", "/api/v1/rules", May(Action::EditRules)),
    ("GET", "/api/v1/rooms/{room}/erasures", May(Action::EraseContent)),
    ("POST", "/api/v1/rooms/{room}/erasures", May(Action::EraseContent)),
    ("POST", "/api/v1/rooms/{room}/page/renewal", May(Action::RenewDocument)),
];

/// What can be done before a passcode is set, where the organisation wants one: setting it, and what leads there.
const BEFORE_PASSCODE: &[(&str, &str)] = &[
    ("PUT", "/api/v1/session/passcode"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/rules"),
    ("POST", "/api/v1/rules/acceptance"),
];

impl Rule {
    /// The rule of the call that a request has reached.
    pub fn of(parts: &Parts) -> Option<Self> {
        let path = parts.extensions.get::<MatchedPath>()?;
        // HEAD is GET without the body.
        let method = if parts.method == http::Method::HEAD { "GET" } else { parts.method.as_str() };
        let line = RULES.iter().find(|(of_method, of_path, _)| *of_method == method && *of_path == path.as_str());
        line.map(|(_, _, rule)| *rule)
    }

    /// Whether a session at this gate may make the call.
    pub fn is_open_at(self, gate: Gate, parts: &Parts) -> bool {
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        match gate {
            Gate::Open => true,
            Gate::Locked => self == Locked,
            Gate::PasscodeDue => {
                let line = |(method, of): &(&str, &str)| *method == parts.method.as_str() && Some(*of) == path;
                BEFORE_PASSCODE.iter().any(line)
            }
        }
    }

    /// Asks for the first time; the deed asks again.
    pub async fn admit(self, node: &Node, actor: &Actor, parts: &Parts) -> Result<(), Problem> {
        let (action, target) = match self {
            Locked | Anybody => return Ok(()),
            May(action) => (action, Some(Target::Organisation)),
            Member => (Action::SeeRoom, of_path(parts, "room").map(Target::Room)),
            To(action) => (action, of_path(parts, "user").map(Target::Person)),
        };
        // An id that cannot be read is refused by the call itself, with a word about its form.
        let Some(target) = target else { return Ok(()) };
        Ok(node.admit(actor, action, target).await?)
    }
}

/// A part of the path by its name in the route.
fn of_path<T: std::str::FromStr>(parts: &Parts, name: &str) -> Option<T> {
    let route = parts.extensions.get::<MatchedPath>()?.as_str();
    let wanted = format!("{{{name}}}");
    let place = route.split('/').position(|segment| segment == wanted)?;
    parts.uri.path().split('/').nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Calls for everybody, logged in or not.
    const PUBLIC: &[(&str, &str)] = &[
        ("POST", "/api/v1/session"),
        ("GET", "/api/v1/node"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
    ];

    #[test]
    fn every_call_has_one_line_and_every_line_a_call() {
        let document: serde_json::Value = serde_json::from_str(&crate::openapi()).unwrap();
        let calls: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = ["get", "post", "put", "patch", "delete"].into_iter();
                methods.filter(|method| item.get(method).is_some()).map(|method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let lines = RULES.iter().map(|(method, path, _)| (*method, *path)).chain(PUBLIC.iter().copied());
        let lines: Vec<(String, String)> = lines.map(|(method, path)| (method.into(), path.into())).collect();
        let distinct: BTreeSet<_> = lines.iter().cloned().collect();
        assert_eq!(distinct.len(), lines.len(), "a call has two lines");
        assert_eq!(calls, distinct);
    }
}
