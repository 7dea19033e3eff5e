//! Lists the sources of the SDKs, so that the binary can carry them, and has the binary linked for this machine's loader.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What the SDKs consist of: directories and files, from the repository's root.
const SOURCES: [&str; 7] = [
    "wit",
    "skills-sdk/rust/Cargo.toml",
    "skills-sdk/rust/src",
    "skills-sdk/rust/macros/Cargo.toml",
    "skills-sdk/rust/macros/src",
    "skills-sdk/js",
    "skills-sdk/python",
];

/// What a source file ends with; anything else in those directories is an editor's.
const EXTENSIONS: [&str; 13] =
    ["rs", "toml", "wit", "js", "mjs", "ts", "json", "py", "typed", "txt", "md", "wasm", "in"];
/// Directories in them that hold what was fetched or made, or what tests the SDKs; templates have tests of their own.
const LEFT_OUT: [&str; 5] =
    ["node_modules", "__pycache__", ".pytest_cache", "skills-sdk/js/tests", "skills-sdk/python/tests"];

/// The first glibc whose loader reads packed relocations (`DT_RELR`).
const READS_PACKED: (u32, u32) = (2, 36);

fn main() -> io::Result<()> {
    if variable("PROFILE")? == "release" && variable("TARGET")? == variable("HOST")? && reads_packed() {
        // 2 MiB less to read at each start, and to hold.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
        collect(&root.join(source), &mut files)?;
    }
    println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
    files.sort();

    let mut list = String::from("pub(super) const FILES: &[(&str, &[u8])] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let name =
            name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        writeln!(list, "    ({name:?}, include_bytes!({:?})),", file.display().to_string())
            .map_err(io::Error::other)?;
    }
    list.push_str("];\n");
    writeln!(
        list,
        "pub(super) const WORKSPACE: &str = include_str!({:?});",
        root.join("Cargo.toml").display().to_string()
    )
    .map_err(io::Error::other)?;
    fs::write(PathBuf::from(variable("OUT_DIR")?).join("sdk_files.rs"), list)
}

/// Whether this machine's loader does. What is built on an older one runs on older ones, as ever.
fn reads_packed() -> bool {
    let Ok(said) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return false };
    let said = String::from_utf8_lossy(&said.stdout);
    let numbers = said.trim().strip_prefix("glibc ").and_then(|version| version.split_once('.'));
    let version = numbers.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    version.is_some_and(|version: (u32, u32)| version >= READS_PACKED)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if LEFT_OUT.iter().any(|left_out| path.ends_with(left_out)) {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if is_source(path) {
        files.push(path.to_owned());
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let name = path.file_name().and_then(|name| name.to_str());
    // A template's files may have names that begin with a point.
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        || name.is_some_and(|name| [".gitignore", ".npmrc"].contains(&name))
}
