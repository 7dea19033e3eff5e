//! Bodies that are charged to the call as they pass, and that end when time is up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::fault;
use super::headers;
use super::meter::Account;
use crate::capability::secret::{cut_fields, stream};
use crate::redact::{Stream, Values};

/// A guest's request body: bytes are charged, trailers are left out.
pub(super) struct RequestBody {
    inner: WasiBody,
    account: Account,
}

impl RequestBody {
    pub(super) fn new(inner: WasiBody, account: Account) -> Self {
        Self { inner, account }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(cx)?) else {
            return Poll::Ready(None);
        };
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        Poll::Ready(Some(match self.account.upload(data.len() as u64) {
            Ok(()) => Ok(Frame::data(data)),
            Err(limit) => Err(Error::HttpRequestBodySize(Some(limit))),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A server's response body: bytes are charged, silence and the deadline end it.
pub(super) struct ResponseBody {
    incoming: Incoming,
    account: Account,
    between_bytes: Duration,
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
    /// The timer runs while the guest waits, not while it is busy with what it has read.
    waiting: bool,
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        account: Account,
        between_bytes: Duration,
        deadline: Instant,
    ) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(deadline));
        Self { incoming, account, between_bytes, deadline, timer, waiting: false }
    }

    /// Resolves, always to an error, once the guest has waited too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if !self.waiting {
            self.waiting = true;
            let patience = Instant::now() + self.between_bytes;
            self.timer.as_mut().reset(patience.min(self.deadline));
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(self.lateness())
    }

    fn lateness(&self) -> Error {
        if Instant::now() >= self.deadline {
            Error::HttpResponseTimeout
        } else {
            Error::ConnectionReadTimeout
        }
    }

    fn accept(&self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Error> {
        match frame.into_data() {
            Ok(data) => match self.account.download(data.len() as u64) {
                Ok(()) => Ok(Frame::data(data)),
                Err(limit) => Err(Error::HttpResponseBodySize(Some(limit))),
            },
            Err(frame) => Ok(frame.into_trailers().map_or_else(
                |_| Frame::data(Bytes::new()),
                |mut trailers| {
                    headers::prepare_response(&mut trailers);
                    Frame::trailers(trailers)
                },
            )),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // A server that never pauses would never meet the timer.
        if Instant::now() >= self.deadline {
            return Poll::Ready(Some(Err(Error::HttpResponseTimeout)));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.poll_patience(cx).map(|error| Some(Err(error)));
        };
        self.waiting = false;
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => self.accept(frame),
            Err(error) => Err(fault::from_hyper(&error)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response body out of which the values of secrets are cut, also where they are split between two pieces.
pub(super) struct CutBody {
    inner: ResponseBody,
    values: Arc<Values>,
    /// None when all has been given out.
    stream: Option<Stream>,
    trailers: Option<Frame<Bytes>>,
}

impl CutBody {
    pub(super) fn new(inner: ResponseBody, values: &Arc<Values>) -> Self {
        Self { inner, values: Arc::clone(values), stream: Some(stream(values)), trailers: None }
    }

    /// What is still held back when the body ends.
    fn rest(&mut self) -> Option<Frame<Bytes>> {
        let rest = self.stream.take().map(Stream::finish).filter(|rest| !rest.is_empty());
        rest.map(|rest| Frame::data(rest.into())).or_else(|| self.trailers.take())
    }

    /// What of a frame can be given out now.
    fn cut(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        match frame.into_data() {
            Ok(data) => {
                let given = self.stream.as_mut().map(|stream| stream.push(&data))?;
                (!given.is_empty()).then(|| Frame::data(given.into()))
            }
            Err(frame) => {
                let mut trailers = frame.into_trailers().ok()?;
                cut_fields(&self.values, &mut trailers);
                self.trailers = Some(Frame::trailers(trailers));
                self.rest()
            }
        }
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        while self.stream.is_some() {
            let given = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => self.cut(frame),
                Some(Err(error)) => {
                    // What is held back may be a part of a value, of which the rest will not come.
                    self.stream = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => break,
            };
            if let Some(frame) = given {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
        Poll::Ready(self.rest().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.trailers.is_none()
    }
}
