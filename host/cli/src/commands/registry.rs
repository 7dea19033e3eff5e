//! `openclaw registry`: one file for each verb, and what they share.

mod audit;
mod discover;
mod install;
mod login;
mod operate;
mod publish;
mod transfer;
mod update;
mod verify;

use std::cell::OnceCell;

use openclaw_package::registry::Origin;
use openclaw_package::{PublisherName, SigningKey, SkillId};
use openclaw_registry_client::{Client, ClientOptions, KnownRegistry, Registries, RegistryUrl};
use openclaw_runtime::policy::Policy;
use tokio::runtime::Runtime;

use crate::cli::RegistryCommand;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;
use crate::keys;
use crate::output::Output;

/// Does what is asked of registries.
pub(crate) fn run(command: RegistryCommand, environment: &Environment, output: &Output) -> Result<Exit> {
    let done = |result: Result<()>| result.map(|()| Exit::Ok);
    let context = Context::new(environment, output);
    match command {
        RegistryCommand::Login(arguments) => done(login::login(&arguments, &context)),
        RegistryCommand::Logout { at } => done(login::logout(at.registry.as_deref(), &context)),
        RegistryCommand::List { default } => done(login::list(default.as_deref(), &context)),
        RegistryCommand::Whoami { at } => done(login::whoami(at.registry.as_deref(), &context)),
        RegistryCommand::Publish(arguments) => done(publish::publish(&arguments, &context)),
        RegistryCommand::Yank(arguments) => done(publish::yank(&arguments, &context)),
        RegistryCommand::Search(arguments) => done(discover::search(&arguments, &context)),
        RegistryCommand::Info { skill, at } => done(discover::info(&skill, at.registry.as_deref(), &context)),
        RegistryCommand::Install(arguments) => done(install::run(&arguments, &context)),
        RegistryCommand::Update(arguments) => done(update::run(&arguments, &context)),
        RegistryCommand::Verify { skills } => verify::run(&skills, &context),
        RegistryCommand::Audit(arguments) => audit::run(&arguments, &context),
        RegistryCommand::Serve(arguments) => done(operate::serve(*arguments, output)),
        RegistryCommand::Admin(admin) => operate::admin(*admin, output),
    }
}

/// What every verb works with.
pub(crate) struct Context<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) output: &'a Output,
    /// One for the whole command, so that connections are kept from one request to the next.
    runtime: OnceCell<Runtime>,
}

impl<'a> Context<'a> {
    /// For one command.
    pub(crate) fn new(environment: &'a Environment, output: &'a Output) -> Self {
        Self { environment, output, runtime: OnceCell::new() }
    }

    /// The registries that there was a login to.
    pub(crate) fn registries(&self) -> Result<Registries> {
        Ok(Registries::open(self.environment.data_dir()?.registries())?)
    }

    /// How registries are connected to.
    pub(crate) fn options(&self) -> Result<ClientOptions> {
        let policy = Policy::load(&self.environment.data_dir()?.policy())?;
        let mut options = ClientOptions::new(self.environment.cache_path().join("registry"));
        options.ca_file = policy.network().ca_file.clone();
        options.environment_proxy = true;
        Ok(options)
    }

    /// The known registry of that URL, or the default one.
    pub(crate) fn known(&self, url: Option<&str>) -> Result<KnownRegistry> {
        let url = url
            .map(RegistryUrl::new_allowing_plain_http)
            .transpose()
            .map_err(openclaw_registry_client::Error::from)?;
        Ok(self.registries()?.select(url.as_ref())?)
    }

    /// A client of the registry of that URL, or of the default one.
    pub(crate) fn client(&self, url: Option<&str>) -> Result<Client> {
        self.client_of(self.known(url)?)
    }

    /// A client of the registry that a skill came from.
    pub(crate) fn client_of_origin(&self, skill: &SkillId, origin: &Origin) -> Result<Client> {
        let known = self.registries()?.of_origin(origin)?.ok_or_else(|| {
            let message = format!("{skill} came from {origin}, and there was no login to that registry");
            CliError::new(Exit::NotFound, "unknown-registry", message)
                .hint("openclaw registry login --registry https://…")
        })?;
        self.client_of(known)
    }

    /// A client of a known registry.
    pub(crate) fn client_of(&self, known: KnownRegistry) -> Result<Client> {
        Ok(Client::connect(known, self.options()?)?)
    }

    /// The signing key of a publisher.
    pub(crate) fn key(&self, publisher: &PublisherName) -> Result<SigningKey> {
        Ok(keys::load(&self.environment.data_dir()?, publisher)?.0)
    }

    /// Waits for what a registry answers.
    pub(crate) fn wait<T>(
        &self,
        future: impl Future<Output = std::result::Result<T, openclaw_registry_client::Error>>,
    ) -> Result<T> {
        let runtime = match self.runtime.get() {
            Some(runtime) => runtime,
            None => {
                let made = invocation::runtime()?;
                self.runtime.get_or_init(|| made)
            }
        };
        Ok(runtime.block_on(future)?)
    }
}

/// The place of an event in the log, for people.
pub(crate) fn entries(log_indices: &[u64]) -> String {
    match log_indices {
        [] => "it was so already".to_owned(),
        [one] => format!("entry {one} in the log"),
        many => {
            let places: Vec<_> = many.iter().map(ToString::to_string).collect();
            format!("entries {} in the log", places.join(", "))
        }
    }
}
