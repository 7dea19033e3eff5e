//! MCP over HTTP: `POST /mcp`, and for revisions with sessions `GET` (what the server has to say) and `DELETE`.
//!
//! It neither authenticates nor looks at Host and Origin: whoever mounts it does, for every path, and puts the caller,
//! an `Arc<Caller>`, into the extensions of each request. A request without one is refused. A session belongs to the
//! caller who opened it, and is not there for anybody else. Where there is an `Arc<Token>` beside the caller, sessions and
//! calls end with it.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::server::{Server, Shared};
use super::sessions::{Opener, Sessions};
use crate::caller::Caller;
use crate::error::PublicError;
use crate::service::Service;
use crate::tokens::Token;

/// The header that names a session.
pub(crate) const SESSION_HEADER: &str = "mcp-session-id";
/// The header that names the revision.
const REVISION_HEADER: &str = "mcp-protocol-version";
/// The header that names the method, in revisions without sessions.
const METHOD_HEADER: &str = "mcp-method";
/// Bytes that a request may have: the largest input of a tool, as JSON may write it, and what is around it.
const BODY_BYTES: usize = 8 << 20;

/// How much the server holds for its clients.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Sessions that may be open at once, of all callers.
    pub sessions: usize,
    /// Sessions that one caller may have open at once.
    pub sessions_per_caller: usize,
    /// How long a session may be idle. Longer than any call may take.
    pub idle: Duration,
    /// Given when the server ends: then all sessions and streams do.
    pub shutdown: CancellationToken,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            sessions: 256,
            sessions_per_caller: 32,
            idle: Duration::from_secs(600),
            shutdown: CancellationToken::new(),
        }
    }
}

/// The MCP endpoint, as a tower service.
#[derive(Clone)]
pub struct HttpMcp {
    inner: StreamableHttpService<Server, Sessions>,
    sessions: Sessions,
}

impl std::fmt::Debug for HttpMcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpMcp").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

/// The MCP endpoint over a service, to be mounted at one path for all methods.
#[must_use]
pub fn http_service(service: Arc<Service>, options: HttpOptions) -> HttpMcp {
    let shared = Shared::new(service);
    let sessions = Sessions::new(Arc::clone(&shared.calls), &options);
    let protocol = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_max_request_body_bytes(BODY_BYTES)
        .with_cancellation_token(options.shutdown);
    let inner = StreamableHttpService::new(
        move || Ok(Server::new(Arc::clone(&shared), None)),
        Arc::new(sessions.clone()),
        protocol,
    );
    HttpMcp { inner, sessions }
}

type McpResponse = Response<BoxBody<Bytes, Infallible>>;

impl HttpMcp {
    async fn answer<B>(self, request: Request<B>) -> McpResponse
    where
        B: Body + Send + 'static,
        B::Error: Display,
    {
        let Some(caller) = request.extensions().get::<Arc<Caller>>().cloned() else {
            return refused(StatusCode::UNAUTHORIZED, "unauthorized", "nobody says who calls");
        };
        let session = match request.headers().get(SESSION_HEADER).map(|session| session.to_str()) {
            None => None,
            Some(Ok(session)) if self.sessions.is_of(session, &caller) => Some(session.to_owned()),
            // Somebody else's is, to this caller, none at all.
            Some(_) => {
                return refused(
                    StatusCode::NOT_FOUND,
                    "no-session",
                    "there is no such session: initialize again",
                );
            }
        };
        let may_open = session.is_none() && request.method() == Method::POST && !is_stateless(&request);
        if may_open && !self.sessions.has_room(&caller) {
            return full();
        }
        let token = request.extensions().get::<Arc<Token>>().cloned();
        let opener = Opener::new(caller, token);
        let response = opener.handle(self.inner.handle(request)).await;
        if opener.was_refused() {
            return full();
        }
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            // What went wrong inside is in the log, and nobody else's business.
            return refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                "host-failure",
                "the host failed; its log says why",
            );
        }
        response
    }
}

/// Whether a request says that it is of a revision without sessions, and none that opens one all the same.
fn is_stateless<B>(request: &Request<B>) -> bool {
    let said = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    said(REVISION_HEADER)
        .is_some_and(|revision| revision >= rmcp::model::ProtocolVersion::V_2026_07_28.as_str())
        && said(METHOD_HEADER).is_some_and(|method| method != "initialize")
}

fn full() -> McpResponse {
    let words = "too many sessions are open: end some with DELETE, or try again later";
    refused(StatusCode::SERVICE_UNAVAILABLE, "busy", words)
}

impl<B> tower::Service<Request<B>> for HttpMcp
where
    B: Body + Send + 'static,
    B::Error: Display,
{
    type Response = McpResponse;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<McpResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.answer(request).await) })
    }
}

/// A refusal before the protocol has a say.
fn refused(status: StatusCode, code: &str, message: &str) -> McpResponse {
    let error = PublicError { code: code.to_owned(), message: message.to_owned(), hint: None };
    let body = Full::new(Bytes::from(json!({ "error": error }).to_string())).boxed();
    let mut response = Response::new(body);
    // For whoever mounts it: to count it, and to say it as they say theirs.
    response.extensions_mut().insert(error);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
