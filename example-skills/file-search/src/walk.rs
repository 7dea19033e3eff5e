//! The files of a tree that are worth looking at: one thread, always in the same order.

use std::path::{Component, Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};
use openclaw_skill::{Error, ErrorContext as _, Result};

/// What part of the workspace to walk.
#[derive(Debug, Default)]
pub struct Scope {
    /// A directory or file, relative to the workspace.
    pub path: Option<String>,
    /// Globs of which a file must match one; none means every file.
    pub include: Vec<String>,
    /// Globs of files and directories to leave out.
    pub exclude: Vec<String>,
    pub hidden: bool,
    pub no_ignore: bool,
}

/// A file found by the walk.
pub struct Found {
    /// Where to open it.
    pub path: PathBuf,
    /// Its path within the workspace, with `/` between the parts.
    pub name: String,
}

/// Walks a scope and yields its regular files; an entry that cannot be read is an `Err`.
pub fn files(
    root: &Path,
    scope: &Scope,
) -> Result<impl Iterator<Item = std::result::Result<Found, ignore::Error>>> {
    let start = start(root, scope.path.as_deref())?;
    let include = globs(&scope.include)?;
    let exclude = globs(&scope.exclude)?;
    let base = root.to_owned();
    let everything = scope.include.is_empty();

    let walk = WalkBuilder::new(root)
        // A guest sees nothing above its workspace, and no one's home directory.
        .parents(false)
        .git_global(false)
        // A workspace may be a part of a repository: its `.gitignore` counts all the same.
        .require_git(false)
        .hidden(!scope.hidden)
        .ignore(!scope.no_ignore)
        .git_ignore(!scope.no_ignore)
        .git_exclude(!scope.no_ignore)
        .follow_links(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry({
            let base = base.clone();
            move |entry| enters(entry, &base, &start, &exclude)
        })
        .build();

    Ok(walk.filter_map(move |entry| match entry {
        Err(error) => Some(Err(error)),
        Ok(entry) if !is_file(&entry) => None,
        Ok(entry) => {
            let relative = entry.path().strip_prefix(&base).ok()?;
            let wanted = everything || include.matched_path_or_any_parents(relative, false).is_ignore();
            wanted.then(|| Ok(Found { name: display(relative), path: entry.path().to_owned() }))
        }
    }))
}

/// The walk starts at the root even if only a part is wanted, so that the ignore files above
/// that part count; everything beside the way to it is skipped here.
fn enters(entry: &DirEntry, root: &Path, start: &Path, exclude: &Gitignore) -> bool {
    let Ok(relative) = entry.path().strip_prefix(root) else { return false };
    if relative.as_os_str().is_empty() {
        return true;
    }
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    entry.file_name() != ".git"
        && (relative.starts_with(start) || start.starts_with(relative))
        && !exclude.matched(relative, is_dir).is_ignore()
}

/// Not a link, a pipe or a device: opening one could leave the tree or wait for ever.
fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
}

fn start(root: &Path, path: Option<&str>) -> Result<PathBuf> {
    let mut start = PathBuf::new();
    for part in Path::new(path.unwrap_or_default()).components() {
        match part {
            Component::Normal(name) => start.push(name),
            Component::CurDir => {}
            _ => return Err(Error::invalid_input("path must be relative to the workspace, without \"..\"")),
        }
    }
    // A link is not followed here either.
    match root.join(&start).symlink_metadata() {
        Ok(found) if found.is_dir() || found.is_file() => Ok(start),
        Err(error) if start.as_os_str().is_empty() => Err(error).context("the workspace cannot be read"),
        _ => Err(Error::invalid_input(format!("there is no file or directory {start:?}"))),
    }
}

fn globs(globs: &[String]) -> Result<Gitignore> {
    // The paths it will be asked about are relative, hence the empty root.
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        let added = builder.add_line(None, glob);
        added.map_err(|error| Error::invalid_input(format!("glob {glob:?}: {error}")))?;
    }
    builder.build().map_err(|error| Error::invalid_input(error.to_string()))
}

fn display(relative: &Path) -> String {
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tree;

    fn names(root: &Path, scope: &Scope) -> Vec<String> {
        files(root, scope).unwrap().map(|found| found.unwrap().name).collect()
    }

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn ignore_files_count_nested_and_negated() {
        let dir = tree(&[
            (".gitignore", "*.log\nbuild/\n"),
            (".ignore", "*.tmp\n"),
            ("a.log", ""),
            ("a.rs", ""),
            ("a.tmp", ""),
            ("build/out.rs", ""),
            ("sub/.gitignore", "!keep.log\n/only-here\n"),
            ("sub/deep/only-here", ""),
            ("sub/drop.log", ""),
            ("sub/keep.log", ""),
            ("sub/only-here", ""),
        ]);
        assert_eq!(names(dir.path(), &Scope::default()), ["a.rs", "sub/deep/only-here", "sub/keep.log"]);
    }

    #[test]
    fn ignore_rules_above_a_path_still_count() {
        let dir = tree(&[(".gitignore", "*.log"), ("sub/a.log", ""), ("sub/a.rs", ""), ("subway/b.rs", "")]);
        let scope = Scope { path: Some("./sub/".to_owned()), ..Scope::default() };
        assert_eq!(names(dir.path(), &scope), ["sub/a.rs"]);
        let scope = Scope { path: Some("sub/a.rs".to_owned()), ..Scope::default() };
        assert_eq!(names(dir.path(), &scope), ["sub/a.rs"]);
        let scope = Scope { path: Some("sub".to_owned()), no_ignore: true, ..Scope::default() };
        assert_eq!(names(dir.path(), &scope), ["sub/a.log", "sub/a.rs"]);
    }

    #[test]
    fn hidden_files_on_request_but_never_git() {
        let dir =
            tree(&[(".git/config", ""), (".env", ""), (".ci/job.yml", ""), ("a", ""), ("sub/.git", "")]);
        assert_eq!(names(dir.path(), &Scope::default()), ["a"]);
        let scope = Scope { hidden: true, no_ignore: true, ..Scope::default() };
        assert_eq!(names(dir.path(), &scope), [".ci/job.yml", ".env", "a"]);
    }

    #[test]
    fn the_exclude_file_of_a_repository_counts() {
        let dir = tree(&[(".git/info/exclude", "secret\n"), ("secret", ""), ("a", "")]);
        assert_eq!(names(dir.path(), &Scope::default()), ["a"]);
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        let dir =
            tree(&[("a.rs", ""), ("a.toml", ""), ("lib/a.rs", ""), ("lib/x/b.rs", ""), ("lib/x/c.md", "")]);
        let include = |globs: &[&str]| Scope { include: strings(globs), ..Scope::default() };
        assert_eq!(names(dir.path(), &include(&["*.rs"])), ["a.rs", "lib/a.rs", "lib/x/b.rs"]);
        assert_eq!(names(dir.path(), &include(&["/*.rs"])), ["a.rs"]);
        assert_eq!(names(dir.path(), &include(&["lib/**/*.rs"])), ["lib/a.rs", "lib/x/b.rs"]);
        assert_eq!(names(dir.path(), &include(&["lib/x/"])), ["lib/x/b.rs", "lib/x/c.md"]);
        assert_eq!(names(dir.path(), &include(&["*.{toml,md}"])), ["a.toml", "lib/x/c.md"]);
        let exclude = Scope { exclude: strings(&["x/", "*.toml"]), ..Scope::default() };
        assert_eq!(names(dir.path(), &exclude), ["a.rs", "lib/a.rs"]);
    }

    #[test]
    fn an_include_does_not_bring_back_what_is_ignored() {
        let dir = tree(&[(".gitignore", "gen/"), ("gen/a.rs", ""), ("b.rs", "")]);
        let scope = Scope { include: strings(&["*.rs"]), ..Scope::default() };
        assert_eq!(names(dir.path(), &scope), ["b.rs"]);
    }

    #[test]
    fn paths_out_of_the_tree_are_refused() {
        let dir = tree(&[("a", "")]);
        for path in ["/etc", "..", "a/../..", "missing"] {
            let scope = Scope { path: Some(path.to_owned()), ..Scope::default() };
            assert!(files(dir.path(), &scope).is_err(), "{path}");
        }
    }

    #[test]
    fn a_workspace_that_is_not_there_is_no_fault_of_the_caller() {
        let error = files(Path::new("/no/such/directory"), &Scope::default()).err().unwrap();
        assert_eq!(error.kind(), openclaw_skill::ErrorKind::Failed);
    }

    #[test]
    fn a_glob_that_makes_no_sense_is_named() {
        let dir = tree(&[("a", "")]);
        let scope = Scope { include: strings(&["a{b"]), ..Scope::default() };
        let error = files(dir.path(), &scope).err().unwrap();
        assert!(error.to_string().contains("a{b"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let outside = tree(&[("secret", "")]);
        let dir = tree(&[("a", "")]);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("dir")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
        assert_eq!(names(dir.path(), &Scope::default()), ["a"]);
        let scope = Scope { path: Some("dir".to_owned()), ..Scope::default() };
        assert!(files(dir.path(), &scope).is_err());
    }
}
