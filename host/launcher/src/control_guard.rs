//! Control files in trees that a program may change: those that are there cannot be changed, and those that it makes
//! nevertheless are renamed when it has ended, so that nobody obeys them.
//!
//! Landlock gives rights on whole trees and takes none away within them; mounts do. Below `.git` a program must
//! write, or git could not work, so that there only what git obeys is kept from it.

mod walk;

use std::collections::{BTreeSet, HashSet};
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
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

use crate::message::{Failure, Launch, Tree};
use crate::view::{self, HIDDEN_DIR, HIDDEN_FILE, READ_ONLY, attach, clone_mount, open_path, set_attributes};
use walk::{How, set_mode, walk};

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
        walk(tree, self.is_control_file, (How::Strictly, until), |dir, name, relative| {
            if !is_allowed(tree, relative) && stat(dir, name).is_some_and(|found| is_old(tree, &found)) {
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
            Ok(found) if !is_known(tree, (found.dev(), found.ino()), (found.ctime(), found.ctime_nsec())) => {
            }
            Ok(found) if found.is_symlink() => {
                self.links.insert((found.dev(), found.ino(), found.ctime(), found.ctime_nsec()));
            }
            Ok(_) => {
                self.sealed.insert(mount_on_itself(tree, relative, READ_ONLY)?);
            }
        }
        Ok(())
    }

    /// What is protected, by device and inode, for programs that begin while this one runs.
    pub(crate) fn sealed(&self) -> Vec<(u64, u64)> {
        self.sealed.iter().copied().collect()
    }

    /// Renames the control files that the program made.
    pub(crate) fn hold_back(&self, launch: &Launch, until: Instant) -> HeldBack {
        let mut held = HeldBack { complete: true, ..HeldBack::default() };
        for tree in launch.trees.iter().filter(|tree| tree.writes) {
            let walked = walk(tree, self.is_control_file, (How::Everywhere, until), |dir, name, relative| {
                if is_allowed(tree, relative) {
                    return Ok(());
                }
                if self.is_new(dir, name) {
                    held.tell(&tree.target.join(relative));
                    return set_aside(dir, name);
                }
                if !relative.ends_with(".git") {
                    return Ok(());
                }
                let Ok(git) = open_directory(dir, name) else { return Ok(()) };
                for name in OBEYED_BY_GIT {
                    let obeyed = relative.join(name);
                    if !is_allowed(tree, &obeyed) && self.is_new(git.as_fd(), OsStr::new(name)) {
                        held.tell(&tree.target.join(obeyed));
                        set_aside(git.as_fd(), OsStr::new(name))?;
                    }
                }
                Ok(())
            });
            held.complete &= walked.unwrap_or(false);
            // What came to lie in the place of what is denied is the owner's to look at: under another name it would no
            // longer be denied.
            for path in tree.hidden.iter().map(|hidden| tree.target.join(hidden)) {
                if view::open_path(&path, libc::O_NOFOLLOW).is_ok_and(|found| !is_hidden(&found)) {
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

/// Whether what has such an identity and time of change was there before any program that now has the tree.
fn is_known(tree: &Tree, identity: (u64, u64), change: (i64, i64)) -> bool {
    tree.since.is_none_or(|since| change < since) || tree.known.contains(&identity)
}

fn is_old(tree: &Tree, found: &FileStat) -> bool {
    is_known(tree, (found.st_dev, found.st_ino), (found.st_ctime, found.st_ctime_nsec))
}

/// Puts what is denied out of sight, and keeps it where it is: whoever moved a directory above it would see it at the
/// next start.
fn hide(tree: &Tree) -> io::Result<()> {
    let is_missing =
        |error: &io::Error| matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP));
    let hidden: Vec<_> = tree.hidden.iter().map(|relative| (relative, within(tree, relative))).collect();
    let there = hidden.iter().filter(|(_, place)| place.is_ok()).map(|(relative, _)| relative);
    let above: BTreeSet<&Path> = there.flat_map(|relative| relative.ancestors().skip(1)).collect();
    for above in above.into_iter().filter(|above| !above.as_os_str().is_empty()) {
        mount_on_itself(tree, above, 0)?;
    }
    for (relative, place) in hidden {
        match place {
            Err(error) if is_missing(&error) => continue,
            place => drop(place?),
        }
        // Anew: what is above it was mounted since.
        let place = within(tree, relative)?;
        let nothing = if place.metadata()?.is_dir() { HIDDEN_DIR } else { HIDDEN_FILE };
        let copy = clone_mount(&open_path(Path::new(nothing), 0)?)?;
        set_attributes(&copy, READ_ONLY)?;
        attach(&copy, &place)?;
    }
    Ok(())
}

/// Whether something is what is mounted over a path that was denied.
fn is_hidden(found: &fs::File) -> bool {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let nothing = [HIDDEN_DIR, HIDDEN_FILE].map(|path| fs::symlink_metadata(path).ok().map(identity));
    found.metadata().is_ok_and(|found| nothing.contains(&Some(identity(found))))
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

/// Gives a file a name that nobody obeys.
fn set_aside(dir: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match rename_aside(dir, name) {
        // Its owner, who is this process, may write in it all the same.
        Err(Errno::EACCES) => {
            let mode = Mode::from_bits_truncate(fstat(dir)?.st_mode);
            set_mode(dir, mode | Mode::S_IRWXU)?;
            let renamed = rename_aside(dir, name);
            set_mode(dir, mode)?;
            Ok(renamed?)
        }
        renamed => Ok(renamed?),
    }
}

fn rename_aside(dir: BorrowedFd<'_>, name: &OsStr) -> nix::Result<()> {
    let keep = name.as_bytes().get(..NAME_BYTES - 32).unwrap_or(name.as_bytes());
    let aside = |end: &str| OsString::from_vec([keep, HELD_BACK.as_bytes(), end.as_bytes()].concat());
    // What the program cannot foresee, it cannot have taken.
    let random = aside(&format!("-{:x}", RandomState::new().hash_one(name)));
    let rename = |to: &OsStr, flags| renameat2(dir, name, dir, to, flags);
    match rename(&aside(""), RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EEXIST) => rename(&random, RenameFlags::RENAME_NOREPLACE),
        // Not every file system knows of that.
        Err(Errno::EINVAL | Errno::ENOSYS) => rename(&random, RenameFlags::empty()),
        renamed => renamed,
    }
}
