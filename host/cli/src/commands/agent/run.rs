//! `openclaw agent run`: one turn of an agent.

use openclaw_agent::turn::Outcome;

use super::{Started, new_conversation};
use crate::cli::AgentRun;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::invocation;
use crate::json::AgentTurn;
use crate::output::Output;
use crate::talk::{self, Keyboard, Screen, outcome_words};
use crate::text::many_lines;

/// Says one thing, and shows what came of it.
pub(super) fn run(arguments: AgentRun, environment: &Environment, output: &Output) -> Result<()> {
    let AgentRun { message, agent, conversation, new: _, limits } = arguments;
    let message = invocation::input(message)?;
    let started = Started::new(&agent, limits.limits(), environment)?;
    let key = started.key(conversation.unwrap_or_else(new_conversation));
    let keyboard = output.can_ask().then(Keyboard::plain).transpose()?;
    let mut screen = Screen::new(output);
    let said = talk::say(started.agents(), &key, &message, &mut screen, keyboard.as_ref());
    let outcome = started.threads.block_on(said);
    screen.end_line();
    let shown = match &outcome {
        Ok(Some(outcome)) => show(output, &screen, &key.agent, &key.conversation, outcome),
        _ => Ok(()),
    };
    started.end()?;
    shown?;
    match outcome? {
        None => Err(CliError::new(Exit::Limits, "cancelled", "the turn was left as it is")
            .hint(go_on(&key.agent, &key.conversation))),
        Some(outcome) => {
            match outcome_words(&outcome) {
                None => Ok(()),
                Some((code, words)) => Err(CliError::new(Exit::of_code(code), code, words)
                    .hint(go_on(&key.agent, &key.conversation))),
            }
        }
    }
}

fn go_on(agent: &str, conversation: &str) -> String {
    let conversation = crate::consent::quoted(conversation);
    format!("to go on: openclaw agent run --agent {agent} --conversation {conversation} \"…\"")
}

fn show(
    output: &Output,
    screen: &Screen<'_>,
    agent: &str,
    conversation: &str,
    outcome: &Outcome,
) -> Result<()> {
    if output.is_json() {
        return output.document(&AgentTurn {
            agent,
            conversation,
            text: &outcome.text,
            reason: outcome.reason,
            usage: outcome.totals.usage,
            cost: outcome.totals.cost,
            steps: screen.steps(),
            notices: screen.notices(),
        });
    }
    if !screen.has_shown() && !outcome.text.is_empty() {
        output.line(many_lines(outcome.text.trim_end()));
    }
    Ok(())
}
