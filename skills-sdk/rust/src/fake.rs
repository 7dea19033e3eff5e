//! A host for tests: a log and a memory in the process, programs that a test wrote, and directories that it can fill.

mod programs;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::ask::AskError;
use crate::llm::{Completion, LlmError, LlmRequest};
use crate::log::Level;
use crate::memory::{Hit, MemoryError};
use crate::{Context, host};

pub(crate) use programs::Programs;
use programs::Script;
pub use programs::{FakeCommand, FakeOutput};

/// What answers in place of a language model.
type Answers = Arc<dyn Fn(&LlmRequest) -> Result<String, LlmError> + Send + Sync>;

/// What answers in place of a person.
type Replies = Arc<dyn Fn(&str, &[String]) -> Result<String, AskError> + Send + Sync>;

/// As the contract has it.
const LONGEST_KEY: usize = 512;
/// As the contract has it.
const LONGEST_QUERY: usize = 1_024;
/// As the contract has it.
const MOST_WORDS: usize = 16;
/// As the contract has it.
const LONGEST_WORD: usize = 64;
/// As the contract has it.
const MOST_HITS: u32 = 100;
/// As the contract has it.
const LONGEST_SEARCHED: usize = 64 << 10;
/// As the contract has it.
const LONGEST_SNIPPET: usize = 512;
/// As the contract has it.
const MOST_QUESTIONS: u64 = 8;
/// As the contract has it.
const LONGEST_QUESTION: usize = 4 << 10;
/// As the contract has it.
const MOST_CHOICES: usize = 16;
/// As the contract has it.
const LONGEST_CHOICE: usize = 200;

/// Builds a context for tests.
///
/// ```
/// use openclaw_skill::FakeContext;
/// use openclaw_skill::permission::Memory as _;
///
/// let ctx = FakeContext::new().memory("count", b"2").quota(100).build();
/// assert_eq!(ctx.memory().get_json::<u32>("count").unwrap(), Some(2));
/// ```
#[derive(Default)]
pub struct FakeContext {
    memory: BTreeMap<String, Vec<u8>>,
    quota: Option<u64>,
    denial: Option<String>,
    programs: BTreeMap<String, Script>,
    llm: Option<Answers>,
    ask: Option<Replies>,
    workspace: Option<PathBuf>,
    data_dir: Option<PathBuf>,
}

impl FakeContext {
    /// An empty memory without a quota, and empty directories that are made when they are asked
    /// for and removed with the context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value into the memory, whatever the quota is.
    #[must_use]
    pub fn memory(mut self, key: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.memory.insert(key.into(), value.as_ref().to_vec());
        self
    }

    /// Bounds the memory, in bytes of keys and values.
    #[must_use]
    pub fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// Denies the memory, as where the owner has not granted it.
    #[must_use]
    pub fn deny_memory(mut self, text: impl Into<String>) -> Self {
        self.denial = Some(text.into());
        self
    }

    /// Writes a program: what it answers to each command. A program that no test wrote is denied.
    ///
    /// The fake knows no shapes: what the manifest allows is tried by calling the tool in the
    /// sandbox, as `openclaw skill run` does.
    ///
    /// ```
    /// use openclaw_skill::permission::Process as _;
    /// use openclaw_skill::{FakeContext, FakeOutput};
    ///
    /// let ctx = FakeContext::new()
    ///     .program("git", |git| match git.words().as_slice() {
    ///         ["status", "--porcelain"] => FakeOutput::stdout("?? a.txt\n"),
    ///         _ => FakeOutput::failure(1, "no such command"),
    ///     })
    ///     .build();
    /// let status = ctx.process().command("git").args(["status", "--porcelain"]).run().unwrap();
    /// assert_eq!(status.stdout_text(), "?? a.txt\n");
    /// assert_eq!(ctx.fake_commands()[0].line(), "git status --porcelain");
    /// ```
    #[must_use]
    pub fn program(
        mut self,
        name: impl Into<String>,
        script: impl Fn(&FakeCommand) -> FakeOutput + Send + Sync + 'static,
    ) -> Self {
        self.programs.insert(name.into(), Arc::new(script));
        self
    }

    /// Answers in place of a language model. Without this there is none.
    ///
    /// ```
    /// use openclaw_skill::FakeContext;
    /// use openclaw_skill::llm::LlmRequest;
    /// use openclaw_skill::permission::Llm as _;
    ///
    /// let ctx = FakeContext::new().llm(|request| Ok(request.prompt.to_uppercase())).build();
    /// assert!(ctx.llm().is_available());
    /// assert_eq!(ctx.llm().complete(&LlmRequest::new("why")).unwrap().text, "WHY");
    /// ```
    #[must_use]
    pub fn llm<T: Into<String>>(
        mut self,
        answer: impl Fn(&LlmRequest) -> Result<T, LlmError> + Send + Sync + 'static,
    ) -> Self {
        self.llm = Some(Arc::new(move |request| answer(request).map(Into::into)));
        self
    }

    /// Answers in place of a person: to a text and its choices, of which there may be none. Without this there is nobody.
    ///
    /// ```
    /// use openclaw_skill::FakeContext;
    /// use openclaw_skill::ask::AskError;
    /// use openclaw_skill::permission::Ask as _;
    ///
    /// let ctx = FakeContext::new().ask(|text, _| Ok(format!("{text} Tuesday."))).build();
    /// assert_eq!(ctx.ask().question("When?").unwrap(), "When? Tuesday.");
    /// assert_eq!(FakeContext::new().build().ask().question("When?"), Err(AskError::Nobody));
    /// ```
    #[must_use]
    pub fn ask<T: Into<String>>(
        mut self,
        reply: impl Fn(&str, &[String]) -> Result<T, AskError> + Send + Sync + 'static,
    ) -> Self {
        self.ask = Some(Arc::new(move |text, choices| reply(text, choices).map(Into::into)));
        self
    }

    /// Makes a directory the workspace.
    #[must_use]
    pub fn workspace(mut self, path: impl Into<PathBuf>) -> Self {
        self.workspace = Some(path.into());
        self
    }

    /// Makes a directory the skill's own.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// The context.
    #[must_use]
    pub fn build(self) -> Context {
        Context::of_fake(FakeHost {
            lines: Mutex::default(),
            progress: Mutex::default(),
            memory: Mutex::new(self.memory),
            quota: self.quota,
            denial: self.denial,
            programs: Programs::new(self.programs),
            llm: self.llm,
            ask: self.ask,
            asked: AtomicU64::new(0),
            workspace: Directory::new(self.workspace),
            data_dir: Directory::new(self.data_dir),
        })
    }
}

/// The host behind a fake context.
pub(crate) struct FakeHost {
    lines: Mutex<Vec<(Level, String)>>,
    progress: Mutex<Vec<(u64, Option<u64>, String)>>,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
    quota: Option<u64>,
    denial: Option<String>,
    programs: Programs,
    llm: Option<Answers>,
    ask: Option<Replies>,
    asked: AtomicU64,
    workspace: Directory,
    data_dir: Directory,
}

impl FakeHost {
    pub(crate) fn lines(&self) -> Vec<(Level, String)> {
        lock(&self.lines).clone()
    }

    pub(crate) fn progress(&self) -> Vec<(u64, Option<u64>, String)> {
        lock(&self.progress).clone()
    }

    pub(crate) fn workspace(&self) -> &Path {
        self.workspace.path()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    fn granted(&self) -> Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>, MemoryError> {
        match &self.denial {
            Some(text) => Err(MemoryError::Denied(text.clone())),
            None => Ok(lock(&self.memory)),
        }
    }
}

impl host::Log for FakeHost {
    fn write(&self, level: Level, message: &str) {
        lock(&self.lines).push((level, message.to_owned()));
    }

    fn progress(&self, done: u64, total: Option<u64>, message: &str) {
        lock(&self.progress).push((done, total, message.to_owned()));
    }
}

impl host::Llm for FakeHost {
    fn complete(&self, request: &LlmRequest) -> Result<Completion, LlmError> {
        let Some(answer) = &self.llm else {
            return Err(LlmError::Unavailable("the test wrote no model".to_owned()));
        };
        let text = answer(request)?;
        let tokens = |text: &str| u64::try_from(text.len().div_ceil(3)).unwrap_or(u64::MAX);
        let input_tokens = tokens(&request.prompt) + request.system.as_deref().map_or(0, tokens);
        Ok(Completion { input_tokens, output_tokens: tokens(&text), text })
    }

    fn is_available(&self) -> bool {
        self.llm.is_some()
    }
}

impl host::Ask for FakeHost {
    fn question(&self, text: &str, choices: &[String]) -> Result<String, AskError> {
        let reply = self.ask.as_ref().ok_or(AskError::Nobody)?;
        check_question(text, choices).map_err(|reason| AskError::Unavailable(reason.to_owned()))?;
        if self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_QUESTIONS {
            return Err(AskError::TooMany);
        }
        let answer = reply(text, choices)?;
        // As the host has it, nobody chooses what was not offered.
        if choices.is_empty() || choices.contains(&answer) { Ok(answer) } else { Err(AskError::Dismissed) }
    }

    fn is_available(&self) -> bool {
        self.ask.is_some() && self.asked.load(Ordering::Relaxed) < MOST_QUESTIONS
    }
}

impl host::Memory for FakeHost {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, MemoryError> {
        let memory = self.granted()?;
        check(key)?;
        Ok(memory.get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), MemoryError> {
        let mut memory = self.granted()?;
        check(key)?;
        if let Some(quota) = self.quota {
            let others = memory.iter().filter(|(other, _)| *other != key);
            let kept: usize = others.map(|(key, value)| key.len() + value.len()).sum();
            let wanted = u64::try_from(kept + key.len() + value.len()).unwrap_or(u64::MAX);
            if wanted > quota {
                return Err(MemoryError::QuotaExceeded(quota));
            }
        }
        memory.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<bool, MemoryError> {
        let mut memory = self.granted()?;
        check(key)?;
        Ok(memory.remove(key).is_some())
    }

    fn list_keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, MemoryError> {
        let memory = self.granted()?;
        let wanted = memory
            .keys()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    fn search(&self, query: &str, limit: u32) -> Result<Vec<Hit>, MemoryError> {
        let memory = self.granted()?;
        if query.len() > LONGEST_QUERY {
            return Err(MemoryError::InvalidQuery);
        }
        let mut wanted = words(query);
        wanted.sort();
        wanted.dedup();
        if wanted.len() > MOST_WORDS || wanted.iter().any(|word| word.len() > LONGEST_WORD) {
            return Err(MemoryError::InvalidQuery);
        }
        let hit = |(key, value): (&String, &Vec<u8>)| {
            let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST_SEARCHED)?;
            let there = words(text);
            let is_found = !wanted.is_empty() && wanted.iter().all(|word| there.contains(word));
            let snippet = text.get(..text.floor_char_boundary(LONGEST_SNIPPET))?;
            is_found.then(|| Hit { key: key.clone(), snippet: snippet.to_owned() })
        };
        let most = usize::try_from(limit.min(MOST_HITS)).unwrap_or(usize::MAX);
        Ok(memory.iter().filter_map(hit).take(most).collect())
    }
}

/// The words of a text, in lower case. The host also passes over accents.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn check(key: &str) -> Result<(), MemoryError> {
    if key.is_empty() || key.len() > LONGEST_KEY { Err(MemoryError::InvalidKey) } else { Ok(()) }
}

/// Whether the host would put a question, in its own words.
fn check_question(text: &str, choices: &[String]) -> Result<(), &'static str> {
    let mut seen = HashSet::new();
    if text.trim().is_empty() {
        Err("a question has words")
    } else if text.len() > LONGEST_QUESTION {
        Err("a question has at most 4 KiB")
    } else if choices.len() > MOST_CHOICES {
        Err("a question has at most 16 choices")
    } else if choices.iter().any(|choice| choice.trim().is_empty() || choice.len() > LONGEST_CHOICE) {
        Err("a choice has words, and at most 200 bytes")
    } else if !choices.iter().all(|choice| seen.insert(choice.split_whitespace().collect::<Vec<_>>())) {
        Err("the choices of a question are all different, in more than white space")
    } else {
        Ok(())
    }
}

/// A test that panicked elsewhere must not hide what was recorded until then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory that the test gave, or one of its own.
struct Directory {
    given: Option<PathBuf>,
    own: OnceLock<PathBuf>,
}

impl Directory {
    fn new(given: Option<PathBuf>) -> Self {
        Self { given, own: OnceLock::new() }
    }

    fn path(&self) -> &Path {
        match &self.given {
            Some(path) => path,
            None => self.own.get_or_init(fresh_directory),
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(path) = self.own.get() {
            // What is left behind in a temporary directory is the system's to clean.
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn fresh_directory() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("openclaw-fake-{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            // Left behind by an older process of the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            // Where it cannot be made, the tool's own use of it says so.
            _ => return path,
        }
    }
}
