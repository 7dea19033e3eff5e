//! What skills log, kept in a file of each skill: a line for each line, without secrets, and a new file when one is full.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;
use openclaw_package::name::ToolId;
use rustix::fs::{FlockOperation, flock};

use crate::audit::is_at;
use crate::capability::hides;
use crate::capability::log::LogLine;
use crate::layout::{DataDir, LayoutError};
use crate::redact::Redactor;

/// Bytes of a skill's log, after which it is moved aside and a new one begun.
const LOG_BYTES: u64 = 1 << 20;

/// Appends what a call logged to the log of its skill, as `logs/<publisher>/<skill>.log`; a full one becomes
/// `<skill>.log.1`, in place of the one before. Several processes may do so at once. It waits for the disk.
///
/// # Errors
/// [`LayoutError`] where the file cannot be written.
pub fn append(
    dir: &DataDir,
    tool: &ToolId,
    lines: &[LogLine],
    redactor: &Redactor,
) -> Result<(), LayoutError> {
    if lines.is_empty() {
        return Ok(());
    }
    let path = dir.log(tool.skill());
    let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut redacted = redactor.lines();
    let mut text = String::new();
    for line in lines {
        let message = redacted.redact(&line.message);
        text.extend([&time, " ", tool.tool().as_str(), " ", line.level.label(), " "]);
        message.chars().for_each(|character| push(&mut text, character));
        text.push('\n');
    }
    write(&path, text.as_bytes()).map_err(LayoutError::at(&path))
}

/// A character of a line, which stays one line.
fn push(text: &mut String, character: char) {
    if hides(character) || matches!(character, '\n' | '\t') {
        text.extend(character.escape_default());
    } else {
        text.push(character);
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = open(path)?;
    if file.metadata()?.len() >= LOG_BYTES {
        std::fs::rename(path, path.with_extension("log.1"))?;
        file = open(path)?;
    }
    // One write, so that lines of several processes do not mix.
    file.write_all(text)
}

/// The log, which nobody moves aside while it is open.
fn open(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::capability::log::Level;

    struct Scene {
        _parent: tempfile::TempDir,
        dir: DataDir,
        tool: ToolId,
    }

    impl Scene {
        fn new() -> Self {
            let parent = tempfile::tempdir().unwrap();
            let dir = DataDir::open(parent.path()).unwrap();
            Self { _parent: parent, dir, tool: "acme/hello/greet".parse().unwrap() }
        }

        fn log(&self, messages: &[&str]) {
            let line = |message: &&str| LogLine { level: Level::Info, message: (*message).to_owned() };
            let lines: Vec<_> = messages.iter().map(line).collect();
            append(&self.dir, &self.tool, &lines, &Redactor::patterns()).unwrap();
        }

        fn path(&self) -> std::path::PathBuf {
            self.dir.log(self.tool.skill())
        }

        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn a_message_of_several_lines_stays_one_line_of_the_log() {
        let scene = Scene::new();
        scene.log(&["one\ntwo"]);
        scene.log(&["three\u{202e}", "four"]);
        let text = scene.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with(" greet info one\\ntwo"), "{text}");
        assert!(lines[1].ends_with(" greet info three\\u{202e}"), "{text}");
    }

    #[test]
    fn a_full_log_gives_way() {
        let scene = Scene::new();
        scene.log(&["old"]);
        fs::write(scene.path(), vec![b'x'; 1 << 20]).unwrap();
        scene.log(&["new"]);
        assert!(scene.text().len() < 100);
        assert!(scene.path().with_extension("log.1").is_file());
    }

    #[test]
    fn no_line_is_lost_where_several_find_the_log_full() {
        let scene = Scene::new();
        scene.log(&["old"]);
        fs::write(scene.path(), vec![b'x'; 1 << 20]).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|n| scene.log(&[&format!("line {n}")])));
            }
        });
        assert_eq!(scene.text().lines().count(), 160);
        let full = fs::read(scene.path().with_extension("log.1")).unwrap();
        assert_eq!(full.len(), 1 << 20, "it was moved once");
    }

    #[test]
    fn a_secret_is_not_kept_in_the_log() {
        let scene = Scene::new();
        scene.log(&[
            "token ghp_0123456789abcdefghijABCDEFGHIJ456789",
            "-----BEGIN PRIVATE KEY-----",
            "MIIEvQIBADANBgkqhkiG",
            "-----END PRIVATE KEY-----",
            "done",
        ]);
        let text = scene.text();
        assert!(!text.contains("ghp_") && !text.contains("MIIE"), "{text}");
        assert!(text.contains(" greet info token [redacted:token]\n") && text.ends_with("done\n"), "{text}");
    }
}
