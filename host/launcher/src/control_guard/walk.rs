//! Looks through a tree for control files, by descriptors: no name is too long for that, and no directory that is moved
//! meanwhile leads elsewhere.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat, fstatat};

use crate::message::Tree;

/// The most entries that a tree may have: more take longer to look through than a start may.
const ENTRIES: usize = 200_000;
/// How deep directories may lie.
const DEPTH: usize = 128;
/// After how many entries the time is looked at.
const OFTEN: usize = 256;

/// Calls `found` for every control file: with its directory, its name, and its path relative to the tree.
///
/// # Errors
/// A tree that is too large or too deep, one that takes longer than until the given time, and those of the system.
pub(super) fn walk(
    tree: &Tree,
    is_control_file: fn(&OsStr) -> bool,
    until: Instant,
    found: impl FnMut(BorrowedFd<'_>, &OsStr, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let root = Dir::open(&tree.target, FLAGS, Mode::empty())?;
    Walk { is_control_file, until, left: ENTRIES, found }.directory(root, &mut PathBuf::new(), DEPTH)
}

const FLAGS: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

struct Walk<F> {
    is_control_file: fn(&OsStr) -> bool,
    until: Instant,
    left: usize,
    found: F,
}

impl<F: FnMut(BorrowedFd<'_>, &OsStr, &Path) -> io::Result<()>> Walk<F> {
    fn directory(&mut self, mut dir: Dir, relative: &mut PathBuf, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(io::Error::other(format!("its directories lie deeper than {DEPTH}")));
        };
        for (name, is_dir) in self.entries(&mut dir)? {
            relative.push(&name);
            if (self.is_control_file)(&name) {
                (self.found)(dir.as_fd(), &name, relative)?;
            } else if is_dir {
                match open(dir.as_fd(), &name) {
                    Ok(inner) => self.directory(inner, relative, depth)?,
                    // It was removed, or has become something else.
                    Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            relative.pop();
        }
        Ok(())
    }

    fn entries(&mut self, dir: &mut Dir) -> io::Result<Vec<(OsString, bool)>> {
        let mut entries = Vec::new();
        let parent = dir.as_fd().try_clone_to_owned()?;
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                io::Error::other(format!(
                    "it has more than {ENTRIES} entries; give the program access = \"read\""
                ))
            })?;
            if self.left.is_multiple_of(OFTEN) && Instant::now() > self.until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let is_dir = match entry.file_type() {
                Some(kind) => kind == Type::Directory,
                None => fstatat(&parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .is_ok_and(|found| found.st_mode & libc::S_IFMT == libc::S_IFDIR),
            };
            entries.push((name.to_owned(), is_dir));
        }
        Ok(entries)
    }
}

/// Opens a directory, also one that its owner, who is this process, cannot list as it is.
fn open(dir: BorrowedFd<'_>, name: &OsStr) -> nix::Result<Dir> {
    let opened = Dir::openat(dir, name, FLAGS, Mode::empty());
    if !matches!(opened, Err(Errno::EACCES)) {
        return opened;
    }
    let before = fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if before.st_mode & libc::S_IFMT != libc::S_IFDIR {
        return Err(Errno::ENOTDIR);
    }
    let mode = Mode::from_bits_truncate(before.st_mode);
    fchmodat(dir, name, mode | Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink)
        .or_else(|_| fchmodat(dir, name, mode | Mode::S_IRWXU, FchmodatFlags::FollowSymlink))?;
    let opened = Dir::openat(dir, name, FLAGS, Mode::empty());
    if let Ok(opened) = &opened {
        fchmod(opened, mode)?;
    }
    opened
}
