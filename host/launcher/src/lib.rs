//! Starts programs that can do no more than whoever asked for them was granted.
//!
//! A host has one **launcher**: its own program, started anew ([`serve`]), with one thread and little memory, so that
//! it can fork cheaply and safely. For each program the launcher forks an **init**, the first process of new
//! namespaces. It makes a file system in which there is nothing but the program's runtime and the granted trees,
//! starts the program in it, confined, and watches it: deadline, memory, free space, and the word of the host.
//! When the program ends, or is to end, init ends every process that came of it, and says so.
//!
//! | means | what it takes away |
//! |---|---|
//! | mount namespace | every file but the runtime and the granted trees; writing to control files in them |
//! | Landlock | the same once more, and starting any program but the granted one and its helpers |
//! | seccomp | sockets, tracing, mounting, keys, namespaces, and every system call that is not known to be harmless |
//! | user and PID namespace | other processes; a life after the call |
//! | rlimits, init's watch | memory, processor time, processes, file size, the last free space of the disk |
//! | an empty environment, `no_new_privs`, no capabilities, descriptors 0 to 2 | what the host has |
//!
//! The host and an init talk over the **control** channel ([`Running`]), which is the life of the program: when
//! the host's end closes, for whatever reason, everything that was started ends.

mod client;
mod confine;
mod control_guard;
mod elf;
pub mod frame;
mod init;
mod message;
pub mod rights;
mod seccomp;
mod server;
mod view;

pub use client::{Ender, LaunchError, Launched, Launcher, LauncherProgram, Running};
pub use elf::{ElfError, check_program};
pub use message::{Ended, Exit, Launch, Limits, Means, Stop, Tree};
pub use server::serve;
