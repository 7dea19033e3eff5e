//! The audit log through the command: what was done to it is found, what was killed is mended, what is asked for is listed, and
//! no secret is in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use openclaw_tests::embedded::{open, tool_call};
use openclaw_tests::{Home, Ran, Skill};
use serde_json::{Value, json};

fn current(home: &Home) -> PathBuf {
    home.data().join("audit.ndjson")
}

fn aside(home: &Home, name: &str) -> PathBuf {
    home.data().join("audit").join(name)
}

/// A home with a log of so many calls.
fn with_calls(count: usize) -> Home {
    let home = Home::with(&Skill::tiny("tiny"));
    call(&home, count);
    home
}

fn call(home: &Home, count: usize) {
    (0..count).for_each(|_| drop(home.call("tiny/run", &json!({})).success()));
}

/// Files of 16 KiB each: some twenty calls.
fn with_small_files(home: &Home, rest: &str) {
    let policy = home.data().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap_or_default();
    std::fs::write(policy, format!("{text}\n[audit]\nfile_size = \"16KiB\"\n{rest}\n")).unwrap();
}

fn verified(home: &Home) -> Value {
    let ran = home.run(["audit", "verify"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    assert_eq!(ran.code, Some(if document["ok"] == true { 0 } else { 3 }), "{ran}");
    document
}

/// What is wrong, as `code line number`.
fn faults(home: &Home) -> Vec<String> {
    let document = verified(home);
    let faults = document["faults"].as_array().unwrap();
    assert_eq!(document["ok"], faults.is_empty(), "{document}");
    faults
        .iter()
        .map(|fault| format!("{} {} {}", fault["code"].as_str().unwrap(), fault["line"], fault["number"]))
        .collect()
}

fn count(ran: Ran) -> usize {
    ran.json().as_array().expect("a list").len()
}

#[test]
fn what_is_done_to_a_log_is_found_and_named() {
    let home = with_calls(6);
    assert_eq!(faults(&home), [""; 0]);
    let (text, head) =
        (std::fs::read_to_string(current(&home)).unwrap(), std::fs::read(aside(&home, "head")).unwrap());
    type Change = fn(&mut Vec<String>);
    let changes: [(&str, Change, &[&str]); 8] = [
        (
            "edited",
            |lines| lines[2] = lines[2].replace("\"outcome\":\"ok\"", "\"outcome\":\"no\""),
            &["edited 3 3"],
        ),
        ("the last edited", |lines| lines[5] = lines[5].replace("\"ok\"", "\"no\""), &["edited null 6"]),
        ("removed", |lines| drop(lines.remove(2)), &["removed 3 3"]),
        ("reordered", |lines| lines.swap(2, 3), &["removed 3 3", "misplaced 4 3"]),
        ("doubled", |lines| lines.insert(2, lines[2].clone()), &["duplicated 4 3"]),
        ("put in", |lines| lines.insert(2, lines[2].replace("\"number\":3,", "")), &["not-a-record 3 null"]),
        ("truncated", |lines| lines.truncate(4), &["truncated null 5"]),
        ("emptied", Vec::clear, &["truncated null 1"]),
    ];
    for (name, change, expected) in changes {
        let mut lines: Vec<_> = text.lines().map(|line| format!("{line}\n")).collect();
        change(&mut lines);
        std::fs::write(current(&home), lines.concat()).unwrap();
        std::fs::write(aside(&home, "head"), &head).unwrap();
        assert_eq!(faults(&home), expected, "{name}");
        call(&home, 1);
        assert_ne!(faults(&home), [""; 0], "{name}: the next call must not hide it");
    }
    let told = home.plain(["audit", "verify"]);
    assert_eq!(told.code, Some(3), "{told}");
    assert!(
        told.stdout.contains("records 1 to 6 are missing") && told.stdout.contains("not whole:"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_deleted_is_missed() {
    let home = with_calls(1);
    with_small_files(&home, "");
    call(&home, 70);
    let files = verified(&home)["files"].as_array().unwrap().clone();
    assert!(files.len() > 2, "{files:?}");
    assert_eq!(count(home.run(["audit"])), 71, "the list goes over all files");
    let last: Vec<_> = home
        .run(["audit", "--limit", "50"])
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["number"].as_u64().unwrap())
        .collect();
    assert_eq!(last, (22..=71).collect::<Vec<_>>(), "so does the end of it, newest last");
    let middle = aside(&home, files[1].as_str().unwrap());
    let kept = std::fs::read(&middle).unwrap();
    std::fs::remove_file(&middle).unwrap();
    let found = faults(&home);
    assert!(found.len() == 1 && found[0].starts_with("removed 1 "), "{found:?}");
    std::fs::write(&middle, kept).unwrap();
    assert_eq!(faults(&home), [""; 0]);
    std::fs::remove_file(aside(&home, "head")).unwrap();
    assert_eq!(faults(&home), ["head-lost null null"]);
    call(&home, 1);
    assert_eq!(faults(&home).len(), 1, "that it was lost stays in the log");
    std::fs::remove_file(current(&home)).unwrap();
    assert!(faults(&home).iter().any(|fault| fault.starts_with("truncated")));
}

#[test]
fn old_files_go_only_where_the_owner_says_so() {
    let home = with_calls(1);
    with_small_files(&home, "keep_files = 1");
    call(&home, 90);
    let found = verified(&home);
    assert_eq!((&found["ok"], found["files"].as_array().map(Vec::len)), (&json!(true), Some(2)), "{found}");
    let pruned = found["pruned_upto"].as_u64().unwrap();
    assert!(pruned > 20, "{found}");
    assert!(count(home.run(["audit"])) < 71);
    std::fs::write(home.data().join("policy.toml"), "[audit]\nfile_size = \"1B\"\n").unwrap();
    let refused = home.call("tiny/run", &json!({})).error();
    assert!(refused.code == "invalid-policy" && refused.message.contains("at least 16KiB"), "{refused:?}");
}

#[test]
fn a_head_that_was_kept_elsewhere_tells_a_log_that_was_written_anew() {
    let home = with_calls(3);
    let head = home.run(["audit", "head"]).json()["head"].as_str().unwrap().to_owned();
    assert_eq!(home.plain(["audit", "head"]).success().trim(), head);
    call(&home, 1);
    home.run(["audit", "verify", "--head", &head]).success();
    // Whoever can write the directory can begin anew.
    std::fs::remove_file(current(&home)).unwrap();
    std::fs::remove_dir_all(home.data().join("audit")).unwrap();
    call(&home, 5);
    assert_eq!(faults(&home), [""; 0]);
    let found = home.run(["audit", "verify", "--head", &head]);
    assert_eq!(found.code, Some(3), "{found}");
    assert!(found.stdout.contains("other-head"), "{found}");
    assert_eq!(home.run(["audit", "verify", "--head", "3"]).error().exit, 2);
    assert_eq!(home.run(["audit", "--limit", "1", "verify"]).error().code, "usage");
}

#[test]
fn a_log_of_an_older_version_is_kept_beside_the_chain() {
    let home = with_calls(2);
    let strip = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let fields = record.as_object_mut().unwrap();
        fields.remove("number");
        fields.remove("prev");
        record.to_string() + "\n"
    };
    let old: String = std::fs::read_to_string(current(&home)).unwrap().lines().map(strip).collect();
    std::fs::write(current(&home), &old).unwrap();
    std::fs::remove_dir_all(home.data().join("audit")).unwrap();
    call(&home, 2);
    let found = verified(&home);
    assert_eq!((&found["ok"], &found["unchained"]), (&json!(true), &json!(["unchained.ndjson"])), "{found}");
    assert_eq!(std::fs::read_to_string(aside(&home, "unchained.ndjson")).unwrap(), old);
    let records = home.run(["audit"]).json();
    let numbers: Vec<_> = records.as_array().unwrap().iter().map(|record| record["number"].clone()).collect();
    assert_eq!(numbers, [Value::Null, Value::Null, json!(2), json!(3)]);
    std::fs::write(aside(&home, "unchained.ndjson"), old.replace("\"ok\"", "\"no\"")).unwrap();
    assert_eq!(faults(&home), ["unchained-changed null null"]);
}

/// Kills a process that makes calls, once it has made some, and answers of how many it has said that they are recorded.
fn killed(home: &Home, round: u64) -> usize {
    let mut command = home.environment(Command::new(env!("CARGO_BIN_EXE_makes-calls")));
    let mut child =
        command.arg(home.data()).arg("acme/tiny/run").stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("it makes calls").unwrap();
    // At another moment each time.
    std::thread::sleep(Duration::from_micros(round * 977 % 20_000));
    child.kill().unwrap();
    child.wait().unwrap();
    let last = lines.map_while(Result::ok).last().unwrap_or(first);
    last.trim().parse().unwrap_or(0)
}

#[test]
fn fifty_kills_leave_a_whole_log() {
    let home = with_calls(1);
    with_small_files(&home, "");
    let mut said = 1;
    for round in 0..50 {
        said += killed(&home, round);
        if round % 10 == 9 {
            call(&home, 1);
            said += 1;
            assert_eq!(faults(&home), [""; 0], "after {round} kills");
        }
    }
    let found = verified(&home);
    let records = usize::try_from(found["records"].as_u64().unwrap()).unwrap();
    assert!(records >= said, "{said} were said to be recorded: {found}");
    assert_eq!(count(home.run(["audit"])), records);
}

#[tokio::test]
async fn a_policy_that_is_reloaded_cuts_files_from_then_on() {
    let home = with_calls(1);
    let runtime = open(&home, 1);
    let run = async |count: usize| {
        for _ in 0..count {
            let call = tool_call(&home, "tiny/run", &json!({}));
            runtime.dispatcher().call(call).await.map_err(|(error, _)| error).unwrap();
            runtime.dispatcher().flush().unwrap();
        }
    };
    run(60).await;
    assert_eq!(verified(&home)["files"].as_array().map(Vec::len), Some(1));
    with_small_files(&home, "");
    runtime.reload().unwrap();
    run(60).await;
    let found = verified(&home);
    assert!(found["files"].as_array().is_some_and(|files| files.len() > 2), "{found}");
    assert_eq!((&found["ok"], &found["records"]), (&json!(true), &json!(121)), "{found}");
}

#[test]
fn a_line_that_is_no_record_is_passed_over_and_told() {
    let home = with_calls(2);
    let text = std::fs::read_to_string(current(&home)).unwrap();
    std::fs::write(current(&home), format!("rubbish\n{text}")).unwrap();
    let listed = home.plain(["audit"]);
    assert!(listed.stderr.contains("lines that are no records, and were passed over: 1;"), "{listed}");
    assert_eq!(listed.success().lines().count(), 3);
}

#[test]
fn a_torn_line_is_mended_and_told() {
    let home = with_calls(2);
    let mut text = std::fs::read_to_string(current(&home)).unwrap();
    text.push_str("{\"number\":3,\"prev\":\"sha256:00");
    std::fs::write(current(&home), text).unwrap();
    assert_eq!(verified(&home)["torn"], true);
    call(&home, 1);
    let found = verified(&home);
    assert_eq!(
        (&found["ok"], &found["repaired"], &found["records"]),
        (&json!(true), &json!(1), &json!(3)),
        "{found}"
    );
}

#[test]
fn processes_at_once_write_one_chain() {
    let home = with_calls(1);
    with_small_files(&home, "");
    let runtime = open(&home, 2);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| call(&home, 12));
        }
        scope.spawn(|| {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            for _ in 0..200 {
                let call = tool_call(&home, "tiny/run", &json!({}));
                tokio.block_on(runtime.dispatcher().call(call)).map_err(|(error, _)| error).unwrap();
            }
        });
        // Whoever looks meanwhile sees a whole log.
        (0..10).for_each(|_| assert_eq!(faults(&home), [""; 0]));
    });
    runtime.dispatcher().flush().unwrap();
    let found = verified(&home);
    assert_eq!((&found["ok"], &found["records"]), (&json!(true), &json!(249)), "{found}");
    let callers = |caller| count(home.run(["audit", "--caller", caller]));
    assert_eq!((callers("cli"), callers("test"), callers("nobody")), (49, 200, 0));
}

#[test]
fn records_are_found_by_what_they_are() {
    let home = Home::with(&Skill::guest("compute"));
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    home.call("compute/echo", &json!({})).success();
    home.call("compute/panic", &json!({})).error();
    home.call("files/read", &json!({ "path": "/workspace/x" })).error();
    std::thread::sleep(Duration::from_millis(1_100));
    let middle = jiff::Timestamp::now().to_string();
    home.call("compute/echo", &json!({})).success();
    let found = |query: &[&str]| {
        let records = home.run(["audit"].iter().chain(query)).json();
        let tool = |record: &Value| record["tool"].as_str().unwrap().trim_start_matches("acme/").to_owned();
        records.as_array().unwrap().iter().map(tool).collect::<Vec<_>>()
    };
    let all = ["compute/echo", "compute/panic", "files/read", "compute/echo"];
    assert_eq!(found(&[]), all);
    assert_eq!(found(&["--skill", "acme/compute"]), [all[0], all[1], all[3]]);
    assert_eq!(found(&["--tool", "echo"]), [all[0], all[3]]);
    assert_eq!(found(&["--tool", "acme/files/read"]), [all[2]]);
    assert_eq!(found(&["--caller", "cli", "--outcome", "ok"]), [all[0], all[3]]);
    assert_eq!(found(&["--outcome", "denied"]), [all[2]]);
    assert_eq!(found(&["--outcome", "error"]), [all[1], all[2]]);
    assert_eq!(found(&["--outcome", "trap"]), [all[1]]);
    assert_eq!(found(&["--since", &middle]), [all[3]]);
    assert_eq!(found(&["--until", &middle]), all[..3]);
    assert_eq!(found(&["--since", "1s"]).len(), found(&["--since", "1s", "--until", "0s"]).len());
    assert_eq!(found(&["--since", "1h", "--until", "2h"]), [""; 0]);
    assert_eq!(found(&["--since", "2000-01-01", "--limit", "2"]), all[2..]);
    assert_eq!(found(&["--outcome", "ok", "--last", "1"]), [all[3]]);
    assert_eq!(found(&["--limit", "0"]), [""; 0]);
    assert_eq!(home.run(["audit", "--since", "soon"]).error().exit, 2);
    let table = home.plain(["audit", "--outcome", "denied"]).success();
    assert!(
        table.starts_with("TIME") && table.contains("acme/files/read") && table.lines().count() == 2,
        "{table}"
    );
}

/// Every file below a directory that contains a text.
fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_token_that_a_skill_shows_is_written_down() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let home = Home::with(&Skill::guest("network").network("https://api.example.com/", &["GET"], false));
    home.install(&Skill::guest("compute"));
    let url = format!("https://denied.example/v1/{token}/x;key=planted-secret-7");
    home.call("network/fetch", &json!({ "url": url })).error();
    let text = format!("{token} and 4111 1111 1111 1111");
    home.call("compute/fail-with", &json!({ "text": text })).error();
    let record = home.run(["audit", "--skill", "acme/network"]).json()[0].take();
    let target = "GET https://denied.example/v1/[redacted:token]/x;key=[redacted:secret]";
    assert_eq!(record["denials"][0]["target"], target);
    let log = std::fs::read_to_string(home.data().join("logs/acme/compute.log")).unwrap();
    assert!(log.contains("[redacted:token] and [redacted:card]"), "{log}");
    for secret in [token, "planted-secret-7", "4111 1111"] {
        let found = holding(&home.data(), secret);
        assert!(found.is_empty(), "{secret} is in {found:?}");
    }
}

#[test]
fn without_a_log_that_can_be_written_nothing_runs() {
    let home = with_calls(1);
    std::fs::remove_file(current(&home)).unwrap();
    std::os::unix::fs::symlink("/dev/full", current(&home)).unwrap();
    let refused = home.call("tiny/run", &json!({})).error();
    assert_eq!((refused.exit, refused.code.as_str()), (6, "audit-unavailable"), "{refused:?}");
    std::fs::remove_file(current(&home)).unwrap();
    std::fs::create_dir(current(&home)).unwrap();
    let refused = home.call("tiny/run", &json!({})).error();
    assert_eq!((refused.exit, refused.code.as_str()), (6, "audit-unavailable"), "{refused:?}");
}
