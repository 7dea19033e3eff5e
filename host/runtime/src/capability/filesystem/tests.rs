//! What the filesystem capability promises, driven as a guest would drive it, on a real directory.

mod budgets;
mod control;
mod files;
mod metadata;
mod names;
mod not_granted;
mod outside;
mod read_only;
mod special;

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tempfile::TempDir;
use wasmtime::component::{Linker, Resource, ResourceTable};

use super::error::FsResult;
use super::{
    Access, Budget, Descriptor, FilesystemState, FilesystemView, FsError, Preopen, TreeGrant, Usage,
};
use crate::bindings::wasi::filesystem::preopens::Host as _;
use crate::bindings::wasi::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor, HostDirectoryEntryStream as _, OpenFlags, PathFlags,
};
use crate::capability::{Denial, Denials, Reason};

type Handle = Resource<Descriptor>;

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const PLENTY: Budget = Budget { bytes_written: 1 << 30, files_created: 1 << 20 };

/// One call of a skill that holds `/workspace`, and beside it a directory that it does not hold.
struct Call {
    /// Holds `workspace` and `outside`.
    host: TempDir,
    table: ResourceTable,
    state: FilesystemState,
    denials: Denials,
    root: Handle,
}

fn grant(access: Access) -> TreeGrant {
    TreeGrant {
        guest_path: "/workspace".to_owned(),
        access,
        skill: "acme/hello".to_owned(),
        tree: "$workspace".to_owned(),
        denied: Vec::new(),
        control_allowed: Vec::new(),
        quota: None,
    }
}

impl Call {
    fn new(grant: TreeGrant, budget: Budget) -> Self {
        let host = TempDir::new().unwrap();
        fs::create_dir(host.path().join("workspace")).unwrap();
        fs::create_dir(host.path().join("outside")).unwrap();
        fs::write(host.path().join("outside/secret"), "secret").unwrap();
        let mut call = Self {
            host,
            table: ResourceTable::new(),
            state: FilesystemState::default(),
            denials: Denials::default(),
            root: Resource::new_own(0),
        };
        call.begin(vec![call.preopen("workspace", grant)], budget);
        call
    }

    fn writable() -> Self {
        Self::new(grant(Access::Write), PLENTY)
    }

    fn read_only() -> Self {
        Self::new(grant(Access::Read), PLENTY)
    }

    fn preopen(&self, name: &str, grant: TreeGrant) -> Preopen {
        let dir = Dir::open_ambient_dir(self.host.path().join(name), ambient_authority()).unwrap();
        Preopen::Granted { grant: Arc::new(grant), dir }
    }

    /// Begins the call anew with other preopens, of which the first is the root.
    fn begin(&mut self, preopens: Vec<Preopen>, budget: Budget) -> Vec<Handle> {
        self.state = FilesystemState::new(preopens, budget, &self.denials);
        let handles: Vec<_> =
            self.view().get_directories().unwrap().into_iter().map(|(handle, _)| handle).collect();
        self.root = Resource::new_borrow(handles[0].rep());
        handles
    }

    fn view(&mut self) -> FilesystemView<'_> {
        FilesystemView { state: &mut self.state, table: &mut self.table }
    }

    fn root(&self) -> Handle {
        borrow(&self.root)
    }

    /// A path in the granted tree, as the host sees it.
    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.host.path().join("workspace").join(path)
    }

    /// Puts a file into the tree behind the guest's back.
    fn put(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn put_link(&self, target: impl AsRef<Path>, path: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    fn content(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn open(&mut self, path: &str, open: OpenFlags, flags: DescriptorFlags) -> FsResult<Handle> {
        let root = self.root();
        self.view().open_at(root, FOLLOW, path.to_owned(), open, flags)
    }

    fn read(&mut self, path: &str) -> FsResult<String> {
        let file = self.open(path, OpenFlags::empty(), READ)?;
        let (bytes, _) = self.view().read(file, 1 << 20, 0)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// As `std::fs::write` does it.
    fn write(&mut self, path: &str, content: &str) -> FsResult<()> {
        let file = self.open(path, OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE)?;
        self.view().write(borrow(&file), content.into(), 0)?;
        self.close(file).map_err(FsError::Trap)
    }

    fn close(&mut self, file: Handle) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.view(), file)
    }

    fn rename(&mut self, old: &str, new: &str) -> FsResult<()> {
        let (from, to) = (self.root(), self.root());
        self.view().rename_at(from, old.to_owned(), to, new.to_owned())
    }

    fn link(&mut self, old: &str, new: &str) -> FsResult<()> {
        let (from, to) = (self.root(), self.root());
        self.view().link_at(from, PathFlags::empty(), old.to_owned(), to, new.to_owned())
    }

    fn symlink(&mut self, target: &str, path: &str) -> FsResult<()> {
        let root = self.root();
        self.view().symlink_at(root, target.to_owned(), path.to_owned())
    }

    fn mkdir(&mut self, path: &str) -> FsResult<()> {
        let root = self.root();
        self.view().create_directory_at(root, path.to_owned())
    }

    fn unlink(&mut self, path: &str) -> FsResult<()> {
        let root = self.root();
        self.view().unlink_file_at(root, path.to_owned())
    }

    fn rmdir(&mut self, path: &str) -> FsResult<()> {
        let root = self.root();
        self.view().remove_directory_at(root, path.to_owned())
    }

    fn list(&mut self, path: &str) -> FsResult<Vec<String>> {
        let directory = self.open(path, OpenFlags::DIRECTORY, READ)?;
        let stream = self.view().read_directory(directory)?;
        let mut names = Vec::new();
        while let Some(entry) = self.view().read_directory_entry(Resource::new_borrow(stream.rep()))? {
            names.push(entry.name);
        }
        names.sort();
        Ok(names)
    }

    fn usage(&self) -> Usage {
        self.state.usage()
    }

    /// The denials since this was last asked.
    fn denials(&self) -> Vec<Denial> {
        self.denials.take().0
    }

    /// Expects that an operation failed with `code`, and that it was noted as a denial for `reason` of `target`.
    #[track_caller]
    fn expect<T: Debug>(&self, result: FsResult<T>, code: ErrorCode, reason: Reason, target: &str) {
        assert_eq!(error(result), code);
        let denials = self.denials();
        assert_eq!(denials.len(), 1, "{denials:?}");
        assert_eq!((denials[0].reason, denials[0].target.as_str()), (reason, target));
    }

    /// Expects that an operation is denied as one on a control file.
    #[track_caller]
    fn expect_control<T: Debug>(&self, result: FsResult<T>, target: &str) {
        self.expect(result, ErrorCode::Access, Reason::ControlFile, target);
    }
}

fn borrow(handle: &Handle) -> Handle {
    Resource::new_borrow(handle.rep())
}

#[track_caller]
fn error<T: Debug>(result: FsResult<T>) -> ErrorCode {
    match result {
        Err(FsError::Guest(code)) => code,
        other => panic!("expected an error for the guest, got {other:?}"),
    }
}

#[test]
fn the_interfaces_link_once_for_any_store() {
    struct Data {
        state: FilesystemState,
        table: ResourceTable,
    }
    let mut linker = Linker::<Data>::new(&wasmtime::Engine::default());
    super::add_to_linker(&mut linker, |data| FilesystemView {
        state: &mut data.state,
        table: &mut data.table,
    })
    .unwrap();
}
