//! What a hostile program can do: the shell stands for it, with whatever helps it to misbehave.
//!
//! Each promise on child processes in docs/SECURITY.md has its attack here, against the real launcher.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// What misbehaving takes.
const HELPERS: &str = r#"helpers = ["awk", "cat", "chmod", "dd", "head", "ln", "ls", "mkdir", "mv", "perl", "rm",
    "setsid", "sleep", "touch", "truncate", "yes"]"#;

fn hostile() -> Skill {
    Skill::guest("process").program("sh", r#"[["-c", { any = true, dash = true }]]"#, HELPERS)
}

/// A shell that may change the workspace.
fn home() -> Home {
    Home::with(&hostile().tree("$workspace", "write"))
}

#[track_caller]
fn sh(home: &Home, script: &str) -> Value {
    home.call("process/run", &json!({ "program": "sh", "args": ["-c", script] })).output()
}

/// What a script prints, errors included.
#[track_caller]
fn says(home: &Home, script: &str) -> String {
    let ran = sh(home, &format!("exec 2>&1\n{script}"));
    ran["stdout"].as_str().unwrap().to_owned()
}

/// Whether a process runs whose command line has this.
fn runs(marker: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        // The test's own command line has it too, as an argument of the call.
        let line = String::from_utf8_lossy(&line);
        line.starts_with("sleep") && line.contains(marker)
    })
}

#[test]
fn it_sees_nothing_of_the_machine() {
    let home = home();
    std::fs::write(home.path("secret.txt"), "SECRET").unwrap();
    symlink(home.path("secret.txt"), home.workspace().join("link")).unwrap();
    let data = home.data();
    for path in [
        "/etc/shadow".to_owned(),
        "/etc/hostname".to_owned(),
        "/proc/1/environ".to_owned(),
        "/proc/sys/kernel/hostname".to_owned(),
        "/root/.bashrc".to_owned(),
        "/workspace/link".to_owned(),
        "/workspace/../secret.txt".to_owned(),
        home.path("secret.txt").display().to_string(),
        data.join("policy.toml").display().to_string(),
        format!("{}/keys/acme.key", data.display()),
    ] {
        let said = says(&home, &format!("cat '{path}'; echo $?"));
        assert!(said.ends_with("1\n") && !said.contains("SECRET"), "{path}: {said}");
    }
    for dir in ["/", "/root", "/home", "/usr/bin", "/dev", "/sys", "/var", "/run"] {
        let said = says(&home, &format!("ls {dir}; echo $?"));
        assert!(said.ends_with("2\n"), "{dir}: {said}");
    }
    // Its init, and itself.
    assert_eq!(says(&home, "echo /proc/[0-9]*"), "/proc/1 /proc/2\n");
}

#[test]
fn it_changes_nothing_but_its_trees() {
    let home = home();
    for path in ["/x", "/etc/x", "/usr/x", "/usr/lib/x", "/dev/x", "/workspace/../x"] {
        let said = says(&home, &format!("touch '{path}'; echo $?"));
        assert!(said.ends_with("1\n"), "{path}: {said}");
    }
    assert_eq!(says(&home, "touch /workspace/mine && ls"), "mine\n");
    for script in
        ["chmod 600 /dev/null", "chmod 600 /workspace/..", "chmod 600 /usr/lib", "chmod 777 /tmp/.."]
    {
        assert_ne!(sh(&home, script)["exit"], 0, "{script}");
    }
    let said = says(&home, "chmod u+s mine; chmod 4755 mine; echo $?");
    assert!(said.ends_with("1\n"), "{said}");
    let mode = std::fs::metadata(home.workspace().join("mine")).unwrap().permissions().mode();
    assert_eq!(mode & 0o6000, 0);
}

#[test]
fn temporary_files_are_its_own_and_go_with_it() {
    let home = home();
    assert_eq!(says(&home, "echo x > /tmp/left && cat /tmp/left; echo $TMPDIR"), "x\n/tmp\n");
    assert!(says(&home, "cat /tmp/left").contains("No such file"));
    assert!(!Path::new("/tmp/left").exists());
}

#[test]
fn trees_for_reading_are_not_changed_and_denied_parts_are_out_of_sight() {
    let home = Home::with(&hostile().tree("$workspace", "read"));
    std::fs::write(home.workspace().join("a"), "a").unwrap();
    assert_eq!(says(&home, "cat a"), "a");
    for script in ["touch b", "echo x > a", "rm a", "mv a b", "ln a b", "truncate -s 0 a", "chmod 777 a"] {
        assert_ne!(sh(&home, script)["exit"], 0, "{script}");
    }
    let home = Home::with(&hostile().tree("$workspace", "write"));
    std::fs::create_dir(home.workspace().join("taxes")).unwrap();
    std::fs::write(home.workspace().join("taxes/2026"), "SECRET").unwrap();
    let taxes = home.workspace().join("taxes").display().to_string();
    home.run(["grant", "deny", "acme/process", "filesystem:read", &taxes]).json();
    let said = says(
        &home,
        &format!(
            "cat taxes/2026; ls taxes; cat '{taxes}/2026'; echo x > taxes/new; mv taxes t; rm -r taxes; echo done"
        ),
    );
    assert!(!said.contains("SECRET") && !said.contains("2026\n2026"), "{said}");
    assert_eq!(std::fs::read_to_string(home.workspace().join("taxes/2026")).unwrap(), "SECRET");
    assert_eq!(std::fs::read_dir(home.workspace().join("taxes")).unwrap().count(), 1);
}

#[test]
fn it_has_no_network_not_even_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = home();
    for kind in
        ["AF_INET, SOCK_STREAM", "AF_INET, SOCK_DGRAM", "AF_INET6, SOCK_STREAM", "AF_UNIX, SOCK_STREAM"]
    {
        let said = says(&home, &format!("perl -MSocket -e 'socket(my $s, {kind}, 0) or print \"$!\"'"));
        assert_eq!(said, "Operation not permitted", "{kind}");
    }
    let said =
        says(&home, "perl -MSocket -e 'socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or print \"$!\"'");
    assert_eq!(said, "Operation not permitted");
    if Path::new("/usr/bin/curl").exists() {
        let home = Home::with(&Skill::guest("process").program("curl", r#"[[{ any = true }]]"#, ""));
        let ran = home
            .call("process/run", &json!({ "program": "curl", "args": [format!("http://127.0.0.1:{port}/")] }))
            .output();
        assert_ne!(ran["exit"], 0, "{ran}");
    }
    assert!(listener.accept().is_err());
}

#[test]
fn it_gets_no_right_back() {
    let home = home();
    // By number, since no program at hand offers them: unshare, mount, ptrace, keyctl, bpf, io_uring_setup, setns,
    // clone3, memfd_create, process_vm_readv, open_by_handle_at, pivot_root.
    for (call, arguments) in [
        (272, "0x10000000"),
        (165, "0, 0, 0, 0, 0"),
        (101, "0, 1, 0, 0"),
        (250, "0, 0, 0, 0, 0"),
        (321, "0, 0, 0"),
        (425, "1, 0"),
        (308, "0, 0"),
        (435, "0, 0"),
        (319, "0, 0"),
        (310, "1, 0, 0, 0, 0, 0"),
        (304, "0, 0, 0"),
        (155, "0, 0"),
    ] {
        let said = says(&home, &format!("perl -e 'print syscall({call}, {arguments}), \" \", $!'"));
        assert!(
            said == "-1 Operation not permitted" || said == "-1 Function not implemented",
            "system call {call}: {said}"
        );
    }
    let said = says(&home, "awk '/^Cap|^NoNewPrivs|^Seccomp:/ { print $1, $2 }' /proc/self/status");
    for line in said.lines() {
        let expected = match line.split_once(' ').unwrap() {
            ("NoNewPrivs:", value) => value == "1",
            ("Seccomp:", value) => value == "2",
            (_, value) => value == "0000000000000000",
        };
        assert!(expected, "{line}");
    }
    assert_eq!(said.lines().count(), 7, "{said}");
}

#[test]
fn it_starts_nothing_but_its_helpers() {
    let home = Home::with(&Skill::guest("process").tree("$workspace", "write").program(
        "sh",
        r#"[["-c", { any = true }]]"#,
        r#"helpers = ["cat"]"#,
    ));
    std::fs::copy("/bin/true", home.workspace().join("planted")).unwrap();
    std::fs::copy("/bin/true", home.workspace().join("cat")).unwrap();
    for script in [
        "id",
        "/usr/bin/id",
        "./planted",
        "/workspace/planted",
        "PATH=/workspace planted",
        "/lib64/ld-linux-x86-64.so.2 /usr/bin/id",
        "/lib64/ld-linux-x86-64.so.2 ./planted",
        "cat /usr/bin/id",
    ] {
        let ran = sh(&home, script);
        assert_ne!(ran["exit"], 0, "{script}: {ran}");
        assert!(!ran["stdout"].as_str().unwrap().contains("uid="), "{script}: {ran}");
    }
    // The one that is meant is found, not the one that lies in the working directory.
    assert_eq!(says(&home, "echo hello | cat"), "hello\n");
}

#[test]
fn it_inherits_nothing() {
    let home = home();
    let mut command = home.command();
    let (mut host, end) = std::io::pipe().unwrap();
    command
        .args(["tool", "call", "acme/process/run"])
        .arg(r#"{"program":"sh","args":["-c","ls /proc/self/fd; perl -e 'print join(\" \", sort keys %ENV)'"]}"#)
        .env("LD_PRELOAD", "/nowhere.so")
        .env("GIT_SSH_COMMAND", "touch /tmp/owned")
        .env("GIT_CONFIG_COUNT", "1")
        .env("BASH_ENV", "/tmp/x")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("OPENAI_API_KEY", "SECRET")
        .stdin(end)
        .stdout(std::process::Stdio::piped());
    let output = command.output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["stdout"], "0\n1\n2\n3\nHOME LANG PATH PWD TMPDIR", "{said}");
    drop(command);
    let mut left = String::new();
    host.read_to_string(&mut left).unwrap();
}

#[test]
fn nothing_of_it_is_left_when_it_ends() {
    let home = home();
    let said =
        says(&home, "setsid sleep 70101 & (setsid setsid sleep 70102 &) ; trap '' TERM HUP INT; echo done");
    assert_eq!(said, "done\n");
    let call = json!({ "program": "sh", "args": ["-c", "setsid sleep 70103 & echo begun; trap '' TERM; sleep 70104"] });
    assert_eq!(home.call("process/abandon", &call).output()["said"], "begun\n");
    let killed = json!({ "program": "sh", "args": ["-c", "trap '' TERM; setsid sleep 70105 & sleep 70106"] });
    assert_eq!(home.call("process/kill", &killed).output()["exit"], "StopReason::Killed");
    for marker in ["70101", "70102", "70103", "70104", "70105", "70106"] {
        assert!(!runs(marker), "sleep {marker} runs");
    }
}

#[test]
fn nothing_of_it_is_left_when_the_host_is_killed() {
    let home = home();
    let mut host = home
        .command()
        .args(["tool", "call", "acme/process/run"])
        .arg(r#"{"program":"sh","args":["-c","setsid sleep 70201 & sleep 70202"]}"#)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("the program runs", || runs("70201") && runs("70202"));
    host.kill().unwrap();
    host.wait().unwrap();
    until("it has ended", || !runs("70201") && !runs("70202"));
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_deadline_ends_it_and_the_call_goes_on() {
    let home = home();
    let timeout = json!({ "program": "sh", "args": ["-c", "trap '' TERM; sleep 70301"], "timeout_ms": 300 });
    assert_eq!(home.call("process/run", &timeout).output()["exit"], "StopReason::Deadline");
    let short = Home::with(&hostile().tree("$workspace", "write").named("short").limit("timeout", "\"1s\""));
    let call = json!({ "program": "sh", "args": ["-c", "sleep 70302"] });
    short.call("short/run", &call).refused("timeout");
    assert!(!runs("70301") && !runs("70302"));
    // The call and the program have the same time; either may be seen to be over first.
    let record = short.last_record();
    assert!(["deadline", "killed"].contains(&record["programs"][0]["exit"].as_str().unwrap()), "{record}");
}

#[test]
fn a_fork_bomb_ends_with_it() {
    let home = home();
    let bomb = json!({ "program": "sh", "args": ["-c", "b() { b | b & sleep 70401; }; b; sleep 70402"], "timeout_ms": 3_000 });
    let ran = home.call("process/run", &bomb).output();
    let exit = ran["exit"].as_str().unwrap_or_default();
    assert!(exit == "StopReason::Processes" || exit == "StopReason::Deadline", "{ran}");
    assert!(!runs("70401") && !runs("70402"));
}

#[test]
fn endless_output_and_unread_input_end_or_do_no_harm() {
    let home = home();
    let ran = sh(&home, "yes");
    assert_eq!(ran["exit"], "StopReason::Output");
    assert_eq!(ran["bytes"], 4 << 20);
    let errors = sh(&home, "yes >&2");
    assert_eq!(errors["exit"], "StopReason::Output");
    let unread =
        json!({ "program": "sh", "args": ["-c", "exec 0<&-; exit 3"], "input": "x".repeat(100_000) });
    assert_eq!(home.call("process/run", &unread).output()["exit"], 3);
    // Who waits without reading waits for a program that cannot go on, until its time is over.
    let silent = json!({ "program": "sh", "args": ["-c", "yes"], "timeout_ms": 500 });
    assert_eq!(home.call("process/silent", &silent).output()["exit"], "StopReason::Deadline");
}

#[test]
fn memory_and_files_have_limits() {
    let home = home();
    let hog = "perl -e 'my @x; for (1..100) { if (!fork) { $x = \"a\" x 90_000_000; sleep 100 } } sleep 100'";
    let ran = home.call("process/run", &json!({ "program": "sh", "args": ["-c", hog] })).output();
    assert_eq!(ran["exit"], "StopReason::Memory", "{ran}");
    assert_ne!(sh(&home, "perl -e '$x = \"a\" x 3_000_000_000; print 1'")["exit"], 0);
    let file = sh(&home, "dd if=/dev/urandom of=big bs=1M seek=1100 count=1; echo $?");
    assert_ne!(file["stdout"], "0\n", "{file}");
    let temporary = sh(&home, "dd if=/dev/urandom of=/tmp/big bs=1M count=200; echo $?");
    assert_eq!(temporary["stdout"], "1\n", "{temporary}");
}

#[test]
fn signals_reach_nobody_else() {
    let home = home();
    let mut host = std::process::Command::new("sleep").arg("70501").spawn().unwrap();
    for script in [
        format!("kill -9 {}", host.id()),
        "kill -9 1".to_owned(),
        "kill -9 -1".to_owned(),
        "kill -9 $PPID".to_owned(),
    ] {
        sh(&home, &script);
    }
    assert!(host.try_wait().unwrap().is_none());
    host.kill().unwrap();
    host.wait().unwrap();
}

#[test]
fn a_call_has_so_many_programs_and_no_more() {
    let home = home();
    let sleeping = json!({ "program": "sh", "args": ["-c", "sleep 70601"], "at_once": true });
    assert_eq!(home.call("process/many", &sleeping).output()["started"], 8);
    assert!(!runs("70601"));
    let quick = json!({ "program": "sh", "args": ["-c", ":"] });
    assert_eq!(home.call("process/many", &quick).output()["started"], 256);
}

#[test]
fn control_files_are_kept_from_it() {
    let home = home();
    let workspace = home.workspace();
    for dir in [".git/hooks", "sub/.git/hooks", ".vscode", "deep/er"] {
        std::fs::create_dir_all(workspace.join(dir)).unwrap();
    }
    for file in [".git/config", ".git/HEAD", "sub/.git/config", ".envrc", "CLAUDE.md", "deep/er/.bashrc"] {
        std::fs::write(workspace.join(file), "owner").unwrap();
    }
    symlink("CLAUDE.md", workspace.join("AGENTS.md")).unwrap();
    for script in [
        "echo x > .git/config",
        "touch .git/hooks/pre-commit",
        "mv .git g",
        "rm -rf .git/hooks",
        "mv .git/config c",
        "ln -f CLAUDE.md .git/config",
        "echo x > sub/.git/config",
        "mv sub/.git sub/g",
        "touch .vscode/tasks.json",
        "echo x > .envrc",
        "rm .envrc",
        "rm -rf CLAUDE.md",
        "echo x > deep/er/.bashrc",
        "mv .vscode v",
    ] {
        assert_ne!(sh(&home, script)["exit"], 0, "{script}");
    }
    assert_eq!(sh(&home, "echo main > .git/HEAD; touch .git/index deep/er/file")["exit"], 0);
    let made = sh(
        &home,
        "mkdir -p new/.git/hooks; touch new/.git/hooks/x .bashrc .git/commondir; mkdir .git/modules; rm AGENTS.md; echo x > AGENTS.md; mv sub s",
    );
    let held: Vec<&str> =
        made["held_back"].as_array().unwrap().iter().map(|held| held.as_str().unwrap()).collect();
    for path in ["new/.git", ".bashrc", ".git/commondir", ".git/modules", "AGENTS.md"] {
        assert!(held.contains(&format!("/workspace/{path}").as_str()), "{path}: {held:?}");
        assert!(workspace.join(path).symlink_metadata().is_err(), "{path}");
        assert!(workspace.join(format!("{path}.held-back")).symlink_metadata().is_ok(), "{path}");
    }
    assert_eq!(std::fs::read_to_string(workspace.join(".git/config")).unwrap(), "owner");
    assert_eq!(std::fs::read_to_string(workspace.join(".envrc")).unwrap(), "owner");
    let record = home.last_record();
    assert!(record["programs"][0]["held_back"].as_array().unwrap().len() >= 5, "{record}");
}

#[test]
fn control_files_are_found_wherever_a_program_hides_them() {
    let home = home();
    let workspace = home.workspace();
    // The name that it would be given is taken.
    let ran = sh(
        &home,
        "touch .envrc.held-back .envrc; mkdir -m 000 closed 2>/dev/null; mkdir shut; touch shut/.bashrc; chmod 000 shut",
    );
    assert!(!workspace.join(".envrc").exists(), "{ran}");
    assert!(!workspace.join("shut/.bashrc").exists(), "{ran}");
    assert_eq!(std::fs::metadata(workspace.join("shut")).unwrap().permissions().mode() & 0o777, 0);
    // Made by one program while another begins, it is no file of the owner's.
    let command = json!({ "program": "sh", "args": ["-c", "mkdir -p p; touch p/.envrc; sleep 70801"], "at_once": true });
    home.call("process/many", &command).output();
    assert!(!workspace.join("p/.envrc").exists());
    // Deeper than anybody looks, and longer than a path may be: told, and refused from then on. What lies elsewhere is
    // found all the same.
    let ran = sh(
        &home,
        "i=0; while [ $i -lt 140 ]; do mkdir directory && cd directory; i=$((i+1)); done; touch .envrc /workspace/.zshrc /workspace/p/.bashrc",
    );
    let held = ran["held_back"].to_string();
    assert!(held.contains("perhaps more") && held.contains("/workspace/.zshrc"), "{ran}");
    assert!(!workspace.join(".zshrc").exists() && !workspace.join("p/.bashrc").exists(), "{ran}");
    home.call("process/run", &json!({ "program": "sh", "args": ["-c", ":"] })).refused("tool-failed");
}

#[test]
fn a_repository_is_the_owners_also_while_several_programs_work_in_it() {
    let home = home();
    let git = home.workspace().join(".git");
    std::fs::create_dir_all(git.join("hooks")).unwrap();
    std::fs::write(git.join("config"), "owner").unwrap();
    let script = ": > .git/index.lock; echo x > .git/config; touch .git/hooks/x; sleep 70901";
    let command = json!({ "program": "sh", "args": ["-c", script], "at_once": true });
    assert_eq!(home.call("process/many", &command).output()["started"], 8);
    assert_eq!(std::fs::read_to_string(git.join("config")).unwrap(), "owner");
    assert_eq!(std::fs::read_dir(git.join("hooks")).unwrap().count(), 0);
    assert!(home.workspace().join(".git.held-back").symlink_metadata().is_err());
}

#[test]
fn what_is_denied_does_not_come_to_light_when_its_parent_moves() {
    let home = home();
    let workspace = home.workspace();
    std::fs::create_dir_all(workspace.join("private/taxes")).unwrap();
    std::fs::write(workspace.join("private/taxes/2026"), "SECRET").unwrap();
    let denied = workspace.join("private/taxes").display().to_string();
    home.run(["grant", "deny", "acme/process", "filesystem:read", &denied]).json();
    assert_ne!(sh(&home, "mv private p2")["exit"], 0);
    let said = says(&home, "cat private/taxes/2026 p2/taxes/2026");
    assert!(!said.contains("SECRET"), "{said}");
    assert!(workspace.join("private/taxes/2026").exists());
}

#[test]
fn it_changes_neither_its_own_file_nor_the_limits_of_its_init() {
    let home = home();
    let before = std::fs::metadata("/bin/sh").unwrap().permissions().mode();
    assert_ne!(sh(&home, "chmod 777 /proc/$$/exe")["exit"], 0);
    assert_eq!(std::fs::metadata("/bin/sh").unwrap().permissions().mode(), before);
    // prlimit(1, RLIMIT_NOFILE, {3, 3}): an init that can open nothing sees nothing.
    let said = says(
        &home,
        "perl -e 'my $l = pack(\"QQ\", 3, 3); print syscall(302, 1, 7, $l, 0), \" $!\"'; touch .envrc",
    );
    assert_eq!(said, "-1 Operation not permitted");
    assert!(!home.workspace().join(".envrc").exists());
}

/// Root may make namespaces in ways in which others may not, so all of it is tried as one of these.
#[test]
fn everybody_is_confined_alike() {
    const NOBODY: u32 = 65_534;
    let home = home();
    std::fs::create_dir(home.workspace().join(".git")).unwrap();
    std::fs::write(home.workspace().join(".git/config"), "owner").unwrap();
    let script = "echo x > .git/config; touch /etc/x .envrc a; ls";
    let mut command = home.command();
    if is_root() {
        let program = home.path("openclaw");
        std::fs::copy(openclaw_tests::home::binary(), &program).unwrap();
        std::fs::create_dir(home.path("cache")).unwrap();
        give(&home.root(), NOBODY);
        command = home.environment(std::process::Command::new(&program));
        command.env("OPENCLAW_CACHE_DIR", home.path("cache"));
        std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
    }
    let input = json!({ "program": "sh", "args": ["-c", script] }).to_string();
    let output = command.args(["tool", "call", "acme/process/run", &input, "--json"]).output().unwrap();
    let ran: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(ran["output"]["stdout"], "a\n", "{ran}");
    assert_eq!(ran["output"]["held_back"], json!(["/workspace/.envrc"]), "{ran}");
    assert_eq!(std::fs::read_to_string(home.workspace().join(".git/config")).unwrap(), "owner");
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// Gives a directory and all in it to somebody.
fn give(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        std::fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), user));
    }
}

#[test]
fn a_control_file_that_was_granted_by_name_can_be_changed() {
    let home = home();
    let workspace = home.workspace();
    std::fs::create_dir(workspace.join(".git")).unwrap();
    std::fs::write(workspace.join(".git/config"), "owner").unwrap();
    assert_ne!(sh(&home, "echo x > .git/config")["exit"], 0);
    home.run(["grant", "allow", "acme/process", "filesystem:write", "$workspace/.git/config"]).json();
    assert_eq!(sh(&home, "echo x > .git/config")["exit"], 0);
    assert_ne!(
        sh(&home, "mkdir .git/hooks; test ! -d /nowhere && ls .git/hooks.held-back")["held_back"],
        json!([])
    );
}
