//! The skill's own world as files of WIT: what every skill has, and what its manifest declares.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_package::Manifest;

use crate::error::{CliError, Result};
use crate::project::Project;
use crate::sdk::Sdk;

/// The package of the contract.
const CONTRACT: &str = "openclaw:skill";
/// Its version.
const VERSION: &str = "1.0.0";
/// What SDKs with an interpreter take from the baseline: an interpreter that was started at build time has the time and the
/// randomness of then.
const BASELINE: [&str; 3] =
    ["wasi:random/random@0.2.12", "wasi:clocks/wall-clock@0.2.12", "wasi:clocks/monotonic-clock@0.2.12"];

/// A directory of WIT.
#[derive(Debug)]
pub(super) struct World {
    /// Where it is.
    pub(super) dir: PathBuf,
    /// The world's name.
    pub(super) name: String,
}

impl World {
    /// Writes it below a project's `target`.
    pub(super) fn write(project: &Project, sdk: &Sdk) -> Result<Self> {
        let dir = project.state_dir().join("wit");
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CliError::io(&dir, &error));
            }
            _ => {}
        }
        let deps = dir.join("deps");
        copy(&sdk.root().join("wit"), &deps.join("openclaw-skill"))?;
        copy(&sdk.root().join("wit/deps"), &deps)?;
        let name = world_name(project.manifest().id().name().as_str());
        let path = dir.join("world.wit");
        fs::write(&path, text(&name, project.manifest())).map_err(CliError::at(&path))?;
        Ok(Self { dir, name })
    }
}

/// Copies the files of a directory, without the directories in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(CliError::at(to))?;
    for entry in fs::read_dir(from).map_err(CliError::at(from))? {
        let path = entry.map_err(CliError::at(from))?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, to.join(name)).map_err(CliError::at(&path))?;
        }
    }
    Ok(())
}

fn text(name: &str, manifest: &Manifest) -> String {
    let requests = manifest.requests();
    let declared = [
        ("skill", true),
        ("with-memory", requests.memory.is_some()),
        ("with-llm", requests.llm.is_some()),
        ("with-ask", requests.ask.is_some()),
        ("with-filesystem", !requests.filesystem.is_empty()),
        ("with-network", !requests.network.is_empty()),
        ("with-process", !requests.process.is_empty()),
    ];
    let mut text = format!("package author:skill;\n\nworld %{name} {{\n");
    for (world, _) in declared.into_iter().filter(|(_, is_declared)| *is_declared) {
        text.push_str(&format!("    include {CONTRACT}/{world}@{VERSION};\n"));
    }
    for interface in BASELINE {
        text.push_str(&format!("    import {interface};\n"));
    }
    text.push_str("}\n");
    text
}

/// The skill's name, as far as a WIT name can be the same.
fn world_name(skill: &str) -> String {
    // A word of a WIT name begins with a letter.
    let words = skill.split('-').map(|word| {
        if word.starts_with(|c: char| c.is_ascii_digit()) { format!("n{word}") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_what_the_manifest_declares_and_no_more() {
        let manifest = |more: &str| {
            let text = format!("[skill]\npublisher = \"acme\"\nname = \"a\"\nversion = \"1.0.0\"\n{more}");
            Manifest::parse(&text).unwrap()
        };
        let plain = text("a", &manifest(""));
        assert!(
            plain.starts_with(
                "package author:skill;\n\nworld %a {\n    include openclaw:skill/skill@1.0.0;\n"
            )
        );
        assert!(!plain.contains("with-"), "{plain}");
        let memory = manifest("[permission.memory]\nquota = \"1MiB\"\nreason = \"To remember.\"\n");
        assert!(text("a", &memory).contains("    include openclaw:skill/with-memory@1.0.0;\n"));
    }

    #[test]
    fn a_word_that_begins_with_a_digit_is_preceded_by_a_letter() {
        assert_eq!(world_name("word-2-count"), "word-n2-count");
    }
}
