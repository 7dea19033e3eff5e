//! How answers look: JSON, and errors that tell a client all it may know.

use std::borrow::Cow;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use openclaw_runtime::CallError;
use serde::Serialize;

use super::documents::ErrorBody;
use crate::error::PublicError;

/// Why a request is not answered with what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: PublicError,
    /// In how many seconds it is worth asking again.
    retry_after: Option<u64>,
}

/// The code of an answer's error, for whoever counts them.
#[derive(Clone, Debug)]
pub(super) struct ErrorCode(pub(super) String);

impl Refusal {
    /// A refusal with a stable code, the fact, and what to do next.
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        hint: Option<&str>,
    ) -> Self {
        let (code, message) = (code.to_owned(), message.into().into_owned());
        Self {
            status,
            error: PublicError { code, message, hint: hint.map(str::to_owned) },
            retry_after: None,
        }
    }

    /// The same, worth asking again in some seconds.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    /// A failed call.
    pub(super) fn of_call(error: &CallError) -> Self {
        Self::of(status_of(error), PublicError::from(error))
    }

    /// An error that was told elsewhere.
    pub(super) fn of(status: StatusCode, error: PublicError) -> Self {
        let retry_after = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Self { status, error, retry_after: retry_after.then_some(1) }
    }

    /// The gateway failed, and says no more than that.
    pub(super) fn internal() -> Self {
        let hint = "ask again later; its owner finds the reason in the gateway's log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the gateway failed", Some(hint))
    }

    /// The error alone.
    pub(super) fn into_error(self) -> PublicError {
        self.error
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = ErrorCode(self.error.code.clone());
        let mut response = json(&ErrorBody { error: self.error });
        *response.status_mut() = self.status;
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"openclaw\""));
        }
        response
    }
}

/// The status of a failed call: 4xx where asking otherwise helps, 5xx where only waiting or the owner does.
fn status_of(error: &CallError) -> StatusCode {
    match error {
        CallError::UnknownSkill { .. } | CallError::UnknownTool { .. } => StatusCode::NOT_FOUND,
        CallError::MalformedInput(_) => StatusCode::BAD_REQUEST,
        CallError::Denied { .. } => StatusCode::FORBIDDEN,
        CallError::Refused { .. } => StatusCode::CONFLICT,
        CallError::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
        CallError::Busy { .. } | CallError::Audit(_) => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Open(_) => StatusCode::INTERNAL_SERVER_ERROR,
        CallError::Fault(fault) if fault.is_of_the_host() => StatusCode::INTERNAL_SERVER_ERROR,
        CallError::Fault(fault) => match fault.code() {
            "timeout" => StatusCode::GATEWAY_TIMEOUT,
            "cancelled" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        },
        // Also what a later kind of error is: the request was understood, and nothing came of it.
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => typed("application/json", body),
        Err(error) => {
            tracing::error!("an answer has no JSON form: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Bytes of a type.
pub(super) fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// How long nothing may be sent in a stream of events before something is, so that whoever closed the connection is noticed.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// Server-sent events, as they come.
pub(super) fn events(
    stream: impl futures::Stream<Item = Result<bytes::Bytes, Infallible>> + Send + 'static,
) -> Response {
    typed("text/event-stream", Body::from_stream(stream))
}
