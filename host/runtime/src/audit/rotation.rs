//! When a file of the audit log is full, and how many full ones are kept: `[audit]` in `policy.toml`.

use openclaw_package::bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// How the audit log is cut into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Rotation {
    /// Bytes after which a file is full; what is written at once is not split.
    pub file_size: ByteSize,
    /// How many full files are kept; all of them where this is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_files: Option<u32>,
}

impl Rotation {
    /// The smallest size of a file, in bytes.
    const LEAST: ByteSize = ByteSize::new(16 << 10);
}

impl Default for Rotation {
    fn default() -> Self {
        Self { file_size: ByteSize::new(64 << 20), keep_files: None }
    }
}

/// As the policy has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file_size: Option<ByteSize>,
    keep_files: Option<u32>,
}

impl TryFrom<Written> for Rotation {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let file_size = written.file_size.unwrap_or(Self::default().file_size);
        if file_size < Self::LEAST {
            return Err(format!("file_size is {file_size}; at least {} are needed", Self::LEAST));
        }
        Ok(Self { file_size, keep_files: written.keep_files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_how_files_are_cut() {
        let read = |text: &str| toml::from_str::<Rotation>(text).map_err(|error| error.to_string());
        assert_eq!(read(""), Ok(Rotation::default()));
        let small = Rotation { file_size: ByteSize::new(1 << 20), keep_files: Some(3) };
        assert_eq!(read("file_size = \"1MiB\"\nkeep_files = 3"), Ok(small));
        assert!(read("file_size = \"1KiB\"").unwrap_err().contains("at least 16KiB"));
        assert!(read("keep = 3").is_err() && read("keep_files = -1").is_err());
    }
}
