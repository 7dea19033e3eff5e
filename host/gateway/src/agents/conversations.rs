//! Turns of agents for callers: each as a task of its own, counted, ended when its caller goes away, and waited for at the end.

use std::sync::Arc;

use openclaw_agent::agent::Agent;
use openclaw_agent::agents::{Agents, SayError};
use openclaw_agent::event::{EndReason, Event, Watcher};
use openclaw_agent::human::Human;
use openclaw_agent::session::{Busy, Opened, SessionKey, Totals};
use openclaw_agent::turn::{Outcome, Party};
use openclaw_listen::Crowd;
use openclaw_runtime::Cancel;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::speaker::{speaking, speaking_here};
use crate::caller::Caller;
use crate::count::Count;
use crate::service::Service;
use crate::tokens::{Token, Tokens};

/// The channels over which agents are spoken with here.
const CHANNELS: [&str; 2] = ["http", "ws"];
/// Messages of one token that are being answered, or wait.
const TURNS_PER_TOKEN: usize = 64;

/// The agents of a gateway, and the turns that they make.
#[derive(Debug)]
pub(crate) struct Conversations {
    agents: Option<Arc<Agents>>,
    service: Arc<Service>,
    /// Whose they are.
    crowd: Crowd<String>,
    /// How many turns run, or wait for their lane.
    running: Count,
    /// Given when turns are not waited for any longer.
    cut: CancellationToken,
}

/// Something that is said to an agent.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) key: SessionKey,
    pub(crate) text: String,
    pub(crate) watcher: Arc<dyn Watcher>,
    /// The person, where they can be asked.
    pub(crate) human: Option<Arc<dyn Human>>,
    pub(crate) token: Arc<Token>,
}

/// The host failed in the middle of a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrokeDown;

/// A turn that was begun. It is cancelled when this is dropped, and then ends by itself, in order.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<Result<Outcome, SayError>>,
    cancel: Cancel,
}

impl Conversations {
    pub(crate) fn new(agents: Option<Arc<Agents>>, service: Arc<Service>, cut: CancellationToken) -> Self {
        let crowd = Crowd::new(TURNS_PER_TOKEN);
        Self { agents, service, crowd, running: Count::default(), cut }
    }

    /// The agents, where there are any.
    pub(crate) fn agents(&self) -> Option<&Arc<Agents>> {
        self.agents.as_ref()
    }

    /// How many agents there are.
    pub(crate) fn count(&self) -> u32 {
        self.agents.as_ref().map_or(0, |agents| u32::try_from(agents.names().len()).unwrap_or(u32::MAX))
    }

    /// How many conversations are being answered.
    pub(crate) fn at_work(&self) -> usize {
        self.agents.as_ref().map_or(0, |agents| agents.at_work())
    }

    /// How many turns of callers run.
    pub(crate) fn running(&self) -> usize {
        self.running.now()
    }

    /// The agent of a name, or the first one.
    ///
    /// # Errors
    /// [`SayError::UnknownAgent`].
    pub(crate) fn agent(&self, name: Option<&str>) -> Result<(&Arc<Agents>, Arc<Agent>), SayError> {
        let none = || SayError::UnknownAgent { name: name.unwrap_or("at all").to_owned(), known: Vec::new() };
        let agents = self.agents.as_ref().ok_or_else(none)?;
        let first = || agents.names().into_iter().next().ok_or_else(none);
        let name = name.map_or_else(first, |name| Ok(name.to_owned()))?;
        Ok((agents, agents.get(&name)?))
    }

    /// Says something to an agent: the message is taken in, and answered after those that were taken in before. Within a
    /// runtime.
    ///
    /// # Errors
    /// [`SayError`], where it is not taken in.
    pub(crate) async fn begin(&self, said: Said) -> Result<Running, SayError> {
        let Said { key, text, watcher, human, token } = said;
        let (agents, agent) = self.agent(Some(&key.agent))?;
        let taken = match self.crowd.join(key.peer.clone()) {
            Some(place) => agents.receive(&key, &text).await.map(|received| (place, received)),
            None => Err(Busy::Peer(TURNS_PER_TOKEN).into()),
        };
        let (place, received) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                self.service.metrics().count_turn(&agent.id, error.code(), Totals::default());
                note(&error);
                return Err(error);
            }
        };
        let party = Party { watcher, human, cancel: Cancel::default(), remembers: token.caller().may_grant };
        let cancel = party.cancel.clone();
        let answering = async move {
            let _place = place;
            received.answer(&party).await
        };
        let task = self.run(&agent, &key, token, cancel.clone(), answering, |outcome| Some(outcome.clone()));
        Ok(Running { task, cancel })
    }

    /// Makes a turn for whoever has a token, as a task of its own: counted, and cancelled when the token ends or the gateway
    /// waits no longer. `outcome` tells what it came to, if it was one.
    fn run<T: Send + 'static>(
        &self,
        agent: &Arc<Agent>,
        key: &SessionKey,
        token: Arc<Token>,
        cancel: Cancel,
        work: impl Future<Output = Result<T, SayError>> + Send + 'static,
        outcome: fn(&T) -> Option<Outcome>,
    ) -> JoinHandle<Result<T, SayError>> {
        let (agent, service) = (Arc::clone(agent), Arc::clone(&self.service));
        let speaker = Arc::clone(token.caller());
        let counted = self.running.one();
        let cutting = Cutting::start(self.cut.clone(), token, cancel);
        let span = tracing::info_span!("turn", agent = agent.id, channel = key.channel, caller = key.peer);
        let turn = async move {
            let _counted = (counted, cutting);
            warm(&agent, &speaker).await;
            let ended = speaking(speaker, work).await;
            match ended.as_ref().map(outcome) {
                Ok(Some(outcome)) => {
                    if let Some(error) = &outcome.error {
                        tracing::warn!("no model answered: {error}");
                    }
                    service.metrics().count_turn(&agent.id, reason_label(outcome.reason), outcome.totals);
                }
                Ok(None) => {}
                Err(error) => {
                    note(error);
                    service.metrics().count_turn(&agent.id, error.code(), Totals::default());
                }
            }
            ended
        };
        tokio::spawn(turn.instrument(span))
    }

    /// Done once no turn of a caller runs.
    pub(crate) async fn idle(&self) {
        self.running.none().await;
    }

    /// Goes on with what was left unanswered when the process before this one ended. Nobody is asked. A conversation whose token
    /// is gone is left; what does not come to its end is left for the next process.
    pub(crate) async fn resume(&self, tokens: &Tokens) {
        let Some(agents) = &self.agents else { return };
        for name in agents.names() {
            let left = match agents.store().unfinished(&name).await {
                Ok(left) => left,
                Err(error) => {
                    tracing::error!(agent = name, "conversations are not gone on with: {error}");
                    continue;
                }
            };
            for opened in left {
                let channel = opened.key.channel.as_str();
                let (Some(token), Ok(agent)) = (tokens.named(&opened.key.peer), agents.get(&name)) else {
                    continue;
                };
                if CHANNELS.contains(&channel) {
                    self.resume_one(Arc::clone(agents), &agent, opened, token);
                }
            }
        }
    }

    fn resume_one(&self, agents: Arc<Agents>, agent: &Arc<Agent>, opened: Opened, token: Arc<Token>) {
        let (watcher, remembers) = (Arc::new(Nobody), token.caller().may_grant);
        let party = Party { watcher, human: None, cancel: Cancel::default(), remembers };
        let (key, cancel) = (opened.key.clone(), party.cancel.clone());
        let resuming = async move { agents.resume(&opened, &party).await };
        // Nobody waits for it.
        drop(self.run(agent, &key, token, cancel, resuming, Option::clone));
    }
}

impl Running {
    /// What gives the word to end it.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// What came of it; once, and not again.
    ///
    /// # Errors
    /// The turn broke down.
    pub(crate) async fn ended(&mut self) -> Result<Result<Outcome, SayError>, BrokeDown> {
        let ended = (&mut self.task).await.ok();
        ended.ok_or_else(|| {
            tracing::error!("a turn broke down");
            BrokeDown
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// How the end of a turn is called in metrics and documents.
pub(crate) fn reason_label(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Done => "done",
        EndReason::Cancelled => "cancelled",
        EndReason::Steps => "steps",
        EndReason::Tokens => "tokens",
        EndReason::Cost => "cost",
        EndReason::Time => "time",
        EndReason::ModelFailed => "model-failed",
    }
}

/// Has the agent's tools listed. The first time it verifies every installed skill: not on a thread that has something else to do.
async fn warm(agent: &Arc<Agent>, speaker: &Arc<Caller>) {
    let (agent, speaker) = (Arc::clone(agent), Arc::clone(speaker));
    let listing = tokio::task::spawn_blocking(move || speaking_here(speaker, || drop(agent.toolbox.tools())));
    // If it fails, the turn fails there too.
    let _ = listing.await;
}

/// Tells the owner what callers are not told.
fn note(error: &SayError) {
    if let SayError::Store(error) = error {
        tracing::error!("{error}");
    }
}

/// Cancels a turn whose token ends, or for which the gateway waits no longer. A task of its own: a guest may compute on the
/// thread of the turn.
#[derive(Debug)]
struct Cutting(JoinHandle<()>);

impl Cutting {
    fn start(cut: CancellationToken, token: Arc<Token>, cancel: Cancel) -> Self {
        Self(tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = token.ended() => {}
            }
            cancel.cancel();
        }))
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Nobody watches.
#[derive(Debug)]
struct Nobody;

impl Watcher for Nobody {
    fn saw(&self, _: &Event) {}
}
