//! Branches: their names, which there are, and which are done with.

use openclaw_skill::{Error, Result};

use crate::git::Git;
use crate::text::parts;

/// Characters of a name that is made from a title.
const NAME: usize = 50;
/// What comes before such a name.
const PREFIX: &str = "feature/";
/// Where a local branch is.
pub const HEADS: &str = "refs/heads/";
/// Branches that are not removed, and those that others are made from, the first that there is.
const MAIN: [&str; 2] = ["main", "master"];
const KEPT: [&str; 3] = ["main", "master", "develop"];

/// A local branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Without `refs/heads/`.
    pub name: String,
    pub commit: String,
    /// HEAD is at it.
    pub is_current: bool,
    /// Some worktree is at it.
    pub is_checked_out: bool,
    /// The whole name of the reference that it follows.
    pub upstream: Option<String>,
    /// Where that comes from; `.` is this repository.
    pub remote: Option<String>,
    /// What it is called there.
    pub remote_reference: Option<String>,
}

/// The local branches, in the order of their names.
pub fn all(git: &Git<'_>) -> Result<Vec<Branch>> {
    parse(&git.branches()?)
}

fn parse(output: &[u8]) -> Result<Vec<Branch>> {
    let lines = parts(output, '\n');
    let branch = |line: &String| {
        let [name, commit, head, worktree, upstream, remote, remote_reference] =
            Vec::from_iter(line.split('\0'))[..]
        else {
            return Err(Error::failed(format!("git for-each-ref printed {line:?}")));
        };
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Branch {
            name: name.strip_prefix(HEADS).unwrap_or(name).to_owned(),
            commit: commit.to_owned(),
            is_current: head == "*",
            is_checked_out: !worktree.is_empty(),
            upstream: filled(upstream),
            remote: filled(remote),
            remote_reference: filled(remote_reference),
        })
    };
    lines.iter().map(branch).collect()
}

/// What others are compared with: the branch that is named, or main or master.
pub fn base(branches: &[Branch], named: Option<&str>) -> Result<String> {
    if let Some(named) = named {
        check(named)?;
        return Ok(named.to_owned());
    }
    let main = MAIN.iter().find(|main| branches.iter().any(|branch| branch.name == **main));
    let missing = || Error::invalid_input("there is neither a branch main nor master: give `base`");
    main.map(|main| (*main).to_owned()).ok_or_else(missing)
}

/// Branches that are merged and not needed: none that is checked out, and none of the usual names.
pub fn done_with<'b>(branches: &'b [Branch], merged: &[String], base: &str) -> Vec<&'b Branch> {
    let is_merged =
        |branch: &Branch| merged.iter().any(|name| name.strip_prefix(HEADS) == Some(&*branch.name));
    let is_kept = |branch: &Branch| {
        branch.is_current
            || branch.is_checked_out
            || branch.name == base
            || KEPT.contains(&branch.name.as_str())
    };
    branches.iter().filter(|branch| is_merged(branch) && !is_kept(branch)).collect()
}

/// The name of a branch for a title: `Fix the parser!` is `feature/fix-the-parser`.
pub fn name_for(title: &str) -> Result<String> {
    let mut name = String::new();
    for word in title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        let length = name.chars().count() + usize::from(!name.is_empty()) + word.chars().count();
        if length > NAME && !name.is_empty() {
            break;
        }
        if !name.is_empty() {
            name.push('-');
        }
        name.extend(word.chars().take(NAME));
    }
    if name.is_empty() {
        return Err(Error::invalid_input("`title` has no letter or digit to make a name from"));
    }
    let name = format!("{PREFIX}{name}");
    check(&name)?;
    Ok(name)
}

/// Refuses what is no name of a branch or commit, or says more than a name: `git-check-ref-format(1)`.
pub fn check(name: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid_input(format!("{name:?} is no name of a branch: {why}")));
    let part_is_bad = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if name.is_empty() || name.len() > 200 {
        refuse("it has 1 to 200 bytes")
    } else if name.starts_with('-') {
        refuse("it begins with a hyphen")
    } else if name.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c)) {
        refuse("it has a space or one of ~ ^ : ? * [ \\")
    } else if name.contains("..") || name.contains("@{") || name == "@" || name.ends_with('.') {
        refuse("it has \"..\" or \"@{\", is \"@\", or ends with a dot")
    } else if name.split('/').any(part_is_bad) {
        refuse("a part of it is empty, begins with a dot or ends with \".lock\"")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name() {
        for (title, name) in [
            ("Fix the parser!", "feature/fix-the-parser"),
            ("  --upload-pack=x; rm -rf / ", "feature/upload-pack-x-rm-rf"),
            ("Größe: 2. Fassung", "feature/größe-2-fassung"),
            ("a.lock", "feature/a-lock"),
        ] {
            assert_eq!(name_for(title).unwrap(), name);
        }
        let long = name_for(&"word ".repeat(30)).unwrap();
        assert_eq!(long, format!("feature/{}", ["word"; 10].join("-")));
        assert_eq!(name_for(&"x".repeat(80)).unwrap().len(), "feature/".len() + NAME);
        assert!(name_for("!?").is_err());
    }

    #[test]
    fn bad_names_are_refused() {
        for name in [
            "",
            "-x",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "*",
            "a[",
            "a\\b",
            "@{u}",
            "a@{1}",
            "@",
            "a.",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a\nb",
            &"x".repeat(201),
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
        for name in ["main", "feature/x-1", "v1.0", "user@host", "größe"] {
            assert!(check(name).is_ok(), "{name}");
        }
    }

    fn branch(name: &str) -> Branch {
        Branch {
            name: name.to_owned(),
            commit: "c".to_owned(),
            is_current: false,
            is_checked_out: false,
            upstream: None,
            remote: None,
            remote_reference: None,
        }
    }

    #[test]
    fn branches_are_read() {
        let output =
            b"refs/heads/a\0c1\0 \0\0refs/remotes/origin/a\0origin\0refs/heads/b\nrefs/heads/main\0c2\0*\0/w\0\0\0\n";
        let branches = parse(output).unwrap();
        let upstream = Some("refs/remotes/origin/a".to_owned());
        let a = Branch {
            commit: "c1".into(),
            upstream,
            remote: Some("origin".into()),
            remote_reference: Some("refs/heads/b".into()),
            ..branch("a")
        };
        let main = Branch { commit: "c2".into(), is_current: true, is_checked_out: true, ..branch("main") };
        assert_eq!(branches, [a, main]);
        assert!(parse(b"").unwrap().is_empty() && parse(b"refs/heads/a\0c").is_err());
    }

    #[test]
    fn only_branches_that_are_merged_and_not_needed_are_done_with() {
        let elsewhere = Branch { is_checked_out: true, ..branch("elsewhere") };
        let current = Branch { is_current: true, is_checked_out: true, ..branch("current") };
        let others = ["done", "open", "main", "master", "develop", "release"].map(branch);
        let branches: Vec<Branch> = others.into_iter().chain([elsewhere, current]).collect();
        let merged: Vec<String> = branches
            .iter()
            .filter(|branch| branch.name != "open")
            .map(|branch| format!("{HEADS}{}", branch.name))
            .collect();
        let names: Vec<&str> =
            done_with(&branches, &merged, "release").into_iter().map(|branch| &*branch.name).collect();
        assert_eq!(names, ["done"]);
    }

    #[test]
    fn the_base_is_the_one_that_is_named_or_main_or_master() {
        let branches = ["master", "x"].map(branch);
        assert_eq!(base(&branches, None).unwrap(), "master");
        assert_eq!(base(&branches, Some("x")).unwrap(), "x");
        assert!(base(&branches, Some("-x")).is_err());
        assert!(base(&[branch("x")], None).is_err());
    }
}
