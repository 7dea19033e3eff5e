//! Runs the fuzz properties over the corpus that is kept, and over mutations of it: the same ones in every run.
//!
//! `scripts/fuzz` looks for new inputs with the same properties; see `docs/fuzzing.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, reason = "a failure says which input it was")]

use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod properties;

/// How many mutations of the corpus each property sees.
const MUTATIONS: usize = 5000;

/// A test for each target, and the list of them all.
macro_rules! targets {
    ($($target:ident),* $(,)?) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), properties::$target);
        })*

        const TARGETS: &[&str] = &[$(stringify!($target)),*];
    };
}

targets![
    archive,
    component,
    digest,
    envelope,
    interface,
    key,
    manifest,
    name,
    note,
    package,
    path,
    permission,
    proof,
    registry,
    size,
    skill_md,
    statement,
    tar,
    tools,
    url_pattern,
];

#[test]
fn every_target_is_tested_here() {
    for (directory, extension) in [("fuzz_targets", ".rs"), ("corpus", "")] {
        let found: Vec<String> = files(&fuzz().join(directory))
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().trim_end_matches(extension).to_owned())
            .collect();
        assert_eq!(found, TARGETS, "{directory}");
    }
}

fn replay(target: &str, property: fn(&[u8])) {
    let paths = files(&fuzz().join("corpus").join(target));
    assert!(!paths.is_empty());
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    for (path, input) in paths.iter().zip(&corpus) {
        run(property, input, &path.display().to_string());
    }
    let mut mutator = Mutator(0x9e37_79b9_7f4a_7c15);
    for round in 0..MUTATIONS {
        let base = &corpus[round % corpus.len()];
        let input = mutator.mutated(base, &corpus);
        run(property, &input, &format!("mutation {round} of {}", paths[round % corpus.len()].display()));
    }
}

/// Runs a property, and says with which input it failed.
fn run(property: fn(&[u8]), input: &[u8], what: &str) {
    if let Err(panic) = std::panic::catch_unwind(|| property(input)) {
        eprintln!("{what} fails: {:?}", String::from_utf8_lossy(input));
        std::panic::resume_unwind(panic);
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What means something to one parser or another.
const MARKS: &[u8] = b"\"'.:/\\%*-@[]{}#=,;\n $0az";

/// Changes inputs here and there, by numbers that are the same in every run (xorshift64).
struct Mutator(u64);

impl Mutator {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn mutated(&mut self, base: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = base.to_vec();
        for _ in 0..=self.below(3) {
            let start = self.below(input.len() + 1);
            let end = (start + self.below(16)).min(input.len());
            let piece = match self.below(6) {
                0 => Vec::new(),
                1 => vec![u8::try_from(self.below(256)).unwrap()],
                2 => vec![MARKS[self.below(MARKS.len())]],
                3 => input[start..end].repeat(2),
                4 => "\u{202e}\u{3164}é".as_bytes()[..self.below(9)].to_vec(),
                _ => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    other[from..(from + self.below(64)).min(other.len())].to_vec()
                }
            };
            input.splice(start..end, piece);
        }
        input
    }
}
