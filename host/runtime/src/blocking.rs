//! Work that holds a thread for longer than a call may hold a worker of an async runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does the work on this thread; where it is a worker, its other tasks go to another thread first.
pub(crate) fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
