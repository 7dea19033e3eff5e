//! The audit log, open for appending: calls put their lines into one buffer, and one thread writes it out.
//!
//! A full buffer makes the caller wait rather than lose a record; a log that cannot be written makes further
//! calls fail. The buffer and a second one go back and forth, so that a record costs no allocation.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::AuditError;

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
}

impl AuditLog {
    /// Opens the log for appending, and makes it if it is not there.
    ///
    /// # Errors
    /// [`AuditError`]: without a log nothing may run.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let failed = |error: std::io::Error| AuditError {
            path: path.to_owned(),
            doing: "opened",
            reason: error.to_string(),
        };
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
        end_torn_line(path, &mut file).map_err(failed)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            lines: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            failed: OnceLock::new(),
        });
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("audit".to_owned());
        let writer = writer.spawn(move || theirs.write_out(&mut file)).map_err(failed)?;
        Ok(Self { shared, writer: Some(writer) })
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
    fn write_out(&self, file: &mut File) {
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
            let upto = lines.appended;
            drop(lines);
            // One write for whole lines, so that those of several processes do not mix.
            // After a failure nothing more is written: it would go behind half a line.
            if self.failed.get().is_none()
                && let Err(error) = file.write_all(&batch)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path) -> usize {
        std::fs::read_to_string(path).unwrap().lines().count()
    }

    #[test]
    fn every_record_of_every_thread_is_written_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let log = AuditLog::open(&path).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    (0..2_000).for_each(|n| log.append(&(thread, n, "x".repeat(400))).unwrap())
                });
            }
        });
        log.flush().unwrap();
        assert_eq!(written(&path), 8_000);
        log.append(&"last").unwrap();
        drop(log);
        assert_eq!(written(&path), 8_001, "what is left is written at the end");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn a_log_that_cannot_be_written_fails_calls_and_hangs_none() {
        let log = AuditLog::open(Path::new("/dev/full")).unwrap();
        log.append(&"lost").unwrap();
        assert!(log.flush().is_err());
        assert!(log.check().is_err());
        assert!((0..10_000).any(|_| log.append(&"x".repeat(1_000)).is_err()));
    }

    #[test]
    fn a_torn_line_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        std::fs::write(&path, "{\"torn").unwrap();
        let log = AuditLog::open(&path).unwrap();
        log.append(&"whole").unwrap();
        drop(log);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"torn\n\"whole\"\n");
    }
}
