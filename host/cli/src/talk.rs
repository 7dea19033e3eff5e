//! A turn on a terminal: what is shown of it while it goes on, and what the person is asked.

mod keyboard;
mod screen;

use std::sync::Arc;

use async_trait::async_trait;
use openclaw_agent::agents::Agents;
use openclaw_agent::event::{Event, Watcher};
use openclaw_agent::human::{Approval, Human, Proposal, SkillQuestion};
use openclaw_agent::session::SessionKey;
use openclaw_agent::turn::{Outcome, Party};
use openclaw_package::SkillId;
use openclaw_runtime::Cancel;
use openclaw_runtime::capability::grant::Missing;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub(crate) use keyboard::{Keyboard, Typed};
pub(crate) use screen::{Screen, effects_words, money, outcome_words};

use crate::error::{CliError, Result};
use crate::exit::Exit;

/// What a turn has for whoever sits at the terminal.
#[derive(Debug)]
enum Said {
    /// Something happened.
    Event(Event),
    /// A call waits for a yes.
    Approve(Proposal, oneshot::Sender<Approval>),
    /// A skill lacks grants.
    Consent(SkillId, Vec<Missing>, oneshot::Sender<Vec<(usize, bool)>>),
    /// A skill wants to know something.
    Question(SkillQuestion, oneshot::Sender<Option<String>>),
}

/// The way to the terminal: all that is shown and asked goes through it in one order, so that a question has the terminal for
/// itself. What waits in it is bounded by what models and skills may say in a turn.
#[derive(Clone, Debug)]
struct Line(UnboundedSender<Said>);

impl Watcher for Line {
    fn saw(&self, event: &Event) {
        // Where nobody listens any more, the turn was left.
        let _ = self.0.send(Said::Event(event.clone()));
    }
}

impl Line {
    async fn ask<T>(&self, said: impl FnOnce(oneshot::Sender<T>) -> Said) -> Option<T> {
        let (answered, answer) = oneshot::channel();
        self.0.send(said(answered)).ok()?;
        answer.await.ok()
    }
}

#[async_trait]
impl Human for Line {
    async fn approve(&self, proposal: &Proposal) -> Approval {
        let said = self.ask(|answer| Said::Approve(proposal.clone(), answer)).await;
        said.unwrap_or(Approval::Denied)
    }

    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        let said = self.ask(|answer| Said::Consent(skill.clone(), missing.to_vec(), answer)).await;
        said.unwrap_or_default()
    }

    async fn answer(&self, question: &SkillQuestion) -> Option<String> {
        self.ask(|answer| Said::Question(question.clone(), answer)).await.flatten()
    }
}

/// Says something to an agent, and shows what comes of it. Ctrl-C ends the turn; a second one leaves it as it is, and there is
/// no outcome.
///
/// # Errors
/// It was not answered, or signals cannot be heard.
pub(crate) async fn say(
    agents: &Arc<Agents>,
    key: &SessionKey,
    text: &str,
    screen: &mut Screen<'_>,
    keyboard: Option<&Keyboard>,
) -> Result<Option<Outcome>> {
    let (sender, mut said) = unbounded_channel();
    let line = Arc::new(Line(sender));
    let human = keyboard.map(|_| -> Arc<dyn Human> { Arc::<Line>::clone(&line) });
    let party = Party { watcher: line, human, cancel: Cancel::default(), remembers: true };
    let mut talk = Talk { screen, keyboard, cancel: party.cancel.clone(), interrupts: interrupts()? };
    let (agents, key, text) = (Arc::clone(agents), key.clone(), text.to_owned());
    let mut saying = tokio::spawn(async move { agents.say(&key, &text, &party).await });
    let ended = loop {
        tokio::select! {
            biased;
            Some(said) = said.recv() => talk.take(said).await,
            () = talk.interrupted() => {}
            ended = &mut saying => break ended,
        }
        if talk.interrupts.left {
            saying.abort();
        }
    };
    talk.drain(&mut said);
    match ended {
        Ok(outcome) => Ok(Some(outcome?)),
        Err(error) if error.is_cancelled() => Ok(None),
        Err(error) => {
            Err(CliError::new(Exit::Host, "host-failure", format!("the turn ended in itself: {error}")))
        }
    }
}

/// Both sides of the terminal during a turn.
struct Talk<'a, 'o> {
    screen: &'a mut Screen<'o>,
    keyboard: Option<&'a Keyboard>,
    cancel: Cancel,
    interrupts: Interrupts,
}

/// Ctrl-C, where it is a signal.
struct Interrupts {
    signal: Signal,
    /// Whether it was given twice.
    left: bool,
}

fn interrupts() -> Result<Interrupts> {
    let signal = signal(SignalKind::interrupt()).map_err(|error| {
        CliError::new(Exit::Host, "host-failure", format!("signals cannot be heard: {error}"))
    })?;
    Ok(Interrupts { signal, left: false })
}

impl Talk<'_, '_> {
    /// Resolves at a Ctrl-C, which it has then obeyed.
    async fn interrupted(&mut self) {
        self.interrupts.signal.recv().await;
        self.end();
    }

    /// Ends the turn; the second time, leaves it.
    fn end(&mut self) {
        if self.cancel.is_given() {
            self.interrupts.left = true;
            return;
        }
        self.cancel.cancel();
        self.screen.note("the turn is being ended; Ctrl-C again leaves it as it is");
    }

    /// What was said until the end, of which nothing is asked any more.
    fn drain(&mut self, said: &mut UnboundedReceiver<Said>) {
        while let Ok(said) = said.try_recv() {
            if let Said::Event(event) = said {
                self.screen.saw(&event);
            }
        }
    }

    async fn take(&mut self, said: Said) {
        match said {
            Said::Event(event) => self.screen.saw(&event),
            Said::Approve(proposal, answer) => {
                self.screen.proposal(&proposal);
                let typed = self.ask("Call it? y once, a for this session, n not:").await;
                let approval = approval(typed.as_deref().unwrap_or_default());
                self.answered(answer.send(approval).is_ok());
            }
            Said::Consent(skill, missing, answer) => {
                let mut answers = Vec::with_capacity(missing.len());
                for (at, missing) in missing.iter().enumerate() {
                    self.screen.missing(&skill, missing);
                    let Some(typed) = self.ask("Grant it, for this and later calls? y or n:").await else {
                        break;
                    };
                    answers.push((at, is_yes(&typed)));
                }
                self.answered(answer.send(answers).is_ok());
            }
            Said::Question(question, answer) => {
                self.screen.question(&question);
                let reply = self.reply(&question).await;
                self.answered(answer.send(reply).is_ok());
            }
        }
    }

    /// What the person answers a skill.
    async fn reply(&mut self, question: &SkillQuestion) -> Option<String> {
        let prompt = crate::ask::prompt(question);
        for _ in 0..crate::ask::ATTEMPTS {
            let typed = self.ask(&prompt).await.filter(|typed| !typed.is_empty())?;
            if question.choices.is_empty() {
                return Some(typed);
            }
            if let Some(choice) = crate::ask::chosen(&typed, &question.choices) {
                return Some(choice);
            }
            self.screen.note("that is none of the choices");
        }
        None
    }

    /// A line of the person's; none where they ended the turn instead, or nobody is there.
    async fn ask(&mut self, prompt: &str) -> Option<String> {
        if self.cancel.is_given() {
            return None;
        }
        let typed = tokio::select! {
            typed = self.keyboard?.ask(prompt) => typed,
            _ = self.interrupts.signal.recv() => Typed::Interrupted,
        };
        match typed {
            Typed::Line(line) => Some(line.trim().to_owned()),
            Typed::Interrupted => {
                self.end();
                None
            }
            Typed::End => None,
        }
    }

    fn answered(&mut self, in_time: bool) {
        if !in_time {
            self.screen.note("that came too late: the turn has ended, or the call has");
        }
    }
}

fn is_yes(typed: &str) -> bool {
    matches!(typed.to_ascii_lowercase().as_str(), "y" | "yes")
}

/// What a line says to a proposal; anything that is not plainly a yes is a no.
fn approval(typed: &str) -> Approval {
    match typed.to_ascii_lowercase().as_str() {
        "y" | "yes" => Approval::Once,
        "a" | "all" => Approval::Session,
        _ => Approval::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_a_yes_is_one() {
        for (typed, expected) in [
            ("y", Approval::Once),
            ("Yes", Approval::Once),
            ("a", Approval::Session),
            ("", Approval::Denied),
            ("n", Approval::Denied),
            ("yy", Approval::Denied),
            ("ok", Approval::Denied),
        ] {
            assert_eq!(approval(typed), expected, "{typed}");
        }
        assert!(is_yes("Y") && !is_yes("a") && !is_yes(""));
    }

    #[tokio::test]
    async fn where_nobody_listens_everything_is_a_no() {
        let (sender, said) = unbounded_channel();
        let line = Line(sender);
        drop(said);
        line.saw(&Event::Restarted);
        let proposal = Proposal {
            tool: "acme/x/y".parse().unwrap(),
            input: "{}".to_owned(),
            effects: openclaw_runtime::capability::grant::Effects::default(),
        };
        assert_eq!(line.approve(&proposal).await, Approval::Denied);
        assert!(line.consent(&"acme/x".parse().unwrap(), &[]).await.is_empty());
    }
}
