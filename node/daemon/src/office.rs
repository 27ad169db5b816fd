//! The node of a data folder, opened: its lock, its configuration, its keys and its store.

use std::sync::Arc;
use std::time::SystemTime;

use noroshi_node::blobs::Quota;
use noroshi_node::clock::{Clock, SystemClock};
use noroshi_node::{Node, OpenOptions};
use noroshi_provisioning::{KeyFolder, NodeIdentity};
use noroshi_sync::id::Epoch;

use crate::administration;
use crate::commands::Failure;
use crate::config::Config;
use crate::control::{Reply, Request};
use crate::folder::{DataFolder, FolderLock};
use crate::renewal;
use crate::web_tls::issue::Turn;

/// Set by `noroshi demo` for its nodes: the app shows that nothing of this is real.
pub const DEMO: &str = "NOROSHI_DEMO";

#[derive(Debug)]
pub struct Office {
    pub folder: DataFolder,
    pub config: Config,
    pub identity: NodeIdentity,
    pub keys: KeyFolder,
    pub node: Node,
    pub web_turn: Turn,
    pub certificate: renewal::State,
    _lock: FolderLock,
}

impl Office {
    /// Claims the folder and opens everything in it.
    pub fn open(folder: &DataFolder) -> Result<Self, Failure> {
        Self::open_at(folder, Arc::new(SystemClock::new()))
    }

    /// The same under another clock.
    pub fn open_at(folder: &DataFolder, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let lock = folder.lock()?;
        let config = Config::read(&folder.config_file())?;
        let keys = KeyFolder::in_data_folder(folder.path());
        let identity = keys.load_node()?;
        let node = open_node_at(folder, identity.clone(), clock, config.storage.quota())?;
        Ok(Self {
            folder: folder.clone(),
            config,
            identity,
            keys,
            node,
            web_turn: Turn::default(),
            certificate: renewal::State::default(),
            _lock: lock,
        })
    }

    /// Carries out a command of the control socket or of the command line.
    pub async fn execute(&self, request: Request) -> Reply {
        administration::execute(self, request).await
    }

    pub async fn close(&self) {
        self.node.close().await;
    }
}

/// Opens the store of a folder under a fresh epoch.
pub fn open_node(folder: &DataFolder, identity: NodeIdentity) -> Result<Node, Failure> {
    open_node_at(folder, identity, Arc::new(SystemClock::new()), Quota::default())
}

fn open_node_at(
    folder: &DataFolder,
    identity: NodeIdentity,
    clock: Arc<dyn Clock>,
    quota: Quota,
) -> Result<Node, Failure> {
    Ok(Node::open(open_options(folder, clock, quota)?, identity)?)
}

/// How the store of a folder is opened: under a fresh epoch.
pub fn open_options(folder: &DataFolder, clock: Arc<dyn Clock>, quota: Quota) -> Result<OpenOptions, Failure> {
    Ok(OpenOptions {
        folder: folder.path().to_path_buf(),
        clock,
        epoch: Epoch(u64::from_be_bytes(random()?)),
        readers: 4,
        demo: std::env::var_os(DEMO).is_some(),
        quota,
    })
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0u8; N];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes)
}

/// This machine's clock, milliseconds since 1970; 1970 for a clock before it.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
