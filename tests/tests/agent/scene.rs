//! A model that follows a script, and a home whose agent asks it.

use openclaw_agent::model::{self, Usage};
use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::{Asked, Reply, ScriptedServer};
use openclaw_tests::http::{Answer, Request};
use openclaw_tests::{Gateway, Home, Skill};
use serde_json::{Value, json};

/// The key that the model is asked with.
pub const KEY: &str = "a-key-of-no-shape-4711";

/// A server that answers as it was told, for as long as this is there.
pub struct Model {
    // Dropped before the threads that it runs on.
    server: ScriptedServer,
    format: Format,
    threads: tokio::runtime::Runtime,
}

impl Model {
    /// Gives these answers, one after the other.
    pub fn replying(format: Format, replies: Vec<Reply>) -> Self {
        let threads = threads();
        let server = threads.block_on(ScriptedServer::start(format, replies)).unwrap();
        Self { server, format, threads }
    }

    /// Gives the same answer for ever.
    pub fn always(format: Format, reply: Reply) -> Self {
        Self::answering(format, move |_| reply.clone())
    }

    /// Answers each question as it is told to.
    pub fn answering(format: Format, script: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Self {
        let threads = threads();
        let server = ScriptedServer::answering(format, move |asked: &Asked| script(&asked.body));
        let server = threads.block_on(server).unwrap();
        Self { server, format, threads }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Value> {
        let _entered = self.threads.enter();
        self.server.requests().into_iter().map(|asked| asked.body).collect()
    }

    /// The keys that it was asked with.
    pub fn keys(&self) -> Vec<String> {
        let key = |asked: Asked| {
            let header = asked.headers.get("authorization").or_else(|| asked.headers.get("x-api-key"));
            header.map_or("none", |key| key.to_str().unwrap()).trim_start_matches("Bearer ").to_owned()
        };
        self.server.requests().into_iter().map(key).collect()
    }

    /// A provider of `models.yaml` that it is, without a key.
    pub fn provider(&self) -> String {
        format!("{{ format: {}, url: '{}' }}", self.format, self.server.url())
    }

    /// `models.yaml` of it.
    pub fn yaml(&self) -> String {
        format!(
            "providers:\n  scripted: {{ format: {}, url: '{}', key: SCRIPTED_KEY }}\n\
             models:\n  scripted: {{ provider: scripted, model: scripted-1, cost: {{ input: 1.0, output: 2.0 }} }}\n\
             retries: {{ attempts: 3, first_delay: 5, most_delay: 50 }}\n",
            self.format,
            self.server.url(),
        )
    }

    /// Has the agents of a home ask it.
    pub fn serve(&self, home: &Home) {
        std::fs::write(home.data().join("models.yaml"), self.yaml()).unwrap();
    }
}

fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// An answer that asks for one call.
pub fn call(tool: &str, arguments: &str) -> Reply {
    Reply::calls(&[("call-1", tool, arguments)])
}

/// An answer of text with its tokens.
pub fn costly(text: &str, input: u64, output: u64) -> Reply {
    let usage = Usage { input, cached: 0, output };
    Reply::answer(model::Answer { text: text.to_owned(), usage, ..model::Answer::default() })
}

/// A home with the skill that computes, and an agent `coder` that may call all that is installed.
pub fn home() -> Home {
    let home = Home::with(&Skill::guest("compute"));
    configure(&home, "");
    home
}

/// Writes the configuration, with more keys of the agent's and of the file's own.
pub fn configure(home: &Home, agent: &str) {
    let workspace = home.workspace();
    let workspace = workspace.display();
    let text = format!(
        "agents:\n  - {{ id: coder, model: scripted, soul: You are terse., skills: [acme/*], workspace: {workspace} {agent} }}\n"
    );
    std::fs::write(home.data().join("config.yaml"), text).unwrap();
    write_key(home);
}

/// Says something to the agent of a gateway.
pub fn say(gateway: &Gateway<'_>, conversation: &str, text: &str) -> Answer {
    let body = json!({ "messages": [{ "role": "user", "content": text }], "conversation_id": conversation });
    let body = body.to_string().into_bytes();
    let request =
        Request { method: "POST".into(), target: "/api/v1/chat".into(), body, ..Request::default() };
    gateway.send(&request.with("content-type", "application/json").by(gateway.token()))
}

/// Has a home's configuration, as it is written, say more.
pub fn configure_more(home: &Home, text: &str) {
    let path = home.data().join("config.yaml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config + text).unwrap();
}

/// The outcomes of the calls of a turn.
pub fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let steps = document["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["tool"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

/// Puts the model's key where only its owner can read it.
pub fn write_key(home: &Home) {
    use std::os::unix::fs::PermissionsExt as _;
    let env = home.data().join(".env");
    std::fs::write(&env, format!("SCRIPTED_KEY={KEY}\n")).unwrap();
    std::fs::set_permissions(&env, std::fs::Permissions::from_mode(0o600)).unwrap();
}
