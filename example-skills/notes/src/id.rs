//! The name of a note: that of its file, so nothing in it may lead elsewhere.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use openclaw_skill::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use openclaw_skill::serde::{Deserialize, Serialize};
use openclaw_skill::{Error, Result};

const LONGEST: usize = 80;
/// How much of a title goes into a name.
const SLUG: usize = 48;

/// Letters, digits, `-` and `_`, all of them ASCII: a safe file name on any system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(crate = "openclaw_skill::serde", try_from = "String", into = "String")]
pub struct Id(String);

impl Id {
    /// Names a note after its day and its title, `attempt` telling those of the same name apart.
    pub fn of(day: &str, title: &str, attempt: u32) -> Self {
        let slug = slug(title);
        let base = if slug.is_empty() { format!("{day}-note") } else { format!("{day}-{slug}") };
        Self(if attempt == 0 { base } else { format!("{base}-{}", attempt.saturating_add(1)) })
    }

    pub fn file(&self) -> String {
        format!("{}.md", self.0)
    }

    /// The note that a file holds, if its name is one of ours or a person's that fits.
    pub fn from_file(name: &str) -> Option<Self> {
        name.strip_suffix(".md")?.parse().ok()
    }
}

/// `Buy milk, soon!` becomes `buy-milk-soon`.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if c != '\'' && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == SLUG {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

impl FromStr for Id {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > LONGEST || !text.chars().all(allowed) {
            return Err(Error::invalid_input(format!("{text:?} is not the id of a note")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: Error| error.to_string())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,80}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_names() {
        assert_eq!(slug("Buy milk, soon!"), "buy-milk-soon");
        assert_eq!(slug("  Don't panic  "), "dont-panic");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("日本"), "");
        assert!(slug(&"ab ".repeat(100)).len() <= SLUG);
    }

    #[test]
    fn equal_names_are_numbered() {
        assert_eq!(Id::of("2026-01-02", "A b", 0).to_string(), "2026-01-02-a-b");
        assert_eq!(Id::of("2026-01-02", "A b", 1).to_string(), "2026-01-02-a-b-2");
        assert_eq!(Id::of("2026-01-02", "日本", 0).to_string(), "2026-01-02-note");
        assert!(Id::of("2026-01-02", &"x".repeat(999), u32::MAX).to_string().parse::<Id>().is_ok());
    }

    #[test]
    fn nothing_that_leads_elsewhere_is_a_name() {
        for wrong in ["", ".", "..", "a/b", "a\\b", "/a", "a.md", "a\0", "ä", " a", &"a".repeat(81)] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_markdown_files_are_notes() {
        assert_eq!(
            Id::from_file("Shopping_List.md").map(|id| id.file()),
            Some("Shopping_List.md".to_owned())
        );
        for other in ["a.txt", ".md", ".a.md", "a.md.tmp", "my note.md"] {
            assert_eq!(Id::from_file(other), None, "{other}");
        }
    }
}
