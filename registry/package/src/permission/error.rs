//! Why a permission request cannot be understood.

use crate::bytesize::ByteSize;

use super::{MAX_HELPERS, MAX_LLM_TOKENS, MAX_MEMORY_QUOTA, MAX_REASON_LEN};

/// Why a permission, or a part of one, cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// No kind of permission has that name.
    #[error("{found:?} is not a kind of permission")]
    Kind {
        /// What was written.
        found: String,
        /// The nearest kind there is.
        suggestion: Option<String>,
    },
    /// Not `$workspace`, `$data` or an absolute normalised path.
    #[error("tree {tree:?}: {problem}")]
    Tree {
        /// What was written.
        tree: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Neither `read` nor `write`.
    #[error("access {0:?} is neither read nor write")]
    Access(String),
    /// The URL pattern cannot be understood, or could be misunderstood.
    #[error("url {url:?}: {problem}")]
    Url {
        /// What was written.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// The method is not one that can be granted.
    #[error("method {0:?} cannot be granted")]
    Method(String),
    /// No method is named.
    #[error("the list of methods is empty")]
    NoMethods,
    /// A host that may have internal addresses must be named, not matched by a suffix.
    #[error("internal = true with {0:?}, which names no single host")]
    InternalSuffix(String),
    /// The address or host is internal, so it could never be reached without `internal = true`.
    #[error("{0:?} is internal")]
    NotMarkedInternal(String),
    /// The reason has no characters, or more than [`MAX_REASON_LEN`].
    #[error("a reason of {0} characters")]
    ReasonLength(usize),
    /// The reason has a character that could hide or reorder text.
    #[error("the reason has a character that does not show: {0}")]
    ReasonCharacter(String),
    /// The program is neither a bare name nor an absolute path.
    #[error("program {program:?}: {problem}")]
    Program {
        /// What was written.
        program: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A pattern of an argument, or the arguments together, cannot be understood.
    #[error("argument pattern {pattern:?}: {problem}")]
    Argument {
        /// What was written.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// A variable cannot be set, or not to that.
    #[error("variable {variable:?}: {problem}")]
    Environment {
        /// The name or the value that was written.
        variable: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// A helper is no name, directory or absolute path.
    #[error("helper {helper:?}: {problem}")]
    Helper {
        /// What was written.
        helper: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A part of a request for a secret cannot be understood, or would send it where it must not go.
    #[error("{what} {found:?}: {problem}")]
    Secret {
        /// Which part.
        what: &'static str,
        /// What was written.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// A secret has no place in a request, or two.
    #[error("a secret has one place: either a header, with or without a prefix, or a query parameter")]
    SecretPlace,
    /// The quota is zero or more than [`MAX_MEMORY_QUOTA`].
    #[error("a memory quota of {0}")]
    Quota(ByteSize),
    /// The number is zero or more than [`MAX_LLM_TOKENS`].
    #[error("{0} tokens")]
    Tokens(u64),
}

impl PermissionError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kind { .. } => "unknown-permission",
            Self::Tree { .. } => "invalid-tree",
            Self::Access(_) => "invalid-access",
            Self::Url { .. } => "invalid-url-pattern",
            Self::Method(_) | Self::NoMethods => "invalid-method",
            Self::InternalSuffix(_) => "internal-suffix",
            Self::NotMarkedInternal(_) => "internal-not-marked",
            Self::ReasonLength(_) | Self::ReasonCharacter(_) => "invalid-reason",
            Self::Program { .. } => "invalid-program",
            Self::Argument { .. } => "invalid-argument-pattern",
            Self::Environment { .. } => "invalid-environment",
            Self::Helper { .. } => "invalid-helper",
            Self::Secret { .. } | Self::SecretPlace => "invalid-secret",
            Self::Quota(_) | Self::Tokens(_) => "invalid-quota",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Kind { suggestion: Some(kind), .. } => format!("did you mean {kind}?"),
            Self::Kind { suggestion: None, .. } => {
                let kinds = super::PermissionKind::ALL.map(super::PermissionKind::as_str);
                format!("write one of {}", kinds.join(", "))
            }
            Self::Tree { .. } => "write $workspace, $data, or an absolute path such as /srv/notes".to_owned(),
            Self::Access(_) => "write read or write; write implies read".to_owned(),
            Self::Url { hint, .. }
            | Self::Argument { hint, .. }
            | Self::Environment { hint, .. }
            | Self::Secret { hint, .. } => (*hint).to_owned(),
            Self::SecretPlace => {
                "write header = \"authorization\" and prefix = \"Bearer \", or query = \"api_key\"".to_owned()
            }
            Self::Method(_) => {
                "name the methods, in capitals, out of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS"
                    .to_owned()
            }
            Self::NoMethods => "name the methods that are used, for example [\"GET\"]".to_owned(),
            Self::InternalSuffix(_) => "name the host or the address itself, one entry for each".to_owned(),
            Self::NotMarkedInternal(_) => "add internal = true to the entry".to_owned(),
            Self::ReasonLength(_) => format!("say in 1 to {MAX_REASON_LEN} characters what it is used for"),
            Self::ReasonCharacter(_) => "remove the character; a reason is one line of plain text".to_owned(),
            Self::Program { .. } => {
                "write a name such as git, or an absolute path such as /usr/bin/git".to_owned()
            }
            Self::Helper { .. } => format!(
                "write at most {MAX_HELPERS}, each a name such as sh, a directory such as git-core/, or an \
                 absolute path such as /usr/bin/gpg"
            ),
            Self::Quota(_) => format!("ask for 1B to {MAX_MEMORY_QUOTA}"),
            Self::Tokens(_) => format!("ask for 1 to {MAX_LLM_TOKENS} tokens a call"),
        })
    }
}
