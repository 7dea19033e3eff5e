//! Tokens: who has none, a wrong one, one of others, or one that is narrower than what is asked.

use std::os::unix::fs::MetadataExt as _;

use openclaw_gateway::http::ROUTES;
use openclaw_tests::gateway::{Gateway, post};
use openclaw_tests::http::{Answer, Request};
use openclaw_tests::{Home, Skill};
use serde_json::json;

use crate::{compute, home};

/// Everything that an answer says but when.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| name != "date").cloned();
    (answer.status, headers.collect(), answer.text())
}

#[test]
fn every_path_but_two_needs_a_token() {
    let home = home();
    let gateway = Gateway::start(&home);
    let routes = ROUTES.iter().chain(&[("get", "/nothing"), ("get", "/health/x")]);
    let needs_one = routes.filter(|(_, path)| !["/health", "/ready"].contains(path));
    for (method, path) in needs_one {
        let target = path.replace("{publisher}/{skill}/{tool}", "acme/compute/echo");
        let answer = gateway.send(&Request { method: method.to_uppercase(), target, ..Request::default() });
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"openclaw\""), "{path}");
        assert_eq!(answer.refused(401), "unauthorized", "{path}");
    }
    let call = post("compute/echo", &json!({ "text": "x" }));
    assert_eq!(gateway.send(&call).refused(401), "unauthorized");
}

#[test]
fn a_revoked_token_is_told_what_a_wrong_one_is() {
    let home = home();
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["short-lived"]);
    let asked = |token: &str| gateway.send(&Request::get("/api/v1/tools").by(token));
    asked(&token).ok();
    home.run(["gateway", "token", "revoke", "short-lived"]).json();
    gateway.wait_until("it is refused", || asked(&token).status == 401);
    let wrong = format!("ocg_{}", "0".repeat(64));
    let expected = told(&asked(&wrong));
    assert_eq!(told(&asked(&token)), expected);
    assert_eq!(told(&asked("x")), expected);
    assert_eq!(told(&gateway.send(&Request::get("/api/v1/tools"))), expected);
    assert_eq!(
        told(&gateway.send(&Request::get("/api/v1/tools").by(gateway.token()).by(gateway.token()))),
        expected
    );
}

#[test]
fn revoking_a_token_ends_the_calls_that_it_made() {
    let home = home();
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["busy"]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| gateway.send(&post("compute/spin", &json!({})).by(&token)));
        gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
        home.run(["gateway", "token", "revoke", "busy"]).json();
        assert_eq!(call.join().unwrap().refused(503), "cancelled");
    });
}

#[test]
fn a_token_sees_and_calls_what_it_is_for_and_is_told_of_nothing_else() {
    let home = Home::with(&compute());
    home.install(&Skill::tiny("compote"));
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["narrow", "--tool", "acme/compute/echo"]);
    let tools = gateway.send(&Request::get("/api/v1/tools").by(&token)).value();
    assert_eq!(tools["tools"].as_array().unwrap().len(), 1, "{tools}");
    let call = |tool: &str| gateway.send(&post(tool, &json!({ "text": "x" })).by(&token));
    call("compute/echo").ok();
    for tool in ["compute/spin", "compote/run", "compot/run", "computer/echo"] {
        let answer = call(tool);
        assert!(!answer.text().contains("mean"), "{tool}: {}", answer.text());
        assert_eq!(answer.refused(404), "unknown-skill", "{tool}");
    }
    for path in ["/metrics", "/api/v1/metrics"] {
        assert_eq!(gateway.send(&Request::get(path).by(&token)).refused(403), "not-allowed");
    }
    let watcher = gateway.new_token(&["watcher", "--no-tools", "--metrics"]);
    gateway.send(&Request::get("/metrics").by(&watcher)).ok();
    let none = gateway.send(&Request::get("/api/v1/tools").by(&watcher)).value();
    assert_eq!(none, json!({ "tools": [] }));
}

#[test]
fn the_workspace_of_a_call_is_that_of_its_token() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "read"));
    std::fs::write(home.workspace().join("note.txt"), "here").unwrap();
    let gateway = Gateway::start(&home);
    let workspace = home.workspace().display().to_string();
    let there = gateway.new_token(&["there", "--workspace", &workspace]);
    let nowhere = gateway.new_token(&["nowhere"]);
    let read = |token: &str| {
        let input = json!({ "path": "/workspace/note.txt" });
        gateway.send(&post("files/read", &input).by(token))
    };
    let answer = read(&there);
    assert!(answer.text().contains("here"), "{}", answer.text());
    assert_ne!(read(&nowhere).status, 200);
}

#[test]
fn a_token_in_a_url_is_refused_and_no_log_has_it() {
    let home = home();
    let gateway = Gateway::start_with(&home, &["--dev"]);
    let token = gateway.token().to_owned();
    for target in [
        format!("/api/v1/tools?token={token}"),
        format!("/api/v1/tools?access_token={token}"),
        format!("/{token}"),
        format!("/health?x={token}"),
    ] {
        assert_eq!(gateway.send(&Request::get(&target).by(&token)).refused(400), "token-in-url");
    }
    gateway.get("/api/v1/tools").ok();
    let wrong = format!("ocg_{}", "1".repeat(64));
    assert_eq!(gateway.send(&Request::get("/api/v1/tools").by(&wrong)).status, 401);
    gateway.wait_until("requests are logged", || gateway.log().contains("answered"));
    for text in [gateway.log(), gateway.said()] {
        assert!(!text.contains(&token[4..20]), "the token is in {text}");
    }
}

#[test]
fn who_fails_too_often_is_slowed_down_and_nobody_else_is() {
    let home = home();
    let gateway = Gateway::start(&home);
    let fail = || gateway.send(&Request::get("/api/v1/tools").by("wrong"));
    let statuses: Vec<_> = (0..60).map(|_| fail().status).collect();
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses[59], 429, "{statuses:?}");
    assert!(fail().header("retry-after").is_some());
    gateway.get("/api/v1/tools").ok();
}

#[test]
fn only_hashes_are_kept_and_only_for_the_owner() {
    let home = home();
    let gateway = Gateway::start(&home);
    let token = gateway.new_token(&["kept", "--expires", "30d", "--may-grant"]);
    let path = home.data().join("gateway-tokens.toml");
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(home.data().join("gateway-token").metadata().unwrap().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(&token[4..]) && !text.contains(&gateway.token()[4..]), "{text}");
    let listed = home.run(["gateway", "token", "list"]).json();
    let kept = listed.as_array().unwrap().iter().find(|token| token["name"] == "kept").unwrap();
    assert!(kept["expires"].is_string() && kept["may_grant"] == true && kept["metrics"] == false, "{kept}");
    assert_eq!(home.run(["gateway", "token", "create", "kept"]).error().code, "token-exists");
    assert_eq!(home.run(["gateway", "token", "revoke", "none"]).error().code, "unknown-token");
    assert_eq!(home.run(["gateway", "token", "create", "cli"]).error().exit, 2);
}
