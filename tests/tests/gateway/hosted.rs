//! A gateway in this process with agents, whose model is a server that does what it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_agent::agent::Agent;
use openclaw_agent::agents::Agents;
use openclaw_agent::memory::{FileMemory, Memory};
use openclaw_agent::model::{Answer, Listener, Model, ModelError, Question};
use openclaw_agent::provider::scripted::{Asked, Reply, ScriptedServer};
use openclaw_agent::provider::{Features, Format, HttpClient, HttpOptions, Provider};
use openclaw_agent::session::{LaneLimits, SqliteStore};
use openclaw_gateway::agents::{ServedTools, Speakers};
use openclaw_gateway::limits::Limits;
use openclaw_gateway::server::{Gateway, Handle};
use openclaw_gateway::tokens::{NewToken, TokenStore};
use openclaw_gateway::{Caller, Options, Scope, Service, Settings};
use openclaw_runtime::consent::{Consents, SecurityLevel};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::workspace::Workspace;
use openclaw_tests::http::{Answer as HttpAnswer, Request};
use openclaw_tests::{Home, embedded};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here may take, and shorter than the naps of guests that are to be woken.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A model behind a provider, which is asked once and not again.
#[derive(Debug)]
struct Direct(Arc<dyn Provider>);

#[async_trait]
impl Model for Direct {
    async fn ask(&self, question: &Question<'_>, listener: &dyn Listener) -> Result<Answer, ModelError> {
        let features = Features { streaming: true, tools: true, max_tokens: 4096, context: 1_000_000 };
        self.0.ask("m", features, question, listener).await
    }

    fn context(&self) -> u64 {
        1_000_000
    }

    fn calls_tools(&self) -> bool {
        true
    }
}

/// What the model does: `call NAME INPUT` and `fail`, and else it says what it was told, the results of calls too.
fn obeys(asked: &Asked) -> Reply {
    let messages = asked.body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    let said = last["content"].as_str().unwrap_or_default().to_owned();
    let words: Vec<&str> = said.splitn(3, ' ').collect();
    match (last["role"].as_str(), words.as_slice()) {
        (Some("user"), ["call", tool, input]) => Reply::calls(&[("c1", *tool, *input)]),
        (Some("user"), ["flood", count]) => {
            let piece = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": "x".repeat(10_000) } }] });
            let body = format!("data: {piece}\n\n").repeat(count.parse().unwrap()) + "data: [DONE]\n\n";
            Reply::raw("text/event-stream", body)
        }
        (Some("user"), ["fail"]) => Reply::error(500, r#"{"error":{"message":"the model is broken"}}"#),
        _ => Reply::text(format!("told {} messages, the last: {said}", messages.len())).in_pieces_of(64),
    }
}

/// The gateway; it ends with this.
pub struct Hosted {
    pub home: Home,
    pub address: SocketAddr,
    pub agents: Arc<Agents>,
    pub model: ScriptedServer,
    handle: Handle,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// How it is to be.
pub struct Plan {
    pub level: SecurityLevel,
    /// What the agent may call.
    pub scope: &'static [&'static str],
    pub limits: Limits,
    pub lanes: LaneLimits,
    pub drain: Duration,
    /// Whether the agent keeps notes, in the data directory.
    pub remembers: bool,
    pub adapt: fn(&mut Agent),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            level: SecurityLevel::Strict,
            scope: &["*"],
            limits: Limits::default(),
            lanes: LaneLimits::default(),
            drain: Duration::from_secs(30),
            remembers: false,
            adapt: |_| {},
        }
    }
}

impl Hosted {
    /// A gateway over a home, with the agent `coder`.
    pub async fn start(home: Home, plan: Plan) -> Self {
        let model = ScriptedServer::answering(Format::OpenAi, obeys).await.unwrap();
        let client = HttpClient::new(HttpOptions::default());
        let provider = Format::OpenAi.provider(&client, &model.url(), None).unwrap();
        let service = Arc::new(Service::new(embedded::open(&home, 4), Consents::new(plan.level)));
        let caller = Caller {
            name: "agent".to_owned(),
            scope: Scope::of(plan.scope.iter().map(|pattern| pattern.parse().unwrap()).collect()),
            workspace: Some(Workspace::resolve(&home.workspace()).unwrap()),
            may_grant: true,
        };
        let tools = ServedTools::new(Arc::clone(&service), caller, Speakers::Tokens);
        let mut agent =
            Agent::new("coder".into(), "You obey.".into(), Arc::new(Direct(provider)), Arc::new(tools));
        agent.approvals.level = plan.level;
        if plan.remembers {
            let (dir, settings) = (home.data().join("memories"), FileMemory::default());
            let memory = Memory::open(&dir, "coder", settings, Arc::clone(&agent.redaction)).unwrap();
            agent.memory = Some(Arc::new(memory));
        }
        (plan.adapt)(&mut agent);
        let store = Arc::new(SqliteStore::open(&home.path("sessions.db")).unwrap());
        let agents = Arc::new(Agents::new(store, plan.lanes));
        agents.set(vec![agent]);
        let settings = Settings {
            hosts: Vec::new(),
            origins: Vec::new(),
            tls: None,
            max_requests: 64,
            drain: plan.drain,
        };
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            insecure: false,
            limits: plan.limits,
            agents: Some(Arc::clone(&agents)),
            settings,
        };
        let gateway = Gateway::bind(service, options).await.unwrap();
        let (handle, stop) = (gateway.handle(), CancellationToken::new());
        let address = handle.address();
        handle.ready();
        let stopped = stop.clone();
        let running = tokio::spawn(gateway.run(async move { stopped.cancelled().await }));
        Self { home, address, agents, model, handle, stop, running }
    }

    /// A token for these tools, whose person may consent.
    pub fn token(&self, name: &str, patterns: &[&str]) -> String {
        self.new_token(name, patterns, true)
    }

    /// A token for these tools, whose person may not.
    pub fn token_of_a_stranger(&self, name: &str, patterns: &[&str]) -> String {
        self.new_token(name, patterns, false)
    }

    fn new_token(&self, name: &str, patterns: &[&str], may_grant: bool) -> String {
        let scope = Scope::of(patterns.iter().map(|pattern| pattern.parse().unwrap()).collect());
        let store = TokenStore::of(&DataDir::open(self.home.data()).unwrap());
        let new = NewToken { may_grant, metrics: true, ..NewToken::new(name.parse().unwrap(), scope) };
        store.create(new).unwrap().0.reveal().to_owned()
    }

    /// Takes a token back.
    pub async fn revoke(&self, name: &str) {
        let store = TokenStore::of(&DataDir::open(self.home.data()).unwrap());
        store.revoke(&name.parse().unwrap()).unwrap();
        self.handle.reload_tokens().await.unwrap();
    }

    /// Sends a request.
    pub async fn send(&self, request: Request) -> HttpAnswer {
        let address = self.address;
        tokio::task::spawn_blocking(move || request.send(address).unwrap()).await.unwrap()
    }

    /// Says something over HTTP.
    pub async fn chat(&self, token: &str, body: &Value) -> HttpAnswer {
        self.send(chat(body).by(token)).await
    }

    /// The metrics' line that begins so; empty where there is none.
    pub async fn metric(&self, begins: &str) -> String {
        let token = self.token(&format!("m{}", rand()), &["acme/none"]);
        let text = self.send(Request::get("/metrics").by(&token)).await.text();
        text.lines().find(|line| line.starts_with(begins)).unwrap_or_default().to_owned()
    }

    /// Waits until something is so.
    pub async fn wait_until<F: Future<Output = bool>>(&self, what: &str, is_so: impl Fn() -> F) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "not so: {what}");
    }

    /// Tells it to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped, and gives its home to the next one.
    pub async fn stopped(self) -> Home {
        let Self { home, stop, running, .. } = self;
        stop.cancel();
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
        home
    }
}

fn rand() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
}

/// The request of a chat, without a token.
pub fn chat(body: &Value) -> Request {
    let body = body.to_string().into_bytes();
    Request { method: "POST".to_owned(), target: "/api/v1/chat".to_owned(), body, ..Request::default() }
        .with("content-type", "application/json")
}

/// The body of a chat that says one thing.
pub fn says(text: &str) -> Value {
    serde_json::json!({ "messages": [{ "role": "user", "content": text }] })
}

/// The same in a conversation.
pub fn says_in(conversation: &str, text: &str) -> Value {
    let mut body = says(text);
    body["conversation_id"] = conversation.into();
    body
}
