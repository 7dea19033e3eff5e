//! What can be wrong with what is kept on disk.

use std::io;
use std::path::{Path, PathBuf};

use openclaw_package::{Digest, Origin};

use crate::url::RegistryUrl;

/// Why what is known of registries cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another user can write there.
    #[error("{} must be yours, and writable by you alone", .0.display())]
    NotPrivate(PathBuf),
    /// A file is not as it was written.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A file was written by a newer version of this program.
    #[error("{} was written by a newer version of openclaw (schema {found}, this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u64,
        /// The newest schema that is understood.
        known: u64,
    },
    /// No registry of that URL is known.
    #[error("there was no login to {url}")]
    UnknownRegistry {
        /// The URL.
        url: RegistryUrl,
        /// The known registry whose URL differs from it only by case or a slash.
        resembles: Option<RegistryUrl>,
    },
    /// There was no login at all.
    #[error("there was no login to any registry")]
    NoRegistry,
    /// Several registries are known, and none is the default.
    #[error("there are {} registries, and none is the default", .0.len())]
    NoDefault(Vec<RegistryUrl>),
    /// Another registry that is known has the same name: what is pinned to one could be asked of the other.
    #[error("{url} calls itself {origin}, as {known} does, and is another registry")]
    OriginTaken {
        /// The URL.
        url: RegistryUrl,
        /// The name.
        origin: Origin,
        /// The registry that is known by that name.
        known: RegistryUrl,
    },
    /// The registry is known under another root.
    #[error("{url} is known by another root, {known}, which does not lead to {given}")]
    OtherRoot {
        /// The URL.
        url: RegistryUrl,
        /// The fingerprint that was pinned.
        known: Digest,
        /// The fingerprint that is offered now.
        given: Digest,
    },
}

impl StateError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, detail: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.to_string() }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::NotPrivate(_) => "not-private",
            Self::Damaged { .. } => "registry-state-damaged",
            Self::Newer { .. } => "registry-state-newer",
            Self::UnknownRegistry { .. } => "unknown-registry",
            Self::NoRegistry => "no-registry",
            Self::NoDefault(_) => "no-default-registry",
            Self::OriginTaken { .. } => "origin-taken",
            Self::OtherRoot { .. } => "fingerprint-differs",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => return None,
            Self::NotPrivate(path) => format!("chmod go-w {}", path.display()),
            Self::Damaged { .. } => {
                "restore the file from a backup, or log in anew with `openclaw registry login --replace` and a \
                 fingerprint that you trust"
                    .to_owned()
            }
            Self::Newer { .. } => "update openclaw".to_owned(),
            Self::UnknownRegistry { resembles: Some(known), .. } => {
                format!("did you mean {known}? A URL is compared letter by letter")
            }
            Self::UnknownRegistry { url, resembles: None } => {
                format!("openclaw registry login --registry {url}")
            }
            Self::NoRegistry => "openclaw registry login --registry https://…".to_owned(),
            Self::NoDefault(urls) => {
                let first = urls.first().map_or("https://…", |url| url.as_str());
                format!("name one with --registry {first}")
            }
            Self::OriginTaken { .. } => {
                "a name belongs to one registry: ask both operators whose it is, and log in to that one".to_owned()
            }
            Self::OtherRoot { .. } => {
                "ask the registry's operator for the fingerprint over another channel; if the registry was really \
                 set up anew, `openclaw registry login --replace`"
                    .to_owned()
            }
        })
    }
}
