//! What one argument may be.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::permission::{PermissionError, Tree};
use crate::text::{self, Lines, quoted};

/// The largest argument that any pattern takes, in bytes: Linux takes no larger one, with its NUL.
pub const MAX_ARGUMENT_SIZE: usize = (128 << 10) - 1;

/// The largest literal, and the largest member of a set, in bytes.
pub const MAX_LITERAL_SIZE: usize = 4096;

/// The most members of a set.
pub const MAX_MEMBERS: usize = 64;

/// Where a relative path leads nowhere.
const NOWHERE: &str = "";

const KNOWN: &str = "write one of <any>, <any-or-option>, <rest>, <rest-or-options>, <integer>, \
                     <integer:1..100>, <path:$workspace> and <one-of:a|b>; double the < of a literal";

/// What one argument may be; the last of a shape may stand for any number of them.
///
/// Each is written as one word, a literal as itself; the module of [`Shape`](super::Shape) has the table of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ArgumentPattern {
    /// Exactly this.
    Literal(String),
    /// Anything that is not empty.
    Any {
        /// Whether it may begin with `-`, as options do.
        dash: bool,
    },
    /// One of a set.
    OneOf(Vec<String>),
    /// A path inside a tree, as far as the names tell.
    Path(Tree),
    /// A whole number in its shortest decimal form.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// Any number of arguments, none too. It stands last.
    Rest {
        /// Whether they may begin with `-`, or be empty; without it each is as [`ArgumentPattern::Any`] has it.
        dash: bool,
    },
}

impl ArgumentPattern {
    /// Any whole number from zero on.
    pub const INTEGER: ArgumentPattern = Self::Integer { min: 0, max: i64::MAX };

    /// Refuses what could not be written, shown or matched.
    pub(crate) fn check(&self) -> Result<(), PermissionError> {
        match self {
            Self::Literal(word) => check_word(word),
            Self::OneOf(members) => check_members(members),
            Self::Integer { min, max } if min > max => {
                let hint = "write the least number first, for example [1, 100]";
                Err(refuse(&self.to_string(), "no number is in the range", hint))
            }
            Self::Any { .. } | Self::Path(_) | Self::Integer { .. } | Self::Rest { .. } => Ok(()),
        }
    }

    /// Whether it takes an argument, given the guest's path of the directory in which the program starts.
    pub(super) fn takes(&self, argument: &str, directory: &str) -> bool {
        match self {
            Self::Literal(word) => word == argument,
            Self::Any { dash: true } => !argument.is_empty(),
            Self::Any { dash: false } | Self::Rest { dash: false } => {
                !argument.is_empty() && !argument.starts_with('-')
            }
            Self::OneOf(members) => members.iter().any(|member| member == argument),
            Self::Path(tree) => path_in(tree, argument, directory).is_some(),
            Self::Integer { min, max } => {
                integer(argument).is_some_and(|number| (*min..=*max).contains(&number))
            }
            Self::Rest { dash: true } => true,
        }
    }

    /// Whether it takes each argument that `other` takes.
    pub(super) fn covers(&self, other: &ArgumentPattern) -> bool {
        if let Some(words) = other.words() {
            return words.iter().all(|word| self.takes(word, NOWHERE));
        }
        match (self, other) {
            (Self::Rest { dash: true }, _) => true,
            // An empty argument is no other pattern's.
            (_, Self::Rest { dash: true }) => false,
            (
                Self::Any { dash: mine } | Self::Rest { dash: mine },
                Self::Any { dash } | Self::Rest { dash },
            ) => mine >= dash,
            (Self::Any { .. } | Self::Rest { .. }, Self::Path(_)) => true,
            (Self::Any { dash } | Self::Rest { dash }, Self::Integer { min, .. }) => *dash || *min >= 0,
            (Self::Path(outer), Self::Path(inner)) => outer.contains(inner),
            (Self::Integer { min, max }, Self::Integer { min: least, max: most }) => {
                min <= least && most <= max
            }
            _ => false,
        }
    }

    /// All that it takes, where that is few words.
    fn words(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::Literal(word) => Some(vec![Cow::Borrowed(word)]),
            Self::OneOf(members) => {
                Some(members.iter().map(|member| Cow::Borrowed(member.as_str())).collect())
            }
            Self::Integer { min, max } => {
                let few = usize::try_from(max.checked_sub(*min)?).is_ok_and(|more| more < MAX_MEMBERS);
                few.then(|| (*min..=*max).map(|number| Cow::Owned(number.to_string())).collect())
            }
            Self::Any { .. } | Self::Path(_) | Self::Rest { .. } => None,
        }
    }
}

/// The guest's absolute path of an argument that is a path inside a tree, by name.
pub(super) fn path_in(tree: &Tree, argument: &str, directory: &str) -> Option<String> {
    let inside = |path: &str| {
        let below = path.strip_prefix(tree.guest_path());
        below.is_some_and(|below| below.is_empty() || below.strip_prefix('/').is_some_and(is_normal))
    };
    let path = if argument.starts_with('/') {
        argument.to_owned()
    } else if argument.starts_with('-') || !inside(directory) {
        return None;
    } else if argument == "." {
        directory.to_owned()
    } else {
        format!("{directory}/{argument}")
    };
    inside(&path).then_some(path)
}

fn is_normal(relative: &str) -> bool {
    !relative.contains('\0') && !relative.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

/// A whole number in its shortest decimal form: no `+`, no leading zeros, no `-0`.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

fn refuse(pattern: &str, problem: &'static str, hint: &'static str) -> PermissionError {
    PermissionError::Argument { pattern: quoted(pattern), problem, hint }
}

/// A literal is shown to the owner, so nothing in it may hide.
fn check_word(word: &str) -> Result<(), PermissionError> {
    if word.len() > MAX_LITERAL_SIZE {
        return Err(refuse(word, "it has more than 4096 bytes", "write a shorter one, or a pattern"));
    }
    if text::check(word, Lines::One).is_err() {
        let hint = "remove the character, or take any argument there";
        return Err(refuse(word, "it has a character that does not show", hint));
    }
    Ok(())
}

fn check_members(members: &[String]) -> Result<(), PermissionError> {
    let hint = "write 1 to 64 different words, for example one_of = [\"a\", \"b\"], or <one-of:a|b>";
    let problem = if members.is_empty() {
        "the set is empty"
    } else if members.len() > MAX_MEMBERS {
        "the set has more than 64 members"
    } else if members.iter().any(String::is_empty) {
        "a member of the set is empty"
    } else if members.iter().any(|member| member.contains(['|', '<', '>'])) {
        "a member of the set has one of |, < and >"
    } else if members.iter().collect::<BTreeSet<_>>().len() < members.len() {
        "a member stands in the set twice"
    } else {
        return members.iter().try_for_each(|member| check_word(member));
    };
    Err(refuse(&members.join("|"), problem, hint))
}

impl fmt::Display for ArgumentPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(word) if word.starts_with('<') => write!(f, "<{word}"),
            Self::Literal(word) => f.write_str(word),
            Self::Any { dash: false } => f.write_str("<any>"),
            Self::Any { dash: true } => f.write_str("<any-or-option>"),
            Self::OneOf(members) => write!(f, "<one-of:{}>", members.join("|")),
            Self::Path(tree) => write!(f, "<path:{tree}>"),
            Self::Integer { min: 0, max: i64::MAX } => f.write_str("<integer>"),
            Self::Integer { min, max } => write!(f, "<integer:{min}..{max}>"),
            Self::Rest { dash: false } => f.write_str("<rest>"),
            Self::Rest { dash: true } => f.write_str("<rest-or-options>"),
        }
    }
}

impl FromStr for ArgumentPattern {
    type Err = PermissionError;

    fn from_str(word: &str) -> Result<Self, PermissionError> {
        let pattern = match word.strip_prefix('<') {
            Some(literal) if literal.starts_with('<') => Self::Literal(literal.to_owned()),
            None => Self::Literal(word.to_owned()),
            Some(named) => {
                let named = named.strip_suffix('>');
                let named =
                    named.ok_or_else(|| refuse(word, "it begins with < and ends without >", KNOWN))?;
                parse_named(named, word)?
            }
        };
        pattern.check()?;
        Ok(pattern)
    }
}

/// Reads what stands between `<` and `>`.
fn parse_named(named: &str, word: &str) -> Result<ArgumentPattern, PermissionError> {
    let (name, detail) = match named.split_once(':') {
        Some((name, detail)) => (name, Some(detail)),
        None => (named, None),
    };
    Ok(match (name, detail) {
        ("any", None) => ArgumentPattern::Any { dash: false },
        ("any-or-option", None) => ArgumentPattern::Any { dash: true },
        ("rest", None) => ArgumentPattern::Rest { dash: false },
        ("rest-or-options", None) => ArgumentPattern::Rest { dash: true },
        ("integer", None) => ArgumentPattern::INTEGER,
        ("integer", Some(range)) => {
            let bounds = range.split_once("..").and_then(|(min, max)| integer(min).zip(integer(max)));
            let hint = "write the least and the greatest number, for example <integer:1..100>";
            let (min, max) = bounds.ok_or_else(|| refuse(word, "it is no range of whole numbers", hint))?;
            ArgumentPattern::Integer { min, max }
        }
        ("path", Some(tree)) => ArgumentPattern::Path(tree.parse()?),
        ("one-of", Some(members)) => ArgumentPattern::OneOf(members.split('|').map(str::to_owned).collect()),
        _ => return Err(refuse(word, "there is no such pattern", KNOWN)),
    })
}

impl TryFrom<String> for ArgumentPattern {
    type Error = PermissionError;

    fn try_from(word: String) -> Result<Self, PermissionError> {
        word.parse()
    }
}

impl From<ArgumentPattern> for String {
    fn from(pattern: ArgumentPattern) -> String {
        pattern.to_string()
    }
}
