//! Reading and writing, at once and by streams.

use bytes::Bytes;
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, StreamError};

use super::*;
use crate::bindings::wasi::filesystem::types::Host as _;

fn reader(call: &mut Call, path: &str, offset: u64) -> DynInputStream {
    let file = call.open(path, OpenFlags::empty(), READ).unwrap();
    let stream = call.view().read_via_stream(borrow(&file), offset).unwrap();
    call.close(file).unwrap();
    call.table.delete(stream).unwrap()
}

fn writer(call: &mut Call, path: &str, offset: Option<u64>) -> DynOutputStream {
    let file = call.open(path, OpenFlags::CREATE, WRITE).unwrap();
    let stream = match offset {
        Some(offset) => call.view().write_via_stream(borrow(&file), offset).unwrap(),
        None => call.view().append_via_stream(borrow(&file)).unwrap(),
    };
    call.close(file).unwrap();
    call.table.delete(stream).unwrap()
}

#[test]
fn open_flags_mean_what_they_say() {
    let mut call = Call::writable();
    assert_eq!(error(call.open("file", OpenFlags::empty(), READ)), ErrorCode::NoEntry);
    call.write("file", "content").unwrap();
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    assert_eq!(error(call.open("file", exclusive, WRITE)), ErrorCode::Exist);
    call.open("new", exclusive, WRITE).unwrap();
    assert_eq!(error(call.open("file", OpenFlags::DIRECTORY, READ)), ErrorCode::NotDirectory);
    assert_eq!(error(call.open("file/", OpenFlags::empty(), READ)), ErrorCode::NotDirectory);
    assert_eq!(error(call.open("file", OpenFlags::TRUNCATE, READ)), ErrorCode::Invalid);
    assert_eq!(error(call.open("x", OpenFlags::DIRECTORY | OpenFlags::CREATE, READ)), ErrorCode::Invalid);
    assert_eq!(error(call.open("x/", OpenFlags::CREATE, WRITE)), ErrorCode::IsDirectory);
    assert_eq!(error(call.open(".", OpenFlags::empty(), WRITE)), ErrorCode::IsDirectory);
    let file = call.open("file", OpenFlags::empty(), WRITE).unwrap();
    assert_eq!(call.content("file"), "content");
    assert_eq!(error(call.view().read(borrow(&file), 1, 0)), ErrorCode::BadDescriptor);
    call.open("file", OpenFlags::TRUNCATE, WRITE).unwrap();
    assert_eq!(call.content("file"), "");
}

#[test]
fn links_are_followed_if_asked_for() {
    let mut call = Call::writable();
    call.write("file", "content").unwrap();
    call.symlink("file", "link").unwrap();
    call.symlink("nowhere", "dangling").unwrap();
    assert_eq!(call.read("link").unwrap(), "content");
    let root = call.root();
    let opened = call.view().open_at(root, PathFlags::empty(), "link".to_owned(), OpenFlags::empty(), READ);
    assert_eq!(error(opened), ErrorCode::Loop);
    assert_eq!(error(call.write("dangling", "x")), ErrorCode::NoEntry);
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    assert_eq!(error(call.open("dangling", exclusive, WRITE)), ErrorCode::Exist);
}

#[test]
fn reads_are_bounded_and_see_the_end() {
    let mut call = Call::writable();
    call.put("large", &"x".repeat(3 << 20));
    call.put("small", "abc");
    let file = call.open("large", OpenFlags::empty(), READ).unwrap();
    let (bytes, end) = call.view().read(borrow(&file), u64::MAX, 0).unwrap();
    assert_eq!((bytes.len(), end), (1 << 20, false));
    assert!(bytes.capacity() <= 2 << 20);
    assert_eq!(call.view().read(file, 10, 3 << 20).unwrap(), (Vec::new(), true));
    let file = call.open("small", OpenFlags::empty(), READ).unwrap();
    let (bytes, _) = call.view().read(borrow(&file), 4 << 30, 1).unwrap();
    assert_eq!(bytes, b"bc");
    assert!(bytes.capacity() <= 1 << 17);
    assert_eq!(call.view().read(borrow(&file), 2, 0).unwrap().0, b"ab");
    assert_eq!(call.view().read(borrow(&file), 0, 0).unwrap(), (Vec::new(), false));
    assert_eq!(error(call.view().read(file, 1, u64::MAX)), ErrorCode::Invalid);
    assert_eq!(call.usage().bytes_read, (1 << 20) + 4);
}

#[test]
fn a_stream_reads_on_from_its_position() {
    let mut call = Call::writable();
    call.put("file", "0123456789");
    let mut stream = reader(&mut call, "file", 2);
    assert_eq!(stream.read(3).unwrap(), "234");
    assert_eq!(stream.skip(2).unwrap(), 2);
    assert_eq!(stream.read(0).unwrap(), "");
    assert_eq!(stream.read(100).unwrap(), "789");
    assert!(matches!(stream.read(1), Err(StreamError::Closed)));
    assert!(matches!(stream.skip(1), Err(StreamError::Closed)));
}

#[test]
fn streams_write_at_their_position_or_at_the_end() {
    let mut call = Call::writable();
    call.put("file", "0123456789");
    let mut at = writer(&mut call, "file", Some(2));
    let mut end = writer(&mut call, "file", None);
    assert!(at.check_write().unwrap() > 0);
    at.write(Bytes::from_static(b"ab")).unwrap();
    end.write(Bytes::from_static(b"EF")).unwrap();
    at.write(Bytes::from_static(b"cd")).unwrap();
    let mut other_end = writer(&mut call, "file", None);
    other_end.write(Bytes::from_static(b"GH")).unwrap();
    end.write(Bytes::from_static(b"IJ")).unwrap();
    end.flush().unwrap();
    at.write_zeroes(1).unwrap();
    assert_eq!(call.content("file"), "01abcd\u{0}789EFGHIJ");
    assert_eq!(call.usage().bytes_written, 11);
}

#[test]
fn a_failed_stream_says_why_and_is_closed() {
    let mut call = Call::new(grant(Access::Write), Budget { bytes_written: 3, files_created: 1 });
    let mut stream = writer(&mut call, "file", Some(0));
    let Err(StreamError::LastOperationFailed(error)) = stream.write(Bytes::from_static(b"1234")) else {
        panic!()
    };
    let error: Resource<IoError> = call.table.push(error).unwrap();
    assert_eq!(call.view().filesystem_error_code(error).unwrap(), Some(ErrorCode::Quota));
    assert!(matches!(stream.check_write(), Err(StreamError::Closed)));
    assert!(matches!(stream.write(Bytes::from_static(b"1")), Err(StreamError::Closed)));
    assert_eq!(call.denials()[0].reason, Reason::QuotaExceeded);
}

#[test]
fn streams_are_ready_without_a_runtime() {
    let mut call = Call::writable();
    call.put("file", "content");
    let mut stream = reader(&mut call, "file", 0);
    let read = futures::FutureExt::now_or_never(stream.blocking_read(100));
    assert_eq!(read.unwrap().unwrap(), "content");
    let mut stream = writer(&mut call, "file", None);
    let written =
        futures::FutureExt::now_or_never(stream.blocking_write_and_flush(Bytes::from(vec![b'x'; 200_000])));
    written.unwrap().unwrap();
    assert_eq!(call.content("file").len(), 200_007);
}
