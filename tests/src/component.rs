//! Components: hostile ones from `guests/`, honest ones from `example-skills/`, and text ones from `guests/wat/`.

use std::path::{Path, PathBuf};

const COMPONENTS: &str = env!("OPENCLAW_TESTS_COMPONENTS");

/// The root of this repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("OPENCLAW_TESTS_REPOSITORY"))
}

/// A component that was built of Rust: a crate of `guests/`, or an example skill.
pub fn rust(name: &str) -> Vec<u8> {
    let path = Path::new(COMPONENTS).join(format!("{}.wasm", name.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A component that is written as text: a file of `guests/wat/`.
pub fn wat(name: &str) -> Vec<u8> {
    let text = spliced(&wat_dir().join(format!("{name}.wat")));
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all files of `guests/wat/`.
pub fn all_wat() -> Vec<String> {
    let entries = std::fs::read_dir(wat_dir()).expect("guests/wat is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The first line of a text component, which says what it tries.
pub fn wat_purpose(name: &str) -> String {
    let text = std::fs::read_to_string(wat_dir().join(format!("{name}.wat"))).expect("the file is there");
    text.lines().next().unwrap_or_default().trim_start_matches(";; ").to_owned()
}

/// A component of one tool, `run`, that answers `{"ok":true}`, with the schema and the words that are given.
pub fn listing(tools: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut strings = Vec::new();
    let mut records = Vec::new();
    let mut place = |text: &str| {
        let at = 8192 + u32::try_from(strings.len()).expect("few strings");
        strings.extend_from_slice(text.as_bytes());
        [at, u32::try_from(text.len()).expect("short strings")]
    };
    for (name, description, schema) in tools {
        let words: Vec<u32> = [*name, *description, *schema].into_iter().flat_map(&mut place).collect();
        records.extend(words.iter().chain(&[0, 0, 0]).flat_map(|word| word.to_le_bytes()));
    }
    let count = u32::try_from(tools.len()).expect("few tools");
    let list: Vec<u8> = [4096, count].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    assert!(records.len() <= 4096, "too many tools");
    let data = |at: u32, bytes: &[u8]| {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("    (data (i32.const {at}) \"{escaped}\")\n")
    };
    let pages = strings.len() / 65_536 + 2;
    let text = format!(
        "(component\n  (core module $module\n    (memory (export \"memory\") {pages})\n{}{}{}\
         \n    ;; include: data\n    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 2048))\
         \n    (func (export \"list\") (result i32) (i32.const 1024))\n    ;; include: call\n  )\
         \n  (core instance $guest (instantiate $module))\n  ;; include: tools\n)\n",
        data(1024, &list),
        data(4096, &records),
        data(8192, &strings),
    );
    wat::parse_str(splice(&text)).expect("the component parses")
}

fn wat_dir() -> PathBuf {
    repository().join("tests/guests/wat")
}

fn spliced(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    splice(&text)
}

/// Puts the files of `include/` in place of the lines that name them.
fn splice(text: &str) -> String {
    let mut whole = String::new();
    for line in text.lines() {
        match line.trim().strip_prefix(";; include: ") {
            Some(name) => whole.push_str(&spliced(&wat_dir().join("include").join(format!("{name}.wat")))),
            None => whole.extend([line, "\n"]),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_component_says_what_it_tries_and_parses() {
        for name in all_wat() {
            let text = std::fs::read_to_string(wat_dir().join(format!("{name}.wat"))).expect("the file");
            assert!(text.starts_with(";; ") && wat_purpose(&name).ends_with('.'), "{name}");
            assert!(wat(&name).starts_with(b"\0asm"), "{name}");
        }
    }

    #[test]
    fn a_listing_is_a_component() {
        assert!(listing(&[("a", "b", "{}"), ("c", "d", "{}")]).starts_with(b"\0asm"));
    }
}
