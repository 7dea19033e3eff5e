//! Small modules that are much work to compile: refused within limits and for a reason, and the host goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

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
    let artefact = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .unwrap();
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
    // Another component's artefact, and one that is a link.
    let other = component::wat("call_traps");
    assert_eq!(prepare(&sandbox(&cache, little()), &other), Ok(()));
    let bytes = std::fs::read(&artefact).unwrap();
    std::fs::remove_file(&artefact).unwrap();
    let elsewhere = cache.path().join("elsewhere");
    std::fs::write(&elsewhere, &bytes).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &artefact).unwrap();
    let linked = prepare(&sandbox(&cache, little()), &honest);
    assert!(linked.is_ok() != artefact.is_symlink(), "{linked:?}");
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
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
