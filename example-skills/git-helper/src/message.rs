//! Writes the message of a commit from what it changes.

use crate::changes::{Change, Kind};

/// Characters of a first line.
const SUBJECT: usize = 72;
/// Files that a message lists.
const LISTED: usize = 50;

/// A message: a line that says what is done, by whoever wrote one or from the changes, and a list of the files.
pub fn write(written: Option<String>, changes: &[Change]) -> String {
    let subject = written.unwrap_or_else(|| subject(changes));
    format!("{subject}\n\n{}", list(changes))
}

/// Each file with the lines that were added and removed, one a line.
pub fn list(changes: &[Change]) -> String {
    let mut list: String = changes.iter().take(LISTED).map(line).collect();
    if changes.len() > LISTED {
        list.push_str(&format!("- and {} more\n", changes.len() - LISTED));
    }
    list
}

fn line(change: &Change) -> String {
    let Change { kind, path, from, lines } = change;
    let lines = lines.map_or_else(|| "binary".to_owned(), |(added, removed)| format!("+{added} -{removed}"));
    let from = from.as_ref().map(|from| format!("{from} to ")).unwrap_or_default();
    format!("- {} {}{} ({lines})\n", kind.word(), plain(&from), plain(path))
}

fn subject(changes: &[Change]) -> String {
    let by_name = match changes {
        [one] => Some(of_one(one)),
        [one, other] if one.kind == other.kind && one.from.is_none() => {
            Some(format!("{} {} and {}", verb(changes), name(&one.path), name(&other.path)))
        }
        _ => None,
    };
    let by_name = by_name.map(|subject| plain(&subject));
    by_name.filter(|subject| subject.chars().count() <= SUBJECT).unwrap_or_else(|| by_number(changes))
}

fn of_one(change: &Change) -> String {
    let Some(from) = &change.from else {
        return format!("{} {}", verb(std::slice::from_ref(change)), name(&change.path));
    };
    let verb = verb(std::slice::from_ref(change));
    if name(from) == name(&change.path) {
        let to = directory(&change.path).unwrap_or("the top directory");
        let verb = if change.kind == Kind::Renamed { "Move" } else { verb };
        format!("{verb} {} to {to}", name(from))
    } else {
        format!("{verb} {} to {}", name(from), name(&change.path))
    }
}

fn by_number(changes: &[Change]) -> String {
    let files = if changes.len() == 1 { "a file".to_owned() } else { format!("{} files", changes.len()) };
    let whole = format!("{} {files}", verb(changes));
    let within = common_directory(changes).map(|directory| plain(&format!("{whole} in {directory}")));
    within.filter(|subject| subject.chars().count() <= SUBJECT).unwrap_or(whole)
}

/// What was done to all of them, or that they were updated.
fn verb(changes: &[Change]) -> &'static str {
    let first = changes.first().map(|change| change.kind);
    match first.filter(|first| changes.iter().all(|change| change.kind == *first)) {
        Some(Kind::Added) => "Add",
        Some(Kind::Deleted) => "Remove",
        Some(Kind::Renamed) => "Rename",
        Some(Kind::Copied) => "Copy",
        _ => "Update",
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn directory(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory)
}

/// The directory that all of them are in, if that is not the top.
fn common_directory(changes: &[Change]) -> Option<String> {
    let mut common: Option<Vec<&str>> = None;
    for change in changes {
        let parts: Vec<&str> = directory(&change.path)?.split('/').collect();
        common = Some(match common {
            None => parts,
            Some(common) => {
                let same = common.iter().zip(&parts).take_while(|(one, other)| one == other).count();
                common.into_iter().take(same).collect()
            }
        });
    }
    common.filter(|common| !common.is_empty()).map(|common| common.join("/"))
}

/// A name in one line: what a file is called must not write lines of a message.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: Kind, path: &str) -> Change {
        Change { kind, path: path.to_owned(), from: None, lines: Some((3, 1)) }
    }

    fn renamed(from: &str, path: &str) -> Change {
        Change { from: Some(from.to_owned()), ..change(Kind::Renamed, path) }
    }

    #[test]
    fn a_first_line_says_what_is_done() {
        use Kind::{Added, Deleted, Modified, Retyped};
        for (changes, expected) in [
            (vec![change(Added, "src/parser.rs")], "Add parser.rs"),
            (vec![change(Modified, "README.md")], "Update README.md"),
            (vec![change(Retyped, "link")], "Update link"),
            (vec![change(Deleted, "a/b.txt")], "Remove b.txt"),
            (vec![renamed("a", "b")], "Rename a to b"),
            (vec![renamed("x/a", "x/b")], "Rename a to b"),
            (vec![renamed("x/a", "y/z/a")], "Move a to y/z"),
            (vec![renamed("x/a", "a")], "Move a to the top directory"),
            (vec![change(Added, "src/a"), change(Added, "b")], "Add a and b"),
            (vec![change(Added, "src/a"), change(Modified, "src/b")], "Update 2 files in src"),
            (
                vec![change(Modified, "src/a"), change(Modified, "src/x/b"), change(Modified, "src/x/c")],
                "Update 3 files in src",
            ),
            (vec![change(Deleted, "a"), change(Deleted, "b"), change(Deleted, "c/d")], "Remove 3 files"),
        ] {
            assert_eq!(subject(&changes), expected);
        }
    }

    #[test]
    fn a_first_line_is_short_and_is_one_line() {
        let long = "x".repeat(100);
        assert_eq!(subject(&[change(Kind::Added, &long)]), "Add a file");
        assert_eq!(subject(&[change(Kind::Added, &format!("{long}/{long}"))]), "Add a file");
        assert_eq!(subject(&[change(Kind::Added, "a\nSigned-off-by: x")]), "Add a?Signed-off-by: x");
    }

    #[test]
    fn a_body_lists_the_files_with_their_numbers() {
        let binary = Change { lines: None, ..change(Kind::Modified, "logo.png") };
        let message = write(None, &[renamed("a", "b"), binary]);
        assert_eq!(message, "Update 2 files\n\n- renamed a to b (+3 -1)\n- modified logo.png (binary)\n");
        let many = vec![change(Kind::Added, "a"); 60];
        assert!(list(&many).ends_with("- added a (+3 -1)\n- and 10 more\n"));
    }
}
