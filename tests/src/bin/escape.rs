//! Stands in for a guest that escaped from the engine: confined as a worker is, it tries what such a guest would.
//!
//! `escape READ_TREE WRITE_TREE SECRET_FILE HOST_PID PORT` prints a line for each attempt: its name, and `done` or
//! why it failed.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of the tests"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_runtime::isolated::{TreeAccess, confine};
use rustix::fs::{AtFlags, CWD, FileType, MemfdFlags, Mode, Timespec, Timestamps, UTIME_OMIT};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg, sendto};
use rustix::process::{Pid, Resource, Rlimit, Signal};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("five arguments");
    let (read, write, secret) = (PathBuf::from(next()), PathBuf::from(next()), PathBuf::from(next()));
    let host: i32 = next().parse().expect("a process number");
    let port: u16 = next().parse().expect("a port");
    let (read_tree, write_tree) = (File::open(&read).expect("a tree"), File::open(&write).expect("a tree"));
    let trees = [(read_tree.as_fd(), TreeAccess::Read), (write_tree.as_fd(), TreeAccess::Write)];
    // A worker holds sockets that are connected.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let connected = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    // As in a worker, one thread is there before system calls are given up.
    let sealed = confine(&trees, 64 << 20).expect("the machine can confine");
    std::thread::spawn(std::thread::park);
    sealed.seal().expect("system calls can be given up");
    files(&read, &write, &secret);
    network(port, &connected, &listener);
    processes(host);
    memory();
}

/// `MSG_FASTOPEN`: connects to the given address while it sends.
const FASTOPEN: u32 = 0x2000_0000;
/// A time that stays as it is.
const OMIT: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };

fn tell<T>(name: &str, attempt: Result<T, impl Into<io::Error>>) {
    match attempt {
        Ok(_) => println!("{name}: done"),
        Err(error) => println!("{name}: {}", error.into().kind()),
    }
}

fn files(read: &Path, write: &Path, secret: &Path) {
    tell("read what is granted", fs::read(read.join("file")));
    tell("write what is granted", fs::write(write.join("file"), "x"));
    tell("make a directory where granted", fs::create_dir(write.join("directory")));
    tell("read a secret", fs::read(secret));
    tell("read /etc/passwd", fs::read("/etc/passwd"));
    tell("list the root", fs::read_dir("/"));
    tell("write beside the tree", fs::write(write.join("../beside"), "x"));
    tell("write where reading is granted", fs::write(read.join("file"), "x"));
    tell(
        "truncate where reading is granted",
        OpenOptions::new().write(true).truncate(true).open(read.join("file")),
    );
    tell("delete where reading is granted", fs::remove_file(read.join("file")));
    tell("move from the one tree to the other", fs::rename(read.join("file"), write.join("moved")));
    let link = write.join("link");
    tell("make a link", std::os::unix::fs::symlink(secret, &link));
    tell("read through a link", fs::read(&link));
    tell("make a FIFO", rustix::fs::mknodat(CWD, write.join("fifo"), FileType::Fifo, Mode::RWXU, 0));
    tell("open a device", File::open("/dev/zero"));
    let times = Timestamps { last_access: OMIT, last_modification: OMIT };
    tell("set the times of a secret", rustix::fs::utimensat(CWD, secret, &times, AtFlags::empty()));
    tell("change the root", rustix::process::chroot(write));
}

fn network(port: u16, connected: &TcpStream, listener: &TcpListener) {
    let there = SocketAddr::from(([127, 0, 0, 1], port));
    tell("send to where the socket is connected", send(connected, b"x", SendFlags::empty()));
    tell("connect a socket anew", sendto(connected, b"x", SendFlags::from_bits_retain(FASTOPEN), &there));
    tell("pass a descriptor on", {
        let mut space = [MaybeUninit::uninit(); 64];
        let mut control = SendAncillaryBuffer::new(&mut space);
        sendmsg(connected, &[IoSlice::new(b"x")], &mut control, SendFlags::empty())
    });
    tell("take a connection", listener.accept());
    tell("connect", TcpStream::connect(("127.0.0.1", port)));
    tell("listen", TcpListener::bind("127.0.0.1:0"));
    tell("send datagrams", UdpSocket::bind("127.0.0.1:0"));
    tell("make a local socket", UnixListener::bind("socket"));
}

fn processes(host: i32) {
    tell("start a program", Command::new("/bin/true").spawn());
    tell("start a thread", std::thread::Builder::new().spawn(|| ()));
    let host_pid = Pid::from_raw(host).expect("a process number");
    tell("signal the host", rustix::process::kill_process(host_pid, Signal::CONT));
    tell("read the host's memory", File::open(format!("/proc/{host}/mem")));
    tell("read the host's environment", fs::read(format!("/proc/{host}/environ")));
    tell("hide a program in memory", rustix::fs::memfd_create("program", MemfdFlags::empty()));
}

fn memory() {
    let mut bytes: Vec<u8> = Vec::new();
    tell(
        "hold four gigabytes",
        bytes.try_reserve_exact(4 << 30).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory)),
    );
    let more = Rlimit { current: None, maximum: None };
    tell("lift a limit", rustix::process::setrlimit(Resource::Data, more));
}
