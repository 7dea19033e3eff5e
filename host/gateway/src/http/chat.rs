//! `/api/v1/chat`: something said to an agent, answered whole or as it is said, in the shape of OpenAI's chat completions.

mod documents;
mod request;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use openclaw_agent::agents::SayError;
use openclaw_agent::event::{EndReason, Event, Watcher};
use openclaw_agent::model::ModelError;
use openclaw_agent::session::SessionKey;
use openclaw_agent::turn::Outcome;

use super::answer::{Refusal, json};
use super::body::json_text;
use super::documents::ErrorBody;
use super::{App, Authenticated};
use crate::agents::{Running, Said, event_bytes};
use crate::error::PublicError;
use crate::tokens::Token;
use documents::Form;
pub(super) use documents::{ChatAnswer, ChatChunk};
use request::Asked;
pub(super) use request::{ChatMessage, ChatRequest};

/// Over which channel this is.
const CHANNEL: &str = "http";
/// Bytes of an answer's steps that are told.
const STEPS_BYTES: usize = 256 << 10;

/// Say something to an agent
///
/// With `"stream": true` the answer is a stream of events, as OpenAI's are, with one named `tool` for each thing that a call
/// does. A connection that is closed ends the turn. Nobody can be asked here: calls that need a yes are not made.
#[utoipa::path(post, path = "/api/v1/chat", tag = "agents",
    request_body(content = ChatRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "What the agent answered, or a stream of chunks", content(
            (ChatAnswer = "application/json"),
            (ChatChunk = "text/event-stream"),
        )),
        (status = 408, description = "The body did not arrive in time", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 415, description = "The body is not JSON", body = ErrorBody),
        (status = 502, description = "No model answered", body = ErrorBody),
    ))]
pub(super) async fn chat(
    State(app): State<Arc<App>>,
    Authenticated(token): Authenticated,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = Asked::parse(&json_text(request).await?)?;
    may_chat(&token)?;
    let (agents, agent) = app.conversations.agent(asked.model.as_deref()).map_err(|error| refusal(&error))?;
    let (conversation, is_new) = match &asked.conversation {
        Some(conversation) => (conversation.clone(), false),
        None => (random_name()?, true),
    };
    let key = key(&agent.id, CHANNEL, &token, conversation);
    let is_known = !is_new && key.is_valid() && {
        let found = agents.store().find(&key).await;
        found.map_err(|error| refusal(&error.into()))?.is_some()
    };
    let (text, earlier) = asked.said(is_known)?;
    let form = Form::new(&agent.id, &key.conversation, earlier)?;
    if asked.streams {
        return stream::answer(&app, token, key, text, form, asked.includes_usage).await;
    }
    let steps = Arc::new(Steps::default());
    let watcher: Arc<dyn Watcher> = Arc::<Steps>::clone(&steps);
    let mut running = begin(&app, Said { key, text, watcher, human: None, token }).await?;
    let outcome = ended(&mut running).await?;
    let steps = std::mem::take(&mut *steps.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(json(&form.whole(outcome, steps.events, steps.left_out)))
}

/// Refuses a token with which no tool may be called: it is for something else.
pub(super) fn may_chat(token: &Token) -> Result<(), Refusal> {
    if !token.caller().scope.is_empty() {
        return Ok(());
    }
    let message = "this token may call no tool, and so may not speak with agents";
    let hint = Some("its owner makes one that may with: openclaw gateway token create NAME --tool PATTERN");
    Err(Refusal::new(StatusCode::FORBIDDEN, "not-allowed", message, hint))
}

/// The conversation of a token: no other token has the same one.
pub(super) fn key(agent: &str, channel: &str, token: &Token, conversation: String) -> SessionKey {
    SessionKey {
        agent: agent.to_owned(),
        channel: channel.to_owned(),
        peer: token.caller().name.clone(),
        conversation,
    }
}

/// A name that nobody guesses, of 128 random bits.
pub(super) fn random_name() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!("there is no randomness: {error}");
        Refusal::internal()
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Begins a turn, if turns are begun.
async fn begin(app: &App, said: Said) -> Result<Running, Refusal> {
    app.conversations.begin(said).await.map_err(|error| refusal(&error))
}

/// What came of a turn; an error, where it is none of the agent's own words.
async fn ended(running: &mut Running) -> Result<Outcome, Refusal> {
    let ended = running.ended().await.map_err(|_| Refusal::internal())?;
    judge(ended)
}

/// An outcome that is an answer, or why there is none.
fn judge(ended: Result<Outcome, SayError>) -> Result<Outcome, Refusal> {
    let outcome = ended.map_err(|error| refusal(&error))?;
    match (&outcome.error, outcome.reason) {
        (Some(error), _) => Err(model_failed(error)),
        (None, EndReason::Cancelled) => {
            let message = "the turn was ended: the gateway stops, or the token is no longer accepted";
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "cancelled", message, None).retry_after(5))
        }
        (None, _) => Ok(outcome),
    }
}

/// That no model answered, as a caller is told.
pub(super) fn model_failed(error: &ModelError) -> Refusal {
    let hint = error.is_transient().then(|| "ask again later".to_owned());
    let error = PublicError { code: error.code().to_owned(), message: error.told().to_owned(), hint };
    Refusal::of(StatusCode::BAD_GATEWAY, error)
}

/// Why something cannot be said, as a caller is told.
pub(super) fn refusal(error: &SayError) -> Refusal {
    let (status, message) = match error {
        SayError::UnknownAgent { name, known } if known.is_empty() => {
            (StatusCode::NOT_FOUND, format!("there is no agent {}", openclaw_agent::text::quoted(name)))
        }
        SayError::UnknownAgent { name, known } => {
            let name = openclaw_agent::text::quoted(name);
            (StatusCode::NOT_FOUND, format!("there is no agent {name}; there are {}", known.join(", ")))
        }
        SayError::InvalidKey | SayError::Length(_) => (StatusCode::BAD_REQUEST, error.to_string()),
        SayError::Busy(_) | SayError::Elsewhere => (StatusCode::TOO_MANY_REQUESTS, error.to_string()),
        // What it says names files of the owner's.
        SayError::Store(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "conversations cannot be kept now".to_owned())
        }
    };
    let hint = error.hint().map(str::to_owned);
    Refusal::of(status, PublicError { code: error.code().to_owned(), message, hint })
}

/// Takes down what an agent did, for an answer that is told whole.
#[derive(Debug, Default)]
struct Steps(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    events: Vec<Event>,
    bytes: usize,
    left_out: usize,
}

impl Watcher for Steps {
    fn saw(&self, event: &Event) {
        if !is_step(event) {
            return;
        }
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = taken.bytes.saturating_add(event_bytes(event));
        if bytes > STEPS_BYTES {
            taken.left_out += 1;
        } else {
            taken.bytes = bytes;
            taken.events.push(event.clone());
        }
    }
}

/// Whether an event is one of those that an answer lists.
fn is_step(event: &Event) -> bool {
    matches!(event, Event::CallBegun { .. } | Event::CallEnded { .. } | Event::Notice { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_down_until_there_are_too_many_and_the_rest_is_counted() {
        let steps = Steps::default();
        steps.saw(&Event::Text { text: "no step".to_owned() });
        for _ in 0..3 {
            steps.saw(&Event::Notice { text: "x".repeat(STEPS_BYTES / 2 - 100) });
        }
        let taken = steps.0.lock().unwrap();
        assert_eq!((taken.events.len(), taken.left_out), (2, 1));
    }

    #[test]
    fn names_of_conversations_are_never_the_same() {
        let (one, two) = (random_name().unwrap(), random_name().unwrap());
        assert!(one.len() == 32 && one != two);
    }

    #[test]
    fn each_error_has_a_status_and_tells_nothing_of_this_machine() {
        let status = |error: SayError| {
            let refusal = refusal(&error);
            let code = refusal.clone().into_error().code;
            let response = axum::response::IntoResponse::into_response(refusal);
            (response.status().as_u16(), response.headers().contains_key("retry-after"), code)
        };
        let busy = openclaw_agent::session::Busy::Session(8);
        for (error, expected) in [
            (SayError::InvalidKey, (400, false, "invalid-conversation")),
            (SayError::Length(0), (400, false, "invalid-message")),
            (SayError::Busy(busy), (429, true, "busy")),
            (SayError::Elsewhere, (429, true, "busy")),
        ] {
            let (code, retry, name) = status(error);
            assert_eq!((code, retry, name.as_str()), expected);
        }
        let unknown = SayError::UnknownAgent { name: "x\u{202e}".into(), known: vec!["coder".into()] };
        let told = refusal(&unknown).into_error().message;
        assert!(told.contains("coder") && !told.contains('\u{202e}'), "{told}");
        let store = std::io::Error::other("/home/ada/.openclaw/sessions.db is full");
        let told = refusal(&SayError::Store(store.into())).into_error().message;
        assert!(!told.contains("ada"), "{told}");
    }
}
