//! All agents of a host, and the one way to say something to one of them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::agent::Agent;
use crate::event::{EndReason, Event};
use crate::flat_name::flat;
use crate::model::{Message, ModelCall};
use crate::redaction::Place;
use crate::session::{
    Busy, LaneLimits, Lanes, Opened, SessionId, SessionKey, Store, StoreError, Stored, Totals, lane,
};
use crate::trigger::{CommandCall, Matches, command_of};
use crate::turn::{COMMAND, Outcome, Party, Turn};

/// Most bytes of a message.
pub const MESSAGE_BYTES: usize = 256 << 10;

/// The agents, and their sessions.
#[derive(Debug)]
pub struct Agents {
    agents: ArcSwap<BTreeMap<String, Arc<Agent>>>,
    store: Arc<dyn Store>,
    lanes: Arc<Lanes>,
    /// Messages that somebody of this process waits with; what waits beside them was left by one that ended.
    attended: Mutex<HashSet<i64>>,
}

/// Why a message was not answered.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// There is no such agent.
    #[error("there is no agent {name}; there are {}", known.join(", "))]
    UnknownAgent {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The name of the conversation, or of who speaks, is empty, too long, or holds control characters.
    #[error("the conversation's name has 1 to 256 bytes and no control characters")]
    InvalidKey,
    /// The message is empty or too long.
    #[error("a message has 1 to {MESSAGE_BYTES} bytes, and this one has {0}")]
    Length(usize),
    /// Too much waits already; nothing of this message is kept.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Another process answers this conversation, and this message with it where it had been seen there already.
    #[error("another process is answering this conversation")]
    Elsewhere,
    /// It cannot be kept, and so is not answered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SayError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownAgent { .. } => "unknown-agent",
            Self::InvalidKey => "invalid-conversation",
            Self::Length(_) => "invalid-message",
            Self::Busy(_) | Self::Elsewhere => "busy",
            Self::Store(_) => "sessions-unavailable",
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownAgent { .. } => Some("agents are named under `agents:` in config.yaml"),
            Self::Busy(_) | Self::Elsewhere => Some("try again in a moment"),
            Self::InvalidKey | Self::Length(_) | Self::Store(_) => None,
        }
    }
}

impl Agents {
    /// No agents yet, over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, limits: LaneLimits) -> Self {
        let lanes = Arc::new(Lanes::new(limits));
        Self { agents: ArcSwap::default(), store, lanes, attended: Mutex::default() }
    }

    /// Puts these agents in place of those before; turns that run are ended as they began.
    pub fn set(&self, agents: Vec<Agent>) {
        let agents = agents.into_iter().map(|agent| (agent.id.clone(), Arc::new(agent))).collect();
        self.agents.store(Arc::new(agents));
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.agents.load().keys().cloned().collect()
    }

    /// How many conversations are being answered.
    #[must_use]
    pub fn at_work(&self) -> usize {
        self.lanes.at_work()
    }

    /// Where their sessions are kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// One of them.
    ///
    /// # Errors
    /// [`SayError::UnknownAgent`].
    pub fn get(&self, name: &str) -> Result<Arc<Agent>, SayError> {
        let agents = self.agents.load();
        agents.get(name).cloned().ok_or_else(|| SayError::UnknownAgent {
            name: name.to_owned(),
            known: agents.keys().cloned().collect(),
        })
    }

    /// Says something to an agent, and waits for its answer: [`receive`](Self::receive) and [`Received::answer`].
    ///
    /// # Errors
    /// [`SayError`].
    pub async fn say(
        self: &Arc<Self>,
        key: &SessionKey,
        text: &str,
        party: &Party,
    ) -> Result<Outcome, SayError> {
        self.receive(key, text).await?.answer(party).await
    }

    /// Takes a message in, which is answered after those of its conversation that were taken in before.
    ///
    /// # Errors
    /// [`SayError`]; nothing of the message is kept then.
    pub async fn receive(self: &Arc<Self>, key: &SessionKey, text: &str) -> Result<Received, SayError> {
        let agent = self.get(&key.agent)?;
        if !key.is_valid() {
            return Err(SayError::InvalidKey);
        }
        if text.trim().is_empty() || text.len() > MESSAGE_BYTES {
            return Err(SayError::Length(text.len()));
        }
        let text = agent.redaction.apply(Place::Model, text).into_owned();
        let session = self.store.open(key).await?;
        let turn = self.lanes.join(session)?;
        let number = self.store.receive(session, &text).await?;
        self.attended().insert(number);
        Ok(Received { agents: Arc::clone(self), agent, session, turn, number, text })
    }

    /// Goes on with a conversation that was left unanswered; answers with what came of it, and with nothing where somebody else
    /// is at it.
    ///
    /// # Errors
    /// [`SayError`].
    pub async fn resume(&self, opened: &Opened, party: &Party) -> Result<Option<Outcome>, SayError> {
        let agent = self.get(&opened.key.agent)?;
        let Ok(mut turn) = self.lanes.join(opened.id) else { return Ok(None) };
        turn.come().await;
        let Some(_held) = self.store.hold(opened.id)? else { return Ok(None) };
        Ok(self.finish(&agent, opened.id, party).await?.1)
    }

    /// Ends an open turn, and answers what nobody waits with. Answers with the session as it is then, and with the last outcome,
    /// which has what all of them took.
    async fn finish(
        &self,
        agent: &Agent,
        session: SessionId,
        party: &Party,
    ) -> Result<(Stored, Option<Outcome>), SayError> {
        let mut stored = self.store.load(session).await?;
        let mut ended: Option<Outcome> = None;
        if stored.is_open {
            let text = "the host was stopped in the middle of this conversation, and goes on where it was"
                .to_owned();
            party.watcher.saw(&Event::Notice { text });
            self.obey(agent, session, &mut stored, party).await?;
            ended = Some(Turn::new(agent, &*self.store, session, stored, party).run().await?);
            stored = self.store.load(session).await?;
        }
        for (received, text) in self.store.waiting(session).await? {
            if self.attended().contains(&received) {
                continue;
            }
            if let Some(mut outcome) = self.answer(agent, session, stored, (received, &text), party).await? {
                outcome.totals += ended.map_or_else(Totals::default, |before| before.totals);
                ended = Some(outcome);
            }
            stored = self.store.load(session).await?;
        }
        Ok((stored, ended))
    }

    /// Answers one message, by its number; nothing where it does not wait any more.
    async fn answer(
        &self,
        agent: &Agent,
        session: SessionId,
        mut stored: Stored,
        (received, text): (i64, &str),
        party: &Party,
    ) -> Result<Option<Outcome>, SayError> {
        let said = Message::User { text: text.to_owned() };
        if !self.store.begin_turn(session, received, &said).await? {
            return Ok(None);
        }
        stored.messages.push(said);
        self.obey(agent, session, &mut stored, party).await?;
        Ok(Some(Turn::new(agent, &*self.store, session, stored, party).run().await?))
    }

    /// Answers a message that is a command in the model's place.
    async fn obey(
        &self,
        agent: &Agent,
        session: SessionId,
        stored: &mut Stored,
        party: &Party,
    ) -> Result<(), SayError> {
        let Some(Message::User { text }) = stored.messages.last() else { return Ok(()) };
        let Some(answer) = commanded(agent, text) else { return Ok(()) };
        self.store.say(session, &answer, stored.totals, &[]).await?;
        if let Message::Assistant { text, .. } = &answer
            && !text.is_empty()
        {
            party.watcher.saw(&Event::Text { text: text.clone() });
        }
        stored.messages.push(answer);
        Ok(())
    }

    fn attended(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.attended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message comes to without a model, if it is a command: the call that it means, or the choice between several.
fn commanded(agent: &Agent, text: &str) -> Option<Message> {
    let command = command_of(text)?;
    match agent.toolbox.commands().matches(command) {
        Matches::None => None,
        Matches::One(CommandCall { tool, input }) => {
            let call = ModelCall { id: COMMAND.to_owned(), tool: flat(&tool), arguments: input };
            Some(Message::Assistant { text: String::new(), calls: vec![call] })
        }
        Matches::Several(several) => {
            let text = format!("{several}\n{}", several.hint());
            Some(Message::Assistant { text, calls: Vec::new() })
        }
    }
}

/// A message that was taken in, and that somebody waits with. Dropping it, or the future of its answer, leaves it as it is: it is
/// gone on with when something is said again, or by [`Agents::resume`].
#[derive(Debug)]
pub struct Received {
    agents: Arc<Agents>,
    agent: Arc<Agent>,
    session: SessionId,
    turn: lane::Turn,
    number: i64,
    text: String,
}

impl Received {
    /// Waits for its turn, and answers it. What another process left unanswered in the conversation is answered first.
    ///
    /// # Errors
    /// [`SayError`].
    pub async fn answer(mut self, party: &Party) -> Result<Outcome, SayError> {
        let agents = Arc::clone(&self.agents);
        tokio::select! {
            biased;
            () = party.cancel.given() => {
                agents.store.withdraw(self.session, self.number).await?;
                return Ok(cancelled());
            }
            () = self.turn.come() => {}
        }
        let Some(_held) = agents.store.hold(self.session)? else {
            agents.store.withdraw(self.session, self.number).await?;
            return Err(SayError::Elsewhere);
        };
        let (stored, _) = agents.finish(&self.agent, self.session, party).await?;
        let message = (self.number, self.text.as_str());
        let answered = agents.answer(&self.agent, self.session, stored, message, party).await?;
        // Another process has taken the message with those that it found waiting.
        answered.ok_or(SayError::Elsewhere)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.agents.attended().remove(&self.number);
    }
}

/// What comes of a message whose sender went away before it was its turn.
fn cancelled() -> Outcome {
    Outcome { text: String::new(), reason: EndReason::Cancelled, totals: Totals::default(), error: None }
}
