//! What the arguments of a program may be, one pattern for each and perhaps one for the rest.
//!
//! | in the manifest                     | in the policy         | takes                                           |
//! |-------------------------------------|-----------------------|-------------------------------------------------|
//! | `"status"`                          | `status`              | exactly that argument                           |
//! | `"<x"`                              | `'<<x'`               | exactly that argument: the first `<` is doubled |
//! | `{ any = true }`                    | `<any>`               | one argument, not empty, not beginning with `-` |
//! | `{ any = true, dash = true }`       | `<any-or-option>`     | one argument, not empty                         |
//! | `{ one_of = ["a", "b"] }`           | `<one-of:a\|b>`       | one of 1 to 64 words                            |
//! | `{ path = "$workspace" }`           | `<path:$workspace>`   | a path inside that tree, by name                |
//! | `{ integer = true }`                | `<integer>`           | a whole number from zero on                     |
//! | `{ integer = [1, 100] }`            | `<integer:1..100>`    | a whole number of that range, ends included     |
//! | `{ rest = true }`, last             | `<rest>`              | further arguments or none, each as `<any>`      |
//! | `{ rest = true, dash = true }`, last| `<rest-or-options>`   | further arguments or none, whatever they are    |
//!
//! A path is absolute and begins with the tree's path in the guest (`/workspace`, `/workspace/a`), or relative to
//! the working directory where that is inside the tree itself; `.` alone is the working directory. It has no `..`
//! and no other `.`, no empty segment, no slash at the end, and does not begin with `-`. Whether a link leads out
//! of the tree is not told by names: the host looks at the path that [`Shape::matches`] gives back.
//!
//! A number is written as `{}` writes it: no `+`, no leading zeros. Literals and members of a set have at most
//! [`MAX_LITERAL_SIZE`](super::MAX_LITERAL_SIZE) bytes and no character that does not show; line breaks and all
//! else may stand in what `any`, `path` and `rest` take.
//!
//! No shape takes an argument with a NUL or of more than [`MAX_ARGUMENT_SIZE`] bytes, more than
//! [`MAX_ARGUMENTS`] arguments, or more than [`MAX_ARGUMENTS_SIZE`] bytes of them. As only the last pattern may
//! take several arguments, there is one way at most to read arguments by a shape, and it is found in one pass.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::pattern::{ArgumentPattern, MAX_ARGUMENT_SIZE, path_in};
use crate::permission::PermissionError;
use crate::text::{self, Lines, quoted};

/// The most arguments that a shape takes.
pub const MAX_ARGUMENTS: usize = 4096;

/// The most bytes of all arguments together.
pub const MAX_ARGUMENTS_SIZE: usize = 256 << 10;

/// The most patterns of a shape.
pub const MAX_PATTERNS: usize = 64;

const LAST_WORD: &str = "end";

/// What the arguments after the program may be: `commit -m <any>`.
///
/// As text it is one line of words, quoted as for a shell where they have to be. No word at all is a program
/// without arguments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shape(Vec<ArgumentPattern>);

impl Shape {
    /// A shape.
    ///
    /// # Errors
    ///
    /// [`PermissionError::Argument`] when there are more than [`MAX_PATTERNS`], when one cannot be used, or when
    /// one for the rest is not the last.
    pub fn new(patterns: Vec<ArgumentPattern>) -> Result<Self, PermissionError> {
        let refuse = |pattern: &ArgumentPattern, problem, hint| {
            Err(PermissionError::Argument { pattern: quoted(&pattern.to_string()), problem, hint })
        };
        if let Some(pattern) = patterns.get(MAX_PATTERNS) {
            return refuse(pattern, "it is one pattern too many, after 64", "end with one for the rest");
        }
        patterns.iter().try_for_each(ArgumentPattern::check)?;
        let early = patterns.iter().rev().skip(1).find(|pattern| is_rest(pattern));
        match early {
            Some(pattern) => refuse(pattern, "patterns follow it", "put the one for the rest at the end"),
            None => Ok(Self(patterns)),
        }
    }

    /// Reads a shape from words that are no longer quoted.
    ///
    /// # Errors
    ///
    /// A word that is no pattern, and what [`Shape::new`] refuses.
    pub fn from_words(words: &[impl AsRef<str>]) -> Result<Self, PermissionError> {
        // One more than there may be is enough to be refused.
        let words = words.iter().take(MAX_PATTERNS + 1);
        Self::new(words.map(|word| word.as_ref().parse()).collect::<Result<_, _>>()?)
    }

    /// The patterns, in the order of the arguments.
    pub fn patterns(&self) -> &[ArgumentPattern] {
        &self.0
    }

    /// Whether arguments are of this shape, given the guest's absolute path of the working directory.
    ///
    /// Where they are, what comes back is the place of each argument that a path pattern took, counted from zero,
    /// with the guest's absolute path of it.
    pub fn matches(&self, arguments: &[String], directory: &str) -> Option<Vec<(usize, String)>> {
        if arguments.len() < self.least() || !are_bounded(arguments) {
            return None;
        }
        let mut paths = Vec::new();
        for (place, argument) in arguments.iter().enumerate() {
            match self.pattern_at(place)? {
                ArgumentPattern::Path(tree) => paths.push((place, path_in(tree, argument, directory)?)),
                pattern if pattern.takes(argument, directory) => {}
                _ => return None,
            }
        }
        Some(paths)
    }

    /// Whether all arguments of the shape `other` are of this shape too, whatever the working directory is.
    pub fn covers(&self, other: &Shape) -> bool {
        let lengths = match (self.rest(), other.rest()) {
            (None, None) => self.least() == other.least(),
            (None, Some(_)) => false,
            (Some(_), _) => self.least() <= other.least(),
        };
        let mut theirs = other.0.iter().enumerate();
        lengths
            && theirs.all(|(place, theirs)| self.pattern_at(place).is_some_and(|mine| mine.covers(theirs)))
    }

    /// The pattern for the rest.
    fn rest(&self) -> Option<&ArgumentPattern> {
        self.0.last().filter(|pattern| is_rest(pattern))
    }

    /// How many arguments there must be at least.
    fn least(&self) -> usize {
        self.0.len() - usize::from(self.rest().is_some())
    }

    /// The pattern for the argument at a place.
    fn pattern_at(&self, place: usize) -> Option<&ArgumentPattern> {
        self.0.get(place).or_else(|| self.rest())
    }
}

fn is_rest(pattern: &ArgumentPattern) -> bool {
    matches!(pattern, ArgumentPattern::Rest { .. })
}

/// A word as a shell, and [`Shape`], take it literally: with quotes where it has to have them.
pub fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./:,_-=@%+".contains(c);
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    // What has a NUL is no word of a command line, and nothing that is parsed here has one.
    shlex::try_quote(word).unwrap_or_default()
}

/// Whether arguments could be given to any program.
fn are_bounded(arguments: &[String]) -> bool {
    arguments.len() <= MAX_ARGUMENTS
        && arguments.iter().all(|argument| argument.len() <= MAX_ARGUMENT_SIZE && !argument.contains('\0'))
        && arguments.iter().map(String::len).sum::<usize>() <= MAX_ARGUMENTS_SIZE
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, pattern) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            let word = pattern.to_string();
            let literal = matches!(pattern, ArgumentPattern::Literal(_));
            if !literal && word.chars().all(|c| c.is_ascii_alphanumeric() || "<>:|$./_-+,=@%".contains(c)) {
                // Read back without quotes, a pattern is not mistaken for a literal.
                f.write_str(&word)?;
            } else {
                f.write_str(&shell_word(&word))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Shape {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let refuse = |problem| PermissionError::Argument {
            pattern: quoted(text),
            problem,
            hint: "quote the words as for a shell, for example 'two words' or '#1'",
        };
        if text::check(text, Lines::One).is_err() {
            return Err(refuse("it has a character that does not show"));
        }
        // Only what is read to its end gives the last word back: no open quote, and no comment.
        let words = shlex::split(&format!("{text} {LAST_WORD}")).unwrap_or_default();
        match words.as_slice() {
            [words @ .., last] if last == LAST_WORD => Self::from_words(words),
            _ => Err(refuse("a quote is open, nothing follows a backslash, or a # begins a comment")),
        }
    }
}

impl TryFrom<String> for Shape {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<Shape> for String {
    fn from(shape: Shape) -> String {
        shape.to_string()
    }
}
