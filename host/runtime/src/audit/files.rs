//! The files of an audit log: the one that is written, full ones beside it, the head, and the lock of whoever writes.
//!
//! ```text
//! audit.ndjson                  what is written now
//! audit/000000000001.ndjson     a full file, by the number of its first record
//! audit/unchained.ndjson        what an older version wrote, without a chain
//! audit/head                    number and digest of the last record
//! audit/lock                    held by whoever writes
//! ```

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use openclaw_package::digest::Digest;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::chain::Checkpoint;

const EXTENSION: &str = "ndjson";
const UNCHAINED: &str = "unchained";
/// How long somebody waits for the lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an audit log lies.
#[derive(Clone, Debug)]
pub(super) struct Files {
    current: PathBuf,
    dir: PathBuf,
}

/// The right to write the log, or to look at its end while nobody writes; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// What the head file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Head {
    /// The log begins, or ends with this record.
    At(Option<Checkpoint>),
    /// It is not there.
    #[default]
    Missing,
    /// It cannot be understood.
    Damaged,
}

impl Files {
    pub(super) fn of(current: &Path) -> Self {
        Self { current: current.to_owned(), dir: current.with_extension("") }
    }

    /// The file that is written now.
    pub(super) fn current(&self) -> &Path {
        &self.current
    }

    /// Makes the directory.
    pub(super) fn make_dir(&self) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)
    }

    /// Waits until nobody else writes.
    pub(super) fn lock(&self) -> io::Result<Lock> {
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true).mode(0o600);
            let file = match options.open(self.lock_path()) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.make_dir()?;
                    continue;
                }
                file => file?,
            };
            take(&file, FlockOperation::NonBlockingLockExclusive)?;
            // Somebody who moved the directory away meanwhile would leave two locks.
            if is_at(&file, &self.lock_path()) {
                return Ok(Lock { _file: file });
            }
        }
    }

    /// Waits until nobody writes; where there is no lock yet, nobody has.
    pub(super) fn lock_shared(&self) -> io::Result<Option<Lock>> {
        match File::open(self.lock_path()) {
            Ok(file) => {
                take(&file, FlockOperation::NonBlockingLockShared)?;
                Ok(Some(Lock { _file: file }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("lock")
    }

    fn head_path(&self) -> PathBuf {
        self.dir.join("head")
    }

    /// Reads the head.
    pub(super) fn head(&self) -> io::Result<Head> {
        let text = match std::fs::read(self.head_path()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Head::Missing),
            Err(error) => return Err(error),
        };
        let text = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n'));
        let checkpoint: Option<Checkpoint> = text.and_then(|text| text.parse().ok());
        Ok(checkpoint.map_or(Head::Damaged, |at| Head::At(Some(at).filter(|at| at.number > 0))))
    }

    /// Writes the head in one piece over the one before, which is as long.
    pub(super) fn write_head(&self, end: Option<Checkpoint>) -> io::Result<()> {
        let Checkpoint { number, hash } = end.unwrap_or(Checkpoint { number: 0, hash: Digest::of(b"") });
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(self.head_path())?;
        let text = format!("{number:020}:{hash}\n");
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(text.len() as u64)
    }

    /// The full files, oldest first.
    pub(super) fn rotated(&self) -> io::Result<Vec<PathBuf>> {
        self.named(|stem| {
            stem.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }

    /// What older versions wrote, oldest first.
    pub(super) fn unchained(&self) -> io::Result<Vec<PathBuf>> {
        self.named(|stem| stem.split('-').next() == Some(UNCHAINED))
    }

    /// All of them that hold records, oldest first, without the one that is written now.
    pub(super) fn before_current(&self) -> io::Result<Vec<PathBuf>> {
        Ok([self.unchained()?, self.rotated()?].concat())
    }

    /// Where a file goes that is full.
    pub(super) fn for_rotated(&self, first: u64) -> PathBuf {
        self.free(&format!("{first:012}"))
    }

    /// Where a file goes that has no chain.
    pub(super) fn for_unchained(&self) -> PathBuf {
        self.free(UNCHAINED)
    }

    /// A file of the directory by its name.
    pub(super) fn by_name(&self, name: &str) -> Option<PathBuf> {
        let is_name = Path::new(name).file_name() == Some(OsStr::new(name));
        is_name.then(|| self.dir.join(name))
    }

    fn free(&self, stem: &str) -> PathBuf {
        let names = std::iter::once(format!("{stem}.{EXTENSION}"))
            .chain((2_u32..).map(|count| format!("{stem}-{count}.{EXTENSION}")));
        let mut paths = names.map(|name| self.dir.join(name));
        // There is always one: nobody has that many files.
        paths.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| self.dir.join(stem))
    }

    fn named(&self, is_wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
            if path.extension() == Some(OsStr::new(EXTENSION)) && is_wanted(stem) {
                found.push((order(stem), path));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }
}

/// Takes a lock, and gives up where a process holds it that does not go on: whoever writes holds it for a moment.
fn take(file: &File, how: FlockOperation) -> io::Result<()> {
    let begun = Instant::now();
    let mut pause = Duration::from_micros(50);
    loop {
        match flock(file, how) {
            Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(2));
            }
            Err(Errno::WOULDBLOCK) => {
                let words = format!("another process has held its lock for {} s", PATIENCE.as_secs());
                return Err(io::Error::new(ErrorKind::TimedOut, words));
            }
            Err(Errno::INTR) => {}
            taken => return Ok(taken?),
        }
    }
}

/// By what files are ordered: the number of the first record, then the count of the same name.
fn order(stem: &str) -> (u64, u64) {
    let (name, count) = stem.split_once('-').unwrap_or((stem, "1"));
    (name.parse().unwrap_or(0), count.parse().unwrap_or(u64::MAX))
}

/// The number of the first record of a full file, as its name says.
pub(super) fn first_by_name(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    stem.split('-').next()?.parse().ok()
}

/// The name of a file, to be shown.
pub(super) fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Whether an open file is the one that a path leads to.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}
