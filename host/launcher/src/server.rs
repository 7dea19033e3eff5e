//! The launcher's own process: takes launches, and forks an init for each.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
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
    forget_children()?;
    let base = match std::env::var_os(ASSUME_NO_NAMESPACES) {
        // What has no namespaces is found out by what it cannot do then.
        None => Base::prepare().ok(),
        Some(_) => None,
    };
    let landlock = std::env::var_os(ASSUME_NO_LANDLOCK).is_none() && is_landlock_supported();
    let means = Means { landlock, namespaces: base.is_some() };
    nix::sys::prctl::set_dumpable(false)?;
    frame::write(&channel, &means)?;
    let launcher = Launcher { base, filters: Filters::new(), means, is_control_file };
    let mut spare = Spare::fork(&launcher, &channel);
    // What an earlier launch was given is closed before another init is forked, which would keep it open.
    while let Some((launch, descriptors)) = frame::read_with_descriptors::<Launch>(&channel)? {
        let Ok(descriptors) = <[OwnedFd; DESCRIPTORS]>::try_from(descriptors) else { continue };
        hand_over(spare, &launch, descriptors);
        spare = Spare::fork(&launcher, &channel);
    }
    Ok(())
}

/// Gives a launch to the init that waits for one, or tells the host that there is none.
fn hand_over(spare: io::Result<Spare>, launch: &Launch, descriptors: [OwnedFd; DESCRIPTORS]) {
    let taken = spare.and_then(|spare| spare.take(launch, &descriptors));
    let [.., control] = descriptors;
    if let Err(error) = taken {
        let failure = Failure::at("making a process")(error);
        let _ = frame::write(&UnixStream::from(control), &Said::Failed(failure));
    }
}

/// Descriptors that come with a launch.
const DESCRIPTORS: usize = 5;

/// An init that waits for a launch: what does not depend on that it has done already.
struct Spare(UnixStream);

impl Spare {
    fn fork(launcher: &Launcher, channel: &UnixStream) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let namespaces = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
        let flags = if launcher.base.is_some() { namespaces } else { CloneFlags::empty() };
        match fork(flags)? {
            Forked::Parent => Ok(Self(ours)),
            Forked::Child => {
                drop(ours);
                let prepared = detach(channel)
                    .map_err(Failure::at("letting go of the host's channel"))
                    .and_then(|()| init::prepare(launcher));
                wait(launcher, prepared, &theirs);
                std::process::exit(0);
            }
        }
    }

    fn take(&self, launch: &Launch, descriptors: &[OwnedFd; DESCRIPTORS]) -> io::Result<()> {
        let frame = frame::encode(launch)?;
        let descriptors = descriptors.each_ref().map(AsFd::as_fd);
        let sent = frame::send_with_descriptors(&self.0, &frame, &descriptors)?;
        (&self.0).write_all(frame.get(sent..).unwrap_or_default())
    }
}

/// Waits for a launch, and sees it through; without one it ends with the launcher.
fn wait(launcher: &Launcher, prepared: Result<(), Failure>, channel: &UnixStream) {
    let Ok(Some((launch, descriptors))) = frame::read_with_descriptors::<Launch>(channel) else { return };
    let Ok([program, stdin, stdout, stderr, control]) = <[OwnedFd; DESCRIPTORS]>::try_from(descriptors)
    else {
        return;
    };
    let control = UnixStream::from(control);
    let given = init::Given { program: program.into(), stdio: [stdin, stdout, stderr] };
    let said = match prepared.and_then(|()| init::run(launcher, &launch, given, &control)) {
        Ok(ended) => Said::Ended(ended),
        Err(failure) => Said::Failed(failure),
    };
    // A host that has gone hears nothing.
    let _ = frame::write(&control, &said);
}

/// Leaves the channel of the launcher to the launcher.
#[expect(unsafe_code, reason = "a descriptor of which the child's copy is to be closed")]
fn detach(channel: &UnixStream) -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    // SAFETY: nobody in this process uses it again.
    unsafe { libc::close(channel.as_raw_fd()) };
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
