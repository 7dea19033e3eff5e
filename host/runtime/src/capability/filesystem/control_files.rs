//! The files that other programs obey: writing one is a way to make such a program execute something.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// Names that are control files at any depth of a tree, in lower case; a directory stands for all in it.
///
/// What belongs here: a program obeys it merely because it starts up or is run in that directory.
/// What does not: content that takes a deliberate build or run to have an effect (`Makefile`,
/// `package.json`, `build.rs`), which is what skills are asked to write.
const CONTROL_NAMES: &[&str] = &[
    // Version control: hooks, filters, file system monitors and the like name programs to execute.
    // `git~1` is the short name of `.git` on FAT and NTFS.
    ".bzr",
    ".git",
    ".gitconfig",
    ".githooks",
    ".gitmodules",
    ".hg",
    ".hgrc",
    ".husky",
    ".jj",
    ".svn",
    "git~1",
    // Shells and sessions, at start-up.
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".config",
    ".cshrc",
    ".inputrc",
    ".kshrc",
    ".login",
    ".logout",
    ".mkshrc",
    ".pam_environment",
    ".profile",
    ".tcshrc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    // Programs that read their settings from the directory they are run in, and execute what these name.
    ".direnv",
    ".envrc",
    ".gdbinit",
    ".lldbinit",
    ".mise.toml",
    ".npmrc",
    ".pnpmfile.cjs",
    ".yarnrc",
    ".yarnrc.yml",
    "mise.toml",
    // Editors: tasks, extensions and local variables.
    ".devcontainer",
    ".dir-locals.el",
    ".emacs",
    ".emacs.d",
    ".exrc",
    ".fleet",
    ".idea",
    ".nvim.lua",
    ".nvimrc",
    ".vim",
    ".vimrc",
    ".vs",
    ".vscode",
    ".zed",
    // Agents: instructions, tools and permissions.
    ".agents",
    ".aider.conf.yml",
    ".amazonq",
    ".claude",
    ".claude.json",
    ".cline",
    ".clinerules",
    ".codex",
    ".continue",
    ".cursor",
    ".cursorrules",
    ".gemini",
    ".junie",
    ".kiro",
    ".mcp.json",
    ".openclaw",
    ".opencode",
    ".roo",
    ".roomodes",
    ".roorules",
    ".windsurf",
    ".windsurfrules",
    "agent.md",
    "agents.md",
    "agents.override.md",
    "claude.local.md",
    "claude.md",
    "copilot-instructions.md",
    "gemini.md",
    "opencode.json",
    // Credentials, and whom to trust with them.
    ".aws",
    ".docker",
    ".gnupg",
    ".kube",
    ".netrc",
    ".pypirc",
    ".ssh",
];

/// Characters that some file systems leave out when they compare names (default-ignorable code points).
const IGNORED: &[(char, char)] = &[
    ('\u{00ad}', '\u{00ad}'),
    ('\u{034f}', '\u{034f}'),
    ('\u{061c}', '\u{061c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// The control file that a path, relative to its tree, is or lies in; by its name in [`CONTROL_NAMES`].
pub(super) fn control_file(relative: &Path) -> Option<&'static str> {
    relative.components().find_map(|component| match component {
        Component::Normal(name) => control_name(name),
        _ => None,
    })
}

/// The entry of [`CONTROL_NAMES`] that one component of a path is.
pub(super) fn control_name(name: &OsStr) -> Option<&'static str> {
    let folded = fold(name);
    CONTROL_NAMES.iter().find(|control| **control == folded).copied()
}

/// A name as the most forgiving file system would compare it: without case, ignorable characters,
/// and dots or spaces at its end.
pub(super) fn fold(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    // A deleted file's name, as Linux reports it, is that of the file.
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    let folded: String = if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        // By way of upper case, so that `ſ` and the ligatures end up as the letters they stand for.
        name.chars()
            .filter(|c| !IGNORED.iter().any(|(first, last)| (first..=last).contains(&c)))
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect()
    };
    folded.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CONTROL_NAMES, control_file, fold};

    #[test]
    fn names_of_the_table_are_folded_and_distinct() {
        for (index, name) in CONTROL_NAMES.iter().enumerate() {
            assert_eq!(fold(name.as_ref()), *name);
            assert!(!CONTROL_NAMES[..index].contains(name), "{name} stands twice");
        }
    }

    #[test]
    fn control_files_are_found_at_any_depth_and_in_any_spelling() {
        for (path, name) in [
            (".git", ".git"),
            (".git/config", ".git"),
            ("a/b/.git/hooks/pre-commit", ".git"),
            ("a/.GIT/config", ".git"),
            ("a/.g\u{200c}it/config", ".git"),
            (".ſſh/config", ".ssh"),
            (".\u{df}h/config", ".ssh"),
            (".bash_pro\u{fb01}le", ".bash_profile"),
            (".\u{212a}ube", ".kube"),
            (".git./config", ".git"),
            (".git . ", ".git"),
            ("GIT~1", "git~1"),
            (".git (deleted)", ".git"),
            ("sub/CLAUDE.md", "claude.md"),
            ("Agents.MD", "agents.md"),
            (".envrc", ".envrc"),
            (".vscode/tasks.json", ".vscode"),
        ] {
            assert_eq!(control_file(Path::new(path)), Some(name), "{path}");
        }
    }

    #[test]
    fn ordinary_content_is_none() {
        for path in [
            "",
            "git",
            ".gitignore",
            ".gitattributes",
            ".github/workflows/ci.yml",
            "src/main.rs",
            "Makefile",
            "gitconfig",
            "x.git",
            ".gitx",
            "package.json",
            ".env",
            "claude.md.txt",
        ] {
            assert_eq!(control_file(Path::new(path)), None, "{path}");
        }
    }
}
