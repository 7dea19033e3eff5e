//! One request and its response, on a connection of their own.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body::{RequestBody, ResponseBody};
use super::client::HttpClient;
use super::grants::Permitted;
use super::meter::{Account, Metered, NetworkLimits};
use super::{fault, headers};

/// A response's head may take this many bytes, and so may what is buffered of its body.
const HEAD_BYTES: usize = 64 << 10;

/// A response may have this many header fields.
const HEADER_FIELDS: usize = 100;

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
    deadline: Instant,
}

impl Timing {
    /// What the guest asks for, but no more than the host allows.
    pub(super) fn new(limits: &NetworkLimits, asked: Option<RequestOptions>, deadline: Instant) -> Self {
        let asked = asked.unwrap_or_default();
        let clamp = |asked: Option<Duration>, most: Duration| asked.map_or(most, |asked| asked.min(most));
        Self {
            connect: clamp(asked.connect_timeout, limits.connect),
            first_byte: clamp(asked.first_byte_timeout, limits.first_byte),
            between_bytes: clamp(asked.between_bytes_timeout, limits.between_bytes),
            deadline,
        }
    }

    fn by(&self, patience: Duration) -> Instant {
        (Instant::now() + patience).min(self.deadline)
    }
}

/// A response, and the connection that feeds its body for as long as it is held.
pub(super) type Answer = (Response<WasiBody>, AbortOnDropJoinHandle<()>);

/// A permitted request, ready to be sent.
pub(super) struct Exchange {
    pub(super) client: Arc<HttpClient>,
    pub(super) permitted: Permitted,
    pub(super) request: Request<WasiBody>,
    pub(super) timing: Timing,
    pub(super) account: Account,
    pub(super) slot: OwnedSemaphorePermit,
    pub(super) call: watch::Receiver<()>,
}

impl Exchange {
    /// Sends the request, unless the call ends first.
    pub(super) async fn run(self) -> Result<Answer, Error> {
        let call = self.call.clone();
        tokio::select! {
            biased;
            () = ended(call) => Err(Error::ConnectionTerminated),
            answer = self.send() => answer,
        }
    }

    async fn send(self) -> Result<Answer, Error> {
        let Self { client, permitted, request, timing, account, slot, call } = self;
        let request = prepare(request, &permitted, &account)?;
        let by = timing.by(timing.connect);
        let stream = client.connect(&permitted, &account, by).await?;
        let io = TokioIo::new(Metered::new(stream, &account));
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .max_header_size(HEAD_BYTES)
            .max_headers(HEADER_FIELDS)
            .handshake(io)
            .await
            .map_err(|error| fault::from_hyper(&error))?;
        let worker = spawn(drive(connection, slot, call, timing.deadline));
        let response = timeout_at(timing.by(timing.first_byte), sender.send_request(request))
            .await
            .map_err(|_| Error::HttpResponseTimeout)?
            .map_err(|error| fault::from_hyper(&error))?;
        Ok((receive(response, account, timing)?, worker))
    }
}

/// Moves the connection's bytes until it is done, the call is over, or time is up.
async fn drive(
    connection: impl Future<Output = hyper::Result<()>>,
    slot: OwnedSemaphorePermit,
    call: watch::Receiver<()>,
    deadline: Instant,
) {
    tokio::select! {
        biased;
        () = ended(call) => {}
        driven = timeout_at(deadline, connection) => {
            if let Ok(Err(error)) = driven {
                tracing::debug!(%error, "outgoing connection failed");
            }
        }
    }
    drop(slot);
}

/// Resolves when the state of the call is dropped.
async fn ended(mut call: watch::Receiver<()>) {
    while call.changed().await.is_ok() {}
}

/// Makes the request that goes out: to the URL that was checked, in the form that a server expects.
fn prepare(
    request: Request<WasiBody>,
    permitted: &Permitted,
    account: &Account,
) -> Result<Request<RequestBody>, Error> {
    let (mut parts, body) = request.into_parts();
    let url = permitted.url();
    let path_and_query = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    parts.uri =
        Uri::builder().path_and_query(path_and_query).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    parts.version = http::Version::HTTP_11;
    let host = HeaderValue::try_from(permitted.authority()).map_err(|_| Error::HttpRequestUriInvalid)?;
    headers::prepare_request(&mut parts.headers, host);
    Ok(Request::from_parts(parts, RequestBody::new(body, account.clone())))
}

/// Makes the response that the guest sees.
fn receive(
    response: Response<hyper::body::Incoming>,
    account: Account,
    timing: Timing,
) -> Result<Response<WasiBody>, Error> {
    let (mut parts, incoming) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::HttpProtocolError);
    }
    account
        .foresee_download(incoming.size_hint().lower())
        .map_err(|limit| Error::HttpResponseBodySize(Some(limit)))?;
    headers::prepare_response(&mut parts.headers);
    parts.extensions.clear();
    let body = ResponseBody::new(incoming, account, timing.between_bytes, timing.deadline);
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}
