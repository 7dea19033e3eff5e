//! What `git status --porcelain=v2 --branch -z` tells.

use openclaw_skill::{Error, Result};

use crate::changes::Kind;
use crate::text::parts;

/// The state of a repository.
#[derive(Debug, Default, PartialEq)]
pub struct Status {
    /// None where HEAD is at no branch.
    pub branch: Option<String>,
    /// None before the first commit.
    pub commit: Option<String>,
    pub upstream: Option<String>,
    /// How many commits the branch is ahead of and behind its upstream; none where that is not there.
    pub ahead_behind: Option<(u64, u64)>,
    pub staged: Vec<Changed>,
    pub unstaged: Vec<Changed>,
    pub untracked: Vec<String>,
    pub conflicted: Vec<String>,
}

/// A path with what was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub kind: Kind,
    pub path: String,
    pub from: Option<String>,
}

impl Status {
    pub fn parse(output: &[u8]) -> Result<Self> {
        let mut status = Self::default();
        let mut entries = parts(output, '\0').into_iter();
        while let Some(entry) = entries.next() {
            let (kind, rest) = entry.split_once(' ').unwrap_or((&entry, ""));
            match kind {
                "#" => status.header(rest),
                "1" => status.change(rest, 7, None)?,
                "2" => status.change(rest, 8, entries.next())?,
                "u" => status.conflicted.push(field(rest, 9)?.to_owned()),
                "?" => status.untracked.push(rest.to_owned()),
                _ => {}
            }
        }
        Ok(status)
    }

    pub fn is_clean(&self) -> bool {
        self.staged.is_empty()
            && self.unstaged.is_empty()
            && self.untracked.is_empty()
            && self.conflicted.is_empty()
    }

    /// All paths with a change, in the order of the lists.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let changed = self.staged.iter().chain(&self.unstaged).map(|changed| changed.path.as_str());
        changed.chain(self.untracked.iter().chain(&self.conflicted).map(String::as_str))
    }

    fn header(&mut self, header: &str) {
        let known = |value: &str| (!value.starts_with('(')).then(|| value.to_owned());
        match header.split_once(' ') {
            Some(("branch.oid", value)) => self.commit = known(value),
            Some(("branch.head", value)) => self.branch = known(value),
            Some(("branch.upstream", value)) => self.upstream = Some(value.to_owned()),
            Some(("branch.ab", value)) => {
                let count = |text: &str| text.get(1..)?.parse().ok();
                self.ahead_behind =
                    value.split_once(' ').and_then(|(ahead, behind)| count(ahead).zip(count(behind)));
            }
            _ => {}
        }
    }

    /// A line of a changed path, which follows after some fields that are parted by spaces.
    fn change(&mut self, line: &str, fields: usize, from: Option<String>) -> Result<()> {
        let path = field(line, fields)?.to_owned();
        let mut states = line.chars();
        let (index, tree) = (states.next().unwrap_or('.'), states.next().unwrap_or('.'));
        // Where a path came from is told once, and only one of the two can have it.
        let of = |state, from: &Option<String>| {
            let from = matches!(state, 'R' | 'C').then(|| from.clone()).flatten();
            Kind::of(state).map(|kind| Changed { kind, path: path.clone(), from })
        };
        self.staged.extend(of(index, &from));
        self.unstaged.extend(of(tree, &from));
        Ok(())
    }
}

/// All that follows after some fields.
fn field(line: &str, after: usize) -> Result<&str> {
    line.splitn(after + 1, ' ')
        .nth(after)
        .ok_or_else(|| Error::failed(format!("git status printed {line:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "5c5d9bff26af593469b57850bf3fede55330844a";

    #[test]
    fn a_status_is_read() {
        let ids = format!("N... 100644 100644 100644 {HASH} {HASH}");
        let output = format!(
            "# branch.oid {HASH}\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -1\0\
             1 M. {ids} a b.rs\x001 .D {ids} c\x001 AM {ids} d\x002 R. {ids} R100 new name\0old name\0\
             u UU N... 100644 100644 100644 100644 {HASH} {HASH} {HASH} both\0? left\nover\0! ignored\0"
        );
        let status = Status::parse(output.as_bytes()).unwrap();
        assert_eq!(status.branch.as_deref(), Some("main"));
        assert_eq!((status.upstream.as_deref(), status.ahead_behind), (Some("origin/main"), Some((2, 1))));
        let told = |changed: &[Changed]| -> Vec<(Kind, String)> {
            changed.iter().map(|changed| (changed.kind, changed.path.clone())).collect()
        };
        let path = str::to_owned;
        assert_eq!(
            told(&status.staged),
            [(Kind::Modified, path("a b.rs")), (Kind::Added, path("d")), (Kind::Renamed, path("new name"))]
        );
        assert_eq!(told(&status.unstaged), [(Kind::Deleted, path("c")), (Kind::Modified, path("d"))]);
        assert_eq!(status.staged[2].from.as_deref(), Some("old name"));
        assert_eq!((status.untracked, status.conflicted), (vec![path("left\nover")], vec![path("both")]));
    }

    #[test]
    fn a_repository_without_commits_and_a_head_at_no_branch_are_read() {
        let status = Status::parse(b"# branch.oid (initial)\0# branch.head main\0").unwrap();
        assert!(status.commit.is_none() && status.is_clean());
        let status = Status::parse(format!("# branch.oid {HASH}\0# branch.head (detached)\0").as_bytes());
        assert!(status.unwrap().branch.is_none());
    }

    #[test]
    fn what_git_does_not_print_is_refused() {
        assert!(Status::parse(b"1 M. short\0").is_err());
    }
}
