//! The `openclaw` command: parses, calls the runtime, prints.

mod agents;
mod ask;
mod cli;
mod commands;
mod component;
mod config;
mod consent;
mod describe;
mod dotenv;
mod environment;
mod error;
mod exit;
mod invocation;
mod json;
mod keyring;
mod keys;
mod logging;
mod models;
mod output;
mod progress;
mod project;
mod sdk;
mod talk;
mod text;
mod toolchain;
mod unpacked;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Before anything else: this process is then a compiler, a worker or a launcher, and nothing more.
    match arguments.as_slice() {
        [_, command, limits @ ..] if command == environment::COMPILE_COMPONENT => {
            let limits: Vec<String> =
                limits.iter().map(|limit| limit.to_string_lossy().into_owned()).collect();
            std::process::exit(openclaw_runtime::sandbox::run_compiler_child(&limits));
        }
        [_, command] if command == environment::RUN_WORKER => {
            std::process::exit(openclaw_runtime::isolated::run_worker_child());
        }
        [_, command] if command == environment::RUN_LAUNCHER => {
            std::process::exit(openclaw_runtime::launcher::run_launcher_child());
        }
        _ => {}
    }
    run(arguments).into()
}

fn run(arguments: Vec<OsString>) -> Exit {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error, wants_json),
    };
    let output = Output::new(cli.json);
    let outcome = commands::run(cli.command, &output).and_then(|exit| output.finish().map(|()| exit));
    outcome.unwrap_or_else(|error| {
        output.error(&error);
        error.exit
    })
}

/// Help and version are answers; anything else is an error, in the form that was asked for.
fn misunderstood(error: &clap::Error, json: bool) -> Exit {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help || !json {
        // Where nobody listens, the exit code says it.
        let _ = error.print();
        return if error.exit_code() == 0 { Exit::Ok } else { Exit::Usage };
    }
    let text = error.render().to_string();
    let message = text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let message = message.trim_start_matches("error: ").to_owned();
    Output::new(true).error(&CliError::usage(message).hint("openclaw --help"));
    Exit::Usage
}
