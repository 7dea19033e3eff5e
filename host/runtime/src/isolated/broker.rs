//! The host's side of what a worker's guest needs beyond the worker: each wish is decided on as in the host's own
//! process, and only a connection to where it may go, or the streams of a program that it may run, are handed over.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use super::wire::{self, Link, Meanwhile, Wish, Wished};
use crate::capability::ask::{self, AskError, Reply};
use crate::capability::llm::{self, LanguageModel, LlmRequest};
use crate::capability::log::{LINES, Log, LogLine, REPORTS, Told};
use crate::capability::network::dial::{Dial, DialError, Dialled};
use crate::capability::network::{NetworkGrants, NetworkLimits, Permitted, Relay};
use crate::capability::process::{self, Command, Life, Ran, Session, Start, StartError};
use crate::observer::Observer;
use crate::redact::Values;

/// Messages of a guest of one call.
const MESSAGES: u64 = 2 * (LINES + REPORTS);
/// Wishes that may be left of calls that ended before they were read.
const LATE: u64 = 1_000;

/// The writing end of a side channel.
pub(super) type Side = Arc<Mutex<OwnedWriteHalf>>;

/// What serves wishes.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) starter: Arc<dyn Start>,
    pub(crate) model: Option<Arc<dyn LanguageModel>>,
}

/// Sees to the wishes of one call of a worker.
pub(super) struct Broker {
    /// The number of the call.
    call: u64,
    /// Wishes of other calls.
    late: u64,
    net: Net,
    /// None where the manifest declares no program.
    session: Option<Arc<Session>>,
    /// None where the manifest declares no language model.
    questions: Option<Arc<llm::Session>>,
    /// None where the manifest declares no questions to a person.
    person: Option<Arc<ask::Session>>,
    /// Whether the model or the person is being asked: a guest waits for one answer at a time.
    is_asking: Arc<AtomicBool>,
    /// What the guest told so far; none where nobody follows it.
    log: Option<Log>,
    heard: u64,
    side: Side,
    limits: NetworkLimits,
    dials: u64,
    starts: usize,
    asked: u64,
    put: u64,
    programs: Arc<std::sync::Mutex<HashMap<u64, Arc<Life>>>>,
    /// Wishes under way; they end when the call does.
    under_way: JoinSet<()>,
    /// Requests that are relayed, which end with it too.
    relayed: JoinSet<()>,
}

/// What the connections of a call are decided on and opened with.
#[derive(Clone)]
pub(super) struct Net {
    pub(super) grants: Arc<NetworkGrants>,
    pub(super) dialer: Arc<dyn Dial>,
    pub(super) relay: Arc<Relay>,
    /// The values of secrets that nobody who follows the call is to see.
    pub(super) cut: Option<Arc<Values>>,
}

impl Broker {
    pub(super) fn new(
        call: u64,
        net: Net,
        session: Option<Session>,
        questions: Option<llm::Session>,
        person: Option<ask::Session>,
        side: Side,
    ) -> Self {
        Self {
            call,
            late: 0,
            net,
            session: session.map(Arc::new),
            questions: questions.map(Arc::new),
            person: person.map(Arc::new),
            is_asking: Arc::default(),
            log: None,
            heard: 0,
            side,
            limits: NetworkLimits::default(),
            dials: 0,
            starts: 0,
            asked: 0,
            put: 0,
            programs: Arc::default(),
            under_way: JoinSet::new(),
            relayed: JoinSet::new(),
        }
    }

    /// The number of the call.
    pub(super) fn call(&self) -> u64 {
        self.call
    }

    /// Tells an observer what the guest tells.
    pub(super) fn follow(&mut self, observer: Arc<dyn Observer>) {
        self.log = Some(Log::followed(Some(observer), self.net.cut.clone()));
    }

    /// Tells the observer the lines that had not come when the call ended.
    pub(super) fn catch_up(&self, lines: &[LogLine]) {
        if let Some(log) = &self.log {
            let told = log.take().0.len();
            lines.iter().skip(told).cloned().for_each(|line| log.tell(Told::Line(line)));
        }
    }

    /// How often the guest told something.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    fn tell(&mut self, told: Told) -> bool {
        self.heard += 1;
        if let Some(log) = &self.log {
            log.tell(told);
        }
        self.heard <= MESSAGES
    }

    /// Sees to a wish while the call goes on; false where the worker has more of them than a call may have,
    /// which no worker has that is its own master.
    #[must_use]
    pub(super) fn see_to(&mut self, Wished { call, wish }: Wished) -> bool {
        if call != self.call {
            // That call has ended, so that nobody waits for what comes of it: least of all the person behind this one.
            self.late += 1;
            return self.late <= LATE;
        }
        while self.under_way.try_join_next().is_some() {}
        match wish {
            Wish::Dial { id, method, url, patience } => self.dial(id, method, url, patience),
            Wish::Start { id, command } => self.start(id, command),
            Wish::Tell { told } => self.tell(told),
            Wish::Complete { id, request } => self.complete(id, request),
            Wish::Ask { id, text, choices } => self.put(id, text, choices),
            Wish::End { id, cause } => {
                let programs = self.programs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                // One that never ran has nothing to end.
                if let Some(life) = programs.get(&id) {
                    life.end(cause);
                }
                true
            }
        }
    }

    fn dial(&mut self, id: u64, method: String, url: String, patience: Duration) -> bool {
        self.dials += 1;
        while self.relayed.try_join_next().is_some() {}
        let open = self.under_way.len().max(self.relayed.len());
        if self.dials > self.limits.requests || open >= self.limits.connections {
            return false;
        }
        let (net, side) = (self.net.clone(), Arc::clone(&self.side));
        let destination = destination(&self.net, &method, &url);
        let relayed = match destination {
            Ok((permitted, true)) => self
                .relay(permitted)
                .map(|theirs| (theirs, Link::Relayed))
                .map_err(|_| DialError::Unavailable),
            Ok((permitted, false)) => {
                let by = Instant::now() + patience.min(self.limits.connect);
                self.under_way.spawn(async move {
                    let dialled =
                        dial(&*net.dialer, &permitted, by).await.map(|stream| (stream, Link::Direct));
                    tell(id, dialled, &side).await;
                });
                return true;
            }
            Err(error) => Err(error),
        };
        self.under_way.spawn(async move { tell(id, relayed, &side).await });
        true
    }

    /// Serves a request itself; answers the worker's end of the connection.
    fn relay(&mut self, permitted: Permitted) -> io::Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        let relay = Arc::clone(&self.net.relay);
        let (method, url) = (permitted.method().clone(), permitted.url().clone());
        self.relayed.spawn(async move { relay.serve(method, url, ours).await });
        Ok(theirs.into_std()?.into())
    }

    fn start(&mut self, id: u64, command: Command) -> bool {
        self.starts += 1;
        // Each attempt is decided on, and may be recorded as a denial.
        if self.starts > 16 * process::PROGRAMS || self.under_way.len() >= 2 * process::AT_ONCE {
            return false;
        }
        let (Some(session), side) = (self.session.clone(), Arc::clone(&self.side)) else { return false };
        let programs = Arc::clone(&self.programs);
        self.under_way.spawn(async move { run(id, command, &session, &programs, &side).await });
        true
    }

    fn complete(&mut self, id: u64, request: LlmRequest) -> bool {
        self.asked += 1;
        // The worker bounds them itself.
        if self.asked > llm::QUESTIONS || self.is_asking.swap(true, Ordering::SeqCst) {
            return false;
        }
        let (Some(questions), side) = (self.questions.clone(), Arc::clone(&self.side)) else { return false };
        let is_asking = Arc::clone(&self.is_asking);
        self.under_way.spawn(async move {
            let result = questions.complete(request).await;
            // Before the worker hears of it, since it may ask again at once.
            is_asking.store(false, Ordering::SeqCst);
            heard(send(&side, &Meanwhile::Completed { id, result }).await);
        });
        true
    }

    fn put(&mut self, id: u64, text: String, choices: Vec<String>) -> bool {
        self.put += 1;
        // The worker bounds them itself.
        if self.put > ask::QUESTIONS || self.is_asking.swap(true, Ordering::SeqCst) {
            return false;
        }
        let (Some(person), side) = (self.person.clone(), Arc::clone(&self.side)) else { return false };
        let is_asking = Arc::clone(&self.is_asking);
        self.under_way.spawn(async move {
            let reply = match person.question(text, choices).await {
                Ok(answer) => Reply::Answer(answer),
                Err(AskError::Dismissed) => Reply::Dismissed,
                // A worker that is its own master has refused these before.
                Err(
                    AskError::Nobody | AskError::Denied(_) | AskError::TooMany | AskError::Unavailable(_),
                ) => Reply::Nobody,
            };
            // Before the worker hears of it, since it may ask again at once.
            is_asking.store(false, Ordering::SeqCst);
            heard(send(&side, &Meanwhile::Replied { id, reply }).await);
        });
        true
    }

    /// How often the person was asked.
    pub(super) fn put_questions(&self) -> u64 {
        self.person.as_ref().map_or(0, |person| person.asked())
    }

    /// The tokens of the language model that were used.
    pub(super) fn tokens(&self) -> u64 {
        self.questions.as_ref().map_or(0, |questions| questions.used())
    }

    /// How many connections were wished for.
    pub(super) fn dials(&self) -> u64 {
        self.dials
    }

    /// Whether every wish was answered.
    pub(super) fn is_idle(&mut self) -> bool {
        while self.under_way.try_join_next().is_some() {}
        self.under_way.is_empty()
    }

    /// Ends the programs that still run, and tells what ran.
    pub(super) async fn finish(&mut self) -> Vec<Ran> {
        // What is being started now is not to begin after the others have ended, and no question to be asked.
        self.under_way.shutdown().await;
        self.relayed.shutdown().await;
        match &self.session {
            Some(session) => session.finish().await,
            None => Vec::new(),
        }
    }
}

/// What a wish for a connection is permitted, and whether it is a secret's.
fn destination(net: &Net, method: &str, url: &str) -> Result<(Permitted, bool), DialError> {
    let method: Method = method.parse().map_err(|_| DialError::Unavailable)?;
    let url = Url::parse(url).map_err(|_| DialError::Unavailable)?;
    let permitted = net.grants.permit(&method, &url).map_err(DialError::Denied)?;
    let is_relayed = net.relay.takes(permitted.url()).map_err(DialError::Denied)?;
    Ok((permitted, is_relayed))
}

async fn dial(dialer: &dyn Dial, permitted: &Permitted, by: Instant) -> Result<OwnedFd, DialError> {
    match dialer.dial(permitted, by).await? {
        Dialled::Direct(stream) => Ok(stream.into_std().map_err(|_| DialError::Unavailable)?.into()),
        // A host opens connections itself.
        Dialled::Relayed(_) => Err(DialError::Unavailable),
    }
}

/// Tells a worker what came of its wish for a connection.
async fn tell(id: u64, dialled: Result<(OwnedFd, Link), DialError>, side: &Side) {
    heard(match dialled {
        Ok((stream, link)) => {
            send_with(side, &Meanwhile::Dialled { id, result: Ok(link) }, &[stream.as_fd()]).await
        }
        Err(error) => send(side, &Meanwhile::Dialled { id, result: Err(error) }).await,
    });
}

/// Starts a program for a worker, and tells it the end.
async fn run(
    id: u64,
    command: Command,
    session: &Session,
    programs: &std::sync::Mutex<HashMap<u64, Arc<Life>>>,
    side: &Side,
) {
    let begun = match session.begin(command).await {
        Ok(begun) => begun,
        Err(error) => return not_started(id, error, side).await,
    };
    let life = Arc::clone(&begun.life);
    programs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, Arc::clone(&life));
    let started = Meanwhile::Started { id, result: Ok(begun.means) };
    let streams = [begun.stdin.as_fd(), begun.stdout.as_fd(), begun.stderr.as_fd()];
    heard(send_with(side, &started, &streams).await);
    // These are the worker's now, and a reader is to see their end.
    drop(begun);
    let fate = life.ended().await;
    heard(send(side, &Meanwhile::Ended { id, fate }).await);
}

async fn not_started(id: u64, error: StartError, side: &Side) {
    heard(send(side, &Meanwhile::Started { id, result: Err(error) }).await);
}

fn heard(said: io::Result<()>) {
    if let Err(error) = said {
        // The worker has ended, which its call will tell.
        tracing::debug!(%error, "a worker does not hear what came of its wish");
    }
}

/// Says something on a side channel.
pub(super) async fn send(side: &Side, message: &Meanwhile) -> io::Result<()> {
    send_with(side, message, &[]).await
}

async fn send_with(side: &Side, message: &Meanwhile, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let frame = wire::encode(message)?;
    let side = side.lock().await;
    wire::write_with_descriptors(side.as_ref(), &frame, descriptors).await
}
