//! How much one call may write and create, how much it did, and how full a tree with a quota is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cap_std::fs::Dir;

use super::descriptor::OpenFile;
use super::error::FsResult;
use super::walk::{self, Step};

/// What one call may do to the file systems of all its trees together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes written, the holes that a far offset or a larger size makes included. Deleting gives none back.
    pub(crate) bytes_written: u64,
    /// Files, directories and links made.
    pub(crate) files_created: u64,
}

/// What one call did, for the audit record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes read from files.
    pub(crate) bytes_read: u64,
    /// Bytes written to files, as [`Budget::bytes_written`] counts them.
    pub(crate) bytes_written: u64,
    /// Files, directories and links made.
    pub(crate) files_created: u64,
}

/// A budget, a quota or the number of open descriptors does not cover the operation.
#[derive(Debug)]
pub(super) struct Exhausted;

/// How many files and directories a call may hold open, the preopened ones not counted.
const OPEN_DESCRIPTORS: u64 = 256;

/// The counters of one call.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Budget,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    files_created: AtomicU64,
    open: AtomicU64,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            files_created: AtomicU64::new(0),
            open: AtomicU64::new(0),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            files_created: self.files_created.load(Ordering::Relaxed),
        }
    }

    /// Notes bytes that were read.
    pub(super) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes bytes from the budget, before they are written.
    pub(super) fn take_bytes(&self, bytes: u64) -> Result<(), Exhausted> {
        take(&self.bytes_written, bytes, self.budget.bytes_written)
    }

    /// Takes a file from the budget, before it is made.
    pub(super) fn take_file(&self) -> Result<(), Exhausted> {
        take(&self.files_created, 1, self.budget.files_created)
    }

    /// Gives back what [`Meter::take_bytes`] took for a write that was not made.
    pub(super) fn give_back_bytes(&self, bytes: u64) {
        self.bytes_written.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives back what [`Meter::take_file`] took for a file that was not made.
    pub(super) fn give_back_file(&self) {
        self.files_created.fetch_sub(1, Ordering::Relaxed);
    }
}

fn take(counter: &AtomicU64, amount: u64, limit: u64) -> Result<(), Exhausted> {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(amount).filter(|total| *total <= limit)
        })
        .map(drop)
        .map_err(|_| Exhausted)
}

/// The right to one open descriptor, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Meter>);

impl Slot {
    pub(super) fn take(meter: &Arc<Meter>) -> Result<Self, Exhausted> {
        take(&meter.open, 1, OPEN_DESCRIPTORS)?;
        Ok(Self(Arc::clone(meter)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The quota of one tree, in bytes: every file and directory counts in whole blocks, so that a tree of
/// empty files fills up too, and measuring a tree within its quota takes bounded time.
#[derive(Debug)]
pub(super) struct Quota {
    limit: u64,
    state: Mutex<QuotaState>,
}

#[derive(Debug, Default)]
struct QuotaState {
    /// What the tree holds, once it was measured; at least that, after something was deleted.
    used: Option<u64>,
    /// Whether something was deleted or cut short since, so that measuring again may find room.
    freed: bool,
    /// Files open for writing: one that is deleted while open still takes its room.
    open: Vec<Weak<OpenFile>>,
}

/// The unit in which quotas count, and the least that anything takes.
const BLOCK: u64 = 4096;

/// What a file of `size` bytes takes.
pub(super) fn blocks(size: u64) -> u64 {
    size.max(1).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX)
}

impl Quota {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// Takes `amount`, in blocks, from what the tree has left; measures the tree if it must.
    pub(super) fn take(&self, tree: &Dir, amount: u64) -> FsResult<Result<(), Exhausted>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match state.used {
            Some(used) => used,
            None => self.measure(&mut state, tree)?,
        };
        let fits = |used: u64| used.checked_add(amount).filter(|total| *total <= self.limit);
        let mut total = fits(known);
        if total.is_none() && state.freed {
            total = fits(self.measure(&mut state, tree)?);
        }
        match total {
            Some(total) => {
                state.used = Some(total);
                Ok(Ok(()))
            }
            None => Ok(Err(Exhausted)),
        }
    }

    /// Notes that something was deleted or cut short.
    pub(super) fn freed(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).freed = true;
    }

    /// Notes a file that is open for writing.
    pub(super) fn opened(&self, file: &Arc<OpenFile>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.retain(|other| other.strong_count() > 0);
        state.open.push(Arc::downgrade(file));
    }

    fn measure(&self, state: &mut QuotaState, tree: &Dir) -> FsResult<u64> {
        let mut used: u64 = 0;
        for file in state.open.iter().filter_map(Weak::upgrade) {
            used = used.saturating_add(file.size_if_deleted()?);
        }
        // What is over the limit need not be known exactly, which is what bounds the walk.
        walk::walk(tree, &mut |entry| {
            used = used.saturating_add(blocks(entry.size()?));
            Ok(if used > self.limit { Step::Stop } else { Step::Continue })
        })?;
        state.used = Some(used);
        state.freed = false;
        Ok(used)
    }
}
