//! What a skill asks for against what its owner's policy says.

use openclaw_package::{Requests, SkillId};
use openclaw_runtime::capability::grant::Grants;
use openclaw_runtime::capability::process::program_digest;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::policy::{Policy, Rule, SkillPolicy, rules_for};
use openclaw_runtime::policy_file::PolicyFile;
use openclaw_runtime::workspace::Workspace;

use crate::describe::{self, Request};
use crate::error::Result;
use crate::json;
use crate::output::{bad, good, warning};

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The policy grants it.
    Granted,
    /// This rule would grant it.
    Open(Rule),
    /// A deny rule stands in the way, so that no rule would grant it.
    Denied,
    /// It is for the workspace, and there is none.
    NoWorkspace,
    /// It is for a program that this machine does not have, or that cannot be run; why.
    NoProgram(String),
}

/// A request, and how it stands.
#[derive(Clone, Debug)]
pub(crate) struct Assessed {
    /// What is asked for.
    pub(crate) request: Request,
    /// How it stands.
    pub(crate) standing: Standing,
}

/// Holds each request against the policy.
pub(crate) fn assess(
    dir: &DataDir,
    skill: &SkillId,
    requests: &Requests,
    workspace: Option<&Workspace>,
) -> Result<Vec<Assessed>> {
    let policy = Policy::load(&dir.policy())?;
    let assess = |request: Request| {
        let standing = standing(dir, skill, &request, &policy, workspace)?;
        Ok(Assessed { request, standing })
    };
    describe::requests(requests).into_iter().map(assess).collect()
}

fn standing(
    dir: &DataDir,
    skill: &SkillId,
    request: &Request,
    policy: &Policy,
    workspace: Option<&Workspace>,
) -> Result<Standing> {
    if request.is_workspace() && workspace.is_none() {
        return Ok(Standing::NoWorkspace);
    }
    let granted = |policy: &Policy| Grants::join(skill, &request.alone, policy).missing(workspace).is_empty();
    if granted(policy) {
        return Ok(Standing::Granted);
    }
    let Some(rule) = rules_for(&request.alone, workspace.map(Workspace::path)).into_iter().next() else {
        return Ok(if request.is_workspace() {
            Standing::NoWorkspace
        } else {
            Standing::NoProgram("it is not installed here".to_owned())
        });
    };
    if let Some(program) = rule.program()
        && let Err(error) = program_digest(program.as_path())
    {
        return Ok(Standing::NoProgram(error.to_string()));
    }
    // An owner who denied exactly this has answered; consent to all that is shown is not an answer to this.
    if policy.denied(skill).any(|denied| *denied == rule) {
        return Ok(Standing::Denied);
    }
    let mut file = PolicyFile::open(&dir.policy())?;
    file.allow(skill, &rule);
    Ok(if granted(&file.policy()?) { Standing::Open(rule) } else { Standing::Denied })
}

/// The rules for one skill, of which those for every skill are no part.
pub(crate) fn own_rules(policy: &Policy, skill: &SkillId) -> Vec<Rule> {
    // The policy answers for both kinds together; its document keeps them apart.
    let document = serde_json::to_value(policy).unwrap_or_default();
    let own =
        document.get("skill").and_then(|skills| skills.get(skill.as_str())).cloned().unwrap_or_default();
    let SkillPolicy { allow, deny } = serde_json::from_value(own).unwrap_or_default();
    allow.into_iter().chain(deny).collect()
}

impl Assessed {
    /// The document of it.
    pub(crate) fn document(&self, skill: &SkillId) -> json::Permission {
        let status = match &self.standing {
            Standing::Granted => "granted",
            Standing::Open(_) => "not-granted",
            Standing::Denied => "denied",
            Standing::NoWorkspace => "no-workspace",
            Standing::NoProgram(_) => "no-program",
        };
        let grant = match &self.standing {
            Standing::Open(_) | Standing::NoWorkspace => Some(self.command(skill)),
            Standing::Granted | Standing::Denied | Standing::NoProgram(_) => None,
        };
        json::Permission { status: Some(status), grant, ..document(&self.request) }
    }

    /// The command that grants it.
    pub(crate) fn command(&self, skill: &SkillId) -> String {
        if let Standing::Open(Rule::Process(rule)) = &self.standing {
            return rule.command(skill.as_str());
        }
        let Request { permission, scope, .. } = &self.request;
        let permission = permission.trim_end_matches(":external");
        let command = format!("openclaw grant allow {skill} {permission}");
        // A directory is one word, whatever it is called; methods and a URL are two.
        let words: Vec<&str> = if permission.starts_with("filesystem") {
            vec![scope]
        } else {
            scope.split_whitespace().collect()
        };
        let command = words.iter().fold(command, |command, word| format!("{command} {}", quoted(word)));
        if self.standing == Standing::NoWorkspace { format!("{command} --workspace DIR") } else { command }
    }

    /// A line for people.
    pub(crate) fn line(&self) -> String {
        let mark = match &self.standing {
            Standing::Granted => good("granted    "),
            Standing::Open(_) => warning("not granted"),
            Standing::Denied => bad("denied     "),
            Standing::NoWorkspace => warning("needs a workspace"),
            Standing::NoProgram(_) => warning("cannot be run"),
        };
        let why = match &self.standing {
            Standing::NoProgram(why) => format!(" ({why})"),
            _ => String::new(),
        };
        format!("{mark}  {}{why}", describe::line(&self.request))
    }
}

/// The document of a request, which says nothing of how it stands.
pub(crate) fn document(request: &Request) -> json::Permission {
    json::Permission {
        permission: request.permission,
        scope: request.scope.clone(),
        description: request.words.clone(),
        reason: request.reason.clone(),
        status: None,
        grant: None,
    }
}

/// A word as a shell takes it literally: a stranger wrote it, and a person pastes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.,_-=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_rule_for_every_skill_is_no_rule_of_one() {
        let text = "deny = [\"memory\"]\n[skill.\"acme/x\"]\nallow = [\"filesystem:read $data\"]\ndeny = [\"memory\"]\n";
        let policy = Policy::parse(text, Path::new("policy.toml")).unwrap();
        let rules: Vec<_> =
            own_rules(&policy, &"acme/x".parse().unwrap()).iter().map(Rule::to_string).collect();
        assert_eq!(rules, ["filesystem:read $data", "memory"]);
        assert!(own_rules(&policy, &"acme/y".parse().unwrap()).is_empty());
    }

    #[test]
    fn a_word_that_a_shell_would_read_is_quoted() {
        assert_eq!(quoted("https://a.example/x"), "https://a.example/x");
        assert_eq!(quoted("$workspace"), "'$workspace'");
        assert_eq!(quoted("https://*.a.example/"), "'https://*.a.example/'");
        assert_eq!(quoted("a'b;c"), "'a'\\''b;c'");
    }
}
