//! What a running gateway takes over without dropping a call: tokens, certificates, the configuration, skills.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_gateway::server::Handle;
use openclaw_gateway::tokens::TOKENS_FILE;
use openclaw_gateway::watch::Files;
use tokio::signal::unix::Signal;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::text::one_line;

/// Follows files and signals for as long as the gateway runs.
pub(super) struct Reloading {
    environment: Environment,
    config: Config,
    handle: Handle,
    /// Whether the configuration is read again whenever it changes.
    follows_config: bool,
    tokens: PathBuf,
    files: Files,
}

impl Reloading {
    /// Begins to follow.
    ///
    /// # Errors
    /// The system cannot tell of changes.
    pub(super) fn new(
        environment: Environment,
        config: Config,
        handle: Handle,
        follows_config: bool,
    ) -> Result<Self> {
        let tokens = environment.data_dir()?.root().join(TOKENS_FILE);
        let files = follow(&environment, &handle, &tokens, follows_config)?;
        Ok(Self { environment, config, handle, follows_config, tokens, files })
    }

    /// Reloads for ever.
    pub(super) async fn run(mut self, mut hangup: Signal) {
        let mut snapshots = self.handle.service().runtime().dispatcher().snapshots();
        loop {
            tokio::select! {
                changed = self.files.changed() => self.reload(&changed).await,
                Some(()) = hangup.recv() => self.reload_all().await,
                Ok(()) = snapshots.changed() => self.verify().await,
            }
        }
    }

    async fn reload(&mut self, changed: &BTreeSet<PathBuf>) {
        if changed.contains(&self.tokens) {
            self.reload_tokens();
        }
        let config = self.environment.config_path().to_owned();
        if self.follows_config && changed.contains(&config) {
            self.reload_config();
        } else if changed.iter().any(|path| *path != self.tokens) {
            self.reload_certificate();
        }
    }

    async fn reload_all(&mut self) {
        tracing::info!("everything is read again");
        self.reload_tokens();
        self.reload_config();
        let runtime = self.handle.service().runtime().clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || runtime.reload()).await {
            tracing::error!("skills and policy are not taken, and stay as they were: {error}");
        }
    }

    fn reload_tokens(&self) {
        match self.handle.reload_tokens() {
            Ok(()) => tracing::info!("tokens were reloaded"),
            Err(error) => tracing::error!("the tokens are not taken, and stay as they were: {error}"),
        }
    }

    fn reload_certificate(&self) {
        match self.handle.apply(openclaw_gateway::Settings::clone(&self.handle.settings())) {
            Ok(()) => tracing::info!("the certificate was reloaded"),
            Err(error) => tracing::error!("the certificate is not taken, and stays as it was: {error}"),
        }
    }

    fn reload_config(&mut self) {
        match self.take_config() {
            Ok(()) => tracing::info!("the configuration was reloaded"),
            Err(error) => {
                tracing::error!(
                    "the configuration is not taken, and stays as it was: {}",
                    one_line(&error.message)
                );
            }
        }
    }

    fn take_config(&mut self) -> Result<()> {
        let next = self.environment.config()?;
        self.handle.apply(next.settings(self.environment.config_dir()))?;
        let service = self.handle.service();
        service.set_security_level(next.security_level());
        if next.call_time() != self.config.call_time() {
            service.runtime().set_call_time(next.call_time());
            service.runtime().reload()?;
        }
        for key in self.config.unchangeable(&next) {
            tracing::warn!("{key} was changed, which takes effect at the next start");
        }
        self.config = next;
        self.files = follow(&self.environment, &self.handle, &self.tokens, self.follows_config)?;
        Ok(())
    }

    /// Verifies what is installed now, so that no caller has to wait for it.
    async fn verify(&self) {
        let dispatcher = Arc::clone(self.handle.service().runtime().dispatcher());
        let _ = tokio::task::spawn_blocking(move || dispatcher.catalog().iter().count()).await;
        self.handle.skills_changed();
    }
}

fn follow(environment: &Environment, handle: &Handle, tokens: &Path, config: bool) -> Result<Files> {
    let mut files = vec![tokens.to_owned()];
    if let Some(tls) = &handle.settings().tls {
        files.extend([tls.cert.clone(), tls.key.clone()]);
    }
    if config {
        files.push(environment.config_path().to_owned());
    }
    Files::follow(&files).map_err(|error| {
        CliError::new(Exit::Host, "watch-failed", format!("changes cannot be followed: {error}"))
    })
}
