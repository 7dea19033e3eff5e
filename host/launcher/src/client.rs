//! The host's side: one launcher, started when it is first needed, and the programs that it started.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::frame;
use crate::message::{Ended, Failure, Launch, Means, Said};

/// The most bytes that an init says at once.
const SAID_BYTES: usize = 1 << 20;
/// How long a launcher may take until it can work.
const BEGINNING: Duration = Duration::from_secs(10);

/// How a launcher is started.
#[derive(Clone, Debug)]
pub struct LauncherProgram {
    /// The program to start; it must call [`serve`](crate::serve) when given `arguments`, before it has a second thread.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// Starts programs.
#[derive(Debug)]
pub struct Launcher {
    program: LauncherProgram,
    process: Mutex<Option<Arc<Process>>>,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// This machine has no Landlock, or an old one.
    #[error(
        "this machine cannot confine programs: Landlock is missing, switched off, or older than Linux 6.2"
    )]
    NoLandlock,
    /// This machine lets nobody make namespaces, and the program may change files.
    #[error("this machine cannot keep control files from programs: user namespaces are switched off")]
    NoNamespaces,
    /// It is no program that can be started, or its loader is missing.
    #[error("the program cannot be executed: {0}")]
    NotExecutable(String),
    /// A directory was put in place of one that was granted.
    #[error("another directory is in the place of {}", .0.display())]
    TreeChanged(PathBuf),
    /// Something else went wrong.
    #[error("the program was not started: {0}")]
    Failed(String),
}

impl From<Failure> for LaunchError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoLandlock => Self::NoLandlock,
            Failure::NoNamespaces => Self::NoNamespaces,
            Failure::NotExecutable(reason) => Self::NotExecutable(reason),
            Failure::TreeChanged(path) => Self::TreeChanged(path),
            Failure::Step { .. } => Self::Failed(failure.to_string()),
        }
    }
}

impl From<io::Error> for LaunchError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A program that runs, and the host's ends of its standard streams.
#[derive(Debug)]
pub struct Launched {
    /// To be written to.
    pub stdin: OwnedFd,
    /// To be read from.
    pub stdout: OwnedFd,
    /// To be read from.
    pub stderr: OwnedFd,
    /// The life of the program: see [`Running`].
    pub control: OwnedFd,
    /// What confines it.
    pub means: Means,
    /// Control files that are protected from it, by device and inode.
    pub sealed: Vec<(u64, u64)>,
}

/// A launcher that runs.
#[derive(Debug)]
struct Process {
    _child: Guard,
    channel: Mutex<UnixStream>,
    means: Means,
}

/// A process that ends with this.
#[derive(Debug)]
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // One that has ended already cannot be ended again; what counts is that it is waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Launcher {
    /// A launcher that is started when it is first needed.
    #[must_use]
    pub fn new(program: LauncherProgram) -> Self {
        Self { program, process: Mutex::default() }
    }

    /// What confines programs on this machine.
    ///
    /// # Errors
    /// [`LaunchError::Failed`] where the launcher does not start.
    pub async fn means(&self) -> Result<Means, LaunchError> {
        Ok(self.process().await?.means)
    }

    /// Starts a program, whose file is open, and waits until it runs.
    ///
    /// # Errors
    /// See [`LaunchError`]; nothing of the program has run then.
    pub async fn launch(&self, launch: &Launch, program: &File) -> Result<Launched, LaunchError> {
        let process = self.process().await?;
        let (stdin, writing) = io::pipe()?;
        let (reading, stdout) = io::pipe()?;
        let (reading_errors, stderr) = io::pipe()?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(io::Error::from)?;
        let given =
            [program.as_fd().try_clone_to_owned()?, stdin.into(), stdout.into(), stderr.into(), theirs];
        let frame = frame::encode(launch)?;
        // Whoever gives this up must not leave half a frame in the channel that all share.
        let sending = tokio::spawn(async move {
            let descriptors = given.each_ref().map(AsFd::as_fd);
            let channel = process.channel.lock().await;
            frame::write_with_descriptors(&channel, &frame, &descriptors).await
        });
        if let Err(error) = sending.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            // The next launch starts another launcher.
            *self.process.lock().await = None;
            return Err(error.into());
        }
        let mut running = Running::new(ours)?;
        match running.hear().await? {
            Some(Said::Started(means, sealed)) => Ok(Launched {
                stdin: writing.into(),
                stdout: reading.into(),
                stderr: reading_errors.into(),
                control: running.control.into_std()?.into(),
                means,
                sealed,
            }),
            Some(Said::Failed(failure)) => Err(failure.into()),
            Some(Said::Ended(_)) | None => {
                *self.process.lock().await = None;
                Err(LaunchError::Failed("the launcher has ended".to_owned()))
            }
        }
    }

    async fn process(&self) -> Result<Arc<Process>, LaunchError> {
        let mut process = self.process.lock().await;
        if let Some(running) = &*process {
            return Ok(Arc::clone(running));
        }
        let started = tokio::time::timeout(BEGINNING, self.start())
            .await
            .map_err(|_| LaunchError::Failed("the launcher does not start".to_owned()))??;
        Ok(Arc::clone(process.insert(Arc::new(started))))
    }

    async fn start(&self) -> Result<Process, LaunchError> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(io::Error::from)?;
        let child = Command::new(&self.program.program)
            .args(&self.program.arguments)
            .env_clear()
            .envs(self.program.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let child = Guard(child);
        let mut channel = stream(ours)?;
        let means = frame::hear(&mut channel, SAID_BYTES)
            .await?
            .ok_or_else(|| LaunchError::Failed("the launcher has ended before it began".to_owned()))?;
        Ok(Process { _child: child, channel: Mutex::new(channel), means })
    }
}

/// A program that runs, as its control channel tells. Dropping it ends the program, and all that came of it.
#[derive(Debug)]
pub struct Running {
    control: UnixStream,
}

impl Running {
    /// Takes the control channel of a [`Launched`] program.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(control: OwnedFd) -> io::Result<Self> {
        Ok(Self { control: stream(control)? })
    }

    /// What ends the program, for somebody else to hold.
    ///
    /// # Errors
    /// Those of the system.
    pub fn ender(&self) -> io::Result<Ender> {
        Ok(Ender(self.control.as_fd().try_clone_to_owned()?))
    }

    /// Waits until nothing of the program runs any more.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where its init was ended by somebody else; the kernel then ends the rest.
    pub async fn ended(&mut self) -> io::Result<Ended> {
        loop {
            match self.hear().await? {
                Some(Said::Ended(ended)) => return Ok(ended),
                Some(Said::Started(..)) => {}
                Some(Said::Failed(failure)) => return Err(io::Error::other(failure.to_string())),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    async fn hear(&mut self) -> io::Result<Option<Said>> {
        frame::hear(&mut self.control, SAID_BYTES).await
    }
}

/// Ends a program.
#[derive(Debug)]
pub struct Ender(OwnedFd);

impl Ender {
    /// Ends it; [`Running::ended`] tells when that is done.
    ///
    /// # Errors
    /// Those of the system.
    pub fn end(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.0, rustix::net::Shutdown::Write)?)
    }
}

fn stream(descriptor: OwnedFd) -> io::Result<UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(descriptor);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
