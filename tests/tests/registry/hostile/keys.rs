//! Rows 10 and 14: keys that nobody granted, that were revoked, or that the registry made up.

use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::{Action, Root};
use openclaw_package::{Envelope, SigningKey};
use openclaw_tests::Home;
use openclaw_tests::forgery::{Forgery, Package, key_for, key_of};
use openclaw_tests::http::{Answer, Request};
use openclaw_tests::registry::{HELLO, hello};
use serde_json::{Value, json};

use super::ASKING;
use crate::scene::Scene;

#[test]
fn row_14_a_release_by_a_key_that_was_not_granted_or_was_revoked_is_refused() {
    let scene = Scene::new();
    let old = key_of(&scene.publisher);
    scene.publisher.run(["key", "rotate", "acme"]).json();
    let new = key_of(&scene.publisher);
    let stranger = SigningKey::generate().unwrap();
    let package = |by: &SigningKey| {
        let project = Package::read("hello", "1.1.0", &scene.publisher.pack(&hello("1.1.0")));
        let payload = Envelope::parse(&project.signature).unwrap().payload_unverified().to_vec();
        let signature =
            Envelope::sign(openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE, &payload, &[by]).to_json();
        Package { signature, ..project }
    };
    let honest = Forgery::of(&scene.registry);
    // The key that signed the package, the one that the release names, and the one that signed the release.
    for (what, signer, named, releaser, code) in [
        ("a stranger's release", &stranger, &stranger, &stranger, "bad-signature"),
        ("a stranger's package", &stranger, &stranger, &new, "inactive-key"),
        ("a release by a key that was revoked", &old, &old, &old, "bad-signature"),
        ("a package by a key that was revoked", &old, &old, &new, "inactive-key"),
        ("a good release that a stranger signed", &new, &new, &stranger, "bad-signature"),
        ("a package that is not by the key that is named", &stranger, &new, &new, "bad-signature"),
    ] {
        let package = package(signer);
        let mut forgery = honest.clone();
        let event = forgery.next(package.release(&named.public_key())).sign(&[releaser]);
        let index = forgery.append(&event);
        forgery.list(&package, index);
        scene.proxy.be_honest();
        forgery.speak_through(&scene.proxy);
        // Each is another log, which only somebody meets who has seen none of the others.
        let victim = Home::reader_at(&scene.proxy.url(), &scene.registry);
        scene.proxy.be_honest();
        victim.fetch("acme/hello@=1.0.0").json();
        forgery.speak_through(&scene.proxy);
        let before = victim.installed_snapshot();
        let ran = victim.fetch("acme/hello@=1.1.0");
        assert_eq!(ran.refused(code).exit, 3, "{what}");
        before.is_still(&victim.installed_snapshot(), &what);
        victim.runs_hello();
    }
    // What the old key has released before stays what it was.
    scene.proxy.be_honest();
    scene.still_works();
    let newcomer = Home::reader_of(&scene.registry);
    newcomer.fetch(HELLO).json();
}

#[test]
fn row_10_a_key_of_small_order_is_never_granted() {
    let scene = Scene::new();
    let key = key_of(&scene.publisher);
    // With the neutral point as key, 32 bytes of it and 32 zeros are a signature of everything for a lax verifier.
    let point = [[1_u8].as_slice(), &[0; 31]].concat();
    let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let weak = format!("ed25519:{}", encode(&point));
    let event = Forgery::of(&scene.registry).next(Action::Grant { key: key.public_key() });
    let payload = Envelope::parse(&event.sign(&[&key]).to_json()).unwrap().payload_unverified().to_vec();
    let payload = String::from_utf8(payload).unwrap().replace(&key.public_key().to_string(), &weak);
    let envelope = Envelope::sign(EVENT_PAYLOAD_TYPE, payload.as_bytes(), &[&key]).to_json();
    let mut envelope: Value = serde_json::from_slice(&envelope).unwrap();
    let forged = json!({ "sig": encode(&[point.as_slice(), &[0; 32]].concat()) });
    envelope["signatures"].as_array_mut().unwrap().push(forged);
    let before = scene.registry.state();
    let request = Request {
        method: "POST".to_owned(),
        target: "/api/v1/publishers/acme/events".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: json!({ "events": [envelope.to_string()] }).to_string().into_bytes(),
    };
    let answer = scene.registry.ask(&request.by(scene.registry.token()));
    assert!(matches!(answer.status, 400 | 422), "{} {}", answer.status, answer.text());
    before.is_still(&scene.registry, &"a weak key");
    // A registry that took it is not followed.
    let mut forgery = Forgery::of(&scene.registry);
    forgery.append(&Envelope::parse(envelope.to_string().as_bytes()).unwrap());
    forgery.speak_through(&scene.proxy);
    let installed = scene.victim.installed_snapshot();
    assert_eq!(scene.victim.fetch(HELLO).error().exit, 3);
    installed.is_still(&scene.victim.installed_snapshot(), &"a weak key");
    scene.still_works();
}

#[test]
fn keys_of_the_registry_that_were_forged_are_refused() {
    let scene = Scene::new();
    let root: Root = {
        let envelope = Envelope::parse(&scene.registry.get("/root.json").body).unwrap();
        serde_json::from_slice(envelope.payload_unverified()).unwrap()
    };
    let (root_key, stranger) = (key_for(&scene.registry, "root"), SigningKey::generate().unwrap());
    let next = |change: &dyn Fn(&mut openclaw_package::registry::RootParts), keys: &[&SigningKey]| {
        let mut parts = root.to_parts();
        parts.version = 2;
        change(&mut parts);
        Root::new(parts).unwrap().sign(keys).to_json()
    };
    // One key that signs twice is one key.
    let twice = {
        let two = next(
            &|parts| {
                parts.keys.push(stranger.public_key());
                parts.threshold = 2;
            },
            &[&root_key],
        );
        let mut envelope: Value = serde_json::from_slice(&two).unwrap();
        let first = envelope["signatures"][0].clone();
        envelope["signatures"].as_array_mut().unwrap().push(first);
        envelope.to_string().into_bytes()
    };
    for (what, root, code) in [
        (
            "signed by a stranger",
            next(&|parts| parts.log_key = stranger.public_key(), &[&stranger]),
            "bad-signature",
        ),
        (
            "signed by the new key alone",
            next(&|parts| parts.keys = vec![stranger.public_key()], &[&stranger]),
            "bad-signature",
        ),
        (
            "signed by the old key alone",
            next(&|parts| parts.keys = vec![stranger.public_key()], &[&root_key]),
            "bad-signature",
        ),
        ("one key counted twice", twice, "bad-signature"),
        (
            "of another registry",
            next(&|parts| parts.origin = "elsewhere.example".parse().unwrap(), &[&root_key]),
            "invalid-root",
        ),
        ("a version too far", next(&|parts| parts.version = 7, &[&root_key]), "invalid-root"),
        (
            "expired",
            next(&|parts| parts.expires = "2020-01-01T00:00:00Z".parse().unwrap(), &[&root_key]),
            "root-expired",
        ),
    ] {
        scene.proxy.be_honest();
        scene.proxy.answer("/root.json", Answer::json(root.clone()));
        scene.proxy.answer("/root/2.json", Answer::json(root));
        for line in ASKING {
            let before = scene.victim.snapshot();
            let refused = scene.victim.registry(line).error();
            assert_eq!(refused.exit, 3, "{what}: {refused:?}");
            assert!(refused.code == code || code == "invalid-root", "{what}: {refused:?}");
            before.is_still(&scene.victim.snapshot(), &what);
        }
    }
    // What the true keys have signed, signed by others.
    scene.proxy.be_honest();
    let mut forgery = Forgery::of(&scene.registry);
    forgery.sign_with(stranger);
    forgery.speak_through(&scene.proxy);
    for line in ASKING {
        let before = scene.victim.snapshot();
        let refused = scene.victim.registry(line).error();
        assert_eq!(refused.exit, 3, "{refused:?}");
        assert!(refused.code.ends_with("checkpoint") || refused.code.ends_with("signature"), "{refused:?}");
        before.is_still(&scene.victim.snapshot(), &"another log key");
    }
    scene.proxy.be_honest();
    scene.still_works();
}
