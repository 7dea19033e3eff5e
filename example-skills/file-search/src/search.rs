//! Searches files line by line and gathers the matches with their context.

use std::io;
use std::path::Path;

use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkFinish, SinkMatch,
};
use openclaw_skill::{Error, Result};

use crate::line;
use crate::walk::{self, Scope};
use crate::{Case, Match, SearchOutput};

/// A compiled regex may take this much memory; more is a pattern gone wrong.
const REGEX_BYTES: usize = 8 << 20;
/// Longer lines fail the file: the searcher holds a line whole.
const LINE_BYTES: usize = 8 << 20;
/// Larger files are data, not source.
const FILE_BYTES: u64 = 32 << 20;

/// What to look for.
#[derive(Debug, Default)]
pub struct Query {
    pub pattern: String,
    pub literal: bool,
    pub whole_word: bool,
    pub case: Case,
}

/// Where to stop: a result is for a model to read, and a call has its fuel.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Lines before and after a match.
    pub context: usize,
    pub matches: usize,
    /// Bytes of text in the result.
    pub text_bytes: usize,
    /// Bytes of files read.
    pub read_bytes: u64,
}

/// Searches the files of a scope, in the order of the walk.
pub fn search(root: &Path, scope: &Scope, query: &Query, bounds: Bounds) -> Result<SearchOutput> {
    let matcher = matcher(query)?;
    let mut searcher = searcher(bounds);
    let mut output = SearchOutput::default();
    let mut left = Left { matches: bounds.matches, text: bounds.text_bytes, read: bounds.read_bytes };

    for found in walk::files(root, scope)? {
        let Ok(found) = found else {
            output.unreadable += 1;
            continue;
        };
        let Ok(size) = found.path.metadata().map(|file| file.len()) else {
            output.unreadable += 1;
            continue;
        };
        if size > FILE_BYTES {
            output.too_large += 1;
            continue;
        }
        let Some(read) = left.read.checked_sub(size) else {
            output.truncated = true;
            break;
        };
        left.read = read;

        let mut file = FileMatches::new(&matcher, &found.name, left);
        match searcher.search_path(&matcher, &found.path, &mut file) {
            Err(_) => output.unreadable += 1,
            Ok(()) if file.binary => output.binary += 1,
            Ok(()) => {
                output.files_searched += 1;
                output.files_matched += u64::from(!file.matches.is_empty());
                output.matches.append(&mut file.matches);
                left = file.left;
                if file.full {
                    output.truncated = true;
                    break;
                }
            }
        }
    }
    Ok(output)
}

fn matcher(query: &Query) -> Result<RegexMatcher> {
    RegexMatcherBuilder::new()
        .case_insensitive(query.case == Case::Insensitive)
        .case_smart(query.case == Case::Smart)
        .fixed_strings(query.literal)
        .word(query.whole_word)
        .line_terminator(Some(b'\n'))
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .build(&query.pattern)
        .map_err(|error| Error::invalid_input(format!("pattern: {error}")))
}

fn searcher(bounds: Bounds) -> Searcher {
    SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .before_context(bounds.context)
        .after_context(bounds.context)
        .heap_limit(Some(LINE_BYTES))
        .build()
}

/// What a result may still take.
#[derive(Clone, Copy)]
struct Left {
    matches: usize,
    text: usize,
    read: u64,
}

/// Collects the matches of one file; they count only if the file turns out to be text.
struct FileMatches<'a> {
    matcher: &'a RegexMatcher,
    name: &'a str,
    left: Left,
    matches: Vec<Match>,
    before: Vec<String>,
    binary: bool,
    full: bool,
}

impl<'a> FileMatches<'a> {
    fn new(matcher: &'a RegexMatcher, name: &'a str, left: Left) -> Self {
        Self { matcher, name, left, matches: Vec::new(), before: Vec::new(), binary: false, full: false }
    }

    /// Takes a text's bytes off what is left; false if there is not enough.
    fn pays(&mut self, text: &str) -> bool {
        let rest = self.left.text.checked_sub(text.len());
        self.full |= rest.is_none();
        self.left.text = rest.unwrap_or(0);
        !self.full
    }
}

impl Sink for FileMatches<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        // One match more than may be returned proves that the result is cut.
        let Some(rest) = self.left.matches.checked_sub(1) else {
            self.full = true;
            return Ok(false);
        };
        let start = self.matcher.find(found.bytes())?.map_or(0, |at| at.start());
        let line = line::clip(found.bytes(), start);
        if !self.pays(self.name) || !self.pays(&line.text) {
            return Ok(false);
        }
        self.left.matches = rest;
        self.matches.push(Match {
            path: self.name.to_owned(),
            line: found.line_number().unwrap_or_default(),
            column: line.column,
            text: line.text,
            before: std::mem::take(&mut self.before),
            after: Vec::new(),
        });
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        let line = line::clip(context.bytes(), 0).text;
        if !self.pays(&line) {
            return Ok(false);
        }
        match (context.kind(), self.matches.last_mut()) {
            (SinkContextKind::After, Some(last)) => last.after.push(line),
            _ => self.before.push(line),
        }
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.binary = true;
        Ok(false)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> io::Result<()> {
        self.binary |= end.binary_byte_offset().is_some();
        Ok(())
    }
}
