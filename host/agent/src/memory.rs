//! What an agent keeps from one conversation for another: Markdown files that a person reads and edits, and a search in them.
//!
//! ```text
//! <dir>/<agent>/MEMORY.md                         what is always before the model
//! <dir>/<agent>/2026-02-03.md                     the log of a day
//! <dir>/<agent>/summaries/2026-02-03-1000.md      a model's summary of the log's entries up to the thousandth
//! <dir>/<agent>/.index.db                         a cache for searching, which may be deleted at any time
//! ```
//!
//! The files are what counts: nothing is known that is not in them, and a person's edit is seen at the next use. Nobody vouches
//! for what is in them, since a model wrote it after reading who knows what: before a model, each line of it is marked.

mod excerpt;
mod files;
mod index;
mod markdown;
mod name;
mod search;
mod settings;
mod summary;
mod text;
mod tools;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Zoned;
use serde::Deserialize;

pub use search::{Found, Hit};
pub use settings::{FileMemory, MemorySettings, MemoryType};
pub use summary::{Summary, SummaryError, summarise};
pub use tools::{ToolFailure, is_memory_tool, tools};

use crate::redaction::{Place, Redaction};
use excerpt::Excerpt;
use files::Files;
use index::FullText;
use name::FileName;
use search::Search;
use text::{indented, one_line};

/// Bytes of a note.
pub const NOTE_BYTES: usize = 8 << 10;
/// Bytes of a fact.
pub const FACT_BYTES: usize = 1 << 10;
/// Passages that a search finds at most.
pub const HITS: usize = 50;
/// Bytes of a day's log, after which nothing is added to it.
const LOG_BYTES: u64 = 1 << 20;
/// Bytes of `MEMORY.md`, after which only a person adds to it.
const MEMORY_BYTES: usize = 64 << 10;
/// What remembered facts stand below.
const REMEMBERED: &str = "Remembered";
/// Bytes of an agent's name.
const AGENT_BYTES: usize = 64;

/// The memory of one agent, for all its sessions. Its methods wait for the disk.
#[derive(Debug)]
pub struct Memory {
    files: Files,
    search: Box<dyn Search>,
    redaction: Arc<Redaction>,
    settings: FileMemory,
    excerpt: Mutex<Option<Excerpt>>,
    /// Held while a model is asked for a summary of a log, which need not be asked twice.
    summarising: tokio::sync::Mutex<()>,
}

/// What a note is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Anything.
    #[default]
    Note,
    /// What was decided, and why.
    Decision,
    /// What is still to be done.
    Task,
}

impl NoteKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Note, Self::Decision, Self::Task];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Decision => "decision",
            Self::Task => "task",
        }
    }
}

/// Why memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A file or directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The index cannot be made.
    #[error("{}: {source}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Others could change the directory.
    #[error("{} must be yours, and writable by you alone: chmod 700 it", path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
    },
    /// The text is no agent's name.
    #[error(
        "{0:?} names no agent: write 1 to {AGENT_BYTES} of a-z, A-Z, 0-9, - and _, beginning with a letter or digit"
    )]
    Agent(String),
    /// It is not what has the name of a memory.
    #[error("{file} is a link, a pipe or a device and no file or directory of its own, so it is not used")]
    Foreign {
        /// Which, by its name in the agent's directory.
        file: String,
    },
    /// What is to be kept has no words.
    #[error("there is nothing to keep: the text is empty")]
    Empty,
    /// What is to be kept is too long.
    #[error("the text has {bytes} bytes; {most} can be kept at once")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// Most that it may have.
        most: usize,
    },
    /// Nothing can be added to a file.
    #[error("{file} is full: it may have {most} bytes")]
    Full {
        /// Which.
        file: String,
        /// Most that it may have.
        most: u64,
    },
    /// A person's file cannot be changed without loss.
    #[error("{file} is not UTF-8, so nothing is added to it")]
    NotText {
        /// Which.
        file: String,
    },
    /// Somebody changes a file all the time.
    #[error("{file} is being changed by somebody else; try again")]
    Busy {
        /// Which.
        file: String,
    },
}

impl MemoryError {
    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    fn missing(path: &Path) -> Self {
        Self::Io { path: path.to_owned(), source: std::io::ErrorKind::NotFound.into() }
    }

    /// What is wrong with one file, in words that follow its name and tell nothing of the machine.
    fn of_file(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "which is no file of its own",
            _ => "which cannot be read",
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Index { .. } => "memory-unusable",
            Self::NotPrivate { .. } => "not-private",
            Self::Agent(_) => "invalid-agent",
            Self::Foreign { .. } => "not-a-file",
            Self::Empty => "empty",
            Self::TooLong { .. } => "too-long",
            Self::Full { .. } => "memory-full",
            Self::NotText { .. } => "not-text",
            Self::Busy { .. } => "busy",
        }
    }
}

impl Memory {
    /// The memory of an agent below `dir`; its directory is made for this user alone, if it is not there.
    ///
    /// # Errors
    /// The name is none, the directory can be neither found nor made, or others could write in it.
    pub fn open(
        dir: &Path,
        agent: &str,
        settings: FileMemory,
        redaction: Arc<Redaction>,
    ) -> Result<Self, MemoryError> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let begins = agent.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins || !agent.bytes().all(is_part) || agent.len() > AGENT_BYTES {
            return Err(MemoryError::Agent(text::cut(agent, AGENT_BYTES).into_owned()));
        }
        Ok(Self {
            files: Files::new(dir, agent)?,
            search: Box::new(FullText::new(Arc::clone(&redaction))),
            redaction,
            settings,
            excerpt: Mutex::default(),
            summarising: tokio::sync::Mutex::default(),
        })
    }

    /// Where the files are.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.files.path()
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &FileMemory {
        &self.settings
    }

    /// What is put before the model: `MEMORY.md`, the latest summary and the end of the latest log, each line marked; empty
    /// where nothing is noted. At most `budget` bytes, and redacted as what goes to a model is.
    ///
    /// # Errors
    /// The directory cannot be read. What is wrong with one file is said in the text.
    pub fn excerpt(&self, budget: usize) -> Result<String, MemoryError> {
        let mut kept = self.excerpt.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Excerpt::up_to_date(&mut kept, &self.files, &self.redaction, budget)
    }

    /// Appends a note to the log of today, as the time zone of this machine has it.
    ///
    /// # Errors
    /// It is empty, longer than [`NOTE_BYTES`], or cannot be written.
    pub fn note(&self, text: &str, kind: NoteKind) -> Result<(), MemoryError> {
        self.note_at(&Zoned::now(), text, kind)
    }

    fn note_at(&self, now: &Zoned, text: &str, kind: NoteKind) -> Result<(), MemoryError> {
        check(text, NOTE_BYTES)?;
        let words = match kind {
            NoteKind::Note => String::new(),
            kind => format!("**{}** ", kind.as_str()),
        };
        self.log(now, &format!("{words}{}", indented(&self.redaction.apply(Place::Memory, text))))
    }

    /// Appends an entry to the log of a day.
    fn log(&self, now: &Zoned, entry: &str) -> Result<(), MemoryError> {
        let head = format!("# {}\n\n", now.date());
        let entry = format!("- {} {entry}\n", now.strftime("%H:%M"));
        self.files.append(FileName::Log(now.date()), &head, &entry, LOG_BYTES)
    }

    /// Adds a fact to `MEMORY.md`, as one line; answers whether it was not there yet.
    ///
    /// # Errors
    /// It is empty, longer than [`FACT_BYTES`], or the file is full or cannot be written.
    pub fn remember(&self, fact: &str) -> Result<bool, MemoryError> {
        check(fact, FACT_BYTES)?;
        let line = format!("- {}\n", one_line(&self.redaction.apply(Place::Memory, fact)));
        let name = FileName::Memory;
        self.files.change(name, |opened| {
            let content = opened.map(files::Opened::first).transpose()?;
            if content.as_ref().is_some_and(|content| content.is_damaged) {
                return Err(MemoryError::NotText { file: name.to_string() });
            }
            let is_cut = content.as_ref().is_some_and(|content| content.is_cut);
            let text = content.map_or_else(|| "# Memory\n".to_owned(), |content| content.text);
            if is_cut || text.len() + line.len() > MEMORY_BYTES {
                return Err(MemoryError::Full { file: name.to_string(), most: MEMORY_BYTES as u64 });
            }
            if text.lines().any(|known| known.trim_end() == line.trim_end()) {
                return Ok((None, false));
            }
            Ok((Some(with_fact(&text, &line)), true))
        })
    }

    /// The passages of all files that fit a query best, at most `limit` and [`HITS`]. A query is words, without any syntax.
    ///
    /// # Errors
    /// The files cannot be read, or no index of them can be made.
    pub fn search(&self, query: &str, limit: usize) -> Result<Found, MemoryError> {
        self.search.search(&self.files, query, limit.min(HITS))
    }
}

fn check(text: &str, most: usize) -> Result<(), MemoryError> {
    match text.len() {
        bytes if bytes > most => Err(MemoryError::TooLong { bytes, most }),
        _ if text.trim().is_empty() => Err(MemoryError::Empty),
        _ => Ok(()),
    }
}

/// The text with a line below the heading of remembered facts, which is made where there is none.
fn with_fact(text: &str, line: &str) -> String {
    let open = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match markdown::end_of_section(text, REMEMBERED) {
        Some(at) => {
            let (before, after) = text.split_at(at);
            let open = if before.ends_with('\n') { "" } else { "\n" };
            // Below the heading itself, there is a blank line.
            let gap = if before.trim_end().ends_with(REMEMBERED) { "\n" } else { "" };
            format!("{before}{open}{gap}{line}{after}")
        }
        None => format!("{text}{open}\n## {REMEMBERED}\n\n{line}"),
    }
}

#[cfg(test)]
mod tests;
