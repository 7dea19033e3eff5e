//! A server on the loopback interface that behaves as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server; it serves until the test process ends.
#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that hands each connection, and the head of its request, to `serve`.
    pub fn start(serve: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> Self {
        Self::start_raw(move |stream, heads| {
            let head = read_head(&stream);
            heads.lock().expect("no panic").push(head.clone());
            if !head.is_empty() {
                serve(&head, stream);
            }
        })
    }

    /// A server that hands over each connection before anything is read.
    pub fn start_raw(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (serve, theirs) = (Arc::new(serve), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serve, heads) = (Arc::clone(&serve), Arc::clone(&theirs));
                // Nobody waits for a client that never finishes.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                std::thread::spawn(move || serve(stream, &heads));
            }
        });
        Self { address, heads }
    }

    /// A server that answers every request with this text.
    pub fn saying(body: &str) -> Self {
        let response = text_response(body);
        Self::start(move |_, stream| send(stream, &response))
    }

    /// A server that answers everything with the same JSON.
    pub fn saying_json(body: &str) -> Self {
        let response = json_response(body);
        Self::start(move |_, stream| send(stream, &response))
    }

    /// A server that answers with the head of the request.
    pub fn echoing() -> Self {
        Self::start(|head, stream| send(stream, &text_response(head)))
    }

    /// A server that answers the head and the body of each request with what it is told.
    pub fn exchanging(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self::start_raw(move |stream, heads| {
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {
                let line = head.trim_end().lines().last().unwrap_or_default().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                heads.lock().expect("no panic").push(head.clone());
                send(stream, &answer(&head, &String::from_utf8_lossy(&body)));
            }
        })
    }

    /// A server that answers with exactly these bytes.
    pub fn answering(response: &str) -> Self {
        let response = response.to_owned();
        Self::start(move |_, stream| send(stream, &response))
    }

    /// A server that begins an answer and then repeats a piece without end, with a pause after each.
    pub fn endless(beginning: &str, piece: &str, pause: Duration) -> Self {
        let (beginning, piece) = (beginning.to_owned(), piece.to_owned());
        Self::start(move |_, mut stream| {
            if stream.write_all(beginning.as_bytes()).is_err() {
                return;
            }
            while stream.write_all(piece.as_bytes()).is_ok() {
                std::thread::sleep(pause);
            }
        })
    }

    /// A server that takes connections and never says anything.
    pub fn silent() -> Self {
        Self::start_raw(|stream, heads| {
            heads.lock().expect("no panic").push(String::new());
            std::thread::sleep(Duration::from_secs(60));
            drop(stream);
        })
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of the requests that came.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

/// A whole response.
#[must_use]
pub fn text_response(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A response of JSON, as models give it.
pub fn json_response(body: &str) -> String {
    text_response(body).replace("text/plain", "application/json")
}

fn send(mut stream: TcpStream, response: &str) {
    // A client that has gone does not matter.
    let _ = stream.write_all(response.as_bytes());
}

fn read_head(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(0) | Err(_) => return String::new(),
            Ok(_) => {}
        }
    }
    head
}
