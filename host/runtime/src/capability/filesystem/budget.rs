//! How much one call may write and create, how much it did, and how full a tree with a quota is.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cap_std::fs::Dir;
use rustix::fs::StatVfs;

use super::descriptor::OpenFile;
use super::error::FsResult;
use super::ledger::Ledger;
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

/// Bytes that stay free on a file system that skills write to, for everybody else.
const FREE_BYTES: u64 = 64 << 20;
/// Bytes written between two looks at how much is free.
const LOOK_EVERY: u64 = 4 << 20;

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

    /// Takes bytes from the budget, before they are written to `file`.
    pub(super) fn take_bytes(&self, file: impl AsFd, bytes: u64) -> Result<(), Exhausted> {
        take(&self.bytes_written, bytes, self.budget.bytes_written)?;
        let written = self.bytes_written.load(Ordering::Relaxed);
        let looks = |written: u64| written / LOOK_EVERY;
        // The first write looks as well.
        let looked = written == bytes || looks(written) > looks(written.saturating_sub(bytes));
        if looked && rustix::fs::fstatvfs(file).is_ok_and(|disk| has_no_room(&disk, bytes)) {
            self.give_back_bytes(bytes);
            return Err(Exhausted);
        }
        Ok(())
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

/// Whether a file system would have too little left after `bytes` more.
fn has_no_room(disk: &StatVfs, bytes: u64) -> bool {
    disk.f_bavail.saturating_mul(disk.f_frsize) < bytes.saturating_add(FREE_BYTES)
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

/// What a tree may hold, and where that is counted.
#[derive(Clone, Debug)]
pub(crate) struct QuotaGrant {
    /// In bytes, in blocks of 4 KiB.
    pub(crate) limit: u64,
    /// What it holds, as all that write to it know.
    pub(crate) ledger: Arc<Ledger>,
}

/// The quota of one tree during a call, in bytes: every file and directory counts in whole blocks, so that a
/// tree of empty files fills up too, and measuring a tree within its quota takes bounded time.
#[derive(Debug)]
pub(super) struct Quota {
    grant: QuotaGrant,
    state: Mutex<QuotaState>,
}

#[derive(Debug)]
struct QuotaState {
    /// Whether measuring may find room: at first, and after something was deleted or cut short.
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
    pub(super) fn new(grant: QuotaGrant) -> Self {
        Self { grant, state: Mutex::new(QuotaState { freed: true, open: Vec::new() }) }
    }

    /// Takes `amount`, in blocks, from what the tree has left; measures the tree if it must.
    pub(super) fn take(&self, tree: &Dir, amount: u64) -> FsResult<Result<(), Exhausted>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let QuotaGrant { limit, ledger } = &self.grant;
        let again = state.freed;
        ledger.take(amount, *limit, again, || self.measure(&mut state, tree))
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
            Ok(if used > self.grant.limit { Step::Stop } else { Step::Continue })
        })?;
        state.freed = false;
        Ok(used)
    }
}
