//! What the configuration says of memory.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

/// Entries or messages after which a summary is made, where nothing is said.
const SUMMARY_INTERVAL: NonZeroU32 = match NonZeroU32::new(1000) {
    Some(interval) => interval,
    None => NonZeroU32::MIN,
};

/// What agents remember, and where: `memory` in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemorySettings {
    /// Where memories are.
    pub r#type: MemoryType,
    /// How files are kept.
    pub file_memory: FileMemory,
}

/// Where memories are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum MemoryType {
    /// In files that a person can read.
    #[default]
    File,
}

impl TryFrom<String> for MemoryType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "file" => Ok(Self::File),
            "hybrid" | "vector" => {
                Err(format!("the type is {text}, and vector search is not there yet: write file"))
            }
            _ => Err(format!("{text} is no type of memory; there is file")),
        }
    }
}

/// How files are kept: `memory.file_memory`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileMemory {
    /// The directory of all agents' memories; `memories` in the data directory, where nothing is said.
    pub path: Option<PathBuf>,
    /// Whether models are asked for summaries.
    pub auto_summarize: bool,
    /// Entries of a log, or messages of a conversation, after which a summary is made.
    pub summary_interval: NonZeroU32,
}

impl Default for FileMemory {
    fn default() -> Self {
        Self { path: None, auto_summarize: true, summary_interval: SUMMARY_INTERVAL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(yaml: &str) -> Result<MemorySettings, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let settings = settings("file_memory: {path: /tmp/x, summary_interval: 5}").unwrap();
        assert_eq!(settings.r#type, MemoryType::File);
        assert_eq!(settings.file_memory.path, Some(PathBuf::from("/tmp/x")));
        assert!(settings.file_memory.auto_summarize);
        assert_eq!(settings.file_memory.summary_interval.get(), 5);
        assert_eq!(FileMemory::default().summary_interval.get(), 1000);
    }

    #[test]
    fn what_is_not_there_yet_is_refused_by_name() {
        for name in ["hybrid", "vector"] {
            let error = settings(&format!("type: {name}")).unwrap_err();
            assert!(
                error.contains(&format!("the type is {name}, and vector search is not there yet")),
                "{error}"
            );
        }
        assert!(settings("type: postgres").unwrap_err().contains("postgres is no type of memory"));
        assert!(settings("vector_memory: {}").unwrap_err().contains("vector_memory"));
        assert!(settings("file_memory: {summary_interval: 0}").is_err());
    }
}
