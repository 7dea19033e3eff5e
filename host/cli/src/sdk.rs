//! The SDK that this program carries: unpacked to the cache, where new projects find it.
//!
//! The copy mirrors the repository, but its manifests inherit nothing: projects reach it by a link of
//! their own, since cargo tells crates in a project apart by where they lie in it, and crates elsewhere
//! by where they lie on the machine, which would show in the bytes of a component. The copy's directory
//! is named after its contents, so a copy that is there is never changed.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_package::Digest;
use tempfile::TempDir;
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, TomlError, Value, value};

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
pub(crate) const CRATE_DIR: &str = "skills-sdk/rust";

/// The tables of a manifest that a skill's build looks at.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];

/// What a manifest says to who works on the SDK, and to nobody else.
const FOR_US_ALONE: [&str; 2] = ["dev-dependencies", "lints"];

/// What the name of a directory begins with while it is filled.
const STAGING: &str = ".tmp";

/// A file that this program carries: its name in the copy, and its bytes.
type Carried = (&'static str, Cow<'static, [u8]>);

/// The directory of the copy, and the SDK's crate in it.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// Finds the copy in the cache, or unpacks it there.
    pub(crate) fn unpack(environment: &Environment) -> Result<Self> {
        let files = contents().map_err(|error| {
            CliError::new(Exit::Host, "sdk-unusable", format!("the SDK of this program is damaged: {error}"))
        })?;
        let parent = environment.cache_path().join("sdk");
        let root = parent.join(format!("{VERSION}-{}", content_hash(&files)));
        if !root.is_dir() {
            let staging = staging(&parent)?;
            for (name, bytes) in &files {
                write(staging.path(), name, bytes)?;
            }
            put(staging, &root)?;
        }
        Ok(Self { root })
    }

    /// Where the copy is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// How old a directory has to be that was never put in place, for whoever filled it to be gone.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A directory to fill, beside the place that it is put to; those that killed processes left go.
pub(crate) fn staging(parent: &Path) -> Result<TempDir> {
    fs::create_dir_all(parent).map_err(CliError::at(parent))?;
    for entry in fs::read_dir(parent).map_err(CliError::at(parent))?.flatten() {
        let changed = entry.metadata().and_then(|meta| meta.modified()).ok();
        let age = changed.and_then(|changed| changed.elapsed().ok());
        let is_ours = entry.file_name().to_string_lossy().starts_with(STAGING);
        if is_ours && age.is_some_and(|age| age > ABANDONED) {
            // Another process may be faster; what stays is no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new().prefix(STAGING).tempdir_in(parent).map_err(CliError::at(parent))
}

/// Moves a directory into place; another process may have been faster.
pub(crate) fn put(staging: TempDir, root: &Path) -> Result<()> {
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

fn write(root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(name);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(CliError::at(dir))?;
    }
    fs::write(&path, bytes).map_err(CliError::at(&path))
}

fn content_hash(files: &[Carried]) -> String {
    let mut contents = Vec::new();
    for (name, bytes) in files {
        contents.extend_from_slice(format!("{name}\0{}\0", bytes.len()).as_bytes());
        contents.extend_from_slice(bytes);
    }
    Digest::of(&contents).hex().chars().take(12).collect()
}

/// The files of the copy.
fn contents() -> Result<Vec<Carried>, TomlError> {
    let ours: DocumentMut = files::WORKSPACE.parse()?;
    let workspace = ours.get("workspace").and_then(Item::as_table_like);
    let content = |&(name, bytes): &(&'static str, &'static [u8])| match (
        name.strip_suffix("/Cargo.toml"),
        std::str::from_utf8(bytes),
    ) {
        (Some(dir), Ok(text)) => Ok((name, Cow::Owned(standalone(text, dir, workspace)?.into_bytes()))),
        _ => Ok((name, Cow::Borrowed(bytes))),
    };
    files::FILES.iter().map(content).collect()
}

/// A manifest with what it inherits written out.
fn standalone(text: &str, dir: &str, workspace: Option<&dyn TableLike>) -> Result<String, TomlError> {
    let mut manifest: DocumentMut = text.parse()?;
    let inherited = |kind: &str, name: &str| workspace?.get(kind)?.get(name).cloned();
    for key in FOR_US_ALONE {
        manifest.remove(key);
    }
    if let Some(package) = manifest.get_mut("package").and_then(Item::as_table_like_mut) {
        for (key, item) in package.iter_mut() {
            if let (true, Some(value)) = (inherits(item), inherited("package", &key)) {
                *item = value;
            }
        }
    }
    let up = "../".repeat(dir.split('/').count());
    let write_out = |table: &mut dyn TableLike| {
        for kind in DEPENDENCIES {
            let dependencies = table.get_mut(kind).and_then(Item::as_table_like_mut);
            for (name, item) in dependencies.into_iter().flat_map(|dependencies| dependencies.iter_mut()) {
                if let (true, Some(shared)) = (inherits(item), inherited("dependencies", &name)) {
                    *item = dependency(item, &shared, &up);
                }
            }
        }
    };
    write_out(manifest.as_table_mut());
    let targets = manifest.get_mut("target").and_then(Item::as_table_like_mut);
    for (_, target) in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        if let Some(target) = target.as_table_like_mut() {
            write_out(target);
        }
    }
    Ok(manifest.to_string())
}

fn inherits(item: &Item) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

/// A dependency as the workspace has it, with the features that the crate adds; a path of the
/// workspace's root goes up to there first.
fn dependency(own: &Item, shared: &Item, up: &str) -> Item {
    let mut written = InlineTable::new();
    if let Some(version) = shared.as_str() {
        written.insert("version", version.into());
    }
    for (key, item) in shared.as_table_like().into_iter().flat_map(|shared| shared.iter()) {
        if let Some(found) = item.as_value() {
            let moved = found.as_str().filter(|_| key == "path").map(|path| format!("{up}{path}").into());
            written.insert(key, moved.unwrap_or_else(|| found.clone()));
        }
    }
    for (key, item) in own.as_table_like().into_iter().flat_map(|own| own.iter()) {
        let added = item.as_array().filter(|_| key == "features");
        match (added, written.get_mut("features").and_then(Value::as_array_mut)) {
            (Some(added), Some(features)) => features.extend(added.iter().cloned()),
            _ if key == "workspace" => {}
            _ => written.extend(item.as_value().map(|value| (key, value.clone()))),
        }
    }
    value(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_the_whole_sdk() {
        let names: Vec<_> = files::FILES.iter().map(|(name, _)| *name).collect();
        for name in [
            "wit/tools.wit",
            "skills-sdk/rust/Cargo.toml",
            "skills-sdk/rust/macros/src/lib.rs",
            "skills-sdk/js/toolchain/package-lock.json",
            "skills-sdk/js/build.mjs",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        assert!(names.iter().map(std::path::Path::new).is_sorted());
    }

    #[test]
    fn no_manifest_of_the_copy_inherits_anything() {
        for (name, bytes) in contents().unwrap().iter().filter(|(name, _)| name.ends_with("Cargo.toml")) {
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(!text.contains("workspace") && !text.contains("lints"), "{name}: {text}");
            assert!(text.contains("edition = \"2024\""), "{name}: {text}");
        }
    }

    #[test]
    fn what_is_inherited_is_written_out() {
        let workspace = "[package]\nedition = \"2024\"\n[dependencies]\nplain = \"1\"\n\
             wide = { version = \"2\", features = [\"a\"] }\nnear = { path = \"x/near\" }\n";
        let workspace: DocumentMut = workspace.parse().unwrap();
        let text = "[package]\nedition.workspace = true\n[dependencies]\nplain.workspace = true\n\
             near.workspace = true\n[target.'cfg(unix)'.dependencies]\n\
             wide = { workspace = true, features = [\"b\"], optional = true }\n[dev-dependencies]\nx = \"1\"\n";
        let written = standalone(text, "x/crate", Some(workspace.as_table())).unwrap();
        let written: DocumentMut = written.parse().unwrap();
        assert_eq!(written["package"]["edition"].as_str(), Some("2024"));
        assert_eq!(written["dependencies"]["plain"]["version"].as_str(), Some("1"));
        assert_eq!(written["dependencies"]["near"]["path"].as_str(), Some("../../x/near"));
        let wide = &written["target"]["cfg(unix)"]["dependencies"]["wide"];
        let features: Vec<_> =
            wide["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!((features, wide["optional"].as_bool()), (vec!["a", "b"], Some(true)));
        assert!(!written.contains_key("dev-dependencies"));
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
