//! Finds records: by skill, tool, caller, time and outcome, without holding more of the log than is asked for.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use openclaw_package::name::SkillId;

use super::chain::Link;
use super::files::Files;
use super::lines::{Backward, Forward, Line};
use super::{AuditError, Record};

/// Which records are wanted: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Calls of this skill.
    pub skill: Option<SkillId>,
    /// Calls of this tool: `greet`, or `acme/hello/greet`.
    pub tool: Option<String>,
    /// Calls that this caller made.
    pub caller: Option<String>,
    /// Calls that began then or later.
    pub since: Option<Timestamp>,
    /// Calls that began before.
    pub until: Option<Timestamp>,
    /// Calls that ended so.
    pub outcome: Option<Outcome>,
    /// The last ones only; so many are held in memory.
    pub limit: Option<usize>,
}

/// How calls ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `ok`: with a result.
    Ok,
    /// `denied`: because something was not permitted.
    Denied,
    /// `error`: without a result, for whatever reason.
    Error,
    /// With the error of this code.
    Code(String),
}

impl FromStr for Outcome {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "ok" => Self::Ok,
            "denied" => Self::Denied,
            "error" => Self::Error,
            code => Self::Code(code.to_owned()),
        })
    }
}

impl Outcome {
    fn is_of(&self, outcome: &str) -> bool {
        match self {
            Self::Ok => outcome == "ok",
            Self::Denied => outcome == "permission-denied",
            Self::Error => outcome != "ok",
            Self::Code(code) => outcome == code,
        }
    }
}

impl Query {
    fn fits(&self, record: &Record) -> bool {
        let tool = &record.tool;
        let is_tool = |wanted: &String| tool.as_str() == wanted || tool.tool().as_str() == wanted;
        self.skill.as_ref().is_none_or(|skill| tool.skill() == skill)
            && self.tool.as_ref().is_none_or(is_tool)
            && self.caller.as_ref().is_none_or(|caller| record.caller == *caller)
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && self.outcome.as_ref().is_none_or(|outcome| outcome.is_of(&record.outcome))
    }

    /// The record of a line, if it is one that fits; what is none is counted.
    fn read(&self, line: &Line, unknown: &mut u64) -> Option<Record> {
        let record = match line {
            Line::Whole(line) => match serde_json::from_slice(line) {
                Ok(record) => Some(record),
                // What the log says of itself is no call.
                Err(_) if Link::read(line).is_some_and(|link| link.event.is_some()) => return None,
                Err(_) => None,
            },
            Line::Torn(_) | Line::TooLong => None,
        };
        *unknown += u64::from(record.is_none());
        record.filter(|record| self.fits(record))
    }
}

/// Gives the records of a log that fit, oldest first, to `each`. A log that is not there has none. Lines that are no records
/// are passed over; the answer is how many of them were met.
///
/// # Errors
/// [`AuditError`] where a file cannot be read, and what `each` gives.
pub fn search<E: From<AuditError>>(
    path: &Path,
    query: &Query,
    each: impl FnMut(Record) -> Result<(), E>,
) -> Result<u64, E> {
    let files = Files::of(path);
    let snapshot = Snapshot::take(&files).map_err(|error| failed(path, &error))?;
    match query.limit {
        Some(limit) => {
            let (found, unknown) = last(snapshot, query, limit)?;
            found.into_iter().rev().try_for_each(each).map(|()| unknown)
        }
        None => all(snapshot, query, each),
    }
}

/// The files of a log at one moment.
struct Snapshot {
    before: Vec<PathBuf>,
    current: Option<(PathBuf, File, u64)>,
}

impl Snapshot {
    /// While nobody writes, no file gives way to another one.
    fn take(files: &Files) -> io::Result<Self> {
        let _lock = files.lock_shared()?;
        let current = match File::open(files.current()) {
            Ok(file) => {
                let len = file.metadata()?.len();
                Some((files.current().to_owned(), file, len))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { before: files.before_current()?, current })
    }
}

/// A full file, unless it was deleted meanwhile, as the owner's policy may say.
fn open(path: PathBuf) -> Result<Option<(PathBuf, File, u64)>, AuditError> {
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((len, file)) => Ok(Some((path, file, len))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, &error)),
    }
}

fn all<E: From<AuditError>>(
    snapshot: Snapshot,
    query: &Query,
    mut each: impl FnMut(Record) -> Result<(), E>,
) -> Result<u64, E> {
    let mut unknown = 0;
    let before = snapshot.before.into_iter().map(open);
    for file in before.chain([Ok(snapshot.current)]) {
        let Some((path, file, len)) = file? else { continue };
        for line in Forward::new(file, len) {
            let line = line.map_err(|error| failed(&path, &error))?;
            query.read(&line, &mut unknown).map(&mut each).transpose()?;
        }
    }
    Ok(unknown)
}

/// The last records that fit, newest first, and how many lines on the way were none.
fn last(snapshot: Snapshot, query: &Query, limit: usize) -> Result<(Vec<Record>, u64), AuditError> {
    let (mut found, mut unknown) = (Vec::new(), 0);
    let before = snapshot.before.into_iter().rev().map(open);
    for file in std::iter::once(Ok(snapshot.current)).chain(before) {
        let Some((path, file, len)) = file? else { continue };
        for line in Backward::new(&file, len) {
            if found.len() >= limit {
                return Ok((found, unknown));
            }
            let line = line.map_err(|error| failed(&path, &error))?;
            found.extend(query.read(&line, &mut unknown));
        }
    }
    Ok((found, unknown))
}

fn failed(path: &Path, error: &io::Error) -> AuditError {
    AuditError { path: path.to_owned(), doing: "read", reason: error.to_string() }
}
