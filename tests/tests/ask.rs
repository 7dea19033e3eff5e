//! A skill that asks the person behind the session: what reaches them, what comes back, and that it is them who decide.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openclaw_package::text::hides;
use openclaw_runtime::Runtime;
use openclaw_runtime::capability::ask::{Reply, Respondent, SkillQuestion};
use openclaw_tests::embedded::{open, open_isolated, open_with_worker, tool_call};
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

/// Answers the same to everything, or never; remembers what they were asked.
#[derive(Debug)]
struct Scripted {
    reply: Option<Reply>,
    asked: Mutex<Vec<SkillQuestion>>,
    /// How many questions nobody waits for an answer to any more.
    given_up: Arc<Mutex<usize>>,
}

impl Scripted {
    fn new(reply: Option<Reply>) -> Arc<Self> {
        Arc::new(Self { reply, asked: Mutex::default(), given_up: Arc::default() })
    }

    fn saying(answer: &str) -> Arc<Self> {
        Self::new(Some(Reply::Answer(answer.to_owned())))
    }

    fn asked(&self) -> Vec<SkillQuestion> {
        self.asked.lock().unwrap().clone()
    }
}

/// Counts when it is dropped.
struct Waiting(Arc<Mutex<usize>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

#[async_trait]
impl Respondent for Scripted {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        self.asked.lock().unwrap().push(question.clone());
        match &self.reply {
            Some(reply) => reply.clone(),
            None => {
                let _waiting = Waiting(Arc::clone(&self.given_up));
                std::future::pending().await
            }
        }
    }
}

fn home() -> Home {
    Home::with(&Skill::guest("ask").ask())
}

fn levels(home: &Home) -> [(&'static str, Runtime); 2] {
    [("restricted", open(home, 4)), ("isolated", open_isolated(home, 4))]
}

/// Calls a tool of the guest; its result, or the code of the error, and how often it asked.
async fn call(
    runtime: &Runtime,
    home: &Home,
    tool: &str,
    input: Value,
    person: Option<&Arc<Scripted>>,
) -> (Value, u64) {
    let mut call = tool_call(home, &format!("ask/{tool}"), &input);
    call.respondent = person.map(|person| -> Arc<dyn Respondent> { Arc::<Scripted>::clone(person) });
    match runtime.dispatcher().call(call).await {
        Ok(result) => (serde_json::from_str(result.output.get()).unwrap(), result.report.questions),
        Err((error, report)) => (json!({ "code": error.code() }), report.questions),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_asked_and_the_skill_gets_their_answer() {
    let home = home();
    for (level, runtime) in levels(&home) {
        let ada = Scripted::saying("on Tuesday");
        assert_eq!(call(&runtime, &home, "available", json!({}), Some(&ada)).await, (json!(true), 0));
        let (answer, asked) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&ada)).await;
        assert_eq!((answer, asked), (json!({ "answer": "on Tuesday" }), 1), "{level}");
        let question = ada.asked().pop().unwrap();
        assert_eq!((question.skill.as_str(), question.text.as_str()), ("acme/ask", "When?"), "{level}");
        runtime.dispatcher().flush().unwrap();
        assert_eq!(home.last_record()["questions"], 1, "{level}");

        let choices = json!({ "text": "Which?", "choices": ["red", "blue"] });
        let answer = |said: &'static str| {
            let (runtime, home, choices) = (&runtime, &home, choices.clone());
            async move { call(runtime, home, "put", choices, Some(&Scripted::saying(said))).await.0 }
        };
        assert_eq!(answer("blue").await, json!({ "answer": "blue" }), "{level}");
        assert_eq!(answer("green").await, json!({ "error": "dismissed" }), "{level}: none of the choices");
        let dismisses = Scripted::new(Some(Reply::Dismissed));
        let (answer, _) = call(&runtime, &home, "put", choices, Some(&dismisses)).await;
        assert_eq!(answer, json!({ "error": "dismissed" }), "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_was_not_read_before_its_call_ended_is_put_to_nobody() {
    let home = home();
    let runtime = open_with_worker(&home, 1, env!("CARGO_BIN_EXE_taken-over").into(), "asks-late");
    let texts = |person: &Scripted| -> Vec<String> {
        person.asked().into_iter().map(|question| question.text).collect()
    };
    for (own, asked) in [("of call 0", 1), ("of call 2", 1), ("of call 4", 1)] {
        let person = Scripted::saying("yes");
        let (_, questions) = call(&runtime, &home, "put", json!({ "text": "?" }), Some(&person)).await;
        assert_eq!((texts(&person), questions), (vec![own.to_owned()], asked));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_be_asked_the_skill_is_told() {
    let home = home();
    for (level, runtime) in levels(&home) {
        assert_eq!(call(&runtime, &home, "available", json!({}), None).await.0, false, "{level}");
        let (answer, asked) = call(&runtime, &home, "put", json!({ "text": "When?" }), None).await;
        assert_eq!((answer, asked), (json!({ "error": "nobody" }), 0), "{level}");
        let gone = Scripted::new(Some(Reply::Nobody));
        let (answer, _) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&gone)).await;
        assert_eq!(answer, json!({ "error": "nobody" }), "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_grant_nobody_is_asked_and_the_denial_says_how_to_grant() {
    let home = home();
    home.run(["grant", "revoke", "acme/ask", "ask"]).json();
    for (level, runtime) in levels(&home) {
        let ada = Scripted::saying("yes");
        assert_eq!(call(&runtime, &home, "available", json!({}), Some(&ada)).await.0, false, "{level}");
        let (answer, _) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&ada)).await;
        assert_eq!((answer, ada.asked().len()), (json!({ "code": "permission-denied" }), 0), "{level}");
        runtime.dispatcher().flush().unwrap();
        let record = home.last_record();
        let denial = &record["denials"][0];
        assert_eq!((&denial["capability"], &denial["reason"]), (&json!("ask"), &json!("not-granted")));
        assert_eq!(denial["hint"], "openclaw grant allow acme/ask ask", "{level}: {record}");
        assert!(record.get("questions").is_none(), "{record}");
    }
    let denied = home.call("ask/put", &json!({ "text": "When?" })).refused("permission-denied");
    home.paste(denied.hint()).json();
    assert_eq!(home.call("ask/put", &json!({ "text": "When?" })).output(), json!({ "error": "nobody" }));
    home.run(["grant", "deny", "acme/ask", "ask"]).json();
    let denied = home.call("ask/put", &json!({ "text": "When?" }));
    denied.refused("permission-denied");
    denied.was_denied("denied-by-owner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_without_end_is_heard_as_often_as_a_call_may_ask() {
    let home = home();
    home.install(&Skill::guest("ask").named("stubborn").ask().limit("timeout", "\"2s\""));
    for (level, runtime) in levels(&home) {
        let ada = Scripted::saying("no");
        let (answers, asked) = call(&runtime, &home, "flood", json!({}), Some(&ada)).await;
        assert_eq!((asked, ada.asked().len()), (8, 8), "{level}");
        let answers = answers.as_array().unwrap();
        assert_eq!((answers.len(), &answers[8]), (20, &json!({ "error": "too-many" })), "{level}");
        // The next call may ask again, also of the same worker.
        let (_, asked) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&ada)).await;
        assert_eq!(asked, 1, "{level}");

        let eve = Scripted::saying("no");
        let mut endless = tool_call(&home, "stubborn/stubborn", &json!({}));
        endless.respondent = Some(Arc::<Scripted>::clone(&eve));
        let (error, report) = runtime.dispatcher().call(endless).await.unwrap_err();
        assert!(matches!(error.code(), "timeout" | "fuel-exhausted"), "{level}: {error}");
        assert_eq!((report.questions, eve.asked().len()), (8, 8), "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_question_is_not_put() {
    let home = home();
    for (level, runtime) in levels(&home) {
        let ada = Scripted::saying("yes");
        let (answers, asked) = call(&runtime, &home, "shapeless", json!({}), Some(&ada)).await;
        let answers = answers.as_array().unwrap();
        assert_eq!((answers.len(), asked, ada.asked().len()), (8, 0, 0), "{level}");
        for answer in answers {
            assert!(answer["error"].as_str().unwrap().starts_with("unavailable: "), "{level}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_deceive_are_shown_as_what_they_are() {
    let home = home();
    for (level, runtime) in levels(&home) {
        let ada = Scripted::saying("delete\\u{202e}peek");
        let (answers, _) = call(&runtime, &home, "forge", json!({}), Some(&ada)).await;
        assert_eq!(answers[0], json!({ "answer": "delete\u{202e}peek" }), "{level}: its own words");
        assert_eq!(answers[1], json!({ "error": "dismissed" }), "{level}: they look the same");
        let [question] = ada.asked().try_into().unwrap();
        let hidden = |text: &str| text.chars().any(|character| hides(character) && character != '\n');
        assert!(!hidden(&question.text) && question.text.contains("\\u{1b}[2J"), "{question:?}");
        assert!(
            !question.choices.iter().any(|choice| hidden(choice) || choice.contains('\n')),
            "{question:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_and_the_end_of_the_call_end_the_wait() {
    let home = Home::with(&Skill::guest("ask").ask().limit("timeout", "\"3s\""));
    home.install(&Skill::guest("ask").named("patient").ask().limit("timeout", "\"120s\""));
    for (level, runtime) in levels(&home) {
        let silent = Scripted::new(None);
        let (error, asked) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&silent)).await;
        assert_eq!((error, asked), (json!({ "code": "timeout" }), 1), "{level}");
        assert_eq!(*silent.given_up.lock().unwrap(), 1, "{level}: nobody waits for them");

        let silent = Scripted::new(None);
        let mut waiting = tool_call(&home, "patient/put", &json!({ "text": "When?" }));
        waiting.respondent = Some(Arc::<Scripted>::clone(&silent));
        let running = runtime.dispatcher().spawn(waiting);
        while silent.asked().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        running.cancel().cancel();
        let (error, _) = running.await.unwrap_err();
        assert_eq!(error.code(), "cancelled", "{level}");
        assert_eq!(*silent.given_up.lock().unwrap(), 1, "{level}: nobody waits for them");
        // The next call is not answered with what was asked before.
        let ada = Scripted::saying("later");
        let (answer, _) = call(&runtime, &home, "put", json!({ "text": "When?" }), Some(&ada)).await;
        assert_eq!(answer, json!({ "answer": "later" }), "{level}");
    }
}

/// Runs a command of the home on a terminal, where these lines are typed; what the terminal showed.
fn on_a_terminal(home: &Home, command: &str, typed: &str) -> String {
    let line = format!("{} {command}", openclaw_tests::home::binary().display());
    let mut script = home.environment(Command::new("script"));
    // `-e` hands on the exit code, and no file is kept.
    script.args(["-qec", &line, "/dev/null"]).env("TERM", "dumb").env("SHELL", "/bin/sh");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().expect("`script` of util-linux is there");
    child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert!(output.status.success(), "{shown}");
    shown
}

#[test]
fn whoever_sits_at_a_terminal_is_asked_there() {
    let home = home();
    for level in ["restricted", "isolated"] {
        let config = format!("execution: {{ sandbox: {{ level: {level} }} }}\n");
        std::fs::write(home.data().join("config.yaml"), config).unwrap();
        let choice = r#"tool call acme/ask/put '{"text":"Which?\nerror: forged","choices":["red","blue"]}'"#;
        let shown = on_a_terminal(&home, choice, "7\n2\n");
        assert!(
            shown.contains("acme/ask asks:") && shown.contains("    Which?\n    error: forged"),
            "{shown}"
        );
        assert!(shown.contains("  2) blue") && shown.contains("none of the choices"), "{shown}");
        assert!(shown.contains("\"answer\": \"blue\""), "{shown}");
        let free = r#"tool call acme/ask/put '{"text":"When?"}'"#;
        assert!(on_a_terminal(&home, free, "on Tuesday\n").contains("\"answer\": \"on Tuesday\""));
        assert!(on_a_terminal(&home, free, "\n").contains("\"error\": \"dismissed\""));
        // Programs that read JSON are not asked, wherever they run.
        assert!(on_a_terminal(&home, &format!("{free} --json"), "").contains("\"error\": \"nobody\""));
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let home = home();
    assert_eq!(home.call("ask/available", &json!({})).output(), false);
    assert_eq!(home.call("ask/put", &json!({ "text": "When?" })).output(), json!({ "error": "nobody" }));
    let plain = home.plain(["tool", "call", "acme/ask/put", r#"{"text":"When?"}"#]);
    assert!(plain.success().contains("\"error\": \"nobody\""));
}

#[test]
fn an_owner_reads_what_is_asked_for_and_answers_for_it_alone() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("ask").ask());
    let permission = || {
        let shown = home.run(["grant", "show", "acme/ask"]).json();
        let skill = if shown.is_array() { shown[0].clone() } else { shown };
        skill["requests"][0].clone()
    };
    let asked = permission();
    assert_eq!((&asked["permission"], &asked["status"]), (&json!("ask"), &json!("not-granted")), "{asked}");
    assert_eq!(asked["grant"], "openclaw grant allow acme/ask ask");
    assert_eq!(asked["description"], "put questions to you while it works, and read what you answer");
    home.paste(asked["grant"].as_str().unwrap()).json();
    assert_eq!(permission()["status"], "granted");
    let refused = home.run(["grant", "allow", "acme/ask", "ask", "everybody"]).error();
    assert!(refused.message.contains("no scope"), "{}", refused.message);
    home.run(["grant", "deny", "acme/ask", "ask"]).json();
    assert_eq!(permission()["status"], "denied");
    assert!(home.plain(["skill", "inspect", "acme/ask"]).success().contains("put questions to you"));
}

#[test]
fn a_component_that_asks_without_saying_so_is_not_packed() {
    let home = Home::new();
    let skill = Skill::guest("ask");
    let refused = home.try_pack(&skill, &home.path("silent.tar.gz")).refused("undeclared-import");
    assert!(refused.hint().contains("[permission.ask]"), "{}", refused.hint());
}
