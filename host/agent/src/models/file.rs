//! `models.yaml`, as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::price::{Dollars, Price};
use crate::provider::Format;

/// The version of the file's layout.
const VERSION: &str = "1";
/// Milliseconds of a day: the longest of all times.
const DAY: u64 = 24 * 60 * 60 * 1000;
/// Most bytes of a name that a provider gives a model.
const MODEL_LEN: usize = 256;

/// The whole file. A key that is not here is an error, since nothing would obey it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    #[serde(deserialize_with = "version")]
    version: (),
    pub(super) providers: BTreeMap<String, Spanned<ProviderEntry>>,
    pub(super) models: BTreeMap<String, Spanned<ModelEntry>>,
    pub(super) routes: BTreeMap<String, Spanned<RouteEntry>>,
    pub(super) retries: RetryRule,
    pub(super) breaker: BreakerRule,
    pub(super) cache: Option<CacheRule>,
}

/// Whoever serves models.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderEntry {
    #[serde(deserialize_with = "format")]
    pub(super) format: Format,
    pub(super) url: Spanned<String>,
    /// The name of the variable that holds the key.
    pub(super) key: Option<Spanned<String>>,
    /// Whether the key may be sent in the clear.
    #[serde(default)]
    pub(super) insecure: bool,
}

/// A model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    pub(super) provider: Spanned<String>,
    #[serde(deserialize_with = "model_name")]
    pub(super) model: String,
    #[serde(default = "all_capabilities")]
    pub(super) capabilities: BTreeSet<Capability>,
    /// What is usual for the format, where nothing is said.
    #[serde(default, deserialize_with = "count::<_, 100_000_000>")]
    pub(super) context: Option<u32>,
    #[serde(default = "usual_output", deserialize_with = "within_u32::<_, 1, 100_000_000>")]
    pub(super) max_output: u32,
    #[serde(default)]
    pub(super) cost: Option<Price>,
    #[serde(default)]
    pub(super) priority: i32,
    #[serde(default)]
    pub(super) speed: Speed,
    #[serde(default)]
    pub(super) limits: LimitRule,
}

/// What a model can do, beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Capability {
    /// It can ask for calls.
    Tools,
    /// It can be heard while it answers.
    Streaming,
}

/// How fast a model answers, beside others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speed {
    Fast,
    #[default]
    Normal,
    Slow,
}

/// How much a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitRule {
    #[serde(deserialize_with = "count::<_, 1_000_000_000>")]
    pub(super) requests_per_minute: Option<u32>,
    #[serde(deserialize_with = "count::<_, 1_000_000_000>")]
    pub(super) tokens_per_minute: Option<u32>,
    #[serde(deserialize_with = "count::<_, 65_536>")]
    pub(super) concurrent: Option<u32>,
    /// Questions that may wait.
    #[serde(deserialize_with = "within_u32::<_, 1, 65_536>")]
    pub(super) queue: u32,
}

impl Default for LimitRule {
    fn default() -> Self {
        Self { requests_per_minute: None, tokens_per_minute: None, concurrent: None, queue: 64 }
    }
}

/// Models that take each other's place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteEntry {
    /// Models and routes by name; all models, where nothing is said.
    #[serde(default)]
    pub(super) models: Option<Vec<Spanned<String>>>,
    /// What a model of it has to be able to do.
    #[serde(default)]
    pub(super) capabilities: BTreeSet<Capability>,
    #[serde(default)]
    pub(super) order: Order,
    /// The most that one question may cost.
    #[serde(default)]
    pub(super) most_cost: Option<Dollars>,
}

/// Which of a route's models is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// The one of the highest priority.
    #[default]
    Priority,
    /// The cheapest one.
    Cost,
    /// The fastest one.
    Speed,
    /// Each in its turn.
    RoundRobin,
}

/// How often a model is asked anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetryRule {
    /// How often it is asked in all.
    #[serde(deserialize_with = "within_u32::<_, 1, 10>")]
    pub(super) attempts: u32,
    #[serde(deserialize_with = "milliseconds")]
    pub(super) first_delay: Duration,
    #[serde(deserialize_with = "milliseconds")]
    pub(super) most_delay: Duration,
}

impl Default for RetryRule {
    fn default() -> Self {
        Self { attempts: 3, first_delay: Duration::from_millis(500), most_delay: Duration::from_secs(30) }
    }
}

/// When a model that fails is spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BreakerRule {
    /// Failures in a row.
    #[serde(deserialize_with = "within_u32::<_, 1, 1_000_000>")]
    pub(super) failures: u32,
    /// How long it is not asked.
    #[serde(deserialize_with = "milliseconds")]
    pub(super) open: Duration,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, open: Duration::from_secs(30) }
    }
}

/// Answers that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheRule {
    #[serde(deserialize_with = "within::<_, 1, 65_536>")]
    pub(super) entries: u64,
    #[serde(deserialize_with = "milliseconds")]
    pub(super) time: Duration,
}

/// The tokens that a question and its answer have together at most, where nothing is said. Ollama takes the memory
/// for them at once, so that it is asked for few.
pub(super) fn usual_context(format: Format) -> u64 {
    match format {
        Format::Anthropic | Format::OpenAi => 128_000,
        Format::Ollama => 8192,
    }
}

/// Most tokens of an answer, where nothing is said: what older models refuse to exceed.
pub(super) fn usual_output() -> u32 {
    4096
}

pub(super) fn all_capabilities() -> BTreeSet<Capability> {
    BTreeSet::from([Capability::Tools, Capability::Streaming])
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let version = String::deserialize(deserializer)?;
    if version == VERSION {
        return Ok(());
    }
    Err(serde::de::Error::custom(format!("version {version} is not known; this openclaw reads {VERSION}")))
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Format, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn model_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_model_name(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom(format!("model is from 1 to {MODEL_LEN} bytes, without spaces around it")))
}

/// Whether a provider can call a model so.
pub(super) fn is_model_name(text: &str) -> bool {
    (1..=MODEL_LEN).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

fn within<'de, D: Deserializer<'de>, const LEAST: u64, const MOST: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if (LEAST..=MOST).contains(&number) {
        return Ok(number);
    }
    Err(serde::de::Error::custom(format!("it is from {LEAST} to {MOST}, not {number}")))
}

fn within_u32<'de, D: Deserializer<'de>, const LEAST: u64, const MOST: u64>(
    deserializer: D,
) -> Result<u32, D::Error> {
    let number = within::<D, LEAST, MOST>(deserializer)?;
    u32::try_from(number).map_err(serde::de::Error::custom)
}

fn count<'de, D: Deserializer<'de>, const MOST: u64>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within_u32::<D, 1, MOST>(deserializer).map(Some)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    within::<D, 1, DAY>(deserializer).map(Duration::from_millis)
}
