//! What the documents show is what happens: their commands are run, their manifests and policies are parsed, their
//! Rust is compiled.
//!
//! The first words after a fence say what a block is:
//!
//! | fence | what is done with it |
//! |---|---|
//! | `console` | run in a fresh directory, with a fresh data directory |
//! | `console repository` | run in a copy of this repository, where the examples need not be built |
//! | `toml manifest`, `toml policy` | parsed as such; a manifest without `[skill]` gets one |
//! | `yaml config` | put into a data directory, where `doctor` finds it good |
//! | `rust` (author's guide) | all of them together are one skill, with the guide's first whole manifest |
//! | `json NAME …` (`cli-json.md`) | has the fields of those snapshots of `cli_json.rs` |
//!
//! In what a command prints, `…` stands for anything, and alone on a line for any lines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_package::Manifest;
use openclaw_runtime::policy::Policy;
use openclaw_tests::{Home, component, home};
use serde_json::Value;
use snapbox::IntoData as _;

/// A fenced block of a document.
struct Block {
    /// Where it stands, for messages.
    place: String,
    /// What stands behind the fence.
    info: String,
    text: String,
}

/// All fenced blocks of a document, by its path in the repository.
fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(component::repository().join(document)).expect(document);
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let place = format!("{document}:{}", number + 1);
                open = Some(Block { place, info: info.trim().to_owned(), text: String::new() });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: a block has no end");
    blocks
}

fn blocks_of(document: &str, info: &str) -> Vec<Block> {
    let found: Vec<_> = blocks(document).into_iter().filter(|block| block.info == info).collect();
    assert!(!found.is_empty(), "{document} has no block of {info:?}");
    found
}

/// A command of a block, and what it is to print.
struct Step {
    place: String,
    command: String,
    expected: String,
}

fn steps(blocks: Vec<Block>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks {
        let mut lines = block.text.lines();
        while let Some(line) = lines.next() {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    let mut command = command.to_owned();
                    while command.ends_with('\\') {
                        command.push('\n');
                        command.push_str(lines.next().expect("a line that goes on"));
                    }
                    steps.push(Step { place: block.place.clone(), command, expected: String::new() });
                }
                None => {
                    let step = steps.last_mut().expect("a block of commands begins with one");
                    step.expected.push_str(line);
                    step.expected.push('\n');
                }
            }
        }
    }
    steps
}

/// Ends what one command printed: its exit code, between characters that nothing else prints.
const END: char = '\u{1e}';

/// Types the commands one after the other into one shell, and holds each against what is shown.
///
/// The directory is shown under a name of its own.
fn play(home: &Home, dir: &Path, shown: &str, steps: &[Step]) {
    let mut script = "exec 2>&1\n".to_owned();
    for step in steps {
        script.push_str(&format!("{}\nprintf '{END}%s{END}' $?\n", step.command));
    }
    let mut shell = home.environment(Command::new("bash"));
    let binary = home::binary();
    let mut paths = vec![binary.parent().expect("a directory").to_owned()];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    shell
        .args(["-c", &script])
        .current_dir(dir)
        .env("PATH", std::env::join_paths(paths).expect("a path"))
        .env("CARGO_TARGET_DIR", home::cache_dir().join("docs-target"))
        // What is shown does not depend on how well cargo optimises, and the test is not there for that.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let ran = home::finish(shell, format!("the commands of {}", steps[0].place), None);
    let printed = ran
        .stdout
        .replace(&home.data().display().to_string(), "/home/ada/.openclaw")
        .replace(&dir.display().to_string(), shown);
    let mut parts = printed.split(END);
    let mut faults = Vec::new();
    for step in steps {
        let (Some(printed), Some(code)) = (parts.next(), parts.next()) else {
            panic!("the shell ended before `{}` of {}", step.command, step.place);
        };
        if let Err(fault) = compare(step, printed, code) {
            faults.push(fault);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn compare(step: &Step, printed: &str, code: &str) -> Result<(), String> {
    let Step { place, command, expected } = step;
    let at = format!("`{command}` of {place} ended with {code}");
    let shows_error = expected.lines().any(|line| line.starts_with("error: "));
    if shows_error != (code != "0") {
        return Err(format!("{at}\n{printed}"));
    }
    let pattern: String = expected
        .lines()
        .map(|line| {
            if line.trim() == "…" {
                "...\n".to_owned()
            } else {
                format!("{}\n", line.replace('…', "[..]"))
            }
        })
        .collect();
    snapbox::Assert::new()
        .normalize_paths(false)
        .try_eq(None, printed.into_data(), pattern.into_data())
        .map_err(|difference| format!("{at}\n{difference}"))
}

/// A directory of this name that is empty but lies where it lay before, so that cargo finds again what it made.
fn fresh_dir(name: &str) -> PathBuf {
    let dir = home::cache_dir().join(name);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", dir.display()),
        _ => fs::create_dir_all(&dir).expect("a directory"),
    }
    dir
}

/// One test for both documents: they build a skill of one name in one place, which cargo compiles once.
#[test]
fn a_new_skill_comes_to_be_as_shown() {
    for document in ["README.md", "docs/skill-authors.md"] {
        let dir = fresh_dir("docs-new-skill");
        play(&Home::empty(), &dir, "/home/ada", &steps(blocks_of(document, "console")));
    }
}

#[test]
fn the_examples_of_this_repository_do_what_is_shown() {
    let home = Home::empty();
    let dir = home.workspace();
    copy(&component::repository(), &dir);
    let skill = dir.join("example-skills/file-search");
    // Already built, as a component from elsewhere is.
    fs::remove_file(skill.join("Cargo.toml")).unwrap();
    fs::write(skill.join("openclaw/skill.wasm"), component::rust("file-search")).unwrap();
    play(&home, &dir, "/home/ada/openclaw", &steps(blocks_of("README.md", "console repository")));
}

/// Copies the sources of a tree.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (name, kind) = (entry.file_name(), entry.file_type().expect("a type"));
        let made = ["target", ".git", "skill.wasm"].iter().any(|made| name == *made);
        if kind.is_dir() && !made {
            fs::create_dir_all(to.join(&name)).expect("a directory");
            copy(&entry.path(), &to.join(&name));
        } else if kind.is_file() && !made {
            fs::copy(entry.path(), to.join(&name)).expect("a copy");
        }
    }
}

fn documents() -> Vec<String> {
    let entries = fs::read_dir(component::repository().join("docs")).expect("docs");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut documents: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    documents.push("README.md".to_owned());
    documents.sort();
    documents
}

#[test]
fn manifests_and_policies_are_understood() {
    let mut count = 0;
    for Block { place, info, text } in documents().iter().flat_map(|document| blocks(document)) {
        match info.as_str() {
            "toml manifest" => {
                Manifest::parse(&whole(&text)).unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            "toml policy" => {
                Policy::parse(&text, Path::new("policy.toml"))
                    .unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            "yaml config" => {
                let home = Home::empty();
                fs::write(home.data().join("config.yaml"), &text).unwrap();
                let checked: Value = serde_json::from_str(&home.run(["doctor"]).stdout).unwrap();
                let checks = checked["checks"].as_array().unwrap();
                let config = checks.iter().find(|check| check["name"] == "config").unwrap();
                assert_eq!(config["status"], "ok", "{place}: {config}");
            }
            _ => continue,
        }
        count += 1;
    }
    assert!(count > 4, "there were more of them");
}

/// A part of a manifest with what every manifest begins with.
fn whole(text: &str) -> String {
    if text.contains("[skill]") {
        return text.to_owned();
    }
    format!("[skill]\npublisher = \"acme\"\nname = \"part\"\nversion = \"1.0.0\"\n\n{text}")
}

const GUIDE: &str = "docs/skill-authors.md";

#[test]
fn the_guide_compiles() {
    let dir = fresh_dir("docs-guide");
    let manifests = blocks_of(GUIDE, "toml manifest");
    let manifest = manifests.iter().find(|block| block.text.contains("[skill]")).expect("a whole manifest");
    let code: String =
        blocks_of(GUIDE, "rust").iter().map(|block| format!("// {}\n{}", block.place, block.text)).collect();
    let dependencies = &blocks_of(GUIDE, "toml cargo")[0].text;
    let sdk = component::repository().join("skills-sdk/rust");
    let cargo = format!(
        "[package]\nname = \"journal\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nopenclaw-skill = {{ path = {sdk:?} }}\n\n{dependencies}"
    );
    for (name, text) in
        [("Cargo.toml", &cargo), ("openclaw/skill.toml", &manifest.text), ("src/lib.rs", &code)]
    {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).unwrap();
        fs::write(path, text).unwrap();
    }
    let home = Home::empty();
    for arguments in [&["test"][..], &["check", "--target", "wasm32-wasip2"]] {
        let mut cargo = home.environment(Command::new("cargo"));
        cargo
            .args(arguments)
            .arg("--quiet")
            .current_dir(&dir)
            .env("RUSTFLAGS", "-Dwarnings")
            .env("CARGO_TARGET_DIR", home::cache_dir().join("docs-guide-target"));
        home::finish(cargo, format!("cargo {}", arguments.join(" ")), None).success();
    }
}

#[test]
fn the_documents_of_the_command_line_have_the_fields_that_are_shown() {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let mut shown = BTreeSet::new();
    for Block { place, info, text } in blocks("docs/cli-json.md") {
        let Some(names) = info.strip_prefix("json ") else { continue };
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut ours = BTreeSet::new();
        fields("", &document, &mut ours);
        for name in names.split(' ') {
            let mut theirs = BTreeSet::new();
            fields("", &snapshot(&snapshots.join(format!("{name}.snap"))), &mut theirs);
            assert_eq!(ours, theirs, "{place}: {name}");
            shown.insert(name.to_owned());
        }
    }
    for entry in fs::read_dir(snapshots).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // A name with a suffix is another case of the same document.
        let base = shown.iter().any(|shown| name == *shown || name.starts_with(&format!("{shown}-")));
        assert!(base, "docs/cli-json.md does not show {name}");
    }
}

/// The document of a snapshot, whose head ends with the second line of `---`.
fn snapshot(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document = text.splitn(3, "---\n").nth(2).expect("a snapshot has a head");
    serde_json::from_str(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The paths of all fields; those of schemas, which are the skill's own, are left out.
fn fields(path: &str, value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = format!("{path}/{key}");
                if !["input_schema", "output_schema", "output"].contains(&key.as_str()) {
                    fields(&path, value, into);
                }
                into.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(&format!("{path}[]"), item, into)),
        _ => {}
    }
}
