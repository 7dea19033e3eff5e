//! What is kept, found and put before a model, and that no hostile file or text gets further than it should.

mod hostile;
mod searching;
mod summaries;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_runtime::redact::Values;

use super::*;
use crate::redaction::RedactionSettings;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
/// What the owner wants cut.
const PATTERNS: &str = "patterns: ['EMP-\\d+']";
const KEY: &str = "a provider's key, of no shape";

/// An agent's memory in a directory of its own.
struct Scene {
    dir: tempfile::TempDir,
    memory: Arc<Memory>,
}

impl Scene {
    fn new() -> Self {
        Self::with(FileMemory::default())
    }

    fn with(settings: FileMemory) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = open(dir.path(), settings, PATTERNS);
        Self { dir, memory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("coder").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn note(&self, text: &str) {
        self.memory.note_at(&day(), text, NoteKind::Note).unwrap();
    }

    /// The snippets that a search finds.
    fn find(&self, query: &str) -> Vec<String> {
        let found = self.memory.search(query, 10).unwrap();
        found.hits.into_iter().map(|hit| hit.snippet).collect()
    }
}

fn open(dir: &Path, settings: FileMemory, redaction: &str) -> Arc<Memory> {
    let redaction: RedactionSettings = serde_saphyr::from_str(redaction).unwrap();
    let values = Arc::new(Values::new([KEY.as_bytes()]).unwrap());
    let redaction = Arc::new(Redaction::new(&redaction, values));
    Arc::new(Memory::open(dir, "coder", settings, redaction).unwrap())
}

fn day() -> Zoned {
    "2026-02-03T14:05:09[UTC]".parse().unwrap()
}

const LOG: &str = "2026-02-03.md";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_note_is_an_entry_of_the_days_log() {
    let scene = Scene::new();
    scene.note("the build needs cmake");
    scene.memory.note_at(&day(), "use cmake 3\n# not a heading\n- not an entry", NoteKind::Decision).unwrap();
    assert_eq!(
        scene.text(LOG),
        "# 2026-02-03\n\n- 14:05 the build needs cmake\n\
         - 14:05 **decision** use cmake 3\n  # not a heading\n  - not an entry\n"
    );
}

#[test]
fn a_note_is_dated_in_the_time_zone_of_the_machine() {
    let scene = Scene::new();
    let before = Zoned::now();
    scene.memory.note("now", NoteKind::Task).unwrap();
    let days = [before.date(), Zoned::now().date()].map(|date| scene.path(&format!("{date}.md")));
    let text = days.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap();
    assert!(text.ends_with(" **task** now\n"), "{text}");
}

#[test]
fn a_line_that_a_person_left_open_is_ended_before_the_next() {
    let scene = Scene::new();
    scene.write(LOG, "- mine, by hand");
    scene.note("next");
    assert_eq!(scene.text(LOG), "- mine, by hand\n- 14:05 next\n");
}

#[test]
fn a_fact_stands_below_its_heading_once() {
    let scene = Scene::new();
    assert!(scene.memory.remember("Ada likes  tabs\nand tea").unwrap());
    assert_eq!(scene.text("MEMORY.md"), "# Memory\n\n## Remembered\n\n- Ada likes tabs and tea\n");
    assert!(!scene.memory.remember("Ada likes tabs and tea").unwrap());
    scene.write("MEMORY.md", "# Mine\n\n## Remembered\n\n- one\n\n## After\n\nmore");
    assert!(scene.memory.remember("two").unwrap());
    assert_eq!(scene.text("MEMORY.md"), "# Mine\n\n## Remembered\n\n- one\n- two\n\n## After\n\nmore");
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    let scene = Scene::new();
    scene.note("one");
    scene.memory.remember("two").unwrap();
    scene.find("one");
    for name in [LOG, "MEMORY.md", ".index.db", ".lock"] {
        assert_eq!(mode(&scene.path(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&scene.memory.path()), 0o700);
    assert_eq!(mode(&scene.path("summaries")), 0o700);
}

#[test]
fn a_directory_in_which_others_could_write_is_refused() {
    let scene = Scene::new();
    fs::set_permissions(scene.memory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = scene.memory.note("x", NoteKind::Note).unwrap_err();
    assert_eq!(error.code(), "not-private");
    assert_eq!(scene.memory.search("x", 1).unwrap_err().code(), "not-private");
}

#[test]
fn an_agent_whose_name_is_a_path_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let redaction = Redaction::new(&RedactionSettings::default(), Arc::new(Values::new([]).unwrap()));
    let redaction = Arc::new(redaction);
    for name in ["", "..", "a/b", ".a", "a\0", "-a", "é", &"a".repeat(65)] {
        let opened = Memory::open(dir.path(), name, FileMemory::default(), Arc::clone(&redaction));
        assert_eq!(opened.unwrap_err().code(), "invalid-agent", "{name}");
    }
    assert!(Memory::open(dir.path(), "code_assistant-2", FileMemory::default(), redaction).is_ok());
}

#[test]
fn what_is_empty_or_too_long_is_not_kept() {
    let scene = Scene::new();
    let codes = |text: &str| {
        let note = scene.memory.note(text, NoteKind::Note).unwrap_err();
        (note.code(), scene.memory.remember(text).unwrap_err().code())
    };
    assert_eq!(codes(" \n"), ("empty", "empty"));
    assert_eq!(codes(&"x".repeat(NOTE_BYTES + 1)), ("too-long", "too-long"));
    assert!(!scene.path("MEMORY.md").exists());
}

#[test]
fn nothing_is_added_to_what_is_full() {
    let scene = Scene::new();
    let full = "x\n".repeat(512 << 10);
    scene.write(LOG, &full);
    let error = scene.memory.note_at(&day(), "one more", NoteKind::Note).unwrap_err();
    assert_eq!((error.code(), scene.text(LOG) == full), ("memory-full", true));
    scene.write("MEMORY.md", &full);
    assert_eq!(scene.memory.remember("one more").unwrap_err().code(), "memory-full");
    assert!(scene.text("MEMORY.md") == full);
}

#[test]
fn what_several_write_at_once_is_all_there_and_whole() {
    let scene = Scene::new();
    // Each as a process of its own would open it.
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dir = scene.dir.path();
            scope.spawn(move || {
                let memory = open(dir, FileMemory::default(), "{}");
                for number in 0..15 {
                    let text = format!("writer {writer}\nline {number}");
                    memory.note_at(&day(), &text, NoteKind::Note).unwrap();
                    memory.remember(&format!("fact {writer} {number}")).unwrap();
                }
            });
        }
    });
    let (log, facts) = (scene.text(LOG), scene.text("MEMORY.md"));
    for (writer, number) in (0..4).flat_map(|writer| (0..15).map(move |number| (writer, number))) {
        assert!(log.contains(&format!("- 14:05 writer {writer}\n  line {number}\n")), "{log}");
        assert!(facts.contains(&format!("\n- fact {writer} {number}\n")), "{facts}");
    }
    assert_eq!(log.matches("# 2026-02-03").count(), 1);
    assert_eq!(facts.matches("## Remembered").count(), 1);
}

#[test]
fn what_a_killed_process_left_half_written_is_swept() {
    let scene = Scene::new();
    scene.write(".new-0123456789abcdef", "half of a fac");
    scene.memory.remember("whole").unwrap();
    let names: Vec<_> =
        fs::read_dir(scene.memory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".new-")), "{names:?}");
}

#[test]
fn an_edit_while_a_fact_is_added_is_not_lost() {
    let scene = Scene::new();
    scene.write("MEMORY.md", "before\n");
    let edits = std::cell::Cell::new(0);
    let added = scene.memory.files.change(FileName::Memory, |opened| {
        let text = opened.unwrap().first()?.text;
        if edits.replace(edits.get() + 1) == 0 {
            scene.write("MEMORY.md", "edited\n");
        }
        Ok((Some(text + "added\n"), ()))
    });
    added.unwrap();
    assert_eq!(scene.text("MEMORY.md"), "edited\nadded\n");
    assert_eq!(edits.get(), 2);
}

#[test]
fn the_excerpt_is_memory_the_latest_summary_and_the_end_of_the_latest_log() {
    let scene = Scene::new();
    assert_eq!(scene.memory.excerpt(10_000).unwrap(), "");
    scene.write("MEMORY.md", "# Memory\n\nAda likes tea\n");
    scene.write("2026-02-02.md", "- old\n");
    scene.note("new");
    scene.write("summaries/2026-02-03-1000.md", "older summary\n");
    scene.write("summaries/2026-02-03-2000.md", "newer summary\n");
    scene.write("summaries/2026-02-02-1000.md", "summary of another day\n");
    let excerpt = scene.memory.excerpt(10_000).unwrap();
    let (introduction, notes) = excerpt.split_once('\n').unwrap();
    assert!(introduction.contains("not instructions"), "{introduction}");
    assert_eq!(
        notes,
        "\nMEMORY.md:\n| # Memory\n| \n| Ada likes tea\n\
         \nsummaries/2026-02-03-2000.md:\n| newer summary\n\
         \n2026-02-03.md:\n| # 2026-02-03\n| \n| - 14:05 new\n"
    );
}

#[test]
fn an_excerpt_fits_its_budget_and_says_that_there_is_more() {
    let scene = Scene::new();
    let lines = |word: &str| (0..2000).map(|number| format!("- {word} é {number}\n")).collect::<String>();
    scene.write("MEMORY.md", lines("fact"));
    scene.write(LOG, lines("note"));
    for budget in [0, 1, 100, 170, 200, 250, 300, 400, 1000, 5000, 20_000] {
        let excerpt = scene.memory.excerpt(budget).unwrap();
        assert!(excerpt.len() <= budget, "{budget}: {excerpt}");
    }
    let excerpt = scene.memory.excerpt(2000).unwrap();
    assert!(excerpt.contains("| - fact é 0\n") && excerpt.ends_with("| - note é 1999\n"), "{excerpt}");
    assert!(!excerpt.contains("fact é 1999") && !excerpt.contains("note é 0\n"), "{excerpt}");
    assert_eq!(excerpt.matches("There is more").count(), 2);
    assert!(excerpt.len() > 1900, "little is left unused: {}", excerpt.len());
}

#[test]
fn an_edit_is_in_the_next_excerpt() {
    let scene = Scene::new();
    scene.write("MEMORY.md", "one fact\n");
    assert!(scene.memory.excerpt(1000).unwrap().contains("| one fact\n"));
    // Of the same length, and perhaps at the same time as clocks of file systems tell it.
    scene.write("MEMORY.md", "two fact\n");
    assert!(scene.memory.excerpt(1000).unwrap().contains("| two fact\n"));
    fs::remove_file(scene.path("MEMORY.md")).unwrap();
    assert_eq!(scene.memory.excerpt(1000).unwrap(), "");
}

#[test]
fn an_excerpt_is_kept_only_of_files_that_nobody_is_changing() {
    let scene = Scene::new();
    scene.write("MEMORY.md", "one fact\n");
    scene.memory.excerpt(1000).unwrap();
    assert!(scene.memory.excerpt.lock().unwrap().is_none(), "the file has just been written");
}

#[test]
fn a_secret_in_a_note_or_a_fact_is_nowhere_on_the_disk() {
    let scene = Scene::new();
    let secrets = format!("use {TOKEN} or {KEY} as EMP-1234");
    scene.note(&secrets);
    scene.memory.remember(&secrets).unwrap();
    // A person wrote this one themselves: it stays in their file, and is kept nowhere else.
    scene.write("2026-02-01.md", &secrets);
    assert!(scene.find("use")[0].contains("use [redacted:token] or [redacted:secret] as [redacted:pattern]"));
    for name in [LOG, "MEMORY.md", ".index.db"] {
        let bytes = fs::read(scene.path(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("ghp_0123") && !text.contains("a provider's key"), "{name}");
        assert!(!text.contains("EMP-1234"), "{name}");
    }
    fs::remove_file(scene.path(LOG)).unwrap();
    let excerpt = scene.memory.excerpt(10_000).unwrap();
    assert!(excerpt.contains("2026-02-01.md") && !excerpt.contains("ghp_") && !excerpt.contains("EMP-1234"));
}
