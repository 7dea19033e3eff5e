//! The registry over HTTP: one file for each resource, and what holds for all of them.

mod answer;
mod blobs;
mod body;
mod discovery;
mod events;
mod guard;
mod health;
mod index;
mod log;
mod metrics;
mod multipart;
pub mod openapi;
mod pages;
mod parameters;
mod path;
mod publication;
mod range;
mod rate;
mod root;
mod routes;
mod search;
mod takedowns;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::error::{Error, Refusal};
use crate::registry::{Caller, Registry};

pub use answer::Failure;
pub use metrics::Metrics;
pub use rate::{ClientAddress, RateLimits};
pub use routes::{ROUTES, Route, router};

/// What every handler is given.
#[derive(Clone)]
pub struct App {
    /// The registry.
    pub registry: Registry,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who asked how often.
    pub rates: Arc<RateLimits>,
}

impl App {
    /// A registry that is ready to be asked.
    pub fn new(registry: Registry, trust_forwarded: bool) -> Self {
        let rates = Arc::new(RateLimits::new(registry.limits(), trust_forwarded));
        Self { registry, metrics: Arc::new(Metrics::default()), rates }
    }
}

/// Who asks, by the token that the request carries, if any.
pub(crate) struct Asking(pub(crate) Caller);

impl FromRequestParts<App> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(Self(Caller::default())) };
        let token = header.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let caller = match token {
            Some(token) => app.registry.caller(token).await,
            None => Err(Refusal::Token("is not sent as `Bearer`").into()),
        };
        let caller = caller.inspect_err(|error| note_refused(error, parts))?;
        if !parts.method.is_safe() {
            let checked = app.rates.check_token(&caller.token()?.id);
            checked.inspect_err(|_| app.metrics.count_rate_limited())?;
        }
        Ok(Self(caller))
    }
}

/// Notes that a token was refused, without the token: many of these are somebody who guesses.
fn note_refused(error: &Error, parts: &Parts) {
    if let Error::Refused(Refusal::Token(reason)) = error {
        let peer = parts.extensions.get::<ClientAddress>().map(|ClientAddress(address)| address.to_string());
        tracing::info!(reason, peer, "a token was refused");
    }
}
