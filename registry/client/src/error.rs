//! The one error of this crate's operations: which part refused, its stable code, and the next command.

use openclaw_package::RefusalError;

use crate::publish::PublishError;
use crate::resolve::ResolveError;
use crate::state::StateError;
use crate::token::TokenError;
use crate::transport::HttpError;
use crate::trust::TrustError;
use crate::url::UrlError;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not one of a registry.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The token is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What is kept on disk cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// No usable answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The registry said something that is not true.
    #[error(transparent)]
    Trust(#[from] Box<TrustError>),
    /// No version can be chosen.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A package that no client would accept.
    #[error(transparent)]
    Package(#[from] RefusalError),
    /// Nothing was published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<TrustError> for Error {
    fn from(error: TrustError) -> Self {
        Self::Trust(Box::new(error))
    }
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Http(error) => error.code(),
            Self::Trust(error) => error.code(),
            Self::Resolve(error) => error.code(),
            Self::Package(error) => error.code(),
            Self::Publish(error) => error.code(),
        }
    }

    /// The status and code of a registry's refusal whose code is not known here.
    pub fn foreign_code(&self) -> Option<(u16, &str)> {
        match self {
            Self::Http(error) => error.foreign_code(),
            _ => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Url(error) => error.hint(),
            Self::Token(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Http(error) => error.hint(),
            Self::Trust(error) => error.hint(),
            Self::Resolve(error) => error.hint(),
            Self::Package(error) => error.hint(),
            Self::Publish(error) => error.hint(),
        }
    }

    /// Whether it is the way to the registry that failed, not what it said.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_outage())
    }
}
