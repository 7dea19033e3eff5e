//! The SDK that this program carries: unpacked to the cache, where new projects find it.
//!
//! The copy mirrors the repository, so that the crates' manifests inherit from a workspace as they
//! do there. Its directory is named after its contents, so a copy that is there is never changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use openclaw_package::Digest;
use tempfile::TempDir;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, TomlError, value};

use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;

mod files {
    //! The files, as the build script lists them.
    include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));
}

/// The version of the SDK, which is that of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The crate that skills depend on.
pub(crate) const CRATE: &str = "openclaw-skill";

/// Where that crate lies in the copy.
const CRATE_DIR: &str = "skills-sdk/rust";

/// The crates of the copy.
const MEMBERS: [&str; 2] = [CRATE_DIR, "skills-sdk/rust/macros"];

/// The tables of a manifest that can name dependencies.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// The directory of the copy, and the SDK's crate in it.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// Finds the copy in the cache, or unpacks it there.
    pub(crate) fn unpack(environment: &Environment) -> Result<Self> {
        let workspace = workspace_manifest().map_err(|error| {
            CliError::new(Exit::Host, "sdk-unusable", format!("the SDK of this program is damaged: {error}"))
        })?;
        let parent = environment.cache_path().join("sdk");
        let root = parent.join(format!("{VERSION}-{}", content_hash(&workspace)));
        if !root.is_dir() {
            fs::create_dir_all(&parent).map_err(CliError::at(&parent))?;
            let staging = TempDir::new_in(&parent).map_err(CliError::at(&parent))?;
            write(staging.path(), "Cargo.toml", &workspace)?;
            for (name, text) in files::FILES {
                write(staging.path(), name, text)?;
            }
            put(staging, &root)?;
        }
        Ok(Self { root })
    }

    /// Where the copy is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The crate that skills depend on.
    pub(crate) fn crate_dir(&self) -> PathBuf {
        self.root.join(CRATE_DIR)
    }
}

/// Moves a directory into place; another process may have been faster.
fn put(staging: TempDir, root: &Path) -> Result<()> {
    match fs::rename(staging.path(), root) {
        Err(error) if !root.is_dir() => Err(CliError::io(root, &error)),
        Err(_) => Ok(()),
        Ok(()) => {
            // There is nothing left at its old place to remove.
            let _ = staging.keep();
            Ok(())
        }
    }
}

fn write(root: &Path, name: &str, text: &str) -> Result<()> {
    let path = root.join(name);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(CliError::at(dir))?;
    }
    fs::write(&path, text).map_err(CliError::at(&path))
}

fn content_hash(workspace: &str) -> String {
    let mut contents = workspace.as_bytes().to_vec();
    for (name, text) in files::FILES {
        contents.extend_from_slice(format!("\0{name}\0{}\0", text.len()).as_bytes());
        contents.extend_from_slice(text.as_bytes());
    }
    Digest::of(&contents).hex().chars().take(12).collect()
}

/// The manifest of the copy's workspace: what the crates inherit, and nothing else.
fn workspace_manifest() -> Result<String, TomlError> {
    let ours: DocumentMut = files::WORKSPACE.parse()?;
    let inherited = inherited_dependencies()?;
    let mut workspace = Table::new();
    workspace.insert("resolver", value("3"));
    workspace.insert("members", value(MEMBERS.into_iter().collect::<Array>()));
    if let Some(source) = ours.get("workspace").and_then(Item::as_table_like) {
        for key in ["package", "lints"] {
            if let Some(item) = source.get(key) {
                workspace.insert(key, item.clone());
            }
        }
        let mut dependencies = Table::new();
        let all = source.get("dependencies").and_then(Item::as_table_like);
        for (name, item) in all.into_iter().flat_map(|table| table.iter()) {
            if inherited.contains(name) {
                dependencies.insert(name, item.clone());
            }
        }
        workspace.insert("dependencies", Item::Table(dependencies));
    }
    let mut document = DocumentMut::new();
    document.insert("workspace", Item::Table(workspace));
    Ok(document.to_string())
}

/// The dependencies that the crates' manifests take from their workspace.
fn inherited_dependencies() -> Result<BTreeSet<String>, TomlError> {
    let mut names = BTreeSet::new();
    for (name, text) in files::FILES {
        if name.ends_with("Cargo.toml") {
            let manifest: DocumentMut = text.parse()?;
            collect(manifest.as_table(), &mut names);
            let targets = manifest.get("target").and_then(Item::as_table_like);
            for (_, target) in targets.into_iter().flat_map(|targets| targets.iter()) {
                if let Some(target) = target.as_table_like() {
                    collect(target, &mut names);
                }
            }
        }
    }
    Ok(names)
}

fn collect(table: &dyn TableLike, names: &mut BTreeSet<String>) {
    for kind in DEPENDENCIES {
        let dependencies = table.get(kind).and_then(Item::as_table_like);
        for (name, item) in dependencies.into_iter().flat_map(|dependencies| dependencies.iter()) {
            let inherits = item.as_table_like().and_then(|item| item.get("workspace"));
            if inherits.and_then(Item::as_bool) == Some(true) {
                names.insert(name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_the_whole_sdk() {
        let names: Vec<_> = files::FILES.iter().map(|(name, _)| *name).collect();
        for name in ["wit/tools.wit", "skills-sdk/rust/Cargo.toml", "skills-sdk/rust/macros/src/lib.rs"] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(names.is_sorted());
    }

    #[test]
    fn the_workspace_holds_what_the_crates_inherit_and_nothing_else() {
        let manifest: DocumentMut = workspace_manifest().unwrap().parse().unwrap();
        let workspace = manifest.get("workspace").and_then(Item::as_table_like).unwrap();
        let dependencies = workspace.get("dependencies").and_then(Item::as_table_like).unwrap();
        assert!(dependencies.contains_key("serde") && !dependencies.contains_key("wasmtime"));
        assert!(workspace.contains_key("lints") && workspace.contains_key("package"));
    }

    #[test]
    fn what_is_left_of_an_unpacking_that_lost_the_race_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("sdk");
        fs::create_dir_all(root.join("kept")).unwrap();
        put(TempDir::new_in(parent.path()).unwrap(), &root).unwrap();
        assert!(root.join("kept").is_dir());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
