//! What holds around every handler: counting, rate limits, time, headers, and that a panic ends one request only.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Method};

use super::{App, ClientAddress, Failure};
use crate::error::{Error, Fault, Refusal};

/// Routes that watchers ask, and that must answer when everything else is refused.
const UNLIMITED: [&str; 2] = ["/health", "/metrics"];

/// Counts, limits and bounds a request.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route =
        request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or("none").to_owned();
    let method = request.method().clone();
    let mut response = match limit(&app, &route, &request) {
        Ok(()) => bounded(&app, &method, request, next).await,
        Err(error) => {
            app.metrics.count_rate_limited();
            Failure(error).into_response()
        }
    };
    let refused = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    if refused && !method.is_safe() {
        // What was not read of the body is in the way of the next request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let (status, took) = (response.status().as_u16(), began.elapsed());
    app.metrics.count(known(&method), &route, status, took);
    // The path may name a private skill and the query what somebody looks for; the route names neither.
    tracing::debug!(method = known(&method), route, status, microseconds = took.as_micros(), "answered");
    response
}

fn limit(app: &App, route: &str, request: &Request) -> Result<(), Error> {
    match request.extensions().get::<ClientAddress>() {
        Some(ClientAddress(address)) if !UNLIMITED.contains(&route) => {
            app.rates.check_address(*address, request.headers())
        }
        _ => Ok(()),
    }
}

/// Uploads watch their own time, since a large one may take long.
async fn bounded(app: &App, method: &Method, request: Request, next: Next) -> Response {
    if *method == Method::PUT {
        return next.run(request).await;
    }
    match tokio::time::timeout(app.registry.limits().request_time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure(Refusal::TooSlow.into()).into_response(),
    }
}

/// Methods that somebody makes up are counted as one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        _ => "other",
    }
}

/// The answer to a request whose handler panicked. What was in the panic stays in the log.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something");
    Failure(Fault::Task(words.to_owned()).into()).into_response()
}

/// The answer where there is no such path.
pub(super) async fn no_path() -> Failure {
    Refusal::NoPath.into()
}

/// The answer where the path has no such method.
pub(super) async fn no_method() -> Failure {
    Refusal::Method.into()
}
