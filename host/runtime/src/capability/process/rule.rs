//! The owner's rules for programs, and their one-line text form.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use openclaw_package::permission::{
    AbsolutePath, Access, Environment, PermissionError, ProcessRequest, Shape, VariableName, VariablePattern,
    shell_word,
};
use serde::{Deserialize, Serialize};

use super::program::{find_helper, find_program};

/// An owner's rule: `process --with /usr/bin/sh /usr/bin/git pull --ff-only`.
///
/// Its words are those of a command line, quoted as for a shell; what stands in angle brackets is a pattern of
/// [`Shape`]. The options before the program narrow or widen what it may do:
///
/// | option | meaning |
/// |---|---|
/// | `--read-only` | the skill's trees cannot be changed by it |
/// | `--env NAME=PATTERN` | the skill may set this variable of its environment; a fixed value is set always |
/// | `--with PATH` | it may start this program, or those in this directory |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessRule {
    /// The program, by its absolute path.
    pub program: AbsolutePath,
    /// What its arguments may be.
    pub shape: Shape,
    /// What its environment may be.
    pub environment: Environment,
    /// Which other programs it may start: files, or directories of them.
    pub helpers: Vec<AbsolutePath>,
    /// What it may do in the trees that the skill holds.
    pub access: Access,
}

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessRuleError {
    /// A quote is open at the end.
    #[error("a quote that is not closed")]
    Quotes,
    /// Nothing is named, or not by its path.
    #[error("{0:?} in place of the absolute path of a program")]
    Program(String),
    /// An option that means nothing.
    #[error(
        "{0:?}: before the program stand --read-only, --env NAME=VALUE and --with PATH, and nothing else"
    )]
    Option(String),
    /// A pattern, a variable or a path that cannot be understood.
    #[error(transparent)]
    Permission(#[from] PermissionError),
}

const READ_ONLY: &str = "--read-only";
const ENV: &str = "--env";
const WITH: &str = "--with";

impl ProcessRule {
    /// The rules that allow exactly what an entry of a manifest asks for, one for each shape; none where this machine
    /// does not have the program. Helpers that it does not have are left out.
    #[must_use]
    pub fn for_request(request: &ProcessRequest) -> Vec<Self> {
        let Some(program) = find_program(&request.program) else { return Vec::new() };
        let helpers: Vec<_> =
            request.helpers.iter().filter_map(|helper| find_helper(helper, program.as_path())).collect();
        let rule = |shape: &Shape| Self {
            program: program.clone(),
            shape: shape.clone(),
            environment: request.environment.clone(),
            helpers: helpers.clone(),
            access: request.access,
        };
        request.shapes.iter().map(rule).collect()
    }

    /// The rule that some words stand for. Where `find` is given, a program and helpers may go by bare names, which
    /// it finds.
    ///
    /// # Errors
    /// See [`ProcessRuleError`].
    pub fn from_words(
        words: &[String],
        find: Option<fn(&str) -> Option<AbsolutePath>>,
    ) -> Result<Self, ProcessRuleError> {
        let path = |word: &str| {
            let found = word.parse::<AbsolutePath>().ok();
            found
                .or_else(|| find.and_then(|find| find(word)))
                .ok_or_else(|| ProcessRuleError::Program(word.to_owned()))
        };
        let (mut access, mut helpers, mut variables) = (Access::Write, Vec::new(), Vec::new());
        let mut words = words.iter().map(String::as_str);
        let program = loop {
            let mut value =
                |option: &str| words.next().ok_or_else(|| ProcessRuleError::Option(option.to_owned()));
            match value("")? {
                READ_ONLY => access = Access::Read,
                WITH => helpers.push(path(value(WITH)?)?),
                ENV => variables.push(variable(value(ENV)?)?),
                option if option.starts_with('-') => {
                    return Err(ProcessRuleError::Option(option.to_owned()));
                }
                program => break path(program)?,
            }
        };
        let shape = Shape::from_words(&words.collect::<Vec<_>>())?;
        Ok(Self { program, shape, environment: Environment::new(variables)?, helpers, access })
    }

    /// The words of the rule, of which the first is that of the permission.
    fn words(&self) -> Vec<String> {
        let mut words = vec!["process".to_owned()];
        if self.access == Access::Read {
            words.push(READ_ONLY.to_owned());
        }
        for (name, pattern) in self.environment.iter() {
            words.extend([ENV.to_owned(), format!("{name}={pattern}")]);
        }
        for helper in &self.helpers {
            words.extend([WITH.to_owned(), helper.to_string()]);
        }
        words.push(self.program.to_string());
        words.extend(self.shape.patterns().iter().map(ToString::to_string));
        words
    }

    /// The command that adds the rule to what a skill may do, for a shell to take literally: the patterns may be a
    /// stranger's, and a person pastes it.
    #[must_use]
    pub fn command(&self, skill: &str) -> String {
        let words = self.words();
        // What begins with a hyphen the command would take for its own.
        let own = if words.iter().any(|word| word.starts_with('-')) { "-- " } else { "" };
        format!("openclaw grant allow {skill} {own}{}", quoted(&words))
    }

    /// Whether this rule allows all that another does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.program == other.program
            && self.shape.covers(&other.shape)
            && self.environment.covers(&other.environment)
            && other.helpers.iter().all(|helper| self.helpers.contains(helper))
            && self.access.covers(other.access)
    }

    /// The helpers as paths.
    pub(super) fn helper_paths(&self) -> impl Iterator<Item = PathBuf> {
        self.helpers.iter().map(|helper| helper.as_path().to_owned())
    }
}

fn variable(word: &str) -> Result<(VariableName, VariablePattern), ProcessRuleError> {
    let (name, pattern) = word.split_once('=').ok_or_else(|| ProcessRuleError::Option(word.to_owned()))?;
    Ok((name.parse()?, pattern.parse()?))
}

/// Words as a shell, or a rule, takes them literally.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for ProcessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.words()))
    }
}

impl FromStr for ProcessRule {
    type Err = ProcessRuleError;

    fn from_str(text: &str) -> Result<Self, ProcessRuleError> {
        let words = shlex::split(text).ok_or(ProcessRuleError::Quotes)?;
        let words = words.strip_prefix(&["process".to_owned()]).unwrap_or(&words);
        Self::from_words(words, None)
    }
}

impl TryFrom<String> for ProcessRule {
    type Error = ProcessRuleError;

    fn try_from(text: String) -> Result<Self, ProcessRuleError> {
        text.parse()
    }
}

impl From<ProcessRule> for String {
    fn from(rule: ProcessRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_and_its_text_are_the_same() {
        for text in [
            "process /usr/bin/git status --porcelain",
            "process --read-only /usr/bin/git log -n '<integer:1..100>'",
            "process --env 'GIT_AUTHOR_NAME=<any>' --env GIT_TERMINAL_PROMPT=0 /usr/bin/git commit -m '<any>'",
            "process --with /usr/bin/sh --with /usr/lib/git-core /usr/bin/git pull --ff-only",
            "process /usr/bin/git add -- '<rest>'",
            "process /opt/a b/x",
        ] {
            let rule: ProcessRule = text.parse().unwrap();
            let again: ProcessRule = rule.to_string().parse().unwrap();
            assert_eq!(rule, again, "{text} became {rule}");
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, why) in [
            ("process", "stand"),
            ("process git status", "absolute path"),
            ("process --sudo /usr/bin/git", "--read-only"),
            ("process --with sh /usr/bin/git", "absolute path"),
            ("process --env LD_PRELOAD=/x.so /usr/bin/git", "LD_PRELOAD"),
            ("process /usr/bin/git '<anything>'", "any"),
            ("process /usr/bin/git 'open", "quote"),
        ] {
            let error = text.parse::<ProcessRule>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_bare_name_is_found_where_somebody_finds_it() {
        let words = ["git", "status"].map(str::to_owned);
        let rule = ProcessRule::from_words(&words, Some(|_| "/usr/bin/git".parse().ok())).unwrap();
        assert_eq!(rule.to_string(), "process /usr/bin/git status");
    }
}
