//! What is wrong with a YAML file: where, what, and which key was perhaps meant.

use std::fmt;
use std::path::Path;

use serde_saphyr::{Error, Location};

/// How alike two words have to be for one to be proposed for the other.
const ALIKE: f64 = 0.7;
/// Characters of a line that are shown.
const SHOWN: usize = 100;

/// A place in a file: line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: u64,
    column: u64,
}

impl Place {
    /// The place, if it is known.
    #[must_use]
    pub fn of(location: Location) -> Option<Self> {
        (location.line() > 0).then(|| Self { line: location.line(), column: location.column().max(1) })
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: Option<Place>,
    reason: String,
}

impl Problem {
    /// Something that is wrong at a place.
    #[must_use]
    pub fn new(place: Option<Place>, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }

    /// Why a file was not read. `known` says what is to be said of a key that nothing obeys: the key, and those that
    /// could stand in its place.
    pub fn read(error: &Error, known: impl Fn(&str, &[&str]) -> Option<String>) -> Self {
        let bare = error.without_snippet();
        let reason = match bare {
            Error::SerdeUnknownField { field, expected, .. } => {
                known(field, expected).unwrap_or_else(|| unknown("key", field, expected))
            }
            error => reason(&error.to_string()),
        };
        Self { place: bare.location().and_then(Place::of), reason }
    }

    /// In the words of a compiler: file, line, column, reason.
    #[must_use]
    pub fn at<'a>(&'a self, path: &'a Path) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| {
            write!(f, "{}", path.display())?;
            if let Some(Place { line, column }) = self.place {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", self.reason)
        })
    }

    /// The line, and a mark below the column. Not for a file that may hold secrets.
    #[must_use]
    pub fn line(&self, text: &str) -> String {
        let Some(Place { line, column }) = self.place else { return String::new() };
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(content) = text.lines().nth(index) else { return String::new() };
        let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
        let (number, gap) = (line.to_string(), " ".repeat(line.to_string().len()));
        let content: String =
            content.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
        if before >= SHOWN {
            return format!("\n{number} | {content}");
        }
        format!("\n{number} | {content}\n{gap} | {}^", " ".repeat(before))
    }
}

/// That there is no such `kind`, with the nearest of those that there are.
#[must_use]
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        Some((_, known)) => format!("there is no {kind} {name}; did you mean {known}?"),
        None => format!("there is no {kind} {name}; there are {}", known.join(", ")),
    }
}

/// The reader's own words, without the place, which is told before them.
fn reason(words: &str) -> String {
    let words = words.trim().trim_start_matches("error: ");
    let first = words.lines().next().unwrap_or_default();
    let without = first.split(" at line ").next().unwrap_or(first);
    let without = without
        .split_once("line ")
        .filter(|(before, _)| before.is_empty())
        .map_or(without, |(_, rest)| rest.split_once(": ").map_or(rest, |(_, reason)| reason));
    without.trim_end_matches([':', ',', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong is looked at")]
    struct File {
        hosts: Vec<String>,
        port: u16,
    }

    fn told(text: &str) -> String {
        let later = |key: &str, _: &[&str]| (key == "later").then(|| "the key later comes later".to_owned());
        let problem = Problem::read(&serde_saphyr::from_str::<File>(text).unwrap_err(), later);
        format!("{}{}", problem.at(Path::new("x.yaml")), problem.line(text))
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place_and_the_nearest_known_one() {
        let expected = "x.yaml:2:1: there is no key hots; did you mean hosts?\n2 | hots: [x]\n  | ^";
        assert_eq!(told("port: 1\nhots: [x]\n"), expected);
        assert!(told("zzz: 1\n").starts_with("x.yaml:1:1: there is no key zzz; there are hosts, port\n"));
        assert!(told("later: 1\n").starts_with("x.yaml:1:1: the key later comes later\n"));
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_with_its_place_once() {
        let told = told("port: nowhere\n");
        assert!(told.starts_with("x.yaml:1:7: ") && !told.contains("at line"), "{told}");
        assert!(told.ends_with("\n1 | port: nowhere\n  |       ^"), "{told}");
    }

    #[test]
    fn a_line_is_shown_without_control_characters_and_not_whole_where_it_is_long() {
        let shown = |column, text: &str| Problem::new(Some(Place { line: 1, column }), "").line(text);
        assert_eq!(shown(3, "a\u{1b}b: 1\n"), "\n1 | a b: 1\n  |   ^");
        assert_eq!(shown(300, &"x".repeat(500)), format!("\n1 | {}", "x".repeat(SHOWN)));
    }

    #[test]
    fn what_has_no_place_is_told_without() {
        let problem = Problem::new(None, "it is wrong");
        assert_eq!(problem.at(Path::new("x.yaml")).to_string(), "x.yaml: it is wrong");
        assert_eq!(problem.line("a: 1"), "");
    }
}
