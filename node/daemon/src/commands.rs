//! Carries out what the command line asks.

// Indexing a JSON value by a key gives null when it is missing; it never panics.
#![allow(clippy::indexing_slicing)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use noroshi_node::blobs::Quota;
use noroshi_node::clock::SystemClock;
use noroshi_node::repair::Repair;
use noroshi_node::view::Time;
use noroshi_provisioning::join::files::{FileKind, OfflineRequest, text_of};
use noroshi_scenarios::{Options, Scenario};
use serde_json::{Value, json};

use crate::cli::{Audit, Bundle, Cli, Command, InviteNode, Keys, Nodes, Sim, User, UserAdd, UserPasswd, UserSuspend};
use crate::config::Config;
use crate::control::{
    self, Administrator, AuditWanted, BundleWanted, Invitation, NewPerson, NodeApproval, Request, Rescue,
};
use crate::folder::DataFolder;
use crate::office::{Office, open_options};
use crate::offline::asking::{ask_fingerprint, read_file, write_out};
use crate::{backup, browser_ca, demo, doctor, founding, joining, secrets, serve};

/// What may go wrong, as a sentence for the person at the terminal.
pub type Failure = Box<dyn Error + Send + Sync>;

/// `check` found damage.
pub const EXIT_DAMAGED: u8 = 3;

pub fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let is_demo = matches!(cli.command, Command::Demo(_));
    let data = cli.data.unwrap_or_else(|| if is_demo { ".noroshi-demo" } else { "noroshi-data" }.into());
    match cli.command {
        Command::Init(init) => founding::init(&data, &init)?,
        Command::Join(join) => joining::join(&data, &join)?,
        Command::Nodes(command) => nodes(&DataFolder::open(&data)?, command)?,
        Command::ConfirmTime { login } => confirm_time(&DataFolder::open(&data)?, login)?,
        Command::InviteNode(invite) => invite_node(&DataFolder::open(&data)?, invite)?,
        Command::Serve => serve::serve(&DataFolder::open(&data)?)?,
        Command::Audit(audit) => return list_audit(&DataFolder::open(&data)?, audit),
        Command::User(user) => people(&DataFolder::open(&data)?, user)?,
        Command::Keys(command) => keys(&DataFolder::open(&data)?, command)?,
        Command::Status(json) => status(&DataFolder::open(&data)?, json.json)?,
        Command::Doctor(json) => return doctor::run(&data, json.json),
        Command::BrowserCa(command) => browser_ca::run(&DataFolder::open(&data)?, &command)?,
        Command::Check(json) => return check(&DataFolder::open(&data)?, json.json),
        Command::Backup(command) => return backup::run(&data, command),
        Command::Restore { file } => backup::restore(&data, &file)?,
        Command::Bundle(command) => return bundle(&DataFolder::open(&data)?, command),
        Command::Repair => repair(&DataFolder::open(&data)?)?,
        Command::Reindex => reindex(&DataFolder::open(&data)?)?,
        Command::Sim(sim) => return simulate(&sim),
        Command::Demo(options) => demo::run(&data, &options)?,
        Command::Config => print!("{}", Config::default().to_commented_toml()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Through the running node, or with the folder opened here when none is running.
fn perform(folder: &DataFolder, request: Request) -> Result<Value, Failure> {
    if let Some(reply) = control::ask(&folder.control_socket(), &request) {
        return Ok(reply?);
    }
    let office = Office::open(folder)?;
    runtime()?.block_on(async {
        let reply = office.execute(request).await;
        office.close().await;
        Ok(reply?)
    })
}

pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn administrator(login: String) -> Result<Administrator, Failure> {
    let password = secrets::ask(secrets::ADMINISTRATOR, &format!("password of {login}"))?;
    Ok(Administrator { login, password })
}

fn invite_node(folder: &DataFolder, invite: InviteNode) -> Result<(), Failure> {
    let by = administrator(invite.login)?;
    let kind = format!("{:?}", invite.kind).to_lowercase();
    let (office, hub, addresses, hours) = (invite.office, invite.hub, invite.address, invite.hours);
    let reply = perform(folder, Request::InviteNode(Invitation { office, kind, hub, addresses, hours, by }))?;
    eprintln!("Join code, good for one node within {hours} hours. At the new office run `noroshi join` with it:");
    println!("{}", reply["code"].as_str().unwrap_or_default());
    Ok(())
}

fn nodes(folder: &DataFolder, command: Nodes) -> Result<(), Failure> {
    match command {
        Nodes::Approve(approve) => {
            let file = read_file(&approve.request, FileKind::Request)?;
            let request = OfflineRequest::from_text(&file)?;
            eprintln!("{} asks to be a node of {}.", request.name, approve.office);
            let heard = match approve.fingerprint {
                Some(heard) => heard,
                None => ask_fingerprint("fingerprint of the request, as the new office reads it out", "--fingerprint")?,
            };
            if heard != request.fingerprint() {
                return Err(format!(
                    "this is another request than the one that was read out: its fingerprint is {}",
                    request.fingerprint()
                )
                .into());
            }
            let by = administrator(approve.login)?;
            let kind = format!("{:?}", approve.kind).to_lowercase();
            let (office, hub) = (approve.office, approve.hub);
            let approval = NodeApproval { request: request.to_text(), office, kind, hub, by };
            hand_out(&perform(folder, Request::ApproveNode(approval))?, &approve.out)
        }
        Nodes::Certify { file, out } => {
            let file = text_of(&read_file(&file, FileKind::Approval)?)?;
            hand_out(&perform(folder, Request::CertifyNode { file })?, &out)
        }
    }
}

fn hand_out(reply: &Value, out: &Path) -> Result<(), Failure> {
    write_out(out, reply["file"].as_str().unwrap_or_default())?;
    if reply["certificate"] == true {
        eprintln!("The certificate is in {}. Only the machine that asked can read it.", out.display());
        eprintln!("At the new office: noroshi join --certificate FILE. Read out the fingerprint of the organisation:");
        println!("{}", reply["organisation"].as_str().unwrap_or_default());
    } else {
        eprintln!("This node issues no certificates. The approval is in {}; carry it to the node of", out.display());
        eprintln!("headquarters that does and run there: noroshi nodes certify FILE --out FILE");
    }
    Ok(())
}

fn confirm_time(folder: &DataFolder, login: String) -> Result<(), Failure> {
    let now = noroshi_node::view::Time::from_ms(crate::office::wall_ms()).0;
    eprintln!("You sign that it is {now} now.");
    let reply = perform(folder, Request::ConfirmTime(administrator(login)?))?;
    println!("{}", reply["at"].as_str().unwrap_or_default());
    Ok(())
}

fn people(folder: &DataFolder, user: User) -> Result<(), Failure> {
    match user {
        User::Add(add) => add_person(folder, add),
        User::List(json) => {
            let reply = perform(folder, Request::UserList)?;
            if json.json {
                println!("{reply}");
                return Ok(());
            }
            for person in reply["users"].as_array().into_iter().flatten() {
                let text = |key: &str| person[key].as_str().unwrap_or("").to_owned();
                let roles: Vec<&str> =
                    person["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                println!("{}\t{}\t{}\t{}", text("login"), text("name"), text("office"), roles.join(","));
            }
            Ok(())
        }
        User::Passwd(UserPasswd { login, by }) => {
            let by = administrator(by)?;
            let password = secrets::make(secrets::NEW_PASSWORD, &format!("new password of {login}"))?;
            perform(folder, Request::UserPassword { login, password, by })?;
            Ok(())
        }
        User::Suspend(UserSuspend { login, reason, by }) => {
            let by = administrator(by)?;
            let reply = perform(folder, Request::UserSuspend { login, reason, by })?;
            if reply["awaits_second"] == true {
                eprintln!("An administrator is stopped when a second administrator does the same.");
            }
            Ok(())
        }
        User::Lift { login, by } => {
            let by = administrator(by)?;
            perform(folder, Request::UserLift { login, by }).map(|_| ())
        }
    }
}

fn keys(folder: &DataFolder, command: Keys) -> Result<(), Failure> {
    match command {
        Keys::List(json) => {
            let reply = perform(folder, Request::KeyList)?;
            if json.json {
                println!("{reply}");
                return Ok(());
            }
            for key in reply["keys"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
                let (state, name) = (text(&key["state"]), text(&key["user"]["name"]));
                println!("{}\t{state}\t{name}\t{}", text(&key["id"]), text(&key["fingerprint"]));
            }
            Ok(())
        }
        Keys::Approve { login, fingerprint, by } => {
            let heard = match fingerprint {
                Some(heard) => heard,
                None => ask_fingerprint(&format!("fingerprint of the key, as {login} reads it out"), "--fingerprint")?,
            };
            let by = administrator(by)?;
            perform(folder, Request::KeyApprove { login, fingerprint: heard.to_string(), by }).map(|_| ())
        }
        Keys::End { key, by } => {
            let by = administrator(by)?;
            perform(folder, Request::KeyEnd { key, by }).map(|_| ())
        }
        Keys::Rescue { login } => {
            let passphrase = secrets::ask(secrets::PASSPHRASE, "passphrase of the organisation's root key")?;
            let password = secrets::make(secrets::NEW_PASSWORD, &format!("new password of {login}"))?;
            let reply = perform(folder, Request::Rescue(Rescue { login, password, passphrase }))?;
            eprintln!(
                "Print the recovery sheet below and keep it in a safe, and carry the sealed root key away again.\n"
            );
            println!("{}", reply["recovery"].as_str().unwrap_or_default());
            Ok(())
        }
    }
}

fn add_person(folder: &DataFolder, add: UserAdd) -> Result<(), Failure> {
    let by = administrator(add.by)?;
    let password = secrets::make(secrets::NEW_PASSWORD, &format!("first password of {}", add.login))?;
    let roles = add.role.iter().map(|role| role_word(*role).to_owned()).collect();
    let UserAdd { login, name, kana, office, section, post, .. } = add;
    let person = NewPerson { login, name, kana, office, section, post, roles, password, by };
    let reply = perform(folder, Request::UserAdd(person))?;
    println!("{}", reply["id"].as_str().unwrap_or_default());
    Ok(())
}

const fn role_word(role: crate::cli::RoleName) -> &'static str {
    match role {
        crate::cli::RoleName::SystemAdmin => "system_admin",
        crate::cli::RoleName::OfficeAdmin => "office_admin",
        crate::cli::RoleName::DrillController => "drill_controller",
        crate::cli::RoleName::Staff => "staff",
    }
}

/// Milliseconds since 1970 of a date in Japan or a time.
fn moment(text: &str) -> Result<u64, Failure> {
    Time::parse(text).ok_or_else(|| format!("{text} is no date and no time").into())
}

/// Lines that cannot be verified are marked, and make the command end like a check that found damage.
fn list_audit(folder: &DataFolder, audit: Audit) -> Result<ExitCode, Failure> {
    let since_ms = audit.since.as_deref().map(moment).transpose()?;
    let wanted = AuditWanted { since_ms, kind: audit.kind, limit: audit.limit };
    let reply = perform(folder, Request::Audit(wanted))?;
    let lines = reply["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if audit.json {
        println!("{reply}");
    } else {
        lines.iter().rev().for_each(|line| println!("{}", audit_line(line)));
    }
    let sound = lines.iter().all(|line| line["verified"] == true);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DAMAGED) })
}

fn audit_line(line: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let detail = line["detail"].as_object().into_iter().flatten();
    let detail: Vec<String> = detail.map(|(key, value)| format!("{key}={}", text(value))).collect();
    let actor = if line["actor"].is_null() { "-".to_owned() } else { text(&line["actor"]["name"]) };
    let object = match text(&line["object"]["user"]["name"]) {
        owner if owner.is_empty() => text(&line["object"]["name"]),
        owner => format!("{owner} / {}", text(&line["object"]["name"])),
    };
    let mark = if line["verified"] == true { "" } else { "\tNOT VERIFIED" };
    let (at, office, kind) = (text(&line["at"]), text(&line["office"]["name"]), text(&line["kind"]));
    format!("{at}\t{office}\t{kind}\t{actor}\t{object}\t{}{mark}", detail.join(" "))
}

fn status(folder: &DataFolder, json: bool) -> Result<(), Failure> {
    let reply = control::ask(&folder.control_socket(), &Request::Status)
        .ok_or("no node is running in this folder: start it with `noroshi serve`")??;
    if json {
        println!("{reply}");
        return Ok(());
    }
    let node = &reply["node"];
    println!(
        "{}  {}  ({})",
        node["organisation"].as_str().unwrap_or(""),
        node["office"]["name"].as_str().unwrap_or(""),
        node["short"].as_str().unwrap_or("")
    );
    println!(
        "storage: {} ({} bytes, {} bytes free)",
        node["storage"]["state"].as_str().unwrap_or("?"),
        node["storage"]["bytes"],
        node["storage"]["free_bytes"]
    );
    println!(
        "clock: {} ms off its peers{}",
        node["clock"]["offset_ms"],
        if node["clock"]["suspect"] == true { ", suspect" } else { "" }
    );
    if let Some(until) = reply["certificate"]["until"].as_str() {
        let problem = reply["certificate"]["problem"].as_str().map(|problem| format!(", not renewed: {problem}"));
        println!("certificate: until {until}{}", problem.unwrap_or_default());
    }
    for alarm in reply["alarms"].as_array().into_iter().flatten() {
        println!("ALARM {}: {}", alarm["code"].as_str().unwrap_or(""), alarm["text"].as_str().unwrap_or(""));
    }
    for peer in reply["peers"].as_array().into_iter().flatten() {
        println!(
            "{}\t{}\tmissing here {}, there {}\tlast heard {}",
            peer["office"]["name"].as_str().unwrap_or(""),
            peer["state"].as_str().unwrap_or(""),
            peer["missing_here"],
            peer["missing_there"],
            peer["last_heard"].as_str().unwrap_or("never"),
        );
    }
    Ok(())
}

fn bundle(folder: &DataFolder, command: Bundle) -> Result<ExitCode, Failure> {
    match command {
        Bundle::Export { file, offices, since, all } => {
            let since_ms = since.as_deref().map(moment).transpose()?;
            let wanted = BundleWanted { file: std::path::absolute(&file)?, offices, since_ms, all };
            let reply = perform(folder, Request::BundleExport(wanted))?;
            let names: Vec<&str> =
                reply["offices"].as_array().into_iter().flatten().filter_map(|o| o["name"].as_str()).collect();
            eprintln!(
                "For {}: {} rooms, {} entries, {} bytes.",
                names.join(", "),
                reply["rooms"],
                reply["entries"],
                reply["bytes"]
            );
            Ok(ExitCode::SUCCESS)
        }
        Bundle::Import { file } => {
            let reply = perform(folder, Request::BundleImport { file: std::path::absolute(&file)? })?;
            let from = reply["office"]["name"].as_str().or(reply["node"].as_str()).unwrap_or_default();
            let made = reply["made_at"].as_str().unwrap_or_default();
            eprintln!(
                "From {from}, of {made}: {} entries, {} rooms with something new.",
                reply["entries"], reply["rooms"]
            );
            if reply["refused"] != 0 {
                eprintln!("{} entries may not be held here, or do not fit what is held.", reply["refused"]);
            }
            match reply["problem"].as_str() {
                None => Ok(ExitCode::SUCCESS),
                Some(problem) => {
                    eprintln!("The rest of the file could not be read ({problem}). What came before it is here.");
                    Ok(ExitCode::from(EXIT_DAMAGED))
                }
            }
        }
    }
}

fn check(folder: &DataFolder, json: bool) -> Result<ExitCode, Failure> {
    let office = Office::open(folder)?;
    let report = runtime()?.block_on(async {
        let report = office.node.check().await;
        office.close().await;
        report
    })?;
    let damages: Vec<String> = report.damages.iter().map(ToString::to_string).collect();
    if json {
        let (rooms, logs, entries) = (report.rooms, report.logs, report.entries);
        let (checkpoints, registers) = (report.checkpoints, report.registers);
        println!(
            "{}",
            json!({"clean": damages.is_empty(), "rooms": rooms, "logs": logs, "entries": entries,
                "checkpoints": checkpoints, "registers": registers, "damages": damages})
        );
    } else {
        println!(
            "{} rooms, {} logs, {} entries, {} signatures, {} registers",
            report.rooms, report.logs, report.entries, report.checkpoints, report.registers
        );
        for damage in &damages {
            println!("damaged: {damage}");
        }
        println!("{}", if damages.is_empty() { "clean" } else { "not clean" });
    }
    Ok(if damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DAMAGED) })
}

fn repair(folder: &DataFolder) -> Result<(), Failure> {
    let _lock = folder.lock()?;
    let identity = noroshi_provisioning::KeyFolder::in_data_folder(folder.path()).load_node()?;
    let options = open_options(folder, Arc::new(SystemClock::new()), Quota::default())?;
    let (damages, salvaged, kept_as) = match noroshi_node::repair::repair(&options, &identity)? {
        Repair::Sound => {
            println!("clean: nothing to repair");
            return Ok(());
        }
        Repair::Done { damages, salvaged, kept_as } => (damages, salvaged, kept_as),
    };
    damages.iter().for_each(|damage| println!("damaged: {damage}"));
    salvaged.unreadable.iter().for_each(|part| println!("unreadable: {part}"));
    salvaged.lost.iter().for_each(|lost| println!("lost here: {lost}"));
    println!("{} entries are in the new database. The damaged one is {}.", salvaged.entries, kept_as.display());
    println!("What is missing comes back from the offices that hold it when this node runs again.");
    Ok(())
}

fn reindex(folder: &DataFolder) -> Result<(), Failure> {
    let office = Office::open(folder)?;
    let bar = indicatif::ProgressBar::new(0);
    runtime()?.block_on(async {
        let progress = bar.clone();
        let done = office
            .node
            .reindex(move |done, total| {
                progress.set_length(total);
                progress.set_position(done);
            })
            .await;
        office.close().await;
        done
    })?;
    bar.finish();
    Ok(())
}

fn simulate(sim: &Sim) -> Result<ExitCode, Failure> {
    let text = std::fs::read_to_string(&sim.file).map_err(|error| format!("{}: {error}", sim.file.display()))?;
    let scenario = Scenario::parse(&text).map_err(|error| format!("{}: {error}", sim.file.display()))?;
    let report = noroshi_scenarios::run(&scenario, sim.seed, Options::default());
    if sim.json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
