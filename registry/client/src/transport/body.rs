//! Bodies, read under a bound and at no less than the least rate.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::Response;

use super::options::Timeouts;
use super::{HttpError, Kind};
use crate::text::shown;

/// Measures how fast an answer comes.
#[derive(Debug)]
pub(crate) struct Pace {
    what: &'static str,
    timeouts: Timeouts,
    start: Instant,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(kind: Kind, timeouts: Timeouts) -> Self {
        Self { what: kind.name, timeouts, start: Instant::now(), bytes: 0 }
    }

    /// Counts what came, and refuses a drip.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<(), HttpError> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let (elapsed, least) = (self.start.elapsed(), self.timeouts.least_rate);
        let due = elapsed.as_secs_f64() * least as f64;
        if elapsed > self.timeouts.grace && (self.bytes as f64) < due {
            return Err(HttpError::TooSlow { what: self.what, least });
        }
        Ok(())
    }
}

/// Checks that a document is served as what it is, and not compressed.
pub(crate) fn check_type(kind: Kind, headers: &HeaderMap) -> Result<(), HttpError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?")).unwrap_or_default();
    let encoding = text(CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(HttpError::Encoded { what: kind.name, found: shown(encoding) });
    }
    let found = text(CONTENT_TYPE);
    let essence = found.split(';').next().unwrap_or_default().trim();
    if !kind.types.iter().any(|expected| essence.eq_ignore_ascii_case(expected)) {
        let expected = kind.types.first().copied().unwrap_or_default();
        return Err(HttpError::ContentType { what: kind.name, found: shown(found), expected });
    }
    Ok(())
}

/// Reads a body of at most `max` bytes.
pub(super) async fn read(
    kind: Kind,
    mut response: Response,
    max: u64,
    timeouts: Timeouts,
) -> Result<Bytes, HttpError> {
    let too_large = || HttpError::TooLarge { what: kind.name, max };
    if response.content_length().is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut pace = Pace::new(kind, timeouts);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(kind, error))? {
        if (body.len() + chunk.len()) as u64 > max {
            return Err(too_large());
        }
        pace.count(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What an error in the middle of a body means.
pub(crate) fn broken(kind: Kind, error: reqwest::Error) -> HttpError {
    if error.is_timeout() {
        return HttpError::Timeout { what: kind.name };
    }
    HttpError::Truncated { what: kind.name, detail: innermost(&error) }
}

/// The first cause of an error, in words; the outer ones only say that something failed.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shown(&cause.to_string())
}
