//! The worker's side: takes what it works for, gives up everything else, and makes one call after the other.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cap_std::fs::Dir;
use openclaw_launcher::Means;
use openclaw_package::name::ToolName;
use openclaw_package::permission::Scheme;
use tokio::net::{TcpStream, UnixStream as AsyncUnixStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::confine::{TreeAccess, confine};
use super::wire::{self, Begin, Begun, Call, End, Finished, Link, Meanwhile, Wish, Wished};
use crate::cancel::Cancel;
use crate::capability::ask::{Reply, Respondent, SkillQuestion};
use crate::capability::filesystem::Ledgers;
use crate::capability::grant::{Grants, OpenError, Places, Surroundings};
use crate::capability::llm::{LanguageModel, LlmCompletion, LlmError, LlmRequest};
use crate::capability::log::{LogLine, Told};
use crate::capability::memory::MemoryStores;
use crate::capability::network::dial::{Dial, DialError, Dialled};
use crate::capability::network::{HttpClient, Permitted};
use crate::capability::process::{self, Begun as Running, Fate, Life, Start, StartError, Trees};
use crate::dispatch::ToolCall;
use crate::execute::{self, Outcome};
use crate::observer::{Observer, Progress};
use crate::sandbox::{Held, Prepared, Runner, engine_for_one_call};
use crate::workspace::Workspace;

/// A worker's life: its standard input is the call channel, its standard output the side channel. Returns the
/// exit code.
pub fn run_worker_child() -> i32 {
    close_inherited();
    // The host is the only one to hear of a failure, and hears of it by the end of the channels.
    work().map_or(1, |()| 0)
}

/// Closes what whoever started the host left open in it: a descriptor is a right that no later step takes away.
#[expect(unsafe_code, reason = "descriptors by number, before anybody in this process has one")]
fn close_inherited() {
    // SAFETY: nothing of this process has opened a descriptor yet but the standard ones, which stay.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

fn work() -> io::Result<()> {
    let calls = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let side = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let Some((begin, descriptors)) = wire::read_with_descriptors::<Begin>(&side)? else {
        return Err(io::Error::other("nothing to begin with"));
    };
    let [artefact] = <[OwnedFd; 1]>::try_from(descriptors).map_err(|_| io::Error::other("no artefact"))?;
    let side = Arc::new(Side::new(side)?);
    match Worker::prepare(begin, artefact.into(), &side) {
        Ok(worker) => {
            side.say(&Begun::Ready)?;
            worker.serve(&calls)
        }
        Err(begun) => side.say(&begun),
    }
}

/// A process that works for one skill.
struct Worker {
    begin: Begin,
    workspace: Option<Workspace>,
    grants: Grants,
    prepared: Prepared,
    runner: Runner,
    memory: Arc<MemoryStores>,
    ledgers: Ledgers,
    http: Arc<HttpClient>,
    starter: Arc<dyn Start>,
    model: Option<Arc<dyn LanguageModel>>,
    /// The trees that this process may use, by device and inode.
    trees: Vec<(u64, u64)>,
    side: Arc<Side>,
    tokio: tokio::runtime::Runtime,
}

impl Worker {
    /// Opens and loads all that the skill's calls need, and gives up the rest.
    fn prepare(begin: Begin, artefact: File, side: &Arc<Side>) -> Result<Self, Begun> {
        let failed = |error: &dyn std::fmt::Display| Begun::Failed(error.to_string());
        let engine = engine_for_one_call().map_err(|error| failed(&error))?;
        let prepared = Prepared::load(&engine, &artefact, begin.component, &begin.requests)
            .map_err(|error| Begun::DoesNotLink(error.to_string()))?;
        drop(artefact);
        let grants = Grants::join(&begin.skill, &begin.requests, &begin.policy);
        let (memory, ledgers) = (Arc::new(MemoryStores::new(begin.memory.clone())), Ledgers::default());
        let needs_tls = begin.requests.network.iter().any(|request| request.url.scheme() == Scheme::Https);
        let ca_file = begin.policy.network().ca_file.clone();
        let dialer: Arc<dyn Dial> = Arc::<Side>::clone(side);
        let http = Arc::new(HttpClient::dialling_through(dialer, ca_file, needs_tls));
        let starter: Arc<dyn Start> = Arc::<Side>::clone(side);
        let model = begin.model.then(|| -> Arc<dyn LanguageModel> { Arc::<Side>::clone(side) });
        let workspace = begin.workspace.clone().map(Workspace::resolved);
        let around = Surroundings {
            places: places(&begin, workspace.as_ref(), &ledgers),
            memory: &memory,
            http: &http,
            starter: &starter,
            model: model.as_ref(),
            respondent: None,
            secrets: None,
            deadline: std::time::Instant::now() + begin.limits.timeout,
        };
        let held = grants
            .open(&around)
            .map_err(|OpenError { path, source }| Begun::NoTree { path, reason: source.to_string() })?;
        held.memory.open_store();
        let opened: Vec<_> = held.filesystem.trees().collect();
        let trees = identities(&held).map_err(|error| failed(&error))?;
        let kept: Vec<_> = opened
            .iter()
            .map(|(dir, writes)| (dir.as_fd(), if *writes { TreeAccess::Write } else { TreeAccess::Read }))
            .collect();

        let sealed = confine(&kept, begin.limits.memory_bytes).map_err(|error| failed(&error))?;
        let runner = Runner::new(engine);
        let theirs = Arc::clone(side);
        std::thread::Builder::new()
            .name("side".to_owned())
            .spawn(move || theirs.listen())
            .map_err(|error| failed(&error))?;
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        // All threads are there now; from here on there will be no other.
        sealed.seal().map_err(|error| failed(&error))?;
        let side = Arc::clone(side);
        Ok(Self {
            begin,
            workspace,
            grants,
            prepared,
            runner,
            memory,
            ledgers,
            http,
            starter,
            model,
            trees,
            side,
            tokio,
        })
    }

    fn serve(&self, calls: &UnixStream) -> io::Result<()> {
        while let Some(Call { number, tool, input, is_followed, is_answered }) = wire::read(calls)? {
            let tool: ToolName = tool.parse().map_err(io::Error::other)?;
            let teller =
                Arc::new(Teller { call: number, told: AtomicU64::new(0), side: Arc::clone(&self.side) });
            let call = ToolCall {
                tool: self.begin.skill.tool(tool),
                input,
                caller: String::new(),
                workspace: self.workspace.clone(),
                observer: is_followed.then(|| -> Arc<dyn Observer> { Arc::<Teller>::clone(&teller) }),
                respondent: is_answered.then(|| -> Arc<dyn Respondent> { Arc::<Side>::clone(&self.side) }),
            };
            let cancel = self.side.begin(number);
            let end = self.tokio.block_on(self.call(&call, &cancel));
            let told = teller.told.load(Ordering::Relaxed);
            wire::write(calls, &Finished { number, told, end })?;
        }
        Ok(())
    }

    async fn call(&self, call: &ToolCall, cancel: &Cancel) -> End {
        let around = Surroundings {
            places: places(&self.begin, self.workspace.as_ref(), &self.ledgers),
            memory: &self.memory,
            http: &self.http,
            starter: &self.starter,
            model: self.model.as_ref(),
            respondent: call.respondent.as_ref(),
            secrets: None,
            deadline: std::time::Instant::now() + self.begin.limits.timeout,
        };
        let held = match self.grants.open(&around) {
            Ok(held) => held,
            Err(OpenError { path, source }) => return End::NoTree { path, reason: source.to_string() },
        };
        // The right to use a tree is to the directory, not to its name: one that took its place is for another worker.
        if !identities(&held).is_ok_and(|trees| trees == self.trees) {
            let reason = "another directory is in its place".to_owned();
            return End::NoTree { path: self.begin.workspace.clone().unwrap_or_default(), reason };
        }
        let Outcome { answer, report, bytes, requests } =
            execute::run(&self.runner, &self.prepared, held, &self.begin.limits, call, cancel, None).await;
        End::Outcome { answer: answer.into(), report, bytes, requests }
    }
}

/// Tells the host what a guest tells.
#[derive(Debug)]
struct Teller {
    call: u64,
    told: AtomicU64,
    side: Arc<Side>,
}

impl Teller {
    fn tell(&self, told: Told) {
        self.told.fetch_add(1, Ordering::Relaxed);
        // A host that does not hear of it has the lines of the report.
        let _ = self.side.say(&Wished { call: self.call, wish: Wish::Tell { told } });
    }
}

impl Observer for Teller {
    fn logged(&self, line: &LogLine) {
        self.tell(Told::Line(line.clone()));
    }

    fn progressed(&self, progress: &Progress) {
        self.tell(Told::Progress(progress.clone()));
    }
}

fn identities(held: &Held) -> io::Result<Vec<(u64, u64)>> {
    let identity = |(dir, _): (Arc<Dir>, bool)| {
        let stat = rustix::fs::fstat(&*dir)?;
        Ok((stat.st_dev, stat.st_ino))
    };
    held.filesystem.trees().map(identity).collect()
}

fn places<'a>(begin: &'a Begin, workspace: Option<&'a Workspace>, ledgers: &'a Ledgers) -> Places<'a> {
    Places { workspace, own: &begin.own, data: &begin.data, ledgers }
}

/// What waits for the host's answer to a wish.
#[derive(Debug)]
enum Waiting {
    Connection(oneshot::Sender<Result<(OwnedFd, Link), DialError>>),
    Program(oneshot::Sender<Result<([OwnedFd; 3], Means), StartError>>),
    Answer(oneshot::Sender<Result<LlmCompletion, LlmError>>),
    Reply(oneshot::Sender<Reply>),
}

/// The side channel: the host's word that a call is to end, the connections that it opens, and the programs that it
/// starts.
#[derive(Debug)]
struct Side {
    reading: UnixStream,
    writing: Arc<Mutex<UnixStream>>,
    current: Mutex<(u64, Cancel)>,
    wishes: Mutex<HashMap<u64, Waiting>>,
    /// Programs that run: whom to tell how they ended.
    programs: Mutex<HashMap<u64, watch::Sender<Option<Fate>>>>,
    next: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Side {
    fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            reading: stream.try_clone()?,
            writing: Arc::new(Mutex::new(stream)),
            current: Mutex::default(),
            wishes: Mutex::default(),
            programs: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    fn say(&self, message: &impl serde::Serialize) -> io::Result<()> {
        wire::write(&lock(&self.writing), message)
    }

    /// Wishes for something, for the current call.
    fn wish(&self, wish: Wish) -> io::Result<()> {
        let call = lock(&self.current).0;
        self.say(&Wished { call, wish })
    }

    /// What ends the call of that number, which is the current one from here on.
    fn begin(&self, number: u64) -> Cancel {
        let cancel = Cancel::default();
        *lock(&self.current) = (number, cancel.clone());
        lock(&self.wishes).clear();
        lock(&self.programs).clear();
        cancel
    }

    /// Hears what the host says; when it says nothing more, the process ends.
    fn listen(&self) {
        while let Ok(Some((said, descriptors))) = wire::read_with_descriptors(&self.reading) {
            match said {
                Meanwhile::Cancel(number) => {
                    let (current, cancel) = &*lock(&self.current);
                    if *current == number {
                        cancel.cancel();
                    }
                }
                Meanwhile::Dialled { id, result } => {
                    let connection = descriptors.into_iter().next();
                    let answer =
                        result.and_then(|link| Ok((connection.ok_or(DialError::Unavailable)?, link)));
                    if let Some(Waiting::Connection(wish)) = lock(&self.wishes).remove(&id) {
                        // Who wished for it may have given up.
                        let _ = wish.send(answer);
                    }
                }
                Meanwhile::Started { id, result } => {
                    let streams = <[OwnedFd; 3]>::try_from(descriptors);
                    let lost = |_| StartError::Unavailable("the host sent no streams".to_owned());
                    let answer = result.and_then(|means| Ok((streams.map_err(lost)?, means)));
                    if let Some(Waiting::Program(wish)) = lock(&self.wishes).remove(&id) {
                        let _ = wish.send(answer);
                    }
                }
                Meanwhile::Completed { id, result } => {
                    if let Some(Waiting::Answer(wish)) = lock(&self.wishes).remove(&id) {
                        let _ = wish.send(result);
                    }
                }
                Meanwhile::Replied { id, reply } => {
                    if let Some(Waiting::Reply(wish)) = lock(&self.wishes).remove(&id) {
                        let _ = wish.send(reply);
                    }
                }
                Meanwhile::Ended { id, fate } => {
                    if let Some(told) = lock(&self.programs).remove(&id) {
                        told.send_replace(Some(fate));
                    }
                }
            }
        }
        std::process::exit(0);
    }
}

#[async_trait]
impl Dial for Side {
    async fn dial(&self, permitted: &Permitted, by: Instant) -> Result<Dialled, DialError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.wishes).insert(id, Waiting::Connection(answer));
        let wish = Wish::Dial {
            id,
            method: permitted.method().to_string(),
            url: permitted.url().to_string(),
            patience: by.saturating_duration_since(Instant::now()),
        };
        self.wish(wish).map_err(|_| DialError::Unavailable)?;
        let (descriptor, link) = timeout_at(by, answered)
            .await
            .map_err(|_| DialError::Timeout)?
            .map_err(|_| DialError::Unavailable)??;
        let dialled = match link {
            Link::Direct => TcpStream::from_std(descriptor.into()).map(Dialled::Direct),
            Link::Relayed => AsyncUnixStream::from_std(descriptor.into()).map(Dialled::Relayed),
        };
        dialled.map_err(|_| DialError::Unavailable)
    }
}

#[async_trait]
impl LanguageModel for Side {
    async fn complete(&self, request: &LlmRequest) -> Result<LlmCompletion, LlmError> {
        let lost = || LlmError::Unavailable("the host does not answer".to_owned());
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.wishes).insert(id, Waiting::Answer(answer));
        self.wish(Wish::Complete { id, request: request.clone() }).map_err(|_| lost())?;
        // The end of the call ends the wait.
        answered.await.map_err(|_| lost())?
    }
}

#[async_trait]
impl Respondent for Side {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.wishes).insert(id, Waiting::Reply(answer));
        let SkillQuestion { text, choices, .. } = question.clone();
        if self.wish(Wish::Ask { id, text, choices }).is_err() {
            return Reply::Nobody;
        }
        // The end of the call ends the wait.
        answered.await.unwrap_or(Reply::Nobody)
    }
}

#[async_trait]
impl Start for Side {
    async fn start(
        &self,
        permitted: &process::Permitted,
        _: &Trees,
        until: std::time::Instant,
    ) -> Result<Running, StartError> {
        let lost = || StartError::Unavailable("the host does not answer".to_owned());
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.wishes).insert(id, Waiting::Program(answer));
        // The end may come before anybody reads the answer.
        let (life, told) = Life::new();
        lock(&self.programs).insert(id, told);
        self.wish(Wish::Start { id, command: permitted.command.clone() }).map_err(|_| lost())?;
        let started = timeout_at(until.into(), answered).await.map_err(|_| lost())?.map_err(|_| lost())?;
        let ([stdin, stdout, stderr], means) =
            started.inspect_err(|_| drop(lock(&self.programs).remove(&id)))?;
        let (theirs, writing) = (Arc::clone(&life), Arc::clone(&self.writing));
        // Whose program it is: another call may have begun when its end is wished for.
        let call = lock(&self.current).0;
        tokio::spawn(async move {
            let cause = theirs.wished().await;
            // A host that does not hear of it has ended the program.
            let _ = wire::write(&lock(&writing), &Wished { call, wish: Wish::End { id, cause } });
        });
        Ok(Running { stdin, stdout, stderr, life, means })
    }
}
