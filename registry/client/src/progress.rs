//! How a long transfer tells how far it is.

/// Something that shows progress. Several transfers may be under way at once; `what` tells them apart.
pub trait Progress: Send + Sync {
    /// A transfer begins; `done` of `total` were there already.
    fn begin(&self, what: &str, done: u64, total: Option<u64>) {
        let _ = (what, done, total);
    }

    /// So much more was transferred.
    fn advance(&self, what: &str, more: u64) {
        let _ = (what, more);
    }

    /// The transfer is over, well or not.
    fn end(&self, what: &str) {
        let _ = what;
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}

/// A transfer under way, which ends when it is dropped.
pub(crate) struct Transfer<'a> {
    progress: &'a dyn Progress,
    what: &'a str,
}

impl<'a> Transfer<'a> {
    pub(crate) fn begin(progress: &'a dyn Progress, what: &'a str, done: u64, total: Option<u64>) -> Self {
        progress.begin(what, done, total);
        Self { progress, what }
    }

    pub(crate) fn advance(&self, more: u64) {
        self.progress.advance(self.what, more);
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        self.progress.end(self.what);
    }
}
