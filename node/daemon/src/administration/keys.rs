//! Administrators' keys from the command line, and the way back by the root key.

use noroshi_node::Node;
use noroshi_provisioning::ledger::{Directory, LedgerWriter};
use noroshi_provisioning::recovery::recovery_sheet;
use noroshi_provisioning::sealed::{seal_administrator, unseal_root};
use noroshi_provisioning::{AdministratorKey, Fingerprint, Role, RootKey, key::KeyPair};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde_json::{Value, json};

use super::{acting, append, blocking, find_user, invalid, mint, verifier};
use crate::control::{Administrator, Failure, Reply, Rescue};
use crate::office::Office;

/// Those that wait first.
pub fn list(node: &Node) -> Value {
    let directory = node.directory();
    let name = |user: UserId| directory.user(user).map(|user| user.name.clone());
    let key = |state: &str, id: EntryId, user: UserId, key: &[u8; 32]| {
        let fingerprint = Fingerprint::of_administrator_key(key).to_string();
        json!({"id": id.to_string(), "state": state, "user": {"id": user.to_string(), "name": name(user)},
            "fingerprint": fingerprint})
    };
    let waiting = directory.key_requests().map(|one| key("requested", one.entry, one.user, &one.key));
    let named = directory.administrator_keys().map(|one| key("active", one.entry, one.user, &one.key));
    json!({"keys": waiting.chain(named).collect::<Vec<_>>()})
}

pub async fn approve(office: &Office, login: &str, fingerprint: &str, by: Administrator) -> Reply {
    let user = find_user(office, login)?;
    let directory = office.node.directory();
    let waiting = directory.key_requests().find(|request| request.user == user).map(|request| request.entry);
    let key = waiting.ok_or_else(|| Failure::new("no_request", format!("no key of {login} waits to be approved")))?;
    acting(office, by, async |actor| office.node.approve_key(actor, key, fingerprint).await).await?;
    Ok(json!({"id": key.to_string()}))
}

pub async fn end(office: &Office, key: EntryId, by: Administrator) -> Reply {
    acting(office, by, async |actor| office.node.end_key(actor, key).await).await?;
    Ok(json!({"id": key.to_string()}))
}

/// Signed by the root key, which needs nobody's consent: the role, a new password, a new key, and an end to suspensions.
pub async fn rescue(office: &Office, rescue: Rescue) -> Reply {
    let failed = |error: noroshi_provisioning::authority::KeyFileError| Failure::new("keys", error.to_string());
    let directory = office.node.directory();
    let user = find_user(office, &rescue.login)?;
    let person = directory.user(user).ok_or_else(|| Failure::new("unknown_user", "there is no such person"))?;
    let sealed_root = office.keys.load_sealed_root().map_err(failed)?.ok_or_else(|| {
        Failure::new("no_root_key", "the root key is not here: bring keys/root.key.sealed back from the safe")
    })?;
    let passphrase = rescue.passphrase;
    let root = blocking(move || unseal_root(&passphrase, &sealed_root)).await?;
    let root = root.map_err(|error| Failure::new("wrong_passphrase", error.to_string()))?;
    let verifier = verifier(rescue.password.clone(), rescue.login).await?;
    let pair = KeyPair::generate().map_err(|error| Failure::new("randomness", error.to_string()))?;
    let key = AdministratorKey::new(user, mint(), pair);
    let password = rescue.password;
    let (key, sealed) = blocking(move || {
        let sealed = seal_administrator(&password, &key);
        (key, sealed)
    })
    .await?;
    let sealed = sealed.map_err(|error| Failure::new("password", error.to_string()))?;
    let mut drafts = reinstatement(&directory, &root, user)?;
    let writer = LedgerWriter { directory: &directory, signer: &root, device: DeviceId::NIL };
    drafts.push(writer.password(mint(), user, person.office, verifier).map_err(invalid)?);
    drafts.push(writer.administrator_key(key.entry(), user, key.key().public()).map_err(invalid)?);
    // Beside the one in use: it takes its place when it is first unlocked, and then it counts.
    office.keys.save_requested_administrator(user, &sealed).map_err(failed)?;
    append(office, drafts).await?;
    let sheet = recovery_sheet(office.identity.organisation_name(), &person.name, user, &key);
    Ok(json!({"id": key.entry().to_string(), "recovery": sheet}))
}

fn reinstatement(directory: &Directory, root: &RootKey, user: UserId) -> Result<Vec<Draft>, Failure> {
    let writer = LedgerWriter { directory, signer: root, device: DeviceId::NIL };
    let mut drafts = Vec::new();
    if !directory.suspensions(user).is_empty() || !directory.awaited_suspensions(user).is_empty() {
        drafts.push(writer.lift_user(mint(), user).map_err(invalid)?);
    }
    if !directory.has_role(user, Role::SystemAdmin) {
        drafts.push(writer.grant(mint(), user, Role::SystemAdmin).map_err(invalid)?);
    }
    Ok(drafts)
}
