//! Lines that a person types: with a history and keys to edit them in a chat, plainly where one is asked between.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use openclaw_agent::redaction::{Place, Redaction};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use tokio::sync::oneshot;

use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;

/// Lines that the history keeps.
const KEPT_LINES: usize = 1000;
/// Bytes of a line that the history takes.
const KEPT_BYTES: usize = 8 << 10;

/// What came of asking for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line, without its end.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or nothing more to read.
    End,
}

/// Reads lines in a thread of its own, since nobody can end the wait for one.
#[derive(Debug)]
pub(crate) struct Keyboard(Sender<Wanted>);

/// A line that is waited for.
struct Wanted {
    prompt: String,
    /// Whether the history takes it.
    kept: bool,
    typed: oneshot::Sender<Typed>,
}

impl Keyboard {
    /// Plain lines, as a terminal gives them.
    ///
    /// # Errors
    /// There is no thread.
    pub(crate) fn plain() -> Result<Self> {
        let read = |wanted: &Wanted| match Output::new(false).ask(&wanted.prompt) {
            Some(line) => Typed::Line(line),
            None => Typed::End,
        };
        Self::start(read)
    }

    /// Lines that can be edited, with those before them, which are kept in a file of this user's alone.
    ///
    /// # Errors
    /// The terminal or the file cannot be used.
    pub(crate) fn editing(history: PathBuf, redaction: Option<Arc<Redaction>>) -> Result<Self> {
        let mut lines = Lines::open(history, redaction)?;
        Self::start(move |wanted| lines.read(wanted))
    }

    fn start(mut read: impl FnMut(&Wanted) -> Typed + Send + 'static) -> Result<Self> {
        let (sender, wanted): (_, Receiver<Wanted>) = channel();
        let thread = std::thread::Builder::new().name("keyboard".to_owned());
        let reading = thread.spawn(move || {
            while let Ok(wanted) = wanted.recv() {
                let typed = read(&wanted);
                // Where nobody waits any more, it came too late.
                let _ = wanted.typed.send(typed);
            }
        });
        reading.map_err(unusable)?;
        Ok(Self(sender))
    }

    /// A line that is an answer, and not kept.
    pub(crate) async fn ask(&self, prompt: &str) -> Typed {
        self.read(prompt, false).await
    }

    /// A line that is said, and kept.
    pub(crate) async fn say(&self, prompt: &str) -> Typed {
        self.read(prompt, true).await
    }

    async fn read(&self, prompt: &str, kept: bool) -> Typed {
        let (typed, line) = oneshot::channel();
        let wanted = Wanted { prompt: prompt.trim_end().to_owned(), kept, typed };
        if self.0.send(wanted).is_err() {
            return Typed::End;
        }
        line.await.unwrap_or(Typed::End)
    }
}

fn unusable(error: impl std::fmt::Display) -> CliError {
    CliError::new(Exit::Host, "host-failure", format!("the terminal cannot be read: {error}"))
}

/// An editor, and the file of its history.
struct Lines {
    editor: Editor<(), FileHistory>,
    history: PathBuf,
    redaction: Option<Arc<Redaction>>,
}

impl Lines {
    fn open(history: PathBuf, redaction: Option<Arc<Redaction>>) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&history);
        let file = file.map_err(CliError::at(&history))?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(CliError::at(&history))?;
        let config = Config::builder()
            .max_history_size(KEPT_LINES)
            .map_err(unusable)?
            .history_ignore_space(true)
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config).map_err(unusable)?;
        // A history that cannot be read is one of nothing.
        let _ = editor.load_history(&history);
        Ok(Self { editor, history, redaction })
    }

    fn read(&mut self, wanted: &Wanted) -> Typed {
        match self.editor.readline(&format!("{} ", wanted.prompt)) {
            Ok(line) => {
                if wanted.kept && !line.trim().is_empty() && line.len() <= KEPT_BYTES {
                    self.keep(&line);
                }
                Typed::Line(line)
            }
            Err(ReadlineError::Interrupted) => Typed::Interrupted,
            Err(_) => Typed::End,
        }
    }

    /// Keeps a line without what must not be kept.
    fn keep(&mut self, line: &str) {
        let kept = match &self.redaction {
            Some(redaction) => redaction.apply(Place::Logs, line).into_owned(),
            None => line.to_owned(),
        };
        // A line that is not kept is lost for the next chat, and for nothing else.
        let _ = self.editor.add_history_entry(kept);
        let _ = self.editor.append_history(&self.history);
    }
}
