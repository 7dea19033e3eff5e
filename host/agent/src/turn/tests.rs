use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_package::name::SkillId;
use openclaw_runtime::capability::grant::{Effects, Missing};
use openclaw_runtime::consent::SecurityLevel;
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::sandbox::Fault;
use openclaw_runtime::{CallError, Report, ToolResult};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::agent::Limits;
use crate::agents::{Agents, SayError};
use crate::human::{Approval, Proposal, SkillQuestion};
use crate::model::{CallResult, Model, ModelCall, Stop, Usage};
use crate::session::{LaneLimits, SessionKey, SqliteStore};
use crate::toolbox::{Call, Explained, Tool, Toolbox};
use crate::trigger::{Commands, Paused};

mod around;

/// What a model was asked: the system prompt, the conversation, the names of the tools.
type Asked = (String, Vec<Message>, Vec<String>);

/// A model that says what a test wrote, and remembers what it was asked.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Result<Answer, ModelError>>>,
    asked: Mutex<Vec<Asked>>,
    /// What it says when the script is over; else it fails.
    forever: Option<Answer>,
    context: u64,
    /// Whether it shortens what it is asked to without a word of the script.
    shortens: bool,
}

impl Script {
    fn new(answers: Vec<Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().map(Ok).collect());
        Arc::new(Self { answers, asked: Mutex::default(), forever: None, context: 100_000, shortens: false })
    }

    /// The results that it was told last.
    fn told(&self) -> Vec<CallResult> {
        let asked = self.asked.lock().unwrap();
        match asked.last().and_then(|(_, messages, _)| messages.last().cloned()) {
            Some(Message::Tool { results }) => results,
            other => panic!("{other:?}"),
        }
    }
}

#[async_trait]
impl Model for Script {
    async fn ask(&self, question: &Question<'_>, listener: &dyn Listener) -> Result<Answer, ModelError> {
        let tools = question.tools.iter().map(|tool| tool.name.clone()).collect();
        self.asked.lock().unwrap().push((question.system.to_owned(), question.messages.to_vec(), tools));
        if self.shortens && question.system.starts_with("You shorten") {
            return Ok(words("in short"));
        }
        let next = self.answers.lock().unwrap().pop_front();
        let next = next.or_else(|| self.forever.clone().map(Ok));
        let answer = next.unwrap_or_else(|| Err(ModelError::Rejected("the script is over".into())))?;
        listener.text(&answer.text);
        Ok(answer)
    }

    fn context(&self) -> u64 {
        self.context
    }

    fn calls_tools(&self) -> bool {
        true
    }
}

fn words(text: &str) -> Answer {
    Answer { text: text.into(), stop: Stop::Done, ..Answer::default() }
}

fn calling(calls: &[(&str, &str)]) -> Answer {
    let call = |(n, (tool, arguments)): (usize, &(&str, &str))| ModelCall {
        id: format!("c{n}"),
        tool: (*tool).into(),
        arguments: (*arguments).into(),
    };
    let usage = Usage { input: 10, cached: 0, output: 5 };
    Answer { calls: calls.iter().enumerate().map(call).collect(), usage, cost: 3, ..Answer::default() }
}

/// Tools that do what their name says, and remember their calls.
#[derive(Debug)]
struct Bench {
    tools: Arc<[Tool]>,
    commands: Mutex<Commands>,
    called: Mutex<Vec<(String, String)>>,
}

fn tool(id: &str, writes: bool) -> Tool {
    Tool {
        id: id.parse().unwrap(),
        package: "sha256:1".into(),
        description: "Does what it is called.".into(),
        schema: json!({ "type": "object" }),
        effects: Effects { writes, reaches: false },
    }
}

impl Bench {
    fn new() -> Arc<Self> {
        let reads = ["acme/t/echo", "acme/t/huge", "acme/t/fail", "acme/t/hang", "acme/t/leak"];
        let tools = reads.map(|id| tool(id, false)).into_iter().chain([tool("acme/t/write", true)]);
        Arc::new(Self { tools: tools.collect(), commands: Mutex::default(), called: Mutex::default() })
    }

    fn called(&self) -> Vec<String> {
        self.called.lock().unwrap().iter().map(|(tool, _)| tool.clone()).collect()
    }
}

#[async_trait]
impl Toolbox for Bench {
    fn tools(&self) -> Arc<[Tool]> {
        Arc::clone(&self.tools)
    }

    async fn call(&self, call: Call, cancel: &Cancel) -> CallOutcome {
        let name = call.tool.tool().to_string();
        self.called.lock().unwrap().push((name.clone(), call.input.clone()));
        let output = match name.as_str() {
            "huge" => json!("ä".repeat(50 << 20)),
            "leak" => json!(format!("token: {}", "ghp_0123456789abcdefghijABCDEFGHIJ012345")),
            "fail" => return Err((CallError::Failed("it broke".into()), Report::default())),
            "hang" => {
                cancel.given().await;
                return Err((Fault::Cancelled.into(), Report::default()));
            }
            _ => serde_json::from_str::<Value>(&call.input).unwrap(),
        };
        let output = RawValue::from_string(output.to_string()).unwrap();
        Ok(ToolResult { output, report: Report::default() })
    }

    fn commands(&self) -> Commands {
        self.commands.lock().unwrap().clone()
    }

    fn explain(&self, error: &CallError) -> Explained {
        Explained { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() }
    }
}

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<Event>>);

impl Watcher for Seen {
    fn saw(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Says the same to everything that it is asked.
#[derive(Debug)]
struct Says(Approval, Mutex<Vec<String>>);

#[async_trait]
impl Human for Says {
    async fn approve(&self, proposal: &Proposal) -> Approval {
        self.1.lock().unwrap().push(format!("{} {}", proposal.tool, proposal.input));
        self.0
    }

    async fn consent(&self, _: &SkillId, _: &[Missing]) -> Vec<(usize, bool)> {
        Vec::new()
    }

    async fn answer(&self, _: &SkillQuestion) -> Option<String> {
        None
    }
}

/// A host with one agent.
struct Host {
    agents: Arc<Agents>,
    model: Arc<Script>,
    bench: Arc<Bench>,
    seen: Arc<Seen>,
    party: Party,
    _dir: Arc<tempfile::TempDir>,
}

fn key() -> SessionKey {
    let part = |text: &str| text.to_owned();
    SessionKey { agent: part("coder"), channel: part("chat"), peer: part("ada"), conversation: part("1") }
}

impl Host {
    fn new(model: Arc<Script>) -> Self {
        Self::with(model, Arc::new(tempfile::tempdir().unwrap()), |_| {})
    }

    fn with(model: Arc<Script>, dir: Arc<tempfile::TempDir>, adapt: impl FnOnce(&mut Agent)) -> Self {
        let store = Arc::new(SqliteStore::open(&dir.path().join("sessions.db")).unwrap());
        let (bench, seen) = (Bench::new(), Arc::new(Seen::default()));
        let mut agent = Agent::new(
            "coder".into(),
            "You code.".into(),
            Arc::<Script>::clone(&model),
            Arc::<Bench>::clone(&bench),
        );
        adapt(&mut agent);
        let agents = Arc::new(Agents::new(store, LaneLimits::default()));
        agents.set(vec![agent]);
        let party = Party {
            watcher: Arc::<Seen>::clone(&seen),
            human: None,
            cancel: Cancel::default(),
            remembers: true,
        };
        Self { agents, model, bench, seen, party, _dir: dir }
    }

    fn human(mut self, approval: Approval) -> (Self, Arc<Says>) {
        let says = Arc::new(Says(approval, Mutex::default()));
        self.party.human = Some(Arc::<Says>::clone(&says));
        (self, says)
    }

    async fn say(&self, text: &str) -> Outcome {
        self.agents.say(&key(), text, &self.party).await.unwrap()
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.seen.0.lock().unwrap())
    }
}

#[tokio::test]
async fn calls_are_made_beside_each_other_and_the_model_is_told_in_its_order() {
    let host = Host::new(Script::new(vec![
        calling(&[("acme__t__echo", r#"{"a":1}"#), ("acme__t__fail", ""), ("acme/t/echo", r#"{"b":2}"#)]),
        words("done"),
    ]));
    let outcome = host.say("go").await;
    assert_eq!((outcome.text.as_str(), outcome.reason), ("done", EndReason::Done));
    let told = host.model.told();
    assert_eq!(told.iter().map(|result| result.id.as_str()).collect::<Vec<_>>(), ["c0", "c1", "c2"]);
    assert!(told[0].text.contains(r#"{"a":1}"#) && !told[0].failed);
    assert!(told[1].text.contains("error (tool-failed): it broke") && told[1].failed);
    assert!(told[2].text.contains(r#"{"b":2}"#));
    let events = host.events();
    let begun = events.iter().filter(|event| matches!(event, Event::CallBegun { .. })).count();
    assert_eq!(begun, 3);
    assert!(matches!(events.last(), Some(Event::Ended { reason: EndReason::Done, .. })));
}

#[tokio::test]
async fn what_a_model_imagines_is_told_to_it_and_not_made() {
    let host = Host::new(Script::new(vec![
        calling(&[
            ("acme__t__nothing", "{}"),
            ("acme__t__echo", r#"{"a": "#),
            ("acme__t__echo", "[1]"),
            ("\u{202e}x", "{}"),
        ]),
        words("sorry"),
    ]));
    host.say("go").await;
    let told = host.model.told();
    assert!(told[0].text.contains("there is no tool acme__t__nothing"));
    assert!(told[1].text.contains("the arguments are no JSON"));
    assert!(told[2].text.contains("no JSON object"));
    assert!(!told[3].text.contains('\u{202e}'));
    assert!(told.iter().all(|result| result.failed) && host.bench.called().is_empty());
}

#[tokio::test]
async fn a_call_that_changes_something_waits_for_a_yes() {
    let script = || {
        Script::new(vec![
            calling(&[("acme__t__write", r#"{"n":1}"#), ("acme__t__echo", "{}")]),
            calling(&[("acme__t__write", r#"{"n":2}"#)]),
            words("done"),
        ])
    };
    let nobody = Host::new(script());
    nobody.say("go").await;
    assert_eq!(nobody.bench.called(), ["echo"], "nobody is there to say yes");
    let asked = nobody.model.asked.lock().unwrap()[1].1.clone();
    let Some(Message::Tool { results }) = asked.last() else { panic!("{asked:?}") };
    assert!(results[0].text.contains("nobody is there who could") && results[0].failed);

    let (denied, says) = Host::new(script()).human(Approval::Denied);
    denied.say("go").await;
    assert_eq!(denied.bench.called(), ["echo"]);
    assert_eq!(*says.1.lock().unwrap(), [r#"acme/t/write {"n":1}"#, r#"acme/t/write {"n":2}"#]);

    let (once, says) = Host::new(script()).human(Approval::Once);
    once.say("go").await;
    assert_eq!((once.bench.called().len(), says.1.lock().unwrap().len()), (3, 2), "strict asks each time");

    let (session, says) = Host::new(script()).human(Approval::Session);
    session.say("go").await;
    assert_eq!((session.bench.called().len(), says.1.lock().unwrap().len()), (3, 1));

    let dir = Arc::new(tempfile::tempdir().unwrap());
    let moderate = |agent: &mut Agent| agent.approvals.level = SecurityLevel::Moderate;
    let (moderate, says) = Host::with(script(), dir, moderate).human(Approval::Once);
    moderate.say("go").await;
    assert_eq!((moderate.bench.called().len(), says.1.lock().unwrap().len()), (3, 1));
}

#[tokio::test]
async fn a_model_that_calls_for_ever_is_stopped_by_each_limit() {
    type Limit = (EndReason, fn(&mut Limits));
    let limits: [Limit; 4] = [
        (EndReason::Steps, |limits| limits.steps = 3),
        (EndReason::Tokens, |limits| limits.tokens = 40),
        (EndReason::Cost, |limits| limits.cost = Some(9)),
        (EndReason::Time, |limits| limits.time = Duration::ZERO),
    ];
    for (reason, limit) in limits {
        let mut script = Script::new(Vec::new());
        Arc::get_mut(&mut script).unwrap().forever = Some(calling(&[("acme__t__echo", "{}")]));
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let host = Host::with(script, dir, |agent| limit(&mut agent.limits));
        let outcome = host.say("go").await;
        assert_eq!(outcome.reason, reason);
        assert!(host.bench.called().len() <= 3, "{reason:?}");
        // The conversation is whole: it can be gone on with.
        let left = host.agents.store().history(crate::session::SessionId(1), 100).await.unwrap();
        assert!(!matches!(left.last(), Some(Message::Assistant { calls, .. }) if !calls.is_empty()));
    }
}

#[tokio::test]
async fn a_huge_result_is_cut_with_a_note() {
    let host = Host::new(Script::new(vec![calling(&[("acme__t__huge", "{}")]), words("long")]));
    host.say("go").await;
    let told = &host.model.told()[0].text;
    assert!(told.len() < 40_000 && told.contains("bytes are left out here"), "{}", told.len());
}

#[tokio::test]
async fn a_cancelled_turn_ends_its_calls_and_leaves_a_whole_conversation() {
    let host = Host::new(Script::new(vec![
        calling(&[("acme__t__hang", "{}"), ("acme__t__echo", "{}")]),
        words("again"),
    ]));
    let cancel = host.party.cancel.clone();
    let (outcome, ()) = tokio::join!(host.say("go"), async {
        while host.bench.called().len() < 2 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    assert_eq!(outcome.reason, EndReason::Cancelled);
    let history = host.agents.store().history(crate::session::SessionId(1), 10).await.unwrap();
    let Some(Message::Tool { results }) = history.last() else { panic!("{history:?}") };
    assert!(results[0].failed && results[0].text.contains("cancelled"), "{results:?}");
    let fresh = Party { cancel: Cancel::default(), ..host.party.clone() };
    assert_eq!(host.agents.say(&key(), "go on", &fresh).await.unwrap().text, "again");
}

/// Lets a process die in the middle of a turn, and another one go on.
async fn after_a_crash(script: Vec<Answer>, until: impl Fn(&Host) -> bool) -> Host {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let dead = Host::with(Script::new(script), Arc::clone(&dir), |_| {});
    {
        let key = key();
        let at = dead.agents.say(&key, "go", &dead.party);
        tokio::pin!(at);
        loop {
            tokio::select! {
                biased;
                outcome = &mut at => panic!("it ended: {outcome:?}"),
                () = tokio::task::yield_now() => if until(&dead) { break },
            }
        }
        // Dropped here, as the process would be.
    }
    let host = Host::with(Script::new(vec![words("so be it")]), dir, |_| {});
    let nobody = Party { human: None, ..host.party.clone() };
    let left = host.agents.store().unfinished("coder").await.unwrap();
    assert!(left.len() == 1 && host.agents.resume(&left[0], &nobody).await.unwrap().is_some());
    let asked = host.model.asked.lock().unwrap().len();
    assert_eq!(asked, 1);
    let history = host.agents.store().history(crate::session::SessionId(1), 100).await.unwrap();
    assert_eq!(history.last(), Some(&Message::Assistant { text: "so be it".into(), calls: Vec::new() }));
    host
}

#[tokio::test]
async fn a_call_that_was_running_when_the_process_died_is_not_made_again_and_the_model_is_told() {
    let calls = calling(&[("acme__t__hang", "{}"), ("acme__t__echo", r#"{"x":1}"#)]);
    let host = after_a_crash(vec![calls], |dead| {
        let ended = dead.seen.0.lock().unwrap().iter().any(|event| matches!(event, Event::CallEnded { .. }));
        ended && dead.bench.called().len() == 2
    })
    .await;
    assert!(host.bench.called().is_empty(), "nothing is made twice");
    let told = host.model.told();
    assert!(told[0].failed && told[0].text.contains("Nobody knows what it did"), "{told:?}");
    assert!(!told[1].failed && told[1].text.contains(r#"{"x":1}"#), "its result was kept: {told:?}");
}

#[tokio::test]
async fn a_message_that_was_taken_before_the_process_died_is_answered_after_it() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let dead = Host::with(Script::new(Vec::new()), Arc::clone(&dir), |_| {});
    let session = dead.agents.store().open(&key()).await.unwrap();
    for text in ["first", "second"] {
        dead.agents.store().receive(session, text).await.unwrap();
    }
    drop(dead);
    let host = Host::with(Script::new(vec![words("1"), words("2"), words("3")]), dir, |_| {});
    assert_eq!(host.say("third").await.text, "3", "in the order that they came in");
    let history = host.agents.store().history(session, 100).await.unwrap();
    let said: Vec<_> = history
        .iter()
        .filter_map(|message| match message {
            Message::User { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(said, ["first", "second", "third"]);
}

#[tokio::test]
async fn a_failed_model_ends_the_turn_and_loses_nothing() {
    let host = Host::new(Script::new(Vec::new()));
    let outcome = host.say("go").await;
    assert_eq!(outcome.reason, EndReason::ModelFailed);
    assert_eq!(outcome.error, Some(ModelError::Rejected("the script is over".into())));
    let history = host.agents.store().history(crate::session::SessionId(1), 10).await.unwrap();
    assert_eq!(history, [Message::User { text: "go".into() }]);
}

#[tokio::test]
async fn many_tools_become_a_list_and_those_that_were_looked_up() {
    let mut script = Script::new(vec![
        calling(&[("find_tools", r#"{"query":"write"}"#)]),
        calling(&[("acme__t__echo", "{}")]),
        words("done"),
    ]);
    Arc::get_mut(&mut script).unwrap().context = 300;
    let host = Host::new(script);
    host.say("go").await;
    let asked = host.model.asked.lock().unwrap();
    assert!(asked[0].0.contains("acme/t: echo, huge, fail, hang, leak, write"), "{}", asked[0].0);
    assert_eq!(asked[0].2, ["find_tools"]);
    assert_eq!(asked[1].2, ["find_tools", "acme__t__write"]);
    assert!(asked[2].1.len() == 5, "a tool that was not looked up can be called all the same");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_and_nothing_of_it_is_kept() {
    let host = Host::new(Script::new(Vec::new()));
    let say = async |key: SessionKey, text: &str| host.agents.say(&key, text, &host.party).await.unwrap_err();
    let unknown = say(SessionKey { agent: "nobody".into(), ..key() }, "x").await;
    assert_eq!(unknown.to_string(), "there is no agent nobody; there are coder");
    assert!(matches!(say(key(), " \n").await, SayError::Length(2)));
    assert!(matches!(say(key(), &"x".repeat(300 << 10)).await, SayError::Length(_)));
    for conversation in ["", "a\nb", &"x".repeat(300)] {
        let error = say(SessionKey { conversation: conversation.into(), ..key() }, "x").await;
        assert!(matches!(error, SayError::InvalidKey));
    }
    assert!(host.agents.store().find(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_conversation_that_another_process_answers_is_left_to_it() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let (one, two) = (
        Host::with(Script::new(vec![words("1")]), Arc::clone(&dir), |_| {}),
        Host::with(Script::new(vec![words("2")]), dir, |_| {}),
    );
    let session = one.agents.store().open(&key()).await.unwrap();
    let held = one.agents.store().hold(session).unwrap().unwrap();
    assert!(matches!(two.agents.say(&key(), "x", &two.party).await, Err(SayError::Elsewhere)));
    assert!(two.agents.store().waiting(session).await.unwrap().is_empty());
    drop(held);
    assert_eq!(two.say("x").await.text, "2");
}
