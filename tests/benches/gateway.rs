//! What a tool call over HTTP costs beside the bare dispatcher, in turns:
//! `cargo bench -p openclaw-tests --bench gateway`, after `cargo build --release -p openclaw`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails so, and prints"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::Criterion;
use openclaw_tests::gateway::Gateway;
use openclaw_tests::{Home, Skill, embedded, home};
use rustix::fs::{Advice, fadvise};
use serde_json::json;

/// Connections that call at once, for the throughput.
const CONNECTIONS: usize = 16;
/// How long that is measured.
const TIME: Duration = Duration::from_secs(3);

/// A client that keeps its connection.
struct Client {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Client {
    /// One that calls a tool which does nothing.
    fn new(gateway: &Gateway<'_>) -> Self {
        Self::asking(
            gateway,
            "POST /api/v1/tools/acme/tiny/run",
            "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        )
    }

    /// One that asks for what needs nothing: what is left is the network, and the waking of threads.
    fn idling(gateway: &Gateway<'_>) -> Self {
        Self::asking(gateway, "GET /health", "\r\n")
    }

    fn asking(gateway: &Gateway<'_>, line: &str, rest: &str) -> Self {
        let stream = gateway.connect();
        stream.set_nodelay(true).expect("an option");
        let (address, token) = (gateway.address(), gateway.token());
        let request =
            format!("{line} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{rest}");
        Self { stream: BufReader::new(stream), request: request.into_bytes() }
    }

    /// Calls, and reads the whole answer.
    fn call(&mut self) {
        self.stream.get_mut().write_all(&self.request).expect("a connection");
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).expect("an answer");
        assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header");
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
    }
}

/// Has the system forget what it holds of a file: how much of a program is resident depends on what of it is in memory
/// already, which after a build is all of it.
fn forget(path: &Path) {
    let file = File::open(path).expect("the program");
    file.sync_all().expect("it is on disk");
    fadvise(&file, 0, None, Advice::DontNeed).expect("it is forgotten");
}

/// Calls a second, over several connections at once.
fn throughput(gateway: &Gateway<'_>) -> f64 {
    let begun = Instant::now();
    let calls: u64 = std::thread::scope(|scope| {
        let calling = || {
            let (mut client, mut calls) = (Client::new(gateway), 0_u64);
            while begun.elapsed() < TIME {
                client.call();
                calls += 1;
            }
            calls
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(calling)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).sum()
    });
    calls as f64 / begun.elapsed().as_secs_f64()
}

/// The middle of so many calls, in milliseconds.
fn median(calls: usize, mut call: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..calls)
        .map(|_| {
            let begun = Instant::now();
            call();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[calls / 2]
}

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let home = Home::with(&Skill::tiny("tiny"));
    forget(&home::binary());
    let gateway = Gateway::start(&home);
    std::thread::sleep(Duration::from_secs(1));
    let idle = gateway.get("/api/v1/metrics").value()["resident_memory_bytes"].as_u64().unwrap_or_default();
    let runtime = embedded::open(&home, 4);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let call = embedded::tool_call(&home, "tiny/run", &json!({}));
    let bare = || drop(tokio.block_on(runtime.dispatcher().call(call.clone())).expect("an answer"));
    let mut client = Client::new(&gateway);
    // In turns, so that a machine that slows down slows both.
    let mut idling = Client::idling(&gateway);
    let round = |_| (median(500, bare), median(500, || client.call()), median(500, || idling.call()));
    let mut rounds: Vec<_> = (0..20).map(round).collect();
    rounds.sort_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
    let (dispatcher, http, health) = rounds[rounds.len() / 2];
    println!("idle: {:.1} MiB resident", idle as f64 / f64::from(1 << 20));
    println!("sequential: {http:.4} ms over HTTP, {health:.4} ms for /health, {dispatcher:.4} ms bare");
    println!(
        "{CONNECTIONS} at once: {:.0} calls a second, the clients on the same cores",
        throughput(&gateway)
    );

    let mut criterion = Criterion::default().sample_size(30).configure_from_args();
    let mut group = criterion.benchmark_group("gateway");
    group.bench_function("dispatcher", |b| b.iter(bare));
    // The one from before has been idle for longer than the gateway keeps it.
    let mut client = Client::new(&gateway);
    group.bench_function("http", |b| b.iter(|| client.call()));
    group.finish();
    criterion.final_summary();
}
