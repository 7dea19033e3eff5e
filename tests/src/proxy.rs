//! A proxy in front of a real registry, which passes everything through until it is told to lie.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::{Answer, Request};
use crate::registry::Registry;

/// How an answer is sent.
#[derive(Clone, Debug)]
pub enum Way {
    /// As it is.
    Whole(Answer),
    /// With its whole length in the head, and no more than so many bytes of the body.
    Cut(Answer, usize),
    /// A byte at a time, with a pause after each.
    Drip(Answer, Duration),
    /// Its body again and again, without an end.
    Endless(Answer),
    /// Not at all: the connection stays open, and nothing comes.
    Silent,
}

/// What is answered to a request; the answer of the real registry is there for the asking.
type Lie = dyn Fn(&Request, &dyn Fn(&Request) -> Answer) -> Option<Way> + Send + Sync;

struct Shared {
    upstream: Mutex<SocketAddr>,
    lies: Mutex<Vec<(String, Arc<Lie>)>>,
    requests: Mutex<Vec<Request>>,
}

/// A proxy; it serves until the test process ends.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy in front of a registry.
    #[must_use]
    pub fn before(registry: &Registry) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            upstream: Mutex::new(registry.address()),
            lies: Mutex::default(),
            requests: Mutex::default(),
        });
        let proxy = Self { address, shared };
        let serving = proxy.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let proxy = serving.clone();
                std::thread::spawn(move || proxy.serve(&stream));
            }
        });
        proxy
    }

    /// The URL under which clients know the registry.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes what is not lied about to another registry from now on.
    pub fn turn_to(&self, registry: &Registry) {
        *self.shared.upstream.lock().expect("no panic") = registry.address();
    }

    /// Answers requests for a path, or for all that begin with it where it ends in `*`, as the closure says; where
    /// that says nothing, honestly. Of several for one path the newest counts.
    pub fn lie(
        &self,
        path: &str,
        lie: impl Fn(&Request, &dyn Fn(&Request) -> Answer) -> Option<Way> + Send + Sync + 'static,
    ) {
        self.shared.lies.lock().expect("no panic").push((path.to_owned(), Arc::new(lie)));
    }

    /// Changes what the registry answers.
    pub fn rewrite(&self, path: &str, change: impl Fn(Answer) -> Answer + Send + Sync + 'static) {
        self.lie(path, move |request, honest| Some(Way::Whole(change(honest(request)))));
    }

    /// Changes the body that the registry answers.
    pub fn rewrite_text(&self, path: &str, change: impl Fn(String) -> String + Send + Sync + 'static) {
        self.rewrite(path, move |answer| {
            let body = change(answer.text()).into_bytes();
            Answer { body, ..answer }
        });
    }

    /// Answers always the same.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.lie(path, move |_, _| Some(Way::Whole(answer.clone())));
    }

    /// Sends the registry's answer in another way.
    pub fn send(&self, path: &str, way: impl Fn(Answer) -> Way + Send + Sync + 'static) {
        self.lie(path, move |request, honest| Some(way(honest(request))));
    }

    /// Sends the registry's first answer in another way, and all later ones as they are.
    pub fn send_once(&self, path: &str, way: impl Fn(Answer) -> Way + Send + Sync + 'static) {
        let count = AtomicUsize::new(0);
        self.lie(path, move |request, honest| {
            (count.fetch_add(1, Ordering::Relaxed) == 0).then(|| way(honest(request)))
        });
    }

    /// Answers with what another registry answers.
    pub fn borrow(&self, path: &str, other: &Registry) {
        let other = other.address();
        self.lie(path, move |request, _| Some(Way::Whole(forward(request, other))));
    }

    /// What the registry answers now, to be served again later.
    pub fn record(&self, target: &str) -> Answer {
        forward(&Request::get(target), *self.shared.upstream.lock().expect("no panic"))
    }

    /// Tells no lies any more.
    pub fn be_honest(&self) {
        self.shared.lies.lock().expect("no panic").clear();
    }

    /// The requests that came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("no panic").clone()
    }

    /// The requests that came for paths that begin so.
    pub fn requests_for(&self, start: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path().starts_with(start)).collect()
    }

    /// Forgets the requests that came.
    pub fn forget(&self) {
        self.shared.requests.lock().expect("no panic").clear();
    }

    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let _ = stream.set_nodelay(true);
        let Some(request) = Request::read(&mut BufReader::new(stream)) else { return };
        self.shared.requests.lock().expect("no panic").push(request.clone());
        let lies: Vec<Arc<Lie>> = {
            let lies = self.shared.lies.lock().expect("no panic");
            let about = |(path, _): &&(String, Arc<Lie>)| matches(path, request.path());
            lies.iter().rev().filter(about).map(|(_, lie)| Arc::clone(lie)).collect()
        };
        let upstream = *self.shared.upstream.lock().expect("no panic");
        let honest = |request: &Request| forward(request, upstream);
        let told = lies.iter().find_map(|lie| lie(&request, &honest));
        // A client that has gone does not matter.
        let _ = send(stream, told.unwrap_or_else(|| Way::Whole(honest(&request))));
    }
}

/// What a registry answers; one that is gone is a bad gateway.
fn forward(request: &Request, to: SocketAddr) -> Answer {
    let failed = |error: std::io::Error| Answer::new(502, "text/plain", error.to_string());
    request.send(to).unwrap_or_else(failed)
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    }
}

fn send(mut stream: &TcpStream, way: Way) -> std::io::Result<()> {
    match way {
        Way::Whole(answer) => {
            stream.write_all(answer.head(Some(answer.body.len())).as_bytes())?;
            stream.write_all(&answer.body)
        }
        Way::Cut(answer, length) => {
            stream.write_all(answer.head(Some(answer.body.len())).as_bytes())?;
            stream.write_all(&answer.body[..length.min(answer.body.len())])
        }
        Way::Drip(answer, pause) => {
            stream.write_all(answer.head(Some(answer.body.len())).as_bytes())?;
            for byte in &answer.body {
                stream.write_all(&[*byte])?;
                std::thread::sleep(pause);
            }
            Ok(())
        }
        Way::Endless(answer) => {
            stream.write_all(answer.head(None).as_bytes())?;
            let piece = answer.body.repeat(65_536 / answer.body.len().max(1) + 1);
            loop {
                stream.write_all(&piece)?;
            }
        }
        Way::Silent => {
            // Until the client closes.
            let _ = std::io::Read::read(&mut stream, &mut [0]);
            Ok(())
        }
    }
}
