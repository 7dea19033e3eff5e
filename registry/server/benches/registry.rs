//! How fast a registry answers, and how that grows from 1,000 to 100,000 skills.
//!
//! What is measured is the time in the server: from a request to the last byte of its answer, without a network. Run
//! with `cargo bench -p openclaw-registry-server --features bench`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode};
use jiff::Timestamp;
use openclaw_package::registry::api::Publication;
use openclaw_package::registry::{Action, History, Release, Visibility};
use openclaw_package::{Digest, PackagePath, PackageSource, SigningKey, SkillId};
use openclaw_registry_server::http::{App, router};
use openclaw_registry_server::registry::{Caller, Received, Registry, Start, Upload};
use openclaw_registry_server::{Limits, Location, bench};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Words that are everywhere, somewhere and almost nowhere, alone and together, whole and begun.
const QUERIES: [&str; 12] = [
    "file",
    "git",
    "commit+review",
    "w123",
    "weather+map",
    "translate",
    "gram",
    "w1",
    "invoice+tax+report",
    "deploy",
    "zzz",
    "image+convert",
];

struct World {
    runtime: Runtime,
    registry: Registry,
    router: Router,
    caller: Caller,
    history: History,
    key: SigningKey,
    published: u64,
    some: Vec<String>,
    size: u64,
    _directory: tempfile::TempDir,
}

impl World {
    fn with(count: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let unlimited = u32::MAX.try_into().unwrap();
        let start = Start {
            location: Location::directory(directory.path().join("data")),
            origin: None,
            bootstrap: Some("acme".parse().unwrap()),
            limits: Limits {
                requests_per_minute: unlimited,
                writes_per_minute: unlimited,
                new_names_per_day: u32::MAX,
                uploads_per_hour: u32::MAX,
                ..Limits::default()
            },
        };
        let started = runtime.block_on(Registry::start(start)).unwrap();
        let registry = started.registry;
        let began = Instant::now();
        runtime.block_on(bench::fill(&registry, count)).unwrap();
        eprintln!("{count} skills were made up in {:?}", began.elapsed());
        let token = started.first_token.unwrap();
        let caller = runtime.block_on(registry.caller(token.secret.reveal())).unwrap();
        let router = router(App::new(registry.clone(), false));
        let history = History::new(started.origin, "acme".parse().unwrap());
        let key = SigningKey::generate().unwrap();
        let mut world = Self {
            runtime,
            registry,
            router,
            caller,
            history,
            key,
            published: 0,
            some: Vec::new(),
            size: 0,
            _directory: directory,
        };
        let found = world.get("/api/v1/search?q=commit&limit=100", None).1;
        let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
        let skills = found["results"].as_array().unwrap().iter();
        world.some = skills.map(|hit| format!("/index/{}", hit["skill"].as_str().unwrap())).collect();
        let health: serde_json::Value = serde_json::from_slice(&world.get("/health", None).1).unwrap();
        world.size = health["log_size"].as_u64().unwrap();
        world
    }

    fn get(&self, path: &str, etag: Option<&str>) -> (StatusCode, Vec<u8>) {
        self.runtime.block_on(async {
            let mut request = Request::get(path);
            if let Some(etag) = etag {
                request = request.header("if-none-match", etag);
            }
            let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let status = response.status();
            (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().into())
        })
    }

    fn etag(&self, path: &str) -> String {
        self.runtime.block_on(async {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = self.router.clone().oneshot(request).await.unwrap();
            response.headers()["etag"].to_str().unwrap().to_owned()
        })
    }

    /// An upload that was received and signed; what is measured begins after this.
    fn upload(&mut self) -> Upload {
        self.published += 1;
        let skill: SkillId = format!("acme/bench{}", self.published).parse().unwrap();
        let packed = package(&skill).pack().unwrap();
        let mut events = Vec::new();
        if self.history.length() == 0 {
            let init = Action::Init { key: self.key.public_key() };
            events.push(self.history.next(Timestamp::now(), init).sign(&[&self.key]));
        }
        let mut history = self.history.clone();
        events.iter().for_each(|event| drop(history.accept(event).unwrap()));
        let release = Release {
            name: skill.name().clone(),
            version: "1.0.0".parse().unwrap(),
            archive: packed.digest,
            statement: Digest::of(&packed.statement.to_json()),
            signer: self.key.public_key(),
            visibility: Visibility::Public,
        };
        let event = history.next(Timestamp::now(), Action::Release(release)).sign(&[&self.key]);
        history.accept(&event).unwrap();
        events.push(event);
        self.history = history;
        let texts = events.iter().map(|event| String::from_utf8(event.to_json()).unwrap()).collect();
        let staging = self.registry.staging().unwrap();
        let path = staging.path().join("archive");
        std::fs::write(&path, &packed.archive).unwrap();
        let file = std::fs::File::open(path).unwrap();
        Upload {
            skill,
            version: "1.0.0".parse().unwrap(),
            publication: Publication { visibility: Visibility::Public, category: None, events: texts },
            signature: packed.sign(&self.key).to_json().into(),
            archive: Received::new(staging, file),
        }
    }
}

fn package(skill: &SkillId) -> PackageSource {
    let path = |text: &str| text.parse::<PackagePath>().unwrap();
    let component = "(component (instance $empty) (export \"openclaw:skill/tools@1.0.0\" (instance $empty)))";
    let tools = r#"{"tools":[{"name":"greet","description":"Greets.","inputSchema":{"type":"object"}}]}"#;
    PackageSource::from_files(BTreeMap::from([
        (
            path("SKILL.md"),
            format!("---\nname: {}\ndescription: Greets.\n---\n# Hi\n", skill.name()).into_bytes(),
        ),
        (
            path("openclaw/skill.toml"),
            format!(
                "[skill]\npublisher = \"{}\"\nname = \"{}\"\nversion = \"1.0.0\"\n",
                skill.publisher(),
                skill.name()
            )
            .into_bytes(),
        ),
        (path("openclaw/skill.wasm"), wat::parse_str(component).unwrap()),
        (path("openclaw/tools.json"), tools.as_bytes().to_vec()),
    ]))
    .unwrap()
}

/// The median of many single requests, since a mean hides what most callers see.
fn median(mut work: impl FnMut(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..600)
        .map(|turn| {
            let began = Instant::now();
            work(turn);
            began.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn registry(criterion: &mut Criterion) {
    for count in [1_000, 10_000, 100_000] {
        let mut world = World::with(count);
        let etags: Vec<String> = world.some.iter().map(|path| world.etag(path)).collect();
        let search = |turn: usize| {
            let path = format!("/api/v1/search?q={}", QUERIES[turn % QUERIES.len()]);
            assert_eq!(black_box(world.get(&path, None)).0, StatusCode::OK);
        };
        let index = |turn: usize| {
            let path = &world.some[turn % world.some.len()];
            assert_eq!(black_box(world.get(path, None)).0, StatusCode::OK);
        };
        let conditional = |turn: usize| {
            let place = turn % world.some.len();
            let answer = world.get(&world.some[place], Some(&etags[place]));
            assert_eq!(black_box(answer).0, StatusCode::NOT_MODIFIED);
        };
        let proof = |turn: usize| {
            let path = format!("/api/v1/log/proof/{}", (turn as u64 * 7919) % world.size);
            assert_eq!(black_box(world.get(&path, None)).0, StatusCode::OK);
        };
        eprintln!(
            "{count} skills, medians: search {:?}, index {:?}, conditional {:?}, proof {:?}",
            median(search),
            median(index),
            median(conditional),
            median(proof)
        );
        let mut group = criterion.benchmark_group("registry");
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(3))
            .warm_up_time(Duration::from_millis(500));
        let mut turn = 0;
        let mut turns = move || {
            turn += 1;
            turn
        };
        group.bench_function(BenchmarkId::new("search", count), |bencher| bencher.iter(|| search(turns())));
        group.bench_function(BenchmarkId::new("index", count), |bencher| bencher.iter(|| index(turns())));
        group.bench_function(BenchmarkId::new("conditional", count), |bencher| {
            bencher.iter(|| conditional(turns()));
        });
        group.bench_function(BenchmarkId::new("proof", count), |bencher| bencher.iter(|| proof(turns())));
        group.sample_size(10).bench_function(BenchmarkId::new("publish", count), |bencher| {
            bencher.iter_custom(|times| {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    let upload = world.upload();
                    let began = Instant::now();
                    world.runtime.block_on(world.registry.publish(&world.caller, upload)).unwrap();
                    took += began.elapsed();
                }
                took
            });
        });
        group.finish();
    }
}

criterion_group!(benches, registry);
criterion_main!(benches);
