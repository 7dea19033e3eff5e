//! What can be inspected: a project, a package, a component or an installed skill.

use std::fs;
use std::path::Path;

use openclaw_package::archive::Limits;
use openclaw_package::package::{COMPONENT_PATH, SKILL_MD_PATH};
use openclaw_package::{
    Digest, Envelope, Manifest, PublicKey, PublisherName, SkillId, SkillMd, ToolList, verify_archive,
};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::Lockfile;
use openclaw_runtime::trust::TrustStore;

use crate::commands::install::signature_path;
use crate::commands::installed::unknown;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::Package;
use crate::keys;
use crate::project::Project;
use crate::unpacked::{Staging, Unpacked};

/// The directory of an installed version that holds its package.
const PACKAGE_DIR: &str = "package";

/// What was found, as far as it has each part.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) kind: &'static str,
    pub(super) manifest: Option<Manifest>,
    pub(super) description: Option<String>,
    pub(super) tools: Option<ToolList>,
    pub(super) component: Option<Vec<u8>>,
    pub(super) package: Option<Package>,
    pub(super) warnings: Vec<String>,
}

impl Subject {
    /// A path that is there, or else the name of an installed skill.
    pub(super) fn find(text: &str, dir: &DataDir) -> Result<Self> {
        let path = Path::new(text);
        if path.is_dir() {
            return Self::project(path);
        }
        if path.exists() {
            let bytes = fs::read(path).map_err(CliError::at(path))?;
            return if bytes.starts_with(b"\0asm") {
                Ok(Self { kind: "component", component: Some(bytes), ..Self::default() })
            } else {
                Self::archive(path, &bytes, dir)
            };
        }
        match text.parse::<SkillId>() {
            Ok(skill) => Self::installed(&skill, dir),
            Err(_) => {
                let message = format!("{text} is neither a file, nor a directory, nor the name of a skill");
                Err(CliError::new(Exit::NotFound, "file-not-found", message)
                    .hint("openclaw skill inspect --help"))
            }
        }
    }

    fn project(path: &Path) -> Result<Self> {
        let project = Project::open(path)?;
        let mut warnings = Vec::new();
        let description = match fs::read(project.path(SKILL_MD_PATH)) {
            Ok(bytes) => Some(SkillMd::from_bytes(&bytes)?.description().to_owned()),
            Err(_) => {
                warnings.push(format!("it cannot be packed yet: {SKILL_MD_PATH} is missing"));
                None
            }
        };
        let component = match project.component() {
            Ok(bytes) => Some(bytes),
            Err(error) if error.exit == Exit::NotFound => {
                warnings.push("it was not built yet: openclaw skill build".to_owned());
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            kind: "project",
            manifest: Some(project.manifest().clone()),
            description,
            tools: project.tools()?,
            component,
            package: None,
            warnings,
        })
    }

    fn archive(path: &Path, bytes: &[u8], dir: &DataDir) -> Result<Self> {
        let Unpacked { package, component, .. } = Unpacked::read(path)?;
        let mut warnings = Vec::new();
        let (signer, trusted) = match signature(path, bytes, package.manifest().id().publisher(), dir) {
            Ok(signer) => (Some(signer.key), signer.trusted),
            Err(reason) => {
                warnings.push(reason);
                (None, false)
            }
        };
        Ok(Self {
            kind: "package",
            manifest: Some(package.manifest().clone()),
            description: Some(package.skill_md().description().to_owned()),
            tools: Some(package.tools().clone()),
            component: Some(component),
            package: Some(Package {
                digest: Digest::of(bytes),
                bytes: Some(bytes.len() as u64),
                signer,
                trusted,
            }),
            warnings,
        })
    }

    fn installed(skill: &SkillId, dir: &DataDir) -> Result<Self> {
        let lockfile = Lockfile::load(&dir.lockfile())?;
        let Some(locked) = lockfile.get(skill) else { return Err(unknown(dir, skill)) };
        let catalog = Catalog::load(dir)?;
        let loaded = match catalog.get(skill) {
            Some(Entry::Loaded(loaded)) => loaded,
            Some(Entry::Refused(reason)) => {
                let error = CliError::coded(reason.code(), reason);
                return Err(CliError {
                    message: format!("{skill} is not loaded: {}", error.message),
                    ..error
                });
            }
            None => return Err(unknown(dir, skill)),
        };
        let component = dir.skill(skill).join(locked.directory()).join(PACKAGE_DIR).join(COMPONENT_PATH);
        Ok(Self {
            kind: "installed",
            manifest: Some(loaded.manifest().clone()),
            description: Some(loaded.description().to_owned()),
            tools: Some(ToolList::new(loaded.tools().iter().cloned().collect())?),
            component: Some(fs::read(&component).map_err(CliError::at(&component))?),
            package: Some(Package {
                digest: locked.archive,
                bytes: None,
                signer: Some(locked.signer.clone()),
                trusted: true,
            }),
            warnings: Vec::new(),
        })
    }
}

/// Who signed a package.
struct Signer {
    key: PublicKey,
    trusted: bool,
}

/// The key that signed an archive, among those that are trusted and this owner's own, or why there
/// is none.
fn signature(
    archive: &Path,
    bytes: &[u8],
    publisher: &PublisherName,
    dir: &DataDir,
) -> Result<Signer, String> {
    let path = signature_path(archive);
    let text = fs::read(&path).map_err(|_| format!("it is not signed: there is no {}", path.display()))?;
    let envelope = Envelope::parse(&text).map_err(|error| format!("its signature is no use: {error}"))?;
    let trust = TrustStore::load(&dir.trust()).map_err(|error| error.to_string())?;
    let trusted = trust.keys(publisher);
    let own = keys::load(dir, publisher).ok().map(|(key, _)| key.public_key());
    let known: Vec<PublicKey> = trusted.iter().cloned().chain(own).collect();
    let staging = Staging::new().map_err(|error| error.message)?;
    let verified = verify_archive(bytes, &envelope, |_| known.clone(), &staging.dir, Limits::DEFAULT)
        .map_err(|error| format!("its signature does not hold with any key that you trust: {error}"))?;
    let key = verified.signer().clone();
    Ok(Signer { trusted: trusted.contains(&key), key })
}
