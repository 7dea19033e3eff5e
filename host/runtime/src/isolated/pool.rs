//! The host's side of workers: starts them, hands them calls, keeps those that are idle, and ends those that fail.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use futures::StreamExt;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use super::broker::{self, Broker, Net, Outside, Side};
use super::spawner::{Process, Spawner};
use super::wire::{self, Begin, Begun, Call, End, Finished, Meanwhile, Wished};
use super::{WorkerProgram, received};
use crate::cancel::Cancel;
use crate::capability::ask;
use crate::capability::filesystem::Ledgers;
use crate::capability::grant::{OpenError, Places};
use crate::capability::network::{HttpClient, Means, NetworkLimits, Relay};
use crate::capability::secret::SecretValues;
use crate::capability::{Denial, Denials};
use crate::catalog::Catalog;
use crate::dispatch::{Report, ToolCall};
use crate::execute::{NotBegun, Outcome};
use crate::layout::DataDir;
use crate::policy::NetworkPolicy;
use crate::ready::ReadySkills;
use crate::sandbox::{Artefacts, Fault, PrepareError};
use crate::skill::{Authorized, SkillError};
use crate::workspace::Workspace;

/// Skills whose compiled component stays open for the next worker; each takes a descriptor.
const READY_SKILLS: usize = 64;
/// Bytes that a worker may say at once on the side channel: a question to a language model is the longest of it, of which
/// JSON may make six times as many.
const WISH_BYTES: usize = 8 << 20;
/// How long what a guest told may be under way when its call has ended.
const CATCHING_UP: Duration = Duration::from_millis(100);
/// How long a worker may take until it can work.
const BEGINNING: Duration = Duration::from_secs(30);
/// How much longer than the guest's own deadline a worker may take to say so.
const GRACE: Duration = Duration::from_millis(500);
/// How long a worker may take to say that a cancelled call has ended.
const CANCELLING: Duration = Duration::from_millis(100);

/// Runs calls in worker processes.
pub(crate) struct Isolated {
    dir: DataDir,
    /// The host's own directories, which no tree gives away.
    own: Vec<PathBuf>,
    program: WorkerProgram,
    spawner: Spawner,
    artefacts: Arc<Artefacts>,
    ready: ReadySkills<Arc<File>>,
    outside: Outside,
    ledgers: Ledgers,
    idle: Mutex<Vec<Worker>>,
    /// Counts the snapshots of what is installed.
    snapshot: AtomicU64,
    /// How many workers are kept that have nothing to do.
    most_idle: usize,
    network: ArcSwap<NetworkPolicy>,
    http: ArcSwap<HttpClient>,
}

impl std::fmt::Debug for Isolated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Isolated").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Isolated {
    /// Workers of a program, for calls on this data directory.
    ///
    /// # Errors
    /// [`PrepareError::Isolation`] where this machine cannot confine a process, or the thread that starts them
    /// cannot be started.
    pub(crate) fn new(
        dir: DataDir,
        artefacts: Artefacts,
        program: WorkerProgram,
        outside: Outside,
        (network, http): (&NetworkPolicy, HttpClient),
        most_idle: u32,
    ) -> Result<Self, PrepareError> {
        if !super::is_supported() {
            return Err(PrepareError::Isolation(super::ConfineError::NoLandlock.to_string()));
        }
        let spawner = Spawner::start().map_err(|error| PrepareError::Isolation(error.to_string()))?;
        Ok(Self {
            own: vec![dir.root().to_owned(), artefacts.dir().to_owned()],
            dir,
            program,
            spawner,
            artefacts: Arc::new(artefacts),
            ready: ReadySkills::keeping(READY_SKILLS),
            outside,
            ledgers: Ledgers::default(),
            idle: Mutex::default(),
            snapshot: AtomicU64::new(0),
            most_idle: usize::try_from(most_idle).unwrap_or(usize::MAX),
            network: ArcSwap::from_pointee(network.clone()),
            http: ArcSwap::from_pointee(http),
        })
    }

    /// Lets go of workers that began under another snapshot; those that have a call finish it first.
    pub(crate) fn swap(&self, catalog: &Catalog, http: HttpClient) {
        self.ready.retain(catalog);
        self.http.store(Arc::new(http));
        self.network.store(Arc::new(catalog.policy().network().clone()));
        self.snapshot.fetch_add(1, Ordering::SeqCst);
        self.idle().clear();
    }

    /// Runs one call in a worker of the skill, until it answers, reaches a limit or is cancelled.
    pub(crate) async fn execute(
        &self,
        skill: &Arc<Authorized>,
        call: &ToolCall,
        cancel: &Cancel,
        secrets: &Arc<SecretValues>,
    ) -> Result<Outcome, NotBegun> {
        if let Some(worker) = self.take_idle(skill, call.workspace.as_ref()) {
            match self.call(worker, call, cancel, secrets).await {
                // A directory that was put in place of another since is not one that the worker may open.
                Err(NotBegun::Open(_)) => {}
                outcome => return outcome,
            }
        }
        let worker = tokio::select! {
            biased;
            () = cancel.given() => return Err(NotBegun::Cancelled),
            worker = self.begin(skill, call.workspace.as_ref()) => worker?,
        };
        self.call(worker, call, cancel, secrets).await
    }

    async fn call(
        &self,
        mut worker: Worker,
        call: &ToolCall,
        cancel: &Cancel,
        secrets: &Arc<SecretValues>,
    ) -> Result<Outcome, NotBegun> {
        let skill = Arc::clone(&worker.skill);
        let denials = Denials::default();
        // What a program is given stays open until it has ended.
        let places = Places {
            workspace: call.workspace.as_ref(),
            own: &self.own,
            data: &self.dir.data(skill.manifest().id()),
            ledgers: &self.ledgers,
        };
        let deadline = std::time::Instant::now() + skill.limits().timeout;
        let programs = skill.grants().open_programs(&places, &self.outside.starter, &denials, deadline);
        // Where a tree cannot be opened, the worker finds the same, and says so.
        let (_trees, session) = programs.ok().flatten().unzip();
        let net = self.net(&skill, &denials, secrets, deadline);
        let questions = skill.grants().questions(self.outside.model.as_ref(), &denials);
        let respondent = ask::careful(call.respondent.as_ref(), secrets.cut());
        let person = skill.grants().person(respondent.as_ref(), &denials);
        let (number, side) = (CALLS.fetch_add(1, Ordering::Relaxed), Arc::clone(&worker.side));
        let mut broker = Broker::new(number, net, session, questions, person, side);
        let called = worker.call(call, cancel, &mut broker).await;
        if let Ok(Ok(outcome)) = &called {
            broker.catch_up(&outcome.report.log);
        }
        let programs = broker.finish().await;
        let mut outcome = match called {
            Ok(outcome) => {
                self.keep(worker);
                outcome?
            }
            // The worker goes with what it was given.
            Err(fault) => lost(fault, call),
        };
        outcome.report.programs = programs;
        outcome.report.tokens = broker.tokens();
        outcome.report.questions = broker.put_questions();
        join(&mut outcome.report, &denials);
        Ok(outcome)
    }

    /// What the connections of a call are decided on and opened with.
    fn net(
        &self,
        skill: &Authorized,
        denials: &Denials,
        secrets: &Arc<SecretValues>,
        deadline: std::time::Instant,
    ) -> Net {
        let (grants, client) = (Arc::clone(skill.grants().network()), self.http.load_full());
        let means = Means {
            grants: Arc::clone(&grants),
            client: Arc::clone(&client),
            denials: denials.clone(),
            limits: NetworkLimits::default(),
            secrets: Some(Arc::clone(secrets)),
            deadline,
        };
        Net {
            grants,
            dialer: Arc::clone(client.dialer()),
            relay: Arc::new(Relay::new(means)),
            cut: secrets.cut().cloned(),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, skill: &Arc<Authorized>, workspace: Option<&Workspace>) -> Option<Worker> {
        let mut idle = self.idle();
        loop {
            let fits =
                |worker: &Worker| Arc::ptr_eq(&worker.skill, skill) && worker.workspace.as_ref() == workspace;
            let mut worker = idle.iter().rposition(fits).map(|at| idle.remove(at))?;
            // One that ended while it was idle has lost no call.
            if worker.process.is_running() {
                return Some(worker);
            }
        }
    }

    fn keep(&self, worker: Worker) {
        let mut idle = self.idle();
        if worker.is_spent || worker.snapshot != self.snapshot.load(Ordering::SeqCst) {
            return;
        }
        idle.push(worker);
        if idle.len() > self.most_idle {
            // The one that was idle for longest.
            drop(idle.remove(0));
        }
    }

    async fn begin(
        &self,
        skill: &Arc<Authorized>,
        workspace: Option<&Workspace>,
    ) -> Result<Worker, NotBegun> {
        let (theirs, artefacts) = (Arc::clone(skill), Arc::clone(&self.artefacts));
        let open = move || Ok(Arc::new(artefacts.get(&theirs.read_component()?, theirs.component())?));
        let artefact = self.ready.get(skill.archive(), open).await?;
        let id = skill.manifest().id();
        let begin = Begin {
            skill: id.clone(),
            component: skill.component(),
            requests: skill.manifest().requests().clone(),
            policy: skill.grants().policy(&self.network.load()),
            limits: skill.limits().clone(),
            workspace: workspace.map(|workspace| workspace.path().to_owned()),
            own: self.own.clone(),
            data: self.dir.data(id),
            memory: self.dir.memory(),
            model: self.outside.model.is_some(),
        };
        let isolation =
            |error: io::Error| Arc::new(SkillError::from(PrepareError::Isolation(error.to_string())));
        let snapshot = self.snapshot.load(Ordering::SeqCst);
        let mut worker = Worker::start(&self.spawner, &self.program, skill, workspace, snapshot)
            .await
            .map_err(isolation)?;
        let begun = timeout(BEGINNING, worker.begin(&begin, artefact.as_fd())).await;
        match begun.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(isolation)? {
            Begun::Ready => Ok(worker),
            Begun::DoesNotLink(reason) => {
                let reason = wasmtime::Error::msg(received::text(&reason));
                Err(Arc::new(SkillError::from(PrepareError::Link(reason))).into())
            }
            Begun::NoTree { path, reason } => Err(no_tree(&path, &reason)),
            Begun::Failed(reason) => Err(isolation(io::Error::other(received::text(&reason))).into()),
        }
    }
}

/// Adds what the host itself refused, in place of what the worker says of it.
fn join(report: &mut Report, denials: &Denials) {
    let (own, count) = denials.take();
    let is_own = |denial: &Denial| {
        own.iter().any(|own| own.capability == denial.capability && own.target == denial.target)
    };
    report.denials.retain(|denial| !is_own(denial));
    report.denials.extend(own);
    report.denials.truncate(Denials::KEPT);
    report.denial_count = report.denial_count.max(count);
}

fn no_tree(path: &Path, reason: &str) -> NotBegun {
    OpenError { path: received::path(path), source: io::Error::other(received::text(reason)) }.into()
}

/// What is left of a call whose worker did not answer.
fn lost(fault: Fault, call: &ToolCall) -> Outcome {
    Outcome {
        answer: Err(fault),
        report: Report::default(),
        bytes: crate::audit::Bytes { input: call.input.len() as u64, ..Default::default() },
        requests: 0,
    }
}

/// A worker process, and the host's ends of its channels.
struct Worker {
    skill: Arc<Authorized>,
    workspace: Option<Workspace>,
    /// Under which snapshot it began.
    snapshot: u64,
    process: Process,
    /// Something of an earlier call is still on its way in the side channel.
    is_spent: bool,
    calls: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    calling: OwnedWriteHalf,
    wishes: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    side: Side,
}

/// Numbers of calls, so that what is said of one is not taken for another.
static CALLS: AtomicU64 = AtomicU64::new(1);

impl Worker {
    async fn start(
        spawner: &Spawner,
        program: &WorkerProgram,
        skill: &Arc<Authorized>,
        workspace: Option<&Workspace>,
        snapshot: u64,
    ) -> io::Result<Self> {
        let (calls, their_calls) = pair()?;
        let (side, their_side) = pair()?;
        let mut command = Command::new(&program.program);
        command
            .args(&program.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(their_calls))
            .stdout(Stdio::from(their_side))
            .stderr(Stdio::null());
        let process = spawner.spawn(command).await?;
        let (read_calls, calling) = calls.into_split();
        let (read_side, side) = side.into_split();
        Ok(Self {
            skill: Arc::clone(skill),
            workspace: workspace.cloned(),
            snapshot,
            process,
            is_spent: false,
            calls: frames(read_calls, wire::FRAME_BYTES),
            calling,
            wishes: frames(read_side, WISH_BYTES),
            side: Arc::new(tokio::sync::Mutex::new(side)),
        })
    }

    async fn begin(&mut self, begin: &Begin, artefact: impl AsFd) -> io::Result<Begun> {
        let frame = wire::encode(begin)?;
        wire::write_with_descriptors(self.side.lock().await.as_ref(), &frame, &[artefact.as_fd()]).await?;
        decode(self.wishes.next().await)
    }

    /// Hears what the guest of a followed call told before its end; false where the worker says something else.
    async fn hear(&mut self, told: u64, broker: &mut Broker) -> bool {
        while broker.heard() < told {
            let Ok(wish) = decode(self.wishes.next().await) else { return false };
            if !broker.see_to(wish) {
                return false;
            }
        }
        true
    }

    /// Makes a call; where it fails, the worker is not to be used again.
    async fn call(
        &mut self,
        call: &ToolCall,
        cancel: &Cancel,
        broker: &mut Broker,
    ) -> Result<Result<Outcome, NotBegun>, Fault> {
        let (number, begun) = (broker.call(), Instant::now());
        let said = Call {
            number,
            tool: call.tool.tool().as_str().to_owned(),
            input: call.input.clone(),
            is_followed: call.observer.is_some(),
            is_answered: call.respondent.is_some(),
        };
        if let Some(observer) = &call.observer {
            broker.follow(Arc::clone(observer));
        }
        let frame = wire::encode(&said).map_err(|error| lost_worker(&mut self.process, &error))?;
        let limits = self.skill.limits().clone();
        let deadline = tokio::time::sleep_until(Instant::now() + limits.timeout + GRACE);
        tokio::pin!(deadline);
        let mut cancelled = false;
        let calling = &mut self.calling;
        let saying = calling.write_all(&frame);
        tokio::pin!(saying);
        let mut is_said = false;
        let finished: Finished = loop {
            tokio::select! {
                // What ends the call comes first: a worker may have as much to say as it likes.
                biased;
                () = &mut deadline => {
                    let fault = if cancelled { Fault::Cancelled } else { Fault::Timeout { limit: limits.timeout } };
                    return Err(fault);
                }
                () = cancel.given(), if !cancelled => {
                    cancelled = true;
                    deadline.as_mut().reset(Instant::now() + CANCELLING);
                    let word = Meanwhile::Cancel(number);
                    let said = broker::send(&self.side, &word);
                    if !timeout(CANCELLING, said).await.is_ok_and(|said| said.is_ok()) {
                        return Err(Fault::Cancelled);
                    }
                }
                frame = self.calls.next() => {
                    break decode(frame).map_err(|error| lost_worker(&mut self.process, &error))?;
                }
                said = &mut saying, if !is_said => {
                    said.map_err(|error| lost_worker(&mut self.process, &error))?;
                    is_said = true;
                }
                frame = self.wishes.next() => {
                    let wish: Wished = decode(frame).map_err(|error| lost_worker(&mut self.process, &error))?;
                    if !broker.see_to(wish) {
                        return Err(Fault::Worker("it wants more than a call may have".to_owned()));
                    }
                }
            }
        };
        if finished.number != number {
            return Err(Fault::Worker("it answered another call".to_owned()));
        }
        let heard_all = timeout(CATCHING_UP, self.hear(finished.told, broker)).await.is_ok_and(|heard| heard);
        self.is_spent = !broker.is_idle() || !is_said || !heard_all;
        Ok(match finished.end {
            End::NoTree { path, reason } => Err(no_tree(&path, &reason)),
            End::Outcome { answer, report, mut bytes, requests } => {
                let answer: Result<_, Fault> = answer.into();
                let report = received::report(report, self.skill.manifest().id(), &limits, begun.elapsed());
                bytes.input = call.input.len() as u64;
                let requests = requests.max(broker.dials());
                Ok(Outcome { answer: answer.map_err(received::fault), report, bytes, requests })
            }
        })
    }
}

/// How a worker was lost, as its end tells.
fn lost_worker(process: &mut Process, error: &io::Error) -> Fault {
    match process.end() {
        Ok(status) if error.kind() == io::ErrorKind::UnexpectedEof => Fault::Worker(status.to_string()),
        _ => Fault::Worker(error.to_string()),
    }
}

fn pair() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let ours = std::os::unix::net::UnixStream::from(ours);
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs))
}

fn frames(stream: OwnedReadHalf, most: usize) -> FramedRead<OwnedReadHalf, LengthDelimitedCodec> {
    let codec = LengthDelimitedCodec::builder()
        .length_field_length(wire::LENGTH_BYTES)
        .max_frame_length(most)
        .new_codec();
    FramedRead::new(stream, codec)
}

fn decode<T: DeserializeOwned>(frame: Option<io::Result<BytesMut>>) -> io::Result<T> {
    let frame = frame.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
    Ok(serde_json::from_slice(&frame)?)
}
