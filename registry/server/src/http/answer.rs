//! How answers look: JSON, lines of JSON, and errors that tell a client all it may know.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use openclaw_package::registry::api::{ErrorBody, ErrorDetail};
use serde::Serialize;

use crate::error::{Error, Fault, Refusal};

/// An error on its way to a client.
#[derive(Debug)]
pub struct Failure(pub Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match &self.0 {
            Error::Refused(refusal) => refused(refusal),
            Error::Failed(fault) => {
                tracing::error!(code = fault.code(), error = %fault, "a request failed");
                failed(fault)
            }
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let detail =
        ErrorDetail { code: refusal.code().to_owned(), message: refusal.to_string(), hint: refusal.hint() };
    let mut response = error(refusal.status(), detail);
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, wait.as_secs().max(1).into());
    }
    if refusal.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Refusal::Range(size) = refusal
        && let Ok(value) = format!("bytes */{size}").parse()
    {
        headers.insert(CONTENT_RANGE, value);
    }
    response
}

/// A failure of ours: that there was one, and whether it is worth asking again.
fn failed(fault: &Fault) -> Response {
    if fault.is_passing() {
        return refused(&Refusal::Busy);
    }
    let detail = ErrorDetail {
        code: "internal".to_owned(),
        message: "the registry failed".to_owned(),
        hint: Some("ask again later; its operator finds the reason in the log".to_owned()),
    };
    error(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

fn error(status: StatusCode, detail: ErrorDetail) -> Response {
    let mut response = json(&ErrorBody { error: detail });
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    typed("application/json", body)
}

/// Values as lines of JSON.
pub(super) fn lines(values: &[impl Serialize]) -> Response {
    let mut body = Vec::new();
    for value in values {
        body.extend(serde_json::to_vec(value).unwrap_or_default());
        body.push(b'\n');
    }
    typed("application/x-ndjson", body)
}

/// Bytes of a type.
pub(super) fn typed(kind: &'static str, body: impl Into<axum::body::Body>) -> Response {
    with(body.into().into_response(), CONTENT_TYPE, kind)
}

/// An answer with a header.
pub(super) fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Kept for good, by everybody or by who may see it.
pub(super) fn immutable(response: Response, is_public: bool) -> Response {
    let scope = if is_public { "public" } else { "private" };
    let response = with(response, CACHE_CONTROL, &format!("{scope}, max-age=31536000, immutable"));
    with(response, VARY, "authorization")
}

/// Kept, but asked for again each time.
pub(super) fn revalidated(response: Response, is_public: bool) -> Response {
    let scope = if is_public { "public" } else { "private" };
    let response = with(response, CACHE_CONTROL, &format!("{scope}, no-cache"));
    with(response, VARY, "authorization")
}

/// The answer to who has this already.
pub(super) fn not_modified(etag: &str) -> Response {
    with(StatusCode::NOT_MODIFIED.into_response(), ETAG, etag)
}

/// Whether a request says that it has what that tag names (RFC 9110, section 13.1.2).
pub(super) fn has(headers: &HeaderMap, name: HeaderName, etag: &str) -> bool {
    let values = headers.get_all(name);
    let mut tags = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}
