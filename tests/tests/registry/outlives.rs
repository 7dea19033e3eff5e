//! What was installed outlives the registry, and a registry outlives its machine and its keys.

use openclaw_runtime::lockfile::Lockfile;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use super::versions;

#[test]
fn all_that_was_installed_outlives_the_registry() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    publisher.publish(&Skill::tiny("other").memory());
    let stranger = Home::reader_of(&registry);
    stranger.registry(["install", HELLO, "acme/other", "--yes"]).json();
    registry.vanish();
    stranger.runs_hello();
    // Nothing is left of what was fetched, either.
    std::fs::remove_dir_all(stranger.cache()).unwrap();
    stranger.runs_hello();
    assert_eq!(stranger.call("other/run", &json!({})).output(), json!({ "ok": true }));
    let verified = stranger.registry(["verify"]).json();
    assert_eq!(verified.as_array().map(Vec::len), Some(2), "{verified}");
    for skill in verified.as_array().unwrap() {
        assert_eq!(skill["status"], "verified", "{verified}");
    }
    let before = stranger.snapshot();
    let audited = stranger.registry(["audit"]);
    assert_eq!(audited.code, Some(7), "nobody could be asked: {audited}");
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert!(audit["registries"][0]["outage"].is_string(), "{audit}");
    for line in [
        vec!["search", "hello"],
        vec!["info", HELLO],
        vec!["install", HELLO, "--yes"],
        vec!["update"],
        vec!["update", "--dry-run"],
    ] {
        let refused = stranger.registry(&line).error();
        assert_eq!(
            (refused.exit, refused.code.as_str()),
            (7, "registry-unreachable"),
            "{line:?}: {refused:?}"
        );
        assert!(refused.hint().contains("without the registry"), "{refused:?}");
    }
    before.is_still(&stranger.snapshot(), &"a registry that is gone");
    stranger.run(["remove", "acme/other"]).json();
}

#[test]
fn a_lockfile_gives_the_same_bytes_on_another_machine() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    publisher.publish(&Skill::tiny("other").versioned("0.3.0"));
    let first = Home::reader_of(&registry);
    first.registry(["install", "acme/hello@^1", "acme/other"]).json();
    // A skill of a file is no registry's business.
    first.run(["key", "new", "acme"]).json();
    first.trust(&first.public_key());
    first.install(&Skill::tiny("local"));
    // Newer versions are there by then.
    publisher.publish(&hello("1.9.0"));
    let lockfile = first.path("their.lock");
    std::fs::copy(first.data().join("openclaw.lock"), &lockfile).unwrap();

    let second = Home::reader_of(&registry);
    let arguments = ["registry", "install", "--yes", "--lockfile", lockfile.to_str().unwrap()];
    let installed = second.plain(arguments);
    assert!(installed.stderr.contains("acme/local came from a file, and is left out"), "{installed}");
    installed.success();
    let digests = |home: &Home| -> Vec<Value> {
        let listed = home.run(["list"]).json();
        let listed = listed.as_array().unwrap().iter().filter(|one| one["skill"] != "acme/local");
        listed.map(|one| json!([one["skill"], one["version"], one["digest"], one["signer"]])).collect()
    };
    assert_eq!(digests(&first).len(), 2);
    assert_eq!(digests(&first), digests(&second));
    let pins = |home: &Home| {
        let lockfile = Lockfile::load(&home.data().join("openclaw.lock")).unwrap();
        lockfile.get(&HELLO.parse().unwrap()).unwrap().clone()
    };
    assert_eq!(pins(&first), pins(&second));
    // Other bytes than are pinned are refused, however good they are.
    let text = std::fs::read_to_string(&lockfile).unwrap();
    let pinned = text.lines().find(|line| line.starts_with("archive = ")).unwrap();
    let other = format!("archive = \"sha256:{}\"", "0".repeat(64));
    let edited = first.path("edited.lock");
    std::fs::write(&edited, text.replace(pinned, &other)).unwrap();
    let third = Home::reader_of(&registry);
    third.registry(["install", "--lockfile", edited.to_str().unwrap()]).refused("pin-differs");
    assert_eq!(third.run(["list"]).json(), json!([]));
    // Where there was no login to that registry nothing is installed from any other.
    let nobody = Home::empty().apart();
    let refused = nobody.registry(["install", "--lockfile", lockfile.to_str().unwrap()]).error();
    assert_eq!((refused.exit, refused.code.as_str()), (4, "unknown-registry"), "{refused:?}");
    let refused = nobody.registry(["install", "--lockfile", "/nowhere/openclaw.lock"]).error();
    assert_eq!((refused.exit, refused.code.as_str()), (4, "file-not-found"));
}

#[test]
fn an_operator_restores_a_registry_and_nobody_notices() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();
    let backup = publisher.path("backup.tar");
    registry.admin(["backup", backup.to_str().unwrap()]).json();
    registry.is_sound();
    registry.vanish();
    registry.admin(["restore", backup.to_str().unwrap()]).json();
    registry.serve();
    registry.is_sound();
    publisher.publish(&hello("1.1.0"));
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.1.0"]);
    let audit = stranger.registry(["audit", "--whole-log"]).json();
    assert_eq!(audit["registries"][0]["log"]["findings"], json!([]), "{audit}");
    // A backup is not put over a registry that is there.
    let before = registry.state();
    assert!(matches!(registry.admin(["restore", backup.to_str().unwrap()]).error().exit, 3 | 6));
    before.is_still(&registry, &"a restore over a registry");
}

#[test]
fn new_root_keys_are_followed_from_the_fingerprint_that_was_pinned() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();
    let first = registry.fingerprint().to_owned();
    registry.admin(["root", "rotate"]).json();
    registry.stop();
    registry.serve();
    assert_ne!(registry.fingerprint(), first, "the newest root is another one");
    publisher.publish(&hello("1.1.0"));
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.1.0"]);
    assert_eq!(stranger.registry(["verify"]).json()[0]["status"], "verified");
    // Both fingerprints lead to the same registry.
    for fingerprint in [first.as_str(), registry.fingerprint()] {
        let newcomer = Home::empty().apart();
        let line = ["login", "--registry", &registry.url(), "--fingerprint", fingerprint];
        newcomer.registry(line).json();
        assert_eq!(versions(&newcomer.fetch(HELLO).json()), ["1.1.0"]);
        assert_eq!(newcomer.registry(["verify"]).json()[0]["status"], "verified");
    }
    registry.is_sound();
}
