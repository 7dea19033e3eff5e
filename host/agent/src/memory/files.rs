//! The files of one agent: read in bounds, appended under a lock, replaced whole, and no link among them is followed.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::MemoryError;
use super::name::{FileName, SUMMARIES};

/// Bytes that are read of the beginning of a file.
pub(super) const READ_BYTES: u64 = 4 << 20;
/// Bytes that are read of the end of a file.
const END_BYTES: u64 = 256 << 10;
/// Files of an agent that are looked at: the latest.
pub(super) const FILES: usize = 10_000;
/// Names that a directory may have before it is not listed further.
const NAMES: usize = 100_000;
/// How long a lock is waited for: whoever has it, has it for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a file must not have been changed for its times to tell of the next change.
const SETTLED: Duration = Duration::from_secs(2);
/// How the names of files begin that are not whole yet.
const TEMPORARY: &str = ".new-";

/// Locks of the directory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Changing files.
    Write,
    /// Using the index.
    Index,
}

/// What a file looked like; another, where it was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    /// In bytes.
    pub(super) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Whether another change would have another stamp: clocks of file systems are coarse.
    pub(super) fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let settled = i64::try_from(now.saturating_sub(SETTLED).as_secs()).unwrap_or(0);
        self.modified.0 < settled && self.changed.0 < settled
    }

    /// As text, to be kept.
    pub(super) fn text(&self) -> String {
        let Self { inode, size, modified, changed } = self;
        format!("{inode} {size} {modified:?} {changed:?}")
    }
}

/// A file that is open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    path: PathBuf,
    /// What it looks like.
    pub(super) stamp: Stamp,
}

/// What was read of a file.
#[derive(Debug)]
pub(super) struct Content {
    /// Its text; what is no UTF-8 is replaced.
    pub(super) text: String,
    /// Whether something was replaced.
    pub(super) is_damaged: bool,
    /// Whether there is more of it.
    pub(super) is_cut: bool,
}

impl Opened {
    /// At most [`READ_BYTES`] from the beginning.
    pub(super) fn first(self) -> Result<Content, MemoryError> {
        self.read(0, READ_BYTES)
    }

    /// At most [`END_BYTES`] before the end.
    pub(super) fn last(self) -> Result<Content, MemoryError> {
        let from = self.stamp.size.saturating_sub(END_BYTES);
        self.read(from, END_BYTES)
    }

    fn read(self, from: u64, most: u64) -> Result<Content, MemoryError> {
        let mut bytes = Vec::new();
        let read = (&self.file).seek(SeekFrom::Start(from));
        read.and_then(|_| (&self.file).take(most).read_to_end(&mut bytes))
            .map_err(MemoryError::at(&self.path))?;
        let is_cut = self.stamp.size > most;
        if is_cut {
            to_whole_lines(&mut bytes, from > 0);
        }
        let text = String::from_utf8(bytes);
        let (text, is_damaged) = text.map_or_else(
            |error| (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
            |text| (text, false),
        );
        Ok(Content { text, is_damaged, is_cut })
    }
}

/// Drops the part of a line at which a file was cut; of one line without an end, nothing is dropped.
fn to_whole_lines(bytes: &mut Vec<u8>, at_begin: bool) {
    if at_begin {
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            bytes.drain(..=end);
        }
    } else if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
        bytes.truncate(end + 1);
    }
}

/// Where the files of one agent lie.
#[derive(Debug)]
pub(super) struct Files {
    base: PathBuf,
    agent: String,
}

/// The directory of an agent, or one in it.
#[derive(Debug)]
struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// The right to do something with the directory that one process may do at a time; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Files {
    /// The files of an agent below `base`, which is made if it is not there.
    pub(super) fn new(base: &Path, agent: &str) -> Result<Self, MemoryError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(base);
        let base = made.and_then(|()| base.canonicalize()).map_err(MemoryError::at(base))?;
        let files = Self { base, agent: agent.to_owned() };
        files.folder()?;
        Ok(files)
    }

    /// The agent's directory.
    pub(super) fn path(&self) -> PathBuf {
        self.base.join(&self.agent)
    }

    /// Opens the agent's directory, which may have been deleted meanwhile.
    fn folder(&self) -> Result<Folder, MemoryError> {
        let base = File::open(&self.base).map_err(MemoryError::at(&self.base))?;
        check_private(&base, &self.base)?;
        Folder { fd: base.into(), path: self.base.clone() }.folder(&self.agent)
    }

    /// Opens the directory of a file, and says the file's name in it.
    fn folder_of(&self, name: FileName) -> Result<(Folder, String), MemoryError> {
        let (dir, file) = name.parts();
        let folder = self.folder()?;
        Ok((dir.map_or(Ok(None), |dir| folder.folder(dir).map(Some))?.unwrap_or(folder), file))
    }

    /// The agent's files, the most important first, and how many more there are that are not looked at.
    pub(super) fn names(&self) -> Result<(Vec<FileName>, usize), MemoryError> {
        let folder = self.folder()?;
        let mut names: Vec<FileName> = folder.names()?.iter().filter_map(|name| name.parse().ok()).collect();
        let summaries = folder.folder(SUMMARIES)?.names()?;
        names.extend(
            summaries.iter().filter_map(|name| format!("{SUMMARIES}/{name}").parse::<FileName>().ok()),
        );
        names.sort_by_key(|name| name.order());
        let more = names.len().saturating_sub(FILES);
        names.truncate(FILES);
        Ok((names, more))
    }

    /// Opens a file for reading; nothing where there is none.
    pub(super) fn open(&self, name: FileName) -> Result<Option<Opened>, MemoryError> {
        let (folder, file) = self.folder_of(name)?;
        let path = folder.path.join(&file);
        let Some(file) = folder.open(&file, OFlags::RDONLY, name)? else { return Ok(None) };
        let stamp = Stamp::of(&file).map_err(MemoryError::at(&path))?;
        Ok(Some(Opened { file, path, stamp }))
    }

    /// Appends whole lines to a file, and makes it with `head` where there is none.
    ///
    /// # Errors
    /// It would have more than `most` bytes, or cannot be written; it is then as it was.
    pub(super) fn append(
        &self,
        name: FileName,
        head: &str,
        lines: &str,
        most: u64,
    ) -> Result<(), MemoryError> {
        let _lock = self.lock(Purpose::Write)?;
        let (folder, file) = self.folder_of(name)?;
        let path = folder.path.join(&file);
        let how = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let file = folder.open(&file, how, name)?.ok_or_else(|| MemoryError::missing(&path))?;
        let append = || -> io::Result<Result<(), MemoryError>> {
            let size = file.metadata()?.len();
            let mut text = String::new();
            if size == 0 {
                text.push_str(head);
            } else {
                let mut last = [0];
                file.read_exact_at(&mut last, size - 1)?;
                // A person's editor may leave the last line open.
                text.push_str(if last == *b"\n" { "" } else { "\n" });
            }
            text.push_str(lines);
            if size.saturating_add(text.len() as u64) > most {
                return Ok(Err(MemoryError::Full { file: name.to_string(), most }));
            }
            let written = (&file).write_all(text.as_bytes()).and_then(|()| file.sync_data());
            if written.is_err() {
                file.set_len(size)?;
            }
            written.map(Ok)
        };
        append().map_err(MemoryError::at(&path))?
    }

    /// Changes a file from what it is to what `change` makes of it: whole or not at all. A change that a person makes
    /// meanwhile is not lost: what they wrote is then changed instead.
    pub(super) fn change<T>(
        &self,
        name: FileName,
        change: impl Fn(Option<Opened>) -> Result<(Option<String>, T), MemoryError>,
    ) -> Result<T, MemoryError> {
        const TRIES: usize = 5;
        let _lock = self.lock(Purpose::Write)?;
        let (folder, file) = self.folder_of(name)?;
        folder.sweep()?;
        for _ in 0..TRIES {
            let opened = self.open(name)?;
            let before = opened.as_ref().map(|opened| opened.stamp);
            let (text, made) = change(opened)?;
            let Some(text) = text else { return Ok(made) };
            let whole = folder.write(&text)?;
            let now = self.open(name)?.map(|opened| opened.stamp);
            if now == before {
                return folder.put(&whole, &file).map(|()| made);
            }
            folder.remove(&whole)?;
        }
        Err(MemoryError::Busy { file: name.to_string() })
    }

    /// Waits until no other process does the same.
    pub(super) fn lock(&self, purpose: Purpose) -> Result<Lock, MemoryError> {
        let name = match purpose {
            Purpose::Write => ".lock",
            Purpose::Index => ".index.lock",
        };
        loop {
            let folder = self.folder()?;
            let path = folder.path.join(name);
            let open = |how| folder.open_raw(name, how).map_err(MemoryError::at(&path));
            let file = open(OFlags::RDWR | OFlags::CREATE)?;
            take(&file).map_err(MemoryError::at(&path))?;
            // Whoever deleted the file meanwhile would leave two locks.
            let there = match open(OFlags::RDWR) {
                Err(MemoryError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => continue,
                there => there?,
            };
            let (ours, there) = (Stamp::of(&file), Stamp::of(&there));
            if ours.map_err(MemoryError::at(&path))?.inode == there.map_err(MemoryError::at(&path))?.inode {
                return Ok(Lock { _file: file });
            }
        }
    }

    /// A regular file that is no memory but lies with them; it is made if it is not there, and whatever else has its
    /// name is removed. Says its path and its inode.
    pub(super) fn own_file(&self, name: &str) -> Result<(PathBuf, u64), MemoryError> {
        let folder = self.folder()?;
        let path = folder.path.join(name);
        let open = || folder.open_raw(name, OFlags::RDWR | OFlags::CREATE);
        let inode = |file: File| file.metadata().map(|meta| meta.is_file().then(|| meta.ino()));
        if let Ok(Some(inode)) = open().and_then(inode) {
            return Ok((path, inode));
        }
        folder.remove(name)?;
        let made = open().and_then(inode).map_err(MemoryError::at(&path))?;
        made.map(|inode| (path.clone(), inode)).ok_or_else(|| MemoryError::missing(&path))
    }

    /// Removes such a file.
    pub(super) fn remove_own(&self, name: &str) -> Result<(), MemoryError> {
        self.folder()?.remove(name)
    }
}

impl Folder {
    /// A directory in this one, made for this user alone if it is not there.
    fn folder(&self, name: &str) -> Result<Self, MemoryError> {
        let path = self.path.join(name);
        let open = || -> io::Result<OwnedFd> {
            match mkdirat(&self.fd, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(openat(&self.fd, name, how, Mode::empty())?)
        };
        let file =
            File::from(open().map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::LOOP | Errno::NOTDIR) => MemoryError::Foreign { file: name.to_owned() },
                _ => MemoryError::at(&path)(error),
            })?);
        check_private(&file, &path)?;
        Ok(Self { fd: file.into(), path })
    }

    fn names(&self) -> Result<Vec<String>, MemoryError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.fd)?.take(NAMES) {
                names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
            }
            Ok(names)
        };
        list().map_err(MemoryError::at(&self.path))
    }

    /// A regular file; nothing where there is none.
    fn open(&self, file: &str, how: OFlags, name: FileName) -> Result<Option<File>, MemoryError> {
        let foreign = || MemoryError::Foreign { file: name.to_string() };
        let path = self.path.join(file);
        let opened = match self.open_raw(file, how) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                // A link, a directory that was to be written, a pipe without a reader.
                Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(foreign()),
                _ => return Err(MemoryError::at(&path)(error)),
            },
            Ok(opened) => opened,
        };
        let is_file = opened.metadata().map_err(MemoryError::at(&path))?.is_file();
        if is_file { Ok(Some(opened)) } else { Err(foreign()) }
    }

    fn open_raw(&self, name: &str, how: OFlags) -> io::Result<File> {
        // A pipe would be waited for.
        let how = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(openat(&self.fd, name, how, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Writes a file that has no name of its own yet, and says what it is called until then.
    fn write(&self, text: &str) -> Result<String, MemoryError> {
        let write = || -> io::Result<String> {
            let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
            let name = format!("{TEMPORARY}{random:016x}");
            let mut file = self.open_raw(&name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(name)
        };
        write().map_err(MemoryError::at(&self.path))
    }

    /// Puts a whole file in the place of another.
    fn put(&self, whole: &str, name: &str) -> Result<(), MemoryError> {
        let put = || -> io::Result<()> {
            renameat(&self.fd, whole, &self.fd, name)?;
            Ok(rustix::fs::fsync(&self.fd)?)
        };
        put().map_err(MemoryError::at(&self.path.join(name)))
    }

    /// Removes a file, or an empty directory; that there is none is well.
    fn remove(&self, name: &str) -> Result<(), MemoryError> {
        let removed = match unlinkat(&self.fd, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => unlinkat(&self.fd, name, AtFlags::REMOVEDIR),
            removed => removed,
        };
        match removed {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(MemoryError::at(&self.path.join(name))(errno.into())),
        }
    }

    /// Removes what a process that was killed left half written.
    fn sweep(&self) -> Result<(), MemoryError> {
        let names = self.names()?;
        names.iter().filter(|name| name.starts_with(TEMPORARY)).try_for_each(|name| self.remove(name))
    }
}

/// Refuses a directory in which another user could write: whoever can decides what the agent believes.
fn check_private(dir: &File, path: &Path) -> Result<(), MemoryError> {
    let meta = dir.metadata().map_err(MemoryError::at(path))?;
    if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(MemoryError::NotPrivate { path: path.to_owned() });
    }
    Ok(())
}

fn take(file: &File) -> io::Result<()> {
    let begun = Instant::now();
    let mut pause = Duration::from_micros(50);
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(2));
            }
            Err(Errno::WOULDBLOCK) => {
                let words = format!("another process has held it for {} s", PATIENCE.as_secs());
                return Err(io::Error::new(ErrorKind::TimedOut, words));
            }
            Err(Errno::INTR) => {}
            taken => return Ok(taken?),
        }
    }
}
