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
    /// The registry refused, and said why.
    #[error("the registry refuses ({status}): {message}")]
    Refused {
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
            Self::Refused { status, code, .. } => {
                let known = SERVER_CODES.iter().find(|known| *known == code);
                known.copied().unwrap_or(match status {
                    401 => "token-required",
                    403 => "forbidden",
                    404 => "not-found",
                    429 => "rate-limited",
                    _ => "registry-refused",
                })
            }
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            // Not to be taken for our own: whoever answers may advise what it likes.
            Self::Refused { hint: Some(hint), .. } => format!("the registry says: {hint}"),
            Self::Refused { status: 401, .. } => {
                "openclaw registry login --token T, with a token of the registry".to_owned()
            }
            Self::Refused { status: 403, .. } => {
                "ask the registry's operator for a token that may do this; `openclaw registry whoami` shows what \
                 this one may"
                    .to_owned()
            }
            Self::Refused { status: 404, .. } => "openclaw registry search <words>".to_owned(),
            Self::Refused { .. } | Self::Setup(_) => return None,
            Self::Url(error) => return error.hint(),
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::TooSlow { .. } | Self::Truncated { .. } => {
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

    /// Whether the registry has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}
