//! The `openclaw-registry` command: a registry for machines that need nothing else of OpenClaw.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use openclaw_package::registry::api::{ErrorBody, ErrorDetail};
use openclaw_registry_server::command::{Admin, LogFormat, Serve, log_to_stderr, stop_signal};
use openclaw_registry_server::{Error, Fault};
use serde::Serialize;

/// A registry of skills
#[derive(Debug, Parser)]
#[command(name = "openclaw-registry", version, max_term_width = 100)]
struct Cli {
    /// Print data as JSON on standard output, and an error as JSON on standard error
    #[arg(long, global = true)]
    json: bool,
    /// How the log on standard error is written; RUST_LOG says how much of it
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<Serve>),
    /// Look after a registry
    #[command(subcommand)]
    Admin(Box<Admin>),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.log_format);
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::task(error).into())
        .and_then(|runtime| runtime.block_on(run(cli.command, cli.json)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report(&error, cli.json);
            // As for a command line that cannot be read.
            if matches!(error, Error::Failed(Fault::Usage(_))) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(command: Command, json: bool) -> Result<bool, Error> {
    match command {
        Command::Serve(serve) => {
            serve.run(|ready| show(ready, json), stop_signal()?).await?;
            Ok(true)
        }
        Command::Admin(admin) => {
            let report = admin.run().await?;
            show(&report, json);
            Ok(report.is_success())
        }
    }
}

fn show(value: &(impl Serialize + std::fmt::Display), json: bool) {
    let text = if json { serde_json::to_string_pretty(value).unwrap_or_default() } else { value.to_string() };
    // Who has closed standard output does not want to read it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn report(error: &Error, json: bool) {
    if json {
        let detail =
            ErrorDetail { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() };
        eprintln!("{}", serde_json::to_string(&ErrorBody { error: detail }).unwrap_or_default());
    } else {
        eprintln!("error: {error}");
        if let Some(hint) = error.hint() {
            eprintln!("hint: {hint}");
        }
    }
}
