//! The sections of the configuration, with a default for every key.

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use openclaw_agent::models::known_providers;
use openclaw_gateway::names::{HostName, WebOrigin};
use openclaw_runtime::consent::SecurityLevel;
use serde::{Deserialize, Deserializer};

use super::agents::AgentId;

/// The language model, and the agent that there is where none is named. Neither of the model's keys means anything without
/// the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claw {
    /// The agent's name.
    #[serde(default = "AgentId::claw")]
    pub(crate) name: AgentId,
    /// Who serves it.
    pub(crate) model_provider: Provider,
    /// What it is called there.
    #[serde(deserialize_with = "some_words")]
    pub(crate) model: String,
}

/// Who serves a language model: a provider that need not be named in `models.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Provider(String);

impl Provider {
    /// As it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Provider {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let names: Vec<_> = known_providers().map(|(name, _)| name).collect();
        if names.contains(&text.as_str()) {
            return Ok(Self(text));
        }
        Err(format!("{text} is no provider; there are {}", names.join(", ")))
    }
}

/// What is done with what skills ask for: `skills`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Skills {
    /// What becomes of a request that nothing grants.
    #[serde(deserialize_with = "security_level")]
    pub(crate) security_level: SecurityLevel,
}

fn security_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecurityLevel, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "strict" => Ok(SecurityLevel::Strict),
        "moderate" => Ok(SecurityLevel::Moderate),
        "permissive" => Ok(SecurityLevel::Permissive),
        _ => Err(serde::de::Error::custom(format!(
            "{text} is no security level; there are strict, moderate and permissive"
        ))),
    }
}

/// How calls are run: `execution`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Execution {
    /// The longest that one call may take, in milliseconds.
    pub(crate) timeout: Option<NonZeroU64>,
    /// Calls that a gateway runs at once.
    pub(crate) max_concurrent: Option<NonZeroU32>,
    /// Where they run.
    pub(crate) sandbox: Sandbox,
}

/// Where calls run: `execution.sandbox`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sandbox {
    #[serde(deserialize_with = "enabled")]
    enabled: (),
    /// In which processes.
    pub(crate) level: SandboxLevel,
}

fn enabled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? {
        return Ok(());
    }
    Err(serde::de::Error::custom("enabled is false: skills run in the sandbox or not at all"))
}

/// Where installed skills run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum SandboxLevel {
    /// In this process.
    #[default]
    Restricted,
    /// In confined worker processes.
    Isolated,
}

impl TryFrom<String> for SandboxLevel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "restricted" => Ok(Self::Restricted),
            "isolated" => Ok(Self::Isolated),
            "trusted" => {
                Err("the level is trusted, which no skill is; use restricted or isolated".to_owned())
            }
            _ => Err(format!("{text} is no level; there are restricted and isolated")),
        }
    }
}

/// How others reach the skills: `gateway`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GatewaySection {
    /// The address to listen on.
    pub(crate) listen: IpAddr,
    /// The port to listen on.
    pub(crate) port: u16,
    /// Whether other machines may be served without TLS.
    pub(crate) insecure: bool,
    /// The certificate.
    pub(crate) tls: Option<Tls>,
    /// Names that it answers to, beside those of loopback and its own address.
    #[serde(deserialize_with = "parsed")]
    pub(crate) hosts: Vec<HostName>,
    /// Web pages that may ask it.
    #[serde(deserialize_with = "parsed")]
    pub(crate) origins: Vec<WebOrigin>,
    /// Requests at once.
    pub(crate) max_requests: NonZeroU32,
    /// Connections at once.
    pub(crate) max_connections: NonZeroU32,
    /// How long calls that run are waited for at the end, in milliseconds.
    pub(crate) drain: u64,
}

impl Default for GatewaySection {
    fn default() -> Self {
        const fn count(number: u32) -> NonZeroU32 {
            match NonZeroU32::new(number) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 7456,
            insecure: false,
            tls: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            max_requests: count(1000),
            max_connections: count(1024),
            drain: 30_000,
        }
    }
}

/// A certificate: `gateway.tls`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// Its file, in PEM, with those between it and a root.
    pub(crate) cert: PathBuf,
    /// The file of its private key, in PEM.
    pub(crate) key: PathBuf,
}

/// For whoever works on skills or on OpenClaw: `developer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Developer {
    /// Logs for people, at level `debug`, on standard error.
    pub(crate) debug: bool,
    /// How much is logged.
    pub(crate) log_level: LogLevel,
    #[serde(deserialize_with = "no_telemetry")]
    telemetry: (),
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// What deserves a look.
    Warn,
    /// What changes.
    #[default]
    Info,
    /// Every request.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl TryFrom<String> for LogLevel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let levels = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
        levels
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| format!("{text} is no log level; there are error, warn, info, debug and trace"))
    }
}

fn no_telemetry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? {
        return Err(serde::de::Error::custom("telemetry is true: there is none, nothing is sent to anybody"));
    }
    Ok(())
}

fn some_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("claw.model is empty"));
    }
    Ok(text)
}

/// A list of texts, each of which means something.
fn parsed<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}
