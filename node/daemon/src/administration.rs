//! What administrators do from the command line. The administrator's own key is unsealed with the password for this one
//! act; the act itself is the same as from the app.

mod bundles;
mod keys;

use std::sync::Arc;

use noroshi_node::view::Actor;
use noroshi_node::{AuditRequest, NewInvitation, NewOffice, NewPerson, PersonEdit, ServiceError, Stopped};
use noroshi_provisioning::ledger::{Directory, LedgerWriter, OfficeSet, User};
use noroshi_provisioning::password::{Verifier, make_verifier};
use noroshi_provisioning::{AdministratorKey, OfficeId, OfficeKind, Role};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, UserId};
use serde_json::{Value, json};

use crate::control::{self, Administrator, AuditWanted, Failure, Invitation, Reply, Request};
use crate::office::{Office, wall_ms};
use crate::offline;

/// Lines of the audit log in one answer.
const AUDIT_LINES_MAX: usize = 1_000;

pub async fn execute(office: &Office, request: Request) -> Reply {
    match request {
        Request::Status => status(office).await,
        Request::Audit(request) => audit(office, request).await,
        Request::UserList => Ok(people(&office.node.directory())),
        Request::UserAdd(person) => add_person(office, person).await,
        Request::UserPassword { login, password, by } => set_password(office, &login, password, by).await,
        Request::UserSuspend { login, reason, by } => suspend(office, &login, reason, by).await,
        Request::UserLift { login, by } => lift(office, &login, by).await,
        Request::KeyList => Ok(keys::list(&office.node)),
        Request::KeyApprove { login, fingerprint, by } => keys::approve(office, &login, &fingerprint, by).await,
        Request::KeyEnd { key, by } => keys::end(office, key, by).await,
        Request::Rescue(rescue) => keys::rescue(office, rescue).await,
        Request::InviteNode(invitation) => invite(office, invitation).await,
        Request::ApproveNode(approval) => offline::approve(office, approval).await,
        Request::CertifyNode { file } => offline::certify(office, &file).await,
        Request::ConfirmTime(by) => confirm_time(office, by).await,
        Request::BundleExport(wanted) => bundles::export(office, wanted).await,
        Request::BundleImport { file } => bundles::import(office, &file).await,
        Request::BackupMade { bytes } => {
            office.node.note_backup(bytes).await.map_err(Failure::from)?;
            Ok(Value::Null)
        }
    }
}

async fn status(office: &Office) -> Reply {
    let node = office.node.node_view().await.map_err(Failure::from)?;
    let peers = office.node.peers(None).await.map_err(Failure::from)?;
    let time = office.node.directory().headquarters_time().map(|(at_ms, _)| noroshi_node::view::Time::from_ms(at_ms).0);
    let alarms: Vec<Value> =
        office.node.alarms().into_iter().map(|(code, text)| json!({"code": code, "text": text})).collect();
    Ok(json!({
        "node": node,
        "peers": peers,
        "certificate": office.certificate.view(),
        "headquarters_time": time,
        "alarms": alarms,
    }))
}

/// The newest lines, at most [`AUDIT_LINES_MAX`].
async fn audit(office: &Office, wanted: AuditWanted) -> Reply {
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX).clamp(1, AUDIT_LINES_MAX);
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let left = u32::try_from(limit - items.len()).unwrap_or(u32::MAX);
        let request = AuditRequest {
            kind: wanted.kind.clone(),
            from_ms: wanted.since_ms,
            cursor,
            limit: Some(left),
            ..AuditRequest::default()
        };
        let page = office.node.audit_here(request).await.map_err(Failure::from)?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || items.len() >= limit {
            return Ok(json!({"items": items}));
        }
    }
}

fn people(directory: &Directory) -> Value {
    let person = |user: &User| {
        let office = directory.office(user.office).map(|office| office.name.clone());
        let roles: Vec<Value> = user.roles.iter().map(|role| json!(role)).collect();
        json!({"id": user.id.to_string(), "login": user.login, "name": user.name, "office": office, "roles": roles})
    };
    json!({"users": directory.users().map(person).collect::<Vec<_>>()})
}

async fn add_person(office: &Office, person: control::NewPerson) -> Reply {
    let home = find_office(&office.node.directory(), &person.office)
        .ok_or_else(|| Failure::new("unknown_office", format!("there is no office {}", person.office)))?;
    let role = |word: &String| {
        serde_json::from_value::<Role>(json!(word))
            .map_err(|_| Failure::new("unknown_role", format!("there is no role {word}")))
    };
    let roles = person.roles.iter().map(role).collect::<Result<Vec<_>, _>>()?;
    let verifier = verifier(person.password, person.login.clone()).await?;
    let edit = PersonEdit {
        login: Some(person.login),
        name: Some(person.name),
        kana: Some(person.kana),
        office: Some(home),
        section: Some(person.section),
        post: Some(person.post),
        ..PersonEdit::default()
    };
    let made = async |actor: &Actor| office.node.add_person_with(actor, NewPerson { edit, roles }, verifier).await;
    let person = acting(office, person.by, made).await?;
    Ok(json!({"id": person.user.id.to_string()}))
}

async fn set_password(office: &Office, login: &str, password: String, by: Administrator) -> Reply {
    let user = find_user(office, login)?;
    let verifier = verifier(password, login.to_owned()).await?;
    acting(office, by, async |actor| office.node.set_password(actor, user, verifier).await).await?;
    Ok(json!({"id": user.to_string()}))
}

async fn suspend(office: &Office, login: &str, reason: String, by: Administrator) -> Reply {
    let user = find_user(office, login)?;
    acting(office, by, async |actor| office.node.suspend(actor, Stopped::User(user), reason).await).await?;
    let awaits = office.node.directory().suspensions(user).is_empty();
    Ok(json!({"id": user.to_string(), "awaits_second": awaits}))
}

async fn lift(office: &Office, login: &str, by: Administrator) -> Reply {
    let user = find_user(office, login)?;
    acting(office, by, async |actor| office.node.lift(actor, Stopped::User(user)).await).await?;
    Ok(json!({"id": user.to_string()}))
}

async fn invite(office: &Office, invitation: Invitation) -> Reply {
    let addresses = reachable_at(office, &invitation)?;
    let kind = kind_of(&invitation.kind)?;
    let Invitation { office: name, hub, hours, by, .. } = invitation;
    let known = find_office(&office.node.directory(), &name);
    let invited = acting(office, by, async |actor| {
        let home = match known {
            Some(home) => home,
            None => {
                let new = NewOffice { name: name.clone(), kana: String::new(), kind, hub };
                OfficeId::from_uuid(office.node.add_office(actor, new).await?.id)
            }
        };
        let new = NewInvitation { office: home, node_name: name, hours, addresses };
        office.node.invite_node(actor, new).await
    });
    let invited = invited.await?;
    Ok(json!({"code": invited.code, "expires": invited.invitation.expires_at}))
}

/// An administrator says that the clock of this machine is right.
async fn confirm_time(office: &Office, by: Administrator) -> Reply {
    let directory = office.node.directory();
    let key = unseal(office, by).await?;
    if !directory.is_headquarters_node(office.identity.node()) {
        return Err(Failure::new("not_headquarters", "the time is signed at headquarters"));
    }
    let writer = LedgerWriter { directory: &directory, signer: &*key, device: DeviceId::NIL };
    let at_ms = wall_ms();
    append(office, vec![writer.time_mark(mint(), at_ms).map_err(invalid)?]).await?;
    Ok(json!({"at": noroshi_node::view::Time::from_ms(at_ms).0}))
}

/// The office of that name; if there is none, it is made by what is added to `drafts`.
pub fn office_named(
    writer: &LedgerWriter<AdministratorKey>,
    name: &str,
    kind: &str,
    hub: bool,
    drafts: &mut Vec<Draft>,
) -> Result<OfficeId, Failure> {
    if let Some(known) = find_office(writer.directory, name) {
        return Ok(known);
    }
    let kind = kind_of(kind)?;
    let office = OfficeId::from_uuid(uuid::Uuid::now_v7());
    let body = OfficeSet { office, name: name.to_owned(), kana: String::new(), kind, hub, replaces: Vec::new() };
    drafts.push(writer.office(mint(), body).map_err(invalid)?);
    Ok(office)
}

fn kind_of(word: &str) -> Result<OfficeKind, Failure> {
    serde_json::from_value(json!(word))
        .map_err(|_| Failure::new("unknown_kind", format!("there is no kind of office {word}")))
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

/// Does something as the administrator, whose key is unlocked for as long as it takes.
async fn acting<T>(
    office: &Office,
    by: Administrator,
    work: impl AsyncFnOnce(&Actor) -> Result<T, ServiceError>,
) -> Result<T, Failure> {
    let actor = administrator(office, by).await?;
    let done = work(&actor).await;
    office.node.lock_console(&actor);
    done.map_err(Failure::from)
}

/// The administrator's signing key, as the app would unlock it: one that counts, and only of somebody who is not stopped.
pub async fn unseal(office: &Office, by: Administrator) -> Result<Arc<AdministratorKey>, Failure> {
    let actor = administrator(office, by).await?;
    let key = office.node.signer(&actor);
    office.node.lock_console(&actor);
    key.map_err(Failure::from)
}

/// The administrator, whose key is unlocked until it is locked again.
async fn administrator(office: &Office, by: Administrator) -> Result<Actor, Failure> {
    office.node.administrator_here(&by.login, by.password).await.map_err(|error| match error {
        // Unknown and not an administrator here sound alike.
        ServiceError::Denied("no_key_here") | ServiceError::Forbidden(_) => {
            Failure::new("no_key", format!("there is no administrator's key of {} on this machine", by.login))
        }
        ServiceError::Denied("wrong_password") => {
            Failure::new("wrong_password", "the administrator's password is wrong")
        }
        other => other.into(),
    })
}

async fn verifier(password: String, login: String) -> Result<Verifier, Failure> {
    let made = blocking(move || make_verifier(&password, &login)).await?;
    made.map_err(|error| Failure::new("password", error.to_string()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::new("internal", error.to_string()))
}

pub async fn append(office: &Office, drafts: Vec<Draft>) -> Result<(), Failure> {
    office.node.append_ledger(drafts).await.map_err(Failure::from)
}

pub fn find_office(directory: &Directory, name: &str) -> Option<OfficeId> {
    directory.offices().find(|office| office.name == name).map(|office| office.id)
}

fn find_user(office: &Office, login: &str) -> Result<UserId, Failure> {
    let directory = office.node.directory();
    let user = directory.user_by_login(login).map(|user| user.id);
    user.ok_or_else(|| Failure::new("unknown_user", format!("there is nobody with the log-in {login}")))
}

pub fn mint() -> EntryId {
    EntryId::from_uuid(uuid::Uuid::now_v7())
}

pub fn invalid(error: noroshi_provisioning::InvalidField) -> Failure {
    Failure::new("invalid_field", error.to_string())
}

impl From<ServiceError> for Failure {
    /// As the node says it, with a sentence for what people at a terminal meet.
    fn from(error: ServiceError) -> Self {
        let sentence = match error.code() {
            "login_taken" => "this log-in is taken",
            "key_not_named" => "no other administrator has approved this key yet",
            "key_ended" => "this administrator's key has been ended",
            "other_fingerprint" => "the key that waits has another fingerprint: do not approve it",
            "last_key" => "this is the last key that counts; approve another one first",
            "last_admin" => "there must be a system administrator",
            "not_found" => "there is no such thing",
            code => return Self::new(code, error.to_string()),
        };
        Self::new(error.code(), sentence)
    }
}
