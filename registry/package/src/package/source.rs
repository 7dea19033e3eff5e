//! From a project directory to a signed archive.

use std::collections::BTreeMap;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::layout::{self, FREE, Found, Parts, Walk};
use super::{COMPONENT_PATH, MANIFEST_PATH, RefusalError, SKILL_MD_PATH, TOOLS_PATH};
use crate::archive::{self, ArchiveError, FileRecord, Limits, PackagePath};
use crate::component::Imports;
use crate::digest::Digest;
use crate::envelope::{Envelope, IN_TOTO_PAYLOAD_TYPE};
use crate::key::SigningKey;
use crate::manifest::Manifest;
use crate::skill_md::SkillMd;
use crate::statement::{Release, Statement};
use crate::tools::ToolList;

/// The files of a package, collected and checked, before they are packed.
#[derive(Debug, Clone)]
pub struct PackageSource {
    files: BTreeMap<PackagePath, Vec<u8>>,
    manifest: Manifest,
    skill_md: SkillMd,
    tools: ToolList,
    imports: Imports,
}

/// A package as it is collected from a project.
pub type Package = PackageSource;

impl PackageSource {
    /// Collects a package from a project directory, with the `openclaw/tools.json` that stands there.
    ///
    /// Of the project only `SKILL.md`, `openclaw/`, `references/` and `assets/` are read.
    ///
    /// # Errors
    ///
    /// Files that are missing, have no place in a package, or are not regular; a `scripts/` directory; parts
    /// that are not understood or disagree; a component that could do more than the manifest asks.
    pub fn from_dir(dir: &Path) -> Result<Self, RefusalError> {
        Self::from_files(collect(dir)?)
    }

    /// Collects a package as [`PackageSource::from_dir`] does, with the tools that the component itself
    /// answered in place of `openclaw/tools.json`.
    ///
    /// # Errors
    ///
    /// As [`PackageSource::from_dir`].
    pub fn from_dir_with_tools(dir: &Path, tools: &ToolList) -> Result<Self, RefusalError> {
        let mut files = collect(dir)?;
        files.insert(TOOLS_PATH.parse()?, tools.to_json());
        Self::from_files(files)
    }

    /// Checks files that are in memory already.
    ///
    /// # Errors
    ///
    /// As [`PackageSource::from_dir`].
    pub fn from_files(files: BTreeMap<PackagePath, Vec<u8>>) -> Result<Self, RefusalError> {
        layout::check(files.keys())?;
        let parts = Parts::read(|path| get(&files, path).map(<[u8]>::to_vec))?;
        let imports = Imports::read(get(&files, COMPONENT_PATH)?)?;
        imports.prove(parts.manifest.requests())?;
        let Parts { manifest, skill_md, tools } = parts;
        Ok(Self { files, manifest, skill_md, tools, imports })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SKILL.md.
    pub fn skill_md(&self) -> &SkillMd {
        &self.skill_md
    }

    /// The tools.
    pub fn tools(&self) -> &ToolList {
        &self.tools
    }

    /// What the component imports and exports.
    pub fn imports(&self) -> &Imports {
        &self.imports
    }

    /// The component's bytes.
    pub fn component(&self) -> &[u8] {
        get(&self.files, COMPONENT_PATH).unwrap_or_default()
    }

    /// Every file, in byte order of the paths.
    pub fn files(&self) -> &BTreeMap<PackagePath, Vec<u8>> {
        &self.files
    }

    /// Packs the files and makes the statement about them.
    ///
    /// # Errors
    ///
    /// A package that is larger than [`Limits::DEFAULT`] has room for.
    pub fn pack(&self) -> Result<Packed, RefusalError> {
        let mut archive = Vec::new();
        archive::write(&self.files, &mut archive)?;
        let limit = Limits::DEFAULT.packed;
        if archive.len() as u64 > limit {
            return Err(ArchiveError::TooLarge { limit }.into());
        }
        let digest = Digest::of(&archive);
        let record = |(path, content): (&PackagePath, &Vec<u8>)| FileRecord {
            path: path.clone(),
            size: content.len() as u64,
            sha256: Digest::of(content),
        };
        let release = Release {
            id: self.manifest.id().clone(),
            version: self.manifest.version().clone(),
            manifest: Digest::of(get(&self.files, MANIFEST_PATH)?),
            component: Digest::of(get(&self.files, COMPONENT_PATH)?),
            files: self.files.iter().map(record).collect(),
        };
        Ok(Packed { archive, digest, statement: Statement::new(digest, release) })
    }
}

/// An archive and what there is to sign about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The bytes of the archive.
    pub archive: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// The statement about them.
    pub statement: Statement,
}

impl Packed {
    /// Signs the statement.
    pub fn sign(&self, key: &SigningKey) -> Envelope {
        Envelope::sign(IN_TOTO_PAYLOAD_TYPE, &self.statement.to_json(), &[key])
    }
}

fn get<'a>(files: &'a BTreeMap<PackagePath, Vec<u8>>, path: &str) -> Result<&'a [u8], RefusalError> {
    let found = files.iter().find(|(known, _)| known.as_str() == path);
    found.map(|(_, content)| content.as_slice()).ok_or_else(|| RefusalError::MissingFile(path.to_owned()))
}

/// Reads what belongs to the package out of a project.
fn collect(project: &Path) -> Result<BTreeMap<PackagePath, Vec<u8>>, RefusalError> {
    let shown = project.display().to_string();
    let dir = Dir::open_ambient_dir(project, ambient_authority()).map_err(RefusalError::io(shown))?;
    if dir.symlink_metadata("scripts").is_ok() {
        return Err(RefusalError::Scripts);
    }
    let mut walk = Walk::new(Limits::DEFAULT);
    match dir.symlink_metadata(SKILL_MD_PATH) {
        Ok(metadata) => walk.file(SKILL_MD_PATH.parse()?, &metadata)?,
        Err(error) => return Err(RefusalError::io(SKILL_MD_PATH)(error)),
    }
    for name in ["openclaw"].into_iter().chain(FREE) {
        match dir.symlink_metadata(name) {
            Ok(metadata) if metadata.is_dir() => {
                let below = dir.open_dir(name).map_err(RefusalError::io(name))?;
                walk.directory(&below, &format!("{name}/"))?;
            }
            Ok(_) => return Err(RefusalError::NotRegular(name.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(RefusalError::io(name)(error)),
        }
    }
    let read = |(path, size): Found| {
        let content = layout::read_file(&dir, path.as_str(), size)?;
        Ok((path, content))
    };
    walk.finish().into_iter().map(read).collect()
}
