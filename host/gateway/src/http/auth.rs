//! Who asks: the bearer token of a request, and how often a peer may fail to present one.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use openclaw_listen::network;

use super::answer::Refusal;
use super::{App, Peer, ws};
use crate::tokens::{Token, Tokens};

/// A request's token, which was accepted. The guard puts it among the request's extensions, for every surface.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Arc<Token>);

impl FromRequestParts<Arc<App>> for Authenticated {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Refusal> {
        // Not there only if a route forgot to ask for one.
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::internal)
    }
}

/// Counts failures to present a token, by the network of the peer.
pub(crate) struct Failures {
    peers: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Failures {
    /// So many of one peer in a minute are answered as what they are.
    pub(crate) fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self { peers: RateLimiter::dashmap(quota), clock: DefaultClock::default() }
    }

    /// Forgets who has not failed for long.
    pub(crate) fn forget_idle(&self) {
        self.peers.retain_recent();
        self.peers.shrink_to_fit();
    }

    /// Counts a failure: what its peer is told. Who has a token is never in the way of who fails beside them.
    fn count(&self, peer: Option<Peer>) -> Refusal {
        let address = peer.map_or(IpAddr::from([0, 0, 0, 0]), |Peer(address)| network(address));
        match self.peers.check_key(&address) {
            Ok(()) => {
                tracing::info!(peer = %address, "a request had no token, or none that is accepted");
                unauthorized()
            }
            Err(early) => {
                let seconds = early.wait_time_from(self.clock.now()).as_secs();
                let message = "too many requests without an accepted token came from this address";
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too-many-failures", message, None)
                    .retry_after(seconds.saturating_add(1))
            }
        }
    }
}

/// What everybody is told who has no token, a wrong one, or one that was revoked or has ended.
fn unauthorized() -> Refusal {
    let message = "this needs a bearer token that the gateway accepts";
    let hint =
        "send Authorization: Bearer ocg_…; its owner makes tokens with: openclaw gateway token create NAME";
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message, Some(hint))
}

/// Whose token was presented.
pub(super) async fn authenticate(
    tokens: &Tokens,
    failures: &Failures,
    presented: Option<&str>,
    peer: Option<Peer>,
) -> Result<Authenticated, Refusal> {
    let token = match presented {
        Some(presented) => tokens.find_now(presented).await,
        None => None,
    };
    token.map(Authenticated).ok_or_else(|| failures.count(peer))
}

/// The one token of a request; a WebSocket may have it in another place instead.
pub(super) fn presented(headers: &HeaderMap, is_socket: bool) -> Option<&str> {
    match ws::presented(headers).filter(|_| is_socket) {
        Some(token) => (!headers.contains_key(AUTHORIZATION)).then_some(token),
        None => in_header(headers),
    }
}

fn in_header(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses a token in the URL, where proxies, histories and logs keep it.
pub(super) fn check_url(uri: &Uri) -> Result<(), Refusal> {
    const NAMES: [&str; 5] = ["token", "access_token", "api_key", "apikey", "authorization"];
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let query = uri.query().unwrap_or_default();
    let named = query.split('&').any(|pair| NAMES.contains(&name(pair).as_str()));
    if named || query.contains("ocg_") || uri.path().contains("ocg_") {
        let message = "a token must not stand in a URL, where it is kept in many places";
        let hint =
            "send it as Authorization: Bearer …, and make a new one if this one was sent over a network";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "token-in-url", message, Some(hint)));
    }
    if uri.query().is_some() {
        let message = "no path of this gateway takes a query";
        let hint = "GET /openapi.json lists all that it takes";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "unexpected-query", message, Some(hint)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_presented() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, http::HeaderValue::from_static(value));
            }
            presented(&headers, false).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer x"]).as_deref(), Some("x"));
        assert_eq!(of(&["bearer  x "]).as_deref(), Some("x"));
        for wrong in [&[][..], &["x"], &["Basic x"], &["Bearer"], &["Bearer x", "Bearer x"]] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_websocket_presents_its_token_in_one_of_two_places() {
        let mut headers = HeaderMap::new();
        headers.insert("sec-websocket-protocol", http::HeaderValue::from_static("openclaw.bearer.x"));
        assert_eq!(presented(&headers, true), Some("x"));
        assert_eq!(presented(&headers, false), None, "for a WebSocket only");
        headers.insert(AUTHORIZATION, http::HeaderValue::from_static("Bearer x"));
        assert_eq!(presented(&headers, true), None, "two are none");
        headers.remove("sec-websocket-protocol");
        assert_eq!(presented(&headers, true), Some("x"));
    }

    #[test]
    fn a_token_in_a_url_is_refused_wherever_it_stands() {
        for (target, code) in [
            ("/api/v1/tools?token=x", "token-in-url"),
            ("/api/v1/tools?a=1&Access_Token=x", "token-in-url"),
            ("/api/v1/tools?x=ocg_1", "token-in-url"),
            ("/ocg_1", "token-in-url"),
            ("/health?verbose=1", "unexpected-query"),
            ("/health?", "unexpected-query"),
        ] {
            assert_eq!(check_url(&target.parse().unwrap()).unwrap_err().into_error().code, code, "{target}");
        }
        assert!(check_url(&"/api/v1/tools".parse().unwrap()).is_ok());
    }
}
