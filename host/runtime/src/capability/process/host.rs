//! The host's side of `openclaw:skill/process`.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::pipe::{AsyncReadStream, AsyncWriteStream};
use wasmtime_wasi_io::poll::{DynPollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::child::{Cause, Child, End, Fate, Output, exit_of};
use super::{Command, GATHERED_BYTES, ProcessState, STREAMED_BYTES, Session, wit};
use crate::sandbox::CallState;

/// Bytes that a guest may write ahead of a program that reads them.
const WRITE_AHEAD: usize = 64 << 10;

impl From<wit::Command> for Command {
    fn from(command: wit::Command) -> Self {
        let wit::Command { program, arguments, environment, directory, timeout_ms } = command;
        let timeout = timeout_ms.map(|timeout| Duration::from_millis(timeout.into()));
        Self { program, arguments, environment, directory, timeout }
    }
}

impl ProcessState {
    fn session(&self) -> Result<&Session, wit::Error> {
        match self {
            Self::Declared(session) => Ok(session),
            Self::Undeclared => Err(wit::Error::Denied("the manifest does not declare processes".into())),
        }
    }

    async fn run(&self, command: wit::Command, input: Vec<u8>) -> Result<wit::Output, wit::Error> {
        let mut child = self.session()?.start(command.into(), 2 * GATHERED_BYTES).await?;
        let stdin = child.take_stdin().transpose().map_err(unavailable)?;
        let (stdout, stderr) = (child.take_stdout(), child.take_stderr());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program need not read what it is given.
                let _ = stdin.write_all(&input).await;
            }
        };
        let (fate, stdout, stderr, ()) =
            tokio::join!(child.life.ended(), gather(stdout), gather(stderr), feed);
        let held_back = match &fate {
            Fate::Ended(ended, _) => super::held_back(ended),
            Fate::Lost => Vec::new(),
        };
        Ok(wit::Output { exit: exit_of(&fate), stdout, stderr, held_back })
    }
}

/// What a program writes, to the end or to the limit; what is past that ends the program.
async fn gather(output: Option<Output>) -> Vec<u8> {
    let mut gathered = Vec::new();
    if let Some(mut output) = output {
        // What was read before a failure is what there is.
        let _ = (&mut output).take(GATHERED_BYTES).read_to_end(&mut gathered).await;
        if gathered.len() as u64 == GATHERED_BYTES && output.read_u8().await.is_ok() {
            output.end();
        }
    }
    gathered
}

fn unavailable(error: impl std::fmt::Display) -> wit::Error {
    tracing::warn!("process: {error}");
    wit::Error::Unavailable("the host could not use the program's streams".into())
}

impl wit::Host for CallState {
    async fn run(
        &mut self,
        command: wit::Command,
        input: Vec<u8>,
    ) -> wasmtime::Result<Result<wit::Output, wit::Error>> {
        Ok(self.process.run(command, input).await)
    }

    async fn spawn(
        &mut self,
        command: wit::Command,
    ) -> wasmtime::Result<Result<Resource<Child>, wit::Error>> {
        let session = match self.process.session() {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        match session.start(command.into(), STREAMED_BYTES).await {
            Ok(child) => Ok(Ok(self.table.push(child)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl wit::HostChild for CallState {
    fn stdin(&mut self, child: Resource<Child>) -> wasmtime::Result<Option<Resource<DynOutputStream>>> {
        let Some(stdin) = self.table.get_mut(&child)?.take_stdin() else { return Ok(None) };
        let stream: DynOutputStream = Box::new(AsyncWriteStream::new(WRITE_AHEAD, stdin?));
        Ok(Some(self.table.push(stream)?))
    }

    fn stdout(&mut self, child: Resource<Child>) -> wasmtime::Result<Option<Resource<DynInputStream>>> {
        let output = self.table.get_mut(&child)?.take_stdout();
        output.map(|output| self.stream(output)).transpose()
    }

    fn stderr(&mut self, child: Resource<Child>) -> wasmtime::Result<Option<Resource<DynInputStream>>> {
        let output = self.table.get_mut(&child)?.take_stderr();
        output.map(|output| self.stream(output)).transpose()
    }

    fn subscribe(&mut self, child: Resource<Child>) -> wasmtime::Result<Resource<DynPollable>> {
        let end = End(std::sync::Arc::clone(&self.table.get(&child)?.life));
        let end = self.table.push(end)?;
        subscribe(&mut self.table, end)
    }

    async fn wait(&mut self, child: Resource<Child>) -> wasmtime::Result<wit::Exit> {
        let life = std::sync::Arc::clone(&self.table.get(&child)?.life);
        Ok(exit_of(&life.ended().await))
    }

    fn kill(&mut self, child: Resource<Child>) -> wasmtime::Result<()> {
        self.table.get(&child)?.life.end(Cause::Killed);
        Ok(())
    }

    fn drop(&mut self, child: Resource<Child>) -> wasmtime::Result<()> {
        self.table.delete(child)?;
        Ok(())
    }
}

impl CallState {
    fn stream(&mut self, output: Output) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(AsyncReadStream::new(output));
        Ok(self.table.push(stream)?)
    }
}

/// Links `openclaw:skill/process`.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}
