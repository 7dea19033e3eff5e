//! `registry serve`: starts a registry, makes one where there is none, and answers until it is told to stop.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use openclaw_package::registry::Origin;
use openclaw_package::{Digest, PublisherName};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Fault, Result};
use crate::http::App;
use crate::limits::Limits;
use crate::location::Location;
use crate::registry::{Registry, Start};
use crate::server;
use crate::store::accounts;
use crate::token::Scope;

/// Serve a registry of skills
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  openclaw registry serve --data ./registry --bootstrap acme\n  \
    openclaw registry serve --data ./registry --database postgres://registry@db/registry --blobs s3://skills")]
pub struct Serve {
    #[command(flatten)]
    location: Location,
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8085", value_parser = listen_address)]
    listen: SocketAddr,
    /// At the first start: create this publisher, and show a token for it once
    #[arg(long, value_name = "PUBLISHER")]
    bootstrap: Option<PublisherName>,
    /// At the first start: the registry's name, which stands in all that it signs
    #[arg(long, value_name = "NAME")]
    origin: Option<Origin>,
    /// Behind a proxy: take the client's address from the last `x-forwarded-for`
    #[arg(long)]
    trust_forwarded: bool,
    /// Requests a minute of one address
    #[arg(long, value_name = "COUNT", value_parser = at_least_one, default_value_t = DEFAULTS.requests_per_minute)]
    requests_per_minute: NonZeroU32,
    /// Publications and events a minute of one token
    #[arg(long, value_name = "COUNT", value_parser = at_least_one, default_value_t = DEFAULTS.writes_per_minute)]
    writes_per_minute: NonZeroU32,
    /// Uploads an hour of one publisher
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULTS.uploads_per_hour)]
    uploads_per_hour: u32,
    /// New skills a day of one publisher
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULTS.new_names_per_day)]
    new_names_per_day: u32,
}

const DEFAULTS: Limits = Limits::DEFAULT;

/// An address with a port; `localhost` is what every machine calls itself.
fn listen_address(text: &str) -> std::result::Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let parsed = numeric.as_deref().unwrap_or(text).parse();
    parsed.map_err(|_| "write ADDRESS:PORT, for example 127.0.0.1:8085 or [::1]:8085".to_owned())
}

fn at_least_one(text: &str) -> std::result::Result<NonZeroU32, String> {
    text.parse().map_err(|_| "write a number that is at least 1".to_owned())
}

/// A registry that listens: what its operator needs to know, some of it only now.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// Where it listens.
    pub url: String,
    /// Its name.
    pub origin: Origin,
    /// What clients pin at login.
    pub root_fingerprint: Digest,
    /// The publisher that was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherName>,
    /// Its first token, which is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is listening on {}", self.origin, self.url)?;
        write!(f, "root fingerprint: {}", self.root_fingerprint)?;
        if let (Some(publisher), Some(token)) = (&self.publisher, &self.first_token) {
            write!(f, "\nfirst token of {publisher}, shown only now: {token}")?;
        }
        self.note.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

impl Serve {
    /// Serves until `stop` is done. `ready` is told once, as soon as requests are answered.
    ///
    /// # Errors
    ///
    /// An address, directory or database that cannot be had.
    pub async fn run(self, ready: impl FnOnce(&Ready), stop: impl Future<Output = ()>) -> Result<()> {
        // The address first: a token that is shown once must not be lost to one that is taken.
        let listener = server::bind(self.listen).await?;
        let address = listener.local_addr().unwrap_or(self.listen);
        let limits = self.limits();
        let (bootstrap, trust_forwarded) = (self.bootstrap.clone(), self.trust_forwarded);
        let start = Start { location: self.location, origin: self.origin, bootstrap: self.bootstrap, limits };
        let mut stop = std::pin::pin!(stop);
        // What is made at a start is made in one transaction, so it may end anywhere.
        let started = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            started = Registry::start(start) => started?,
        };
        let note = match bootstrap.as_ref().filter(|_| !started.is_new) {
            Some(publisher) => Some(no_bootstrap(&started.registry, publisher).await?),
            None => None,
        };
        tracing::info!(%address, origin = %started.origin, is_new = started.is_new, "the server has started");
        ready(&Ready {
            url: format!("http://{address}"),
            origin: started.origin,
            root_fingerprint: started.fingerprint,
            publisher: bootstrap.filter(|_| started.is_new),
            first_token: started.first_token.map(|issued| issued.secret.reveal().to_owned()),
            note,
        });
        let store = started.registry.store().clone();
        server::run(App::new(started.registry, trust_forwarded), listener, stop).await;
        store.close().await;
        tracing::info!("the server has stopped");
        Ok(())
    }

    fn limits(&self) -> Limits {
        Limits {
            requests_per_minute: self.requests_per_minute,
            writes_per_minute: self.writes_per_minute,
            uploads_per_hour: self.uploads_per_hour,
            new_names_per_day: self.new_names_per_day,
            ..DEFAULTS
        }
    }
}

/// Why `--bootstrap` did nothing where there was a registry, and the command that does it now.
async fn no_bootstrap(registry: &Registry, publisher: &PublisherName) -> Result<String> {
    let mut connection = registry.store().read().await?;
    if accounts::history(&mut connection, publisher).await?.is_none() {
        let command = registry.command(&format!("publisher create {publisher}"));
        return Ok(format!(
            "no token is shown, because the registry was there already, and there is no publisher {publisher} \
             yet: {command}"
        ));
    }
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let command = registry.command(&format!("token issue '{publisher}/*' --scope {}", scopes.join(",")));
    Ok(format!(
        "no token is shown, because the registry was there already; another one is issued by: {command}"
    ))
}

/// Done when the process is told to end: SIGTERM or SIGINT.
///
/// # Errors
///
/// When signals cannot be waited for.
pub fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Fault::task)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fault::task)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
