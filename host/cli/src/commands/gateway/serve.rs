//! The gateway's life: it starts, says that it is there, reloads, and ends once its calls have.

use std::sync::Arc;

use openclaw_gateway::Gateway;
use openclaw_gateway::agents::Speakers;
use openclaw_gateway::tokens::TokenStore;
use openclaw_runtime::Runtime;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::reload::{Reloading, verify};
use super::triggers::Triggers;
use crate::agents::HostedAgents;
use crate::cli;
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;
use crate::json;
use crate::logging;
use crate::output::Output;

/// Serves until it is told to stop.
pub(super) fn run(arguments: &cli::Gateway, environment: &Environment, output: &Output) -> Result<()> {
    let config = environment.config()?;
    let (level, for_people) = config.logging();
    let level = if arguments.dev { level.max(crate::config::LogLevel::Debug) } else { level };
    logging::start(&environment.data_dir()?, level, for_people || arguments.dev)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = invocation::threads()
        // Guests compute on these, at most on one fewer than there are cores: one more, and requests are heard meanwhile.
        .worker_threads(cores + 1)
        .build()
        .map_err(|error| CliError::new(Exit::Host, "host-failure", format!("no threads: {error}")))?;
    let served = threads.block_on(serve(arguments, environment, config, output));
    threads.shutdown_background();
    served
}

async fn serve(
    arguments: &cli::Gateway,
    environment: &Environment,
    config: Config,
    output: &Output,
) -> Result<()> {
    let dir = environment.data_dir()?;
    let stop = Stop::wait()?;
    let hangup = on(SignalKind::hangup())?;
    let (service, models) = environment.service(&config)?;
    let runtime = service.runtime().clone();
    let agents = HostedAgents::open(environment, Arc::clone(&service), models, Speakers::Tokens)?;
    agents.configure_if_possible(&config)?;
    let agents = Arc::new(agents);
    let store = TokenStore::of(&dir);
    let first = store.ensure_owner()?;
    let mut options = config.options(environment.config_dir());
    options.listen = arguments.listen.unwrap_or(options.listen);
    options.agents = Some(Arc::clone(agents.agents()));
    let is_tls = options.settings.tls.is_some();
    let gateway = Gateway::bind(Arc::clone(&service), options).await?;
    let handle = gateway.handle();
    let url = format!("{}://{}", if is_tls { "https" } else { "http" }, handle.address());
    if let Some(first) = &first {
        say_first(first.reveal(), &store, output);
    }
    let _skills = runtime.watch()?;
    let loading = handle.clone();
    let ready = json::GatewayStarted { url: url.clone(), token_file: store.owner_path() };
    let triggers = Triggers::start(Arc::clone(&service), async move { load(&loading).await });
    let reloading = Reloading::new(environment.clone(), config, handle, agents, arguments.watch).await?;
    tokio::spawn(reloading.run(hangup));
    tracing::info!(url, version = env!("CARGO_PKG_VERSION"), "the gateway listens");
    if output.is_json() {
        output.document(&ready)?;
    } else {
        output.note(format_args!("the gateway listens on {url}"));
    }
    let (told, no_more) = (stop.told(runtime.clone()), triggers.stop().clone());
    gateway
        .run(async move {
            told.await;
            no_more.cancel();
        })
        .await;
    triggers.end().await;
    service.logs_written().await;
    let flushed = runtime.dispatcher().flush();
    tracing::info!("the gateway has stopped");
    Ok(flushed?)
}

/// Verifies what is installed; from then on calls are taken.
async fn load(handle: &openclaw_gateway::server::Handle) {
    let installed = verify(handle).await;
    handle.ready();
    notify(NotifyState::Ready);
    tracing::info!(installed, "skills are loaded, and calls are taken");
}

/// Shows the first token once, to whoever sits at the terminal; it is kept for the owner's own commands.
fn say_first(token: &str, store: &TokenStore, output: &Output) {
    let path = store.owner_path();
    if output.is_watched() {
        output.note(format_args!("the first token, shown only now: {token}"));
    }
    output.note(format_args!("openclaw's own commands find it in {}", path.display()));
}

/// Tells systemd, where it is there.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("systemd could not be told: {error}");
    }
}

/// What ends a gateway: SIGTERM or SIGINT, and the second time at once.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn wait() -> Result<Self> {
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn given(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Done at the first signal.
    async fn told(mut self, runtime: Runtime) {
        let (first, told) = oneshot::channel();
        tokio::spawn(async move {
            self.given().await;
            notify(NotifyState::Stopping);
            // Whoever waits for it is there until the end.
            let _ = first.send(());
            self.given().await;
            tracing::warn!("told to stop twice: the gateway ends at once");
            let _ = runtime.dispatcher().flush();
            std::process::exit(i32::from(Exit::Failed as u8));
        });
        let _ = told.await;
    }
}

fn on(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| {
        CliError::new(Exit::Host, "host-failure", format!("signals cannot be heard: {error}"))
    })
}
