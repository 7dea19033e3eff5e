//! Requests of a worker that carry secrets: the worker sends them to its host in the clear, and the host, which alone has
//! the values, decides on each anew, sends it on, and cuts the values out of the response.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use url::Url;
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::exchange::{HEAD_BYTES, HEADER_FIELDS};
use super::grants::path_and_query;
use super::{Means, Session, fault};
use crate::capability::Denial;

/// Sends on what the worker of one call may not send itself.
pub(crate) struct Relay(Session);

impl Relay {
    /// A relay for a call.
    pub(crate) fn new(means: Means) -> Self {
        Self(Session::new(means))
    }

    /// Whether requests to a URL that was permitted carry secrets, and so go through here.
    ///
    /// # Errors
    /// They would, and a secret is not granted or has no value: recorded here.
    pub(crate) fn takes(&self, url: &Url) -> Result<bool, Denial> {
        let carried = self.0.carry(url, &http::HeaderMap::new());
        let carried = carried.inspect_err(|denial| self.0.means.denials.record(denial.clone()))?;
        Ok(!carried.is_empty())
    }

    /// Serves the one request of a connection, which must be the one that the connection was wished for.
    pub(crate) async fn serve(&self, method: Method, url: Url, stream: UnixStream) {
        let is_used = AtomicBool::new(false);
        let service = service_fn(|request| async {
            let answer = match is_used.swap(true, Ordering::SeqCst) {
                false => self.send_on(&method, &url, request).await,
                true => Err(Error::HttpRequestDenied),
            };
            Ok::<_, std::convert::Infallible>(match answer {
                Ok(response) => response,
                Err(error) => fault::tell::<Held>(&error),
            })
        });
        let served = hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .keep_alive(false)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADER_FIELDS)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a worker did not hear its answer out");
        }
    }

    async fn send_on(
        &self,
        method: &Method,
        url: &Url,
        request: Request<Incoming>,
    ) -> Result<Response<Held>, Error> {
        let (mut parts, body) = request.into_parts();
        let asked = parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        if parts.method != *method || asked != Some(path_and_query(url)) {
            return Err(Error::HttpRequestDenied);
        }
        parts.uri = url.as_str().parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
        let body = body.map_err(|error| fault::from_hyper(&error)).boxed_unsync();
        let exchange = self.0.admit(Request::from_parts(parts, body), None)?;
        let (mut response, connection) = exchange.run().await?;
        fault::strip(response.headers_mut());
        Ok(response.map(|body| Held { body: Some(body), _connection: Some(connection) }))
    }
}

/// A response's body, with the connection that feeds it.
#[derive(Default)]
struct Held {
    body: Option<WasiBody>,
    _connection: Option<AbortOnDropJoinHandle<()>>,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
