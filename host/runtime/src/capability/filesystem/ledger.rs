//! What a tree with a quota holds, counted for all calls and processes that write to it: a number in a file beside
//! the tree.
//!
//! Room is taken before it is used, under a lock of that file, so that calls which run at once cannot each
//! fill what is left. The number may be higher than the truth, after something was deleted or a process was
//! killed; the tree is then measured before anything is refused.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::budget::Exhausted;
use super::error::FsResult;

/// How long the lock is waited for: others hold it for a number, or while they measure a tree.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// The ledgers of one process, opened at their first use.
#[derive(Debug, Default)]
pub(crate) struct Ledgers(Mutex<HashMap<PathBuf, Arc<Ledger>>>);

impl Ledgers {
    /// The ledger in a file, which is made if it is not there.
    pub(crate) fn open(&self, path: &Path) -> io::Result<Arc<Ledger>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = open.get(path) {
            return Ok(Arc::clone(ledger));
        }
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let ledger = Arc::new(Ledger::of(file));
        open.insert(path.to_owned(), Arc::clone(&ledger));
        Ok(ledger)
    }

    /// Closes all; they are opened anew, since what a skill left may have been deleted.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The count of one tree.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    /// A lock of the file keeps out other processes, and not the threads of this one.
    threads: Mutex<()>,
}

impl Ledger {
    pub(crate) fn of(file: File) -> Self {
        Self { file, threads: Mutex::default() }
    }

    /// Takes `amount` bytes of a tree that may hold `limit`. `measure` tells what it really holds, and is asked where
    /// nothing is known, or where there seems to be no room and `again` is true.
    pub(super) fn take(
        &self,
        amount: u64,
        limit: u64,
        again: bool,
        mut measure: impl FnMut() -> FsResult<u64>,
    ) -> FsResult<Result<(), Exhausted>> {
        let _threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock()?;
        let taken = self.take_locked(amount, limit, again, &mut measure);
        // It is also given up where the lock cannot be: with the file.
        let _ = flock(&self.file, FlockOperation::Unlock);
        taken
    }

    /// Waits for other processes, but for none that keeps the lock.
    fn lock(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(PAUSE),
                locked => return Ok(locked?),
            }
        }
    }

    fn take_locked(
        &self,
        amount: u64,
        limit: u64,
        again: bool,
        measure: &mut impl FnMut() -> FsResult<u64>,
    ) -> FsResult<Result<(), Exhausted>> {
        let fits = |used: u64| used.checked_add(amount).filter(|total| *total <= limit);
        let (known, measured) = match self.read()? {
            Some(used) => (used, false),
            None => (measure()?, true),
        };
        let mut total = fits(known);
        if total.is_none() && again && !measured {
            let used = measure()?;
            self.write(used)?;
            total = fits(used);
        }
        match total {
            Some(total) => Ok(Ok(self.write(total)?)),
            None => Ok(Err(Exhausted)),
        }
    }

    fn read(&self) -> io::Result<Option<u64>> {
        let mut bytes = [0; 8];
        match self.file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Some(u64::from_le_bytes(bytes))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, used: u64) -> io::Result<()> {
        self.file.write_all_at(&used.to_le_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::of(tempfile::tempfile().unwrap())
    }

    fn never() -> FsResult<u64> {
        panic!("it was measured")
    }

    #[test]
    fn room_that_was_taken_is_taken_for_everybody() {
        let first = ledger();
        let second = Ledger::of(first.file.try_clone().unwrap());
        assert!(first.take(60, 100, true, || Ok(0)).unwrap().is_ok());
        assert!(second.take(60, 100, false, never).unwrap().is_err());
        assert!(second.take(40, 100, false, never).unwrap().is_ok());
        assert!(first.take(1, 100, false, never).unwrap().is_err());
    }

    #[test]
    fn what_was_deleted_is_found_before_anything_is_refused() {
        let ledger = ledger();
        assert!(ledger.take(100, 100, true, || Ok(0)).unwrap().is_ok());
        assert!(ledger.take(50, 100, true, || Ok(30)).unwrap().is_ok());
        assert!(ledger.take(50, 100, true, || Ok(80)).unwrap().is_err());
        assert!(ledger.take(20, 100, false, never).unwrap().is_ok(), "80 were found");
    }

    #[test]
    fn many_threads_take_no_more_than_there_is() {
        let ledger = ledger();
        let taken = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while ledger.take(7, 1_000, false, || Ok(0)).unwrap().is_ok() {
                        taken.fetch_add(7, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 994);
    }
}
