//! Making, renaming, linking and deleting names, each with one system call on an open parent directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Timestamps, fstat, mkdirat, openat, renameat, statat, symlinkat,
};
use rustix::fs::{readlinkat, unlinkat};

use super::budget::blocks;
use super::descriptor::{Directory, Place};
use super::error::FsResult;
use super::sys;
use super::tree::{Tree, Use};
use super::walk::{self, Entry, Step};
use crate::bindings::wasi::filesystem::types::ErrorCode;
use crate::capability::Reason;

/// A larger directory is not renamed: that it holds no control file could not be shown in bounded time.
const MOVED_ENTRIES: usize = 50_000;

/// Makes a directory.
pub(super) fn create_directory(directory: &Directory, path: &str) -> FsResult<()> {
    let place = directory.place(Use::Write, path)?;
    make(directory, &place, || mkdirat(&*place.parent, place.name, Mode::from_raw_mode(0o777)))
}

/// Makes a symbolic link, whose target must be one that stays in the tree.
pub(super) fn symlink(directory: &Directory, target: &str, path: &str) -> FsResult<()> {
    let place = directory.place(Use::Write, path)?;
    if place.must_be_directory {
        return Err(ErrorCode::NotDirectory.into());
    }
    directory.tree.allow_whole(&place.relative)?;
    if leads_out(Path::new(target), depth(&place.relative)) {
        return Err(directory.tree.refuse_at(Use::Write, &place.relative, Reason::OutsideTree));
    }
    make(directory, &place, || symlinkat(target, &*place.parent, place.name))
}

fn make(
    directory: &Directory,
    place: &Place<'_>,
    call: impl FnOnce() -> rustix::io::Result<()>,
) -> FsResult<()> {
    let tree = &directory.tree;
    tree.allow(Use::Write, &place.relative)?;
    tree.take_file(&place.relative)?;
    call().inspect_err(|_| {
        tree.meter().give_back_file();
        tree.freed();
    })?;
    Ok(())
}

/// Deletes a name that is not a directory's.
pub(super) fn unlink(directory: &Directory, path: &str) -> FsResult<()> {
    let place = directory.place(Use::Write, path)?;
    directory.tree.allow(Use::Write, &place.relative)?;
    if place.must_be_directory {
        let found = kind(&place)?;
        let is_directory = found == FileType::Directory;
        return Err(if is_directory { ErrorCode::IsDirectory } else { ErrorCode::NotDirectory }.into());
    }
    unlinkat(&*place.parent, place.name, AtFlags::empty())?;
    directory.tree.freed();
    Ok(())
}

/// Deletes an empty directory.
pub(super) fn remove_directory(directory: &Directory, path: &str) -> FsResult<()> {
    let place = directory.place(Use::Write, path)?;
    directory.tree.allow(Use::Write, &place.relative)?;
    unlinkat(&*place.parent, place.name, AtFlags::REMOVEDIR)?;
    directory.tree.freed();
    Ok(())
}

/// Gives a regular file a second name. Both names must be ones that may be written, lest a file that may
/// only be read becomes one that may be written.
pub(super) fn link(from: &Directory, old_path: &str, to: &Directory, new_path: &str) -> FsResult<()> {
    let old = from.place(Use::Write, old_path)?;
    let new = to.place(Use::Write, new_path)?;
    from.tree.allow(Use::Write, &old.relative)?;
    to.tree.allow(Use::Write, &new.relative)?;
    if old.must_be_directory || new.must_be_directory {
        return Err(ErrorCode::NotDirectory.into());
    }
    let looked_at = openat(&*old.parent, old.name, sys::LOOK | OFlags::NOFOLLOW, Mode::empty())?;
    let stat = fstat(&looked_at)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory | FileType::Symlink => return Err(ErrorCode::NotPermitted.into()),
        _ => return Err(from.tree.refuse_at(Use::Write, &old.relative, Reason::SpecialFile)),
    }
    let tree = &to.tree;
    tree.take_file(&new.relative)?;
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    tree.take_blocks(blocks(size).saturating_sub(blocks(0)), || new.relative.clone())
        .and_then(|()| Ok(sys::link(&looked_at, (&*old.parent, old.name), (&*new.parent, new.name))?))
        .inspect_err(|_| {
            tree.meter().give_back_file();
            tree.freed();
        })
}

/// Renames a file, a link or a directory; neither name may be a control file's, nor may a directory hold one.
pub(super) fn rename(from: &Directory, old_path: &str, to: &Directory, new_path: &str) -> FsResult<()> {
    let old = from.place(Use::Write, old_path)?;
    let new = to.place(Use::Write, new_path)?;
    from.tree.allow_whole(&old.relative)?;
    to.tree.allow_whole(&new.relative)?;
    let stat = statat(&*old.parent, old.name, AtFlags::SYMLINK_NOFOLLOW)?;
    let found = FileType::from_raw_mode(stat.st_mode);
    if (old.must_be_directory || new.must_be_directory) && found != FileType::Directory {
        return Err(ErrorCode::NotDirectory.into());
    }
    let mut moved = Move { from: &from.tree, to: &to.tree, old: &old, new: &new, entries: 0, blocks: 0 };
    match found {
        FileType::Directory => moved.check_directory()?,
        FileType::Symlink => {
            let target = readlinkat(&*old.parent, old.name, Vec::new())?;
            moved.check_link(Path::new(OsStr::from_bytes(target.to_bytes())), Path::new(""))?;
            moved.blocks = blocks(0);
        }
        _ => moved.blocks = blocks(u64::try_from(stat.st_size).unwrap_or(0)),
    }
    if !Arc::ptr_eq(&from.tree, &to.tree) {
        to.tree.take_blocks(moved.blocks, || new.relative.clone())?;
    }
    let result = renameat(&*old.parent, old.name, &*new.parent, new.name);
    from.tree.freed();
    to.tree.freed();
    Ok(result?)
}

/// A rename that is checked before it is made.
struct Move<'a> {
    from: &'a Tree,
    to: &'a Tree,
    old: &'a Place<'a>,
    new: &'a Place<'a>,
    entries: usize,
    /// What all that is moved takes of a quota.
    blocks: u64,
}

impl Move<'_> {
    fn check_directory(&mut self) -> FsResult<()> {
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let moved = Dir::from(openat(&*self.old.parent, self.old.name, flags, Mode::empty())?);
        self.blocks = blocks(0);
        walk::walk(&moved, &mut |entry| self.check_entry(entry))?;
        Ok(())
    }

    fn check_entry(&mut self, entry: &Entry<'_>) -> FsResult<Step> {
        self.entries += 1;
        if self.entries > MOVED_ENTRIES {
            return Err(self.from.refuse_at(Use::Write, &self.old.relative, Reason::QuotaExceeded));
        }
        self.blocks = self.blocks.saturating_add(blocks(entry.size()?));
        if super::control_files::control_name(entry.name()).is_some() {
            let inner = entry.parent.join(entry.name());
            self.from.allow(Use::Write, &self.old.relative.join(&inner))?;
            self.to.allow(Use::Write, &self.new.relative.join(&inner))?;
        }
        if entry.kind == FileType::Symlink {
            self.check_link(&entry.target()?, &entry.parent.join(entry.name()))?;
        }
        Ok(Step::Continue)
    }

    /// Refuses to carry a link, at `inner` of what is moved, to where it comes to lead out of the tree.
    fn check_link(&self, target: &Path, inner: &Path) -> FsResult<()> {
        let below = inner.components().count();
        let led_out = leads_out(target, depth(&self.old.relative) + below);
        if !led_out && leads_out(target, depth(&self.new.relative) + below) {
            // Joining an empty path would add a slash.
            let place = if below == 0 { self.new.relative.clone() } else { self.new.relative.join(inner) };
            return Err(self.to.refuse_at(Use::Write, &place, Reason::OutsideTree));
        }
        Ok(())
    }
}

/// Sets the times of what a path leads to; of a link itself, if links are not followed.
pub(super) fn set_times_at(
    directory: &Directory,
    path: &str,
    follow: bool,
    times: &Timestamps,
) -> FsResult<()> {
    let looked_at = directory.look(Use::Write, path, follow)?;
    directory.tree.allow_opened(Use::Write, &looked_at)?;
    match FileType::from_raw_mode(fstat(&looked_at)?.st_mode) {
        FileType::RegularFile | FileType::Directory | FileType::Symlink => {
            Ok(sys::set_times(&looked_at, times)?)
        }
        _ => {
            let relative = directory.tree.relative(&looked_at)?;
            Err(directory.tree.refuse_at(Use::Write, &relative, Reason::SpecialFile))
        }
    }
}

/// Where a link leads. One that leads to an absolute path says nothing that a guest could use.
pub(super) fn read_link(directory: &Directory, path: &str) -> FsResult<String> {
    let place = directory.place(Use::Read, path)?;
    directory.tree.allow(Use::Read, &place.relative)?;
    let target = readlinkat(&*place.parent, place.name, Vec::new())?;
    if target.to_bytes().starts_with(b"/") {
        return Err(directory.tree.refuse_at(Use::Read, &place.relative, Reason::OutsideTree));
    }
    target.into_string().map_err(|_| ErrorCode::IllegalByteSequence.into())
}

fn kind(place: &Place<'_>) -> FsResult<FileType> {
    let stat = statat(&*place.parent, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// How many directories deep in its tree a name is.
fn depth(relative: &Path) -> usize {
    relative.components().count().saturating_sub(1)
}

/// Whether a link in a directory `depth` levels deep could lead out of the tree. `..` counts only at the
/// beginning, where the directory is known: after a name, which may be a link itself, it may be anywhere.
fn leads_out(target: &Path, depth: usize) -> bool {
    let mut depth = depth;
    let mut descended = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(_) => descended = true,
            Component::ParentDir if !descended && depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::leads_out;

    #[test]
    fn a_link_may_climb_as_far_as_the_root_and_only_at_its_beginning() {
        for (target, depth, out) in [
            ("x", 0, false),
            ("./x/y", 0, false),
            ("..", 0, true),
            ("../x", 1, false),
            ("../../x", 1, true),
            ("../..", 2, false),
            ("x/..", 5, true),
            ("x/../../..", 1, true),
            ("/x", 3, true),
        ] {
            assert_eq!(leads_out(Path::new(target), depth), out, "{target} at {depth}");
        }
    }
}
