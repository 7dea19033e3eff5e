//! MCP over standard input and output: one client, which started this process and ends it by closing its side.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use rustix::fs::FileType;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::server::{Server, Shared};
use super::transport::Lines;
use crate::caller::Caller;
use crate::service::Service;

/// How long calls that were cancelled may take to end, and what they said to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that a thread reads or writes at once.
const CHUNK: usize = 64 << 10;

/// Why a client was not served.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// Standard input or output cannot be used.
    #[error("standard input and output cannot be used: {0}")]
    Streams(#[from] io::Error),
    /// The records of what was called cannot be written.
    #[error(transparent)]
    Audit(#[from] openclaw_runtime::audit::AuditError),
}

/// Serves the client at the other end of standard input and output, until it closes its side or `shutdown` is given.
///
/// From here on, descriptor 1 of this process is standard error: what anything in it prints cannot reach the client as
/// a part of the protocol. Ends when all calls have ended and their records are written. Within a tokio runtime.
///
/// # Errors
/// See [`StdioError`]. A client that says nothing, or nothing that makes sense, is no error.
pub async fn serve_stdio(
    service: Arc<Service>,
    caller: Caller,
    shutdown: CancellationToken,
) -> Result<(), StdioError> {
    let (read, write) = take_streams()?;
    serve(service, caller, read, write, shutdown).await
}

/// The same over any two streams.
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve(
    service: Arc<Service>,
    caller: Caller,
    read: impl AsyncRead + Send + Unpin + 'static,
    write: impl AsyncWrite + Send + Unpin + 'static,
    shutdown: CancellationToken,
) -> Result<(), StdioError> {
    let gone = shutdown.child_token();
    let shared = Shared::new(Arc::clone(&service));
    let (lines, writing) = Lines::new(read, write, gone.clone());
    let server = Server::new(Arc::clone(&shared), Some(Arc::new(caller)));
    match serve_server_with_ct(server, lines, gone.clone()).await {
        // Its end is the client's, or ours; either way everything below has to be done.
        Ok(running) => drop(running.waiting().await),
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {}
        Err(error) => tracing::warn!("the client did not open the protocol: {error}"),
    }
    gone.cancel();
    shared.calls.ended(PATIENCE).await;
    // Nobody may be there to take it.
    let _ = tokio::time::timeout(PATIENCE, writing).await;
    let dispatcher = Arc::clone(service.runtime().dispatcher());
    tokio::task::spawn_blocking(move || dispatcher.flush()).await.map_err(io::Error::other)??;
    Ok(())
}

type Streams = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// Takes standard input and output for the protocol alone.
fn take_streams() -> io::Result<Streams> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let (read, write) = (stdin.as_fd().try_clone_to_owned()?, stdout.as_fd().try_clone_to_owned()?);
    // Children inherit 0 and 1: none may take a client's words, or say something to it.
    nix::unistd::dup2_stdout(io::stderr())?;
    let null = File::open("/dev/null")?;
    nix::unistd::dup2_stdin(null)?;
    Ok((reader(read)?, writer(write)?))
}

/// A descriptor as what it is: pipes and sockets wait on the event loop, anything else on a thread of its own.
fn reader(fd: OwnedFd) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    Ok(match file_type(fd.as_fd())? {
        FileType::Fifo => Box::new(match pipe::OpenOptions::new().open_receiver(same(&fd)) {
            Ok(receiver) => receiver,
            Err(_) => pipe::Receiver::from_owned_fd(fd)?,
        }),
        FileType::Socket => Box::new(socket(fd)?),
        _ => Box::new(read_on_a_thread(fd.into())),
    })
}

fn writer(fd: OwnedFd) -> io::Result<Box<dyn AsyncWrite + Send + Unpin>> {
    Ok(match file_type(fd.as_fd())? {
        FileType::Fifo => Box::new(match pipe::OpenOptions::new().open_sender(same(&fd)) {
            Ok(sender) => sender,
            Err(_) => pipe::Sender::from_owned_fd(fd)?,
        }),
        FileType::Socket => Box::new(socket(fd)?),
        _ => Box::new(write_on_a_thread(fd.into())),
    })
}

/// The same pipe, to be opened once more: whether it waits is then a matter of this process alone.
fn same(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// What a thread reads of a file or terminal. It may be left waiting there, until the process ends.
fn read_on_a_thread(mut file: File) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(CHUNK);
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = file.read(&mut chunk) {
            let Some(bytes) = chunk.get(..read) else { return };
            if runtime.block_on(theirs.write_all(bytes)).is_err() {
                return;
            }
        }
    });
    ours
}

/// What a thread writes to a file or terminal.
fn write_on_a_thread(mut file: File) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(CHUNK);
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = runtime.block_on(theirs.read(&mut chunk)) {
            let Some(bytes) = chunk.get(..read) else { return };
            if file.write_all(bytes).is_err() {
                return;
            }
        }
    });
    ours
}

fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(fd);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

fn file_type(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}
