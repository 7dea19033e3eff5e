//! Compiled components on disk: native code, so only what this host wrote itself is ever loaded.
//!
//! An artefact is `code ‖ MAC`. The MAC (HMAC-SHA-256, RFC 2104, with a key that is as private as
//! the directory) covers the component's digest, the engine's compatibility hash and the code. A
//! file that does not verify is not loaded; what is compiled in its stead replaces it. Beyond a size,
//! what was not used for longest goes: an interpreter alone comes to 40 MB.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use openclaw_package::digest::Digest;
use rustix::io::Errno;
use sha2::Sha256;
use wasmtime::Engine;

/// What the name of an artefact ends with.
const EXTENSION: &str = "cwasm";
/// What the name of a file begins with that is not an artefact yet.
const UNFINISHED: &str = ".tmp";
/// How old such a file has to be, for whoever wrote it to be gone.
const ABANDONED: Duration = Duration::from_secs(3600);
const MAC_BYTES: usize = 32;
/// Bytes of an artefact that are read at once.
const PIECE_BYTES: usize = 256 << 10;
/// The block size of SHA-256, for which the MAC takes a key as it is.
const KEY_BYTES: usize = 64;

/// Why the artefact cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file or directory of it cannot be read or written.
    #[error("the artefact cache {} cannot be used: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory belongs to somebody else or lets others write.
    #[error("the artefact cache {} must belong to this user and have mode 0700", path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
    },
    /// An artefact that was just written is gone or damaged.
    #[error("a compiled component vanished from the artefact cache while it was being loaded")]
    Vanished,
}

impl CacheError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Io { .. } => {
                "see that it can be written and has room; what is in it can be removed at any time"
            }
            Self::NotPrivate { .. } => "chmod 700 it, or remove it: it is made again",
            Self::Vanished => "try again: it is compiled again",
        }
        .to_owned()
    }
}

/// The cache.
pub(super) struct ArtefactCache {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
    engine: u64,
    most_bytes: u64,
}

impl std::fmt::Debug for ArtefactCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtefactCache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl ArtefactCache {
    /// Opens a cache of at most so many bytes.
    pub(super) fn open(dir: &Path, engine: &Engine, most_bytes: u64) -> Result<Self, CacheError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { path, source }
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed(dir))?;
        let meta = std::fs::symlink_metadata(dir).map_err(failed(dir))?;
        if !meta.is_dir() || meta.mode() & 0o077 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(CacheError::NotPrivate { path: dir.to_owned() });
        }
        let key_path = dir.join("mac.key");
        let key = read_or_make_key(&key_path).map_err(failed(&key_path))?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let dir = dir.canonicalize().map_err(failed(dir))?;
        Ok(Self { dir, key, engine: hasher.finish(), most_bytes })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, component: Digest) -> PathBuf {
        self.dir.join(format!("{}-{:016x}.{EXTENSION}", component.hex(), self.engine))
    }

    fn mac(&self, component: Digest) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(component.as_bytes());
        mac.update(&self.engine.to_le_bytes());
        mac
    }

    /// Puts an artefact in place, whole or not at all.
    pub(super) fn store(&self, component: Digest, code: &[u8]) -> Result<(), CacheError> {
        let path = self.path(component);
        let mut mac = self.mac(component);
        mac.update(code);
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.dir)?;
            file.write_all(code)?;
            file.write_all(&mac.finalize().into_bytes())?;
            file.as_file().sync_data()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| CacheError::Io { path: path.clone(), source })?;
        if let Err(error) = self.prune(&path) {
            tracing::warn!("the artefact cache {} is not pruned: {error}", self.dir.display());
        }
        Ok(())
    }

    /// Removes what was not used for longest, all but `kept`, until the rest fits. Whoever has a file mapped keeps it.
    fn prune(&self, kept: &Path) -> io::Result<()> {
        let mut artefacts = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            // Another process may have removed it.
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            let changed = meta.modified()?;
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                artefacts.push((changed, meta.len(), path));
            } else if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && is_abandoned(changed) {
                let _ = std::fs::remove_file(&path);
            }
        }
        let mut bytes: u64 = artefacts.iter().map(|(_, bytes, _)| bytes).sum();
        artefacts.sort();
        for (_, size, path) in artefacts.into_iter().filter(|(.., path)| path != kept) {
            if bytes <= self.most_bytes {
                break;
            }
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => bytes = bytes.saturating_sub(size),
            }
        }
        Ok(())
    }

    /// The artefact of a component, if there is one that this host wrote.
    pub(super) fn get(&self, component: Digest) -> Result<Option<File>, CacheError> {
        let path = self.path(component);
        let failed = |source| CacheError::Io { path: path.clone(), source };
        let mut file = match OpenOptions::new().read(true).custom_flags(no_follow()).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A link in its place is nothing that this host put there.
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if self.verify(&mut file, component).map_err(failed)? {
            // By its time it is known as used. Where that cannot be set it goes sooner, and is compiled again.
            let _ = file.set_modified(SystemTime::now());
            return Ok(Some(file));
        }
        tracing::warn!("{} was not written by this host; it is compiled again", path.display());
        Ok(None)
    }

    fn verify(&self, file: &mut File, component: Digest) -> io::Result<bool> {
        let Some(length) = file.metadata()?.len().checked_sub(MAC_BYTES as u64) else { return Ok(false) };
        let mut mac = self.mac(component);
        let mut file = BufReader::with_capacity(PIECE_BYTES, file);
        io::copy(&mut (&mut file).take(length), &mut Authenticating(&mut mac))?;
        let mut tag = [0; MAC_BYTES];
        file.read_exact(&mut tag)?;
        Ok(mac.verify_slice(&tag).is_ok())
    }
}

/// Takes what is written to it into a MAC.
struct Authenticating<'a>(&'a mut Hmac<Sha256>);

impl Write for Authenticating<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    match File::open(path) {
        Ok(mut file) => {
            file.read_exact(&mut key)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
            let dir = path.parent().unwrap_or(path);
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&key)?;
            file.as_file().sync_data()?;
            match file.persist_noclobber(path) {
                Ok(_) => Ok(key),
                // Another process was first.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read_or_make_key(path),
                Err(error) => Err(error.error),
            }
        }
        Err(error) => Err(error),
    }
}

fn is_abandoned(changed: SystemTime) -> bool {
    changed.elapsed().is_ok_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(EXTENSION));
        names
    }

    #[test]
    fn beyond_its_size_what_was_not_used_for_longest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("cache");
        let engine = super::super::engine::comparing().unwrap();
        let cache = ArtefactCache::open(&dir, &engine, 3 * (1000 + MAC_BYTES as u64)).unwrap();
        let digests: Vec<_> = ["a", "b", "c", "d"].map(|name| Digest::of(name.as_bytes())).into();
        for (age, digest) in (1..4).rev().zip(&digests) {
            cache.store(*digest, &[0; 1000]).unwrap();
            let file = File::options().write(true).open(cache.path(*digest)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age * 60)).unwrap();
        }
        assert!(cache.get(digests[0]).unwrap().is_some(), "it is used, and so the youngest");
        cache.store(digests[3], &[0; 1000]).unwrap();
        let there: Vec<_> = digests.iter().map(|digest| cache.get(*digest).unwrap().is_some()).collect();
        assert_eq!(there, [true, false, true, true]);
        let large = Digest::of(b"large");
        cache.store(large, &[0; 10_000]).unwrap();
        assert!(cache.get(large).unwrap().is_some(), "what was just made is kept, whatever its size");
        assert_eq!(names(&dir).len(), 1);
        assert!(dir.join("mac.key").is_file());
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_being_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("cache");
        let engine = super::super::engine::comparing().unwrap();
        let cache = ArtefactCache::open(&dir, &engine, 1 << 20).unwrap();
        for (name, age) in [(".tmpold", ABANDONED * 2), (".tmpnew", ABANDONED / 2)] {
            let file = File::create(dir.join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        cache.store(Digest::of(b"a"), b"code").unwrap();
        assert!(!dir.join(".tmpold").exists() && dir.join(".tmpnew").exists());
    }
}
