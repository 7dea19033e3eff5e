//! Which programs a skill may run, and what a permit stands for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_package::digest::Digest;
use openclaw_package::permission::{
    AbsolutePath, Access, ArgumentPattern, Environment, ProcessRequest, Program, Shape, VariablePattern,
    shell_word,
};
use serde::{Deserialize, Serialize};

use super::rule::ProcessRule;
use crate::capability::{Capability, Denial, Reason, decide};

/// What a skill wants to run, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// Where, as the skill knows it.
    pub(crate) directory: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

/// What the manifest requests and what the owner's rules say of it; without rules nothing is granted.
#[derive(Clone, Debug)]
pub(crate) struct ProcessGrants {
    skill: String,
    requests: Vec<ProcessRequest>,
    allow: Vec<ProcessRule>,
    deny: Vec<ProcessRule>,
    programs: BTreeMap<AbsolutePath, Digest>,
    /// The operator's word that programs may run where this machine cannot confine them.
    unconfined: bool,
}

/// A command that is permitted: what it says is what must be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permitted {
    /// The command as the skill gave it, for whoever decides on it anew.
    pub(crate) command: Command,
    pub(crate) program: PathBuf,
    pub(crate) pinned: Digest,
    /// Those of the rule with a fixed value, and those of the skill.
    pub(crate) environment: Vec<(String, String)>,
    /// Arguments that are paths in the skill's trees: their places, and the paths as the skill knows them.
    pub(crate) paths: Vec<(usize, String)>,
    pub(crate) helpers: Vec<PathBuf>,
    pub(crate) access: Access,
    pub(crate) unconfined: bool,
}

impl Permitted {
    /// What a record says of it.
    pub(crate) fn target(&self) -> String {
        target(&self.command)
    }
}

impl ProcessGrants {
    /// The grants of the skill of that name, which hints repeat.
    pub(crate) fn new(
        skill: impl Into<String>,
        requests: Vec<ProcessRequest>,
        (allow, deny): (Vec<ProcessRule>, Vec<ProcessRule>),
        programs: BTreeMap<AbsolutePath, Digest>,
        unconfined: bool,
    ) -> Self {
        Self { skill: skill.into(), requests, allow, deny, programs, unconfined }
    }

    /// The programs that were granted, as they were then.
    pub(crate) fn programs(&self) -> &BTreeMap<AbsolutePath, Digest> {
        &self.programs
    }

    /// Decides on a command that would work in a directory.
    pub(crate) fn permit(&self, command: Command, directory: &str) -> Result<Permitted, Denial> {
        let deny = |reason| Denial::new(Capability::ProcessExecute, &target(&command), reason);
        let requested: Vec<Requested<'_>> = self.requested(&command, directory).collect();
        let allowing = self.allowing(&requested, &command, directory);
        let allowed = allowing.map(|(_, rule)| rule.program.as_path());
        let denied = self.deny.iter().any(|rule| denies(rule, &command, allowed, directory));
        decide(!requested.is_empty(), denied, allowing.is_some()).map_err(|reason| {
            let denial = deny(reason);
            match requested.first() {
                Some(requested) if reason == Reason::NotGranted => denial.with_hint(self.hint(requested)),
                _ => denial,
            }
        })?;
        let Some((requested, rule)) = allowing else { return Err(deny(Reason::NotGranted)) };
        let Some(pinned) = self.programs.get(&rule.program).copied() else {
            return Err(deny(Reason::ProgramChanged).with_hint(pin(&rule.program)));
        };
        Ok(Permitted {
            program: rule.program.as_path().to_owned(),
            pinned,
            environment: environment(&[&requested.request.environment, &rule.environment], &command),
            paths: requested.paths.clone(),
            helpers: rule
                .helper_paths()
                .filter(|path| requested.request.helpers.iter().any(|helper| helper.names(path)))
                .collect(),
            access: requested.request.access.min(rule.access),
            unconfined: self.unconfined,
            command,
        })
    }

    /// The denial of a permitted command whose program is not what was pinned.
    pub(crate) fn changed(permitted: &Permitted) -> Denial {
        let denial = Denial::new(Capability::ProcessExecute, &permitted.target(), Reason::ProgramChanged);
        match permitted.program.to_str().and_then(|path| path.parse().ok()) {
            Some(program) => denial.with_hint(pin(&program)),
            None => denial,
        }
    }

    /// The shapes of the manifest that a command has.
    fn requested<'a>(
        &'a self,
        command: &'a Command,
        directory: &'a str,
    ) -> impl Iterator<Item = Requested<'a>> {
        let of_program = self.requests.iter().filter(|request| request.program.as_str() == command.program);
        of_program
            .filter(|request| permits_environment(&request.environment, command))
            .flat_map(|request| request.shapes.iter().map(move |shape| (request, shape)))
            .filter_map(move |(request, shape)| {
                let paths = shape.matches(&command.arguments, directory)?;
                Some(Requested { request, shape, paths })
            })
    }

    fn allowing<'a>(
        &'a self,
        requested: &'a [Requested<'a>],
        command: &Command,
        directory: &str,
    ) -> Option<(&'a Requested<'a>, &'a ProcessRule)> {
        requested.iter().find_map(|requested| {
            let rule = self.allow.iter().find(|rule| {
                requested.request.program.names(rule.program.as_path())
                    && permits_environment(&rule.environment, command)
                    && rule.shape.matches(&command.arguments, directory).is_some()
            });
            rule.map(|rule| (requested, rule))
        })
    }

    /// The command that would grant what was requested.
    fn hint(&self, requested: &Requested<'_>) -> String {
        let alone = ProcessRequest { shapes: vec![requested.shape.clone()], ..requested.request.clone() };
        match ProcessRule::for_request(&alone).first() {
            Some(rule) => rule.command(&self.skill),
            None => format!(
                "openclaw grant show {} (once {} is installed)",
                self.skill,
                requested.request.program.as_str()
            ),
        }
    }

    /// What the manifest requests and the owner has said nothing of, a shape each.
    pub(crate) fn missing(&self) -> Vec<Missing> {
        let shapes = self.requests.iter().flat_map(|request| {
            request
                .shapes
                .iter()
                .map(move |shape| ProcessRequest { shapes: vec![shape.clone()], ..request.clone() })
        });
        shapes
            .filter_map(|request| {
                let (scope, reason) = (scope(&request), request.reason.to_string());
                let Some(rule) = ProcessRule::for_request(&request).into_iter().next() else {
                    return Some(Missing { scope, reason, rule: None });
                };
                let answered = self.allow.iter().any(|known| known.covers(&rule))
                    && self.programs.contains_key(&rule.program);
                let denied = self
                    .deny
                    .iter()
                    .any(|known| known.shape.covers(&rule.shape) && known.program == rule.program);
                (!answered || denied).then_some(Missing { scope, reason, rule: Some(rule) })
            })
            .collect()
    }
}

/// A shape of the manifest that nobody granted.
pub(crate) struct Missing {
    /// The program and the shape.
    pub(crate) scope: String,
    /// Why, in the words of the manifest.
    pub(crate) reason: String,
    /// What would grant it; none where this machine has no such program.
    pub(crate) rule: Option<ProcessRule>,
}

/// Programs and shapes of an entry, as they are shown.
fn scope(request: &ProcessRequest) -> String {
    let shape = request.shapes.first().map(Shape::to_string).unwrap_or_default();
    format!("{} {shape}", Program::as_str(&request.program)).trim_end().to_owned()
}

/// What of a manifest covers a command.
struct Requested<'a> {
    request: &'a ProcessRequest,
    shape: &'a Shape,
    paths: Vec<(usize, String)>,
}

/// Whether a deny rule is about a command: about its program, by whatever path, and its arguments, whatever its
/// environment. Who denies `git push <rest>` means every `git push`.
fn denies(rule: &ProcessRule, command: &Command, allowed: Option<&Path>, directory: &str) -> bool {
    let denied = rule.program.as_path();
    let named = command.program.parse::<Program>().is_ok_and(|program| program.names(denied));
    let is_same = || allowed.is_some_and(|allowed| allowed.canonicalize().ok() == denied.canonicalize().ok());
    (named || is_same()) && widened(&rule.shape).matches(&command.arguments, directory).is_some()
}

/// A shape that takes options wherever it takes what is free.
fn widened(shape: &Shape) -> Shape {
    let widen = |pattern: &ArgumentPattern| match pattern {
        ArgumentPattern::Any { .. } => ArgumentPattern::Any { dash: true },
        ArgumentPattern::Rest { .. } => ArgumentPattern::Rest { dash: true },
        pattern => pattern.clone(),
    };
    Shape::new(shape.patterns().iter().map(widen).collect()).unwrap_or_else(|_| shape.clone())
}

/// Whether the variables that a command sets are among those that it may set.
fn permits_environment(environment: &Environment, command: &Command) -> bool {
    command
        .environment
        .iter()
        .all(|(name, value)| environment.get(name).is_some_and(|pattern| pattern.matches(value)))
}

/// The variables of a command: what it sets, and what has a fixed value for everybody who consented.
fn environment(consents: &[&Environment; 2], command: &Command) -> Vec<(String, String)> {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let [requested, granted] = consents;
    for (name, pattern) in requested.iter() {
        let is_granted = granted.get(name.as_str()).is_some_and(|granted| granted.covers(pattern));
        if let (VariablePattern::Literal(value), true) = (pattern, is_granted) {
            variables.insert(name.to_string(), value.clone());
        }
    }
    variables.extend(command.environment.iter().cloned());
    variables.into_iter().collect()
}

fn target(command: &Command) -> String {
    let words = std::iter::once(&command.program).chain(&command.arguments);
    words.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The command that pins a program anew.
fn pin(program: &AbsolutePath) -> String {
    format!("openclaw grant pin {}", shell_word(program.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(shapes: &[&str], environment: &str) -> ProcessRequest {
        let variables = environment.split_whitespace().map(|variable| {
            let (name, pattern) = variable.split_once('=').unwrap();
            (name.parse().unwrap(), pattern.parse().unwrap())
        });
        ProcessRequest::new(
            "git".parse().unwrap(),
            shapes.iter().map(|shape| shape.parse().unwrap()).collect(),
            Environment::new(variables).unwrap(),
            vec!["sh".parse().unwrap()],
            Access::Write,
            "works".parse().unwrap(),
        )
        .unwrap()
    }

    fn grants(requests: Vec<ProcessRequest>, allow: &[&str], deny: &[&str]) -> ProcessGrants {
        let rules = |rules: &[&str]| rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let programs = BTreeMap::from([("/usr/bin/git".parse().unwrap(), Digest::of(b"git"))]);
        ProcessGrants::new("acme/x", requests, (rules(allow), rules(deny)), programs, false)
    }

    fn command(words: &str) -> Command {
        let mut words = words.split(' ').map(str::to_owned);
        Command {
            program: words.next().unwrap(),
            arguments: words.collect(),
            environment: Vec::new(),
            directory: None,
            timeout: None,
        }
    }

    fn reason(grants: &ProcessGrants, words: &str) -> Reason {
        grants.permit(command(words), "/workspace").unwrap_err().reason
    }

    #[test]
    fn both_consents_are_needed_and_denial_beats_both() {
        let both = grants(
            vec![request(&["status", "log <rest>"], "")],
            &[
                "process /usr/bin/git status",
                "process /usr/bin/git log '<rest>'",
                "process /usr/bin/git push",
            ],
            &["process /usr/bin/git log '<rest>' "],
        );
        assert!(both.permit(command("git status"), "/workspace").is_ok());
        assert_eq!(reason(&both, "git push"), Reason::NotRequested);
        assert_eq!(reason(&both, "git log main"), Reason::DeniedByOwner);
        assert_eq!(reason(&both, "git status --short"), Reason::NotRequested);
        assert_eq!(reason(&both, "/usr/bin/git status"), Reason::NotRequested);
        let none = grants(vec![request(&["status"], "")], &[], &[]);
        assert_eq!(reason(&none, "git status"), Reason::NotGranted);
    }

    #[test]
    fn the_narrower_of_two_consents_holds() {
        let narrow = grants(
            vec![request(&["status"], "A=1 B=<any> C=2")],
            &["process --read-only --env A=1 --env 'B=<one-of:x|y>' /usr/bin/git status"],
            &[],
        );
        let permitted = narrow.permit(command("git status"), "/workspace").unwrap();
        assert_eq!(permitted.access, Access::Read);
        assert!(permitted.helpers.is_empty());
        assert_eq!(permitted.environment, [("A".to_owned(), "1".to_owned())]);
        let with = |name: &str, value: &str| {
            let mut command = command("git status");
            command.environment.push((name.to_owned(), value.to_owned()));
            narrow.permit(command, "/workspace").map(|permitted| permitted.environment.len())
        };
        assert_eq!(with("B", "x").unwrap(), 2);
        assert_eq!(with("B", "z").unwrap_err().reason, Reason::NotGranted);
        assert_eq!(with("A", "2").unwrap_err().reason, Reason::NotRequested);
        assert_eq!(with("LD_PRELOAD", "/x.so").unwrap_err().reason, Reason::NotRequested);
    }

    #[test]
    fn a_program_that_nobody_pinned_is_not_run() {
        let mut unpinned = grants(vec![request(&["status"], "")], &["process /usr/bin/git status"], &[]);
        unpinned.programs.clear();
        let denial = unpinned.permit(command("git status"), "/workspace").unwrap_err();
        assert_eq!(denial.reason, Reason::ProgramChanged);
        assert_eq!(denial.hint.unwrap(), "openclaw grant pin /usr/bin/git");
    }
}
