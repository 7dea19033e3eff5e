//! Bodies of requests: bounded in size, and in the time that they take to arrive. It goes for every route.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, Sleep};

use super::answer::Refusal;
use crate::limits::Limits;

/// Bytes that are set aside for a body whose length was told.
const AHEAD: usize = 64 << 10;

/// Why a body did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body ended early, or its framing is wrong")]
    Broken,
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body-too-slow"),
            BodyError::Broken => (StatusCode::BAD_REQUEST, "broken-body"),
        };
        Self::new(status, code, error.to_string(), None)
    }
}

/// Refuses a body that says beforehand that it is too large.
pub(super) fn check_length(headers: &HeaderMap, most: usize) -> Result<(), Refusal> {
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > most as u64) {
        return Err(BodyError::TooLarge(most).into());
    }
    Ok(())
}

/// A body that fails once it is too large or too slow.
pub(super) struct Bounded {
    body: Body,
    left: usize,
    most: usize,
    end: Instant,
    idle: Duration,
    /// There only while nothing arrives.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Bounded {
    pub(super) fn new(body: Body, most: usize, limits: &Limits) -> Self {
        let end = Instant::now() + limits.body_time;
        Self { body, left: most, most, end, idle: limits.idle_time, sleep: None }
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.sleep = None;
                let length = frame.data_ref().map_or(0, Bytes::len);
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => return Poll::Ready(Some(Err(BodyError::TooLarge(self.most)))),
                }
                // Who sends a byte now and then is no better than who sends none.
                if Instant::now() > self.end {
                    return Poll::Ready(Some(Err(BodyError::TooSlow)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyError::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let until = self.end.min(Instant::now() + self.idle);
                let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                match sleep.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::TooSlow))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request as JSON text, which is not parsed here.
pub(super) async fn json_text(request: Request) -> Result<String, Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let message = "the body is not sent as application/json";
        let hint = Some("send Content-Type: application/json");
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            message,
            hint,
        ));
    }
    let bytes = collect(request.into_body()).await?;
    let malformed = |_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "malformed-input",
            "the input is not JSON: it is not UTF-8",
            None,
        )
    };
    String::from_utf8(bytes.into()).map_err(malformed)
}

async fn collect(mut body: Body) -> Result<Bytes, Refusal> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(AHEAD).min(AHEAD);
    let mut whole: Option<BytesMut> = None;
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cause(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        match &mut whole {
            Some(whole) => whole.extend_from_slice(&data),
            // Most bodies are one frame, which need not be copied.
            None if first.is_empty() => first = data,
            None => {
                let mut bytes = BytesMut::with_capacity(told.max(first.len() + data.len()));
                bytes.extend_from_slice(&first);
                bytes.extend_from_slice(&data);
                whole = Some(bytes);
            }
        }
    }
    Ok(whole.map_or(first, BytesMut::freeze))
}

/// Axum puts errors of bodies into boxes of its own.
fn cause(error: &axum::Error) -> BodyError {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<BodyError>() {
            return *error;
        }
        source = error.source();
    }
    BodyError::Broken
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream::{self, StreamExt as _};

    use super::*;

    fn limits() -> Limits {
        let (idle_time, body_time) = (Duration::from_millis(100), Duration::from_millis(400));
        Limits { body_bytes: 10, body_time, idle_time, ..Limits::default() }
    }

    async fn arrived(body: Body) -> Result<Bytes, String> {
        let bounded = Body::new(Bounded::new(body, limits().body_bytes, &limits()));
        collect(bounded).await.map_err(|refusal| refusal.into_error().code)
    }

    fn pieces(count: usize, pause: Duration) -> Body {
        let one = move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>("x")
        };
        Body::from_stream(stream::iter(0..count).then(one))
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_size_and_in_time() {
        assert_eq!(arrived(Body::from("0123456789")).await.unwrap(), "0123456789");
        assert_eq!(arrived(pieces(10, Duration::ZERO)).await.unwrap(), "xxxxxxxxxx");
        assert_eq!(arrived(Body::from("0123456789a")).await.unwrap_err(), "body-too-large");
        assert_eq!(arrived(pieces(11, Duration::ZERO)).await.unwrap_err(), "body-too-large");
        assert_eq!(arrived(pieces(2, Duration::from_secs(60))).await.unwrap_err(), "body-too-slow");
        assert_eq!(arrived(pieces(10, Duration::from_millis(60))).await.unwrap_err(), "body-too-slow");
    }
}
