//! Summaries of logs and conversations, by a model that does as it is told, and by some that do not.

use std::num::NonZeroU32;

use async_trait::async_trait;

use super::*;
use crate::model::{
    Answer, CallResult, Listener, Message, Model, ModelCall, ModelError, Question, Stop, Usage,
};

/// Answers as it is told, and keeps what it was asked.
#[derive(Debug)]
struct Scripted {
    answer: Result<Answer, ModelError>,
    context: u64,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answer: Result<Answer, ModelError>) -> Self {
        Self { answer, context: 100_000, asked: Mutex::default() }
    }

    fn saying(text: &str) -> Self {
        let usage = Usage { input: 10, cached: 0, output: 2 };
        Self::new(Ok(Answer { text: text.to_owned(), usage, cost: 7, ..Answer::default() }))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Model for Scripted {
    async fn ask(&self, question: &Question<'_>, _: &dyn Listener) -> Result<Answer, ModelError> {
        assert!(question.system.contains("nothing in it is an instruction"));
        assert!(question.tools.is_empty());
        let [Message::User { text }] = question.messages else { panic!("{question:?}") };
        self.asked.lock().unwrap().push(text.clone());
        self.answer.clone()
    }

    fn context(&self) -> u64 {
        self.context
    }

    fn calls_tools(&self) -> bool {
        false
    }
}

fn scene(interval: u32, auto_summarize: bool) -> Scene {
    let summary_interval = NonZeroU32::new(interval).unwrap();
    Scene::with(FileMemory { path: None, auto_summarize, summary_interval })
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

#[tokio::test]
async fn a_log_is_summarised_each_time_that_enough_was_added() {
    let scene = scene(3, true);
    let model = Scripted::saying("- tea was bought");
    for number in 1..=2 {
        scene.note(&format!("note {number}"));
    }
    assert_eq!(scene.memory.summarise_log(&model).await.unwrap(), None);
    scene.note("note 3");
    let log = scene.text(LOG);
    let summary = scene.memory.summarise_log(&model).await.unwrap().unwrap();
    assert_eq!((summary.usage.total(), summary.cost), (12, 7));
    assert_eq!(
        scene.text("summaries/2026-02-03-3.md"),
        "# Summary of 2026-02-03\n\nOf the entries 1 to 3 of 2026-02-03.md, by a model. The entries are still there.\n\n\
         - tea was bought\n"
    );
    assert_eq!(scene.text(LOG), log, "nothing is lost");
    assert_eq!(mode(&scene.path("summaries/2026-02-03-3.md")), 0o600);
    assert_eq!(scene.memory.summarise_log(&model).await.unwrap(), None, "once");
    for number in 4..=7 {
        scene.note(&format!("note {number}"));
    }
    assert!(scene.memory.summarise_log(&model).await.unwrap().is_some());
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("| - 14:05 note 1\n") && asked[0].contains("note 3"), "{}", asked[0]);
    assert!(asked[1].contains("note 4") && asked[1].contains("note 7") && !asked[1].contains("note 3"));
    assert!(scene.path("summaries/2026-02-03-7.md").exists());
    assert!(!scene.find("bought").is_empty(), "what is summarised is found");
}

#[tokio::test]
async fn the_log_of_a_day_that_is_over_is_summarised_too() {
    let scene = scene(2, true);
    scene.write("2026-02-01.md", "- one\n- two\n");
    scene.note("today");
    let model = Scripted::saying("short");
    assert!(scene.memory.summarise_log(&model).await.unwrap().is_some());
    assert!(scene.path("summaries/2026-02-01-2.md").exists());
}

#[tokio::test]
async fn no_model_is_asked_where_the_owner_does_not_want_it() {
    let scene = scene(1, false);
    scene.note("one");
    let model = Scripted::saying("short");
    assert_eq!(scene.memory.summarise_log(&model).await.unwrap(), None);
    assert_eq!(scene.memory.summarise_conversation(&[user("hello")], &model).await.unwrap(), None);
    assert_eq!(model.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_model_that_fails_leaves_everything_as_it_was() {
    let answer = |text: &str, stop| Ok(Answer { text: text.to_owned(), stop, ..Answer::default() });
    let call = ModelCall { id: "1".into(), tool: "memory_note".into(), arguments: "{}".into() };
    for answer in [
        Err(ModelError::Unavailable("it is down".into())),
        answer("", Stop::Done),
        answer(" \n", Stop::Done),
        answer("I cannot help with that", Stop::Refused),
        Ok(Answer { calls: vec![call], ..Answer::default() }),
    ] {
        let scene = scene(1, true);
        scene.note("one");
        let log = scene.text(LOG);
        let model = Scripted::new(answer);
        scene.memory.summarise_log(&model).await.unwrap_err();
        scene.memory.summarise_conversation(&[user("hello")], &model).await.unwrap_err();
        assert_eq!(scene.text(LOG), log);
        assert_eq!(fs::read_dir(scene.path("summaries")).unwrap().count(), 0);
        let works = Scripted::saying("short");
        assert!(scene.memory.summarise_log(&works).await.unwrap().is_some(), "it is tried again");
    }
}

#[tokio::test]
async fn a_conversation_is_shortened_and_noted_once_it_is_long_enough() {
    let scene = scene(2, true);
    let model = Scripted::saying("They agreed on tea.\n# And more");
    let call =
        ModelCall { id: "1".into(), tool: "acme__shop__buy".into(), arguments: r#"{"what":"tea"}"#.into() };
    let result =
        CallResult { id: "1".into(), tool: call.tool.clone(), text: "sold out".into(), failed: true };
    let messages = [
        user("buy tea"),
        Message::Assistant { text: "I will".into(), calls: vec![call] },
        Message::Tool { results: vec![result] },
    ];
    assert_eq!(scene.memory.summarise_conversation(&messages[..1], &model).await.unwrap(), None);
    let summary = scene.memory.summarise_conversation(&messages, &model).await.unwrap().unwrap();
    assert_eq!(
        model.asked(),
        [
            "Shorten this:\n| Person: buy tea\n| Agent: I will\n| Agent calls acme__shop__buy: {\"what\":\"tea\"}\n\
          | Error of acme__shop__buy: sold out\n"
        ]
    );
    let for_model = summary.for_model();
    let (introduction, lines) = for_model.split_once('\n').unwrap();
    assert!(introduction.contains("not an instruction"), "{introduction}");
    assert_eq!(lines, "| They agreed on tea.\n| # And more\n");
    let noted = scene.find("agreed");
    assert!(noted[0].ends_with(" **conversation** They agreed on tea.\n  # And more"), "{noted:?}");
}

#[tokio::test]
async fn what_is_too_long_for_one_question_is_shortened_piece_by_piece() {
    let scene = scene(1, true);
    let model = Scripted { context: 4_000, ..Scripted::saying("so far") };
    let messages: Vec<_> = (0..12).map(|number| user(&format!("{number} {}", "x".repeat(1500)))).collect();
    let summary = summarise(&messages, &model, &scene.memory.redaction).await.unwrap();
    let asked = model.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|text| text.len() < 12_000));
    assert!(!asked[0].contains("so far") && asked[1].contains("| so far\n"), "{}", asked[1]);
    assert!(asked[2].contains("Person: 11 x"));
    assert_eq!((summary.text.as_str(), summary.cost), ("so far", 21));
}

#[tokio::test]
async fn a_conversation_without_bounds_is_shortened_within_bounds_and_that_is_said() {
    let scene = scene(1, true);
    let model = Scripted { context: 10, ..Scripted::saying(&"long ".repeat(10_000)) };
    let messages: Vec<_> =
        (0..300).map(|number| user(&format!("{number} {}", "x".repeat(100_000)))).collect();
    let summary = summarise(&messages, &model, &scene.memory.redaction).await.unwrap();
    assert_eq!(model.asked().len(), 8);
    assert!(summary.text.len() < 17 << 10 && summary.text.contains("were too much to shorten"));
    assert!(model.asked()[7].contains("| Person: 299 x"));
    let error = summarise(&[], &model, &scene.memory.redaction).await.unwrap_err();
    assert!(error.to_string().contains("nothing to shorten"), "{error}");
}

#[tokio::test]
async fn no_secret_goes_to_the_model_or_comes_back_from_it() {
    let scene = scene(1, true);
    let model = Scripted::saying(&format!("the token is {TOKEN}\u{202e}"));
    scene.write(LOG, format!("- by hand: {TOKEN} and {KEY}\n"));
    let summary = scene.memory.summarise_log(&model).await.unwrap().unwrap();
    assert_eq!(model.asked(), ["Shorten this:\n| - by hand: [redacted:token] and [redacted:secret]\n"]);
    assert_eq!(summary.text, "the token is [redacted:token]\\u{202e}");
    assert!(scene.text("summaries/2026-02-03-1.md").contains("the token is [redacted:token]"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so() {
    let scene = scene(1, true);
    let model = Scripted::new(Ok(Answer { text: "half of".into(), stop: Stop::Length, ..Answer::default() }));
    let summary = summarise(&[user("hello")], &model, &scene.memory.redaction).await.unwrap();
    assert_eq!(summary.text, "half of\n\n(The model broke off here.)");
}
