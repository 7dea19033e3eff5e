//! Exit codes: one for each class of outcome, so that a script can tell them apart.
//!
//! | code | class | what it means |
//! |---|---|---|
//! | 0 | ok | it was done |
//! | 1 | failed | the skill, its tests or its build failed, or `doctor` found a fault |
//! | 2 | usage | the command line, or the input of a tool, cannot be understood |
//! | 3 | refused | a signature, a package, a permission or a missing consent stood in the way |
//! | 4 | not found | there is no such skill, tool, key, rule or file |
//! | 5 | limits | fuel, time, memory, output, rate or an agent's limits ran out, or the host is busy |
//! | 6 | host | this machine, or the data directory, is not as it has to be |
//! | 7 | unreachable | the registry, the gateway or a model could not be reached, or broke off |

use std::process::ExitCode;

/// The class of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Ok = 0,
    /// The skill, its tests or its build failed, or `doctor` found a fault.
    Failed = 1,
    /// The command line, or the input of a tool, cannot be understood.
    Usage = 2,
    /// A signature, a package, a permission or a missing consent stood in the way.
    Refused = 3,
    /// There is no such skill, tool, key, rule or file.
    NotFound = 4,
    /// Fuel, time, memory, output, rate or an agent's limits ran out, or the host is busy.
    Limits = 5,
    /// This machine, or the data directory, is not as it has to be.
    Host = 6,
    /// The registry, the gateway or a model could not be reached, or broke off.
    Registry = 7,
}

/// The table as `openclaw --help` shows it.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  the skill, its tests or its build failed
  2  the command line or the input of a tool cannot be understood
  3  refused: signature, package, permission or missing consent
  4  no such skill, tool, key, rule or file
  5  out of fuel, time, memory, output, rate or what an agent may use, or the host is busy
  6  this machine or the data directory is not as it has to be
  7  the registry, the gateway or a model could not be reached, or broke off";

impl Exit {
    /// The class of an error by its stable code; a code that is not known is a refusal, since most
    /// codes are those of packages that are refused.
    pub(crate) fn of_code(code: &str) -> Self {
        match code {
            "tool-failed" | "trap" | "exit" => Self::Failed,
            "malformed-input"
            | "invalid-input"
            | "invalid-name"
            | "invalid-registry-url"
            | "invalid-conversation"
            | "invalid-message"
            | "invalid-token" => Self::Usage,
            "unknown-skill"
            | "unknown-tool"
            | "not-installed"
            | "unknown-registry"
            | "no-registry"
            | "no-default-registry"
            | "no-matching-version"
            | "not-released"
            | "unknown-token"
            | "unknown-agent"
            | "no-conversation"
            | "not-found" => Self::NotFound,
            "fuel-exhausted"
            | "timeout"
            | "cancelled"
            | "memory-exceeded"
            | "output-too-large"
            | "rate-limited"
            | "busy"
            | "steps-exhausted"
            | "tokens-exhausted"
            | "cost-exhausted"
            | "model-throttled"
            | "conversation-too-long"
            | "compile-limits-exceeded" => Self::Limits,
            "registry-unreachable"
            | "registry-timeout"
            | "registry-too-slow"
            | "registry-refused"
            | "model-unavailable"
            | "model-malformed"
            | "answer-truncated" => Self::Registry,
            "host-failure"
            | "tree-unavailable"
            | "audit-unavailable"
            | "data-dir-unusable"
            | "engine-unavailable"
            | "isolation-unavailable"
            | "invalid-config"
            | "worker-lost"
            | "cache-unavailable"
            | "compiler-unavailable"
            | "invalid-policy"
            | "invalid-trust-store"
            | "invalid-lockfile"
            | "invalid-tokens"
            | "invalid-certificate"
            | "insecure-listen"
            | "address-unavailable"
            | "memory-unavailable"
            | "secrets-unreadable"
            | "invalid-secrets"
            | "newer-secrets"
            | "keyring-unavailable"
            | "watch-failed"
            | "triggers-unavailable"
            | "sessions-unavailable"
            | "memory-unusable"
            | "no-model"
            | "no-model-key"
            | "unreadable"
            | "no-randomness"
            | "no-connection"
            | "not-private"
            | "registry-state-damaged"
            | "registry-state-newer"
            | "io" => Self::Host,
            _ => Self::Refused,
        }
    }
}

impl Exit {
    /// The class of what a registry refuses, by the status of its answer.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400 => Self::Usage,
            404 => Self::NotFound,
            429 => Self::Limits,
            _ => Self::Refused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_each_code_once_and_in_order() {
        let codes: Vec<_> = HELP.lines().skip(1).filter_map(|line| line.trim().chars().next()).collect();
        assert_eq!(codes, ['0', '1', '2', '3', '4', '5', '6', '7']);
    }

    #[test]
    fn a_code_that_is_not_known_is_a_refusal() {
        assert_eq!(Exit::of_code("bad-signature"), Exit::Refused);
        assert_eq!(Exit::of_code("fuel-exhausted"), Exit::Limits);
    }
}
