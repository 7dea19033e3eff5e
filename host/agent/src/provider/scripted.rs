//! A server on loopback that speaks a provider's wire format and answers as it was told, for tests without a network.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use openclaw_agent::provider::Format;
//! use openclaw_agent::provider::scripted::{Reply, ScriptedServer};
//!
//! let server = ScriptedServer::start(Format::OpenAi, vec![Reply::busy(1), Reply::text("done")]).await?;
//! let (url, seen) = (server.url(), server.requests());
//! # Ok(()) }
//! ```

mod check;
mod encode;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::Format;
use crate::model::{Answer, ModelCall};

/// A request that the server was sent.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The headers, the key too.
    pub headers: HeaderMap,
    /// The body; null where it is no JSON.
    pub body: Value,
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    content: Content,
    /// Bytes of each piece of the body.
    piece: Option<usize>,
    breaks: Option<usize>,
}

#[derive(Clone, Debug)]
enum Content {
    /// In the wire format, whole or in pieces as it was asked for.
    Answer(Box<Answer>),
    /// As it is.
    Raw { content_type: String, body: Bytes },
    /// A piece again and again, after some other.
    Repeated { content_type: String, first: Bytes, piece: Bytes, times: usize },
}

impl Reply {
    fn new(status: u16, content: Content) -> Self {
        Self { status, headers: Vec::new(), content, piece: None, breaks: None }
    }

    /// An answer, in the server's format.
    #[must_use]
    pub fn answer(answer: Answer) -> Self {
        Self::new(200, Content::Answer(Box::new(answer)))
    }

    /// An answer of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::answer(Answer { text: text.into(), ..Answer::default() })
    }

    /// An answer that asks for calls: an id, a tool's name and arguments for each.
    #[must_use]
    pub fn calls(calls: &[(&str, &str, &str)]) -> Self {
        let call = |(id, tool, arguments): &(&str, &str, &str)| ModelCall {
            id: (*id).to_owned(),
            tool: (*tool).to_owned(),
            arguments: (*arguments).to_owned(),
        };
        Self::answer(Answer { calls: calls.iter().map(call).collect(), ..Answer::default() })
    }

    /// A body as it is.
    pub fn raw(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(200, Content::Raw { content_type: content_type.to_owned(), body: body.into() })
    }

    /// A body that goes on and on: `first`, then `piece` as often as it says.
    pub fn repeated(
        content_type: &str,
        first: impl Into<Bytes>,
        piece: impl Into<Bytes>,
        times: usize,
    ) -> Self {
        let content_type = content_type.to_owned();
        Self::new(200, Content::Repeated { content_type, first: first.into(), piece: piece.into(), times })
    }

    /// An error in JSON.
    pub fn error(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, ..Self::raw("application/json", body) }
    }

    /// A 429 that says to come back in so many seconds.
    #[must_use]
    pub fn busy(seconds: u64) -> Self {
        let body =
            r#"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"slow down"}}"#;
        Self::error(429, body).header("retry-after", &seconds.to_string())
    }

    /// With a further header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body that comes in pieces of so many bytes.
    #[must_use]
    pub fn in_pieces_of(self, bytes: usize) -> Self {
        Self { piece: Some(bytes.max(1)), ..self }
    }

    /// With a connection that ends after so many bytes of the body.
    #[must_use]
    pub fn broken_after(self, bytes: usize) -> Self {
        Self { breaks: Some(bytes), ..self }
    }

    fn response(self, format: Format, asked: &Asked) -> Response {
        let (content_type, body) = match self.content {
            Content::Answer(answer) => {
                let streamed = asked.body.get("stream").and_then(Value::as_bool) == Some(true);
                let (content_type, body) = encode::answer(format, &answer, streamed);
                (content_type.to_owned(), in_pieces(Bytes::from(body), self.piece, self.breaks))
            }
            Content::Raw { content_type, body } => (content_type, in_pieces(body, self.piece, self.breaks)),
            Content::Repeated { content_type, first, piece, times } => {
                let pieces = std::iter::once(first).chain(std::iter::repeat_n(piece, times));
                (content_type, Body::from_stream(stream::iter(pieces.map(Ok::<_, BrokenOff>))))
            }
        };
        let mut response = Response::builder().status(self.status);
        if !content_type.is_empty() {
            response = response.header("content-type", content_type);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap_or_else(|_| refused(500, "the reply is no response"))
    }
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("broken off, as it was told")]
struct BrokenOff;

fn in_pieces(mut body: Bytes, piece: Option<usize>, breaks: Option<usize>) -> Body {
    let end = breaks.map(|_| Err(BrokenOff));
    body.truncate(breaks.unwrap_or(body.len()));
    let size = piece.unwrap_or(body.len()).max(1);
    let pieces = std::iter::from_fn(move || {
        let length = size.min(body.len());
        (length > 0).then(|| Ok(body.split_to(length)))
    });
    // Each piece is sent before the next is made.
    let pieces = stream::iter(pieces.chain(end)).then(|piece| async {
        tokio::task::yield_now().await;
        piece
    });
    Body::from_stream(pieces)
}

fn refused(status: u16, words: &str) -> Response {
    let error = serde_json::json!({ "error": { "type": "invalid_request_error", "message": words } });
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}

type Script = Box<dyn Fn(&Asked) -> Option<Reply> + Send + Sync>;

struct Shared {
    format: Format,
    script: Script,
    asked: Mutex<Vec<Asked>>,
}

/// The server; it ends when it is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.shared.format;
        f.debug_struct("ScriptedServer").field("address", &self.address).field("format", &format).finish()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ScriptedServer {
    /// Answers with these, in their order; with status 500 once there are no more.
    ///
    /// # Errors
    /// Where nothing can listen on loopback.
    pub async fn start(format: Format, replies: Vec<Reply>) -> std::io::Result<Self> {
        let replies = Mutex::new(VecDeque::from(replies));
        let next = move |_: &Asked| replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Self::serve(format, Box::new(next)).await
    }

    /// Answers as `script` says, also to several at once.
    ///
    /// # Errors
    /// Where nothing can listen on loopback.
    pub async fn answering(
        format: Format,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::serve(format, Box::new(move |asked: &Asked| Some(script(asked)))).await
    }

    async fn serve(format: Format, script: Script) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { format, script, asked: Mutex::default() });
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// Where a provider of its format is told that it is.
    ///
    /// # Panics
    /// Never: an address of a socket is one of a URL.
    #[must_use]
    #[expect(clippy::expect_used, reason = "an address of a socket is one of a URL")]
    pub fn url(&self) -> Url {
        let path = if self.shared.format == Format::OpenAi { "/v1" } else { "" };
        Url::parse(&format!("http://{}{path}", self.address)).expect("a URL")
    }

    /// What it was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let asked = Asked { path: uri.path().to_owned(), headers, body };
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    if let Err((status, words)) = check::request(shared.format, &asked) {
        return refused(status, &words);
    }
    match (shared.script)(&asked) {
        Some(reply) => reply.response(shared.format, &asked),
        None => refused(500, "the script has no reply left"),
    }
}
