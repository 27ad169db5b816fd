//! The command line: what can be asked of the program, and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use noroshi_provisioning::Fingerprint;

/// Noroshi (狼煙): every office keeps talking, whatever line is cut.
#[derive(Debug, Parser)]
#[command(name = "noroshi", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// The data folder [default: noroshi-data, for the demo .noroshi-demo].
    #[arg(long, global = true, env = "NOROSHI_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Found an organisation: its keys, its headquarters with this node, its first administrator.
    Init(Init),
    /// Make a one-time join code for a new node (needs an administrator's password).
    InviteNode(InviteNode),
    /// Make this folder a node: by a join code, or with no line between, by files (--request, then --certificate).
    Join(Join),
    /// Nodes that join by files: approve a request, write a certificate.
    #[command(subcommand)]
    Nodes(Nodes),
    /// Sign that this machine's clock is right, when headquarters was off for more than two days or its clock was wrong
    /// (needs an administrator's password).
    ConfirmTime {
        /// Log-in of the administrator who signs.
        #[arg(long)]
        login: String,
    },
    /// Run the node until it is stopped.
    Serve,
    /// People of this organisation.
    #[command(subcommand)]
    User(User),
    /// What happened at the offices whose audit log is held here, the newest last. Every line is verified.
    Audit(Audit),
    /// Administrators' keys: those that count, those that wait, and the way back when all are lost.
    #[command(subcommand)]
    Keys(Keys),
    /// What the running node sees: storage, clock, other offices.
    Status(Json),
    /// Look for what will hinder people: names, certificates, clock, ports, disk, other offices.
    Doctor(Json),
    /// The authority whose certificate people install in their browsers.
    #[command(subcommand)]
    BrowserCa(BrowserCa),
    /// Verify everything on disk: chains, signatures, digests. The node must be stopped.
    Check(Json),
    /// Replace a damaged database by a new one with all that is still as it was signed; the rest comes back from other
    /// offices. The damaged one is kept. The node must be stopped.
    Repair,
    /// Write everything of this node into one encrypted file, while it runs or is stopped (NOROSHI_PASSPHRASE for scripts).
    Backup(Backup),
    /// Put a backup back into a new data folder.
    Restore { file: PathBuf },
    /// Records carried by hand to offices that no line reaches: write a file for them, or read theirs in.
    #[command(subcommand)]
    Bundle(Bundle),
    /// Build all tables again from the entries. The node must be stopped.
    Reindex,
    /// Run a scenario file in the simulator.
    Sim(Sim),
    /// Start the city of 朝凪市 with four offices on this machine, to look around.
    Demo(Demo),
    /// Print a configuration file with every key explained.
    Config,
}

#[derive(Debug, Subcommand)]
pub enum BrowserCa {
    /// Make it, for an organisation that was founded without one (at headquarters, with the passphrase of the root key).
    Create {
        /// The domain of the names by which browsers reach the nodes.
        #[arg(long, default_value = "home.arpa")]
        domain: String,
    },
    /// Open its sealed key on a machine that takes over from a lost headquarters (with the passphrase of the root key).
    Restore,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Backup {
    /// The file to write; it must not exist.
    pub file: Option<PathBuf>,
    #[command(subcommand)]
    pub action: Option<BackupAction>,
}

#[derive(Debug, Subcommand)]
pub enum BackupAction {
    /// Unpack a backup for a moment and check everything in it, as `check` does.
    Verify { file: PathBuf },
}

#[derive(Debug, Subcommand)]
pub enum Bundle {
    /// Write what other offices may hold and are not known to hold. Only their nodes can read the file.
    Export {
        /// The file to write; it must not exist.
        file: PathBuf,
        /// Name of an office; may be repeated [default: headquarters]. The file holds what all of them may hold.
        #[arg(long = "for", value_name = "OFFICE")]
        offices: Vec<String>,
        /// Of messages only those since then: a date in Japan (2026-11-01) or a time (2026-11-01T09:00:00+09:00).
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Also what the offices are known to hold.
        #[arg(long, conflicts_with = "since")]
        all: bool,
    },
    /// Read the file of another office in. The same file, or an old one, does no harm.
    Import { file: PathBuf },
}

#[derive(Debug, Args)]
pub struct Json {
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Audit {
    /// Only what happened since then: a date in Japan (2026-11-01) or a time (2026-11-01T09:00:00+09:00).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only this kind, e.g. log_in_refused.
    #[arg(long)]
    pub kind: Option<String>,
    /// At most so many of the newest.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub limit: u64,
    /// One JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Name of the organisation, e.g. 朝凪市.
    #[arg(long)]
    pub organisation: String,
    /// Name of the headquarters office.
    #[arg(long, default_value = "本庁")]
    pub office: String,
    /// Log-in of the first administrator.
    #[arg(long)]
    pub login: String,
    /// Name of the first administrator.
    #[arg(long)]
    pub name: String,
    /// Reading of that name in kana.
    #[arg(long, default_value = "")]
    pub kana: String,
    #[arg(long, default_value = "")]
    pub section: String,
    #[arg(long, default_value = "")]
    pub post: String,
    /// The domain of the names by which browsers reach the nodes. The certificate that people install holds for it, for
    /// .local and for private addresses only.
    #[arg(long, default_value = "home.arpa")]
    pub domain: String,
    #[command(flatten)]
    pub ports: Ports,
}

/// Where the new node listens; written into its configuration.
#[derive(Debug, Clone, Args)]
pub struct Ports {
    /// Where browsers on this machine connect, e.g. 127.0.0.1:8470.
    #[arg(long, value_name = "ADDRESS")]
    pub web: Option<std::net::SocketAddr>,
    /// Where browsers of other machines connect, e.g. 0.0.0.0:443.
    #[arg(long, value_name = "ADDRESS")]
    pub https: Option<std::net::SocketAddr>,
    /// A DNS name under which browsers reach this node, e.g. hq.asanagi.home.arpa; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub web_name: Vec<noroshi_provisioning::browser::WebName>,
    /// Where the page is that helps people trust the certificate [default: port 80 beside --https, none on loopback].
    #[arg(long, value_name = "ADDRESS")]
    pub helper: Option<std::net::SocketAddr>,
    /// Where other nodes connect, e.g. 0.0.0.0:8471.
    #[arg(long, value_name = "ADDRESS")]
    pub sync: Option<std::net::SocketAddr>,
    /// An address (host:port) under which other offices reach this node; may be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    pub announce: Vec<String>,
    /// Neither look for nodes by mDNS nor be found.
    #[arg(long)]
    pub no_discovery: bool,
}

#[derive(Debug, Args)]
pub struct InviteNode {
    /// Name of the office the node will serve. Made if it does not exist.
    #[arg(long)]
    pub office: String,
    /// What kind of office, if it is made.
    #[arg(long, value_enum, default_value_t = Kind::Branch)]
    pub kind: Kind,
    /// A hub holds all rooms, to pass them on when headquarters is out of reach.
    #[arg(long)]
    pub hub: bool,
    /// Log-in of the administrator who invites.
    #[arg(long)]
    pub login: String,
    /// Addresses (host:port) under which the new node reaches this one. Default: those this node announces.
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Vec<String>,
    /// How long the code is good.
    #[arg(long, default_value_t = 72, value_name = "HOURS", value_parser = clap::value_parser!(u16).range(1..=720))]
    pub hours: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Headquarters,
    Branch,
    Fire,
    Shelter,
    Health,
    Other,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("way").required(true).args(["code", "request", "certificate"]))]
pub struct Join {
    /// The join code, as printed by `invite-node`. Spaces and line breaks do not matter.
    pub code: Option<String>,
    /// With no line to headquarters: write a request into this file and carry it there.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// The answer to the request, as headquarters wrote it.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The fingerprint of the organisation, as headquarters reads it out by telephone [default: asked on the terminal].
    #[arg(long, value_name = "FINGERPRINT", requires = "certificate")]
    pub organisation: Option<Fingerprint>,
    /// Name of this node; without it, the name of this machine.
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub ports: Ports,
}

#[derive(Debug, Subcommand)]
pub enum Nodes {
    /// Approve a request that was carried here (needs an administrator's password). At a node of headquarters that issues
    /// certificates the file becomes the certificate; elsewhere an approval, to be carried there.
    Approve(Approve),
    /// Write the certificate for a machine that is approved: from its request or its approval, as often as needed.
    Certify {
        /// The request or the approval.
        file: PathBuf,
        /// Where to write the certificate.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Approve {
    /// The request.
    pub request: PathBuf,
    /// Name of the office the node will serve. Made if it does not exist.
    #[arg(long)]
    pub office: String,
    /// What kind of office, if it is made.
    #[arg(long, value_enum, default_value_t = Kind::Branch)]
    pub kind: Kind,
    /// A hub holds all rooms, to pass them on when headquarters is out of reach.
    #[arg(long)]
    pub hub: bool,
    /// Log-in of the administrator who approves.
    #[arg(long)]
    pub login: String,
    /// The fingerprint of the request, as the new office reads it out by telephone [default: asked on the terminal].
    #[arg(long, value_name = "FINGERPRINT")]
    pub fingerprint: Option<Fingerprint>,
    /// Where to write the certificate, or the approval.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a person (needs an administrator's password).
    Add(UserAdd),
    /// List the people.
    List(Json),
    /// Set a person's password (needs an administrator's password).
    Passwd(UserPasswd),
    /// Stop a person everywhere: log-ins end, and none begins (needs an administrator's password).
    Suspend(UserSuspend),
    /// Let a person in again (needs an administrator's password).
    Lift {
        login: String,
        /// Log-in of the administrator who lets in.
        #[arg(long)]
        by: String,
    },
}

#[derive(Debug, Args)]
pub struct UserSuspend {
    pub login: String,
    /// Why; administrators see it.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Log-in of the administrator who stops.
    #[arg(long)]
    pub by: String,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the keys that wait to be approved and those that count.
    List(Json),
    /// Approve the key that an administrator made in the app (needs another administrator's password).
    Approve {
        /// Log-in of the administrator whose key waits.
        login: String,
        /// The fingerprint of the key, as its owner reads it out by telephone [default: asked on the terminal].
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: Option<Fingerprint>,
        /// Log-in of the administrator who approves.
        #[arg(long)]
        by: String,
    },
    /// End a key for ever, or decline one that waits (needs an administrator's password).
    End {
        /// The key, as `list` shows it.
        key: noroshi_sync::id::EntryId,
        /// Log-in of the administrator who ends it.
        #[arg(long)]
        by: String,
    },
    /// When no administrator can sign any more: make this person a system administrator with a new password and a new
    /// key on this machine (needs the sealed root key in its folder, and its passphrase).
    Rescue { login: String },
}

#[derive(Debug, Args)]
pub struct UserAdd {
    /// The new person's log-in.
    pub login: String,
    #[arg(long)]
    pub name: String,
    /// Reading of the name in kana, for sorting and search.
    #[arg(long)]
    pub kana: String,
    /// Name of the office.
    #[arg(long)]
    pub office: String,
    #[arg(long, default_value = "")]
    pub section: String,
    #[arg(long, default_value = "")]
    pub post: String,
    /// Roles besides staff; may be repeated.
    #[arg(long, value_enum)]
    pub role: Vec<RoleName>,
    /// Log-in of the administrator who adds.
    #[arg(long)]
    pub by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    #[value(name = "system_admin")]
    SystemAdmin,
    #[value(name = "office_admin")]
    OfficeAdmin,
    #[value(name = "drill_controller")]
    DrillController,
    #[value(name = "staff")]
    Staff,
}

#[derive(Debug, Args)]
pub struct UserPasswd {
    pub login: String,
    /// Log-in of the administrator who sets it.
    #[arg(long)]
    pub by: String,
}

#[derive(Debug, Args)]
pub struct Sim {
    /// The scenario file (TOML).
    pub file: PathBuf,
    /// The seed; a failing run prints its own.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Begin anew: delete what an earlier demo left in its folder.
    #[arg(long)]
    pub reset: bool,
    /// Once every node serves, print one line of JSON for scripts.
    #[arg(long)]
    pub json: bool,
    /// The first port of four for browsers; nodes use the four after them.
    #[arg(long, default_value_t = 8470, value_name = "PORT")]
    pub port: u16,
}
