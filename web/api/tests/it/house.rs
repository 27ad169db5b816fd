//! One office with a real node in a folder of its own, its web server, and four people.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics_exporter_prometheus::PrometheusBuilder;
use noroshi_node::blobs::Quota;
use noroshi_node::clock::SystemClock;
use noroshi_node::fixture::{Fixture, PASSWORD};
use noroshi_node::{Node, OpenOptions};
use noroshi_provisioning::ledger::{LedgerWriter, OfficeSet, UserSet};
use noroshi_provisioning::password::make_verifier;
use noroshi_provisioning::sealed::seal_administrator;
use noroshi_provisioning::{AdministratorKey, KeyFolder, OfficeId, OfficeKind, Role};
use noroshi_sync::entry::Draft;
use noroshi_sync::id::{DeviceId, EntryId, Epoch, UserId};
use noroshi_web::{ConnectionLimits, HelperConfig, Listen, WebConfig, serve};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::http::Caller;

/// A house. Everything is gone with this value.
pub struct House {
    pub node: Node,
    pub address: SocketAddr,
    /// The same first, then what else it listens on.
    pub addresses: Vec<SocketAddr>,
    /// Where the helper page is.
    pub helper: Vec<SocketAddr>,
    /// Short id of the node.
    pub short: String,
    /// Administers the organisation.
    pub kanri: Caller,
    /// Makes the rooms.
    pub tanaka: Caller,
    /// Is in those rooms that say so.
    pub suzuki: Caller,
    /// Is in none of them.
    pub takahashi: Caller,
    pub shutdown: CancellationToken,
    task: Option<JoinHandle<()>>,
    fixture: Fixture,
    folder: TempDir,
}

/// The people in the order of the fixture, so that the names fit.
const PEOPLE: [&str; 4] = ["kanri", "suzuki", "takahashi", "tanaka"];

impl House {
    pub const PASSWORD: &str = PASSWORD;
    pub const PEOPLE: usize = PEOPLE.len();

    pub async fn new() -> Self {
        Self::with(ConnectionLimits::default()).await
    }

    pub async fn with(limits: ConnectionLimits) -> Self {
        Self::listening(limits, Vec::new(), None).await
    }

    /// With more listeners than the plain one.
    pub async fn listening(limits: ConnectionLimits, more: Vec<Listen>, helper: Option<HelperConfig>) -> Self {
        static HOUSES: AtomicU64 = AtomicU64::new(1);
        let seed = HOUSES.fetch_add(1, Ordering::Relaxed);
        let fixture = Fixture::seeded(seed, 1, Self::PEOPLE).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            folder: folder.path().to_owned(),
            clock: Arc::new(SystemClock::default()),
            epoch: Epoch(seed),
            readers: 2,
            demo: false,
            quota: Quota { bytes_max: 64 << 20, free_min: 0 },
        };
        let node = Node::open(options, fixture.offices[0].identity.clone()).unwrap();
        node.append_ledger(fixture.ledger.clone()).await.unwrap();

        let shutdown = CancellationToken::new();
        let metrics = Some(PrometheusBuilder::new().build_recorder().handle());
        let plain = Listen::plain("127.0.0.1:0".parse().unwrap());
        let listen = std::iter::once(plain).chain(more).collect();
        let config = WebConfig { limits, metrics, helper, ..WebConfig::new(listen) };
        let bound = serve(config, node.clone(), shutdown.clone()).await.unwrap();
        let (address, addresses, helper) = (bound.addresses[0], bound.addresses, bound.helper);
        let log_in = async |number: usize| {
            let session = node.log_in(&fixture.offices[0].people[number].login, PASSWORD, None).await.unwrap();
            Caller::with(address, &session.token)
        };
        let (kanri, suzuki, takahashi, tanaka) = tokio::join!(log_in(0), log_in(1), log_in(2), log_in(3));
        let short = node.id().short();
        let task = Some(bound.task);
        Self {
            node,
            address,
            addresses,
            helper,
            short,
            kanri,
            tanaka,
            suzuki,
            takahashi,
            shutdown,
            task,
            fixture,
            folder,
        }
    }

    pub fn nobody(&self) -> Caller {
        Caller::nobody(self.address)
    }

    pub fn caller(&self, token: &str) -> Caller {
        Caller::with(self.address, token)
    }

    fn number(name: &str) -> usize {
        PEOPLE.iter().position(|known| *known == name).unwrap()
    }

    pub fn id_of(&self, name: &str) -> String {
        self.fixture.offices[0].people[Self::number(name)].id.to_string()
    }

    /// What the person types to log in.
    pub fn login_of(&self, name: &str) -> &str {
        &self.fixture.offices[0].people[Self::number(name)].login
    }

    /// Signs something as the organisation's administrator.
    pub async fn sign(&self, draft: impl Fn(&LedgerWriter<'_, AdministratorKey>, EntryId) -> Vec<Draft>) {
        let directory = self.node.directory();
        let writer = LedgerWriter { directory: &directory, signer: &self.fixture.administrator, device: DeviceId::NIL };
        let drafts = draft(&writer, fresh());
        self.node.append_ledger(drafts).await.unwrap();
    }

    pub async fn grant(&self, name: &str, role: Role) {
        let user = self.fixture.offices[0].people[Self::number(name)].id;
        self.sign(|writer, id| vec![writer.grant(id, user, role).unwrap()]).await;
    }

    /// A person of another office; the id.
    pub async fn add_foreigner(&self) -> String {
        let (office, user) = (OfficeId::from_uuid(Uuid::now_v7()), UserId::from_uuid(Uuid::now_v7()));
        let body = OfficeSet {
            office,
            name: "北支所".into(),
            kana: String::new(),
            kind: OfficeKind::Branch,
            hub: false,
            replaces: Vec::new(),
        };
        self.sign(|writer, id| vec![writer.office(id, body.clone()).unwrap()]).await;
        self.sign(|writer, id| vec![writer.user(id, person(user, "yosomono", office)).unwrap()]).await;
        user.to_string()
    }

    /// Another person of this office, logged in.
    pub async fn add_colleague(&self, login: &str) -> Caller {
        let (office, user) = (self.fixture.offices[0].id, UserId::from_uuid(Uuid::now_v7()));
        let verifier = make_verifier(PASSWORD, "").unwrap();
        self.sign(|writer, id| {
            vec![
                writer.user(id, person(user, login, office)).unwrap(),
                writer.grant(fresh(), user, Role::Staff).unwrap(),
                writer.password(fresh(), user, office, verifier.clone()).unwrap(),
            ]
        })
        .await;
        self.caller(&self.node.log_in(login, PASSWORD, None).await.unwrap().token)
    }

    /// The administrator's key lies on this machine, sealed with the password of everybody.
    pub fn seal_key(&self) {
        let sealed = seal_administrator(PASSWORD, &self.fixture.administrator).unwrap();
        let keys = KeyFolder::create(self.folder.path()).unwrap();
        keys.save_sealed_administrator(self.fixture.administrator.user(), &sealed).unwrap();
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A new room of tanaka and others.
    pub async fn room(&self, name: &str, others: &[&str]) -> String {
        let members: Vec<_> = others.iter().map(|other| self.id_of(other)).collect();
        let new = json!({"name": name, "members": members, "kind": "group"});
        let room = self.tanaka.call("POST", "/api/v1/rooms", &new).await.ok(201).json();
        room["id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of the server.
    pub async fn task(&mut self) {
        self.task.take().unwrap().await.unwrap();
    }
}

fn fresh() -> EntryId {
    EntryId::from_uuid(Uuid::now_v7())
}

fn person(user: UserId, login: &str, office: OfficeId) -> UserSet {
    UserSet {
        user,
        login: login.into(),
        name: login.into(),
        kana: String::new(),
        office,
        section: "総務課".into(),
        post: String::new(),
        replaces: Vec::new(),
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
