//! A command out of the input of a behaviour, and how a program ended.

use kit::{Failure, Input, Value, json};

use crate::openclaw::skill::process::{Command, Error, Exit};

pub fn command(input: &Input) -> Result<Command, Failure> {
    let words = |key: &str| -> Vec<String> {
        let words = input.value(key).as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    };
    let environment = input.value("env").as_object().into_iter().flatten();
    Ok(Command {
        program: input.text("program")?.to_owned(),
        arguments: words("args"),
        environment: environment
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()))
            .collect(),
        directory: input.value("directory").as_str().map(str::to_owned),
        timeout_ms: input.value("timeout_ms").as_u64().map(|timeout| timeout as u32),
    })
}

pub fn failed(error: Error) -> Failure {
    match error {
        Error::Denied(text) => Failure::Denied(text),
        Error::TooMany => Failure::Failed("too many".to_owned()),
        Error::Unavailable(text) => Failure::Failed(text),
    }
}

pub fn ended(exit: Exit) -> Value {
    match exit {
        Exit::Code(code) => json!(code),
        Exit::Signal(signal) => json!(format!("signal {signal}")),
        Exit::Stopped(reason) => json!(format!("{reason:?}")),
    }
}
