//! What a registry serves: events of a history, an index, and the proof of a release.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use openclaw_package::log::{Appender, Checkpoint, LogProof, TileId, inclusion_proof, leaf_hash};
use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::root::fingerprint;
use openclaw_package::registry::{
    Action, Event, History, Index, LoggedEvent, Origin, Provenance, Release, Root, RootParts, Visibility,
};
use openclaw_package::{Digest, Envelope, SkillId};

use super::signed::test_key;
use super::{text, told};

/// A signed event changes a history whole or not at all, an index says one thing of a version, and no proof but
/// that of the release itself proves anything.
pub fn registry(data: &[u8]) {
    event(data);
    let Some(text) = text(data) else { return };
    match Index::parse(text) {
        Ok(index) => assert!(index.iter().count() <= text.lines().count()),
        Err(error) => told(&error, error.code(), error.hint()),
    }
    let Ok(proof) = serde_json::from_str::<Provenance>(text) else { return };
    let honest = honest();
    assert!(honest.proof.verify(&honest.pinned, &honest.skill, &honest.release.version).is_ok());
    match proof.verify(&honest.pinned, &honest.skill, &honest.release.version) {
        Ok(proven) => assert_eq!(proven.release, honest.release, "something else was proved"),
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// The bytes as an event that the publisher's key signs.
fn event(payload: &[u8]) {
    let before = &honest().history;
    let mut history = before.clone();
    match history.accept(&Envelope::sign(EVENT_PAYLOAD_TYPE, payload, &[&test_key()])) {
        Ok(event) => {
            assert_eq!((history.length(), history.head()), (before.length() + 1, Some(Digest::of(payload))));
            let again = event.sign(&[&test_key()]);
            assert_eq!(Event::read_unverified(&again).as_ref(), Ok(&event), "an event has a second meaning");
        }
        Err(error) => {
            assert_eq!(&history, before, "a refused event left something behind");
            told(&error, error.code(), error.hint());
        }
    }
}

/// A release, and what proves it.
struct Honest {
    /// The fingerprint of the root.
    pinned: Digest,
    /// The skill.
    skill: SkillId,
    /// The release.
    release: Release,
    /// The history that has it.
    history: History,
    /// The proof of it.
    proof: Provenance,
}

/// A registry with one publisher and one release, the same in every run.
fn honest() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(make)
}

fn make() -> Honest {
    let key = test_key();
    let origin: Origin = "fuzz.example.com".parse().expect("a name");
    let skill: SkillId = "acme/hello".parse().expect("a name");
    let root = Root::new(RootParts {
        version: 1,
        origin: origin.clone(),
        keys: vec![key.public_key()],
        threshold: 1,
        log_key: key.public_key(),
        takedown_key: key.public_key(),
        expires: "2040-01-01T00:00:00Z".parse().expect("a time"),
    });
    let root = root.expect("a root").sign(&[&key]);
    let release = Release {
        name: skill.name().clone(),
        version: "1.0.0".parse().expect("a version"),
        archive: Digest::of(b"archive"),
        statement: Digest::of(b"statement"),
        signer: key.public_key(),
        visibility: Visibility::Public,
    };
    let mut history = History::new(origin.clone(), skill.publisher().clone());
    let mut entries = vec![text_of(&root)];
    for action in [Action::Init { key: key.public_key() }, Action::Release(release.clone())] {
        let envelope = history.next("2026-11-25T10:00:00Z".parse().expect("a time"), action).sign(&[&key]);
        history.accept(&envelope).expect("an event");
        entries.push(text_of(&envelope));
    }
    let mut tree = Appender::default();
    let mut tiles = BTreeMap::<TileId, Vec<Digest>>::new();
    for entry in &entries {
        for (tile, hash) in tree.push(leaf_hash(entry.as_bytes())) {
            tiles.entry(tile).or_default().push(hash);
        }
    }
    let checkpoint = Checkpoint::new(origin, tree.size(), tree.root()).sign(&key);
    let hashes = inclusion_proof(2, tree.size(), &tiles).expect("a proof");
    let log_proof = LogProof { index: 2, hashes, checkpoint }.to_string();
    let logged = |index: u64, entry: &String| LoggedEvent { index, entry: entry.clone() };
    let proof = Provenance {
        roots: entries.first().cloned().into_iter().collect(),
        history: (0..).zip(&entries).skip(1).map(|(index, entry)| logged(index, entry)).collect(),
        release: log_proof.clone(),
        head: log_proof,
    };
    Honest { pinned: fingerprint(&root), skill, release, history, proof }
}

fn text_of(envelope: &Envelope) -> String {
    String::from_utf8(envelope.to_json()).expect("JSON")
}
