//! A program that runs: what watches over it, and its streams as the guest has them.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_launcher::{Ended, Exit, Running, Stop};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::{Notify, watch};
use wasmtime_wasi_io::poll::Pollable;

use super::start::Begun;

/// What was taken from a program's streams, against what may be.
#[derive(Debug)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    pub(super) fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Takes bytes; false where there are no more.
    fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// How long the end of a program is waited for, once it was wished.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the host ended a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub(crate) enum Cause {
    /// It did not.
    None = 0,
    /// The guest wished so, or the call is over.
    Killed = 1,
    /// It wrote too much.
    Output = 2,
}

/// How a program ended, as the host tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// It ended, or its launcher ended it.
    Ended(Ended, Cause),
    /// Nobody knows: its launcher is gone, and the kernel ends what is left.
    Lost,
}

/// The life of a program.
#[derive(Debug)]
pub(crate) struct Life {
    cause: AtomicU8,
    end: Notify,
    fate: watch::Receiver<Option<Fate>>,
}

impl Life {
    /// A life of which somebody else tells how it ended.
    pub(crate) fn new() -> (Arc<Self>, watch::Sender<Option<Fate>>) {
        let (told, fate) = watch::channel(None);
        (Arc::new(Self { cause: AtomicU8::new(Cause::None as u8), end: Notify::new(), fate }), told)
    }

    /// Begins to watch over a program of this process's launcher.
    pub(super) fn watch(control: OwnedFd) -> io::Result<Arc<Self>> {
        let mut running = Running::new(control)?;
        let (life, told) = Self::new();
        let ender = running.ender()?;
        let theirs = Arc::clone(&life);
        tokio::spawn(async move {
            let ended = running.ended();
            tokio::pin!(ended);
            let ended = tokio::select! {
                ended = &mut ended => ended,
                _ = theirs.wished() => {
                    // One that has ended already says so all the same.
                    let _ = ender.end();
                    ended.await
                }
            };
            told.send_replace(Some(ended.map_or(Fate::Lost, |ended| Fate::Ended(ended, theirs.cause()))));
        });
        Ok(life)
    }

    /// Waits until somebody wishes that it ends.
    pub(crate) async fn wished(&self) -> Cause {
        self.end.notified().await;
        self.cause()
    }

    fn cause(&self) -> Cause {
        match self.cause.load(Ordering::Relaxed) {
            0 => Cause::None,
            2 => Cause::Output,
            _ => Cause::Killed,
        }
    }

    /// Ends the program; the first cause is the one that counts.
    pub(crate) fn end(&self, cause: Cause) {
        let _ = self.cause.compare_exchange(0, cause as u8, Ordering::Relaxed, Ordering::Relaxed);
        self.end.notify_one();
    }

    /// How it ended, if it has.
    pub(crate) fn fate(&self) -> Option<Fate> {
        self.fate.borrow().clone()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) -> Fate {
        let mut fate = self.fate.clone();
        let ended = fate.wait_for(Option::is_some).await;
        ended.ok().and_then(|fate| fate.clone()).unwrap_or(Fate::Lost)
    }
}

/// How a program ended, in the terms of the guest's interface.
pub(super) fn exit_of(fate: &Fate) -> super::wit::Exit {
    use super::wit::{Exit as Told, StopReason};
    match fate {
        Fate::Lost => Told::Stopped(StopReason::Lost),
        // It may have noticed that nobody reads on, and ended by that.
        Fate::Ended(_, Cause::Output) => Told::Stopped(StopReason::Output),
        Fate::Ended(Ended { exit: Exit::Code(code), .. }, _) => Told::Code(*code),
        Fate::Ended(Ended { exit: Exit::Signal(signal), .. }, _) => Told::Signal(*signal),
        Fate::Ended(Ended { exit: Exit::Stopped(stop), .. }, _) => Told::Stopped(match stop {
            Stop::Deadline => StopReason::Deadline,
            Stop::Memory => StopReason::Memory,
            Stop::Processes => StopReason::Processes,
            Stop::Disk => StopReason::Disk,
            Stop::Host => StopReason::Killed,
        }),
    }
}

/// A program, as the guest holds it.
#[derive(Debug)]
pub struct Child {
    pub(super) life: Arc<Life>,
    stdin: Option<OwnedFd>,
    stdout: Option<Output>,
    stderr: Option<Output>,
}

impl Child {
    pub(super) fn new(begun: Begun, bytes: u64) -> io::Result<Self> {
        let Begun { stdin, stdout, stderr, life, .. } = begun;
        let gauge = Arc::new(Gauge::new(bytes));
        let output = |descriptor| Output::new(descriptor, &gauge, &life);
        let (stdout, stderr) = (output(stdout)?, output(stderr)?);
        Ok(Self { stdin: Some(stdin), stdout: Some(stdout), stderr: Some(stderr), life })
    }

    pub(super) fn take_stdin(&mut self) -> Option<io::Result<pipe::Sender>> {
        self.stdin.take().map(pipe::Sender::from_owned_fd)
    }

    pub(super) fn take_stdout(&mut self) -> Option<Output> {
        self.stdout.take()
    }

    pub(super) fn take_stderr(&mut self) -> Option<Output> {
        self.stderr.take()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.life.end(Cause::Killed);
    }
}

/// What a program writes. Past what it may write it is ended, and nothing more comes of it.
#[derive(Debug)]
pub(super) struct Output {
    pipe: pipe::Receiver,
    gauge: Arc<Gauge>,
    life: Arc<Life>,
}

impl Output {
    fn new(descriptor: OwnedFd, gauge: &Arc<Gauge>, life: &Arc<Life>) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(descriptor)?;
        Ok(Self { pipe, gauge: Arc::clone(gauge), life: Arc::clone(life) })
    }

    /// Ends the program, which wrote more than it may.
    pub(super) fn end(&self) {
        self.life.end(Cause::Output);
    }
}

impl AsyncRead for Output {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut this.pipe).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        if !this.gauge.take(read as u64) {
            buffer.set_filled(before);
            this.life.end(Cause::Output);
        }
        Poll::Ready(Ok(()))
    }
}

/// Is ready when a program has ended.
pub(super) struct End(pub(super) Arc<Life>);

#[async_trait]
impl Pollable for End {
    async fn ready(&mut self) {
        self.0.ended().await;
    }
}

/// The programs of one call, which end with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lives(Arc<Mutex<Vec<Arc<Life>>>>);

impl Lives {
    pub(super) fn add(&self, life: &Arc<Life>) {
        self.all().push(Arc::clone(life));
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.all().iter().filter(|life| life.fate().is_none()).count()
    }

    /// Ends those that run, and waits until nothing of them does.
    pub(super) async fn end(&self) {
        let running: Vec<_> = self.all().iter().filter(|life| life.fate().is_none()).cloned().collect();
        running.iter().for_each(|life| life.end(Cause::Killed));
        for life in running {
            // One that the system does not let go of, as one that waits for a dead disk, is given up.
            let _ = tokio::time::timeout(PATIENCE, life.ended()).await;
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Life>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
