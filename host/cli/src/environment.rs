//! Where this command keeps things, and how it starts the runtime on them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_agent::redaction::{Place, Redaction};
use openclaw_gateway::Service;
use openclaw_runtime::consent::Consents;
use openclaw_runtime::launcher::LauncherProgram;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::sandbox::{CompileLimits, Compiler, Sandbox, SandboxOptions};
use openclaw_runtime::secrets::Secrets;
use openclaw_runtime::workspace::{Workspace, WorkspaceError};
use openclaw_runtime::{Level, Runtime, RuntimeOptions, WorkerProgram};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::config::{self, Config, SandboxLevel};
use crate::dotenv::Dotenv;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::keyring::SystemKeyring;
use crate::models::ModelSet;

/// The hidden command by which this program compiles components in a process of its own.
pub(crate) const COMPILE_COMPONENT: &str = "compile-component";

/// The hidden command by which this program runs calls in a confined process of its own.
pub(crate) const RUN_WORKER: &str = "run-worker";

/// The hidden command by which this program starts programs of skills, in a process that can fork.
pub(crate) const RUN_LAUNCHER: &str = "run-launcher";

/// Variables by which tests make this machine one that lacks what confines programs.
const ASSUMPTIONS: &str = "OPENCLAW_ASSUME_";

/// Calls that this process makes at once: one command, one call.
const CONCURRENT_CALLS: u32 = 1;

/// The directories of this owner.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    data_dir: PathBuf,
    cache_dir: PathBuf,
    config: PathBuf,
}

impl Environment {
    /// Reads them from the process's environment.
    ///
    /// # Errors
    /// Neither a variable nor a home directory tells where they are.
    pub(crate) fn read() -> Result<Self> {
        let caches = || {
            let named = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            named.or_else(|| Some(std::env::home_dir()?.join(".cache")))
        };
        Self::below(std::env::home_dir, caches)
    }

    /// Those of a user with this home, whoever runs this; variables that name a directory hold for them as well.
    ///
    /// # Errors
    /// A path cannot be made absolute.
    pub(crate) fn of_home(home: &Path) -> Result<Self> {
        Self::below(|| Some(home.to_owned()), || Some(home.join(".cache")))
    }

    fn below(home: impl Fn() -> Option<PathBuf>, caches: impl Fn() -> Option<PathBuf>) -> Result<Self> {
        let data_dir = directory("OPENCLAW_DATA_DIR", || Some(home()?.join(".openclaw")))?;
        Ok(Self {
            config: config::path(variable("OPENCLAW_CONFIG_PATH").map(PathBuf::from), &data_dir),
            data_dir,
            cache_dir: directory("OPENCLAW_CACHE_DIR", || Some(caches()?.join("openclaw")))?,
        })
    }

    /// One of a test's own.
    #[cfg(test)]
    pub(crate) fn at(dir: &Path) -> Self {
        let data_dir = dir.join("data");
        Self { config: data_dir.join("config.yaml"), data_dir, cache_dir: dir.join("cache") }
    }

    /// `$OPENCLAW_CACHE_DIR`, which need not be there yet.
    pub(crate) fn cache_path(&self) -> &Path {
        &self.cache_dir
    }

    /// Where compiled components are kept.
    pub(crate) fn artefacts(&self) -> PathBuf {
        self.cache_dir.join("artefacts")
    }

    /// The data directory, made if it is not there.
    pub(crate) fn data_dir(&self) -> Result<DataDir> {
        Ok(DataDir::open(&self.data_dir)?)
    }

    /// The runtime over the data directory, for one call; and what is cut from its skill's log.
    pub(crate) fn runtime(&self, config: &Config) -> Result<(Runtime, Arc<Redaction>)> {
        let models = ModelSet::load(self, config, None)?;
        let redaction = models.redaction(config)?;
        Ok((self.open(config, CONCURRENT_CALLS, &models, &redaction)?, redaction))
    }

    /// Serves what is installed, with the models that its skills may ask.
    pub(crate) fn service(&self, config: &Config) -> Result<(Arc<Service>, ModelSet)> {
        let models = ModelSet::load(self, config, None)?;
        let redaction = models.redaction(config)?;
        let runtime = self.open(config, config.concurrent_calls(), &models, &redaction)?;
        let service = Service::new(runtime, Consents::new(config.security_level()));
        service.redact_logs_by(redaction.redactor(Place::Logs).clone());
        Ok((Arc::new(service), models))
    }

    fn open(
        &self,
        config: &Config,
        concurrent_calls: u32,
        models: &ModelSet,
        redaction: &Arc<Redaction>,
    ) -> Result<Runtime> {
        Ok(Runtime::open(RuntimeOptions {
            data_dir: self.data_dir.clone(),
            cache_dir: self.artefacts(),
            compiler: compiler()?,
            concurrent_calls,
            call_time: config.call_time(),
            level: level(config)?,
            launcher: launcher()?,
            language_model: models.language_model(redaction)?,
            secrets: Arc::new(self.secrets()?),
        })?)
    }

    /// The secrets of skills, in the system's keyring and in files.
    pub(crate) fn secrets(&self) -> Result<Secrets> {
        let dir = self.data_dir()?;
        let keyring = Arc::new(SystemKeyring::new(dir.root().to_owned()));
        Ok(Secrets::new(&dir, Some(keyring)))
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        Config::load(&self.config)
    }

    /// The configuration's file, which need not be there.
    pub(crate) fn config_path(&self) -> &Path {
        &self.config
    }

    /// The directory that relative paths of the configuration are in.
    pub(crate) fn config_dir(&self) -> &Path {
        self.config.parent().unwrap_or(&self.data_dir)
    }

    /// `models.yaml` beside the configuration, which need not be there.
    pub(crate) fn models_path(&self) -> PathBuf {
        self.config_dir().join("models.yaml")
    }

    /// The keys of services: variables, and what `.env` in the data directory says.
    ///
    /// # Errors
    /// `.env` cannot be read, or can be by others.
    pub(crate) fn keys(&self) -> Result<Keys> {
        Ok(Keys(Dotenv::load(&self.data_dir.join(".env"))?))
    }

    /// The engine alone, for what is not installed.
    pub(crate) fn sandbox(&self) -> Result<Sandbox> {
        sandbox(self.artefacts())
    }

    /// An engine with an empty cache, which goes with the directory, so that it has to compile.
    pub(crate) fn fresh_sandbox(&self) -> Result<(Sandbox, TempDir)> {
        let cache = TempDir::new().map_err(CliError::at(&std::env::temp_dir()))?;
        Ok((sandbox(cache.path().join("artefacts"))?, cache))
    }
}

/// The keys of services.
#[derive(Debug)]
pub(crate) struct Keys(Dotenv);

impl Keys {
    /// What a variable holds, in the environment or else in `.env`; none, where it is empty or no text.
    pub(crate) fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        match variable(name) {
            Some(value) => value.into_string().ok().map(Zeroizing::new),
            None => self.0.get(name),
        }
    }

    /// All that `.env` holds, by name.
    pub(crate) fn stored(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter()
    }
}

/// Where calls run.
fn level(config: &Config) -> Result<Level> {
    Ok(match config.level() {
        SandboxLevel::Isolated => Level::Isolated(WorkerProgram {
            program: this_program()?,
            arguments: vec![RUN_WORKER.to_owned()],
        }),
        SandboxLevel::Restricted => Level::Restricted,
    })
}

fn sandbox(cache_dir: PathBuf) -> Result<Sandbox> {
    Ok(Sandbox::new(SandboxOptions { cache_dir, compiler: compiler()?, concurrent_calls: CONCURRENT_CALLS })?)
}

/// How components are compiled: by this very program, in a child process under limits.
fn compiler() -> Result<Compiler> {
    Ok(Compiler {
        program: this_program()?,
        arguments: vec![COMPILE_COMPONENT.to_owned()],
        limits: CompileLimits::default(),
    })
}

/// How programs of skills are started: by this very program, in a process of its own.
pub(crate) fn launcher() -> Result<LauncherProgram> {
    let is_assumption =
        |(name, _): &(OsString, OsString)| name.to_str().is_some_and(|name| name.starts_with(ASSUMPTIONS));
    Ok(LauncherProgram {
        program: this_program()?,
        arguments: vec![RUN_LAUNCHER.into()],
        environment: std::env::vars_os().filter(is_assumption).collect(),
    })
}

pub(crate) fn this_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| {
        CliError::new(Exit::Host, "compiler-unavailable", format!("this program cannot find itself: {error}"))
    })
}

/// The workspace of a call: the given directory, else the current one; none where the current one
/// cannot be a workspace.
///
/// # Errors
/// The given directory cannot be one.
pub(crate) fn workspace(given: Option<&Path>) -> Result<Option<Workspace>> {
    match given {
        Some(path) => Ok(Some(Workspace::resolve(path)?)),
        None => Ok(Workspace::resolve(Path::new(".")).ok()),
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        let exit = match &error {
            WorkspaceError::Io { .. } | WorkspaceError::NotDirectory { .. } => Exit::NotFound,
            WorkspaceError::TooWide { .. } => Exit::Refused,
        };
        Self::new(exit, "invalid-workspace", error.to_string())
            .hint("name a directory below it: --workspace DIR")
    }
}

fn directory(name: &str, default: impl FnOnce() -> Option<PathBuf>) -> Result<PathBuf> {
    let path = match variable(name) {
        Some(path) => PathBuf::from(path),
        None => default().ok_or_else(|| {
            CliError::new(Exit::Host, "no-home", "this user has no home directory")
                .hint(format!("set {name} to the directory to use"))
        })?,
    };
    std::path::absolute(&path).map_err(CliError::at(&path))
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
