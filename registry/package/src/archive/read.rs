//! Reading an archive as a stream, entry by entry, under limits.

use std::io::{self, Read, Write};

use super::gzip::GzipReader;
use super::header::{self, BLOCK};
use super::{ArchiveError, FileRecord, Limits, PackagePath, PathSet};
use crate::digest::Hasher;

const CHUNK: usize = 16 << 10;

/// An entry whose header was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path of the file.
    pub path: PackagePath,
    /// Its length in bytes.
    pub size: u64,
}

/// Reads an archive and refuses everything that is not exactly the profile.
///
/// After an error nothing more can be read.
pub struct ArchiveReader<R: Read> {
    stream: Option<GzipReader<R>>,
    limits: Limits,
    paths: PathSet,
    last: Option<PackagePath>,
    current: Option<Entry>,
    files: usize,
    unpacked: u64,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads the beginning of an archive.
    ///
    /// # Errors
    ///
    /// A gzip header other than the fixed one.
    pub fn new(input: R, limits: Limits) -> Result<Self, ArchiveError> {
        Ok(Self {
            stream: Some(GzipReader::new(input, limits.packed)?),
            limits,
            paths: PathSet::default(),
            last: None,
            current: None,
            files: 0,
            unpacked: 0,
        })
    }

    /// The next entry, or `None` at the end of an archive that was right to its last byte.
    ///
    /// The content of the entry before is read over where it was not copied.
    ///
    /// # Errors
    ///
    /// Whatever is not as the profile has it.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        if self.current.is_some() {
            self.copy_to(&mut io::sink())?;
        }
        let Some(mut stream) = self.stream.take() else {
            return Ok(None);
        };
        let mut block = [0; BLOCK];
        read_block(&mut stream, &mut block)?;
        if block == [0; BLOCK] {
            self.finish(stream)?;
            return Ok(None);
        }
        let (path, size) = header::parse(&block)?;
        let entry = self.admit(path, size)?;
        self.current = Some(entry.clone());
        self.stream = Some(stream);
        Ok(Some(entry))
    }

    /// Copies the content of the current entry.
    ///
    /// # Errors
    ///
    /// A stream that ends too soon, padding that is not zero, or what the writer reports.
    pub fn copy_to(&mut self, out: &mut impl Write) -> Result<FileRecord, ArchiveError> {
        let (Some(entry), Some(mut stream)) = (self.current.take(), self.stream.take()) else {
            return Err(ArchiveError::Truncated);
        };
        let mut hasher = Hasher::default();
        let mut rest = entry.size;
        let mut chunk = [0; CHUNK];
        while rest > 0 {
            let wanted = usize::try_from(rest).map_or(CHUNK, |rest| rest.min(CHUNK));
            let buffer = chunk.get_mut(..wanted).unwrap_or_default();
            stream.read_exact(buffer)?;
            out.write_all(buffer)
                .and_then(|()| hasher.write_all(buffer))
                .map_err(ArchiveError::io(format!("writing {}", entry.path)))?;
            rest -= buffer.len() as u64;
        }
        let padding = usize::try_from(header::padding(entry.size)).unwrap_or(0);
        let buffer = chunk.get_mut(..padding).unwrap_or_default();
        stream.read_exact(buffer)?;
        if buffer.iter().any(|byte| *byte != 0) {
            return Err(ArchiveError::Padding(entry.path.to_string()));
        }
        self.stream = Some(stream);
        let (sha256, size) = hasher.finish();
        Ok(FileRecord { path: entry.path, size, sha256 })
    }

    /// Holds an entry against limits, order and the paths before it.
    fn admit(&mut self, path: PackagePath, size: u64) -> Result<Entry, ArchiveError> {
        self.files += 1;
        if self.files > self.limits.files {
            return Err(ArchiveError::TooManyFiles { limit: self.limits.files });
        }
        self.unpacked = self.unpacked.saturating_add(size);
        if self.unpacked > self.limits.unpacked {
            let limit = self.limits.unpacked;
            return Err(ArchiveError::UnpackedTooLarge { limit, path: path.to_string() });
        }
        self.paths.insert(&path)?;
        if self.last.as_ref().is_some_and(|last| *last >= path) {
            return Err(ArchiveError::Order(path.to_string()));
        }
        self.last = Some(path.clone());
        Ok(Entry { path, size })
    }

    /// Reads the second zero block and the end of the stream.
    fn finish(&mut self, mut stream: GzipReader<R>) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        read_block(&mut stream, &mut block)?;
        if block != [0; BLOCK] {
            return Err(ArchiveError::NoEndMarker);
        }
        stream.finish()?;
        if self.files == 0 { Err(ArchiveError::Empty) } else { Ok(()) }
    }
}

/// Reads a block where a header or an end block must stand.
fn read_block<R: Read>(stream: &mut GzipReader<R>, block: &mut [u8; BLOCK]) -> Result<(), ArchiveError> {
    let first = stream.read_some(block)?;
    if first == 0 {
        return Err(ArchiveError::NoEndMarker);
    }
    stream.read_exact(block.get_mut(first..).unwrap_or_default())
}
