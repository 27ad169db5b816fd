//! How commands reach a running node: a socket in its data folder, one line of JSON each way. Whoever may open the folder
//! may ask; passwords of administrators are asked for besides.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use noroshi_sync::id::EntryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::office::Office;

/// Longest line, bytes.
const LINE_BYTES_MAX: u64 = 256 * 1024;
/// Commands answered at once.
const CONNECTIONS_MAX: usize = 8;
/// A command line that sends nothing is dropped.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// Argon2 and a busy writer take their time, but not this long.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    Status,
    Audit(AuditWanted),
    UserList,
    UserAdd(NewPerson),
    UserPassword {
        login: String,
        password: String,
        by: Administrator,
    },
    UserSuspend {
        login: String,
        reason: String,
        by: Administrator,
    },
    UserLift {
        login: String,
        by: Administrator,
    },
    KeyList,
    KeyApprove {
        login: String,
        fingerprint: String,
        by: Administrator,
    },
    KeyEnd {
        key: EntryId,
        by: Administrator,
    },
    Rescue(Rescue),
    InviteNode(Invitation),
    ApproveNode(NodeApproval),
    /// The text of a request or an approval.
    CertifyNode {
        file: String,
    },
    ConfirmTime(Administrator),
    /// For the audit log: everything of the node was copied into a file of so many bytes.
    BackupMade {
        bytes: u64,
    },
    BundleExport(BundleWanted),
    BundleImport {
        file: PathBuf,
    },
}

impl Request {
    /// How long the answer may take: gigabytes on a slow stick take hours.
    const fn limit(&self) -> Duration {
        match self {
            Self::BundleExport(_) | Self::BundleImport { .. } => Duration::from_secs(12 * 60 * 60),
            _ => ANSWER_LIMIT,
        }
    }
}

/// Which records to write for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleWanted {
    /// Absolute, since the running node writes it.
    pub file: PathBuf,
    /// By their names; none: headquarters.
    pub offices: Vec<String>,
    /// Milliseconds since 1970.
    pub since_ms: Option<u64>,
    pub all: bool,
}

/// Which lines of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditWanted {
    /// Milliseconds since 1970.
    pub since_ms: Option<u64>,
    pub kind: Option<String>,
    pub limit: u64,
}

/// The administrator who signs; the password unseals the key on this machine.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    pub login: String,
    pub password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    pub login: String,
    pub name: String,
    pub kana: String,
    pub office: String,
    pub section: String,
    pub post: String,
    pub roles: Vec<String>,
    pub password: String,
    pub by: Administrator,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    pub office: String,
    pub kind: String,
    pub hub: bool,
    pub addresses: Vec<String>,
    pub hours: u16,
    pub by: Administrator,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeApproval {
    /// The text of the file.
    pub request: String,
    pub office: String,
    pub kind: String,
    pub hub: bool,
    pub by: Administrator,
}

/// By the root key: the passphrase unseals it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescue {
    pub login: String,
    pub password: String,
    pub passphrase: String,
}

impl std::fmt::Debug for Rescue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rescue({})", self.login)
    }
}

impl std::fmt::Debug for Administrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Administrator({})", self.login)
    }
}

/// Why a command was not carried out, in a sentence.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: String,
    pub message: String,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

pub type Reply = Result<Value, Failure>;

/// Asks the running node of this folder. `None`: no node is running.
pub fn ask(socket: &Path, request: &Request) -> Option<Reply> {
    let mut stream = BlockingStream::connect(socket).ok()?;
    let exchange = || -> std::io::Result<String> {
        stream.set_read_timeout(Some(request.limit()))?;
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        stream.write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        Ok(answer)
    };
    let broken =
        |error: &dyn std::fmt::Display| Failure::new("no_answer", format!("the running node did not answer: {error}"));
    Some(match exchange() {
        Ok(answer) => serde_json::from_str(&answer).unwrap_or_else(|error| Err(broken(&error))),
        Err(error) => Err(broken(&error)),
    })
}

/// Answers commands until stopped.
pub async fn serve(office: Arc<Office>, stop: CancellationToken) -> std::io::Result<()> {
    let path = office.folder.control_socket();
    // Left over from a process that was killed; the folder's lock says that none is running.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted?.0,
        };
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let office = office.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(&office, stream).await {
                tracing::debug!(%error, "a command ended early");
            }
            drop(place);
        });
    }
    std::fs::remove_file(&path)
}

async fn answer(office: &Office, stream: UnixStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = AsyncBufReader::new(reader.take(LINE_BYTES_MAX));
    tokio::time::timeout(READ_LIMIT, reader.read_line(&mut line)).await??;
    let reply: Reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => office.execute(request).await,
        Err(error) => Err(Failure::new("malformed", format!("not a command: {error}"))),
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await
}
