//! What happens to notes when things go wrong around them.

use std::thread;

use openclaw_skill::permission::{Data as _, Memory as _};
use openclaw_skill::{Context, ErrorKind, FakeContext};
use tempfile::TempDir;

use super::*;

struct World {
    dir: TempDir,
    ctx: Context,
}

impl World {
    fn new() -> Self {
        Self::with(|ctx| ctx)
    }

    fn with(change: impl FnOnce(FakeContext) -> FakeContext) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ctx = change(FakeContext::new().data_dir(dir.path())).build();
        Self { dir, ctx }
    }

    fn store(&self) -> Store<'_> {
        Store::new(self.ctx.data_dir(), self.ctx.memory(), self.ctx.log())
    }

    fn add(&self, title: &str) -> Id {
        self.store().add(&note(title)).unwrap()
    }

    fn titles(&self) -> Vec<String> {
        self.store().index().unwrap().into_values().map(|entry| entry.title).collect()
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Makes every file look as if it was written long ago.
    fn age(&self) {
        for file in fs::read_dir(self.dir.path()).unwrap() {
            let file = File::options().write(true).open(file.unwrap().path()).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        }
    }
}

fn note(title: &str) -> Note {
    Note::new(title, "text", &[], SystemTime::UNIX_EPOCH).unwrap()
}

#[test]
fn equal_titles_make_different_files() {
    let world = World::new();
    let ids: Vec<_> = (0..3).map(|_| world.add("Same").to_string()).collect();
    assert_eq!(ids, ["1970-01-01-same", "1970-01-01-same-2", "1970-01-01-same-3"]);
}

#[test]
fn calls_at_a_time_lose_nothing() {
    let world = World::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| drop(world.add("Same"))));
        }
    });
    assert_eq!(world.titles().len(), 40);
}

#[test]
fn an_index_that_was_lost_is_made_again() {
    let world = World::new();
    world.add("a");
    assert_eq!(world.titles(), ["a"]);
    world.ctx.memory().delete(INDEX).unwrap();
    assert_eq!(world.titles(), ["a"]);
    world.ctx.memory().set(INDEX, "garbage").unwrap();
    assert_eq!(world.titles(), ["a"]);
}

#[test]
fn files_that_come_change_and_go_are_noticed() {
    let world = World::new();
    let a = world.add("a");
    world.age();
    assert_eq!(world.titles(), ["a"]);
    world.file("by-hand.md", "# By hand\n");
    world.file(&a.file(), "---\ntitle: z\n---\n");
    assert_eq!(world.titles(), ["z", "By hand"]);
    fs::remove_file(world.dir.path().join(a.file())).unwrap();
    assert_eq!(world.titles(), ["By hand"]);
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let world = World::new();
    let id = world.add("a");
    world.age();
    let mut index = world.store().index().unwrap();
    index.get_mut(&id).unwrap().title = "from the index".to_owned();
    world.ctx.memory().set_json(INDEX, &index).unwrap();
    assert_eq!(world.titles(), ["from the index"]);
}

#[test]
fn a_change_too_quick_for_the_clock_is_noticed() {
    let world = World::new();
    let id = world.add("aaa");
    assert_eq!(world.titles(), ["aaa"]);
    let path = world.dir.path().join(id.file());
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    world.store().put(&id, &note("bbb")).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    assert_eq!(world.titles(), ["bbb"]);
}

#[test]
fn without_memory_the_files_are_enough() {
    for world in [World::with(|ctx| ctx.deny_memory("no")), World::with(|ctx| ctx.quota(10))] {
        let id = world.add("a");
        assert_eq!(world.titles(), ["a"]);
        assert_eq!(world.store().get(&id).unwrap().title, "a");
        assert!(!world.ctx.fake_log().is_empty());
    }
}

#[test]
fn what_a_dead_process_left_is_no_note() {
    let world = World::new();
    world.file("1970-01-01-half.md", "");
    world.file(".1970-01-01-half.md.tmp", "---\ntitle: ha");
    assert!(world.titles().is_empty());
    assert_eq!(world.add("half").to_string(), "1970-01-01-half-2");
    assert!(world.store().get(&"1970-01-01-half".parse().unwrap()).is_err());
}

#[test]
fn what_is_no_note_is_left_alone() {
    let world = World::new();
    world.file("large.md", &"x".repeat(FILE_BYTES as usize + 1));
    world.file("other.txt", "x");
    fs::create_dir(world.dir.path().join("dir.md")).unwrap();
    assert!(world.titles().is_empty());
    let id: Id = "large".parse().unwrap();
    assert!(world.store().remove(&id).is_err() && world.dir.path().join("large.md").exists());
}

#[test]
fn a_note_that_is_not_there_is_a_failure() {
    let world = World::new();
    let id: Id = "none".parse().unwrap();
    assert_eq!(world.store().get(&id).unwrap_err().kind(), ErrorKind::Failed);
    assert!(world.store().put(&id, &note("x")).is_err());
    assert!(world.store().remove(&id).is_err());
    assert!(world.titles().is_empty());
}

#[test]
fn times_never_go_back() {
    assert_eq!(later("2999-01-01T00:00:00.000Z", SystemTime::UNIX_EPOCH), "2999-01-01T00:00:00.000Z");
    assert_eq!(later("1969-01-01T00:00:00.000Z", SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
}
