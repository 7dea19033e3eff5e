//! The owner's word: `policy.toml`, with allow and deny rules for each skill and the operator's ceilings.
//!
//! ```toml
//! version = 1
//! deny = ["filesystem:write /home/ada/taxes"]    # for every skill
//!
//! [ceilings]
//! memory = "128MiB"
//!
//! [audit]
//! keep_files = 20
//!
//! [network]
//! ca_file = "/etc/ssl/company-ca.pem"
//!
//! [programs]                                      # what was consented to, by its content
//! "/usr/bin/git" = "sha256:0a1b…"
//!
//! [skill."acme/notes"]
//! allow = ["filesystem:write $data", "memory"]
//! deny = ["network * https://tracker.example/"]
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_package::permission::{AbsolutePath, Access, Requests, Tree};
use serde::{Deserialize, Serialize};

use crate::audit::Rotation;
use crate::capability::network::NetworkRule;
use crate::capability::process::{ProcessRule, ProcessRuleError, program_digest};
use crate::capability::secret::{SecretRule, SecretRuleError};
use crate::sandbox::Ceilings;

/// The version of the file's layout.
const VERSION: u32 = 1;

/// A parsed policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    #[serde(default)]
    version: u32,
    /// What no skill may do, whatever it was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deny: Vec<Rule>,
    /// Whether programs of skills may run where this machine cannot confine them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconfined_processes: bool,
    #[serde(default)]
    ceilings: Ceilings,
    #[serde(default)]
    audit: Rotation,
    #[serde(default)]
    network: NetworkPolicy,
    /// The programs that rules are about, each with the digest of what was granted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    programs: BTreeMap<AbsolutePath, Digest>,
    #[serde(default)]
    skill: BTreeMap<SkillId, SkillPolicy>,
}

/// How the host itself reaches the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPolicy {
    /// Certificates, in PEM, that are trusted beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// The rules for one skill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillPolicy {
    /// What it may do.
    #[serde(default)]
    pub allow: Vec<Rule>,
    /// What it may not do, whatever `allow` says.
    #[serde(default)]
    pub deny: Vec<Rule>,
}

/// One scope of one capability, as it is written in the policy and on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rule {
    /// `filesystem:read <tree>` or `filesystem:write <tree>`.
    Filesystem(FilesystemRule),
    /// `network <methods> <url>` or `network:internal <methods> <url>`.
    Network(NetworkRule),
    /// `process <program> <arguments>`.
    Process(ProcessRule),
    /// `memory`.
    Memory,
    /// `llm`.
    Llm,
    /// `ask`.
    Ask,
    /// `secret <name> <host>`.
    Secret(SecretRule),
}

/// A tree that may, or may not, be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesystemRule {
    /// To what end.
    pub access: Access,
    /// Which tree.
    pub place: Place,
}

/// A tree in the terms of the owner: `$workspace` is resolved before it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The skill's own data directory.
    Data,
    /// A directory, and all below it.
    Path(PathBuf),
}

/// Why a policy or a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a policy.
    #[error("{} is not a valid policy: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A newer host wrote it.
    #[error("{} has version {found}; this openclaw reads version {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It begins with no known capability.
    #[error(
        "unknown permission {0:?}; known are filesystem:read, filesystem:write, network, network:internal, process, memory, llm, ask, secret"
    )]
    UnknownPermission(String),
    /// It is a rule for programs, and not one.
    #[error("process: {0}")]
    Process(#[from] ProcessRuleError),
    /// The scope is missing or wrong.
    #[error("{permission} needs {expected}, not {found:?}")]
    Scope {
        /// The permission.
        permission: &'static str,
        /// What its scope looks like.
        expected: String,
        /// What stood there.
        found: String,
    },
}

impl Policy {
    /// Reads a policy; a file that is not there is an empty one.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(PolicyError::Io { path: path.to_owned(), source }),
        };
        Self::parse(&text, path)
    }

    /// Parses a policy; `path` is named in errors.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] and [`PolicyError::Newer`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text).map_err(|error| PolicyError::Invalid {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        if policy.version > VERSION {
            return Err(PolicyError::Newer { path: path.to_owned(), found: policy.version });
        }
        Ok(policy)
    }

    /// The same policy, but with these allow rules for one skill; what is denied stays denied.
    #[must_use]
    pub fn with_allowed(&self, skill: SkillId, allow: Vec<Rule>) -> Self {
        let mut policy = self.clone();
        policy.skill.entry(skill).or_default().allow = allow;
        policy
    }

    /// The same policy, with the programs of a skill's rules pinned as they are now.
    #[must_use]
    pub fn with_programs_pinned(mut self, skill: &SkillId) -> Self {
        let programs: Vec<_> = self.allowed(skill).iter().filter_map(Rule::program).cloned().collect();
        for program in programs {
            if let Ok(digest) = program_digest(program.as_path()) {
                self.programs.insert(program, digest);
            }
        }
        self
    }

    /// The rules for one skill and nothing else.
    pub(crate) fn of_one_skill(
        skill: SkillId,
        allow: Vec<Rule>,
        deny: Vec<Rule>,
        programs: BTreeMap<AbsolutePath, Digest>,
        network: NetworkPolicy,
    ) -> Self {
        let skill = BTreeMap::from([(skill, SkillPolicy { allow, deny })]);
        Self { network, skill, programs, ..Self::default() }
    }

    /// The programs that rules are about, each with the digest of what was granted.
    #[must_use]
    pub fn programs(&self) -> &BTreeMap<AbsolutePath, Digest> {
        &self.programs
    }

    /// Whether programs of skills may run where this machine cannot confine them.
    #[must_use]
    pub fn unconfined_processes(&self) -> bool {
        self.unconfined_processes
    }

    /// Bounds the time of calls below the ceiling.
    pub(crate) fn limit_call_time(&mut self, call_time: Option<Duration>) {
        self.ceilings.call_time = call_time;
    }

    /// The operator's ceilings.
    #[must_use]
    pub fn ceilings(&self) -> &Ceilings {
        &self.ceilings
    }

    /// How the audit log is cut into files.
    #[must_use]
    pub fn audit(&self) -> Rotation {
        self.audit
    }

    /// How the host reaches the network.
    #[must_use]
    pub fn network(&self) -> &NetworkPolicy {
        &self.network
    }

    /// The rules of every skill that has some.
    pub fn skills(&self) -> impl Iterator<Item = (&SkillId, &SkillPolicy)> {
        self.skill.iter()
    }

    /// What a skill is allowed.
    #[must_use]
    pub fn allowed(&self, skill: &SkillId) -> &[Rule] {
        self.skill.get(skill).map_or(&[], |policy| policy.allow.as_slice())
    }

    /// What a skill is denied: by its own rules and by those for every skill.
    pub fn denied(&self, skill: &SkillId) -> impl Iterator<Item = &Rule> {
        let own = self.skill.get(skill).map_or(&[][..], |policy| policy.deny.as_slice());
        self.deny.iter().chain(own)
    }
}

/// The rules that grant exactly what a manifest requests, with `$workspace` resolved.
///
/// Without a workspace, requests for it are left out, and so are programs that this machine does not have.
#[must_use]
pub fn rules_for(requests: &Requests, workspace: Option<&Path>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for request in &requests.filesystem {
        let place = match &request.tree {
            Tree::Data => Some(Place::Data),
            Tree::Path(path) => Some(Place::Path(path.as_path().to_owned())),
            Tree::Workspace => workspace.map(|workspace| Place::Path(workspace.to_owned())),
        };
        let rule = |place| Rule::Filesystem(FilesystemRule { access: request.access, place }).resolved();
        rules.extend(place.map(rule));
    }
    rules.extend(requests.network.iter().map(|request| Rule::Network(NetworkRule::for_request(request))));
    rules.extend(requests.process.iter().flat_map(ProcessRule::for_request).map(Rule::Process));
    rules.extend(requests.memory.as_ref().map(|_| Rule::Memory));
    rules.extend(requests.llm.as_ref().map(|_| Rule::Llm));
    rules.extend(requests.ask.as_ref().map(|_| Rule::Ask));
    rules.extend(requests.secret.iter().map(SecretRule::for_request).map(Rule::Secret));
    rules
}

impl Rule {
    /// The same rule with its path without links: what is granted is a directory, not whatever a
    /// link will lead to later. A path that is not there yet stays as it is.
    #[must_use]
    pub fn resolved(self) -> Self {
        match self {
            Self::Filesystem(FilesystemRule { access, place: Place::Path(path) }) => {
                let place = Place::Path(path.canonicalize().unwrap_or(path));
                Self::Filesystem(FilesystemRule { access, place })
            }
            rule => rule,
        }
    }

    /// The capability's name, as the text form begins.
    #[must_use]
    pub fn permission(&self) -> &'static str {
        match self {
            Self::Filesystem(FilesystemRule { access: Access::Read, .. }) => "filesystem:read",
            Self::Filesystem(FilesystemRule { access: Access::Write, .. }) => "filesystem:write",
            Self::Network(rule) if rule.internal => "network:internal",
            Self::Network(_) => "network",
            Self::Process(_) => "process",
            Self::Memory => "memory",
            Self::Llm => "llm",
            Self::Ask => "ask",
            Self::Secret(_) => "secret",
        }
    }

    /// The program that the rule is about.
    #[must_use]
    pub fn program(&self) -> Option<&AbsolutePath> {
        match self {
            Self::Process(rule) => Some(&rule.program),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filesystem(rule) => write!(f, "{} {}", self.permission(), rule.place),
            Self::Network(rule) => rule.fmt(f),
            Self::Process(rule) => rule.fmt(f),
            Self::Secret(rule) => rule.fmt(f),
            Self::Memory | Self::Llm | Self::Ask => f.write_str(self.permission()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("$data"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (permission, scope) = text.split_once(' ').unwrap_or((text, ""));
        match permission {
            "filesystem:read" => filesystem(Access::Read, "filesystem:read", scope),
            "filesystem:write" => filesystem(Access::Write, "filesystem:write", scope),
            "network" | "network:external" | "network:internal" => text.parse().map(Self::Network).map_err(
                |error: crate::capability::network::NetworkRuleError| RuleError::Scope {
                    permission: "network",
                    expected: error.to_string(),
                    found: scope.to_owned(),
                },
            ),
            "memory" => without_scope(Self::Memory, scope),
            "llm" => without_scope(Self::Llm, scope),
            "ask" => without_scope(Self::Ask, scope),
            "process" | "process:execute" => Ok(Self::Process(scope.parse()?)),
            "secret" => scope.parse().map(Self::Secret).map_err(|error: SecretRuleError| RuleError::Scope {
                permission: "secret",
                expected: error.to_string(),
                found: scope.to_owned(),
            }),
            _ => Err(RuleError::UnknownPermission(permission.to_owned())),
        }
    }
}

fn without_scope(rule: Rule, scope: &str) -> Result<Rule, RuleError> {
    if scope.is_empty() {
        return Ok(rule);
    }
    let (expected, found) = ("no scope".to_owned(), scope.to_owned());
    Err(RuleError::Scope { permission: rule.permission(), expected, found })
}

fn filesystem(access: Access, permission: &'static str, scope: &str) -> Result<Rule, RuleError> {
    let place = match scope.parse::<Tree>() {
        Ok(Tree::Data) => Place::Data,
        Ok(Tree::Path(path)) => Place::Path(path.as_path().to_owned()),
        Ok(Tree::Workspace) | Err(_) => {
            return Err(RuleError::Scope {
                permission,
                expected: "$data or an absolute path other than /".to_owned(),
                found: scope.to_owned(),
            });
        }
    };
    Ok(Rule::Filesystem(FilesystemRule { access, place }))
}

impl TryFrom<String> for Rule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}
