//! Builds the guests and the example skills as components, once, and tells the tests where they are.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// What the memory of a Rust skill begins with, as `openclaw skill build` has it.
const INITIAL_MEMORY: u32 = 2 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let repository = here.parent().ok_or("no repository")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no output directory")?);
    // …/target/<profile>/build/<package>/out
    let target = out.ancestors().nth(4).ok_or("the output directory lies elsewhere than it used to")?;
    let guests = target.join("guests");

    let workspace = here.join("guests");
    watch(&[workspace.as_path(), &repository.join("wit"), &repository.join("skills-sdk")]);
    cargo(&workspace, &guests, &["build", "--workspace"], &[])?;
    // A new directory is a new example.
    watch(&[&repository.join("example-skills")]);
    for example in examples(&repository.join("example-skills"))? {
        watch(&[&example.join("src"), &example.join("openclaw/skill.toml"), &example.join("Cargo.toml")]);
        let memory = format!("link-arg=--initial-memory={INITIAL_MEMORY}");
        cargo(&example, &guests, &["rustc", "--lib", "--crate-type", "cdylib"], &["--", "-C", &memory])?;
    }
    println!("cargo:rustc-env=OPENCLAW_TESTS_TARGET={}", target.display());
    println!("cargo:rustc-env=OPENCLAW_TESTS_REPOSITORY={}", repository.display());
    println!("cargo:rustc-env=OPENCLAW_TESTS_COMPONENTS={}", guests.join(TARGET).join("release").display());
    Ok(())
}

fn watch(paths: &[&Path]) {
    for path in paths {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

/// The directories that hold an example skill, by name.
fn examples(dir: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs cargo in another workspace, with nothing of this build's own settings.
fn cargo(dir: &Path, target: &Path, command: &[&str], last: &[&str]) -> Result<(), Box<dyn Error>> {
    let cargo = || {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let kept = ["CARGO_HOME", "CARGO_NET_OFFLINE"];
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let ours = name.starts_with("CARGO") || name.starts_with("RUST") && !name.starts_with("RUSTUP");
            if ours && !kept.contains(&&*name) {
                cargo.env_remove(&*name);
            }
        }
        cargo.current_dir(dir);
        cargo
    };
    // With everything at hand the network is left alone, lockfile or not.
    let fetched = cargo().args(["fetch", "--quiet", "--offline", "--target", TARGET]).output()?;
    let mut build = cargo();
    build.args(command).args(["--release", "--target", TARGET, "--target-dir"]).arg(target);
    if fetched.status.success() {
        build.arg("--offline");
    }
    let status = build.args(last).status()?;
    if status.success() { Ok(()) } else { Err(format!("{} does not build", dir.display()).into()) }
}
