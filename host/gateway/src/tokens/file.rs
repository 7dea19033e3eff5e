//! Where tokens are kept: `gateway-tokens.toml`, with a hash and the rights of each, and the owner's own beside it.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use openclaw_runtime::layout::{DataDir, LayoutError, replace};
use serde::{Deserialize, Serialize};

use super::secret::Secret;
use crate::caller::Scope;
use crate::storage::Version;

/// The file of all tokens, in the data directory.
pub const TOKENS_FILE: &str = "gateway-tokens.toml";
/// The file of the token that the owner's own commands use, in the data directory.
pub const OWNER_TOKEN_FILE: &str = "gateway-token";
/// What the owner's token is called.
pub const OWNER: &str = "owner";

/// The version of the file's layout.
const VERSION: u32 = 1;
/// Bytes of the file: more tokens than anybody hands out.
const MOST_BYTES: u64 = 4 << 20;
/// Callers that are no tokens: a record must not say that somebody was one of these.
const RESERVED: [&str; 5] = ["cli", "mcp", "agent", "trigger", "test"];

/// What a token is called, by which it is revoked and records name it: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(String);

/// A text that names no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenNameError {
    /// It is not of the form.
    #[error("{0:?} names no token: write 1 to 64 of a-z, 0-9, -, _ and ., beginning with a letter or digit")]
    Malformed(String),
    /// Records use it for somebody else.
    #[error("{0:?} is what records call a caller without a token; choose another name")]
    Reserved(String),
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// What it is called.
    pub name: TokenName,
    /// The hash of its text.
    pub hash: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The tools that may be seen and called with it.
    pub tools: Scope,
    /// What `$workspace` stands for in its calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<PathBuf>,
    /// Whether the person behind it may consent to what a skill asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_grant: bool,
    /// Whether it may read the metrics.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metrics: bool,
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is to be called.
    pub name: TokenName,
    /// When it is to end.
    pub expires: Option<Timestamp>,
    /// The tools that may be seen and called with it.
    pub tools: Scope,
    /// What `$workspace` stands for in its calls.
    pub workspace: Option<PathBuf>,
    /// Whether the person behind it may consent to what a skill asks for.
    pub may_grant: bool,
    /// Whether it may read the metrics.
    pub metrics: bool,
}

impl NewToken {
    /// One for these tools that does not end, has no workspace and no further right.
    #[must_use]
    pub fn new(name: TokenName, tools: Scope) -> Self {
        Self { name, expires: None, tools, workspace: None, may_grant: false, metrics: false }
    }
}

/// Why tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written, or the data directory cannot be locked.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The file is not one of tokens.
    #[error("{} is not a list of tokens: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// Others could read or change the file.
    #[error("{} can be read or changed by others: chmod 600 it", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// There is one of that name.
    #[error("there is a token {0} already")]
    Exists(TokenName),
    /// There is none of that name.
    #[error("there is no token {0}")]
    Unknown(TokenName),
    /// There is no randomness.
    #[error("no token can be made: {0}")]
    NoRandomness(getrandom::Error),
}

impl TokensError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "data-dir-unusable",
            Self::Layout(_) => "data-dir-unusable",
            Self::Invalid { .. } => "invalid-tokens",
            Self::NotPrivate { .. } => "not-private",
            Self::Exists(_) => "token-exists",
            Self::Unknown(_) => "unknown-token",
            Self::NoRandomness(_) => "no-randomness",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    token: Vec<TokenRecord>,
}

/// The tokens of a data directory, on disk.
#[derive(Clone, Debug)]
pub struct TokenStore {
    dir: DataDir,
}

impl TokenStore {
    /// Those of a data directory, which need not have any.
    #[must_use]
    pub fn of(dir: &DataDir) -> Self {
        Self { dir: dir.clone() }
    }

    /// What tells the file from another in its place: inode, bytes, time of the last change. None where there is none.
    pub(crate) fn version(&self) -> Option<Version> {
        let meta = std::fs::metadata(self.tokens_path()).ok()?;
        Some(Version::new(format!("{}-{}-{}.{}", meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())))
    }

    /// All of them, in the order in which they were made.
    ///
    /// # Errors
    /// [`TokensError`] where the file cannot be read, or is not for its owner alone.
    pub fn list(&self) -> Result<Vec<TokenRecord>, TokensError> {
        let path = self.tokens_path();
        let Some(text) = read_private(&path)? else { return Ok(Vec::new()) };
        let invalid = |reason: String| TokensError::Invalid { path: path.clone(), reason };
        let document: Document = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if document.version != VERSION {
            return Err(invalid(format!(
                "it has version {}, and this openclaw reads {VERSION}",
                document.version
            )));
        }
        let mut names: Vec<&str> = document.token.iter().map(|token| token.name.as_str()).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
            return Err(invalid(format!("two tokens are called {name}")));
        }
        Ok(document.token)
    }

    /// Makes a token, which is told this once.
    ///
    /// # Errors
    /// [`TokensError::Exists`], or the file cannot be changed.
    pub fn create(&self, new: NewToken) -> Result<(Secret, TokenRecord), TokensError> {
        let _lock = self.dir.lock()?;
        let secret = Secret::generate().map_err(TokensError::NoRandomness)?;
        let record = self.add(new, &secret)?;
        Ok((secret, record))
    }

    fn add(&self, new: NewToken, secret: &Secret) -> Result<TokenRecord, TokensError> {
        let mut tokens = self.list()?;
        if tokens.iter().any(|token| token.name == new.name) {
            return Err(TokensError::Exists(new.name));
        }
        let record = TokenRecord {
            name: new.name,
            hash: secret.hash(),
            // Nobody needs to know the millisecond.
            created: Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default(),
            expires: new.expires,
            tools: new.tools,
            workspace: new.workspace,
            may_grant: new.may_grant,
            metrics: new.metrics,
        };
        tokens.push(record.clone());
        self.save(tokens)?;
        Ok(record)
    }

    /// Takes a token back. The owner's own file goes with it, if it is that one.
    ///
    /// # Errors
    /// [`TokensError::Unknown`], or the file cannot be changed.
    pub fn revoke(&self, name: &TokenName) -> Result<TokenRecord, TokensError> {
        let _lock = self.dir.lock()?;
        let mut tokens = self.list()?;
        let at = tokens.iter().position(|token| token.name == *name);
        let revoked = tokens.remove(at.ok_or_else(|| TokensError::Unknown(name.clone()))?);
        self.save(tokens)?;
        if name.as_str() == OWNER {
            let path = self.owner_path();
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(TokensError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(revoked)
    }

    /// Makes the owner's token at the first start, and keeps it where the owner's own commands find it.
    ///
    /// A token that was revoked is made anew only where the list is gone as well: whoever revokes it means it.
    ///
    /// # Errors
    /// [`TokensError`] where a file cannot be read or written.
    pub fn ensure_owner(&self) -> Result<Option<Secret>, TokensError> {
        let _lock = self.dir.lock()?;
        if self.tokens_path().exists() {
            return Ok(None);
        }
        let name = TokenName(OWNER.to_owned());
        let new = NewToken { may_grant: true, metrics: true, ..NewToken::new(name, Scope::all()) };
        let secret = Secret::generate().map_err(TokensError::NoRandomness)?;
        // First the one that is of no use without the other: whoever is interrupted here begins again.
        replace(&self.owner_path(), format!("{}\n", secret.reveal()).as_bytes())?;
        self.add(new, &secret)?;
        Ok(Some(secret))
    }

    /// The owner's own token, if it is kept.
    ///
    /// # Errors
    /// [`TokensError`] where its file cannot be read, or is not for its owner alone.
    pub fn owner(&self) -> Result<Option<Secret>, TokensError> {
        let path = self.owner_path();
        let Some(text) = read_private(&path)? else { return Ok(None) };
        let text = zeroize::Zeroizing::new(text);
        match Secret::parse(text.trim()) {
            Some(secret) => Ok(Some(secret)),
            None => Err(TokensError::Invalid { path, reason: "it holds no token".to_owned() }),
        }
    }

    /// Where they are listed.
    #[must_use]
    pub fn tokens_path(&self) -> PathBuf {
        self.dir.root().join(TOKENS_FILE)
    }

    /// Where the owner's is kept.
    #[must_use]
    pub fn owner_path(&self) -> PathBuf {
        self.dir.root().join(OWNER_TOKEN_FILE)
    }

    fn save(&self, token: Vec<TokenRecord>) -> Result<(), TokensError> {
        let path = self.tokens_path();
        let text = toml::to_string(&Document { version: VERSION, token })
            .map_err(|error| TokensError::Invalid { path: path.clone(), reason: error.to_string() })?;
        Ok(replace(&path, text.as_bytes())?)
    }
}

/// Reads a file that is for its owner alone; none where it is not there.
fn read_private(path: &Path) -> Result<Option<String>, TokensError> {
    let at = |source| TokensError::Io { path: path.to_owned(), source };
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(error)),
    };
    let meta = file.metadata().map_err(at)?;
    if meta.mode() & 0o077 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(TokensError::NotPrivate { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(at)?;
    Ok(Some(text))
}

impl TokenName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<Self, TokenNameError> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = text.len() <= 64
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|byte| is_word(byte) || b"-_.".contains(&byte));
        if !fits {
            return Err(TokenNameError::Malformed(text.to_owned()));
        }
        if RESERVED.contains(&text) {
            return Err(TokenNameError::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for TokenName {
    type Error = TokenNameError;

    fn try_from(text: String) -> Result<Self, TokenNameError> {
        text.parse()
    }
}

impl From<TokenName> for String {
    fn from(name: TokenName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn store() -> (tempfile::TempDir, TokenStore) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path().join("data")).unwrap();
        (parent, TokenStore::of(&dir))
    }

    #[test]
    fn the_owner_has_one_token_and_no_second_one_without_being_asked() {
        let (_parent, store) = store();
        let secret = store.ensure_owner().unwrap().unwrap();
        assert!(store.ensure_owner().unwrap().is_none());
        assert_eq!(store.owner().unwrap().unwrap().hash(), secret.hash());
        for path in [store.tokens_path(), store.owner_path()] {
            assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600, "{}", path.display());
        }
        let text = std::fs::read_to_string(store.tokens_path()).unwrap();
        assert!(!text.contains(&secret.reveal()[4..]), "only the hash is kept: {text}");
        store.revoke(&"owner".parse().unwrap()).unwrap();
        assert!(store.owner().unwrap().is_none(), "what is no token any more is not kept");
        assert!(store.ensure_owner().unwrap().is_none(), "who revokes it means it");
    }

    #[test]
    fn files_that_others_can_read_are_refused() {
        let (_parent, store) = store();
        store.ensure_owner().unwrap();
        for path in [store.tokens_path(), store.owner_path()] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        }
        assert_eq!(store.list().unwrap_err().code(), "not-private");
        assert_eq!(store.owner().unwrap_err().code(), "not-private");
    }

    #[test]
    fn names_are_plain_and_nobody_elses() {
        for name in ["a", "claude.desktop", "ci_1", "0-x"] {
            assert_eq!(name.parse::<TokenName>().unwrap().as_str(), name);
        }
        for name in ["", "-a", "A", "a b", "a\n", "cli", "mcp", "é", &"a".repeat(65)] {
            assert!(name.parse::<TokenName>().is_err(), "{name}");
        }
    }

    #[test]
    fn two_tokens_of_one_name_are_no_list() {
        let (_parent, store) = store();
        store.create(NewToken::new("one".parse().unwrap(), Scope::all())).unwrap();
        let again = store.create(NewToken::new("one".parse().unwrap(), Scope::all())).unwrap_err();
        assert_eq!(again.code(), "token-exists");
        let text = std::fs::read_to_string(store.tokens_path()).unwrap();
        let twice = format!("{text}{}", text.replace("version = 1\n", ""));
        std::fs::write(store.tokens_path(), twice).unwrap();
        assert_eq!(store.list().unwrap_err().code(), "invalid-tokens");
    }
}
