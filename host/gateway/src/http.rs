//! The gateway over HTTP: one file for each resource, and what holds for all of them.

mod answer;
mod auth;
mod body;
mod documents;
mod guard;
mod health;
mod mcp;
mod openapi;
mod routes;
mod stream;
mod tools;
mod trace;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;
use crate::mcp::{HttpMcp, HttpOptions, http_service};
use crate::names::Names;
use crate::service::Service;
use crate::tokens::Tokens;

pub use auth::Authenticated;
pub(crate) use auth::Failures;
pub use openapi::document as openapi_document;
pub(crate) use routes::router;
pub use routes::{ROUTES, Route};

/// The address from which a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What every handler is given.
pub(crate) struct App {
    /// The tools.
    pub(crate) service: Arc<Service>,
    /// The same over MCP.
    pub(crate) mcp: HttpMcp,
    /// Who may ask.
    pub(crate) tokens: Tokens,
    /// Who failed to say who they are, how often.
    pub(crate) failures: Failures,
    /// How much clients may ask.
    pub(crate) limits: Limits,
    /// What may change while it runs.
    pub(crate) settings: ArcSwap<Applied>,
    /// Given when calls are not waited for any longer.
    pub(crate) cut: CancellationToken,
    phase: AtomicU8,
}

/// Settings, in the form in which requests need them.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Whom requests are for.
    pub(crate) names: Names,
    /// Places for requests at once.
    pub(crate) places: Arc<Semaphore>,
}

/// Where in its life a gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// What is installed is being verified.
    Starting = 0,
    /// Calls are taken.
    Ready = 1,
    /// Calls that run are waited for, and no more are taken.
    Draining = 2,
}

impl App {
    pub(crate) fn new(service: Arc<Service>, tokens: Tokens, limits: Limits, applied: Applied) -> Self {
        let cut = CancellationToken::new();
        let options = HttpOptions { shutdown: cut.clone(), ..HttpOptions::default() };
        Self {
            mcp: http_service(Arc::clone(&service), options),
            service,
            tokens,
            failures: Failures::new(limits.failures_per_minute),
            limits,
            settings: ArcSwap::from_pointee(applied),
            cut,
            phase: AtomicU8::new(Phase::Starting as u8),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// Goes on to a later phase; there is no way back.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }
}
