//! The thread that starts workers: the system ends them when the thread that started them ends, so it must be one
//! that lives as long as the host.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};

use tokio::sync::oneshot;

type Order = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts processes on a thread of its own.
#[derive(Debug)]
pub(super) struct Spawner(Sender<Order>);

impl Spawner {
    /// Starts the thread, which ends when this is dropped.
    pub(super) fn start() -> io::Result<Self> {
        let (orders, received) = channel::<Order>();
        std::thread::Builder::new().name("workers".to_owned()).spawn(move || {
            for (mut command, reply) in received {
                // Whoever ordered it may have gone; the child then goes with the answer.
                if let Err(Ok(mut child)) = reply.send(command.spawn()) {
                    let _ = child.kill().and_then(|()| child.wait());
                }
            }
        })?;
        Ok(Self(orders))
    }

    /// Starts a process.
    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts workers has ended");
        let (reply, answer) = oneshot::channel();
        self.0.send((command, reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
