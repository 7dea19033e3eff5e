//! Programs that a test wrote: what they were given is kept, what they answer is the test's.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::lock;
use crate::host;
use crate::process::{Exit, ProcessError, StopReason};

/// A command that a fake context was given to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeCommand {
    /// The program, as the skill named it.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The variables that the skill set; those with a fixed value in the manifest are not among them.
    pub env: BTreeMap<String, String>,
    /// Where it was to work, if the skill said so.
    pub current_dir: Option<String>,
    /// When it was to be ended, if the skill said so.
    pub timeout: Option<Duration>,
    /// What was written to its standard input.
    pub input: Vec<u8>,
}

impl FakeCommand {
    fn new(command: &host::Command, input: Vec<u8>) -> Self {
        Self {
            program: command.program.clone(),
            args: command.arguments.clone(),
            env: command.environment.iter().cloned().collect(),
            current_dir: command.directory.clone(),
            timeout: command.timeout,
            input,
        }
    }

    /// The arguments as texts, to be matched: `["status", "--porcelain"]`.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    /// The program and its arguments, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.args);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// What a program of a test answers; nothing, and success, unless something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeOutput {
    result: Result<host::Ran, ProcessError>,
}

impl Default for FakeOutput {
    fn default() -> Self {
        Self::exit(Exit::Code(0))
    }
}

impl FakeOutput {
    /// Success, with this written to standard output.
    #[must_use]
    pub fn stdout(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().with_stdout(bytes)
    }

    /// A failure of this code, with this written to standard error.
    #[must_use]
    pub fn failure(code: i32, errors: impl AsRef<[u8]>) -> Self {
        Self::exit(Exit::Code(code)).with_stderr(errors)
    }

    /// An end of this kind, with nothing written.
    #[must_use]
    pub fn exit(exit: Exit) -> Self {
        Self { result: Ok(ended(exit)) }
    }

    /// A command that is not granted, with the host's words.
    #[must_use]
    pub fn denied(text: impl Into<String>) -> Self {
        Self::error(ProcessError::Denied(text.into()))
    }

    /// A command that is not run. One that is spawned runs already, and is lost then.
    #[must_use]
    pub fn error(error: ProcessError) -> Self {
        Self { result: Err(error) }
    }

    /// Writes this to standard output.
    #[must_use]
    pub fn with_stdout(mut self, bytes: impl AsRef<[u8]>) -> Self {
        if let Ok(ran) = &mut self.result {
            ran.stdout = bytes.as_ref().to_vec();
        }
        self
    }

    /// Writes this to standard error.
    #[must_use]
    pub fn with_stderr(mut self, bytes: impl AsRef<[u8]>) -> Self {
        if let Ok(ran) = &mut self.result {
            ran.stderr = bytes.as_ref().to_vec();
        }
        self
    }

    /// Makes a control file that is held back.
    #[must_use]
    pub fn with_held_back(mut self, path: impl Into<String>) -> Self {
        if let Ok(ran) = &mut self.result {
            ran.held_back.push(path.into());
        }
        self
    }
}

/// What a test wrote as a program.
pub(super) type Script = Arc<dyn Fn(&FakeCommand) -> FakeOutput + Send + Sync>;

/// The programs of a fake context.
pub(crate) struct Programs {
    scripts: BTreeMap<String, Script>,
    commands: Arc<Mutex<Vec<FakeCommand>>>,
}

impl Programs {
    pub(super) fn new(scripts: BTreeMap<String, Script>) -> Self {
        Self { scripts, commands: Arc::default() }
    }

    pub(crate) fn commands(&self) -> Vec<FakeCommand> {
        lock(&self.commands).clone()
    }

    /// As the host denies what nobody granted.
    fn script(&self, command: &host::Command) -> Result<Script, ProcessError> {
        self.scripts.get(&command.program).cloned().ok_or_else(|| {
            let line = FakeCommand::new(command, Vec::new()).line();
            lock(&self.commands).push(FakeCommand::new(command, Vec::new()));
            ProcessError::Denied(format!(
                "process:execute denied (not-granted): {line}; to grant it: openclaw grant allow acme/fake process {line}"
            ))
        })
    }
}

impl host::Process for Programs {
    fn run(&self, command: &host::Command, input: &[u8]) -> Result<host::Ran, ProcessError> {
        let script = self.script(command)?;
        answer(&script, FakeCommand::new(command, input.to_vec()), &self.commands)
    }

    fn spawn(&self, command: &host::Command) -> Result<Box<dyn host::Child>, ProcessError> {
        let script = self.script(command)?;
        let command = FakeCommand::new(command, Vec::new());
        let life = Life { script, command, commands: Arc::clone(&self.commands), ran: None };
        Ok(Box::new(Child { life: Arc::new(Mutex::new(life)), taken: Mutex::default() }))
    }
}

fn answer(
    script: &Script,
    command: FakeCommand,
    commands: &Mutex<Vec<FakeCommand>>,
) -> Result<host::Ran, ProcessError> {
    let output = script(&command);
    lock(commands).push(command);
    output.result
}

/// A program that was started; it answers when somebody reads it or waits for it.
struct Child {
    life: Arc<Mutex<Life>>,
    /// Which of its three streams were asked for.
    taken: Mutex<[bool; 3]>,
}

struct Life {
    script: Script,
    command: FakeCommand,
    commands: Arc<Mutex<Vec<FakeCommand>>>,
    ran: Option<host::Ran>,
}

impl Life {
    /// What it left, once it has read what was written to it until now.
    fn ran(&mut self) -> &mut host::Ran {
        let Self { script, command, commands, ran } = self;
        ran.get_or_insert_with(|| {
            let ran = answer(script, command.clone(), commands);
            // It was started, so that it is too late to refuse it.
            ran.unwrap_or_else(|_| ended(Exit::Stopped(StopReason::Lost)))
        })
    }
}

fn ended(exit: Exit) -> host::Ran {
    host::Ran { exit, stdout: Vec::new(), stderr: Vec::new(), held_back: Vec::new() }
}

impl Child {
    /// Whether one of the streams is asked for the first time.
    fn take(&self, stream: usize) -> bool {
        lock(&self.taken).get_mut(stream).is_some_and(|taken| !std::mem::replace(taken, true))
    }

    fn output(&self, stream: usize, of: fn(&host::Ran) -> &Vec<u8>) -> Option<Box<dyn Read>> {
        let output = || Box::new(Written { life: Arc::clone(&self.life), of, read: None }) as Box<dyn Read>;
        self.take(stream).then(output)
    }
}

impl host::Child for Child {
    fn stdin(&self) -> Option<Box<dyn Write>> {
        self.take(0).then(|| Box::new(Input(Arc::clone(&self.life))) as Box<dyn Write>)
    }

    fn stdout(&self) -> Option<Box<dyn Read>> {
        self.output(1, |ran| &ran.stdout)
    }

    fn stderr(&self) -> Option<Box<dyn Read>> {
        self.output(2, |ran| &ran.stderr)
    }

    fn wait(&self) -> Exit {
        lock(&self.life).ran().exit
    }

    fn kill(&self) {
        lock(&self.life).ran().exit = Exit::Stopped(StopReason::Killed);
    }
}

struct Input(Arc<Mutex<Life>>);

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut life = lock(&self.0);
        if life.ran.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        life.command.input.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Written {
    life: Arc<Mutex<Life>>,
    of: fn(&host::Ran) -> &Vec<u8>,
    read: Option<Cursor<Vec<u8>>>,
}

impl Read for Written {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { life, of, read } = self;
        read.get_or_insert_with(|| Cursor::new(of(lock(life).ran()).clone())).read(buffer)
    }
}
