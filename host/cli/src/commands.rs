//! The commands: one file for each noun.

mod agent;
mod audit;
mod completions;
mod doctor;
mod gateway;
mod grant;
mod install;
mod installed;
mod key;
mod mcp;
mod metrics;
mod registry;
mod secret;
mod skill;
mod tool;
mod trigger;
mod trust;

use crate::cli::Command;
use crate::environment::Environment;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::Output;

/// Does what the command line asks.
pub(crate) fn run(command: Command, output: &Output) -> Result<Exit> {
    let environment = Environment::read()?;
    let done = |result: Result<()>| result.map(|()| Exit::Ok);
    match command {
        Command::Key(command) => done(key::run(command, &environment, output)),
        Command::Skill(command) => done(skill::run(command, &environment, output)),
        Command::Trust(command) => done(trust::run(command, &environment, output)),
        Command::Install(arguments) => done(install::run(&arguments, &environment, output)),
        Command::List => done(installed::list(&environment, output)),
        Command::Remove(arguments) => done(installed::remove(&arguments, &environment, output)),
        Command::Grant(command) => done(grant::run(command, &environment, output)),
        Command::Secret(command) => done(secret::run(command, &environment, output)),
        Command::Registry(command) => registry::run(command, &environment, output),
        Command::Agent(command) => done(agent::run(*command, &environment, output)),
        Command::Tool(command) => done(tool::run(command, &environment, output)),
        Command::Mcp(arguments) => done(mcp::run(arguments, &environment, output)),
        Command::Gateway(arguments) => done(gateway::run(*arguments, &environment, output)),
        Command::Metrics(arguments) => done(metrics::run(&arguments, &environment, output)),
        Command::Trigger(command) => done(trigger::run(command, &environment, output)),
        Command::Audit(arguments) => audit::run(arguments, &environment, output),
        Command::Doctor => doctor::run(&environment, output),
        Command::Completions { shell } => {
            completions::run(shell, output);
            Ok(Exit::Ok)
        }
    }
}
