//! Two consents joined: what the manifest requests and what the policy allows become [`Grants`].

mod effects;
mod grantable;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use openclaw_package::name::SkillId;
use openclaw_package::permission::{Access, FilesystemRequest, Requests, Tree};

pub use self::effects::Effects;
use super::ask::{self, AskState, Respondent};
use super::filesystem::{
    Budget, FilesystemState, Ledgers, Preopen, QuotaGrant, TreeGrant, is_control_file, real_path,
};
use super::llm::{self, LanguageModel, LlmState};
use super::log::Log;
use super::memory::{MemoryState, MemoryStores};
use super::network::{HttpClient, Means, NetworkGrants, NetworkLimits, NetworkState};
use super::process::{ProcessGrants, ProcessState, Session, Start};
use super::secret::{SecretGrants, SecretValues};
use super::{Capability, Denial, Denials, Reason, decide};
use crate::policy::{FilesystemRule, NetworkPolicy, Place, Policy, Rule};
use crate::sandbox::Held;
use crate::workspace::Workspace;

/// What one call may write and make, in all its trees together.
const BUDGET: Budget = Budget { bytes_written: 256 << 20, files_created: 10_000 };
/// Bytes that a skill's `$data` may hold.
const DATA_QUOTA: u64 = 256 << 20;

/// What a skill holds: its manifest's requests joined with its owner's rules.
#[derive(Clone, Debug)]
pub struct Grants {
    skill: SkillId,
    requests: Requests,
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    network: Arc<NetworkGrants>,
    process: Arc<ProcessGrants>,
}

/// Where the trees of a call are on this machine.
pub(crate) struct Places<'a> {
    pub(crate) workspace: Option<&'a Workspace>,
    /// The host's own directories (keys, policy, compiled code), which no tree gives away.
    pub(crate) own: &'a [PathBuf],
    pub(crate) data: &'a Path,
    pub(crate) ledgers: &'a Ledgers,
}

/// That, and what serves the other capabilities of a call.
pub(crate) struct Surroundings<'a> {
    pub(crate) places: Places<'a>,
    pub(crate) memory: &'a Arc<MemoryStores>,
    pub(crate) http: &'a Arc<HttpClient>,
    pub(crate) starter: &'a Arc<dyn Start>,
    /// None where the host has no language model.
    pub(crate) model: Option<&'a Arc<dyn LanguageModel>>,
    /// Who answers questions; none where nobody can be asked.
    pub(crate) respondent: Option<&'a Arc<dyn Respondent>>,
    /// The values of secrets; none in a worker, whose host has them.
    pub(crate) secrets: Option<&'a Arc<SecretValues>>,
    pub(crate) deadline: std::time::Instant,
}

/// A request that no rule grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is asked for, as the manifest writes it.
    pub scope: String,
    /// Why, in the words of the skill's author.
    pub reason: String,
    /// The command that grants it.
    pub command: String,
    /// The rule that grants it; none where this machine lacks what is asked for.
    pub rule: Option<Rule>,
}

impl Grants {
    /// Joins a manifest's requests with the owner's policy. There is no other way to make grants.
    #[must_use]
    pub fn join(skill: &SkillId, requests: &Requests, policy: &Policy) -> Self {
        let allow = policy.allowed(skill).to_vec();
        // A deny rule holds for the path as it is written and for where it leads.
        let deny: Vec<Rule> =
            policy.denied(skill).flat_map(|rule| [rule.clone(), rule.clone().resolved()]).collect();
        let network_rules = |rules: &[Rule]| {
            of_kind(rules, |rule| if let Rule::Network(rule) = rule { Some(rule) } else { None })
        };
        let network = NetworkGrants::new(
            skill.as_str(),
            requests.network.clone(),
            network_rules(&allow),
            network_rules(&deny),
        );
        let secret_rules = |rules: &[Rule]| {
            of_kind(rules, |rule| if let Rule::Secret(rule) = rule { Some(rule) } else { None })
        };
        let secrets = SecretGrants::new(
            skill.as_str(),
            requests.secret.clone(),
            secret_rules(&allow),
            secret_rules(&deny),
        );
        let process_rules = |rules: &[Rule]| {
            of_kind(rules, |rule| if let Rule::Process(rule) = rule { Some(rule) } else { None })
        };
        let process = ProcessGrants::new(
            skill.as_str(),
            requests.process.clone(),
            (process_rules(&allow), process_rules(&deny)),
            // Pins of programs that it does not ask for are nothing to it.
            if requests.process.is_empty() { BTreeMap::new() } else { policy.programs().clone() },
            policy.unconfined_processes(),
        );
        Self {
            skill: skill.clone(),
            requests: requests.clone(),
            allow,
            deny,
            network: Arc::new(network.with_secrets(secrets)),
            process: Arc::new(process),
        }
    }

    /// The rules that allow something.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.allow
    }

    /// What it may request of the network.
    pub(crate) fn network(&self) -> &Arc<NetworkGrants> {
        &self.network
    }

    /// The secrets that its requests carry.
    pub(crate) fn secrets(&self) -> &SecretGrants {
        self.network.secrets()
    }

    /// A policy from which the same grants follow, and that says nothing of other skills.
    pub(crate) fn policy(&self, network: &NetworkPolicy) -> Policy {
        let (allow, deny) = (self.allow.clone(), self.deny.clone());
        Policy::of_one_skill(
            self.skill.clone(),
            allow,
            deny,
            self.process.programs().clone(),
            network.clone(),
        )
    }

    /// Which requests no rule grants, for a call in this workspace.
    #[must_use]
    pub fn missing(&self, workspace: Option<&Workspace>) -> Vec<Missing> {
        let mut missing = Vec::new();
        for request in &self.requests.filesystem {
            let label = request.access.kind().as_str();
            let place = match (&request.tree, workspace) {
                (Tree::Workspace, None) => continue,
                (Tree::Workspace, Some(workspace)) => Place::Path(workspace.path().to_owned()),
                (Tree::Data, _) => Place::Data,
                (Tree::Path(path), _) => Place::Path(resolved(path.as_path())),
            };
            if self.access(&place, request.access) != Ok(request.access) {
                let rule = Rule::Filesystem(FilesystemRule { access: request.access, place });
                missing.push(Missing {
                    scope: format!("{label} {}", request.tree),
                    reason: request.reason.to_string(),
                    command: command(&self.skill, label, request.tree.as_str()),
                    rule: Some(rule),
                });
            }
        }
        for (rule, reason) in self.network.missing() {
            missing.push(Missing {
                scope: rule.to_string(),
                reason: reason.to_string(),
                command: rule.command(self.skill.as_str()),
                rule: Some(Rule::Network(rule)),
            });
        }
        for program in self.process.missing() {
            let command = match &program.rule {
                Some(rule) => rule.command(self.skill.as_str()),
                None => format!("install {}, and then: openclaw grant show {}", program.scope, self.skill),
            };
            missing.push(Missing {
                scope: format!("process:execute {}", program.scope),
                reason: program.reason,
                command,
                rule: program.rule.map(Rule::Process),
            });
        }
        missing.extend(self.missing_without_scope());
        for (rule, reason) in self.secrets().missing() {
            missing.push(Missing {
                scope: rule.to_string(),
                reason: reason.to_string(),
                command: rule.command(self.skill.as_str()),
                rule: Some(Rule::Secret(rule)),
            });
        }
        missing
    }

    /// The same of requests that have no scope.
    fn missing_without_scope(&self) -> impl Iterator<Item = Missing> {
        let Requests { memory, llm, ask, .. } = &self.requests;
        let asked = [
            (Rule::Memory, memory.as_ref().map(|request| &request.reason), self.memory()),
            (Rule::Llm, llm.as_ref().map(|request| &request.reason), self.llm()),
            (Rule::Ask, ask.as_ref().map(|request| &request.reason), self.ask()),
        ];
        asked.into_iter().filter_map(|(rule, reason, granted)| {
            let reason = reason.filter(|_| granted.is_err())?.to_string();
            let command = command(&self.skill, rule.permission(), "");
            Some(Missing { scope: rule.to_string(), reason, command, rule: Some(rule) })
        })
    }

    /// Opens what is granted for one call.
    pub(crate) fn open(&self, around: &Surroundings<'_>) -> Result<Held, OpenError> {
        let denials = Denials::default();
        let filesystem = self.open_trees(&around.places, &denials)?;
        let memory = match (&self.requests.memory, self.memory()) {
            (None, _) => MemoryState::Undeclared,
            (Some(request), Ok(())) => MemoryState::Granted {
                stores: Arc::clone(around.memory),
                skill: self.skill.clone(),
                quota: request.quota.as_u64(),
            },
            (Some(_), Err(reason)) => {
                let denial = Denial::new(Capability::Memory, "memory", reason);
                MemoryState::Denied(self.hinted(denial, "memory", ""), denials.clone())
            }
        };
        let network = if self.requests.network.is_empty() {
            NetworkState::default()
        } else {
            NetworkState::new(Means {
                grants: Arc::clone(&self.network),
                client: Arc::clone(around.http),
                denials: denials.clone(),
                limits: NetworkLimits::default(),
                secrets: around.secrets.cloned(),
                deadline: around.deadline,
            })
        };
        let process = match self.programs(&filesystem, around.starter, &denials, around.deadline)? {
            Some(session) => ProcessState::Declared(Box::new(session)),
            None => ProcessState::Undeclared,
        };
        let llm = match self.questions(around.model, &denials) {
            Some(session) => LlmState::Declared(Arc::new(session)),
            None => LlmState::Undeclared,
        };
        let ask = match self.person(around.respondent, &denials) {
            Some(session) => AskState::Declared(Arc::new(session)),
            None => AskState::Undeclared,
        };
        Ok(Held { filesystem, memory, network, process, llm, ask, denials, log: Log::default() })
    }

    /// Opens the granted trees for one call.
    pub(crate) fn open_trees(
        &self,
        places: &Places<'_>,
        denials: &Denials,
    ) -> Result<FilesystemState, OpenError> {
        let preopens = self.requests.filesystem.iter().map(|request| self.preopen(request, places));
        Ok(FilesystemState::new(preopens.collect::<Result<_, _>>()?, BUDGET, denials))
    }

    /// What a call that ends at `deadline` may run in its open trees; none where the manifest declares no program.
    pub(crate) fn programs(
        &self,
        filesystem: &FilesystemState,
        starter: &Arc<dyn Start>,
        denials: &Denials,
        deadline: std::time::Instant,
    ) -> Result<Option<Session>, OpenError> {
        if self.requests.process.is_empty() {
            return Ok(None);
        }
        let trees = filesystem
            .launch_trees()
            .map_err(|source| OpenError { path: PathBuf::from("/workspace"), source })?;
        let (grants, starter) = (Arc::clone(&self.process), Arc::clone(starter));
        Ok(Some(Session::new(grants, starter, trees, denials.clone(), deadline)))
    }

    /// What a call may ask the owner's language model; none where the manifest does not declare it.
    pub(crate) fn questions(
        &self,
        model: Option<&Arc<dyn LanguageModel>>,
        denials: &Denials,
    ) -> Option<llm::Session> {
        let request = self.requests.llm.as_ref()?;
        let denied = |reason| self.hinted(Denial::new(Capability::Llm, "llm", reason), "llm", "");
        let denial = self.llm().err().map(denied);
        Some(llm::Session::new(denial, denials.clone(), model.cloned(), request.tokens))
    }

    fn llm(&self) -> Result<(), Reason> {
        decide(self.requests.llm.is_some(), self.deny.contains(&Rule::Llm), self.allow.contains(&Rule::Llm))
    }

    /// What a call may ask the person behind it; none where the manifest does not declare it.
    pub(crate) fn person(
        &self,
        respondent: Option<&Arc<dyn Respondent>>,
        denials: &Denials,
    ) -> Option<ask::Session> {
        self.requests.ask.as_ref()?;
        let denied = |reason| self.hinted(Denial::new(Capability::Ask, "ask", reason), "ask", "");
        let denial = self.ask().err().map(denied);
        Some(ask::Session::new(self.skill.clone(), denial, denials.clone(), respondent.cloned()))
    }

    fn ask(&self) -> Result<(), Reason> {
        decide(self.requests.ask.is_some(), self.deny.contains(&Rule::Ask), self.allow.contains(&Rule::Ask))
    }

    /// The same, for whoever has not opened the trees; they are to stay open while programs run. Nothing is opened where
    /// the manifest declares no program.
    pub(crate) fn open_programs(
        &self,
        places: &Places<'_>,
        starter: &Arc<dyn Start>,
        denials: &Denials,
        deadline: std::time::Instant,
    ) -> Result<Option<(FilesystemState, Session)>, OpenError> {
        if self.requests.process.is_empty() {
            return Ok(None);
        }
        let trees = self.open_trees(places, denials)?;
        let session = self.programs(&trees, starter, denials, deadline)?;
        Ok(session.map(|session| (trees, session)))
    }

    fn memory(&self) -> Result<(), Reason> {
        decide(
            self.requests.memory.is_some(),
            self.deny.contains(&Rule::Memory),
            self.allow.contains(&Rule::Memory),
        )
    }

    /// The most access, up to what was requested, that the rules give to a tree.
    fn access(&self, place: &Place, requested: Access) -> Result<Access, Reason> {
        let covers = |rule: &FilesystemRule| match (&rule.place, place) {
            (Place::Data, Place::Data) => true,
            (Place::Path(outer), Place::Path(inner)) => inner.starts_with(outer),
            _ => false,
        };
        // Who grants a tree has not meant the control files in it, also where one is asked for as a tree.
        let by_name = |rule: &FilesystemRule, access| match (&rule.place, place) {
            (Place::Path(outer), Place::Path(inner)) => {
                inner.strip_prefix(outer).is_ok_and(|rest| access == Access::Read || !is_control_file(rest))
            }
            _ => true,
        };
        let attempt = |access: Access| {
            let denied = filesystem_rules(&self.deny).any(|rule| access.covers(rule.access) && covers(rule));
            let allowed = filesystem_rules(&self.allow)
                .any(|rule| rule.access.covers(access) && covers(rule) && by_name(rule, access));
            decide(true, denied, allowed).map(|()| access)
        };
        match requested {
            Access::Read => attempt(Access::Read),
            Access::Write => {
                attempt(Access::Write).or_else(|reason| attempt(Access::Read).map_err(|_| reason))
            }
        }
    }

    fn preopen(&self, request: &FilesystemRequest, around: &Places<'_>) -> Result<Preopen, OpenError> {
        let guest_path = request.tree.guest_path().to_owned();
        let label = request.access.kind().as_str();
        let deny = |reason: Reason| {
            let denial = Denial::new(request.access.kind(), &guest_path, reason);
            Preopen::Denied {
                guest_path: guest_path.clone(),
                denial: self.hinted(denial, label, request.tree.as_str()),
            }
        };
        let (place, path) = match (&request.tree, around.workspace) {
            (Tree::Workspace, None) => return Ok(deny(Reason::NotGranted)),
            (Tree::Workspace, Some(workspace)) => {
                (Place::Path(workspace.path().to_owned()), workspace.path().to_owned())
            }
            (Tree::Data, _) => (Place::Data, around.data.to_owned()),
            (Tree::Path(path), _) => {
                let path = resolved(path.as_path());
                (Place::Path(path.clone()), path)
            }
        };
        if place != Place::Data && around.own.iter().any(|own| path.starts_with(own)) {
            return Ok(deny(Reason::DeniedByOwner));
        }
        let access = match self.access(&place, request.access) {
            Ok(access) => access,
            Err(reason) => return Ok(deny(reason)),
        };
        if place == Place::Data {
            crate::layout::private_dir(&path)
                .map_err(|error| OpenError { path: path.clone(), source: error.source })?;
        }
        let dir = open_without_links(&path).map_err(|source| OpenError { path: path.clone(), source })?;
        let mut denied = below(filesystem_rules(&self.deny), &path);
        if place != Place::Data {
            denied
                .extend(around.own.iter().filter_map(|own| own.strip_prefix(&path).ok().map(Path::to_owned)));
        }
        let grant = TreeGrant {
            guest_path,
            access,
            skill: self.skill.to_string(),
            tree: request.tree.to_string(),
            denied,
            control_allowed: below(
                filesystem_rules(&self.allow).filter(|rule| rule.access == Access::Write),
                &path,
            ),
            quota: match request.tree {
                Tree::Data => Some(data_quota(around)?),
                _ => None,
            },
        };
        Ok(Preopen::Granted { grant: Arc::new(grant), dir })
    }

    fn hinted(&self, denial: Denial, permission: &str, scope: &str) -> Denial {
        if denial.reason == Reason::NotGranted {
            denial.with_hint(command(&self.skill, permission, scope))
        } else {
            denial
        }
    }
}

/// The quota of `$data`, counted beside it.
fn data_quota(around: &Places<'_>) -> Result<QuotaGrant, OpenError> {
    let path = crate::layout::quota_file(around.data);
    let ledger = around.ledgers.open(&path).map_err(|source| OpenError { path, source })?;
    Ok(QuotaGrant { limit: DATA_QUOTA, ledger })
}

/// A granted tree that is not there, or cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the granted directory {} cannot be opened: {source}", path.display())]
pub struct OpenError {
    pub(crate) path: PathBuf,
    pub(crate) source: std::io::Error,
}

/// The rules of one kind.
fn of_kind<T: Clone>(rules: &[Rule], pick: impl Fn(&Rule) -> Option<&T>) -> Vec<T> {
    rules.iter().filter_map(pick).cloned().collect()
}

fn filesystem_rules(rules: &[Rule]) -> impl Iterator<Item = &FilesystemRule> {
    rules.iter().filter_map(|rule| if let Rule::Filesystem(rule) = rule { Some(rule) } else { None })
}

fn below<'a>(rules: impl Iterator<Item = &'a FilesystemRule>, root: &Path) -> Vec<PathBuf> {
    rules
        .filter_map(|rule| match &rule.place {
            Place::Path(path) => path.strip_prefix(root).ok().map(Path::to_owned),
            Place::Data => None,
        })
        .filter(|relative| !relative.as_os_str().is_empty())
        .collect()
}

/// Opens a directory whose path was resolved: one that a link has led elsewhere since is refused.
fn open_without_links(path: &Path) -> std::io::Result<Dir> {
    let dir = Dir::open_ambient_dir(path, ambient_authority())?;
    if real_path(&dir)? == path { Ok(dir) } else { Err(std::io::Error::other("a link leads elsewhere")) }
}

/// A path without links, so that a link cannot lead from a granted name to another tree.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The command that grants a scope.
fn command(skill: &SkillId, permission: &str, scope: &str) -> String {
    // The manifest is a stranger's, and the owner may paste this into a shell.
    let scope = if scope.is_empty() { String::new() } else { format!(" '{}'", scope.replace('\'', r"'\''")) };
    format!("openclaw grant allow {skill} {permission}{scope}")
}
