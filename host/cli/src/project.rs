//! A skill's project directory, which is its package directory too.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use openclaw_package::manifest::Language;
use openclaw_package::{Manifest, ToolList};
use tempfile::{NamedTempFile, TempDir};
use toml_edit::DocumentMut;

use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;
use crate::sdk::{self, Sdk};

/// The manifest of a skill.
pub(crate) const MANIFEST: &str = "openclaw/skill.toml";
/// The component of a skill.
pub(crate) const COMPONENT: &str = "openclaw/skill.wasm";
/// The tools of a skill.
pub(crate) const TOOLS: &str = "openclaw/tools.json";
/// Where a new project tells cargo of the SDK.
pub(crate) const CARGO_CONFIG: &str = ".cargo/config.toml";

/// The link by which a project reaches the SDK.
pub(crate) const SDK_LINK: &str = ".cargo/sdk";

/// The same for npm.
pub(crate) const NPM_SDK_LINK: &str = ".openclaw/sdk";

/// By this beginning the file is known as ours, and so as one that may be written anew.
const CARGO_CONFIG_MARK: &str = "# Written by openclaw";

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
    manifest: Manifest,
    language: Option<Language>,
}

impl Project {
    /// Opens a directory with a manifest in it.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let root = dir.canonicalize().map_err(CliError::at(dir))?;
        let path = root.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("{} is not a skill: it has no {MANIFEST}", root.display());
                return Err(CliError::new(Exit::NotFound, "not-a-skill", message)
                    .hint("openclaw skill new <name> begins one"));
            }
            text => text.map_err(CliError::at(&path))?,
        };
        let manifest = Manifest::parse(&text)?;
        let language = language(&root, manifest.language(), &path)?;
        Ok(Self { root, manifest, language })
    }

    /// Its directory, without links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Its manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it is written in; nothing, where its component comes from elsewhere.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What its tools keep while they are developed.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.root.join("target/openclaw")
    }

    /// Keeps others from building the project until the answer is dropped; waits for one who does.
    pub(crate) fn lock(&self, output: &Output) -> Result<File> {
        let dir = self.state_dir();
        fs::create_dir_all(&dir).map_err(CliError::at(&dir))?;
        let path = dir.join("lock");
        let file = File::create(&path).map_err(CliError::at(&path))?;
        if file.try_lock().is_err() {
            output.note("waiting for another build of this project");
            file.lock().map_err(CliError::at(&path))?;
        }
        Ok(file)
    }

    /// The component that was built last.
    pub(crate) fn component(&self) -> Result<Vec<u8>> {
        let path = self.path(COMPONENT);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("there is no {COMPONENT} yet");
                Err(CliError::new(Exit::NotFound, "not-built", message)
                    .hint(format!("openclaw skill build {}", self.root.display())))
            }
            read => read.map_err(CliError::at(&path)),
        }
    }

    /// The tools that were listed last, if they were.
    pub(crate) fn tools(&self) -> Result<Option<ToolList>> {
        let path = self.path(TOOLS);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CliError::io(&path, &error)),
            Ok(bytes) => Ok(Some(ToolList::parse(&bytes)?)),
        }
    }

    /// Puts bytes in place of a file; the same bytes leave it alone.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        replace(&path, bytes)
    }

    /// Tells cargo where the SDK is, if the project depends on it and does not say so itself.
    ///
    /// A file of another author's is left alone; ours follows this program's SDK.
    pub(crate) fn link_sdk(&self, sdk: &Sdk) -> Result<()> {
        let path = self.path(CARGO_CONFIG);
        let ours = match fs::read_to_string(&path) {
            Ok(text) => text.starts_with(CARGO_CONFIG_MARK),
            Err(error) if error.kind() == ErrorKind::NotFound => self.names_sdk_by_version()?,
            Err(error) => return Err(CliError::io(&path, &error)),
        };
        if ours {
            self.put(CARGO_CONFIG, cargo_config().as_bytes())?;
            link(&self.path(SDK_LINK), sdk.root())?;
        }
        Ok(())
    }

    /// Gives npm a way to the SDK that does not change with it.
    pub(crate) fn link_npm_sdk(&self, sdk: &Sdk) -> Result<()> {
        let path = self.path(NPM_SDK_LINK);
        let dir = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(dir).map_err(CliError::at(dir))?;
        link(&path, &sdk.root().join("skills-sdk/js"))
    }

    fn names_sdk_by_version(&self) -> Result<bool> {
        let path = self.path("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(CliError::at(&path))?;
        let manifest: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            CliError::new(Exit::Failed, "build-failed", format!("{}: {error}", path.display()))
        })?;
        let dependency = manifest.get("dependencies").and_then(|dependencies| dependencies.get(sdk::CRATE));
        Ok(dependency.is_some_and(|dependency| {
            let elsewhere = ["path", "git", "workspace"];
            let table = dependency.as_table_like();
            !table.is_some_and(|table| elsewhere.iter().any(|key| table.contains_key(key)))
        }))
    }
}

/// What a project is written in: as its manifest says, where the file is there that every project of that language has. Nothing,
/// where the component comes from elsewhere.
fn language(root: &Path, said: Language, manifest: &Path) -> Result<Option<Language>> {
    let has = |name: &str| root.join(name).is_file();
    let found = match said {
        Language::Rust => has("Cargo.toml"),
        Language::TypeScript | Language::JavaScript => has("package.json"),
        Language::Python => has("pyproject.toml"),
        _ => false,
    };
    if found {
        return Ok(Some(said));
    }
    let guessed = match () {
        () if has("Cargo.toml") => Language::Rust,
        () if has("package.json") && (has("tsconfig.json") || has("src/index.ts")) => Language::TypeScript,
        () if has("package.json") => Language::JavaScript,
        () if has("pyproject.toml") => Language::Python,
        () => return Ok(None),
    };
    if has(COMPONENT) && said == Language::Rust {
        return Ok(None);
    }
    Err(another_language(manifest, guessed, said))
}

/// On the language depends what a call is given, and so the signed manifest has to name it.
fn another_language(manifest: &Path, found: Language, said: Language) -> CliError {
    let message =
        format!("{} is about a skill in {said}, and the project is one in {found}", manifest.display());
    CliError::new(Exit::Refused, "wrong-language", message)
        .hint(format!("write language = \"{found}\" into its section [skill]"))
}

/// What a project's `.cargo/config.toml` says.
pub(crate) fn cargo_config() -> String {
    format!(
        "{CARGO_CONFIG_MARK}, like the link {SDK_LINK}, which leads to the SDK that it carries.\n\
         [patch.crates-io]\n{} = {{ path = \"{SDK_LINK}/{}\" }}\n",
        sdk::CRATE,
        sdk::CRATE_DIR
    )
}

/// Makes a link lead to a directory, in place of an older link.
pub(crate) fn link(path: &Path, target: &Path) -> Result<()> {
    if fs::read_link(path).is_ok_and(|there| there == target) {
        return Ok(());
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let staging = TempDir::new_in(dir).map_err(CliError::at(dir))?;
    let link = staging.path().join("link");
    symlink(target, &link).and_then(|()| fs::rename(&link, path)).map_err(CliError::at(path))
}

/// Puts bytes in place of a file, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(CliError::at(dir))?;
    let write = || {
        let mut file = NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        // A temporary file is for its owner alone; these are files of a project.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error).map(drop)
    };
    write().map_err(CliError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_put_in_place_of_an_older_one_and_of_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sdk");
        link(&path, Path::new("/one")).unwrap();
        link(&path, Path::new("/two")).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("/two"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        link(&path, Path::new("/three")).unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn cargo_is_told_of_the_link_and_of_nothing_of_this_machine() {
        let config: DocumentMut = cargo_config().parse().unwrap();
        let path = config["patch"]["crates-io"][sdk::CRATE]["path"].as_str();
        assert_eq!(path, Some(".cargo/sdk/skills-sdk/rust"));
    }
}
