//! What the host gives a skill; the attribute's generated code and the fake implement it.

use std::io::{Read, Write};
use std::time::Duration;

use crate::ask::AskError;
use crate::llm::{Completion, LlmError, LlmRequest};
use crate::log::Level;
use crate::memory::{Hit, MemoryError};
use crate::process::{Exit, ProcessError};

/// Takes the lines of the log.
pub trait Log: Send + Sync {
    /// Takes a line.
    fn write(&self, level: Level, message: &str);

    /// Takes word of how far the call is.
    fn progress(&self, done: u64, total: Option<u64>, message: &str);
}

/// Keeps the skill's keys and values.
pub trait Memory: Send + Sync {
    /// The value under a key, or none.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, MemoryError>;

    /// Puts a value under a key, in place of what was there.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), MemoryError>;

    /// Removes a key; true if it was there.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn delete(&self, key: &str) -> Result<bool, MemoryError>;

    /// Keys that begin with a prefix, in byte order, at most `limit`, from the first one greater
    /// than `after` on.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn list_keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, MemoryError>;

    /// Values that have every word of a query, the best first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Whatever the store answers.
    fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, MemoryError>;
}

/// Asks the owner's language model.
pub trait Llm: Send + Sync {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// Whatever the host answers.
    fn complete(&self, request: &LlmRequest) -> Result<Completion, LlmError>;

    /// Whether a question might be answered.
    fn is_available(&self) -> bool;
}

/// Asks the person behind the session.
pub trait Ask: Send + Sync {
    /// Puts a question, and waits for the answer: one of the choices, where there are some.
    ///
    /// # Errors
    ///
    /// Whatever the host answers.
    fn question(&self, text: &str, choices: &[String]) -> Result<String, AskError>;

    /// Whether a question might be answered.
    fn is_available(&self) -> bool;
}

/// Runs programs.
pub trait Process: Send + Sync {
    /// Runs a program to its end.
    ///
    /// # Errors
    ///
    /// Whatever the host answers.
    fn run(&self, command: &Command, input: &[u8]) -> Result<Ran, ProcessError>;

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Whatever the host answers.
    fn spawn(&self, command: &Command) -> Result<Box<dyn Child>, ProcessError>;
}

/// A program that was started; dropping this ends it.
pub trait Child {
    /// Its standard input, once.
    fn stdin(&self) -> Option<Box<dyn Write>>;

    /// Its standard output, once.
    fn stdout(&self) -> Option<Box<dyn Read>>;

    /// Its standard error, once.
    fn stderr(&self) -> Option<Box<dyn Read>>;

    /// Waits until it has ended.
    fn wait(&self) -> Exit;

    /// Ends it.
    fn kill(&self);
}

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The program, as the manifest names it.
    pub program: String,
    /// Its arguments, of which the program's own name is none.
    pub arguments: Vec<String>,
    /// Variables that the manifest leaves to the skill.
    pub environment: Vec<(String, String)>,
    /// Where it works.
    pub directory: Option<String>,
    /// When it is ended.
    pub timeout: Option<Duration>,
}

/// What a program left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Control files that it made without being allowed to.
    pub held_back: Vec<String>,
}
