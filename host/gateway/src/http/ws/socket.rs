//! One WebSocket from its first message to its last: read, written, looked after, and ended with all that it began.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::StatusCode;
use openclaw_agent::agents::SayError;
use openclaw_agent::event::{Event, Watcher};
use openclaw_agent::human::Human;
use openclaw_agent::text::quoted;
use openclaw_agent::turn::Outcome;
use openclaw_runtime::Cancel;

use super::super::answer::Refusal;
use super::super::chat::{key, model_failed, random_name, refusal};
use super::super::guard::draining;
use super::super::{App, Phase};
use super::messages::{Own, Place, SocketMessage, SocketRequest};
use super::person::{Person, Questions, Reply};
use crate::agents::{Out, Outbox, Running, Said, reason_label};
use crate::count::Count;
use crate::tokens::Token;

/// Over which channel this is.
const CHANNEL: &str = "ws";
/// Bytes of a client's own name for what it says.
const NAME_BYTES: usize = 64;
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a socket is closed: a code of the protocol's, and a word for it.
type Closing = (u16, &'static str);

/// Speaks over a socket until it is closed.
pub(super) async fn serve(socket: WebSocket, app: Arc<App>, token: Arc<Token>) {
    let (mut sink, stream) = socket.split();
    let heard = AtomicBool::new(false);
    let speaking = Arc::new(Speaking::new(Arc::clone(&app), Arc::clone(&token)));
    let closing = {
        let writing = write(&mut sink, &speaking.outbox, &heard, app.limits.ping_time);
        let reading = read(stream, &speaking, &heard);
        tokio::pin!(writing, reading);
        tokio::select! {
            biased;
            () = app.cut.cancelled() => {
                // The turns end by themselves; what they come to is still told.
                let ended = tokio::time::timeout(LAST_WORDS, speaking.ended());
                tokio::select! {
                    _ = ended => {}
                    _ = &mut writing => {}
                }
                (close_code::AWAY, "the gateway stops")
            }
            () = token.ended() => (close_code::POLICY, "the token is no longer accepted"),
            closing = &mut reading => closing,
            closing = &mut writing => closing,
        }
    };
    speaking.close();
    let _ = tokio::time::timeout(LAST_WORDS, end(&mut sink, &speaking.outbox, closing)).await;
}

/// Sends what waits, and looks after the other side; until that fails.
async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox<SocketMessage>,
    heard: &AtomicBool,
    ping_time: Duration,
) -> Closing {
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + ping_time, ping_time);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_asked = false;
    loop {
        let message = tokio::select! {
            biased;
            _ = tick.tick() => {
                if is_asked && !heard.swap(false, Ordering::AcqRel) {
                    return (close_code::POLICY, "no pong came in time");
                }
                is_asked = true;
                Message::Ping(Bytes::from_static(b"openclaw"))
            }
            out = outbox.next() => match text(out) {
                Some(message) => message,
                None => return (close_code::AGAIN, "too much waits to be read"),
            },
        };
        if sink.send(message).await.is_err() {
            return (close_code::AWAY, "the connection is gone");
        }
    }
}

/// What waits, as a message; none where the other side cannot be spoken with any more.
fn text(out: Out<SocketMessage>) -> Option<Message> {
    let message = match out {
        Out::Piece(message) => message,
        Out::Missed(count) => Own::LeftOut { count }.into(),
        Out::Overrun => return None,
    };
    Some(Message::Text(serde_json::to_string(&message).unwrap_or_default().into()))
}

/// The last words.
async fn end(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox<SocketMessage>,
    (code, reason): Closing,
) {
    while let Some(message) = outbox.try_next().and_then(text) {
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let _ = sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    let _ = sink.close().await;
}

/// Does what the client says, until it says too much or nothing more.
async fn read(mut stream: SplitStream<WebSocket>, speaking: &Arc<Speaking>, heard: &AtomicBool) -> Closing {
    while let Some(message) = stream.next().await {
        // Pings and pongs cost something too.
        if speaking.rate.check().is_err() {
            return (close_code::POLICY, "too many messages came in a minute");
        }
        match message {
            Ok(Message::Text(text)) => {
                if let Err(error) = speaking.hear(&text).await {
                    speaking.outbox.push(error);
                }
            }
            Ok(Message::Binary(_)) => return (close_code::UNSUPPORTED, "messages are JSON texts"),
            Ok(Message::Pong(_)) => heard.store(true, Ordering::Release),
            Ok(Message::Ping(_)) => {}
            Ok(Message::Close(_)) => return (close_code::NORMAL, "goodbye"),
            Err(error) => return broken(&error),
        }
    }
    (close_code::NORMAL, "goodbye")
}

/// Why a message could not be read.
fn broken(error: &axum::Error) -> Closing {
    // The protocol's library has its errors in boxes of the router's.
    let words = error.to_string().to_ascii_lowercase();
    if words.contains("too long") || words.contains("capacity") {
        return (close_code::SIZE, "the message is too large");
    }
    (close_code::PROTOCOL, "the message is none of the protocol's")
}

/// What is spoken over one socket.
struct Speaking {
    app: Arc<App>,
    token: Arc<Token>,
    outbox: Arc<Outbox<SocketMessage>>,
    questions: Arc<Questions>,
    rate: DefaultDirectRateLimiter,
    turns: Mutex<Turns>,
    /// How many turns have not been told the end of.
    open: Count,
}

/// The turns of one socket that have not ended.
#[derive(Default)]
struct Turns {
    count: u64,
    is_closed: bool,
    running: HashMap<u64, (Place, Cancel)>,
}

impl Speaking {
    fn new(app: Arc<App>, token: Arc<Token>) -> Self {
        let per_minute = NonZeroU32::new(app.limits.socket_messages_per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            rate: RateLimiter::direct(Quota::per_minute(per_minute)),
            app,
            token,
            outbox: Arc::default(),
            questions: Arc::default(),
            turns: Mutex::default(),
            open: Count::default(),
        }
    }

    /// Does what a client says.
    ///
    /// # Errors
    /// What it is told instead.
    async fn hear(self: &Arc<Self>, text: &str) -> Result<(), SocketMessage> {
        let request = serde_json::from_str(text).map_err(|error: serde_json::Error| {
            let words = quoted(&error.to_string());
            error_of(None, None, invalid(format!("a message cannot be read: {words}")))
        })?;
        match request {
            SocketRequest::Say { agent, conversation, text, id } => {
                let named = id.as_ref().filter(|id| id.len() <= NAME_BYTES).cloned();
                if named != id {
                    return Err(error_of(
                        None,
                        None,
                        invalid(format!("an id has at most {NAME_BYTES} bytes")),
                    ));
                }
                self.say(agent.as_deref(), conversation, text, id)
                    .await
                    .map_err(|(place, refusal)| error_of(place, named, refusal))
            }
            SocketRequest::Cancel { conversation } => self.cancel(&conversation),
            SocketRequest::Answer { question, approval, consent, text } => {
                let reply = match (approval, consent, text) {
                    (Some(approval), None, None) => Reply::Approval(approval),
                    (None, Some(consent), None) => Reply::Consent(consent),
                    (None, None, Some(text)) => Reply::Text(text),
                    (None, None, None) => Reply::No,
                    _ => return Err(error_of(None, None, invalid("an answer is one of the three"))),
                };
                self.questions.answer(&question, reply).map_err(|refusal| error_of(None, None, refusal))
            }
        }
    }

    /// Says something to an agent, and has told what becomes of it.
    async fn say(
        self: &Arc<Self>,
        agent: Option<&str>,
        conversation: Option<String>,
        text: String,
        id: Option<String>,
    ) -> Result<(), (Option<Place>, Refusal)> {
        if self.app.phase() == Phase::Draining {
            return Err((None, draining()));
        }
        let agent = agent.filter(|agent| !agent.is_empty());
        let found = self.app.conversations.agent(agent).map_err(|error| (None, refusal(&error)))?;
        let conversation = conversation.map_or_else(random_name, Ok).map_err(|refusal| (None, refusal))?;
        let key = key(&found.1.id, CHANNEL, &self.token, conversation);
        if !key.is_valid() {
            return Err((None, refusal(&SayError::InvalidKey)));
        }
        let place = Place { agent: key.agent.clone(), conversation: key.conversation.clone() };
        let (outbox, questions) = (Arc::clone(&self.outbox), Arc::clone(&self.questions));
        let watcher = Arc::new(Watching { place: place.clone(), outbox: Arc::clone(&outbox) });
        let human: Arc<dyn Human> = Arc::new(Person { place: place.clone(), outbox, questions });
        let said = Said { key, text, watcher, human: Some(human), token: Arc::clone(&self.token) };
        let running = self.app.conversations.begin(said).await;
        let running = running.map_err(|error| (Some(place.clone()), refusal(&error)))?;
        let mut turns = self.turns();
        if turns.is_closed {
            // Nobody hears what comes of it: it is cancelled, as it is dropped.
            return Ok(());
        }
        turns.count += 1;
        let number = turns.count;
        turns.running.insert(number, (place.clone(), running.cancel().clone()));
        drop(turns);
        let open = self.open.one();
        self.outbox.push(Own::Accepted { place: place.clone(), id: id.clone() }.into());
        let following = Arc::clone(self).follow(number, running, place, id);
        tokio::spawn(async move {
            let _open = open;
            following.await;
        });
        Ok(())
    }

    /// Tells what a turn came to.
    async fn follow(self: Arc<Self>, number: u64, mut running: Running, place: Place, id: Option<String>) {
        let ended = running.ended().await;
        self.turns().running.remove(&number);
        self.outbox.push(match ended {
            Ok(Ok(Outcome { error: Some(error), .. })) => error_of(Some(place), id, model_failed(&error)),
            Ok(Ok(Outcome { text, reason, totals, error: None })) => Own::Answered {
                place,
                id,
                text,
                reason: reason_label(reason),
                usage: totals.usage,
                cost: totals.cost,
            }
            .into(),
            Ok(Err(error)) => error_of(Some(place), id, refusal(&error)),
            Err(_) => error_of(Some(place), id, Refusal::internal()),
        });
    }

    /// Ends what is being answered, or waits, in a conversation.
    fn cancel(&self, conversation: &str) -> Result<(), SocketMessage> {
        let turns = self.turns();
        let mut ended = 0;
        for (_, cancel) in turns.running.values().filter(|(place, _)| place.conversation == conversation) {
            cancel.cancel();
            ended += 1;
        }
        if ended > 0 {
            return Ok(());
        }
        let message = "nothing is being answered in this conversation over this WebSocket";
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "nothing-to-cancel", message, None);
        Err(error_of(None, None, refusal))
    }

    /// Done once all turns have been told the end of.
    async fn ended(&self) {
        self.open.none().await;
    }

    /// Ends all that was begun; nothing begins from now on, and nobody answers.
    fn close(&self) {
        self.questions.close();
        let mut turns = self.turns();
        turns.is_closed = true;
        turns.running.values().for_each(|(_, cancel)| cancel.cancel());
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on what happens in a conversation.
#[derive(Debug)]
struct Watching {
    place: Place,
    outbox: Arc<Outbox<SocketMessage>>,
}

impl Watcher for Watching {
    fn saw(&self, event: &Event) {
        self.outbox.push(SocketMessage::Happened { place: self.place.clone(), event: event.clone() });
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid-message", message.into(), None)
}

fn error_of(place: Option<Place>, id: Option<String>, refusal: Refusal) -> SocketMessage {
    Own::Error { place, id, error: refusal.into_error() }.into()
}
