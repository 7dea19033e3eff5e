//! Agents over plain HTTP: what they answer, what they call for whom, and what is refused.

use openclaw_agent::session::LaneLimits;
use openclaw_runtime::consent::SecurityLevel;
use openclaw_tests::http::Request;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::hosted::{Hosted, PATIENCE, Plan, chat, says, says_in};
use crate::{compute, home};

fn files() -> Skill {
    Skill::guest("files").tree("$workspace", "write")
}

/// The data of a stream's events, with the names that they have.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let mut name = String::new();
        let mut data = Value::Null;
        for line in event.lines() {
            if let Some(named) = line.strip_prefix("event: ") {
                named.clone_into(&mut name);
            } else if let Some(line) = line.strip_prefix("data: ") {
                data = serde_json::from_str(line).unwrap_or_else(|_| line.into());
            }
        }
        (name, data)
    };
    text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':')).map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_answers_calls_tools_and_remembers_the_conversation() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let first = hosted.chat(&token, &says("hello")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let first = first.value();
    assert_eq!(first["object"], "chat.completion");
    assert_eq!(first["model"], "coder");
    let choice = &first["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["reason"]), (&json!("stop"), &json!("done")));
    assert_eq!(choice["message"]["content"], "told 2 messages, the last: hello");
    assert!(first["usage"]["total_tokens"].as_u64().unwrap() > 0);
    let conversation = first["conversation_id"].as_str().unwrap();
    assert_eq!(conversation.len(), 32);

    let call = says_in(conversation, r#"call acme__compute__echo {"text":"there"}"#);
    let second = hosted.chat(&token, &call).await.value();
    let words = second["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(words.contains("told 6 messages") && words.contains("there"), "{words}");
    let steps = second["steps"].as_array().unwrap();
    assert_eq!(steps[0]["type"], "call-begun");
    assert_eq!((&steps[1]["type"], &steps[1]["outcome"]), (&json!("call-ended"), &json!("ok")));

    let whole = json!({
        "conversation_id": conversation,
        "messages": [
            { "role": "user", "content": "hello" },
            { "role": "assistant", "content": "something else than it said" },
            { "role": "user", "content": "again" },
        ],
    });
    let third = hosted.chat(&token, &whole).await.value();
    assert_eq!(third["earlier_messages"], 2);
    let words = third["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(words.contains("told 8 messages"), "what was said before is not said again: {words}");

    let turns = hosted.metric("openclaw_agent_turns_total{agent=\"coder\",outcome=\"done\"}").await;
    assert!(turns.ends_with(" 3"), "{turns}");
    let called = hosted.metric("openclaw_skill_executions_total{skill=\"acme/compute\"}").await;
    assert!(called.ends_with(" 1"), "{called}");
    assert_eq!(hosted.send(Request::get("/health")).await.value()["agents"], 1);
    let record = hosted.home.last_record();
    assert_eq!((&record["caller"], &record["outcome"]), (&json!("ada"), &json!("ok")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed_as_it_is_said_with_its_calls() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let mut body = says(r#"call acme__compute__echo {"text":"there"}"#);
    body["stream"] = true.into();
    body["stream_options"] = json!({ "include_usage": true });
    let answer = hosted.chat(&token, &body).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let events = events(&answer.text());
    let words: String =
        events.iter().filter_map(|(_, data)| data["choices"][0]["delta"]["content"].as_str()).collect();
    assert!(words.starts_with("told 4 messages") && words.contains("there"), "{words}");
    let steps: Vec<_> = events.iter().filter(|(name, _)| name == "tool").collect();
    assert_eq!(steps[0].1["step"]["type"], "call-begun");
    assert!(steps.iter().any(|(_, data)| data["step"]["outcome"] == "ok"), "{steps:?}");
    let [.., last, totals, done] = &events[..] else { panic!("{events:?}") };
    assert_eq!(last.1["choices"][0]["finish_reason"], "stop");
    assert!(totals.1["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    assert_eq!(done.1, "[DONE]");
    let ids: std::collections::BTreeSet<_> =
        events.iter().filter_map(|(_, data)| data["id"].as_str()).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_the_token_may_not_call_is_not_there_for_it() {
    let home = home();
    home.install(&Skill::tiny("tiny"));
    let hosted = Hosted::start(home, Plan { scope: &["acme/compute", "acme/tiny"], ..Plan::default() }).await;
    let narrow = hosted.token("narrow", &["acme/tiny"]);
    let wide = hosted.token("wide", &["*"]);
    let outcome = async |token: &str, call: &str| {
        let answer = hosted.chat(token, &says(call)).await.value();
        answer["steps"].as_array().unwrap().last().unwrap()["outcome"].clone()
    };
    let echo = r#"call acme__compute__echo {"text":"x"}"#;
    assert_eq!(outcome(&narrow, echo).await, "unknown-tool");
    assert_eq!(outcome(&narrow, "call acme__tiny__run {}").await, "ok");
    assert_eq!(outcome(&wide, echo).await, "ok");
    assert_eq!(outcome(&narrow, echo).await, "unknown-tool", "what another one may is not kept for it");
    let offered =
        hosted.model.requests().iter().map(|asked| asked.body["tools"].to_string()).collect::<Vec<_>>();
    assert!(
        !offered[0].contains("acme__compute__echo") && offered[0].contains("acme__tiny__run"),
        "{}",
        offered[0]
    );
    let none = hosted.token("metrics", &[]);
    assert_eq!(hosted.chat(&none, &says("hello")).await.refused(403), "not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_never_reaches_the_conversation_of_another() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let (ada, eve) = (hosted.token("ada", &["*"]), hosted.token("eve", &["*"]));
    hosted.chat(&ada, &says_in("shared", "the secret is 42")).await.ok();
    let told = hosted.chat(&eve, &says_in("shared", "what is it?")).await.value();
    assert_eq!(told["choices"][0]["message"]["content"], "told 2 messages, the last: what is it?");
    let known = hosted.chat(&ada, &says_in("shared", "go on")).await.value();
    assert_eq!(known["choices"][0]["message"]["content"], "told 4 messages, the last: go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_needs_a_yes_is_not_made_where_nobody_can_be_asked() {
    let home = Home::with(&files());
    let hosted = Hosted::start(home, Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let write = r#"call acme__files__write {"path":"/workspace/x","text":"y"}"#;
    let answer = hosted.chat(&token, &says(write)).await.value();
    assert_eq!(answer["steps"].as_array().unwrap().last().unwrap()["outcome"], "not-approved", "{answer}");
    assert!(!hosted.home.workspace().join("x").exists());
    let home = hosted.stopped().await;
    let plan = Plan { level: SecurityLevel::Permissive, ..Plan::default() };
    let hosted = Hosted::start(home, plan).await;
    let token = hosted.token("eve", &["*"]);
    hosted.chat(&token, &says(write)).await.ok();
    assert_eq!(std::fs::read_to_string(hosted.home.workspace().join("x")).unwrap(), "y");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_told_by_status_and_code() {
    let plan = Plan { adapt: |agent| agent.limits.steps = 1, ..Plan::default() };
    let hosted = Hosted::start(home(), plan).await;
    let token = hosted.token("ada", &["*"]);
    let refused = async |body: Value, status: u16| hosted.chat(&token, &body).await.refused(status);
    assert_eq!(refused(says("fail"), 502).await, "model-unavailable");
    let mut unknown = says("x");
    unknown["model"] = "nobody".into();
    assert_eq!(refused(unknown, 404).await, "unknown-agent");
    assert_eq!(refused(says(" "), 400).await, "invalid-message");
    assert_eq!(refused(says(&"x".repeat(300 << 10)), 400).await, "invalid-message");
    assert_eq!(refused(says_in("", "x"), 400).await, "invalid-conversation");
    let mut hot = says("x");
    hot["temperature"] = 1.into();
    assert_eq!(refused(hot, 400).await, "unsupported-parameter");
    assert_eq!(hosted.send(chat(&says("x"))).await.refused(401), "unauthorized");
    let limited = hosted.chat(&token, &says(r#"call acme__compute__echo {"text":"x"}"#)).await.value();
    let choice = &limited["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["reason"]), (&json!("length"), &json!("steps")));
    let mut streamed = says("fail");
    streamed["stream"] = true.into();
    let answer = hosted.chat(&token, &streamed).await;
    if answer.status == 200 {
        let (name, data) = events(&answer.text()).into_iter().rev().nth(1).unwrap();
        assert_eq!((name.as_str(), &data["error"]["code"]), ("error", &json!("model-unavailable")));
    } else {
        assert_eq!(answer.refused(502), "model-unavailable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_conversation_says_so_and_when_to_come_again() {
    let plan = Plan { lanes: LaneLimits { per_session: 1, sessions: 8 }, ..Plan::default() };
    let hosted = Hosted::start(home(), plan).await;
    let token = hosted.token("ada", &["*"]);
    let sleep = says_in("one", r#"call acme__compute__sleep {"milliseconds":3000}"#);
    let first = hosted.chat(&token, &sleep);
    let second = async {
        hosted.wait_until("it is at work", async || hosted.agents.at_work() == 1).await;
        for stream in [false, true] {
            let mut body = says_in("one", "and now?");
            body["stream"] = stream.into();
            let busy = hosted.chat(&token, &body).await;
            assert_eq!(busy.header("retry-after"), Some("1"));
            assert_eq!(busy.refused(429), "busy");
        }
        hosted.chat(&token, &says_in("two", "hello")).await.ok();
    };
    let (first, ()) = tokio::join!(first, second);
    first.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_turn() {
    use std::io::Write as _;
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let body = says_in("one", r#"call acme__compute__sleep {"milliseconds":59000}"#).to_string();
    let mut stream = std::net::TcpStream::connect(hosted.address).unwrap();
    write!(
        stream,
        "POST /api/v1/chat HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        hosted.address,
        body.len()
    )
    .unwrap();
    hosted.wait_until("it is at work", async || hosted.agents.at_work() == 1).await;
    drop(stream);
    hosted.wait_until("its turn has ended", async || hosted.agents.at_work() == 0).await;
    let turns = hosted.metric("openclaw_agent_turns_total{agent=\"coder\",outcome=\"cancelled\"}").await;
    assert!(turns.ends_with(" 1"), "{turns}");
    let on = hosted.chat(&token, &says_in("one", "go on")).await.value();
    assert!(on["choices"][0]["message"]["content"].as_str().unwrap().contains("go on"), "{on}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_what_it_began() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let sleep = says(r#"call acme__compute__sleep {"milliseconds":59000}"#);
    let revoking = async {
        hosted.wait_until("it is at work", async || hosted.agents.at_work() == 1).await;
        hosted.revoke("ada").await;
    };
    let both = async { tokio::join!(hosted.chat(&token, &sleep), revoking) };
    let (answer, ()) = tokio::time::timeout(PATIENCE, both).await.expect("it ends before the guest wakes up");
    assert_eq!(answer.refused(503), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_lets_turns_end_and_cuts_those_short_that_do_not() {
    let hosted = Hosted::start(Home::with(&compute()), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let stopping = async {
        hosted.wait_until("it is at work", async || hosted.agents.at_work() == 1).await;
        hosted.stop();
    };
    let sleep = |time: u32| says(&format!(r#"call acme__compute__sleep {{"milliseconds":{time}}}"#));
    let body = sleep(1500);
    let (answer, ()) = tokio::join!(hosted.chat(&token, &body), stopping);
    assert!(answer.value()["choices"][0]["message"]["content"].as_str().unwrap().contains("slept"));

    let home = hosted.stopped().await;
    let plan = Plan { drain: std::time::Duration::from_millis(200), ..Plan::default() };
    let hosted = Hosted::start(home, plan).await;
    let stopping = async {
        hosted.wait_until("it is at work", async || hosted.agents.at_work() == 1).await;
        hosted.stop();
    };
    let body = sleep(59_000);
    let both = async { tokio::join!(hosted.chat(&token, &body), stopping) };
    let (answer, ()) = tokio::time::timeout(PATIENCE, both).await.expect("it ends before the guest wakes up");
    assert_eq!(answer.refused(503), "cancelled");
    hosted.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_left_unanswered_is_answered_by_the_next_as_far_as_its_token_goes() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let (ada, agents) = (hosted.token("ada", &["acme/none"]), std::sync::Arc::clone(&hosted.agents));
    let home = hosted.stopped().await;
    // As a process leaves it that is killed: a message was taken, and not answered.
    let key = openclaw_agent::session::SessionKey {
        agent: "coder".into(),
        channel: "http".into(),
        peer: "ada".into(),
        conversation: "one".into(),
    };
    let session = agents.store().open(&key).await.unwrap();
    agents.store().receive(session, r#"call acme__compute__echo {"text":"x"}"#).await.unwrap();
    drop(agents);
    let hosted = Hosted::start(home, Plan::default()).await;
    let store = hosted.agents.store();
    hosted.wait_until("it is answered", async || store.unfinished("coder").await.unwrap().is_empty()).await;
    let told = hosted.chat(&ada, &says_in("one", "go on")).await.value();
    let words = told["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(words.contains("told 6 messages"), "{words}");
    let asked = hosted.model.requests();
    let results = asked[1].body["messages"].to_string();
    assert!(results.contains("there is no tool"), "the token may not call it: {results}");
}
