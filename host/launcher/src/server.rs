//! The launcher's own process: takes launches, and forks an init for each.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sched::CloneFlags;
use nix::sys::signal::{SigHandler, Signal, signal};

use crate::frame;
use crate::init;
use crate::message::{Failure, Launch, Means, Said};
use crate::rights::is_landlock_supported;
use crate::seccomp::Filters;
use crate::view::Base;

/// Makes a switch of tests: this machine is then taken for one without Landlock.
const ASSUME_NO_LANDLOCK: &str = "OPENCLAW_ASSUME_NO_LANDLOCK";
/// The same for namespaces.
const ASSUME_NO_NAMESPACES: &str = "OPENCLAW_ASSUME_NO_NAMESPACES";

/// What does not change from one launch to the next.
pub(crate) struct Launcher {
    /// None where no namespaces can be made.
    pub(crate) base: Option<Base>,
    pub(crate) filters: Filters,
    pub(crate) means: Means,
    /// Whether a file of that name, in whatever directory, is one that other programs obey.
    pub(crate) is_control_file: fn(&OsStr) -> bool,
}

/// A launcher's life: its standard input is the channel to the host. Returns the exit code.
///
/// The process must have one thread, since it forks and goes on in the child.
#[must_use]
pub fn serve(is_control_file: fn(&OsStr) -> bool) -> i32 {
    close_inherited();
    // The host is the only one to hear of a failure, and hears of it by the end of the channel.
    run(is_control_file).map_or(1, |()| 0)
}

fn run(is_control_file: fn(&OsStr) -> bool) -> io::Result<()> {
    let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    nix::sys::prctl::set_dumpable(false)?;
    forget_children()?;
    let base = match std::env::var_os(ASSUME_NO_NAMESPACES) {
        None => Base::prepare().ok(),
        Some(_) => None,
    };
    let landlock = std::env::var_os(ASSUME_NO_LANDLOCK).is_none() && is_landlock_supported();
    let means = Means { landlock, namespaces: base.is_some() };
    let filters = Filters::new();
    frame::write(&channel, &means)?;
    let launcher = Launcher { base, filters, means, is_control_file };
    while let Some((launch, descriptors)) = frame::read_with_descriptors::<Launch>(&channel)? {
        // The init that fails, or is never made, says so on its own channel or closes it.
        if let Ok(descriptors) = <[OwnedFd; 5]>::try_from(descriptors) {
            start(&launcher, &launch, descriptors, &channel);
        }
    }
    Ok(())
}

fn start(launcher: &Launcher, launch: &Launch, descriptors: [OwnedFd; 5], channel: &UnixStream) {
    let [program, stdin, stdout, stderr, control] = descriptors;
    let control = UnixStream::from(control);
    let namespaces = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
    let flags = if launcher.base.is_some() { namespaces } else { CloneFlags::empty() };
    match fork(flags) {
        Ok(Forked::Parent) => {}
        Ok(Forked::Child) => {
            let detached = detach(channel).map_err(Failure::at("letting go of the host's channel"));
            let given = init::Given { program: program.into(), stdio: [stdin, stdout, stderr] };
            let said = match detached.and_then(|()| init::run(launcher, launch, given, &control)) {
                Ok(ended) => Said::Ended(ended),
                Err(failure) => Said::Failed(failure),
            };
            let _ = frame::write(&control, &said);
            std::process::exit(0);
        }
        Err(error) => {
            let failure = Failure::at("making a process")(error);
            let _ = frame::write(&control, &Said::Failed(failure));
        }
    }
}

/// Leaves the channel of the launcher to the launcher.
fn detach(channel: &UnixStream) -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    channel.shutdown(std::net::Shutdown::Write).or(Ok::<(), io::Error>(()))?;
    Ok(())
}

enum Forked {
    Parent,
    Child,
}

/// Forks into new namespaces, as `clone(2)` without a stack of its own does.
#[expect(unsafe_code, reason = "a fork that makes namespaces has no safe form")]
fn fork(namespaces: CloneFlags) -> io::Result<Forked> {
    let flags = i64::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: the process has one thread, so that the child may do whatever the parent may.
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        _ => Ok(Forked::Parent),
    }
}

/// Nobody waits for an init; the system forgets it when it ends.
#[expect(unsafe_code, reason = "how signals are handled has no safe form")]
fn forget_children() -> io::Result<()> {
    // SAFETY: no handler is installed, so that none can do harm.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn)? };
    Ok(())
}

/// Closes what whoever started the host left open in it.
#[expect(unsafe_code, reason = "descriptors by number, before anybody in this process has one")]
fn close_inherited() {
    // SAFETY: nothing of this process has opened a descriptor yet but the standard ones, which stay.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}
