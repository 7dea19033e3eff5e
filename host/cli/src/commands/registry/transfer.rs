//! Progress of transfers, a bar each, on terminals only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use openclaw_registry_client::Progress;

use crate::output::Output;

const BAR: &str = "{msg}  {bar:30}  {bytes}/{total_bytes}  {bytes_per_sec}  {eta}";
const COUNTER: &str = "{spinner} {msg}  {bytes}";

/// Bars for what is under way; none where nobody watches.
pub(super) struct Bars {
    watched: bool,
    bars: MultiProgress,
    under_way: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    /// Bars on standard error, if a person watches it.
    pub(super) fn new(output: &Output) -> Self {
        Self { watched: output.is_watched(), bars: MultiProgress::new(), under_way: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, ProgressBar>) -> T) -> T {
        // A bar that a panic left half drawn is still a bar.
        work(&mut self.under_way.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, done: u64, total: Option<u64>) {
        if !self.watched {
            return;
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), BAR),
            None => (ProgressBar::new_spinner(), COUNTER),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let bar = self.bars.add(bar.with_message(what.to_owned()).with_position(done));
        self.with(|under_way| under_way.insert(what.to_owned(), bar));
    }

    fn advance(&self, what: &str, more: u64) {
        self.with(|under_way| {
            if let Some(bar) = under_way.get(what) {
                bar.inc(more);
            }
        });
    }

    fn end(&self, what: &str) {
        if let Some(bar) = self.with(|under_way| under_way.remove(what)) {
            bar.finish_and_clear();
        }
    }
}
