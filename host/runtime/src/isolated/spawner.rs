//! The thread that starts workers: the system ends them when the thread that started them ends, so it must be one
//! that lives as long as the host.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Sender, channel};

use tokio::sync::oneshot;

type Order = (Command, oneshot::Sender<io::Result<Process>>);

/// A process that ends with this, and is waited for.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Whether it runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends it, and tells how it ended: by this, or before.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        // One that has ended already cannot be ended again; what counts is that it is waited for.
        let _ = self.0.kill();
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Waiting is short, since nothing outlives this signal.
        if let Err(error) = self.end() {
            tracing::warn!("a worker process could not be ended: {error}");
        }
    }
}

/// Starts processes on a thread of its own.
#[derive(Debug)]
pub(super) struct Spawner(Sender<Order>);

impl Spawner {
    /// Starts the thread, which ends when this is dropped.
    pub(super) fn start() -> io::Result<Self> {
        let (orders, received) = channel::<Order>();
        std::thread::Builder::new().name("workers".to_owned()).spawn(move || {
            for (mut command, reply) in received {
                // Whoever ordered it may have gone; the process then goes with the answer.
                drop(reply.send(command.spawn().map(Process)));
            }
        })?;
        Ok(Self(orders))
    }

    /// Starts a process.
    pub(super) async fn spawn(&self, command: Command) -> io::Result<Process> {
        let gone = || io::Error::other("the thread that starts workers has ended");
        let (reply, answer) = oneshot::channel();
        self.0.send((command, reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
