//! Reading and writing open files, at once or as streams, with each byte counted before it is written.

use std::sync::Arc;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fs::ftruncate;
use rustix::io::{pread, pwrite, retry_on_intr};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use super::budget::blocks;
use super::descriptor::OpenFile;
use super::error::{FsError, FsResult};
use super::sys;
use crate::bindings::wasi::filesystem::types::ErrorCode;

/// The most that one read returns, whatever the guest asks for.
const READ_MAX: u64 = 1 << 20;
/// From this on the file's size is asked, lest a large request for a small file costs a large buffer.
const READ_UNSIZED: u64 = 64 << 10;
/// What a stream takes in one write.
const WRITE_PERMIT: usize = 64 << 10;

/// Reads up to `length` bytes at `offset`; nothing at the end of the file.
pub(super) fn read(file: &OpenFile, length: u64, offset: u64) -> FsResult<Vec<u8>> {
    let fd = file.readable()?;
    let mut length = length.min(READ_MAX);
    if length > READ_UNSIZED {
        length = length.min(file.size()?.saturating_sub(offset).max(READ_UNSIZED));
    }
    let mut buffer = Vec::with_capacity(usize::try_from(length).map_err(|_| ErrorCode::Overflow)?);
    if length > 0 {
        let count = retry_on_intr(|| pread(fd, spare_capacity(&mut buffer), offset))?;
        // A vector may have more room than it was asked for.
        buffer.truncate(usize::try_from(length).unwrap_or(count));
        file.tree.meter().read(buffer.len() as u64);
    }
    Ok(buffer)
}

/// Writes all of `bytes` at `offset`, or as much as the file system takes before an error.
pub(super) fn write(file: &OpenFile, bytes: &[u8], offset: u64) -> FsResult<()> {
    if bytes.is_empty() {
        file.writable()?;
        return Ok(());
    }
    let size = file.size()?;
    let end = offset.checked_add(bytes.len() as u64).filter(|end| i64::try_from(*end).is_ok());
    let end = end.ok_or(ErrorCode::FileTooLarge)?;
    let hole = offset.saturating_sub(size);
    let mut position = offset;
    charged(file, bytes, hole, growth(size, end), |fd, rest| {
        let count = pwrite(fd, rest, position)?;
        position += count as u64;
        Ok(count)
    })
}

/// Writes all of `bytes` at the end of the file, each part of them in one piece.
fn append(file: &OpenFile, bytes: &[u8]) -> FsResult<()> {
    let size = file.size()?;
    charged(file, bytes, 0, growth(size, size.saturating_add(bytes.len() as u64)), |fd, rest| {
        sys::append(fd, rest)
    })
}

/// Takes what a write costs from budget and quota, then writes until all is written.
fn charged(
    file: &OpenFile,
    bytes: &[u8],
    hole: u64,
    blocks: u64,
    mut call: impl FnMut(&std::os::fd::OwnedFd, &[u8]) -> rustix::io::Result<usize>,
) -> FsResult<()> {
    let fd = file.writable()?;
    file.tree.take_bytes(fd, hole.saturating_add(bytes.len() as u64), blocks)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let result = retry_on_intr(|| call(fd, rest));
        match result {
            Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or_default(),
            failed => {
                file.tree.meter().give_back_bytes(rest.len() as u64);
                file.tree.freed();
                return Err(failed.map_or_else(FsError::from, |_| ErrorCode::Io.into()));
            }
        }
    }
    Ok(())
}

/// Makes a file longer, with a hole, or shorter.
pub(super) fn set_size(file: &OpenFile, size: u64) -> FsResult<()> {
    let fd = file.writable()?;
    if i64::try_from(size).is_err() {
        return Err(ErrorCode::FileTooLarge.into());
    }
    let old = file.size()?;
    let grown = size.saturating_sub(old);
    file.tree.take_bytes(fd, grown, growth(old, size))?;
    let result = ftruncate(fd, size);
    if result.is_err() {
        file.tree.meter().give_back_bytes(grown);
    }
    if result.is_err() || size < old {
        file.tree.freed();
    }
    Ok(result?)
}

/// What a file that grows takes of a quota in addition.
fn growth(old: u64, new: u64) -> u64 {
    blocks(new).saturating_sub(blocks(old))
}

/// Reads a file from a position on. Always ready: regular files do not wait.
pub(super) struct Reader {
    file: Arc<OpenFile>,
    position: u64,
}

impl Reader {
    pub(super) fn new(file: &Arc<OpenFile>, position: u64) -> FsResult<Self> {
        file.readable()?;
        Ok(Self { file: Arc::clone(file), position })
    }
}

#[async_trait::async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = read(&self.file, size as u64, self.position).map_err(stream_error)?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.position += bytes.len() as u64;
        Ok(bytes.into())
    }

    fn skip(&mut self, count: usize) -> StreamResult<usize> {
        let left = self.file.size().map_err(stream_error)?.saturating_sub(self.position);
        if left == 0 && count > 0 {
            return Err(StreamError::Closed);
        }
        let skipped = usize::try_from(left).map_or(count, |left| left.min(count));
        self.position += skipped as u64;
        Ok(skipped)
    }
}

/// Writes a file from a position on, or at its end. Always ready, and nothing is kept back to be flushed.
pub(super) struct Writer {
    file: Arc<OpenFile>,
    /// None to append.
    position: Option<u64>,
    failed: bool,
}

impl Writer {
    pub(super) fn new(file: &Arc<OpenFile>, position: Option<u64>) -> FsResult<Self> {
        file.writable()?;
        Ok(Self { file: Arc::clone(file), position, failed: false })
    }

    fn check(&self) -> StreamResult<()> {
        if self.failed { Err(StreamError::Closed) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        let written = match &mut self.position {
            None => append(&self.file, &bytes),
            Some(position) => write(&self.file, &bytes, *position).map(|()| *position += bytes.len() as u64),
        };
        written.map_err(|error| {
            self.failed = true;
            stream_error(error)
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check().map(|()| WRITE_PERMIT)
    }
}

fn stream_error(error: FsError) -> StreamError {
    match error {
        FsError::Guest(code) => StreamError::LastOperationFailed(code.into()),
        FsError::Trap(error) => StreamError::Trap(error),
    }
}
