//! What a skill tries with the trees that it was given: read-only ones, special files, full disks, and `$data`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::os::unix::fs::FileTypeExt;
use std::process::Command;

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// A skill that may read one tree and write another, both outside of its workspace.
fn two_trees() -> (Home, String, String) {
    let home = Home::new();
    let (read, write) = (home.path("read-only"), home.path("writable"));
    for dir in [&read, &write] {
        std::fs::create_dir(dir).unwrap();
    }
    std::fs::write(read.join("a.txt"), "hello").unwrap();
    let (read, write) = (read.display().to_string(), write.display().to_string());
    home.install(&Skill::guest("files").tree(&read, "read").tree(&write, "write"));
    (home, read, write)
}

fn writer() -> Home {
    Home::with(&Skill::guest("files").tree("$workspace", "write"))
}

#[test]
fn both_trees_are_where_the_manifest_has_them() {
    let (home, read, write) = two_trees();
    assert_eq!(home.call("files/preopens", &json!({})).output()["paths"], json!([read, write]));
    assert_eq!(
        home.call("files/read", &json!({ "path": format!("{read}/a.txt") })).output()["text"],
        "hello"
    );
    home.call("files/write", &json!({ "path": format!("{write}/b.txt") })).output();
    assert_eq!(std::fs::read(format!("{write}/b.txt")).unwrap(), b"guest");
    home.call("files/list", &json!({ "path": home.workspace().display().to_string() })).error();
}

#[test]
fn a_link_or_a_move_does_not_make_a_read_only_file_writable() {
    let (home, read, write) = two_trees();
    let names = json!({ "from": format!("{read}/a.txt"), "to": format!("{write}/a.txt") });
    for tool in ["files/hard-link", "files/rename"] {
        let refused = home.call(tool, &names);
        refused.refused("permission-denied");
        refused.was_denied("read-only");
    }
    let target = format!("{read}/a.txt");
    let planted = json!({ "tree": write, "target": target, "path": "link" });
    let planted = home.call("files/symlink", &planted).output();
    assert_eq!(planted["plant"], "not-permitted", "{planted}");
    assert_eq!(std::fs::read(format!("{read}/a.txt")).unwrap(), b"hello");
    let honest = json!({ "from": format!("{write}/one"), "to": format!("{write}/two") });
    home.call("files/write", &json!({ "path": format!("{write}/one") })).output();
    home.call("files/hard-link", &honest).output();
}

#[test]
fn nothing_cuts_a_read_only_file_short() {
    let (home, read, write) = two_trees();
    let tried = home.call("files/truncate", &json!({ "tree": read, "path": "a.txt" })).output();
    for (way, outcome) in tried.as_object().unwrap() {
        assert_ne!(outcome, "ok", "{way}");
    }
    assert_eq!(std::fs::read(format!("{read}/a.txt")).unwrap(), b"hello");
    for (tool, path) in [("files/write", "a.txt"), ("files/write", "new"), ("files/create-directory", "dir")]
    {
        home.call(tool, &json!({ "path": format!("{read}/{path}") })).refused("permission-denied");
    }
    let removed = home.call("files/remove", &json!({ "path": format!("{read}/a.txt") }));
    removed.was_denied("read-only");
    assert_eq!(std::fs::read_dir(&read).unwrap().count(), 1);
    std::fs::write(format!("{write}/a.txt"), "hello").unwrap();
    let tried = home.call("files/truncate", &json!({ "tree": write, "path": "a.txt" })).output();
    assert_eq!(tried["create-truncate"], "ok", "{tried}");
    assert_ne!(tried["truncate-reader"], "ok", "{tried}");
}

#[test]
fn a_fifo_a_socket_and_a_device_are_not_opened() {
    let home = writer();
    let workspace = home.workspace();
    let fifo = workspace.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = workspace.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(std::fs::metadata(&fifo).unwrap().file_type().is_fifo());
    let mut names = vec!["fifo", "socket"];
    let device = workspace.join("device");
    // Only root can make a device.
    if Command::new("mknod")
        .arg(&device)
        .args(["c", "1", "5"])
        .output()
        .is_ok_and(|made| made.status.success())
    {
        names.push("device");
    }
    for name in names {
        for tool in ["files/read", "files/write"] {
            let refused = home.call(tool, &json!({ "path": format!("/workspace/{name}") }));
            let failure = refused.refused("permission-denied");
            refused.was_denied("special-file");
            assert!(failure.call["duration_us"].as_u64() < Some(2_000_000), "{name}: {failure:?}");
        }
        home.call("files/stat", &json!({ "path": format!("/workspace/{name}") })).output();
    }
    std::fs::write(workspace.join("a.txt"), "hello").unwrap();
    assert_eq!(home.call("files/read", &json!({ "path": "/workspace/a.txt" })).output()["text"], "hello");
}

#[test]
fn a_skill_cannot_fill_the_disk() {
    let home = Home::with(
        &Skill::guest("files")
            .tree("$workspace", "write")
            .limit("timeout", "\"60s\"")
            .limit("fuel", "20_000_000_000"),
    );
    let tried = home.call("files/fill-disk", &json!({ "path": "/workspace/big", "most": 4_u64 << 30 }));
    tried.was_denied("quota-exceeded");
    let tried = tried.output();
    assert!(tried["error"].is_string(), "it wrote all it wanted: {tried}");
    let written = std::fs::metadata(home.workspace().join("big")).unwrap().len();
    assert_eq!(home.last_record()["bytes"]["files_written"].as_u64(), Some(written));
    assert!(written <= 1 << 30, "{written} bytes");
    std::fs::remove_file(home.workspace().join("big")).unwrap();
    let small =
        home.call("files/fill-disk", &json!({ "path": "/workspace/small", "most": 2 << 20 })).output();
    assert!(small["error"].is_null(), "{small}");
}

#[test]
fn a_hole_counts_as_what_it_spans() {
    let home = writer();
    let tried = home.call("files/fill-sparse", &json!({ "bytes": 1_u64 << 42 })).output();
    for (way, outcome) in tried.as_object().unwrap() {
        assert_ne!(outcome, "ok", "{way}");
    }
    assert_eq!(std::fs::metadata(home.workspace().join("sparse")).unwrap().len(), 0);
    let small = home.call("files/fill-sparse", &json!({ "bytes": 1 << 16 })).output();
    assert_eq!((&small["set-size"], &small["write-far"]), (&json!("ok"), &json!("ok")), "{small}");
}

#[test]
fn a_skill_cannot_use_up_the_inodes() {
    let home = Home::with(
        &Skill::guest("files")
            .tree("$workspace", "write")
            .limit("timeout", "\"60s\"")
            .limit("fuel", "20_000_000_000"),
    );
    let tried = home.call("files/fill-directory", &json!({ "most": 500_000 }));
    tried.was_denied("quota-exceeded");
    let tried = tried.output();
    assert_eq!(tried["error"], "quota", "{tried}");
    let made = std::fs::read_dir(home.workspace()).unwrap().count() as u64;
    assert_eq!(tried["created"].as_u64(), Some(made));
    assert!(made <= 100_000, "{made} files");
    std::fs::remove_dir_all(home.workspace()).unwrap();
    std::fs::create_dir(home.workspace()).unwrap();
    assert!(home.call("files/fill-directory", &json!({ "most": 10 })).output()["error"].is_null());
}

#[test]
fn a_skill_cannot_use_up_the_descriptors() {
    let home = writer();
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let tried = home.call("files/fill-descriptors", &json!({ "path": "a.txt" })).output();
    assert!(tried["error"].is_string(), "{tried}");
    assert!(tried["opened"].as_u64() < Some(5_000), "{tried}");
    assert_eq!(home.call("files/read", &json!({ "path": "/workspace/a.txt" })).output()["text"], "hello");
}

#[test]
fn a_read_of_everything_is_a_read_of_a_little() {
    let home = writer();
    std::fs::write(home.workspace().join("a.txt"), vec![b'a'; 3 << 20]).unwrap();
    let tried = home.call("files/giant-reads", &json!({ "path": "a.txt" }));
    let tried = if tried.code == Some(0) { tried.output() } else { panic!("{tried}") };
    assert!(tried["whole"].as_u64() > Some(0), "{tried}");
}

#[test]
fn data_is_kept_between_calls_and_over_upgrades_and_goes_with_a_purge() {
    let home = Home::new();
    let skill = |version: &str| Skill::guest("files").tree("$data", "write").versioned(version);
    let read = |home: &Home| home.call("files/read", &json!({ "path": "/data/kept" }));
    home.install(&skill("1.0.0"));
    home.call("files/write", &json!({ "path": "/data/kept", "text": "for later" })).output();
    assert_eq!(read(&home).output()["text"], "for later");
    home.install(&skill("1.1.0"));
    assert_eq!(read(&home).output()["text"], "for later");

    // Another skill has another directory.
    home.install(&skill("1.0.0").named("other"));
    home.call("other/read", &json!({ "path": "/data/kept" })).refused("tool-failed");

    let removed = home.run(["remove", "acme/files"]).json();
    assert!(removed["kept"].to_string().contains("data"), "{removed}");
    home.install(&skill("1.1.0"));
    assert_eq!(read(&home).output()["text"], "for later");
    home.run(["remove", "acme/files", "--purge"]).json();
    assert!(!home.data().join("data/acme/files").exists());
    home.install(&skill("1.1.0"));
    read(&home).refused("tool-failed");
}

#[test]
fn data_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with(&Skill::guest("files").tree("$data", "write"));
    home.call("files/write", &json!({ "path": "/data/kept" })).output();
    for dir in ["", "data", "data/acme", "data/acme/files", "keys"] {
        let mode = std::fs::metadata(home.data().join(dir)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{dir} has {mode:o}");
    }
    let outside: Value =
        home.call("files/open-raw", &json!({ "tree": "/data", "path": "../files/kept" })).json_or_error();
    assert!(outside["error"].is_object(), "{outside}");
}

#[test]
fn a_granted_directory_that_is_gone_is_the_owners_to_mend() {
    let (home, read, _) = two_trees();
    std::fs::remove_dir_all(&read).unwrap();
    let failure = home.call("files/preopens", &json!({})).refused("tree-unavailable");
    assert_eq!(failure.exit, 6);
    assert!(failure.message.contains(&read), "{failure:?}");
    std::fs::create_dir(&read).unwrap();
    home.call("files/preopens", &json!({})).output();
}
