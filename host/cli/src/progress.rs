//! A sign of life for what takes longer than a moment, on terminals only.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;

/// How long something may take before a person wonders.
const PATIENCE: Duration = Duration::from_millis(300);
const FRAME: Duration = Duration::from_millis(100);

/// Shows a spinner until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    pub(crate) fn start(message: &str, watched: bool) -> Self {
        if !watched {
            return Self { shown: None };
        }
        let (ended, end) = channel();
        let message = message.to_owned();
        let thread = std::thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let bar = ProgressBar::new_spinner().with_message(message);
                bar.enable_steady_tick(FRAME);
                // It ends when the sender is dropped, which is an error here and the end there.
                let _ = end.recv();
                bar.finish_and_clear();
            }
        });
        Self { shown: Some((ended, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ended, thread)) = self.shown.take() {
            drop(ended);
            // The line has to be clear before anything else is printed; a panic has been told already.
            let _ = thread.join();
        }
    }
}
