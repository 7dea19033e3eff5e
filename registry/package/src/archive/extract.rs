//! Unpacking into a staging directory, through cap-std, so that no name can lead out of it.

use std::io::Read;

use cap_std::fs::{Dir, OpenOptions};

use super::{ArchiveError, ArchiveReader, FileRecord, Limits};

/// Unpacks an archive into an empty directory and flushes every file to disk.
///
/// Existing files are never opened. After an error the directory holds a part of the archive; throw it away.
///
/// # Errors
///
/// Whatever [`ArchiveReader`] refuses, or what the file system reports.
pub fn extract(input: impl Read, staging: &Dir, limits: Limits) -> Result<Vec<FileRecord>, ArchiveError> {
    let mut reader = ArchiveReader::new(input, limits)?;
    let mut records = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        if let Some(parent) = entry.path.parent() {
            staging.create_dir_all(parent).map_err(ArchiveError::io(format!("creating {parent}")))?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = staging
            .open_with(&entry.path, &options)
            .map_err(ArchiveError::io(format!("creating {}", entry.path)))?;
        records.push(reader.copy_to(&mut file)?);
        file.sync_all().map_err(ArchiveError::io(format!("flushing {}", entry.path)))?;
    }
    Ok(records)
}
