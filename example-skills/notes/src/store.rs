//! Notes as files, and an index of them that is only ever a copy.
//!
//! A file that stands is a note that is kept; writing one never touches the index. The index in
//! the skill's memory remembers of each file its size and time along with what lists show, and
//! each use of it looks at the directory and reads again what differs. So a process that dies, a
//! person who edits a file and a memory that is full or was not granted all come to the same: the
//! files are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use openclaw_skill::log::Log;
use openclaw_skill::memory;
use openclaw_skill::serde::{Deserialize, Serialize};
use openclaw_skill::{Error, ErrorContext, Result};

use crate::id::Id;
use crate::note::{Note, timestamp};

const INDEX: &str = "index";
/// A larger file is nothing that this skill wrote.
const FILE_BYTES: u64 = 1 << 20;
const ATTEMPTS: u32 = 1000;
/// A file that was written this short ago may be written again without its time telling.
const SETTLED: Duration = Duration::from_secs(2);

/// What lists show of a note, and how its file looked when that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "openclaw_skill::serde")]
pub struct Entry {
    pub title: String,
    pub tags: BTreeSet<String>,
    pub created: String,
    pub updated: String,
    size: u64,
    modified: SystemTime,
    settled: bool,
}

pub type Index = BTreeMap<Id, Entry>;

/// The notes of the skill.
pub struct Store<'c> {
    dir: &'c Path,
    memory: memory::Store<'c>,
    log: Log<'c>,
}

impl<'c> Store<'c> {
    pub fn new(dir: &'c Path, memory: memory::Store<'c>, log: Log<'c>) -> Self {
        Self { dir, memory, log }
    }

    /// Keeps a new note under a name that is still free.
    pub fn add(&self, note: &Note) -> Result<Id> {
        let day = note.created.get(..10).unwrap_or_default();
        for attempt in 0..ATTEMPTS {
            let id = Id::of(day, &note.title, attempt);
            // Made empty first, so that two calls at a time cannot take the same name.
            match OpenOptions::new().write(true).create_new(true).open(self.path(&id)) {
                Ok(_) => return self.write(&id, note).map(|()| id),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("the note cannot be kept"),
            }
        }
        Err(Error::failed(format!("there are {ATTEMPTS} notes of this title and day already")))
    }

    pub fn get(&self, id: &Id) -> Result<Note> {
        let path = self.path(id);
        let found = path.symlink_metadata().ok().filter(is_note);
        let found = found.ok_or_else(|| Error::failed(format!("there is no note {:?}", id.to_string())))?;
        read(&path, id, &found)
    }

    /// Puts a note in place of the one of that name.
    pub fn put(&self, id: &Id, note: &Note) -> Result<()> {
        self.get(id)?;
        self.write(id, note)
    }

    pub fn remove(&self, id: &Id) -> Result<()> {
        self.get(id)?;
        fs::remove_file(self.path(id)).context("the note cannot be removed")
    }

    /// The index, made to agree with the files.
    pub fn index(&self) -> Result<Index> {
        let old: Index = self
            .memory
            .get_json(INDEX)
            .unwrap_or_else(|error| {
                self.log.warn(format!("the index is made anew: {error}"));
                None
            })
            .unwrap_or_default();
        let mut new = Index::new();
        for file in fs::read_dir(self.dir).context("the notes cannot be read")? {
            let file = file?;
            let Some(id) = file.file_name().to_str().and_then(Id::from_file) else { continue };
            let Some(found) = file.path().symlink_metadata().ok().filter(is_note) else { continue };
            let known = old.get(&id).filter(|entry| entry.describes(&found));
            match known.map_or_else(|| Entry::read(&file.path(), &id, &found), |entry| Ok(entry.clone())) {
                Ok(entry) => drop(new.insert(id, entry)),
                Err(error) => self.log.warn(format!("{id} is left out: {error}")),
            }
        }
        if new != old
            && let Err(error) = self.memory.set_json(INDEX, &new)
        {
            self.log.warn(format!("the index is not kept: {error}"));
        }
        Ok(new)
    }

    /// The new text is whole in a file of its own before it takes the place of the old one.
    fn write(&self, id: &Id, note: &Note) -> Result<()> {
        let temporary = self.dir.join(format!(".{}.tmp", id.file()));
        let mut file = File::create(&temporary)?;
        file.write_all(note.to_file().as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, self.path(id)).context("the note cannot be kept")
    }

    fn path(&self, id: &Id) -> PathBuf {
        self.dir.join(id.file())
    }
}

impl Entry {
    pub fn has(&self, tag: Option<&String>) -> bool {
        tag.is_none_or(|tag| self.tags.contains(tag))
    }

    fn read(path: &Path, id: &Id, found: &Metadata) -> Result<Self> {
        let Note { title, tags, created, updated, .. } = read(path, id, found)?;
        let modified = modified(found);
        let settled = modified.elapsed().is_ok_and(|age| age > SETTLED);
        Ok(Self { title, tags, created, updated, size: found.len(), modified, settled })
    }

    fn describes(&self, found: &Metadata) -> bool {
        self.settled && self.size == found.len() && self.modified == modified(found)
    }
}

/// An empty file is a name that was taken by a call that did not live to write its note.
fn is_note(found: &Metadata) -> bool {
    found.is_file() && found.len() > 0
}

fn read(path: &Path, id: &Id, found: &Metadata) -> Result<Note> {
    if found.len() > FILE_BYTES {
        return Err(Error::failed(format!("{} is too large for a note", id.file())));
    }
    let bytes = fs::read(path)?;
    Ok(Note::from_file(&String::from_utf8_lossy(&bytes), &id.to_string(), modified(found)))
}

fn modified(found: &Metadata) -> SystemTime {
    found.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The time to write into a changed note: never before the one that is there.
pub fn later(updated: &str, now: SystemTime) -> String {
    timestamp(now).max(updated.to_owned())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
