//! An office's own network stack: a namespace with loopback and one device that ends at the switch.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{hardware_address, ipv4};

/// Where `ip netns` keeps the names of namespaces.
const NAMES: &str = "/run/netns";

/// See the module.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    /// Its threads are inside.
    runtime: Option<Runtime>,
}

impl Namespace {
    /// Moves the device, which this process has opened, into a new namespace, and brings it up there as `eth0`.
    pub fn new(name: &str, device: &str, office: usize, offices: usize) -> Self {
        ip(&["netns", "add", name]);
        // From here on it is removed again, whatever happens.
        let mut namespace = Self { name: name.to_owned(), runtime: None };
        ip(&["link", "set", device, "netns", name]);
        namespace.batch(&set_up(device, office, offices));
        namespace.runtime = Some(namespace.enter());
        namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn runtime(&self) -> &Handle {
        self.runtime.as_ref().unwrap().handle()
    }

    /// A runtime whose threads are inside the namespace, so that its sockets are.
    fn enter(&self) -> Runtime {
        let path = Path::new(NAMES).join(&self.name);
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(&self.name)
            .on_thread_start(move || {
                let file = File::open(&path).unwrap();
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            })
            .enable_all()
            .build()
            .unwrap()
    }

    fn batch(&self, commands: &str) {
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // The device inside ends with it.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

/// Both families; the others' hardware addresses are known beforehand, so that a line that is cut is silent.
fn set_up(device: &str, office: usize, offices: usize) -> String {
    let ipv6 = Path::new("/proc/sys/net/ipv6").exists();
    let mut commands = format!("link set lo up\nlink set {device} name eth0\n");
    commands += &format!("link set eth0 address {}\nlink set eth0 up multicast on\n", text(hardware_address(office)));
    commands += &format!("address add {}/24 dev eth0\nroute add 224.0.0.0/4 dev eth0\n", ipv4(office));
    if ipv6 {
        commands += &format!("address add fd78::{:x}/64 dev eth0 nodad\n", office + 1);
    }
    for other in (0..offices).filter(|other| *other != office) {
        let hardware = text(hardware_address(other));
        commands += &format!("neighbour add {} lladdr {hardware} dev eth0 nud permanent\n", ipv4(other));
        if ipv6 {
            commands += &format!("neighbour add fd78::{:x} lladdr {hardware} dev eth0 nud permanent\n", other + 1);
        }
    }
    commands
}

fn text(hardware: [u8; 6]) -> String {
    hardware.map(|byte| format!("{byte:02x}")).join(":")
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Removes the namespaces of processes that were killed.
pub(super) fn remove_abandoned() {
    let Ok(names) = std::fs::read_dir(NAMES) else { return };
    for name in names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let owner = name.strip_prefix("noroshi-").and_then(|rest| rest.split('-').next());
        let is_of_a_process = owner.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()));
        if is_of_a_process && !Path::new("/proc").join(owner.unwrap()).exists() {
            let _ = Command::new("ip").args(["netns", "delete", &name]).status();
        }
    }
}
