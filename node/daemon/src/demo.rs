//! `noroshi demo`: the city of 朝凪市 as four real nodes on this machine, made by the ordinary commands.

mod city;
mod day;
mod processes;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::Demo;
use crate::commands::Failure;
use crate::config::{Config, Sync, Web};
use crate::folder::DataFolder;
use crate::secrets;
use city::City;
use processes::{Command, Processes};

/// Written when the preparation is complete; without it the folder is prepared again.
const PREPARED: &str = "prepared";

/// One office of the demo on this machine.
#[derive(Debug, Clone)]
pub struct Place {
    key: String,
    name: String,
    kind: String,
    data: PathBuf,
    web: u16,
    sync: u16,
}

impl Place {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web)
    }
    fn web_address(&self) -> String {
        format!("127.0.0.1:{}", self.web)
    }
    fn sync_address(&self) -> String {
        format!("127.0.0.1:{}", self.sync)
    }
}

pub fn run(data: &Path, options: &Demo) -> Result<(), Failure> {
    let city = City::read()?;
    let places = places(&city, data, options.port)?;
    if options.reset {
        remove(data, &places)?;
    }
    if !data.join(PREPARED).exists() {
        remove(data, &places)?;
        std::fs::create_dir_all(data)?;
        prepare(&city, &places)?;
        std::fs::write(data.join(PREPARED), "")?;
    }
    for place in &places {
        write_config(place, &places)?;
    }
    let mut processes = Processes::default();
    for place in &places {
        processes.serve(place)?;
    }
    for place in &places {
        processes.wait_until_ready(place)?;
    }
    tell(&city, &places, &processes, options.json);
    processes.run_until_stopped()
}

/// Four ports for browsers, then four between the nodes.
fn places(city: &City, data: &Path, first_port: u16) -> Result<Vec<Place>, Failure> {
    let count = u16::try_from(city.offices.len())?;
    let highest = first_port.checked_add(2 * count).ok_or("the ports would be above 65535")?;
    let webs = first_port..first_port + count;
    let syncs = first_port + count..highest;
    let data = std::path::absolute(data)?;
    let place = |((office, web), sync): ((&city::DemoOffice, u16), u16)| Place {
        key: office.key.clone(),
        name: office.name.clone(),
        kind: office.kind.clone(),
        data: data.join(&office.key),
        web,
        sync,
    };
    Ok(city.offices.iter().zip(webs).zip(syncs).map(place).collect())
}

/// Removes only what a demo made.
fn remove(data: &Path, places: &[Place]) -> Result<(), Failure> {
    for place in places {
        if place.data.exists() {
            // A demo that is still running keeps its folder.
            if let Ok(folder) = DataFolder::open(&place.data) {
                drop(folder.lock()?);
            }
            std::fs::remove_dir_all(&place.data)?;
        }
        let log = place.data.with_extension("log");
        if log.exists() {
            std::fs::remove_file(log)?;
        }
    }
    let marker = data.join(PREPARED);
    if marker.exists() {
        std::fs::remove_file(marker)?;
    }
    Ok(())
}

/// Founds the city by the ordinary commands, then plays its day.
fn prepare(city: &City, places: &[Place]) -> Result<(), Failure> {
    let (headquarters, others) = places.split_first().ok_or("the city has no office")?;
    let steps = 1 + others.len() + city.people.len() + city.messages.len();
    let bar = ProgressBar::new(steps as u64);
    bar.set_style(ProgressStyle::with_template("{msg:<40!} {bar:30} {pos}/{len}")?);
    let say = |text: String| {
        if bar.is_hidden() {
            eprintln!("{text}");
        }
        bar.set_message(text);
    };

    say(format!("{}: {} を設置しています", city.organisation, headquarters.name));
    found(city, headquarters)?;
    bar.inc(1);
    write_config(headquarters, places)?;
    let mut processes = Processes::default();
    processes.serve(headquarters)?;
    processes.wait_until_ready(headquarters)?;
    let (founder, _) = city.founder().ok_or("the city has no administrator")?;
    for place in others {
        say(format!("{} のノードが参加しています", place.name));
        join(city, founder, headquarters, place)?;
        bar.inc(1);
    }
    say("職員を登録しています".to_owned());
    for (login, person) in city.people.iter().filter(|(login, _)| *login != founder) {
        let place = places.iter().find(|place| place.key == person.office()).ok_or("a person without office")?;
        let mut command = command(city, headquarters);
        command.arguments(["user", "add", login, "--name", person.name(), "--kana", person.kana()]);
        command.arguments(["--office", &place.name, "--section", person.section(), "--post", person.post()]);
        command.arguments(["--role", person.role(), "--by", founder]).run()?;
        bar.inc(1);
    }
    processes.stop()?;
    say("大雨の一日を再現しています".to_owned());
    for place in places {
        write_config(place, places)?;
    }
    day::play(city, places, &bar)?;
    bar.finish_and_clear();
    Ok(())
}

fn command(city: &City, place: &Place) -> Command {
    let mut command = Command::new(&place.data);
    command.environment(secrets::ADMINISTRATOR, &city.password);
    command.environment(secrets::NEW_PASSWORD, &city.password);
    command.environment(secrets::PASSPHRASE, "demo-root-passphrase");
    command
}

fn found(city: &City, place: &Place) -> Result<(), Failure> {
    let (login, person) = city.founder().ok_or("the city has no administrator")?;
    let mut command = command(city, place);
    command.arguments(["init", "--organisation", &city.organisation, "--office", &place.name, "--login", login]);
    command.arguments(["--name", person.name(), "--kana", person.kana(), "--section", person.section()]);
    command.arguments(["--post", person.post(), "--web", &place.web_address(), "--sync", &place.sync_address()]);
    command.arguments(["--no-discovery"]).run()?;
    Ok(())
}

fn join(city: &City, founder: &str, headquarters: &Place, place: &Place) -> Result<(), Failure> {
    let mut invite = command(city, headquarters);
    invite.arguments(["invite-node", "--office", &place.name, "--kind", &place.kind, "--login", founder]);
    let said = invite.arguments(["--address", &headquarters.sync_address()]).run()?;
    let code = said.split_whitespace().find(|word| word.starts_with("NOROSHI1-")).ok_or("no join code")?;
    let mut join = command(city, place);
    join.arguments(["join", code, "--name", &place.name, "--web", &place.web_address()]);
    join.arguments(["--sync", &place.sync_address(), "--no-discovery"]).run()?;
    Ok(())
}

/// Everybody's addresses are configured, since mDNS does not cross loopback.
fn write_config(place: &Place, places: &[Place]) -> Result<(), Failure> {
    let config = Config {
        web: Web { listen: vec![place.web_address().parse()?], ..Web::default() },
        sync: Sync {
            listen: place.sync_address().parse()?,
            peers: places.iter().filter(|other| other.key != place.key).map(Place::sync_address).collect(),
            discovery: false,
            ..Sync::default()
        },
        ..Config::default()
    };
    let folder = DataFolder::open(&place.data)?;
    folder.write(&folder.config_file(), &config.to_commented_toml())?;
    Ok(())
}

fn tell(city: &City, places: &[Place], processes: &Processes, as_json: bool) {
    if as_json {
        let user = |(login, person): (&String, &city::Person)| json!({"login": login, "password": city.password, "name": person.name(), "roles": roles(person)});
        let offices: Vec<_> = places
            .iter()
            .map(|place| {
                let admins = city.people_of(&place.key).filter(|(_, person)| person.role().ends_with("_admin")).take(1);
                let staff = city.people_of(&place.key).filter(|(_, person)| person.role() == "staff").take(2);
                let users: Vec<_> = admins.chain(staff).map(user).collect();
                let node = processes.node(place);
                json!({"office": place.name, "node": node, "url": place.url(), "hq": place.kind == "headquarters",
                    "data": place.data, "pid": processes.pid(place), "users": users})
            })
            .collect();
        println!("{}", json!({"offices": offices}));
        return;
    }
    println!("\n{} のデモが動いています。ブラウザーで開いてください。", city.organisation);
    println!("ログインのパスワードは全員  {}\n", city.password);
    for place in places {
        let mut logins: Vec<String> = city
            .people_of(&place.key)
            .filter(|(_, person)| person.role() != "staff")
            .map(|(login, person)| format!("{login}（{}・{}）", person.name(), person.post()))
            .collect();
        let staff = city.people_of(&place.key).filter(|(_, person)| person.role() == "staff").take(2);
        logins.extend(staff.map(|(login, person)| format!("{login}（{}）", person.name())));
        println!("  {}  {}\n      {}", place.url(), place.name, logins.join("  "));
    }
    println!("\n「拠点とつながり」の画面で線を切ったり戻したりできます。止めるには Ctrl+C。");
    println!("The demo is running: open the addresses above. Ctrl+C stops it; --reset begins anew.");
}

fn roles(person: &city::Person) -> Vec<&str> {
    let mut roles = vec!["staff"];
    if person.role() != "staff" {
        roles.insert(0, person.role());
    }
    roles
}
