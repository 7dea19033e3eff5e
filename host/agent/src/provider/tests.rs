//! Each format against a server that speaks it.

mod anthropic;
mod hostile;
mod ollama;
mod openai;
mod refusals;
mod shared;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scripted::{Asked, Reply, ScriptedServer};
use super::{Features, Format, HttpClient, HttpOptions, Key, Provider};
use crate::model::{Answer, CallResult, Listener, Message, ModelCall, ModelError, OfferedTool, Question};

/// A key that no other text holds by chance.
const KEY: &str = "sk-test-0123456789abcdefABCDEF";
/// A model that can do everything.
const ABLE: Features = Features { streaming: true, tools: true, max_tokens: 1_000, context: 8_192 };
/// One that is asked for the whole.
const WHOLE: Features = Features { streaming: false, ..ABLE };

/// Remembers what it heard.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Listener for Heard {
    fn text(&self, piece: &str) {
        self.0.lock().unwrap().push(piece.to_owned());
    }

    fn restarted(&self) {
        panic!("nothing is asked twice here");
    }
}

/// A server, and a provider that asks it.
struct World {
    server: ScriptedServer,
    provider: Arc<dyn Provider>,
    heard: Heard,
}

fn options() -> HttpOptions {
    HttpOptions { silence: Duration::from_secs(30), ..HttpOptions::default() }
}

fn provider(format: Format, server: &ScriptedServer) -> Arc<dyn Provider> {
    let client = HttpClient::new(options());
    format.provider(&client, &server.url(), Some(Key::new(KEY).unwrap())).unwrap()
}

async fn world(format: Format, replies: Vec<Reply>) -> World {
    let server = ScriptedServer::start(format, replies).await.unwrap();
    let provider = provider(format, &server);
    World { server, provider, heard: Heard::default() }
}

impl World {
    async fn ask(&self, features: Features, messages: &[Message]) -> Result<Answer, ModelError> {
        let tools = [tool("acme__clock__now"), tool("acme__git__commit")];
        let question = Question { system: "be brief", messages, tools: &tools, max_tokens: None };
        self.provider.ask("m-1", features, &question, &self.heard).await
    }

    fn heard(&self) -> Vec<String> {
        self.heard.0.lock().unwrap().clone()
    }

    fn asked(&self) -> Asked {
        self.server.requests().pop().unwrap()
    }
}

/// Asks a server for one answer, which is streamed.
async fn one(format: Format, reply: Reply) -> Result<Answer, ModelError> {
    world(format, vec![reply]).await.ask(ABLE, &[user("hi")]).await
}

fn tool(name: &str) -> Arc<OfferedTool> {
    let schema = serde_json::json!({ "type": "object", "properties": { "zone": { "type": "string" } } });
    Arc::new(OfferedTool { name: name.to_owned(), description: format!("what {name} does"), schema })
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

fn call(id: &str, tool: &str, arguments: &str) -> ModelCall {
    ModelCall { id: id.to_owned(), tool: tool.to_owned(), arguments: arguments.to_owned() }
}

fn result(id: &str, tool: &str, text: &str, failed: bool) -> CallResult {
    CallResult { id: id.to_owned(), tool: tool.to_owned(), text: text.to_owned(), failed }
}

/// A conversation with two calls, of which one failed.
fn conversation() -> Vec<Message> {
    vec![
        user("what time is it, and commit"),
        Message::Assistant {
            text: "I look.".to_owned(),
            calls: vec![
                call("id-1", "acme__clock__now", r#"{"zone":"UTC"}"#),
                call("id-2", "acme__git__commit", ""),
            ],
        },
        Message::Tool {
            results: vec![
                result("id-1", "acme__clock__now", "noon", false),
                result("id-2", "acme__git__commit", "denied", true),
            ],
        },
    ]
}

/// Events of the format of Anthropic, from their data.
fn events(data: &[&str]) -> Reply {
    Reply::raw("text/event-stream", data.iter().map(|data| format!("data: {data}\n\n")).collect::<String>())
}
