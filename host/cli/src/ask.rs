//! Asks the person at the terminal whether a skill may do what it is not granted, and what a skill wants to know.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use openclaw_package::SkillId;
use openclaw_runtime::capability::ask::{Reply, Respondent, SkillQuestion};
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;

use crate::output::Output;
use crate::progress::Progress;
use crate::text::{indented, one_line};

/// How often somebody may choose what is no choice.
pub(crate) const ATTEMPTS: usize = 3;

/// Whoever sits at the terminal, if somebody does.
pub(crate) struct Asked {
    is_there: bool,
}

impl Asked {
    /// Somebody, or nobody.
    pub(crate) fn new(is_there: bool) -> Self {
        Self { is_there }
    }
}

#[async_trait]
impl Person for Asked {
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        if !self.is_there {
            return Vec::new();
        }
        let output = Output::new(false);
        let is_granted = |missing: &Missing| {
            output.note(format_args!("{skill} asks for {}", one_line(&missing.scope)));
            output.note(format_args!("  it says: {}", one_line(&missing.reason)));
            output.confirm("Grant it, for this and later calls?").unwrap_or(false)
        };
        (0..).zip(missing).map(|(at, missing)| (at, is_granted(missing))).collect()
    }
}

/// The terminal during a call: it shows that something runs, and what the skill asks.
#[derive(Debug)]
pub(crate) struct Terminal {
    can_ask: bool,
    shown: Arc<Shown>,
}

/// What is shown while a call runs. A question has the terminal for itself.
#[derive(Debug)]
struct Shown {
    message: String,
    is_watched: bool,
    progress: Mutex<Option<Progress>>,
}

impl Terminal {
    /// For a call that is described like this.
    pub(crate) fn new(output: &Output, message: &str) -> Self {
        let (message, is_watched) = (message.to_owned(), output.is_watched());
        let shown = Arc::new(Shown { message, is_watched, progress: Mutex::default() });
        Self { can_ask: output.can_ask(), shown }
    }

    /// Who answers questions; nobody where there is no terminal.
    pub(crate) fn respondent(&self) -> Option<Arc<dyn Respondent>> {
        self.can_ask.then(|| -> Arc<dyn Respondent> { Arc::<Shown>::clone(&self.shown) })
    }

    /// Begins to show that the call runs.
    pub(crate) fn watch(&self) {
        self.shown.go_on();
    }

    /// The call has ended.
    pub(crate) fn rest(&self) {
        self.shown.pause();
    }
}

impl Shown {
    fn go_on(&self) {
        let progress = Progress::start(&self.message, self.is_watched);
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn pause(&self) {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The line is clear when this is dropped.
        drop(progress);
    }
}

#[async_trait]
impl Respondent for Shown {
    async fn reply(&self, question: &SkillQuestion) -> Reply {
        self.pause();
        let (answered, answer) = tokio::sync::oneshot::channel();
        let question = question.clone();
        // A thread of its own: nobody can end the wait for a line, and the call ends without it.
        let asking = std::thread::Builder::new().name("ask".to_owned()).spawn(move || {
            // Where nobody waits any more, the call has ended.
            let _ = answered.send(ask(&question));
        });
        let reply = match asking {
            Ok(_) => answer.await.unwrap_or(Reply::Dismissed),
            Err(_) => Reply::Nobody,
        };
        self.go_on();
        reply
    }
}

/// Asks at the terminal, and waits for a line.
fn ask(question: &SkillQuestion) -> Reply {
    let (output, choices) = (Output::new(false), &question.choices);
    show(&output, question);
    let prompt = prompt(question);
    for _ in 0..ATTEMPTS {
        let Some(line) = output.ask(&prompt) else { return Reply::Nobody };
        if line.is_empty() {
            return Reply::Dismissed;
        }
        if choices.is_empty() {
            return Reply::Answer(line);
        }
        if let Some(choice) = chosen(&line, choices) {
            return Reply::Answer(choice);
        }
        output.note("that is none of the choices");
    }
    Reply::Dismissed
}

/// Shows what a skill asks.
pub(crate) fn show(output: &Output, question: &SkillQuestion) {
    let SkillQuestion { skill, text, choices } = question;
    output.note(format_args!("{skill} asks:"));
    output.note(format_args!("    {}", indented(text)));
    for (number, choice) in (1..).zip(choices) {
        output.note(format_args!("  {number}) {}", one_line(choice)));
    }
}

/// What stands before an answer to a skill.
pub(crate) fn prompt(question: &SkillQuestion) -> String {
    let SkillQuestion { skill, choices, .. } = question;
    match choices.len() {
        0 => format!("Your answer to {skill} (it reads it; nothing for none):"),
        most => format!("Your answer to {skill} (1 to {most}; nothing for none):"),
    }
}

/// The choice of a line, which has its number or its words.
pub(crate) fn chosen(line: &str, choices: &[String]) -> Option<String> {
    let by_words = choices.iter().find(|choice| *choice == line);
    let by_number = || line.parse::<usize>().ok()?.checked_sub(1).and_then(|at| choices.get(at));
    // A number is what was offered beside it, whatever the words of another choice are.
    by_number().or(by_words).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_by_its_number_or_its_words() {
        let choices = ["yes", "2", "no"].map(str::to_owned);
        for (line, expected) in [
            ("1", Some("yes")),
            ("2", Some("2")),
            ("no", Some("no")),
            ("0", None),
            ("4", None),
            ("Yes", None),
            ("-1", None),
        ] {
            assert_eq!(chosen(line, &choices).as_deref(), expected, "{line}");
        }
        let forged = ["2", "delete all"].map(str::to_owned);
        assert_eq!(chosen("2", &forged).as_deref(), Some("delete all"), "what stands beside the number");
    }
}
