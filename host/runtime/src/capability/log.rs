//! `openclaw:skill/log` and the guest's standard streams: lines that go to the skill's log and nowhere else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

use super::secret::cut_shown;
use super::shown;
use crate::bindings::openclaw::skill::log as wit;
use crate::observer::{Observer, Progress};
use crate::redact::Values;
use crate::sandbox::CallState;

/// Lines kept of one call.
pub(crate) const LINES: u64 = 1_000;
/// Bytes kept of one call.
const BYTES: usize = 256 << 10;
/// Bytes kept of one line.
const LINE_BYTES: usize = 8 << 10;
/// Bytes kept of a line that has not ended: more than of one that has, so that none is cut in the middle of a secret.
const PARTIAL_BYTES: usize = LINE_BYTES + 4 * crate::secrets::MAX_SECRET_BYTES;
/// Reports of progress that one call may make.
pub(crate) const REPORTS: u64 = 1_000;
/// Bytes kept of the message of one report.
const MESSAGE_BYTES: usize = 1 << 10;

/// How much a line matters, or which stream it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the author only.
    Trace,
    /// For finding out what went wrong.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// Written to standard output.
    Stdout,
    /// Written to standard error.
    Stderr,
}

impl Level {
    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A line of a skill's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its level, or the stream.
    pub level: Level,
    /// Its text, control characters escaped.
    pub message: String,
}

/// The log of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    observer: Option<Arc<dyn Observer>>,
    /// The values of secrets that no line shows.
    cut: Option<Arc<Values>>,
    reports: u64,
    done: Option<u64>,
    kept: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
    partial: [Vec<u8>; 2],
}

impl Log {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines so far, unfinished ones included, and how many were dropped.
    pub(crate) fn take(&self) -> (Vec<LogLine>, u64) {
        let mut lines = self.lines();
        for stream in [Stream::Out, Stream::Err] {
            lines.end_line(stream);
        }
        (std::mem::take(&mut lines.kept), lines.dropped)
    }

    /// A log that somebody follows.
    pub(crate) fn followed(observer: Option<Arc<dyn Observer>>, cut: Option<Arc<Values>>) -> Self {
        Self(Arc::new(Mutex::new(Lines { observer, cut, ..Lines::default() })))
    }

    /// A line or a report that was kept elsewhere, under the same limits as if it were told here.
    pub(crate) fn tell(&self, told: Told) {
        let mut lines = self.lines();
        match told {
            Told::Line(line) => lines.push(line.level, &line.message),
            Told::Progress(progress) => lines.progress(progress.done, progress.total, &progress.message),
        }
    }

    /// A log of lines that were kept elsewhere, under the same limits as if they were written here.
    pub(crate) fn of(lines: Vec<LogLine>) -> Self {
        let log = Self::default();
        for line in lines {
            log.lines().push(line.level, &line.message);
        }
        log
    }

    /// What the guest said when it panicked, if it did.
    pub(crate) fn last_panic(&self) -> Option<String> {
        let lines = self.lines();
        let at = lines.kept.iter().rposition(|line| line.message.contains("panicked at"))?;
        let line = lines.kept.get(at)?;
        // The standard library writes the place on one line and the message on the next.
        let next =
            lines.kept.get(at + 1).filter(|next| line.message.ends_with(':') && next.level == line.level);
        Some(next.map_or_else(|| line.message.clone(), |next| format!("{} {}", line.message, next.message)))
    }

    /// A stream that writes its lines here.
    pub(crate) fn stream(&self, stream: Stream) -> Box<dyn OutputStream> {
        Box::new(LogStream { log: self.clone(), stream })
    }
}

impl Lines {
    fn push(&mut self, level: Level, text: &str) {
        if self.kept.len() as u64 >= LINES || self.bytes >= BYTES {
            self.dropped += 1;
            return;
        }
        let room = LINE_BYTES.min(BYTES - self.bytes);
        let message = self.cut(text, room);
        self.bytes += message.len();
        let line = LogLine { level, message };
        if let Some(observer) = &self.observer {
            observer.logged(&line);
        }
        self.kept.push(line);
    }

    fn progress(&mut self, done: u64, total: Option<u64>, message: &str) {
        let Some(observer) = &self.observer else { return };
        if self.reports >= REPORTS || self.done.is_some_and(|before| done <= before) {
            return;
        }
        self.reports += 1;
        self.done = Some(done);
        observer.progressed(&Progress { done, total, message: self.cut(message, MESSAGE_BYTES) });
    }

    /// A text as it is shown, without secrets, up to some bytes.
    fn cut(&self, text: &str, room: usize) -> String {
        match &self.cut {
            None => cut(text, room),
            Some(values) => cut(&cut_shown(values, text), room),
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line(stream);
            } else if let Some(partial) = self.partial.get_mut(stream as usize)
                && partial.len() < PARTIAL_BYTES
            {
                partial.push(byte);
            }
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let partial = self.partial.get_mut(stream as usize).map(std::mem::take).unwrap_or_default();
        if !partial.is_empty() {
            self.push(stream.level(), &String::from_utf8_lossy(&partial));
        }
    }
}

/// A text as it is shown, up to some bytes.
fn cut(text: &str, room: usize) -> String {
    let mut shown_text = String::new();
    for character in text.chars() {
        shown_text.extend(shown(character));
        if shown_text.len() >= room {
            shown_text.push('…');
            break;
        }
    }
    shown_text
}

/// What a guest tells while it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// A line of its log.
    Line(LogLine),
    /// How far it is.
    Progress(Progress),
}

/// One of a guest's standard streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Out = 0,
    Err = 1,
}

impl Stream {
    fn level(self) -> Level {
        match self {
            Self::Out => Level::Stdout,
            Self::Err => Level::Stderr,
        }
    }
}

struct LogStream {
    log: Log,
    stream: Stream,
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.lines().write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl wit::Host for CallState {
    fn write(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            wit::Level::Trace => Level::Trace,
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        self.log.lines().push(level, &message);
        Ok(())
    }

    fn progress(&mut self, done: u64, total: Option<u64>, message: String) -> wasmtime::Result<()> {
        self.log.lines().progress(done, total, &message);
        Ok(())
    }
}

/// Links `openclaw:skill/log`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it hears.
    #[derive(Debug, Default)]
    struct Ear(Mutex<Vec<String>>);

    impl Observer for Ear {
        fn logged(&self, line: &LogLine) {
            self.0.lock().unwrap().push(line.message.clone());
        }

        fn progressed(&self, progress: &Progress) {
            self.0
                .lock()
                .unwrap()
                .push(format!("{}/{:?} {}", progress.done, progress.total, progress.message));
        }
    }

    #[test]
    fn who_follows_a_call_hears_what_is_kept_of_it() {
        let ear = Arc::new(Ear::default());
        let log = Log::followed(Some(Arc::<Ear>::clone(&ear)), None);
        log.tell(Told::Line(LogLine { level: Level::Info, message: "a\u{1b}b".to_owned() }));
        for done in [1, 1, 0, 2] {
            let message = "half\nway".to_owned();
            log.tell(Told::Progress(Progress { done, total: Some(4), message }));
        }
        assert_eq!(*ear.0.lock().unwrap(), ["a\\u{1b}b", "1/Some(4) half\nway", "2/Some(4) half\nway"]);
        (0..REPORTS).for_each(|n| log.lines().progress(10 + n, None, ""));
        (0..2 * LINES).for_each(|_| log.lines().push(Level::Info, "x"));
        assert_eq!(ear.0.lock().unwrap().len() as u64, REPORTS + LINES, "no more than the limits of a call");
    }

    #[test]
    fn no_line_and_no_report_shows_a_secret() {
        let ear = Arc::new(Ear::default());
        let values = Values::new([b"s3cr3t\"value".as_slice()]).unwrap();
        let log = Log::followed(Some(Arc::<Ear>::clone(&ear)), Some(Arc::new(values)));
        log.lines().push(Level::Info, "it is s3cr3t\"value, and czNjcjN0InZhbHVl");
        log.lines().progress(1, None, "at s3cr3t\"value");
        let mut stream = log.stream(Stream::Out);
        let filler = "x".repeat(LINE_BYTES - 20);
        for piece in [filler.as_str(), " a s3cr3t", "\"value b\n"] {
            stream.write(Bytes::copy_from_slice(piece.as_bytes())).unwrap();
        }
        let told = ear.0.lock().unwrap().join("\n") + &format!("{:?}", log.take());
        assert!(!told.contains("s3cr3t") && !told.contains("czNj"), "{told}");
        assert_eq!(told.matches("[redacted:secret").count(), 7, "{told}");
    }

    #[test]
    fn lines_past_the_limits_are_counted_and_not_kept() {
        let log = Log::default();
        for _ in 0..LINES + 7 {
            log.lines().push(Level::Info, "x");
        }
        let (kept, dropped) = log.take();
        assert_eq!((kept.len() as u64, dropped), (LINES, 7));
    }

    #[test]
    fn a_line_can_neither_move_the_cursor_nor_turn_the_text() {
        let log = Log::default();
        log.lines().push(Level::Warn, "a\u{1b}[2Jb\u{202e}c");
        let (kept, _) = log.take();
        assert_eq!(kept[0].message, "a\\u{1b}[2Jb\\u{202e}c");
    }

    #[test]
    fn a_stream_is_cut_into_lines_and_keeps_the_last_one_without_its_end() {
        let log = Log::default();
        let mut stream = log.stream(Stream::Err);
        stream.write(Bytes::from_static(b"one\ntw")).unwrap();
        stream.write(Bytes::from_static(b"o")).unwrap();
        let messages: Vec<_> = log.take().0.into_iter().map(|line| line.message).collect();
        assert_eq!(messages, ["one", "two"]);
    }
}
