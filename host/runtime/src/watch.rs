//! Hot reload: follows the files that decide what may run, and swaps the snapshot when they change.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use openclaw_package::registry::takedown::KEPT_FILE;

use crate::layout::private_dir;
use crate::runtime::Runtime;

/// How long after a change more changes are waited for.
const SETTLE: Duration = Duration::from_millis(50);

/// Why changes cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("changes of the data directory cannot be followed: {0}")]
pub struct WatchError(#[from] notify::Error);

/// Follows changes until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    _watcher: RecommendedWatcher,
}

impl Watcher {
    pub(crate) fn start(runtime: Runtime) -> Result<Self, WatchError> {
        let (changed, changes) = channel();
        let first = changed.clone();
        // Made here, so that the first secret that is set there is seen.
        let secrets = runtime.data_dir().secrets();
        private_dir(&secrets).map_err(|error| notify::Error::io(error.source))?;
        let theirs = secrets.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Reloading opens these files, which must not count as a change of them. What the system
            // could not tell in full counts as one.
            let relevant = event.map_or(true, |event| {
                let named = event.paths.iter().any(|path| decides(path) || is_secret(path, &theirs));
                event.need_rescan() || (named && !event.kind.is_access())
            });
            if relevant {
                // The receiver ends with the watcher; then nobody needs to know.
                let _ = changed.send(());
            }
        })?;
        watcher.watch(runtime.data_dir().root(), RecursiveMode::NonRecursive)?;
        watcher.watch(&secrets, RecursiveMode::Recursive)?;
        // Made here, so that what a first login or takedown writes there is seen.
        let registries = runtime.data_dir().registries();
        private_dir(&registries).map_err(|error| notify::Error::io(error.source))?;
        watcher.watch(&registries, RecursiveMode::Recursive)?;
        // For what changed between the opening and now; the receiver is still here.
        let _ = first.send(());
        drop(first);
        std::thread::spawn(move || reload_on(&changes, &runtime));
        Ok(Self { _watcher: watcher })
    }
}

/// Whether a file decides what may run.
fn decides(path: &Path) -> bool {
    ["policy.toml", "trust.toml", "openclaw.lock", KEPT_FILE]
        .iter()
        .any(|name| path.file_name() == Some(OsStr::new(name)))
}

/// Whether a file tells of secrets, or is a folder of such files.
fn is_secret(path: &Path, secrets: &Path) -> bool {
    let is_file = path.extension() == Some(OsStr::new("toml"));
    path.starts_with(secrets) && (is_file || path.parent() == Some(secrets))
}

fn reload_on(changes: &Receiver<()>, runtime: &Runtime) {
    while changes.recv().is_ok() {
        loop {
            match changes.recv_timeout(SETTLE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        match runtime.reload() {
            Ok(()) => tracing::info!("skills and policy were reloaded"),
            Err(error) => tracing::error!("nothing was reloaded, the old state stays: {error}"),
        }
    }
}
