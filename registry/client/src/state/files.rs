//! How files of the state are read, replaced and locked: whole or not at all, even if the machine stops.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::StateError;

/// The largest file of the state, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// How the names of files begin that are not whole yet.
const TEMPORARY: &str = ".new-";

/// Makes a directory, and those above it, for this user alone.
pub(crate) fn private_dir(path: &Path) -> Result<(), StateError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StateError::io(path))
}

/// Refuses a directory in which another user could write: whoever can decides whom this owner trusts.
pub(crate) fn check_private(path: &Path) -> Result<(), StateError> {
    let meta = std::fs::metadata(path).map_err(StateError::io(path))?;
    if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(StateError::NotPrivate(path.to_owned()));
    }
    Ok(())
}

/// The content of a file, or nothing where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    read_at_most(path, MAX_FILE)
}

/// The same, for a file that may be larger or must be smaller.
pub(crate) fn read_at_most(path: &Path, max: u64) -> Result<Option<Vec<u8>>, StateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::io(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(StateError::io(path))?;
    if bytes.len() as u64 > max {
        return Err(StateError::damaged(path, "it is larger than such a file ever is"));
    }
    Ok(Some(bytes))
}

/// The content of a text file, or nothing where there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, StateError> {
    let text = read(path)?.map(String::from_utf8).transpose();
    text.map_err(|_| StateError::damaged(path, "it is not UTF-8"))
}

/// Puts bytes in place of a file, readable by this user alone.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let dir = path.parent().unwrap_or(path);
    let write = || -> io::Result<()> {
        // Temporary files are made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(StateError::io(path))
}

/// Removes a file; that there is none is well.
pub(crate) fn remove(path: &Path) -> Result<bool, StateError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StateError::io(path)(error)),
    }
}

/// Removes what a process that was killed left half written, a token among it. To be called under the lock.
pub(crate) fn sweep(dir: &Path) -> Result<(), StateError> {
    for entry in std::fs::read_dir(dir).map_err(StateError::io(dir))? {
        let entry = entry.map_err(StateError::io(dir))?;
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The right to change the state, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Waits until no other process changes the state.
pub(crate) fn lock(dir: &Path) -> Result<Lock, StateError> {
    let path: PathBuf = dir.join(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StateError::io(&path))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|errno| StateError::io(&path)(errno.into()))?;
    Ok(Lock { _file: file })
}

/// Makes a rename in a directory last.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StateError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StateError::io(dir))
}
