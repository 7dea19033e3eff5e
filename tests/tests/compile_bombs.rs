//! Small modules that are much work to compile: refused within limits and for a reason, and the host goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use openclaw_package::{Digest, Requests};
use openclaw_runtime::sandbox::{CompileLimits, Compiler, Sandbox, SandboxOptions};
use openclaw_tests::{Home, Skill, bomb, component, home};
use serde_json::json;

/// A sandbox that gives a compilation little, so that a test does not take a minute.
fn sandbox(cache: &tempfile::TempDir, limits: CompileLimits) -> Sandbox {
    let compiler =
        Compiler { program: home::binary(), arguments: vec!["compile-component".to_owned()], limits };
    let cache_dir = cache.path().join("artefacts");
    Sandbox::new(SandboxOptions { cache_dir, compiler, concurrent_calls: 1 }).unwrap()
}

fn little() -> CompileLimits {
    CompileLimits { cpu: Duration::from_secs(2), wall: Duration::from_secs(20), address_space: 2 << 30 }
}

fn prepare(sandbox: &Sandbox, component: &[u8]) -> Result<(), String> {
    let prepared = sandbox.prepare(component, Digest::of(component), &Requests::default());
    prepared.map(drop).map_err(|error| error.code().to_owned())
}

#[test]
fn bombs_are_stopped() {
    let cache = tempfile::tempdir().unwrap();
    let sandbox = sandbox(&cache, little());
    let honest = component::wat("honest");
    for (name, module) in [
        ("functions", bomb::many_functions(900_000)),
        ("locals", bomb::huge_locals(400, 5_000)),
        ("br-table", bomb::giant_br_table(60, 60_000)),
        ("loops", bomb::nested_loops(60_000)),
    ] {
        assert!(module.len() < 24 << 20, "{name} is no small module: {}", module.len());
        let begun = Instant::now();
        let refused = prepare(&sandbox, &bomb::with_module(&honest, &module));
        assert_eq!(refused, Err("compile-limits-exceeded".to_owned()), "{name}");
        assert!(begun.elapsed() < Duration::from_secs(25), "{name}: {:?}", begun.elapsed());
        assert_eq!(prepare(&sandbox, &honest), Ok(()), "after {name}");
    }
}

#[test]
fn memory_is_limited_too() {
    let cache = tempfile::tempdir().unwrap();
    let limits = CompileLimits { address_space: 300 << 20, cpu: Duration::from_secs(30), ..little() };
    let sandbox = sandbox(&cache, limits);
    let honest = component::wat("honest");
    let bomb = bomb::with_module(&honest, &bomb::many_functions(400_000));
    assert_eq!(prepare(&sandbox, &bomb), Err("compile-limits-exceeded".to_owned()));
    assert_eq!(prepare(&sandbox, &honest), Ok(()));
}

#[test]
fn a_slow_compiler_is_stopped_by_the_clock() {
    let cache = tempfile::tempdir().unwrap();
    let limits = CompileLimits { wall: Duration::from_millis(300), cpu: Duration::from_secs(60), ..little() };
    let sandbox = sandbox(&cache, limits);
    let bomb = bomb::with_module(&component::wat("honest"), &bomb::many_functions(300_000));
    let begun = Instant::now();
    assert_eq!(prepare(&sandbox, &bomb), Err("compile-limits-exceeded".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn the_command_refuses_what_does_not_compile_and_goes_on() {
    let home = Home::new();
    let honest = Skill::wat("honest");
    let pack = |depth| {
        let bytes = bomb::with_module(honest.component(), &bomb::nested_blocks(depth));
        home.try_pack(&Skill::new("bomb", bytes), &home.path("bomb.tar.gz"))
    };
    let refused = pack(2_000_000);
    assert!(matches!(refused.error().exit, 1 | 3 | 5), "{refused}");
    assert!(refused.took < Duration::from_secs(20), "{refused}");
    assert!(!home.path("bomb.tar.gz").exists());
    // A module of ordinary depth beside it is no bomb.
    pack(50).json();
    home.install_archive(&home.path("bomb.tar.gz")).json();
    assert_eq!(home.call("bomb/run", &json!({})).output(), json!({ "ok": true }));
}

#[test]
fn an_artefact_that_the_host_did_not_write_is_not_loaded() {
    let cache = tempfile::tempdir().unwrap();
    let honest = component::wat("honest");
    assert_eq!(prepare(&sandbox(&cache, little()), &honest), Ok(()));
    let dir = cache.path().join("artefacts");
    let artefacts = || -> Vec<_> {
        let paths = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
    };
    let artefact = artefacts().remove(0);
    let good = std::fs::read(&artefact).unwrap();
    for position in [0, good.len() / 2, good.len() - 1] {
        let mut changed = good.clone();
        changed[position] ^= 1;
        std::fs::remove_file(&artefact).unwrap();
        std::fs::write(&artefact, &changed).unwrap();
        assert_eq!(prepare(&sandbox(&cache, little()), &honest), Ok(()));
        assert_eq!(std::fs::read(&artefact).unwrap().len(), good.len(), "it was compiled again");
        assert_ne!(std::fs::read(&artefact).unwrap(), changed, "it was compiled again");
    }
    // Another component's artefact in its place, whole and with a MAC of this very host.
    let other = component::wat("call_traps");
    assert_eq!(prepare(&sandbox(&cache, little()), &other), Ok(()));
    let of_other = artefacts().into_iter().find(|path| *path != artefact).unwrap();
    std::fs::remove_file(&artefact).unwrap();
    std::fs::copy(&of_other, &artefact).unwrap();
    compiles_again(&cache, &honest, &artefact, &std::fs::read(&of_other).unwrap());
    // The same code under the name that another engine would give it, and what this engine makes of that.
    let name = artefact.file_name().unwrap().to_str().unwrap().to_owned();
    let (digest, _) = name.split_once('-').unwrap();
    let foreign = dir.join(format!("{digest}-{:016x}.cwasm", 7));
    std::fs::copy(&artefact, &foreign).unwrap();
    std::fs::remove_file(&artefact).unwrap();
    assert_eq!(prepare(&sandbox(&cache, little()), &honest), Ok(()));
    assert!(artefact.exists(), "what another engine's name says is not looked at");
    // What another host wrote: its key is not ours.
    let theirs = tempfile::tempdir().unwrap();
    assert_eq!(prepare(&sandbox(&theirs, little()), &honest), Ok(()));
    let foreign = theirs.path().join("artefacts").join(&name);
    std::fs::remove_file(&artefact).unwrap();
    std::fs::copy(&foreign, &artefact).unwrap();
    compiles_again(&cache, &honest, &artefact, &std::fs::read(&foreign).unwrap());
    // A link, even to what would be good.
    let elsewhere = cache.path().join("elsewhere");
    std::fs::rename(&artefact, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &artefact).unwrap();
    assert_eq!(prepare(&sandbox(&cache, little()), &honest), Ok(()));
    assert!(!artefact.is_symlink(), "it was not followed");
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
}

/// A file that is not what this host wrote for the component is replaced, and the component runs.
#[track_caller]
fn compiles_again(cache: &tempfile::TempDir, component: &[u8], artefact: &Path, planted: &[u8]) {
    assert_eq!(prepare(&sandbox(cache, little()), component), Ok(()));
    assert_ne!(std::fs::read(artefact).unwrap(), planted, "it was compiled again");
}

#[test]
fn the_command_stops_a_compilation_and_says_why() {
    let home = Home::new();
    let honest = Skill::wat("honest");
    let bytes = bomb::with_module(honest.component(), &bomb::huge_locals(400, 5_000));
    Skill::new("bomb", bytes).write(&home.path("bomb"));
    // What the compiler may use is never more than its parent may.
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg("ulimit -t 2; exec \"$0\" skill pack \"$1\" --output \"$2\" --json");
    shell.args([home::binary(), home.path("bomb"), home.path("bomb.tar.gz")]);
    let ran =
        home::finish(home.environment(shell), "skill pack, with two seconds of CPU time".to_owned(), None);
    let failure = ran.refused("compile-limits-exceeded");
    assert!(failure.exit == 5 && failure.message.contains("CPU time"), "{failure:?}");
    assert!(!home.path("bomb.tar.gz").exists());
    home.install(&honest);
    assert_eq!(home.call("honest/run", &json!({})).output(), json!({ "ok": true }));
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("artefacts");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let compiler = Compiler {
        program: home::binary(),
        arguments: vec!["compile-component".to_owned()],
        limits: CompileLimits::default(),
    };
    let open = || {
        Sandbox::new(SandboxOptions {
            cache_dir: dir.clone(),
            compiler: compiler.clone(),
            concurrent_calls: 1,
        })
    };
    assert_eq!(open().unwrap_err().code(), "cache-unavailable");
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(open().is_ok());
}
