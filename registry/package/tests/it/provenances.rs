//! A release is believed when root, history and log say so together, and not otherwise.

use openclaw_package::registry::Action;
use openclaw_package::registry::provenance::ProvenanceError;
use openclaw_package::{Digest, Envelope};

use crate::common::key;
use crate::registry::{LOG_KEY, PUBLISHER_KEY, Registry, fingerprint, hello, now, release, version, yank};

fn released() -> Registry {
    let mut registry = Registry::new();
    registry.add(Action::Release(release("1.0.0", &key(PUBLISHER_KEY))));
    registry
}

fn refused(registry: &Registry, sequence: usize) -> &'static str {
    registry.provenance(sequence).verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap_err().code()
}

#[test]
fn a_release_is_proved_without_the_registry() {
    let mut registry = released();
    registry.add(Action::Release(release("1.1.0", &key(PUBLISHER_KEY))));
    registry.add(yank("1.1.0"));
    let proven = registry.provenance(1).verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap();
    assert_eq!(proven.release, release("1.0.0", &key(PUBLISHER_KEY)));
    assert_eq!((proven.log_index, proven.checkpoint.size()), (2, 5));
    assert_eq!(proven.yanked(), None);
    let other = proven.releases.get(&version("1.1.0")).unwrap();
    assert_eq!((other.log_index, other.yanked.as_deref()), (3, Some("broken")));
    assert_eq!(proven.releases.iter().count(), 2);
    assert_eq!(proven.events.len(), 4);
    assert!(!proven.is_signer_revoked() && proven.signer_revocation().is_none());
    assert_eq!(
        registry.provenance(2).verify(&fingerprint(), &hello(), &version("1.1.0")).unwrap().yanked(),
        Some("broken")
    );
}

#[test]
fn a_release_outlives_the_key_that_signed_it() {
    let mut registry = released();
    let (old, new) = (key(PUBLISHER_KEY), key(9));
    registry.add_signed(Action::Grant { key: new.public_key() }, &[&old, &new]);
    let revoke = Action::Revoke { key: old.public_key(), reason: "lost".parse().unwrap() };
    registry.add_signed(revoke, &[&new]);
    let proven = registry.provenance(1).verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap();
    assert!(proven.is_signer_revoked());
    assert_eq!(proven.signer_revocation(), Some("lost"));
}

#[test]
fn a_yank_counts_from_the_release_on() {
    let mut registry = Registry::new();
    registry.add(yank("1.0.0"));
    registry.add(Action::Release(release("1.0.0", &key(PUBLISHER_KEY))));
    let yanked = |registry: &Registry| {
        let proven = registry.provenance(2).verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap();
        proven.yanked().map(str::to_owned)
    };
    assert_eq!(yanked(&registry), None);
    registry.add(yank("1.0.0"));
    assert_eq!(yanked(&registry).as_deref(), Some("broken"));
}

#[test]
fn a_release_by_a_key_that_was_revoked_before_is_refused() {
    let mut registry = Registry::new();
    let (old, new) = (key(PUBLISHER_KEY), key(9));
    registry.add_signed(Action::Grant { key: new.public_key() }, &[&old, &new]);
    registry.add_signed(Action::Revoke { key: old.public_key(), reason: "lost".parse().unwrap() }, &[&new]);
    registry.forge(Action::Release(release("1.0.0", &old)), &[&old]);
    assert_eq!(refused(&registry, 3), "bad-signature");
    // Signed by an active key, but the package by the revoked one.
    registry.entries.pop();
    registry.events.pop();
    registry.forge(Action::Release(release("1.0.0", &old)), &[&new]);
    assert_eq!(refused(&registry, 3), "inactive-key");
}

#[test]
fn a_registry_cannot_release_for_a_key_that_was_never_granted() {
    let mut registry = Registry::new();
    registry.forge(Action::Release(release("1.0.0", &key(66))), &[&key(66)]);
    assert_eq!(refused(&registry, 1), "bad-signature");
    let mut registry = Registry::new();
    registry.forge(Action::Grant { key: key(66).public_key() }, &[&key(66)]);
    assert_eq!(refused(&registry, 1), "bad-signature");
}

#[test]
fn a_history_that_was_cut_reordered_or_forked_is_refused() {
    let mut cut = released();
    cut.events.remove(0);
    assert_eq!(refused(&cut, 0), "history-moved");
    let mut swapped = released();
    swapped.events.swap(0, 1);
    assert!(matches!(refused(&swapped, 0), "history-moved" | "invalid-provenance"));
    let mut twice = released();
    twice.add(Action::Release(release("1.0.0", &key(PUBLISHER_KEY))));
    assert_eq!(refused(&twice, 1), "released-twice");
    assert_eq!(refused(&Registry::new(), 0), "not-released");
}

#[test]
fn an_event_that_is_not_in_the_log_is_refused() {
    let registry = released();
    let mut proof = registry.provenance(1);
    let other = released().provenance(1);
    assert_eq!(proof, other);
    // The same event in another envelope is another leaf.
    proof.history[1].entry = proof.history[1].entry.replace("\"keyid\"", "\"x\":1,\"keyid\"");
    assert_eq!(proof.verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap_err().code(), "not-in-log");
    // A proof of another place.
    let mut proof = registry.provenance(1);
    proof.release = proof.release.replace("index 2", "index 1");
    let error = proof.verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap_err();
    assert!(matches!(error, ProvenanceError::Parts(_)), "{error}");
}

#[test]
fn a_log_that_another_key_signed_is_refused() {
    let registry = released();
    let mut proof = registry.provenance(1);
    let note = registry.checkpoint();
    let body = note.split("\n\n").next().unwrap();
    let size: u64 = body.lines().nth(1).unwrap().parse().unwrap();
    let root = registry.proof(1).verify(
        &registry.entries[1],
        &crate::registry::origin(),
        &key(LOG_KEY).public_key(),
    );
    let forged =
        openclaw_package::log::Checkpoint::new(crate::registry::origin(), size, *root.unwrap().root());
    let forged = forged.sign(&key(66));
    proof.release = proof.release.replace(&note, &forged);
    proof.head = proof.head.replace(&note, &forged);
    assert!(proof.verify(&fingerprint(), &hello(), &version("1.0.0")).is_err());
}

#[test]
fn another_skill_version_root_or_registry_is_refused() {
    let registry = released();
    let proof = registry.provenance(1);
    assert!(proof.verify(&fingerprint(), &"acme/other".parse().unwrap(), &version("1.0.0")).is_err());
    assert!(proof.verify(&fingerprint(), &"evil/hello".parse().unwrap(), &version("1.0.0")).is_err());
    assert!(proof.verify(&fingerprint(), &hello(), &version("1.0.1")).is_err());
    let error = proof.verify(&Digest::of(b"another"), &hello(), &version("1.0.0")).unwrap_err();
    assert_eq!(error.code(), "root-not-pinned");
}

#[test]
fn every_byte_of_a_proof_counts() {
    let proof = released().provenance(1);
    let honest = proof.verify(&fingerprint(), &hello(), &version("1.0.0")).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    let mut believed = 0;
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(changed) = serde_json::from_slice::<openclaw_package::registry::Provenance>(&bytes) else {
            continue;
        };
        if let Ok(proven) = changed.verify(&fingerprint(), &hello(), &version("1.0.0")) {
            // A key id is a hint, and roots may be written in another way; what is proved is the same.
            assert_eq!((proven.release, proven.log_index), (honest.release.clone(), honest.log_index));
            believed += 1;
        }
    }
    assert!(believed < text.len() / 20, "{believed} of {}", text.len());
}

#[test]
fn an_event_of_another_registry_cannot_be_replayed() {
    let mut registry = released();
    let foreign = Envelope::parse(registry.events[1].entry.as_bytes()).unwrap();
    let mut event = openclaw_package::registry::Event::read_unverified(&foreign).unwrap();
    event.origin = "other.example.com".parse().unwrap();
    event.sequence = 2;
    event.previous = registry.history.head();
    event.time = now();
    registry.log(&event.sign(&[&key(PUBLISHER_KEY)]));
    assert_eq!(refused(&registry, 1), "foreign-origin");
}
