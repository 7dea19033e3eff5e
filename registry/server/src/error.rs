//! Why the registry refused or failed: whose fault it is, a stable code, and what may be said of it to a client.

mod fault;
mod refusal;

pub use fault::Fault;
pub use refusal::Refusal;

/// What a function of this crate gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whoever asked is to blame; all of it may be told.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The registry or its operator is to blame; a client hears only that.
    #[error(transparent)]
    Failed(#[from] Fault),
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Failed(fault) => fault.code(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Failed(fault) => fault.hint(),
        }
    }
}

/// Refusals of the package crate become ours with their own codes and hints.
macro_rules! refused {
    ($($error:ty => $variant:ident),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Refusal::$variant {
                    code: error.code(),
                    message: error.to_string(),
                    hint: error.hint(),
                }
                .into()
            }
        })*
    };
}

refused! {
    openclaw_package::NameError => Malformed,
    openclaw_package::DigestError => Malformed,
    openclaw_package::EnvelopeError => Malformed,
    openclaw_package::RefusalError => Package,
}
