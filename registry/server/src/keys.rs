//! The registry's own secret keys: one file for each in a directory that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use openclaw_package::{PublicKey, SigningKey};
use zeroize::Zeroizing;

use crate::error::{Fault, Result};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs roots.
    Root,
    /// Signs checkpoints of the log.
    Log,
    /// Signs takedowns.
    Takedown,
}

impl Purpose {
    /// The word in the file's name and in errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Log => "log",
            Self::Takedown => "takedown",
        }
    }
}

/// A directory of secret keys.
#[derive(Debug, Clone)]
pub struct Keys {
    directory: PathBuf,
}

impl Keys {
    /// The keys below a data directory.
    pub fn below(data: &Path) -> Self {
        Self { directory: data.join("keys") }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keys that are made for something which may not come to be.
    pub fn new_keys(&self) -> NewKeys<'_> {
        NewKeys { keys: self, names: Vec::new() }
    }

    /// Makes a key and stores it.
    fn generate(&self, purpose: Purpose) -> Result<SigningKey> {
        let key = SigningKey::generate()?;
        let text = Zeroizing::new(format!("{}\n", key.to_secret_text().as_str()));
        self.store(&file_name(purpose, &key.public_key()), text.as_bytes())?;
        Ok(key)
    }

    /// The secret half of a key.
    ///
    /// # Errors
    ///
    /// [`Fault::NoKey`] where it is not there; a file that cannot be read or holds another key.
    pub fn find(&self, purpose: Purpose, key: &PublicKey) -> Result<SigningKey> {
        let path = self.directory.join(file_name(purpose, key));
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let place = self.directory.clone();
                return Err(Fault::NoKey { purpose: purpose.as_str(), key: key.to_string(), place }.into());
            }
            Err(error) => return Err(Fault::file(path)(error).into()),
        };
        let found = SigningKey::from_secret_text(&text)?;
        if found.public_key() == *key {
            Ok(found)
        } else {
            Err(Fault::Damaged(format!("{} holds another key", path.display())).into())
        }
    }

    /// The files, by name, with what stands in them.
    ///
    /// # Errors
    ///
    /// A directory that cannot be read.
    pub fn files(&self) -> Result<Vec<(String, Zeroizing<Vec<u8>>)>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Fault::file(&self.directory)(error).into()),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(Fault::file(&self.directory))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if name.ends_with(".key") {
                files.push((name, Zeroizing::new(fs::read(&path).map_err(Fault::file(&path))?)));
            }
        }
        files.sort_by(|one, next| one.0.cmp(&next.0));
        Ok(files)
    }

    /// Writes a key file, durably, where there is none of that name.
    ///
    /// # Errors
    ///
    /// A directory that cannot be written, or a file that is there.
    pub fn store(&self, name: &str, content: &[u8]) -> Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.directory).map_err(Fault::file(&self.directory))?;
        let path = self.directory.join(name);
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(content)?;
            file.sync_all()?;
            File::open(&self.directory)?.sync_all()
        };
        Ok(write().map_err(Fault::file(&path))?)
    }

    /// Removes a key file that was just written, when what it was for came to nothing.
    pub fn discard(&self, name: &str) {
        // It is of no use to anybody; that it could not be removed changes nothing.
        let _ = fs::remove_file(self.directory.join(name));
    }
}

/// Keys whose files go again with this, unless they are kept.
pub struct NewKeys<'a> {
    keys: &'a Keys,
    names: Vec<String>,
}

impl NewKeys<'_> {
    /// Makes a key and stores it.
    ///
    /// # Errors
    ///
    /// No randomness, or a directory that cannot be written.
    pub fn make(&mut self, purpose: Purpose) -> Result<SigningKey> {
        let key = self.keys.generate(purpose)?;
        self.names.push(file_name(purpose, &key.public_key()));
        Ok(key)
    }

    /// Keeps them. It is done before the commit: whether one that fails came to be is not known, and a key too many does
    /// no harm.
    pub fn keep(mut self) {
        self.names.clear();
    }
}

impl Drop for NewKeys<'_> {
    fn drop(&mut self) {
        for name in &self.names {
            self.keys.discard(name);
        }
    }
}

/// The name of a key's file: `log-0f3a….key`.
fn file_name(purpose: Purpose, key: &PublicKey) -> String {
    format!("{}-{}.key", purpose.as_str(), key.key_id())
}
