//! What a guest's descriptor stands for: an open directory, an open file, or a tree that was not granted.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::budget::{Slot, blocks};
use super::error::FsResult;
use super::sys;
use super::tree::{Tree, Use, code_of};
use crate::bindings::wasi::filesystem::types::{DescriptorFlags, ErrorCode};
use crate::capability::{Denial, Denials, Reason};

/// The longest path that is taken from a guest, in bytes.
const PATH_MAX: usize = 4096;

/// A `wasi:filesystem/types.descriptor`.
#[derive(Clone, Debug)]
pub enum Descriptor {
    /// An open directory.
    Directory(Arc<Directory>),
    /// An open regular file.
    File(Arc<OpenFile>),
    /// A tree that the manifest declares and the owner did not grant.
    Denied(Arc<DeniedTree>),
}

impl Descriptor {
    /// The directory it is, to use `path` in it.
    pub(super) fn directory(&self, path: &str) -> FsResult<&Arc<Directory>> {
        match self {
            Self::Directory(directory) => Ok(directory),
            Self::File(_) => Err(ErrorCode::NotDirectory.into()),
            Self::Denied(tree) => Err(tree.refuse(path).into()),
        }
    }

    /// The file it is.
    pub(super) fn file(&self) -> FsResult<&Arc<OpenFile>> {
        match self {
            Self::Directory(_) => Err(ErrorCode::IsDirectory.into()),
            Self::File(file) => Ok(file),
            Self::Denied(tree) => Err(tree.refuse("").into()),
        }
    }

    /// The tree that it is in, and the open file or directory itself.
    pub(super) fn opened(&self) -> FsResult<(&Tree, std::os::fd::BorrowedFd<'_>)> {
        match self {
            Self::Directory(directory) => Ok((&directory.tree, directory.dir.as_fd())),
            Self::File(file) => Ok((&file.tree, file.fd.as_fd())),
            Self::Denied(tree) => Err(tree.refuse("").into()),
        }
    }
}

/// A tree that was not granted: each use of it is a denial.
#[derive(Debug)]
pub struct DeniedTree {
    pub(super) guest_path: String,
    pub(super) denial: Denial,
    pub(super) denials: Denials,
}

impl DeniedTree {
    /// Notes the denial of a path in the tree.
    fn refuse(&self, path: &str) -> ErrorCode {
        let root = self.guest_path.trim_end_matches('/');
        let target =
            if matches!(path, "" | ".") { self.guest_path.clone() } else { format!("{root}/{path}") };
        let code = code_of(self.denial.reason);
        let denial = Denial::new(self.denial.capability, &target, self.denial.reason);
        self.denials.record(match &self.denial.hint {
            Some(hint) => denial.with_hint(hint),
            None => denial,
        });
        code
    }
}

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    pub(super) tree: Arc<Tree>,
    pub(super) dir: Arc<Dir>,
    /// None for the root of a tree, which is open whether the guest uses it or not.
    pub(super) _slot: Option<Slot>,
}

/// A name in an open directory, and where that really is: for what is made, renamed or deleted.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) parent: Arc<Dir>,
    /// One component, neither `.` nor `..`.
    pub(super) name: &'a str,
    /// The real path of the name, relative to the tree.
    pub(super) relative: PathBuf,
    /// The path ended in a slash.
    pub(super) must_be_directory: bool,
}

impl Directory {
    /// Looks at what a path leads to, without opening it; a link itself, if links are not followed.
    pub(super) fn look(&self, usage: Use, path: &str, follow: bool) -> FsResult<OwnedFd> {
        self.check(usage, path)?;
        let (parent, name) = split(path);
        if follow || path.ends_with('/') || matches!(name, "." | "..") {
            return self.open_beneath(usage, path, sys::LOOK);
        }
        let flags = sys::LOOK | OFlags::NOFOLLOW;
        let looked_at = openat(&*self.parent(usage, parent)?, name, flags, Mode::empty())?;
        self.check_kind(usage, path, looked_at)
    }

    /// Finds the place of a name that is about to be made, renamed or deleted.
    pub(super) fn place<'a>(&self, usage: Use, path: &'a str) -> FsResult<Place<'a>> {
        self.check(usage, path)?;
        let (parent, name) = split(path);
        if matches!(name, "." | "..") {
            // It names a directory that is there, or leads out, which is noted.
            self.open_beneath(usage, path, sys::LOOK)?;
            return Err(ErrorCode::Invalid.into());
        }
        let parent = self.parent(usage, parent)?;
        let relative = self.tree.relative(&*parent)?.join(name);
        Ok(Place { parent, name, relative, must_be_directory: path.ends_with('/') })
    }

    fn parent(&self, usage: Use, path: &str) -> FsResult<Arc<Dir>> {
        if path.is_empty() {
            return Ok(Arc::clone(&self.dir));
        }
        let directory = self.open_beneath(usage, path, sys::LOOK | OFlags::DIRECTORY)?;
        Ok(Arc::new(Dir::from(directory)))
    }

    fn check(&self, usage: Use, path: &str) -> FsResult<()> {
        if path.is_empty() {
            return Err(ErrorCode::NoEntry.into());
        }
        if path.len() >= PATH_MAX {
            return Err(ErrorCode::NameTooLong.into());
        }
        if path.contains('\0') {
            return Err(ErrorCode::Invalid.into());
        }
        if path.starts_with('/') {
            return Err(self.tree.refuse(usage, path, Reason::OutsideTree));
        }
        Ok(())
    }

    /// Opens a path by way of cap-std, which does not leave the directory however the path is made up
    /// and whatever others do to the tree meanwhile.
    fn open_beneath(&self, usage: Use, path: &str, flags: OFlags) -> FsResult<OwnedFd> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        match self.dir.open_with(path, &options) {
            Ok(file) => self.check_kind(usage, path, file.into()),
            // An attempt to leave is cap-std's own refusal, not the system's.
            Err(error)
                if error.kind() == std::io::ErrorKind::PermissionDenied
                    && Errno::from_io_error(&error).is_none() =>
            {
                Err(self.tree.refuse(usage, &self.guest_path(path), Reason::OutsideTree))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses what a file system of the kernel's holds, which may be mounted anywhere.
    fn check_kind(&self, usage: Use, path: &str, looked_at: OwnedFd) -> FsResult<OwnedFd> {
        if sys::is_kernel_interface(&looked_at)? {
            return Err(self.tree.refuse(usage, &self.guest_path(path), Reason::SpecialFile));
        }
        Ok(looked_at)
    }

    /// A path in this directory as the guest would write it from the root.
    pub(super) fn guest_path(&self, path: &str) -> String {
        let relative = self.tree.relative(&*self.dir).unwrap_or_default();
        self.tree.guest_path(&relative.join(path))
    }

    /// Opens the directory anew, to list or sync it: the descriptor it is held by can do neither.
    pub(super) fn reopen(&self) -> FsResult<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(openat(&*self.dir, ".", flags, Mode::empty())?)
    }
}

/// Splits a path before its last component; slashes after that are left out.
fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').unwrap_or(("", path))
}

/// An open regular file.
#[derive(Debug)]
pub struct OpenFile {
    pub(super) tree: Arc<Tree>,
    pub(super) fd: OwnedFd,
    pub(super) flags: DescriptorFlags,
    pub(super) _slot: Slot,
}

impl OpenFile {
    /// The file, if it was opened for reading.
    pub(super) fn readable(&self) -> FsResult<&OwnedFd> {
        if self.flags.contains(DescriptorFlags::READ) {
            Ok(&self.fd)
        } else {
            Err(ErrorCode::BadDescriptor.into())
        }
    }

    /// The file, if it was opened for writing.
    pub(super) fn writable(&self) -> FsResult<&OwnedFd> {
        if self.flags.contains(DescriptorFlags::WRITE) {
            Ok(&self.fd)
        } else {
            Err(ErrorCode::BadDescriptor.into())
        }
    }

    pub(super) fn size(&self) -> FsResult<u64> {
        Ok(u64::try_from(fstat(&self.fd)?.st_size).unwrap_or(0))
    }

    /// What it takes of a quota without being found in the tree.
    pub(super) fn size_if_deleted(&self) -> FsResult<u64> {
        let stat = fstat(&self.fd)?;
        Ok(if stat.st_nlink == 0 { blocks(u64::try_from(stat.st_size).unwrap_or(0)) } else { 0 })
    }
}

/// A `wasi:filesystem/types.directory-entry-stream`: reads a listing as the guest asks for it.
#[derive(Debug)]
pub struct DirectoryEntryStream {
    entries: rustix::fs::Dir,
    directory: Arc<Directory>,
    /// Where the directory really is, if the tree has parts that a listing leaves out.
    relative: Option<PathBuf>,
    _slot: Slot,
}

impl DirectoryEntryStream {
    pub(super) fn new(directory: &Arc<Directory>) -> FsResult<Self> {
        let tree = &directory.tree;
        let relative = match tree.allows_all(Use::Read) {
            true => None,
            false => Some(tree.relative(&*directory.dir)?),
        };
        if let Some(relative) = &relative {
            tree.allow(Use::Read, relative)?;
        }
        let slot = tree.slot("")?;
        let entries = rustix::fs::Dir::new(directory.reopen()?)?;
        Ok(Self { entries, directory: Arc::clone(directory), relative, _slot: slot })
    }

    /// The next name and what it is. A name that is not UTF-8 is an error, and the one after it can be asked for.
    pub(super) fn next(&mut self) -> FsResult<Option<(String, FileType)>> {
        while let Some(entry) = self.entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if super::walk::is_dot(name) {
                continue;
            }
            let Some(kind) = super::walk::kind(self.entries.fd()?, name, entry.file_type())? else {
                continue;
            };
            let name = name.to_str().map_err(|_| ErrorCode::IllegalByteSequence)?;
            if self
                .relative
                .as_ref()
                .is_some_and(|parent| self.directory.tree.hides(&parent.join(Path::new(name))))
            {
                continue;
            }
            return Ok(Some((name.to_owned(), kind)));
        }
        Ok(None)
    }
}
