//! HTTP by way of the host: `wasi:http`, which checks every request against the owner's grants.

use std::time::Duration;

use openclaw_skill::{Error, Result};
use url::Url;
use wstd::http::body::{Bytes, util::Empty};
use wstd::http::{self as wasi, Body, BodyExt, Client, ErrorCode, Request};

use crate::http::{self, Answer, Http};

const AGENT: &str = concat!("openclaw-", env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
const WAIT: Duration = Duration::from_secs(20);
/// Bytes of an answer; one that is longer is an error.
const BODY: usize = 4 << 20;

/// The host's network.
pub struct Wasi;

impl Http for Wasi {
    fn get(&self, url: &Url) -> Result<Answer> {
        match wstd::runtime::block_on(get(url)) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Error::failed(format!("GET {url}: the answer is longer than {BODY} bytes"))),
            Err(error) => Err(explain(url, &error)),
        }
    }
}

async fn get(url: &Url) -> wasi::Result<Option<Answer>> {
    let request = Request::get(url.as_str())
        .header("user-agent", AGENT)
        .header("accept", "application/vnd.github+json")
        // Not `Body::empty()`, which is written all the same and fails if the answer came sooner.
        .body(Body::from_http_body(Empty::<Bytes>::new()))?;
    let mut client = Client::new();
    client.set_first_byte_timeout(WAIT);
    client.set_between_bytes_timeout(WAIT);
    let (head, body) = client.send(request).await?.into_parts();
    let mut answer = Answer { status: head.status.as_u16(), body: Vec::new() };
    let mut body = body.into_boxed_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            answer.body.extend_from_slice(&data);
        }
        if answer.body.len() > BODY {
            return Ok(None);
        }
    }
    Ok(Some(answer))
}

fn explain(url: &Url, error: &wasi::Error) -> Error {
    match error.downcast_ref() {
        Some(ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited) => http::denied(url),
        Some(ErrorCode::InternalError(Some(why))) => Error::failed(format!("GET {url}: {why}")),
        _ => Error::failed(format!("GET {url}: {error:#}")),
    }
}
