//! Logins and tokens: who is let in, what a token may do, and who may see it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openclaw_tests::http::Answer;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Ran, Registry, Skill};
use serde_json::json;

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
