//! What holds around every handler: whom a request is for, who sends it, how many there are, and what is said of it.

use std::any::Any;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

use super::answer::{ErrorCode, Refusal};
use super::body::{Bounded, check_length};
use super::routes::{NO_ROUTE, route_name};
use super::{App, Authenticated, Peer, Phase, auth, mcp, trace, ws};
use crate::names::Foreign;
use crate::tokens::Token;

/// Routes that watchers ask who have no token, and that answer when everything else is refused.
const OPEN: [&str; 2] = ["/health", "/ready"];
/// Routes that are for who may read metrics.
const METRICS: [&str; 2] = ["/metrics", "/api/v1/metrics"];

/// A request that may be handled.
struct Admitted {
    token: Option<Authenticated>,
    place: Option<OwnedSemaphorePermit>,
}

/// Admits a request, has it handled, and says in metrics and traces what came of it.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, |path| route_name(path.as_str()));
    let (method, is_safe) = (known(request.method()), request.method().is_safe());
    let span = trace::request_span(method, route, request.headers());
    let answered = async {
        let peer = request.extensions().get::<Peer>().copied();
        let admitted = admit(&app, (request.uri(), request.headers()), peer, route).await;
        match admitted {
            Ok(admitted) => {
                if let Some(Authenticated(token)) = &admitted.token {
                    tracing::Span::current().record("caller", token.caller().name.as_str());
                }
                handle(&app, request, route, admitted, next).await
            }
            Err(refusal) => refusal.into_response(),
        }
    };
    let mut response = answered.instrument(span.clone()).await;
    let status = response.status();
    let is_refused = status.is_client_error() || status.is_server_error();
    if is_refused && !is_safe {
        // What was not read of the body is in the way of the next request.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    secure(&mut response);
    let took = began.elapsed();
    if let Some(ErrorCode(code)) = response.extensions_mut().remove() {
        app.service.metrics().count_error(&code);
    }
    app.service.metrics().count_request(method, route, status.as_u16(), took);
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    span.record("status", status.as_u16()).record("duration_us", duration_us);
    // The path may name what a caller may not know of; the route does not.
    span.in_scope(|| tracing::debug!("answered"));
    response
}

async fn handle(
    app: &App,
    request: Request,
    route: &'static str,
    admitted: Admitted,
    next: Next,
) -> Response {
    let Admitted { token, place } = admitted;
    let mut request = request.map(|body| bounded(body, route, app));
    let until = token.as_ref().filter(|_| route == mcp::PATH).map(|token| token.0.clone());
    if let Some(token) = token {
        // For MCP, which is also spoken where nobody authenticates.
        request.extensions_mut().insert(Arc::clone(token.0.caller()));
        request.extensions_mut().insert(Arc::clone(&token.0));
        request.extensions_mut().insert(token);
    }
    let response = next.run(request).await;
    match place {
        // An answer that goes on keeps its place; one that is whole needs none any more.
        Some(place) if response.body().size_hint().exact().is_none() => {
            response.map(|body| Body::new(Held::new(body, place, until)))
        }
        _ => response,
    }
}

fn bounded(body: Body, route: &'static str, app: &App) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Bounded::new(body, most_bytes(route, app), &app.limits))
}

fn most_bytes(route: &'static str, app: &App) -> usize {
    if route == mcp::PATH { app.limits.mcp_body_bytes } else { app.limits.body_bytes }
}

/// Everything that a request has to pass before it is handled, the cheapest first.
async fn admit(
    app: &App,
    (uri, headers): (&Uri, &HeaderMap),
    peer: Option<Peer>,
    route: &'static str,
) -> Result<Admitted, Refusal> {
    app.settings.load().names.check(uri, headers).map_err(foreign)?;
    auth::check_url(uri)?;
    if OPEN.contains(&route) {
        return Ok(Admitted { token: None, place: None });
    }
    let presented = auth::presented(headers, route == ws::PATH);
    let token = auth::authenticate(&app.tokens, &app.failures, presented, peer).await?;
    if METRICS.contains(&route) {
        if !token.0.may_read_metrics() {
            let message = "this token may not read metrics";
            let hint =
                Some("its owner makes one that may with: openclaw gateway token create NAME --metrics");
            return Err(Refusal::new(StatusCode::FORBIDDEN, "not-allowed", message, hint));
        }
        return Ok(Admitted { token: Some(token), place: None });
    }
    if app.phase() == Phase::Draining {
        return Err(draining());
    }
    check_length(headers, most_bytes(route, app))?;
    let Ok(place) = Arc::clone(&app.settings.load().places).try_acquire_owned() else {
        let message = "the gateway answers as many requests at once as it may";
        let refusal =
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message, Some("try again in a moment"));
        return Err(refusal.retry_after(1));
    };
    Ok(Admitted { token: Some(token), place: Some(place) })
}

/// What is answered instead once no more calls are taken.
pub(super) fn draining() -> Refusal {
    let message = "the gateway is stopping, and takes no more calls";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "draining", message, None).retry_after(5)
}

fn foreign(foreign: Foreign) -> Refusal {
    match foreign {
        Foreign::Malformed => {
            let message = "a request names its host once, in Host, and the same one in its target";
            Refusal::new(StatusCode::BAD_REQUEST, "malformed-host", message, None)
        }
        Foreign::Host => {
            let message = "this gateway does not answer to the name in Host";
            let hint = Some("its owner lists the names that it answers to under gateway.hosts");
            Refusal::new(StatusCode::MISDIRECTED_REQUEST, "foreign-host", message, hint)
        }
        Foreign::Origin => {
            let message = "web pages of this Origin may not ask this gateway";
            let hint = Some("its owner lists the origins that may under gateway.origins");
            Refusal::new(StatusCode::FORBIDDEN, "foreign-origin", message, hint)
        }
    }
}

fn secure(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, nothing);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Methods that somebody makes up are counted as one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// The answer to a request whose handler panicked. What was in the panic stays in the log.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words: Cow<'_, str> = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(words), _) => words.as_str().into(),
        (None, Some(words)) => (*words).into(),
        (None, None) => "something".into(),
    };
    tracing::error!("a handler panicked: {words}");
    Refusal::internal().into_response()
}

/// The answer where there is no such path.
pub(super) async fn no_path() -> Refusal {
    let hint = Some("GET /openapi.json lists every path");
    Refusal::new(StatusCode::NOT_FOUND, "no-such-path", "there is nothing at this path", hint)
}

/// The answer where the path has no such method.
pub(super) async fn no_method() -> Refusal {
    let hint = Some("GET /openapi.json lists the methods of every path");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", "this path has no such method", hint)
}

/// An answer that keeps a place for as long as it goes on, and that goes on no longer than the token that it was
/// asked with, where nothing else sees to that.
struct Held {
    body: Body,
    _place: OwnedSemaphorePermit,
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Held {
    fn new(body: Body, place: OwnedSemaphorePermit, until: Option<Arc<Token>>) -> Self {
        let ended = |token: Arc<Token>| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(async move { token.ended().await })
        };
        Self { body, _place: place, until: until.map(ended) }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let ended = self.until.as_mut().is_some_and(|until| until.as_mut().poll(context).is_ready());
        if ended { Poll::Ready(None) } else { frame }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
