//! The whole runtime over one data directory: what a surface opens, and calls tools through.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openclaw_launcher::{Launcher, LauncherProgram};

use crate::audit::{AuditError, AuditLog};
use crate::capability::grant::Grants;
use crate::capability::llm::LanguageModel;
use crate::capability::network::{HttpClient, HttpClientOptions};
use crate::capability::process::{Direct, Start};
use crate::capability::secret::SecretCache;
use crate::catalog::{Catalog, CatalogError};
use crate::dispatch::Dispatcher;
use crate::execute::{Executor, InProcess};
use crate::isolated::{Isolated, Level, Outside};
use crate::layout::{DataDir, LayoutError};
use crate::policy::{Policy, Rule};
use crate::policy_file::{PolicyFile, PolicyFileError};
use crate::sandbox::{Artefacts, Compiler, PrepareError, Sandbox, SandboxOptions, engine_without_pool};
use crate::secrets::SecretStore;
use crate::skill::Authorized;
use crate::watch::{WatchError, Watcher};
use crate::workspace::Workspace;

/// What a [`Runtime`] needs.
#[derive(Debug)]
pub struct RuntimeOptions {
    /// The owner's data directory.
    pub data_dir: PathBuf,
    /// Where compiled components are kept.
    pub cache_dir: PathBuf,
    /// How components are compiled.
    pub compiler: Compiler,
    /// How many calls may run at once.
    pub concurrent_calls: u32,
    /// The longest that a call may take, below the policy's ceiling.
    pub call_time: Option<Duration>,
    /// Where calls run.
    pub level: Level,
    /// How the launcher of programs is started, once a skill runs one.
    pub launcher: LauncherProgram,
    /// What skills may ask that were granted it; none where the owner named no model.
    pub language_model: Option<Arc<dyn LanguageModel>>,
    /// What answers for the secrets of skills.
    pub secrets: Arc<dyn SecretStore>,
}

/// Why the runtime does not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The engine or its cache cannot be used.
    #[error(transparent)]
    Sandbox(#[from] PrepareError),
    /// Policy, trust or pins cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Calls could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Changes could not be followed.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

impl RuntimeError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Layout(_) => "data-dir-unusable",
            Self::Sandbox(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Audit(_) => "audit-unavailable",
            Self::Watch(_) => "watch-failed",
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sandbox(error) => error.hint(),
            _ => None,
        }
    }
}

/// Why a grant was not written.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The data directory cannot be locked.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The policy cannot be changed.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// It was changed, and cannot be reloaded.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A running host.
#[derive(Clone, Debug)]
pub struct Runtime {
    dir: DataDir,
    dispatcher: Arc<Dispatcher>,
    call_time: Arc<Mutex<Option<Duration>>>,
}

impl Runtime {
    /// Opens the data directory and starts the engine. Nothing of a skill runs yet.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn open(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let dir = DataDir::open(options.data_dir)?;
        let catalog = Catalog::load_within(&dir, options.call_time)?;
        let audit = AuditLog::open(&dir.audit(), catalog.policy().audit())?;
        let http = http_client(catalog.policy());
        let call_time = Arc::new(Mutex::new(options.call_time));
        let RuntimeOptions {
            cache_dir,
            compiler,
            concurrent_calls,
            level,
            launcher,
            language_model,
            secrets,
            ..
        } = options;
        let starter: Arc<dyn Start> = Arc::new(Direct::new(Arc::new(Launcher::new(launcher))));
        let executor = match level {
            Level::Restricted => {
                let sandbox = Sandbox::new(SandboxOptions { cache_dir, compiler, concurrent_calls })?;
                Executor::Restricted(Box::new(InProcess::new(
                    dir.clone(),
                    sandbox,
                    http,
                    starter,
                    language_model,
                )))
            }
            Level::Isolated(program) => {
                let artefacts = Artefacts::open(&cache_dir, compiler, &engine_without_pool()?)
                    .map_err(PrepareError::Cache)?;
                let outside = Outside { starter, model: language_model };
                let network = (catalog.policy().network(), http);
                let workers =
                    Isolated::new(dir.clone(), artefacts, program, outside, network, concurrent_calls)?;
                Executor::Isolated(Box::new(workers))
            }
        };
        let dispatcher =
            Dispatcher::new(catalog, executor, audit, SecretCache::new(secrets), concurrent_calls);
        Ok(Self { dir, dispatcher: Arc::new(dispatcher), call_time })
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        &self.dir
    }

    /// Where tools are called.
    #[must_use]
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// Reads again what is installed and what the policy says; running calls finish on what they
    /// began with.
    ///
    /// # Errors
    /// [`CatalogError`]; the old snapshot then stays.
    pub fn reload(&self) -> Result<(), CatalogError> {
        let call_time = *self.call_time.lock().unwrap_or_else(PoisonError::into_inner);
        let catalog = Catalog::load_within(&self.dir, call_time)?;
        let http = http_client(catalog.policy());
        self.dispatcher.swap(catalog, http);
        Ok(())
    }

    /// Bounds the time of calls anew, from the next reload on.
    pub fn set_call_time(&self, call_time: Option<Duration>) {
        *self.call_time.lock().unwrap_or_else(PoisonError::into_inner) = call_time;
    }

    /// Adds what was consented to to the owner's policy, and puts it into force; answers with what was added. Consent
    /// may come long after the question: what the owner denied meanwhile stays denied.
    ///
    /// # Errors
    /// [`GrantError`]; the policy is then as it was, or is there and could not be reloaded.
    pub fn consent(
        &self,
        skill: &Authorized,
        rules: Vec<Rule>,
        workspace: Option<&Workspace>,
    ) -> Result<Vec<Rule>, GrantError> {
        let _lock = self.dir.lock()?;
        let mut file = PolicyFile::open(&self.dir.policy())?;
        let (id, requests) = (skill.manifest().id(), skill.manifest().requests());
        let grantable = Grants::join(id, requests, &file.policy()?).grantable(workspace);
        let is_open = |rule: &Rule| grantable.iter().any(|missing| missing.rule.as_ref() == Some(rule));
        let rules: Vec<Rule> = rules.into_iter().filter(is_open).collect();
        if rules.is_empty() {
            return Ok(rules);
        }
        rules.iter().for_each(|rule| file.consent(id, rule));
        file.save()?;
        self.reload()?;
        Ok(rules)
    }

    /// Reloads whenever policy, trust, lockfile or secrets change, until the answer is dropped.
    ///
    /// # Errors
    /// [`WatchError`] where the system cannot tell of changes.
    pub fn watch(&self) -> Result<Watcher, WatchError> {
        Watcher::start(self.clone())
    }
}

pub(crate) fn http_client(policy: &Policy) -> HttpClient {
    HttpClient::new(HttpClientOptions {
        ca_file: policy.network().ca_file.clone(),
        ..HttpClientOptions::default()
    })
}
