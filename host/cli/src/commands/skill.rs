//! `openclaw skill`: writing, building, trying, inspecting and packing a skill.

mod build;
mod inspect;
mod new;
mod pack;
mod run;
mod sign;
mod test;

use crate::cli::SkillCommand;
use crate::environment::Environment;
use crate::error::Result;
use crate::output::Output;

/// Does what is asked of a skill.
pub(crate) fn run(command: SkillCommand, environment: &Environment, output: &Output) -> Result<()> {
    match command {
        SkillCommand::New(arguments) => new::run(arguments, environment, output),
        SkillCommand::Build(arguments) => build::run(&arguments, environment, output),
        SkillCommand::Run(arguments) => run::run(arguments, environment, output),
        SkillCommand::Test { dir } => test::run(&dir, environment, output),
        SkillCommand::Inspect(arguments) => inspect::run(&arguments, environment, output),
        SkillCommand::Pack(arguments) => pack::run(&arguments, environment, output),
        SkillCommand::Sign { archive } => sign::run(&archive, environment, output),
    }
}
