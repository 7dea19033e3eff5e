//! From a component's bytes to its compiled artefact: out of the cache, or compiled in a child process.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use openclaw_package::digest::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::PrepareError;
use super::cache::{ArtefactCache, CacheError};
use super::compile::Compiler;

/// Bytes of artefacts that are kept.
const CACHE_BYTES: u64 = 2 << 30;

/// The compiler and the cache of what it made.
#[derive(Debug)]
pub(crate) struct Artefacts {
    compiler: Compiler,
    cache: ArtefactCache,
}

impl Artefacts {
    /// Opens the cache of artefacts that fit an engine.
    ///
    /// # Errors
    /// [`CacheError`] where the directory cannot be made or is not ours.
    pub(crate) fn open(dir: &Path, compiler: Compiler, engine: &Engine) -> Result<Self, CacheError> {
        Ok(Self { compiler, cache: ArtefactCache::open(dir, engine, CACHE_BYTES)? })
    }

    /// Where the cache is.
    pub(crate) fn dir(&self) -> &Path {
        self.cache.dir()
    }

    /// The artefact of a component, open for reading; `digest` must be that of `bytes`.
    ///
    /// # Errors
    /// [`PrepareError::Cache`] and [`PrepareError::Compile`].
    pub(crate) fn get(&self, bytes: &[u8], digest: Digest) -> Result<File, PrepareError> {
        match self.cache.get(digest)? {
            Some(artefact) => Ok(artefact),
            None => self.make(bytes, digest),
        }
    }

    /// The same, compiled anew.
    pub(super) fn make(&self, bytes: &[u8], digest: Digest) -> Result<File, PrepareError> {
        let artefact = self.compiler.compile(bytes)?;
        self.cache.store(digest, &artefact)?;
        Ok(self.cache.get(digest)?.ok_or(CacheError::Vanished)?)
    }
}

/// Maps an artefact: the very file that was verified. Its trailing MAC lies past the ELF image and is not read.
#[expect(
    unsafe_code,
    reason = "the one place that loads native code, and only what the MAC shows to be ours"
)]
pub(super) fn load(engine: &Engine, artefact: &File) -> wasmtime::Result<Component> {
    let opened = format!("/proc/self/fd/{}", artefact.as_raw_fd());
    // SAFETY: the bytes carry a MAC under a key that only this user can read, so this host wrote
    // them; they lie in a directory that only this user can write, and are replaced by rename,
    // never changed in place.
    unsafe { Component::deserialize_file(engine, opened) }
}
