//! A small HTTP server that says what a test wants, byte by byte and as slowly as it wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::World;

/// A request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// How a body is sent.
#[derive(Debug, Clone)]
pub enum Body {
    Whole,
    /// The connection ends after so many bytes of what was promised.
    CutAfter(usize),
    /// A byte at a time.
    Drip(Duration),
    /// Again and again, without an end.
    Endless,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    pub body: Body,
}

impl Answer {
    pub fn new(status: u16, kind: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Self { status, headers, bytes: bytes.into(), body: Body::Whole }
    }

    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", text)
    }

    pub fn error(status: u16, code: &str) -> Self {
        let text = format!(r#"{{"error":{{"code":"{code}","message":"it is so","hint":"do that"}}}}"#);
        Self::new(status, "application/json", text)
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302, "text/plain", "").with("location", to)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Lie = Box<dyn FnMut(&Request, Answer) -> Answer + Send>;

#[derive(Default)]
struct Shared {
    lies: Vec<(String, Lie)>,
    requests: Vec<Request>,
}

/// A server on a port of its own.
#[derive(Clone)]
pub struct Server {
    pub url: String,
    pub world: Arc<Mutex<World>>,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub async fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, world: Arc::new(Mutex::new(world)), shared: Arc::default() };
        let running = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = running.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// From now on, answers to paths that begin so go through a closure.
    pub fn lie(&self, prefix: &str, lie: impl FnMut(&Request, Answer) -> Answer + Send + 'static) {
        self.shared.lock().unwrap().lies.push((prefix.to_owned(), Box::new(lie)));
    }

    /// Every answer is what the world says again.
    pub fn be_honest(&self) {
        self.shared.lock().unwrap().lies.clear();
    }

    /// All requests whose path begins so.
    pub fn requests(&self, prefix: &str) -> Vec<Request> {
        let shared = self.shared.lock().unwrap();
        shared.requests.iter().filter(|request| request.path.starts_with(prefix)).cloned().collect()
    }

    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    /// The same registry by way of TLS, under its own certificate; gives the URL for a host of that name.
    pub async fn start_tls(&self, host: &str, config: tokio_rustls::rustls::ServerConfig) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, acceptor) = (server.clone(), acceptor.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        server.serve(stream).await;
                    }
                });
            }
        });
        format!("https://{host}:{port}")
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(request) = read(&mut stream).await else { return };
        let honest = self.world(|world| world.answer(&request));
        let answer = {
            let mut shared = self.shared.lock().unwrap();
            shared.requests.push(request.clone());
            let lies = shared.lies.iter_mut().filter(|(prefix, _)| request.path.starts_with(prefix.as_str()));
            lies.fold(honest, |answer, (_, lie)| lie(&request, answer))
        };
        let _ = write(&mut stream, &answer).await;
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    assert!(!headers.contains_key("transfer-encoding"), "uploads say how long they are");
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, path, headers, body })
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !matches!(answer.body, Body::Endless) {
        head += &format!("content-length: {}\r\n", answer.bytes.len());
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    match answer.body {
        Body::Whole => stream.write_all(&answer.bytes).await?,
        Body::CutAfter(length) => stream.write_all(&answer.bytes[..length]).await?,
        Body::Drip(pause) => {
            for byte in &answer.bytes {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
        Body::Endless => loop {
            stream.write_all(&answer.bytes).await?;
        },
    }
    stream.shutdown().await
}
