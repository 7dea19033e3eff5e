//! What a program says of itself: that it is one, and which loader it needs (ELF, `elf(5)`).

use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Why a file is not started as a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It begins with `#!`.
    #[error(
        "it is a script, and what would run is its interpreter: grant that, with the script as an argument"
    )]
    Script,
    /// It is no program for this machine.
    #[error("it is not a program of this machine (64-bit ELF)")]
    NotElf,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

const PROGRAM_HEADER_BYTES: usize = 56;
const INTERPRETER: u32 = 3;
/// The most bytes of the path of a loader.
const PATH_BYTES: u64 = 4096;

/// Checks that an open file is a program that can be started by descriptor; answers the loader that it asks for.
///
/// # Errors
/// See [`ElfError`].
pub fn check_program(file: &File) -> Result<Option<PathBuf>, ElfError> {
    let unreadable = |error: std::io::Error| ElfError::Unreadable(error.to_string());
    let mut header = [0; 64];
    let read = file.read_at(&mut header, 0).map_err(unreadable)?;
    if header.starts_with(b"#!") {
        return Err(ElfError::Script);
    }
    // 64-bit, least significant byte first.
    if read < header.len() || !header.starts_with(b"\x7fELF\x02\x01") {
        return Err(ElfError::NotElf);
    }
    let [table, count] = [number(&header, 32, 8), number(&header, 56, 2)];
    for index in 0..count {
        let mut entry = [0; PROGRAM_HEADER_BYTES];
        let at = table.saturating_add(index.saturating_mul(PROGRAM_HEADER_BYTES as u64));
        file.read_exact_at(&mut entry, at).map_err(|_| ElfError::NotElf)?;
        if number(&entry, 0, 4) == u64::from(INTERPRETER) {
            let length = number(&entry, 32, 8).min(PATH_BYTES);
            let mut path = vec![0; usize::try_from(length).unwrap_or(0)];
            file.read_exact_at(&mut path, number(&entry, 8, 8)).map_err(|_| ElfError::NotElf)?;
            path.retain(|byte| *byte != 0);
            return Ok(Some(PathBuf::from(std::ffi::OsString::from_vec(path))));
        }
    }
    Ok(None)
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn of(bytes: &[u8]) -> Result<Option<PathBuf>, ElfError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        check_program(&file)
    }

    #[test]
    fn a_program_names_its_loader() {
        let loader = check_program(&File::open("/proc/self/exe").unwrap()).unwrap().unwrap();
        assert!(loader.is_absolute() && loader.exists(), "{}", loader.display());
    }

    #[test]
    fn scripts_and_other_files_are_refused() {
        assert_eq!(of(b"#!/bin/sh\necho\n"), Err(ElfError::Script));
        assert_eq!(of(b""), Err(ElfError::NotElf));
        assert_eq!(of(&[b"\x7fELF\x01\x01".as_slice(), &[0; 80]].concat()), Err(ElfError::NotElf));
        // A table of headers that lies past the end.
        let mut lying = [0_u8; 64];
        lying[..6].copy_from_slice(b"\x7fELF\x02\x01");
        lying[32..40].fill(0xff);
        lying[56] = 1;
        assert_eq!(of(&lying), Err(ElfError::NotElf));
    }
}
