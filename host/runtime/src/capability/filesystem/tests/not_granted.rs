//! What the owner denied or did not grant is neither seen nor changed, and each attempt is noted.

use super::*;
use crate::bindings::wasi::filesystem::types::DescriptorType;
use crate::capability::Capability;

fn with_denied_part() -> Call {
    let denied = TreeGrant { denied: vec!["private/keys".into()], ..grant(Access::Write) };
    let call = Call::new(denied, PLENTY);
    call.put("private/keys/key", "secret");
    call.put("private/notes", "notes");
    call
}

#[test]
fn a_denied_part_is_not_seen() {
    let mut call = with_denied_part();
    let reason = Reason::DeniedByOwner;
    assert_eq!(call.read("private/notes").unwrap(), "notes");
    let read = call.read("private/keys/key");
    call.expect(read, ErrorCode::Access, reason, "/workspace/private/keys/key");
    let listed = call.list("private/keys");
    call.expect(listed, ErrorCode::Access, reason, "/workspace/private/keys");
    assert_eq!(call.list("private").unwrap(), ["notes"]);
    let root = call.root();
    let stat = call.view().stat_at(root, FOLLOW, "private/keys/key".to_owned());
    call.expect(stat, ErrorCode::Access, reason, "/workspace/private/keys/key");
    call.put_link("private/keys", "link");
    let read = call.read("link/key");
    call.expect(read, ErrorCode::Access, reason, "/workspace/private/keys/key");
}

#[test]
fn a_denied_part_is_not_changed_or_moved() {
    let mut call = with_denied_part();
    let reason = Reason::DeniedByOwner;
    let written = call.write("private/keys/new", "x");
    call.expect(written, ErrorCode::Access, reason, "/workspace/private/keys/new");
    let linked = call.link("private/keys/key", "key");
    call.expect(linked, ErrorCode::Access, reason, "/workspace/private/keys/key");
    let moved = call.rename("private/keys", "keys");
    call.expect(moved, ErrorCode::Access, reason, "/workspace/private/keys");
    let moved = call.rename("private", "public");
    call.expect(moved, ErrorCode::Access, reason, "/workspace/private");
    call.mkdir("other").unwrap();
    let moved = call.rename("other", "private");
    call.expect(moved, ErrorCode::Access, reason, "/workspace/private");
    assert_eq!(call.content("private/keys/key"), "secret");
}

#[test]
fn each_use_of_a_tree_that_was_not_granted_is_a_denial() {
    let mut call = Call::writable();
    let command = "openclaw grant allow acme/hello filesystem:read '$data'";
    let denial = Denial::new(Capability::FilesystemRead, "/data", Reason::NotGranted).with_hint(command);
    let handles = call.begin(vec![Preopen::Denied { guest_path: "/data".to_owned(), denial }], PLENTY);
    assert_eq!(call.view().get_type(borrow(&handles[0])).unwrap(), DescriptorType::Directory);
    assert_eq!(call.view().get_flags(borrow(&handles[0])).unwrap(), READ);
    assert!(call.denials().is_empty());
    let opened = call.open("notes/today", OpenFlags::CREATE, WRITE);
    assert_eq!(error(opened), ErrorCode::Access);
    let denials = call.denials();
    assert_eq!(denials[0].target, "/data/notes/today");
    assert_eq!(denials[0].hint.as_deref(), Some(command));
    let root = call.root();
    let stat = call.view().stat(root);
    call.expect(stat, ErrorCode::Access, Reason::NotGranted, "/data");
    let root = call.root();
    let listed = call.view().read_directory(root);
    call.expect(listed, ErrorCode::Access, Reason::NotGranted, "/data");
    let results = [
        call.mkdir("x"),
        call.unlink("x"),
        call.rmdir("x"),
        call.rename("x", "y"),
        call.link("x", "y"),
        call.symlink("x", "y"),
    ];
    for result in results {
        assert_eq!(error(result), ErrorCode::Access);
    }
    let root = call.root();
    assert_eq!(error(call.view().sync(root)), ErrorCode::Access);
    let (root, other) = (call.root(), call.root());
    assert!(!call.view().is_same_object(root, other).unwrap());
    assert_eq!(call.usage(), Usage::default());
}

#[test]
fn without_a_tree_there_is_nothing() {
    let denials = Denials::default();
    let mut state = FilesystemState::new(Vec::new(), PLENTY, &denials);
    let mut table = ResourceTable::new();
    let mut view = FilesystemView { state: &mut state, table: &mut table };
    assert!(view.get_directories().unwrap().is_empty());
    assert_eq!(state.usage(), Usage::default());
}
