//! Control files in trees that a program may change: those that are there cannot be changed, and those that it makes
//! nevertheless are renamed when it has ended, so that nobody obeys them.
//!
//! Landlock gives rights on whole trees and takes none away within them; mounts do. Below `.git` a program must
//! write, or git could not work, so that there only what git obeys is kept from it.

mod walk;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat2, renameat2};
use nix::sys::stat::{FileStat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::message::{Failure, Launch, Tree};
use crate::view::{self, HIDDEN_DIR, HIDDEN_FILE, READ_ONLY, attach, clone_mount, open_path, set_attributes};
use walk::walk;

/// What git obeys in its directory.
const OBEYED_BY_GIT: [&str; 6] = ["commondir", "config", "config.worktree", "hooks", "modules", "worktrees"];

/// What is added to the name of a file that nobody is to obey.
const HELD_BACK: &str = ".held-back";
/// Bytes that a name may have.
const NAME_BYTES: usize = 255;
/// How many names are told; there is no bound on how many files are renamed.
const TOLD: usize = 64;

/// The control files of all trees, as they were before the program began.
pub(crate) struct Guard {
    is_control_file: fn(&OsStr) -> bool,
    /// What is mounted on itself, by device and inode: wherever it is now, it is what it was.
    sealed: HashSet<(u64, u64)>,
    /// Links, on which nothing can be mounted; one that was made anew has another time of change.
    links: HashSet<Change>,
}

/// Device, inode and time of the last change.
type Change = (u64, u64, i64, i64);

/// What a program made that it may not.
#[derive(Debug, Default)]
pub(crate) struct HeldBack {
    /// The first of them, as the program named them.
    pub(crate) names: Vec<String>,
    /// How many there were.
    pub(crate) count: u64,
    /// Whether everything was looked at.
    pub(crate) complete: bool,
}

impl Guard {
    /// Protects what is there. The process must be in its own root.
    pub(crate) fn protect(
        launch: &Launch,
        is_control_file: fn(&OsStr) -> bool,
        until: Instant,
    ) -> Result<Self, Failure> {
        let mut guard = Self { is_control_file, sealed: HashSet::new(), links: HashSet::new() };
        for tree in &launch.trees {
            let at = |step: &str| format!("{step} {}", tree.target.display());
            hide(tree).map_err(Failure::at(at("hiding what is denied in")))?;
            if tree.writes {
                guard.seal(tree, until).map_err(Failure::at(at("protecting control files of")))?;
            }
            // Where the tree goes by two names, what is mounted in it is to be seen under both.
            if tree.source != tree.target && tree.source.is_dir() {
                clone_mount(&open_path(&tree.target, libc::O_DIRECTORY).map_err(Failure::at(at("showing")))?)
                    .and_then(|copy| attach(&copy, &open_path(&tree.source, libc::O_DIRECTORY)?))
                    .map_err(Failure::at(at("showing")))?;
            }
        }
        Ok(guard)
    }

    fn seal(&mut self, tree: &Tree, until: Instant) -> io::Result<()> {
        let mut found = Vec::new();
        walk(tree, self.is_control_file, until, |dir, name, relative| {
            // What was changed while another program had this tree may be that program's.
            let is_old =
                |stat: FileStat| tree.since.is_none_or(|since| (stat.st_ctime, stat.st_ctime_nsec) < since);
            if !is_allowed(tree, relative) && stat(dir, name).is_some_and(is_old) {
                found.push(relative.to_owned());
            }
            Ok(())
        })?;
        for relative in found {
            if is_git_directory(&tree.target.join(&relative)) {
                // Mounted on itself, it can be neither renamed nor removed.
                self.sealed.insert(mount_on_itself(tree, &relative, 0)?);
                for name in OBEYED_BY_GIT.map(|name| relative.join(name)) {
                    if !is_allowed(tree, &name) {
                        self.fix(tree, &name)?;
                    }
                }
            } else {
                self.fix(tree, &relative)?;
            }
        }
        Ok(())
    }

    /// Makes one file or directory what cannot be changed, if it is there.
    fn fix(&mut self, tree: &Tree, relative: &Path) -> io::Result<()> {
        match tree.target.join(relative).symlink_metadata() {
            Err(_) => {}
            Ok(found) if found.is_symlink() => {
                self.links.insert((found.dev(), found.ino(), found.ctime(), found.ctime_nsec()));
            }
            Ok(_) => {
                self.sealed.insert(mount_on_itself(tree, relative, READ_ONLY)?);
            }
        }
        Ok(())
    }

    /// Renames the control files that the program made.
    pub(crate) fn hold_back(&self, launch: &Launch, until: Instant) -> HeldBack {
        let mut held = HeldBack { complete: true, ..HeldBack::default() };
        for tree in launch.trees.iter().filter(|tree| tree.writes) {
            let walked = walk(tree, self.is_control_file, until, |dir, name, relative| {
                if is_allowed(tree, relative) {
                    return Ok(());
                }
                if self.is_new(dir, name) {
                    set_aside(dir, name);
                    held.tell(&tree.target.join(relative));
                } else if let Ok(git) = open_directory(dir, name)
                    && relative.ends_with(".git")
                {
                    for name in OBEYED_BY_GIT {
                        let obeyed = relative.join(name);
                        if !is_allowed(tree, &obeyed) && self.is_new(git.as_fd(), OsStr::new(name)) {
                            set_aside(git.as_fd(), OsStr::new(name));
                            held.tell(&tree.target.join(obeyed));
                        }
                    }
                }
                Ok(())
            });
            held.complete &= walked.is_ok();
            for relative in &tree.hidden {
                let path = tree.target.join(relative);
                if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
                    && let Ok(dir) = open_path(parent, libc::O_DIRECTORY | libc::O_NOFOLLOW)
                    && stat(dir.as_fd(), name).is_some_and(|found| !is_hidden(&found))
                {
                    set_aside(dir.as_fd(), name);
                    held.tell(&path);
                }
            }
        }
        held
    }

    /// Whether the program made what has a name in a directory.
    fn is_new(&self, dir: BorrowedFd<'_>, name: &OsStr) -> bool {
        stat(dir, name).is_some_and(|found| {
            !self.sealed.contains(&(found.st_dev, found.st_ino))
                && !self.links.contains(&(found.st_dev, found.st_ino, found.st_ctime, found.st_ctime_nsec))
        })
    }
}

impl HeldBack {
    fn tell(&mut self, path: &Path) {
        self.count += 1;
        if self.names.len() < TOLD {
            self.names.push(path.to_string_lossy().chars().take(TOLD * 8).collect());
        }
    }
}

/// Whether a control file, or one that it lies in, was granted by name.
fn is_allowed(tree: &Tree, relative: &Path) -> bool {
    tree.control_allowed.iter().any(|allowed| relative.starts_with(allowed))
}

/// Puts what is denied out of sight, and keeps it where it is: whoever moved a directory above it would see it at the
/// next start.
fn hide(tree: &Tree) -> io::Result<()> {
    for relative in &tree.hidden {
        let place = match within(tree, relative) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let above = relative.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        for above in above.collect::<Vec<_>>().into_iter().rev() {
            mount_on_itself(tree, above, 0)?;
        }
        let place = within(tree, relative).or(Ok::<_, io::Error>(place))?;
        let nothing = if place.metadata()?.is_dir() { HIDDEN_DIR } else { HIDDEN_FILE };
        let copy = clone_mount(&open_path(Path::new(nothing), 0)?)?;
        set_attributes(&copy, READ_ONLY)?;
        attach(&copy, &place)?;
    }
    Ok(())
}

/// Whether something is what is mounted over a path that was denied.
fn is_hidden(found: &FileStat) -> bool {
    let nothing = [HIDDEN_DIR, HIDDEN_FILE].map(|path| fs::symlink_metadata(path).ok());
    nothing.iter().flatten().any(|nothing| (nothing.dev(), nothing.ino()) == (found.st_dev, found.st_ino))
}

/// Mounts a part of a tree on itself; answers its device and inode.
fn mount_on_itself(tree: &Tree, relative: &Path, attributes: u64) -> io::Result<(u64, u64)> {
    let place = within(tree, relative)?;
    let found = place.metadata()?;
    let copy = clone_mount(&place)?;
    set_attributes(&copy, attributes)?;
    attach(&copy, &place)?;
    Ok((found.dev(), found.ino()))
}

/// Whether a control file is a directory of git, in which programs must write.
fn is_git_directory(path: &Path) -> bool {
    path.ends_with(".git") && path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// What is at a path within a tree, without links.
fn within(tree: &Tree, relative: &Path) -> io::Result<fs::File> {
    let root = view::open_path(&tree.target, libc::O_DIRECTORY)?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH);
    Ok(openat2(&root, relative, how)?.into())
}

fn open_directory(dir: BorrowedFd<'_>, name: &OsStr) -> nix::Result<std::os::fd::OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    nix::fcntl::openat(dir, name, flags, nix::sys::stat::Mode::empty())
}

fn stat(dir: BorrowedFd<'_>, name: &OsStr) -> Option<FileStat> {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()
}

/// Gives a file a name that nobody obeys, or removes it where no name is to be had.
fn set_aside(dir: BorrowedFd<'_>, name: &OsStr) {
    let keep = name.as_bytes().get(..NAME_BYTES - 32).unwrap_or(name.as_bytes());
    for attempt in 0..8 {
        let mut aside = keep.to_owned();
        aside.extend(HELD_BACK.bytes());
        if attempt > 0 {
            // What the program cannot foresee, it cannot have taken.
            aside.extend(format!("-{:x}", RandomState::new().hash_one(attempt)).bytes());
        }
        match renameat2(dir, name, dir, OsString::from_vec(aside).as_os_str(), RenameFlags::RENAME_NOREPLACE)
        {
            Err(Errno::EEXIST) => {}
            Ok(()) => return,
            Err(_) => break,
        }
    }
    // A directory that cannot be renamed and is not empty stays, and is told all the same.
    let _ = unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)
        .or_else(|_| unlinkat(dir, name, UnlinkatFlags::RemoveDir));
}
