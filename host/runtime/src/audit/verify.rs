//! Checks the chain of a log: every record that was removed, edited, moved, doubled or put in between is found, and so is a
//! missing end.

use std::fs::File;
use std::io;
use std::path::Path;

use openclaw_package::digest::Digest;
use serde::Serialize;

use super::AuditError;
use super::chain::{Checkpoint, Event, Link};
use super::files::{Files, Head, shown};
use super::lines::{Forward, Line};
use super::pruned::{Pruned, Remains};
use super::rotation::Rotation;

/// Faults that are told; the rest are counted.
const TOLD: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Calls that are recorded in the chain, and in order.
    pub records: u64,
    /// Where the chain ends.
    pub head: Option<Checkpoint>,
    /// The files of the chain, oldest first.
    pub files: Vec<String>,
    /// Files of older versions, which have no chain; they are as they were when they were set aside, unless a fault says so.
    pub unchained: Vec<String>,
    /// The last record of the files that were deleted as the owner's policy says; 0 where none were.
    pub pruned_upto: u64,
    /// Torn lines that were taken out: a process was killed, or a disk was full.
    pub repaired: u64,
    /// The last line has no end, for the same reasons; the next call takes it out.
    pub torn: bool,
    /// What is wrong, at most 100.
    pub faults: Vec<Fault>,
    /// How much is wrong.
    pub fault_count: u64,
}

/// What a log is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// What the policy says of the files that are kept: the log is not believed to have deleted others.
    pub rotation: Rotation,
    /// The end of the log at an earlier time, kept elsewhere: its record must still be there, and be the same.
    pub head: Option<Checkpoint>,
    /// The owner knows that the records up to this number were deleted as the policy said at that time; 0 where they know of none.
    pub pruned_upto: u64,
}

/// Something that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Of what kind.
    pub code: FaultCode,
    /// In which file it shows.
    pub file: String,
    /// In which line, from 1; none where it is about the whole file or its end.
    pub line: Option<u64>,
    /// The number of the record that it is about; the first, where it is about several.
    pub number: Option<u64>,
    /// What is wrong, in words.
    pub message: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// Records are not there, of the middle or the beginning.
    Removed,
    /// A record is not what the next one was chained to.
    Edited,
    /// A record is there twice.
    Duplicated,
    /// A record stands where it does not belong.
    Misplaced,
    /// A line is no record.
    NotARecord,
    /// The end of the log is not there.
    Truncated,
    /// The head is not there, cannot be understood, or was so once.
    HeadLost,
    /// A record is not the one of a head that was kept elsewhere.
    OtherHead,
    /// A file of an older version was changed, or is not there.
    UnchainedChanged,
    /// A file lies among the others that the log does not know.
    UnknownFile,
}

/// Checks the whole log, that no more was deleted than the policy says, and, where a head was kept elsewhere, that the log still
/// contains what it did then.
///
/// # Errors
/// [`AuditError`] where a file cannot be read.
pub fn verify(path: &Path, expected: &Expected) -> Result<Verification, AuditError> {
    let files = Files::of(path);
    run(&files, *expected).map_err(|error| AuditError {
        path: path.to_owned(),
        doing: "read",
        reason: error.to_string(),
    })
}

fn run(files: &Files, expected: Expected) -> io::Result<Verification> {
    let lock = files.lock_shared()?;
    let (rotated, head) = (files.rotated()?, files.head()?);
    let current = open(files.current())?;
    drop(lock);
    let mut check = Check { expected, head, ..Check::default() };
    for path in rotated {
        if let Some((file, len)) = open(&path)? {
            check.full_files += u64::from(len >= expected.rotation.file_size.as_u64());
            check.file(shown(&path), file, len)?;
            check.rotated_ends();
        }
    }
    if let Some((file, len)) = current {
        check.file(shown(files.current()), file, len)?;
    }
    check.finish(files)
}

fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let len = file.metadata()?.len();
            Ok(Some((file, len)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A check that is under way.
#[derive(Debug, Default)]
struct Check {
    found: Verification,
    head: Head,
    expected: Expected,
    file: String,
    line: u64,
    /// Whether the file has records of calls so far.
    has_calls: bool,
    /// Files set aside that are as large as a full one is.
    full_files: u64,
    /// The last record in order, and where it stands.
    last: Option<Checkpoint>,
    last_place: (String, u64),
    /// Lines since then that are no records.
    unknown: u64,
    /// The number before a gap, and which fault tells of it: an edited number looks like one.
    gap: Option<(u64, usize)>,
    /// Where the log begins if not with the first record: the number before, and its digest.
    base: Option<Checkpoint>,
    pruned: Vec<Pruned>,
    unchained: Vec<(String, Digest)>,
    /// The digests of the records that the two heads are about.
    at_head: Option<Digest>,
    at_known: Option<Digest>,
}

impl Check {
    fn file(&mut self, name: String, file: File, len: u64) -> io::Result<()> {
        self.found.files.push(name.clone());
        (self.file, self.line) = (name, 0);
        (self.found.torn, self.has_calls) = (false, false);
        for line in Forward::new(file, len) {
            self.line += 1;
            match line? {
                Line::Whole(line) => match Link::read(&line) {
                    Some(link) => self.record(link, &line),
                    None => self.no_record("is no record: it was edited, or put there"),
                },
                // Of the last file, the end decides what it means.
                Line::Torn(_) => self.found.torn = true,
                Line::TooLong => self.no_record("is longer than any record"),
            }
        }
        Ok(())
    }

    /// The writer takes torn lines out before it sets a file aside.
    fn rotated_ends(&mut self) {
        if std::mem::take(&mut self.found.torn) {
            self.no_record("has no end: it was put there after the file was full, or cut");
        }
    }

    fn no_record(&mut self, words: &str) {
        self.unknown += 1;
        let message = format!("line {} of {} {words}", self.line, self.file);
        self.fault(FaultCode::NotARecord, None, message);
    }

    /// A line that is part of a chain: of this one, at this place?
    fn record(&mut self, link: Link, line: &[u8]) {
        let number = link.number;
        let here = Checkpoint { number, hash: Digest::of(line) };
        let before = self.last.map_or(0, |last| last.number);
        if let Some((base, index)) = self.gap.take()
            && number == base.saturating_add(2)
        {
            self.was_renumbered(base + 1, index);
        } else if self.last.is_none() && number > 1 {
            self.base = link.prev.map(|hash| Checkpoint { number: number - 1, hash });
            if self.base.is_none() {
                self.fault(FaultCode::Edited, Some(number), format!("record {number} is chained to nothing"));
            }
        } else {
            match number.checked_sub(before + 1) {
                Some(0) => self.follows(link),
                // The lines that are no records stand for them, and are told.
                Some(missing) if missing <= self.unknown => {}
                Some(_) => self.is_missing(before, number),
                None => return self.comes_again(here),
            }
        }
        self.accept(here, link, line);
    }

    fn follows(&mut self, link: Link) {
        let prev = self.last.map(|last| last.hash);
        if link.prev == prev {
            return;
        }
        let number = link.number;
        let Some(before) = self.last else {
            return self.fault(
                FaultCode::Edited,
                Some(number),
                format!("record {number} is the first, and chained to another"),
            );
        };
        let (file, line) = self.last_place.clone();
        let message = format!(
            "record {} was edited: it is not the one that record {number} was chained to",
            before.number
        );
        self.push(Fault {
            code: FaultCode::Edited,
            file,
            line: Some(line),
            number: Some(before.number),
            message,
        });
    }

    fn is_missing(&mut self, before: u64, number: u64) {
        self.gap = Some((before, self.found.faults.len()));
        let message = format!("{} missing before record {number}", several(before + 1, number - 1));
        self.fault(FaultCode::Removed, Some(before + 1), message);
    }

    /// What looked like a gap was a record with another number: the next one goes on as if there were none.
    fn was_renumbered(&mut self, number: u64, index: usize) {
        if let Some(fault) = self.found.faults.get_mut(index) {
            fault.code = FaultCode::Edited;
            fault.message = format!("record {number} was edited: it has another number");
        }
    }

    fn comes_again(&mut self, here: Checkpoint) {
        let number = here.number;
        if self.last == Some(here) {
            self.fault(FaultCode::Duplicated, Some(number), format!("record {number} is there twice"));
        } else {
            let after = self.last.map_or(0, |last| last.number);
            let message =
                format!("record {number} stands after record {after}: it was moved, doubled or put there");
            self.fault(FaultCode::Misplaced, Some(number), message);
        }
    }

    fn accept(&mut self, here: Checkpoint, link: Link, line: &[u8]) {
        self.last = Some(here);
        self.last_place = (self.file.clone(), self.line);
        self.unknown = 0;
        if self.head == Head::At(Some(here))
            || matches!(self.head, Head::At(Some(head)) if head.number == here.number)
        {
            self.at_head = Some(here.hash);
        }
        if self.expected.head.is_some_and(|known| known.number == here.number) {
            self.at_known = Some(here.hash);
        }
        if link.event.is_none() {
            self.found.records += 1;
            self.has_calls = true;
            return;
        }
        match Event::read(line) {
            Some(Event::Repaired { .. }) => self.found.repaired += 1,
            Some(Event::Unchained { file, digest }) => self.unchained.push((file, digest)),
            Some(Event::Pruned { file, upto, hash }) => {
                let upto = Checkpoint { number: upto, hash };
                self.pruned.push(Pruned { number: here.number, file, upto, begins_file: !self.has_calls });
            }
            Some(Event::HeadLost) => {
                let message = format!(
                    "before record {} the head was lost: records after the one before may be missing",
                    here.number
                );
                self.fault(FaultCode::HeadLost, Some(here.number), message);
            }
            None => self.no_record("is an event that this version does not know"),
        }
    }

    fn finish(mut self, files: &Files) -> io::Result<Verification> {
        self.check_base();
        self.check_head();
        self.check_known();
        self.check_unchained(files)?;
        self.found.head = self.last;
        Ok(self.found)
    }

    /// A log that does not begin with the first record was pruned, or something is missing.
    fn check_base(&mut self) {
        let Some(base) = self.base else { return };
        let Err(doubt) = self.was_pruned(base) else {
            self.found.pruned_upto = base.number;
            return;
        };
        let (file, message) = (
            self.found.files.first().cloned().unwrap_or_default(),
            format!(
                "{} missing: the log begins with record {}{doubt}",
                several(1, base.number),
                base.number + 1
            ),
        );
        self.push(Fault { code: FaultCode::Removed, file, line: Some(1), number: Some(1), message });
    }

    /// Whether an event says that the log was pruned up to there, and is to be believed; else what speaks against it.
    fn was_pruned(&self, base: Checkpoint) -> Result<(), String> {
        let remains = Remains {
            rotation: self.expected.rotation,
            full_files: self.full_files,
            first_file: self.found.files.first().map_or("", String::as_str),
            known: self.expected.head.filter(|known| self.at_known == Some(known.hash)),
            pruned_upto: self.expected.pruned_upto,
        };
        let mut doubt = String::new();
        for event in self.pruned.iter().filter(|event| event.upto == base) {
            match event.believe(&remains) {
                Ok(()) => return Ok(()),
                Err(why) => {
                    doubt = format!("; record {} says that they were pruned, but {why}", event.number)
                }
            }
        }
        Err(doubt)
    }

    fn check_head(&mut self) {
        let last = self.last.map_or(0, |last| last.number);
        let whole =
            |code, number, message| Fault { code, file: "head".to_owned(), line: None, number, message };
        let fault = match self.head {
            Head::At(Some(head)) if head.number > last => {
                self.found.torn = false;
                let message = format!(
                    "{} missing at the end: they were cut off, or lost when the machine stopped",
                    several(last + 1, head.number)
                );
                let file = self.found.files.last().cloned().unwrap_or_default();
                Fault { code: FaultCode::Truncated, file, line: None, number: Some(last + 1), message }
            }
            Head::At(Some(head)) if self.at_head.is_some_and(|hash| hash != head.hash) => {
                let message =
                    format!("record {} was edited: it is not the one that the head names", head.number);
                whole(FaultCode::Edited, Some(head.number), message)
            }
            Head::Missing if last > 0 => whole(
                FaultCode::HeadLost,
                None,
                "the head is not there: the end of the log may be missing".to_owned(),
            ),
            Head::Damaged => whole(
                FaultCode::HeadLost,
                None,
                "the head cannot be understood: the end of the log may be missing".to_owned(),
            ),
            _ => return,
        };
        self.push(fault);
    }

    fn check_known(&mut self) {
        let Some(known) = self.expected.head else { return };
        let number = known.number;
        let is_pruned = number <= self.found.pruned_upto;
        // The digests of the last records of deleted files are in the log.
        let mut told = self.pruned.iter().filter(|event| is_pruned && event.upto.number == number).peekable();
        let is_other = told.peek().is_some() && told.all(|event| event.upto != known);
        let message = match self.at_known {
            Some(hash) if hash == known.hash => return,
            Some(_) => format!("record {number} is not the one that you kept the digest of"),
            None if is_other => format!("record {number} was not the one that you kept the digest of"),
            None if is_pruned && number <= self.expected.pruned_upto => return,
            None if is_pruned => format!(
                "record {number} was deleted after you kept its digest, and cannot be compared; if you expect that, say \
                 --pruned-upto {}",
                self.found.pruned_upto
            ),
            None => format!("record {number}, of which you kept the digest, is not there"),
        };
        let file = self.found.files.last().cloned().unwrap_or_default();
        self.push(Fault { code: FaultCode::OtherHead, file, line: None, number: Some(number), message });
    }

    fn check_unchained(&mut self, files: &Files) -> io::Result<()> {
        let there = files.unchained()?;
        self.found.unchained = there.iter().map(|path| shown(path)).collect();
        let known = std::mem::take(&mut self.unchained);
        for name in self.found.unchained.clone() {
            if !known.iter().any(|(known, _)| *known == name) {
                let message = format!("the log does not know {name}: somebody put it there");
                self.push(Fault {
                    code: FaultCode::UnknownFile,
                    file: name,
                    line: None,
                    number: None,
                    message,
                });
            }
        }
        for (name, digest) in known {
            let opened = files.by_name(&name).map(|path| open(&path)).transpose()?.flatten();
            let there = opened.map(|(file, _)| Digest::of_reader(file)).transpose()?;
            let message = match there {
                Some((there, _)) if there == digest => continue,
                Some(_) => format!("{name} was changed after it was set aside"),
                None => format!("{name} is missing"),
            };
            self.push(Fault {
                code: FaultCode::UnchainedChanged,
                file: name,
                line: None,
                number: None,
                message,
            });
        }
        Ok(())
    }

    /// A fault in this line.
    fn fault(&mut self, code: FaultCode, number: Option<u64>, message: String) {
        let (file, line) = (self.file.clone(), Some(self.line));
        self.push(Fault { code, file, line, number, message });
    }

    fn push(&mut self, fault: Fault) {
        self.found.fault_count += 1;
        if self.found.faults.len() < TOLD {
            self.found.faults.push(fault);
        }
    }
}

/// One record, or some, as the beginning of a sentence.
fn several(first: u64, last: u64) -> String {
    if first == last { format!("record {first} is") } else { format!("records {first} to {last} are") }
}
