//! One registry that there was a login to: what is pinned, and what was last seen of it.

use std::path::{Path, PathBuf};

use openclaw_package::registry::root::fingerprint;
use openclaw_package::registry::{KeptTakedowns, Takedowns, TrustedRoot};
use openclaw_package::{Digest, Envelope, Origin, PublisherName};

use super::files::{self, Lock};
use super::records::{self, Identity, Publishers, Roots, SCHEMA, Seen, Stored};
use super::{Evidence, StateError};
use crate::token::Token;
use crate::trust::Basis;
use crate::url::RegistryUrl;

pub(super) const IDENTITY: &str = "registry.toml";
pub(super) const TOKEN: &str = "token";
pub(crate) const ROOTS: &str = "roots.json";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const TAKEDOWNS: &str = "takedowns.json";
pub(super) const PUBLISHERS: &str = "publishers.json";

/// A registry that there was a login to.
#[derive(Debug, Clone)]
pub struct KnownRegistry {
    dir: PathBuf,
    identity: Identity,
}

/// What was seen and checked, and is to be remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update {
    pub(crate) roots: Option<Vec<String>>,
    pub(crate) checkpoint: Option<String>,
    pub(crate) takedowns: Option<Vec<u8>>,
    pub(crate) publishers: Vec<(PublisherName, Seen)>,
}

impl KnownRegistry {
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, StateError> {
        let path = dir.join(IDENTITY);
        let Some(text) = files::read_text(&path)? else { return Ok(None) };
        let identity: Identity = records::parse_toml(&path, &text)?;
        if dir.file_name().and_then(|name| name.to_str()) != Some(identity.url.folder().as_str()) {
            return Err(StateError::damaged(&path, "it stands in the folder of another URL"));
        }
        Ok(Some(Self { dir: dir.to_owned(), identity }))
    }

    pub(super) fn new(dir: PathBuf, url: RegistryUrl, origin: Origin, fingerprint: Digest) -> Self {
        Self { dir, identity: Identity { schema: SCHEMA, url, origin, fingerprint } }
    }

    /// The URL, as it was given at login.
    pub fn url(&self) -> &RegistryUrl {
        &self.identity.url
    }

    /// The name that stands in everything the registry signs.
    pub fn origin(&self) -> &Origin {
        &self.identity.origin
    }

    /// The fingerprint of the root that a person confirmed.
    pub fn fingerprint(&self) -> Digest {
        self.identity.fingerprint
    }

    /// The registry's own folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The token, where there is one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, holds no token, or can be read by others.
    pub fn token(&self) -> Result<Option<Token>, StateError> {
        use std::os::unix::fs::MetadataExt as _;
        let path = self.dir.join(TOKEN);
        let Some(text) = files::read_text(&path)? else { return Ok(None) };
        let text = zeroize::Zeroizing::new(text);
        let meta = std::fs::metadata(&path).map_err(StateError::io(&path))?;
        if meta.mode() & 0o077 != 0 {
            return Err(StateError::damaged(&path, "others can read the token; chmod 600 it"));
        }
        text.parse().map(Some).map_err(|error| StateError::damaged(&path, error))
    }

    /// The newest list of takedowns that was seen, checked once more. It counts whether it is fresh or not: what was
    /// taken down once stays so.
    ///
    /// # Errors
    ///
    /// A damaged file.
    pub fn takedowns(&self) -> Result<Option<Takedowns>, StateError> {
        Ok(Basis::read(self)?.takedowns)
    }

    /// The newest root that was seen, checked once more.
    ///
    /// # Errors
    ///
    /// A damaged file.
    pub fn root(&self) -> Result<TrustedRoot, StateError> {
        Ok(Basis::read(self)?.root)
    }

    /// All that was last seen.
    pub(crate) fn stored(&self) -> Result<Stored, StateError> {
        let path = self.dir.join(ROOTS);
        let roots: Roots = match files::read(&path)? {
            Some(bytes) => records::parse_json(&path, &bytes)?,
            None => return Err(StateError::damaged(&path, "it is missing")),
        };
        let path = self.dir.join(PUBLISHERS);
        let publishers: Publishers = match files::read(&path)? {
            Some(bytes) => records::parse_json(&path, &bytes)?,
            None => Publishers::default(),
        };
        Ok(Stored {
            roots: roots.roots,
            checkpoint: files::read_text(&self.dir.join(CHECKPOINT))?,
            takedowns: self.kept_takedowns()?,
            publishers: publishers.publishers,
        })
    }

    /// Remembers what was checked against `basis`. Where somebody else has changed what it was checked against nothing
    /// is written, and the answer is `false`: check again, against what is there now.
    pub(crate) fn commit(&self, basis: &Stored, update: &Update) -> Result<bool, StateError> {
        let _lock = self.lock()?;
        // Between login with `--replace` and now the folder may have become another registry's.
        if Self::read(&self.dir)?.is_none_or(|now| now.identity != self.identity) {
            return Err(StateError::UnknownRegistry { url: self.url().clone(), resembles: None });
        }
        let now = self.stored()?;
        if update.conflicts(basis, &now) {
            return Ok(false);
        }
        self.write(&now, update)?;
        Ok(true)
    }

    /// Writes without a look at what is there: the caller holds the lock, or the folder is not yet known.
    pub(super) fn write(&self, basis: &Stored, update: &Update) -> Result<(), StateError> {
        if let Some(roots) = &update.roots {
            let path = self.dir.join(ROOTS);
            let record = Roots { schema: SCHEMA, roots: roots.clone() };
            files::replace(&path, &records::to_json(&path, &record)?)?;
        }
        if let Some(note) = &update.checkpoint {
            files::replace(&self.dir.join(CHECKPOINT), note.as_bytes())?;
        }
        if let Some(list) = &update.takedowns {
            self.keep_takedowns(list, update.roots.as_ref().unwrap_or(&basis.roots))?;
        }
        if !update.publishers.is_empty() {
            let path = self.dir.join(PUBLISHERS);
            let mut publishers = basis.publishers.clone();
            publishers.extend(update.publishers.iter().cloned());
            let record = Publishers { schema: SCHEMA, publishers };
            files::replace(&path, &records::to_json(&path, &record)?)?;
        }
        Ok(())
    }

    /// The list is kept with all that proves it: the runtime, which knows no registry, reads it at every load.
    fn keep_takedowns(&self, list: &[u8], roots: &[String]) -> Result<(), StateError> {
        let path = self.dir.join(TAKEDOWNS);
        let list = String::from_utf8(list.to_vec()).map_err(|error| StateError::damaged(&path, error))?;
        let root = roots.last().cloned().ok_or_else(|| StateError::damaged(&path, "there is no root"))?;
        let envelope = Envelope::parse(root.as_bytes()).map_err(|error| StateError::damaged(&path, error))?;
        let kept = KeptTakedowns { fingerprint: fingerprint(&envelope), root, list };
        files::replace(&path, &records::to_json(&path, &kept)?)
    }

    fn kept_takedowns(&self) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.dir.join(TAKEDOWNS);
        let Some(bytes) = files::read(&path)? else { return Ok(None) };
        let kept: KeptTakedowns =
            serde_json::from_slice(&bytes).map_err(|error| StateError::damaged(&path, error))?;
        Ok(Some(kept.list.into_bytes()))
    }

    pub(super) fn write_identity(&self) -> Result<(), StateError> {
        let path = self.dir.join(IDENTITY);
        let text = toml::to_string(&self.identity).map_err(|error| StateError::damaged(&path, error))?;
        files::replace(&path, text.as_bytes())
    }

    pub(super) fn write_token(&self, token: &Token) -> Result<(), StateError> {
        let line = zeroize::Zeroizing::new(format!("{}\n", token.reveal()));
        files::replace(&self.dir.join(TOKEN), line.as_bytes())
    }

    /// Removes the token; pins and what was seen stay. Says whether there was one.
    pub(super) fn forget_token(&self) -> Result<bool, StateError> {
        files::sweep(&self.dir)?;
        files::remove(&self.dir.join(TOKEN))
    }

    /// Keeps what was refused, and says where.
    pub(crate) fn keep(&self, evidence: Evidence) -> Result<PathBuf, StateError> {
        let _lock = self.lock()?;
        evidence.keep(self)
    }

    pub(crate) fn lock(&self) -> Result<Lock, StateError> {
        files::lock(self.dir.parent().unwrap_or(&self.dir))
    }
}

impl Update {
    /// Whether something that it was checked against is another thing now. Roots are the basis of all the rest.
    fn conflicts(&self, basis: &Stored, now: &Stored) -> bool {
        basis.roots != now.roots
            || self.checkpoint.is_some() && basis.checkpoint != now.checkpoint
            || self.takedowns.is_some() && basis.takedowns != now.takedowns
            || self.publishers.iter().any(|(name, _)| basis.publishers.get(name) != now.publishers.get(name))
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { roots, checkpoint, takedowns, publishers } = self;
        roots.is_none() && checkpoint.is_none() && takedowns.is_none() && publishers.is_empty()
    }
}
