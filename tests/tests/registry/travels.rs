//! From a publisher to a stranger: publish, find, choose, install, update.

use openclaw_runtime::lockfile::Lockfile;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Registry, Skill};
use serde_json::json;

use super::{findings, versions};

#[test]
fn a_skill_travels_from_its_publisher_to_a_stranger() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let skill = hello("1.0.0").memory();
    let archive = publisher.pack(&skill);
    let published = publisher.publish_archive(&archive, &["--category=developer-tools"]).json();
    assert_eq!((&published["skill"], &published["version"]), (&json!(HELLO), &json!("1.0.0")));
    assert_eq!(published["already"], false);
    let again = publisher.publish_archive(&archive, &["--category=developer-tools"]).json();
    assert_eq!((&again["already"], &again["log_index"]), (&json!(true), &published["log_index"]));

    // Nothing but the URL and the fingerprint: no key was added by hand, and no trust.
    let stranger = Home::reader_of(&registry);
    for words in [vec!["hello"], vec!["hel"], vec!["guest", "--category", "developer-tools"], vec![]] {
        let found = stranger.registry([vec!["search"], words.clone()].concat()).json();
        assert_eq!(found["results"][0]["skill"], HELLO, "{words:?}: {found}");
        assert_eq!(found["results"][0]["permissions"], json!(["memory"]), "{found}");
    }
    for words in [vec!["zebra"], vec!["hello", "--category", "games"]] {
        let found = stranger.registry([vec!["search"], words.clone()].concat()).json();
        assert_eq!(found["results"], json!([]), "{words:?}");
    }
    let categories = stranger.registry(["search", "--categories"]).json();
    assert_eq!(categories, json!([{ "category": "developer-tools", "skills": 1 }]));

    let page = stranger.registry(["info", HELLO]).json();
    assert_eq!(page["release"]["permissions"][0]["permission"], "memory", "{page}");
    assert_eq!(page["release"]["permissions"][0]["reason"], "tests", "{page}");
    assert_eq!(page["release"]["signer"], publisher.public_key(), "{page}");
    assert_eq!(page["release"]["log_index"], published["log_index"], "{page}");
    assert_eq!(page["release"]["tools"][0]["name"], "run", "{page}");
    let shown = stranger.plain(["registry", "info", HELLO]).success();
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no {text:?} in {shown}"));
    assert!(place("it asks to") < place("A guest of the tests."), "what is asked for comes first: {shown}");

    let refused = stranger.registry(["install", HELLO]).refused("consent-needed");
    assert_eq!(refused.exit, 3);
    assert!(refused.hint().contains("--yes"), "{refused:?}");
    let installed = stranger.fetch("acme/hello@^1").json();
    assert_eq!(installed[0]["version"], "1.0.0", "{installed}");
    assert_eq!(installed[0]["digest"], published["digest"], "{installed}");
    assert_eq!(installed[0]["origin"], registry.origin(), "{installed}");
    assert_eq!(installed[0]["log_index"], published["log_index"], "{installed}");
    assert_eq!(installed[0]["permissions"][0]["status"], "granted", "{installed}");
    stranger.runs_hello();
    assert_eq!(stranger.run(["trust", "list"]).json(), json!([]), "no key was trusted by hand");

    let verified = stranger.registry(["verify"]).json();
    assert_eq!(verified[0]["status"], "verified", "{verified}");
    assert_eq!(verified[0]["origin"], registry.origin(), "{verified}");
    let audit = stranger.registry(["audit", "--whole-log"]).json();
    assert_eq!(findings(&audit), [""; 0], "{audit}");
    let log = &audit["registries"][0]["log"];
    assert_eq!((&log["from"], &log["findings"]), (&json!(0), &json!([])), "{audit}");
    assert!(log["to"].as_u64() > published["log_index"].as_u64(), "{audit}");
    stranger.run(["remove", HELLO]).json();
    assert_eq!(stranger.run(["list"]).json(), json!([]));
    registry.is_sound();
}

#[test]
fn the_lockfile_says_all_that_pins_a_skill() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let published = publisher.publish(&hello("1.2.3").memory());
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/hello@^1").json();
    let path = stranger.data().join("openclaw.lock");
    let lockfile = Lockfile::load(&path).unwrap();
    let locked = lockfile.get(&HELLO.parse().unwrap()).unwrap();
    assert_eq!(locked.version.to_string(), "1.2.3");
    assert_eq!(json!(locked.archive.to_string()), published["digest"]);
    assert_eq!(locked.signer.to_string(), publisher.public_key());
    assert_eq!(locked.origin.to_string(), registry.origin());
    assert_eq!(json!(locked.log_index), published["log_index"]);
    assert_eq!(locked.range.as_ref().unwrap().to_string(), "^1");
    assert_eq!(locked.grants.len(), 1);
    let signature = std::fs::read(publisher.path("hello-1.2.3.tar.gz.dsse.json")).unwrap();
    let envelope = openclaw_package::Envelope::parse(&signature).unwrap();
    assert_eq!(locked.statement, openclaw_package::Digest::of(envelope.payload_unverified()));
}

#[test]
fn an_update_that_asks_for_more_waits_for_consent() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.registry(["install", "acme/hello@^1"]).json();
    assert_eq!(stranger.registry(["update"]).json(), json!([]));
    publisher.publish(&hello("1.1.0").memory().tree("$data", "write"));

    stranger.registry(["info", HELLO]).json();
    let before = stranger.installed_snapshot();
    let planned = stranger.registry(["update", "--dry-run"]).json();
    assert_eq!((&planned[0]["installed"], &planned[0]["version"]), (&json!("1.0.0"), &json!("1.1.0")));
    let asked = planned[0]["asks_anew"].as_array().unwrap();
    assert_eq!(asked.len(), 2, "{planned}");
    assert!(planned.to_string().contains("memory"), "{planned}");
    let shown = stranger.plain(["registry", "update", "--dry-run"]);
    assert!(shown.stderr.contains("(new) ") && shown.stdout.contains("1.0.0 -> 1.1.0"), "{shown}");
    stranger.registry(["update"]).refused("consent-needed");
    before.is_still(&stranger.installed_snapshot(), &"a dry run, and an update without consent");
    stranger.has_nothing_staged();
    stranger.runs_hello();

    let updated = stranger.registry(["update", "--yes"]).json();
    assert_eq!((&updated[0]["previous"], &updated[0]["version"]), (&json!("1.0.0"), &json!("1.1.0")));
    stranger.runs_hello();
    // What asks for less, or for the same, waits for nobody.
    publisher.publish(&hello("1.2.0").memory());
    let planned = stranger.registry(["update", "--dry-run"]).json();
    assert_eq!(planned[0]["asks_anew"], json!([]), "{planned}");
    assert_eq!(planned[0]["asks_no_longer"].as_array().map(Vec::len), Some(1), "{planned}");
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.2.0"]);
    stranger.runs_hello();
}

#[test]
fn an_update_stays_within_the_range_that_was_asked_for() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/hello@^1").json();
    for version in ["1.1.0", "2.0.0", "2.1.0-rc.1"] {
        publisher.publish(&hello(version));
    }
    assert_eq!(versions(&stranger.registry(["update", "--dry-run"]).json()), ["1.1.0"]);
    assert_eq!(versions(&stranger.registry(["update", HELLO]).json()), ["1.1.0"]);
    assert_eq!(stranger.registry(["update"]).json(), json!([]));
    assert_eq!(findings(&stranger.registry(["audit"]).json()), ["newer-version"]);
    assert_eq!(versions(&stranger.registry(["update", "--latest"]).json()), ["2.0.0"]);
    assert_eq!(stranger.registry(["update"]).json(), json!([]), "a pre-release is not chosen unasked");
    assert_eq!(versions(&stranger.registry(["update", "--pre-releases"]).json()), ["2.1.0-rc.1"]);
    // Back only where that is asked for.
    stranger.fetch("acme/hello@=1.0.0").refused("downgrade");
    assert_eq!(stranger.version_of(HELLO).as_deref(), Some("2.1.0-rc.1"));
    stranger.registry(["install", "acme/hello@=1.0.0", "--allow-downgrade"]).json();
    assert_eq!(stranger.version_of(HELLO).as_deref(), Some("1.0.0"));
    stranger.runs_hello();
}

#[test]
fn a_version_is_chosen_by_range_and_several_skills_come_at_once() {
    let (registry, publisher) = with_hello(&["0.9.0", "1.0.0", "1.5.0", "2.0.0", "3.0.0-beta.1"]);
    publisher.publish(&Skill::tiny("other").versioned("0.1.0"));
    let chosen = |spec: &str| {
        let stranger = Home::reader_of(&registry);
        let ran = stranger.registry(["install", spec]);
        if ran.code == Some(0) { versions(&ran.json())[0].to_owned() } else { ran.error().code }
    };
    for (spec, expected) in [
        ("acme/hello", "2.0.0"),
        ("acme/hello@^1", "1.5.0"),
        ("acme/hello@1", "1.5.0"),
        ("acme/hello@~1.0", "1.0.0"),
        ("acme/hello@=0.9.0", "0.9.0"),
        ("acme/hello@>=1, <2", "1.5.0"),
        ("acme/hello@=3.0.0-beta.1", "3.0.0-beta.1"),
        ("acme/hello@^4", "no-matching-version"),
        ("acme/nothing", "unknown-skill"),
        ("nobody/hello", "unknown-skill"),
    ] {
        assert_eq!(chosen(spec), expected, "{spec}");
    }
    let stranger = Home::reader_of(&registry);
    let both = stranger.registry(["install", "acme/other", "acme/hello@^1"]).json();
    assert_eq!(versions(&both), ["0.1.0", "1.5.0"]);
    assert_eq!(stranger.run(["list"]).json().as_array().map(Vec::len), Some(2));
    // One that is not there takes the others with it, before anything is changed.
    let before = stranger.installed_snapshot();
    stranger.registry(["install", "acme/hello@2", "acme/nothing"]).refused("unknown-skill");
    before.is_still(&stranger.installed_snapshot(), &"one of two is not there");
}

#[test]
fn an_update_that_fails_prints_no_document_and_no_skill_is_named_twice() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let home = Home::reader_of(&registry);
    let refused = home.registry(["install", HELLO, "acme/hello@=1.0.0"]).refused("usage");
    assert_eq!(refused.exit, 2);
    assert_eq!(home.run(["list"]).json(), json!([]));
    home.fetch(HELLO).json();
    publisher.registry(["yank", "acme/hello@7.0.0"]).refused("not-released");
    // With a token or without, a second login says so.
    let again = publisher.login(&registry.url(), &registry, None).json();
    assert_eq!(
        (&again["has_token"], &again["token"]["publisher"]),
        (&json!(true), &json!("acme")),
        "{again}"
    );
    registry.stop();
    let ran = home.registry(["update"]);
    assert_eq!((ran.error().exit, ran.stdout.as_str()), (7, ""), "{ran}");
}
