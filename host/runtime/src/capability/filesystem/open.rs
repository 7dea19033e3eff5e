//! Opening: what is there is looked at first, and only a regular file or a directory is then opened.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags, fstat, ftruncate, openat};

use super::descriptor::{Descriptor, Directory, OpenFile};
use super::error::{FsError, FsResult};
use super::sys;
use super::tree::Use;
use crate::bindings::wasi::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags};
use crate::capability::Reason;

/// How often an open is tried anew when a file appears and disappears under it.
const ATTEMPTS: usize = 4;

/// What a guest asks to open.
struct Wanted<'a> {
    path: &'a str,
    open: OpenFlags,
    flags: DescriptorFlags,
}

impl Wanted<'_> {
    fn check(&self) -> Result<(), ErrorCode> {
        let makes_or_cuts = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        if self.open.contains(OpenFlags::DIRECTORY) && self.open.intersects(makes_or_cuts) {
            return Err(ErrorCode::Invalid);
        }
        if self.open.contains(OpenFlags::TRUNCATE) && !self.writes() {
            return Err(ErrorCode::Invalid);
        }
        Ok(())
    }

    fn writes(&self) -> bool {
        self.flags.contains(DescriptorFlags::WRITE)
    }

    fn creates(&self) -> bool {
        self.open.contains(OpenFlags::CREATE)
    }

    fn usage(&self) -> Use {
        let writes = self.flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY);
        if writes || self.creates() { Use::Write } else { Use::Read }
    }

    /// The flags of a file that is opened so: who asks for neither reading nor writing gets reading.
    fn file_flags(&self) -> DescriptorFlags {
        let flags = self.flags & !DescriptorFlags::MUTATE_DIRECTORY;
        if self.writes() { flags } else { flags | DescriptorFlags::READ }
    }

    fn oflags(&self) -> OFlags {
        let flags = self.file_flags();
        let access = match (flags.contains(DescriptorFlags::READ), self.writes()) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        let mut oflags = access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        if flags.contains(DescriptorFlags::FILE_INTEGRITY_SYNC) {
            oflags |= OFlags::SYNC;
        } else if flags
            .intersects(DescriptorFlags::DATA_INTEGRITY_SYNC | DescriptorFlags::REQUESTED_WRITE_SYNC)
        {
            oflags |= OFlags::DSYNC;
        }
        oflags
    }
}

/// Opens a path in a directory.
///
/// A link whose target does not exist is not created through: that is `no-entry`.
pub(super) fn open_at(
    directory: &Directory,
    follow: bool,
    path: &str,
    open: OpenFlags,
    flags: DescriptorFlags,
) -> FsResult<Descriptor> {
    let wanted = Wanted { path, open, flags };
    wanted.check()?;
    for _ in 0..ATTEMPTS {
        match directory.look(wanted.usage(), path, follow) {
            Ok(_) if open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) => {
                return Err(ErrorCode::Exist.into());
            }
            Ok(looked_at) => return open_found(directory, looked_at, &wanted),
            Err(FsError::Guest(ErrorCode::NoEntry)) if wanted.creates() => match create(directory, &wanted) {
                Err(FsError::Guest(ErrorCode::Exist)) if !open.contains(OpenFlags::EXCLUSIVE) => {}
                result => return result,
            },
            Err(error) => return Err(error),
        }
    }
    Err(ErrorCode::NoEntry.into())
}

/// Opens what was looked at, if its place and kind allow it.
fn open_found(directory: &Directory, looked_at: OwnedFd, wanted: &Wanted<'_>) -> FsResult<Descriptor> {
    let tree = &directory.tree;
    tree.allow_opened(wanted.usage(), &looked_at)?;
    match FileType::from_raw_mode(fstat(&looked_at)?.st_mode) {
        FileType::Directory if wanted.writes() => Err(ErrorCode::IsDirectory.into()),
        FileType::Directory => {
            let slot = tree.slot(wanted.path)?;
            let dir = Arc::new(Dir::from(looked_at));
            let opened = Directory { tree: Arc::clone(tree), dir, _slot: Some(slot) };
            Ok(Descriptor::Directory(Arc::new(opened)))
        }
        FileType::Symlink => Err(ErrorCode::Loop.into()),
        _ if wanted.open.contains(OpenFlags::DIRECTORY) => Err(ErrorCode::NotDirectory.into()),
        FileType::RegularFile => {
            let slot = tree.slot(wanted.path)?;
            let fd = sys::reopen(&looked_at, wanted.oflags())?;
            if wanted.open.contains(OpenFlags::TRUNCATE) {
                ftruncate(&fd, 0)?;
                tree.freed();
            }
            let opened = OpenFile { tree: Arc::clone(tree), fd, flags: wanted.file_flags(), _slot: slot };
            Ok(opened_file(opened))
        }
        _ => {
            let relative = tree.relative(&looked_at)?;
            Err(tree.refuse_at(wanted.usage(), &relative, Reason::SpecialFile))
        }
    }
}

/// Makes a file that is not there yet.
fn create(directory: &Directory, wanted: &Wanted<'_>) -> FsResult<Descriptor> {
    let tree = &directory.tree;
    let place = directory.place(Use::Write, wanted.path)?;
    if place.must_be_directory {
        return Err(ErrorCode::IsDirectory.into());
    }
    tree.allow(Use::Write, &place.relative)?;
    let slot = tree.slot(wanted.path)?;
    tree.take_file(&place.relative)?;
    let oflags = wanted.oflags() | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let fd = openat(&*place.parent, place.name, oflags, Mode::from_raw_mode(0o666)).inspect_err(|_| {
        tree.meter().give_back_file();
        tree.freed();
    })?;
    let opened = OpenFile { tree: Arc::clone(tree), fd, flags: wanted.file_flags(), _slot: slot };
    Ok(opened_file(opened))
}

fn opened_file(file: OpenFile) -> Descriptor {
    let file = Arc::new(file);
    if let Some(quota) = file.tree.quota().filter(|_| file.flags.contains(DescriptorFlags::WRITE)) {
        quota.opened(&file);
    }
    Descriptor::File(file)
}
