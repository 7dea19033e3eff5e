//! Takes large stores of ended calls apart beside their answers: to undo what an interpreter wrote takes as long as a short call.

use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};

use wasmtime::Store;

use super::state::CallState;

/// Stores that wait while one is taken apart.
const WAITING: usize = 1;
/// Bytes of memory from which on another thread's waking costs less than what it takes over.
const LARGE: u64 = 4 << 20;

/// A thread that starts with the first large store, and ends with this.
#[derive(Debug, Default)]
pub(super) struct Sweeper(OnceLock<Option<SyncSender<Store<CallState>>>>);

impl Sweeper {
    /// Stores that may be there besides those of running calls: the one that is taken apart, and those that wait.
    pub(super) const STORES: u32 = WAITING as u32 + 1;

    /// Whether a store that held so many bytes is worth it.
    pub(super) fn wants(memory_bytes: u64) -> bool {
        memory_bytes >= LARGE
    }

    /// Takes a store apart: here where others wait already.
    pub(super) fn sweep(&self, store: Store<CallState>) {
        match self.0.get_or_init(start) {
            Some(sender) => drop(sender.try_send(store)),
            None => drop(store),
        }
    }
}

fn start() -> Option<SyncSender<Store<CallState>>> {
    let (sender, stores) = sync_channel(WAITING);
    let sweep = move || stores.into_iter().for_each(drop::<Store<CallState>>);
    std::thread::Builder::new().name("openclaw-sweeper".to_owned()).spawn(sweep).ok()?;
    Some(sender)
}
