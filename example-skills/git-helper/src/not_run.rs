//! What a repository names to be run, and what is not run here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use openclaw_skill::{Error, Result};

use crate::git::Git;
use crate::text::parts;

/// Settings that name a program, whole.
const SETTINGS: [&str; 12] = [
    "core.alternaterefscommand",
    "core.askpass",
    "core.editor",
    "core.fsmonitor",
    "core.gitproxy",
    "core.hookspath",
    "core.pager",
    "core.sshcommand",
    "credential.helper",
    "diff.external",
    "gc.recentobjectshook",
    "gpg.program",
];

/// Settings that name a program for something that has a name: what they begin and end with.
const NAMED_SETTINGS: [(&str, &str); 11] = [
    ("credential.", ".helper"),
    ("diff.", ".command"),
    ("diff.", ".textconv"),
    ("filter.", ".clean"),
    ("filter.", ".process"),
    ("filter.", ".smudge"),
    ("merge.", ".driver"),
    ("remote.", ".receivepack"),
    ("remote.", ".uploadpack"),
    ("remote.", ".vcs"),
    ("trailer.", ".command"),
];

/// The settings and hooks by which the repository would have programs run.
pub fn named(git: &Git<'_>) -> Result<Vec<String>> {
    let settings = parts(&git.settings()?, '\0');
    let mut named: BTreeSet<String> = settings.into_iter().filter(|name| names_program(name)).collect();
    named.extend(hooks(&git.directory().join(".git/hooks")));
    Ok(named.into_iter().collect())
}

fn names_program(setting: &str) -> bool {
    // git gives the parts without a name of their own in lower case.
    SETTINGS.contains(&setting)
        || NAMED_SETTINGS.iter().any(|(start, end)| {
            setting.strip_prefix(start).is_some_and(|rest| rest.strip_suffix(end).is_some())
        })
}

/// The hooks in a directory, without the samples that git puts there.
fn hooks(directory: &Path) -> Vec<String> {
    // Where `.git` is no directory of this repository's own, there is nothing to be seen.
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.contains('.')).map(|name| format!("hook {name}")).collect()
}

/// Refuses files that git would put through a filter, since their content would go in as it is.
pub fn refuse_filtered<'a>(git: &Git<'_>, paths: impl Iterator<Item = &'a str>) -> Result<()> {
    let paths: Vec<&str> = paths.collect();
    if paths.is_empty() {
        return Ok(());
    }
    // A path, the word `filter`, and the filter's name or that there is none.
    let told = parts(&git.filters(&paths)?, '\0');
    let filtered = told.chunks(3).find_map(|told| match told {
        [path, _, filter] if !matches!(filter.as_str(), "unspecified" | "unset") => Some((path, filter)),
        _ => None,
    });
    match filtered {
        None => Ok(()),
        Some((path, filter)) => Err(Error::failed(format!(
            "nothing was staged: {path} goes through the filter `{filter}` of .gitattributes, and no filter is run \
             here; commit it by hand, or give `paths` without it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_name_programs_are_known() {
        for setting in ["core.fsmonitor", "filter.x.y.clean", "diff.png.textconv", "remote.origin.uploadpack"]
        {
            assert!(names_program(setting), "{setting}");
        }
        for setting in ["core.bare", "remote.origin.url", "filter.x.required", "user.name", "diff.renames"] {
            assert!(!names_program(setting), "{setting}");
        }
    }

    #[test]
    fn hooks_are_listed_without_samples() {
        let ctx = openclaw_skill::Context::fake();
        let directory = openclaw_skill::permission::Workspace::workspace(&ctx);
        for name in ["pre-commit", "pre-push.sample"] {
            fs::write(directory.join(name), "").unwrap();
        }
        assert_eq!(hooks(directory), ["hook pre-commit"]);
        assert!(hooks(&directory.join("none")).is_empty());
    }
}
