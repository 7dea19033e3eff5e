//! Making, renaming, linking, deleting and listing names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::bindings::wasi::filesystem::types::DescriptorType;

#[test]
fn directories_are_made_listed_and_removed() {
    let mut call = Call::writable();
    call.mkdir("dir/").unwrap();
    call.mkdir("dir/sub").unwrap();
    call.write("dir/file", "x").unwrap();
    assert_eq!(call.list("dir").unwrap(), ["file", "sub"]);
    assert_eq!(error(call.rmdir("dir")), ErrorCode::NotEmpty);
    assert_eq!(error(call.rmdir("dir/file")), ErrorCode::NotDirectory);
    assert_eq!(error(call.unlink("dir/sub")), ErrorCode::IsDirectory);
    assert_eq!(error(call.unlink("dir/sub/")), ErrorCode::IsDirectory);
    assert_eq!(error(call.unlink("dir/file/")), ErrorCode::NotDirectory);
    call.rmdir("dir/sub/").unwrap();
    call.unlink("dir/file").unwrap();
    call.rmdir("dir").unwrap();
    assert!(call.list(".").unwrap().is_empty());
    for path in [".", "./", "dir/.."] {
        assert!(call.rmdir(path).is_err());
    }
    assert!(call.denials().is_empty());
}

#[test]
fn an_entry_tells_what_it_is() {
    let mut call = Call::writable();
    call.mkdir("dir").unwrap();
    let root = call.root();
    let stream = call.view().read_directory(root).unwrap();
    let entry = call.view().read_directory_entry(Resource::new_borrow(stream.rep())).unwrap().unwrap();
    assert_eq!((entry.name.as_str(), entry.type_), ("dir", DescriptorType::Directory));
    assert!(call.view().read_directory_entry(stream).unwrap().is_none());
}

#[test]
fn a_name_that_is_not_utf8_is_an_error_of_its_own() {
    let mut call = Call::writable();
    fs::write(call.path(OsStr::from_bytes(b"\xff")), "").unwrap();
    call.put("a", "");
    let root = call.root();
    let stream = call.view().read_directory(root).unwrap();
    let mut results = Vec::new();
    for _ in 0..3 {
        let entry = call.view().read_directory_entry(Resource::new_borrow(stream.rep()));
        results.push(match entry {
            Ok(entry) => entry.map_or("end".to_owned(), |entry| entry.name),
            failed => format!("{:?}", error(failed)),
        });
    }
    assert_eq!(results.pop().unwrap(), "end");
    results.sort();
    assert_eq!(results, [format!("{:?}", ErrorCode::IllegalByteSequence), "a".to_owned()]);
}

#[test]
fn files_and_directories_are_renamed() {
    let mut call = Call::writable();
    call.write("a", "a").unwrap();
    call.write("b", "b").unwrap();
    call.rename("a", "b").unwrap();
    assert_eq!(call.content("b"), "a");
    call.mkdir("dir").unwrap();
    call.rename("b", "dir/b").unwrap();
    call.rename("dir/", "moved/").unwrap();
    assert_eq!(call.read("moved/b").unwrap(), "a");
    assert_eq!(error(call.rename("moved/b/", "x")), ErrorCode::NotDirectory);
    assert_eq!(error(call.rename("none", "x")), ErrorCode::NoEntry);
    assert_eq!(error(call.rename("moved", "moved/inside")), ErrorCode::Invalid);
}

#[test]
fn links_are_made_and_read() {
    let mut call = Call::writable();
    call.write("file", "content").unwrap();
    call.link("file", "hard").unwrap();
    assert_eq!(error(call.link("file", "hard")), ErrorCode::Exist);
    call.mkdir("dir").unwrap();
    assert_eq!(error(call.link("dir", "x")), ErrorCode::NotPermitted);
    call.symlink("../file", "dir/soft").unwrap();
    assert_eq!(error(call.link("dir/soft", "x")), ErrorCode::NotPermitted);
    let root = call.root();
    assert_eq!(call.view().readlink_at(root, "dir/soft".to_owned()).unwrap(), "../file");
    assert_eq!(call.read("dir/soft").unwrap(), "content");
    let root = call.root();
    assert_eq!(error(call.view().readlink_at(root, "file".to_owned())), ErrorCode::Invalid);
    call.put_link("/etc/passwd", "absolute");
    let root = call.root();
    let read = call.view().readlink_at(root, "absolute".to_owned());
    call.expect(read, ErrorCode::NotPermitted, Reason::OutsideTree, "/workspace/absolute");
    let (root, other) = (call.root(), call.root());
    let followed = call.view().link_at(root, FOLLOW, "dir/soft".to_owned(), other, "x".to_owned());
    assert_eq!(error(followed), ErrorCode::Invalid);
    call.unlink("dir/soft").unwrap();
    assert_eq!(call.content("file"), "content");
}
