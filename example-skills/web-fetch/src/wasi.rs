//! HTTP by way of the host: `wasi:http`, which checks every request against the owner's grant.

use std::time::Duration;

use openclaw_skill::{Error, Result};
use url::Url;
use wstd::http::body::{Bytes, util::Empty};
use wstd::http::{self as wasi, Body, BodyExt, Client, ErrorCode, Request};

use crate::http::{self, Answer, Http};

const AGENT: &str = concat!("openclaw-", env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
const ACCEPT: &str = "text/html, application/xhtml+xml, text/plain;q=0.9, application/json;q=0.9, */*;q=0.1";
const CONNECT: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_secs(20);

/// The host's network.
pub struct Wasi;

impl Http for Wasi {
    fn get(&self, url: &Url, most: usize) -> Result<Answer> {
        wstd::runtime::block_on(get(url, most)).map_err(|error| explain(url, &error))
    }
}

async fn get(url: &Url, most: usize) -> wasi::Result<Answer> {
    let request = Request::get(url.as_str())
        .header("user-agent", AGENT)
        .header("accept", ACCEPT)
        .header("accept-encoding", "identity")
        // Not `Body::empty()`, which is written all the same and fails if the answer came sooner.
        .body(Body::from_http_body(Empty::<Bytes>::new()))?;
    let mut client = Client::new();
    client.set_connect_timeout(CONNECT);
    client.set_first_byte_timeout(WAIT);
    client.set_between_bytes_timeout(WAIT);

    let (head, body) = client.send(request).await?.into_parts();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer = Answer {
        status: head.status.as_u16(),
        content_type: header("content-type"),
        content_encoding: header("content-encoding"),
        location: header("location"),
        ..Answer::default()
    };

    let mut body = body.into_boxed_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            answer.body.extend_from_slice(&data);
        }
        if answer.body.len() > most {
            answer.body.truncate(most);
            answer.cut = true;
            break;
        }
    }
    Ok(answer)
}

fn explain(url: &Url, error: &wasi::Error) -> Error {
    match error.downcast_ref() {
        Some(ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited) => http::denied(url),
        Some(ErrorCode::InternalError(Some(why))) => Error::failed(format!("GET {url}: {why}")),
        _ => Error::failed(format!("GET {url}: {error:#}")),
    }
}
