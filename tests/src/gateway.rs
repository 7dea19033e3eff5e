//! A real gateway: the `openclaw gateway` command in a home, and requests to it.

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::home::Home;
use crate::http::{Answer, Request};
use crate::registry::{first_document, own_address};

/// Longer than anything that these tests wait for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway that runs; it is killed when this is dropped.
#[derive(Debug)]
pub struct Gateway<'a> {
    home: &'a Home,
    child: Child,
    address: SocketAddr,
    token: String,
    said: PathBuf,
    started: Value,
}

impl<'a> Gateway<'a> {
    /// A gateway that is ready, at an address of its own.
    #[must_use]
    pub fn start(home: &'a Home) -> Self {
        Self::start_with(home, &[])
    }

    /// The same, with further arguments.
    #[must_use]
    pub fn start_with(home: &'a Home, arguments: &[&str]) -> Self {
        let gateway =
            Self::try_start(home, arguments).unwrap_or_else(|said| panic!("it did not start: {said}"));
        gateway.wait_until("it is ready", || gateway.is_ready());
        gateway
    }

    /// A gateway that listens, or what it said.
    ///
    /// # Errors
    /// What it said, where it did not come up.
    pub fn try_start(home: &'a Home, arguments: &[&str]) -> Result<Self, String> {
        let said = home.path("gateway-said");
        let mut command = home.command();
        command.args(["gateway", "--json"]).args(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", &own_address().to_string()]);
        }
        let stderr = File::create(&said).expect("a file");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().expect("a process");
        let started = first_document(child.stdout.take().expect("a pipe"));
        let Some(started) = started else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(std::fs::read_to_string(&said).unwrap_or_default());
        };
        let url = started["url"].as_str().expect("a URL");
        let address =
            url.split_once("://").and_then(|(_, address)| address.parse().ok()).expect("an address");
        let token = std::fs::read_to_string(started["token_file"].as_str().expect("a file"));
        let token = token.unwrap_or_default().trim().to_owned();
        Ok(Self { home, child, address, token, said, started })
    }

    /// What it printed once it listened.
    pub fn started(&self) -> &Value {
        &self.started
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The owner's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process")
    }

    /// Sends a request.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        request.send(self.address).unwrap_or_else(|error| panic!("{error} for {request:?}"))
    }

    /// Asks for a path with the owner's token.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(&Request::get(path).by(&self.token))
    }

    /// Calls a tool, as `skill/tool` of the publisher, with the owner's token.
    #[track_caller]
    pub fn call(&self, tool: &str, input: &Value) -> Answer {
        self.send(&post(tool, input).by(&self.token))
    }

    /// Makes a token with these arguments.
    #[track_caller]
    pub fn new_token(&self, arguments: &[&str]) -> String {
        let made = self.home.run(["gateway", "token", "create"].iter().chain(arguments)).json();
        let token = made["token"].as_str().expect("a token").to_owned();
        self.wait_until("the token is accepted", || {
            self.send(&Request::get("/api/v1/tools").by(&token)).status == 200
        });
        token
    }

    /// A connection that nothing was sent on.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends these bytes and nothing more, and reads until the connection is closed.
    pub fn raw(&self, bytes: &[u8]) -> String {
        use std::io::Write as _;
        let mut stream = self.connect();
        // Whoever refuses early may have closed already.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process that runs");
    }

    /// How it ended, once it has.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it logged into its file.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.data().join("logs/gateway.log")).unwrap_or_default()
    }

    /// What it said on standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "not so: {what}; {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        Request::get("/ready").send(self.address).is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Gateway<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The call of a tool, as `skill/tool` of the publisher, without a token.
#[must_use]
pub fn post(tool: &str, input: &Value) -> Request {
    let target = format!("/api/v1/tools/{}/{tool}", crate::home::PUBLISHER);
    let body = input.to_string().into_bytes();
    Request { method: "POST".to_owned(), target, body, ..Request::default() }
        .with("content-type", "application/json")
}
