//! A component that is compiled for the first time, and one whose artefact is in the cache.

use openclaw_package::{Digest, PackageSource};
use openclaw_runtime::sandbox::{Sandbox, SandboxOptions};
use openclaw_tests::embedded::compiler;

use crate::results::Results;
use crate::support::project::Project;
use crate::times::{Times, rounds};

/// Loads for each compilation.
const LOADS: usize = 10;

pub fn measure(project: &Project, results: &mut Results) {
    crate::step("artefacts");
    let package = PackageSource::from_dir(project.dir()).expect("a package");
    let (component, requests) = (package.component(), package.manifest().requests());
    let digest = Digest::of(component);
    let (mut compiled, mut loaded) = (Times::default(), Times::default());
    for _ in 0..(rounds() / 3).max(1) {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let sandbox = Sandbox::new(SandboxOptions {
            cache_dir: cache.path().join("artefacts"),
            compiler: compiler(),
            concurrent_calls: 16,
        })
        .expect("a sandbox");
        let ready = || drop(sandbox.prepare(component, digest, requests).expect("it can be made ready"));
        compiled.measure(1, ready);
        loaded.measure(LOADS, ready);
    }
    let ratio = compiled.p50() / loaded.p50();
    results.at_least(100.0, "×", "a component compiled ÷ its artefact loaded, p50", ratio);
    results.row("a component made ready, compiled first", &compiled);
    results.row("a component made ready, its artefact in the cache", &loaded);
}
