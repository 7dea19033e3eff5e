//! `openclaw grant`: the owner's rules for a skill.

use std::path::Path;

use openclaw_package::{AbsolutePath, Access, Program, Requests, Shape, SkillId, Tree, UrlPattern};
use openclaw_runtime::capability::process::{ProcessRule, find_by_name, find_program, program_digest};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::install::Installer;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::Lockfile;
use openclaw_runtime::policy::{FilesystemRule, Place, Policy, Rule, RuleError};
use openclaw_runtime::policy_file::PolicyFile;
use openclaw_runtime::skill::Authorized;
use openclaw_runtime::trust::TrustStore;
use openclaw_runtime::workspace::Workspace;

use super::installed::{nearest, unknown};
use crate::cli::{GrantCommand, Rule as Words};
use crate::consent::{assess, own_rules};
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{Grants, Pinned, RuleChange};
use crate::output::{Output, bad, dim, good, heading};

/// What is done with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Allow,
    Deny,
    Revoke,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Revoke => "revoke",
        }
    }
}

/// Shows or changes.
pub(crate) fn run(command: GrantCommand, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    match command {
        GrantCommand::Show { skill } => show(&dir, skill.as_ref(), output),
        GrantCommand::Allow(words) => change(&dir, Action::Allow, &words, output),
        GrantCommand::Pin { program } => pin(&dir, &program, output),
        GrantCommand::Deny(words) => change(&dir, Action::Deny, &words, output),
        GrantCommand::Revoke(words) => change(&dir, Action::Revoke, &words, output),
    }
}

fn show(dir: &DataDir, skill: Option<&SkillId>, output: &Output) -> Result<()> {
    let catalog = Catalog::load(dir)?;
    let skills: Vec<SkillId> = match skill {
        Some(skill) => {
            refuse_unknown(dir, &catalog, skill)?;
            vec![skill.clone()]
        }
        None => catalog.iter().map(|(skill, _)| skill.clone()).collect(),
    };
    let workspace = environment::workspace(None)?;
    let grants = skills.iter().map(|skill| grants_of(dir, &catalog, skill, workspace.as_ref()));
    let grants = grants.collect::<Result<Vec<_>>>()?;
    if output.is_json() {
        return output.document(&grants.iter().map(|(grants, _)| grants).collect::<Vec<_>>());
    }
    if grants.is_empty() {
        output.note("no skill is installed yet: openclaw install <package>");
    }
    for (grants, lines) in &grants {
        let version = grants.version.as_ref().map_or_else(|| "not installed".to_owned(), ToString::to_string);
        output.line(format_args!("{} {version}", heading(&grants.skill)));
        if grants.requests.is_empty() && grants.version.is_some() {
            output.line("  asks for no permission");
        }
        output.lines(lines);
        output.lines(grants.allow.iter().map(|rule| format!("  {}  {rule}", good("rule: allow"))));
        output.lines(grants.deny.iter().map(|rule| format!("  {}  {rule}", bad("rule: deny "))));
    }
    Ok(())
}

/// The document of a skill's grants, and its requests in lines for people.
fn grants_of(
    dir: &DataDir,
    catalog: &Catalog,
    skill: &SkillId,
    workspace: Option<&Workspace>,
) -> Result<(Grants, Vec<String>)> {
    let loaded = loaded(catalog, skill);
    let requests = loaded.map(|loaded| loaded.manifest().requests().clone()).unwrap_or_default();
    let assessed = assess(dir, skill, &requests, workspace)?;
    let mut lines = Vec::new();
    for one in &assessed {
        lines.push(format!("  {}", one.line()));
        if let Some(command) = one.document(skill).grant {
            lines.push(dim(format_args!("      {command}")));
        }
    }
    let grants = Grants {
        skill: skill.clone(),
        version: Lockfile::load(&dir.lockfile())?.get(skill).map(|locked| locked.version.clone()),
        workspace: workspace.map(|workspace| workspace.path().to_owned()),
        requests: assessed.iter().map(|one| one.document(skill)).collect(),
        allow: catalog.policy().allowed(skill).to_vec(),
        deny: catalog.policy().denied(skill).cloned().collect(),
    };
    Ok((grants, lines))
}

fn change(dir: &DataDir, action: Action, words: &Words, output: &Output) -> Result<()> {
    let skill = &words.skill;
    // Held to the end: policy and lockfile change together.
    let mut installer = Installer::open(dir)?;
    let catalog = Catalog::load(dir)?;
    refuse_unknown(dir, &catalog, skill)?;
    let rule =
        rule(&words.permission, words.workspace.as_deref(), action, &own_rules(catalog.policy(), skill))?;
    if let (Action::Allow, Some(program)) = (action, rule.program()) {
        program_digest(program.as_path()).map_err(|error| unusable(program, &error))?;
    }
    let mut file = PolicyFile::open(&dir.policy())?;
    let changed = match action {
        Action::Allow => file.allow(skill, &rule),
        Action::Deny => file.deny(skill, &rule),
        Action::Revoke => file.revoke(skill, &rule),
    };
    if action == Action::Revoke && !changed {
        return Err(no_such_rule(skill, &rule, catalog.policy()));
    }
    file.save()?;
    installer.repin(skill)?;
    let requests = loaded(&catalog, skill).map(|loaded| loaded.manifest().requests());
    let warning = match requests {
        Some(requests) if action == Action::Allow && !is_requested(requests, &rule) => Some(format!(
            "{skill} does not ask for that, and what a skill does not ask for it is never given"
        )),
        None if catalog.get(skill).is_none() && action != Action::Revoke => {
            Some(format!("{skill} is not installed; the rule is for when it is"))
        }
        _ => None,
    };
    if output.is_json() {
        let action = action.name();
        return output.document(&RuleChange { skill: skill.clone(), action, rule, changed, warning });
    }
    let done = match (action, changed) {
        (_, false) => dim("already so:"),
        (Action::Allow, true) => good("allowed"),
        (Action::Deny, true) => bad("denied"),
        (Action::Revoke, true) => good("revoked"),
    };
    output.line(format_args!("{done} {skill} {rule}"));
    if let Some(warning) = warning {
        output.warn(warning);
    }
    Ok(())
}

fn unusable(program: &AbsolutePath, error: &std::io::Error) -> CliError {
    CliError::new(Exit::Refused, "unusable-program", format!("{program} cannot be granted: {error}"))
        .hint("openclaw grant allow --help")
}

fn pin(dir: &DataDir, program: &Program, output: &Output) -> Result<()> {
    let missing = || {
        CliError::new(Exit::NotFound, "no-such-program", format!("this machine has no program {program}"))
            .hint("name it by its absolute path, or install it")
    };
    let path = find_program(program).ok_or_else(missing)?;
    let digest = program_digest(path.as_path()).map_err(|error| unusable(&path, &error))?;
    // Held to the end: policy and lockfile change together.
    let _installer = Installer::open(dir)?;
    let mut file = PolicyFile::open(&dir.policy())?;
    let before = file.policy()?.programs().get(&path).copied();
    file.pin(&path);
    file.save()?;
    let changed = before != Some(digest);
    if output.is_json() {
        return output.document(&Pinned { program: path, before, digest, changed });
    }
    let done = if changed { good("pinned") } else { dim("already so:") };
    output.line(format_args!("{done} {path} {digest}"));
    if let (Some(before), true) = (before, changed) {
        output.line(dim(format_args!("  before: {before}")));
    }
    Ok(())
}

/// A skill is known that is installed, that has rules, or that a trusted publisher may yet have
/// installed: its owner can answer before `install` asks. A name one slip away is taken for a slip.
fn refuse_unknown(dir: &DataDir, catalog: &Catalog, skill: &SkillId) -> Result<()> {
    let has_rules = !own_rules(catalog.policy(), skill).is_empty();
    if catalog.get(skill).is_some() || has_rules {
        return Ok(());
    }
    let is_trusted = !TrustStore::load(&dir.trust())?.keys(skill.publisher()).is_empty();
    if is_trusted && nearest(dir, skill).is_none() { Ok(()) } else { Err(unknown(dir, skill)) }
}

fn no_such_rule(skill: &SkillId, rule: &Rule, policy: &Policy) -> CliError {
    let known = own_rules(policy, skill).iter().map(|rule| format!("\n  {rule}")).collect::<String>();
    let hint = if known.is_empty() { "it has no rules".to_owned() } else { format!("its rules are{known}") };
    CliError::new(Exit::NotFound, "no-such-rule", format!("{skill} has no rule {rule}")).hint(hint)
}

fn loaded<'a>(catalog: &'a Catalog, skill: &SkillId) -> Option<&'a Authorized> {
    match catalog.get(skill) {
        Some(Entry::Loaded(loaded)) => Some(loaded),
        _ => None,
    }
}

/// The rule that some words stand for. Directories are named without links, as the runtime names them.
fn rule(words: &[String], workspace: Option<&Path>, action: Action, known: &[Rule]) -> Result<Rule> {
    let text = words.join(" ");
    let written = known.iter().find(|rule| rule.to_string() == text);
    if let (Action::Revoke, Some(rule)) = (action, written) {
        return Ok(rule.clone());
    }
    // A rule as it is shown may come in one word.
    let split = match words {
        [rule] if rule.starts_with("process") => shlex::split(rule).unwrap_or_default(),
        words => words.to_vec(),
    };
    if let Some((permission, words)) = split.split_first()
        && matches!(permission.as_str(), "process" | "process:execute")
    {
        return process_rule(words);
    }
    let text = match text.split_once(" $workspace") {
        Some((permission, below)) if below.is_empty() || below.starts_with('/') => {
            format!("{permission} {}{below}", workspace_path(workspace)?)
        }
        _ => text,
    };
    let rule = text.parse().map_err(|error: RuleError| {
        CliError::new(Exit::Usage, "invalid-rule", error.to_string()).hint("openclaw grant allow --help")
    })?;
    Ok(match rule {
        Rule::Filesystem(FilesystemRule { access, place: Place::Path(path) }) => {
            // A rule can name what is not there yet.
            let path = path.canonicalize().unwrap_or(path);
            Rule::Filesystem(FilesystemRule { access, place: Place::Path(path) })
        }
        rule => rule,
    })
}

/// A rule for a program, which may go by its name: what is granted is what this machine has of that name.
fn process_rule(words: &[String]) -> Result<Rule> {
    ProcessRule::from_words(words, Some(find_by_name)).map(Rule::Process).map_err(|error| {
        CliError::new(Exit::Usage, "invalid-rule", format!("process: {error}"))
            .hint("openclaw grant allow --help; patterns such as '<any>' stand in quotes")
    })
}

fn workspace_path(given: Option<&Path>) -> Result<String> {
    let workspace = Workspace::resolve(given.unwrap_or(Path::new(".")))?;
    let path = workspace.path().to_str().map(str::to_owned);
    path.ok_or_else(|| {
        CliError::usage(format!("{} is not text, and cannot stand in the policy", workspace.path().display()))
    })
}

/// Whether a manifest asks for what a rule allows, or for a part of it.
fn is_requested(requests: &Requests, rule: &Rule) -> bool {
    match rule {
        Rule::Filesystem(rule) => requests.filesystem.iter().any(|request| {
            let wanted = rule.access == Access::Read || request.access == Access::Write;
            wanted && is_in_tree(&request.tree, rule)
        }),
        Rule::Network(_) => {
            let text = rule.to_string();
            let url = text.rsplit(' ').next().and_then(|url| url.parse::<UrlPattern>().ok());
            url.is_some_and(|url| {
                requests.network.iter().any(|request| request.url.covers(&url) || url.covers(&request.url))
            })
        }
        Rule::Process(rule) => requests.process.iter().any(|request| {
            let same = request.program.names(rule.program.as_path());
            let overlaps = |shape: &Shape| shape.covers(&rule.shape) || rule.shape.covers(shape);
            same && request.shapes.iter().any(overlaps)
        }),
        Rule::Memory => requests.memory.is_some(),
        Rule::Llm => requests.llm.is_some(),
        Rule::Ask => requests.ask.is_some(),
        Rule::Secret(rule) => {
            requests.secret.iter().any(|request| (&request.name, &request.host) == (&rule.name, &rule.host))
        }
    }
}

fn is_in_tree(tree: &Tree, rule: &FilesystemRule) -> bool {
    match (tree, &rule.place) {
        (Tree::Data, Place::Data) | (Tree::Workspace, Place::Path(_)) => true,
        (Tree::Path(asked), Place::Path(allowed)) => {
            asked.as_path().starts_with(allowed) || allowed.starts_with(asked.as_path())
        }
        _ => false,
    }
}
