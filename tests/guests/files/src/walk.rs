//! Reads everything that it can reach from a directory, links followed.

use kit::{Input, Outcome, json};

const DEEPEST: usize = 40;

pub fn run(input: &Input) -> Outcome {
    let mut found = Found::default();
    found.visit(input.text("path")?, 0);
    Ok(json!({ "files": found.files, "texts": found.texts, "refused": found.refused }))
}

#[derive(Default)]
struct Found {
    files: u64,
    refused: u64,
    texts: Vec<String>,
}

impl Found {
    fn visit(&mut self, path: &str, depth: usize) {
        if depth > DEEPEST || self.files > 2_000 {
            return;
        }
        if let Ok(entries) = std::fs::read_dir(path) {
            for entry in entries {
                match entry {
                    Ok(entry) => self.visit(&entry.path().to_string_lossy(), depth + 1),
                    Err(_) => self.refused += 1,
                }
            }
        } else if let Ok(bytes) = std::fs::read(path) {
            self.files += 1;
            self.texts.push(String::from_utf8_lossy(&bytes).into_owned());
        } else {
            self.refused += 1;
        }
    }
}
