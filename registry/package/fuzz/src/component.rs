//! Components: what is read out of their bytes, and the proof that they can do no more than is asked.

use std::fmt::Write as _;

use openclaw_package::{Imports, Manifest, Requests};

use super::{text, told};

/// Interfaces that hold nothing, in the oracle's own words.
const FREE: [&str; 21] = [
    "openclaw:skill/log",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
];

/// A component that is read imports what its bytes name, and is proved by what the manifest asks.
pub fn component(data: &[u8]) {
    match Imports::read(data) {
        Ok(imports) => {
            for import in imports.imports() {
                let name = import.to_string();
                assert!(data.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
            }
            proved(&imports);
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// The same for a component with the imports and exports that the lines name, which no mutation of bytes would hit.
///
/// A line is `import <name>` or `export <name>`.
pub fn proof(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut names = Vec::new();
    let mut source = "(component (instance $empty)".to_owned();
    for line in text.lines().take(32) {
        let Some((kind, name)) = line.split_once(' ') else { return };
        if name.contains(['"', '\\']) || name.chars().any(char::is_control) {
            return;
        }
        let item = if kind == "import" { "(instance)" } else { "(instance $empty)" };
        if !matches!(kind, "import" | "export") || write!(source, "({kind} \"{name}\" {item})").is_err() {
            return;
        }
        names.push((kind, name));
    }
    let Ok(bytes) = wat::parse_str(source + ")") else { return };
    let named = |wanted| names.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, name)| *name);
    match Imports::read(&bytes) {
        Ok(imports) => {
            let found: Vec<String> = imports.imports().iter().map(ToString::to_string).collect();
            assert!(named("import").eq(found.iter().map(String::as_str)), "{found:?}");
            if proved(&imports) {
                assert!(named("export").all(|name| name == "openclaw:skill/tools@1.0.0"));
                assert!(named("export").next().is_some());
            }
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// Whether nothing more is imported than all permissions together allow; with none, nothing but what is free.
fn proved(imports: &Imports) -> bool {
    let names: Vec<(String, String)> = imports
        .imports()
        .iter()
        .map(|import| {
            (import.unversioned(), import.version.as_ref().map(ToString::to_string).unwrap_or_default())
        })
        .collect();
    let free = |name: &str| FREE.contains(&name);
    let asked = |name: &str| match name {
        "wasi:http/types" | "wasi:http/outgoing-handler" => Some(NETWORK),
        "openclaw:skill/memory" => Some(MEMORY),
        "openclaw:skill/process" => Some(PROCESS),
        _ => None,
    };
    let mut proved = Vec::new();
    for set in 0..8_usize {
        let entries = [NETWORK, MEMORY, PROCESS].into_iter().enumerate();
        let manifest: String =
            entries.filter(|(place, _)| set >> place & 1 == 1).map(|(_, entry)| entry).collect();
        match imports.prove(&requests(&manifest)) {
            Ok(()) => proved.push(set),
            Err(error) => {
                assert!(!proved.iter().any(|less| less & set == *less), "asking for more proves less");
                told(&error, error.code(), error.hint());
                continue;
            }
        }
        for (name, version) in &names {
            assert!(free(name) || asked(name).is_some_and(|entry| manifest.contains(entry)), "{name}");
            let served = if name.starts_with("openclaw:") {
                version == "1.0.0"
            } else {
                version.strip_prefix("0.2.").is_some_and(|patch| patch.parse::<u8>().is_ok_and(|n| n <= 12))
            };
            assert!(served || version.contains('+'), "{name}@{version}");
        }
    }
    !proved.is_empty()
}

const NETWORK: &str =
    "[[permission.network]]\nurl = \"https://h.example/\"\nmethods = [\"GET\"]\nreason = \"r\"\n";
const PROCESS: &str = "[[permission.process]]\nprogram = \"p\"\nargs = [[]]\nreason = \"r\"\n";
const MEMORY: &str = "[permission.memory]\nreason = \"r\"\n";

fn requests(permissions: &str) -> Requests {
    let text = format!("[skill]\npublisher = \"a\"\nname = \"b\"\nversion = \"1.0.0\"\n{permissions}");
    Manifest::parse(&text).expect("a small manifest").requests().clone()
}
