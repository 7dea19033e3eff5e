//! Every document that `--json` prints, as plain structs.
//!
//! Sizes are in bytes and times in the unit that the field's name ends with. Digests are
//! `sha256:<hex>`, keys `ed25519:<base64>`, skills `publisher/skill`, tools `publisher/skill/tool`.

mod agent;
mod gateway;
pub(crate) mod registry;

use std::path::PathBuf;

use jiff::Timestamp;
use openclaw_package::registry::api::TriggerLine;
use openclaw_package::{
    AbsolutePath, Digest, PublicKey, PublisherName, SecretHost, SecretName, SkillId, ToolId, ToolName,
};
use openclaw_runtime::audit::{Checkpoint, Verification};
use openclaw_runtime::capability::Denial;
use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::capability::process::Ran;
use openclaw_runtime::policy::Rule;
use openclaw_runtime::sandbox::Cut;
use openclaw_runtime::secrets::Kept;
use semver::Version;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::CliError;

pub(crate) use agent::{AgentStep, AgentTurn, ListedAgent};
pub(crate) use gateway::{
    GatewayCounts, GatewayStarted, GatewayStatus, GatewayUnit, ListedToken, NewGatewayToken,
};

/// Any command that fails, on standard error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDocument<'a> {
    error: ErrorBody<'a>,
    /// Of `skill run` and `tool call`: what the failed call did.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'a Value>,
}

/// Why a command failed.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    /// The stable code.
    code: &'a str,
    /// The fact.
    message: &'a str,
    /// What to do next, or null.
    hint: Option<&'a str>,
}

impl<'a> ErrorDocument<'a> {
    /// The document of an error.
    pub(crate) fn of(error: &'a CliError) -> Self {
        let body = ErrorBody { code: &error.code, message: &error.message, hint: error.hint.as_deref() };
        Self { error: body, call: error.call.as_ref() }
    }
}

/// `key new` and `key show`.
#[derive(Debug, Serialize)]
pub(crate) struct Key {
    /// Whose key it is.
    pub(crate) publisher: PublisherName,
    /// Its public form.
    pub(crate) public_key: PublicKey,
    /// The file of the key itself, which is for nobody else.
    pub(crate) path: PathBuf,
}

/// `secret set` and `secret remove`.
#[derive(Debug, Serialize)]
pub(crate) struct SecretChange {
    /// The skill.
    pub(crate) skill: SkillId,
    /// Its name for the secret.
    pub(crate) name: SecretName,
    /// `set` or `remove`.
    pub(crate) action: &'static str,
    /// Where the value is, or was, kept: `keyring` or `file`.
    pub(crate) kept: Kept,
    /// Of a value that is in a file: the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// Of `set`: whether there was a value before.
    pub(crate) replaced: bool,
    /// Why it may be of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

/// An entry of `secret list`. No document has the value of a secret.
#[derive(Debug, Serialize)]
pub(crate) struct ListedSecret {
    /// The skill.
    pub(crate) skill: SkillId,
    /// Its name for the secret.
    pub(crate) name: SecretName,
    /// Where the value is kept: `keyring` or `file`; null where none is set.
    pub(crate) kept: Option<Kept>,
    /// Of a value that is in a file: the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// Whether the installed skill asks for it.
    pub(crate) requested: bool,
    /// The hosts that it asks for it to go to.
    pub(crate) hosts: Vec<SecretHostGrant>,
}

/// A host that a secret is asked for.
#[derive(Debug, Serialize)]
pub(crate) struct SecretHostGrant {
    /// The host, with its port where that is not 443.
    pub(crate) host: SecretHost,
    /// Where in a request it stands: `header authorization`, `query parameter api_key`.
    pub(crate) place: String,
    /// Whether the policy grants it.
    pub(crate) granted: bool,
}

/// `skill new`.
#[derive(Debug, Serialize)]
pub(crate) struct NewSkill {
    /// The new skill.
    pub(crate) skill: SkillId,
    /// Its directory.
    pub(crate) dir: PathBuf,
    /// What was written, below that directory.
    pub(crate) files: Vec<String>,
    /// What a person has to decide, where it was made of a `package.json`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) decide: Vec<String>,
}

/// `skill build`.
#[derive(Debug, Serialize)]
pub(crate) struct Build {
    /// The skill.
    pub(crate) skill: SkillId,
    /// Its version.
    pub(crate) version: Version,
    /// The component.
    pub(crate) component: Component,
    /// The tools that it listed in the sandbox.
    pub(crate) tools: Vec<ToolName>,
    /// How long cargo took.
    pub(crate) build_ms: u64,
    /// How long the sandbox took to compile it and to list its tools.
    pub(crate) check_ms: u64,
}

/// A component.
#[derive(Debug, Serialize)]
pub(crate) struct Component {
    /// Its file, where it is one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its digest.
    pub(crate) digest: Digest,
    /// The interfaces that it imports.
    pub(crate) imports: Vec<String>,
}

/// `skill run`, and with `tool` also `tool call`.
#[derive(Debug, Serialize)]
pub(crate) struct Call<'a> {
    /// Of `tool call`: the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<&'a ToolId>,
    /// What the tool answered.
    pub(crate) output: &'a RawValue,
    /// What the call did.
    #[serde(flatten)]
    pub(crate) report: CallReport<'a>,
}

/// What a call did, whether it succeeded or not.
#[derive(Debug, Serialize)]
pub(crate) struct CallReport<'a> {
    /// Fuel burnt: about one per WebAssembly instruction.
    pub(crate) fuel: u64,
    /// Time from store to result.
    pub(crate) duration_us: u64,
    /// Most memory held.
    pub(crate) memory_bytes: u64,
    /// What it was refused; at most 32 distinct ones.
    pub(crate) denials: &'a [Denial],
    /// The programs that it ran.
    #[serde(skip_serializing_if = "<[Ran]>::is_empty")]
    pub(crate) programs: &'a [Ran],
    /// The tokens of a language model that it used.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) tokens: u64,
    /// How often it asked the person behind the session something.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) questions: u64,
    /// What it logged.
    pub(crate) log: &'a [LogLine],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// `skill test`.
#[derive(Debug, Serialize)]
pub(crate) struct Test {
    /// The skill.
    pub(crate) skill: SkillId,
    /// Whether the project has tests of its own that were run; they passed.
    pub(crate) native_tests: bool,
    /// The tools that it listed in the sandbox, each with a schema that compiles.
    pub(crate) tools: Vec<ToolName>,
}

/// `skill inspect`.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    /// `project`, `package`, `component` or `installed`.
    pub(crate) kind: &'static str,
    /// The skill; null for a bare component.
    pub(crate) skill: Option<SkillId>,
    /// Its version; null for a bare component.
    pub(crate) version: Option<Version>,
    /// What it is for, in its author's words.
    pub(crate) description: Option<String>,
    /// What it asks for.
    pub(crate) permissions: Vec<Permission>,
    /// What each program that it asks for would be able to touch, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) programs: Vec<String>,
    /// What makes its tools be called, beside somebody who names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) triggers: Vec<TriggerLine>,
    /// What deserves a second look.
    pub(crate) warnings: Vec<String>,
    /// The limits of its calls, below your ceilings.
    pub(crate) limits: Option<CallLimits>,
    /// What your ceilings cut.
    pub(crate) cuts: Vec<Cut>,
    /// Its tools.
    pub(crate) tools: Vec<InspectedTool>,
    /// Its component; null where none was built.
    pub(crate) component: Option<Component>,
    /// Its package; null for a project or a component.
    pub(crate) package: Option<Package>,
}

/// `skill inspect --wit`.
#[derive(Debug, Serialize)]
pub(crate) struct Wit {
    /// The component's interface, as WIT text.
    pub(crate) wit: String,
}

/// A package and its signature.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Package {
    /// The digest of the archive.
    pub(crate) digest: Digest,
    /// The size of the archive; null for an installed skill, whose archive is not kept.
    pub(crate) bytes: Option<u64>,
    /// The key that signed it; null where it is unsigned.
    pub(crate) signer: Option<PublicKey>,
    /// Whether you trust that key for that publisher.
    pub(crate) trusted: bool,
}

/// A tool with its schemas.
#[derive(Debug, Serialize)]
pub(crate) struct InspectedTool {
    /// Its name.
    pub(crate) name: ToolName,
    /// What it does and when to use it, in its author's words.
    pub(crate) description: String,
    /// The JSON Schema of its input.
    pub(crate) input_schema: Value,
    /// The JSON Schema of its output, or null.
    pub(crate) output_schema: Option<Value>,
}

/// `trigger list`, one of.
#[derive(Debug, Serialize)]
pub(crate) struct ListedTrigger {
    /// The tool.
    pub(crate) tool: ToolId,
    /// `cron` or `command`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Of cron: when, in the five fields of cron.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// Of cron: the zone whose time that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timezone: Option<String>,
    /// Of cron: `skip` or `once`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missed: Option<String>,
    /// Of cron: `skip` or `queue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) overlap: Option<String>,
    /// Of command: a regular expression for the whole command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    /// Of command: the property of the tool's input that is the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<String>,
    /// Whether you paused it, or its skill.
    pub(crate) paused: bool,
    /// The next time; null where there is none, or it is paused.
    pub(crate) next: Option<Timestamp>,
    /// When it ran the last time.
    pub(crate) last_run: Option<Timestamp>,
    /// What came of that: `ok`, `running`, `interrupted` or the code of an error.
    pub(crate) last_outcome: Option<String>,
    /// The directory that `$workspace` stands for in its runs.
    pub(crate) workspace: Option<PathBuf>,
    /// Why it is never run.
    pub(crate) problem: Option<String>,
}

/// `trigger pause` and `trigger resume`.
#[derive(Debug, Serialize)]
pub(crate) struct PausedTriggers {
    /// The tool, or the skill.
    pub(crate) name: String,
    /// Whether it is paused now.
    pub(crate) paused: bool,
    /// The tools with triggers that this is about.
    pub(crate) tools: Vec<ToolId>,
}

/// `trigger workspace`.
#[derive(Debug, Serialize)]
pub(crate) struct TriggerWorkspace {
    /// The tool.
    pub(crate) tool: ToolId,
    /// The directory that `$workspace` stands for in its runs; null where it has none.
    pub(crate) workspace: Option<PathBuf>,
}

/// One thing that a skill asks for.
#[derive(Debug, Serialize)]
pub(crate) struct Permission {
    /// The kind: `filesystem:read`, `network:external`, `memory`.
    pub(crate) permission: &'static str,
    /// Of what: `$workspace`, `GET https://api.example.com/`.
    pub(crate) scope: String,
    /// The same in words.
    pub(crate) description: String,
    /// What it is used for, in the author's words.
    pub(crate) reason: String,
    /// Of `install` and `grant show`: `granted`, `not-granted`, `denied`, `no-workspace` or `no-program`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    /// The command that grants it, where it is not granted and one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<String>,
}

/// `grant pin`.
#[derive(Debug, Serialize)]
pub(crate) struct Pinned {
    /// The program.
    pub(crate) program: AbsolutePath,
    /// What was pinned before, or null.
    pub(crate) before: Option<Digest>,
    /// What is pinned now.
    pub(crate) digest: Digest,
    /// Whether anything changed.
    pub(crate) changed: bool,
}

/// The limits of a call.
#[derive(Debug, Serialize)]
pub(crate) struct CallLimits {
    /// Fuel: about one per WebAssembly instruction.
    pub(crate) fuel: u64,
    /// All memories and tables together.
    pub(crate) memory_bytes: u64,
    /// Wall-clock time, waits included.
    pub(crate) timeout_ms: u64,
    /// The result.
    pub(crate) output_bytes: u64,
}

/// `skill pack` and `skill sign`.
#[derive(Debug, Serialize)]
pub(crate) struct Pack {
    /// The skill.
    pub(crate) skill: SkillId,
    /// Its version.
    pub(crate) version: Version,
    /// The archive.
    pub(crate) archive: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its digest.
    pub(crate) digest: Digest,
    /// The signature's file; null where it is unsigned.
    pub(crate) signature: Option<PathBuf>,
    /// The key that signed it; null where it is unsigned.
    pub(crate) signer: Option<PublicKey>,
}

/// An element of `trust list`, and what `trust add` and `trust remove` leave.
#[derive(Debug, Serialize)]
pub(crate) struct TrustedPublisher {
    /// The publisher.
    pub(crate) publisher: PublisherName,
    /// Its trusted keys.
    pub(crate) keys: Vec<PublicKey>,
}

/// `install`, and an element of `registry install` and `registry update`.
#[derive(Debug, Serialize)]
pub(crate) struct Installed {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version that is installed now.
    pub(crate) version: Version,
    /// The version that was installed before, or null.
    pub(crate) previous: Option<Version>,
    /// The digest of the archive.
    pub(crate) digest: Digest,
    /// The key that signed it.
    pub(crate) signer: PublicKey,
    /// The registry that it came from, or `local`.
    pub(crate) origin: String,
    /// The place of its release in the registry's log, or null.
    pub(crate) log_index: Option<u64>,
    /// Why its publisher has yanked it, where it was pinned all the same, or null.
    pub(crate) yanked: Option<String>,
    /// What it asks for, and whether it is granted now.
    pub(crate) permissions: Vec<Permission>,
    /// The limits of its calls, below your ceilings.
    pub(crate) limits: CallLimits,
    /// What your ceilings cut.
    pub(crate) cuts: Vec<Cut>,
    /// Its tools.
    pub(crate) tools: Vec<ToolId>,
}

/// An element of `list`.
#[derive(Debug, Serialize)]
pub(crate) struct ListedSkill {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The installed version.
    pub(crate) version: Version,
    /// `loaded`, or `refused`.
    pub(crate) status: &'static str,
    /// Why it is refused, or null.
    pub(crate) reason: Option<String>,
    /// What it is for, in its author's words; null where it is refused.
    pub(crate) description: Option<String>,
    /// The digest of its archive.
    pub(crate) digest: Digest,
    /// The key that signed it.
    pub(crate) signer: PublicKey,
    /// Where it came from: `local` for a file.
    pub(crate) origin: String,
}

/// `remove`.
#[derive(Debug, Serialize)]
pub(crate) struct Removed {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The version that was installed.
    pub(crate) version: Version,
    /// What of it is still there: `data`, `memory`, `log`, `rules`.
    pub(crate) kept: Vec<&'static str>,
}

/// An element of `grant show`.
#[derive(Debug, Serialize)]
pub(crate) struct Grants {
    /// The skill.
    pub(crate) skill: SkillId,
    /// The installed version; null where it is not installed.
    pub(crate) version: Option<Version>,
    /// The directory that `$workspace` stands for here, or null.
    pub(crate) workspace: Option<PathBuf>,
    /// What it asks for, and whether it is granted.
    pub(crate) requests: Vec<Permission>,
    /// Your rules that allow something.
    pub(crate) allow: Vec<Rule>,
    /// Your rules that deny something, those for every skill included.
    pub(crate) deny: Vec<Rule>,
}

/// `grant allow`, `grant deny` and `grant revoke`.
#[derive(Debug, Serialize)]
pub(crate) struct RuleChange {
    /// The skill.
    pub(crate) skill: SkillId,
    /// `allow`, `deny` or `revoke`.
    pub(crate) action: &'static str,
    /// The rule, with `$workspace` resolved.
    pub(crate) rule: Rule,
    /// Whether your policy is another one now.
    pub(crate) changed: bool,
    /// What to look at, or null.
    pub(crate) warning: Option<String>,
}

/// An element of `tool list`.
#[derive(Debug, Serialize)]
pub(crate) struct ListedTool {
    /// The tool.
    pub(crate) tool: ToolId,
    /// The version of its skill.
    pub(crate) version: Version,
    /// What it does and when to use it, in its author's words.
    pub(crate) description: String,
    /// The JSON Schema of its input.
    pub(crate) input_schema: Value,
    /// The JSON Schema of its output, or null.
    pub(crate) output_schema: Option<Value>,
}

/// `audit head`.
#[derive(Debug, Serialize)]
pub(crate) struct AuditHead {
    /// The number of the last record and the digest of its line, as `audit verify --head` takes them; null where nothing
    /// is recorded yet.
    pub(crate) head: Option<Checkpoint>,
}

/// `audit verify`.
#[derive(Debug, Serialize)]
pub(crate) struct AuditVerification<'a> {
    /// Whether nothing is wrong.
    pub(crate) ok: bool,
    /// What was found.
    #[serde(flatten)]
    pub(crate) found: &'a Verification,
}

/// `doctor`.
#[derive(Debug, Serialize)]
pub(crate) struct Doctor {
    /// Whether nothing failed.
    pub(crate) ok: bool,
    /// What was checked.
    pub(crate) checks: Vec<Check>,
}

/// One thing that `doctor` checked.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: String,
    /// `ok`, `warn` or `fail`.
    pub(crate) status: CheckStatus,
    /// What was found.
    pub(crate) detail: String,
    /// How to mend it, or null.
    pub(crate) mend: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckStatus {
    /// As it has to be.
    Ok,
    /// It works, and something is worth knowing.
    Warn,
    /// It does not work.
    Fail,
}
