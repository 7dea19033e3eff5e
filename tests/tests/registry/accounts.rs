//! Who may do what at a registry: publishers and their keys, tokens, logins, private skills, and other registries.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openclaw_tests::http::{Answer, Request};
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Ran, Registry, Skill};
use serde_json::json;

use super::{findings, versions};

// --- private ------------------------------------------------------------------------------------------------------

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

// --- keys ---------------------------------------------------------------------------------------------------------

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

// --- two registries -----------------------------------------------------------------------------------------------

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

// --- logins and tokens --------------------------------------------------------------------------------------------

#[test]
fn a_login_needs_a_fingerprint_or_a_person_who_confirms_it() {
    let registry = Registry::start();
    let home = Home::empty().apart();
    let url = registry.url();
    let refused = home.registry(["login", "--registry", &url]).refused("fingerprint-needed");
    assert_eq!(refused.exit, 3);
    assert!(refused.hint().contains("--fingerprint"), "{refused:?}");
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = home.registry(["login", "--registry", &url, "--fingerprint", &other]).error();
    assert_eq!((refused.exit, refused.code.as_str()), (3, "fingerprint-differs"), "{refused:?}");
    let pinned = registry.fingerprint();
    let wrong = format!("oct_{}", "x".repeat(32));
    for (token, code, exit) in [(wrong.as_str(), "bad-token", 3), ("two words", "invalid-token", 2)] {
        let line = ["login", "--registry", &url, "--fingerprint", pinned, "--token", token];
        let refused = home.registry(line).error();
        assert_eq!((refused.code.as_str(), refused.exit), (code, exit), "{refused:?}");
        assert!(!format!("{refused:?}").contains(token), "{refused:?}");
    }
    for (url, code) in [
        ("ftp://127.0.0.1", "invalid-registry-url"),
        ("http://user:secret@127.0.0.1:1", "invalid-registry-url"),
        ("http://registry.example", "plain-http"),
    ] {
        let refused = home.registry(["login", "--registry", url, "--fingerprint", pinned]).error();
        assert_eq!(refused.code, code, "{url}: {refused:?}");
    }
    assert_eq!(home.registry(["list"]).json(), json!([]), "something was stored");
    let refused = home.registry(["search", "x"]).refused("no-registry");
    assert_eq!(refused.exit, 4);
    assert!(refused.hint().contains("openclaw registry login"), "{refused:?}");
    // The right one, without any token.
    let login = home.registry(["login", "--registry", &url, "--fingerprint", pinned]).json();
    assert_eq!((&login["has_token"], &login["default"]), (&json!(false), &json!(true)), "{login}");
    assert_eq!(login["fingerprint"], pinned);
    // A second login to what is pinned needs no fingerprint.
    home.registry(["login", "--registry", &url]).json();
}

#[test]
fn another_registry_under_a_known_url_is_refused_until_it_is_replaced() {
    let (one, _publisher) = with_hello(&["1.0.0"]);
    let other = Registry::start();
    let proxy = Proxy::before(&one);
    let home = Home::reader_at(&proxy.url(), &one);
    home.fetch(HELLO).json();
    proxy.turn_to(&other);
    let before = home.snapshot();
    let url = proxy.url();
    let login = ["login", "--registry", &url, "--fingerprint", other.fingerprint()];
    let refused = home.registry(login).refused("fingerprint-differs");
    assert!(refused.hint().contains("--replace"), "{refused:?}");
    for line in [vec!["install", HELLO], vec!["update"], vec!["audit"]] {
        assert_eq!(home.registry(&line).error().exit, 3, "{line:?}");
    }
    before.is_still(&home.snapshot(), &"another registry under a known URL");
    home.registry(login.iter().copied().chain(["--replace"])).json();
    // What was installed from the first one still runs, and no proof of it is taken for one of the second.
    home.runs_hello();
    let verified = home.registry(["verify"]);
    assert_eq!(verified.code, Some(3), "{verified}");
    assert!(verified.stdout.contains("unknown-registry"), "{verified}");
}

/// All files below a directory that hold a text.
fn files_with(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(holds.then_some(path));
        }
    }
    found
}

#[test]
fn a_token_is_for_its_owner_alone_and_never_shown() {
    let mut registry = Registry::start();
    let token = registry.token().to_owned();
    let home = Home::publisher_at(&registry);
    let proxy = Proxy::before(&registry);
    let stored = files_with(&home.root(), &token);
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(std::fs::metadata(&stored[0]).unwrap().permissions().mode() & 0o777, 0o600);

    let archive = home.pack(&hello("1.0.0"));
    let archive = archive.to_str().unwrap();
    let mut said = String::new();
    let mut says = |ran: Ran| said.push_str(&format!("{}{}", ran.stdout, ran.stderr));
    for line in [
        vec!["whoami"],
        vec!["publish", archive],
        vec!["publish", archive],
        vec!["search", "hello"],
        vec!["info", HELLO],
        vec!["install", HELLO],
        vec!["update"],
        vec!["verify"],
        vec!["audit", "--whole-log"],
        vec!["yank", "acme/hello@1.0.0"],
        vec!["list"],
        vec!["info", "acme/nothing"],
    ] {
        says(home.registry(&line));
        says(home.plain([vec!["registry"], line].concat()));
    }
    says(home.run(["doctor"]));
    // Refusals that quote what was said: by the registry, about the token, to a token.
    let login = ["login", "--registry", &proxy.url(), "--fingerprint", registry.fingerprint(), "--token"];
    home.registry(login.iter().copied().chain([token.as_str()])).json();
    let bearer = r#"{"error":{"code":"bad-token","message":"the token is unknown"}}"#;
    proxy.answer("/api/v1/whoami", Answer { status: 401, ..Answer::json(bearer) });
    says(home.registry(["whoami", "--registry", &proxy.url()]));
    says(home.registry(["list"]));
    registry.stop();
    says(home.registry(["whoami"]));
    said.push_str(&std::fs::read_to_string(registry.said()).unwrap());
    assert!(!said.contains(&token[4..]), "the token was shown");
    // The registry keeps what it needs to know it again, not the token.
    assert_eq!(files_with(&registry.data(), &token[4..]), [""; 0].map(PathBuf::from));
    // A file that others can read is not used.
    std::fs::set_permissions(&stored[0], std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = home.registry(["whoami", "--registry", &registry.url()]).error();
    assert_eq!(refused.exit, 6, "{refused:?}");
}

#[test]
fn a_token_does_what_it_was_issued_for_and_no_more() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let token = |pattern: &str, scopes: &[&str]| {
        let home = Home::empty().apart();
        let copied = publisher.data().join("keys/acme.key");
        std::fs::create_dir(home.data().join("keys")).unwrap();
        std::fs::copy(copied, home.data().join("keys/acme.key")).unwrap();
        let token = registry.issue(pattern, scopes);
        home.login(&registry.url(), &registry, Some(&token)).json();
        home
    };
    let publishes = |home: &Home, skill: &Skill| home.publish_archive(&home.pack(skill), &[]);
    let forbidden = |ran: Ran, code: &str| {
        let refused = ran.error();
        assert_eq!((refused.exit, refused.code.as_str()), (3, code), "{}: {refused:?}", ran.line);
        assert!(refused.hint.is_some(), "{refused:?}");
    };
    let before = registry.state();
    let updates = token(HELLO, &["publish-update"]);
    let whoami = updates.registry(["whoami"]).json();
    assert_eq!(whoami["scopes"], json!(["publish-update"]), "{whoami}");
    assert_eq!((&whoami["publisher"], &whoami["pattern"]), (&json!("acme"), &json!("acme/hello")));
    forbidden(publishes(&updates, &Skill::tiny("brand-new")), "missing-scope");
    forbidden(updates.registry(["yank", "acme/hello@1.0.0"]), "missing-scope");
    forbidden(updates.run(["key", "rotate", "acme"]), "missing-scope");
    let new = token("acme/tool-*", &["publish-new"]);
    forbidden(publishes(&new, &hello("1.1.0")), "missing-scope");
    forbidden(publishes(&new, &Skill::tiny("brand-new")), "outside-pattern");
    before.is_still(&registry, &"tokens for other things");
    publishes(&updates, &hello("1.1.0")).json();
    publishes(&new, &Skill::tiny("tool-one")).json();
    // Another publisher's token is good for nothing of ours.
    let neighbour = Home::publisher_at(&registry);
    std::fs::copy(publisher.data().join("keys/acme.key"), neighbour.data().join("keys/acme.key")).unwrap();
    let theirs = registry.token_of("neighbour");
    neighbour.login(&registry.url(), &registry, Some(&theirs)).json();
    let before = registry.state();
    forbidden(publishes(&neighbour, &hello("1.2.0")), "wrong-publisher");
    forbidden(neighbour.registry(["yank", "acme/hello@1.0.0"]), "wrong-publisher");
    before.is_still(&registry, &"another publisher's token");
    // Without any token there is no publishing.
    let stranger = Home::reader_of(&registry);
    std::fs::create_dir_all(stranger.data().join("keys")).unwrap();
    std::fs::copy(publisher.data().join("keys/acme.key"), stranger.data().join("keys/acme.key")).unwrap();
    let refused = publishes(&stranger, &hello("1.2.0")).refused("token-required");
    assert!(refused.hint().contains("openclaw registry login"), "{refused:?}");
}

#[test]
fn a_token_that_was_revoked_ends_at_once() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let listed = registry.admin(["token", "list"]).json();
    let id = listed["tokens"][0]["id"].as_str().unwrap_or_else(|| panic!("no id in {listed}"));
    assert!(!listed.to_string().contains("oct_"), "{listed}");
    registry.admin(["token", "revoke", id]).json();
    let refused = publisher.publish_archive(&publisher.pack(&hello("1.1.0")), &[]).refused("bad-token");
    assert_eq!(refused.exit, 3);
    publisher.registry(["whoami"]).refused("bad-token");
    // Even what is public is not shown to who says something wrong about himself; without the token it is.
    publisher.registry(["logout"]).json();
    publisher.registry(["info", HELLO]).json();
}
