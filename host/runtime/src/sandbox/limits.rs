//! What bounds a call: the limits that apply to it, and the totals that its store may hold.

use std::time::Duration;

use openclaw_package::Manifest;
use openclaw_package::bytesize::ByteSize;
use openclaw_package::manifest::Language;
use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

/// Bytes that the host may copy out of a guest for one host call or result.
pub(super) const HOSTCALL_BYTES: usize = 8 << 20;
/// Component-model handles that a store may hold at once.
pub(super) const COMPONENT_HANDLES: usize = 10_000;
/// Host resources (streams, descriptors, pollables, requests) that a store may hold at once.
pub(super) const HOST_RESOURCES: usize = 1_024;

/// Core instances, tables and memories that a store may hold.
pub(super) const CORE_INSTANCES: u32 = 64;
pub(super) const TABLES: u32 = 64;
pub(super) const MEMORIES: u32 = 8;
/// What a table element is charged at, in bytes of the memory total.
const TABLE_ELEMENT_BYTES: usize = 16;

/// The limits of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Fuel: about one per WebAssembly instruction.
    pub fuel: u64,
    /// Bytes of all memories and tables together.
    pub memory_bytes: u64,
    /// Wall-clock time, waits included.
    pub timeout: Duration,
    /// Bytes of the result.
    pub output_bytes: u64,
}

impl Limits {
    /// What a skill in Rust gets whose manifest asks for nothing.
    pub const DEFAULT: Self = Self {
        fuel: 1_000_000_000,
        memory_bytes: 64 << 20,
        timeout: Duration::from_secs(30),
        output_bytes: 1 << 20,
    };

    /// What a skill in a language gets whose manifest asks for nothing: an interpreter takes some twenty instructions for one.
    #[must_use]
    pub const fn of(language: Language) -> Self {
        match language {
            Language::Rust => Self::DEFAULT,
            Language::TypeScript | Language::JavaScript => Self { fuel: 20_000_000_000, ..Self::DEFAULT },
            Language::Python => Self { fuel: 20_000_000_000, memory_bytes: 128 << 20, ..Self::DEFAULT },
            _ => Self::DEFAULT,
        }
    }
}

/// The operator's ceilings: what a manifest asks for is cut down to these.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// Most fuel a call may be given.
    pub fuel: u64,
    /// Most bytes of memory a call may be given.
    pub memory: ByteSize,
    /// Longest time a call may be given, in seconds.
    pub timeout_seconds: u64,
    /// Most bytes a result may have.
    pub output: ByteSize,
    /// Most calls that one skill may be asked for in a minute; 0 is no ceiling.
    pub calls_per_minute_per_skill: u32,
    /// Most calls that one caller may ask for in a minute; 0 is no ceiling.
    pub calls_per_minute_per_caller: u32,
    /// Longest time a call may be given by the configuration of whoever runs calls, below the policy's.
    #[serde(skip)]
    pub call_time: Option<Duration>,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            fuel: 50_000_000_000,
            memory: ByteSize::new(Self::MEMORY_MAX),
            timeout_seconds: 300,
            output: ByteSize::new(4 << 20),
            calls_per_minute_per_skill: 0,
            calls_per_minute_per_caller: 0,
            call_time: None,
        }
    }
}

/// A limit that a ceiling cut down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// Which limit: `fuel`, `memory`, `timeout` or `output`.
    pub limit: &'static str,
    /// What the manifest asks, in words.
    pub asked: String,
    /// What it gets, in words.
    pub granted: String,
}

impl Ceilings {
    /// The most memory that any store can hold: the size of a slot in the engine's pool.
    pub const MEMORY_MAX: u64 = 512 << 20;

    /// The limits that a manifest ends up with, and what was cut.
    #[must_use]
    pub fn apply(&self, manifest: &Manifest) -> (Limits, Vec<Cut>) {
        let asked = manifest.limits();
        let mut cuts = Vec::new();
        let mut cut = |limit, asked: u64, ceiling: u64, show: &dyn Fn(u64) -> String| {
            if asked > ceiling {
                cuts.push(Cut { limit, asked: show(asked), granted: show(ceiling) });
            }
            asked.min(ceiling)
        };
        let plain = |n: u64| n.to_string();
        let bytes = |n: u64| ByteSize::new(n).to_string();
        let millis = |n: u64| format!("{n}ms");
        let default = Limits::of(manifest.language());
        let timeout = asked.timeout().unwrap_or(default.timeout);
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let fuel = cut("fuel", asked.fuel().unwrap_or(default.fuel), self.fuel, &plain);
        let memory_asked = asked.memory().map_or(default.memory_bytes, ByteSize::as_u64);
        let memory_bytes = cut("memory", memory_asked, self.memory.as_u64().min(Self::MEMORY_MAX), &bytes);
        let call_time =
            self.call_time.map_or(u64::MAX, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let most_time = self.timeout_seconds.saturating_mul(1000).min(call_time);
        let timeout = cut("timeout", timeout, most_time, &millis);
        let output_asked = asked.output().map_or(default.output_bytes, ByteSize::as_u64);
        let output_bytes = cut("output", output_asked, self.output.as_u64(), &bytes);
        (Limits { fuel, memory_bytes, timeout: Duration::from_millis(timeout), output_bytes }, cuts)
    }
}

/// Counts what all memories and tables of a store hold together: a limit on each alone would be
/// passed by having many.
#[derive(Debug)]
pub(crate) struct Totals {
    held: usize,
    peak: usize,
    limit: usize,
    refused: bool,
}

impl Totals {
    pub(super) fn new(limits: &Limits) -> Self {
        let limit = usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX);
        Self { held: 0, peak: 0, limit, refused: false }
    }

    /// Most bytes held at once.
    pub(super) fn peak(&self) -> u64 {
        self.peak as u64
    }

    /// Whether a growth was refused, which most guests do not survive.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    fn grow(&mut self, by: usize) -> bool {
        match self.held.checked_add(by) {
            Some(total) if total <= self.limit => {
                self.held = total;
                self.peak = self.peak.max(total);
                true
            }
            _ => {
                self.refused = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Totals {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES)))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}
