//! The gateway over HTTP: one file for each resource, and what holds for all of them.

mod answer;
mod auth;
mod body;
mod chat;
mod documents;
mod guard;
mod health;
mod mcp;
mod openapi;
mod routes;
mod stream;
mod tools;
mod trace;
mod ws;

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use openclaw_agent::agents::Agents;
use openclaw_listen::Crowd;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::agents::Conversations;
use crate::count::Count;
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

/// What a connection holds for as long as it is open; whoever goes on with it as something else holds it too.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) _held: Arc<dyn Any + Send + Sync>,
}

/// What every handler is given.
pub(crate) struct App {
    /// The tools.
    pub(crate) service: Arc<Service>,
    /// The same over MCP.
    pub(crate) mcp: HttpMcp,
    /// The agents.
    pub(crate) conversations: Conversations,
    /// The WebSockets of each token.
    pub(crate) sockets: Crowd<String>,
    /// How many connections are open, WebSockets among them.
    pub(crate) open: Count,
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
    phase: watch::Sender<Phase>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// What is installed is being verified.
    Starting,
    /// Calls are taken.
    Ready,
    /// Calls that run are waited for, and no more are taken.
    Draining,
}

impl App {
    pub(crate) fn new(
        service: Arc<Service>,
        agents: Option<Arc<Agents>>,
        tokens: Tokens,
        limits: Limits,
        applied: Applied,
    ) -> Self {
        let cut = CancellationToken::new();
        let options = HttpOptions { shutdown: cut.clone(), ..HttpOptions::default() };
        Self {
            mcp: http_service(Arc::clone(&service), options),
            conversations: Conversations::new(agents, Arc::clone(&service), cut.clone()),
            sockets: Crowd::new(limits.sockets_per_token),
            open: Count::default(),
            service,
            tokens,
            failures: Failures::new(limits.failures_per_minute),
            limits,
            settings: ArcSwap::from_pointee(applied),
            cut,
            phase: watch::Sender::new(Phase::Starting),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Goes on to a later phase; there is no way back.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
    }

    /// Done once a phase has come, or a later one.
    pub(crate) async fn reached(&self, phase: Phase) {
        // It is never closed.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }
}
