//! The owner's rules for the network, and their one-line text form.

use std::fmt;
use std::str::FromStr;

use openclaw_package::permission::{Method, MethodSet, NetworkRequest, UrlPattern};
use serde::{Deserialize, Serialize};
use url::Url;

use super::reading;

/// The methods that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodRule {
    /// Every method, written `*`.
    Any,
    /// These methods, written as a comma list.
    Only(MethodSet),
}

/// An owner's rule: `network GET,POST https://host/path`, or `network:internal * http://127.0.0.1:8080/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkRule {
    /// Which methods.
    pub methods: MethodRule,
    /// Which URLs.
    pub url: UrlPattern,
    /// Whether the rule is about internal addresses too.
    pub internal: bool,
}

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkRuleError {
    /// There are not three words, or the first is unknown.
    #[error("expected `network <methods> <url>` or `network:internal <methods> <url>`")]
    Form,
    /// The second word is no list of methods.
    #[error("`{0}` is not a list of methods such as `GET,POST`, nor `*`")]
    Methods(String),
    /// The third word is no URL pattern.
    #[error("`{text}` is not a URL pattern: {problem}")]
    Url {
        /// The word.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl NetworkRule {
    const EXTERNAL: &str = "network";
    const INTERNAL: &str = "network:internal";

    /// The rule that allows exactly what an entry of a manifest asks for.
    #[must_use]
    pub fn for_request(request: &NetworkRequest) -> Self {
        let methods = MethodRule::Only(request.methods.clone());
        Self { methods, url: request.url.clone(), internal: request.internal }
    }

    /// Whether the rule, as an allow rule, covers a request.
    pub(super) fn allows(&self, method: &http::Method, url: &Url) -> bool {
        self.names(method) && self.url.allows(url)
    }

    /// Whether the rule, as a deny rule, covers a request in any way that a server could read its path.
    pub(super) fn denies(&self, method: &http::Method, url: &Url) -> bool {
        let mut read = url.clone();
        // To a host where some path is denied, nothing goes whose path could be that one.
        read.set_path(reading::plain(url.path()).as_deref().unwrap_or(self.url.path_prefix()));
        self.names(method) && (self.url.allows(url) || self.url.allows(&read))
    }

    /// The command that adds the rule to what a skill may do, for a shell to take literally: the
    /// pattern may be a stranger's, and a person pastes it.
    pub(crate) fn command(&self, skill: &str) -> String {
        let Self { methods, url, .. } = self;
        let (kind, methods, url) = (self.kind(), quoted(&methods.to_string()), quoted(&url.to_string()));
        format!("openclaw grant allow {skill} {kind} {methods} {url}")
    }

    /// Whether the rule covers one method of an entry of the manifest.
    pub(super) fn covers(&self, entry: &NetworkRequest, method: Method) -> bool {
        let named = match &self.methods {
            MethodRule::Any => true,
            MethodRule::Only(methods) => methods.contains(method),
        };
        named && self.url.covers(&entry.url)
    }

    fn kind(&self) -> &'static str {
        if self.internal { Self::INTERNAL } else { Self::EXTERNAL }
    }

    fn names(&self, method: &http::Method) -> bool {
        match &self.methods {
            MethodRule::Any => true,
            MethodRule::Only(methods) => has(methods, method),
        }
    }
}

/// Whether an entry of the manifest covers a request.
pub(super) fn requests(entry: &NetworkRequest, method: &http::Method, url: &Url) -> bool {
    has(&entry.methods, method) && entry.url.allows(url)
}

fn has(methods: &MethodSet, method: &http::Method) -> bool {
    method.as_str().parse().is_ok_and(|method| methods.contains(method))
}

fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.~:/%@+=,".contains(c);
    if text.chars().all(harmless) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

impl FromStr for NetworkRule {
    type Err = NetworkRuleError;

    fn from_str(text: &str) -> Result<Self, NetworkRuleError> {
        let mut words = text.split_ascii_whitespace();
        let (Some(kind), Some(methods), Some(url), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(NetworkRuleError::Form);
        };
        let internal = match kind {
            Self::EXTERNAL => false,
            Self::INTERNAL => true,
            _ => return Err(NetworkRuleError::Form),
        };
        let url = url.parse().map_err(|problem: <UrlPattern as FromStr>::Err| NetworkRuleError::Url {
            text: url.to_owned(),
            problem: problem.to_string(),
        })?;
        Ok(Self { methods: methods.parse()?, url, internal })
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind(), self.methods, self.url)
    }
}

impl TryFrom<String> for NetworkRule {
    type Error = NetworkRuleError;

    fn try_from(text: String) -> Result<Self, NetworkRuleError> {
        text.parse()
    }
}

impl From<NetworkRule> for String {
    fn from(rule: NetworkRule) -> Self {
        rule.to_string()
    }
}

impl FromStr for MethodRule {
    type Err = NetworkRuleError;

    fn from_str(text: &str) -> Result<Self, NetworkRuleError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let methods = text.parse().map_err(|_| NetworkRuleError::Methods(text.to_owned()))?;
        Ok(Self::Only(methods))
    }
}

impl fmt::Display for MethodRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Only(methods) => methods.fmt(f),
        }
    }
}
