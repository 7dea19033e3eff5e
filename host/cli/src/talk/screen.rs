//! What is shown of a turn: the model's words on standard output, all else on standard error, with nothing of a stranger's
//! that could move the cursor or pass for ours.

use std::collections::HashMap;
use std::fmt::Display;

use openclaw_agent::event::{EndReason, Event};
use openclaw_agent::human::{Proposal, SkillQuestion};
use openclaw_agent::session::Totals;
use openclaw_agent::turn::Outcome;
use openclaw_package::SkillId;
use openclaw_runtime::capability::grant::{Effects, Missing};

use crate::describe::grouped;
use crate::json::AgentStep;
use crate::output::{Output, bad, dim, good, heading, warning};
use crate::text::{indented, many_lines, one_line, pretty_json, summary};

/// Characters of a call's input beside its name.
const INPUT: usize = 80;
/// Characters of what a skill says of itself while it runs.
const LINE: usize = 200;
/// Characters of the input of a call that is to be approved.
const PROPOSED: usize = 4000;

/// What a person sees, and what is kept of it for a document.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    output: &'a Output,
    /// Whether words are shown while they are said.
    streams: bool,
    /// Whether the last line is not ended.
    mid_line: bool,
    /// Whether words of the turn were shown; a command comes to its result without any.
    spoke: bool,
    /// Whether words of the last turn that ended were shown.
    shown: bool,
    running: HashMap<String, (String, String)>,
    steps: Vec<AgentStep>,
    notices: Vec<String>,
}

impl<'a> Screen<'a> {
    /// Nothing is shown yet.
    pub(crate) fn new(output: &'a Output) -> Self {
        let streams = output.is_shown();
        let (running, steps, notices) = (HashMap::new(), Vec::new(), Vec::new());
        Self { output, streams, mid_line: false, spoke: false, shown: false, running, steps, notices }
    }

    /// Whether the words of the last turn that ended were shown while they were said.
    pub(crate) fn has_shown(&self) -> bool {
        self.shown
    }

    /// The calls that have ended.
    pub(crate) fn steps(&self) -> &[AgentStep] {
        &self.steps
    }

    /// What else was told.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Words of ours, on a line of their own.
    pub(crate) fn note(&mut self, text: impl Display) {
        self.end_line();
        self.output.note(text);
    }

    /// Something happened.
    pub(crate) fn saw(&mut self, event: &Event) {
        match event {
            Event::Text { text } => self.text(text),
            Event::Restarted => self.note(dim("the model is asked anew; what it said of this is void")),
            Event::CallBegun { id, tool, input } => {
                self.note(dim(format_args!("running {tool}")));
                self.running.insert(id.clone(), (tool.clone(), input.clone()));
            }
            Event::CallLogged { level, message, .. } => {
                self.note(dim(format_args!("  {} {}", level.label(), summary(message, LINE))));
            }
            Event::CallProgressed { done, total, message, .. } => {
                let of = total.map(|total| format!("/{total}")).unwrap_or_default();
                self.note(dim(format_args!("  {done}{of} {}", summary(message, LINE))));
            }
            Event::CallEnded { id, tool, outcome, summary, milliseconds } => {
                self.ended(id, tool, outcome, summary, *milliseconds);
            }
            Event::Notice { text } => {
                self.note(format_args!("{} {}", warning("note:"), one_line(text)));
                self.notices.push(text.clone());
            }
            Event::Ended { usage, cost, .. } => {
                self.end_line();
                self.shown = std::mem::take(&mut self.spoke);
                let tokens = grouped(usage.total());
                self.note(dim(format_args!("{tokens} tokens, {}", money(*cost))));
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.streams && !text.is_empty() {
            self.output.piece(many_lines(text));
            self.spoke = true;
            self.mid_line = !text.ends_with('\n');
        }
    }

    fn ended(&mut self, id: &str, tool: &str, outcome: &str, told: &str, milliseconds: u64) {
        let (tool, input) = match self.running.remove(id) {
            Some((tool, input)) => (tool, summary(&input, INPUT)),
            None => (one_line(tool), String::new()),
        };
        let mark = if outcome == "ok" { good("ok") } else { bad(one_line(outcome)) };
        let told_shown = dim(summary(told, LINE));
        self.note(format_args!("{tool} {} {mark} in {milliseconds} ms\n  {told_shown}", dim(input)));
        self.steps.push(AgentStep {
            tool,
            outcome: outcome.to_owned(),
            summary: told.to_owned(),
            duration_ms: milliseconds,
        });
    }

    /// A call that waits for a yes.
    pub(crate) fn proposal(&mut self, proposal: &Proposal) {
        let Proposal { tool, input, effects } = proposal;
        self.note(format_args!("{} wants to be called; it can {}", heading(tool), effects_words(*effects)));
        let pretty = pretty_json(input);
        let shown: String = pretty.chars().take(PROPOSED).collect();
        self.note(format_args!("    {}", indented(&shown)));
        let left = pretty.chars().count().saturating_sub(PROPOSED);
        if left > 0 {
            self.note(warning(format_args!("    and {left} more characters, which are not shown")));
        }
    }

    /// A grant that a skill lacks.
    pub(crate) fn missing(&mut self, skill: &SkillId, missing: &Missing) {
        self.note(format_args!("{skill} asks for {}", one_line(&missing.scope)));
        self.note(format_args!("  it says: {}", one_line(&missing.reason)));
    }

    /// What a skill wants to know.
    pub(crate) fn question(&mut self, question: &SkillQuestion) {
        self.end_line();
        crate::ask::show(self.output, question);
    }

    /// Begins a new line, where words stand on the last one.
    pub(crate) fn end_line(&mut self) {
        if std::mem::take(&mut self.mid_line) {
            self.output.piece("\n");
        }
    }
}

/// What calls can do, for whoever is to approve one.
pub(crate) fn effects_words(effects: Effects) -> &'static str {
    match (effects.writes, effects.reaches) {
        (true, true) => "change things, and reach beyond this machine",
        (true, false) => "change things",
        (false, true) => "reach beyond this machine",
        (false, false) => "change nothing, and reach nothing beyond this machine",
    }
}

/// Millionths of a dollar in words.
pub(crate) fn money(micros: u64) -> String {
    format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A turn that did not come to its end: the code, and why; none of one that did.
pub(crate) fn outcome_words(outcome: &Outcome) -> Option<(&'static str, String)> {
    let Totals { usage, cost } = outcome.totals;
    let words = match outcome.reason {
        EndReason::Done => return None,
        EndReason::Cancelled => ("cancelled", "the turn was ended".to_owned()),
        EndReason::Steps => ("steps-exhausted", "the model used all its steps".to_owned()),
        EndReason::Tokens => {
            ("tokens-exhausted", format!("the turn used {} tokens, which are all", grouped(usage.total())))
        }
        EndReason::Cost => ("cost-exhausted", format!("the turn cost {}, which is all", money(cost))),
        EndReason::Time => ("timeout", "the turn took all its time".to_owned()),
        EndReason::ModelFailed => match &outcome.error {
            Some(error) => (error.code(), error.to_string()),
            None => ("model-unavailable", "no model answered".to_owned()),
        },
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_to_the_millionth() {
        assert_eq!(money(0), "$0.000000");
        assert_eq!(money(1_234_567), "$1.234567");
    }

    #[test]
    fn a_call_that_ended_is_kept_with_the_name_of_its_tool() {
        let output = Output::new(true);
        let mut screen = Screen::new(&output);
        let (id, tool) = ("1".to_owned(), "acme/x/y".parse().unwrap());
        screen.saw(&Event::CallBegun { id: id.clone(), tool, input: "{}".to_owned() });
        let ended = |tool: &str| Event::CallEnded {
            id: id.clone(),
            tool: tool.to_owned(),
            outcome: "ok".to_owned(),
            summary: "done".to_owned(),
            milliseconds: 3,
        };
        screen.saw(&ended("acme__x__y"));
        screen.saw(&ended("made\u{1b}up"));
        let tools: Vec<_> = screen.steps().iter().map(|step| step.tool.as_str()).collect();
        assert_eq!(tools, ["acme/x/y", "made\\u{1b}up"]);
    }

    #[test]
    fn every_end_but_the_good_one_has_a_code_of_a_class() {
        let ended = |reason| Outcome { text: String::new(), reason, totals: Totals::default(), error: None };
        assert!(outcome_words(&ended(EndReason::Done)).is_none());
        for (reason, class) in [
            (EndReason::Cancelled, crate::exit::Exit::Limits),
            (EndReason::Steps, crate::exit::Exit::Limits),
            (EndReason::Tokens, crate::exit::Exit::Limits),
            (EndReason::Cost, crate::exit::Exit::Limits),
            (EndReason::Time, crate::exit::Exit::Limits),
            (EndReason::ModelFailed, crate::exit::Exit::Registry),
        ] {
            let (code, words) = outcome_words(&ended(reason)).unwrap();
            assert_eq!(crate::exit::Exit::of_code(code), class, "{code}: {words}");
        }
    }
}
