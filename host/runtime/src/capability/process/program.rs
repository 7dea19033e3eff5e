//! Programs of this machine: where they are, what they are, and whether they still are what was granted.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use openclaw_launcher::{ElfError, check_program};
use openclaw_package::digest::Digest;
use openclaw_package::permission::{AbsolutePath, Helper, Program};

/// Where a program is on this machine: a bare name is looked for on the `PATH` of the owner, in absolute directories.
#[must_use]
pub fn find_program(program: &Program) -> Option<AbsolutePath> {
    match program {
        Program::Path(path) => is_executable(path.as_path()).then(|| path.clone()),
        Program::Name(name) => find_by_name(name),
    }
}

/// Where a program of a bare name is.
#[must_use]
pub fn find_by_name(name: &str) -> Option<AbsolutePath> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| is_executable(path))
        .and_then(|path| path.to_str()?.parse().ok())
}

/// Where a helper of a program is.
#[must_use]
pub fn find_helper(helper: &Helper, program: &Path) -> Option<AbsolutePath> {
    match helper {
        Helper::Path(path) => path.as_path().exists().then(|| path.clone()),
        Helper::Name(name) => find_by_name(name),
        Helper::Directory(name) => {
            let prefix = program.parent()?.parent()?;
            let found = ["libexec", "lib"].map(|dir| prefix.join(dir).join(name));
            let found = found.into_iter().find(|path| path.is_dir());
            found.and_then(|path| path.to_str()?.parse().ok())
        }
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The digest of a program's file, by which a grant pins it.
///
/// # Errors
/// A file that cannot be read, or is no program that can be started ([`ElfError`]).
pub fn program_digest(path: &Path) -> io::Result<Digest> {
    let file = open_file(path)?;
    check_program(&file).map_err(io::Error::other)?;
    digest_of(&file)
}

/// The most bytes of a program: reading them is done while a call waits.
const PROGRAM_BYTES: u64 = 1 << 30;

/// Opens a regular file, and waits for nothing that lies in its place.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.len() > PROGRAM_BYTES {
        return Err(io::Error::other("it is too large"));
    }
    Ok(file)
}

fn digest_of(file: &File) -> io::Result<Digest> {
    Digest::of_reader(file).map(|(digest, _)| digest)
}

/// Programs that were looked at: one that has not changed since need not be read again.
#[derive(Debug, Default)]
pub(crate) struct Programs(Mutex<HashMap<PathBuf, (Identity, Digest)>>);

/// What changes when a file does: nobody but the system sets the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            file: (found.dev(), found.ino()),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Why a program is not the one that was granted.
#[derive(Debug)]
pub(crate) enum NotPinned {
    /// Its file is another, or was changed.
    Changed,
    /// It cannot be started.
    Unusable(String),
}

impl From<io::Error> for NotPinned {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<ElfError> for NotPinned {
    fn from(error: ElfError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl Programs {
    /// Opens a program that is what was pinned. What is executed is what this opened.
    pub(crate) fn open(&self, path: &Path, pinned: Digest) -> Result<File, NotPinned> {
        let file = open_file(path)?;
        let identity = Identity::of(&file)?;
        let known = self.known().get(path).copied();
        let digest = match known {
            Some((same, digest)) if same == identity => digest,
            _ => {
                check_program(&file)?;
                let digest = digest_of(&file)?;
                // One that changes while it is read is not remembered as what it was before.
                if Identity::of(&file)? != identity {
                    return Err(NotPinned::Changed);
                }
                self.known().insert(path.to_owned(), (identity, digest));
                digest
            }
        };
        if digest == pinned { Ok(file) } else { Err(NotPinned::Changed) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Identity, Digest)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_what_was_pinned_or_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("true"), dir.path().join("false"));
        std::fs::copy("/bin/true", &path).unwrap();
        std::fs::copy("/bin/false", &other).unwrap();
        let pinned = program_digest(&path).unwrap();
        let programs = Programs::default();
        assert!(programs.open(&path, pinned).is_ok());
        assert!(programs.open(&path, pinned).is_ok());
        std::fs::rename(&other, &path).unwrap();
        assert!(matches!(programs.open(&path, pinned), Err(NotPinned::Changed)));
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(
            matches!(programs.open(&path, pinned), Err(NotPinned::Unusable(reason)) if reason.contains("script"))
        );
    }

    #[test]
    fn a_program_is_found_by_name_and_a_helper_beside_it() {
        let sh = find_program(&"sh".parse().unwrap()).unwrap();
        assert!(sh.as_path().is_absolute() && sh.as_str().ends_with("/sh"));
        assert_eq!(find_program(&"no-such-program".parse().unwrap()), None);
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("libexec/tool-core")).unwrap();
        let found = find_helper(&"tool-core/".parse().unwrap(), &dir.path().join("bin/tool")).unwrap();
        assert!(found.as_str().ends_with("libexec/tool-core"));
    }
}
