//! What an operator's command came to: as words and as JSON.

use std::fmt;

use openclaw_package::Digest;
use openclaw_package::registry::Root;
use serde::Serialize;

use crate::store::accounts::Account;
use crate::token::Token;
use crate::{backup, verify};

/// What a command came to.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// Something was done of which there is nothing to show.
    Done(Done),
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
            Self::Done(report) => report.fmt(f),
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

/// Something that was done.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// What.
    pub done: String,
}

impl Done {
    pub(super) fn new(done: String) -> Self {
        Self { done }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.done)
    }
}

/// Publishers, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Publishers {
    /// The publishers.
    pub publishers: Vec<Account>,
}

impl From<Vec<Account>> for Publishers {
    fn from(publishers: Vec<Account>) -> Self {
        Self { publishers }
    }
}

impl fmt::Display for Publishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.publishers.is_empty() {
            return f.write_str("there are no publishers");
        }
        for (place, account) in self.publishers.iter().enumerate() {
            let line = if place > 0 { "\n" } else { "" };
            let Account { publisher, created, history_length, skills } = account;
            write!(f, "{line}{publisher}  {skills} skills, {history_length} events, since {created}")?;
        }
        Ok(())
    }
}

/// Tokens, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct Tokens {
    /// The tokens.
    pub tokens: Vec<Token>,
}

impl From<Vec<Token>> for Tokens {
    fn from(tokens: Vec<Token>) -> Self {
        Self { tokens }
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tokens.is_empty() {
            return f.write_str("there are no tokens");
        }
        for (place, token) in self.tokens.iter().enumerate() {
            let line = if place > 0 { "\n" } else { "" };
            write!(f, "{line}{}  {}", token.id, described(token))?;
        }
        Ok(())
    }
}

fn described(token: &Token) -> String {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let until = match token.revoked {
        Some(revoked) => format!("revoked {revoked}"),
        None => format!("until {}", token.expires),
    };
    let used = token.last_used.map_or_else(|| "never used".to_owned(), |used| format!("last used {used}"));
    format!("{:?} for {}: {}, {until}, {used}", token.name, token.pattern, scopes.join(", "))
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
        writeln!(f, "{}  {}", self.token.id, described(&self.token))?;
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
