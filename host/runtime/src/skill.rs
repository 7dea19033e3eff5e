//! A skill on its way to be called: `Unverified` → `Verified` → `Authorized` → `Ready`.
//!
//! Each step consumes the one before, so nothing can run that was not verified and authorized.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use jsonschema::{Draft, PatternOptions};
use openclaw_package::archive::FileRecord;
use openclaw_package::digest::Digest;
use openclaw_package::envelope::Envelope;
use openclaw_package::key::PublicKey;
use openclaw_package::manifest::Manifest;
use openclaw_package::name::{SkillId, ToolName};
use openclaw_package::package::{Depth, RefusalError, SKILL_MD_PATH, VerifiedPackage, verify_dir};
use openclaw_package::tools::{Tool, ToolList};
use serde_json::Value;

use crate::audit::Subject;
use crate::capability::grant::Grants;
use crate::layout::{DataDir, LayoutError};
use crate::lockfile::{Locked, SkillOrigin};
use crate::policy::Policy;
use crate::sandbox::{Cut, Limits, PrepareError, Prepared, Sandbox};
use crate::takedowns::TakedownError;
use crate::trust::TrustStore;

/// The file beside an installed package that holds its signature.
pub(crate) const SIGNATURE_FILE: &str = "signature.dsse.json";
/// The file beside an installed package that holds its registry's proof.
pub(crate) const PROVENANCE_FILE: &str = "provenance.json";
/// The directory of an installed package.
pub(crate) const PACKAGE_DIR: &str = "package";

/// Bytes that a compiled pattern of a schema may take.
const PATTERN_BYTES: usize = 256 << 10;

/// Why an installed skill is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// A file of it cannot be read.
    #[error(transparent)]
    Io(#[from] LayoutError),
    /// It is not what its publisher signed.
    #[error(transparent)]
    Refused(#[from] RefusalError),
    /// A registry's operator took it down, or nobody can tell.
    #[error(transparent)]
    Takedown(#[from] TakedownError),
    /// It is not what was installed.
    #[error("{skill} differs from what the lockfile pins ({what})")]
    NotAsLocked {
        /// The skill.
        skill: SkillId,
        /// What differs.
        what: &'static str,
    },
    /// A tool's schema cannot be used to check anything.
    #[error("a schema of {tool} is not valid: {reason}")]
    Schema {
        /// The tool.
        tool: ToolName,
        /// Why.
        reason: String,
    },
    /// Its calls could not be recorded.
    #[error("what is recorded of it has no JSON form: {0}")]
    Record(#[from] serde_json::Error),
    /// Its component cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

impl SkillError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "unreadable",
            Self::Refused(error) => error.code(),
            Self::Takedown(error) => error.code(),
            Self::NotAsLocked { .. } => "not-as-locked",
            Self::Schema { .. } => "invalid-schema",
            Self::Record(_) => "host-failure",
            Self::Prepare(error) => error.code(),
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Takedown(error) => Some(error.hint()),
            Self::Prepare(error) => error.hint(),
            _ => None,
        }
    }
}

/// An installed package of which nothing is known yet.
#[derive(Debug)]
pub struct Unverified {
    dir: PathBuf,
    skill: SkillId,
    locked: Locked,
}

impl Unverified {
    /// The package that the lockfile pins.
    #[must_use]
    pub fn installed(dir: &DataDir, skill: &SkillId, locked: &Locked) -> Self {
        let path = installed_dir(&dir.skill(skill), locked);
        Self { dir: path, skill: skill.clone(), locked: locked.clone() }
    }

    /// Checks signature, pins and every file but the component, which is checked when it is loaded.
    ///
    /// # Errors
    /// [`SkillError::Refused`] and [`SkillError::NotAsLocked`].
    pub fn verify(self, trust: &TrustStore) -> Result<Verified, SkillError> {
        self.verify_to(trust, Depth::WithoutComponent)
    }

    /// Checks all of it, the component too, as it was checked when it was installed.
    ///
    /// # Errors
    /// As [`Unverified::verify`].
    pub fn verify_full(self, trust: &TrustStore) -> Result<Verified, SkillError> {
        self.verify_to(trust, Depth::Full)
    }

    /// The proof of its registry, as it was kept when it was installed.
    ///
    /// # Errors
    /// [`LayoutError`] where it cannot be read.
    pub fn provenance(&self) -> Result<Vec<u8>, LayoutError> {
        let path = self.dir.join(PROVENANCE_FILE);
        std::fs::read(&path).map_err(LayoutError::at(&path))
    }

    fn verify_to(self, trust: &TrustStore, depth: Depth) -> Result<Verified, SkillError> {
        let signature_path = self.dir.join(SIGNATURE_FILE);
        let signature = std::fs::read(&signature_path).map_err(LayoutError::at(&signature_path))?;
        let envelope = Envelope::parse(&signature).map_err(RefusalError::from)?;
        let package_dir = self.dir.join(PACKAGE_DIR);
        let dir = Dir::open_ambient_dir(&package_dir, ambient_authority())
            .map_err(LayoutError::at(&package_dir))?;
        // Of the trusted keys the one that signed what was installed: another signature changes nothing.
        let keys = |publisher: &_| match &self.locked.origin {
            SkillOrigin::Local => {
                trust.keys(publisher).into_iter().filter(|key| *key == self.locked.signer).collect()
            }
            // The log proved it, and `openclaw registry verify` proves it again.
            SkillOrigin::Registry(_) => vec![self.locked.signer.clone()],
        };
        let package = verify_dir(&dir, &envelope, keys, depth)?;
        let differs = |what| SkillError::NotAsLocked { skill: self.skill.clone(), what };
        if package.manifest().id() != &self.skill {
            return Err(differs("name"));
        }
        if package.statement_digest() != self.locked.statement {
            return Err(differs("statement"));
        }
        if package.archive_digest() != self.locked.archive {
            return Err(differs("archive"));
        }
        if package.signer() != &self.locked.signer {
            return Err(differs("signer"));
        }
        Ok(Verified { package, dir })
    }
}

/// A package that is what its publisher signed.
#[derive(Debug)]
pub struct Verified {
    package: VerifiedPackage,
    dir: Dir,
}

impl Verified {
    /// Joins the requests with the owner's policy.
    ///
    /// # Errors
    /// [`SkillError::Record`] where its calls could not be recorded.
    pub fn authorize(self, policy: &Policy) -> Result<Authorized, SkillError> {
        let grants = Grants::join(self.package.manifest().id(), self.package.manifest().requests(), policy);
        let (limits, cuts) = policy.ceilings().apply(self.package.manifest());
        let tools = Tools::new(self.package.tools());
        let (version, archive) = (self.package.manifest().version(), self.package.archive_digest());
        let recorded = Subject::new(version, &archive, self.package.signer(), grants.rules())?;
        Ok(Authorized { package: self.package, dir: self.dir, grants, limits, cuts, tools, recorded })
    }
}

/// A verified package and what it holds.
#[derive(Debug)]
pub struct Authorized {
    package: VerifiedPackage,
    dir: Dir,
    grants: Grants,
    limits: Limits,
    cuts: Vec<Cut>,
    tools: Tools,
    recorded: Subject,
}

impl Authorized {
    /// What each record of its calls says of it.
    pub(crate) fn recorded(&self) -> &Subject {
        &self.recorded
    }

    /// Reads the component, checks it against the signed statement, and makes it ready to be called.
    ///
    /// # Errors
    /// [`SkillError::Refused`] where it is not the signed one, [`SkillError::Prepare`] where it does not load.
    pub fn ready(&self, sandbox: &Sandbox) -> Result<Ready, SkillError> {
        let component = self.read_component()?;
        let prepared = sandbox.prepare(&component, self.component(), self.manifest().requests())?;
        Ok(Ready { prepared: Arc::new(prepared) })
    }

    /// Reads the component, and checks it against the signed statement.
    pub(crate) fn read_component(&self) -> Result<Vec<u8>, SkillError> {
        Ok(self.package.read_component(&self.dir)?)
    }

    /// The digest of the component, as it was signed.
    pub(crate) fn component(&self) -> Digest {
        self.package.component_digest()
    }

    /// The signed manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.package.manifest()
    }

    /// The digest of the package's archive.
    #[must_use]
    pub fn archive(&self) -> Digest {
        self.package.archive_digest()
    }

    /// The key that signed it.
    #[must_use]
    pub fn signer(&self) -> &PublicKey {
        self.package.signer()
    }

    /// What it is for, in its author's words.
    #[must_use]
    pub fn description(&self) -> &str {
        self.package.skill_md().description()
    }

    /// SKILL.md and the files below `references/` and `assets/`, by path.
    pub fn documents(&self) -> impl Iterator<Item = &FileRecord> {
        self.package.files().iter().filter(|file| is_document(file.path.as_str()))
    }

    /// Reads one of the [`Authorized::documents`], and checks it against the signed statement; none where there is no
    /// such document. The path is compared, never followed.
    ///
    /// # Errors
    /// [`SkillError::Refused`] where it cannot be read, or is not the signed one.
    pub fn read_document(&self, path: &str) -> Result<Option<Vec<u8>>, SkillError> {
        if !self.documents().any(|file| file.path.as_str() == path) {
            return Ok(None);
        }
        Ok(Some(self.package.read_file(&self.dir, path)?))
    }

    /// What it holds.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The limits of its calls.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Which of its limits the operator's ceilings cut.
    #[must_use]
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Its tools.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }
}

/// A skill that can be called.
#[derive(Clone, Debug)]
pub struct Ready {
    pub(crate) prepared: Arc<Prepared>,
}

/// The tools of a skill, each with the checks of its input and of what it gives.
#[derive(Debug)]
pub struct Tools {
    tools: Vec<Offered>,
    list: ToolList,
}

#[derive(Debug)]
struct Offered {
    tool: Tool,
    input: SchemaCheck,
    output: SchemaCheck,
}

/// A compiled schema, once somebody calls: a host has far more tools than it calls.
#[derive(Debug, Default)]
struct SchemaCheck(OnceLock<Result<jsonschema::Validator, Arc<SkillError>>>);

impl Tools {
    /// The tools of a skill that was installed, and so [`Tools::check`]ed.
    #[must_use]
    pub fn new(list: &ToolList) -> Self {
        let offered = |tool: &Tool| Offered {
            tool: tool.clone(),
            input: SchemaCheck::default(),
            output: SchemaCheck::default(),
        };
        Self { tools: list.iter().map(offered).collect(), list: list.clone() }
    }

    /// Compiles every input schema.
    ///
    /// # Errors
    /// [`SkillError::Schema`].
    pub fn check(&self) -> Result<(), Arc<SkillError>> {
        self.tools.iter().try_for_each(|offered| offered.compiled_input().map(drop))
    }

    /// All tools.
    pub fn iter(&self) -> impl Iterator<Item = &Tool> {
        self.tools.iter().map(|offered| &offered.tool)
    }

    /// Whether what a tool gave fits the output schema that its author declared; true where none was.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check_output(&self, name: &ToolName, output: &Value) -> Result<(), String> {
        let Some(offered) = self.offered(name) else { return Ok(()) };
        let Some(schema) = &offered.tool.output_schema else { return Ok(()) };
        let validator =
            offered.output.compiled(&offered.tool.name, schema).map_err(|error| error.to_string())?;
        if validator.is_valid(output) {
            return Ok(());
        }
        validator.validate(output).map_err(|error| match error.instance_path().to_string() {
            at if at.is_empty() => error.to_string(),
            at => format!("at {at}: {error}"),
        })
    }

    /// The check of a tool's input; none where there is no such tool.
    pub(crate) fn find(&self, name: &ToolName) -> Option<Result<&jsonschema::Validator, Arc<SkillError>>> {
        Some(self.offered(name)?.compiled_input())
    }

    pub(crate) fn nearest(&self, name: &str) -> Vec<ToolName> {
        self.list.nearest(name)
    }

    fn offered(&self, name: &ToolName) -> Option<&Offered> {
        self.tools.iter().find(|offered| &offered.tool.name == name)
    }
}

impl Offered {
    fn compiled_input(&self) -> Result<&jsonschema::Validator, Arc<SkillError>> {
        self.input.compiled(&self.tool.name, &self.tool.input_schema)
    }
}

impl SchemaCheck {
    fn compiled(&self, tool: &ToolName, schema: &Value) -> Result<&jsonschema::Validator, Arc<SkillError>> {
        self.0.get_or_init(|| compile(tool, schema).map_err(Arc::new)).as_ref().map_err(Arc::clone)
    }
}

fn compile(tool: &ToolName, schema: &Value) -> Result<jsonschema::Validator, SkillError> {
    // Patterns are a stranger's: an engine without backtracking, and small.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| SkillError::Schema { tool: tool.clone(), reason: error.to_string() })
}

/// Whether a file of a package is there to be read by people and models.
fn is_document(path: &str) -> bool {
    path == SKILL_MD_PATH || path.starts_with("references/") || path.starts_with("assets/")
}

/// Where an installed version of a skill lies.
pub(crate) fn installed_dir(skill_dir: &Path, locked: &Locked) -> PathBuf {
    skill_dir.join(locked.directory())
}
