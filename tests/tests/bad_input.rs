//! What an owner gets wrong, and what a machine can: one error line, one hint, the right exit code, nothing half-written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::path::Path;
use std::process::Command;

use openclaw_tests::{Home, Ran, Skill, component, home};
use serde_json::json;

fn home_with_example() -> Home {
    Home::with(&Skill::new("word-count", component::rust("word-count")))
}

/// A person sees one line of error, at most one hint, and this exit code.
#[track_caller]
fn tells(ran: &Ran, exit: i32, named: &[&str]) {
    let line = ran.error_line();
    assert_eq!(ran.code, Some(exit), "{ran}");
    for name in named {
        assert!(ran.stderr.contains(name), "{name} is not in {ran}");
    }
    assert!(!line.contains("panicked") && !ran.stderr.contains("RUST_BACKTRACE"), "{ran}");
    assert!(ran.stdout.is_empty(), "{ran}");
}

#[test]
fn input_that_is_not_json() {
    let home = home_with_example();
    for input in ["{", "", "{\"text\":}", "{'text':'x'}", "NaN", "{\"text\":\"\u{1}\"}", "{} {}"] {
        tells(&home.plain(["tool", "call", "acme/word-count/count", input]), 2, &["not JSON"]);
    }
    let ran = home.run_with_input(["tool", "call", "acme/word-count/count", "-"], b"\xff\xfe");
    assert_eq!(ran.error().exit, 2);
    let words =
        home.run_with_input(["tool", "call", "acme/word-count/count", "-"], b"{\"text\":\"a b\"}").output();
    assert_eq!(words["words"], 2);
}

#[test]
fn input_that_does_not_fit_the_schema_names_the_field_and_what_was_expected() {
    let home = home_with_example();
    let call = |input: &str| home.plain(["tool", "call", "acme/word-count/count", input]);
    tells(&call(r#"{"text":5}"#), 2, &["/text", "string"]);
    tells(&call("{}"), 2, &["text", "required"]);
    tells(&call(r#"{"text":"x","words_per_minute":"fast"}"#), 2, &["/words_per_minute", "integer"]);
    tells(&call(r#"{"text":"x","speed":1}"#), 2, &["speed"]);
    tells(&call("[]"), 2, &["object"]);
    tells(&call("null"), 2, &["object"]);
    assert_eq!(home.call("word-count/count", &json!({ "text": "a b c" })).output()["words"], 3);
}

#[test]
fn deeply_nested_and_very_large_input() {
    let home = home_with_example();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let call =
        |input: &str| home.run_with_input(["tool", "call", "acme/word-count/count", "-"], input.as_bytes());
    assert_eq!(call(&deep).error().exit, 2);
    let large = json!({ "text": "a ".repeat(5 << 20) }).to_string();
    assert_eq!(call(&large).error().exit, 2);
    let fits = json!({ "text": "a ".repeat(10_000) }).to_string();
    assert_eq!(call(&fits).output()["words"], 10_000);
}

#[test]
fn a_tool_that_is_not_there_has_neighbours() {
    let home = home_with_example();
    tells(&home.plain(["tool", "call", "acme/word-count/cuont", "{}"]), 4, &["cuont", "count"]);
    tells(&home.plain(["tool", "call", "acme/wordcount/count", "{}"]), 4, &["acme/word-count/count"]);
    tells(&home.plain(["tool", "call", "nobody/nothing/never", "{}"]), 4, &["openclaw tool list"]);
    let malformed = home.plain(["tool", "call", "word-count", "{}"]);
    assert_eq!(malformed.code, Some(2), "{malformed}");
    let unknown = home.plain(["tol", "list"]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("tool"), "{unknown}");
}

#[test]
fn a_manifest_with_a_key_that_is_not_one() {
    let home = Home::new();
    let pack = |skill: &Skill| home.try_pack(skill, &home.path("x.tar.gz"));
    let honest = Skill::guest("compute");
    for (text, named) in [
        ("\n[permision.memory]\nreason = \"x\"\n", "permision"),
        ("\n[permission.memroy]\nreason = \"x\"\n", "memroy"),
        ("\n[permission.memory]\nreason = \"x\"\nquotta = \"1MiB\"\n", "quotta"),
        ("\n[permission.memory]\n", "reason"),
        ("\n[[permission.filesystem]]\ntree = \"/\"\naccess = \"read\"\nreason = \"x\"\n", "tree"),
        ("\n[[permission.filesystem]]\ntree = \"$home\"\naccess = \"read\"\nreason = \"x\"\n", "$home"),
        ("\n[[permission.filesystem]]\ntree = \"$data\"\naccess = \"execute\"\nreason = \"x\"\n", "execute"),
        (
            "\n[[permission.network]]\nurl = \"https://*/\"\nmethods = [\"GET\"]\nreason = \"x\"\n",
            "https://*/",
        ),
        ("\n[[permission.network]]\nurl = \"https://a.example/\"\nmethods = []\nreason = \"x\"\n", "methods"),
        (
            "\n[[permission.network]]\nurl = \"http://127.0.0.1/\"\nmethods = [\"GET\"]\nreason = \"x\"\n",
            "internal",
        ),
        ("\n[permission.memory]\nreason = \"a\\u202eb\"\n", "reason"),
    ] {
        let ran = pack(&honest.clone().manifest_text(text));
        let failure = ran.error();
        assert!(matches!(failure.exit, 2 | 3), "{text}: {failure:?}");
        let words = format!("{} {}", failure.message, failure.hint.clone().unwrap_or_default());
        assert!(words.contains(named), "{text}: {failure:?}");
        assert!(!home.path("x.tar.gz").exists());
    }
    let suggestion = pack(&honest.clone().manifest_text("\n[permission.memroy]\nreason = \"x\"\n")).error();
    let words = format!("{} {}", suggestion.message, suggestion.hint.clone().unwrap_or_default());
    assert!(words.contains("memory"), "{suggestion:?}");
    for (name, value) in [("fuel", "-1"), ("memory", "\"64 apples\""), ("timeout", "\"soon\""), ("fule", "1")]
    {
        assert!(matches!(pack(&honest.clone().limit(name, value)).error().exit, 2 | 3), "{name} = {value}");
    }
    assert_eq!(pack(&honest).code, Some(0));
}

#[test]
fn files_that_are_not_there_or_are_not_what_they_are_taken_for() {
    let home = Home::new();
    tells(&home.plain(["install", "missing.tar.gz"]), 4, &["missing.tar.gz"]);
    tells(&home.plain(["skill", "pack", "nowhere"]), 4, &["nowhere"]);
    tells(&home.plain(["skill", "run", ".", "greet"]), 4, &["skill.toml"]);
    tells(&home.plain(["remove", "acme/nothing"]), 4, &["acme/nothing"]);
    let directory = home.plain(["install", "."]);
    assert!(matches!(directory.code, Some(3 | 4 | 6)), "{directory}");
    directory.error_line();
}

#[test]
fn a_key_that_is_none() {
    let home = Home::new();
    let before = std::fs::read(home.data().join("trust.toml")).unwrap();
    for key in
        ["ed25519:", "ed25519:AAAA", "rsa:AAAA", "", "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    {
        let ran = home.plain(["trust", "add", "acme", key]);
        assert!(matches!(ran.code, Some(2 | 3)), "{ran}");
    }
    assert_eq!(std::fs::read(home.data().join("trust.toml")).unwrap(), before);
}

/// Runs a shell script in which `openclaw` is a word, as root of a namespace of its own.
fn in_namespace(home: &Home, script: &str) -> Option<Ran> {
    let probe = Command::new("unshare").args(["-rm", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return None;
    }
    let mut unshare = home.environment(Command::new("unshare"));
    unshare.args(["-rm", "/bin/sh", "-ec", script]).env("OPENCLAW", home::binary());
    Some(home::finish(unshare, script.to_owned(), None))
}

/// Runs a command while nothing in a directory can be written.
fn without_write_access(home: &Home, dir: &str, command: &str) -> Option<Ran> {
    let mount =
        format!("mount --bind {dir} {dir}; mount -o remount,bind,ro {dir}; exec \"$OPENCLAW\" {command}");
    in_namespace(home, &mount).or_else(|| {
        // Modes bind everybody but root.
        if rustix::process::geteuid().is_root() {
            return None;
        }
        let script =
            format!("chmod -R a-w {dir}; \"$OPENCLAW\" {command}; code=$?; chmod -R u+w {dir}; exit $code");
        let mut shell = home.environment(Command::new("/bin/sh"));
        shell.args(["-c", &script]).env("OPENCLAW", home::binary());
        Some(home::finish(shell, script, None))
    })
}

/// The data directory as it is, names and contents.
fn snapshot(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.retain(|(path, _)| !path.ends_with(".lock"));
    found.sort();
    found
}

#[test]
fn a_full_disk_is_told_and_leaves_what_was_there() {
    let home = home_with_example();
    let archive = home.pack(&Skill::guest("files").versioned("1.0.0"));
    let before = snapshot(&home.data());
    // No file may grow beyond a few blocks: a full disk without the need of one.
    let script = format!(
        "ulimit -f 16; trap '' XFSZ; exec {} install {} --yes",
        home::binary().display(),
        archive.display()
    );
    let mut shell = home.environment(Command::new("/bin/sh"));
    shell.args(["-c", &script]);
    let ran = home::finish(shell, "install on a full disk".to_owned(), None);
    assert_eq!(ran.code, Some(6), "{ran}");
    ran.error_line();
    assert_eq!(snapshot(&home.data()), before);
    assert_eq!(home.call("word-count/count", &json!({ "text": "a" })).output()["words"], 1);
    home.install_archive(&archive).json();
}

#[test]
fn a_disk_that_is_really_full_is_told_and_leaves_what_was_there() {
    let home = home_with_example();
    let archive = home.pack(&Skill::guest("files").versioned("1.0.0"));
    let data = home.data().display().to_string();
    let script = format!(
        "mount -t tmpfs -o size=450k none {home}/home; cp -a {data}/. {home}/home; export OPENCLAW_DATA_DIR={home}/home; \
         code=0; \"$OPENCLAW\" install {archive} --yes || code=$?; \"$OPENCLAW\" list --json; exit $code",
        home = home.root().display(),
        archive = archive.display(),
    );
    let Some(ran) = in_namespace(&home, &script) else {
        eprintln!("no namespace can be made here, so the test above has to do");
        return;
    };
    assert_eq!(ran.code, Some(6), "{ran}");
    ran.error_line_beside_output();
    assert!(ran.stdout.contains("acme/word-count") && !ran.stdout.contains("acme/files"), "{ran}");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told_once() {
    let home = home_with_example();
    let archive = home.pack(&Skill::guest("files"));
    let data = home.data().display().to_string();
    let before = snapshot(&home.data());
    for command in [
        format!("install {} --yes", archive.display()),
        "grant allow acme/word-count memory".to_owned(),
        "trust remove acme".to_owned(),
        "key new other".to_owned(),
        "tool call acme/word-count/count '{\"text\":\"a\"}'".to_owned(),
    ] {
        let Some(ran) = without_write_access(&home, &data, &command) else {
            eprintln!("no namespace can be made here, and root may write everywhere: not tested");
            return;
        };
        assert_eq!(ran.code, Some(6), "{ran}");
        ran.error_line();
        assert!(ran.stderr.contains(&data), "{ran}");
    }
    assert_eq!(snapshot(&home.data()), before);
    home.install_archive(&archive).json();
}

#[test]
fn files_of_the_owner_that_were_damaged_are_named() {
    let home = home_with_example();
    for (name, text, code) in [
        ("policy.toml", "allow_everything = true\n", "invalid-policy"),
        ("policy.toml", "version = 99\n", "invalid-policy"),
        ("policy.toml", "\u{0}\u{1}", "invalid-policy"),
        ("trust.toml", "version = 1\n[publisher]\nacme = [\"ed25519:AAAA\"]\n", "invalid-trust-store"),
        ("trust.toml", "version = 99\n", "invalid-trust-store"),
        ("openclaw.lock", "version = 99\n", "invalid-lockfile"),
    ] {
        let path = home.data().join(name);
        let good = std::fs::read(&path).ok();
        std::fs::write(&path, text).unwrap();
        let failure = home.run(["tool", "list"]).refused(code);
        assert_eq!(failure.exit, 6, "{failure:?}");
        assert!(failure.message.contains(name), "{failure:?}");
        tells(&home.plain(["tool", "call", "acme/word-count/count", r#"{"text":"a"}"#]), 6, &[name]);
        match good {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    }
    assert_eq!(home.call("word-count/count", &json!({ "text": "a" })).output()["words"], 1);
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let home = home_with_example();
    let mut shell = home.environment(Command::new("/bin/sh"));
    shell.args(["-c", &format!("{} tool list --json | head -c 1", home::binary().display())]);
    let ran = home::finish(shell, "tool list | head".to_owned(), None);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
}

#[test]
fn a_cache_that_cannot_be_used_is_named_with_what_to_do() {
    let home = Home::with(&Skill::tiny("tiny"));
    let file = home.path("cache");
    std::fs::write(&file, "").unwrap();
    let mut command = home.command();
    command.args(["tool", "call", "acme/tiny/run", "{}"]).env("OPENCLAW_CACHE_DIR", &file);
    let told = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(told.contains("the artefact cache") && told.contains("can be removed at any time"), "{told}");
}
