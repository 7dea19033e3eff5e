//! Which tool a command means: the one whose pattern takes all of it, or the one that the person named.

use std::fmt;

use openclaw_package::manifest::{CommandPattern, CommandTrigger, MAX_COMMAND_LEN, Trigger};
use openclaw_package::name::ToolId;
use serde_json::json;

use super::store::{Paused, Subject};

/// The commands of some tools: those that a caller may call, and that are not paused.
#[derive(Clone, Debug, Default)]
pub struct Commands(Vec<Command>);

#[derive(Clone, Debug)]
struct Command {
    tool: ToolId,
    pattern: CommandPattern,
    input: Option<String>,
}

/// What a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matches {
    /// Nothing: no tool takes it.
    None,
    /// A call.
    One(CommandCall),
    /// More than one thing, of which the person has to choose one.
    Several(Ambiguous),
}

/// A call that a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCall {
    /// Which tool.
    pub tool: ToolId,
    /// Its input, as JSON text.
    pub input: String,
}

/// A command that several tools take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    command: String,
    tools: Vec<ToolId>,
}

/// The command of a message, if it is one: what stands behind a slash at its very beginning, on a single line.
///
/// Anything else that people write is theirs, whatever patterns skills bring.
#[must_use]
pub fn command_of(message: &str) -> Option<&str> {
    let command = message.strip_prefix('/')?.trim_end();
    let begins = command.chars().next().is_some_and(|first| !first.is_whitespace() && first != '/');
    (begins && command.len() <= MAX_COMMAND_LEN && !command.contains(['\n', '\r'])).then_some(command)
}

impl Commands {
    /// The commands among these triggers, without those that `covers` leaves out and those that are paused.
    pub fn new<'a>(
        triggers: impl IntoIterator<Item = (ToolId, &'a Trigger)>,
        covers: impl Fn(&ToolId) -> bool,
        paused: &Paused,
    ) -> Self {
        let command = |(tool, trigger): (ToolId, &Trigger)| match trigger {
            Trigger::Command(CommandTrigger { pattern, input, .. })
                if covers(&tool) && !paused.covers(&tool) =>
            {
                Some(Command { tool, pattern: pattern.clone(), input: input.clone() })
            }
            _ => None,
        };
        Self(triggers.into_iter().filter_map(command).collect())
    }

    /// What a command means, written without its slash. Its first word may name the skill, or the tool, that is meant.
    #[must_use]
    pub fn matches(&self, command: &str) -> Matches {
        let (first, rest) = command.split_once(' ').unwrap_or((command, ""));
        let (named, command) = match first.parse::<Subject>() {
            Ok(named) => (Some(named), rest.trim_start()),
            Err(_) => (None, command),
        };
        let is_meant = |tool: &ToolId| named.as_ref().is_none_or(|named| named.covers(tool));
        let mut taking: Vec<&Command> = Vec::new();
        for found in self.0.iter().filter(|known| is_meant(&known.tool) && known.pattern.matches(command)) {
            // A tool with two patterns is meant once, by the first of them.
            if !taking.iter().any(|known| known.tool == found.tool) {
                taking.push(found);
            }
        }
        match taking.as_slice() {
            [] => Matches::None,
            [one] => Matches::One(one.call(command)),
            several => Matches::Several(Ambiguous {
                command: command.to_owned(),
                tools: several.iter().map(|known| known.tool.clone()).collect(),
            }),
        }
    }
}

impl Command {
    fn call(&self, command: &str) -> CommandCall {
        let input = match &self.input {
            Some(property) => json!({ property: command }),
            None => json!({}),
        };
        CommandCall { tool: self.tool.clone(), input: input.to_string() }
    }
}

impl Ambiguous {
    /// What to write to mean one of them.
    #[must_use]
    pub fn hint(&self) -> String {
        let of_one_skill =
            |tool: &&ToolId| self.tools.iter().filter(|other| other.skill() == tool.skill()).nth(1).is_none();
        let choices: Vec<String> = self
            .tools
            .iter()
            .map(|tool| {
                let name = if of_one_skill(&tool) { tool.skill().to_string() } else { tool.to_string() };
                format!("/{name} {}", self.command)
            })
            .collect();
        format!("write {}", choices.join(", or "))
    }
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.tools.iter().map(ToString::to_string).collect();
        write!(f, "{} tools take the command {:?}: {}", names.len(), self.command, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(pattern: &str, input: Option<&str>) -> Trigger {
        Trigger::Command(CommandTrigger {
            tool: "run".parse().unwrap(),
            pattern: pattern.parse().unwrap(),
            input: input.map(str::to_owned),
        })
    }

    fn commands(known: &[(&str, &str, Option<&str>)], covers: impl Fn(&ToolId) -> bool) -> Commands {
        let triggers: Vec<(ToolId, Trigger)> = known
            .iter()
            .map(|(tool, pattern, input)| (tool.parse().unwrap(), trigger(pattern, *input)))
            .collect();
        Commands::new(
            triggers.iter().map(|(tool, trigger)| (tool.clone(), trigger)),
            covers,
            &Paused::default(),
        )
    }

    fn one(tool: &str, input: &str) -> Matches {
        Matches::One(CommandCall { tool: tool.parse().unwrap(), input: input.to_owned() })
    }

    #[test]
    fn a_command_is_for_the_tool_whose_pattern_takes_all_of_it() {
        let commands =
            commands(&[("acme/git/run", "git( .*)?", Some("text")), ("acme/hi/run", "hi", None)], |_| true);
        assert_eq!(commands.matches("git status"), one("acme/git/run", r#"{"text":"git status"}"#));
        assert_eq!(commands.matches("hi"), one("acme/hi/run", "{}"));
        for nothing in ["", "gitk", "hi there", "status"] {
            assert_eq!(commands.matches(nothing), Matches::None, "{nothing}");
        }
        let quoted = commands.matches(r#"git "x", "text": "y"}"#);
        assert_eq!(quoted, one("acme/git/run", r#"{"text":"git \"x\", \"text\": \"y\"}"}"#));
    }

    #[test]
    fn of_several_the_person_chooses_by_name() {
        let known = [
            ("acme/git/commit", "git.*", None),
            ("acme/git/status", "git.*", Some("text")),
            ("other/all/run", ".*", Some("text")),
        ];
        let commands = commands(&known, |_| true);
        let Matches::Several(several) = commands.matches("git status") else { panic!("one") };
        assert_eq!(
            several.to_string(),
            "3 tools take the command \"git status\": acme/git/commit, acme/git/status, other/all/run"
        );
        assert_eq!(
            several.hint(),
            "write /acme/git/commit git status, or /acme/git/status git status, or /other/all git status"
        );
        assert_eq!(
            commands.matches("acme/git/status git status"),
            one("acme/git/status", r#"{"text":"git status"}"#)
        );
        assert_eq!(
            commands.matches("other/all git status"),
            one("other/all/run", r#"{"text":"git status"}"#)
        );
        let Matches::Several(two) = commands.matches("acme/git git status") else { panic!("one") };
        assert_eq!(
            two.to_string(),
            "2 tools take the command \"git status\": acme/git/commit, acme/git/status"
        );
    }

    #[test]
    fn what_is_named_goes_to_nobody_else() {
        let commands = commands(&[("other/all/run", ".*", None)], |_| true);
        assert_eq!(commands.matches("acme/git git status"), Matches::None);
        assert_eq!(commands.matches("other/all/walk git status"), Matches::None);
        assert_eq!(commands.matches("other/all"), one("other/all/run", "{}"));
    }

    #[test]
    fn a_tool_with_two_patterns_is_meant_once() {
        let commands = commands(&[("acme/a/run", "x", None), ("acme/a/run", ".", Some("text"))], |_| true);
        assert_eq!(commands.matches("x"), one("acme/a/run", "{}"));
    }

    #[test]
    fn what_the_caller_may_not_call_takes_no_command() {
        let known = [("acme/a/run", "x", None), ("acme/b/run", "x", None)];
        let commands = commands(&known, |tool| tool.skill().name().as_str() == "a");
        assert_eq!(commands.matches("x"), one("acme/a/run", "{}"));
        assert_eq!(commands.matches("acme/b x"), Matches::None);
    }

    #[test]
    fn only_what_begins_with_a_slash_is_a_command() {
        assert_eq!(command_of("/git status\n"), Some("git status"));
        for message in ["git status", " /git", "/", "/ git", "//git", "/a\nb", "/a\rb", "see /git"] {
            assert_eq!(command_of(message), None, "{message:?}");
        }
        assert_eq!(command_of(&format!("/{}", "x".repeat(MAX_COMMAND_LEN + 1))), None);
    }
}
