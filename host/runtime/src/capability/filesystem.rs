//! The filesystem capability: `wasi:filesystem` over the trees that the owner granted, and over nothing else.
//!
//! Four rules carry it:
//!
//! - A path is resolved by cap-std, which does not leave the directory it starts from, whatever links the
//!   path goes through and whoever changes the tree meanwhile.
//! - What a path leads to is looked at before it is opened, and only a regular file or a directory is
//!   opened: no call waits for a FIFO or a device, so all of them run on the calling thread.
//! - Whether a use is allowed is decided by the real path of what was looked at, not by the path that was
//!   asked for, so that links and renamed parents change nothing.
//! - What was looked at is what is then used: the very file, or a name in the very directory.

mod budget;
mod change;
mod control_files;
mod descriptor;
mod error;
mod host;
mod ledger;
mod open;
mod stat;
mod sys;
#[cfg(test)]
mod tests;
mod transfer;
mod tree;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use openclaw_package::permission::Access;
use wasmtime::component::{HasData, Linker, ResourceTable};

use self::budget::Meter;
pub(crate) use self::budget::{Budget, QuotaGrant, Usage};
use self::descriptor::{DeniedTree, Directory};
pub use self::descriptor::{Descriptor, DirectoryEntryStream};
pub use self::error::FsError;
pub(crate) use self::ledger::Ledgers;
use self::tree::Tree;
use super::process::Trees;
use super::{Denial, Denials};
use crate::bindings::wasi::filesystem::{preopens, types};

/// Whether a path, relative to a tree, is a file that other programs obey.
pub(crate) fn is_control_file(relative: &Path) -> bool {
    control_files::control_file(relative).is_some()
}

/// Whether a file of that name, in whatever directory, is one that other programs obey.
pub(crate) fn is_control_name(name: &std::ffi::OsStr) -> bool {
    control_files::control_name(name).is_some()
}

/// Where an open directory really is.
pub(crate) fn real_path(dir: &Dir) -> std::io::Result<PathBuf> {
    Ok(sys::real_path(dir)?)
}

/// What was granted of one tree; the same for every call, and shared by them.
#[derive(Debug)]
pub(crate) struct TreeGrant {
    /// Where the guest finds it: `/workspace`.
    pub(crate) guest_path: String,
    /// What may be done to it.
    pub(crate) access: Access,
    /// Whom it was granted to: `acme/hello`, for hints.
    pub(crate) skill: String,
    /// The tree as the owner's policy names it: `$workspace`, for hints.
    pub(crate) tree: String,
    /// What the owner denied: real paths, without links, relative to the tree.
    pub(crate) denied: Vec<PathBuf>,
    /// Control files that were granted by name: real paths relative to the tree. Paths of anything else
    /// have no effect.
    pub(crate) control_allowed: Vec<PathBuf>,
    /// How much the tree may hold.
    pub(crate) quota: Option<QuotaGrant>,
}

/// A directory that a guest finds open when its call begins.
#[derive(Debug)]
pub(crate) enum Preopen {
    /// A granted tree, opened for this call.
    Granted {
        /// What was granted.
        grant: Arc<TreeGrant>,
        /// The tree itself.
        dir: Dir,
    },
    /// A tree that the manifest declares and the owner did not grant: its use is the given denial, with the
    /// path that was used in place of the denial's target.
    Denied {
        /// Where the guest would find it.
        guest_path: String,
        /// The denial, with the command that would grant the tree.
        denial: Denial,
    },
}

/// What one call holds of file systems.
#[derive(Debug, Default)]
pub(crate) struct FilesystemState {
    roots: Vec<Root>,
    /// None if no tree was granted, so that nothing could be used.
    meter: Option<Arc<Meter>>,
}

#[derive(Debug)]
struct Root {
    guest_path: String,
    descriptor: Descriptor,
}

impl FilesystemState {
    /// The state of a call that begins with `preopens`; without any, this does nothing at all.
    pub(crate) fn new(preopens: Vec<Preopen>, budget: Budget, denials: &Denials) -> Self {
        if preopens.is_empty() {
            return Self::default();
        }
        let meter = Arc::new(Meter::new(budget));
        let open = |preopen| match preopen {
            Preopen::Granted { grant, dir } => {
                let guest_path = grant.guest_path.clone();
                let dir = Arc::new(dir);
                let tree = Tree::new(grant, Arc::clone(&dir), Arc::clone(&meter), denials.clone());
                let root = Directory { tree: Arc::new(tree), dir, _slot: None };
                Root { guest_path, descriptor: Descriptor::Directory(Arc::new(root)) }
            }
            Preopen::Denied { guest_path, denial } => {
                let tree = DeniedTree { guest_path: guest_path.clone(), denial, denials: denials.clone() };
                Root { guest_path, descriptor: Descriptor::Denied(Arc::new(tree)) }
            }
        };
        Self { roots: preopens.into_iter().map(open).collect(), meter: Some(meter) }
    }

    /// The granted trees, each with whether it may be changed.
    pub(crate) fn trees(&self) -> impl Iterator<Item = (Arc<Dir>, bool)> {
        self.roots.iter().filter_map(|root| match &root.descriptor {
            Descriptor::Directory(directory) => {
                Some((Arc::clone(&directory.dir), directory.tree.is_writable()))
            }
            Descriptor::File(_) | Descriptor::Denied(_) => None,
        })
    }

    /// The granted trees, as a program of the call is given them.
    pub(crate) fn launch_trees(&self) -> std::io::Result<Trees> {
        let directories = self.roots.iter().filter_map(|root| match &root.descriptor {
            Descriptor::Directory(directory) => Some(directory),
            Descriptor::File(_) | Descriptor::Denied(_) => None,
        });
        directories.map(|directory| directory.tree.launch_tree()).collect::<Result<_, _>>().map(Trees)
    }

    /// What the call did so far.
    pub(crate) fn usage(&self) -> Usage {
        self.meter.as_ref().map_or_else(Usage::default, |meter| meter.usage())
    }
}

/// Names the view in a store's data that the interfaces of `wasi:filesystem` act on.
pub(crate) struct Filesystem;

impl HasData for Filesystem {
    type Data<'a> = FilesystemView<'a>;
}

/// The part of a store's data that the interfaces of `wasi:filesystem` act on.
pub(crate) struct FilesystemView<'a> {
    /// What the call holds.
    pub(crate) state: &'a mut FilesystemState,
    /// The resources of the call.
    pub(crate) table: &'a mut ResourceTable,
}

/// Links the interfaces of `wasi:filesystem`. They never wait, so one linking serves sync and async calls.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> FilesystemView<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Filesystem>(linker, view)?;
    preopens::add_to_linker::<T, Filesystem>(linker, view)
}
