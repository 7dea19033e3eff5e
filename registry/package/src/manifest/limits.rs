//! `[limits]`: how much of what is metered the author thinks a call needs.

use std::time::Duration;

use super::error::{Issue, ManifestErrorKind};
use super::section::Section;
use crate::bytesize::ByteSize;

const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// What a manifest asks of one call. The operator's ceilings win over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestedLimits {
    fuel: Option<u64>,
    memory: Option<ByteSize>,
    timeout: Option<Duration>,
    output: Option<ByteSize>,
}

impl RequestedLimits {
    /// Instructions, in wasmtime's units of fuel.
    pub fn fuel(&self) -> Option<u64> {
        self.fuel
    }

    /// Linear memory of all instances together.
    pub fn memory(&self) -> Option<ByteSize> {
        self.memory
    }

    /// Time from the call to its result; at most an hour.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The result and what is written to standard output, together.
    pub fn output(&self) -> Option<ByteSize> {
        self.output
    }
}

pub(super) fn read(section: &Section<'_>) -> Result<RequestedLimits, Issue> {
    section.only(&["fuel", "memory", "timeout", "output"])?;
    let timeout = match section.text("timeout")? {
        None => None,
        Some(text) => Some(parse_timeout(text.get_ref()).ok_or_else(|| {
            let kind = ManifestErrorKind::invalid("timeout", "it is not a duration from 1ms to 1h");
            Issue::new(kind, text.span()).hint("write digits and one of ms, s, m or h, for example \"30s\"")
        })?),
    };
    Ok(RequestedLimits {
        fuel: section.count("fuel")?,
        memory: section.size("memory")?.map(toml::Spanned::into_inner),
        timeout,
        output: section.size("output")?.map(toml::Spanned::into_inner),
    })
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return None,
    };
    let timeout = Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(milliseconds)?);
    (timeout > Duration::ZERO && timeout <= LONGEST_TIMEOUT).then_some(timeout)
}
