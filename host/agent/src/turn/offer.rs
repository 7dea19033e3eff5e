//! The tools that a model is offered: all of them where they fit, else a list of names and those that it looked up.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use openclaw_package::name::ToolId;
use serde::Deserialize;
use serde_json::json;

use crate::flat_name::flat;
use crate::model::OfferedTool;
use crate::text::visible;
use crate::toolbox::Tool;

/// The host's own tool that looks others up. No skill's has such a name, which would have `__` in it.
pub(crate) const FIND_TOOLS: &str = "find_tools";
/// Tools that one look finds.
const FOUND: usize = 8;
/// Bytes of a description that are passed on.
const DESCRIPTION_BYTES: usize = 2 << 10;
/// Characters of a description in the list of names.
const LISTED_CHARS: usize = 80;
/// Bytes of a query that are looked at.
const QUERY_BYTES: usize = 256;

/// What can be offered of one snapshot.
#[derive(Debug)]
pub(crate) struct Offer {
    tools: Arc<[Tool]>,
    offered: Vec<Arc<OfferedTool>>,
    /// Of each, what searches look at, and the bytes that it takes.
    looked_at: Vec<LookedAt>,
    by_name: HashMap<String, usize>,
    finder: Arc<OfferedTool>,
    /// Of all names, descriptions and schemas.
    bytes: usize,
}

/// A tool as searches see it, in lower case.
#[derive(Debug)]
struct LookedAt {
    name: String,
    description: String,
    bytes: usize,
}

#[derive(Deserialize)]
struct Query {
    query: String,
}

impl Offer {
    /// Of the tools of an agent.
    pub(crate) fn make(tools: Arc<[Tool]>) -> Self {
        let offered: Vec<_> = tools.iter().map(|tool| Arc::new(offered(tool))).collect();
        let by_name = offered.iter().enumerate().map(|(at, tool)| (tool.name.clone(), at)).collect();
        let look = |tool: &Arc<OfferedTool>| LookedAt {
            name: tool.name.to_lowercase(),
            description: tool.description.to_lowercase(),
            bytes: tool.name.len() + tool.description.len() + tool.schema.to_string().len(),
        };
        let looked_at: Vec<_> = offered.iter().map(look).collect();
        let bytes = looked_at.iter().map(|tool| tool.bytes).sum();
        Self { tools, offered, looked_at, by_name, finder: Arc::new(finder()), bytes }
    }

    /// Whether it was made of this list.
    pub(crate) fn is_of(&self, tools: &Arc<[Tool]>) -> bool {
        Arc::ptr_eq(&self.tools, tools)
    }

    /// The tool of a name: the one that it is offered by, or its own.
    pub(crate) fn tool(&self, name: &str) -> Option<&Tool> {
        let at = self.by_name.get(name).copied();
        let at = at.or_else(|| {
            let id: ToolId = name.parse().ok()?;
            self.by_name.get(&flat(&id)).copied()
        });
        self.tools.get(at?)
    }

    /// Whether all of them fit into so many bytes.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        self.bytes <= bytes
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<OfferedTool>> {
        self.offered.clone()
    }

    /// The tool that looks up others, and those that were found so far: of the latest queries, as many as so many bytes hold.
    pub(crate) fn found(
        &self,
        queries: impl DoubleEndedIterator<Item = String>,
        bytes: usize,
    ) -> Vec<Arc<OfferedTool>> {
        let (mut found, mut left) = (BTreeSet::new(), bytes);
        for at in queries.rev().flat_map(|query| self.search(&query)) {
            let size = self.looked_at.get(at).map_or(usize::MAX, |tool| tool.bytes);
            if !found.contains(&at)
                && let Some(rest) = left.checked_sub(size)
            {
                left = rest;
                found.insert(at);
            }
        }
        let found = found.into_iter().filter_map(|at| self.offered.get(at).cloned());
        std::iter::once(Arc::clone(&self.finder)).chain(found).collect()
    }

    /// A line for each skill, with the names of its tools and what the first one does, in at most so many bytes.
    pub(crate) fn index(&self, bytes: usize) -> String {
        let mut index = String::new();
        let mut left_out = 0;
        for tools in self.tools.chunk_by(|one, other| one.id.skill() == other.id.skill()) {
            let Some(first) = tools.first() else { continue };
            let names: Vec<_> = tools.iter().map(|tool| tool.id.tool().to_string()).collect();
            let line = format!("{}: {} - {}\n", first.id.skill(), names.join(", "), sentence(first));
            if index.len() + line.len() > bytes {
                left_out += 1;
            } else {
                index.push_str(&line);
            }
        }
        if left_out > 0 {
            // Writing into a string does not fail.
            let _ = writeln!(index, "and {left_out} more skills, which {FIND_TOOLS} finds");
        }
        index
    }

    /// Answers a call of the tool that looks up others.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    pub(crate) fn answer(&self, arguments: &str) -> Result<String, String> {
        let query = query(arguments)?;
        let found = self.search(&query);
        if found.is_empty() {
            return Err("no tool has these words in its name or description: try other words".to_owned());
        }
        let mut answer = "You can call these from now on:\n".to_owned();
        for tool in found.into_iter().filter_map(|at| self.offered.get(at)) {
            let _ = writeln!(answer, "{}: {}", tool.name, tool.description);
        }
        Ok(answer)
    }

    /// The tools that have the most of a query's words, the best ones first.
    fn search(&self, query: &str) -> Vec<usize> {
        let query = query.get(..query.floor_char_boundary(QUERY_BYTES)).unwrap_or_default().to_lowercase();
        let words: Vec<&str> =
            query.split(|sign: char| !sign.is_alphanumeric()).filter(|word| word.len() > 1).collect();
        let score = |LookedAt { name, description, .. }: &LookedAt| -> usize {
            let of = |word: &&str| {
                3 * usize::from(name.contains(*word)) + usize::from(description.contains(*word))
            };
            let exact = if query.contains(name) { 1000 } else { 0 };
            exact + words.iter().map(of).sum::<usize>()
        };
        let mut scored: Vec<_> =
            self.looked_at.iter().map(score).enumerate().filter(|(_, score)| *score > 0).collect();
        scored.sort_by_key(|(at, score)| (std::cmp::Reverse(*score), *at));
        scored.into_iter().take(FOUND).map(|(at, _)| at).collect()
    }
}

/// The query of a call of [`FIND_TOOLS`].
pub(crate) fn query(arguments: &str) -> Result<String, String> {
    serde_json::from_str(arguments)
        .map(|Query { query }| query)
        .map_err(|error| format!("the arguments do not fit: {error}"))
}

fn offered(tool: &Tool) -> OfferedTool {
    let description = visible(&tool.description);
    let kept = description.get(..description.floor_char_boundary(DESCRIPTION_BYTES)).unwrap_or_default();
    OfferedTool { name: flat(&tool.id), description: kept.to_owned(), schema: tool.schema.clone() }
}

fn finder() -> OfferedTool {
    OfferedTool {
        name: FIND_TOOLS.to_owned(),
        description:
            "Finds tools by words of their names and descriptions, or by their exact names, and lets you \
                      call them from then on. The system prompt lists the skills that there are."
                .to_owned(),
        schema: json!({
            "type": "object",
            "properties": { "query": { "type": "string", "description": "what the tool should do" } },
            "required": ["query"],
            "additionalProperties": false,
        }),
    }
}

/// The first sentence of a description, on one line.
fn sentence(tool: &Tool) -> String {
    let first = tool.description.split(['\n', '.']).map(str::trim).find(|line| !line.is_empty());
    visible(&first.unwrap_or_default().chars().take(LISTED_CHARS).collect::<String>()).into_owned()
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::capability::grant::Effects;

    use super::*;

    fn offer(tools: &[(&str, &str)]) -> Offer {
        let tool = |(id, description): &(&str, &str)| Tool {
            id: id.parse().unwrap(),
            package: "sha256:1".into(),
            description: (*description).to_owned(),
            schema: json!({ "type": "object" }),
            effects: Effects::default(),
        };
        Offer::make(tools.iter().map(tool).collect())
    }

    #[test]
    fn a_tool_is_known_by_the_name_it_is_offered_by_and_by_its_own() {
        let offer = offer(&[("acme/git/status", "Shows changes.")]);
        for name in ["acme__git__status", "acme/git/status"] {
            assert_eq!(offer.tool(name).unwrap().id.as_str(), "acme/git/status");
        }
        for name in ["status", "acme__git", "acme__git__status ", FIND_TOOLS, ""] {
            assert!(offer.tool(name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_is_looked_up_is_offered_from_then_on_the_best_first() {
        let offer = offer(&[
            ("acme/git/commit", "Commits what is staged."),
            ("acme/mail/send", "Sends a letter. Not a commit."),
            ("acme/web/get", "Fetches a page."),
        ]);
        let answer = offer.answer(r#"{"query":"commit"}"#).unwrap();
        let (git, mail) = (answer.find("acme__git__commit"), answer.find("acme__mail__send"));
        assert!(git.unwrap() < mail.unwrap() && !answer.contains("web"), "{answer}");
        let names = |queries: &[&str]| -> Vec<String> {
            let found = offer.found(queries.iter().map(|query| (*query).to_owned()), 10_000);
            found.iter().map(|tool| tool.name.clone()).collect()
        };
        assert_eq!(names(&[]), [FIND_TOOLS]);
        assert_eq!(names(&["letter", "letter"]), [FIND_TOOLS, "acme__mail__send"]);
        let none = offer.found(std::iter::once("letter".to_owned()), 10);
        assert_eq!(none.len(), 1, "a tool that is larger than what is left is not offered");
        assert!(offer.answer(r#"{"query":"zebra"}"#).is_err());
        assert!(offer.answer(r#"{"words":"zebra"}"#).is_err());
    }

    #[test]
    fn five_hundred_skills_fit_a_list_and_what_does_not_is_counted() {
        let names: Vec<_> = (0..500).map(|n| format!("acme/skill-{n:03}/run")).collect();
        let tools: Vec<_> = names.iter().map(|name| (name.as_str(), "Does something. And more.")).collect();
        let offer = offer(&tools);
        assert!(!offer.fits(10_000));
        let index = offer.index(40_000);
        assert_eq!(index.lines().count(), 500);
        assert!(index.contains("acme/skill-499: run - Does something\n"));
        let short = offer.index(1_000);
        assert!(short.len() < 1_100 && short.contains("more skills"), "{short}");
    }

    #[test]
    fn a_description_can_neither_hide_nor_flood() {
        let long = format!("a\u{202e}b\n{}", "x".repeat(1 << 20));
        let offer = offer(&[("acme/x/y", &long)]);
        let tool = &offer.all()[0];
        assert!(tool.description.len() <= DESCRIPTION_BYTES && !tool.description.contains('\u{202e}'));
        assert!(!offer.index(1_000).contains('\u{202e}'));
    }
}
