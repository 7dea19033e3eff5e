//! The one place that prints: data to standard output, words about it to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json;
use crate::progress::Progress;
use crate::text::{indented, pretty_json};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Bytes that are read of a line.
const MOST_LINE: u64 = 16 << 10;

/// Where a command prints, and in which form.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    /// Why standard output took no more, if it did not.
    failed: RefCell<Option<io::Error>>,
}

impl Output {
    /// Prints JSON, or words.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, failed: RefCell::new(None) }
    }

    /// Whether data is printed as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line of data, for people.
    pub(crate) fn line(&self, text: impl Display) {
        self.write(|out| writeln!(out, "{text}"));
    }

    /// A piece of data, for people, which is there at once.
    pub(crate) fn piece(&self, text: impl Display) {
        self.write(|out| write!(out, "{text}").and_then(|()| out.flush()));
    }

    /// Lines of data, for people.
    pub(crate) fn lines<T: Display>(&self, lines: impl IntoIterator<Item = T>) {
        lines.into_iter().for_each(|line| self.line(line));
    }

    /// A document, for programs.
    pub(crate) fn document(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| CliError::new(Exit::Host, "host-failure", error.to_string()))?;
        self.line(pretty_json(&text));
        Ok(())
    }

    /// A list for programs, of which each element is printed when it is there.
    pub(crate) fn elements(&self) -> Elements<'_> {
        Elements { output: self, count: 0 }
    }

    /// A table for people, of which each row is printed when it is there.
    pub(crate) fn rows<const N: usize>(&self, heads: [&'static str; N]) -> Rows<'_, N> {
        Rows { output: self, heads, held: Vec::new(), widths: None, count: 0 }
    }

    /// Whether standard output has taken everything so far.
    pub(crate) fn is_read(&self) -> bool {
        self.failed.borrow().is_none()
    }

    /// Bytes of data as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.write(|out| out.write_all(bytes));
    }

    /// Words about what is done. Programs get none: what they need is in the document.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            // Where nobody listens, nobody needs to know.
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// What somebody should look at, and may not have asked for.
    pub(crate) fn warn(&self, text: impl Display) {
        self.note(format_args!("{} {text}", warning("warning:")));
    }

    /// Why nothing came of it.
    pub(crate) fn error(&self, error: &CliError) {
        let mut out = anstream::stderr();
        // Where nobody listens, the exit code says it.
        let _ = if self.json {
            let document = json::ErrorDocument::of(error);
            serde_json::to_string(&document)
                .map_err(io::Error::other)
                .and_then(|text| writeln!(out, "{}", pretty_json(&text)))
        } else {
            // A skill's own words may be in it, and must not look like a hint of ours.
            let message = indented(&error.message);
            writeln!(out, "{RED}error:{RED:#} {message}").and_then(|()| match &error.hint {
                Some(hint) => writeln!(out, "{CYAN}hint:{CYAN:#} {}", indented(hint)),
                None => Ok(()),
            })
        };
    }

    /// Whether a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a person, who answers no by doing nothing; none where nobody can be asked.
    pub(crate) fn confirm(&self, question: &str) -> Option<bool> {
        if !self.can_ask() {
            return None;
        }
        let mut out = anstream::stderr();
        let mut answer = String::new();
        let asked = write!(out, "{BOLD}{question}{BOLD:#} [y/N] ").and_then(|()| out.flush());
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).ok()?;
        Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks a person for a line; none where nobody can be asked, and empty where they wrote nothing or no text.
    pub(crate) fn ask(&self, prompt: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        let mut out = anstream::stderr();
        let mut answer = String::new();
        let asked = write!(out, "{BOLD}{prompt}{BOLD:#} ").and_then(|()| out.flush());
        // A terminal gives lines of 4 KiB; whatever else stands in for one gives no more than is read of it.
        let line = asked.and_then(|()| io::stdin().lock().take(MOST_LINE).read_line(&mut answer));
        Some(line.map_or_else(|_| String::new(), |_| answer.trim().to_owned()))
    }

    /// Shows that something takes its time, where a person watches.
    pub(crate) fn progress(&self, message: &str) -> Progress {
        Progress::start(message, self.is_watched())
    }

    /// Whether a person watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Whether a person watches standard output.
    pub(crate) fn is_shown(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Fails if standard output took less than all, unless who read it had enough.
    pub(crate) fn finish(&self) -> Result<()> {
        self.write(Write::flush);
        match self.failed.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CliError::new(Exit::Host, "output-failed", format!("standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, write: impl FnOnce(&mut anstream::Stdout) -> io::Result<()>) {
        let mut failed = self.failed.borrow_mut();
        if failed.is_none()
            && let Err(error) = write(&mut anstream::stdout())
        {
            *failed = Some(error);
        }
    }
}

/// A list that is printed element by element.
#[derive(Debug)]
pub(crate) struct Elements<'a> {
    output: &'a Output,
    count: u64,
}

impl Elements<'_> {
    /// The next one.
    pub(crate) fn push(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| CliError::new(Exit::Host, "host-failure", error.to_string()))?;
        let begin = if self.count == 0 { "[" } else { "," };
        self.count += 1;
        // No line break is inside of a string, where JSON escapes it.
        let text = pretty_json(&text).replace('\n', "\n  ");
        self.output.write(|out| write!(out, "{begin}\n  {text}"));
        Ok(())
    }

    /// There is no further one.
    pub(crate) fn end(self) {
        self.output.line(if self.count == 0 { "[]" } else { "\n]" });
    }
}

/// Rows by which the widths of columns are found, if a table is printed row by row.
const HELD: usize = 200;

/// A table that is printed row by row: columns are as wide as the first rows need.
#[derive(Debug)]
pub(crate) struct Rows<'a, const N: usize> {
    output: &'a Output,
    heads: [&'static str; N],
    held: Vec<[String; N]>,
    widths: Option<[usize; N]>,
    count: u64,
}

impl<const N: usize> Rows<'_, N> {
    /// The next one.
    pub(crate) fn push(&mut self, row: [String; N]) {
        self.count += 1;
        match self.widths {
            Some(widths) => self.output.line(padded(&row, widths)),
            None => {
                self.held.push(row);
                if self.held.len() >= HELD {
                    self.begin();
                }
            }
        }
    }

    /// There is no further one; answers how many there were.
    pub(crate) fn end(mut self) -> u64 {
        if self.count > 0 && self.widths.is_none() {
            self.begin();
        }
        self.count
    }

    fn begin(&mut self) {
        self.widths = Some(widths(self.heads, &self.held));
        self.output.lines(table(self.heads, &std::mem::take(&mut self.held)));
    }
}

/// What a table or a list is headed by.
pub(crate) fn heading(text: impl Display) -> String {
    format!("{BOLD}{text}{BOLD:#}")
}

/// What matters less.
pub(crate) fn dim(text: impl Display) -> String {
    format!("{DIM}{text}{DIM:#}")
}

/// What went well.
pub(crate) fn good(text: impl Display) -> String {
    format!("{GREEN}{text}{GREEN:#}")
}

/// What to look at.
pub(crate) fn warning(text: impl Display) -> String {
    format!("{YELLOW}{text}{YELLOW:#}")
}

/// What went wrong.
pub(crate) fn bad(text: impl Display) -> String {
    format!("{RED}{text}{RED:#}")
}

/// Rows below their heads, each column as wide as its widest cell. Cells hold no colours.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let widths = widths(heads, rows);
    let mut lines = vec![heading(padded(&heads.map(str::to_uppercase), widths))];
    lines.extend(rows.iter().map(|row| padded(row, widths)));
    lines
}

fn widths<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> [usize; N] {
    let mut widths = heads.map(|head| head.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn padded<const N: usize>(cells: &[String; N], widths: [usize; N]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let padding = width.saturating_sub(cell.chars().count());
        format!("{cell}{}", " ".repeat(padding))
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let rows = [["a".to_owned(), "1".to_owned()], ["long".to_owned(), "2".to_owned()]];
        let lines = table(["name", "n"], &rows);
        assert_eq!(lines.get(1..), Some(&["a     1".to_owned(), "long  2".to_owned()][..]));
    }
}
