//! Permissions and limits in words.

pub(crate) use openclaw_package::permission::warnings::warnings;
pub(crate) use openclaw_package::permission::words::{
    PROGRAMS_CANNOT, Request, programs, readable_bytes as bytes, readable_number as grouped, requests,
};
use openclaw_runtime::sandbox::{Cut, Limits};

use crate::json::CallLimits;
use crate::output::{dim, warning};

/// A request as a line for people: the words, and the reason.
pub(crate) fn line(request: &Request) -> String {
    format!("{} {}", request.words, dim(format_args!("- {}", request.reason)))
}

impl From<&Limits> for CallLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            timeout_ms: u64::try_from(limits.timeout.as_millis()).unwrap_or(u64::MAX),
            output_bytes: limits.output_bytes,
        }
    }
}

/// The limits of a call, in one line.
pub(crate) fn limits(limits: &CallLimits) -> String {
    format!(
        "{} fuel, {} memory, {}, {} result",
        grouped(limits.fuel),
        bytes(limits.memory_bytes),
        micros(limits.timeout_ms.saturating_mul(1_000)),
        bytes(limits.output_bytes)
    )
}

/// What the operator's ceilings cut, a line each.
pub(crate) fn cuts(cuts: &[Cut]) -> Vec<String> {
    let line = |cut: &Cut| {
        format!(
            "{} it asks for {} {} and gets {}, your ceiling",
            warning("!"),
            cut.asked,
            cut.limit,
            cut.granted
        )
    };
    cuts.iter().map(line).collect()
}

/// A time that a person can compare.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ if micros.is_multiple_of(1_000_000) => format!("{} s", micros / 1_000_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(micros(1_250), "1.2 ms");
    }
}
