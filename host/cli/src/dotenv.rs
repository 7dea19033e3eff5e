//! `.env` in the data directory: keys of services. They go into no environment, so that no child process has them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{CliError, Result};
use crate::exit::Exit;

/// Bytes of the file that are read.
const MOST_BYTES: u64 = 1 << 20;

/// Keys by the names of the variables that they are kept under.
#[derive(Default)]
pub(crate) struct Dotenv(BTreeMap<String, Zeroizing<String>>);

impl fmt::Debug for Dotenv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Dotenv {
    /// Reads the file; one that is not there has no keys.
    ///
    /// # Errors
    /// It cannot be read, is not of its form, or others can read or change it.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(CliError::io(path, &error)),
        };
        let meta = file.metadata().map_err(CliError::at(path))?;
        if meta.mode() & 0o077 != 0 || meta.uid() != rustix::process::geteuid().as_raw() {
            let message = format!("{} holds keys, and others can read or change it", path.display());
            return Err(CliError::new(Exit::Host, "not-private", message)
                .hint(format!("chmod 600 {}", crate::consent::quoted(&path.display().to_string()))));
        }
        let mut keys = BTreeMap::new();
        for pair in dotenvy::from_read_iter(file.take(MOST_BYTES)) {
            let (name, key) = pair.map_err(|error| malformed(path, &error))?;
            keys.insert(name, Zeroizing::new(key));
        }
        Ok(Self(keys))
    }

    /// The key of a name, if it is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        self.0.get(name).filter(|key| !key.is_empty()).cloned()
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, key)| (name.as_str(), key.as_str()))
    }
}

/// What is wrong, without the line: it may hold a key.
fn malformed(path: &Path, error: &dotenvy::Error) -> CliError {
    let reason = match error {
        dotenvy::Error::LineParse(..) => "a line is not NAME=value".to_owned(),
        error => error.to_string(),
    };
    CliError::new(Exit::Host, "invalid-config", format!("{}: {reason}", path.display()))
        .hint("write one NAME=value on each line; quote values that hold spaces")
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn load(text: &str, mode: u32) -> Result<Dotenv> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Dotenv::load(&path)
    }

    #[test]
    fn keys_are_read_and_shown_to_nobody() {
        let keys = load("# mine\nOPENAI_API_KEY=\"sk 1\"\nEMPTY=\n", 0o600).unwrap();
        assert_eq!(format!("{keys:?}"), r#"{"EMPTY", "OPENAI_API_KEY"}"#);
        assert_eq!(keys.get("OPENAI_API_KEY").unwrap().as_str(), "sk 1");
        assert!(load("EMPTY=\n", 0o600).unwrap().get("EMPTY").is_none());
        assert!(Dotenv::load(Path::new("/nowhere/.env")).unwrap().0.is_empty());
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_malformed_is_refused() {
        assert_eq!(load("A=b\n", 0o644).unwrap_err().code, "not-private");
        let error = load("A=b\nsk-secret without a name\n", 0o600).unwrap_err();
        assert_eq!(error.code, "invalid-config");
        assert!(!error.message.contains("sk-secret"), "{}", error.message);
    }
}
