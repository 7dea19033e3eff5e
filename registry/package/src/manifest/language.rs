//! What a skill is written in, on which depends how much a call of it gets where the manifest does not say.

use std::fmt;
use std::str::FromStr;

use super::error::ManifestErrorKind;

/// What a skill is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Language {
    /// Rust, or whatever else becomes WebAssembly without an interpreter.
    #[default]
    Rust,
    /// TypeScript, with a JavaScript engine in the component.
    TypeScript,
    /// JavaScript, with its engine in the component.
    JavaScript,
    /// Python, with its interpreter in the component.
    Python,
}

impl Language {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Rust, Self::TypeScript, Self::JavaScript, Self::Python];

    /// As it is written in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::JavaScript => "javascript",
            Self::Python => "python",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is of no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is none of rust, typescript, javascript and python")]
pub struct UnknownLanguage;

impl From<UnknownLanguage> for ManifestErrorKind {
    fn from(error: UnknownLanguage) -> Self {
        Self::invalid("language", error.to_string())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL.into_iter().find(|language| language.as_str() == text).ok_or(UnknownLanguage)
    }
}
