//! What the tests share: a resolver and servers that do as told, and a call to make requests in.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use openclaw_package::permission::NetworkRequest;

use super::super::resolve::Resolve;
use super::super::*;
use crate::capability::{Denial, Denials};

/// Answers each name with its list of answers in turn, the last one for ever.
#[derive(Default)]
pub(super) struct FakeResolver {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    pub(super) calls: AtomicUsize,
}

impl FakeResolver {
    pub(super) fn answering(name: &str, answers: &[&[&str]]) -> Self {
        let parsed = answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Self { answers: HashMap::from([(name.to_owned(), parsed.collect())]), calls: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Resolve for FakeResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(answers.get(call).or(answers.last()).cloned().unwrap_or_default())
    }
}

/// A server that hands each connection to a function.
pub(super) async fn serve<F, Fut>(handle: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

/// Reads a request's head, and whatever of its body came with it.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            break;
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A server that answers every request with the same text, and tells of each request's head.
pub(super) async fn canned(response: impl Into<String>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let response: Arc<str> = response.into().into();
    let (heads, received) = mpsc::unbounded_channel();
    let address = serve(move |mut stream| {
        let (response, heads) = (Arc::clone(&response), heads.clone());
        async move {
            let head = read_head(&mut stream).await;
            let _ = heads.send(head);
            let _ = stream.write_all(response.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (address, received)
}

/// A server that writes the same piece again and again after a beginning.
pub(super) async fn endless(beginning: &'static str, piece: &'static str, pause: Duration) -> SocketAddr {
    serve(move |mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(beginning.as_bytes()).await;
        while stream.write_all(piece.as_bytes()).await.is_ok() {
            // Even the shortest sleep is a millisecond.
            if pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(pause).await;
            }
        }
    })
    .await
}

pub(super) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// An entry of a manifest.
pub(super) fn entry(methods: &str, url: &str, internal: bool) -> NetworkRequest {
    NetworkRequest {
        url: url.parse().unwrap(),
        methods: methods.parse().unwrap(),
        reason: "a test".parse().unwrap(),
        internal,
    }
}

pub(super) fn rules(texts: &[&str]) -> Vec<NetworkRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(super) fn grants(requests: Vec<NetworkRequest>, allow: &[&str], deny: &[&str]) -> NetworkGrants {
    NetworkGrants::new("acme/web", requests, rules(allow), rules(deny))
}

/// Grants of everything at one address or name of the loopback interface.
pub(super) fn local(origin: &str) -> NetworkGrants {
    let methods = "GET,HEAD,POST,PUT,DELETE";
    let rule = format!("network:internal * {origin}/");
    grants(vec![entry(methods, &format!("{origin}/"), true)], &[&rule], &[])
}

/// One call of a skill.
pub(super) struct Call {
    pub(super) state: NetworkState,
    pub(super) denials: Denials,
    connections: Mutex<Vec<AbortOnDropJoinHandle<()>>>,
}

pub(super) struct CallOptions {
    pub(super) limits: NetworkLimits,
    pub(super) client: HttpClientOptions,
    pub(super) time: Duration,
    pub(super) secrets: Arc<SecretValues>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            limits: NetworkLimits::default(),
            client: HttpClientOptions { ca_file: None, resolver: Arc::new(FakeResolver::default()) },
            time: Duration::from_secs(20),
            secrets: Arc::default(),
        }
    }
}

impl Call {
    pub(super) fn new(grants: NetworkGrants, options: CallOptions) -> Self {
        let denials = Denials::default();
        let state = NetworkState::new(Means {
            grants: Arc::new(grants),
            client: Arc::new(HttpClient::new(options.client)),
            denials: denials.clone(),
            limits: options.limits,
            secrets: Some(options.secrets),
            deadline: Instant::now() + options.time,
        });
        Self { state, denials, connections: Mutex::default() }
    }

    /// A call in a worker, which has no values and whose connections its host opens.
    pub(super) fn of_worker(grants: NetworkGrants, host: Arc<dyn dial::Dial>) -> Self {
        let denials = Denials::default();
        let state = NetworkState::new(Means {
            grants: Arc::new(grants),
            client: Arc::new(HttpClient::dialling_through(host, None, false)),
            denials: denials.clone(),
            limits: NetworkLimits::default(),
            secrets: None,
            deadline: Instant::now() + Duration::from_secs(20),
        });
        Self { state, denials, connections: Mutex::default() }
    }

    pub(super) fn simple(grants: NetworkGrants) -> Self {
        Self::new(grants, CallOptions::default())
    }

    pub(super) fn limited(grants: NetworkGrants, limits: NetworkLimits) -> Self {
        Self::new(grants, CallOptions { limits, ..CallOptions::default() })
    }

    pub(super) async fn get(&mut self, url: &str) -> Result<http::Response<WasiBody>, Error> {
        self.send(request("GET", url, "")).await
    }

    pub(super) async fn send(
        &mut self,
        request: http::Request<WasiBody>,
    ) -> Result<http::Response<WasiBody>, Error> {
        self.send_with(request, None).await
    }

    pub(super) async fn send_with(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let sent = self.state.hooks.send_request(request, options, Box::new(async { Ok(()) }));
        let (response, connection) = Pin::from(sent).await?;
        // As the guest's bindings do: the connection is driven beside the body.
        let driven = wasmtime_wasi::runtime::spawn(async move { Pin::from(connection).await.unwrap() });
        self.connections.lock().unwrap().push(driven);
        Ok(response)
    }

    pub(super) fn denied(&self) -> Vec<Denial> {
        self.denials.take().0
    }
}

pub(super) fn request(method: &str, url: &str, body: &'static str) -> http::Request<WasiBody> {
    http::Request::builder().method(method).uri(url).body(full(body)).unwrap()
}

pub(super) fn full(body: &'static str) -> WasiBody {
    Full::new(Bytes::from_static(body.as_bytes())).map_err(|never| match never {}).boxed_unsync()
}

pub(super) async fn text(response: http::Response<WasiBody>) -> Result<String, Error> {
    let collected = response.into_body().collect().await?;
    Ok(String::from_utf8(collected.to_bytes().to_vec()).unwrap())
}
