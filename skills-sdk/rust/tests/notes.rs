//! A skill with permissions: what the manifest declares is there, and the fake behaves as the host.

#![expect(missing_docs, reason = "the types of a test are for its own reader")]

use std::fs;

use openclaw_skill::memory::{Hit, MemoryError};
use openclaw_skill::{
    Context, ErrorContext as _, ErrorKind, FakeContext, Result, Skill, input, json, output, skill,
};

#[input]
pub struct Note {
    /// The file in the workspace to note.
    file: String,
}

#[output]
pub struct Noted {
    count: u32,
}

pub struct Notes;

#[skill(manifest = "skills/notes.toml")]
impl Notes {
    /// Note a file of the workspace.
    pub fn note(ctx: &Context, input: Note) -> Result<Noted> {
        let text = fs::read_to_string(ctx.workspace().join(&input.file)).context("the file")?;
        fs::write(ctx.data_dir().join(&input.file), text).context("the note")?;
        let count = ctx.memory().get_json::<u32>("count")?.unwrap_or(0) + 1;
        ctx.memory().set_json("count", &count)?;
        Ok(Noted { count })
    }

    /// Forget the count.
    pub fn forget(ctx: &Context) -> Result<bool> {
        Ok(ctx.memory().delete("count")?)
    }
}

fn note(ctx: &Context) -> Result<String> {
    Notes::call(ctx, "note", r#"{"file":"a.txt"}"#)
}

#[test]
fn files_and_memory_are_kept() {
    let ctx = FakeContext::new().memory("count", b"2").build();
    fs::write(ctx.workspace().join("a.txt"), "text").unwrap();
    assert_eq!(note(&ctx).unwrap(), r#"{"count":3}"#);
    assert_eq!(fs::read_to_string(ctx.data_dir().join("a.txt")).unwrap(), "text");
    assert!(Notes::forget(&ctx).unwrap());
    assert!(!Notes::forget(&ctx).unwrap());
}

#[test]
fn a_directory_of_the_fake_is_empty_and_goes_with_it() {
    let ctx = Context::fake();
    let path = ctx.workspace().to_owned();
    assert_ne!(path, ctx.data_dir());
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    drop(ctx);
    assert!(!path.exists());
}

#[test]
fn a_given_directory_is_used_and_stays() {
    let given = std::env::temp_dir();
    let ctx = FakeContext::new().workspace(&given).data_dir("/nowhere").build();
    assert_eq!(ctx.workspace(), given);
    assert_eq!(ctx.data_dir().to_str(), Some("/nowhere"));
    drop(ctx);
    assert!(given.exists());
}

#[test]
fn a_missing_file_is_a_failure_that_says_which() {
    let error = note(&Context::fake()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().starts_with("the file: "), "{error}");
}

#[test]
fn memory_that_is_not_granted_is_a_denial_in_the_hosts_words() {
    let ctx = FakeContext::new().deny_memory("run `openclaw grant allow acme/notes memory`").build();
    fs::write(ctx.workspace().join("a.txt"), "text").unwrap();
    let error = note(&ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.message(), "run `openclaw grant allow acme/notes memory`");
    assert!(matches!(ctx.memory().keys("").next(), Some(Err(MemoryError::Denied(_)))));
}

#[test]
fn the_quota_counts_keys_and_values_and_keeps_what_was_there() {
    let ctx = FakeContext::new().quota(10).build();
    let memory = ctx.memory();
    memory.set("key", "1234567").unwrap();
    assert_eq!(memory.set("key", "12345678"), Err(MemoryError::QuotaExceeded(10)));
    assert_eq!(memory.set("k", ""), Err(MemoryError::QuotaExceeded(10)));
    assert_eq!(memory.get("key").unwrap().as_deref(), Some(b"1234567".as_slice()));
}

#[test]
fn a_key_has_1_to_512_bytes() {
    let ctx = Context::fake();
    for key in ["", &"k".repeat(513)] {
        assert_eq!(ctx.memory().set(key, "v"), Err(MemoryError::InvalidKey));
        assert_eq!(ctx.memory().get(key), Err(MemoryError::InvalidKey));
        assert_eq!(ctx.memory().delete(key), Err(MemoryError::InvalidKey));
    }
    ctx.memory().set(&"k".repeat(512), "v").unwrap();
}

#[test]
fn keys_come_in_order_over_many_pages() {
    let ctx = Context::fake();
    let memory = ctx.memory();
    let expected: Vec<_> = (1000..1300).map(|number| format!("note/{number}")).collect();
    for key in expected.iter().rev() {
        memory.set(key, "").unwrap();
    }
    memory.set("other", "").unwrap();
    let keys: Result<Vec<_>, _> = memory.keys("note/").collect();
    assert_eq!(keys.unwrap(), expected);
    assert_eq!(memory.keys("").count(), 301);
    assert_eq!(memory.keys("none").count(), 0);
}

#[test]
fn a_search_finds_the_values_that_have_all_its_words() {
    let ctx = FakeContext::new().memory("a", "One Two").memory("b", "two").memory("c", b"two \xff").build();
    let memory = ctx.memory();
    let hit = Hit { key: "a".to_owned(), snippet: "One Two".to_owned() };
    assert_eq!(memory.search("two \"ONE*", 10), Ok(vec![hit]));
    assert_eq!(memory.search("two", 10).unwrap().len(), 2);
    assert_eq!(memory.search("two", 1).unwrap().len(), 1);
    assert_eq!(memory.search("", 10), Ok(Vec::new()));
    assert_eq!(memory.search(&"x".repeat(1_025), 10), Err(MemoryError::InvalidQuery));
}

#[test]
fn a_value_that_is_not_the_json_is_named() {
    let ctx = FakeContext::new().memory("count", b"many").build();
    let error = ctx.memory().get_json::<u32>("count").unwrap_err();
    assert!(error.to_string().starts_with("the memory's value under `count`: expected value"), "{error}");
    assert_eq!(ctx.memory().get_json::<json::Value>("other"), Ok(None));
}
