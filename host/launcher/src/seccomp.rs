//! The system calls of programs: what computes, uses files, and makes processes; nothing that reaches beyond.
//!
//! What is not listed is answered as by a kernel that does not know it, so that a system call that a later kernel
//! brings is refused; what programs should hear a clear no for is refused by name. The filter is written here as
//! instructions (`bpf(4)`, `seccomp(2)`), by ranges of numbers: the kernel translates it anew for every program that
//! is started, and a comparison for each call would take it longer than all the rest of the start.

mod calls;

use std::collections::BTreeMap;

use seccompiler::sock_filter;

use self::calls::{ALLOWED, MODES, NAMESPACES, REFUSED, REFUSED_AMONG_OTHERS};

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
