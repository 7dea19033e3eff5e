//! A tree that was granted for reading is read, and nothing in it changes.

use super::*;
use crate::bindings::wasi::filesystem::types::NewTimestamp;
use crate::capability::Capability;

#[track_caller]
fn read_only<T: Debug>(call: &Call, result: FsResult<T>) {
    assert_eq!(error(result), ErrorCode::ReadOnly);
    let denials = call.denials();
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!((denials[0].reason, denials[0].capability), (Reason::ReadOnly, Capability::FilesystemWrite));
    assert_eq!(
        denials[0].hint.as_deref(),
        Some("openclaw grant allow acme/hello filesystem:write '$workspace'")
    );
}

#[test]
fn nothing_in_it_changes() {
    let mut call = Call::read_only();
    call.put("file", "content");
    call.put("dir/file", "content");
    assert_eq!(call.read("file").unwrap(), "content");
    for (open, flags) in [
        (OpenFlags::empty(), WRITE),
        (OpenFlags::empty(), READ | WRITE),
        (OpenFlags::TRUNCATE, WRITE),
        (OpenFlags::CREATE, READ),
        (OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE),
    ] {
        let opened = call.open("file", open, flags);
        read_only(&call, opened);
    }
    let opened = call.open("new", OpenFlags::CREATE, READ);
    read_only(&call, opened);
    let opened = call.open("dir", OpenFlags::DIRECTORY, READ | DescriptorFlags::MUTATE_DIRECTORY);
    read_only(&call, opened);
    let results = [
        call.mkdir("made"),
        call.unlink("file"),
        call.rmdir("dir"),
        call.rename("file", "moved"),
        call.link("file", "linked"),
        call.symlink("file", "linked"),
    ];
    for result in results {
        assert_eq!(error(result), ErrorCode::ReadOnly);
    }
    call.denials();
    let root = call.root();
    let set =
        call.view().set_times_at(root, FOLLOW, "file".to_owned(), NewTimestamp::Now, NewTimestamp::NoChange);
    read_only(&call, set);
    let file = call.open("file", OpenFlags::empty(), READ).unwrap();
    let set = call.view().set_times(borrow(&file), NewTimestamp::Now, NewTimestamp::Now);
    read_only(&call, set);
    assert_eq!(error(call.view().set_size(borrow(&file), 0)), ErrorCode::BadDescriptor);
    assert_eq!(error(call.view().write(borrow(&file), b"x".to_vec(), 0)), ErrorCode::BadDescriptor);
    assert_eq!(error(call.view().write_via_stream(borrow(&file), 0)), ErrorCode::BadDescriptor);
    assert_eq!(error(call.view().append_via_stream(file)), ErrorCode::BadDescriptor);
    assert_eq!(call.content("file"), "content");
    assert_eq!(call.usage(), Usage { bytes_read: 7, ..Usage::default() });
}

#[test]
fn flags_tell_the_truth() {
    for (mut call, flags) in
        [(Call::read_only(), READ), (Call::writable(), READ | DescriptorFlags::MUTATE_DIRECTORY)]
    {
        call.put("dir/file", "");
        let root = call.root();
        assert_eq!(call.view().get_flags(root).unwrap(), flags);
        let dir = call.open("dir", OpenFlags::DIRECTORY, READ).unwrap();
        assert_eq!(call.view().get_flags(dir).unwrap(), flags);
        let file = call.open("dir/file", OpenFlags::empty(), READ).unwrap();
        assert_eq!(call.view().get_flags(file).unwrap(), READ);
    }
}

#[test]
fn nothing_is_carried_into_a_writable_tree() {
    let mut call = Call::writable();
    fs::create_dir(call.host.path().join("reference")).unwrap();
    fs::write(call.host.path().join("reference/file"), "content").unwrap();
    let reference = TreeGrant { guest_path: "/reference".to_owned(), ..grant(Access::Read) };
    let preopens =
        vec![call.preopen("workspace", grant(Access::Write)), call.preopen("reference", reference)];
    let handles = call.begin(preopens, PLENTY);
    call.put("mine", "mine");
    let [workspace, reference] = &handles[..] else { panic!() };
    let file = || "file".to_owned();
    let linked =
        call.view().link_at(borrow(reference), PathFlags::empty(), file(), borrow(workspace), file());
    call.expect(linked, ErrorCode::ReadOnly, Reason::ReadOnly, "/reference/file");
    let moved = call.view().rename_at(borrow(reference), file(), borrow(workspace), file());
    call.expect(moved, ErrorCode::ReadOnly, Reason::ReadOnly, "/reference/file");
    let mine = || "mine".to_owned();
    let linked =
        call.view().link_at(borrow(workspace), PathFlags::empty(), mine(), borrow(reference), mine());
    call.expect(linked, ErrorCode::ReadOnly, Reason::ReadOnly, "/reference/mine");
    let moved = call.view().rename_at(borrow(workspace), mine(), borrow(reference), mine());
    call.expect(moved, ErrorCode::ReadOnly, Reason::ReadOnly, "/reference/mine");
    assert_eq!(call.list(".").unwrap(), ["mine"]);
}
