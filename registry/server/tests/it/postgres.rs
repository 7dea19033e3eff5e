//! A real PostgreSQL server of a test's own, gone when the test ends.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The user `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

pub struct Postgres {
    server: Child,
    place: TempDir,
}

impl Postgres {
    pub fn start() -> Self {
        let place = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").unwrap();
        chown_if_root(place.path());
        let data = place.path().join("data");
        let made = as_nobody(&mut Command::new(program("initdb")))
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=registry",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata",
            ])
            .arg(&data)
            .current_dir("/tmp")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = as_nobody(&mut Command::new(program("postgres")))
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", place.path().display()))
            .arg("-D")
            .arg(&data)
            .current_dir("/tmp")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        let ready = || {
            let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            pid.lines().last().is_some_and(|line| line.trim() == "ready")
        };
        while !ready() {
            assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { server, place }
    }

    pub fn url(&self) -> String {
        let socket = self.place.path().display().to_string().replace('/', "%2F");
        format!("postgres://registry@{socket}/postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = self.server.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.server.wait();
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn chown_if_root(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn as_nobody(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// A program of PostgreSQL, on the path or where distributions keep it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        places.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = places.into_iter().map(|place| place.join(name)).find(|program| program.is_file());
    found
        .unwrap_or_else(|| panic!("{name} is not installed: install PostgreSQL (apt-get install postgresql)"))
}
