//! How many of something there are now, which is waited for until there are none.

use tokio::sync::watch;

/// How many there are.
#[derive(Debug, Default)]
pub(crate) struct Count(watch::Sender<usize>);

impl Count {
    /// One more, until what comes of it is dropped.
    pub(crate) fn one(&self) -> Counted {
        self.0.send_modify(|count| *count += 1);
        Counted(self.0.clone())
    }

    /// As many as there are.
    pub(crate) fn now(&self) -> usize {
        *self.0.borrow()
    }

    /// Done once there are none.
    pub(crate) async fn none(&self) {
        // It is never closed.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
