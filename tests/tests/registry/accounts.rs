//! Who may see what: private skills, and registries that have the same publisher or take each other's name.

use std::path::PathBuf;

use openclaw_tests::http::Request;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry, Skill};
use serde_json::json;

use super::{findings, versions};

#[test]
fn private_skills_are_seen_by_their_publisher_alone() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let archive = publisher.pack(&Skill::tiny("secret-plans"));
    let published = publisher.publish_archive(&archive, &["--visibility=private", "--category=plans"]).json();
    publisher.publish(&hello("1.0.0"));
    let digest = published["digest"].as_str().unwrap().replace("sha256:", "");

    let stranger = Home::reader_of(&registry);
    let neighbour = Home::empty().apart();
    let token = registry.token_of("neighbour");
    neighbour.login(&registry.url(), &registry, Some(&token)).json();
    for home in [&stranger, &neighbour] {
        for words in [vec![], vec!["secret"], vec!["--category", "plans"]] {
            let found = home.registry([vec!["search"], words].concat()).json();
            assert!(!found.to_string().contains("secret-plans"), "{found}");
        }
        let categories = home.registry(["search", "--categories"]).json();
        assert!(!categories.to_string().contains("plans"), "{categories}");
        let refused = home.registry(["info", "acme/secret-plans"]).refused("not-found");
        assert_eq!(refused.exit, 4);
        let refused = home.fetch("acme/secret-plans").refused("unknown-skill");
        assert_eq!(refused.exit, 4);
        home.fetch(HELLO).json();
    }
    // The same answer as for what is not there at all.
    let requests = |path: &str| [Request::get(path), Request::get(path).by(&token)];
    for (hidden, missing) in [
        ("/index/acme/secret-plans", "/index/acme/secret-plant"),
        ("/api/v1/skills/acme/secret-plans", "/api/v1/skills/acme/secret-plant"),
        ("/api/v1/skills/acme/secret-plans/1.0.0", "/api/v1/skills/acme/secret-plant/1.0.0"),
        (
            "/api/v1/skills/acme/secret-plans/1.0.0/provenance",
            "/api/v1/skills/acme/secret-plant/1.0.0/provenance",
        ),
        (&format!("/blobs/sha256/{digest}"), &format!("/blobs/sha256/{}", "0".repeat(64))),
    ] {
        for (hidden, missing) in requests(hidden).iter().zip(requests(missing)) {
            let (hidden, missing) = (registry.ask(hidden), registry.ask(&missing));
            assert_eq!(
                (hidden.refused(404), hidden.headers.len()),
                (missing.refused(404), missing.headers.len())
            );
        }
    }
    for path in ["/.well-known/agent-skills/index.json", "/api/v1/publishers/acme", "/api/v1/search?q="] {
        for request in requests(path) {
            let answer = registry.ask(&request);
            assert!(!answer.text().contains("secret-plans"), "{path}: {}", answer.text());
        }
    }

    // Its publisher sees, installs and updates it, from any machine with a token.
    let own = Home::empty().apart();
    own.login(&registry.url(), &registry, Some(registry.token())).json();
    let found = own.registry(["search", "secret"]).json();
    assert_eq!(found["results"][0]["visibility"], "private", "{found}");
    own.fetch("acme/secret-plans").json();
    assert_eq!(own.call("secret-plans/run", &json!({})).output(), json!({ "ok": true }));
    // Once the token is forgotten it is out of sight, and runs on.
    own.registry(["logout"]).json();
    own.registry(["info", "acme/secret-plans"]).refused("not-found");
    assert_eq!(own.call("secret-plans/run", &json!({})).output(), json!({ "ok": true }));
}

#[test]
fn what_was_public_cannot_be_made_private_and_what_was_private_can_be_published() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let private = |archive: PathBuf| publisher.publish_archive(&archive, &["--visibility=private"]);
    let refused = private(publisher.pack(&hello("1.1.0"))).refused("visibility-narrowed");
    assert_eq!(refused.exit, 3);
    private(publisher.pack(&Skill::tiny("draft"))).json();
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/draft").refused("unknown-skill");
    // A new version is as the skill is, unless it is said.
    publisher.publish(&Skill::tiny("draft").versioned("1.0.1"));
    stranger.fetch("acme/draft").refused("unknown-skill");
    let public = publisher.pack(&Skill::tiny("draft").versioned("1.1.0"));
    publisher.publish_archive(&public, &["--visibility=public"]).json();
    assert_eq!(versions(&stranger.fetch("acme/draft").json()), ["1.1.0"]);
    // What is no visibility, or no category.
    let archive = publisher.pack(&hello("1.2.0"));
    let refused = publisher.publish_archive(&archive, &["--visibility=secret"]).error();
    assert_eq!(refused.exit, 2, "{refused:?}");
    let before = registry.state();
    for category in ["Developer Tools", "../tools", ""] {
        let refused = publisher.publish_archive(&archive, &[&format!("--category={category}")]).error();
        assert!(matches!(refused.exit, 2 | 3), "{category:?}: {refused:?}");
        assert!(
            refused.message.to_lowercase().contains("name") || refused.message.contains("category"),
            "{refused:?}"
        );
    }
    before.is_still(&registry, &"no category");
    registry.is_sound();
}

#[test]
fn two_registries_with_the_same_publisher_do_not_mix() {
    let (one, _first) = with_hello(&["1.0.0"]);
    let (other, second) = with_hello(&["1.0.0", "9.0.0"]);
    assert_ne!(one.origin(), other.origin());
    let home = Home::reader_of(&one);
    home.login(&other.url(), &other, None).json();
    let known = home.registry(["list"]).json();
    assert_eq!(known.as_array().map(Vec::len), Some(2), "{known}");
    let default: Vec<_> = known.as_array().unwrap().iter().filter(|one| one["default"] == true).collect();
    assert_eq!(default.len(), 1, "{known}");
    assert_eq!(default[0]["origin"], one.origin(), "the first one is the default: {known}");

    home.fetch(HELLO).json();
    let before = home.installed_snapshot();
    let line = ["install", HELLO, "--yes", "--registry", &other.url()];
    let refused = home.registry(line).refused("origin-changed");
    assert_eq!(refused.exit, 3);
    // Nor does an update go anywhere else.
    assert_eq!(home.registry(["update", "--latest"]).json(), json!([]));
    before.is_still(&home.installed_snapshot(), &"a skill of the same name elsewhere");
    home.has_nothing_staged();
    home.runs_hello();
    let audit = home.registry(["audit"]).json();
    assert_eq!(findings(&audit), [""; 0], "{audit}");
    assert_eq!(audit["registries"].as_array().map(Vec::len), Some(2), "{audit}");

    // Once it is removed, the name is free for the other one.
    home.run(["remove", HELLO]).json();
    assert_eq!(home.registry(line).json()[0]["origin"], other.origin());
    assert_eq!(home.version_of(HELLO).as_deref(), Some("9.0.0"));
    home.registry(["list", "--default", &other.url()]).json();
    second.publish(&hello("9.1.0"));
    assert_eq!(versions(&home.registry(["update"]).json()), ["9.1.0"]);
    // A registry that took its own down says nothing of what came from elsewhere under the same name.
    one.admin(["takedown", HELLO, "--reason", "ours was bad"]).json();
    assert_eq!(home.registry(["audit"]).code, Some(0));
    home.runs_hello();
}

#[test]
fn a_registry_that_takes_the_name_of_another_gets_nothing_of_it() {
    let (one, _publisher) = with_hello(&["1.0.0"]);
    let impostor = Registry::start_as(one.origin());
    assert_eq!(one.origin(), impostor.origin());
    assert_ne!(one.fingerprint(), impostor.fingerprint());
    Home::publisher_at(&impostor).publish(&hello("6.6.6"));
    let home = Home::reader_of(&one);
    home.fetch(HELLO).json();
    let before = home.snapshot();
    let refused = home.login(&impostor.url(), &impostor, None).error();
    assert_eq!(refused.exit, 3, "{refused:?}");
    before.is_still(&home.snapshot(), &"a registry of the same name");
    assert_eq!(home.registry(["update"]).json(), json!([]));
    assert_eq!(home.version_of(HELLO).as_deref(), Some("1.0.0"));
    // The same registry by way of another URL is no impostor.
    home.login(&Proxy::before(&one).url(), &one, None).json();
}
