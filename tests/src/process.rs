//! The real binary as a process: started, killed, and weighed by what the kernel says of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The binary beside the running test: `target/<profile>/noroshi`.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("NOROSHI_BINARY") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap();
    let found = own.ancestors().skip(1).take(3).map(|folder| folder.join("noroshi")).find(|path| path.is_file());
    found.expect("build the workspace first: the binary noroshi is not beside the tests")
}

/// The binary, in a network namespace if one is named.
pub fn command(namespace: Option<&str>) -> Command {
    let Some(namespace) = namespace else { return Command::new(binary()) };
    let mut command = Command::new("ip");
    // `ip` becomes the binary, so the process is that of the binary.
    command.args(["netns", "exec", namespace]).arg(binary());
    command
}

/// Runs a command of the binary to its end; its standard output. Panics with everything it said when it fails.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    run_in(None, arguments, environment)
}

/// The same, in a network namespace if one is named.
pub fn run_in(namespace: Option<&str>, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = command(namespace);
    let output = command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "noroshi {arguments:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Runs a command that must refuse; what it says on standard error.
pub fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output =
        Command::new(binary()).args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "noroshi {arguments:?} should refuse");
    assert!(!err.contains("panicked"), "{err}");
    err
}

/// A running process that dies with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the binary; what it logs goes to `log`.
    pub fn start(arguments: &[&str], log: &Path) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments);
        Self::spawn(command, log)
    }

    pub fn spawn(mut command: Command, log: &Path) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, log: log.to_path_buf() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`: the process gets no chance to do anything.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to stop and waits for it.
    pub fn stop(&mut self) {
        signal(self.pid(), "TERM");
        for _ in 0..3_000 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the process does not stop:\n{}", self.log());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal by name to one process.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok(), "kill -{name} {pid}");
}

/// Resident memory, bytes (`VmRSS` of proc(5)).
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// User and system time so far, seconds (`utime` + `stime` of proc(5), 100 ticks a second).
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// A port of the loopback interface that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
