//! Control files in trees that a program may change: those that are there cannot be changed, and those that it makes
//! nevertheless are renamed when it has ended, so that nobody obeys them.
//!
//! Landlock gives rights on whole trees and takes none away within them; mounts do. Below `.git` a program must
//! write, or git could not work, so that there only what git obeys is kept from it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::message::{Failure, Launch, Tree};
use crate::view::{self, HIDDEN_DIR, HIDDEN_FILE, READ_ONLY, attach, clone_mount, open_path, set_attributes};

/// What git obeys in its directory.
const OBEYED_BY_GIT: [&str; 6] = ["commondir", "config", "config.worktree", "hooks", "modules", "worktrees"];

/// What is added to the name of a file that nobody is to obey.
const HELD_BACK: &str = ".held-back";

/// The control files of all trees, as they were before the program began.
pub(crate) struct Guard {
    is_control_file: fn(&OsStr) -> bool,
    /// What is mounted on itself, by device and inode: wherever it is now, it is what it was.
    sealed: HashSet<(u64, u64)>,
    /// Links, on which nothing can be mounted; one that was made anew has another time of change.
    links: HashSet<(PathBuf, Option<Change>)>,
}

/// Device, inode and time of the last change.
type Change = (u64, u64, i64, i64);

impl Guard {
    /// Protects what is there. The process must be in its own root.
    pub(crate) fn protect(launch: &Launch, is_control_file: fn(&OsStr) -> bool) -> Result<Self, Failure> {
        let mut guard = Self { is_control_file, sealed: HashSet::new(), links: HashSet::new() };
        for tree in &launch.trees {
            let at = |step: &str| format!("{step} {}", tree.target.display());
            hide(tree).map_err(Failure::at(at("hiding what is denied in")))?;
            if tree.writes {
                guard.seal(tree).map_err(Failure::at(at("protecting control files of")))?;
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

    fn seal(&mut self, tree: &Tree) -> io::Result<()> {
        for relative in self.control_files(tree)? {
            let path = tree.target.join(&relative);
            if is_git_directory(&path) {
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
        let path = tree.target.join(relative);
        match path.symlink_metadata() {
            Err(_) => {}
            Ok(found) if found.is_symlink() => drop(self.links.insert((path.clone(), change(&path)))),
            Ok(_) => drop(self.sealed.insert(mount_on_itself(tree, relative, READ_ONLY)?)),
        }
        Ok(())
    }

    /// Renames the control files that the program made; answers what they were called.
    pub(crate) fn hold_back(&self, launch: &Launch) -> Vec<String> {
        let mut made = Vec::new();
        for tree in launch.trees.iter().filter(|tree| tree.writes) {
            for relative in self.control_files(tree).unwrap_or_default() {
                let path = tree.target.join(&relative);
                if self.is_new(&path) {
                    made.push(path);
                } else if is_git_directory(&path) {
                    let obeyed = OBEYED_BY_GIT.map(|name| relative.join(name));
                    let obeyed = obeyed.into_iter().filter(|name| !is_allowed(tree, name));
                    made.extend(obeyed.map(|name| tree.target.join(name)).filter(|path| self.is_new(path)));
                }
            }
            let hidden = tree.hidden.iter().map(|hidden| tree.target.join(hidden));
            made.extend(hidden.filter(|path| !self.is_hidden(path) && path.symlink_metadata().is_ok()));
        }
        made.iter().for_each(|path| set_aside(path));
        made.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// Whether the program made what is at a path.
    fn is_new(&self, path: &Path) -> bool {
        let Some((device, inode, ..)) = change(path) else { return false };
        !self.sealed.contains(&(device, inode)) && !self.links.contains(&(path.to_owned(), change(path)))
    }

    /// Whether something is mounted over a path that was denied.
    fn is_hidden(&self, path: &Path) -> bool {
        let identity = |path: &Path| change(path).map(|(device, inode, ..)| (device, inode));
        let nothing = [HIDDEN_DIR, HIDDEN_FILE].map(|path| identity(Path::new(path)));
        identity(path).is_some_and(|found| nothing.contains(&Some(found)))
    }

    /// The control files of a tree that were not allowed by name.
    fn control_files(&self, tree: &Tree) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut left = vec![PathBuf::new()];
        while let Some(relative) = left.pop() {
            let Ok(entries) = fs::read_dir(tree.target.join(&relative)) else { continue };
            for entry in entries {
                let entry = entry?;
                let name = relative.join(entry.file_name());
                if is_allowed(tree, &name) {
                    continue;
                }
                if (self.is_control_file)(&entry.file_name()) {
                    found.push(name);
                } else if entry.file_type()?.is_dir() {
                    left.push(name);
                }
            }
        }
        Ok(found)
    }
}

/// Whether a control file, or one that it lies in, was granted by name.
fn is_allowed(tree: &Tree, relative: &Path) -> bool {
    tree.control_allowed.iter().any(|allowed| relative.starts_with(allowed))
}

/// Puts what is denied out of sight.
fn hide(tree: &Tree) -> io::Result<()> {
    for relative in &tree.hidden {
        let place = match within(tree, relative) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let nothing = if place.metadata()?.is_dir() { HIDDEN_DIR } else { HIDDEN_FILE };
        let copy = clone_mount(&open_path(Path::new(nothing), 0)?)?;
        set_attributes(&copy, READ_ONLY)?;
        attach(&copy, &place)?;
    }
    Ok(())
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

fn change(path: &Path) -> Option<Change> {
    let found = path.symlink_metadata().ok()?;
    Some((found.dev(), found.ino(), found.ctime(), found.ctime_nsec()))
}

/// What is at a path within a tree, without links.
fn within(tree: &Tree, relative: &Path) -> io::Result<fs::File> {
    let root = view::open_path(&tree.target, libc::O_DIRECTORY)?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_BENEATH);
    Ok(openat2(&root, relative, how)?.into())
}

fn set_aside(path: &Path) {
    let aside = (0..1_000).map(|number| {
        let mut aside = path.as_os_str().to_owned();
        aside.push(HELD_BACK);
        if number > 0 {
            aside.push(format!("-{number}"));
        }
        PathBuf::from(aside)
    });
    if let Some(free) = aside.into_iter().find(|aside| aside.symlink_metadata().is_err()) {
        // Nothing is left to do where this fails; it is told to the host in any case.
        let _ = fs::rename(path, free);
    }
}
