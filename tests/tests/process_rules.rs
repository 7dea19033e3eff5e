//! Which commands a skill may run: shapes, pins, environments, and machines that cannot confine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::process::Command;

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

fn call(program: &str, args: &[&str]) -> Value {
    json!({ "program": program, "args": args })
}

fn home(program: &str, args: &str, rest: &str) -> Home {
    Home::with(&Skill::guest("process").tree("$workspace", "write").program(program, args, rest))
}

/// Options by which ordinary programs start others.
#[test]
fn options_that_execute_are_not_among_free_arguments() {
    let home = Home::with(
        &Skill::guest("process")
            .tree("$workspace", "write")
            .program(
                "git",
                r#"[["log", { any = true }], ["fetch", { any = true }], ["add", "--", { rest = true }]]"#,
                "",
            )
            .program("tar", r#"[["-x", "-f", { path = "$workspace" }, "--", { rest = true }]]"#, "")
            .program("find", r#"[["-P", { path = "$workspace" }, "-name", { any = true }]]"#, "")
            .program("sort", r#"[["--", { rest = true }]]"#, ""),
    );
    for (program, args) in [
        ("git", vec!["-c", "alias.x=!touch owned", "x"]),
        ("git", vec!["-c", "core.sshCommand=touch owned", "fetch", "origin"]),
        ("git", vec!["log", "--output=owned"]),
        ("git", vec!["fetch", "--upload-pack=touch owned"]),
        ("git", vec!["fetch", "-u", "origin"]),
        ("git", vec!["add", "--", "-A"]),
        ("git", vec!["log", ""]),
        ("git", vec!["log"]),
        ("git", vec!["log", "a", "b"]),
        ("tar", vec!["-x", "-f", "a.tar", "--to-command=sh", "--"]),
        ("tar", vec!["-x", "-f", "a.tar", "--", "--checkpoint-action=exec=sh"]),
        ("tar", vec!["-x", "-f", "../a.tar", "--"]),
        ("tar", vec!["-x", "-f", "/etc/passwd", "--"]),
        ("tar", vec!["-x", "-f", "-I", "--"]),
        ("find", vec!["-P", ".", "-name", "-exec"]),
        ("find", vec!["-P", ".", "-name", "x", "-exec", "touch", "owned", ";"]),
        ("sort", vec!["--", "--compress-program=sh"]),
        ("sort", vec!["-o", "owned", "--", "a"]),
        ("sh", vec!["-c", "touch owned"]),
        ("/usr/bin/git", vec!["log", "main"]),
        ("Git", vec!["log", "main"]),
        ("./git", vec!["log", "main"]),
    ] {
        let denied = home.call("process/run", &call(program, &args)).refused("permission-denied");
        assert!(denied.message.contains("not-requested"), "{program} {args:?}: {denied:?}");
    }
    assert_eq!(std::fs::read_dir(home.workspace()).unwrap().count(), 0);
    // What reaches the program reaches it as it is.
    std::fs::write(home.workspace().join("$(touch owned); a"), "b\na\n").unwrap();
    let sorted = home.call("process/run", &call("sort", &["--", "$(touch owned); a"])).output();
    assert_eq!(sorted["stdout"], "a\nb\n");
}

/// Programs that start others, given free rein by their owner: what they start is still nothing but their helpers.
#[test]
fn programs_that_start_others_start_none_that_were_not_granted() {
    let free = r#"[[{ rest = true, dash = true }]]"#;
    let skill = ["find", "xargs", "awk", "sed", "tar", "sort", "git"]
        .into_iter()
        .fold(Skill::guest("process").tree("$workspace", "write"), |skill, program| {
            skill.program(program, free, "")
        });
    let home = Home::with(&skill);
    std::fs::write(home.workspace().join("a"), "touch owned\n").unwrap();
    let git = |arguments: &[&str]| {
        let status = Command::new("git").args(arguments).current_dir(home.workspace()).status().unwrap();
        assert!(status.success());
    };
    git(&["init", "--quiet"]);
    for (program, args, input) in [
        ("find", vec![".", "-name", "a", "-exec", "touch", "owned", ";"], ""),
        ("xargs", vec!["touch"], "owned"),
        ("awk", vec!["BEGIN { system(\"touch owned\"); print \"x\" | \"cat > owned\" }"], ""),
        ("sed", vec!["-n", "1e touch owned", "a"], ""),
        ("sed", vec!["s/.*/touch owned/e", "a"], ""),
        ("tar", vec!["-cf", "x.tar", "a", "--checkpoint=1", "--checkpoint-action=exec=touch owned"], ""),
        ("tar", vec!["-cf", "x.tar", "-I", "touch owned", "a"], ""),
        ("sort", vec!["--compress-program=touch", "-S", "1k", "a"], ""),
        ("git", vec!["-c", "alias.x=!touch owned", "x"], ""),
        ("git", vec!["-c", "core.fsmonitor=touch owned", "status"], ""),
        ("git", vec!["-c", "core.pager=touch owned", "-p", "log"], ""),
        ("git", vec!["-c", "core.sshCommand=touch owned", "fetch", "ssh://a/b"], ""),
        ("git", vec!["fetch", "--upload-pack=touch owned", "/workspace"], ""),
        ("git", vec!["-c", "protocol.ext.allow=always", "fetch", "ext::touch owned"], ""),
    ] {
        let command = json!({ "program": program, "args": args, "input": input });
        home.call("process/run", &command).output();
        assert!(!home.workspace().join("owned").exists(), "{program} {args:?}");
    }
}

#[test]
fn the_environment_is_what_was_granted() {
    let home =
        home("env", "[[]]", r#"env = { FIXED = "1", FREE = { any = true }, ONE = { one_of = ["a", "b"] } }"#);
    let with = |env: Value| home.call("process/run", &json!({ "program": "env", "env": env }));
    let lines = |env: Value| {
        let ran = with(env).output();
        let mut lines: Vec<_> = ran["stdout"].as_str().unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let fixed = ["FIXED=1", "HOME=/tmp", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=/tmp"];
    assert_eq!(lines(json!({})), fixed);
    assert!(lines(json!({ "FREE": "x y", "ONE": "b" })).contains(&"FREE=x y".to_owned()));
    for env in [
        json!({ "ONE": "c" }),
        json!({ "FIXED": "2" }),
        json!({ "LD_PRELOAD": "/workspace/x.so" }),
        json!({ "PATH": "/workspace" }),
        json!({ "GIT_SSH_COMMAND": "touch owned" }),
        json!({ "BASH_ENV": "/workspace/x" }),
        json!({ "FREE=x\nPATH": "y" }),
    ] {
        with(env).refused("permission-denied");
    }
}

#[test]
fn the_working_directory_is_in_a_tree() {
    let home = home("pwd", "[[]]", "");
    std::fs::create_dir(home.workspace().join("sub")).unwrap();
    let at = |directory: &str| home.call("process/run", &json!({ "program": "pwd", "directory": directory }));
    assert_eq!(at("/workspace/sub").output()["stdout"], "/workspace/sub\n");
    for outside in
        ["/", "/etc", "/workspace/..", "/workspace/../data", "/workspace//sub", "sub", "", "/workspacex"]
    {
        at(outside).refused("tool-failed");
    }
    at("/workspace/missing").refused("tool-failed");
}

#[test]
fn a_program_that_was_changed_is_not_run_until_its_owner_pins_it() {
    let home = Home::new();
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy("/bin/true", bin.join("tool")).unwrap();
    let tool = bin.join("tool").display().to_string();
    home.install(&Skill::guest("process").program(&tool, "[[]]", ""));
    assert_eq!(home.call("process/run", &call(&tool, &[])).output()["exit"], 0);
    std::fs::copy("/bin/false", bin.join("new")).unwrap();
    std::fs::rename(bin.join("new"), &tool).unwrap();
    let denied = home.call("process/run", &call(&tool, &[])).refused("permission-denied");
    assert!(denied.message.contains("program-changed"), "{denied:?}");
    home.paste(denied.hint()).json();
    assert_eq!(home.call("process/run", &call(&tool, &[])).output()["exit"], 1);
}

#[test]
fn what_lies_in_the_place_of_a_program_is_not_waited_for() {
    let home = Home::new();
    let tool = home.path("tool");
    std::fs::copy("/bin/true", &tool).unwrap();
    let program = tool.display().to_string();
    home.install(&Skill::guest("process").program(&program, "[[]]", ""));
    std::fs::remove_file(&tool).unwrap();
    assert!(Command::new("mkfifo").arg(&tool).status().unwrap().success());
    let failed = home.call("process/run", &call(&program, &[])).refused("tool-failed");
    assert!(failed.message.contains("regular file"), "{failed:?}");
    // Nor is one run that the skill itself could have put there.
    let home = home_with_program_in_workspace();
    let program = home.workspace().join("tool").display().to_string();
    let failed = home.call("process/run", &call(&program, &[])).refused("tool-failed");
    assert!(failed.message.contains("which the skill may change"), "{failed:?}");
}

fn home_with_program_in_workspace() -> Home {
    let home = Home::new();
    let tool = home.workspace().join("tool");
    std::fs::copy("/bin/true", &tool).unwrap();
    let program = tool.display().to_string();
    home.install(&Skill::guest("process").tree("$workspace", "write").program(&program, "[[]]", ""));
    home
}

#[test]
fn a_script_is_refused_with_the_reason() {
    let home = Home::new();
    let script = home.path("script");
    std::fs::write(&script, "#!/bin/sh\ntouch owned\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.display().to_string();
    home.install(&Skill::guest("process").program(&script, "[[]]", ""));
    home.call("process/run", &call(&script, &[])).refused("permission-denied");
    let shown = home.run(["grant", "show", "acme/process"]).json();
    assert_eq!(shown[0]["requests"][0]["status"], "no-program");
    let refused =
        home.run(["grant", "allow", "acme/process", "process", &script]).refused("unusable-program");
    assert!(refused.message.contains("script"), "{refused:?}");
}

#[test]
fn what_is_not_granted_names_the_command_that_grants_it() {
    let home = Home::new();
    let skill = Skill::guest("process").program(
        "echo",
        r#"[["-n", { any = true }], ["<x>", { integer = [1, 3] }]]"#,
        r#"env = { A = { one_of = ["it's", "b"] } }
helpers = ["cat"]
access = "read""#,
    );
    home.install_ungranted(&skill);
    for args in [["-n", "x"], ["<x>", "2"]] {
        let denied = home.call("process/run", &call("echo", &args)).refused("permission-denied");
        assert!(denied.message.contains("not-granted"), "{denied:?}");
        home.paste(denied.hint()).json();
        home.call("process/run", &call("echo", &args)).output();
    }
    let shown = home.run(["grant", "show", "acme/process"]).json();
    let requests = shown[0]["requests"].as_array().unwrap().clone();
    assert!(requests.iter().all(|request| request["status"] == "granted"), "{shown}");
    // A denial of the owner's beats it.
    home.run(["grant", "deny", "acme/process", "process", "echo", "<rest>"]).json();
    let denied = home.call("process/run", &call("echo", &["-n", "x"])).refused("permission-denied");
    assert!(denied.message.contains("denied-by-owner"), "{denied:?}");
}

/// Calls with a variable set, by which the launcher takes this machine for another.
fn call_assuming(home: &Home, variable: &str, input: &Value) -> (bool, Value) {
    let output = home
        .command()
        .args(["tool", "call", "acme/process/run", &input.to_string(), "--json"])
        .env(variable, "1")
        .output()
        .unwrap();
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    let document: Value = serde_json::from_slice(text).unwrap_or_else(|_| panic!("{output:?}"));
    (
        output.status.success(),
        if output.status.success() { document["output"].clone() } else { document["error"].clone() },
    )
}

const NO_LANDLOCK: &str = "OPENCLAW_ASSUME_NO_LANDLOCK";
const NO_NAMESPACES: &str = "OPENCLAW_ASSUME_NO_NAMESPACES";

#[test]
fn without_landlock_nothing_runs_unless_the_operator_says_so() {
    let home = home("cat", r#"[["--", { path = "$workspace" }]]"#, "");
    std::fs::write(home.workspace().join("a"), "hello").unwrap();
    let input = call("cat", &["--", "a"]);
    let (_, refused) = call_assuming(&home, NO_LANDLOCK, &input);
    assert_eq!(refused["code"], "permission-denied");
    assert!(refused["hint"].as_str().unwrap().starts_with("openclaw doctor"), "{refused:?}");
    let doctor = home.command().args(["doctor", "--json"]).env(NO_LANDLOCK, "1").output().unwrap();
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(told.contains("unconfined_processes") && told.contains("Linux 6.2"), "{told}");
    assert_eq!(home.last_record()["denials"][0]["reason"], "not-confinable");

    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("unconfined_processes = true\n{text}")).unwrap();
    let (ok, ran) = call_assuming(&home, NO_LANDLOCK, &input);
    assert!(ok && ran["stdout"] == "hello", "{ran}");
    assert_eq!(home.last_record()["programs"][0]["unconfined"], true);
    let (ok, _) = call_assuming(&home, "OPENCLAW_NOTHING", &input);
    assert!(ok && home.last_record()["programs"][0].get("unconfined").is_none());
}

#[test]
fn without_namespaces_a_program_reads_and_does_not_change() {
    let home = home("cat", r#"[["--", { path = "$workspace" }]]"#, "");
    std::fs::write(home.workspace().join("a"), "hello").unwrap();
    let (_, refused) = call_assuming(&home, NO_NAMESPACES, &call("cat", &["--", "a"]));
    assert_eq!(refused["code"], "permission-denied", "{refused:?}");
    let reading = Home::with(
        &Skill::guest("process")
            .tree("$workspace", "read")
            .program("cat", r#"[["--", { path = "$workspace" }]]"#, "")
            .program("sh", r#"[["-c", { any = true }]]"#, r#"helpers = ["cat", "setsid", "sleep", "touch"]"#),
    );
    std::fs::write(reading.workspace().join("a"), "hello").unwrap();
    let (ok, ran) = call_assuming(&reading, NO_NAMESPACES, &call("cat", &["--", "/workspace/a"]));
    assert!(ok && ran["stdout"] == "hello", "{ran}");
    // Its temporary directory is there under the name that it is told, and goes with it.
    let script = "echo x > $TMPDIR/x && cat $TMPDIR/x && echo $TMPDIR; touch $HOME/y; echo x > /tmp/owned";
    let (_, ran) = call_assuming(&reading, NO_NAMESPACES, &call("sh", &["-c", script]));
    let temporary =
        ran["stdout"].as_str().unwrap().strip_prefix("x\n").unwrap_or_else(|| panic!("{ran}")).trim();
    assert!(temporary.starts_with("/tmp/openclaw-") && !std::path::Path::new(temporary).exists(), "{ran}");
    assert!(!std::path::Path::new("/tmp/owned").exists());
    let mut other = Command::new("sleep").arg("70701").spawn().unwrap();
    let script = format!(
        "setsid sleep 70702 & setsid setsid sleep 70703 & kill -9 {}; touch x; cat /etc/shadow; cat {}; echo end",
        other.id(),
        reading.data().join("policy.toml").display()
    );
    let (_, ran) = call_assuming(&reading, NO_NAMESPACES, &call("sh", &["-c", &script]));
    assert_eq!(ran["stdout"], "end\n", "{ran}");
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    for process in processes {
        let line = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        assert!(!line.contains("70702") && !line.contains("70703"), "{line} runs");
    }
    assert_eq!(std::fs::read_dir(reading.workspace()).unwrap().count(), 1);
}

#[test]
fn an_isolated_worker_has_programs_run_by_the_host() {
    let home = home("cat", r#"[["-"], ["--", { path = "$workspace" }], []]"#, "");
    std::fs::write(home.data().join("config.yaml"), "execution:\n  sandbox:\n    level: isolated\n").unwrap();
    std::fs::write(home.workspace().join("a"), "hello").unwrap();
    assert_eq!(home.call("process/run", &call("cat", &["--", "a"])).output()["stdout"], "hello");
    let record = home.last_record();
    assert_eq!(
        (&record["programs"][0]["command"], &record["programs"][0]["exit"]),
        (&json!("cat -- a"), &json!("0"))
    );
    let said = home.call("process/converse", &json!({ "program": "cat" })).output();
    assert_eq!(said, json!({ "answers": ["one\n", "two\n"], "exit": 0 }));
    assert_eq!(home.call("process/kill", &call("cat", &["-"])).output()["exit"], "StopReason::Killed");
    assert_eq!(
        home.call("process/many", &json!({ "program": "cat", "args": ["-"], "at_once": true })).output()["started"],
        8
    );
    home.call("process/run", &call("cat", &["--help"])).refused("permission-denied");
}
