//! One ustar header: 512 bytes that are determined by path and size alone.

use super::{ArchiveError, MAX_PATH_LEN, PackagePath, PathError};
use crate::text::quoted;

/// The size of a block in bytes.
pub(super) const BLOCK: usize = 512;

/// The bytes that fill up the last block of a file.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// A field of the header: name, offset and length.
type Field = (&'static str, usize, usize);

const NAME: Field = ("name", 0, MAX_PATH_LEN);
const MODE: Field = ("mode", 100, 8);
const UID: Field = ("uid", 108, 8);
const GID: Field = ("gid", 116, 8);
const SIZE: Field = ("size", 124, 12);
const MTIME: Field = ("mtime", 136, 12);
const CHECKSUM: Field = ("checksum", 148, 8);
const TYPEFLAG: Field = ("type", 156, 1);
const LINKNAME: Field = ("link name", 157, 100);
const MAGIC: Field = ("magic", 257, 6);
const VERSION: Field = ("version", 263, 2);
const OWNER: Field = ("owner names", 265, 64);
const DEVICE: Field = ("device numbers", 329, 16);
const PREFIX: Field = ("prefix", 345, 167);

/// Every field but name, size and checksum, in the order in which they are told apart.
const FIXED: [(Field, &[u8]); 11] = [
    (MAGIC, b"ustar\0"),
    (VERSION, b"00"),
    (MODE, b"0000644\0"),
    (UID, b"0000000\0"),
    (GID, b"0000000\0"),
    (MTIME, b"00000000000\0"),
    (TYPEFLAG, b"0"),
    (LINKNAME, b""),
    (OWNER, b""),
    (DEVICE, b"0000000\x000000000\0"),
    (PREFIX, b""),
];

/// The header of a regular file.
pub(super) fn emit(path: &PackagePath, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, NAME, path.as_str().as_bytes());
    put(&mut block, SIZE, format!("{size:011o}\0").as_bytes());
    for (field, value) in FIXED {
        put(&mut block, field, value);
    }
    let sum = checksum(&block);
    put(&mut block, CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Reads a header, which must be the very one that [`emit`] writes for its path and size.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<(PackagePath, u64), ArchiveError> {
    let name = until_nul(get(block, NAME));
    let shown = quoted(&String::from_utf8_lossy(name));
    check_type(block, &shown)?;
    if get(block, NAME).iter().skip(name.len()).any(|byte| *byte != 0) {
        return Err(PathError::new(&shown, super::path::PathProblem::Character('\0')).into());
    }
    let path = PackagePath::from_bytes(name)?;
    let wrong = |field| ArchiveError::Header { path: shown.clone(), field };
    let size = parse_size(get(block, SIZE)).ok_or_else(|| wrong("size"))?;
    let expected = emit(&path, size);
    if expected == *block {
        return Ok((path, size));
    }
    let fields = FIXED.iter().map(|(field, _)| *field).chain([CHECKSUM]);
    let field = fields.into_iter().find(|field| get(block, *field) != get(&expected, *field));
    Err(wrong(field.map_or("layout", |(name, ..)| name)))
}

/// Says in words what an entry is that is not a regular file.
fn check_type(block: &[u8; BLOCK], shown: &str) -> Result<(), ArchiveError> {
    let kind = match get(block, TYPEFLAG) {
        b"0" | b"\0" => return Ok(()),
        b"x" | b"g" | b"X" => return Err(ArchiveError::Extension("a pax header")),
        b"L" | b"K" | b"N" => return Err(ArchiveError::Extension("a GNU long-name header")),
        b"M" | b"V" | b"D" => return Err(ArchiveError::Extension("a GNU header")),
        b"S" => "a sparse file",
        b"1" => "a hard link",
        b"2" => "a symbolic link",
        b"3" | b"4" => "a device",
        b"5" => "a directory entry",
        b"6" => "a FIFO",
        b"7" => "a contiguous file",
        _ => "of an unknown type",
    };
    Err(ArchiveError::NotRegular { path: shown.to_owned(), kind })
}

/// Eleven octal digits and a NUL.
fn parse_size(field: &[u8]) -> Option<u64> {
    let digits = field.strip_suffix(b"\0")?;
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => Some(value << 3 | u64::from(digit - b'0')),
        _ => None,
    })
}

/// The sum of all bytes, those of the checksum itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let total: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = get(block, CHECKSUM).iter().map(|byte| u32::from(*byte)).sum();
    total - own + 8 * u32::from(b' ')
}

fn get(block: &[u8; BLOCK], (_, offset, length): Field) -> &[u8] {
    block.get(offset..offset + length).unwrap_or_default()
}

fn put(block: &mut [u8; BLOCK], (_, offset, length): Field, value: &[u8]) {
    let field = block.iter_mut().skip(offset).take(length);
    field.zip(value).for_each(|(byte, value)| *byte = *value);
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
