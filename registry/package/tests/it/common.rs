//! A small skill, and a tar writer that does as it is told, hostile or not.

use std::collections::BTreeMap;
use std::io::Write as _;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use flate2::Crc;
use flate2::write::DeflateEncoder;
use openclaw_package::archive::{ArchiveReader, Limits};
use openclaw_package::{ArchiveError, PackagePath, PackageSource, Packed, PublicKey, SigningKey};

pub const MANIFEST: &str = r#"[skill]
publisher = "acme"
name = "hello"
version = "1.0.0"
category = "developer-tools"

[[permission.network]]
url = "https://api.example.com/v1/"
methods = ["GET"]
reason = "looks up the greeting"
"#;

pub const SKILL_MD: &str = "---\nname: hello\ndescription: Greets people by name.\n---\n# Hello\n";

pub const TOOLS: &str =
    r#"{"tools":[{"name":"greet","description":"Greets.","inputSchema":{"type":"object"}}]}"#;

/// A component that imports and exports empty instances of those names.
pub fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut text = "(component\n".to_owned();
    for import in imports {
        text += &format!("(import \"{import}\" (instance))\n");
    }
    text += "(instance $empty)\n";
    for export in exports {
        text += &format!("(export \"{export}\" (instance $empty))\n");
    }
    wat::parse_str(text + ")").unwrap()
}

pub fn hello_component() -> Vec<u8> {
    component(
        &["openclaw:skill/log@1.0.0", "wasi:io/streams@0.2.6", "wasi:http/outgoing-handler@0.2.12"],
        &["openclaw:skill/tools@1.0.0"],
    )
}

pub fn path(text: &str) -> PackagePath {
    text.parse().unwrap()
}

pub fn hello_files() -> BTreeMap<PackagePath, Vec<u8>> {
    [
        ("SKILL.md", SKILL_MD.as_bytes().to_vec()),
        ("assets/logo.svg", b"<svg/>".to_vec()),
        ("openclaw/skill.toml", MANIFEST.as_bytes().to_vec()),
        ("openclaw/skill.wasm", hello_component()),
        ("openclaw/tools.json", TOOLS.as_bytes().to_vec()),
        ("references/guide.md", b"# Guide\n".to_vec()),
    ]
    .map(|(name, content)| (path(name), content))
    .into()
}

pub fn hello() -> PackageSource {
    PackageSource::from_files(hello_files()).unwrap()
}

/// The same skill with another manifest text in place of one of its own.
pub fn hello_with(from: &str, to: &str) -> PackageSource {
    let mut files = hello_files();
    assert!(MANIFEST.contains(from));
    files.insert(path("openclaw/skill.toml"), MANIFEST.replace(from, to).into_bytes());
    PackageSource::from_files(files).unwrap()
}

/// A key that is the same in every run.
pub fn key(seed: u8) -> SigningKey {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode([seed; 32]);
    SigningKey::from_secret_text(&format!("openclaw-secret-key:ed25519:{encoded}")).unwrap()
}

/// A directory that is removed when the test ends.
pub struct Staging {
    pub dir: Dir,
    pub place: tempfile::TempDir,
}

pub fn staging() -> Staging {
    let place = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(place.path(), ambient_authority()).unwrap();
    Staging { dir, place }
}

pub fn trust(key: &SigningKey) -> Vec<PublicKey> {
    vec![key.public_key()]
}

/// What a test may set in a tar header; the rest is as the profile has it.
pub struct RawEntry {
    pub name: Vec<u8>,
    pub kind: u8,
    pub mode: &'static [u8],
    pub mtime: &'static [u8],
    pub magic: &'static [u8],
    pub link: &'static [u8],
    pub size: Vec<u8>,
    pub content: Vec<u8>,
    pub padding: u8,
}

impl RawEntry {
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

pub const END: [u8; 1024] = [0; 1024];

/// Entries and an end marker, not compressed.
pub fn tar(entries: &[RawEntry]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(RawEntry::bytes).collect();
    bytes.extend_from_slice(&END);
    bytes
}

pub const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

/// One gzip member as the profile has it.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_with(&GZIP_HEADER, content)
}

pub fn gzip_with(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(header.to_vec(), flate2::Compression::fast());
    deflate.write_all(content).unwrap();
    let mut bytes = deflate.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(content);
    bytes.extend_from_slice(&crc.sum().to_le_bytes());
    bytes.extend_from_slice(&crc.amount().to_le_bytes());
    bytes
}

/// Reads an archive to its end and gives what was in it.
pub fn read_archive(bytes: &[u8]) -> Result<BTreeMap<PackagePath, Vec<u8>>, ArchiveError> {
    read_archive_under(bytes, Limits::DEFAULT)
}

pub fn read_archive_under(
    bytes: &[u8],
    limits: Limits,
) -> Result<BTreeMap<PackagePath, Vec<u8>>, ArchiveError> {
    let mut reader = ArchiveReader::new(bytes, limits)?;
    let mut files = BTreeMap::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        reader.copy_to(&mut content)?;
        files.insert(entry.path, content);
    }
    Ok(files)
}

/// The code with which an archive of these entries is refused.
pub fn refusal_of(entries: &[RawEntry]) -> &'static str {
    read_archive(&gzip(&tar(entries))).unwrap_err().code()
}

/// The archive of some files, packed as if they were a package.
pub fn repacked(packed: &Packed, files: &BTreeMap<PackagePath, Vec<u8>>) -> Packed {
    let mut archive = Vec::new();
    openclaw_package::archive::write(files, &mut archive).unwrap();
    let digest = openclaw_package::Digest::of(&archive);
    let text = String::from_utf8(packed.statement.to_json()).unwrap();
    let text = text.replace(&packed.digest.hex(), &digest.hex());
    let statement = openclaw_package::Statement::parse(text.as_bytes()).unwrap();
    Packed { archive, digest, statement }
}
