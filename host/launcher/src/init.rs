//! The first process of a program's namespaces: makes its surroundings, starts it, watches it, and ends all of it.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, clone};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::statvfs::statvfs;
use nix::sys::time::TimeValLike;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, execveat};

use crate::confine::{self, Place};
use crate::control_guard::{Guard, HeldBack};
use crate::elf::check_program;
use crate::frame;
use crate::message::{Ended, Exit, Failure, Launch, Means, Said, Stop};
use crate::server::Launcher;
use crate::view::{self, Base};

/// How often memory and free space are looked at.
const SAMPLE: Duration = Duration::from_millis(20);

/// How long it may take to look for control files that the program made.
const SWEEPING: Duration = Duration::from_secs(5);

/// What a program knows its directory for temporary files by.
const TEMPORARY: &str = "/tmp";

/// The descriptors of a launch.
pub(crate) struct Given {
    pub(crate) program: File,
    pub(crate) stdio: [OwnedFd; 3],
}

/// The program's file, mounted such that nobody changes it by way of what runs: a process can name its own file.
fn fixed_program(path: &Path, given: &File) -> Result<File, Failure> {
    let step = "fixing the program";
    let found = view::open_path(path, 0).map_err(Failure::at(step))?;
    let identity = |file: &File| file.metadata().map(|found| (found.dev(), found.ino()));
    if identity(&found).map_err(Failure::at(step))? != identity(given).map_err(Failure::at(step))? {
        return Err(Failure::NotExecutable("another file has taken its place".to_owned()));
    }
    let copy = view::clone_mount(&found).map_err(Failure::at(step))?;
    view::set_attributes(&copy, view::READ_ONLY).map_err(Failure::at(step))?;
    // To be read as well, for what it says of itself.
    view::reopen(&copy).map_err(Failure::at(step))
}

/// Does what does not depend on the program.
pub(crate) fn prepare(launcher: &Launcher) -> Result<(), Failure> {
    signals()?;
    confine::bound_capabilities();
    launcher.base.as_ref().map_or(Ok(()), Base::prepare_root)
}

/// Starts the program, and stays until nothing of it runs any more.
pub(crate) fn run(
    launcher: &Launcher,
    launch: &Launch,
    given: Given,
    control: &UnixStream,
) -> Result<Ended, Failure> {
    let begun = Instant::now();
    let Means { landlock, namespaces } = launcher.means;
    if !landlock && !launch.unconfined {
        return Err(Failure::NoLandlock);
    }
    if !launcher.means.guard(&launch.trees) && !launch.unconfined {
        return Err(Failure::NoNamespaces);
    }
    let deadline = begun + Duration::from_millis(launch.limits.time_ms);
    let mut given = given;
    let (guard, temporary) = match &launcher.base {
        Some(base) => {
            given.program = fixed_program(&launch.program, &given.program)?;
            base.enter(launch)?;
            let guard = Guard::protect(launch, launcher.is_control_file, deadline)?;
            (Some(guard), PathBuf::from(TEMPORARY))
        }
        None => {
            nix::sys::prctl::set_child_subreaper(true).map_err(Failure::at("watching over processes"))?;
            (None, temporary_directory()?)
        }
    };
    let sealed = guard.as_ref().map(Guard::sealed).unwrap_or_default();
    let watch = Watch { launch, deadline, namespaces, control };
    let exit = start(launcher, launch, &given, &temporary)
        .and_then(|program| {
            // The program has its own of these; a reader is to see the end of its output.
            drop(given);
            frame::write(control, &Said::Started(launcher.means, sealed))
                .map_err(Failure::at("telling the host"))?;
            watch.until_end(program)
        })
        .inspect_err(|_| watch.sweep());
    if guard.is_none() {
        let _ = fs::remove_dir_all(&temporary);
    }
    // Whatever the program came to: what it made is looked at.
    let held = guard.map(|guard| guard.hold_back(launch, Instant::now() + SWEEPING));
    let held = held.unwrap_or(HeldBack { complete: true, ..HeldBack::default() });
    Ok(Ended {
        exit: exit?,
        cpu_ms: processor_time(),
        held_back: held.names,
        held_back_count: held.count,
        swept: held.complete,
    })
}

/// A directory of its own for a program that has no root of its own; `mkdtemp(3)` puts a name in place of the X's.
fn temporary_directory() -> Result<PathBuf, Failure> {
    const STEP: &str = "making a temporary directory";
    nix::unistd::mkdtemp(&Path::new(TEMPORARY).join("openclaw-XXXXXX")).map_err(Failure::at(STEP))
}

/// Signals as a first process needs them: the end of a child is read, not handled.
#[expect(unsafe_code, reason = "how signals are handled has no safe form")]
fn signals() -> Result<(), Failure> {
    const STEP: &str = "preparing signals";
    // SAFETY: no handler is installed, so that none can do harm.
    unsafe {
        signal(Signal::SIGCHLD, SigHandler::SigDfl).map_err(Failure::at(STEP))?;
        signal(Signal::SIGPIPE, SigHandler::SigIgn).map_err(Failure::at(STEP))?;
    }
    SigSet::from(Signal::SIGCHLD).thread_block().map_err(Failure::at(STEP))
}

/// Bytes of the stack on which a process gives up what it has, and becomes the program.
const STACK_BYTES: usize = 256 << 10;

/// Starts the program, and waits until it runs.
#[expect(unsafe_code, reason = "a fork has no safe form")]
fn start(launcher: &Launcher, launch: &Launch, given: &Given, temporary: &Path) -> Result<Pid, Failure> {
    let mut stack = vec![0; STACK_BYTES];
    let mut failure = None;
    let become_it = || {
        failure = become_program(launcher, launch, given, temporary).err();
        127
    };
    // Nothing is copied: the new process works in the memory of this one, which waits until the program has its own.
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK;
    // SAFETY: this process has one thread, which waits; the stack outlives that.
    let child = unsafe { clone(Box::new(become_it), &mut stack, flags, Some(Signal::SIGCHLD as i32)) }
        .map_err(Failure::at("starting the program"))?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(child),
    }
}

/// Gives up all but what was granted, and becomes the program.
fn become_program(
    launcher: &Launcher,
    launch: &Launch,
    given: &Given,
    temporary: &Path,
) -> Result<std::convert::Infallible, Failure> {
    let Means { landlock, namespaces } = launcher.means;
    let not_executable = |error: &dyn std::fmt::Display| Failure::NotExecutable(error.to_string());
    let text = |text: &str| CString::new(text).map_err(|error| not_executable(&error));
    let arguments = launch.arguments.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
    // Where there is no root of its own, its temporary directory has another name than it was told.
    let environment = launch.environment.iter().map(|(name, value)| match name.as_str() {
        "HOME" | "TMPDIR" if value == TEMPORARY => text(&format!("{name}={}", temporary.display())),
        _ => text(&format!("{name}={value}")),
    });
    let environment = environment.collect::<Result<Vec<_>, _>>()?;
    let loaders = loaders(launch, &given.program).map_err(|error| not_executable(&error))?;
    nix::unistd::setsid().map_err(Failure::at("starting a session"))?;
    default_signals()?;
    let [stdin, stdout, stderr] = &given.stdio;
    nix::unistd::dup2_stdin(stdin).map_err(Failure::at("connecting standard input"))?;
    nix::unistd::dup2_stdout(stdout).map_err(Failure::at("connecting standard output"))?;
    nix::unistd::dup2_stderr(stderr).map_err(Failure::at("connecting standard error"))?;
    let directory = if launch.directory == Path::new(TEMPORARY) { temporary } else { &launch.directory };
    std::env::set_current_dir(directory).map_err(Failure::at("entering the working directory"))?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    confine::limit(launch)?;
    confine::drop_capabilities()?;
    if landlock {
        let place = Place { program: &given.program, loaders: &loaders, temporary, namespaces };
        confine::restrict(launch, &place)?;
    }
    launcher.filters.apply(namespaces).map_err(Failure::at("restricting system calls"))?;
    // Every other descriptor closes by itself here.
    execveat(given.program.as_fd(), c"", &arguments, &environment, AtFlags::AT_EMPTY_PATH)
        .map_err(|error| not_executable(&error))
}

/// What loads the program, and its helpers that are files.
fn loaders(launch: &Launch, program: &File) -> Result<Vec<PathBuf>, crate::elf::ElfError> {
    let mut loaders: BTreeSet<PathBuf> = check_program(program)?.into_iter().collect();
    for helper in launch.helpers.iter().filter(|helper| helper.is_file()) {
        let file = File::open(helper).ok();
        loaders.extend(file.and_then(|file| check_program(&file).ok().flatten()));
    }
    Ok(loaders.into_iter().collect())
}

#[expect(unsafe_code, reason = "how signals are handled has no safe form")]
fn default_signals() -> Result<(), Failure> {
    const STEP: &str = "preparing signals";
    // SAFETY: no handler is installed, so that none can do harm.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.map_err(Failure::at(STEP))?;
    SigSet::all().thread_unblock().map_err(Failure::at(STEP))
}

/// Milliseconds of processor time of all that was waited for.
fn processor_time() -> u64 {
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map(|used| used.user_time().num_milliseconds() + used.system_time().num_milliseconds())
        .map_or(0, |used| u64::try_from(used).unwrap_or(0))
}

/// What is watched while the program runs.
struct Watch<'a> {
    launch: &'a Launch,
    deadline: Instant,
    namespaces: bool,
    control: &'a UnixStream,
}

impl Watch<'_> {
    /// Waits until the program has ended or must end, and then ends all that is left of it.
    fn until_end(&self, program: Pid) -> Result<Exit, Failure> {
        const STEP: &str = "watching the program";
        let children = SignalFd::with_flags(
            &SigSet::from(Signal::SIGCHLD),
            SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC,
        )
        .map_err(Failure::at(STEP))?;
        let deadline = self.deadline;
        let mut sample = Instant::now() + SAMPLE;
        loop {
            if let Some(exit) = reap(program) {
                self.sweep();
                return Ok(exit);
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(self.stop(Stop::Deadline));
            }
            if now >= sample {
                if let Some(stop) = self.overused() {
                    return Ok(self.stop(stop));
                }
                sample = now + SAMPLE;
            }
            let until = deadline.min(sample).saturating_duration_since(now);
            let mut waiting = [
                PollFd::new(children.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.control.as_fd(), PollFlags::POLLIN),
            ];
            // Rounded up, so as not to come a moment early again and again.
            let patience = u16::try_from(until.as_millis() + 1).unwrap_or(u16::MAX);
            match poll(&mut waiting, PollTimeout::from(patience)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(Failure::at(STEP)(error)),
            }
            let [_, host] = &waiting;
            // The host says nothing but that it has gone.
            if host.any().unwrap_or(false) {
                return Ok(self.stop(Stop::Host));
            }
            while let Ok(Some(_)) = children.read_signal() {}
        }
    }

    fn stop(&self, why: Stop) -> Exit {
        self.sweep();
        Exit::Stopped(why)
    }

    /// Ends every process that came of the program, and waits for it.
    fn sweep(&self) {
        loop {
            if self.namespaces {
                // All but this process.
                let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            } else {
                for process in descendants() {
                    let _ = kill(process, Signal::SIGKILL);
                }
            }
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_micros(100)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Which limit the processes have passed that the kernel does not keep for all of them together.
    fn overused(&self) -> Option<Stop> {
        let limits = &self.launch.limits;
        // Who cannot see the processes must not let them run on.
        let Ok(processes) = (if self.namespaces { all_processes() } else { Ok(descendants()) }) else {
            return Some(Stop::Memory);
        };
        let memory: u64 = processes.iter().map(|process| memory_of(*process)).sum();
        if memory > limits.memory_bytes {
            return Some(Stop::Memory);
        }
        if processes.len() as u64 > limits.processes {
            return Some(Stop::Processes);
        }
        let full = |tree: &&crate::message::Tree| {
            let path = if self.namespaces { &tree.target } else { &tree.source };
            statvfs(path).is_ok_and(|disk| disk.blocks_available() * disk.fragment_size() < limits.free_bytes)
        };
        self.launch.trees.iter().filter(|tree| tree.writes).find(full).map(|_| Stop::Disk)
    }
}

/// Waits for whatever has ended; answers how the program did.
fn reap(program: Pid) -> Option<Exit> {
    let mut exit = None;
    loop {
        match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(process, code)) if process == program => exit = Some(Exit::Code(code)),
            Ok(WaitStatus::Signaled(process, signal, _)) if process == program => {
                exit = Some(Exit::Signal(signal as i32));
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return exit,
            Ok(_) => {}
        }
    }
}

/// All processes of this PID namespace but this one.
fn all_processes() -> io::Result<Vec<Pid>> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc")?.flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Ok(numbers
        .filter(|number| *number != own)
        .filter_map(|number| i32::try_from(number).ok())
        .map(Pid::from_raw)
        .collect())
}

/// All processes that came of this one.
fn descendants() -> Vec<Pid> {
    let mut found = Vec::new();
    let mut left = vec![std::process::id().to_string()];
    while let Some(process) = left.pop() {
        let children =
            fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        for child in children.split_whitespace() {
            found.extend(child.parse().ok().map(Pid::from_raw));
            left.push(child.to_owned());
        }
    }
    found
}

/// Bytes of memory that a process has and no file gives: its own, what it shares with others, and its page tables.
fn memory_of(process: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
    };
    let names = ["RssAnon:", "RssShmem:", "VmPTE:", "VmSwap:"];
    names.into_iter().map(kilobytes).sum::<u64>().saturating_mul(1_024)
}
