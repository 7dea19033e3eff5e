//! From start to end: what is taken over while it runs, and how it stops.

use std::time::{Duration, Instant};

use openclaw_tests::gateway::{Gateway, post};
use openclaw_tests::http::Request;
use openclaw_tests::server::Server;
use openclaw_tests::{Home, Skill};
use rustix::process::Signal;
use serde_json::json;

use crate::{compute, configure, home};

#[test]
fn told_to_stop_it_takes_no_more_calls_and_lets_those_end_that_run() {
    let home = home();
    let mut gateway = Gateway::start(&home);
    let (address, token) = (gateway.address(), gateway.token().to_owned());
    let call = std::thread::spawn(move || {
        post("compute/sleep", &json!({ "milliseconds": 2500 })).by(&token).send(address).unwrap()
    });
    gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
    gateway.signal(Signal::TERM);
    gateway.wait_until("it is not ready", || gateway.send(&Request::get("/ready")).status == 503);
    assert_eq!(gateway.send(&Request::get("/ready")).refused(503), "draining");
    assert_eq!(gateway.call("compute/echo", &json!({ "text": "x" })).refused(503), "draining");
    gateway.send(&Request::get("/health")).ok();
    gateway.get("/metrics").ok();
    assert_eq!(call.join().unwrap().value()["result"], json!({ "slept": true }));
    assert!(gateway.ended().success());
    assert_eq!(home.last_record()["outcome"], "ok", "it was recorded before the end");
}

#[test]
fn calls_that_do_not_end_in_time_are_cut_short_and_told_so() {
    let home = home();
    configure(&home, "gateway: { drain: 500 }\n");
    let mut gateway = Gateway::start(&home);
    let (address, token) = (gateway.address(), gateway.token().to_owned());
    let call = std::thread::spawn(move || post("compute/spin", &json!({})).by(&token).send(address).unwrap());
    gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
    gateway.signal(Signal::INT);
    assert_eq!(call.join().unwrap().refused(503), "cancelled");
    assert!(gateway.ended().success());
    assert_eq!(home.last_record()["outcome"], "cancelled");
}

#[test]
fn told_to_stop_twice_it_ends_at_once() {
    let home = home();
    let mut gateway = Gateway::start(&home);
    let (address, token) = (gateway.address(), gateway.token().to_owned());
    let call = std::thread::spawn(move || post("compute/sleep", &json!({})).by(&token).send(address));
    gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
    gateway.signal(Signal::TERM);
    gateway.wait_until("it is not ready", || gateway.send(&Request::get("/ready")).status == 503);
    let begun = Instant::now();
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.ended().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(call.join().unwrap().is_err());
}

#[test]
fn a_skill_that_is_installed_or_removed_is_there_or_gone_without_a_restart() {
    let home = home();
    let gateway = Gateway::start(&home);
    let tools = || gateway.get("/api/v1/tools").text();
    home.install(&Skill::tiny("late"));
    gateway.wait_until("the new one is there", || tools().contains("acme/late/run"));
    gateway.call("late/run", &json!({})).ok();
    home.run(["remove", "acme/late"]).json();
    gateway.wait_until("it is gone", || !tools().contains("acme/late/run"));
    gateway.wait_until("its metrics are gone", || !gateway.get("/metrics").text().contains("acme/late"));
}

#[test]
fn a_changed_configuration_is_taken_on_a_signal_and_a_broken_one_is_not() {
    let home = home();
    let gateway = Gateway::start(&home);
    let asked = |host: &str| gateway.send(&Request::get("/health").with("host", host)).status;
    configure(&home, "gateway: { hosts: [one.example.com], port: 1234 }\n");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(asked("one.example.com"), 421, "nobody said that it may be read");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is taken", || asked("one.example.com") == 200);
    assert!(gateway.log().contains("gateway.port was changed, which takes effect at the next start"));
    configure(&home, "gateway:\n  hots: [two.example.com]\n");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is refused", || gateway.log().contains("2:3: there is no key hots"));
    assert_eq!(asked("one.example.com"), 200, "the old one stays");
}

#[test]
fn with_watch_a_changed_configuration_is_taken_at_once_and_calls_go_on() {
    let home = home();
    let gateway = Gateway::start_with(&home, &["--watch"]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| gateway.call("compute/sleep", &json!({ "milliseconds": 2000 })));
        gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
        configure(&home, "gateway: { hosts: [one.example.com] }\nexecution: { timeout: 700 }\n");
        let asked = || gateway.send(&Request::get("/health").with("host", "one.example.com")).status;
        gateway.wait_until("it is taken", || asked() == 200);
        assert_eq!(
            call.join().unwrap().value()["result"],
            json!({ "slept": true }),
            "it ends on what it began with"
        );
    });
    let late = gateway.call("compute/sleep", &json!({}));
    assert_eq!(late.refused(504), "timeout");
}

#[test]
fn what_is_granted_while_it_runs_depends_on_the_security_level() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.workspace().join("note.txt"), "here").unwrap();
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["worker", "--workspace", home.workspace().to_str().unwrap()]);
    let read = || {
        let input = json!({ "path": "/workspace/note.txt" });
        gateway.send(&post("files/read", &input).by(&token)).status
    };
    assert_ne!(read(), 200, "strict refuses");
    configure(&home, "skills: { security_level: moderate }\n");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is taken", || gateway.log().contains("the configuration was reloaded"));
    assert_ne!(read(), 200, "nobody can be asked");
    configure(&home, "skills: { security_level: permissive }\n");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is granted", || read() == 200);
    let policy = std::fs::read_to_string(home.data().join("policy.toml")).unwrap();
    assert!(policy.contains("filesystem:read"), "{policy}");
}

#[test]
fn one_command_asks_as_the_security_level_says() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.workspace().join("note.txt"), "here").unwrap();
    let input = json!({ "path": "/workspace/note.txt" });
    configure(&home, "skills: { security_level: moderate }\n");
    assert_ne!(home.call("files/read", &input).code, Some(0), "nobody is there to be asked");
    configure(&home, "skills: { security_level: permissive }\n");
    let ran = home.plain(["tool", "call", "acme/files/read", &input.to_string()]);
    assert!(ran.stderr.contains("granted to acme/files: filesystem:read"), "{ran}");
    assert_eq!(home.call("files/read", &input).output()["text"], "here");
}

#[test]
fn a_key_in_dotenv_reaches_the_model_and_nobody_else() {
    let answer = json!({ "choices": [{ "message": { "content": "hi" } }], "usage": {} }).to_string();
    let model = Server::exchanging(move |_, _| openclaw_tests::server::json_response(&answer));
    let home = Home::with(&Skill::guest("llm").llm(1000));
    home.install(&compute());
    configure(
        &home,
        "claw: { model_provider: local, model: m }\nexecution: { sandbox: { level: isolated } }\n",
    );
    let env = home.data().join(".env");
    std::fs::write(&env, format!("LOCAL_LLM_URL={}\nOTHER_KEY=hidden-value\n", model.url("/v1"))).unwrap();
    assert_eq!(home.run(["tool", "list"]).code, Some(0));
    let open = Gateway::try_start(&home, &[]).unwrap_err();
    assert!(open.contains("not-private"), "others can read it: {open}");
    std::fs::set_permissions(&env, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let gateway = Gateway::start(&home);
    gateway.call("llm/complete", &json!({ "prompt": "hello" })).ok();
    assert_eq!(model.heads().len(), 1);
    // A reload lets go of workers that are idle, and there is one at every start.
    gateway.wait_until("a worker is looked at", || {
        let environment = gateway.call("compute/environment", &json!({})).text();
        assert!(!tells(&environment), "{environment}");
        let children = children(&gateway);
        assert!(!children.iter().any(|environment| tells(environment)), "{children:?}");
        !children.is_empty()
    });
}

/// Whether a text has something of the `.env` of that test.
fn tells(text: &str) -> bool {
    text.contains("hidden-value") || text.contains("LOCAL_LLM_URL")
}

/// The environments of a gateway's child processes.
fn children(gateway: &Gateway<'_>) -> Vec<String> {
    let parent = format!("PPid:\t{}\n", gateway.pid().as_raw_nonzero());
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
    let is_child = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path.join("status")).is_ok_and(|status| status.contains(&parent))
    };
    let environment = |path: std::path::PathBuf| std::fs::read(path.join("environ")).ok();
    let environments = processes.filter(is_child).filter_map(environment);
    environments.map(|environment| String::from_utf8_lossy(&environment).into_owned()).collect()
}
