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

use super::body::{CutBody, RequestBody, ResponseBody};
use super::client::{Connected, HttpClient};
use super::grants::Permitted;
use super::meter::{Account, Metered, NetworkLimits};
use super::{fault, headers};
use crate::capability::secret::{Carried, cut_head};

/// A response's head may take this many bytes, and so may what is buffered of its body.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// A response may have this many header fields.
pub(super) const HEADER_FIELDS: usize = 100;

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
    pub(super) carried: Carried,
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
        let Self { client, permitted, request, carried, timing, account, slot, call } = self;
        let by = timing.by(timing.connect);
        let Connected { stream, is_relayed } = client.connect(&permitted, &account, by).await?;
        // Where it goes is decided and has proved to be that: now the secrets may be put in.
        let request = prepare(request, &permitted, &carried, &account)?;
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
        if is_relayed && let Some(error) = fault::told(response.headers()) {
            return Err(error);
        }
        Ok((receive(response, &carried, account, timing)?, worker))
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
    carried: &Carried,
    account: &Account,
) -> Result<Request<RequestBody>, Error> {
    let (mut parts, body) = request.into_parts();
    let mut path_and_query = permitted.path_and_query();
    let host = HeaderValue::try_from(permitted.authority()).map_err(|_| Error::HttpRequestUriInvalid)?;
    headers::prepare_request(&mut parts.headers, host);
    carried.put(&mut path_and_query, &mut parts.headers)?;
    parts.uri =
        Uri::builder().path_and_query(path_and_query).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    parts.version = http::Version::HTTP_11;
    Ok(Request::from_parts(parts, RequestBody::new(body, account.clone())))
}

/// Makes the response that the guest sees.
fn receive(
    response: Response<hyper::body::Incoming>,
    carried: &Carried,
    account: Account,
    timing: Timing,
) -> Result<Response<WasiBody>, Error> {
    let (mut parts, incoming) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::HttpProtocolError);
    }
    if let Some(values) = carried.cut() {
        cut_head(values, &mut parts.headers)?;
    }
    account
        .foresee_download(incoming.size_hint().lower())
        .map_err(|limit| Error::HttpResponseBodySize(Some(limit)))?;
    headers::prepare_response(&mut parts.headers);
    parts.extensions.clear();
    let body = ResponseBody::new(incoming, account, timing.between_bytes, timing.deadline);
    let body = match carried.cut() {
        Some(values) => CutBody::new(body, values).boxed_unsync(),
        None => body.boxed_unsync(),
    };
    Ok(Response::from_parts(parts, body))
}
