//! The system calls of programs: what computes, uses files, and makes processes; nothing that reaches beyond.
//!
//! What is not listed is answered as by a kernel that does not know it, so that a system call that a later kernel
//! brings is refused; what programs should hear a clear no for is refused by name. The filter is written here as
//! instructions (`bpf(4)`, `seccomp(2)`), by ranges of numbers: the kernel translates it anew for every program that
//! is started, and a comparison for each call would take it longer than all the rest of the start.

use std::collections::BTreeMap;

use seccompiler::sock_filter;

/// The filters of programs in, and not in, a PID namespace of their own.
pub(crate) struct Filters {
    alone: Vec<sock_filter>,
    among_others: Vec<sock_filter>,
}

impl Filters {
    pub(crate) fn new() -> Self {
        Self { alone: filter(&answers(&[])), among_others: filter(&answers(REFUSED_AMONG_OTHERS)) }
    }

    /// Applies one of them to this process, and to all that comes of it, for good. Without a PID namespace it lives
    /// among the processes of others, and leaves those alone.
    pub(crate) fn apply(&self, pid_namespace: bool) -> Result<(), seccompiler::Error> {
        seccompiler::apply_filter(if pid_namespace { &self.alone } else { &self.among_others })
    }
}

/// What a system call is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It is made.
    Yes,
    /// `EPERM`.
    No,
    /// `ENOSYS`.
    Unknown,
    /// It is made unless the lower half of this argument has one of these bits.
    Without { argument: u32, bits: u32 },
    /// It is made unless the lower half of this argument is one of these.
    NoneOf { argument: u32, values: [u32; 2] },
    /// It is made unless the lower half of this argument has all of these bits.
    NotAll { argument: u32, bits: u32 },
    /// It is made if the lower half of this argument is zero.
    IfZero { argument: u32 },
}

fn answers(refused_too: &[i64]) -> BTreeMap<u32, Answer> {
    const MODE: u32 = libc::S_ISUID | libc::S_ISGID;
    let number = |call: i64| u32::try_from(call).unwrap_or(u32::MAX);
    let mut answers: BTreeMap<u32, Answer> =
        ALLOWED.iter().map(|call| (number(*call), Answer::Yes)).collect();
    answers.extend(
        MODES
            .iter()
            .map(|(call, argument)| (number(*call), Answer::Without { argument: *argument, bits: MODE })),
    );
    // A new namespace would be one in which a process has rights.
    let namespaces = NAMESPACES.iter().fold(0, |all, flag| all | flag.cast_unsigned());
    answers.insert(number(libc::SYS_clone), Answer::Without { argument: 0, bits: namespaces });
    // What is typed into a terminal.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].map(|command| u32::try_from(command).unwrap_or(0));
    answers.insert(number(libc::SYS_ioctl), Answer::NoneOf { argument: 1, values: typing });
    // Limits of its own, and of no other process: not of the init either, which is the same user.
    answers.insert(number(libc::SYS_prlimit64), Answer::IfZero { argument: 0 });
    // A lease makes others wait who open the file.
    let waiting = [libc::F_SETLEASE, libc::F_NOTIFY].map(i32::cast_unsigned);
    answers.insert(number(libc::SYS_fcntl), Answer::NoneOf { argument: 1, values: waiting });
    // Memory that is shared and no file is counted for nobody.
    let shared = (libc::MAP_SHARED | libc::MAP_ANONYMOUS).cast_unsigned();
    answers.insert(number(libc::SYS_mmap), Answer::NotAll { argument: 3, bits: shared });
    answers.extend(REFUSED.iter().chain(refused_too).map(|call| (number(*call), Answer::No)));
    answers
}

/// Instructions that look the number of a system call up: ranges with the same answer, from the least on.
fn filter(answers: &BTreeMap<u32, Answer>) -> Vec<sock_filter> {
    let mut program = vec![
        load(ARCHITECTURE_AT),
        jump(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        give(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER_AT),
    ];
    let mut ranges: Vec<(u32, Answer)> = Vec::new();
    let past = answers.keys().last().map_or(0, |last| last.saturating_add(1));
    for number in 0..past {
        let answer = answers.get(&number).copied().unwrap_or(Answer::Unknown);
        let goes_on = ranges.last().is_some_and(|(_, last)| *last == answer);
        // An argument is looked at by a range of its own, whatever stands beside it.
        if !goes_on {
            ranges.push((number, answer));
        }
    }
    let ends = ranges.iter().skip(1).map(|(start, _)| *start).chain([past]);
    for ((_, answer), end) in ranges.iter().zip(ends) {
        let block = block(*answer);
        let length = u8::try_from(block.len()).unwrap_or(u8::MAX);
        program.push(jump(libc::BPF_JGE, end, length, 0));
        program.extend(block);
    }
    // Numbers past the last, those of the x32 ABI among them.
    program.extend(block(Answer::Unknown));
    program
}

fn block(answer: Answer) -> Vec<sock_filter> {
    match answer {
        Answer::Yes => vec![give(libc::SECCOMP_RET_ALLOW)],
        Answer::No => vec![errno(libc::EPERM)],
        Answer::Unknown => vec![errno(libc::ENOSYS)],
        Answer::Without { argument, bits } => vec![
            load_argument(argument),
            jump(libc::BPF_JSET, bits, 0, 1),
            errno(libc::EPERM),
            give(libc::SECCOMP_RET_ALLOW),
        ],
        Answer::NoneOf { argument, values: [first, second] } => vec![
            load_argument(argument),
            jump(libc::BPF_JEQ, first, 1, 0),
            jump(libc::BPF_JEQ, second, 0, 1),
            errno(libc::EPERM),
            give(libc::SECCOMP_RET_ALLOW),
        ],
        Answer::NotAll { argument, bits } => vec![
            load_argument(argument),
            instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, bits, 0, 0),
            jump(libc::BPF_JEQ, bits, 0, 1),
            errno(libc::EPERM),
            give(libc::SECCOMP_RET_ALLOW),
        ],
        Answer::IfZero { argument } => vec![
            load_argument(argument),
            jump(libc::BPF_JEQ, 0, 1, 0),
            errno(libc::EPERM),
            give(libc::SECCOMP_RET_ALLOW),
        ],
    }
}

/// `AUDIT_ARCH_*` of `linux/audit.h`: the machine's number, 64 bits, least significant byte first.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Where `struct seccomp_data` has the number, the architecture and the arguments.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

fn load_argument(argument: u32) -> sock_filter {
    load(ARGUMENTS_AT + 8 * argument)
}

fn load(at: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, 0, 0)
}

fn give(answer: u32) -> sock_filter {
    instruction(libc::BPF_RET, answer, 0, 0)
}

fn errno(number: i32) -> sock_filter {
    give(libc::SECCOMP_RET_ERRNO | number.cast_unsigned())
}

/// Compares; `yes` and `no` are how many instructions are left out then.
fn jump(how: u32, with: u32, yes: u8, no: u8) -> sock_filter {
    instruction(libc::BPF_JMP | how | libc::BPF_K, with, yes, no)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k }
}

const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// What programs hear a clear no for. `clone3`, whose flags no filter can see, is unknown instead: libraries then use `clone`.
const REFUSED: &[i64] = &[
    // Sockets, also those between two processes: one could send to an address from there.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_socket,
    libc::SYS_socketpair,
    // Other processes.
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    // Namespaces, mounts, roots.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // Keys, and what the kernel executes or measures for others.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    // Files by handle instead of by path; devices.
    libc::SYS_mknod,
    libc::SYS_mknodat,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
];

/// What reaches other processes by their number, and what changes a file that Landlock lets be read only: its mode,
/// owner, times and attributes are no part of its rules.
const REFUSED_AMONG_OTHERS: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_futimesat,
    libc::SYS_lchown,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
    libc::SYS_utime,
    libc::SYS_utimensat,
    libc::SYS_utimes,
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_madvise,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_sched_setaffinity,
    libc::SYS_setpriority,
    libc::SYS_tgkill,
    libc::SYS_tkill,
];

/// By which argument a file's mode is set: nobody makes a program that runs as another user.
const MODES: &[(i64, u32)] = &[
    (libc::SYS_chmod, 1),
    (libc::SYS_creat, 1),
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_fchmodat2, 2),
    (libc::SYS_open, 2),
    (libc::SYS_openat, 3),
];

/// Everything else that ordinary programs use.
const ALLOWED: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_get_mempolicy,
    libc::SYS_madvise,
    libc::SYS_mbind,
    libc::SYS_membarrier,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_mlock2,
    libc::SYS_mlockall,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munlock,
    libc::SYS_munlockall,
    libc::SYS_munmap,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_process_madvise,
    libc::SYS_set_mempolicy,
    // Processes and threads.
    libc::SYS_arch_prctl,
    libc::SYS_capget,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fork,
    libc::SYS_futex,
    libc::SYS_futex_waitv,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_getpgid,
    libc::SYS_getpgrp,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpriority,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_prctl,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getattr,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_rr_get_interval,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_thread_area,
    libc::SYS_set_tid_address,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_setrlimit,
    libc::SYS_setsid,
    libc::SYS_tgkill,
    libc::SYS_times,
    libc::SYS_tkill,
    libc::SYS_vfork,
    libc::SYS_wait4,
    libc::SYS_waitid,
    // Who they are; nobody can become another.
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getuid,
    libc::SYS_setfsgid,
    libc::SYS_setfsuid,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_setuid,
    // Signals and timers.
    libc::SYS_alarm,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getitimer,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_pause,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setitimer,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd,
    libc::SYS_signalfd4,
    libc::SYS_time,
    libc::SYS_timer_create,
    libc::SYS_timer_delete,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_gettime,
    libc::SYS_timer_settime,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime,
    libc::SYS_timerfd_settime,
    // Waiting.
    libc::SYS_epoll_create,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_eventfd2,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_rm_watch,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_select,
    // Open descriptors.
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_pipe,
    libc::SYS_pipe2,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_read,
    libc::SYS_readahead,
    libc::SYS_readv,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_sync_file_range,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    libc::SYS_write,
    libc::SYS_writev,
    // Files by name, within the trees.
    libc::SYS_access,
    libc::SYS_chdir,
    libc::SYS_chown,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fchdir,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fgetxattr,
    libc::SYS_flistxattr,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_futimesat,
    libc::SYS_getcwd,
    libc::SYS_getxattr,
    libc::SYS_lchown,
    libc::SYS_lgetxattr,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_removexattr,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_rmdir,
    libc::SYS_setxattr,
    libc::SYS_stat,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_umask,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_utime,
    libc::SYS_utimensat,
    libc::SYS_utimes,
    // Sockets that are there: standard input may be one.
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    // What the machine is.
    libc::SYS_getrandom,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_restrict_self,
    libc::SYS_seccomp,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter answers to a call, by the rules of `bpf(4)`.
    fn run(program: &[sock_filter], call: i64, argument: impl Fn(u32) -> u64) -> u32 {
        let word = |at: u32| match at {
            NUMBER_AT => u32::try_from(call).unwrap(),
            ARCHITECTURE_AT => ARCHITECTURE,
            at => u32::try_from(argument((at - ARGUMENTS_AT) / 8) & 0xffff_ffff).unwrap(),
        };
        let (mut at, mut register) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            let code = u32::from(code);
            let jumps = |yes: bool| 1 + usize::from(if yes { jt } else { jf });
            at += match code & 0x07 {
                libc::BPF_RET => return k,
                libc::BPF_LD => {
                    register = word(k);
                    1
                }
                libc::BPF_ALU => {
                    register &= k;
                    1
                }
                _ => match code & 0xf0 {
                    libc::BPF_JEQ => jumps(register == k),
                    libc::BPF_JGE => jumps(register >= k),
                    _ => jumps(register & k != 0),
                },
            };
        }
    }

    const YES: u32 = libc::SECCOMP_RET_ALLOW;
    const NO: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

    #[test]
    fn every_listed_call_is_answered_as_listed_and_every_other_is_unknown() {
        let filters = Filters::new();
        for call in 0..1_000 {
            let answer = run(&filters.alone, call, |_| 0);
            let expected = match call {
                call if REFUSED.contains(&call) => NO,
                call if ALLOWED.contains(&call) || MODES.iter().any(|(mode, _)| *mode == call) => YES,
                libc::SYS_clone
                | libc::SYS_fcntl
                | libc::SYS_ioctl
                | libc::SYS_mmap
                | libc::SYS_prlimit64 => YES,
                _ => UNKNOWN,
            };
            assert_eq!(answer, expected, "system call {call}");
        }
        // The x32 ABI.
        assert_eq!(run(&filters.alone, 0x4000_0000 + libc::SYS_read, |_| 0), UNKNOWN);
    }

    #[test]
    fn arguments_are_looked_at() {
        let filters = Filters::new();
        let mode =
            |call, at: u32, mode| run(&filters.alone, call, |argument| if argument == at { mode } else { 0 });
        assert_eq!(mode(libc::SYS_fchmodat, 2, 0o755), YES);
        assert_eq!(mode(libc::SYS_fchmodat, 2, 0o4755), NO);
        assert_eq!(mode(libc::SYS_openat, 3, 0o2755), NO);
        assert_eq!(mode(libc::SYS_clone, 0, libc::CLONE_VM as u64), YES);
        assert_eq!(mode(libc::SYS_clone, 0, libc::CLONE_NEWUSER as u64), NO);
        assert_eq!(mode(libc::SYS_ioctl, 1, libc::TIOCSTI), NO);
        assert_eq!(mode(libc::SYS_ioctl, 1, libc::TCGETS), YES);
        let flags = |flags: i32| mode(libc::SYS_mmap, 3, flags as u64);
        assert_eq!(flags(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS), YES);
        assert_eq!(flags(libc::MAP_SHARED), YES);
        assert_eq!(flags(libc::MAP_SHARED | libc::MAP_ANONYMOUS), NO);
        assert_eq!(mode(libc::SYS_fcntl, 1, libc::F_SETLEASE as u64), NO);
        assert_eq!(mode(libc::SYS_fcntl, 1, libc::F_SETLK as u64), YES);
        assert_eq!(mode(libc::SYS_prlimit64, 0, 1), NO);
        let other =
            |call, pid| run(&filters.among_others, call, |argument| if argument == 0 { pid } else { 0 });
        assert_eq!((other(libc::SYS_prlimit64, 0), other(libc::SYS_prlimit64, 1)), (YES, NO));
        assert_eq!(other(libc::SYS_kill, 1), NO);
    }

    #[test]
    fn another_architecture_is_ended() {
        let filters = Filters::new();
        assert_eq!(filters.alone[1].k, ARCHITECTURE);
        assert_eq!(filters.alone[2].k, libc::SECCOMP_RET_KILL_PROCESS);
    }
}
