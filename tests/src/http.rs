//! HTTP/1.1 as far as the tests speak it themselves: whole requests and whole answers, a connection each.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, and the query if there is one.
    pub target: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in order, without those of the connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self { method: "GET".to_owned(), target: target.to_owned(), ..Self::default() }
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a token.
    #[must_use]
    pub fn by(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Sends it, and reads the answer.
    pub fn send(&self, to: SocketAddr) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        if self.header("host").is_none() {
            head.push_str(&format!("host: {to}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        // Whoever refuses early may have closed before it has read all: its answer is there all the same.
        let sent =
            stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&self.body));
        Answer::read(&mut BufReader::new(&stream), &self.method).or_else(|error| sent.and(Err(error)))
    }

    /// Reads a request; none where the other side has closed.
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let (first, mut headers) = read_head(reader).ok()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let body = read_body(reader, &headers, false).ok()?;
        headers.retain(|(name, _)| !of_connection(name));
        Some(Self { method, target, headers, body })
    }
}

impl Answer {
    /// An answer of that type.
    #[must_use]
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// An answer of JSON.
    #[must_use]
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", body)
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::new(status, "text/plain", "").with("location", to)
    }

    /// With a header in place of any of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// It succeeded; its body.
    #[track_caller]
    pub fn ok(self) -> Vec<u8> {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.body
    }

    /// It is a refusal of that status; its code.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        let error = &self.value()["error"];
        assert!(error["message"].is_string(), "{error}");
        error["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The head as it is sent, with the length of the body or whatever is given in its place.
    pub(crate) fn head(&self, length: Option<usize>) -> String {
        let mut head = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head + "\r\n"
    }

    fn read(reader: &mut impl BufRead, method: &str) -> std::io::Result<Self> {
        let (first, mut headers) = read_head(reader)?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("{first:?} is no answer")))?;
        let body = match status {
            100..200 => return Self::read(reader, method),
            204 | 304 => Vec::new(),
            _ if method == "HEAD" => Vec::new(),
            _ => read_body(reader, &headers, true)?,
        };
        headers.retain(|(name, _)| !of_connection(name));
        Ok(Self { status, headers, body })
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Headers that say how a message is sent, not what it is.
fn of_connection(name: &str) -> bool {
    ["connection", "content-length", "transfer-encoding", "keep-alive"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn read_line(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<(String, Vec<(String, String)>)> {
    let first = read_line(reader)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else { return Ok((first, headers)) };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_body(
    reader: &mut impl BufRead,
    headers: &[(String, String)],
    to_the_end: bool,
) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if header(headers, "transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = usize::from_str_radix(read_line(reader)?.split(';').next().unwrap_or_default(), 16);
            let size = size.map_err(std::io::Error::other)?;
            let before = body.len();
            body.resize(before + size, 0);
            reader.read_exact(&mut body[before..])?;
            read_line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    match header(headers, "content-length") {
        Some(length) => {
            body.resize(length.parse().map_err(std::io::Error::other)?, 0);
            reader.read_exact(&mut body)?;
        }
        None if to_the_end => {
            reader.read_to_end(&mut body)?;
        }
        None => {}
    }
    Ok(body)
}
