//! What of a question reaches a person, and what of their answer reaches the skill.

use std::sync::Mutex;

use super::*;
use crate::capability::{Capability, Reason};

/// Says what a test wrote, and remembers what they were asked.
#[derive(Debug)]
struct Scripted {
    reply: Reply,
    asked: Mutex<Vec<SkillQuestion>>,
}

fn saying(answer: &str) -> Arc<Scripted> {
    replying(Reply::Answer(answer.to_owned()))
}

fn replying(reply: Reply) -> Arc<Scripted> {
    Arc::new(Scripted { reply, asked: Mutex::default() })
}

impl Scripted {
    fn asked(&self) -> Vec<SkillQuestion> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Respondent for Scripted {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        self.asked.lock().unwrap().push(question.clone());
        self.reply.clone()
    }
}

fn asking(person: &Arc<Scripted>, secrets: &[&str]) -> Session {
    let person: Arc<dyn Respondent> = Arc::<Scripted>::clone(person);
    let values = Arc::new(Values::new(secrets.iter().map(|secret| secret.as_bytes())).unwrap());
    let respondent = careful(Some(&person), Some(&values));
    Session::new("acme/x".parse().unwrap(), None, Denials::default(), respondent)
}

fn choices(choices: &[&str]) -> Vec<String> {
    choices.iter().map(|choice| (*choice).to_owned()).collect()
}

async fn ask(session: &Session, text: &str, of: &[&str]) -> Result<String, AskError> {
    session.question(text.to_owned(), choices(of)).await
}

#[tokio::test]
async fn an_answer_comes_back_and_the_question_says_who_asks() {
    let person = saying("Tuesday");
    let session = asking(&person, &[]);
    assert!(session.is_available());
    assert_eq!(ask(&session, " When?\n", &[]).await.unwrap(), "Tuesday");
    let question =
        SkillQuestion { skill: "acme/x".parse().unwrap(), text: "When?".to_owned(), choices: Vec::new() };
    assert_eq!((person.asked(), session.asked()), (vec![question], 1));
}

#[tokio::test]
async fn an_answer_that_is_none_of_the_choices_is_never_passed_on() {
    for (answer, expected) in [
        ("yes", Ok("yes".to_owned())),
        ("Yes", Err(AskError::Dismissed)),
        ("", Err(AskError::Dismissed)),
        ("yes\nno", Err(AskError::Dismissed)),
    ] {
        let session = asking(&saying(answer), &[]);
        assert_eq!(ask(&session, "Really?", &["yes", "no"]).await, expected, "{answer:?}");
    }
    // Nor where whoever asks is not careful.
    let person: Arc<dyn Respondent> = saying("maybe");
    let bare = Session::new("acme/x".parse().unwrap(), None, Denials::default(), Some(person));
    assert_eq!(ask(&bare, "Really?", &["yes", "no"]).await, Err(AskError::Dismissed));
}

#[tokio::test]
async fn what_hides_is_shown_and_a_choice_stays_on_its_line() {
    let person = saying("delete\\u{202e}all\\n2. keep");
    let session = asking(&person, &[]);
    let answer = ask(&session, "\u{1b}[2Ja\n\u{200b}b", &["delete\u{202e}all\n2. keep", "x"]).await;
    assert_eq!(answer.unwrap(), "delete\u{202e}all\n2. keep", "the skill gets its own words back");
    let asked = &person.asked()[0];
    assert_eq!(asked.text, "\\u{1b}[2Ja\n\\u{200b}b");
    assert_eq!(asked.choices[0], "delete\\u{202e}all\\n2. keep");
}

#[tokio::test]
async fn choices_that_look_the_same_are_not_put() {
    let person = saying("a");
    let session = asking(&person, &["hunter22-is-exact", "another-exact-one"]);
    for alike in [["a", "a"], ["delete all", "delete\u{a0}all"], ["a b", "a\u{2003} b"], ["a", " a\u{3000}"]]
    {
        assert!(matches!(ask(&session, "?", &alike).await, Err(AskError::Unavailable(_))), "{alike:?}");
    }
    let hidden =
        [["\u{202e}", "\\u{202e}"], ["hunter22-is-exact", "another-exact-one"], ["x\\ny\u{a0}", "x\ny"]];
    for alike in hidden {
        assert_eq!(ask(&session, "?", &alike).await, Err(AskError::Dismissed), "{alike:?}");
    }
    assert!(person.asked().is_empty());
    // White space stays as it is in a choice that looks like no other, and in what the skill gets back.
    let person = saying(" b\u{a0}c ");
    assert_eq!(ask(&asking(&person, &[]), "?", &["bc", " b\u{a0}c "]).await.unwrap(), " b\u{a0}c ");
}

#[tokio::test]
async fn a_secret_is_neither_shown_nor_answered() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let person = saying("it is hunter22-is-exact");
    let session = asking(&person, &["hunter22-is-exact"]);
    let answer = ask(&session, &format!("hunter22-is-exact or {token}?"), &[]).await.unwrap();
    assert_eq!(answer, "it is [redacted:secret]");
    assert_eq!(person.asked()[0].text, "[redacted:secret] or [redacted:token]?");
}

#[tokio::test]
async fn questions_and_answers_are_bounded() {
    let person = saying(&"ä".repeat(ANSWER_BYTES));
    let session = asking(&person, &[]);
    let long = "x".repeat(TEXT_BYTES + 1);
    let many: Vec<String> = (0..=CHOICES).map(|choice| choice.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let wide = "x".repeat(CHOICE_BYTES + 1);
    for (text, of) in
        [("", &[][..]), (" \n", &[]), (&long, &[]), ("?", &many), ("?", &["a", ""]), ("?", &[&wide])]
    {
        assert!(matches!(ask(&session, text, of).await, Err(AskError::Unavailable(_))), "{text:?} {of:?}");
    }
    assert_eq!((session.asked(), person.asked().len()), (0, 0), "none of them was put");
    let answer = ask(&session, &long[..TEXT_BYTES], &[]).await.unwrap();
    assert_eq!((answer.len(), answer.chars().all(|c| c == 'ä')), (ANSWER_BYTES, true));
    for _ in 1..QUESTIONS {
        ask(&session, "?", &[]).await.unwrap();
    }
    assert!(!session.is_available());
    assert_eq!(ask(&session, "?", &[]).await, Err(AskError::TooMany));
    assert_eq!((session.asked(), person.asked().len() as u64), (QUESTIONS, QUESTIONS));
}

#[tokio::test]
async fn without_a_grant_or_a_person_nobody_is_asked() {
    let (denials, person) = (Denials::default(), saying("yes"));
    let denial = Denial::new(Capability::Ask, "ask", Reason::NotGranted);
    let shared: Arc<dyn Respondent> = Arc::<Scripted>::clone(&person);
    let skill: SkillId = "acme/x".parse().unwrap();
    let denied = Session::new(skill.clone(), Some(denial), denials.clone(), Some(shared));
    assert!(!denied.is_available());
    assert!(matches!(ask(&denied, "?", &[]).await, Err(AskError::Denied(_))));
    assert_eq!((denials.take().1, person.asked().len()), (1, 0));
    let alone = Session::new(skill, None, Denials::default(), careful(None, None));
    assert!(!alone.is_available());
    assert_eq!(ask(&alone, "?", &[]).await, Err(AskError::Nobody));
    assert_eq!(ask(&asking(&replying(Reply::Nobody), &[]), "?", &[]).await, Err(AskError::Nobody));
    assert_eq!(ask(&asking(&replying(Reply::Dismissed), &[]), "?", &[]).await, Err(AskError::Dismissed));
}
