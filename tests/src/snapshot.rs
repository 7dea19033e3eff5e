//! What lies in a directory at one moment, to be held against another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openclaw_package::Digest;

const DIRECTORY: &str = "directory";

/// The files of a directory, each with its digest; directories and links with what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, String>);

impl Snapshot {
    /// All that lies below some directories or files, without what has one of these names. What is not there is
    /// not in it.
    #[must_use]
    pub fn of(paths: impl IntoIterator<Item = PathBuf>, without: &[&str]) -> Self {
        let mut found = BTreeMap::new();
        paths.into_iter().for_each(|path| add(&path, without, &mut found));
        Self(found)
    }

    /// Without the directories, which may come and stay without anything in them.
    #[must_use]
    pub fn of_files(mut self) -> Self {
        self.0.retain(|_, what| what != DIRECTORY);
        self
    }

    /// Where the two differ.
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&PathBuf> = self.0.keys().chain(later.0.keys()).collect();
        let line = |path: &&PathBuf| match (self.0.get(*path), later.0.get(*path)) {
            (before, after) if before == after => None,
            (None, _) => Some(format!("{} is new", path.display())),
            (_, None) => Some(format!("{} is gone", path.display())),
            _ => Some(format!("{} was changed", path.display())),
        };
        names.iter().filter_map(line).collect()
    }

    /// Nothing has changed.
    #[track_caller]
    pub fn is_still(&self, later: &Self, what: &dyn std::fmt::Display) {
        let difference = self.difference(later);
        assert!(difference.is_empty(), "{what}: {difference:#?}");
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn add(path: &Path, without: &[&str], found: &mut BTreeMap<PathBuf, String>) {
    let left_out = path.file_name().is_some_and(|name| without.iter().any(|known| name == *known));
    let Some(meta) = std::fs::symlink_metadata(path).ok().filter(|_| !left_out) else { return };
    let what = if meta.is_dir() {
        let entries = std::fs::read_dir(path).expect("a directory that can be read");
        entries.for_each(|entry| add(&entry.expect("an entry").path(), without, found));
        DIRECTORY.to_owned()
    } else if meta.is_file() {
        Digest::of(&std::fs::read(path).expect("a file that can be read")).to_string()
    } else {
        format!("{:?}", meta.file_type())
    };
    found.insert(path.to_owned(), what);
}
