//! The owner's secrets: where they are kept, and the values themselves, which nothing prints.
//!
//! A skill's secrets lie in `secrets/<publisher>/<name>.toml` of the data directory. The file tells of each where it is
//! kept: here, or in the system's keyring, which it then only names. So whoever follows the directory hears of every
//! change, whatever holds the value.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_package::name::{PublisherName, SecretName, SkillId, SkillName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::layout::{DataDir, LayoutError, private_dir, replace};

/// The version of a file's layout.
const VERSION: u32 = 1;

/// The fewest bytes of a value: to cut a shorter one out of what a skill says would shred ordinary text.
pub const MIN_SECRET_BYTES: usize = 8;

/// The most bytes of a value: what servers take in a header field.
pub const MAX_SECRET_BYTES: usize = 4096;

/// The fewest different characters of a value, for the same reason as [`MIN_SECRET_BYTES`].
const MIN_CHARACTERS: usize = 4;

/// The value of a secret. It is wiped from memory when it is dropped, and no formatting shows it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretValue(Zeroizing<String>);

/// Why a text cannot be the value of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretValueError {
    /// Shorter than [`MIN_SECRET_BYTES`].
    #[error(
        "it has {0} bytes; fewer than {MIN_SECRET_BYTES} could not be kept out of results without shredding them"
    )]
    Short(usize),
    /// Longer than [`MAX_SECRET_BYTES`].
    #[error("it has {0} bytes, more than the {MAX_SECRET_BYTES} that a header can hold")]
    Long(usize),
    /// Hardly a secret.
    #[error("it has fewer than {MIN_CHARACTERS} different characters, and is found in ordinary text")]
    Simple,
    /// A line break, a control character, or what is not ASCII.
    #[error("it has a character that cannot stand in a header: only printable ASCII can")]
    Character,
    /// A space at the beginning or the end.
    #[error("it begins or ends with a space")]
    Space,
}

impl SecretValue {
    /// Takes a value.
    ///
    /// # Errors
    /// See [`SecretValueError`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, SecretValueError> {
        let is_shown = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if text.len() < MIN_SECRET_BYTES {
            Err(SecretValueError::Short(text.len()))
        } else if text.len() > MAX_SECRET_BYTES {
            Err(SecretValueError::Long(text.len()))
        } else if !text.bytes().all(is_shown) {
            Err(SecretValueError::Character)
        } else if text.starts_with(' ') || text.ends_with(' ') {
            Err(SecretValueError::Space)
        } else if text.bytes().collect::<std::collections::BTreeSet<_>>().len() < MIN_CHARACTERS {
            Err(SecretValueError::Simple)
        } else {
            Ok(Self(text))
        }
    }

    /// The value itself, for who puts it where it belongs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

impl TryFrom<String> for SecretValue {
    type Error = SecretValueError;

    fn try_from(text: String) -> Result<Self, SecretValueError> {
        Self::new(Zeroizing::new(text))
    }
}

/// Why a secret cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file or directory cannot be used.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Others than the owner can read a file.
    #[error("others can read the secrets in {}", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what this version writes.
    #[error("{} is not a list of secrets: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, without any value.
        reason: String,
    },
    /// A newer host wrote it.
    #[error("{} has version {found}; this openclaw reads version {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The keyring is not there, is locked, or does not answer.
    #[error("the system's keyring cannot be used: {0}")]
    Keyring(String),
}

impl SecretError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Layout(_) => "secrets-unreadable",
            Self::NotPrivate { .. } => "secrets-not-private",
            Self::Invalid { .. } => "invalid-secrets",
            Self::Newer { .. } => "newer-secrets",
            Self::Keyring(_) => "keyring-unavailable",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Layout(LayoutError { path, .. }) => {
                format!("see that you can read and write {}", path.display())
            }
            Self::NotPrivate { path } => format!("chmod 600 '{}'", path.display()),
            Self::Invalid { path, .. } => {
                format!("mend {}, or move it away and set the secrets again", path.display())
            }
            Self::Newer { .. } => "update openclaw".to_owned(),
            Self::Keyring(_) => {
                "unlock it, or keep the secret in a file: openclaw secret set --file".to_owned()
            }
        }
    }
}

/// Answers for the values of secrets.
pub trait SecretStore: fmt::Debug + Send + Sync {
    /// The value of a skill's secret; none where its owner has set none. This may block, but not for long.
    ///
    /// # Errors
    /// See [`SecretError`].
    fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError>;
}

/// A keyring of the system. Each method ends within seconds, whatever the keyring does.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// A value; none where the keyring has none of that name.
    ///
    /// # Errors
    /// [`SecretError::Keyring`].
    fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError>;

    /// Keeps a value.
    ///
    /// # Errors
    /// [`SecretError::Keyring`]: where it is locked too.
    fn set(&self, skill: &SkillId, name: &SecretName, value: &SecretValue) -> Result<(), SecretError>;

    /// Deletes a value; one that is not there is deleted.
    ///
    /// # Errors
    /// [`SecretError::Keyring`].
    fn remove(&self, skill: &SkillId, name: &SecretName) -> Result<(), SecretError>;
}

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// In the system's keyring.
    Keyring,
    /// In a file that only its owner can read.
    File,
}

/// The secrets of a data directory.
#[derive(Clone, Debug)]
pub struct Secrets {
    dir: DataDir,
    keyring: Option<Arc<dyn Keyring>>,
}

/// A skill's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default)]
    secret: BTreeMap<SecretName, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kept: Kept,
    value: Option<SecretValue>,
}

/// What of a file every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Secrets {
    /// The secrets of a data directory, with the keyring that some of them may be kept in.
    #[must_use]
    pub fn new(dir: &DataDir, keyring: Option<Arc<dyn Keyring>>) -> Self {
        Self { dir: dir.clone(), keyring }
    }

    /// The file of a skill's secrets.
    #[must_use]
    pub fn path(&self, skill: &SkillId) -> PathBuf {
        file(&self.dir, skill)
    }

    /// Keeps a value in the keyring, or in the file where there is none that can be used or `in_file` says so.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn set(
        &self,
        skill: &SkillId,
        name: &SecretName,
        value: SecretValue,
        in_file: bool,
    ) -> Result<Kept, SecretError> {
        let _lock = self.dir.lock()?;
        let mut stored = self.read(skill)?;
        let in_keyring = !in_file && self.put_into_keyring(skill, name, &value);
        if !in_keyring && matches!(stored.secret.get(name), Some(Entry { kept: Kept::Keyring, .. })) {
            // What stays there would be the old value; where that cannot be, the new one is kept all the same.
            let removed = self.keyring().and_then(|keyring| keyring.remove(skill, name));
            removed.unwrap_or_else(|error| tracing::warn!("an old value stays in the keyring: {error}"));
        }
        let (kept, value) = if in_keyring { (Kept::Keyring, None) } else { (Kept::File, Some(value)) };
        stored.secret.insert(name.clone(), Entry { kept, value });
        self.write(skill, &stored)?;
        Ok(kept)
    }

    /// Deletes a value; false where there was none.
    ///
    /// # Errors
    /// See [`SecretError`]; the value is then still there.
    pub fn remove(&self, skill: &SkillId, name: &SecretName) -> Result<bool, SecretError> {
        let _lock = self.dir.lock()?;
        let mut stored = self.read(skill)?;
        let Some(entry) = stored.secret.remove(name) else { return Ok(false) };
        if entry.kept == Kept::Keyring {
            self.keyring()?.remove(skill, name)?;
        }
        self.write(skill, &stored)?;
        Ok(true)
    }

    /// Deletes all values of a skill.
    ///
    /// # Errors
    /// See [`SecretError`]; some may then still be there.
    pub fn forget(&self, skill: &SkillId) -> Result<(), SecretError> {
        for name in self.names(skill)?.into_keys() {
            self.remove(skill, &name)?;
        }
        Ok(())
    }

    /// The names of a skill's secrets, and where each is kept.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn names(&self, skill: &SkillId) -> Result<BTreeMap<SecretName, Kept>, SecretError> {
        let stored = self.read(skill)?;
        Ok(stored.secret.into_iter().map(|(name, entry)| (name, entry.kept)).collect())
    }

    /// The skills that have secrets, by name.
    ///
    /// # Errors
    /// [`SecretError::Layout`].
    pub fn skills(&self) -> Result<Vec<SkillId>, SecretError> {
        let mut skills = Vec::new();
        for publisher in entries(&self.dir.secrets())? {
            let Ok(publisher_name) = name_of(&publisher, "").parse::<PublisherName>() else { continue };
            for skill in entries(&publisher)? {
                if let Ok(name) = name_of(&skill, ".toml").parse::<SkillName>() {
                    skills.push(SkillId::new(publisher_name.clone(), name));
                }
            }
        }
        skills.sort();
        Ok(skills)
    }

    fn keyring(&self) -> Result<&Arc<dyn Keyring>, SecretError> {
        self.keyring.as_ref().ok_or_else(|| SecretError::Keyring("there is none in this session".to_owned()))
    }

    fn put_into_keyring(&self, skill: &SkillId, name: &SecretName, value: &SecretValue) -> bool {
        let Some(keyring) = &self.keyring else { return false };
        keyring.set(skill, name, value).inspect_err(|error| tracing::info!("{error}")).is_ok()
    }

    fn read(&self, skill: &SkillId) -> Result<Stored, SecretError> {
        let path = self.path(skill);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(source) => return Err(LayoutError { path, source }.into()),
        };
        let mode = std::fs::metadata(&path).map_err(LayoutError::at(&path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SecretError::NotPrivate { path });
        }
        // The parser's own message would quote the line, and so a value.
        let invalid = |error: toml::de::Error| SecretError::Invalid {
            path: path.clone(),
            reason: format!("{} (at byte {})", error.message(), error.span().map_or(0, |span| span.start)),
        };
        let Versioned { version } = toml::from_str(&text).map_err(invalid)?;
        if version > VERSION {
            return Err(SecretError::Newer { path, found: version });
        }
        toml::from_str(&text).map_err(invalid)
    }

    fn write(&self, skill: &SkillId, stored: &Stored) -> Result<(), SecretError> {
        let path = self.path(skill);
        if let Some(dir) = path.parent() {
            private_dir(dir)?;
        }
        // Room for all of it, so that no copy is left behind where it grew.
        let mut text =
            Zeroizing::new(String::with_capacity(32 + stored.secret.len() * (128 + 2 * MAX_SECRET_BYTES)));
        let _ = writeln!(text, "version = {VERSION}");
        for (name, entry) in &stored.secret {
            let _ = writeln!(text, "\n[secret.{name}]");
            match &entry.value {
                Some(value) => {
                    text.push_str("kept = \"file\"\nvalue = \"");
                    for character in value.expose().chars() {
                        if matches!(character, '"' | '\\') {
                            text.push('\\');
                        }
                        text.push(character);
                    }
                    text.push_str("\"\n");
                }
                None => text.push_str("kept = \"keyring\"\n"),
            }
        }
        Ok(replace(&path, text.as_bytes())?)
    }
}

impl SecretStore for Secrets {
    fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
        let mut stored = self.read(skill)?;
        match stored.secret.remove(name) {
            None => Ok(None),
            Some(Entry { kept: Kept::File, value }) => Ok(value),
            Some(Entry { kept: Kept::Keyring, .. }) => self.keyring()?.get(skill, name),
        }
    }
}

/// Where a skill's secrets lie.
fn file(dir: &DataDir, skill: &SkillId) -> PathBuf {
    dir.secrets().join(skill.publisher().as_str()).join(format!("{}.toml", skill.name()))
}

/// What lies in a directory; nothing where it is not there.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, LayoutError> {
    let read = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(LayoutError::at(dir))?,
    };
    read.map(|entry| entry.map(|entry| entry.path()).map_err(LayoutError::at(dir))).collect()
}

/// A path's last name without that ending; nothing where it has another.
fn name_of<'a>(path: &'a Path, ending: &str) -> &'a str {
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(ending))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A keyring in memory, which can be locked.
    #[derive(Debug, Default)]
    struct Ring {
        values: Mutex<BTreeMap<String, SecretValue>>,
        locked: std::sync::atomic::AtomicBool,
    }

    impl Ring {
        fn open(&self) -> Result<std::sync::MutexGuard<'_, BTreeMap<String, SecretValue>>, SecretError> {
            if self.locked.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(SecretError::Keyring("it is locked".to_owned()));
            }
            Ok(self.values.lock().unwrap())
        }
    }

    impl Keyring for Ring {
        fn get(&self, skill: &SkillId, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
            Ok(self.open()?.get(&format!("{skill} {name}")).cloned())
        }

        fn set(&self, skill: &SkillId, name: &SecretName, value: &SecretValue) -> Result<(), SecretError> {
            self.open()?.insert(format!("{skill} {name}"), value.clone());
            Ok(())
        }

        fn remove(&self, skill: &SkillId, name: &SecretName) -> Result<(), SecretError> {
            self.open()?.remove(&format!("{skill} {name}"));
            Ok(())
        }
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn scene(keyring: Option<Arc<dyn Keyring>>) -> (tempfile::TempDir, Secrets) {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path().join("data")).unwrap();
        let secrets = Secrets::new(&data, keyring);
        (dir, secrets)
    }

    fn skill(text: &str) -> SkillId {
        text.parse().unwrap()
    }

    fn name(text: &str) -> SecretName {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_that_no_header_can_hold_or_no_redaction_can_cut_is_refused() {
        let refused = |text: &str| SecretValue::new(Zeroizing::new(text.to_owned())).unwrap_err();
        assert_eq!(refused("short-1"), SecretValueError::Short(7));
        assert_eq!(refused(&"abcd".repeat(1025)), SecretValueError::Long(4100));
        for text in ["abcdefgh\r\nx: y", "abcdefgh\n", "abcd\tefgh", "abcd\0efgh", "abcdefghé"] {
            assert_eq!(refused(text), SecretValueError::Character, "{text:?}");
        }
        assert_eq!(refused(" abcdefgh"), SecretValueError::Space);
        assert_eq!(refused("abcabcabcabc"), SecretValueError::Simple);
        assert_eq!(format!("{:?}", value("abcdefgh")), "SecretValue(…)");
    }

    #[test]
    fn without_a_keyring_a_value_is_in_a_file_for_its_owner_alone() {
        let (_dir, secrets) = scene(None);
        let (skill, token) = (skill("acme/x"), name("token"));
        assert_eq!(secrets.get(&skill, &token).unwrap(), None);
        let text = r#"a "quoted\" value"#;
        assert_eq!(secrets.set(&skill, &token, value(text), false).unwrap(), Kept::File);
        assert_eq!(secrets.get(&skill, &token).unwrap().unwrap().expose(), text);
        let path = secrets.path(&skill);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(secrets.skills().unwrap(), vec![skill.clone()]);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(secrets.get(&skill, &token).unwrap_err().code(), "secrets-not-private");
    }

    #[test]
    fn a_secret_is_one_skills_and_no_others() {
        let (_dir, secrets) = scene(None);
        secrets.set(&skill("acme/x"), &name("token"), value("abcdefgh"), false).unwrap();
        assert_eq!(secrets.get(&skill("acme/y"), &name("token")).unwrap(), None);
        assert_eq!(secrets.get(&skill("acme/x"), &name("other")).unwrap(), None);
        assert!(!secrets.remove(&skill("acme/x"), &name("other")).unwrap());
        assert!(secrets.remove(&skill("acme/x"), &name("token")).unwrap());
        assert_eq!(secrets.get(&skill("acme/x"), &name("token")).unwrap(), None);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_no_error_shows_a_value() {
        let (_dir, secrets) = scene(None);
        let (skill, token) = (skill("acme/x"), name("token"));
        secrets.set(&skill, &token, value("abcdefgh"), false).unwrap();
        let path = secrets.path(&skill);
        let text = std::fs::read_to_string(&path).unwrap();
        for (text, code) in [
            (text.replace("version = 1", "version = 2\nnew = true"), "newer-secrets"),
            (text.replace("kept = \"file\"", "kept = \"cloud\""), "invalid-secrets"),
            (text.replace("\"abcdefgh\"", "\"abcdefgh"), "invalid-secrets"),
            (text.replace("value", "valeu"), "invalid-secrets"),
            (text.replace("abcdefgh", "abcdefgh\\n"), "invalid-secrets"),
        ] {
            replace(&path, text.as_bytes()).unwrap();
            let error = secrets.get(&skill, &token).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("abcdefgh"), "{error:?}");
        }
    }

    #[test]
    fn a_keyring_is_preferred_and_one_that_is_locked_is_done_without() {
        let ring = Arc::new(Ring::default());
        let (_dir, secrets) = scene(Some(Arc::<Ring>::clone(&ring)));
        let (skill, token) = (skill("acme/x"), name("token"));
        assert_eq!(secrets.set(&skill, &token, value("in-the-ring"), false).unwrap(), Kept::Keyring);
        assert!(!std::fs::read_to_string(secrets.path(&skill)).unwrap().contains("in-the-ring"));
        assert_eq!(secrets.get(&skill, &token).unwrap().unwrap().expose(), "in-the-ring");

        ring.locked.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(secrets.get(&skill, &token).unwrap_err().code(), "keyring-unavailable");
        assert!(secrets.remove(&skill, &token).is_err(), "it would be left behind");
        assert_eq!(secrets.names(&skill).unwrap(), BTreeMap::from([(token.clone(), Kept::Keyring)]));
        assert_eq!(secrets.set(&skill, &token, value("in-the-file"), false).unwrap(), Kept::File);
        assert_eq!(secrets.get(&skill, &token).unwrap().unwrap().expose(), "in-the-file");

        ring.locked.store(false, std::sync::atomic::Ordering::SeqCst);
        secrets.set(&skill, &token, value("in-the-ring"), false).unwrap();
        assert_eq!(secrets.set(&skill, &token, value("in-the-file"), true).unwrap(), Kept::File);
        assert!(ring.open().unwrap().is_empty(), "an old value is not left behind");
        secrets.set(&skill, &token, value("in-the-ring"), false).unwrap();
        secrets.forget(&skill).unwrap();
        assert!(ring.open().unwrap().is_empty() && secrets.names(&skill).unwrap().is_empty());
    }
}
