//! A skill in development: its component from the project directory, unsigned, holding what its manifest requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use openclaw_launcher::{Launcher, LauncherProgram};
use openclaw_package::digest::Digest;
use openclaw_package::manifest::Manifest;
use openclaw_package::name::ToolName;
use openclaw_package::tools::{Tool, ToolList, ToolsError};

use crate::cancel::Cancel;
use crate::capability::ask::{self, Respondent};
use crate::capability::filesystem::Ledgers;
use crate::capability::grant::{Grants, Places, Surroundings};
use crate::capability::llm::LanguageModel;
use crate::capability::memory::MemoryStores;
use crate::capability::process::{Direct, Start};
use crate::capability::secret::SecretValues;
use crate::dispatch::{CallError, Report, ToolCall, ToolResult, check_input, judge};
use crate::execute;
use crate::policy::{Policy, rules_for};
use crate::runtime::http_client;
use crate::sandbox::{Fault, Held, Limits, PrepareError, Sandbox};
use crate::skill::{Ready, Tools};
use crate::workspace::Workspace;

/// A component that its author runs before it is signed.
pub struct Development {
    sandbox: Sandbox,
    ready: Ready,
    manifest: Manifest,
    owner: Owner,
    state_dir: PathBuf,
    starter: Arc<dyn Start>,
    model: Option<Arc<dyn LanguageModel>>,
}

impl std::fmt::Debug for Development {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Development").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

/// Whose machine a component in development runs on: their denials and ceilings hold for it too.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The owner's policy, of which the grants are replaced by what the manifest requests.
    pub policy: Policy,
    /// The owner's data directory, which no tree gives away.
    pub data_dir: PathBuf,
}

/// Why a component in development does not list its tools.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It ended instead of answering.
    #[error("the component did not list its tools: {0}")]
    Fault(#[from] Fault),
    /// A schema in its answer is not JSON.
    #[error("the schema of tool {tool} is not JSON: {reason}")]
    Schema {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// A name in its answer is not one.
    #[error("tool {tool:?}: {reason}")]
    Name {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// Its answer is not a list of tools.
    #[error(transparent)]
    List(#[from] ToolsError),
}

impl Development {
    /// Makes a component ready; what it keeps goes below `state_dir`.
    ///
    /// # Errors
    /// See [`PrepareError`].
    pub fn prepare(
        sandbox: Sandbox,
        component: &[u8],
        manifest: Manifest,
        owner: Owner,
        state_dir: PathBuf,
        launcher: LauncherProgram,
        model: Option<Arc<dyn LanguageModel>>,
    ) -> Result<Self, PrepareError> {
        let prepared = sandbox.prepare(component, Digest::of(component), manifest.requests())?;
        let ready = Ready { prepared: Arc::new(prepared) };
        let starter: Arc<dyn Start> = Arc::new(Direct::new(Arc::new(Launcher::new(launcher))));
        Ok(Self { sandbox, ready, manifest, owner, state_dir, starter, model })
    }

    /// Asks the component for its tools, with nothing granted.
    ///
    /// # Errors
    /// See [`ListError`].
    pub async fn tools(&self) -> Result<ToolList, ListError> {
        let (limits, _) = self.owner.policy.ceilings().apply(&self.manifest);
        let answer =
            self.sandbox.runner().list(&self.ready.prepared, Held::default(), &limits).await.answer?;
        let tools = answer
            .into_iter()
            .map(|tool| {
                let schema = |text: &str| {
                    serde_json::from_str(text).map_err(|error| ListError::Schema {
                        tool: tool.name.clone(),
                        reason: error.to_string(),
                    })
                };
                Ok(Tool {
                    name: tool.name.parse::<ToolName>().map_err(|error| ListError::Name {
                        tool: tool.name.clone(),
                        reason: error.to_string(),
                    })?,
                    input_schema: schema(&tool.input_schema)?,
                    output_schema: tool.output_schema.as_deref().map(schema).transpose()?,
                    description: tool.description,
                })
            })
            .collect::<Result<Vec<_>, ListError>>()?;
        Ok(ToolList::new(tools)?)
    }

    /// Calls a tool with everything granted that the manifest requests.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, tools: &ToolList, call: ToolCall) -> Result<ToolResult, (CallError, Report)> {
        let bare = |error: CallError| (error, Report::default());
        let skill = self.manifest.id();
        let tools = Tools::new(tools);
        check_input(&tools, skill, &call).map_err(bare)?;
        let policy = self.policy(call.workspace.as_ref());
        let (limits, _) = policy.ceilings().apply(&self.manifest);
        let respondent = ask::careful(call.respondent.as_ref(), None);
        let workspace = call.workspace.as_ref();
        let held = self.open(&policy, workspace, respondent.as_ref(), &limits).map_err(bare)?;
        let outcome = execute::run(
            self.sandbox.runner(),
            &self.ready.prepared,
            held,
            &limits,
            &call,
            &Cancel::default(),
            None,
        )
        .await;
        let (answer, report, _, _) = judge(outcome, &limits, &call);
        match answer {
            Ok(output) => Ok(ToolResult { output, report }),
            Err(error) => Err((error, report)),
        }
    }

    /// The owner's policy, with what the manifest requests in place of its grants to the skill.
    fn policy(&self, workspace: Option<&Workspace>) -> Policy {
        let rules = rules_for(self.manifest.requests(), workspace.map(Workspace::path));
        let skill = self.manifest.id();
        self.owner.policy.with_allowed(skill.clone(), rules).with_programs_pinned(skill)
    }

    fn open(
        &self,
        policy: &Policy,
        workspace: Option<&Workspace>,
        respondent: Option<&Arc<dyn Respondent>>,
        limits: &Limits,
    ) -> Result<Held, CallError> {
        let grants = Grants::join(self.manifest.id(), self.manifest.requests(), policy);
        let data: &Path = &self.state_dir.join("data");
        Ok(grants.open(&Surroundings {
            places: Places {
                workspace,
                own: &[self.owner.data_dir.clone(), self.sandbox.cache_dir().to_owned()],
                data,
                ledgers: &Ledgers::default(),
            },
            memory: &Arc::new(MemoryStores::new(self.state_dir.join("memory"))),
            http: &Arc::new(http_client(policy)),
            starter: &self.starter,
            model: self.model.as_ref(),
            respondent,
            // A project can bear any skill's name: its secrets are for what was installed.
            secrets: Some(&Arc::<SecretValues>::default()),
            deadline: Instant::now() + limits.timeout,
        })?)
    }
}
