//! Listening: connections that are bounded in number, in the size of their heads and in how slow they may be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use openclaw_listen::{Crowd, Patient, network};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::error::{Fault, Result};
use crate::http::{App, ClientAddress, router};
use crate::limits::Limits;

/// The most header lines of a request.
const MAX_HEADERS: usize = 64;

/// How long requests that are being answered are waited for at the end.
const SHUTDOWN_TIME: Duration = Duration::from_secs(20);

/// How often it is forgotten who has not asked for long.
const FORGET_TIME: Duration = Duration::from_secs(60);

/// Takes an address.
///
/// # Errors
///
/// [`Fault::Listen`] where another program has it.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let failed = |error| Fault::Listen { address: address.to_string(), error };
    Ok(TcpListener::bind(address).await.map_err(failed)?)
}

/// Answers requests until it is told to stop, and then until those that came before are answered.
pub async fn run(app: App, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = app.registry.limits().clone();
    let rates = Arc::clone(&app.rates);
    let forget = tokio::spawn(async move {
        loop {
            tokio::time::sleep(FORGET_TIME).await;
            rates.forget_idle();
        }
    });
    let crowd = (!app.rates.trusts_forwarded()).then(|| Crowd::new(limits.connections.div_ceil(4)));
    let router = router(app);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let member = match crowd.as_ref().map(|crowd| crowd.join(network(peer.ip()))) {
                    // Who has that many is told nothing, which would take time.
                    Some(None) => continue,
                    member => member.flatten(),
                };
                let connection = graceful.watch(connection(&limits, router.clone(), stream, peer));
                tokio::spawn(async move {
                    // A client that goes away or is too slow is no fault of ours.
                    let _ = connection.await;
                    drop((member, place));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    tracing::info!("the server stops, once what was asked is answered");
    drop(listener);
    forget.abort();
    if tokio::time::timeout(SHUTDOWN_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered before the end");
    }
}

type Connection<S> = http1::Connection<TokioIo<Patient>, S>;

/// One connection, ready to be waited for.
fn connection(
    limits: &Limits,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
) -> Connection<
    impl hyper::service::HttpService<Incoming, ResBody = Body, Error = std::convert::Infallible, Future: Send>
    + use<>,
> {
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(peer.ip()));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_size)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.idle_time)), service)
}
