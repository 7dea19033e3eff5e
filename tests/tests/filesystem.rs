//! What a skill tries to reach files that it was not given, each beside a use that it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use openclaw_tests::race::Swapper;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

const CANARY: &str = "the canary sings";

/// A skill that may write its workspace, which holds `a.txt`, and a canary outside of it.
fn home() -> Home {
    let home = Home::with(&writer());
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    std::fs::write(home.path("canary"), CANARY).unwrap();
    home
}

fn writer() -> Skill {
    Skill::guest("files").tree("$workspace", "write")
}

/// Nothing outside was changed, and the honest use still works.
#[track_caller]
fn unharmed(home: &Home) {
    assert_eq!(std::fs::read_to_string(home.path("canary")).unwrap(), CANARY);
    let mut outside: Vec<_> =
        std::fs::read_dir(home.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    outside.retain(|name| name.to_string_lossy().contains("planted"));
    assert!(outside.is_empty(), "{outside:?}");
    assert_eq!(home.call("files/read", &json!({ "path": "/workspace/a.txt" })).output()["text"], "hello");
}

#[test]
fn a_path_does_not_lead_out_of_its_tree() {
    let home = home();
    let outside = home.path("canary").display().to_string();
    for path in [
        "../canary",
        "./../canary",
        "sub/../../canary",
        "/etc/passwd",
        "//etc/passwd",
        &outside,
        "..",
        "../",
        "/",
        "/proc/self/environ",
        "../../../../../../../../proc/self/environ",
        "../../../../../../../../proc/self/root/etc/passwd",
    ] {
        let refused = home.call("files/open-raw", &json!({ "path": path }));
        let failure = refused.error();
        assert!(matches!(failure.code.as_str(), "permission-denied" | "tool-failed"), "{path}: {failure:?}");
        assert!(!refused.stderr.contains(CANARY), "{path}");
        let created = home.call("files/open-raw", &json!({ "path": path, "write": true, "create": true }));
        created.error();
    }
    home.call("files/open-raw", &json!({ "path": "../canary" })).was_denied("outside-tree");
    let planted = json!({ "path": "../planted", "write": true, "create": true });
    home.call("files/open-raw", &planted).was_denied("outside-tree");
    // What stays inside is no crime.
    std::fs::create_dir(home.workspace().join("sub")).unwrap();
    let inside = home.call("files/open-raw", &json!({ "path": "sub/../a.txt" })).output();
    assert_eq!(inside["text"], "hello");
    unharmed(&home);
}

#[test]
fn names_that_are_no_names_are_errors() {
    let home = home();
    for path in ["a\0b", "\0", "a.txt\0", "", "a".repeat(300).as_str(), "x/".repeat(3000).as_str()] {
        let failure =
            home.call("files/open-raw", &json!({ "path": path, "create": true, "write": true })).error();
        assert_eq!(failure.code, "tool-failed", "{failure:?}");
    }
    for bytes in [&[0xff, 0xfe][..], &[0x61, 0x80], &[0xed, 0xa0, 0x80], &[0xc0, 0xae, 0xc0, 0xae]] {
        let failure = home.call("files/open-bytes", &json!({ "bytes": bytes })).error();
        assert!(matches!(failure.code.as_str(), "trap" | "tool-failed"), "{failure:?}");
    }
    let names: Vec<_> = std::fs::read_dir(home.workspace()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    unharmed(&home);
}

#[test]
fn a_name_that_is_not_utf8_does_not_end_the_host() {
    use std::os::unix::ffi::OsStrExt;
    let home = home();
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff\xfe");
    std::fs::write(home.workspace().join(odd), CANARY).unwrap();
    let listed = home.call("files/list", &json!({ "path": "/workspace" }));
    assert!(matches!(listed.code, Some(0 | 1)), "{listed}");
    unharmed(&home);
}

#[test]
fn a_link_that_the_owner_has_does_not_lead_out() {
    let home = home();
    let workspace = home.workspace();
    let outside = home.root();
    symlink("../canary", workspace.join("relative")).unwrap();
    symlink(outside.join("canary"), workspace.join("absolute")).unwrap();
    symlink("relative", workspace.join("chained")).unwrap();
    symlink("chained", workspace.join("chained-again")).unwrap();
    symlink("..", workspace.join("up")).unwrap();
    symlink("/", workspace.join("root")).unwrap();
    symlink("/proc/self", workspace.join("proc")).unwrap();
    symlink("/proc/self/fd", workspace.join("descriptors")).unwrap();
    symlink("round", workspace.join("round")).unwrap();
    symlink("a.txt", workspace.join("inside")).unwrap();
    let root_canary = format!("/workspace/root{}", outside.join("canary").display());
    for path in [
        "/workspace/relative",
        "/workspace/absolute",
        "/workspace/chained-again",
        "/workspace/up/canary",
        "/workspace/root/etc/passwd",
        &root_canary,
        "/workspace/proc/environ",
        "/workspace/proc/root/etc/passwd",
        "/workspace/proc/cwd/../canary",
        "/workspace/descriptors/1",
        "/workspace/round",
    ] {
        for tool in ["files/read", "files/write", "files/stat", "files/list"] {
            let ran = home.call(tool, &json!({ "path": path }));
            let failure = ran.error();
            assert!(matches!(failure.exit, 1 | 3), "{tool} {path}: {failure:?}");
            assert!(!ran.stderr.contains(CANARY), "{tool} {path}");
        }
    }
    home.call("files/read", &json!({ "path": "/workspace/absolute" })).was_denied("outside-tree");
    assert_eq!(home.call("files/read", &json!({ "path": "/workspace/inside" })).output()["text"], "hello");
    let walked = home.call("files/walk", &json!({ "path": "/workspace" })).output();
    assert!(!walked.to_string().contains(CANARY), "{walked}");
    assert!(walked["texts"].to_string().contains("hello"), "{walked}");
    unharmed(&home);
}

#[test]
fn a_link_that_the_skill_plants_does_not_lead_out() {
    let home = home();
    let canary = home.path("canary").display().to_string();
    for (number, target) in
        ["../canary", &canary, "sub/../../canary", "/proc/self/environ", "/dev/zero", ".."]
            .into_iter()
            .enumerate()
    {
        let path = format!("link-{number}");
        let tried = home.call("files/symlink", &json!({ "target": target, "path": path })).output();
        assert_ne!(tried["plant"], "ok", "{target}: {tried}");
        assert_ne!(tried["read"], CANARY, "{target}");
        assert!(
            std::fs::symlink_metadata(home.workspace().join(&path))
                .is_err_and(|e| e.raw_os_error() == Some(2))
                || tried["write"] == "ok",
            "{target}: {tried}"
        );
    }
    let tried = home.call("files/symlink", &json!({ "target": "a.txt", "path": "honest" })).output();
    assert_eq!((&tried["plant"], &tried["read"]), (&json!("ok"), &json!("hello")));
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    unharmed(&home);
}

#[test]
fn a_link_that_leads_out_after_a_move_does_not_lead_out() {
    let home = home();
    std::fs::create_dir_all(home.workspace().join("deep/er")).unwrap();
    let planted = json!({ "target": "../canary", "path": "deep/er/link", "through": "deep/er/link" });
    home.call("files/symlink", &planted);
    let moved = json!({ "from": "/workspace/deep/er/link", "to": "/workspace/link" });
    home.call("files/rename", &moved);
    let read = home.call("files/read", &json!({ "path": "/workspace/link" }));
    read.error();
    assert!(!read.stderr.contains(CANARY));
    unharmed(&home);
}

#[test]
fn a_link_says_nothing_of_the_host() {
    let home = home();
    symlink(home.path("canary"), home.workspace().join("absolute")).unwrap();
    symlink("a.txt", home.workspace().join("honest")).unwrap();
    let asked = home.call("files/read-link", &json!({ "path": "absolute" }));
    asked.refused("permission-denied");
    assert!(!asked.stderr.contains(&home.root().display().to_string()), "{asked}");
    assert_eq!(home.call("files/read-link", &json!({ "path": "honest" })).output()["target"], "a.txt");
}

#[test]
fn a_link_that_is_swapped_in_a_race_does_not_lead_out() {
    let home = home();
    let workspace = home.workspace();
    std::fs::create_dir(workspace.join("dir")).unwrap();
    std::fs::write(workspace.join("dir/file"), "inside").unwrap();
    let outside = home.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), CANARY).unwrap();
    symlink(&outside, workspace.join("other")).unwrap();
    raced(&home, &workspace.join("dir"), &workspace.join("other"), "dir/file", &outside);
}

#[test]
fn a_file_that_is_swapped_for_a_link_in_a_race_does_not_lead_out() {
    let home = home();
    let workspace = home.workspace();
    let outside = home.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), CANARY).unwrap();
    std::fs::write(workspace.join("file"), "inside").unwrap();
    symlink(outside.join("file"), workspace.join("other")).unwrap();
    raced(&home, &workspace.join("file"), &workspace.join("other"), "file", &outside);
}

/// A guest uses `path` while two names change places; what lies outside is neither read nor written.
fn raced(home: &Home, one: &Path, other: &Path, path: &str, outside: &Path) {
    let swapper = Swapper::start(one, other);
    let raced =
        home.call("files/race", &json!({ "read": path, "write": path, "milliseconds": 1500 })).output();
    assert!(swapper.swaps() > 100, "the race was not run");
    drop(swapper);
    assert!(raced["seen"][CANARY].is_null(), "{raced}");
    assert!(raced["seen"].as_object().is_some_and(|seen| seen.len() > 1), "nothing was raced for: {raced}");
    assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), CANARY);
    unharmed(home);
}

#[test]
fn a_directory_that_is_moved_out_while_it_is_held_open_is_lost() {
    let home = home();
    let held = home.workspace().join("held");
    std::fs::create_dir(&held).unwrap();
    std::fs::write(held.join("inside"), CANARY).unwrap();
    let raced = std::thread::scope(|scope| {
        let call = scope.spawn(|| home.call("files/open-held", &json!({})));
        let ready = home.workspace().join("ready");
        while !ready.exists() && !call.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::fs::rename(&held, home.path("moved-out")).unwrap();
        std::fs::write(home.workspace().join("moved"), "yes").unwrap();
        call.join().unwrap()
    });
    let tried: Value = raced.output();
    assert_ne!(tried["sibling"], CANARY, "{tried}");
    assert_ne!(tried["write"], "ok", "{tried}");
    assert_ne!(tried["write-sibling"], "ok", "{tried}");
    assert!(!home.path("moved-out/planted").exists() && !home.path("planted").exists());
    unharmed(&home);
}

#[test]
fn names_in_errors_are_those_of_the_guest() {
    let home = home();
    let refused = home.call("files/read", &json!({ "path": "/workspace/missing" }));
    let failure = refused.refused("tool-failed");
    assert!(failure.message.contains("/workspace/missing"), "{failure:?}");
    let denied = home.call("files/open-raw", &json!({ "path": "../canary" }));
    denied.was_denied("outside-tree /workspace/../canary");
    for target in denied.denials() {
        assert!(!target.contains(&home.root().display().to_string()), "{target}");
    }
}

#[test]
fn a_skill_without_a_tree_finds_nothing() {
    let home = Home::with(&Skill::guest("files"));
    assert_eq!(home.call("files/preopens", &json!({})).output()["paths"], json!([]));
    for path in ["/", "/workspace", "/data", "/etc/passwd", ".", "/proc/self/environ"] {
        home.call("files/list", &json!({ "path": path })).refused("tool-failed");
        home.call("files/read", &json!({ "path": path })).refused("tool-failed");
    }
}
