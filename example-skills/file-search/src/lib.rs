//! Searches the workspace: lines by regular expression, files by glob; it only reads.

mod find;
mod line;
mod search;
#[cfg(test)]
mod testing;
mod walk;

use std::num::NonZeroU32;

use openclaw_skill::{Context, Result, input, output, skill};

use search::{Bounds, Query};
use walk::Scope;

const RESULTS: usize = 100;
const RESULTS_MOST: usize = 2000;
const CONTEXT_MOST: u32 = 20;
const TEXT_BYTES: usize = 512 << 10;
/// What a call can read within the fuel of the manifest: a byte takes 15 to 40, most of them to
/// be looked at.
const READ_BYTES: u64 = 512 << 20;

#[input]
#[derive(Default)]
pub struct SearchInput {
    /// Regular expression to look for within a line, in the syntax of ripgrep.
    pattern: String,
    /// Take the pattern as plain text.
    #[serde(default)]
    literal: bool,
    /// Match whole words only.
    #[serde(default)]
    whole_word: bool,
    /// Whether upper and lower case differ. Default: smart.
    #[serde(default)]
    case: Case,
    /// Lines to show before and after each match, at most 20. Default: 0.
    #[serde(default)]
    context: u32,
    /// Directory or file to search, relative to the workspace. Default: all of it.
    path: Option<String>,
    /// Search only files that match one of these globs, written as in a .gitignore: "*.rs", "src/**/*.ts".
    #[serde(default)]
    include: Vec<String>,
    /// Leave out files and directories that match one of these globs: "target/", "*.min.js".
    #[serde(default)]
    exclude: Vec<String>,
    /// Search hidden files and directories too.
    #[serde(default)]
    hidden: bool,
    /// Search what .gitignore and .ignore files name too.
    #[serde(default)]
    no_ignore: bool,
    /// Stop after this many matches, at most 2000. Default: 100.
    max_results: Option<NonZeroU32>,
}

/// Whether upper and lower case differ.
#[input]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// They differ if the pattern has an upper-case letter.
    #[default]
    Smart,
    /// They differ.
    Sensitive,
    /// They are the same.
    Insensitive,
}

#[output]
#[derive(Debug, Default)]
pub struct SearchOutput {
    /// The matching lines, by path and line.
    matches: Vec<Match>,
    /// True if there is more than was returned.
    truncated: bool,
    /// How many text files were searched.
    files_searched: u64,
    /// How many of them had a match.
    files_matched: u64,
    /// Binary files that were skipped.
    binary: u64,
    /// Files over 32 MiB that were skipped.
    too_large: u64,
    /// Files and directories that could not be read.
    unreadable: u64,
}

#[output]
#[derive(Debug)]
pub struct Match {
    /// The file, relative to the workspace.
    path: String,
    /// The line, from 1.
    line: u64,
    /// Where the first match in the line begins, in characters from 1.
    column: u64,
    /// The line; very long ones are cut around the match.
    text: String,
    /// Lines before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    /// Lines after it, up to the next match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

#[input]
#[derive(Default)]
pub struct FindFilesInput {
    /// Globs of which a file must match one, written as in a .gitignore: "Cargo.toml", "docs/**/*.md".
    globs: Vec<String>,
    /// Leave out files and directories that match one of these globs.
    #[serde(default)]
    exclude: Vec<String>,
    /// Directory to look in, relative to the workspace. Default: all of it.
    path: Option<String>,
    /// Find hidden files too.
    #[serde(default)]
    hidden: bool,
    /// Find what .gitignore and .ignore files name too.
    #[serde(default)]
    no_ignore: bool,
    /// Stop after this many files, at most 2000. Default: 100.
    max_results: Option<NonZeroU32>,
}

#[output]
#[derive(Debug, Default)]
pub struct FindFilesOutput {
    /// The files, by path.
    files: Vec<File>,
    /// True if there are more than were returned.
    truncated: bool,
    /// Files and directories that could not be read.
    unreadable: u64,
}

#[output]
#[derive(Debug)]
pub struct File {
    /// The file, relative to the workspace.
    path: String,
    /// Its size in bytes.
    size: u64,
}

pub struct FileSearch;

#[skill]
impl FileSearch {
    /// Search the files of the workspace for a regular expression, line by line. Respects ignore
    /// files and skips binary ones. Returns path, line, column and text of each match.
    pub fn search(ctx: &Context, input: SearchInput) -> Result<SearchOutput> {
        let query = Query {
            pattern: input.pattern,
            literal: input.literal,
            whole_word: input.whole_word,
            case: input.case,
        };
        let scope = Scope {
            path: input.path,
            include: input.include,
            exclude: input.exclude,
            hidden: input.hidden,
            no_ignore: input.no_ignore,
        };
        let bounds = Bounds {
            context: input.context.min(CONTEXT_MOST) as usize,
            matches: at_most(input.max_results),
            text_bytes: TEXT_BYTES,
            read_bytes: READ_BYTES,
        };
        search::search(ctx.workspace(), &scope, &query, bounds)
    }

    /// Find files of the workspace by glob, with their sizes. Respects ignore files.
    pub fn find_files(ctx: &Context, input: FindFilesInput) -> Result<FindFilesOutput> {
        let scope = Scope {
            path: input.path,
            include: input.globs,
            exclude: input.exclude,
            hidden: input.hidden,
            no_ignore: input.no_ignore,
        };
        find::find(ctx.workspace(), &scope, at_most(input.max_results))
    }
}

fn at_most(asked: Option<NonZeroU32>) -> usize {
    asked.map_or(RESULTS, |count| count.get() as usize).min(RESULTS_MOST)
}

#[cfg(test)]
mod tests;
