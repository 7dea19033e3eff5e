//! A skill that may write a tree may not write the files in it that other programs obey.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::{Home, Skill};
use serde_json::json;

const CONFIG: &str = "[core]\n\tbare = false\n";

/// A workspace that is a repository.
fn repository() -> Home {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "write"));
    let git = home.workspace().join(".git");
    std::fs::create_dir_all(git.join("hooks")).unwrap();
    std::fs::write(git.join("config"), CONFIG).unwrap();
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    home
}

#[track_caller]
fn unharmed(home: &Home) {
    let git = home.workspace().join(".git");
    assert_eq!(std::fs::read_to_string(git.join("config")).unwrap(), CONFIG);
    assert_eq!(std::fs::read_dir(git.join("hooks")).unwrap().count(), 0);
    home.call("files/write", &json!({ "path": "/workspace/a.txt", "text": "changed" })).output();
    assert_eq!(std::fs::read(home.workspace().join("a.txt")).unwrap(), b"changed");
}

#[test]
fn control_files_are_not_written() {
    let home = repository();
    for path in [
        ".git/config",
        ".git/hooks/pre-commit",
        ".GIT/config",
        ".git/../.git/config",
        "./.git//config",
        ".gitmodules",
        ".bashrc",
        ".profile",
        ".envrc",
        ".vscode/tasks.json",
        ".mcp.json",
        "CLAUDE.md",
        "AGENTS.md",
        "sub/CLAUDE.md",
        ".claude/settings.json",
        ".ssh/authorized_keys",
        ".npmrc",
    ] {
        if let Some((dir, _)) = path.rsplit_once('/') {
            let dir = home.workspace().join(dir);
            // What the owner has, the skill may find there.
            if !dir.exists() && !path.starts_with(".GIT") {
                std::fs::create_dir_all(dir).unwrap();
            }
        }
        let refused = home.call("files/write", &json!({ "path": format!("/workspace/{path}") }));
        let failure = refused.error();
        assert!(matches!(failure.exit, 1 | 3), "{path}: {failure:?}");
        if !path.starts_with(".GIT") {
            assert_eq!(failure.code, "permission-denied", "{path}: {failure:?}");
            refused.was_denied("control-file");
        }
        let written = home.workspace().join(path);
        assert!(!written.exists() || std::fs::read(&written).unwrap() != b"guest", "{path}");
    }
    unharmed(&home);
}

#[test]
fn control_files_are_not_removed_linked_or_moved() {
    let home = repository();
    let config = "/workspace/.git/config";
    home.call("files/remove", &json!({ "path": config })).was_denied("control-file");
    home.call("files/create-directory", &json!({ "path": "/workspace/.git/new" })).was_denied("control-file");
    let linked = json!({ "from": config, "to": "/workspace/link" });
    home.call("files/hard-link", &linked).was_denied("control-file");
    home.call("files/rename", &linked).was_denied("control-file");
    let planted = json!({ "from": "/workspace/a.txt", "to": "/workspace/.git/hooks/pre-commit" });
    home.call("files/rename", &planted).was_denied("control-file");
    home.call("files/hard-link", &planted).was_denied("control-file");
    assert!(!home.workspace().join("link").exists());
    let honest = json!({ "from": "/workspace/a.txt", "to": "/workspace/b.txt" });
    home.call("files/rename", &honest).output();
    std::fs::rename(home.workspace().join("b.txt"), home.workspace().join("a.txt")).unwrap();
    unharmed(&home);
}

#[test]
fn a_link_to_a_control_file_is_that_file() {
    let home = repository();
    for (number, target) in [".git/config", ".git", ".git/hooks"].into_iter().enumerate() {
        let path = format!("link-{number}");
        let through = if target == ".git" { format!("{path}/config") } else { path.clone() };
        let tried = json!({ "target": target, "path": path, "through": through });
        let tried = home.call("files/symlink", &tried).output();
        assert_ne!(tried["write"], "ok", "{target}: {tried}");
    }
    std::os::unix::fs::symlink(".git", home.workspace().join("owners-link")).unwrap();
    let refused = home.call("files/write", &json!({ "path": "/workspace/owners-link/config" }));
    refused.was_denied("control-file");
    unharmed(&home);
}

#[test]
fn a_control_directory_is_not_renamed_away_and_back() {
    let home = repository();
    let tried = home.call("files/swap-control", &json!({})).output();
    assert_ne!(tried["away"], "ok", "{tried}");
    assert_ne!(tried["write"], "ok", "{tried}");
    unharmed(&home);
}

#[test]
fn an_innocent_directory_does_not_become_a_control_directory() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "write"));
    for control in [".git", ".vscode", ".GIT", ".git."] {
        let tried = home.call("files/move-into-control", &json!({ "control": control })).output();
        assert_eq!(tried["write"], "ok", "{tried}");
        for way in ["move", "move-file", "link"] {
            assert_ne!(tried[way], "ok", "{control}: {tried}");
        }
        assert!(std::fs::symlink_metadata(home.workspace().join(control)).is_err());
        std::fs::remove_dir_all(home.workspace().join("innocent")).unwrap();
    }
}

#[test]
fn a_tree_that_carries_a_control_directory_is_not_moved() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "write"));
    std::fs::create_dir_all(home.workspace().join("project/.git")).unwrap();
    std::fs::create_dir(home.workspace().join("plain")).unwrap();
    let moved = json!({ "from": "/workspace/project", "to": "/workspace/elsewhere" });
    home.call("files/rename", &moved).was_denied("control-file");
    assert!(home.workspace().join("project/.git").is_dir());
    let moved = json!({ "from": "/workspace/plain", "to": "/workspace/elsewhere" });
    home.call("files/rename", &moved).output();
}

#[test]
fn a_control_file_can_be_read_and_can_be_granted_by_name() {
    let home = repository();
    let read = home.call("files/read", &json!({ "path": "/workspace/.git/config" })).output();
    assert_eq!(read["text"], CONFIG);
    let refused = home.call("files/write", &json!({ "path": "/workspace/.git/config" }));
    let failure = refused.refused("permission-denied");
    assert!(failure.hint().contains(".git/config"), "{failure:?}");
    let config = home.workspace().join(".git/config").display().to_string();
    home.run(["grant", "allow", "acme/files", "filesystem:write", &config]).json();
    home.call("files/write", &json!({ "path": "/workspace/.git/config" })).output();
    home.call("files/write", &json!({ "path": "/workspace/.git/hooks/x" })).was_denied("control-file");
}

#[test]
fn the_hint_of_a_control_file_grants_it() {
    let home = repository();
    let refused = home.call("files/write", &json!({ "path": "/workspace/.git/config" }));
    home.paste(refused.refused("permission-denied").hint()).json();
    home.call("files/write", &json!({ "path": "/workspace/.git/config" })).output();
}
