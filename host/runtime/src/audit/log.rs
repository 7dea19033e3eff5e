//! The audit log, open for appending: calls put their lines into one buffer, and one thread writes it out.
//!
//! A full buffer makes the caller wait rather than lose a record; a log that cannot be written makes further
//! calls fail. The buffer and a second one go back and forth, so that a record costs no allocation.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::appender::Appender;
use super::{AuditError, Rotation};

/// Bytes that may wait for the writer.
const BUFFER: usize = 1 << 20;
/// How long the writer leaves lines to gather: to be woken for each would cost a call more than the rest of it.
const PAUSE: Duration = Duration::from_millis(10);

std::thread_local! {
    /// Where this thread writes a line before it takes the lock.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The audit log, open for writing.
#[derive(Debug)]
pub struct AuditLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    lines: Mutex<Lines>,
    /// The writer waits here, for lines or for its pause to end.
    filled: Condvar,
    /// Callers wait here, for room or for their lines to be written.
    written: Condvar,
    failed: OnceLock<AuditError>,
}

#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Bytes that were ever appended, and how many of them were written.
    appended: u64,
    written: u64,
    writer_is_idle: bool,
    /// Somebody waits for what is appended to be written.
    is_awaited: bool,
    has_ended: bool,
    rotation: Rotation,
}

impl AuditLog {
    /// Opens the log for appending, and makes it if it is not there.
    ///
    /// # Errors
    /// [`AuditError`]: without a log nothing may run.
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, AuditError> {
        let failed = |error: std::io::Error| AuditError {
            path: path.to_owned(),
            doing: "opened",
            reason: error.to_string(),
        };
        let mut appender = Appender::open(path).map_err(failed)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            lines: Mutex::new(Lines { rotation, ..Lines::default() }),
            filled: Condvar::new(),
            written: Condvar::new(),
            failed: OnceLock::new(),
        });
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("audit".to_owned());
        let writer = writer.spawn(move || theirs.write_out(&mut appender)).map_err(failed)?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Cuts files in another way from now on.
    pub(crate) fn rotate_by(&self, rotation: Rotation) {
        self.shared.lines().rotation = rotation;
    }

    /// Fails if an earlier record could not be written.
    ///
    /// # Errors
    /// That failure.
    pub fn check(&self) -> Result<(), AuditError> {
        self.shared.failed.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Appends a record; waits where the buffer is full.
    ///
    /// # Errors
    /// [`AuditError`] where the log can no longer be written.
    pub(super) fn append(&self, record: &impl Serialize) -> Result<(), AuditError> {
        LINE.with_borrow_mut(|line| {
            line.clear();
            serde_json::to_writer(&mut *line, record).map_err(|error| {
                let (path, reason) = (self.shared.path.clone(), error.to_string());
                AuditError { path, doing: "written", reason }
            })?;
            line.push(b'\n');
            self.append_line(line)
        })
    }

    fn append_line(&self, line: &[u8]) -> Result<(), AuditError> {
        let shared = &*self.shared;
        let mut lines = shared.lines();
        while lines.bytes.len() >= BUFFER {
            self.check()?;
            lines = shared.written.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        self.check()?;
        lines.bytes.extend_from_slice(line);
        lines.appended += line.len() as u64;
        if lines.writer_is_idle {
            shared.filled.notify_one();
        }
        Ok(())
    }

    /// Waits until all records so far are written.
    ///
    /// # Errors
    /// [`AuditError`] where one could not be.
    pub fn flush(&self) -> Result<(), AuditError> {
        let shared = &*self.shared;
        let mut lines = shared.lines();
        let until = lines.appended;
        while lines.written < until && shared.failed.get().is_none() {
            lines.is_awaited = true;
            shared.filled.notify_one();
            lines = shared.written.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        drop(lines);
        self.check()
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.shared.lines().has_ended = true;
        self.shared.filled.notify_one();
        if let Some(writer) = self.writer.take() {
            // It ends once the buffer is empty; a panic of it has been told already.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer's life.
    fn write_out(&self, appender: &mut Appender) {
        let mut batch = Vec::new();
        let mut lines = self.lines();
        loop {
            while lines.bytes.is_empty() {
                if lines.has_ended {
                    return;
                }
                lines.writer_is_idle = true;
                lines = self.filled.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            lines.writer_is_idle = false;
            lines.is_awaited = false;
            std::mem::swap(&mut batch, &mut lines.bytes);
            let (upto, rotation) = (lines.appended, lines.rotation);
            drop(lines);
            // After a failure nothing more is written: a record would be missing, and further ones would hide it.
            if self.failed.get().is_none()
                && let Err(error) = appender.append(&batch, rotation)
            {
                let (path, reason) = (self.path.clone(), error.to_string());
                self.failed.get_or_init(|| AuditError { path, doing: "written", reason });
            }
            batch.clear();
            lines = self.lines();
            lines.written = upto;
            self.written.notify_all();
            if !lines.is_awaited && !lines.has_ended {
                let pause = self.filled.wait_timeout(lines, PAUSE);
                lines = pause.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Expected, Verification, verify};

    fn open(path: &Path) -> AuditLog {
        AuditLog::open(path, Rotation::default()).unwrap()
    }

    fn entry(text: &str) -> serde_json::Value {
        serde_json::json!({ "text": text })
    }

    /// The log is whole, and has so many records.
    fn whole(path: &Path) -> u64 {
        let Verification { records, faults, .. } = verify(path, &Expected::default()).unwrap();
        assert_eq!(faults, []);
        records
    }

    #[test]
    fn every_record_of_every_thread_is_written_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        let log = open(&path);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    (0..2_000).for_each(|n| {
                        log.append(&(entry(&format!("{thread} {n} {}", "x".repeat(400))))).unwrap()
                    })
                });
            }
        });
        log.flush().unwrap();
        assert_eq!(whole(&path), 8_000);
        log.append(&entry("last")).unwrap();
        drop(log);
        assert_eq!(whole(&path), 8_001, "what is left is written at the end");
        let text = std::fs::read_to_string(&path).unwrap();
        let texts: std::collections::BTreeSet<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].to_string())
            .collect();
        assert_eq!(texts.len(), 8_001, "none is there twice");
    }

    #[test]
    fn several_writers_make_one_chain() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        let small: Rotation = toml::from_str("file_size = \"16KiB\"").unwrap();
        std::thread::scope(|scope| {
            for writer in 0..6 {
                let path = &path;
                scope.spawn(move || {
                    for round in 0..8 {
                        let log = AuditLog::open(path, small).unwrap();
                        for n in 0..20 {
                            log.append(&entry(&format!("{writer} {round} {n} {}", "x".repeat(90)))).unwrap();
                            if n % 7 == 0 {
                                log.flush().unwrap();
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(whole(&path), 6 * 8 * 20);
        assert!(verify(&path, &Expected::default()).unwrap().files.len() > 8, "files were full meanwhile");
    }

    #[test]
    fn a_log_that_cannot_be_written_fails_calls_and_hangs_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let log = open(&path);
        log.append(&entry("lost")).unwrap();
        assert!(log.flush().is_err());
        assert!(log.check().is_err());
        assert!((0..10_000).any(|_| log.append(&entry(&"x".repeat(1_000))).is_err()));
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        std::fs::create_dir(&path).unwrap();
        assert!(AuditLog::open(&path, Rotation::default()).is_err());
    }
}
