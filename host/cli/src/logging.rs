//! The gateway's log: lines of JSON in a file that is rotated, and words for people on standard error.

use std::fs::{DirBuilder, OpenOptions};
use std::io::IsTerminal as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use openclaw_runtime::layout::DataDir;
use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::LogLevel;
use crate::error::{CliError, Result};

/// Bytes of a file, after which it is moved aside.
const FILE_BYTES: usize = 10 << 20;
/// Files that are kept beside the one that is written.
const KEPT_FILES: usize = 5;

/// Bytes of a line. What clients send may be in one, and is not to push everything else out of the log.
const LINE_BYTES: usize = 16 << 10;
/// Characters that are kept of a text in a line that is longer.
const TEXT_CHARACTERS: usize = 512;

/// Where the log is.
pub(crate) fn path(dir: &DataDir) -> PathBuf {
    dir.root().join("logs").join("gateway.log")
}

/// Logs from now on. `for_people` writes all of it to standard error as well; where that is no terminal and nobody
/// asks for it, only what deserves a look.
///
/// # Errors
/// The file cannot be made.
pub(crate) fn start(dir: &DataDir, level: LogLevel, for_people: bool) -> Result<()> {
    let path = path(dir);
    let file = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .map_event_format(Capped)
        .with_writer(Mutex::new(rotated(&path)?))
        .with_filter(filter(level));
    let is_terminal = std::io::stderr().is_terminal();
    let shown = if for_people || is_terminal { level } else { LogLevel::Warn };
    let words = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .with_target(false)
        .map_event_format(|format| Capped(format.with_ansi(is_terminal)))
        .with_filter(filter(shown));
    // Only a test has another one already, which then stays.
    let _ = tracing_subscriber::registry().with(file).with(words).try_init();
    Ok(())
}

/// Of ourselves as much as was asked for. Of others what deserves a look: some log headers, and so tokens, at lower
/// levels, and the library of MCP warns with whatever a client sent.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(format!("warn,rmcp=error,openclaw={}", level.as_str()))
}

/// Lines of a bounded length.
struct Capped<F>(F);

impl<S, N, F> FormatEvent<S, N> for Capped<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        if line.len() > LINE_BYTES {
            line = shortened(&line);
        }
        writer.write_str(&line)
    }
}

/// A line that is too long: JSON with its texts cut short, where that is enough, and else its beginning.
fn shortened(line: &str) -> String {
    let short = serde_json::from_str(line).map(|mut value: Value| {
        cut(&mut value);
        format!("{value}\n")
    });
    match short {
        Ok(short) if short.len() <= LINE_BYTES => short,
        Ok(_) => format!("{}\n", serde_json::json!({ "message": beginning(line, TEXT_CHARACTERS) })),
        Err(_) => format!("{}\n", beginning(line, LINE_BYTES / 4 - 1)),
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => *text = beginning(text, TEXT_CHARACTERS),
        Value::Array(values) => values.iter_mut().for_each(cut),
        Value::Object(values) => values.values_mut().for_each(cut),
        _ => {}
    }
}

fn beginning(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn rotated(path: &Path) -> Result<FileRotate<AppendCount>> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(CliError::at(parent))?;
    }
    let mut options = OpenOptions::new();
    options.read(true).create(true).append(true).mode(0o600);
    // What rotates it does not say why a file cannot be opened.
    options.open(path).map_err(CliError::at(path))?;
    let (kept, limit) = (AppendCount::new(KEPT_FILES), ContentLimit::BytesSurpassed(FILE_BYTES));
    Ok(FileRotate::new(path, kept, limit, Compression::None, Some(options)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    /// What a log has of what is done meanwhile.
    fn logged(act: impl FnOnce()) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .map_event_format(Capped)
            .with_writer(Mutex::new(file.reopen().unwrap()))
            .with_filter(filter(LogLevel::Info));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn no_client_fills_the_log_with_what_it_sends() {
        let sent = "\u{1f99e}\n".repeat(2 << 20);
        let text = logged(|| {
            tracing::warn!(target: "rmcp::transport", "{sent}");
            tracing::warn!(target: "openclaw", name = "x", "{sent}");
        });
        assert_eq!(text.lines().count(), 1, "the library of MCP is not heard");
        assert!(text.len() < LINE_BYTES, "{}", text.len());
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["name"]), (&"WARN".into(), &"x".into()));
        assert!(line["message"].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn a_long_line_is_bounded_whatever_it_is_made_of() {
        let texts = vec!["x"; 1 << 20];
        for line in [serde_json::json!({ "list": texts }).to_string(), "\u{1f99e}".repeat(1 << 20)] {
            assert!(shortened(&line).len() <= LINE_BYTES);
        }
    }

    #[test]
    fn a_full_log_gives_way_and_all_of_it_is_private() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("logs/gateway.log");
        let mut log = rotated(&path).unwrap();
        for _ in 0..KEPT_FILES + 3 {
            log.write_all(&vec![b'x'; FILE_BYTES + 1]).unwrap();
            log.write_all(b"\n").unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(files.len(), KEPT_FILES + 1);
        for file in files {
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }
}
