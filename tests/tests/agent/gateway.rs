//! Agents of the gateway command: spoken with, replaced, and gone on with after the process was killed.

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::http::{Answer, Request};
use openclaw_tests::{Gateway, Home};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::scene::{Model, call, configure, costly, home};

/// What the owner says to an agent in a conversation.
fn saying(gateway: &Gateway<'_>, agent: &str, conversation: &str, text: &str) -> Request {
    let messages = json!([{ "role": "user", "content": text }]);
    let body = json!({ "model": agent, "conversation_id": conversation, "messages": messages });
    let request = Request {
        method: "POST".to_owned(),
        target: "/api/v1/chat".to_owned(),
        body: body.to_string().into_bytes(),
        ..Request::default()
    };
    request.with("content-type", "application/json").by(gateway.token())
}

fn say(gateway: &Gateway<'_>, agent: &str, conversation: &str, text: &str) -> Answer {
    gateway.send(&saying(gateway, agent, conversation, text))
}

fn words(answer: &Answer) -> Value {
    answer.value()["choices"][0]["message"]["content"].clone()
}

/// Two agents, the second one with what is named.
fn configure_two(home: &Home, second: &str) {
    let workspace = home.workspace();
    let one = |id: &str| format!("{{ id: {id}, model: scripted, workspace: {} }}", workspace.display());
    let text = format!("agents: [{}, {}]\n", one("coder"), one(second));
    std::fs::write(home.data().join("config.yaml"), text).unwrap();
}

#[test]
fn each_agent_answers_by_its_name_and_what_its_model_did_is_counted() {
    let home = home();
    configure_two(&home, "reader");
    let replies = vec![costly("I code.", 1000, 10), Reply::error(503, "{}"), costly("I read.", 500, 5)];
    let model = Model::replying(Format::OpenAi, replies);
    model.serve(&home);
    let gateway = Gateway::start(&home);
    assert_eq!(gateway.get("/health").value()["agents"], 2);
    assert_eq!(words(&say(&gateway, "coder", "a", "who are you?")), "I code.");
    assert_eq!(words(&say(&gateway, "reader", "a", "who are you?")), "I read.");
    assert_eq!(say(&gateway, "writer", "a", "who are you?").refused(404), "unknown-agent");
    let metrics = gateway.get("/metrics").text();
    for line in [
        "openclaw_agent_turns_total{agent=\"coder\",outcome=\"done\"} 1",
        "openclaw_agent_turns_total{agent=\"reader\",outcome=\"done\"} 1",
        "openclaw_model_questions_total{model=\"scripted\",outcome=\"answered\"} 2",
        "openclaw_model_questions_total{model=\"scripted\",outcome=\"failed\"} 1",
        "openclaw_model_retries_total{model=\"scripted\"} 1",
        "openclaw_model_tokens_total{model=\"scripted\",kind=\"input\"} 1500",
        "openclaw_model_tokens_total{model=\"scripted\",kind=\"output\"} 15",
        "openclaw_model_cost_dollars_total{model=\"scripted\"} 0.00153",
        "openclaw_model_spared{model=\"scripted\"} 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in {metrics}");
    }
}

#[test]
fn a_reload_replaces_agents_and_keeps_what_was_said_and_counted() {
    let home = home();
    configure_two(&home, "reader");
    let answers = ["One.", "Two.", "Three."].map(|text| costly(text, 10, 1));
    let model = Model::replying(Format::OpenAi, answers.into());
    model.serve(&home);
    let gateway = Gateway::start(&home);
    say(&gateway, "coder", "long", "the first").ok();
    configure_two(&home, "writer");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is taken", || gateway.log().contains("the configuration was reloaded"));
    assert_eq!(say(&gateway, "reader", "a", "hello").refused(404), "unknown-agent");
    assert_eq!(words(&say(&gateway, "writer", "a", "hello")), "Two.");
    assert_eq!(words(&say(&gateway, "coder", "long", "the second")), "Three.");
    assert!(model.asked()[2].to_string().contains("the first"), "{}", model.asked()[2]);
    let metrics = gateway.get("/metrics").text();
    let line = "openclaw_model_questions_total{model=\"scripted\",outcome=\"answered\"} 3";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn what_a_killed_gateway_left_is_answered_by_the_next_one() {
    let home = home();
    let replies = vec![
        call("acme__compute__sleep", r#"{"milliseconds":60000}"#),
        Reply::text("It was cut short."),
        Reply::text("As I said."),
    ];
    let model = Model::replying(Format::OpenAi, replies);
    model.serve(&home);
    let mut gateway = Gateway::start(&home);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let sent = saying(&gateway, "coder", "long", "sleep").send(gateway.address());
            assert!(sent.is_err(), "nobody answers any more");
        });
        gateway.wait_until("the call runs", || {
            gateway.get("/metrics").text().contains("openclaw_running_calls 1")
        });
        gateway.signal(Signal::KILL);
        waiting.join().unwrap();
    });
    gateway.ended();
    let gateway = Gateway::start(&home);
    gateway.wait_until("it is answered", || {
        let metrics = gateway.get("/metrics").text();
        metrics.contains("openclaw_agent_turns_total{agent=\"coder\",outcome=\"done\"} 1")
    });
    assert!(model.asked()[1].to_string().contains("Nobody knows what it did"), "{}", model.asked()[1]);
    assert_eq!(words(&say(&gateway, "coder", "long", "what came of it?")), "As I said.");
    assert!(model.asked()[2].to_string().contains("It was cut short."), "{}", model.asked()[2]);
    let metrics = gateway.get("/metrics").text();
    assert!(!metrics.contains("acme/compute"), "the call was not made again: {metrics}");
}

#[test]
fn a_cost_that_is_limited_needs_a_price() {
    let home = home();
    let model = Model::replying(Format::OpenAi, Vec::new());
    let free = model.yaml().replace(", cost: { input: 1.0, output: 2.0 }", "");
    std::fs::write(home.data().join("models.yaml"), free).unwrap();
    configure(&home, ", limits: { cost: 0.5 }");
    let refused = home.run(["agent", "run", "hello"]).refused("invalid-config");
    let told = "the agent coder: its cost is limited, and the price of the model scripted is not known";
    assert!(refused.message.contains(told) && refused.hint().contains("cost in models.yaml"), "{refused:?}");
    configure(&home, "");
    home.run(["agent", "run", "hello", "--max-cost", "0.5"]).refused("invalid-config");
    assert!(model.asked().is_empty());
    configure(&home, ", limits: { cost: 0.5 }");
    let Err(said) = Gateway::try_start(&home, &[]) else { panic!("it starts") };
    assert!(said.contains("the price of the model scripted is not known"), "{said}");
}
