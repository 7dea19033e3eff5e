//! `openclaw gateway`: serves, tells how it is doing, keeps itself running, and hands out tokens.

pub(super) mod client;
mod peer;
mod reload;
mod serve;
mod status;
mod token;
mod triggers;
mod unit;
mod unit_user;

use crate::cli::{Gateway, GatewayCommand};
use crate::environment::Environment;
use crate::error::Result;
use crate::output::Output;

pub(super) use status::counts;

/// Serves, or does one of the other things.
pub(crate) fn run(arguments: Gateway, environment: &Environment, output: &Output) -> Result<()> {
    match arguments.command {
        Some(GatewayCommand::Token(command)) => token::run(command, environment, output),
        None if arguments.instead.status => status::run(arguments.listen, environment, output),
        None if arguments.instead.install => unit::install(&arguments, environment, output),
        None if arguments.instead.print_unit => unit::print(&arguments, environment, output),
        None => serve::run(&arguments, environment, output),
    }
}
