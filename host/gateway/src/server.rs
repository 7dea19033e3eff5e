//! A gateway from its first connection to its last: listening, reloading and draining.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openclaw_agent::agents::Agents;
use openclaw_listen::{Crowd, Patient, network};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::eager::{Eager, Ear};
use crate::http::{App, Applied, Connected, Peer, Phase, router};
use crate::limits::Limits;
use crate::names::{HostName, Names, WebOrigin};
use crate::service::Service;
use crate::tls::{TlsError, TlsFiles};
use crate::tokens::{Tokens, TokensError};

/// How often it is looked whether tokens have changed, for storages that nobody follows.
const RENEW_TIME: Duration = Duration::from_secs(5);
/// How often it is forgotten who has not asked for long.
const FORGET_TIME: Duration = Duration::from_secs(60);
/// How often it is looked whether calls still run, at the end.
const DRAIN_TICK: Duration = Duration::from_millis(20);
/// How long answers to calls that were cut short may take to be sent.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What stays as it is while a gateway runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address and port to listen on; port 0 takes any.
    pub listen: SocketAddr,
    /// Whether other machines may be served without TLS.
    pub insecure: bool,
    /// How much clients may ask.
    pub limits: Limits,
    /// The agents that may be spoken with, where there are any.
    pub agents: Option<Arc<Agents>>,
    /// What may change.
    pub settings: Settings,
}

/// What may change while a gateway runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names that it answers to, beside those of loopback and its own address.
    pub hosts: Vec<HostName>,
    /// Web pages that may ask it, beside its own.
    pub origins: Vec<WebOrigin>,
    /// The certificate. Whether there is one cannot change.
    pub tls: Option<TlsFiles>,
    /// Requests at once.
    pub max_requests: usize,
    /// How long calls that run are waited for at the end.
    pub drain: Duration,
}

/// Why a gateway does not start, or does not take a change.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Another program has the address, or this machine does not.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Tokens would be sent in the clear.
    #[error(
        "{0} is reached from other machines, and there is no certificate: tokens would be sent in the clear"
    )]
    Insecure(SocketAddr),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is a certificate now and there was none, or the other way round.
    #[error("TLS cannot be turned on or off while the gateway runs")]
    TlsChange,
    /// The tokens cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

impl GatewayError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "address-unavailable",
            Self::Insecure(_) => "insecure-listen",
            Self::Tls(_) | Self::TlsChange => "invalid-certificate",
            Self::Tokens(error) => error.code(),
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { .. } => {
                Some("openclaw gateway --status tells whether a gateway runs there already")
            }
            Self::Insecure(_) => Some(
                "name a certificate under gateway.tls; or, where a proxy in front of it speaks TLS, set gateway.insecure",
            ),
            Self::TlsChange => Some("start the gateway again"),
            Self::Tls(_) | Self::Tokens(_) => None,
        }
    }
}

/// A gateway that has its address, and answers once it is [run](Gateway::run).
pub struct Gateway {
    shared: Arc<Shared>,
    listener: TcpListener,
    router: Router,
}

/// A word with a gateway that runs.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    app: Arc<App>,
    address: SocketAddr,
    tls: ArcSwapOption<TlsAcceptor>,
    settings: arc_swap::ArcSwap<Settings>,
    ear: Ear,
}

impl Gateway {
    /// Takes the address, and reads the tokens.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn bind(service: Arc<Service>, options: Options) -> Result<Self, GatewayError> {
        let Options { listen, insecure, limits, agents, settings } = options;
        if settings.tls.is_none() && !listen.ip().is_loopback() && !insecure {
            return Err(GatewayError::Insecure(listen));
        }
        let tls = settings.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let failed = |source| GatewayError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tokens = Tokens::open(Arc::clone(service.storage())).await?;
        let app = Arc::new(App::new(service, agents, tokens, limits, applied(address, &settings)));
        let router = router(Arc::clone(&app));
        let tls = ArcSwapOption::from_pointee(tls);
        let settings = arc_swap::ArcSwap::from_pointee(settings);
        let shared = Shared { app, address, tls, settings, ear: Ear::default() };
        Ok(Self { shared: Arc::new(shared), listener, router })
    }

    /// A word with it while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Answers until `stop` is done, and then until calls that run have ended, or were waited for as long as is set.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { shared, listener, router } = self;
        let app = Arc::clone(&shared.app);
        let forgetting = tokio::spawn(forget(Arc::clone(&app)));
        let renewing = tokio::spawn(renew(Arc::clone(&app)));
        let resuming = tokio::spawn(resume(Arc::clone(&app)));
        let accepting = accept(&shared, &listener, &router);
        let draining = async {
            stop.await;
            drain(&shared).await;
        };
        tokio::select! {
            () = accepting => {}
            () = draining => {}
        }
        drop(listener);
        forgetting.abort();
        renewing.abort();
        app.cut.cancel();
        let last_words = async {
            let _ = tokio::join!(app.open.none(), app.conversations.idle(), resuming);
        };
        if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
            tracing::warn!("some connections were still open at the end");
        }
    }
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The tools that it serves.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.0.app.service
    }

    /// The agents that may be spoken with, where there are any.
    #[must_use]
    pub fn agents(&self) -> Option<&Arc<Agents>> {
        self.0.app.conversations.agents()
    }

    /// Calls are taken from now on, and conversations are gone on with that the process before left.
    pub fn ready(&self) {
        self.0.app.enter(Phase::Ready);
    }

    /// Takes note of what is installed now.
    pub fn skills_changed(&self) {
        let service = &self.0.app.service;
        service.metrics().retain(service.runtime().dispatcher());
    }

    /// Takes other settings, and the certificate as its files are now. Connections that are open notice nothing.
    ///
    /// # Errors
    /// [`GatewayError`]; all of it then stays as it was.
    pub fn apply(&self, settings: Settings) -> Result<(), GatewayError> {
        let shared = &self.0;
        let before = shared.settings.load_full();
        if before.tls.is_some() != settings.tls.is_some() {
            return Err(GatewayError::TlsChange);
        }
        let tls = settings.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        shared.tls.store(tls.map(Arc::new));
        let mut applied = applied(shared.address, &settings);
        if before.max_requests == settings.max_requests {
            // The same places: requests that run are counted on.
            applied.places = Arc::clone(&shared.app.settings.load().places);
        }
        shared.app.settings.store(Arc::new(applied));
        shared.settings.store(Arc::new(settings));
        Ok(())
    }

    /// The settings that are in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.0.settings.load_full()
    }

    /// Reads the tokens again.
    ///
    /// # Errors
    /// [`TokensError`]; those before then stay.
    pub async fn reload_tokens(&self) -> Result<(), TokensError> {
        self.0.app.tokens.reload().await
    }
}

fn applied(address: SocketAddr, settings: &Settings) -> Applied {
    Applied {
        names: Names::new(address, settings.tls.is_some(), &settings.hosts, &settings.origins),
        places: Arc::new(Semaphore::new(settings.max_requests.min(Semaphore::MAX_PERMITS))),
    }
}

/// Takes no more calls, and waits for those that run. Watchers are still answered: they see that it is stopping.
async fn drain(shared: &Shared) {
    shared.app.enter(Phase::Draining);
    let (dispatcher, time) = (shared.app.service.runtime().dispatcher(), shared.settings.load().drain);
    let conversations = &shared.app.conversations;
    tracing::info!(running = dispatcher.running(), "the gateway stops, once calls that run have ended");
    let ended = async {
        // Twice, since a request that was admitted before may be about to begin its call.
        let mut idle = 0;
        while idle < 2 {
            let is_idle = dispatcher.running() == 0 && conversations.running() == 0;
            idle = if is_idle { idle + 1 } else { 0 };
            tokio::time::sleep(DRAIN_TICK).await;
        }
    };
    if tokio::time::timeout(time, ended).await.is_err() {
        let turns = conversations.running();
        tracing::warn!(
            running = dispatcher.running(),
            turns,
            "calls are cut short, which have run for too long"
        );
    }
}

/// Goes on with conversations that the process before this one left, once skills are loaded.
async fn resume(app: Arc<App>) {
    tokio::select! {
        () = app.reached(Phase::Ready) => {}
        () = app.cut.cancelled() => return,
    }
    if app.phase() == Phase::Ready {
        app.conversations.resume(&app.tokens).await;
    }
}

async fn renew(app: Arc<App>) {
    let mut said = None;
    loop {
        tokio::time::sleep(RENEW_TIME).await;
        let failed = app.tokens.renew().await.err().map(|error| error.to_string());
        // What is in the way may be there for days, and is said once.
        if let Some(error) = failed.as_ref().filter(|_| failed != said) {
            tracing::error!("the tokens are not taken, and stay as they were: {error}");
        }
        said = failed;
    }
}

async fn forget(app: Arc<App>) {
    loop {
        tokio::time::sleep(FORGET_TIME).await;
        app.failures.forget_idle();
    }
}

/// Whose connection it is, and what it holds.
struct Client {
    peer: Peer,
    held: Connected,
}

/// Accepts connections for ever.
async fn accept(shared: &Arc<Shared>, listener: &TcpListener, router: &Router) {
    let limits = &shared.app.limits;
    let crowd = Crowd::new(limits.connections_per_peer);
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Who has that many is told nothing, which would take time.
                let Some(member) = crowd.join(network(peer.ip())) else { continue };
                let counted = shared.app.service.metrics().connection();
                let open = shared.app.open.one();
                let held = Connected { _held: Arc::new((counted, member, place, open)) };
                let client = Client { peer: Peer(peer.ip()), held };
                tokio::spawn(serve(Arc::clone(shared), router.clone(), stream, client));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection. A client that goes away, is too slow or speaks no HTTP is no fault of ours.
async fn serve(shared: Arc<Shared>, router: Router, stream: TcpStream, client: Client) {
    let (limits, cut) = (shared.app.limits.clone(), shared.app.cut.clone());
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = Eager::new(Patient::new(stream, limits.idle_time), shared.ear.clone());
    let tls = shared.tls.load_full();
    drop(shared);
    match tls {
        None => connection(&limits, &cut, router, stream, client).await,
        Some(acceptor) => {
            let shaken = tokio::time::timeout(limits.head_time, acceptor.accept(stream)).await;
            let Ok(Ok(stream)) = shaken else { return };
            connection(&limits, &cut, router, stream, client).await;
        }
    }
}

async fn connection<S>(limits: &Limits, cut: &CancellationToken, router: Router, stream: S, client: Client)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(client.peer);
        request.extensions_mut().insert(client.held.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => {}
        () = cut.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
