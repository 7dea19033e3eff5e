//! Messages as lines of JSON, one a line: what a client sends is bounded and answered whatever it is, and what it does
//! not take holds up what it sends.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, ErrorData,
    GetExtensions as _, JsonObject, JsonRpcError, JsonRpcMessage, ProgressToken, RequestId,
    RequestMetaObject,
};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::server::RawArguments;
use crate::eager::{Eager, Ear};

/// Bytes that one message may have: the largest input of a tool, as JSON may write it, and what is around it.
const LINE_BYTES: usize = 8 << 20;
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;
/// Messages that wait for the client to take them.
const QUEUE: usize = 256;
/// How long calls that run when the client has said its last word may still take.
const GRACE: Duration = Duration::from_millis(250);

/// Lines in, lines out.
pub(crate) struct Lines<R> {
    read: BufReader<Eager<R>>,
    line: Vec<u8>,
    /// Whether the rest of the line is dropped: it was too long.
    dropping: bool,
    ended: bool,
    /// Whether a request has told which revision is spoken.
    opened: bool,
    /// An answer to what could not be understood, which waits for room.
    complaint: Option<Vec<u8>>,
    out: mpsc::Sender<Vec<u8>>,
    gone: CancellationToken,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of these two; `gone` is given when the client is. The task ends when everything is written.
    pub(crate) fn new(
        read: R,
        write: impl AsyncWrite + Send + Unpin + 'static,
        gone: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (out, queue) = mpsc::channel(QUEUE);
        let writing = tokio::spawn(write_all(write, queue, gone.clone()));
        let lines = Self {
            read: BufReader::with_capacity(READ_BYTES, Eager::new(read, Ear::default())),
            line: Vec::new(),
            dropping: false,
            ended: false,
            opened: false,
            complaint: None,
            out,
            gone,
        };
        (lines, writing)
    }

    /// Waits until the client takes what it is sent, and sends what waits; whether there is still somebody.
    async fn make_room(&mut self) -> bool {
        let Ok(room) = self.out.reserve().await else { return false };
        if let Some(complaint) = self.complaint.take() {
            room.send(complaint);
        }
        true
    }

    /// The next message; none at the end. Nothing is lost where the future is dropped.
    async fn next(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if !self.make_room().await {
                return None;
            }
            if self.ended {
                return None;
            }
            let end = match read_line(&mut self.read, &mut self.line, &mut self.dropping).await {
                Ok(end) => end,
                Err(error) => {
                    tracing::warn!("the client cannot be read: {error}");
                    LineEnd::Ended
                }
            };
            self.ended = end == LineEnd::Ended;
            let line = std::mem::take(&mut self.line);
            let parsed = match end {
                LineEnd::TooLong => Err(too_long()),
                LineEnd::Ended if self.dropping || line.trim_ascii().is_empty() => Ok(None),
                LineEnd::Break | LineEnd::Ended => parse(&line),
            };
            match parsed {
                Ok(Some(message)) if self.may_pass(&message) => return Some(message),
                Ok(_) => {}
                Err(error) => self.complaint = serialized(&error),
            }
            // Its room is for the next one, unless it was a large one.
            if line.capacity() <= READ_BYTES {
                self.line = line;
                self.line.clear();
            }
        }
    }

    /// Whether a message has a meaning yet: before the first request, which opens everything, no other kind has.
    fn may_pass(&mut self, message: &ClientJsonRpcMessage) -> bool {
        if let ClientJsonRpcMessage::Request(_) = message {
            self.opened = true;
        }
        self.opened
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> Transport<RoleServer> for Lines<R> {
    type Error = io::Error;

    /// Takes its place in the queue at once where there is room, so that messages go out in the order of these calls.
    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        if matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) {
            self.read.get_mut().written();
        }
        let queued = match serialized(&message) {
            None => Err(io::Error::other("the message has no JSON form")),
            Some(line) => match self.out.try_send(line) {
                Ok(()) => Ok(None),
                Err(mpsc::error::TrySendError::Full(line)) => Ok(Some((self.out.clone(), line))),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(closed()),
            },
        };
        async move {
            match queued? {
                None => Ok(()),
                Some((out, line)) => out.send(line).await.map_err(|_| closed()),
            }
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let gone = self.gone.clone();
        let next = tokio::select! {
            biased;
            () = gone.cancelled() => None,
            next = self.next() => next,
        };
        if next.is_none() {
            // What is about to answer may still do so.
            tokio::spawn(async move {
                tokio::time::sleep(GRACE).await;
                gone.cancel();
            });
        }
        next
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone")
}

/// A message as a line.
fn serialized(message: &impl serde::Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(message)
        .inspect_err(|error| tracing::error!("a message has no JSON form: {error}"))
        .ok()?;
    line.push(b'\n');
    Some(line)
}

/// Writes what is queued, many lines at once where there are many.
async fn write_all(
    mut write: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Vec<u8>>,
    gone: CancellationToken,
) {
    let (mut lines, mut bytes) = (Vec::new(), Vec::new());
    while queue.recv_many(&mut lines, QUEUE).await > 0 {
        bytes.clear();
        lines.drain(..).for_each(|line| bytes.extend_from_slice(&line));
        let written = async {
            write.write_all(&bytes).await?;
            write.flush().await
        };
        if let Err(error) = written.await {
            tracing::info!("the client takes nothing any more: {error}");
            gone.cancel();
            return;
        }
        bytes.shrink_to(READ_BYTES);
    }
}

/// What a line ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Break,
    TooLong,
    Ended,
}

/// Reads up to the end of a line. A line that is too long is told of at once, and its rest is dropped.
async fn read_line(
    read: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    dropping: &mut bool,
) -> io::Result<LineEnd> {
    loop {
        let available = read.fill_buf().await?;
        if available.is_empty() {
            return Ok(LineEnd::Ended);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        let fits = line.len() + taken <= LINE_BYTES;
        if !*dropping && fits {
            line.extend_from_slice(available.get(..taken).unwrap_or_default());
        }
        read.consume(taken);
        if !*dropping && !fits {
            *dropping = end.is_none();
            *line = Vec::new();
            return Ok(LineEnd::TooLong);
        }
        if end.is_some() && !std::mem::take(dropping) {
            return Ok(LineEnd::Break);
        }
    }
}

fn too_long() -> JsonRpcError {
    let words = format!("the message has more than {LINE_BYTES} bytes");
    JsonRpcError::new(None, ErrorData::invalid_request(words, None))
}

/// A message, with its parts not yet read.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// The parameters of `tools/call`, with the input left as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(rename = "_meta", default)]
    meta: Option<JsonObject>,
    #[serde(default)]
    input_responses: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    request_state: Option<String>,
}

/// Reads a message; none where it is one that needs no answer and has no meaning.
fn parse(line: &[u8]) -> Result<Option<ClientJsonRpcMessage>, JsonRpcError> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if line.is_empty() {
        return Ok(None);
    }
    let malformed = |words: String| JsonRpcError::new(None, ErrorData::parse_error(words, None));
    let text = std::str::from_utf8(line).map_err(|_| malformed("the message is not UTF-8".to_owned()))?;
    if text.starts_with('[') {
        let words = "the message is a list: each message is a line of its own";
        return Err(JsonRpcError::new(None, ErrorData::invalid_request(words, None)));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => JsonRpcError::new(
            None,
            ErrorData::invalid_request(format!("the message is not of JSON-RPC 2.0: {error}"), None),
        ),
        _ => malformed(format!("the message is not JSON: {error}")),
    })?;
    let id = match envelope.id {
        None => None,
        Some(id) => Some(serde_json::from_str::<RequestId>(id.get()).map_err(|_| {
            JsonRpcError::new(None, ErrorData::invalid_request("the id is neither a number nor a text", None))
        })?),
    };
    if envelope.jsonrpc != "2.0" {
        return Err(JsonRpcError::new(id, ErrorData::invalid_request("jsonrpc is not \"2.0\"", None)));
    }
    match (&envelope.method, &id) {
        (Some(method), Some(id)) if method == "tools/call" => {
            let params = envelope.params.map_or("{}", RawValue::get);
            call(params, id.clone())
                .map(Some)
                .map_err(|words| JsonRpcError::new(Some(id.clone()), ErrorData::invalid_params(words, None)))
        }
        (method, _) => match serde_json::from_str(text) {
            Ok(message) => Ok(Some(message)),
            // A notification is never answered, whatever it says.
            Err(_) if method.is_some() && id.is_none() => Ok(None),
            Err(error) => {
                tracing::debug!("a message cannot be read: {error}");
                let words = "the message has parts that the protocol does not have there";
                Err(JsonRpcError::new(id, ErrorData::invalid_request(words, None)))
            }
        },
    }
}

/// A call of a tool.
fn call(params: &str, id: RequestId) -> Result<ClientJsonRpcMessage, String> {
    if !params.starts_with('{') {
        return Err("the parameters are no object".to_owned());
    }
    let call: Call<'_> = serde_json::from_str(params).map_err(|error| error.to_string())?;
    let mut params = CallToolRequestParams::new(call.name.into_owned());
    params.input_responses = call.input_responses;
    params.request_state = call.request_state;
    let mut request = CallToolRequest::new(params);
    let input = match call.arguments.map(RawValue::get) {
        None => "{}",
        Some(text) if text.starts_with('{') => text,
        Some(_) => return Err("the arguments are no object".to_owned()),
    };
    request.extensions_mut().insert(RawArguments(input.to_owned()));
    if let Some(meta) = call.meta {
        check_meta(&meta)?;
        request.extensions_mut().insert(RequestMetaObject::from(meta));
    }
    Ok(ClientJsonRpcMessage::request(ClientRequest::CallToolRequest(request), id))
}

/// A token of a wrong kind would silently be none.
fn check_meta(meta: &JsonObject) -> Result<(), String> {
    match meta.get("progressToken").map(|token| serde_json::from_value::<ProgressToken>(token.clone())) {
        Some(Err(_)) => Err("the progressToken is neither a number nor a text".to_owned()),
        _ => Ok(()),
    }
}
