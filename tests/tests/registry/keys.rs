//! A publisher's keys: one takes another's place, at one registry and at the next.

use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry};
use serde_json::json;

use super::findings;

#[test]
fn a_new_key_signs_what_comes_and_the_old_one_what_came() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let old_key = publisher.public_key();
    // Packed by the old key, and published too late.
    let late = publisher.pack(&hello("1.0.1"));
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();

    let rotated = publisher.run(["key", "rotate", "acme", "--reason", "laptop lost"]).json();
    let new_key = publisher.public_key();
    assert_eq!(rotated["public_key"], new_key);
    assert_ne!(new_key, old_key);
    assert_eq!(rotated["log_indices"].as_array().map(Vec::len), Some(2), "a grant and a revocation");
    let before = registry.state();
    publisher.publish_archive(&late, &[]).error();
    before.is_still(&registry, &"a package by a key that was revoked");

    // What the old key signed stays valid, here and for newcomers; they are told.
    stranger.runs_hello();
    assert_eq!(stranger.registry(["verify"]).json()[0]["status"], "verified");
    let audit = stranger.registry(["audit"]).json();
    assert_eq!(findings(&audit), ["signer-revoked"], "{audit}");
    assert!(audit.to_string().contains("laptop lost"), "{audit}");
    let newcomer = Home::reader_of(&registry);
    let installed = newcomer.plain(["registry", "install", HELLO]);
    assert!(installed.stderr.contains("was revoked later"), "{installed}");
    newcomer.runs_hello();

    // What the new key signs comes without a question.
    publisher.publish(&hello("1.1.0"));
    let updated = stranger.registry(["update"]).json();
    assert_eq!((&updated[0]["version"], &updated[0]["signer"]), (&json!("1.1.0"), &json!(new_key)));
    stranger.runs_hello();
    assert_eq!(findings(&stranger.registry(["audit"]).json()), [""; 0]);
    // The last key stays; one that is none of theirs cannot go.
    let only = publisher.run(["key", "revoke", "acme", &new_key, "--reason", "all of them"]).error();
    assert_eq!((only.exit, only.code.as_str()), (3, "last-key"), "{only:?}");
    registry.is_sound();
}

#[test]
fn a_rotation_whose_answer_was_lost_is_taken_up_again() {
    let registry = Registry::start();
    let proxy = Proxy::before(&registry);
    let publisher = Home::empty().apart();
    publisher.run(["key", "new", "acme"]).json();
    publisher.login(&proxy.url(), &registry, Some(registry.token())).json();
    publisher.publish(&hello("1.0.0"));
    let old_key = publisher.public_key();
    proxy.send_once("/api/v1/publishers/acme/events", |answer| Way::Cut(answer, 0));
    let lost = publisher.run(["key", "rotate", "acme"]).error();
    assert_eq!(lost.exit, 7, "{lost:?}");
    assert_eq!(publisher.public_key(), old_key, "nobody has said that it was done");
    let rotated = publisher.run(["key", "rotate", "acme"]).json();
    assert_eq!(rotated["log_indices"], json!([]), "it was done already");
    assert_ne!(publisher.public_key(), old_key);
    publisher.publish(&hello("1.1.0"));
    registry.is_sound();
}

#[test]
fn the_old_key_of_a_stolen_machine_can_do_nothing_any_more() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    // The thief has the whole home: key, token and all.
    let thief = Home::publisher_at(&registry);
    std::fs::copy(publisher.data().join("keys/acme.key"), thief.data().join("keys/acme.key")).unwrap();
    let old_key = thief.public_key();
    publisher.run(["key", "rotate", "acme", "--reason", "stolen"]).json();
    let before = registry.state();
    for ran in [
        thief.publish_archive(&thief.pack(&hello("6.6.6")), &[]),
        thief.registry(["yank", "acme/hello@1.0.0"]),
        thief.run(["key", "rotate", "acme"]),
        thief.run(["key", "revoke", "acme", &publisher.public_key(), "--reason", "mine now"]),
    ] {
        let refused = ran.error();
        assert_eq!((refused.exit, refused.code.as_str()), (3, "inactive-key"), "{}: {refused:?}", ran.line);
    }
    before.is_still(&registry, &"a revoked key");
    assert_eq!(thief.public_key(), old_key, "a rotation that failed changed the key");
    publisher.publish(&hello("1.1.0"));
}

#[test]
fn a_key_that_was_rotated_at_one_registry_is_rotated_at_the_next_too() {
    let (one, publisher) = with_hello(&["1.0.0"]);
    let (other, _) = with_hello(&[]);
    let (first, second) = (one.url(), other.url());
    publisher.login(&second, &other, Some(other.token())).json();
    let at = |url: &str| vec!["--registry".to_owned(), url.to_owned()];
    let rotate =
        |url: &str| publisher.run(["key", "rotate", "acme"].map(str::to_owned).into_iter().chain(at(url)));
    let publish = |version: &str, url: &str| {
        let archive = publisher.pack(&hello(version));
        publisher.publish_archive(&archive, &["--registry", url])
    };
    publish("1.0.0", &second).json();
    let old_key = publisher.public_key();
    rotate(&second).json();
    let new_key = publisher.public_key();
    assert_ne!(old_key, new_key);
    publish("1.1.0", &second).json();
    // The first one still knows the old key only.
    let refused = publish("1.2.0", &first).refused("inactive-key");
    assert_eq!(refused.hint(), format!("openclaw key rotate acme --registry {first}"));
    let rotated = rotate(&first).json();
    assert_eq!(rotated["public_key"], json!(new_key), "no other key is made");
    assert_eq!(publisher.public_key(), new_key);
    publish("1.2.0", &first).json();
    // A rotation that fails says where its key is.
    publisher.registry(["logout", "--registry", &first]).json();
    let refused = rotate(&first).refused("token-required");
    assert!(refused.message.contains("acme.next; run it again to use it"), "{refused:?}");
    one.is_sound();
    other.is_sound();
}
