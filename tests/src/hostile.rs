//! Archives that no packer of ours would write, made byte by byte.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// What ends an archive.
pub const END: [u8; 1024] = [0; 1024];

/// What begins one, compressed.
pub const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

/// An entry of which everything may be said that is not so.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name.
    pub name: Vec<u8>,
    /// The type.
    pub kind: u8,
    /// The mode.
    pub mode: &'static [u8],
    /// The time.
    pub mtime: &'static [u8],
    /// The magic and the version.
    pub magic: &'static [u8],
    /// Where a link leads.
    pub link: &'static [u8],
    /// The size.
    pub size: Vec<u8>,
    /// The content.
    pub content: Vec<u8>,
    /// What fills up the last block.
    pub padding: u8,
}

impl Entry {
    /// A regular file, as the profile has it.
    #[must_use]
    pub fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        Self {
            name: name.as_ref().to_vec(),
            kind: b'0',
            mode: b"0000644\0",
            mtime: b"00000000000\0",
            magic: b"ustar\x0000",
            link: b"",
            size: format!("{:011o}\0", content.len()).into_bytes(),
            content,
            padding: 0,
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0_u8; 512];
        let mut put =
            |offset: usize, bytes: &[u8]| block[offset..offset + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, self.mode);
        put(108, b"0000000\x000000000\0");
        put(124, &self.size);
        put(136, self.mtime);
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, self.link);
        put(257, self.magic);
        put(329, b"0000000\x000000000\0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend_from_slice(&self.content);
        block.resize(block.len().next_multiple_of(512), self.padding);
        block
    }
}

/// The entries of honest files.
#[must_use]
pub fn entries(files: &BTreeMap<&str, Vec<u8>>) -> Vec<Entry> {
    files.iter().map(|(name, content)| Entry::file(name, content)).collect()
}

/// Entries and an end, not compressed.
#[must_use]
pub fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Entry::bytes).collect();
    bytes.extend_from_slice(&END);
    bytes
}

/// One gzip member, as the profile has it.
#[must_use]
pub fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_with(&GZIP_HEADER, content)
}

/// One gzip member with another header.
#[must_use]
pub fn gzip_with(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(header.to_vec(), Compression::fast());
    deflate.write_all(content).expect("memory");
    let mut bytes = deflate.finish().expect("memory");
    let mut crc = Crc::new();
    crc.update(content);
    bytes.extend_from_slice(&crc.sum().to_le_bytes());
    bytes.extend_from_slice(&crc.amount().to_le_bytes());
    bytes
}
