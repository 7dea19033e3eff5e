//! Looks through a tree for control files, by descriptors: no name is too long for that, and no directory that is moved
//! meanwhile leads elsewhere.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat, fstatat};

use crate::message::Tree;

/// The most entries that a tree may have: more take longer to look through than a start may.
const ENTRIES: usize = 200_000;
/// How deep directories may lie.
const DEPTH: usize = 128;
/// After how many entries the time is looked at.
const OFTEN: usize = 256;

/// How a tree is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Before a program begins: what cannot be looked through is no tree for it.
    Strictly,
    /// After it has ended: what can be looked through is, whatever the rest is like.
    Everywhere,
}

/// Calls `found` for every control file: with its directory, its name, and its path relative to the tree. Those of a
/// directory come before what lies deeper. Answers whether everything was looked through.
///
/// # Errors
/// Strictly: a tree that is too large or too deep, one that takes longer than until the given time, and those of the
/// system.
pub(super) fn walk(
    tree: &Tree,
    is_control_file: fn(&OsStr) -> bool,
    (how, until): (How, Instant),
    found: impl FnMut(BorrowedFd<'_>, &OsStr, &Path) -> io::Result<()>,
) -> io::Result<bool> {
    let root = Dir::open(&tree.target, FLAGS, Mode::empty())?;
    let mut walk = Walk { is_control_file, how, until, left: ENTRIES, complete: true, found };
    walk.directory(root, &mut PathBuf::new(), DEPTH)?;
    Ok(walk.complete)
}

const FLAGS: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

struct Walk<F> {
    is_control_file: fn(&OsStr) -> bool,
    how: How,
    until: Instant,
    left: usize,
    complete: bool,
    found: F,
}

impl<F: FnMut(BorrowedFd<'_>, &OsStr, &Path) -> io::Result<()>> Walk<F> {
    fn directory(&mut self, mut dir: Dir, relative: &mut PathBuf, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(io::Error::other(format!("its directories lie deeper than {DEPTH}")));
        };
        let (controls, inner) = self.entries(&mut dir)?;
        for name in controls {
            relative.push(&name);
            let seen = (self.found)(dir.as_fd(), &name, relative);
            relative.pop();
            self.forgive(seen)?;
        }
        for name in inner {
            relative.push(&name);
            let seen = match open(dir.as_fd(), &name) {
                Ok((inner, mode)) => {
                    let again = mode.map(|mode| (inner.as_fd().try_clone_to_owned(), mode));
                    let seen = self.directory(inner, relative, depth);
                    if let Some((Ok(dir), mode)) = again {
                        let _ = set_mode(dir.as_fd(), mode);
                    }
                    seen
                }
                // It was removed, has become something else, or is somebody else's, where the program cannot go either.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES | Errno::EPERM) => Ok(()),
                Err(error) => Err(error.into()),
            };
            relative.pop();
            self.forgive(seen)?;
        }
        Ok(())
    }

    /// Goes on after what could not be looked through, where that is how; not when the time is over.
    fn forgive(&mut self, seen: io::Result<()>) -> io::Result<()> {
        match seen {
            Err(error) if self.how == How::Everywhere && error.kind() != io::ErrorKind::TimedOut => {
                self.complete = false;
                Ok(())
            }
            seen => seen,
        }
    }

    /// The control files of a directory, and the directories in it.
    fn entries(&mut self, dir: &mut Dir) -> io::Result<(Vec<OsString>, Vec<OsString>)> {
        self.look_at_the_time()?;
        let (mut controls, mut inner) = (Vec::new(), Vec::new());
        let parent = dir.as_fd().try_clone_to_owned()?;
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            self.count()?;
            let is_dir = || match entry.file_type() {
                Some(kind) => kind == Type::Directory,
                None => fstatat(&parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .is_ok_and(|found| found.st_mode & libc::S_IFMT == libc::S_IFDIR),
            };
            if (self.is_control_file)(name) {
                controls.push(name.to_owned());
            } else if is_dir() {
                inner.push(name.to_owned());
            }
        }
        Ok((controls, inner))
    }

    fn count(&mut self) -> io::Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None if self.how == How::Everywhere => self.left = ENTRIES,
            None => {
                let advice =
                    format!("it has more than {ENTRIES} entries; give the program access = \"read\"");
                return Err(io::Error::other(advice));
            }
        }
        if self.left.is_multiple_of(OFTEN) { self.look_at_the_time() } else { Ok(()) }
    }

    fn look_at_the_time(&self) -> io::Result<()> {
        if Instant::now() > self.until { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// Opens a directory, also one that its owner, who is this process, cannot list as it is; then with the mode to be
/// given back to it.
fn open(dir: BorrowedFd<'_>, name: &OsStr) -> nix::Result<(Dir, Option<Mode>)> {
    match Dir::openat(dir, name, FLAGS, Mode::empty()) {
        Err(Errno::EACCES) => {}
        opened => return opened.map(|opened| (opened, None)),
    }
    let place = openat(
        dir,
        name,
        OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    let mode = Mode::from_bits_truncate(fstat(&place)?.st_mode);
    set_mode(place.as_fd(), mode | Mode::S_IRWXU)?;
    match Dir::openat(dir, name, FLAGS, Mode::empty()) {
        Ok(opened) => Ok((opened, Some(mode))),
        Err(error) => {
            set_mode(place.as_fd(), mode)?;
            Err(error)
        }
    }
}

/// Gives an open file a mode, also where its descriptor stands for a path only.
pub(super) fn set_mode(file: BorrowedFd<'_>, mode: Mode) -> nix::Result<()> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    fchmodat(nix::fcntl::AT_FDCWD, path.as_str(), mode, FchmodatFlags::FollowSymlink)
}
