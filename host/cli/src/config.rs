//! The configuration file, `config.yaml`: how this owner wants skills to be run and served.

mod agents;
mod problem;
mod sections;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_agent::memory::MemorySettings;
use openclaw_agent::models::AUTO;
use openclaw_agent::redaction::RedactionSettings;
use openclaw_gateway::limits::Limits;
use openclaw_gateway::tls::TlsFiles;
use openclaw_gateway::{Options, Settings};
use openclaw_runtime::consent::SecurityLevel;
use serde::{Deserialize, Deserializer};

use crate::error::{CliError, Result};

use agents::AgentList;
pub(crate) use agents::{AgentId, AgentPlan, TurnLimits};
pub(crate) use sections::{Claw, GatewaySection, LogLevel, SandboxLevel};
use sections::{Developer, Execution, Skills};

/// The version of the file's layout.
const VERSION: &str = "2026.1";

/// Calls that a gateway runs at once, where nothing is said.
const CONCURRENT_CALLS: u32 = 16;

/// The configuration. A key that is not here is an error, since nothing would obey it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    #[serde(deserialize_with = "version")]
    version: (),
    claw: Option<Claw>,
    agents: AgentList,
    memory: MemorySettings,
    redaction: RedactionSettings,
    skills: Skills,
    execution: Execution,
    gateway: GatewaySection,
    developer: Developer,
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let version = String::deserialize(deserializer)?;
    if version == VERSION {
        return Ok(());
    }
    Err(serde::de::Error::custom(format!("version {version} is not known; this openclaw reads {VERSION}")))
}

impl Config {
    /// Reads the file; one that is not there configures nothing.
    ///
    /// # Errors
    /// It cannot be read, or not all of it can be obeyed.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(CliError::io(path, &error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Self =
            serde_saphyr::from_str(text).map_err(|error| problem::unreadable(path, text, &error))?;
        let gateway = &config.gateway;
        if !gateway.listen.is_loopback() && gateway.tls.is_none() && !gateway.insecure {
            let reason = format!(
                "gateway.listen is {}, and there is no gateway.tls: tokens would be sent in the clear. Where a proxy \
                 in front of it speaks TLS, say gateway.insecure: true",
                gateway.listen
            );
            return Err(problem::invalid(path, &reason));
        }
        Ok(config)
    }

    /// The language model: `claw`.
    pub(crate) fn language_model(&self) -> Option<&Claw> {
        self.claw.as_ref()
    }

    /// The agents: those of `agents`, else one that `claw` makes, else one that may ask all models of models.yaml. Paths are
    /// those of the configuration file's own directory.
    pub(crate) fn agents(&self, dir: &Path) -> Vec<AgentPlan> {
        let plans = self.agents.plans(dir);
        if !plans.is_empty() {
            return plans;
        }
        let claw = self.claw.as_ref();
        let id = claw.map_or_else(AgentId::claw, |claw| claw.name.clone());
        vec![AgentPlan::claw(id, claw.map_or(AUTO, |claw| &claw.model))]
    }

    /// What agents remember, and where: `memory`; with the directory, where one is named, `~` resolved.
    pub(crate) fn memory(&self, dir: &Path) -> MemorySettings {
        let mut memory = self.memory.clone();
        let path = memory.file_memory.path.take();
        memory.file_memory.path = path.map(|path| dir.join(agents::home_resolved(&path)));
        memory
    }

    /// What is cut from what is logged, remembered and said to models: `redaction`.
    pub(crate) fn redaction(&self) -> &RedactionSettings {
        &self.redaction
    }

    /// What becomes of a request that nothing grants: `skills.security_level`.
    pub(crate) fn security_level(&self) -> SecurityLevel {
        self.skills.security_level
    }

    /// Where installed skills run: `execution.sandbox.level`.
    pub(crate) fn level(&self) -> SandboxLevel {
        self.execution.sandbox.level
    }

    /// The longest that one call may take: `execution.timeout`.
    pub(crate) fn call_time(&self) -> Option<Duration> {
        self.execution.timeout.map(|time| Duration::from_millis(time.get()))
    }

    /// Calls that a gateway runs at once: `execution.max_concurrent`.
    pub(crate) fn concurrent_calls(&self) -> u32 {
        self.execution.max_concurrent.map_or(CONCURRENT_CALLS, std::num::NonZeroU32::get)
    }

    /// How much is logged, and whether for people: `developer`.
    pub(crate) fn logging(&self) -> (LogLevel, bool) {
        let level = if self.developer.debug { LogLevel::Debug } else { self.developer.log_level };
        (level, self.developer.debug)
    }

    /// Where the gateway listens.
    pub(crate) fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.gateway.listen, self.gateway.port)
    }

    /// What the gateway can change while it runs. Paths are those of the configuration file's own directory.
    pub(crate) fn settings(&self, dir: &Path) -> Settings {
        let gateway = &self.gateway;
        let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        Settings {
            hosts: gateway.hosts.clone(),
            origins: gateway.origins.clone(),
            tls: gateway
                .tls
                .as_ref()
                .map(|tls| TlsFiles { cert: dir.join(&tls.cert), key: dir.join(&tls.key) }),
            max_requests: count(gateway.max_requests),
            drain: Duration::from_millis(gateway.drain),
        }
    }

    /// All that the gateway is started with.
    pub(crate) fn options(&self, dir: &Path) -> Options {
        let connections = usize::try_from(self.gateway.max_connections.get()).unwrap_or(usize::MAX);
        let connections_per_peer = connections.div_ceil(4);
        Options {
            listen: self.listen(),
            insecure: self.gateway.insecure,
            limits: Limits { connections, connections_per_peer, ..Limits::default() },
            agents: None,
            settings: self.settings(dir),
        }
    }

    /// Keys that differ and take effect at the next start only.
    pub(crate) fn unchangeable(&self, next: &Self) -> Vec<&'static str> {
        let (now, then) = (&self.gateway, &next.gateway);
        let differs = [
            ("claw, for what skills ask a model,", self.claw != next.claw),
            ("execution.max_concurrent", self.concurrent_calls() != next.concurrent_calls()),
            ("execution.sandbox.level", self.level() != next.level()),
            ("gateway.listen", now.listen != then.listen),
            ("gateway.port", now.port != then.port),
            ("gateway.insecure", now.insecure != then.insecure),
            ("gateway.max_connections", now.max_connections != then.max_connections),
            ("developer", self.developer != next.developer),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

/// Where the file is: `$OPENCLAW_CONFIG_PATH`, else in the data directory.
pub(crate) fn path(given: Option<PathBuf>, data_dir: &Path) -> PathBuf {
    given.unwrap_or_else(|| data_dir.join("config.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.yaml")).map_err(|error| error.message)
    }

    #[test]
    fn an_empty_file_configures_nothing() {
        for text in ["", "version: '2026.1'\n", "# nothing\n"] {
            assert_eq!(config(text), Ok(Config::default()), "{text}");
        }
        assert_eq!(Config::default().listen().to_string(), "127.0.0.1:7456");
        assert_eq!(Config::default().security_level(), SecurityLevel::Strict);
    }

    #[test]
    fn every_key_is_read() {
        let text = "
claw: { name: code_assistant, model_provider: openai, model: gpt-4o-mini }
memory: { type: file, file_memory: { path: notes, auto_summarize: false, summary_interval: 5 } }
redaction: { logs: true, memory: true, model: false, patterns: ['EMP-[0-9]+'] }
skills: { security_level: moderate }
execution: { timeout: 2500, max_concurrent: 3, sandbox: { enabled: true, level: isolated } }
gateway:
  listen: 192.0.2.1
  port: 443
  hosts: [claw.example.com]
  origins: ['https://chat.example.com']
  tls: { cert: cert.pem, key: /etc/key.pem }
  max_requests: 7
  max_connections: 9
  drain: 100
developer: { debug: false, log_level: warn, telemetry: false }
";
        let config = config(text).unwrap();
        let claw = config.language_model().unwrap();
        assert_eq!((claw.model_provider.as_str(), claw.model.as_str()), ("openai", "gpt-4o-mini"));
        let memory = config.memory(Path::new("/data")).file_memory;
        assert_eq!((memory.path, memory.auto_summarize), (Some("/data/notes".into()), false));
        assert!(!config.redaction().model);
        assert_eq!(config.security_level(), SecurityLevel::Moderate);
        assert_eq!(config.call_time(), Some(Duration::from_millis(2500)));
        assert_eq!((config.concurrent_calls(), config.level()), (3, SandboxLevel::Isolated));
        assert_eq!(config.logging(), (LogLevel::Warn, false));
        let options = config.options(Path::new("/data"));
        assert_eq!(options.listen.to_string(), "192.0.2.1:443");
        assert_eq!((options.limits.connections, options.limits.connections_per_peer), (9, 3));
        let Settings { hosts, origins, tls, max_requests, drain } = options.settings;
        assert_eq!((hosts.len(), origins.len(), max_requests), (1, 1, 7));
        assert_eq!(drain, Duration::from_millis(100));
        let tls = tls.unwrap();
        assert_eq!(tls.cert, Path::new("/data/cert.pem"));
        assert_eq!(tls.key, Path::new("/etc/key.pem"));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_its_name() {
        for (text, named) in [
            ("execution:\n  sandbox: { enabled: false }\n", "enabled"),
            ("execution:\n  sandbox: { level: trusted }\n", "trusted"),
            ("execution:\n  sandbox: { level: none }\n", "none"),
            ("execution: { timeout: 0 }\n", "zero"),
            ("execution: { max_concurrent: -1 }\n", "-1"),
            ("gateway: { port: 70000 }\n", "70000"),
            ("gateway: { hosts: ['http://x'] }\n", "is no host name"),
            ("gateway: { origins: ['null'] }\n", "is no origin"),
            ("gateway: { listen: 0.0.0.0 }\n", "gateway.insecure"),
            ("gateway: { tls: { cert: x } }\n", "key"),
            ("skills: { security_level: lax }\n", "lax is no security level"),
            ("developer: { log_level: loud }\n", "loud is no log level"),
            ("developer: { telemetry: true }\n", "there is none"),
            ("claw: { model_provider: mine, model: x }\n", "mine is no provider"),
            ("claw: { model_provider: local }\n", "model"),
            ("claw: { model: x }\n", "model_provider"),
            ("claw: { model_provider: local, model: ' ' }\n", "claw.model"),
            ("claw: { model_provider: local, model: x, name: 'y z' }\n", "names no agent"),
            ("agents: [{ model: x, workspace: y }]\n", "id"),
            ("agents: [{ id: x, workspace: y }]\n", "model"),
            ("agents: [{ id: x, model: y }]\n", "workspace"),
            ("agents: [{ id: x, model: ' ', workspace: y }]\n", "model names a model"),
            ("agents: [{ id: x, model: y, workspace: '' }]\n", "workspace is empty"),
            ("agents: [{ id: -x, model: y, workspace: z }]\n", "names no agent"),
            ("agents: [{ id: x, model: y, workspace: z, skills: [git] }]\n", "names no tools"),
            ("agents: [{ id: x, model: y, workspace: z, approve: ['a/b*'] }]\n", "names no tools"),
            ("agents: [{ id: x, model: y, workspace: z, limits: { steps: 0 } }]\n", "zero"),
            ("agents: [{ id: x, model: y, workspace: z, limits: { cost: 0 } }]\n", "a cost is from"),
            ("agents: [{ id: x, model: y, workspace: z, limits: { step: 1 } }]\n", "did you mean steps?"),
            ("agents: [{ id: x, model: y, workspace: z, skill: [] }]\n", "did you mean skills?"),
            (
                "agents: [{ id: x, model: y, workspace: z }, { id: x, model: y, workspace: z }]\n",
                "x is there twice",
            ),
            ("memory: { type: hybrid }\n", "vector search is not there yet"),
            ("redaction: { patterns: ['('] }\n", "the pattern ( is none"),
            ("skills: { auto_update: false }\n", "auto_update comes with"),
            ("skills: { trusted_registries: [] }\n", "trusted_registries is not needed"),
            ("version: '2031.1'\n", "2031.1"),
            ("execution: [", "config.yaml:1"),
        ] {
            let message = config(text).unwrap_err();
            assert!(message.contains(named), "{text}: {message}");
        }
        assert!(config("gateway: { listen: 0.0.0.0, insecure: true }\n").is_ok());
    }

    #[test]
    fn an_agent_is_as_it_is_written_and_claw_makes_one_where_there_is_none() {
        let dir = Path::new("/data");
        let text = "
agents:
  - id: coder
    model: claude
    soul: You write Rust.
    skills: [acme/git-helper, 'web/*']
    workspace: code
    approve: [acme/git-helper/status]
    limits: { steps: 9, tokens: 100, cost: 0.25, time: 60000 }
  - { id: quiet, model: auto, workspace: /srv/quiet }
";
        let plans = config(text).unwrap().agents(dir);
        let [coder, quiet] = &plans[..] else { panic!("{plans:?}") };
        assert_eq!((coder.id.as_str(), coder.model.as_str()), ("coder", "claude"));
        assert_eq!((coder.soul.as_str(), coder.skills.patterns().len()), ("You write Rust.", 2));
        assert_eq!(coder.workspace.as_deref(), Some(Path::new("/data/code")));
        assert_eq!(coder.approve[0].to_string(), "acme/git-helper/status");
        let limits = coder.limits.limits();
        assert_eq!((limits.steps, limits.tokens, limits.cost), (9, 100, Some(250_000)));
        assert_eq!(limits.time, Duration::from_secs(60));
        let lower = TurnLimits { cost: Some("0.1".parse().unwrap()), ..TurnLimits::default() };
        assert_eq!(coder.limits.and(lower).limits().cost, Some(100_000));
        assert!(quiet.skills.patterns().is_empty(), "no skills where none are named");
        assert_eq!(quiet.limits.limits(), openclaw_agent::agent::Limits::default());

        let claw = config("claw: { model_provider: ollama, model: qwen3 }\n").unwrap().agents(dir);
        assert_eq!((claw[0].id.as_str(), claw[0].model.as_str()), ("claw", "qwen3"));
        assert_eq!(
            (claw[0].skills.clone(), claw[0].workspace.clone()),
            (openclaw_gateway::Scope::all(), None)
        );
        assert_eq!(Config::default().agents(dir)[0].model, "auto");
    }

    #[test]
    fn a_home_is_resolved() {
        let home = std::env::home_dir().unwrap();
        let agents =
            config("agents: [{ id: x, model: y, workspace: '~/code' }]\n").unwrap().agents(Path::new("/d"));
        assert_eq!(agents[0].workspace, Some(home.join("code")));
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place_and_the_nearest_known_one() {
        let message = config("version: '2026.1'\ngateway:\n  hots: [x]\n").unwrap_err();
        let expected = "config.yaml:3:3: there is no key hots; did you mean hosts?\n3 |   hots: [x]\n  |   ^";
        assert_eq!(message, expected);
        let message = config("gatway: {}\n").unwrap_err();
        assert!(
            message.contains("config.yaml:1:1: there is no key gatway; did you mean gateway?"),
            "{message}"
        );
        let message = config("gateway:\n  port: nowhere\n").unwrap_err();
        assert!(message.starts_with("config.yaml:2:9: "), "{message}");
        assert!(message.ends_with("2 |   port: nowhere\n  |         ^"), "{message}");
    }

    #[test]
    fn what_takes_effect_at_the_next_start_is_known() {
        let (now, next) = (Config::default(), config("gateway: { port: 1, drain: 5 }\n").unwrap());
        assert_eq!(now.unchangeable(&next), ["gateway.port"]);
        assert!(now.unchangeable(&now.clone()).is_empty());
    }
}
