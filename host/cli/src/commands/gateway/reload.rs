//! What a running gateway takes over without dropping a call: tokens, certificates, the configuration, skills.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_gateway::server::Handle;
use openclaw_gateway::tokens::TOKENS_FILE;
use openclaw_gateway::watch::Files;
use tokio::signal::unix::Signal;

use crate::agents::HostedAgents;
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
    agents: Arc<HostedAgents>,
    /// Whether the configuration is read again whenever it changes.
    follows_config: bool,
    tokens: PathBuf,
    /// Which files are followed.
    followed: Vec<PathBuf>,
    files: Files,
}

impl Reloading {
    /// Begins to follow.
    ///
    /// # Errors
    /// The system cannot tell of changes.
    pub(super) async fn new(
        environment: Environment,
        config: Config,
        handle: Handle,
        agents: Arc<HostedAgents>,
        follows_config: bool,
    ) -> Result<Self> {
        let tokens = environment.data_dir()?.root().join(TOKENS_FILE);
        let followed = followed(&environment, &handle, &tokens, follows_config);
        let files = follow(&followed)?;
        let reloading = Self { environment, config, handle, agents, follows_config, tokens, followed, files };
        // What was revoked after they were read, and before they were followed, is told to nobody.
        reloading.reload_tokens().await;
        Ok(reloading)
    }

    /// Reloads for ever.
    pub(super) async fn run(mut self, mut hangup: Signal) {
        let mut snapshots = self.handle.service().runtime().dispatcher().snapshots();
        loop {
            tokio::select! {
                changed = self.files.changed() => self.reload(&changed).await,
                Some(()) = hangup.recv() => self.reload_all().await,
                Ok(()) = snapshots.changed() => {
                    verify(&self.handle).await;
                }
            }
        }
    }

    async fn reload(&mut self, changed: &BTreeSet<PathBuf>) {
        if changed.contains(&self.tokens) {
            self.reload_tokens().await;
        }
        let (config, models) = (self.environment.config_path(), self.environment.models_path());
        if self.follows_config && (changed.contains(config) || changed.contains(&models)) {
            self.reload_config().await;
        } else if changed.iter().any(|path| *path != self.tokens) {
            self.reload_certificate();
        }
    }

    async fn reload_all(&mut self) {
        tracing::info!(
            "everything is read again; skills have a key of .env that is another one at the next start"
        );
        self.reload_tokens().await;
        self.reload_config().await;
        let runtime = self.handle.service().runtime().clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || runtime.reload()).await {
            tracing::error!("skills and policy are not taken, and stay as they were: {error}");
        }
    }

    async fn reload_tokens(&self) {
        match self.handle.reload_tokens().await {
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

    async fn reload_config(&mut self) {
        match self.take_config().await {
            Ok(()) => tracing::info!("the configuration was reloaded"),
            Err(error) => {
                tracing::error!(
                    "the configuration is not taken, and stays as it was: {}",
                    one_line(&error.message)
                );
            }
        }
    }

    async fn take_config(&mut self) -> Result<()> {
        let next = self.environment.config()?;
        let agents = self.agents.prepare_if_possible(&next)?;
        self.handle.apply(next.settings(self.environment.config_dir()))?;
        if let Some(agents) = agents {
            self.agents.put(agents);
        }
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
        self.follow_anew().await
    }

    /// Follows the files that are named now. Changes that nobody was told of end with the one that followed until now,
    /// so all that it followed is read again.
    async fn follow_anew(&mut self) -> Result<()> {
        let followed = followed(&self.environment, &self.handle, &self.tokens, self.follows_config);
        if followed == self.followed {
            return Ok(());
        }
        self.files = follow(&followed)?;
        self.followed = followed;
        self.reload_tokens().await;
        self.reload_certificate();
        Ok(())
    }
}

/// Verifies what is installed now, so that no caller has to wait for it; answers with how many skills that are.
pub(super) async fn verify(handle: &Handle) -> usize {
    let dispatcher = Arc::clone(handle.service().runtime().dispatcher());
    let verified = tokio::task::spawn_blocking(move || dispatcher.catalog().iter().count()).await;
    handle.skills_changed();
    verified.unwrap_or(0)
}

/// The files that tell of themselves when they change.
fn followed(environment: &Environment, handle: &Handle, tokens: &Path, config: bool) -> Vec<PathBuf> {
    let mut files = vec![tokens.to_owned()];
    if let Some(tls) = &handle.settings().tls {
        files.extend([tls.cert.clone(), tls.key.clone()]);
    }
    if config {
        files.extend([environment.config_path().to_owned(), environment.models_path()]);
    }
    files
}

fn follow(files: &[PathBuf]) -> Result<Files> {
    Files::follow(files).map_err(|error| {
        CliError::new(Exit::Host, "watch-failed", format!("changes cannot be followed: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use openclaw_gateway::agents::Speakers;
    use openclaw_gateway::tokens::{NewToken, TokenStore};
    use openclaw_gateway::{Gateway, Scope};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn asked(handle: &Handle, token: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(handle.address()).await.unwrap();
        let request = format!(
            "GET /api/v1/tools HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
            handle.address()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_token_that_is_revoked_before_it_is_followed_is_taken_back() {
        let parent = tempfile::tempdir().unwrap();
        let environment = Environment::at(parent.path());
        let (config, dir) = (Config::default(), environment.data_dir().unwrap());
        let (service, models) = environment.service(&config).unwrap();
        let (store, name) = (TokenStore::of(&dir), "one".parse().unwrap());
        let (secret, _) = store.create(NewToken::new("one".parse().unwrap(), Scope::all())).unwrap();
        let mut options = config.options(parent.path());
        options.listen.set_port(0);
        let agents =
            HostedAgents::open(&environment, Arc::clone(&service), models, Speakers::Tokens).unwrap();
        let agents = Arc::new(agents);
        let gateway = Gateway::bind(service, options).await.unwrap();
        let handle = gateway.handle();
        tokio::spawn(gateway.run(std::future::pending()));
        assert!(asked(&handle, secret.reveal()).await.starts_with("HTTP/1.1 200"));
        store.revoke(&name).unwrap();
        let _reloading = Reloading::new(environment, config, handle.clone(), agents, false).await.unwrap();
        assert!(asked(&handle, secret.reveal()).await.starts_with("HTTP/1.1 401"));
    }
}
