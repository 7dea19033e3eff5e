//! Keeps notes as Markdown files that a person can read and edit too.

mod id;
mod note;
mod search;
mod store;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::SystemTime;

use openclaw_skill::{Context, Error, Result, input, output, skill};

use id::Id;
use note::Note;
use search::Words;
use store::{Entry, Store};

const RESULTS: usize = 20;
const RESULTS_MOST: usize = 500;
const LINES: usize = 3;

#[input]
pub struct AddInput {
    /// What the note is about, in one line.
    title: String,
    /// The note, in Markdown.
    #[serde(default)]
    body: String,
    /// Words to find it by; see `list` for those in use.
    #[serde(default)]
    tags: Vec<String>,
}

#[input]
pub struct IdInput {
    /// The note's id, as `add`, `list` and `search` give it.
    id: Id,
}

#[input]
#[derive(Default)]
pub struct ListInput {
    /// Only notes with this tag.
    tag: Option<String>,
    /// Leave out this many of the newest, to page through a long list.
    #[serde(default)]
    skip: u32,
    /// Return at most this many, at most 500. Default: 20.
    max_results: Option<NonZeroU32>,
}

#[input]
#[derive(Default)]
pub struct SearchInput {
    /// Words that must all be in the note: title, tags or text, in any case.
    query: String,
    /// Only notes with this tag.
    tag: Option<String>,
    /// Return at most this many, at most 500. Default: 20.
    max_results: Option<NonZeroU32>,
}

#[input]
pub struct UpdateInput {
    /// The note's id.
    id: Id,
    /// The new title.
    title: Option<String>,
    /// Text to put in place of all that is there.
    body: Option<String>,
    /// Text to add at the end, as a new paragraph.
    append: Option<String>,
    /// Tags to put in place of those that are there.
    tags: Option<Vec<String>>,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Summary {
    /// The note's id.
    id: Id,
    /// What it is about.
    title: String,
    /// Its tags, in order.
    tags: BTreeSet<String>,
    /// When it was made, in RFC 3339.
    created: String,
    /// When it was last changed.
    updated: String,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct FullNote {
    #[serde(flatten)]
    summary: Summary,
    /// The note, in Markdown.
    body: String,
}

#[output]
#[derive(Debug)]
pub struct ListOutput {
    /// The notes, the last changed first.
    notes: Vec<Summary>,
    /// How many there are in all.
    total: u64,
    /// The tags in use, each with its number of notes.
    tags: BTreeMap<String, u64>,
}

#[output]
#[derive(Debug)]
pub struct SearchOutput {
    /// The notes that fit: best first, then the last changed.
    hits: Vec<Hit>,
    /// How many there are in all.
    total: u64,
}

#[output]
#[derive(Debug)]
pub struct Hit {
    #[serde(flatten)]
    summary: Summary,
    /// The first lines of its text that hold one of the words.
    lines: Vec<String>,
}

pub struct Notes;

#[skill]
impl Notes {
    /// Keep a new note: Markdown with a title and tags.
    pub fn add(ctx: &Context, input: AddInput) -> Result<Summary> {
        let note = Note::new(&input.title, &input.body, &input.tags, SystemTime::now())?;
        let id = Self::store(ctx).add(&note)?;
        ctx.log().info(format!("added {id}"));
        Ok(Summary::of(id, note))
    }

    /// Read a note.
    pub fn get(ctx: &Context, input: IdInput) -> Result<FullNote> {
        let note = Self::store(ctx).get(&input.id)?;
        Ok(FullNote::of(input.id, note))
    }

    /// List notes, the last changed first, and the tags in use.
    pub fn list(ctx: &Context, input: ListInput) -> Result<ListOutput> {
        let index = Self::store(ctx).index()?;
        let mut tags = BTreeMap::new();
        for tag in index.values().flat_map(|entry| &entry.tags) {
            *tags.entry(tag.clone()).or_default() += 1;
        }
        let wanted = input.tag.as_deref().map(note::tag).transpose()?;
        let mut notes: Vec<_> = index.into_iter().filter(|(_, entry)| entry.has(wanted.as_ref())).collect();
        notes.sort_by(|(_, one), (_, other)| other.updated.cmp(&one.updated));
        Ok(ListOutput {
            total: notes.len() as u64,
            notes: notes
                .into_iter()
                .skip(input.skip as usize)
                .take(at_most(input.max_results))
                .map(Summary::from)
                .collect(),
            tags,
        })
    }

    /// Find the notes that hold all words of a query, with the lines that show it.
    pub fn search(ctx: &Context, input: SearchInput) -> Result<SearchOutput> {
        let store = Self::store(ctx);
        let words = Words::new(&input.query);
        let wanted = input.tag.as_deref().map(note::tag).transpose()?;
        let mut found = Vec::new();
        for (id, entry) in store.index()?.into_iter().filter(|(_, entry)| entry.has(wanted.as_ref())) {
            // Removed by another call since the index was read.
            let Ok(Note { tags, body, .. }) = store.get(&id) else { continue };
            let rest = format!("{}\n{body}", Vec::from_iter(tags).join(" "));
            if let Some(score) = words.score(&entry.title, &rest) {
                let lines = words.lines(&body, LINES);
                found.push((score, Hit { summary: Summary::from((id, entry)), lines }));
            }
        }
        found.sort_by_cached_key(|(score, hit)| Reverse((*score, hit.summary.updated.clone())));
        Ok(SearchOutput {
            total: found.len() as u64,
            hits: found.into_iter().take(at_most(input.max_results)).map(|(_, hit)| hit).collect(),
        })
    }

    /// Change a note: its title, its tags, its text, or append to its text. What is not given
    /// stays as it is.
    pub fn update(ctx: &Context, input: UpdateInput) -> Result<Summary> {
        let store = Self::store(ctx);
        let mut note = store.get(&input.id)?;
        match (&input.body, &input.append) {
            (Some(_), Some(_)) => return Err(Error::invalid_input("give either body or append, not both")),
            (Some(body), None) => note.set_body(body)?,
            (None, Some(more)) if note.body.is_empty() => note.set_body(more)?,
            (None, Some(more)) => note.set_body(&format!("{}\n\n{more}", note.body))?,
            (None, None) if input.title.is_none() && input.tags.is_none() => {
                return Err(Error::invalid_input("give at least one of title, body, append and tags"));
            }
            (None, None) => {}
        }
        if let Some(title) = &input.title {
            note.set_title(title)?;
        }
        if let Some(tags) = &input.tags {
            note.set_tags(tags)?;
        }
        note.updated = store::later(&note.updated, SystemTime::now());
        store.put(&input.id, &note)?;
        ctx.log().info(format!("updated {}", input.id));
        Ok(Summary::of(input.id, note))
    }

    /// Remove a note for good. Returns it one last time.
    pub fn remove(ctx: &Context, input: IdInput) -> Result<FullNote> {
        let store = Self::store(ctx);
        let note = store.get(&input.id)?;
        store.remove(&input.id)?;
        ctx.log().info(format!("removed {}", input.id));
        Ok(FullNote::of(input.id, note))
    }

    fn store(ctx: &Context) -> Store<'_> {
        Store::new(ctx.data_dir(), ctx.memory(), ctx.log())
    }
}

impl Summary {
    fn of(id: Id, note: Note) -> Self {
        Self { id, title: note.title, tags: note.tags, created: note.created, updated: note.updated }
    }
}

impl From<(Id, Entry)> for Summary {
    fn from((id, entry): (Id, Entry)) -> Self {
        Self { id, title: entry.title, tags: entry.tags, created: entry.created, updated: entry.updated }
    }
}

impl FullNote {
    fn of(id: Id, mut note: Note) -> Self {
        let body = std::mem::take(&mut note.body);
        Self { summary: Summary::of(id, note), body }
    }
}

fn at_most(asked: Option<NonZeroU32>) -> usize {
    asked.map_or(RESULTS, |count| count.get() as usize).min(RESULTS_MOST)
}

#[cfg(test)]
mod tests;
