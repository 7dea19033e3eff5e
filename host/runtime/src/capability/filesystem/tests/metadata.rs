//! What is told of files, and what of that a guest can set.

use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;

use super::*;
use crate::bindings::wasi::filesystem::types::{Advice, DescriptorType, NewTimestamp};

#[test]
fn attributes_are_those_of_the_file() {
    let mut call = Call::writable();
    call.write("file", "content").unwrap();
    call.link("file", "hard").unwrap();
    call.symlink("file", "soft").unwrap();
    let root = call.root();
    let stat = call.view().stat_at(root, FOLLOW, "soft".to_owned()).unwrap();
    assert_eq!((stat.type_, stat.size, stat.link_count), (DescriptorType::RegularFile, 7, 2));
    assert!(stat.data_modification_timestamp.is_some_and(|time| time.seconds > 1_600_000_000));
    let root = call.root();
    let stat = call.view().stat_at(root, PathFlags::empty(), "soft".to_owned()).unwrap();
    assert_eq!((stat.type_, stat.size), (DescriptorType::SymbolicLink, 4));
    let root = call.root();
    assert_eq!(call.view().stat(root).unwrap().type_, DescriptorType::Directory);
    let file = call.open("file", OpenFlags::empty(), READ).unwrap();
    assert_eq!(call.view().stat(borrow(&file)).unwrap().size, 7);
    assert_eq!(call.view().get_type(file).unwrap(), DescriptorType::RegularFile);
}

#[test]
fn a_file_is_itself_by_any_name() {
    let mut call = Call::writable();
    call.write("file", "content").unwrap();
    call.write("other", "content").unwrap();
    call.link("file", "hard").unwrap();
    let [file, hard, other] =
        ["file", "hard", "other"].map(|path| call.open(path, OpenFlags::empty(), READ).unwrap());
    assert!(call.view().is_same_object(borrow(&file), borrow(&hard)).unwrap());
    assert!(!call.view().is_same_object(borrow(&file), borrow(&other)).unwrap());
    let words = |call: &mut Call, file: &Handle| {
        let hash = call.view().metadata_hash(borrow(file)).unwrap();
        (hash.lower, hash.upper)
    };
    let before = words(&mut call, &file);
    assert_eq!(before, words(&mut call, &hard));
    assert_ne!(before, words(&mut call, &other));
    call.write("file", "changed").unwrap();
    let root = call.root();
    let hash = call.view().metadata_hash_at(root, FOLLOW, "file".to_owned()).unwrap();
    assert_eq!((hash.lower, hash.upper), before);
}

#[test]
fn times_are_set() {
    let mut call = Call::writable();
    call.write("file", "content").unwrap();
    call.symlink("file", "soft").unwrap();
    let at = |seconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 5 });
    let modified = |call: &mut Call, path: &str| {
        let root = call.root();
        let stat = call.view().stat_at(root, PathFlags::empty(), path.to_owned()).unwrap();
        stat.data_modification_timestamp.unwrap().seconds
    };
    let root = call.root();
    call.view().set_times_at(root, FOLLOW, "soft".to_owned(), NewTimestamp::NoChange, at(1000)).unwrap();
    assert_eq!(modified(&mut call, "file"), 1000);
    let root = call.root();
    call.view().set_times_at(root, PathFlags::empty(), "soft".to_owned(), at(7), at(2000)).unwrap();
    assert_eq!((modified(&mut call, "soft"), modified(&mut call, "file")), (2000, 1000));
    let file = call.open("file", OpenFlags::empty(), READ).unwrap();
    call.view().set_times(file, NewTimestamp::Now, at(3000)).unwrap();
    assert_eq!(modified(&mut call, "file"), 3000);
    let root = call.root();
    call.view().set_times(root, at(4000), at(4000)).unwrap();
    let root = call.root();
    let bad = NewTimestamp::Timestamp(Datetime { seconds: 1, nanoseconds: 2_000_000_000 });
    assert_eq!(error(call.view().set_times(root, NewTimestamp::NoChange, bad)), ErrorCode::Invalid);
}

#[test]
fn syncing_and_advice_succeed() {
    let mut call = Call::writable();
    let file = call.open("file", OpenFlags::CREATE, WRITE).unwrap();
    call.view().sync(borrow(&file)).unwrap();
    call.view().sync_data(borrow(&file)).unwrap();
    call.view().advise(file, 0, u64::MAX, Advice::WillNeed).unwrap();
    let root = call.root();
    call.view().sync(root).unwrap();
    let root = call.root();
    assert_eq!(error(call.view().advise(root, 0, 1, Advice::Normal)), ErrorCode::BadDescriptor);
}

#[test]
fn a_dropped_or_forged_descriptor_ends_the_call() {
    let mut call = Call::writable();
    let file = call.open("file", OpenFlags::CREATE, WRITE).unwrap();
    let again = Resource::new_own(file.rep());
    call.close(file).unwrap();
    assert!(matches!(call.view().stat(borrow(&again)), Err(FsError::Trap(_))));
    assert!(call.close(again).is_err());
    assert!(matches!(call.view().stat(Resource::new_borrow(9999)), Err(FsError::Trap(_))));
}
