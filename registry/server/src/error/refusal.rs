//! What whoever asked did wrong.

use std::time::Duration;

use http::StatusCode;
use openclaw_package::registry::HistoryError;
use openclaw_package::{PublisherName, SkillId};
use semver::Version;

use crate::token::Scope;

/// Why a request was refused. All of it may be told to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is nothing of that name, or nothing that the caller may know of.
    #[error("there is no {0}")]
    NotFound(String),
    /// What an operator named is not there, or is not as it would have to be.
    #[error("{fact}")]
    Operator {
        /// The stable code.
        code: &'static str,
        /// The fact.
        fact: String,
        /// What to do next.
        hint: String,
    },
    /// There is no such path.
    #[error("there is no such path")]
    NoPath,
    /// The path exists, the method does not.
    #[error("this path does not answer to that method")]
    Method,
    /// A name, digest, version, envelope or body cannot be read.
    #[error("{message}")]
    Malformed {
        /// The stable code.
        code: &'static str,
        /// The fact.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// A query parameter that this path does not have.
    #[error("there is no query parameter {found:?} here")]
    UnknownParameter {
        /// The parameter.
        found: String,
        /// Those that there are.
        known: String,
    },
    /// The package is not as a client would accept it.
    #[error("{message}")]
    Package {
        /// The stable code.
        code: &'static str,
        /// The fact.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The events do not continue the publisher's history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no token where one is needed.
    #[error("this needs a token")]
    TokenRequired,
    /// The token is unknown, revoked or has expired.
    #[error("the token {0}")]
    Token(&'static str),
    /// The token acts for another publisher.
    #[error("the token is of the publisher {token}, and {wanted} is another one")]
    WrongPublisher {
        /// Whose the token is.
        token: PublisherName,
        /// Whose it would have to be.
        wanted: PublisherName,
    },
    /// The token may not do that.
    #[error("the token does not have the scope {0}")]
    MissingScope(Scope),
    /// The token may not do that to this skill.
    #[error("the token is for {pattern}, and {skill} is not one of these")]
    OutsidePattern {
        /// What it is for.
        pattern: String,
        /// What was asked.
        skill: SkillId,
    },
    /// The version stands there already.
    #[error("{0} {1} was published before")]
    VersionExists(SkillId, Version),
    /// The name differs from another by separators only.
    #[error("{0} looks like {1}, which is registered")]
    NameCollision(String, String),
    /// A public skill cannot become private.
    #[error("{0} is public, and what was public cannot be made private")]
    VisibilityNarrowed(SkillId),
    /// The version, or these bytes, were taken down.
    #[error("it was taken down: {0}")]
    TakenDown(String),
    /// The version is yanked already, or is not.
    #[error("{0} {1} is {2}")]
    YankState(SkillId, Version, &'static str),
    /// The body is larger than is read.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much is read.
        limit: u64,
    },
    /// The body came too slowly.
    #[error("the request took too long to arrive")]
    TooSlow,
    /// The range does not lie in the blob.
    #[error("the range does not lie in the {0} bytes that there are")]
    Range(u64),
    /// Too many requests.
    #[error("too many requests {0}")]
    RateLimited(&'static str, Duration),
    /// Too much at once.
    #[error("the registry is busy")]
    Busy,
    /// The index of the skill has no room for another line.
    #[error("the index of {0} has no room for another line")]
    IndexFull(SkillId),
    /// The history of the publisher has no room for another event of that kind.
    #[error("the history of {0} has no room for another event of that kind")]
    HistoryFull(PublisherName),
}

impl Refusal {
    /// A body or parameter that cannot be read.
    pub fn malformed(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Malformed { code, message: message.into(), hint: Some(hint.into()) }
    }

    /// A package that says another thing than the request.
    pub fn package(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Package { code, message: message.into(), hint: Some(hint.into()) }
    }

    /// What an operator named, with the command that lists what there is.
    pub fn operator(code: &'static str, fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Operator { code, fact: fact.into(), hint: hint.into() }
    }

    /// The status with which it is answered.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::NoPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed { .. } | Self::UnknownParameter { .. } => StatusCode::BAD_REQUEST,
            Self::History(HistoryError::Sequence { .. } | HistoryError::Fork) => StatusCode::CONFLICT,
            Self::Package { .. } | Self::History(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TokenRequired | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::WrongPublisher { .. } | Self::MissingScope(_) | Self::OutsidePattern { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::Operator { .. }
            | Self::VersionExists(..)
            | Self::NameCollision(..)
            | Self::VisibilityNarrowed(_)
            | Self::YankState(..)
            | Self::IndexFull(_)
            | Self::HistoryFull(_) => StatusCode::CONFLICT,
            Self::TakenDown(_) => StatusCode::GONE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::RateLimited(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// After how long it is worth asking again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(_, wait) => Some(*wait),
            Self::Busy => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) | Self::NoPath => "not-found",
            Self::Method => "method-not-allowed",
            Self::Malformed { code, .. } | Self::Package { code, .. } | Self::Operator { code, .. } => code,
            Self::UnknownParameter { .. } => "unknown-parameter",
            Self::History(error) => error.code(),
            Self::TokenRequired => "token-required",
            Self::Token(_) => "bad-token",
            Self::WrongPublisher { .. } => "wrong-publisher",
            Self::MissingScope(_) => "missing-scope",
            Self::OutsidePattern { .. } => "outside-pattern",
            Self::VersionExists(..) => "version-exists",
            Self::NameCollision(..) => "name-collision",
            Self::VisibilityNarrowed(_) => "visibility-narrowed",
            Self::TakenDown(_) => "taken-down",
            Self::YankState(..) => "yank-state",
            Self::TooLarge { .. } => "too-large",
            Self::TooSlow => "too-slow",
            Self::Range(_) => "bad-range",
            Self::RateLimited(..) => "rate-limited",
            Self::Busy => "busy",
            Self::IndexFull(_) => "index-full",
            Self::HistoryFull(_) => "history-full",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Malformed { hint, .. } | Self::Package { hint, .. } => return hint.clone(),
            Self::Operator { hint, .. } => return Some(hint.clone()),
            Self::History(error) => return error.hint(),
            Self::UnknownParameter { known, .. } if known.is_empty() => "send no parameters",
            Self::UnknownParameter { known, .. } => return Some(format!("the parameters are {known}")),
            Self::WrongPublisher { wanted, .. } => return Some(format!("use a token of {wanted}")),
            Self::MissingScope(scope) => {
                return Some(format!("use a token that was issued with --scope {scope}"));
            }
            Self::RateLimited(_, wait) => return Some(format!("ask again in {} s", wait.as_secs().max(1))),
            Self::NotFound(_) => {
                "check the spelling; a private skill is shown to tokens of its publisher only"
            }
            Self::NoPath => "the paths are in /openapi.json",
            Self::Method => "the methods of each path are in /openapi.json",
            Self::TokenRequired => "send a header `authorization: Bearer oct_…`",
            Self::Token(_) => "ask the registry's operator for a new one",
            Self::OutsidePattern { .. } => "use a token whose pattern has the skill",
            Self::VersionExists(..) => "raise the version, and pack again",
            Self::NameCollision(..) => "choose a name that differs by more than hyphens",
            Self::VisibilityNarrowed(_) => "publish it as public, or under another name",
            Self::TakenDown(_) => "remove it where it is installed",
            Self::YankState(..) => "read the skill's index",
            Self::TooLarge { .. } => "send less",
            Self::TooSlow => "send it again over a faster connection",
            Self::Range(_) => "ask without a range",
            Self::Busy => "ask again",
            Self::IndexFull(_) => "publish under another name",
            Self::HistoryFull(_) => "publish as another publisher",
        };
        Some(hint.to_owned())
    }
}
