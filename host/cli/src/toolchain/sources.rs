//! Whether a project is still what its component was built from, for toolchains that do not know it themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use openclaw_package::Digest;

use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::project::{COMPONENT, Project, TOOLS};

/// Directories that hold what was fetched or made by an interpreter, wherever they are.
const FETCHED: [&str; 2] = ["node_modules", "__pycache__"];
/// Directories of a project that hold what was made, and not what somebody wrote.
const MADE: [&str; 9] = [
    "target",
    "node_modules",
    ".git",
    ".openclaw",
    ".venv",
    "dist",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
];
/// Most files of a project that are looked at.
const MOST_FILES: usize = 20_000;

/// What a component was built from.
#[derive(Debug)]
pub(super) struct Sources {
    digest: Digest,
    note: PathBuf,
}

impl Sources {
    /// Reads a project as it is now; `around` is what else its component depends on.
    pub(super) fn read(project: &Project, around: &str) -> Result<Self> {
        let mut files = Vec::new();
        collect(project.root(), &MADE, &mut BTreeSet::new(), &mut files)?;
        files.sort();
        let made = [project.path(COMPONENT), project.path(TOOLS)];
        let mut list = format!("{around}\n");
        for path in files.into_iter().filter(|path| !made.contains(path)) {
            let read = fs::File::open(&path).and_then(Digest::of_reader);
            let (digest, _) = read.map_err(CliError::at(&path))?;
            let name = path.strip_prefix(project.root()).unwrap_or(&path);
            list.push_str(&format!("{} {name:?}\n", digest.hex()));
        }
        Ok(Self { digest: Digest::of(list.as_bytes()), note: project.state_dir().join("built-from") })
    }

    /// Whether the project's component was built from just these.
    pub(super) fn are_built(&self, project: &Project) -> bool {
        let component = fs::read(project.path(COMPONENT)).map(|bytes| Digest::of(&bytes));
        let noted = fs::read_to_string(&self.note);
        matches!((component, noted), (Ok(component), Ok(noted)) if noted == self.words(component))
    }

    /// Takes note that this component was.
    pub(super) fn built(&self, component: &Path) -> Result<()> {
        let bytes = fs::read(component).map_err(CliError::at(component))?;
        fs::write(&self.note, self.words(Digest::of(&bytes))).map_err(CliError::at(&self.note))
    }

    fn words(&self, component: Digest) -> String {
        format!("{}\n{}\n", self.digest.hex(), component.hex())
    }
}

/// Finds all files below a directory, through links too: what they lead to is built in as well. Each directory is looked at once.
fn collect(
    dir: &Path,
    left_out: &[&str],
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<()> {
    if !seen.insert(dir.canonicalize().map_err(CliError::at(dir))?) {
        return Ok(());
    }
    for entry in fs::read_dir(dir).map_err(CliError::at(dir))? {
        let entry = entry.map_err(CliError::at(dir))?;
        let (path, name) = (entry.path(), entry.file_name());
        // What a link leads to may be gone.
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() && !left_out.iter().chain(&FETCHED).any(|left_out| name == *left_out) {
            collect(&path, &[], seen, files)?;
        } else if meta.is_file() {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            let message = format!("{} has more than {MOST_FILES} files", dir.display());
            return Err(CliError::new(Exit::Refused, "project-too-large", message)
                .hint("a skill's directory is for the skill alone; what is made in it goes below target"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_and_what_stands_deep_below_counts_and_what_was_made_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let (root, shared) = (dir.path().join("skill"), dir.path().join("shared"));
        for made in ["src/dist", "node_modules/x", "target", "src/__pycache__"] {
            fs::create_dir_all(root.join(made)).unwrap();
            fs::write(root.join(made).join("a.js"), "").unwrap();
        }
        fs::create_dir(&shared).unwrap();
        fs::write(shared.join("b.js"), "").unwrap();
        std::os::unix::fs::symlink(&shared, root.join("src/shared")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("src/round")).unwrap();
        std::os::unix::fs::symlink("/nowhere", root.join("gone")).unwrap();
        let mut files = Vec::new();
        collect(&root, &MADE, &mut BTreeSet::new(), &mut files).unwrap();
        let mut names: Vec<_> =
            files.iter().map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect();
        names.sort();
        assert_eq!(names, ["src/dist/a.js", "src/shared/b.js"]);
    }
}
