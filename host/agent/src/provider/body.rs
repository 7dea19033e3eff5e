//! What comes back, under bounds: whole, as server-sent events, or as lines of JSON.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::Response;
use serde_json::Value;
use sse_stream::{Sse, SseStream};
use tokio_util::codec::{Decoder as _, LinesCodec, LinesCodecError};

use super::refusal::Teller;
use crate::model::ModelError;

/// Bytes of an answer that comes as one document: the most text there may be, escaped, and what stands around it.
const WHOLE_BYTES: usize = 16 << 20;
/// Bytes of an answer that comes in pieces: each piece of some bytes has some hundred around it.
const STREAM_BYTES: usize = 128 << 20;
/// Bytes of one event, or of one line.
const EVENT_BYTES: usize = 1 << 20;
/// Bytes that are looked through for events at once.
const SLICE_BYTES: usize = 16 << 10;
/// How long the words of an error are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As one JSON document.
    Whole,
    /// As server-sent events.
    Events,
    /// As lines of JSON.
    Lines,
}

impl Kind {
    /// By what the provider says it is, whatever it was asked for.
    pub(super) fn of(teller: &Teller, response: &Response) -> Result<Self, ModelError> {
        let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        if let Some(encoding) = text(CONTENT_ENCODING).filter(|name| !name.eq_ignore_ascii_case("identity")) {
            return Err(
                teller.malformed(&format!("answers in an encoding that was not asked for: {encoding}"))
            );
        }
        let found = text(CONTENT_TYPE).unwrap_or("nothing");
        let essence = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Ok(Self::Whole),
            "text/event-stream" => Ok(Self::Events),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Lines),
            _ => Err(teller.malformed(&format!("answers with {found}, which is no answer"))),
        }
    }
}

/// The first bytes of a body, as far as they come soon.
pub(super) async fn begin_of(mut response: Response, most: usize) -> Vec<u8> {
    let by = tokio::time::Instant::now() + PATIENCE;
    let mut begin = Vec::new();
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(by, response.chunk()).await {
        begin.extend(chunk.iter().take(most.saturating_sub(begin.len())));
        if begin.len() >= most {
            break;
        }
    }
    begin
}

/// A body that is one JSON document.
pub(super) async fn whole(teller: &Teller, mut response: Response) -> Result<Bytes, ModelError> {
    let too_long = || teller.malformed("answers with more than 16 MiB");
    if response.content_length().is_some_and(|length| length > WHOLE_BYTES as u64) {
        return Err(too_long());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| teller.unreachable(&error))? {
        if body.len().saturating_add(chunk.len()) > WHOLE_BYTES {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads a document as `T`, or as the error that it may be.
pub(super) fn document<T: serde::de::DeserializeOwned>(
    teller: &Teller,
    text: &[u8],
) -> Result<T, ModelError> {
    let unclear =
        |error: serde_json::Error| teller.malformed(&format!("says what is not understood: {error}"));
    let value: Value = serde_json::from_slice(text).map_err(unclear)?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(teller.said(&value));
    }
    serde_json::from_value(value).map_err(unclear)
}

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, PieceError>> + Send>>;

#[derive(Debug, thiserror::Error)]
enum PieceError {
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    #[error("answers without an end")]
    Endless,
    #[error("says more than 1 MiB at once")]
    Event,
}

/// The pieces of a body, small and bounded in all, each counted in `pending`.
fn pieces(response: Response, pending: Arc<AtomicUsize>) -> Pieces {
    let chunks = response.bytes_stream().map_err(PieceError::from);
    let slices = chunks.map_ok(|mut chunk| {
        let slices = std::iter::from_fn(move || {
            let length = chunk.len().min(SLICE_BYTES);
            (length > 0).then(|| Ok(chunk.split_to(length)))
        });
        stream::iter(slices)
    });
    let mut total = 0_usize;
    Box::pin(slices.try_flatten().and_then(move |slice| {
        total = total.saturating_add(slice.len());
        let unread = pending.fetch_add(slice.len(), Ordering::Relaxed).saturating_add(slice.len());
        std::future::ready(match () {
            () if total > STREAM_BYTES => Err(PieceError::Endless),
            () if unread > EVENT_BYTES => Err(PieceError::Event),
            () => Ok(slice),
        })
    }))
}

fn piece_error(teller: &Teller, error: &PieceError) -> ModelError {
    match error {
        PieceError::Broken(error) => teller.unreachable(error),
        told => teller.malformed(&told.to_string()),
    }
}

/// Server-sent events. The parser keeps what has no end yet, however long; so what it is given between two events is bounded.
pub(super) struct Events<'a> {
    events: Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>,
    pending: Arc<AtomicUsize>,
    teller: &'a Teller,
}

impl<'a> Events<'a> {
    pub(super) fn new(teller: &'a Teller, response: Response) -> Self {
        let pending = Arc::new(AtomicUsize::new(0));
        let pieces = pieces(response, Arc::clone(&pending));
        Self { events: Box::pin(SseStream::from_bytes_stream(pieces)), pending, teller }
    }

    /// The data of the next event that has any; none at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<String>, ModelError> {
        while let Some(event) = self.events.next().await {
            self.pending.store(0, Ordering::Relaxed);
            if let Some(data) = event.map_err(|error| self.failed(error))?.data {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    fn failed(&self, error: sse_stream::Error) -> ModelError {
        let sse_stream::Error::Body(cause) = error else {
            return self.teller.malformed(&format!("says what is no event: {error}"));
        };
        match cause.downcast_ref::<PieceError>() {
            Some(error) => piece_error(self.teller, error),
            None => self.teller.unavailable("broke off"),
        }
    }
}

/// Lines that are not empty.
pub(super) struct Lines<'a> {
    pieces: Pieces,
    buffer: BytesMut,
    codec: LinesCodec,
    pending: Arc<AtomicUsize>,
    teller: &'a Teller,
}

/// A line, or what stands after the last line's end.
pub(super) enum Line {
    /// One with an end.
    Whole(String),
    /// One without: it may go on.
    Rest(String),
}

impl<'a> Lines<'a> {
    pub(super) fn new(teller: &'a Teller, response: Response) -> Self {
        let pending = Arc::new(AtomicUsize::new(0));
        let pieces = pieces(response, Arc::clone(&pending));
        let codec = LinesCodec::new_with_max_length(EVENT_BYTES);
        Self { pieces, buffer: BytesMut::new(), codec, pending, teller }
    }

    /// The next one; none at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ModelError> {
        loop {
            while let Some(line) = self.codec.decode(&mut self.buffer).map_err(|error| self.failed(&error))? {
                if !line.trim().is_empty() {
                    return Ok(Some(Line::Whole(line)));
                }
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Err(piece_error(self.teller, &error)),
                None => break,
            }
            self.pending.store(self.buffer.len(), Ordering::Relaxed);
        }
        let rest = self.codec.decode_eof(&mut self.buffer).map_err(|error| self.failed(&error))?;
        Ok(rest.filter(|rest| !rest.trim().is_empty()).map(Line::Rest))
    }

    fn failed(&self, error: &LinesCodecError) -> ModelError {
        self.teller.malformed(&format!("says what is no line: {error}"))
    }
}
