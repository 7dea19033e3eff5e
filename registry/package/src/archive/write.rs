//! Writing an archive: the same files give the same bytes.

use std::collections::BTreeMap;
use std::io::Write;

use super::gzip::GzipWriter;
use super::header::{self, BLOCK};
use super::{ArchiveError, Limits, PackagePath, PathSet};

/// Writes the files as an archive.
///
/// # Errors
///
/// No files, paths that cannot live in one directory, more than [`Limits::DEFAULT`] has room for, or what the
/// writer reports.
pub fn write(files: &BTreeMap<PackagePath, Vec<u8>>, out: impl Write) -> Result<(), ArchiveError> {
    check(files)?;
    let failed = || ArchiveError::io("writing the archive");
    let mut gzip = GzipWriter::new(out).map_err(failed())?;
    for (path, content) in files {
        let size = content.len() as u64;
        let padding = usize::try_from(header::padding(size)).unwrap_or(0);
        gzip.write_all(&header::emit(path, size))
            .and_then(|()| gzip.write_all(content))
            .and_then(|()| gzip.write_all([0; BLOCK].get(..padding).unwrap_or_default()))
            .map_err(failed())?;
    }
    gzip.write_all(&[0; 2 * BLOCK]).map_err(failed())?;
    gzip.finish().and_then(|mut out| out.flush()).map_err(failed())
}

fn check(files: &BTreeMap<PackagePath, Vec<u8>>) -> Result<(), ArchiveError> {
    let limits = Limits::DEFAULT;
    if files.is_empty() {
        return Err(ArchiveError::Empty);
    }
    if files.len() > limits.files {
        return Err(ArchiveError::TooManyFiles { limit: limits.files });
    }
    let mut paths = PathSet::default();
    let mut total = 0_u64;
    for (path, content) in files {
        paths.insert(path)?;
        total = total.saturating_add(content.len() as u64);
        if total > limits.unpacked {
            return Err(ArchiveError::UnpackedTooLarge { limit: limits.unpacked, path: path.to_string() });
        }
    }
    Ok(())
}
