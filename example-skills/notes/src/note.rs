//! A note and its file: Markdown with a head that other programs know as front matter.

use std::collections::BTreeSet;
use std::time::SystemTime;

use openclaw_skill::json;
use openclaw_skill::{Error, Result};

use crate::id;

const TITLE_LONGEST: usize = 200;
const BODY_LONGEST: usize = 256 << 10;
const TAGS_MOST: usize = 20;
const FENCE: &str = "---";

/// A note, as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub title: String,
    pub tags: BTreeSet<String>,
    /// RFC 3339, so that the order of the texts is that of the times.
    pub created: String,
    pub updated: String,
    pub body: String,
}

impl Note {
    pub fn new(title: &str, body: &str, tags: &[String], now: SystemTime) -> Result<Self> {
        let now = timestamp(now);
        let mut note = Self {
            title: String::new(),
            tags: BTreeSet::new(),
            created: now.clone(),
            updated: now,
            body: String::new(),
        };
        note.set_title(title)?;
        note.set_tags(tags)?;
        note.set_body(body)?;
        Ok(note)
    }

    pub fn set_title(&mut self, title: &str) -> Result<()> {
        let title = title.trim();
        if title.is_empty() || title.chars().count() > TITLE_LONGEST || title.contains(char::is_control) {
            let rule = format!("a title is one line of 1 to {TITLE_LONGEST} characters");
            return Err(Error::invalid_input(rule));
        }
        title.clone_into(&mut self.title);
        Ok(())
    }

    pub fn set_body(&mut self, body: &str) -> Result<()> {
        let body = body.trim_end();
        if body.len() > BODY_LONGEST {
            let rule = format!("a note has at most {BODY_LONGEST} bytes, this one would have {}", body.len());
            return Err(Error::invalid_input(rule));
        }
        body.clone_into(&mut self.body);
        Ok(())
    }

    pub fn set_tags(&mut self, tags: &[String]) -> Result<()> {
        let tags: BTreeSet<_> = tags.iter().map(|name| tag(name)).collect::<Result<_>>()?;
        if tags.len() > TAGS_MOST {
            return Err(Error::invalid_input(format!("a note has at most {TAGS_MOST} tags")));
        }
        self.tags = tags;
        Ok(())
    }

    /// The note as the text of its file. Strings and lists are written as JSON, which is YAML too.
    pub fn to_file(&self) -> String {
        let Self { title, tags, created, updated, body } = self;
        let (title, tags) = (json::json!(title), json::json!(tags));
        format!(
            "{FENCE}\ntitle: {title}\ntags: {tags}\ncreated: {created}\nupdated: {updated}\n{FENCE}\n\n{body}\n"
        )
    }

    /// Reads a file, one that a person wrote or changed included: what its head does not say
    /// comes from its text, its name and its time.
    pub fn from_file(text: &str, name: &str, modified: SystemTime) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = split(&text).unwrap_or(("", &text));
        let field = |key: &str| {
            let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
            pairs.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim())
        };
        let heading =
            || body.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
        let time = |key| field(key).filter(|time| humantime::parse_rfc3339(time).is_ok()).map(str::to_owned);
        let created = time("created").unwrap_or_else(|| timestamp(modified));
        Self {
            title: field("title")
                .map(unquoted)
                .filter(|title| !title.is_empty())
                .or_else(heading)
                .unwrap_or_else(|| name.to_owned()),
            tags: listed(field("tags").unwrap_or_default()),
            updated: time("updated").unwrap_or_else(|| timestamp(modified)).max(created.clone()),
            created,
            body: body.trim_end().to_owned(),
        }
    }
}

/// Tags are compared as they are written, so there is one way to write them.
pub fn tag(name: &str) -> Result<String> {
    let tag = id::slug(name);
    if tag.is_empty() {
        return Err(Error::invalid_input(format!("the tag {name:?} has no letter or digit")));
    }
    Ok(tag)
}

pub fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Head and body of a file that has a head.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(FENCE)?.strip_prefix('\n')?;
    let (head, body) =
        rest.split_once("\n---\n").or_else(|| rest.strip_suffix("\n---").map(|head| (head, "")))?;
    Some((head, body.strip_prefix('\n').unwrap_or(body)))
}

fn unquoted(value: &str) -> String {
    json::from_str(value).unwrap_or_else(|_| value.trim_matches(['"', '\'']).to_owned())
}

/// A list of tags, in JSON or as a person writes it: `[a, b]` or `a, b`.
fn listed(value: &str) -> BTreeSet<String> {
    let names: Vec<String> = json::from_str(value).unwrap_or_else(|_| {
        value.trim_matches(['[', ']']).split(',').map(|name| name.trim().to_owned()).collect()
    });
    names.iter().filter_map(|name| tag(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn read(text: &str) -> Note {
        Note::from_file(text, "name", at(0))
    }

    #[test]
    fn a_file_is_readable_and_reads_back() {
        let note =
            Note::new(" Say \"hi\": now ", "One\n\n---\n\ntwo  \n", &strings(&["Home", "to do"]), at(0))
                .unwrap();
        let expected = "---\ntitle: \"Say \\\"hi\\\": now\"\ntags: [\"home\",\"to-do\"]\n\
                        created: 1970-01-01T00:00:00.000Z\nupdated: 1970-01-01T00:00:00.000Z\n---\n\n\
                        One\n\n---\n\ntwo\n";
        assert_eq!(note.to_file(), expected);
        assert_eq!(Note::from_file(expected, "x", at(9)), note);
    }

    #[test]
    fn any_body_reads_back() {
        for body in ["", "\n\nx", "---", "---\ntitle: y\n---", "  indented", "# x"] {
            let note = Note::new("t", body, &[], at(0)).unwrap();
            assert_eq!(read(&note.to_file()), note, "{body:?}");
        }
    }

    #[test]
    fn a_file_without_a_head_is_a_note() {
        let note = read("Some text\n\n# Heading\n");
        assert_eq!((note.title.as_str(), note.created.as_str()), ("Heading", "1970-01-01T00:00:00.000Z"));
        assert_eq!(read("").title, "name");
        assert_eq!(read("---\nno end").body, "---\nno end");
    }

    #[test]
    fn a_head_may_be_written_by_hand() {
        let note = read(
            "---\r\ntitle: It's: fine\r\ntags: [a, B c]\r\nupdated: yesterday\r\nmood: good\r\n---\r\nx\r\n",
        );
        assert_eq!((note.title.as_str(), note.body.as_str()), ("It's: fine", "x"));
        assert_eq!(note.tags.into_iter().collect::<Vec<_>>(), ["a", "b-c"]);
        assert_eq!(note.updated, "1970-01-01T00:00:00.000Z");
        assert_eq!(read("---\ntitle: x\n---").title, "x");
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let mut note = Note::new("t", "", &[], at(0)).unwrap();
        for title in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(note.set_title(title).is_err(), "{title:?}");
        }
        assert!(note.set_tags(&strings(&["!"])).is_err());
        let many: Vec<_> = (0..21).map(|n| format!("t{n}")).collect();
        assert!(note.set_tags(&many).is_err());
        assert!(note.set_body(&"x".repeat(BODY_LONGEST + 1)).is_err());
    }
}
