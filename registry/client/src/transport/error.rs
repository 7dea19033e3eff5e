//! What can go wrong between here and a registry.

use openclaw_package::Digest;

use crate::text::shown;
use crate::url::UrlError;

/// Why no usable answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No client could be made.
    #[error("no connection can be made: {0}")]
    Setup(String),
    /// A URL could not be made.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The registry does not answer.
    #[error("{url} cannot be reached: {detail}")]
    Unreachable {
        /// The registry, or the document.
        url: String,
        /// What went wrong.
        detail: String,
    },
    /// It took too long.
    #[error("the {what} did not arrive in time")]
    Timeout {
        /// The document.
        what: &'static str,
    },
    /// It came too slowly.
    #[error("the {what} comes at less than {least} bytes a second")]
    TooSlow {
        /// The document.
        what: &'static str,
        /// The least rate.
        least: u64,
    },
    /// It is larger than such a document may be.
    #[error("the {what} is larger than {max} bytes")]
    TooLarge {
        /// The document.
        what: &'static str,
        /// The most that is read.
        max: u64,
    },
    /// It ended before its end.
    #[error("the {what} broke off: {detail}")]
    Truncated {
        /// The document.
        what: &'static str,
        /// What went wrong.
        detail: String,
    },
    /// It says that it is something else.
    #[error("the {what} is served as {found:?}, not as {expected}")]
    ContentType {
        /// The document.
        what: &'static str,
        /// What it says it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It is compressed, which nobody asked for.
    #[error("the {what} is served in the encoding {found:?}, which nobody asked for")]
    Encoded {
        /// The document.
        what: &'static str,
        /// The encoding.
        found: String,
    },
    /// It has not the form of such a document.
    #[error("the {what} is malformed: {detail}")]
    Malformed {
        /// The document.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A redirect to another host, port or scheme, or of something that is not a GET.
    #[error("the registry sends the {what} on to {to:?}, which is not the registry")]
    Redirect {
        /// The document.
        what: &'static str,
        /// Where to.
        to: String,
    },
    /// Redirects without an end.
    #[error("the registry sends the {what} from place to place")]
    RedirectLoop {
        /// The document.
        what: &'static str,
    },
    /// A part of a blob that is not the part that was asked for.
    #[error("the registry served another part of the {what} than was asked for ({found:?})")]
    ContentRange {
        /// The document.
        what: &'static str,
        /// What the header said.
        found: String,
    },
    /// A blob that is not the one that was asked for.
    #[error("the {what} has the digest {found}, not {expected}")]
    Digest {
        /// The document.
        what: &'static str,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Whoever answers has nothing that every registry has.
    #[error("{url} is not an OpenClaw registry: it has no /root.json")]
    NotRegistry {
        /// The URL.
        url: String,
    },
    /// The registry refused, and said why.
    #[error("{}", refused(*status, code, message))]
    Refused {
        /// The registry.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The registry's code.
        code: String,
        /// The registry's words.
        message: String,
        /// What the registry says to do.
        hint: Option<String>,
    },
}

/// The codes of registries that keep their name here; any other is `registry-refused`.
const SERVER_CODES: &[&str] = &[
    "bad-token",
    "busy",
    "forbidden",
    "history-full",
    "history-moved",
    "inactive-key",
    "index-full",
    "known-key",
    "last-key",
    "missing-scope",
    "name-collision",
    "not-found",
    "outside-pattern",
    "rate-limited",
    "taken-down",
    "token-required",
    "too-large",
    "too-many-keys",
    "too-slow",
    "unknown-parameter",
    "version-exists",
    "visibility-narrowed",
    "wrong-publisher",
    "yank-state",
];

/// The longest code of a registry that is passed on, in bytes.
const MAX_CODE: usize = 64;

fn known(code: &str) -> Option<&'static str> {
    SERVER_CODES.iter().find(|known| **known == code).copied()
}

/// A refusal in words; whose they are is said where nothing of them is known.
fn refused(status: u16, code: &str, message: &str) -> String {
    match known(code) {
        Some(_) => message.to_owned(),
        None => format!("the registry refuses ({status}): {message}"),
    }
}

/// What to do next about a refusal, in words of this program.
fn advice(code: &str, registry: &str) -> Option<String> {
    let login = format!("openclaw registry login --registry {registry} --token T");
    Some(match code {
        "token-required" => format!("{login}, with a token of the registry's operator"),
        "bad-token" => format!(
            "get a new one from the registry's operator: {login}; or read without one: openclaw registry logout \
             --registry {registry}"
        ),
        "forbidden" | "missing-scope" | "outside-pattern" | "wrong-publisher" => format!(
            "ask the registry's operator for a token that may do this; what this one may: openclaw registry whoami \
             --registry {registry}"
        ),
        "not-found" => {
            format!("check the spelling; a private skill is shown to tokens of its publisher only: {login}")
        }
        "inactive-key" => format!("openclaw key rotate <publisher> --registry {registry}"),
        "last-key" => "openclaw key rotate <publisher> grants a new one and revokes this one".to_owned(),
        "known-key" => "a key that was once revoked stays so: openclaw key rotate <publisher>".to_owned(),
        "too-many-keys" => "openclaw key revoke withdraws those that are not used".to_owned(),
        "name-collision" => "choose a name that differs by more than hyphens".to_owned(),
        "version-exists" => "raise the version in openclaw/skill.toml and pack again".to_owned(),
        "visibility-narrowed" => "publish it as public, or under another name".to_owned(),
        "taken-down" => {
            "ask the registry's operator why; where it is installed: openclaw remove <skill>".to_owned()
        }
        "yank-state" => "openclaw registry info <skill> shows what is yanked".to_owned(),
        "index-full" => "publish under another name".to_owned(),
        "history-full" => "publish as another publisher".to_owned(),
        "too-large" => "leave out what the skill does not need, and pack again".to_owned(),
        "too-slow" => "try again over a faster connection".to_owned(),
        "rate-limited" | "busy" | "history-moved" => "try again later".to_owned(),
        _ => return None,
    })
}

impl HttpError {
    pub(crate) fn malformed(what: &'static str, detail: impl ToString) -> Self {
        Self::Malformed { what, detail: shown(&detail.to_string()) }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup(_) => "no-connection",
            Self::Url(error) => error.code(),
            Self::Unreachable { .. } => "registry-unreachable",
            Self::Timeout { .. } => "registry-timeout",
            Self::TooSlow { .. } => "registry-too-slow",
            Self::TooLarge { .. } => "answer-too-large",
            Self::Truncated { .. } => "answer-truncated",
            Self::ContentType { .. } => "wrong-content-type",
            Self::Encoded { .. } => "unasked-encoding",
            Self::Malformed { .. } => "malformed-answer",
            Self::Redirect { .. } => "redirect-refused",
            Self::RedirectLoop { .. } => "redirect-loop",
            Self::ContentRange { .. } => "wrong-content-range",
            Self::Digest { .. } => "digest-mismatch",
            Self::NotRegistry { .. } => "not-a-registry",
            Self::Refused { status, code, .. } => known(code).unwrap_or(match status {
                401 => "token-required",
                403 => "forbidden",
                404 => "not-found",
                429 => "rate-limited",
                _ => "registry-refused",
            }),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Refused { registry, code, hint, .. } => match advice(self.code(), registry) {
                Some(advice) => advice,
                // Not to be taken for our own: whoever answers may advise what it likes.
                None if known(code).is_none() => format!("the registry says: {}", hint.as_ref()?),
                None => return None,
            },
            Self::Setup(_) => return None,
            Self::NotRegistry { .. } => "check the URL".to_owned(),
            Self::Url(error) => return error.hint(),
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Truncated { .. } => {
                "try again later; what is installed keeps working without the registry".to_owned()
            }
            Self::Digest { .. } => {
                "try again; if it stays so, tell the registry's operator: nothing was installed".to_owned()
            }
            _ => "check the URL, and whether a proxy or portal answers in the registry's place".to_owned(),
        })
    }

    /// Whether it is the way to the registry that failed, not what it said.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Truncated { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    /// The status and code of a refusal whose code is not known here: that of a newer registry, say.
    pub fn foreign_code(&self) -> Option<(u16, &str)> {
        let Self::Refused { status, code, .. } = self else { return None };
        let fits = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        (fits && code.len() <= MAX_CODE && (400..500).contains(status) && known(code).is_none())
            .then_some((*status, code.as_str()))
    }

    /// Whether the registry has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}
