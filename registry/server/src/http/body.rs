//! Bodies of requests: JSON of a bounded size that arrives in time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::{App, Failure};
use crate::error::{Error, Refusal};
use crate::limits::BODY_SIZE;

/// A body of JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            let fact = "the body is not sent as application/json";
            return Err(malformed(fact.to_owned()).into());
        }
        let idle = app.registry.limits().idle_time;
        let bytes = collect(request.into_body(), idle).await?;
        let value = serde_json::from_slice(&bytes);
        Ok(Self(value.map_err(|error| malformed(format!("the body cannot be read: {error}")))?))
    }
}

fn malformed(fact: String) -> Error {
    Refusal::malformed("invalid-body", fact, "the forms of bodies are in /openapi.json").into()
}

async fn collect(body: Body, idle: Duration) -> Result<Vec<u8>, Error> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = next(&mut stream, idle).await? {
        bytes.extend(chunk);
        if bytes.len() > BODY_SIZE {
            return Err(Refusal::TooLarge { what: "body", limit: BODY_SIZE as u64 }.into());
        }
    }
    Ok(bytes)
}

/// The next bytes of a body, if they come before the client has been silent for too long.
pub(super) async fn next<E>(
    stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    idle: Duration,
) -> Result<Option<Bytes>, Error> {
    match tokio::time::timeout(idle, stream.next()).await {
        Err(_) => Err(Refusal::TooSlow.into()),
        Ok(None) => Ok(None),
        Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        Ok(Some(Err(_))) => Err(malformed("the body ended early".to_owned())),
    }
}
