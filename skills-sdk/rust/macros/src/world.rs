//! The skill's own world, as WIT text.

use crate::manifest::Manifest;

/// The files of the package `openclaw:skill`.
const CONTRACT: [&str; 7] = [
    include_str!("../../../../wit/ask.wit"),
    include_str!("../../../../wit/llm.wit"),
    include_str!("../../../../wit/log.wit"),
    include_str!("../../../../wit/memory.wit"),
    include_str!("../../../../wit/process.wit"),
    include_str!("../../../../wit/tools.wit"),
    include_str!("../../../../wit/world.wit"),
];

/// The package whose streams the contract uses.
const STREAMS: &str = include_str!("../../../../wit/deps/io.wit");

/// The packages, without the mark at the end of the line that begins their files.
const PACKAGES: [&str; 2] = ["package openclaw:skill@1.0.0", "package wasi:io@0.2.12"];

/// Worlds of the contract that bind nothing here: the standard library and HTTP crates import
/// their interfaces of WASI themselves, so neither these worlds nor those packages are needed.
const BOUND_ELSEWHERE: [&str; 2] = ["with-filesystem", "with-network"];

/// A world with what every skill has and what the manifest declares, and the package that it
/// refers to.
pub(crate) fn wit(manifest: &Manifest) -> String {
    let mut worlds = vec!["skill"];
    if manifest.memory {
        worlds.push("with-memory");
    }
    if manifest.llm {
        worlds.push("with-llm");
    }
    if manifest.ask {
        worlds.push("with-ask");
    }
    if manifest.process {
        worlds.push("with-process");
    }
    let includes: String =
        worlds.iter().map(|world| format!("    include openclaw:skill/{world}@1.0.0;\n")).collect();
    let contract: String = CONTRACT.iter().map(|file| bindable(file)).collect();
    let streams = bindable(STREAMS);
    let [ours, theirs] = PACKAGES;
    let world = world_name(manifest);
    format!(
        "package author:skill;\n\nworld %{world} {{\n{includes}}}\n\n\
         {ours} {{\n{contract}}}\n\n{theirs} {{\n{streams}}}\n"
    )
}

/// The world's name: the skill's, as far as a WIT name can be the same.
pub(crate) fn world_name(manifest: &Manifest) -> String {
    // A word of a WIT name begins with a letter.
    let words = manifest.name.split('-').map(|word| {
        if word.starts_with(|c: char| c.is_ascii_digit()) { format!("n{word}") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join("-")
}

/// The text of a file without the package line and without the worlds that are left out.
///
/// In the contract a world begins at the margin and ends with a brace at the margin.
fn bindable(file: &str) -> String {
    let mut kept = String::new();
    let mut skipping = false;
    for line in file.lines() {
        skipping = skipping || world(line).is_some_and(|world| BOUND_ELSEWHERE.contains(&world));
        if !skipping && !opens_package(line) {
            kept.push_str(line);
            kept.push('\n');
        }
        skipping = skipping && line != "}";
    }
    kept
}

/// Whether a line is the first of a file.
fn opens_package(line: &str) -> bool {
    line.strip_suffix(';').is_some_and(|line| PACKAGES.contains(&line))
}

/// The name of the world that a line begins.
fn world(line: &str) -> Option<&str> {
    line.strip_prefix("world ")?.strip_suffix(" {")
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    use super::*;

    fn manifest(name: &str, memory: bool) -> Manifest {
        Manifest {
            name: name.to_owned(),
            memory,
            process: false,
            llm: false,
            ask: false,
            data: false,
            workspace: false,
            dependency: TokenStream::new(),
        }
    }

    #[test]
    fn each_file_of_the_contract_opens_with_the_package() {
        for file in CONTRACT.into_iter().chain([STREAMS]) {
            assert!(file.lines().any(opens_package));
        }
    }

    #[test]
    fn only_what_is_declared_is_included() {
        assert!(!wit(&manifest("hello", false)).contains("include openclaw:skill/with-memory"));
        assert!(wit(&manifest("hello", true)).contains("include openclaw:skill/with-memory@1.0.0;"));
        let process = Manifest { process: true, ..manifest("hello", false) };
        assert!(wit(&process).contains("include openclaw:skill/with-process@1.0.0;"));
        let llm = Manifest { llm: true, ..manifest("hello", false) };
        assert!(wit(&llm).contains("include openclaw:skill/with-llm@1.0.0;"));
        let ask = Manifest { ask: true, ..manifest("hello", false) };
        assert!(wit(&ask).contains("include openclaw:skill/with-ask@1.0.0;"));
        assert!(!wit(&llm).contains("include openclaw:skill/with-ask"));
    }

    #[test]
    fn nothing_refers_to_packages_that_are_left_out() {
        let wit = wit(&manifest("hello", true));
        assert!(!wit.contains("import wasi:"), "{wit}");
        assert!(wit.contains("world skill {") && wit.contains("interface tools {"));
    }

    #[test]
    fn a_name_that_is_no_wit_name_is_bent_into_one() {
        assert_eq!(world_name(&manifest("git-helper", false)), "git-helper");
        assert_eq!(world_name(&manifest("2fa-4-all", false)), "n2fa-n4-all");
    }
}
