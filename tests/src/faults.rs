//! A disk that fails when it is told to: a library preloaded into the node, and a file system of its own that loses power.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Two small programs in C, compiled once a test: what they do cannot be done without `unsafe`.
#[derive(Debug)]
pub struct Faults {
    folder: TempDir,
}

/// What happens at which operation on the files of the database; see `faults/io_faults.c`.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The process ends at this write, after so many bytes of it.
    KillAtWrite {
        write: u32,
        torn_bytes: u32,
    },
    KillAtSync {
        sync: u32,
    },
    /// From this fsync on every one fails.
    SyncFails {
        from: u32,
    },
    /// The disk is full for so many writes.
    Full {
        from: u32,
        writes: u32,
    },
}

impl Fault {
    fn text(self) -> String {
        match self {
            Self::KillAtWrite { write, torn_bytes } => format!("kill-write:{write}:{torn_bytes}"),
            Self::KillAtSync { sync } => format!("kill-sync:{sync}"),
            Self::SyncFails { from } => format!("fail-sync:{from}"),
            Self::Full { from, writes } => format!("full-write:{from}:{writes}"),
        }
    }
}

impl Faults {
    /// Compiles both with the compiler that the test command installs.
    pub fn compile() -> Self {
        let faults = Self { folder: tempfile::tempdir().unwrap() };
        faults.cc(include_str!("faults/io_faults.c"), "io_faults.so", &["-shared", "-fPIC", "-ldl"]);
        faults.cc(include_str!("faults/power_cut.c"), "power_cut", &[]);
        faults
    }

    fn cc(&self, source: &str, name: &str, options: &[&str]) {
        let file = self.folder.path().join(format!("{name}.c"));
        std::fs::write(&file, source).unwrap();
        let output = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(self.folder.path().join(name))
            .arg(&file)
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The environment of a process whose disk fails so.
    pub fn environment(&self, fault: Fault) -> [(&'static str, String); 2] {
        let library = self.folder.path().join("io_faults.so").to_str().unwrap().to_owned();
        [("LD_PRELOAD", library), ("NOROSHI_IO_FAULT", fault.text())]
    }

    /// A small disk of its own.
    pub fn disk(&self) -> Disk {
        Disk::make(self.folder.path())
    }
}

/// An ext4 file system in a file. Needs root. Unmounted with the value.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
    power_cut: PathBuf,
}

impl Disk {
    fn make(folder: &Path) -> Self {
        let disk =
            Self { image: folder.join("disk.img"), mount: folder.join("disk"), power_cut: folder.join("power_cut") };
        std::fs::create_dir(&disk.mount).unwrap();
        let image = disk.image.to_str().unwrap();
        run("truncate", &["-s", "96M", image]);
        run("mkfs.ext4", &["-q", "-F", image]);
        disk.mount();
        disk
    }

    pub fn path(&self) -> &Path {
        &self.mount
    }

    fn mount(&self) {
        run("mount", &["-o", "loop", self.image.to_str().unwrap(), self.mount.to_str().unwrap()]);
    }

    /// What was written and not flushed is gone; every further write fails. Processes that use it must be ended next.
    pub fn cut_power(&self) {
        let output = Command::new(&self.power_cut).arg(&self.mount).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// As after a start of the machine: what had reached the disk is mounted anew. From a copy, since a file system that was
    /// shut down stays so as long as anybody on this machine still sees it mounted.
    pub fn come_back(&mut self) {
        run("umount", &["-l", self.mount.to_str().unwrap()]);
        let copy = self.image.with_extension(format!("{}.img", uuid::Uuid::now_v7()));
        run("cp", &["--sparse=always", self.image.to_str().unwrap(), copy.to_str().unwrap()]);
        self.image = copy;
        self.mount();
    }

    /// Turns it read-only, or back.
    pub fn read_only(&self, on: bool) {
        let option = if on { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o", option, self.mount.to_str().unwrap()]);
    }

    /// Fills it but for so many KiB; gone with the file.
    pub fn fill(&self, left_kib: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-k"]).arg(&self.mount).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let free: u64 = text.split_whitespace().last().unwrap().parse().unwrap();
        let ballast = self.mount.join("ballast");
        let size = format!("{}K", free.saturating_sub(left_kib));
        run("fallocate", &["-l", &size, ballast.to_str().unwrap()]);
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that a failed test left behind must not keep the machine from forgetting it.
        _ = Command::new("umount").arg("-l").arg(&self.mount).status();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
