//! Visits everything in a directory tree, holding one descriptor open however deep it is.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::error::FsResult;

/// Whether a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Continue,
    Stop,
}

/// One file, directory or link that a walk comes by.
pub(super) struct Entry<'a> {
    directory: BorrowedFd<'a>,
    name: &'a CStr,
    /// The directory it is in, relative to the start of the walk.
    pub(super) parent: &'a Path,
    /// What it is.
    pub(super) kind: FileType,
}

impl Entry<'_> {
    pub(super) fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.name.to_bytes())
    }

    /// Its size; that of nothing, if it was deleted meanwhile.
    pub(super) fn size(&self) -> FsResult<u64> {
        match statat(self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if self.kind == FileType::RegularFile => Ok(u64::try_from(stat.st_size).unwrap_or(0)),
            Ok(_) | Err(Errno::NOENT) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Where it leads, if it is a link.
    pub(super) fn target(&self) -> FsResult<PathBuf> {
        let target = rustix::fs::readlinkat(self.directory, self.name, Vec::new())?;
        Ok(PathBuf::from(OsStr::from_bytes(target.to_bytes())))
    }
}

/// Shows `visit` all that is in `root`, at any depth, in no order, until it says to stop.
pub(super) fn walk(root: &Dir, visit: &mut dyn FnMut(&Entry<'_>) -> FsResult<Step>) -> FsResult<Step> {
    let mut pending = vec![PathBuf::new()];
    while let Some(path) = pending.pop() {
        let mut entries = match open(root, &path) {
            Ok(directory) => rustix::fs::Dir::new(directory)?,
            // Deleted or replaced since it was listed.
            Err(error) if path.as_os_str().is_empty() => return Err(error.into()),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(error) => return Err(error.into()),
        };
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if is_dot(name) {
                continue;
            }
            let directory = entries.fd()?;
            let Some(kind) = kind(directory, name, entry.file_type())? else { continue };
            if visit(&Entry { directory, name, parent: &path, kind })? == Step::Stop {
                return Ok(Step::Stop);
            }
            if kind == FileType::Directory {
                pending.push(path.join(OsStr::from_bytes(name.to_bytes())));
            }
        }
    }
    Ok(Step::Continue)
}

/// Whether a name is that of the directory itself or of its parent.
pub(super) fn is_dot(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// What an entry is, asked of the file system where the listing does not say; none if it is gone.
pub(super) fn kind(directory: BorrowedFd<'_>, name: &CStr, listed: FileType) -> FsResult<Option<FileType>> {
    if listed != FileType::Unknown {
        return Ok(Some(listed));
    }
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn open(root: &Dir, path: &Path) -> Result<std::os::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if path.as_os_str().is_empty() {
        return openat(root.as_fd(), ".", flags, Mode::empty());
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    match root.open_with(path, &options) {
        Ok(file) => Ok(file.into()),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::ACCESS)),
    }
}
