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
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::LogLevel;
use crate::error::{CliError, Result};

/// Bytes of a file, after which it is moved aside.
const FILE_BYTES: usize = 10 << 20;
/// Files that are kept beside the one that is written.
const KEPT_FILES: usize = 5;

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
        .with_writer(Mutex::new(rotated(&path)?))
        .with_filter(filter(level));
    let is_terminal = std::io::stderr().is_terminal();
    let shown = if for_people || is_terminal { level } else { LogLevel::Warn };
    let words = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .with_target(false)
        .with_filter(filter(shown));
    // Only a test has another one already, which then stays.
    let _ = tracing_subscriber::registry().with(file).with(words).try_init();
    Ok(())
}

/// Of ourselves as much as was asked for. Of others what deserves a look: some log headers, and so tokens, at lower
/// levels.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(format!("warn,openclaw={}", level.as_str()))
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
