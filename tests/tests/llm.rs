//! A skill that asks the owner's language model: what it is let ask, and what it learns.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::process::Command;

use openclaw_tests::server::{Server, json_response};
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

const CONFIG: &str = "claw: { model_provider: local, model: scripted }\n";

/// A server that speaks as OpenAI's does, and repeats what it was asked.
fn model() -> Server {
    Server::exchanging(|_, body| {
        let asked: Value = serde_json::from_str(body).unwrap();
        let question = asked["messages"].as_array().unwrap().last().unwrap()["content"].clone();
        let answer = json!({
            "choices": [{ "message": { "role": "assistant", "content": format!("{}: {question}", asked["model"]) } }],
            "usage": { "prompt_tokens": 7, "completion_tokens": 5 },
        });
        json_response(&answer.to_string())
    })
}

fn home(tokens: u64) -> Home {
    let home = Home::with(&Skill::guest("llm").llm(tokens));
    std::fs::write(home.data().join("config.yaml"), CONFIG).unwrap();
    home
}

/// Calls a tool of the guest, with the model at an address; its answer, or its error.
fn ask(home: &Home, tool: &str, input: &Value, address: Option<&str>) -> Result<Value, Value> {
    let mut command: Command = home.command();
    command.args(["tool", "call", &format!("acme/llm/{tool}"), &input.to_string(), "--json"]);
    if let Some(address) = address {
        command.env("LOCAL_LLM_URL", address);
    }
    let output = command.output().unwrap();
    let parsed =
        |text: &[u8]| -> Value { serde_json::from_slice(text).unwrap_or_else(|_| panic!("{output:?}")) };
    if output.status.success() {
        Ok(parsed(&output.stdout)["output"].take())
    } else {
        Err(parsed(&output.stderr)["error"].take())
    }
}

#[track_caller]
fn refused(answer: Result<Value, Value>, words: &str) {
    let error = answer.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
}

#[test]
fn a_model_is_asked_and_its_tokens_are_counted() {
    let (home, server) = (home(1_000), model());
    let address = server.url("/v1");
    assert_eq!(ask(&home, "available", &json!({}), Some(&address)).unwrap(), true);
    let answer =
        ask(&home, "complete", &json!({ "system": "be kind", "prompt": "hi" }), Some(&address)).unwrap();
    assert_eq!(answer, json!({ "text": "\"scripted\": \"hi\"", "input_tokens": 7, "output_tokens": 5 }));
    let record = home.last_record();
    assert_eq!((&record["tokens"], &record["outcome"]), (&json!(12), &json!("ok")));
    assert!(server.heads()[0].starts_with("POST /v1/chat/completions "), "{:?}", server.heads());
}

#[test]
fn without_a_grant_or_a_model_nothing_is_sent() {
    let server = model();
    let address = server.url("/v1");
    let home = home(1_000);
    home.run(["grant", "revoke", "acme/llm", "llm"]).json();
    let denied = ask(&home, "complete", &json!({ "prompt": "hi" }), Some(&address)).unwrap_err();
    assert_eq!(denied["code"], "permission-denied");
    home.paste(denied["hint"].as_str().unwrap()).json();
    assert_eq!(ask(&home, "available", &json!({}), None).unwrap(), false);
    refused(ask(&home, "complete", &json!({ "prompt": "hi" }), None), "no language model");
    std::fs::remove_file(home.data().join("config.yaml")).unwrap();
    refused(ask(&home, "complete", &json!({ "prompt": "hi" }), Some(&address)), "no language model");
    assert!(server.heads().is_empty());
}

#[test]
fn a_quota_ends_the_questions_of_a_call() {
    let (home, server) = (home(100), model());
    let address = server.url("/v1");
    refused(ask(&home, "complete", &json!({ "bytes": 3_000 }), Some(&address)), "100 tokens are left");
    assert!(server.heads().is_empty());
    refused(
        ask(&home, "complete", &json!({ "prompt": "hi", "times": 50 }), Some(&address)),
        "tokens are left",
    );
    assert!(server.heads().len() < 15, "{}", server.heads().len());
}

#[test]
fn a_model_that_fails_is_an_error_that_the_skill_can_handle() {
    let home = home(1_000);
    let prompt = json!({ "prompt": "hi" });
    let broken = Server::answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    refused(ask(&home, "complete", &prompt, Some(&broken.url("/v1"))), "does not answer");
    let garbled = Server::saying_json("{\"choices\": 3}");
    refused(ask(&home, "complete", &prompt, Some(&garbled.url("/v1"))), "not understood");
    let empty = Server::saying_json("{\"choices\": []}");
    refused(ask(&home, "complete", &prompt, Some(&empty.url("/v1"))), "not understood");
    refused(ask(&home, "complete", &prompt, Some("http://127.0.0.1:1/v1")), "does not answer");
    let error = ask(&home, "complete", &prompt, Some("ftp://127.0.0.1/")).unwrap_err();
    assert_eq!(error["code"], "invalid-config", "{error}");
}

#[test]
fn an_isolated_worker_has_the_host_ask() {
    let (home, server) = (home(1_000), model());
    let config = format!("{CONFIG}execution: {{ sandbox: {{ level: isolated }} }}\n");
    std::fs::write(home.data().join("config.yaml"), config).unwrap();
    let address = server.url("/v1");
    let answer = ask(&home, "complete", &json!({ "prompt": "hi" }), Some(&address)).unwrap();
    assert_eq!(answer["text"], "\"scripted\": \"hi\"");
    assert_eq!(home.last_record()["tokens"], 12);
    refused(ask(&home, "complete", &json!({ "bytes": 6_000 }), Some(&address)), "tokens are left");
}
