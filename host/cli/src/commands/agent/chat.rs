//! `openclaw agent chat`: a conversation at the terminal.

use openclaw_agent::model::Message;
use openclaw_agent::session::{SessionKey, Stored, Totals};
use openclaw_agent::turn::Outcome;

use super::{CHANNEL, PEER, Started, new_conversation};
use crate::cli::AgentChat;
use crate::consent::quoted;
use crate::describe::grouped;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::{Output, dim, heading, warning};
use crate::talk::{self, Keyboard, Screen, Typed, effects_words, money, outcome_words};
use crate::text::{many_lines, one_line, summary};

/// The file of what was typed, in the data directory.
const HISTORY: &str = "chat-history";
/// Messages that `/history` shows.
const SHOWN: u32 = 40;
/// Characters of a tool's description, or of a call's arguments.
const WIDTH: usize = 80;
/// Bytes of one message, as the agents take them.
const MESSAGE_BYTES: usize = openclaw_agent::agents::MESSAGE_BYTES;

const HELP: &str = "\
/help     this
/new      begin a new conversation
/history  what was said in this one
/tools    what the agent may call
/cost     what this conversation has used
/quit     leave; Ctrl-D does too
A line that ends in \\ goes on in the next one. Ctrl-C ends what the agent does.
Any other /word goes to the agent, and is a command where a skill has one of that name.";

/// Talks until the person leaves.
pub(super) fn run(arguments: &AgentChat, environment: &Environment, output: &Output) -> Result<()> {
    if output.is_json() {
        return Err(CliError::usage("a chat is for people, and prints no JSON")
            .hint("openclaw agent run \"…\" --json"));
    }
    let started = Started::new(&arguments.agent, arguments.limits.limits(), environment)?;
    let conversation = match &arguments.conversation {
        Some(name) => name.clone(),
        None if arguments.latest => latest(&started)?,
        None => new_conversation(),
    };
    let history = environment.data_dir()?.root().join(HISTORY);
    let keyboard = Keyboard::editing(history, started.hosted.redaction())?;
    let key = started.key(conversation);
    let mut chat = Chat { started: &started, output, keyboard, key, can_ask: output.can_ask() };
    let talked = started.threads.block_on(chat.talk());
    drop(chat);
    started.end()?;
    talked
}

/// The conversation that was spoken in last.
fn latest(started: &Started) -> Result<String> {
    let agent = started.plan.id.as_str();
    let conversations = started.agents().store().conversations(agent, CHANNEL, PEER, 1);
    let latest = started.threads.block_on(conversations)?.into_iter().next();
    latest.map(|key| key.conversation).ok_or_else(|| {
        CliError::new(
            Exit::NotFound,
            "no-conversation",
            format!("there was no conversation with {agent} yet"),
        )
        .hint(format!("to begin one: openclaw agent chat --agent {agent}"))
    })
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Help,
    New,
    History,
    Tools,
    Cost,
    Quit,
    /// It is for the agent.
    Said,
    Nothing,
}

impl Word {
    fn of(line: &str) -> Self {
        match line.trim() {
            "/help" => Self::Help,
            "/new" => Self::New,
            "/history" => Self::History,
            "/tools" => Self::Tools,
            "/cost" => Self::Cost,
            "/quit" => Self::Quit,
            "" => Self::Nothing,
            _ => Self::Said,
        }
    }
}

/// A conversation, and both sides of the terminal.
struct Chat<'a> {
    started: &'a Started,
    output: &'a Output,
    keyboard: Keyboard,
    key: SessionKey,
    can_ask: bool,
}

impl Chat<'_> {
    async fn talk(&mut self) -> Result<()> {
        self.greet().await?;
        while let Some(line) = self.line().await {
            match Word::of(&line) {
                Word::Help => self.output.lines(HELP.lines()),
                Word::New => {
                    self.key.conversation = new_conversation();
                    self.output.note(dim(format_args!("conversation {}", self.key.conversation)));
                }
                Word::History => self.history().await?,
                Word::Tools => self.tools()?,
                Word::Cost => self.cost().await?,
                Word::Quit => break,
                Word::Nothing => {}
                Word::Said => {
                    if !self.say(&line).await? {
                        break;
                    }
                }
            }
        }
        let again = format!(
            "openclaw agent chat --agent {} --conversation {}",
            self.key.agent,
            quoted(&self.key.conversation)
        );
        self.output.note(dim(format_args!("to go on: {again}")));
        Ok(())
    }

    async fn greet(&self) -> Result<()> {
        let plan = &self.started.plan;
        let (agent, model) = (heading(&plan.id), summary(&plan.model, WIDTH));
        self.output
            .note(format_args!("{agent} answers, by the model {model}. /help tells more, Ctrl-D leaves."));
        self.output.note(dim(format_args!("conversation {}", one_line(&self.key.conversation))));
        if let Some(stored) = self.stored().await?
            && stored.is_open
        {
            let words = "the last turn did not come to its end; it goes on with what you say next";
            self.output.note(format_args!("{} {words}", warning("note:")));
        }
        Ok(())
    }

    /// What the person says; none where they leave.
    async fn line(&self) -> Option<String> {
        let (mut said, mut interrupted) = (String::new(), false);
        loop {
            let prompt = if said.is_empty() { ">" } else { "…" };
            match self.keyboard.say(prompt).await {
                Typed::Line(line) => {
                    interrupted = false;
                    if let Some(begin) = line.strip_suffix('\\').filter(|_| said.len() < MESSAGE_BYTES) {
                        said.push_str(begin);
                        said.push('\n');
                        continue;
                    }
                    said.push_str(&line);
                    return Some(said);
                }
                Typed::Interrupted if interrupted => return None,
                Typed::Interrupted => {
                    (said, interrupted) = (String::new(), true);
                    self.output.note(dim("Ctrl-C again leaves"));
                }
                Typed::End => return None,
            }
        }
    }

    /// Says something to the agent; whether the person stays.
    async fn say(&self, text: &str) -> Result<bool> {
        let mut screen = Screen::new(self.output);
        let keyboard = self.can_ask.then_some(&self.keyboard);
        let said = talk::say(self.started.agents(), &self.key, text, &mut screen, keyboard).await;
        screen.end_line();
        match said {
            Ok(Some(outcome)) => self.show(&screen, &outcome),
            Ok(None) => return Ok(false),
            // What is wrong with one message need not end the conversation.
            Err(error) => self.output.error(&error),
        }
        Ok(true)
    }

    fn show(&self, screen: &Screen<'_>, outcome: &Outcome) {
        if !screen.has_shown() && !outcome.text.is_empty() {
            self.output.line(many_lines(outcome.text.trim_end()));
        }
        if let Some((code, words)) = outcome_words(outcome) {
            self.output.error(&CliError::new(Exit::of_code(code), code, words));
        }
    }

    /// The conversation as it is kept; none before anything is said.
    async fn stored(&self) -> Result<Option<Stored>> {
        let store = self.started.agents().store();
        Ok(match store.find(&self.key).await? {
            Some(session) => Some(store.load(session).await?),
            None => None,
        })
    }

    async fn history(&self) -> Result<()> {
        let store = self.started.agents().store();
        let messages = match store.find(&self.key).await? {
            Some(session) => store.history(session, SHOWN).await?,
            None => Vec::new(),
        };
        if messages.is_empty() {
            self.output.note("nothing was said yet");
        }
        for message in &messages {
            self.message(message);
        }
        Ok(())
    }

    fn message(&self, message: &Message) {
        match message {
            Message::User { text } => self.output.line(format_args!("> {}", many_lines(text))),
            Message::Assistant { text, calls } => {
                if !text.is_empty() {
                    self.output.line(many_lines(text));
                }
                for call in calls {
                    let arguments = summary(&call.arguments, WIDTH);
                    self.output.line(dim(format_args!("  {} {arguments}", one_line(&call.tool))));
                }
            }
            Message::Tool { results } => {
                for result in results {
                    let outcome = if result.failed { "failed" } else { "ok" };
                    self.output.line(dim(format_args!("  {} {outcome}", one_line(&result.tool))));
                }
            }
        }
    }

    fn tools(&self) -> Result<()> {
        let tools = self.started.agents().get(&self.key.agent)?.toolbox.tools();
        for tool in tools.iter() {
            let effects = dim(format_args!("can {}", effects_words(tool.effects)));
            self.output.line(format_args!("{}  {effects}", tool.id));
            self.output.line(format_args!("  {}", summary(&tool.description, WIDTH)));
        }
        if tools.is_empty() {
            self.output.note("the agent may call no tool: `skills` in config.yaml says which, and openclaw list what is installed");
        }
        Ok(())
    }

    async fn cost(&self) -> Result<()> {
        let Totals { usage, cost } = self.stored().await?.map(|stored| stored.totals).unwrap_or_default();
        let (asked, answered) = (grouped(usage.input), grouped(usage.output));
        self.output.line(format_args!("{asked} tokens of questions, {answered} of answers, {}", money(cost)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_none_of_ours_goes_to_the_agent() {
        for (line, word) in [
            ("/help", Word::Help),
            (" /new ", Word::New),
            ("/quit", Word::Quit),
            ("", Word::Nothing),
            ("/git status", Word::Said),
            ("/helper", Word::Said),
            ("hello", Word::Said),
        ] {
            assert_eq!(Word::of(line), word, "{line}");
        }
    }
}
