//! Looking things up: administrators of the system everywhere, those of an office at home.

use std::collections::BTreeMap;

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_provisioning::body::body_of;
use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::id::{NodeId, UserId};
use noroshi_sync::log::LogId;
use noroshi_sync::store::StoreError;

use crate::error::ServiceError;
use crate::limits::AUDIT_PAGE_MAX;
use crate::node::Node;
use crate::render::People;
use crate::rights::{Action, Object, may};
use crate::store::query::AuditFilter;
use crate::store::{AuditProof, AuditRow, Database, EntryPk, LogPk, RoomPk};
use crate::view::{Actor, AuditEntryView, AuditListView, AuditNode, AuditObject, AuditObjectKind, Time};

/// What somebody looks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditRequest {
    /// Name of an [`AuditKind`].
    pub kind: Option<String>,
    /// Did it, or had it done to them.
    pub user: Option<UserId>,
    pub office: Option<OfficeId>,
    /// Milliseconds since 1970; the end is not included.
    pub from_ms: Option<u64>,
    pub until_ms: Option<u64>,
    /// From the part before.
    pub cursor: Option<String>,
    /// At most [`AUDIT_PAGE_MAX`].
    pub limit: Option<u32>,
}

/// A part of the log as it was read.
struct Found {
    rows: Vec<AuditRow>,
    proofs: Vec<AuditProof>,
    next: Option<(u64, EntryPk)>,
    offices: BTreeMap<RoomPk, OfficeId>,
}

impl Node {
    /// What happened, the newest first. Every line is verified against the signatures of its node when it is read; a part
    /// may be short, or even empty, and still have a next one.
    ///
    /// # Errors
    /// `Forbidden` for who is no administrator, or asks for another office than the own; `Invalid` for a kind or cursor
    /// that does not exist.
    pub async fn audit(&self, actor: &Actor, request: AuditRequest) -> Result<AuditListView, ServiceError> {
        let directory = self.inner.directory();
        may(&directory, actor, Action::SeeAudit, Object::Organisation)?;
        let own = directory.user(actor.user).map(|user| user.office);
        let everywhere = |office: OfficeId| may(&directory, actor, Action::SeeAudit, Object::Office(office));
        let office = match request.office {
            Some(office) => Some(office),
            None if directory.offices().all(|office| everywhere(office.id).is_ok()) => None,
            None => own,
        };
        if let Some(office) = office {
            everywhere(office)?;
        }
        self.audit_of(office, request).await
    }

    /// The same for whoever sits at the machine itself: everything that is here.
    pub async fn audit_here(&self, request: AuditRequest) -> Result<AuditListView, ServiceError> {
        self.audit_of(request.office, request).await
    }

    async fn audit_of(&self, office: Option<OfficeId>, request: AuditRequest) -> Result<AuditListView, ServiceError> {
        let directory = self.inner.directory();
        let filter = AuditFilter {
            office,
            kind: request.kind.as_deref().map(kind_number).transpose()?,
            user: request.user,
            from_ms: request.from_ms.unwrap_or(0),
            until_ms: request.until_ms.unwrap_or(u64::MAX),
            before: request.cursor.as_deref().map(place).transpose()?,
        };
        let limit = request.limit.unwrap_or(AUDIT_PAGE_MAX).clamp(1, AUDIT_PAGE_MAX) as usize;
        let known = directory.clone();
        let found = self.inner.read(move |database| Ok(find(database, &known, &filter, limit)?)).await?;
        let people = People::of(&directory);
        let items = found
            .rows
            .iter()
            .zip(&found.proofs)
            .map(|(row, proof)| view(&people, found.offices.get(&row.room).copied(), row, proof));
        let next = found.next.map(|(at_ms, entry)| format!("{at_ms}-{}", entry.0));
        Ok(AuditListView { items: items.collect(), next })
    }
}

fn kind_number(name: &str) -> Result<u16, ServiceError> {
    AuditKind::of_name(name).map(AuditKind::number).ok_or(ServiceError::Invalid { field: "kind", code: "malformed" })
}

fn place(cursor: &str) -> Result<(u64, EntryPk), ServiceError> {
    let parts = cursor.split_once('-');
    let place = parts.and_then(|(at, entry)| Some((at.parse().ok()?, EntryPk(entry.parse().ok()?))));
    place.ok_or(ServiceError::Invalid { field: "cursor", code: "malformed" })
}

fn find(database: &Database, directory: &Directory, filter: &AuditFilter, limit: usize) -> Result<Found, StoreError> {
    let mut told: BTreeMap<LogPk, u64> = BTreeMap::new();
    let page = database.audit_page(filter, limit, |row| {
        let log = row.entry.log();
        let length = match told.get(&log) {
            Some(length) => *length,
            None => *told.entry(log).or_insert(told_up_to(database, directory, row.entry)?),
        };
        Ok(row.entry.seq() <= length)
    })?;
    let proofs = database.audit_proofs(&page.rows)?;
    let offices = database.audit_offices()?.into_iter().collect();
    Ok(Found { rows: page.rows, proofs, next: page.next, offices })
}

/// How far a log is to be believed: wholly, when its node speaks of its own office; of a node that was put out, as far as
/// others had it then; not at all, when it speaks of other offices. Of a log whose name is gone the rows are shown, as
/// what cannot be verified.
fn told_up_to(database: &Database, directory: &Directory, entry: EntryPk) -> Result<u64, StoreError> {
    let name: LogId = match database.log_of(entry) {
        Ok(name) => name,
        Err(StoreError::Damaged(_)) => return Ok(u64::MAX),
        Err(error) => return Err(error),
    };
    if directory.audit_room_of(name.node) != Some(name.room) {
        return Ok(0);
    }
    if directory.revoked(name.node).is_some() { database.witnessed(&name) } else { Ok(u64::MAX) }
}

fn view(people: &People<'_>, office: Option<OfficeId>, row: &AuditRow, proof: &AuditProof) -> AuditEntryView {
    let event = proof.entry.as_ref().and_then(|entry| body_of::<AuditEvent>(entry).ok());
    let node = proof.log.map(|log| log.node);
    let mut detail: BTreeMap<String, String> = BTreeMap::new();
    if let Some(event) = &event {
        detail.extend(event.detail.iter().cloned());
        if event.count > 1 {
            detail.insert("count".into(), event.count.to_string());
        }
    }
    let named = detail.get("name").cloned().unwrap_or_default();
    AuditEntryView {
        id: row.id.as_uuid(),
        at: Time::from_ms(row.at_ms),
        node: node.map_or_else(AuditNode::default, |node| node_of(people.directory(), node)),
        office: people.office(office.unwrap_or(OfficeId::from_bytes([0; 16]))),
        kind: AuditKind::of_number(row.kind).map_or("unknown", AuditKind::name).to_owned(),
        actor: (!row.actor.is_nil()).then(|| people.person(row.actor)),
        object: event.and_then(|event| event.subject).map(|subject| object(people, subject, &named)),
        detail,
        verified: proof.verified,
    }
}

fn node_of(directory: &Directory, node: NodeId) -> AuditNode {
    let revoked = || directory.revoked(node).map(|revoked| &revoked.record);
    let name = directory.node(node).or_else(revoked).map(|record| record.name.clone()).unwrap_or_default();
    AuditNode { short: node.short(), name }
}

/// The thing by its present name, or by the one it had then.
fn object(people: &People<'_>, subject: Subject, named: &str) -> AuditObject {
    let directory = people.directory();
    let or_named = |name: Option<String>| name.filter(|name| !name.is_empty()).unwrap_or_else(|| named.to_owned());
    let new = |kind, id: String, name: Option<String>| AuditObject { kind, id, name: or_named(name), user: None };
    match subject {
        Subject::User(user) => new(AuditObjectKind::User, user.to_string(), Some(people.name(user))),
        Subject::Device(device, user) => {
            let known = directory.device(device, user).map(|record| record.name.clone());
            let user = (!user.is_nil()).then(|| people.person(user));
            AuditObject { user, ..new(AuditObjectKind::Device, device.to_string(), known) }
        }
        Subject::Office(office) => new(AuditObjectKind::Office, office.to_string(), Some(people.office(office).name)),
        Subject::Node(node) => new(AuditObjectKind::Node, node.to_string(), Some(node_of(directory, node).name)),
        Subject::Post(post) => {
            let known = directory.post(post).map(|post| post.name.clone());
            new(AuditObjectKind::Post, post.to_string(), known)
        }
        Subject::Invitation(entry) => {
            let known = directory.invite(entry).map(|invite| invite.node_name.clone());
            new(AuditObjectKind::Invitation, entry.to_string(), known)
        }
        Subject::Import(id) => new(AuditObjectKind::Import, uuid::Uuid::from_bytes(id).to_string(), None),
    }
}
