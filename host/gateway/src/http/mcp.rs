//! `/mcp`: MCP over HTTP. The protocol is spoken elsewhere; what it refuses is made to look like all other errors here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Limited};
use tower::ServiceExt as _;

use super::App;
use super::answer::Refusal;
use crate::error::PublicError;

/// Its path, which is one of requests that may be larger than those to a tool, and of answers that go on.
pub(super) const PATH: &str = "/mcp";

/// Bytes of a refusal's own words that are told.
const WORDS: usize = 4 << 10;

/// Answers for the protocol.
pub(super) async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let answered: Result<_, Infallible> = app.mcp.clone().oneshot(request).await;
    match answered {
        Ok(response) => refused(response.map(Body::new)).await,
        Err(never) => match never {},
    }
}

/// The same answer, in JSON if it is an error.
async fn refused(mut response: Response) -> Response {
    let status = response.status();
    if let Some(error) = response.extensions_mut().remove::<PublicError>() {
        return Refusal::of(status, error).into_response();
    }
    if !(status.is_client_error() || status.is_server_error()) || is_json(response.headers()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let words = Limited::new(body, WORDS).collect().await.map(|words| words.to_bytes()).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let words = if words.is_empty() { "the request is none of MCP over HTTP".to_owned() } else { words };
    let hint = Some("the transport is Streamable HTTP: https://modelcontextprotocol.io");
    let mut response = Refusal::new(status, "mcp-refused", words, hint).into_response();
    if let Some(allow) = parts.headers.get(http::header::ALLOW) {
        response.headers_mut().insert(http::header::ALLOW, allow.clone());
    }
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json")
}

/// The document's word on each method; the handler is one for all.
pub(super) mod documented {
    #![allow(dead_code, reason = "only what is made of them is used")]

    /// A message of MCP to the server, and what it answers
    #[utoipa::path(post, path = "/mcp", tag = "mcp",
        request_body(content = serde_json::Value, content_type = "application/json", description = "JSON-RPC 2.0"),
        responses(
            (status = 200, description = "JSON-RPC, whole or as a stream of events", content(
                (serde_json::Value = "application/json"),
                (String = "text/event-stream"),
            )),
            (status = 202, description = "A notification was taken"),
            (status = 400, description = "No message, or one out of order", body = serde_json::Value),
            (status = 404, description = "There is no such session", body = serde_json::Value),
            (status = 406, description = "The client does not accept what may be answered", body = serde_json::Value),
            (status = 408, description = "The body did not arrive in time", body = serde_json::Value),
            (status = 409, description = "The session does not allow this now", body = serde_json::Value),
            (status = 413, description = "The body is too large", body = serde_json::Value),
            (status = 415, description = "The body is not JSON", body = serde_json::Value),
            (status = 422, description = "The message is none of MCP", body = serde_json::Value),
        ))]
    fn post() {}

    /// What the server has to say in a session, as a stream of events
    #[utoipa::path(get, path = "/mcp", tag = "mcp",
        params(("mcp-session-id" = String, Header, description = "The session")),
        responses(
            (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
            (status = 400, description = "No session is named", body = serde_json::Value),
            (status = 404, description = "There is no such session", body = serde_json::Value),
            (status = 406, description = "The client does not accept events", body = serde_json::Value),
            (status = 409, description = "Another stream of the session is open", body = serde_json::Value),
            (status = 422, description = "The request is none of MCP", body = serde_json::Value),
        ))]
    fn get() {}

    /// End a session
    #[utoipa::path(delete, path = "/mcp", tag = "mcp",
        params(("mcp-session-id" = String, Header, description = "The session")),
        responses(
            (status = 200, description = "It has ended"),
            (status = 202, description = "It ends"),
            (status = 204, description = "It has ended"),
            (status = 400, description = "No session is named", body = serde_json::Value),
            (status = 404, description = "There is no such session", body = serde_json::Value),
            (status = 422, description = "The request is none of MCP", body = serde_json::Value),
        ))]
    fn delete() {}
}
