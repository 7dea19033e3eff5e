//! Compilation in a child process under rlimits: a small component can cost minutes and gigabytes.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use openclaw_package::bytesize::ByteSize;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::engine;

/// What one compilation may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// CPU time.
    pub cpu: Duration,
    /// Wall-clock time.
    pub wall: Duration,
    /// Address space, in bytes.
    pub address_space: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu: Duration::from_secs(60), wall: Duration::from_secs(120), address_space: 4 << 30 }
    }
}

/// How components are compiled.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program to start; it must call [`run_compiler_child`] when given `arguments`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it may cost.
    pub limits: CompileLimits,
}

/// Why a component did not compile.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The child process could not be started or spoken to.
    #[error("the compiler process {} failed to run: {source}", program.display())]
    Process {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The compiler refused the component.
    #[error("the component does not compile: {0}")]
    Refused(String),
    /// It took too long.
    #[error("compiling the component took more than {} s and was stopped", limit.as_secs())]
    TooLong {
        /// The wall-clock limit.
        limit: Duration,
    },
    /// It used more CPU time or memory than it may, and was ended for it.
    #[error(
        "compiling the component used more than {} s of CPU time or {} of address space and was stopped",
        limits.cpu.as_secs(),
        ByteSize::new(limits.address_space)
    )]
    TooCostly {
        /// The limits.
        limits: CompileLimits,
    },
}

impl CompileError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Process { .. } => "compiler-unavailable",
            Self::Refused(_) => "does-not-compile",
            Self::TooLong { .. } | Self::TooCostly { .. } => "compile-limits-exceeded",
        }
    }
}

/// Bytes that are read of an artefact; the rest of a larger one makes its writer fail.
const ARTEFACT_BYTES: u64 = 512 << 20;

/// The exit code by which the child says that the component was refused, with the reason on its standard error.
const REFUSED: i32 = 65;

impl Compiler {
    /// Compiles a component to an artefact of this host's engine.
    pub(super) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let failed = |source| CompileError::Process { program: self.program.clone(), source };
        let mut child = self.spawn().map_err(failed)?;
        let deadline = Instant::now() + self.limits.wall;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (artefact, reason, status) = std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(component)));
            let artefact = scope.spawn(move || read_all(stdout));
            let reason = scope.spawn(move || read_all(stderr));
            let status = wait(&mut child, deadline);
            (artefact.join().unwrap_or_default(), reason.join().unwrap_or_default(), status)
        });
        match status.map_err(failed)? {
            None => Err(CompileError::TooLong { limit: self.limits.wall }),
            Some(status) if status.success() => Ok(artefact),
            Some(status) if status.code() == Some(REFUSED) => {
                let reason: String = String::from_utf8_lossy(&reason).chars().take(500).collect();
                Err(CompileError::Refused(reason.trim().to_owned()))
            }
            Some(_) => Err(CompileError::TooCostly { limits: self.limits.clone() }),
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .arg(self.limits.cpu.as_secs().max(1).to_string())
            .arg(self.limits.address_space.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

fn read_all(source: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(source) = source
        && let Err(error) = source.take(ARTEFACT_BYTES).read_to_end(&mut bytes)
    {
        tracing::warn!("reading from the compiler process: {error}");
    }
    bytes
}

/// Waits for the child, and kills it at the deadline: then there is no status.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The child's side: takes its limits from the two arguments, a component from standard input, and
/// writes the artefact to standard output. Returns the exit code.
pub fn run_compiler_child(arguments: &[String]) -> i32 {
    match compile_here(arguments) {
        Ok(()) => 0,
        Err(error) => {
            // The parent shows it; where nobody listens there is nothing left to do.
            let _ = writeln!(std::io::stderr(), "{error:#}");
            REFUSED
        }
    }
}

fn compile_here(arguments: &[String]) -> wasmtime::Result<()> {
    let [cpu, address_space] = arguments else { wasmtime::bail!("expected two limits") };
    limit(Resource::Cpu, cpu.parse::<u64>()?)?;
    limit(Resource::As, address_space.parse::<u64>()?)?;
    limit(Resource::Core, 0)?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    let artefact = engine::compiling()?.precompile_component(&component)?;
    std::io::stdout().write_all(&artefact)?;
    std::io::stdout().flush()?;
    Ok(())
}

fn limit(resource: Resource, most: u64) -> wasmtime::Result<()> {
    // A limit that is already lower stays: raising it is not ours to do.
    let most = getrlimit(resource).maximum.map_or(most, |hard| most.min(hard));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    Ok(())
}
