//! Swapping what a path leads to, over and over, while somebody else uses it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Two names whose contents change places until this is dropped.
#[derive(Debug)]
pub struct Swapper {
    ended: Arc<AtomicBool>,
    swaps: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    /// Begins to exchange the two names.
    #[must_use]
    pub fn start(one: &Path, other: &Path) -> Self {
        let (ended, swaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (one, other): (PathBuf, PathBuf) = (one.to_owned(), other.to_owned());
        let (theirs, count) = (Arc::clone(&ended), Arc::clone(&swaps));
        let thread = std::thread::spawn(move || {
            while !theirs.load(Ordering::Relaxed) {
                if renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { ended, swaps, thread: Some(thread) }
    }

    /// How often they changed places.
    pub fn swaps(&self) -> u64 {
        self.swaps.load(Ordering::Relaxed)
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
