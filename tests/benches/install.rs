//! What it costs to install a skill of 1 MiB from a registry on this machine, beside what disk and hash cost alone:
//! `cargo bench -p openclaw-tests --bench install`, after `cargo build --release -p openclaw`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark fails so"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::Criterion;
use openclaw_package::registry::Origin;
use openclaw_package::{Digest, SkillId};
use openclaw_registry_client::{
    Client, ClientOptions, Fetched, Registries, ResolveOptions, Resolved, Silent,
};
use openclaw_runtime::install::{Installer, Registered, Source};
use openclaw_runtime::layout::DataDir;
use openclaw_tests::registry::Registry;
use openclaw_tests::{Home, Skill};
use semver::VersionReq;
use tokio::runtime::Runtime;

/// Bytes that no compression makes fewer.
const SIZE: usize = 1 << 20;

/// A registry with one skill of 1 MiB, and somebody who is about to install it.
struct World {
    runtime: Runtime,
    client: Client,
    resolved: Resolved,
    fetched: Fetched,
    data: DataDir,
    content: Vec<u8>,
    scratch: PathBuf,
    _registry: Registry,
    _home: Home,
}

fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(SIZE).collect()
}

impl World {
    fn prepare() -> Self {
        let registry = Registry::start();
        let publisher = Home::publisher_at(&registry);
        let skill = Skill::tiny("large");
        let project = publisher.path("large");
        skill.write(&project);
        fs::create_dir_all(project.join("assets")).expect("a directory");
        fs::write(project.join("assets/noise.bin"), noise()).expect("a file");
        let archive = publisher.path("large.tar.gz");
        let (project, path) = (project.to_str().expect("a path"), archive.to_str().expect("a path"));
        publisher.run(["skill", "pack", project, "--output", path]).json();
        publisher.publish_archive(&archive, &[]).json();

        let home = Home::reader_of(&registry);
        let runtime = Runtime::new().expect("a runtime");
        let registries = Registries::open(home.data().join("registries")).expect("a directory");
        let known = registries.select(None).expect("a registry");
        let client = Client::connect(known, ClientOptions::new(home.path("cache"))).expect("a client");
        let skill: SkillId = skill.id().parse().expect("a name");
        let options = ResolveOptions { installed: None, locked: None, pre_releases: false, downgrade: false };
        let resolved =
            runtime.block_on(client.resolve(&skill, &VersionReq::STAR, &options)).expect("a version");
        let fetched = runtime.block_on(client.fetch(&resolved, &Silent)).expect("an archive");
        let data = DataDir::open(home.data()).expect("a data directory");
        let scratch = home.path("scratch");
        fs::create_dir_all(&scratch).expect("a directory");
        Self {
            runtime,
            client,
            resolved,
            fetched,
            data,
            content: noise(),
            scratch,
            _registry: registry,
            _home: home,
        }
    }

    /// The download alone, from a registry on this machine.
    fn fetch(&self) -> Duration {
        fs::remove_file(&self.fetched.archive).expect("the archive");
        let begun = Instant::now();
        self.runtime.block_on(self.client.fetch(&self.resolved, &Silent)).expect("an archive");
        begun.elapsed()
    }

    /// Verify, unpack, put in place: all but compiling the component.
    fn install(&self) {
        let fetched = &self.fetched;
        let origin: Origin = self.client.registry().origin().clone();
        let registered = Registered {
            origin,
            log_index: fetched.proven.log_index,
            release: fetched.proven.release.clone(),
            publisher: fetched.skill.publisher().clone(),
            range: None,
            provenance: serde_json::to_vec(&fetched.provenance).expect("a proof"),
        };
        let installer = Installer::open(&self.data).expect("the data directory");
        let staged = installer
            .stage(&fetched.archive, fetched.signature.clone(), Source::Registry(Box::new(registered)))
            .expect("a good package");
        installer.commit(staged, &[], false).expect("a place for it");
    }

    /// What nobody could leave out: read the archive, hash it and its content, write that durably, rename it.
    fn floor(&self) {
        let archive = fs::read(&self.fetched.archive).expect("the archive");
        std::hint::black_box((Digest::of(&archive), Digest::of(&self.content)));
        write_durably(&self.scratch.join("new"), &self.content);
        fs::rename(self.scratch.join("new"), self.scratch.join("content")).expect("a place for it");
        File::open(&self.scratch).and_then(|dir| dir.sync_all()).expect("a disk");
    }
}

fn write_durably(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("a file");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("a disk");
}

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let world = World::prepare();
    let mut criterion = Criterion::default().sample_size(30).configure_from_args();
    let mut group = criterion.benchmark_group("install of 1 MiB");
    group.bench_function("fetch", |bench| {
        bench.iter_custom(|rounds| (0..rounds).map(|_| world.fetch()).sum());
    });
    group.bench_function("verify and put in place", |bench| bench.iter(|| world.install()));
    group.bench_function("disk and hash alone", |bench| bench.iter(|| world.floor()));
    group.finish();
    criterion.final_summary();
}
