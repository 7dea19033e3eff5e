//! What a call writes, makes and holds open is bounded, and so is what a tree with a quota holds.

use super::super::budget::QuotaGrant;
use super::super::ledger::Ledger;
use super::*;

fn budget(bytes_written: u64, files_created: u64) -> Call {
    Call::new(grant(Access::Write), Budget { bytes_written, files_created })
}

fn quota(bytes: u64) -> Call {
    Call::new(TreeGrant { quota: Some(quota_of(bytes)), ..grant(Access::Write) }, PLENTY)
}

fn quota_of(limit: u64) -> QuotaGrant {
    QuotaGrant { limit, ledger: Arc::new(Ledger::of(tempfile::tempfile().unwrap())) }
}

#[track_caller]
fn exhausted<T: Debug>(call: &Call, result: FsResult<T>, target: &str) {
    call.expect(result, ErrorCode::Quota, Reason::QuotaExceeded, target);
}

#[test]
fn bytes_are_counted_and_refused_whole() {
    let mut call = budget(10, 10);
    call.write("file", "12345678").unwrap();
    let written = call.write("other", "123");
    exhausted(&call, written, "/workspace/other");
    assert_eq!(call.content("other"), "");
    call.write("other", "12").unwrap();
    assert_eq!(call.usage(), Usage { bytes_read: 0, bytes_written: 10, files_created: 2 });
    call.unlink("file").unwrap();
    assert_eq!(error(call.write("file", "1")), ErrorCode::Quota);
}

#[test]
fn holes_are_counted() {
    let mut call = budget(100, 10);
    let file = call.open("file", OpenFlags::CREATE, WRITE).unwrap();
    let far = call.view().write(borrow(&file), b"x".to_vec(), 1 << 40);
    exhausted(&call, far, "/workspace/file");
    let grown = call.view().set_size(borrow(&file), 101);
    exhausted(&call, grown, "/workspace/file");
    call.view().set_size(borrow(&file), 60).unwrap();
    call.view().write(borrow(&file), b"x".to_vec(), 99).unwrap();
    assert_eq!(call.usage().bytes_written, 100);
    call.view().set_size(borrow(&file), 0).unwrap();
    assert_eq!(error(call.view().set_size(borrow(&file), 1)), ErrorCode::Quota);
    assert_eq!(error(call.view().set_size(borrow(&file), u64::MAX)), ErrorCode::FileTooLarge);
    assert_eq!(error(call.view().write(file, b"x".to_vec(), u64::MAX)), ErrorCode::FileTooLarge);
}

#[test]
fn names_are_counted() {
    let mut call = budget(100, 4);
    call.write("file", "").unwrap();
    call.mkdir("dir").unwrap();
    call.symlink("file", "soft").unwrap();
    assert_eq!(error(call.mkdir("dir")), ErrorCode::Exist);
    call.link("file", "hard").unwrap();
    let made = call.write("other", "");
    exhausted(&call, made, "/workspace/other");
    let made = call.mkdir("other");
    exhausted(&call, made, "/workspace/other");
    assert_eq!(call.usage().files_created, 4);
}

#[test]
fn descriptors_are_counted() {
    let mut call = Call::writable();
    call.put("file", "");
    let mut open = Vec::new();
    let refused = loop {
        match call.open("file", OpenFlags::empty(), READ) {
            Ok(file) => open.push(file),
            Err(error) => break Err::<(), _>(error),
        }
    };
    exhausted(&call, refused, "/workspace/file");
    assert_eq!(open.len(), 256);
    call.close(open.pop().unwrap()).unwrap();
    call.open("file", OpenFlags::empty(), READ).unwrap();
}

#[test]
fn a_tree_with_a_quota_fills_up_and_empties_again() {
    let mut call = quota(40_960);
    call.put("old", &"x".repeat(10_000));
    call.write("new", &"x".repeat(20_000)).unwrap();
    let written = call.write("more", &"x".repeat(20_000));
    exhausted(&call, written, "/workspace/more");
    call.unlink("old").unwrap();
    call.write("more", &"x".repeat(12_000)).unwrap();
    for _ in 0..100 {
        call.write("new", &"x".repeat(20_000)).unwrap();
    }
}

#[test]
fn empty_files_fill_a_quota() {
    let mut call = quota(40_960);
    let made = (0..100).take_while(|name| call.write(&name.to_string(), "").is_ok()).count();
    assert_eq!(made, 10);
}

#[test]
fn a_file_that_is_deleted_while_open_still_takes_its_room() {
    let mut call = quota(40_960);
    let mut open = Vec::new();
    for _ in 0..2 {
        let file = call.open("file", OpenFlags::CREATE, WRITE).unwrap();
        call.view().write(borrow(&file), vec![0; 16_384], 0).unwrap();
        call.unlink("file").unwrap();
        open.push(file);
    }
    assert_eq!(error(call.write("file", &"x".repeat(16_384))), ErrorCode::Quota);
    call.close(open.pop().unwrap()).unwrap();
    call.write("file", &"x".repeat(16_384)).unwrap();
}

#[test]
fn what_is_moved_into_a_tree_with_a_quota_counts() {
    let mut call = Call::writable();
    fs::create_dir(call.host.path().join("data")).unwrap();
    let data =
        TreeGrant { guest_path: "/data".to_owned(), quota: Some(quota_of(20_480)), ..grant(Access::Write) };
    let preopens = vec![call.preopen("workspace", grant(Access::Write)), call.preopen("data", data)];
    let handles = call.begin(preopens, PLENTY);
    call.put("large/file", &"x".repeat(30_000));
    call.put("small/file", "x");
    let to = |call: &mut Call, name: &str| {
        call.view().rename_at(borrow(&handles[0]), name.to_owned(), borrow(&handles[1]), name.to_owned())
    };
    let moved = to(&mut call, "large");
    exhausted(&call, moved, "/data/large");
    to(&mut call, "small").unwrap();
}
