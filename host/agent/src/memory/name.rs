//! Names of an agent's files: `MEMORY.md`, a log for each day, and summaries of logs. Every other file is left alone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A file of an agent's memory. The most important comes first: `MEMORY.md`, then the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FileName {
    /// What is always before the model.
    Memory,
    /// The log of a day.
    Log(Date),
    /// The summary of a day's entries, up to the one of this number.
    Summary(Date, u32),
}

/// The directory of summaries.
pub(super) const SUMMARIES: &str = "summaries";

impl FileName {
    /// By what files are ordered.
    pub(super) fn order(self) -> impl Ord {
        match self {
            Self::Memory => (0, std::cmp::Reverse((Date::MAX, u32::MAX))),
            Self::Log(date) => (1, std::cmp::Reverse((date, u32::MAX))),
            Self::Summary(date, entries) => (1, std::cmp::Reverse((date, entries))),
        }
    }

    /// The directory within the agent's, if it is not there itself, and the name in it.
    pub(super) fn parts(self) -> (Option<&'static str>, String) {
        match self {
            Self::Memory => (None, "MEMORY.md".to_owned()),
            Self::Log(date) => (None, format!("{date}.md")),
            Self::Summary(date, entries) => (Some(SUMMARIES), format!("{date}-{entries}.md")),
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dir, name) = self.parts();
        match dir {
            Some(dir) => write!(f, "{dir}/{name}"),
            None => f.write_str(&name),
        }
    }
}

/// A text that names no file of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFileName;

impl FromStr for FileName {
    type Err = NoFileName;

    fn from_str(text: &str) -> Result<Self, NoFileName> {
        let parse = || match text.strip_prefix(SUMMARIES).and_then(|name| name.strip_prefix('/')) {
            Some(name) => {
                let (date, entries) = name.strip_suffix(".md")?.rsplit_once('-')?;
                Some(Self::Summary(date.parse().ok()?, entries.parse().ok()?))
            }
            None if text == "MEMORY.md" => Some(Self::Memory),
            None => text.strip_suffix(".md")?.parse().ok().map(Self::Log),
        };
        // One file has one name.
        parse().filter(|name| name.to_string() == text).ok_or(NoFileName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_no_other_text_is_one() {
        for name in ["MEMORY.md", "2026-02-03.md", "summaries/2026-02-03-1000.md"] {
            assert_eq!(name.parse::<FileName>().unwrap().to_string(), name);
        }
        for name in [
            "",
            "memory.md",
            "MEMORY.md~",
            "2026-2-3.md",
            "2026-02-30.md",
            "2026-02-03T00:00:00.md",
            "2026-02-03-1000.md",
            "summaries/2026-02-03.md",
            "summaries/2026-02-03-01.md",
            "summaries/../MEMORY.md",
            "../2026-02-03.md",
            ".index.db",
        ] {
            assert_eq!(name.parse::<FileName>(), Err(NoFileName), "{name}");
        }
    }

    #[test]
    fn the_most_important_comes_first() {
        let mut names: Vec<FileName> = [
            "summaries/2026-02-02-2000.md",
            "2026-02-02.md",
            "2026-02-03.md",
            "summaries/2026-02-02-1000.md",
            "MEMORY.md",
        ]
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
        names.sort_by_key(|name| name.order());
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "MEMORY.md",
                "2026-02-03.md",
                "2026-02-02.md",
                "summaries/2026-02-02-2000.md",
                "summaries/2026-02-02-1000.md"
            ]
        );
    }
}
