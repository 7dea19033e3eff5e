//! What MCP over pipes costs beside a bare call of the dispatcher, in one run: one call after the other, and 32 at once.
//!
//! `cargo build --release -p openclaw && cargo bench -p openclaw-tests --bench mcp_stdio`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark fails so, and says what it found"
)]

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openclaw_gateway::mcp::serve;
use openclaw_gateway::{Caller, Scope, Service};
use openclaw_runtime::consent::{Consents, SecurityLevel};
use openclaw_tests::{Home, Skill, embedded, home};
use serde_json::json;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

const IN_FLIGHT: u64 = 32;

/// A client on pipes, as an agent is.
struct Client {
    write: PipeWriter,
    read: BufReader<PipeReader>,
    line: String,
}

impl Client {
    /// Of a server in this process.
    fn connect(threads: &tokio::runtime::Runtime, service: Arc<Service>) -> Self {
        let (their_read, write) = std::io::pipe().expect("a pipe");
        let (read, their_write) = std::io::pipe().expect("a pipe");
        let caller =
            Caller { name: "bench".to_owned(), scope: Scope::all(), workspace: None, may_grant: false };
        threads.spawn(async move {
            let read = pipe::Receiver::from_owned_fd(their_read.into()).expect("a pipe");
            let write = pipe::Sender::from_owned_fd(their_write.into()).expect("a pipe");
            serve(service, caller, read, write, CancellationToken::new()).await
        });
        let mut client = Self { write, read: BufReader::new(read), line: String::new() };
        client.say(&initialize());
        client.hear();
        client
    }

    fn say(&mut self, line: &str) {
        self.write.write_all(line.as_bytes()).expect("the server reads");
    }

    fn hear(&mut self) {
        self.line.clear();
        self.read.read_line(&mut self.line).expect("the server answers");
    }

    /// So many calls, of which a number are on their way at any time.
    fn calls(&mut self, count: u64, in_flight: u64) -> Duration {
        let begun = Instant::now();
        (0..in_flight.min(count)).for_each(|id| self.say(&echo(id)));
        for id in in_flight..count + in_flight {
            self.hear();
            if id < count {
                self.say(&echo(id));
            }
        }
        begun.elapsed()
    }
}

fn initialize() -> String {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "bench", "version": "1" },
    });
    format!("{}\n", json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
}

fn echo(id: u64) -> String {
    let params = json!({ "name": "acme__compute__echo", "arguments": { "text": "hello" } });
    format!("{}\n", json!({ "jsonrpc": "2.0", "id": id + 1, "method": "tools/call", "params": params }))
}

fn calls(criterion: &mut Criterion) {
    let home = Home::with(&Skill::guest("compute"));
    let runtime = embedded::open(&home, 64);
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let service = Arc::new(Service::new(runtime.clone(), Consents::new(SecurityLevel::Strict)));
    let mut client = Client::connect(&threads, service);
    client.calls(1000, IN_FLIGHT);

    let mut group = criterion.benchmark_group("mcp_stdio");
    group.throughput(Throughput::Elements(1));
    group.bench_function("dispatcher", |bencher| {
        bencher.iter_custom(|count| {
            let begun = Instant::now();
            for _ in 0..count {
                let call = embedded::call(&runtime, &home, "compute/echo", json!({ "text": "hello" }));
                threads.block_on(call).expect("an echo");
            }
            begun.elapsed()
        });
    });
    group.bench_function("sequential", |bencher| bencher.iter_custom(|count| client.calls(count, 1)));
    group.bench_function("32 in flight", |bencher| {
        bencher.iter_custom(|count| client.calls(count, IN_FLIGHT))
    });
    group.finish();
}

/// From the start of the process to its answer, with a hundred skills installed.
fn start(criterion: &mut Criterion) {
    let home = Home::new();
    (0..100).for_each(|number| drop(home.install(&Skill::tiny(&format!("skill-{number}")))));
    criterion.bench_function("mcp_stdio/start with 100 skills", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| start_once(&home)).sum());
    });
}

fn start_once(home: &Home) -> Duration {
    let mut command: Command = home.environment(Command::new(home::binary()));
    let begun = Instant::now();
    let mut child: Child = command
        .arg("mcp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(initialize().as_bytes()).expect("the server reads");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("the server answers");
    let took = begun.elapsed();
    assert!(line.contains("2025-11-25"), "{line}");
    drop(stdin);
    child.wait().expect("it ends");
    took
}

criterion_group!(benches, calls, start);
criterion_main!(benches);
