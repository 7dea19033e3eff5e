//! Archives: the gzip frame as it comes, and the tar stream inside it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use flate2::Crc;
use flate2::read::GzDecoder;
use flate2::write::DeflateEncoder;
use openclaw_package::archive::{self, ArchiveReader, Limits};
use openclaw_package::{ArchiveError, Digest, FileRecord, PackagePath};

use super::told;

const BLOCK: usize = 512;

/// Small ones, so that short inputs reach them.
const LIMITS: Limits = Limits { packed: 4 << 10, unpacked: 16 << 10, files: 8 };

/// An archive is read within its limits, whole or not at all, and what is read would be packed the same.
pub fn archive(data: &[u8]) {
    let Some(files) = read(data) else { return };
    let mut again = Vec::new();
    archive::write(&files, &mut again).expect("what was read can be packed");
    assert_eq!(read_under(&again, Limits::DEFAULT).ok().as_ref(), Some(&files));
    assert_eq!(unzipped(&again), unzipped(data), "the archive has a second form");
}

/// The same for a tar stream, in a frame that is always right, with the checksums put right too.
pub fn tar(data: &[u8]) {
    let tar = with_checksums(data);
    archive(&gzip(&tar));
    let Ok(files) = read_under(&gzip(&tar), Limits::DEFAULT) else { return };
    let plain = plain_entries(&tar).expect("only plain files are read");
    assert!(plain.keys().is_sorted_by(|one, next| one < next));
    let files: BTreeMap<Vec<u8>, Vec<u8>> =
        files.into_iter().map(|(path, content)| (path.as_str().as_bytes().to_vec(), content)).collect();
    assert_eq!(files, plain);
}

/// Reads an archive under the small limits, and makes sure that they hold.
fn read(data: &[u8]) -> Option<BTreeMap<PackagePath, Vec<u8>>> {
    match read_under(data, LIMITS) {
        Ok(files) => {
            let unpacked: usize = files.values().map(Vec::len).sum();
            assert!(!files.is_empty() && files.len() <= LIMITS.files);
            assert!(data.len() as u64 <= LIMITS.packed && unpacked as u64 <= LIMITS.unpacked);
            // Reading over the content finds the same end.
            let mut reader = ArchiveReader::new(data, LIMITS).expect("it was read before");
            while reader.next_entry().expect("it was read before").is_some() {}
            Some(files)
        }
        Err(error) => {
            told(&error, error.code(), error.hint());
            None
        }
    }
}

fn read_under(data: &[u8], limits: Limits) -> Result<BTreeMap<PackagePath, Vec<u8>>, ArchiveError> {
    let mut reader = ArchiveReader::new(Bounded { inner: data, room: limits.packed + 1 }, limits)?;
    let mut files = BTreeMap::new();
    let mut room = limits.unpacked;
    while let Some(entry) = reader.next_entry()? {
        let mut out = Bounded { inner: Vec::new(), room };
        let record = reader.copy_to(&mut out)?;
        let Bounded { inner: content, room: left } = out;
        room = left;
        let (path, size, sha256) = (entry.path.clone(), content.len() as u64, Digest::of(&content));
        assert_eq!(record, FileRecord { path, size, sha256 });
        assert_eq!(files.insert(entry.path, content), None);
    }
    Ok(files)
}

/// Gives or takes no more than it has room for.
struct Bounded<T> {
    inner: T,
    room: u64,
}

impl<T> Bounded<T> {
    fn took(&mut self, count: usize) -> usize {
        self.room = self.room.checked_sub(count as u64).expect("the limit was passed");
        count
    }
}

impl Read for Bounded<&[u8]> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map(|count| self.took(count))
    }
}

impl Write for Bounded<Vec<u8>> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).map(|count| self.took(count))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One gzip member as the profile has it, around any bytes.
pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    let mut deflate = DeflateEncoder::new(header, flate2::Compression::fast());
    deflate.write_all(content).expect("memory is written");
    let mut bytes = deflate.finish().expect("memory is written");
    let mut crc = Crc::new();
    crc.update(content);
    bytes.extend_from_slice(&crc.sum().to_le_bytes());
    bytes.extend_from_slice(&crc.amount().to_le_bytes());
    bytes
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).expect("it was read before");
    content
}

/// Puts right the checksum of every header, which no mutation would hit.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut tar = data.to_vec();
    let mut start = 0;
    while let Some(header) = tar.get_mut(start..start + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        start += BLOCK + size_in(header).unwrap_or(0).next_multiple_of(BLOCK);
    }
    tar
}

/// The files of a tar stream by name, read as simply as can be; `None` for anything but plain files.
fn plain_entries(tar: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    let mut rest = tar;
    loop {
        let (header, after) = rest.split_at_checked(BLOCK)?;
        if header.iter().all(|byte| *byte == 0) {
            return (after == [0; BLOCK]).then_some(entries);
        }
        let name: Vec<u8> = header[..100].iter().copied().take_while(|byte| *byte != 0).collect();
        let (content, after) = after.split_at_checked(size_in(header)?)?;
        let (padding, after) =
            after.split_at_checked(content.len().next_multiple_of(BLOCK) - content.len())?;
        let plain = header[156] == b'0' && padding.iter().all(|byte| *byte == 0);
        if !plain || entries.insert(name, content.to_vec()).is_some() {
            return None;
        }
        rest = after;
    }
}

fn size_in(header: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(&header[124..135]).ok()?, 8).ok().filter(|size| *size < 1 << 24)
}
