//! Tokens: what lets a program act for a publisher, for which skills, and until when.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use openclaw_package::{Digest, PublisherName, SkillId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Fault, Result};

const PREFIX: &str = "oct_";
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LEN: usize = 32;

/// A token as its holder has it. It is wiped from memory when dropped, never shown by `Debug` and never stored.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one from the operating system's randomness: 32 letters and digits, 190 bits.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub fn generate() -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM_LEN));
        text.push_str(PREFIX);
        let mut bytes = Zeroizing::new([0_u8; RANDOM_LEN]);
        while text.len() < PREFIX.len() + RANDOM_LEN {
            getrandom::fill(bytes.as_mut_slice()).map_err(Fault::task)?;
            // Bytes past the last whole 62 would make the first letters likelier than the others.
            let letters = bytes.iter().filter(|byte| **byte < 248).map(|byte| usize::from(byte % 62));
            let missing = PREFIX.len() + RANDOM_LEN - text.len();
            text.extend(letters.filter_map(|place| LETTERS.get(place)).take(missing).map(|b| char::from(*b)));
        }
        Ok(Self(text))
    }

    /// A token that somebody sent; `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?;
        let fits = random.len() == RANDOM_LEN && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it. It is random, so no salt and no slow hash are needed, and it can be looked up.
    pub fn hash(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(oct_…)")
    }
}

/// Something that a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Publish the first version of a skill.
    PublishNew,
    /// Publish further versions.
    PublishUpdate,
    /// Yank versions and take that back.
    Yank,
    /// Grant and revoke the publisher's keys.
    Owners,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PublishNew, Self::PublishUpdate, Self::Yank, Self::Owners];

    /// The scope as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishNew => "publish-new",
            Self::PublishUpdate => "publish-update",
            Self::Yank => "yank",
            Self::Owners => "owners",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no scope: publish-new, publish-update, yank or owners"))
    }
}

/// Which skills a token is for: `acme/*`, `acme/tool-*` or `acme/hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Pattern {
    publisher: PublisherName,
    start: String,
    open: bool,
}

impl Pattern {
    /// All skills of a publisher.
    pub fn all(publisher: PublisherName) -> Self {
        Self { publisher, start: String::new(), open: true }
    }

    /// Whose skills they are.
    pub fn publisher(&self) -> &PublisherName {
        &self.publisher
    }

    /// Whether the pattern has all skills of the publisher.
    pub fn is_all(&self) -> bool {
        self.open && self.start.is_empty()
    }

    /// Whether a skill is one of them.
    pub fn matches(&self, skill: &SkillId) -> bool {
        let name = skill.name().as_str();
        let fits = if self.open { name.starts_with(&self.start) } else { name == self.start };
        fits && *skill.publisher() == self.publisher
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (publisher, name) =
            text.split_once('/').ok_or("write publisher/*, publisher/start-* or publisher/name")?;
        let publisher = publisher.parse().map_err(|error| format!("{error}"))?;
        let (start, open) = match name.strip_suffix('*') {
            Some(start) => (start, true),
            None => (name, false),
        };
        // With a letter in place of the star the start of a name has to be a name.
        let probe = if open { format!("{start}x") } else { start.to_owned() };
        SkillId::from_str(&format!("{publisher}/{probe}")).map_err(|error| error.to_string())?;
        Ok(Self { publisher, start: start.to_owned(), open })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.publisher, self.start, if self.open { "*" } else { "" })
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

/// What is known of a token; the token itself is not.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// By what it is revoked.
    pub id: String,
    /// What its issuer called it.
    pub name: String,
    /// Whom it acts for.
    pub publisher: PublisherName,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// To which skills.
    pub pattern: Pattern,
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was used last, to the hour.
    pub last_used: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_prefix_and_32_letters_or_digits() {
        let secret = Secret::generate().unwrap();
        assert_eq!(secret.reveal().len(), 36);
        let parsed = Secret::parse(secret.reveal()).unwrap();
        assert_eq!(parsed.hash(), secret.hash());
        assert_ne!(Secret::generate().unwrap().hash(), secret.hash());
        assert!(!format!("{secret:?}").contains(&secret.reveal()[4..]));
        for text in ["", "oct_", "oct_short", &format!("oct_{}", "é".repeat(16)), &"x".repeat(36)] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_pattern_has_what_it_says() {
        let skill = |text: &str| text.parse::<SkillId>().unwrap();
        for (pattern, has, has_not) in [
            ("acme/*", "acme/hello", "other/hello"),
            ("acme/tool-*", "acme/tool-one", "acme/tools"),
            ("acme/hello", "acme/hello", "acme/hello-world"),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.to_string(), pattern);
            assert!(parsed.matches(&skill(has)));
            assert!(!parsed.matches(&skill(has_not)));
        }
        for text in ["", "acme", "*/x", "acme/", "acme/a*b", "acme/**", "acme/-*", "acme/A*", "acme/x/*"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
