//! Keeps what skills log, off the path of their callers: so many calls' lines may wait for the disk, and no more.

use std::sync::Arc;

use arc_swap::ArcSwap;
use openclaw_package::name::ToolId;
use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::redact::Redactor;
use openclaw_runtime::skill_log;
use tokio::sync::Semaphore;

/// Calls whose lines may wait for the disk: each has 256 KiB at most.
const WAITING: u32 = 64;

/// Writes the logs of skills.
#[derive(Debug)]
pub(crate) struct SkillLogs {
    places: Arc<Semaphore>,
    redactor: ArcSwap<Redactor>,
}

impl SkillLogs {
    pub(crate) fn new() -> Self {
        let places = Arc::new(Semaphore::new(WAITING as usize));
        Self { places, redactor: ArcSwap::from_pointee(Redactor::patterns()) }
    }

    /// Cuts what this cuts from now on.
    pub(crate) fn redact_by(&self, redactor: Redactor) {
        self.redactor.store(Arc::new(redactor));
    }

    /// Has lines written soon, without secrets. Where the disk does not keep up they are dropped, and the owner is told.
    pub(crate) fn keep(&self, dir: &DataDir, tool: ToolId, lines: &[LogLine]) {
        if lines.is_empty() {
            return;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(%tool, lines = lines.len(), "what a skill logged is not kept: the disk is too slow");
            return;
        };
        let (dir, lines, redactor) = (dir.clone(), lines.to_vec(), self.redactor.load_full());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = skill_log::append(&dir, &tool, &lines, &redactor) {
                tracing::error!(%tool, "what a skill logged is not kept: {error}");
            }
            drop(place);
        });
    }

    /// Waits until all is written that was to be.
    pub(crate) async fn written(&self) {
        // It is never closed.
        let _ = self.places.acquire_many(WAITING).await;
    }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::capability::log::Level;

    use super::*;

    fn line(message: &str) -> LogLine {
        LogLine { level: Level::Info, message: message.to_owned() }
    }

    #[tokio::test]
    async fn what_is_logged_is_kept_without_secrets() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let (tool, logs): (ToolId, _) = ("acme/hello/greet".parse().unwrap(), SkillLogs::new());
        logs.keep(&dir, tool.clone(), &[line("one"), line("token ghp_0123456789abcdefghijABCDEFGHIJ456789")]);
        logs.written().await;
        let text = std::fs::read_to_string(dir.log(tool.skill())).unwrap();
        assert!(text.contains(" greet info one\n") && text.ends_with("token [redacted:token]\n"), "{text}");
    }

    #[tokio::test]
    async fn lines_that_find_no_place_are_dropped_and_keep_nobody_waiting() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        let (tool, logs): (ToolId, _) = ("acme/hello/greet".parse().unwrap(), SkillLogs::new());
        let all = logs.places.acquire_many(WAITING).await.unwrap();
        logs.keep(&dir, tool.clone(), &[line("lost")]);
        drop(all);
        logs.keep(&dir, tool.clone(), &[line("kept")]);
        logs.written().await;
        let text = std::fs::read_to_string(dir.log(tool.skill())).unwrap();
        assert!(text.contains("kept") && !text.contains("lost"), "{text}");
    }
}
