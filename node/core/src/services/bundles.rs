//! Records carried by hand between offices that no line joins: written into an encrypted file, read out of one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use noroshi_provisioning::audit::{AuditEvent, AuditKind, Subject};
use noroshi_provisioning::sealed_file::{OpenFileError, SealFileError, SealedReader, open_as_node, seal_to_nodes};
use noroshi_provisioning::{Directory, OfficeId};
use noroshi_sync::bundle::{Exporter, Header, Importer, RECORD_HEAD_BYTES, Refused, Since, Step};
use noroshi_sync::checkpoint::NodeKey;
use noroshi_sync::id::{DeviceId, NodeId, RoomId, UserId};
use noroshi_sync::store::{Answer, Query, StoreError, WindowOutcome};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{SemaphorePermit, mpsc};

use crate::error::ServiceError;
use crate::hub::StoreChange;
use crate::node::{Inner, Node};
use crate::render::People;
use crate::rights::{Action, Object, may};
use crate::view::{Actor, BundleExportView, BundleImportView, OfficeView, Time};

/// Bytes of records read from the store in one view of it.
const STEP_BYTES: usize = 1024 * 1024;
/// Records between the reading and the writing side.
const RECORDS_WAITING: usize = 4;

/// What is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleOrder {
    /// Whose nodes can read it; none: headquarters.
    pub offices: Vec<OfficeId>,
    pub since: Since,
}

/// Who carries, for the audit log: somebody in the app, or whoever owns the machine.
fn carrier(actor: Option<&Actor>) -> (UserId, DeviceId) {
    actor.map_or((UserId::NIL, DeviceId::NIL), |actor| (actor.user, actor.device))
}

impl Node {
    /// Writes what the offices may hold, and are not known to hold, into the file: at its end fsynced.
    ///
    /// # Errors
    /// `Invalid` for an office that is unknown or has no node, `Denied("bundle_running")` while another one is worked with.
    pub async fn export_bundle(
        &self,
        actor: Option<&Actor>,
        order: BundleOrder,
        to: File,
    ) -> Result<BundleExportView, ServiceError> {
        let _turn = self.inner.begin_bundle(actor)?;
        let (offices, nodes) = destinations(&self.directory(), &order.offices, self.id())?;
        let (key, id, made_ms) = (self.inner.key()?, random_id()?, self.inner.clock.wall_ms());
        let recipients: Vec<NodeId> = nodes.iter().copied().collect();
        let (records, waiting) = mpsc::channel(RECORDS_WAITING);
        let writing = tokio::task::spawn_blocking(move || write_sealed(&recipients, to, waiting));
        let since = order.since;
        let begin = move |database: &_| Ok(Exporter::new(database, key, id, made_ms, nodes, since)?);
        let mut exporter = self.inner.read(begin).await?;
        loop {
            let (step, back) = self.inner.read(move |database| read_step(exporter, database)).await?;
            exporter = back;
            // The other side is gone when it failed; it says why below.
            if step.is_empty() || records.send(step).await.is_err() {
                break;
            }
        }
        drop(records);
        let bytes = writing.await.map_err(|error| ServiceError::Storage(error.to_string()))??;
        let names: Vec<&str> = offices.iter().map(|office| office.name.as_str()).collect();
        let event = AuditEvent::new(AuditKind::BundleExported, None)
            .with("offices", &names.join("、"))
            .with("entries", &exporter.entries().to_string());
        let by = carrier(actor);
        self.inner.act(move |desk| Ok(desk.note(by, &event)?)).await?;
        let (rooms, entries) = (exporter.rooms() as u64, exporter.entries());
        Ok(BundleExportView { offices, rooms, entries, bytes, made_at: Time::from_ms(made_ms) })
    }

    /// Reads a file in. What is sound is taken, also of one that is damaged or cut short further on; the rest is said.
    ///
    /// # Errors
    /// `Denied` with `bundle_unreadable`, `bundle_not_for_here`, `bundle_running`; storage that fails.
    pub async fn import_bundle(&self, actor: Option<&Actor>, from: File) -> Result<BundleImportView, ServiceError> {
        let _turn = self.inner.begin_bundle(actor)?;
        let (me, seed) = (self.id(), *self.inner.identity.key().seed());
        let (steps, mut waiting) = mpsc::channel(RECORDS_WAITING);
        let reading = tokio::task::spawn_blocking(move || read_sealed(me, &seed, from, &steps));
        let mut taken = Taken::default();
        while let Some(step) = waiting.recv().await {
            taken.take(self, step).await?;
        }
        let end = reading.await.map_err(|error| ServiceError::Storage(error.to_string()))?;
        let Some(header) = taken.header.clone() else {
            return Err(end.err().map_or(ServiceError::Denied("bundle_unreadable"), Unreadable::into_error));
        };
        let view = taken.view(&self.directory(), &header, end.err());
        let event = AuditEvent::new(AuditKind::BundleImported, Some(Subject::Node(header.from)))
            .with("entries", &view.entries.to_string())
            .with("refused", &view.refused.to_string())
            .with("problem", view.problem.as_deref().unwrap_or_default());
        let by = carrier(actor);
        self.inner.act(move |desk| Ok(desk.note(by, &event)?)).await?;
        Ok(view)
    }
}

impl Inner {
    fn begin_bundle(&self, actor: Option<&Actor>) -> Result<SemaphorePermit<'_>, ServiceError> {
        if let Some(actor) = actor {
            may(&self.directory(), actor, Action::CarryRecords, Object::Organisation)?;
        }
        self.bundles.try_acquire().map_err(|_| ServiceError::Denied("bundle_running"))
    }

    fn key(&self) -> Result<Arc<NodeKey>, ServiceError> {
        let key = NodeKey::from_seed(self.identity.key().seed());
        key.map(Arc::new).map_err(|error| ServiceError::Storage(error.to_string()))
    }
}

fn random_id() -> Result<[u8; 16], ServiceError> {
    let mut id = [0; 16];
    let filled = SystemRandom::new().fill(&mut id);
    filled.map(|()| id).map_err(|_| ServiceError::Storage("the system gives no random numbers".into()))
}

/// The offices, or headquarters, and all their nodes but this one.
fn destinations(
    directory: &Directory,
    offices: &[OfficeId],
    me: NodeId,
) -> Result<(Vec<OfficeView>, BTreeSet<NodeId>), ServiceError> {
    let invalid = |code| ServiceError::Invalid { field: "offices", code };
    let offices: Vec<OfficeId> = match offices {
        [] => directory.headquarters().map(|office| office.id).collect(),
        offices => offices.to_vec(),
    };
    let people = People::of(directory);
    let mut nodes = BTreeSet::new();
    let mut views = Vec::with_capacity(offices.len());
    for office in offices {
        let record = directory.office(office).ok_or_else(|| invalid("unknown_office"))?;
        let before = nodes.len();
        nodes.extend(directory.nodes_of(office).filter(|node| *node != me));
        if nodes.len() == before {
            return Err(invalid("no_nodes"));
        }
        views.push(people.office_view(record));
    }
    Ok((views, nodes))
}

type Records = Vec<Vec<u8>>;

fn read_step(mut exporter: Exporter, database: &crate::store::Database) -> Result<(Records, Exporter), ServiceError> {
    let (mut records, mut bytes) = (Records::new(), 0);
    while bytes < STEP_BYTES {
        let Some(record) = exporter.next(database)? else { break };
        bytes += record.len();
        records.push(record);
    }
    Ok((records, exporter))
}

/// Encrypts and writes records until no more come; the bytes of the file.
fn write_sealed(nodes: &[NodeId], to: File, mut records: mpsc::Receiver<Records>) -> Result<u64, ServiceError> {
    let storage = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ServiceError::StorageFull,
        _ => ServiceError::Storage(error.to_string()),
    };
    let mut sealed = seal_to_nodes(nodes, BufWriter::new(to)).map_err(|error| match error {
        SealFileError::Io(error) => storage(error),
        other => ServiceError::Storage(other.to_string()),
    })?;
    while let Some(records) = records.blocking_recv() {
        for record in records {
            sealed.write_all(&record).map_err(storage)?;
        }
    }
    let file = sealed.finish().and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error));
    let file = file.map_err(storage)?;
    file.sync_all().map_err(storage)?;
    file.metadata().map(|metadata| metadata.len()).map_err(storage)
}

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Sealed(#[from] OpenFileError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Unreadable {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(Refused::CutShort) => "bundle_cut_short",
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "bundle_cut_short",
            Self::Sealed(OpenFileError::NotForThisNode) | Self::Refused(Refused::NotForThisNode) => {
                "bundle_not_for_here"
            }
            Self::Refused(Refused::LaterVersion) => "bundle_of_later_version",
            _ => "bundle_unreadable",
        }
    }

    fn into_error(self) -> ServiceError {
        ServiceError::Denied(self.code())
    }
}

/// Decrypts and verifies records and hands them on, up to the end or the first that is wrong.
fn read_sealed(me: NodeId, seed: &[u8; 32], from: File, steps: &mpsc::Sender<Step>) -> Result<(), Unreadable> {
    let mut reader = open_as_node(seed, BufReader::new(from))?;
    let mut importer = Importer::new(me);
    let mut content = Vec::new();
    while let Some(head) = next_head(&mut reader)? {
        content.resize(Importer::length_of(&head)?, 0);
        reader.read_exact(&mut content)?;
        // The other side is gone when it failed; it says why itself.
        if steps.blocking_send(importer.take(&head, &content)?).is_err() {
            return Ok(());
        }
    }
    Ok(importer.finish()?)
}

/// The head of the next record; `None` at the end of the file.
fn next_head<R: io::BufRead>(reader: &mut SealedReader<R>) -> Result<Option<[u8; RECORD_HEAD_BYTES]>, Unreadable> {
    let mut head = [0; RECORD_HEAD_BYTES];
    let (first, rest) = head.split_at_mut(1);
    if reader.read(first)? == 0 {
        return Ok(None);
    }
    reader.read_exact(rest)?;
    Ok(Some(head))
}

/// What has been taken so far.
#[derive(Debug, Default)]
struct Taken {
    header: Option<Header>,
    entries: u64,
    refused: u64,
    rooms: BTreeSet<RoomId>,
}

impl Taken {
    async fn take(&mut self, node: &Node, step: Step) -> Result<(), ServiceError> {
        let batch = match step {
            Step::Begun(header) => {
                self.header = Some(header);
                return Ok(());
            }
            Step::Complete => return Ok(()),
            Step::Apply(batch) => batch,
        };
        self.entries += batch.windows.iter().map(|window| window.items().len() as u64).sum::<u64>();
        let Answer::Applied(applied) = node.answer(Query::Apply(batch)).await? else {
            return Err(StoreError::Invalid("a write was answered by something else".into()).into());
        };
        for outcome in &applied.windows {
            if let WindowOutcome::Refused { log, first, last, refusal } = outcome {
                tracing::warn!(%log, first, last, %refusal, "a window of a bundle was refused");
                self.refused += last - first + 1;
            }
        }
        if !applied.rooms.is_empty() {
            self.rooms.extend(&applied.rooms);
            let change = StoreChange { latest_change: applied.latest_change, rooms: applied.rooms };
            // Nobody listens while the node is not connected to a network.
            let _ = node.inner.hub.changes.send(change);
        }
        Ok(())
    }

    fn view(self, directory: &Directory, header: &Header, problem: Option<Unreadable>) -> BundleImportView {
        let office = directory.office_of(header.from).and_then(|office| directory.office(office));
        BundleImportView {
            node: header.from.to_string(),
            office: office.map(|office| People::of(directory).office_view(office)),
            made_at: Time::from_ms(header.made_ms),
            entries: self.entries,
            refused: self.refused,
            rooms: self.rooms.len() as u64,
            problem: problem.map(|problem| problem.code().to_owned()),
        }
    }
}
