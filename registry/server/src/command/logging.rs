//! The server's own log, on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the log on standard error is written; `RUST_LOG` says how much of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line of words for each event.
    #[default]
    Text,
    /// A line of JSON for each event.
    Json,
}

/// Writes the log to standard error from now on. Where something else does so already, that stays.
pub fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
