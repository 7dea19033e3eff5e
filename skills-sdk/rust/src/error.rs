//! Why a tool gave no result, in words for its caller.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display, Formatter};
use std::io;

use crate::ask::AskError;
use crate::llm::LlmError;
use crate::memory::MemoryError;
use crate::process::ProcessError;

/// What a tool returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a tool gave no result.
///
/// `?` turns any standard error into a failure that tells the whole chain of causes. An
/// operating system's refusal becomes a denial, and so does one of the host.
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What sort of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The skill has no tool of that name.
    UnknownTool,
    /// The input does not mean anything to the tool.
    InvalidInput,
    /// A permission that the tool cannot go on without was denied.
    Denied,
    /// The tool tried and failed.
    Failed,
}

impl Error {
    /// The tool tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, message: message.into() }
    }

    /// The input does not mean anything to the tool; say which part, and why.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidInput, message: message.into() }
    }

    /// A permission was denied; pass on the host's own words where there are any.
    pub fn denied(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Denied, message: message.into() }
    }

    /// The skill has no tool of that name.
    pub fn unknown_tool(name: &str) -> Self {
        Self { kind: ErrorKind::UnknownTool, message: format!("there is no tool `{name}`") }
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}

// `Error` itself is no `std::error::Error`: else this would overlap with `From<T> for T`.
impl<E: StdError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let kind = if is_denial(&error) { ErrorKind::Denied } else { ErrorKind::Failed };
        Self { kind, message: with_causes(&error) }
    }
}

fn is_denial(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        let io_denied = cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        io_denied
            || matches!(cause.downcast_ref(), Some(MemoryError::Denied(_)))
            || matches!(cause.downcast_ref(), Some(ProcessError::Denied(_)))
            || matches!(cause.downcast_ref(), Some(LlmError::Denied(_)))
            || matches!(cause.downcast_ref(), Some(AskError::Denied(_)))
    })
}

/// Many errors already quote their cause, so a cause that was told is not told again.
fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    message
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// Says what was being done when something failed.
///
/// ```
/// use openclaw_skill::{ErrorContext as _, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     text.parse::<u16>().context("the port")
/// }
///
/// assert_eq!(port("x").unwrap_err().message(), "the port: invalid digit found in string");
/// ```
pub trait ErrorContext<T> {
    /// Puts words before the error's own; its kind stays what it is.
    ///
    /// # Errors
    ///
    /// The error that was there, with the words, or a failure of these words if there was no
    /// value.
    fn context(self, words: impl Display) -> Result<T>;

    /// The same, with words that are made only if something failed.
    ///
    /// # Errors
    ///
    /// As for [`ErrorContext::context`].
    fn with_context<W: Display>(self, words: impl FnOnce() -> W) -> Result<T>;
}

impl<T, E: Into<Error>> ErrorContext<T> for std::result::Result<T, E> {
    fn context(self, words: impl Display) -> Result<T> {
        self.with_context(|| words)
    }

    fn with_context<W: Display>(self, words: impl FnOnce() -> W) -> Result<T> {
        self.map_err(|error| {
            let Error { kind, message } = error.into();
            Error { kind, message: format!("{}: {message}", words()) }
        })
    }
}

impl<T> ErrorContext<T> for Option<T> {
    fn context(self, words: impl Display) -> Result<T> {
        self.with_context(|| words)
    }

    fn with_context<W: Display>(self, words: impl FnOnce() -> W) -> Result<T> {
        self.ok_or_else(|| Error::failed(words().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl Display for Outer {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("cannot read the list")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    fn outer(kind: io::ErrorKind, text: &str) -> Error {
        Outer(io::Error::new(kind, text.to_owned())).into()
    }

    #[test]
    fn a_standard_error_becomes_a_failure_with_its_causes() {
        let error = outer(io::ErrorKind::NotFound, "no such file");
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(error.message(), "cannot read the list: no such file");
    }

    #[test]
    fn a_cause_that_the_error_quotes_is_told_once() {
        let error = outer(io::ErrorKind::NotFound, "cannot read");
        assert_eq!(error.message(), "cannot read the list");
    }

    #[test]
    fn a_refusal_anywhere_in_the_chain_is_a_denial() {
        assert_eq!(outer(io::ErrorKind::PermissionDenied, "no").kind(), ErrorKind::Denied);
        assert_eq!(Error::from(MemoryError::Denied("no".into())).kind(), ErrorKind::Denied);
        assert_eq!(Error::from(MemoryError::InvalidKey).kind(), ErrorKind::Failed);
        assert_eq!(Error::from(ProcessError::Denied("no".into())).kind(), ErrorKind::Denied);
        assert_eq!(Error::from(ProcessError::TooMany).kind(), ErrorKind::Failed);
    }

    #[test]
    fn words_keep_the_kind() {
        let denied: Result<()> = Err(Error::denied("no"));
        let error = denied.context("while saving").unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Denied, "while saving: no"));
    }

    #[test]
    fn a_missing_value_fails_with_the_words() {
        let error = None::<u8>.with_context(|| format!("no line {}", 3)).unwrap_err();
        assert_eq!(format!("{error:?}"), "Failed: no line 3");
    }
}
