//! Why a manifest was refused, and where in it.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::{MAX_MANIFEST_SIZE, PatternError, ScheduleError, ZoneNameError};
use crate::bytesize::ByteSizeError;
use crate::name::NameError;
use crate::permission::PermissionError;

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestErrorKind {
    /// More than [`MAX_MANIFEST_SIZE`] bytes.
    #[error("the manifest has {0} bytes, more than {MAX_MANIFEST_SIZE}")]
    TooLarge(usize),
    /// The bytes are not UTF-8.
    #[error("the manifest is not UTF-8")]
    NotUtf8,
    /// Not TOML 1.0.
    #[error("{0}")]
    Syntax(String),
    /// A key that means nothing there.
    #[error("unknown key {key:?} in {section}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        section: String,
    },
    /// A kind of permission that no version has.
    #[error("unknown permission {0:?}")]
    UnknownPermission(String),
    /// A section that a later version may understand.
    #[error("{0:?} is not supported by this version of openclaw")]
    Unsupported(String),
    /// A key that must stand there and does not.
    #[error("{section} has no {key:?}")]
    Missing {
        /// The key.
        key: String,
        /// Where it is missing.
        section: String,
    },
    /// A value of another type.
    #[error("{key:?} is {found}, not {expected}")]
    Type {
        /// The key.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A value that cannot be used.
    #[error("{key:?}: {problem}")]
    Invalid {
        /// The key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The same tree, URL, shape of arguments or trigger in two entries.
    #[error("{0:?} stands in two entries")]
    Duplicate(String),
    /// A name that is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A permission that cannot be understood.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    /// A size that is not one.
    #[error(transparent)]
    Size(#[from] ByteSizeError),
    /// A schedule that is not one.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A time zone that has not the form of one.
    #[error(transparent)]
    Zone(#[from] ZoneNameError),
    /// A pattern of commands that is not one.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl ManifestErrorKind {
    pub(super) fn invalid(key: &str, problem: impl Into<String>) -> Self {
        Self::Invalid { key: key.to_owned(), problem: problem.into() }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "manifest-too-large",
            Self::NotUtf8 | Self::Syntax(_) => "invalid-toml",
            Self::UnknownKey { .. } => "unknown-key",
            Self::UnknownPermission(_) => "unknown-permission",
            Self::Unsupported(_) => "unsupported",
            Self::Missing { .. } => "missing-key",
            Self::Type { .. } => "wrong-type",
            Self::Invalid { .. } => "invalid-value",
            Self::Duplicate(_) => "duplicate-entry",
            Self::Name(error) => error.code(),
            Self::Permission(error) => error.code(),
            Self::Size(error) => error.code(),
            Self::Schedule(error) => error.code(),
            Self::Zone(error) => error.code(),
            Self::Pattern(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge(_) => "keep the manifest to what it must say".to_owned(),
            Self::NotUtf8 => "save the file as UTF-8".to_owned(),
            Self::Syntax(_) => "see https://toml.io for the syntax".to_owned(),
            Self::UnknownKey { .. } | Self::UnknownPermission(_) => "remove it".to_owned(),
            Self::Unsupported(_) => "remove it, or update openclaw".to_owned(),
            Self::Missing { key, .. } => format!("add {key}"),
            Self::Type { expected, .. } => format!("write {expected}"),
            Self::Invalid { .. } => return None,
            Self::Duplicate(_) => "join the two entries into one".to_owned(),
            Self::Name(error) => return error.hint(),
            Self::Permission(error) => return error.hint(),
            Self::Size(error) => return error.hint(),
            Self::Schedule(error) => return error.hint(),
            Self::Zone(error) => return error.hint(),
            Self::Pattern(error) => return error.hint(),
        })
    }
}

/// A manifest that was refused: what, where, and what to do about it.
pub struct ManifestError(Box<Inner>);

struct Inner {
    kind: ManifestErrorKind,
    hint: Option<String>,
    span: Range<usize>,
    line: usize,
    column: usize,
    source: NamedSource<String>,
}

impl ManifestError {
    /// What is wrong.
    pub fn kind(&self) -> &ManifestErrorKind {
        &self.0.kind
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        self.0.hint.clone()
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// The place in the text, in bytes.
    pub fn span(&self) -> Range<usize> {
        self.0.span.clone()
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skill.toml:{}:{}: {}", self.0.line, self.0.column, self.0.kind)
    }
}

impl fmt::Debug for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManifestError")
            .field("kind", &self.0.kind)
            .field("line", &self.0.line)
            .field("column", &self.0.column)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ManifestError {}

impl Diagnostic for ManifestError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.kind.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), self.0.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Something wrong at a place of the text, before the text is attached to it.
#[derive(Debug)]
pub(super) struct Issue {
    kind: ManifestErrorKind,
    span: Range<usize>,
    hint: Option<String>,
}

impl Issue {
    pub(super) fn new(kind: impl Into<ManifestErrorKind>, span: Range<usize>) -> Self {
        Self { kind: kind.into(), span, hint: None }
    }

    /// Puts a hint in place of the one that the kind gives.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn in_text(self, text: &str) -> ManifestError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        // A text too large is not carried along.
        let shown = if text.len() > MAX_MANIFEST_SIZE { String::new() } else { text.to_owned() };
        let hint = self.hint.or_else(|| self.kind.hint());
        let source = NamedSource::new("skill.toml", shown);
        ManifestError(Box::new(Inner { kind: self.kind, hint, span: self.span, line, column, source }))
    }
}
