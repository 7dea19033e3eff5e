//! How long it takes to believe a release again without its registry: a log of 100,000 entries, publishers with
//! histories of different lengths.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark fails so")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use openclaw_package::log::{Appender, Checkpoint, LogProof, TileId, inclusion_proof, leaf_hash};
use openclaw_package::registry::root::fingerprint;
use openclaw_package::registry::{
    Action, History, LoggedEvent, Origin, Provenance, Release, Root, RootParts, Visibility,
};
use openclaw_package::{Digest, Envelope, PublicKey, SigningKey, SkillId};
use openclaw_registry_client::{Expected, verify_offline};
use semver::Version;

/// Entries of the log.
const ENTRIES: u64 = 100_000;
/// Events that the publisher's history has.
const HISTORIES: [u64; 3] = [2, 10, 100];

/// What is kept beside an installed package, and what it is held against.
struct Kept {
    provenance: Vec<u8>,
    pinned: Digest,
    skill: SkillId,
    release: Release,
    proof: LogProof,
    entry: Vec<u8>,
    origin: Origin,
    log_key: PublicKey,
}

fn root(origin: &Origin, key: &SigningKey) -> Envelope {
    let parts = RootParts {
        version: 1,
        origin: origin.clone(),
        keys: vec![key.public_key()],
        threshold: 1,
        log_key: key.public_key(),
        takedown_key: key.public_key(),
        expires: "2040-01-01T00:00:00Z".parse().unwrap(),
    };
    Root::new(parts).unwrap().sign(&[key])
}

fn kept(events: u64) -> Kept {
    let (origin, key): (Origin, _) = ("bench.example.com".parse().unwrap(), SigningKey::generate().unwrap());
    let root = root(&origin, &key);
    let skill: SkillId = "acme/hello".parse().unwrap();
    let mut history = History::new(origin.clone(), skill.publisher().clone());
    let mut logged = Vec::new();
    let mut releases = Vec::new();
    for number in 0..events {
        let action = if number == 0 {
            Action::Init { key: key.public_key() }
        } else {
            let release = Release {
                name: skill.name().clone(),
                version: Version::new(1, number, 0),
                archive: Digest::of(&number.to_be_bytes()),
                statement: Digest::of(&number.to_le_bytes()),
                signer: key.public_key(),
                visibility: Visibility::Public,
            };
            releases.push(release.clone());
            Action::Release(release)
        };
        let envelope = history.next(Timestamp::UNIX_EPOCH, action).sign(&[&key]);
        history.accept(&envelope).unwrap();
        let entry = String::from_utf8(envelope.to_json()).unwrap();
        logged.push(LoggedEvent { index: ENTRIES - events + number, entry });
    }
    let mut tree = Appender::default();
    let mut tiles = BTreeMap::<TileId, Vec<Digest>>::new();
    for index in 0..ENTRIES {
        let own = index
            .checked_sub(ENTRIES - events)
            .map(|own| logged[usize::try_from(own).unwrap()].entry.clone());
        let entry = own.unwrap_or_else(|| format!("entry {index}"));
        for (tile, hash) in tree.push(leaf_hash(entry.as_bytes())) {
            tiles.entry(tile).or_default().push(hash);
        }
    }
    let checkpoint = Checkpoint::new(origin.clone(), tree.size(), tree.root()).sign(&key);
    let proof = |index| LogProof {
        index,
        hashes: inclusion_proof(index, ENTRIES, &tiles).unwrap(),
        checkpoint: checkpoint.clone(),
    };
    let (first, last) = (logged[1].clone(), logged.last().unwrap().index);
    let provenance = Provenance {
        roots: vec![String::from_utf8(root.to_json()).unwrap()],
        history: logged,
        release: proof(first.index).to_string(),
        head: proof(last).to_string(),
    };
    Kept {
        provenance: serde_json::to_vec(&provenance).unwrap(),
        pinned: fingerprint(&root),
        skill,
        release: releases.remove(0),
        proof: proof(first.index),
        entry: first.entry.into_bytes(),
        origin,
        log_key: key.public_key(),
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("offline");
    let kept_once = kept(HISTORIES[0]);
    group.bench_function("proof", |bench| {
        bench.iter(|| {
            let Kept { proof, entry, origin, log_key, .. } = black_box(&kept_once);
            proof.verify(entry, origin, log_key).unwrap()
        });
    });
    for events in HISTORIES {
        let kept = kept(events);
        let expected = Expected {
            skill: &kept.skill,
            version: &kept.release.version,
            archive: &kept.release.archive,
            statement: &kept.release.statement,
            signer: &kept.release.signer,
        };
        group.bench_with_input(BenchmarkId::new("provenance", events), &events, |bench, _| {
            bench.iter(|| verify_offline(black_box(&kept.provenance), &kept.pinned, &expected).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
