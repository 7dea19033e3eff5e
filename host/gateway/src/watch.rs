//! Files that are followed: whoever depends on one is told when it was changed, replaced or removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long after a change more changes are waited for.
const SETTLE: Duration = Duration::from_millis(50);

/// Some files that are followed until this is dropped.
#[derive(Debug)]
pub struct Files {
    _watcher: RecommendedWatcher,
    changes: UnboundedReceiver<PathBuf>,
    /// Changes of which nobody was told yet.
    changed: BTreeSet<PathBuf>,
}

impl Files {
    /// Follows files, by way of the directories that they lie in: a file is often changed by putting another in its place.
    ///
    /// # Errors
    /// The system cannot tell of changes, or a directory is not there.
    pub fn follow(files: &[PathBuf]) -> Result<Self, notify::Error> {
        let (sender, changes) = unbounded_channel();
        let followed = files.to_vec();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            // Whoever reads a file again must not count as a change of it.
            let changed = |path: &&PathBuf| {
                event.need_rescan() || (!event.kind.is_access() && event.paths.contains(path))
            };
            for path in followed.iter().filter(changed) {
                // The receiver ends with the watcher; then nobody needs to know.
                let _ = sender.send(path.clone());
            }
        })?;
        let dirs: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        for dir in dirs {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
        }
        Ok(Self { _watcher: watcher, changes, changed: BTreeSet::new() })
    }

    /// The files that were changed, once some were, and for a moment none more. Whoever gives up waiting loses nothing.
    pub async fn changed(&mut self) -> BTreeSet<PathBuf> {
        if self.changed.is_empty() {
            match self.changes.recv().await {
                Some(path) => self.changed.insert(path),
                None => return std::future::pending().await,
            };
        }
        while let Ok(Some(path)) = tokio::time::timeout(SETTLE, self.changes.recv()).await {
            self.changed.insert(path);
        }
        std::mem::take(&mut self.changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_written_or_replaced_is_told_and_its_neighbours_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::write(&one, "1").unwrap();
        let mut files = Files::follow(&[one.clone(), two.clone()]).unwrap();
        std::fs::write(dir.path().join("other"), "x").unwrap();
        std::fs::write(&two, "2").unwrap();
        assert_eq!(files.changed().await, BTreeSet::from([two]));
        std::fs::rename(dir.path().join("other"), &one).unwrap();
        assert_eq!(files.changed().await, BTreeSet::from([one.clone()]));
        std::fs::write(&one, "3").unwrap();
        let soon = tokio::time::timeout(Duration::from_millis(30), files.changed()).await;
        assert!(soon.is_err(), "it has not settled");
        assert_eq!(files.changed().await, BTreeSet::from([one.clone()]), "what was given up is told later");
        std::fs::read(&one).unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(300), files.changed()).await;
        assert!(quiet.is_err(), "reading is no change: {quiet:?}");
    }
}
