//! The record of what happened: one line of JSON for each call, appended to the audit log.
//!
//! Calls hand their records to one writer through a bounded queue. A full queue makes the caller
//! wait rather than lose a record; a log that cannot be written makes further calls fail.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use openclaw_package::key::PublicKey;
use openclaw_package::name::ToolId;
use serde::{Deserialize, Serialize};

use crate::capability::Denial;
use crate::policy::Rule;

/// Records that may wait for the writer.
const QUEUE: usize = 1_024;
/// How long the writer leaves records to queue.
const PAUSE: Duration = Duration::from_millis(1);

/// What one call did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When the call began.
    pub time: Timestamp,
    /// Who asked, as the surface names it: `cli`.
    pub caller: String,
    /// Which tool.
    pub tool: ToolId,
    /// The skill's version.
    pub version: semver::Version,
    /// The digest of the package's archive; none for a skill in development.
    pub package: Option<Digest>,
    /// The key that signed the package; none for a skill in development.
    pub signer: Option<PublicKey>,
    /// The owner's allow rules for the skill. It held what of them its manifest requests too.
    #[serde(with = "shared_rules")]
    pub grants: Arc<[Rule]>,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// Fuel burnt.
    pub fuel: u64,
    /// Time taken, in microseconds.
    pub duration_us: u64,
    /// Most bytes of memory held.
    pub memory_bytes: u64,
    /// What went in and out.
    pub bytes: Bytes,
    /// Requests sent over the network.
    pub requests: u64,
    /// What was refused; at most 32 distinct ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<Denial>,
    /// How many times something was refused.
    pub denial_count: u64,
}

/// Rules are shared between a skill and the records of its calls, not copied.
mod shared_rules {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Rule;

    pub(super) fn serialize<S: Serializer>(rules: &Arc<[Rule]>, to: S) -> Result<S::Ok, S::Error> {
        rules.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[Rule]>, D::Error> {
        Vec::deserialize(from).map(Into::into)
    }
}

/// Bytes that passed the edge of the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Of the input.
    pub input: u64,
    /// Of the result.
    pub output: u64,
    /// Read from files.
    pub files_read: u64,
    /// Written to files.
    pub files_written: u64,
    /// Sent over the network.
    pub network_sent: u64,
    /// Received over the network.
    pub network_received: u64,
}

/// Why the audit log cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit log {} cannot be {doing}: {reason}", path.display())]
pub struct AuditError {
    path: PathBuf,
    doing: &'static str,
    reason: String,
}

/// The audit log, open for writing.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    queue: Option<SyncSender<Message>>,
    failed: Arc<OnceLock<AuditError>>,
    writer: Option<JoinHandle<()>>,
}

/// A call that has begun. Dropped before it is finished, it is recorded as cancelled.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    log: &'a AuditLog,
    record: Option<Record>,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(log: &'a AuditLog, record: Record) -> Self {
        Self { log, record: Some(record) }
    }

    /// Fills in what came of the call, and hands the record over.
    pub(crate) fn finish(mut self, fill: impl FnOnce(&mut Record)) -> Result<(), AuditError> {
        let Some(mut record) = self.record.take() else { return Ok(()) };
        fill(&mut record);
        self.log.record(record)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take()
            && let Err(error) = self.log.record(record)
        {
            tracing::error!("a cancelled call is not recorded: {error}");
        }
    }
}

enum Message {
    Record(Box<Record>),
    Flush(Sender<()>),
}

impl AuditLog {
    /// Opens the log for appending, and makes it if it is not there.
    ///
    /// # Errors
    /// [`AuditError`]: without a log nothing may run.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let failed = |reason: String| AuditError { path: path.to_owned(), doing: "opened", reason };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| failed(error.to_string()))?;
        end_torn_line(path, &mut file).map_err(|error| failed(error.to_string()))?;
        let (queue, records) = sync_channel(QUEUE);
        let failure = Arc::new(OnceLock::new());
        let (theirs, their_path) = (Arc::clone(&failure), path.to_owned());
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_records(&mut file, &records, &their_path, &theirs))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { path: path.to_owned(), queue: Some(queue), failed: failure, writer: Some(writer) })
    }

    /// Fails if an earlier record could not be written.
    ///
    /// # Errors
    /// That failure.
    pub fn check(&self) -> Result<(), AuditError> {
        self.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Hands over a record; waits where the queue is full.
    ///
    /// # Errors
    /// [`AuditError`] where the log can no longer be written.
    pub fn record(&self, record: Record) -> Result<(), AuditError> {
        self.check()?;
        self.send(Message::Record(Box::new(record)))
    }

    /// Waits until all records so far are written.
    ///
    /// # Errors
    /// [`AuditError`] where one could not be.
    pub fn flush(&self) -> Result<(), AuditError> {
        let (done, wait) = channel();
        self.send(Message::Flush(done))?;
        // An error here means that the writer ended, and then it has left the reason.
        let _ = wait.recv();
        self.check()
    }

    fn send(&self, message: Message) -> Result<(), AuditError> {
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(message).is_ok());
        if sent {
            return Ok(());
        }
        self.check()?;
        Err(AuditError { path: self.path.clone(), doing: "written", reason: "its writer has ended".into() })
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // It ends once the queue is empty; a panic of it has been told already.
            let _ = writer.join();
        }
    }
}

/// Ends a line that a full disk cut short, so that the next record has one of its own.
fn end_torn_line(path: &Path, file: &mut File) -> std::io::Result<()> {
    let mut reader = File::open(path)?;
    if reader.metadata()?.len() == 0 {
        return Ok(());
    }
    reader.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    reader.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Writes what is queued, all at once, and then leaves time for more to queue: to be woken for each
/// record would cost the caller more than the rest of a short call.
fn write_records(file: &mut File, records: &Receiver<Message>, path: &Path, failed: &OnceLock<AuditError>) {
    let mut lines = Vec::new();
    while let Ok(first) = records.recv() {
        let mut flushes = Vec::new();
        for message in std::iter::once(first).chain(records.try_iter().take(QUEUE)) {
            match message {
                Message::Record(record) => append_line(&mut lines, &record),
                Message::Flush(done) => flushes.push(done),
            }
        }
        // One write for whole lines, so that those of several processes do not mix.
        if let Err(error) = file.write_all(&lines) {
            let reason = error.to_string();
            failed.get_or_init(|| AuditError { path: path.to_owned(), doing: "written", reason });
        }
        lines.clear();
        let asked = !flushes.is_empty();
        for done in flushes {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
        if !asked {
            std::thread::sleep(PAUSE);
        }
    }
}

fn append_line(lines: &mut Vec<u8>, record: &Record) {
    let begun = lines.len();
    match serde_json::to_writer(&mut *lines, record) {
        Ok(()) => lines.push(b'\n'),
        Err(error) => {
            tracing::error!("a call is not recorded: {error}");
            lines.truncate(begun);
        }
    }
}

/// Reads an audit log, oldest record first; a log that is not there is empty. A line that is no
/// record, as a full disk leaves one, is passed over with a warning.
///
/// # Errors
/// [`AuditError`] where the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Record>, AuditError> {
    let failed = |reason: String| AuditError { path: path.to_owned(), doing: "read", reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut records = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed(error.to_string()))?;
        match serde_json::from_str(&line) {
            Ok(record) => records.push(record),
            Err(error) => tracing::warn!("{} line {} is no record: {error}", path.display(), index + 1),
        }
    }
    Ok(records)
}
