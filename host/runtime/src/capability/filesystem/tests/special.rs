//! Only regular files and directories are opened, and no operation waits for anything else.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

#[track_caller]
fn refused_at_once(call: &mut Call, name: &str) {
    let begin = Instant::now();
    let target = format!("/workspace/{name}");
    for (open, flags) in [
        (OpenFlags::empty(), READ),
        (OpenFlags::empty(), WRITE),
        (OpenFlags::empty(), READ | WRITE),
        (OpenFlags::CREATE, WRITE),
        (OpenFlags::TRUNCATE, WRITE),
    ] {
        let opened = call.open(name, open, flags);
        call.expect(opened, ErrorCode::NotPermitted, Reason::SpecialFile, &target);
    }
    let linked = call.link(name, "other");
    call.expect(linked, ErrorCode::NotPermitted, Reason::SpecialFile, &target);
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_fifo_is_refused() {
    let mut call = Call::writable();
    mknodat(CWD, call.path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    refused_at_once(&mut call, "fifo");
    call.put_link("fifo", "link");
    let opened = call.open("link", OpenFlags::empty(), READ);
    call.expect(opened, ErrorCode::NotPermitted, Reason::SpecialFile, "/workspace/fifo");
    assert_eq!(call.list(".").unwrap(), ["fifo", "link"]);
    call.unlink("fifo").unwrap();
}

#[test]
fn a_socket_is_refused() {
    let mut call = Call::writable();
    let _listener = UnixListener::bind(call.path("socket")).unwrap();
    refused_at_once(&mut call, "socket");
}

#[test]
fn a_device_is_refused() {
    let mut call = Call::writable();
    let dev = Dir::open_ambient_dir("/dev", ambient_authority()).unwrap();
    call.begin(vec![Preopen::Granted { grant: Arc::new(grant(Access::Write)), dir: dev }], PLENTY);
    for flags in [READ, WRITE] {
        let opened = call.open("null", OpenFlags::empty(), flags);
        call.expect(opened, ErrorCode::NotPermitted, Reason::SpecialFile, "/workspace/null");
    }
}

#[test]
fn files_of_the_kernel_are_refused() {
    let mut call = Call::writable();
    let proc = Dir::open_ambient_dir("/proc", ambient_authority()).unwrap();
    call.begin(vec![Preopen::Granted { grant: Arc::new(grant(Access::Write)), dir: proc }], PLENTY);
    for (path, flags) in
        [("self/mem", READ | WRITE), ("self/environ", READ), ("sys/kernel/core_pattern", WRITE)]
    {
        let opened = call.open(path, OpenFlags::empty(), flags);
        call.expect(opened, ErrorCode::NotPermitted, Reason::SpecialFile, &format!("/workspace/{path}"));
    }
    let listed = call.list("self");
    call.expect(listed, ErrorCode::NotPermitted, Reason::SpecialFile, "/workspace/self");
}
