//! What a process gives up for good: files outside the granted trees, sockets, programs, threads, other processes.
//!
//! | means | what it takes away |
//! |---|---|
//! | Landlock | every file and directory but the granted trees, and writing to those that are granted for reading |
//! | seccomp | every system call but those of [`ALLOWED`]: no socket, no `execve`, no `fork`, no `ptrace`, no `mount` |
//! | rlimits | memory, open files, file size, core dumps |
//! | `no_new_privs`, death with the parent | privileges by setuid programs, a life after the host |
//!
//! The list names what is allowed, so that a system call that a later kernel brings is refused.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use landlock::{PathBeneath, RulesetCreatedAttr, RulesetStatus};
use openclaw_launcher::rights::{self, ruleset};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Files that a confined process may hold open.
const OPEN_FILES: u64 = 1_024;
/// Bytes that one file may grow to.
const FILE_BYTES: u64 = 1 << 30;
/// Memory for the engine and the host's side of a call, beside what the guest may have.
const OWN_MEMORY: u64 = 512 << 20;

/// What a process keeps of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeAccess {
    /// Reading files and listing directories.
    Read,
    /// That, and changing them.
    Write,
}

/// Why a process could not be confined. It must not go on then.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The kernel has no Landlock, or an old one.
    #[error(
        "this machine's kernel cannot confine a process: Landlock is missing, switched off, or older than Linux 6.2"
    )]
    NoLandlock,
    /// A step failed.
    #[error("the process cannot be confined: {0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> ConfineError {
    ConfineError::Failed(error.to_string())
}

/// Confines the calling thread, and every thread that it starts, to trees that are open.
///
/// Call it while the process has one thread, and [`Sealed::seal`] once all threads are started.
///
/// # Errors
/// [`ConfineError`]; the process must then end.
pub fn confine(trees: &[(BorrowedFd<'_>, TreeAccess)], guest_memory: u64) -> Result<Sealed, ConfineError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit(Resource::Fsize, FILE_BYTES)?;
    limit(Resource::Data, guest_memory.saturating_add(OWN_MEMORY))?;
    let ruleset = ruleset().map_err(|_| ConfineError::NoLandlock)?;
    let mut rules = ruleset.create().map_err(failed)?;
    for (tree, access) in trees {
        let access = match access {
            TreeAccess::Read => rights::READ,
            TreeAccess::Write => rights::write(),
        };
        rules = rules.add_rule(PathBeneath::new(*tree, access)).map_err(failed)?;
    }
    // `no_new_privs` goes with it.
    let status = rules.restrict_self().map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced || !status.no_new_privs {
        return Err(ConfineError::NoLandlock);
    }
    Ok(Sealed(()))
}

fn limit(resource: Resource, most: u64) -> Result<(), ConfineError> {
    let most = rustix::process::getrlimit(resource).maximum.map_or(most, |hard| most.min(hard));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(failed)
}

/// A process that is confined to its trees, and has to give up system calls yet.
#[derive(Debug)]
#[must_use = "system calls are still to be given up"]
pub struct Sealed(());

impl Sealed {
    /// Leaves all threads of the process the system calls of [`ALLOWED`] and [`ALLOWED_SO`]; starting a further thread is not among them.
    ///
    /// # Errors
    /// [`ConfineError::Failed`]; the process must then end.
    pub fn seal(self) -> Result<(), ConfineError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        for (call, argument, width, allowed) in ALLOWED_SO {
            let rule = |how: &(SeccompCmpOp, u64)| {
                let condition = SeccompCondition::new(*argument, width.clone(), how.0.clone(), how.1)?;
                SeccompRule::new(vec![condition])
            };
            rules.insert(*call, allowed.iter().map(rule).collect::<Result<_, _>>().map_err(failed)?);
        }
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(failed)?;
        let errno = u32::try_from(libc::EPERM).map_err(failed)?;
        let filter = SeccompFilter::new(rules, SeccompAction::Errno(errno), SeccompAction::Allow, arch);
        let program: seccompiler::BpfProgram = filter.map_err(failed)?.try_into().map_err(failed)?;
        seccompiler::apply_filter_all_threads(&program).map_err(failed)
    }
}

/// `PAGEMAP_SCAN` of `linux/fs.h`, by which the engine finds the pages that a guest wrote.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

const fn bits(flags: i32) -> u64 {
    flags.unsigned_abs() as u64
}

const fn is(command: i32) -> (SeccompCmpOp, u64) {
    (SeccompCmpOp::Eq, bits(command))
}

const fn none_of(flags: i32) -> (SeccompCmpOp, u64) {
    (SeccompCmpOp::MaskedEq(bits(flags)), 0)
}

type Allowed = &'static [(SeccompCmpOp, u64)];

/// System calls that are allowed if one of their arguments is so.
const ALLOWED_SO: &[(i64, u8, SeccompCmpArgLen, Allowed)] = &[
    (libc::SYS_ioctl, 1, SeccompCmpArgLen::Dword, &[(SeccompCmpOp::Eq, PAGEMAP_SCAN)]),
    // No signals by way of a descriptor (`F_SETOWN`, `F_SETSIG`), no leases.
    (
        libc::SYS_fcntl,
        1,
        SeccompCmpArgLen::Dword,
        &[
            is(libc::F_DUPFD_CLOEXEC),
            is(libc::F_GETFD),
            is(libc::F_SETFD),
            is(libc::F_GETFL),
            is(libc::F_SETFL),
            is(libc::F_GETLK),
            is(libc::F_SETLK),
            is(libc::F_SETLKW),
            is(libc::F_OFD_GETLK),
            is(libc::F_OFD_SETLK),
            is(libc::F_OFD_SETLKW),
        ],
    ),
    // What is anonymous is private, and counts towards the limit of memory; what is shared is a file.
    (
        libc::SYS_mmap,
        3,
        SeccompCmpArgLen::Dword,
        &[
            none_of(libc::MAP_SHARED | libc::MAP_GROWSDOWN),
            none_of(libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN),
        ],
    ),
    // To where the socket is connected: an address would connect it anew (`MSG_FASTOPEN`).
    (libc::SYS_sendto, 4, SeccompCmpArgLen::Qword, &[(SeccompCmpOp::Eq, 0)]),
    // Times of what is open, not of what has a name: Landlock does not ask for them.
    (libc::SYS_utimensat, 1, SeccompCmpArgLen::Qword, &[(SeccompCmpOp::Eq, 0)]),
];

/// The system calls of a worker: memory, time, waiting, open descriptors, and files, which Landlock bounds.
const ALLOWED: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads that are there, and their end.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_membarrier,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    // Time, chance, and what the machine is.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd2,
    libc::SYS_poll,
    libc::SYS_ppoll,
    // Sockets that are open; none is made or connected.
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    // Descriptors that are open.
    libc::SYS_close,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_msync,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    // Files by name, within the trees.
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_geteuid,
    libc::SYS_getuid,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_rmdir,
    libc::SYS_stat,
    libc::SYS_statx,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
];
