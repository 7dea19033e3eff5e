//! What an operator's command came to: as words and as JSON.

use std::fmt;

use jiff::Timestamp;
use openclaw_package::registry::Root;
use openclaw_package::{Digest, PublisherName};
use serde::Serialize;

use crate::store::accounts::Account;
use crate::token::Token;
use crate::{backup, verify};

/// What a command came to.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// A publisher was created.
    Created(Created),
    /// A token was revoked.
    Revoked(Revoked),
    /// Publishers.
    Publishers(Publishers),
    /// Tokens.
    Tokens(Tokens),
    /// A token that was issued.
    Issued(IssuedToken),
    /// Something was taken down.
    Takedown(TakenDown),
    /// A root.
    Root(Box<ShownRoot>),
    /// A backup was written or restored.
    Backup(backup::Summary),
    /// A store was verified.
    Verify(verify::Report),
}

impl Report {
    /// Whether the command ends well; a verification that found something does not.
    pub fn is_success(&self) -> bool {
        match self {
            Self::Verify(report) => report.is_clean(),
            _ => true,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(report) => report.fmt(f),
            Self::Revoked(report) => report.fmt(f),
            Self::Publishers(report) => report.fmt(f),
            Self::Tokens(report) => report.fmt(f),
            Self::Issued(report) => report.fmt(f),
            Self::Takedown(report) => report.fmt(f),
            Self::Root(report) => report.fmt(f),
            Self::Backup(report) => report.fmt(f),
            Self::Verify(report) => report.fmt(f),
        }
    }
}

/// A publisher that was created.
#[derive(Debug, Clone, Serialize)]
pub struct Created {
    /// The publisher.
    pub publisher: PublisherName,
    /// That it was.
    pub created: bool,
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "created the publisher {}", self.publisher)
    }
}

/// A token that was revoked.
#[derive(Debug, Clone, Serialize)]
pub struct Revoked {
    /// Its id.
    pub id: String,
    /// That it was.
    pub revoked: bool,
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revoked the token {}", self.id)
    }
}

/// Lines of cells under a head, each column as wide as its widest cell.
fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let lines: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for (place, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let text = cells.collect::<Vec<_>>().join("  ");
        write!(f, "{}{}", if place > 0 { "\n" } else { "" }, text.trim_end())?;
    }
    Ok(())
}

/// Publishers, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Publishers {
    /// The publishers.
    pub publishers: Vec<Account>,
}

impl fmt::Display for Publishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.publishers.is_empty() {
            return f.write_str("there are no publishers");
        }
        let row = |account: &Account| {
            let Account { publisher, created, history_length, skills } = account;
            [publisher.to_string(), skills.to_string(), history_length.to_string(), created.to_string()]
        };
        table(f, ["PUBLISHER", "SKILLS", "EVENTS", "SINCE"], self.publishers.iter().map(row))
    }
}

/// Tokens, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct Tokens {
    /// The tokens.
    pub tokens: Vec<Token>,
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tokens.is_empty() {
            return f.write_str("there are no tokens");
        }
        table(f, ["ID", "NAME", "SKILLS", "SCOPES", "STATE", "LAST USED"], self.tokens.iter().map(row))
    }
}

fn row(token: &Token) -> [String; 6] {
    let used = token.last_used.map_or_else(|| "never".to_owned(), |used| used.to_string());
    // Letters that are not seen, or that turn those after them around, would make one token look like another.
    let name = token.name.escape_debug().to_string();
    [token.id.clone(), name, token.pattern.to_string(), scopes(token), state(token, Timestamp::now()), used]
}

fn scopes(token: &Token) -> String {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    scopes.join(",")
}

fn state(token: &Token, now: Timestamp) -> String {
    match token.revoked {
        Some(revoked) => format!("revoked {revoked}"),
        None if token.expires <= now => format!("expired {}", token.expires),
        None => format!("until {}", token.expires),
    }
}

/// A token that was issued, with the text that is shown this once.
#[derive(Clone, Serialize)]
pub struct IssuedToken {
    /// The token's text.
    #[serde(rename = "token")]
    pub secret: String,
    /// What is known of it.
    #[serde(flatten)]
    pub token: Token,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IssuedToken").field(&self.token).finish()
    }
}

impl fmt::Display for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { id, name, pattern, .. } = &self.token;
        writeln!(f, "token {id}, {:?} for {pattern}, {}", name, state(&self.token, Timestamp::now()))?;
        writeln!(f, "it may: {}", scopes(&self.token))?;
        write!(f, "shown only now: {}", self.secret)
    }
}

/// What was taken down.
#[derive(Debug, Clone, Serialize)]
pub struct TakenDown {
    /// The place of the notice in the log.
    pub log_index: u64,
    /// The releases that are gone with it.
    pub releases: Vec<String>,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

impl TakenDown {
    pub(super) fn new(log_index: u64, releases: Vec<String>) -> Self {
        const NONE: &str =
            "no release here is covered that was not before; what is covered is refused if it comes";
        let note = releases.is_empty().then_some(NONE);
        Self { log_index, releases, note }
    }
}

impl fmt::Display for TakenDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "taken down, entry {} of the log", self.log_index)?;
        self.releases.iter().try_for_each(|release| write!(f, "\n  {release}"))?;
        self.note.iter().try_for_each(|note| write!(f, "\n{note}"))
    }
}

/// A root and its fingerprint.
#[derive(Debug, Clone, Serialize)]
pub struct ShownRoot {
    /// What clients pin.
    pub fingerprint: Digest,
    /// What it says.
    pub root: Root,
}

impl fmt::Display for ShownRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = &self.root;
        writeln!(f, "root version {} of {}", root.version(), root.origin())?;
        writeln!(f, "fingerprint   {}", self.fingerprint)?;
        writeln!(f, "expires       {}", root.expires())?;
        writeln!(f, "log key       {}", root.log_key())?;
        writeln!(f, "takedown key  {}", root.takedown_key())?;
        write!(f, "root keys     {} of these must sign:", root.threshold())?;
        root.keys().iter().try_for_each(|key| write!(f, "\n  {key}"))
    }
}
