//! What is kept of an answer that must not have been given, so that others can judge it.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::files::{private_dir, replace};
use super::{KnownRegistry, StateError};

/// How many pieces of evidence are kept of one registry: a hostile one must not fill the disk.
const MAX_KEPT: usize = 64;

/// How many bytes of it are kept before the newest of a kind takes the place of the one before: a history alone can
/// have half as many.
const MAX_BYTES: u64 = 64 << 20;

/// The files that show what was refused.
#[derive(Debug)]
pub(crate) struct Evidence {
    code: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Evidence {
    pub(crate) fn new(code: &'static str) -> Self {
        Self { code, files: Vec::new() }
    }

    pub(crate) fn file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name, content.into()));
        self
    }

    /// Writes the evidence into a folder of its own, and says which.
    pub(crate) fn keep(self, registry: &KnownRegistry) -> Result<PathBuf, StateError> {
        let all = registry.dir().join("evidence");
        private_dir(&all)?;
        let now = Timestamp::now();
        let kept = std::fs::read_dir(&all).map_err(StateError::io(&all))?.count();
        let has_room = kept < MAX_KEPT && bytes_below(&all).map_err(StateError::io(&all))? < MAX_BYTES;
        let time = now.strftime("%Y%m%dT%H%M%S%.6fZ");
        // Past the bound the newest of a kind takes the place of the one before: the first ones stay.
        let name = if has_room { format!("{time}-{}", self.code) } else { format!("latest-{}", self.code) };
        let dir = all.join(name);
        private_dir(&dir)?;
        let about = format!(
            "code: {}\nregistry: {}\norigin: {}\npinned: {}\ntime: {now}\n",
            self.code,
            registry.url(),
            registry.origin(),
            registry.fingerprint(),
        );
        replace(&dir.join("about.txt"), about.as_bytes())?;
        for (name, content) in self.files {
            replace(&dir.join(name), &content)?;
        }
        Ok(dir)
    }
}

/// How many bytes the files below a directory have.
fn bytes_below(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes = bytes.saturating_add(if meta.is_dir() { bytes_below(&entry.path())? } else { meta.len() });
    }
    Ok(bytes)
}
