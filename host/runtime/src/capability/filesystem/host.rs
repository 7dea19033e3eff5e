//! The host's side of `wasi:filesystem`: each function finds its descriptors and hands on to the module that does it.

use rustix::fs::{fdatasync, fsync, futimens};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::descriptor::{Descriptor, Directory, DirectoryEntryStream};
use super::error::{FsError, FsResult, code_of_io};
use super::tree::Use;
use super::{FilesystemView, change, open, stat, transfer};
use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};

type Handle = Resource<Descriptor>;

impl preopens::Host for FilesystemView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        let mut directories = Vec::with_capacity(self.state.roots.len());
        for root in &self.state.roots {
            directories.push((self.table.push(root.descriptor.clone())?, root.guest_path.clone()));
        }
        Ok(directories)
    }
}

impl types::Host for FilesystemView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        match error {
            FsError::Guest(code) => Ok(code),
            FsError::Trap(error) => Err(error),
        }
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?;
        Ok(match error.downcast_ref::<ErrorCode>() {
            Some(code) => Some(*code),
            None => error.downcast_ref::<std::io::Error>().map(code_of_io),
        })
    }
}

impl FilesystemView<'_> {
    fn descriptor(&self, handle: &Handle) -> FsResult<&Descriptor> {
        Ok(self.table.get(handle)?)
    }

    fn directory(&self, handle: &Handle, path: &str) -> FsResult<&Directory> {
        Ok(self.descriptor(handle)?.directory(path)?)
    }
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

impl types::HostDescriptor for FilesystemView<'_> {
    fn read_via_stream(&mut self, handle: Handle, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let reader = transfer::Reader::new(self.descriptor(&handle)?.file()?, offset)?;
        Ok(self.table.push(Box::new(reader) as DynInputStream)?)
    }

    fn write_via_stream(&mut self, handle: Handle, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let writer = transfer::Writer::new(self.descriptor(&handle)?.file()?, Some(offset))?;
        Ok(self.table.push(Box::new(writer) as DynOutputStream)?)
    }

    fn append_via_stream(&mut self, handle: Handle) -> FsResult<Resource<DynOutputStream>> {
        let writer = transfer::Writer::new(self.descriptor(&handle)?.file()?, None)?;
        Ok(self.table.push(Box::new(writer) as DynOutputStream)?)
    }

    /// Advice is taken note of by nobody: it could only make the host read ahead for nothing.
    fn advise(&mut self, handle: Handle, _: Filesize, _: Filesize, _: Advice) -> FsResult<()> {
        match self.descriptor(&handle)? {
            Descriptor::Directory(_) => Err(ErrorCode::BadDescriptor.into()),
            other => other.file().map(drop),
        }
    }

    fn sync_data(&mut self, handle: Handle) -> FsResult<()> {
        sync(self.descriptor(&handle)?, |fd| fdatasync(fd))
    }

    /// Of a tree that was not granted too: a standard library asks this of each preopen when it starts.
    fn get_flags(&mut self, handle: Handle) -> FsResult<DescriptorFlags> {
        Ok(match self.descriptor(&handle)? {
            Descriptor::File(file) => file.flags,
            Descriptor::Directory(directory) if directory.tree.is_writable() => {
                DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY
            }
            Descriptor::Directory(_) | Descriptor::Denied(_) => DescriptorFlags::READ,
        })
    }

    /// Of a tree that was not granted too: a standard library asks this of each preopen when it starts.
    fn get_type(&mut self, handle: Handle) -> FsResult<DescriptorType> {
        Ok(match self.descriptor(&handle)? {
            Descriptor::File(_) => DescriptorType::RegularFile,
            Descriptor::Directory(_) | Descriptor::Denied(_) => DescriptorType::Directory,
        })
    }

    fn set_size(&mut self, handle: Handle, size: Filesize) -> FsResult<()> {
        transfer::set_size(self.descriptor(&handle)?.file()?, size)
    }

    fn set_times(
        &mut self,
        handle: Handle,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        let times = stat::times(access, modification)?;
        let descriptor = self.descriptor(&handle)?;
        let (tree, fd) = descriptor.opened()?;
        tree.allow_opened(Use::Write, fd)?;
        match descriptor {
            Descriptor::Directory(directory) => Ok(futimens(directory.reopen()?, &times)?),
            _ => Ok(futimens(fd, &times)?),
        }
    }

    fn read(&mut self, handle: Handle, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        let bytes = transfer::read(self.descriptor(&handle)?.file()?, length, offset)?;
        let end = bytes.is_empty() && length > 0;
        Ok((bytes, end))
    }

    fn write(&mut self, handle: Handle, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        transfer::write(self.descriptor(&handle)?.file()?, &bytes, offset)?;
        Ok(bytes.len() as u64)
    }

    fn read_directory(&mut self, handle: Handle) -> FsResult<Resource<DirectoryEntryStream>> {
        let stream = DirectoryEntryStream::new(self.descriptor(&handle)?.directory("")?)?;
        Ok(self.table.push(stream)?)
    }

    fn sync(&mut self, handle: Handle) -> FsResult<()> {
        sync(self.descriptor(&handle)?, |fd| fsync(fd))
    }

    fn create_directory_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        change::create_directory(self.directory(&handle, &path)?, &path)
    }

    fn stat(&mut self, handle: Handle) -> FsResult<DescriptorStat> {
        stat::attributes(self.descriptor(&handle)?.opened()?.1)
    }

    fn stat_at(&mut self, handle: Handle, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let directory = self.directory(&handle, &path)?;
        let looked_at = directory.look(Use::Read, &path, follows(flags))?;
        directory.tree.allow_opened(Use::Read, &looked_at)?;
        stat::attributes(looked_at)
    }

    fn set_times_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        let times = stat::times(access, modification)?;
        change::set_times_at(self.directory(&handle, &path)?, &path, follows(flags), &times)
    }

    fn link_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        old_path: String,
        new_handle: Handle,
        new_path: String,
    ) -> FsResult<()> {
        let from = self.directory(&handle, &old_path)?;
        let to = self.directory(&new_handle, &new_path)?;
        if follows(flags) {
            return Err(ErrorCode::Invalid.into());
        }
        change::link(from, &old_path, to, &new_path)
    }

    fn open_at(
        &mut self,
        handle: Handle,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Handle> {
        let directory = self.directory(&handle, &path)?;
        let opened = open::open_at(directory, follows(path_flags), &path, open_flags, flags)?;
        Ok(self.table.push(opened)?)
    }

    fn readlink_at(&mut self, handle: Handle, path: String) -> FsResult<String> {
        change::read_link(self.directory(&handle, &path)?, &path)
    }

    fn remove_directory_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        change::remove_directory(self.directory(&handle, &path)?, &path)
    }

    fn rename_at(
        &mut self,
        handle: Handle,
        old_path: String,
        new_handle: Handle,
        new_path: String,
    ) -> FsResult<()> {
        let from = self.directory(&handle, &old_path)?;
        let to = self.directory(&new_handle, &new_path)?;
        change::rename(from, &old_path, to, &new_path)
    }

    fn symlink_at(&mut self, handle: Handle, target: String, path: String) -> FsResult<()> {
        change::symlink(self.directory(&handle, &path)?, &target, &path)
    }

    fn unlink_file_at(&mut self, handle: Handle, path: String) -> FsResult<()> {
        change::unlink(self.directory(&handle, &path)?, &path)
    }

    fn is_same_object(&mut self, a: Handle, b: Handle) -> wasmtime::Result<bool> {
        let (a, b) = (self.table.get(&a)?, self.table.get(&b)?);
        Ok(match (a.opened(), b.opened()) {
            (Ok((_, a)), Ok((_, b))) => stat::is_same(a, b).unwrap_or(false),
            _ => false,
        })
    }

    fn metadata_hash(&mut self, handle: Handle) -> FsResult<MetadataHashValue> {
        stat::identity_hash(self.descriptor(&handle)?.opened()?.1)
    }

    fn metadata_hash_at(
        &mut self,
        handle: Handle,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let directory = self.directory(&handle, &path)?;
        let looked_at = directory.look(Use::Read, &path, follows(flags))?;
        directory.tree.allow_opened(Use::Read, &looked_at)?;
        stat::identity_hash(looked_at)
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for FilesystemView<'_> {
    fn read_directory_entry(
        &mut self,
        handle: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let entry = self.table.get_mut(&handle)?.next()?;
        Ok(entry.map(|(name, kind)| DirectoryEntry { type_: stat::type_of(kind), name }))
    }

    fn drop(&mut self, handle: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// Syncs what was opened for writing; anything else has nothing to sync.
fn sync(
    descriptor: &Descriptor,
    call: impl FnOnce(std::os::fd::BorrowedFd<'_>) -> rustix::io::Result<()>,
) -> FsResult<()> {
    use std::os::fd::AsFd;
    match descriptor {
        Descriptor::File(file) if file.flags.contains(DescriptorFlags::WRITE) => Ok(call(file.fd.as_fd())?),
        Descriptor::Directory(directory) if directory.tree.is_writable() => {
            Ok(call(directory.reopen()?.as_fd())?)
        }
        other => other.opened().map(drop),
    }
}
