//! The owner's rules for secrets, and their one-line text form.

use std::fmt;
use std::str::FromStr;

use openclaw_package::name::SecretName;
use openclaw_package::permission::{SecretHost, SecretRequest};

/// An owner's rule: `secret github-token api.github.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRule {
    /// Which secret, by the skill's name for it.
    pub name: SecretName,
    /// The host that it may, or may not, go to.
    pub host: SecretHost,
}

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRuleError {
    /// There are not two words.
    #[error("a name and a host, such as github-token api.github.com")]
    Form,
    /// The first word is no name.
    #[error("a name and a host; {0}")]
    Name(#[from] openclaw_package::name::NameError),
    /// The second word is no host.
    #[error("a name and a host; {0}")]
    Host(#[from] openclaw_package::permission::PermissionError),
}

impl SecretRule {
    /// The rule that allows exactly what an entry of a manifest asks for.
    #[must_use]
    pub fn for_request(request: &SecretRequest) -> Self {
        Self { name: request.name.clone(), host: request.host.clone() }
    }

    /// The command that adds the rule to what a skill may do. An address in brackets is quoted: a shell would read them.
    pub(crate) fn command(&self, skill: &str) -> String {
        let Self { name, host } = self;
        let host = host.to_string();
        let host = if host.starts_with('[') { format!("'{host}'") } else { host };
        format!("openclaw grant allow {skill} secret {name} {host}")
    }
}

impl FromStr for SecretRule {
    type Err = SecretRuleError;

    fn from_str(text: &str) -> Result<Self, SecretRuleError> {
        let mut words = text.split_ascii_whitespace();
        let (Some(name), Some(host), None) = (words.next(), words.next(), words.next()) else {
            return Err(SecretRuleError::Form);
        };
        Ok(Self { name: name.parse()?, host: host.parse()? })
    }
}

impl fmt::Display for SecretRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} {}", self.name, self.host)
    }
}
