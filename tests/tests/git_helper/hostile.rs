//! Repositories that were prepared such that git runs something: each is a trap, and none may spring.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::repository::{NAME, Repository, git, home_with_skill};
use openclaw_tests::home;
use serde_json::json;

/// A way to have git run something.
struct Trap {
    name: &'static str,
    /// Sets it, given the command that is to be run.
    set: fn(&Repository<'_>, &str),
    /// What springs it where nothing stands against it; nothing where that takes a terminal, or where git
    /// itself is careful.
    springs: &'static [&'static str],
    /// What the answers say of it.
    told: &'static str,
}

const HOOKS: [&str; 17] = [
    "applypatch-msg",
    "commit-msg",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-receive",
    "prepare-commit-msg",
    "reference-transaction",
    "update",
];

fn write_hooks(dir: &Path, command: &str) {
    fs::create_dir_all(dir).unwrap();
    for hook in HOOKS {
        write_script(&dir.join(hook), command);
    }
}

fn write_script(path: &Path, command: &str) {
    fs::write(path, format!("#!/bin/sh\n{command}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn config(repository: &Repository<'_>, name: &str, value: &str) {
    repository.git(&["config", name, value]);
}

/// A file with attributes, committed where everybody has it.
fn attributes(repository: &Repository<'_>, attributes: &str) {
    repository.write(".gitattributes", attributes);
    repository.git(&["add", ".gitattributes"]);
    repository.git(&["commit", "--quiet", "--message=Attributes"]);
    repository.git(&["push", "--quiet", "origin", "main"]);
}

const TRAPS: &[Trap] = &[
    Trap {
        name: "hooks",
        set: |work, command| write_hooks(&work.dir.join(".git/hooks"), command),
        springs: &["commit", "--allow-empty", "--message=x"],
        told: "hook pre-commit",
    },
    Trap {
        name: "hooks-elsewhere",
        set: |work, command| {
            write_hooks(&work.dir.join("hooks"), command);
            config(work, "core.hooksPath", "hooks");
        },
        springs: &["commit", "--allow-empty", "--message=x"],
        told: "core.hookspath",
    },
    Trap {
        name: "hooks-of-the-remote",
        set: |work, command| write_hooks(&work.parent().join("remote.git/hooks"), command),
        springs: &["push", "origin", "HEAD:other"],
        told: "\"pushed\":true",
    },
    Trap {
        name: "monitor",
        set: |work, command| config(work, "core.fsmonitor", &format!("{command};:")),
        springs: &["status"],
        told: "core.fsmonitor",
    },
    Trap {
        name: "ssh",
        set: |work, command| {
            config(work, "core.sshCommand", &format!("{command};:"));
            config(work, "remote.origin.url", "ssh://localhost/x.git");
        },
        springs: &["fetch"],
        told: "there is no network here",
    },
    Trap {
        name: "pager-and-alias",
        set: |work, command| {
            config(work, "core.pager", &format!("{command};cat"));
            config(work, "pager.log", &format!("{command};cat"));
            config(work, "alias.status", &format!("!{command}"));
        },
        springs: &[],
        told: "core.pager",
    },
    Trap {
        name: "external-diff",
        set: |work, command| {
            write_script(&work.parent().join("diff.sh"), command);
            config(work, "diff.external", work.parent().join("diff.sh").to_str().unwrap());
            work.write("README.md", "# Changed\n");
        },
        springs: &["diff"],
        told: "diff.external",
    },
    Trap {
        name: "text-conversion",
        set: |work, command| {
            attributes(work, "* diff=x\n");
            config(work, "diff.x.textconv", &format!("{command};cat"));
            config(work, "diff.x.command", &format!("{command};:"));
            work.write("README.md", "# Changed\n");
        },
        springs: &["diff"],
        told: "diff.x.textconv",
    },
    Trap {
        name: "filter",
        set: |work, command| {
            attributes(work, "* filter=x\n");
            config(work, "filter.x.clean", &format!("{command};cat"));
            config(work, "filter.x.smudge", &format!("{command};cat"));
        },
        springs: &["add", "--renormalize", "."],
        told: "goes through the filter `x`",
    },
    Trap {
        name: "filter-that-must-work",
        set: |work, command| {
            attributes(work, "* filter=x\n");
            config(work, "filter.x.smudge", &format!("{command};cat"));
            config(work, "filter.x.clean", "cat");
            config(work, "filter.x.required", "true");
        },
        springs: &["pull", "--ff-only"],
        told: "filter.x.smudge",
    },
    Trap {
        name: "filter-process",
        set: |work, command| {
            attributes(work, "* filter=x\n");
            config(work, "filter.x.process", &format!("{command};:"));
        },
        springs: &["pull", "--ff-only"],
        told: "filter.x.process",
    },
    Trap {
        name: "submodule",
        set: |work, command| {
            let inner = Repository { home: work.home, dir: work.dir.join("inner") };
            fs::create_dir_all(&inner.dir).unwrap();
            inner.git(&["init", "--quiet"]);
            inner.identify();
            inner.git(&["commit", "--quiet", "--allow-empty", "--message=Inner"]);
            work.git(&["add", "inner"]);
            work.git(&["commit", "--quiet", "--message=Inner"]);
            work.git(&["push", "--quiet", "origin", "main"]);
            config(&inner, "core.fsmonitor", &format!("{command};:"));
            write_hooks(&inner.dir.join(".git/hooks"), command);
            config(work, "submodule.recurse", "true");
            config(work, "diff.ignoreSubmodules", "none");
        },
        springs: &["status"],
        told: "\"pushed\":true",
    },
    Trap {
        name: "commands-of-the-remote",
        set: |work, command| {
            config(work, "remote.origin.uploadpack", &format!("{command};git-upload-pack"));
            config(work, "remote.origin.receivepack", &format!("{command};git-receive-pack"));
        },
        springs: &["fetch"],
        told: "remote.origin.uploadpack",
    },
    Trap {
        name: "remotes-of-one-name",
        set: |work, command| {
            for name in ["one", "two"] {
                config(work, &format!("remote.{name}.url"), "../remote.git");
                config(work, &format!("remote.{name}.uploadpack"), &format!("{command};git-upload-pack"));
            }
            config(work, "remotes.origin", "one two");
        },
        springs: &["fetch", "origin"],
        told: "remote.one.uploadpack",
    },
    Trap {
        name: "negotiation",
        set: |work, command| {
            config(work, "push.negotiate", "true");
            config(work, "remote.../remote.git.uploadpack", &format!("{command};git-upload-pack"));
        },
        springs: &["push", "origin", "HEAD:other"],
        told: "\"pushed\":true",
    },
    Trap {
        name: "transport",
        set: |work, command| {
            config(work, "protocol.allow", "always");
            config(work, "protocol.ext.allow", "always");
            config(work, "remote.origin.url", &format!("ext::sh -c {}", command.replace(' ', "% ")));
        },
        springs: &["fetch"],
        told: "transport 'ext' not allowed",
    },
    Trap {
        name: "alternates",
        set: |work, command| {
            let remote = work.parent().join("remote.git");
            let shared = work.parent().join("shared.git");
            work.git_in(work.parent(), &["clone", "--quiet", "--bare", "remote.git", "shared.git"]);
            for dir in [remote.clone(), work.dir.join(".git")] {
                let objects = format!("{}\n", shared.join("objects").display());
                fs::write(dir.join("objects/info/alternates"), objects).unwrap();
            }
            work.git_in(&remote, &["config", "core.alternateRefsCommand", &format!("{command};:")]);
            config(work, "core.alternateRefsCommand", &format!("{command};:"));
        },
        springs: &["push", "origin", "HEAD:other"],
        told: "core.alternaterefscommand",
    },
    Trap {
        name: "remote-with-files",
        set: |work, command| {
            // A push to the branch that is checked out there changes its files, by way of its filters.
            let remote = work.parent().join("remote.git");
            work.git_in(work.parent(), &["clone", "--quiet", "remote.git", "there"]);
            fs::remove_dir_all(&remote).unwrap();
            fs::rename(work.parent().join("there"), &remote).unwrap();
            let there = Repository { home: work.home, dir: remote };
            there.git(&["switch", "--quiet", "--create", "feature/something-new"]);
            config(&there, "receive.denyCurrentBranch", "updateInstead");
            fs::write(there.dir.join(".git/info/attributes"), "* filter=x\n").unwrap();
            config(&there, "filter.x.smudge", &format!("{command};cat"));
            work.git(&["switch", "--quiet", "--create", "ahead"]);
            work.write("ahead", "ahead\n");
            work.git(&["add", "ahead"]);
            work.git(&["commit", "--quiet", "--message=Ahead"]);
            work.git(&["switch", "--quiet", "main"]);
        },
        springs: &["push", "origin", "ahead:feature/something-new"],
        told: "refusing to update checked out branch",
    },
    Trap {
        name: "signatures",
        set: |work, command| {
            write_script(&work.parent().join("gpg.sh"), command);
            config(work, "gpg.program", work.parent().join("gpg.sh").to_str().unwrap());
            for name in ["commit.gpgSign", "log.showSignature", "merge.verifySignatures"] {
                config(work, name, "true");
            }
            config(work, "push.gpgSign", "if-asked");
        },
        springs: &["commit", "--allow-empty", "--message=x"],
        told: "gpg.program",
    },
    Trap {
        name: "editor",
        set: |work, command| config(work, "core.editor", &format!("{command};:")),
        springs: &["commit", "--allow-empty"],
        told: "core.editor",
    },
    Trap {
        name: "collection",
        set: |work, command| {
            config(work, "gc.recentObjectsHook", &format!("{command};:"));
            for (name, value) in [("gc.auto", "1"), ("gc.autoDetach", "false"), ("gc.pruneExpire", "now")] {
                config(work, name, value);
            }
            for number in 0..600 {
                work.write(&format!("many/{number}"), &number.to_string());
            }
            work.git(&["-c", "gc.auto=0", "add", "--all"]);
            work.git(&["-c", "gc.auto=0", "reset", "--quiet"]);
        },
        springs: &["gc", "--auto"],
        told: "gc.recentobjectshook",
    },
    Trap {
        name: "objects-that-are-missing",
        set: |work, command| {
            let blob = work.git(&["rev-parse", "HEAD:README.md"]);
            let (start, rest) = blob.trim().split_at(2);
            fs::remove_file(work.dir.join(".git/objects").join(start).join(rest)).unwrap();
            config(work, "core.repositoryFormatVersion", "1");
            config(work, "extensions.partialClone", "elsewhere");
            config(work, "remote.elsewhere.promisor", "true");
            config(work, "remote.elsewhere.partialCloneFilter", "blob:none");
            config(work, "remote.elsewhere.url", "../remote.git");
            config(work, "remote.elsewhere.uploadpack", &format!("{command};:"));
        },
        springs: &["cat-file", "-p", "HEAD:README.md"],
        told: "remote.elsewhere.uploadpack",
    },
];

#[test]
fn nothing_that_a_repository_names_is_run() {
    let home = home_with_skill();
    for trap in TRAPS {
        let marker = home.workspace().join("marker");
        let work = Repository::new(&home, &home.workspace().join(trap.name));
        work.git(&["branch", "done"]);
        // No program but the shell is needed for this, where there is one.
        (trap.set)(&work, &format!(": > {}", marker.display()));
        let is_reachable = !matches!(trap.name, "ssh" | "transport");
        if is_reachable && trap.name != "hooks-of-the-remote" {
            other_pushes(&work);
        }
        let _ = fs::remove_file(&marker);
        if !trap.springs.is_empty() {
            let copy = home.path("sprung").join(trap.name);
            copy_tree(work.parent(), &copy);
            // What this answers does not matter, but only whether the marker is there.
            git(&home, &copy.join("work"), trap.springs);
            assert!(marker.exists(), "{}: the trap is none", trap.name);
            fs::remove_file(&marker).unwrap();
        }
        let mut told = String::new();
        let repository = format!("{}/work", trap.name);
        for (tool, input) in [
            ("status", json!({})),
            ("auto-pull", json!({})),
            ("create-feature-branch", json!({ "title": "Something new" })),
            ("smart-commit", json!({ "paths": ["new"] })),
            ("pull-request", json!({ "push": true })),
            ("cleanup-branches", json!({})),
        ] {
            if tool == "smart-commit" {
                work.write("new", "new\n");
            }
            let mut input = input;
            input["repository"] = json!(repository);
            let ran = home.call(&format!("{NAME}/{tool}"), &input);
            assert!(!marker.exists(), "{}: {tool} ran it: {ran}", trap.name);
            told.push_str(&match ran.code {
                Some(0) => ran.output().to_string(),
                _ => ran.refused("tool-failed").message,
            });
            told.push('\n');
        }
        assert!(told.contains(trap.told), "{}: {told}", trap.name);
    }
}

/// Somebody pushes by plumbing, which no trap of the repository itself stands in the way of.
fn other_pushes(work: &Repository<'_>) {
    let remote = work.parent().join("remote.git");
    let tree = work.git_in(&remote, &["rev-parse", "main^{tree}"]);
    let blob = work.git_in(&remote, &["hash-object", "-w", "/etc/hostname"]);
    let entries =
        format!("{}100644 blob {}\tpushed\n", work.git_in(&remote, &["ls-tree", tree.trim()]), blob.trim());
    let mut make = work.home.environment(Command::new("git"));
    make.arg("mktree").current_dir(&remote);
    let tree = home::finish(make, "git mktree".to_owned(), Some(entries.as_bytes())).success();
    let identity = ["-c", "user.name=Eve", "-c", "user.email=eve@example.com"];
    let commit = ["commit-tree", "-p", "main", "-m", "Pushed", tree.trim()];
    let commit = work.git_in(&remote, &[&identity[..], &commit[..]].concat());
    work.git_in(&remote, &["update-ref", "refs/heads/main", commit.trim()]);
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(format!("{}/.", from.display())).arg(to);
    home::finish(copy, "cp".to_owned(), None).success();
}
