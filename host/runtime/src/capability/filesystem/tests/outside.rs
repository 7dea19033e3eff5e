//! Nothing outside the tree is reached, however the path is made up and whatever changes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

/// Tries every operation that takes a path on one that leads out, and expects each to be denied.
#[track_caller]
fn denied_everywhere(call: &mut Call, path: &str) {
    let mut codes = vec![
        error(call.open(path, OpenFlags::empty(), READ)),
        error(call.open(path, OpenFlags::empty(), WRITE)),
        error(call.open(path, OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE)),
        error(call.open(path, OpenFlags::DIRECTORY, READ)),
    ];
    let root = call.root();
    codes.push(error(call.view().stat_at(root, FOLLOW, path.to_owned())));
    let root = call.root();
    codes.push(error(call.view().metadata_hash_at(root, FOLLOW, path.to_owned())));
    assert!(codes.iter().all(|code| *code == ErrorCode::NotPermitted), "{path}: {codes:?}");
    let denials = call.denials();
    assert!(
        !denials.is_empty() && denials.iter().all(|denial| denial.reason == Reason::OutsideTree),
        "{denials:?}"
    );
}

#[test]
fn parents_and_absolute_paths() {
    let mut call = Call::writable();
    call.put("dir/file", "");
    let outside = call.host.path().join("outside/secret").to_str().unwrap().to_owned();
    for path in [
        "..",
        "../outside/secret",
        "dir/../../outside/secret",
        "./../outside/secret",
        "/",
        "/etc/passwd",
        &outside,
    ] {
        denied_everywhere(&mut call, path);
    }
    assert_eq!(error(call.mkdir("../made")), ErrorCode::NotPermitted);
    assert_eq!(error(call.mkdir("..")), ErrorCode::NotPermitted);
    assert_eq!(error(call.unlink("../outside/secret")), ErrorCode::NotPermitted);
    assert_eq!(error(call.rmdir("../outside")), ErrorCode::NotPermitted);
    assert_eq!(error(call.rename("../outside/secret", "x")), ErrorCode::NotPermitted);
    assert_eq!(error(call.rename("dir", "../x")), ErrorCode::NotPermitted);
    assert_eq!(error(call.link("../outside/secret", "x")), ErrorCode::NotPermitted);
    assert_eq!(error(call.link("dir/file", "../x")), ErrorCode::NotPermitted);
    assert_eq!(call.content("../outside/secret"), "secret");
}

#[test]
fn a_subdirectory_does_not_lead_back_to_its_parent() {
    let mut call = Call::writable();
    call.put("dir/file", "x");
    call.put("other", "x");
    let dir = call.open("dir", OpenFlags::DIRECTORY, READ).unwrap();
    let opened = call.view().open_at(dir, FOLLOW, "../other".to_owned(), OpenFlags::empty(), READ);
    call.expect(opened, ErrorCode::NotPermitted, Reason::OutsideTree, "/workspace/dir/../other");
}

#[test]
fn odd_names_are_names() {
    let mut call = Call::writable();
    assert_eq!(error(call.write("a\0b", "")), ErrorCode::Invalid);
    assert_eq!(error(call.write("", "")), ErrorCode::NoEntry);
    assert_eq!(error(call.write(&"x".repeat(300), "")), ErrorCode::NameTooLong);
    assert_eq!(error(call.write(&"x/".repeat(3000), "")), ErrorCode::NameTooLong);
    call.write("..\\outside\\secret", "mine").unwrap();
    call.write("C:\\x", "mine").unwrap();
    assert_eq!(call.content("..\\outside\\secret"), "mine");
    assert_eq!(call.content("../outside/secret"), "secret");
}

#[test]
fn links_that_lead_out_are_refused_at_use() {
    let mut call = Call::writable();
    let outside = call.host.path().join("outside");
    call.put_link("../outside/secret", "relative");
    call.put_link(outside.join("secret"), "absolute");
    call.put_link("chain2", "chain1");
    call.put_link("dir/chain3", "chain2");
    call.put_link("../../outside/secret", "dir/chain3");
    call.put_link("../outside", "directory");
    for path in
        ["relative", "absolute", "chain1", "dir/chain3", "directory", "directory/secret", "directory/.."]
    {
        denied_everywhere(&mut call, path);
    }
    call.put_link("loop2", "loop1");
    call.put_link("loop1", "loop2");
    assert_eq!(error(call.read("loop1")), ErrorCode::Loop);
    assert_eq!(call.content("../outside/secret"), "secret");
}

#[test]
fn magic_links_are_not_followed() {
    let mut call = Call::writable();
    let proc = Dir::open_ambient_dir("/proc/self", ambient_authority()).unwrap();
    call.begin(vec![Preopen::Granted { grant: Arc::new(grant(Access::Write)), dir: proc }], PLENTY);
    for path in ["root/etc/passwd", "cwd/Cargo.toml", "exe", "fd/0"] {
        assert!(matches!(error(call.read(path)), ErrorCode::Loop | ErrorCode::NotPermitted), "{path}");
    }
}

#[test]
fn links_that_lead_out_are_not_made() {
    let mut call = Call::writable();
    call.put("a/b/file", "x");
    for (target, path) in
        [("/etc/passwd", "l"), ("..", "l"), ("../outside", "l"), ("a/../..", "l"), ("../../../x", "a/b/l")]
    {
        let made = call.symlink(target, path);
        call.expect(made, ErrorCode::NotPermitted, Reason::OutsideTree, &format!("/workspace/{path}"));
        assert!(call.path(path).symlink_metadata().is_err());
    }
    call.symlink("../../a/b/file", "a/b/l").unwrap();
    assert_eq!(call.read("a/b/l").unwrap(), "x");
}

#[test]
fn renames_do_not_make_a_link_lead_out() {
    let mut call = Call::writable();
    call.mkdir("a").unwrap();
    call.mkdir("a/b").unwrap();
    call.symlink("../../top", "a/b/link").unwrap();
    let carried = call.rename("a/b", "b");
    call.expect(carried, ErrorCode::NotPermitted, Reason::OutsideTree, "/workspace/b/link");
    let moved = call.rename("a/b/link", "link");
    call.expect(moved, ErrorCode::NotPermitted, Reason::OutsideTree, "/workspace/link");
    call.mkdir("c").unwrap();
    call.rename("a/b", "c/b").unwrap();
}

#[test]
fn a_link_swapped_in_meanwhile_leads_nowhere_else() {
    let mut call = Call::writable();
    call.put("dir/secret", "mine");
    call.put_link("../outside", "link");
    let (dir, link, spare) = (call.path("dir"), call.path("link"), call.path("spare"));
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                for (from, to) in [(&dir, &spare), (&link, &dir), (&dir, &link), (&spare, &dir)] {
                    fs::rename(from, to).unwrap();
                }
            }
        }
    });
    for round in 0..5_000 {
        if let Ok(content) = call.read("dir/secret") {
            assert_eq!(content, "mine");
        }
        let _ = call.write("dir/secret", "mine");
        let _ = call.write(&format!("dir/new{}", round % 7), "mine");
        let _ = call.mkdir("dir/made");
        let _ = call.rename("dir/made", "dir/moved");
        let _ = call.rmdir("dir/moved");
        let _ = call.unlink("dir/secret");
        let _ = call.write("dir/secret", "mine");
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert_eq!(call.content("../outside/secret"), "secret");
    let outside: Vec<_> = fs::read_dir(call.host.path().join("outside")).unwrap().collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
}
