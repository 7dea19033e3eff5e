//! Programs of the host, in the shapes that the manifest names and the owner granted.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::{Error, host};

/// How many lines of a program's errors are told.
const TOLD_LINES: usize = 5;
/// How many characters of such a line are told.
const TOLD_CHARS: usize = 300;

/// Why nothing was run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessError {
    /// It is not declared or not granted; the text says what is missing.
    Denied(String),
    /// The call has started as many programs as it may, or as many at once.
    TooMany,
    /// It is granted, and cannot be run; the text says why.
    Unavailable(String),
}

impl Display for ProcessError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => f.write_str(text),
            Self::TooMany => f.write_str("the call has started as many programs as it may"),
            Self::Unavailable(text) => write!(f, "the program cannot be run: {text}"),
        }
    }
}

impl std::error::Error for ProcessError {}

/// Why a program was ended that did not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// Its time was over.
    Deadline,
    /// It wrote more than is kept of it.
    Output,
    /// It held too much memory.
    Memory,
    /// It had too many processes.
    Processes,
    /// It left too little room on the disk.
    Disk,
    /// The skill ended it.
    Killed,
    /// The host lost it.
    Lost,
}

impl Display for StopReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "its time was over",
            Self::Output => "it wrote too much",
            Self::Memory => "it held too much memory",
            Self::Processes => "it had too many processes",
            Self::Disk => "it left too little room on the disk",
            Self::Killed => "the skill ended it",
            Self::Lost => "the host lost it",
        })
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// By itself, with this code; zero is success.
    Code(i32),
    /// By a signal of this number.
    Signal(i32),
    /// It was ended.
    Stopped(StopReason),
}

impl Exit {
    /// Whether it ended by itself with the code zero.
    #[must_use]
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl Display for Exit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::Stopped(reason) => write!(f, "was ended: {reason}"),
        }
    }
}

/// The programs, as `ctx.process()` gives them.
#[derive(Clone, Copy)]
pub struct Process<'c> {
    /// None where the manifest declares no program.
    host: Option<&'c dyn host::Process>,
}

impl<'c> Process<'c> {
    pub(crate) fn new(host: Option<&'c dyn host::Process>) -> Self {
        Self { host }
    }

    /// Begins a command: the program, as the manifest names it.
    pub fn command(&self, program: impl Into<String>) -> Command<'c> {
        let what = host::Command { program: program.into(), ..host::Command::default() };
        Command { process: *self, what, input: Vec::new() }
    }

    fn host(&self) -> Result<&'c dyn host::Process, ProcessError> {
        self.host.ok_or_else(|| {
            ProcessError::Denied(
                "the skill's manifest does not declare programs: add a `[[permission.process]]` to \
                 openclaw/skill.toml"
                    .to_owned(),
            )
        })
    }
}

/// What is to be run: all of it is held against the granted shapes, before anything runs.
///
/// There is no shell: an argument is passed on as it is, whatever characters it has.
#[must_use = "a command does nothing until it is run or spawned"]
pub struct Command<'c> {
    process: Process<'c>,
    what: host::Command,
    input: Vec<u8>,
}

impl Command<'_> {
    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.what.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.what.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable that the manifest leaves to the skill; those with a fixed value are set anyway.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.what.environment.push((name.into(), value.into()));
        self
    }

    /// Says where it works: an absolute path in one of the skill's trees. By default that is
    /// `/workspace`, or `/data` where the skill holds no workspace.
    pub fn current_dir(mut self, directory: impl Into<String>) -> Self {
        self.what.directory = Some(directory.into());
        self
    }

    /// Ends it after this time; the end of the call comes in any case.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.what.timeout = Some(timeout);
        self
    }

    /// What [`Command::run`] writes to its standard input. One that is spawned is written to by
    /// way of [`Child::stdin`].
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Runs it to its end, and gathers what it writes: at most 4 MiB, and as much of errors.
    ///
    /// # Errors
    ///
    /// See [`ProcessError`]. A program that ran and failed is no error; see [`Output::checked`].
    pub fn run(self) -> Result<Output, ProcessError> {
        let ran = self.process.host()?.run(&self.what, &self.input)?;
        let host::Ran { exit, stdout, stderr, held_back } = ran;
        Ok(Output { program: self.what.program, exit, stdout, stderr, held_back })
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// See [`ProcessError`].
    pub fn spawn(self) -> Result<Child, ProcessError> {
        self.process.host()?.spawn(&self.what).map(Child)
    }
}

/// What a program left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    program: String,
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Control files that it made without being allowed to. Each was renamed, so that nobody obeys
    /// it.
    pub held_back: Vec<String>,
}

impl Output {
    /// Whether it ended by itself with the code zero.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit.success()
    }

    /// What it wrote to its standard output, with a mark in place of what is no UTF-8.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// What it wrote to its standard error, with a mark in place of what is no UTF-8.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// The same, if it was successful.
    ///
    /// # Errors
    ///
    /// A failure that names the program, how it ended, and the first lines of its errors.
    pub fn checked(self) -> Result<Self, Error> {
        if self.success() {
            return Ok(self);
        }
        let mut message = format!("`{}` {}", self.program, self.exit);
        let errors = self.stderr_text();
        let lines = errors.lines().map(str::trim_end).filter(|line| !line.is_empty());
        for (number, line) in lines.take(TOLD_LINES).enumerate() {
            message.push_str(if number == 0 { ": " } else { "\n" });
            message.extend(line.chars().take(TOLD_CHARS));
        }
        Err(Error::failed(message))
    }
}

/// A program that was started. Dropping this ends it, and all that came of it.
pub struct Child(Box<dyn host::Child>);

impl Child {
    /// Its standard input, once; dropping that closes it.
    #[must_use]
    pub fn stdin(&self) -> Option<ChildInput> {
        self.0.stdin().map(ChildInput)
    }

    /// Its standard output, once.
    #[must_use]
    pub fn stdout(&self) -> Option<ChildOutput> {
        self.0.stdout().map(ChildOutput)
    }

    /// Its standard error, once.
    #[must_use]
    pub fn stderr(&self) -> Option<ChildOutput> {
        self.0.stderr().map(ChildOutput)
    }

    /// Waits until it has ended, and everything that came of it.
    ///
    /// One that writes more than a pipe holds ends only if somebody reads it.
    #[must_use]
    pub fn wait(&self) -> Exit {
        self.0.wait()
    }

    /// Ends it, and everything that came of it.
    pub fn kill(&self) {
        self.0.kill();
    }
}

/// What a program reads.
pub struct ChildInput(Box<dyn Write>);

impl Write for ChildInput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What a program writes.
pub struct ChildOutput(Box<dyn Read>);

impl Read for ChildOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
