//! Appends lines to the log's chain, under a lock of all processes: where the chain ends, what of it is torn, when a
//! file is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use openclaw_package::digest::Digest;

use super::chain::{Checkpoint, Event, Link, PREFIX, chain};
use super::files::{Files, Head, shown};
use super::lines::{Backward, Forward, Line};
use super::rotation::Rotation;

/// Lines that are looked at for the end of the chain: others than the last are only there if somebody put them there.
const LOOK_BACK: usize = 1_000;
/// Bytes that are kept of a torn line.
const TORN_BYTES: usize = 4 << 10;

/// Appends to a log. Several of them, in one process or in many, may append to the same.
#[derive(Debug)]
pub(super) struct Appender {
    files: Files,
    current: Option<Current>,
    /// The last record, as far as this process knows.
    end: Option<Checkpoint>,
    chained: Vec<u8>,
}

/// The file that is written.
#[derive(Debug)]
struct Current {
    file: File,
    /// Its device and its inode.
    id: (u64, u64),
    len: u64,
}

/// What the end of a file says.
#[derive(Debug, Default)]
struct Tail {
    /// The last record that is part of a chain.
    last: Option<Checkpoint>,
    /// A line without an end.
    torn: Option<Vec<u8>>,
    /// Whether there is a line that has one.
    has_lines: bool,
}

impl Appender {
    /// Opens the log, makes it if it is not there, and mends what a killed process left.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let files = Files::of(path);
        files.make_dir()?;
        let mut this = Self { files, current: None, end: None, chained: Vec::new() };
        this.append(b"", Rotation::default())?;
        Ok(this)
    }

    /// Chains whole lines, each a JSON object, and appends them with one write.
    ///
    /// # Errors
    /// A file cannot be read or written. What was appended then is found out by whoever appends next.
    pub(super) fn append(&mut self, lines: &[u8], rotation: Rotation) -> io::Result<()> {
        let _lock = self.files.lock()?;
        let mut events = Vec::new();
        let mut full = Vec::new();
        let mut current = self.settle(&mut events)?;
        if current.len >= rotation.file_size.as_u64() && !(lines.is_empty() && events.is_empty()) {
            (current, full) = self.rotate(current, rotation, &mut events)?;
        }
        let mut end = self.end;
        self.chained.clear();
        chain(&events, &mut end, &mut self.chained)?;
        chain(lines, &mut end, &mut self.chained)?;
        if !self.chained.is_empty() {
            current.file.write_all(&self.chained)?;
            current.len += self.chained.len() as u64;
            self.end = end;
            self.files.write_head(end)?;
        }
        // Only once the log says so.
        full.iter().try_for_each(std::fs::remove_file)?;
        self.current = Some(current);
        Ok(())
    }

    /// The file that is written, and where the chain ends: known, unless somebody else has written since.
    fn settle(&mut self, events: &mut Vec<u8>) -> io::Result<Current> {
        let there =
            std::fs::metadata(self.files.current()).ok().map(|meta| ((meta.dev(), meta.ino()), meta.len()));
        match self.current.take() {
            Some(current) if there == Some((current.id, current.len)) => return Ok(current),
            _ => {}
        }
        let (mut file, len) = self.open_current()?;
        let tail = Tail::of(&file, len)?;
        if tail.has_lines && tail.last.is_none() && !begins_chain(&file, len)? {
            self.set_aside(events)?;
            let (file, len) = self.open_current()?;
            self.find_end(&Tail::default(), events)?;
            return Current::new(file, len);
        }
        let mut len = len;
        if let Some(torn) = &tail.torn {
            len -= torn.len() as u64;
            file.set_len(len)?;
            let kept = String::from_utf8_lossy(torn.get(..TORN_BYTES).unwrap_or(torn)).into_owned();
            tracing::warn!("{} ended with a torn line, which was taken out", self.files.current().display());
            Event::Repaired { bytes: torn.len() as u64, torn: kept }.write(events)?;
        } else if !ends_line(&file, len)? {
            file.write_all(b"\n")?;
            len += 1;
        }
        self.find_end(&tail, events)?;
        Current::new(file, len)
    }

    fn open_current(&self) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).mode(0o600).open(self.files.current())?;
        let len = file.metadata()?.len();
        Ok((file, len))
    }

    /// The chain ends with the last record of the file, or with what the head says where that is not behind it: a head that
    /// disagrees stays part of the chain, so that what was done to the file can be found.
    fn find_end(&mut self, tail: &Tail, events: &mut Vec<u8>) -> io::Result<()> {
        let last = match tail.last {
            Some(last) => Some(last),
            None => self.end_of_rotated()?,
        };
        let number = |end: &Option<Checkpoint>| end.map_or(0, |end| end.number);
        self.end = match self.files.head()? {
            Head::At(head) if number(&head) >= number(&last) => head,
            Head::At(_) => last,
            Head::Missing | Head::Damaged => {
                if last.is_some() {
                    Event::HeadLost.write(events)?;
                }
                self.files.write_head(last)?;
                last
            }
        };
        Ok(())
    }

    fn end_of_rotated(&self) -> io::Result<Option<Checkpoint>> {
        let Some(path) = self.files.rotated()?.pop() else { return Ok(None) };
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Tail::of(&file, len)?.last)
    }

    /// Moves a log that an older version wrote out of the way.
    fn set_aside(&self, events: &mut Vec<u8>) -> io::Result<()> {
        let aside = self.files.for_unchained();
        std::fs::rename(self.files.current(), &aside)?;
        let (digest, _) = Digest::of_reader(File::open(&aside)?)?;
        Event::Unchained { file: shown(&aside), digest }.write(events)
    }

    /// Moves a full file aside and begins a new one; answers it, and the files that are too many now.
    fn rotate(
        &self,
        full: Current,
        rotation: Rotation,
        events: &mut Vec<u8>,
    ) -> io::Result<(Current, Vec<PathBuf>)> {
        let first = match Forward::new(full.file, full.len).next().transpose()? {
            Some(Line::Whole(line)) => Link::read(&line).map(|link| link.number),
            _ => None,
        };
        let first = match first {
            Some(first) => first,
            None => self.end_of_rotated()?.map_or(1, |end| end.number.saturating_add(1)),
        };
        std::fs::rename(self.files.current(), self.files.for_rotated(first))?;
        let (file, len) = self.open_current()?;
        Ok((Current::new(file, len)?, self.too_many(rotation, events)?))
    }

    /// The oldest files beyond those that the owner keeps; the log tells of each what it ended with.
    fn too_many(&self, rotation: Rotation, events: &mut Vec<u8>) -> io::Result<Vec<PathBuf>> {
        let Some(keep) = rotation.keep_files else { return Ok(Vec::new()) };
        let mut rotated = self.files.rotated()?;
        let excess = rotated.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
        rotated.truncate(excess);
        let mut goes = Vec::new();
        for path in rotated {
            let file = File::open(&path)?;
            let len = file.metadata()?.len();
            // What has no end that could be told stays, and with it what comes after.
            let Some(Checkpoint { number: upto, hash }) = Tail::of(&file, len)?.last else { break };
            Event::Pruned { file: shown(&path), upto, hash }.write(events)?;
            goes.push(path);
        }
        Ok(goes)
    }
}

impl Current {
    fn new(file: File, len: u64) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self { file, id: (meta.dev(), meta.ino()), len })
    }
}

impl Tail {
    fn of(file: &File, len: u64) -> io::Result<Self> {
        let mut tail = Self::default();
        for line in Backward::new(file, len).take(LOOK_BACK) {
            match line? {
                Line::Torn(line) => tail.torn = Some(line),
                Line::TooLong => tail.has_lines = true,
                Line::Whole(line) => {
                    tail.has_lines = true;
                    if let Some(link) = Link::read(&line) {
                        tail.last = Some(Checkpoint { number: link.number, hash: Digest::of(&line) });
                        break;
                    }
                }
            }
        }
        Ok(tail)
    }
}

/// Where the chain of a log ends, without changing anything.
///
/// # Errors
/// A file cannot be read.
pub(super) fn end(files: &Files) -> io::Result<Option<Checkpoint>> {
    let _lock = files.lock_shared()?;
    let last = match File::open(files.current()) {
        Ok(file) => {
            let len = file.metadata()?.len();
            Tail::of(&file, len)?.last
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(match files.head()? {
        Head::At(Some(head)) if last.is_none_or(|last| head.number >= last.number) => Some(head),
        _ => last,
    })
}

fn begins_chain(file: &File, len: u64) -> io::Result<bool> {
    let mut start = [0; PREFIX.len()];
    if len < PREFIX.len() as u64 {
        return Ok(false);
    }
    std::os::unix::fs::FileExt::read_exact_at(file, &mut start, 0)?;
    Ok(start == PREFIX)
}

fn ends_line(file: &File, len: u64) -> io::Result<bool> {
    let Some(last) = len.checked_sub(1) else { return Ok(true) };
    let mut end = [0];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut end, last)?;
    Ok(end == *b"\n")
}
