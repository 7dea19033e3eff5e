//! What the agent core costs beside the model and the dispatcher, and what many conversations at once hold:
//! `cargo bench -p openclaw-tests --bench agent`, after `cargo build --release -p openclaw`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark fails so, and prints"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use openclaw_agent::agent::Agent;
use openclaw_agent::agents::Agents;
use openclaw_agent::event::{Event, Watcher};
use openclaw_agent::flat_name::flat;
use openclaw_agent::model::{Answer, Listener, Message, Model, ModelCall, ModelError, Question};
use openclaw_agent::session::{LaneLimits, SessionKey, SqliteStore};
use openclaw_agent::toolbox::{Call, Explained, Tool, Toolbox};
use openclaw_agent::turn::Party;
use openclaw_package::ToolId;
use openclaw_runtime::capability::grant::Effects;
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{CallError, Cancel, Runtime, ToolCall};
use openclaw_tests::{Home, Skill, embedded};
use serde_json::json;

/// Calls of one answer.
const CALLS: usize = 50;
/// Conversations at once.
const SESSIONS: usize = 1_000;
/// Turns that are measured.
const TURNS: usize = 500;

/// A model that asks for some calls, and is then done; it takes no time, or as much as a test says.
#[derive(Debug)]
struct Script {
    tool: String,
    calls: usize,
    time: Duration,
}

#[async_trait]
impl Model for Script {
    async fn ask(&self, question: &Question<'_>, _: &dyn Listener) -> Result<Answer, ModelError> {
        if !self.time.is_zero() {
            tokio::time::sleep(self.time).await;
        }
        let is_first = matches!(question.messages.last(), Some(Message::User { .. }));
        let call =
            |n: usize| ModelCall { id: n.to_string(), tool: self.tool.clone(), arguments: "{}".into() };
        let calls = if is_first { (0..self.calls).map(call).collect() } else { Vec::new() };
        Ok(Answer { text: "Done.".into(), calls, ..Answer::default() })
    }

    fn context(&self) -> u64 {
        1_000_000
    }

    fn calls_tools(&self) -> bool {
        true
    }
}

/// One tool, straight to the dispatcher.
#[derive(Debug)]
struct Bare {
    runtime: Runtime,
    tools: Arc<[Tool]>,
    /// Time that calls took, in nanoseconds.
    called: AtomicU64,
}

impl Bare {
    fn call_of(tool: &ToolId) -> ToolCall {
        ToolCall {
            tool: tool.clone(),
            input: "{}".to_owned(),
            caller: "bench".to_owned(),
            workspace: None,
            observer: None,
            respondent: None,
        }
    }
}

#[async_trait]
impl Toolbox for Bare {
    fn tools(&self) -> Arc<[Tool]> {
        Arc::clone(&self.tools)
    }

    async fn call(&self, call: Call, cancel: &Cancel) -> CallOutcome {
        let begun = Instant::now();
        let outcome = self.runtime.dispatcher().call_until(Self::call_of(&call.tool), cancel).await;
        let took = u64::try_from(begun.elapsed().as_nanos()).expect("a short time");
        self.called.fetch_add(took, Ordering::Relaxed);
        outcome
    }

    fn explain(&self, error: &CallError) -> Explained {
        panic!("{error}")
    }
}

#[derive(Debug)]
struct Blind;

impl Watcher for Blind {
    fn saw(&self, _: &Event) {}
}

fn key(conversation: usize) -> SessionKey {
    SessionKey {
        agent: "a".into(),
        channel: "bench".into(),
        peer: "p".into(),
        conversation: conversation.to_string(),
    }
}

fn party() -> Party {
    Party { watcher: Arc::new(Blind), human: None, cancel: Cancel::default(), remembers: true }
}

/// Agents of one kind over a fresh store.
fn agents(dir: &tempfile::TempDir, toolbox: &Arc<Bare>, calls: usize, time: Duration) -> Arc<Agents> {
    let store =
        SqliteStore::open(&dir.path().join(format!("{calls}-{}.db", time.as_millis()))).expect("a store");
    let tool = flat(&toolbox.tools[0].id);
    let model = Arc::new(Script { tool, calls, time });
    let mut agent = Agent::new("a".into(), "You work.".into(), model, Arc::<Bare>::clone(toolbox));
    agent.limits.calls_at_once = 1;
    let agents = Agents::new(Arc::new(store), LaneLimits::default());
    agents.set(vec![agent]);
    Arc::new(agents)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}

async fn turns(agents: &Arc<Agents>, count: usize) -> Duration {
    let mut times = Vec::new();
    for turn in 0..count {
        let begun = Instant::now();
        // Each conversation is short: what is measured is a turn, not the reading of a long history.
        agents.say(&key(turn / 5), "go", &party()).await.expect("an answer");
        times.push(begun.elapsed());
    }
    median(&mut times)
}

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let home = Home::with(&Skill::tiny("tiny"));
    let runtime = embedded::open(&home, 4);
    let dir = tempfile::tempdir().expect("a directory");
    let tools = [Tool {
        id: "acme/tiny/run".parse().expect("a tool"),
        package: "sha256:0".into(),
        description: "Does nothing.".into(),
        schema: json!({ "type": "object" }),
        effects: Effects::default(),
    }];
    let toolbox = Arc::new(Bare { runtime, tools: tools.into_iter().collect(), called: AtomicU64::new(0) });
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    tokio.block_on(async {
        let bare = agents(&dir, &toolbox, 0, Duration::ZERO);
        turns(&bare, 50).await;
        println!("a turn without calls: {:.1} µs (p50)", turns(&bare, TURNS).await.as_secs_f64() * 1e6);

        let calling = agents(&dir, &toolbox, CALLS, Duration::ZERO);
        turns(&calling, 5).await;
        toolbox.called.store(0, Ordering::Relaxed);
        let begun = Instant::now();
        turns(&calling, 50).await;
        let (all, called) = (begun.elapsed(), Duration::from_nanos(toolbox.called.load(Ordering::Relaxed)));
        let calls = (50 * CALLS) as f64;
        println!(
            "a call: {:.1} µs in the dispatcher, {:.1} µs in the loop, its turn's share included",
            called.as_secs_f64() * 1e6 / calls,
            (all - called).as_secs_f64() * 1e6 / calls
        );
        let single = agents(&dir, &toolbox, 1, Duration::ZERO);
        turns(&single, 50).await;
        toolbox.called.store(0, Ordering::Relaxed);
        let turn = turns(&single, TURNS).await;
        println!("a turn with one call: {:.1} µs (p50)", turn.as_secs_f64() * 1e6);

        let before = resident();
        let many = agents(&dir, &toolbox, 1, Duration::from_secs(2));
        let begun = Instant::now();
        let saying: Vec<_> = (0..SESSIONS)
            .map(|session| {
                let many = Arc::clone(&many);
                tokio::spawn(async move { many.say(&key(session), "go", &party()).await.expect("an answer") })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (at_work, held) = (many.at_work(), resident());
        for said in saying {
            said.await.expect("an answer");
        }
        println!(
            "{at_work} conversations at once: {:.1} MiB resident, of which {:.1} MiB more than before; all answered in {:.1} s, \
             of which the model takes 4",
            held as f64 / f64::from(1 << 20),
            held.saturating_sub(before) as f64 / f64::from(1 << 20),
            begun.elapsed().as_secs_f64()
        );
    });
}
