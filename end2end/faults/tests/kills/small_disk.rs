//! A disk that can be filled: a little memory, mounted where only one test and its programs see it. That takes a
//! namespace of one's own (`unshare -rm`, also without root's rights), so the test runs once more in a process that has
//! one. Where the system forbids it, the sizes of the server's files are limited in its place.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use ferry_faults::settings;
use tokio::process::{Child, Command};

/// Set for the process that has a namespace of its own.
const INSIDE: &str = "FERRY_FAULTS_INSIDE";

pub(crate) enum Disk {
    /// Mounted here.
    Small(PathBuf),
    /// No disk: no file of the server may grow.
    Limits,
}

impl Disk {
    /// A disk of so many MiB at this folder, for the test of this name; none when that has run elsewhere, and gone well.
    pub(crate) async fn of_test(test: &str, folder: &Path, mebibytes: u64) -> Option<Self> {
        if settings::text(INSIDE).is_some() {
            std::fs::create_dir_all(folder).expect("a folder");
            assert!(mount(&mut Command::new("mount"), folder, mebibytes).await, "a disk of {mebibytes} MiB");
            return Some(Self::Small(folder.to_owned()));
        }
        if !mount(Command::new("unshare").args(["-rm", "mount"]), &std::env::temp_dir(), 1).await {
            eprintln!(
                "NO SMALL DISK for {test}: this system lets nobody mount one. File sizes are limited in its place."
            );
            return Some(Self::Limits);
        }
        let own = std::env::current_exe().expect("the test's own place");
        let mut inside = Command::new("unshare");
        inside.arg("-rm").arg(own).args(["--exact", test, "--nocapture"]).env(INSIDE, "1").kill_on_drop(true);
        assert!(inside.status().await.expect("it runs").success(), "{test} failed on a disk of its own: see above");
        None
    }

    /// How the server has to be started: by itself, a limit on the size of a file ends whoever passes it.
    pub(crate) fn started_by(&self) -> Vec<String> {
        match self {
            Self::Small(_) => Vec::new(),
            Self::Limits => ["sh", "-c", r#"trap "" XFSZ; exec "$0" "$@""#].map(str::to_owned).into(),
        }
    }

    /// Leaves so many bytes on it.
    pub(crate) async fn fill(&self, server: &Child, leaving: u64) {
        match self {
            Self::Small(folder) => fill(folder, leaving).expect("filled"),
            Self::Limits => limit(server, &format!("{leaving}:unlimited")).await,
        }
    }

    /// It is full for a process, too, that was started later.
    pub(crate) async fn is_full_for(&self, server: &Child, leaving: u64) {
        if matches!(self, Self::Limits) {
            self.fill(server, leaving).await;
        }
    }

    /// Makes room again, for what runs and what is started later.
    pub(crate) async fn empty(&self, server: Option<&Child>) {
        match (self, server) {
            (Self::Small(folder), _) => std::fs::remove_file(filler(folder)).expect("emptied"),
            (Self::Limits, Some(server)) => limit(server, "unlimited:unlimited").await,
            (Self::Limits, None) => {}
        }
    }
}

async fn mount(command: &mut Command, folder: &Path, mebibytes: u64) -> bool {
    command.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "none"]).arg(folder);
    command.status().await.is_ok_and(|status| status.success())
}

fn filler(folder: &Path) -> PathBuf {
    folder.join("filler")
}

/// Takes what there is, then gives back what is to be left.
fn fill(folder: &Path, leaving: u64) -> std::io::Result<()> {
    let mut file = File::create(filler(folder))?;
    for size in [1 << 20, 4096] {
        let piece = vec![1; size];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error),
            }
        }
    }
    let length = file.metadata()?.len();
    file.set_len(length.saturating_sub(leaving))
}

async fn limit(server: &Child, size: &str) {
    let id = server.id().expect("it runs").to_string();
    let set = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={size}")]).status().await;
    assert!(set.expect("prlimit").success());
}
