//! Files that other programs obey are read and not written, by whatever way they are come to.

use super::*;
use crate::bindings::wasi::filesystem::types::NewTimestamp;

fn repository() -> Call {
    let call = Call::writable();
    call.put(".git/config", "[core]");
    call.put("sub/.git/hooks/pre-commit", "true");
    call.put("file", "content");
    call
}

#[test]
fn they_are_read_and_listed() {
    let mut call = repository();
    assert_eq!(call.read(".git/config").unwrap(), "[core]");
    assert_eq!(call.list(".git").unwrap(), ["config"]);
    assert!(call.denials().is_empty());
}

#[test]
fn they_are_not_written() {
    let mut call = repository();
    for path in [".git/config", "sub/.git/hooks/pre-commit", "./sub/../.git/config"] {
        for (open, flags) in
            [(OpenFlags::empty(), WRITE), (OpenFlags::TRUNCATE, READ | WRITE), (OpenFlags::CREATE, READ)]
        {
            let target = format!("/workspace/{}", path.trim_start_matches("./sub/../"));
            let opened = call.open(path, open, flags);
            call.expect_control(opened, &target);
        }
    }
    for path in [".git/hooks", ".bashrc", ".envrc", "sub/CLAUDE.md", ".GIT", ".gitmodules"] {
        let target = format!("/workspace/{path}");
        let written = call.write(path, "x");
        call.expect_control(written, &target);
        let made = call.mkdir(path);
        call.expect_control(made, &target);
        let linked = call.symlink("file", path);
        call.expect_control(linked, &target);
        let linked = call.link("file", path);
        call.expect_control(linked, &target);
        let moved = call.rename("file", path);
        call.expect_control(moved, &target);
        assert!(call.path(path).symlink_metadata().is_err(), "{path}");
    }
    let removed = call.unlink(".git/config");
    call.expect_control(removed, "/workspace/.git/config");
    let root = call.root();
    let now = || NewTimestamp::Now;
    let set = call.view().set_times_at(root, FOLLOW, ".git/config".to_owned(), now(), now());
    call.expect_control(set, "/workspace/.git/config");
    let file = call.open(".git/config", OpenFlags::empty(), READ).unwrap();
    let set = call.view().set_times(file, now(), now());
    call.expect_control(set, "/workspace/.git/config");
    assert_eq!(call.content(".git/config"), "[core]");
}

#[test]
fn ordinary_files_beside_them_are_written() {
    let mut call = repository();
    call.write(".gitignore", "target").unwrap();
    call.write("sub/main.rs", "fn main() {}").unwrap();
    call.rename("file", "renamed").unwrap();
    assert!(call.denials().is_empty());
}

#[test]
fn links_do_not_get_round_it() {
    let mut call = repository();
    call.symlink(".git", "innocent").unwrap();
    call.symlink(".git/config", "config").unwrap();
    let written = call.write("innocent/config", "x");
    call.expect_control(written, "/workspace/.git/config");
    let written = call.write("innocent/new", "x");
    call.expect_control(written, "/workspace/.git/new");
    let written = call.write("config", "x");
    call.expect_control(written, "/workspace/.git/config");
    let linked = call.link(".git/config", "hard");
    call.expect_control(linked, "/workspace/.git/config");
    let linked = call.link("innocent/config", "hard");
    call.expect_control(linked, "/workspace/.git/config");
    let removed = call.unlink("innocent/config");
    call.expect_control(removed, "/workspace/.git/config");
    assert_eq!(call.content(".git/config"), "[core]");
}

#[test]
fn an_open_directory_does_not_get_round_it() {
    let mut call = repository();
    let git = call.open(".git", OpenFlags::DIRECTORY, READ).unwrap();
    let opened = call.view().open_at(git, FOLLOW, "config".to_owned(), OpenFlags::empty(), WRITE);
    call.expect_control(opened, "/workspace/.git/config");
    let git = call.open(".git", OpenFlags::DIRECTORY, READ).unwrap();
    let made = call.view().create_directory_at(git, "hooks".to_owned());
    call.expect_control(made, "/workspace/.git/hooks");
    let git = call.open(".git", OpenFlags::DIRECTORY, READ).unwrap();
    let root = call.root();
    let moved = call.view().rename_at(git, "config".to_owned(), root, "config".to_owned());
    call.expect_control(moved, "/workspace/.git/config");
}

#[test]
fn renames_do_not_get_round_it() {
    let mut call = repository();
    let moved = call.rename(".git", "plain");
    call.expect_control(moved, "/workspace/.git");
    let moved = call.rename("sub", "other");
    call.expect_control(moved, "/workspace/sub/.git");
    call.mkdir("forged").unwrap();
    call.write("forged/config", "x").unwrap();
    let moved = call.rename("forged", ".git");
    call.expect_control(moved, "/workspace/.git");
    let moved = call.rename("forged", "sub/.git");
    call.expect_control(moved, "/workspace/sub/.git");
    call.rename("forged", "moved").unwrap();
}

#[test]
fn the_hint_names_the_file() {
    let mut call = repository();
    assert_eq!(error(call.write(".git/config", "x")), ErrorCode::Access);
    let file = call.host.path().canonicalize().unwrap().join("workspace/.git/config");
    let command = format!("openclaw grant allow acme/hello filesystem:write '{}'", file.display());
    assert_eq!(call.denials()[0].hint, Some(command));
    assert_eq!(error(call.mkdir(".git/'; rm -rf ~ #")), ErrorCode::Access);
    assert_eq!(call.denials()[0].hint, None);
}

#[test]
fn one_that_was_granted_by_name_is_written() {
    let allowed = TreeGrant { control_allowed: vec![".git/config".into()], ..grant(Access::Write) };
    let mut call = Call::new(allowed, PLENTY);
    call.put(".git/config", "[core]");
    call.write(".git/config", "[user]").unwrap();
    assert_eq!(call.content(".git/config"), "[user]");
    let written = call.write(".git/hooks", "x");
    call.expect_control(written, "/workspace/.git/hooks");
    call.put("sub/.git/config", "[core]");
    let written = call.write("sub/.git/config", "x");
    call.expect_control(written, "/workspace/sub/.git/config");
}

#[test]
fn a_grant_of_the_directory_around_one_does_not_name_it() {
    let around = TreeGrant { control_allowed: vec!["sub".into()], ..grant(Access::Write) };
    let mut call = Call::new(around, PLENTY);
    call.put("sub/.git/config", "[core]");
    let written = call.write("sub/.git/config", "x");
    call.expect_control(written, "/workspace/sub/.git/config");
}
