//! What administrators do from the command line: people, passwords, invitations. Every entry is signed by the
//! administrator's own key, which is unsealed with the password for this one act.

use noroshi_provisioning::authority::KeyFileError;
use noroshi_provisioning::ledger::{Directory, LedgerWriter, NodeInvite, OfficeSet, User, UserSet};
use noroshi_provisioning::password::make_verifier;
use noroshi_provisioning::sealed::unseal_administrator;
use noroshi_provisioning::{AdministratorKey, JoinCode, OfficeId, OfficeKind, Role, join};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde_json::{Value, json};

use crate::control::{Administrator, Failure, Invitation, NewPerson, Reply, Request};
use crate::office::{Office, random, wall_ms};

pub async fn execute(office: &Office, request: Request) -> Reply {
    match request {
        Request::Status => status(office).await,
        Request::UserList => Ok(people(&office.node.directory())),
        Request::UserAdd(person) => add_person(office, person).await,
        Request::UserPassword { login, password, by } => set_password(office, &login, password, by).await,
        Request::InviteNode(invitation) => invite(office, invitation).await,
    }
}

async fn status(office: &Office) -> Reply {
    let failed = |error: noroshi_node::error::ServiceError| Failure::new(error.code(), error.to_string());
    let node = office.node.node_view().await.map_err(failed)?;
    let peers = office.node.peers(None).await.map_err(failed)?;
    Ok(json!({"node": node, "peers": peers}))
}

fn people(directory: &Directory) -> Value {
    let person = |user: &User| {
        let office = directory.office(user.office).map(|office| office.name.clone());
        let roles: Vec<Value> = user.roles.iter().map(|role| json!(role)).collect();
        json!({"id": user.id.to_string(), "login": user.login, "name": user.name, "office": office, "roles": roles})
    };
    json!({"users": directory.users().map(person).collect::<Vec<_>>()})
}

async fn add_person(office: &Office, person: NewPerson) -> Reply {
    let directory = office.node.directory();
    let key = unseal(office, &directory, person.by).await?;
    if directory.user_by_login(&person.login).is_some() {
        return Err(Failure::new("login_taken", format!("the log-in {} is taken", person.login)));
    }
    let home = find_office(&directory, &person.office)
        .ok_or_else(|| Failure::new("unknown_office", format!("there is no office {}", person.office)))?;
    let mut roles = vec![Role::Staff];
    for word in &person.roles {
        let role = serde_json::from_value(json!(word))
            .map_err(|_| Failure::new("unknown_role", format!("there is no role {word}")))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    let user = UserId::from_uuid(uuid::Uuid::now_v7());
    let verifier = verifier(person.password, person.login.clone()).await?;
    let writer = LedgerWriter { directory: &directory, signer: &key, device: DeviceId::NIL };
    let body = UserSet {
        user,
        login: person.login,
        name: person.name,
        kana: person.kana,
        office: home,
        section: person.section,
        post: person.post,
        replaces: Vec::new(),
    };
    let mut drafts = vec![writer.user(mint(), body).map_err(invalid)?];
    for role in roles {
        drafts.push(writer.grant(mint(), user, role).map_err(invalid)?);
    }
    drafts.push(writer.password(mint(), user, home, verifier).map_err(invalid)?);
    append(office, drafts).await?;
    Ok(json!({"id": user.to_string()}))
}

async fn set_password(office: &Office, login: &str, password: String, by: Administrator) -> Reply {
    let directory = office.node.directory();
    let key = unseal(office, &directory, by).await?;
    let user = directory
        .user_by_login(login)
        .ok_or_else(|| Failure::new("unknown_user", format!("there is nobody with the log-in {login}")))?;
    let verifier = verifier(password, login.to_owned()).await?;
    let writer = LedgerWriter { directory: &directory, signer: &key, device: DeviceId::NIL };
    let draft = writer.password(mint(), user.id, user.office, verifier).map_err(invalid)?;
    append(office, vec![draft]).await?;
    Ok(json!({"id": user.id.to_string()}))
}

async fn invite(office: &Office, invitation: Invitation) -> Reply {
    let directory = office.node.directory();
    let key = unseal(office, &directory, invitation.by.clone()).await?;
    let writer = LedgerWriter { directory: &directory, signer: &key, device: DeviceId::NIL };
    let mut drafts = Vec::new();
    let home = match find_office(&directory, &invitation.office) {
        Some(home) => home,
        None => {
            let (home, draft) = new_office(&writer, &invitation)?;
            drafts.push(draft);
            home
        }
    };
    let secret: [u8; 16] = random().map_err(|error| Failure::new("randomness", error.to_string()))?;
    let expires_ms = wall_ms() + u64::from(invitation.hours) * 3_600_000;
    let invite_key = join::invite_key(&secret).map_err(|error| Failure::new("key", error.to_string()))?;
    let id = mint();
    let body = NodeInvite { office: home, key: invite_key.public(), expires_ms, node_name: invitation.office.clone() };
    drafts.push(writer.invite(id, &body).map_err(invalid)?);
    let code = JoinCode {
        organisation: directory.organisation(),
        invite: id,
        office: home,
        secret,
        expires_ms,
        addresses: reachable_at(office, &invitation)?,
    };
    code.check().map_err(|error| Failure::new("invalid_code", error.to_string()))?;
    append(office, drafts).await?;
    Ok(json!({"code": code.to_string(), "expires_ms": expires_ms}))
}

fn new_office(writer: &LedgerWriter<AdministratorKey>, invitation: &Invitation) -> Result<(OfficeId, Draft), Failure> {
    let kind: OfficeKind = serde_json::from_value(json!(invitation.kind))
        .map_err(|_| Failure::new("unknown_kind", format!("there is no kind of office {}", invitation.kind)))?;
    let office = OfficeId::from_uuid(uuid::Uuid::now_v7());
    let body = OfficeSet {
        office,
        name: invitation.office.clone(),
        kana: String::new(),
        kind,
        hub: invitation.hub,
        replaces: Vec::new(),
    };
    Ok((office, writer.office(mint(), body).map_err(invalid)?))
}

/// Where the new node finds this one: as asked, else as announced.
fn reachable_at(office: &Office, invitation: &Invitation) -> Result<Vec<noroshi_provisioning::NodeAddress>, Failure> {
    let texts = if invitation.addresses.is_empty() { &office.config.sync.announce } else { &invitation.addresses };
    if texts.is_empty() {
        return Err(Failure::new(
            "no_address",
            "nobody knows where this node can be reached: give --address host:port, or set sync.announce in noroshi.toml",
        ));
    }
    crate::founding::addresses(texts).map_err(|error| Failure::new("invalid_address", error.to_string()))
}

/// The administrator's signing key, from this folder, by the password.
async fn unseal(office: &Office, directory: &Directory, by: Administrator) -> Result<AdministratorKey, Failure> {
    let user = directory.user_by_login(&by.login).map(|user| user.id);
    // Unknown and not an administrator here sound alike.
    let missing = || Failure::new("no_key", format!("there is no administrator's key of {} on this machine", by.login));
    let user = user.ok_or_else(missing)?;
    let failed = |error: KeyFileError| Failure::new("keys", error.to_string());
    if let Some(verifier) = directory.verifier(user) {
        // A change of the password may have been cut short between the ledger and the key.
        office.keys.settle_sealed_administrator(user, verifier).map_err(failed)?;
    }
    let sealed = office.keys.load_sealed_administrator(user).map_err(failed)?.ok_or_else(missing)?;
    let password = by.password;
    tokio::task::spawn_blocking(move || unseal_administrator(&password, user, &sealed))
        .await
        .map_err(|error| Failure::new("unseal", error.to_string()))?
        .map_err(|error| Failure::new("wrong_password", error.to_string()))
}

async fn verifier(password: String, login: String) -> Result<noroshi_provisioning::password::Verifier, Failure> {
    tokio::task::spawn_blocking(move || make_verifier(&password, &login))
        .await
        .map_err(|error| Failure::new("password", error.to_string()))?
        .map_err(|error| Failure::new("password", error.to_string()))
}

async fn append(office: &Office, drafts: Vec<Draft>) -> Result<(), Failure> {
    office.node.append_ledger(drafts).await.map_err(|error| Failure::new(error.code(), error.to_string()))
}

fn find_office(directory: &Directory, name: &str) -> Option<OfficeId> {
    directory.offices().find(|office| office.name == name).map(|office| office.id)
}

fn mint() -> EntryId {
    EntryId::from_uuid(uuid::Uuid::now_v7())
}

fn invalid(error: noroshi_provisioning::InvalidField) -> Failure {
    Failure::new("invalid_field", error.to_string())
}
