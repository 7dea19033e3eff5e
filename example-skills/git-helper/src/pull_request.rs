//! Writes a pull request from the commits of a branch.

use crate::changes::Change;
use crate::commits::Commit;
use crate::message;

/// Commits that a pull request lists.
const LISTED: usize = 50;

/// The title: what the only commit says, or what the branch is called.
pub fn title(branch: &str, commits: &[Commit]) -> String {
    if let [only] = commits {
        return only.subject.clone();
    }
    let name = branch.rsplit('/').next().unwrap_or(branch).replace(['-', '_'], " ");
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

/// The text, in Markdown: what the commits say, the oldest first, and the files with their numbers.
pub fn body(commits: &[Commit], changes: &[Change]) -> String {
    let mut body = String::from("## Commits\n\n");
    for commit in commits.iter().rev().take(LISTED) {
        let hash = commit.hash.get(..7).unwrap_or(&commit.hash);
        body.push_str(&format!("- {} ({hash})\n", commit.subject));
        if !commit.body.is_empty() {
            body.push_str(&format!("\n{}\n\n", indented(&commit.body)));
        }
    }
    if commits.len() > LISTED {
        body.push_str(&format!("- and {} more\n", commits.len() - LISTED));
    }
    let sum =
        |of: fn((u64, u64)) -> u64| changes.iter().filter_map(|change| change.lines).map(of).sum::<u64>();
    let (added, removed) = (sum(|(added, _)| added), sum(|(_, removed)| removed));
    body.push_str(&format!("\n## Files\n\n{} changed, +{added} -{removed}\n\n", changes.len()));
    body + &message::list(changes)
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("  {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Kind;

    fn commit(subject: &str, body: &str) -> Commit {
        let [hash, time] = ["0123456789abcdef", "t"].map(str::to_owned);
        Commit { hash, subject: subject.to_owned(), time, body: body.to_owned() }
    }

    #[test]
    fn a_title_comes_from_the_only_commit_or_the_branch() {
        assert_eq!(title("feature/x", &[commit("Fix it", "")]), "Fix it");
        let two = [commit("a", ""), commit("b", "")];
        assert_eq!(title("feature/faster_parser-now", &two), "Faster parser now");
    }

    #[test]
    fn a_body_lists_commits_and_files() {
        let change =
            |path: &str, lines| Change { kind: Kind::Added, path: path.to_owned(), from: None, lines };
        let changes = [change("a", Some((3, 1))), change("b.png", None)];
        let body = body(&[commit("Second", ""), commit("First", "Why.\n\nAnd how.")], &changes);
        let expected = "## Commits\n\n- First (0123456)\n\n  Why.\n\n  And how.\n\n- Second (0123456)\n\n\
                        ## Files\n\n2 changed, +3 -1\n\n- added a (+3 -1)\n- added b.png (binary)\n";
        assert_eq!(body, expected);
    }
}
