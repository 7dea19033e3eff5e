//! One granted tree during a call: where in it a file really is, whether its use is allowed, and what it costs.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;

use super::budget::{Exhausted, Meter, Quota, Slot};
use super::control_files::{control_file, fold};
use super::error::{FsError, FsResult};
use super::{Access, TreeGrant, sys};
use crate::bindings::wasi::filesystem::types::ErrorCode;
use crate::capability::{Capability, Denial, Denials, Reason};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Its content, its metadata or its existence is seen.
    Read,
    /// Its content, its metadata or its name is changed, or it is made.
    Write,
}

impl Use {
    const fn capability(self) -> Capability {
        match self {
            Self::Read => Capability::FilesystemRead,
            Self::Write => Capability::FilesystemWrite,
        }
    }
}

/// A granted tree, for the time of one call.
#[derive(Debug)]
pub struct Tree {
    grant: Arc<TreeGrant>,
    root: Arc<Dir>,
    meter: Arc<Meter>,
    denials: Denials,
    quota: Option<Quota>,
}

impl Tree {
    pub(super) fn new(grant: Arc<TreeGrant>, root: Arc<Dir>, meter: Arc<Meter>, denials: Denials) -> Self {
        let quota = grant.quota.clone().map(Quota::new);
        Self { grant, root, meter, denials, quota }
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(super) fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    pub(super) fn is_writable(&self) -> bool {
        self.grant.access == Access::Write
    }

    /// The tree, as a program of the call is given it.
    pub(super) fn launch_tree(&self) -> std::io::Result<openclaw_launcher::Tree> {
        let found = rustix::fs::fstat(&*self.root)?;
        Ok(openclaw_launcher::Tree {
            source: sys::real_path(&*self.root)?,
            identity: (found.st_dev, found.st_ino),
            target: self.grant.guest_path.clone().into(),
            writes: self.is_writable(),
            hidden: self.grant.denied.clone(),
            control_allowed: self.grant.control_allowed.clone(),
            since: None,
            known: Vec::new(),
        })
    }

    /// Where an open file really is, relative to the tree.
    pub(super) fn relative(&self, fd: impl AsFd) -> FsResult<PathBuf> {
        let path = sys::real_path(fd)?;
        let root = sys::real_path(&*self.root)?;
        match path.strip_prefix(&root) {
            Ok(relative) => Ok(relative.to_owned()),
            // It was moved out of the tree while it was held open, or the tree itself was moved just now.
            Err(_) => Err(self.refuse(Use::Read, &self.guest_path(Path::new("")), Reason::OutsideTree)),
        }
    }

    /// Decides whether what is at `relative`, a real path, may be used.
    fn decide(&self, usage: Use, relative: &Path) -> Result<(), Reason> {
        if self.grant.denied.iter().any(|denied| lies_in(relative, denied)) {
            return Err(Reason::DeniedByOwner);
        }
        if usage == Use::Read {
            return Ok(());
        }
        if !self.is_writable() {
            return Err(Reason::ReadOnly);
        }
        // A grant of a directory around a control file does not name it.
        let names = |allowed: &PathBuf| relative.starts_with(allowed) && control_file(allowed).is_some();
        let by_name = || self.grant.control_allowed.iter().any(names);
        if control_file(relative).is_some() && !by_name() {
            return Err(Reason::ControlFile);
        }
        Ok(())
    }

    /// Allows the use of what is at `relative`, a real path, or denies it and notes that.
    pub(super) fn allow(&self, usage: Use, relative: &Path) -> FsResult<()> {
        self.decide(usage, relative).map_err(|reason| self.refuse_at(usage, relative, reason))
    }

    /// Allows the use of an open file, wherever it really is.
    pub(super) fn allow_opened(&self, usage: Use, fd: impl AsFd) -> FsResult<()> {
        if self.allows_all(usage) { Ok(()) } else { self.allow(usage, &self.relative(fd)?) }
    }

    /// Allows the change of a name, under which there may be a directory with all that it holds.
    pub(super) fn allow_whole(&self, relative: &Path) -> FsResult<()> {
        self.allow(Use::Write, relative)?;
        if self.grant.denied.iter().any(|denied| lies_in(denied, relative)) {
            return Err(self.refuse_at(Use::Write, relative, Reason::DeniedByOwner));
        }
        Ok(())
    }

    /// Whether the use is allowed wherever in the tree a file is.
    pub(super) fn allows_all(&self, usage: Use) -> bool {
        usage == Use::Read && self.grant.denied.is_empty()
    }

    /// Whether a listing leaves out what is at `relative`: what the owner denied is not seen at all.
    pub(super) fn hides(&self, relative: &Path) -> bool {
        self.grant.denied.iter().any(|denied| lies_in(relative, denied))
    }

    /// The right to hold one more descriptor open.
    pub(super) fn slot(&self, relative: &str) -> FsResult<Slot> {
        let target = || self.guest_path(Path::new(relative));
        Slot::take(&self.meter).map_err(|Exhausted| self.refuse(Use::Read, &target(), Reason::QuotaExceeded))
    }

    /// Takes a file that is about to be made from the budget and the quota.
    pub(super) fn take_file(&self, relative: &Path) -> FsResult<()> {
        let exhausted = |Exhausted| self.refuse_at(Use::Write, relative, Reason::QuotaExceeded);
        self.meter.take_file().map_err(exhausted)?;
        self.take_blocks(super::budget::blocks(0), || relative.to_owned())
            .inspect_err(|_| self.meter.give_back_file())
    }

    /// Takes bytes that are about to be written from the budget, and `blocks` from the quota.
    pub(super) fn take_bytes(&self, fd: impl AsFd, bytes: u64, blocks: u64) -> FsResult<()> {
        let place = || self.relative(fd.as_fd()).unwrap_or_default();
        self.meter
            .take_bytes(fd.as_fd(), bytes)
            .map_err(|Exhausted| self.refuse_at(Use::Write, &place(), Reason::QuotaExceeded))?;
        self.take_blocks(blocks, place).inspect_err(|_| self.meter.give_back_bytes(bytes))
    }

    /// Takes `blocks` from the quota, for something at `place`.
    pub(super) fn take_blocks(&self, blocks: u64, place: impl FnOnce() -> PathBuf) -> FsResult<()> {
        let Some(quota) = self.quota.as_ref().filter(|_| blocks > 0) else { return Ok(()) };
        quota
            .take(&self.root, blocks)?
            .map_err(|Exhausted| self.refuse_at(Use::Write, &place(), Reason::QuotaExceeded))
    }

    /// Notes that something was deleted or cut short, or was not made after its room was taken.
    pub(super) fn freed(&self) {
        if let Some(quota) = &self.quota {
            quota.freed();
        }
    }

    /// The path by which the guest knows what is at `relative`.
    pub(super) fn guest_path(&self, relative: &Path) -> String {
        let root = self.grant.guest_path.trim_end_matches('/');
        if relative.as_os_str().is_empty() {
            self.grant.guest_path.clone()
        } else {
            format!("{root}/{}", relative.display())
        }
    }

    /// Notes a denial of what is at `relative`, with the command that would grant it, and makes its error.
    pub(super) fn refuse_at(&self, usage: Use, relative: &Path, reason: Reason) -> FsError {
        let denial = Denial::new(usage.capability(), &self.guest_path(relative), reason);
        self.note(match self.hint(relative, reason) {
            Some(hint) => denial.with_hint(hint),
            None => denial,
        })
    }

    /// Notes a denial of a path as the guest gave it, and makes its error.
    pub(super) fn refuse(&self, usage: Use, guest_path: &str, reason: Reason) -> FsError {
        self.note(Denial::new(usage.capability(), guest_path, reason))
    }

    fn note(&self, denial: Denial) -> FsError {
        let code = code_of(denial.reason);
        self.denials.record(denial);
        code.into()
    }

    fn hint(&self, relative: &Path, reason: Reason) -> Option<String> {
        let tree = match reason {
            Reason::ReadOnly => self.grant.tree.clone(),
            Reason::ControlFile => sys::real_path(&*self.root).ok()?.join(relative).to_str()?.to_owned(),
            _ => return None,
        };
        // The owner may paste it into a shell: a name that was made to mislead there is not repeated.
        let plain = tree.chars().all(|c| c == ' ' || (c.is_ascii_graphic() && c != '\''));
        plain.then(|| format!("openclaw grant allow {} filesystem:write '{tree}'", self.grant.skill))
    }
}

/// The error code by which a guest learns of a denial.
pub(super) const fn code_of(reason: Reason) -> ErrorCode {
    match reason {
        Reason::ReadOnly => ErrorCode::ReadOnly,
        Reason::OutsideTree | Reason::SpecialFile => ErrorCode::NotPermitted,
        Reason::QuotaExceeded => ErrorCode::Quota,
        _ => ErrorCode::Access,
    }
}

/// Whether `path` is `tree` or lies in it, in any spelling that some file system takes for the same.
fn lies_in(path: &Path, tree: &Path) -> bool {
    let mut path = path.components();
    tree.components().all(|expected| {
        path.next()
            .is_some_and(|found| found == expected || fold(found.as_os_str()) == fold(expected.as_os_str()))
    })
}
