//! Row 13: a log, a list or a history that is not what it was.

use openclaw_tests::forgery::{Forgery, Package, key_of};
use openclaw_tests::http::Answer;
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::{Home, Registry, Skill};
use serde_json::{Value, json};

use super::ASKING;
use crate::scene::Scene;

/// The evidence of one lie: both signed notes, as they were served.
#[track_caller]
fn is_kept(scene: &Scene, code: &str, seen: &str, served: &str) {
    let evidence = scene.victim.evidence();
    let (path, files) = evidence.last().expect("evidence");
    assert!(path.to_string_lossy().ends_with(code), "{evidence:?}");
    for name in ["about.txt", "seen.note", "served.note"] {
        assert!(files.iter().any(|file| file == name), "{name} in {files:?}");
    }
    let note = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    assert_eq!((note("seen.note"), note("served.note")), (seen.to_owned(), served.to_owned()));
}

#[test]
fn row_13_a_log_that_shrank_or_forked_is_a_hard_stop_with_both_notes_kept() {
    let mut scene = Scene::new();
    // Three futures of one log, each of which the registry's own key has signed.
    let shrunk = Registry::copy(&mut scene.registry);
    let forked = Registry::copy(&mut scene.registry);
    let inconsistent = Registry::copy(&mut scene.registry);
    scene.publisher.publish(&hello("1.1.0"));
    Home::heir_of(&scene.publisher, &forked).publish(&hello("1.2.0"));
    let other = Home::heir_of(&scene.publisher, &inconsistent);
    other.publish(&hello("1.3.0"));
    other.publish(&hello("1.4.0"));

    assert_eq!(scene.victim.registry(["update", "--dry-run"]).json()[0]["version"], "1.1.0");
    let seen = scene.registry.get("/checkpoint").text();
    for (liar, code) in
        [(&shrunk, "log-shrank"), (&forked, "log-forked"), (&inconsistent, "log-inconsistent")]
    {
        scene.proxy.turn_to(liar);
        let served = liar.get("/checkpoint").text();
        for line in ASKING {
            let count = scene.victim.evidence().len();
            scene.refuses(line, code);
            assert_eq!(scene.victim.evidence().len(), count + 1, "{line:?}");
            is_kept(&scene, code, &seen, &served);
        }
        scene.still_works();
        // Only the newest question is answered from the fork: the proof of the release gives it away.
        scene.proxy.turn_to(&scene.registry);
        scene.proxy.borrow("/api/v1/skills/*", liar);
        let refused = scene.victim.fetch(HELLO).error();
        assert_eq!(refused.exit, 3, "{code}: {refused:?}");
        scene.proxy.be_honest();
        scene.still_works();
    }
    // The true one is still followed.
    scene.proxy.turn_to(&scene.registry);
    assert_eq!(scene.victim.registry(["update"]).json()[0]["version"], "1.1.0");
}

#[test]
fn row_13_an_older_version_offered_as_the_latest_is_refused() {
    let scene = Scene::new();
    let paths = ["/index/acme/hello", "/checkpoint", "/api/v1/skills/acme/hello/1.0.0/provenance"];
    let old = paths.map(|path| (path, scene.proxy.record(path)));
    scene.publisher.publish(&hello("1.1.0"));
    scene.victim.registry(["audit"]).json();
    // The index alone is old: the publisher's history names what it withholds.
    scene.proxy.answer(paths[0], old[0].1.clone());
    for line in [&ASKING[0], &ASKING[1]] {
        scene.refuses(line, "index-withholds");
    }
    // An index that calls it yanked, or taken down, is no better.
    for kind in ["yank", "takedown"] {
        scene.proxy.rewrite_text(paths[0], move |index| {
            format!("{index}{{\"type\":\"{kind}\",\"version\":\"1.1.0\",\"reason\":\"so they say\"}}\n")
        });
        scene.refuses(ASKING[0], "index-withholds");
    }
    scene.proxy.be_honest();
    scene.still_works();
    // All of it is old: so is the log, once it was seen.
    old.iter().for_each(|(path, answer)| scene.proxy.answer(path, answer.clone()));
    for line in ASKING {
        scene.refuses(line, "log-shrank");
    }
    scene.still_works();

    // What is installed is not replaced by something older without a flag, whoever says so.
    scene.proxy.be_honest();
    scene.victim.fetch(HELLO).json();
    scene.publisher.registry(["yank", "acme/hello@1.1.0"]).json();
    let before = scene.victim.installed_snapshot();
    scene.victim.fetch(HELLO).refused("downgrade");
    assert_eq!(scene.victim.registry(["update"]).json(), json!([]));
    before.is_still(&scene.victim.installed_snapshot(), &"a downgrade");
    scene.victim.registry(["install", HELLO, "--allow-downgrade"]).json();
    scene.still_works();
}

#[test]
fn row_13_a_list_of_takedowns_that_lost_something_is_refused_and_kept() {
    let scene = Scene::new();
    let old = scene.proxy.record("/takedowns.json");
    scene.registry.admin(["takedown", HELLO, "--version", "1.0.0", "--reason", "it is malware"]).json();
    assert_eq!(scene.victim.registry(["audit"]).code, Some(3));
    scene.proxy.answer("/takedowns.json", old);
    for line in ASKING {
        scene.refuses(line, "takedowns-rolled-back");
    }
    let evidence = scene.victim.evidence();
    assert_eq!(evidence.len(), 3, "{evidence:?}");
    assert!(
        evidence[0].1.contains(&"seen.json".to_owned()) && evidence[0].1.contains(&"served.json".to_owned())
    );
    scene.victim.call("hello/run", &json!({})).refused("taken-down");
}

#[test]
fn row_13_a_revocation_that_was_seen_cannot_be_hidden_again() {
    let scene = Scene::new();
    let paths = ["/api/v1/publishers/acme/history", "/api/v1/skills/acme/hello/1.0.0/provenance"];
    let old = paths.map(|path| scene.proxy.record(path));
    scene.publisher.run(["key", "rotate", "acme", "--reason", "laptop lost"]).json();
    let audit = scene.victim.registry(["audit"]).json();
    assert!(audit.to_string().contains("laptop lost"), "{audit}");
    // The log is the true one; the history is from before.
    scene.proxy.answer(paths[0], Answer { body: Vec::new(), ..old[0].clone() });
    scene.proxy.answer(paths[1], old[1].clone());
    scene.refuses(&["install", HELLO, "--yes"], "history-shrank");
    let evidence = scene.victim.evidence();
    assert!(evidence[0].0.to_string_lossy().ends_with("history-shrank"), "{evidence:?}");
    // The whole history, without its end.
    let whole = old[0].clone();
    scene.proxy.lie(paths[0], move |request, _| {
        let body = if request.target.ends_with("after=0") { whole.body.clone() } else { Vec::new() };
        Some(Way::Whole(Answer { body, ..whole.clone() }))
    });
    std::fs::remove_dir_all(scene.victim.cache().join("registry")).unwrap();
    let audited = scene.victim.registry(["audit"]);
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap_or_else(|_| panic!("{audited}"));
    let finding = &audit["skills"][0]["findings"][0];
    assert_eq!(finding["code"], "history-unknown", "{audit}");
    scene.still_works();
}

#[test]
fn a_registry_that_lies_does_not_keep_the_others_from_being_asked() {
    let scene = Scene::new();
    let other = Registry::start();
    Home::publisher_at(&other).publish(&Skill::tiny("evil"));
    let home = &scene.victim;
    home.login(&other.url(), &other, None).json();
    home.registry(["install", "acme/evil", "--registry", &other.url()]).json();
    other.admin(["takedown", "acme/evil", "--reason", "it is malware"]).json();
    // Whichever of them is asked first.
    assert!(scene.proxy.url() < other.url());
    for lie in [Answer::new(200, "text/html", "<html>"), Answer::new(200, "text/plain", "no note")] {
        scene.proxy.be_honest();
        scene.proxy.answer("/checkpoint", lie);
        let audited = home.registry(["audit"]);
        assert_eq!(audited.code, Some(3), "{audited}");
        home.call("evil/run", &json!({})).refused("taken-down");
    }
    scene.proxy.be_honest();
    home.runs_hello();
}

#[test]
fn what_a_registry_says_is_shown_without_what_it_does_to_a_terminal() {
    let scene = Scene::new();
    let nasty = r"\u001b[2J\u001b]0;owned\u0007\r\nfaked line\u202e\u0000";
    let shown = |ran: openclaw_tests::Ran| {
        for text in [&ran.stdout, &ran.stderr] {
            let bad = text.chars().find(|letter| {
                letter.is_control() && *letter != '\n' || ('\u{202a}'..='\u{202e}').contains(letter)
            });
            assert_eq!(bad, None, "{ran}");
            assert!(!text.lines().any(|line| line.starts_with("faked line")), "{ran}");
        }
        ran
    };
    let plain = |line: &[&str]| scene.victim.plain([&["registry"], line].concat());
    for path in ["/api/v1/search", "/api/v1/skills/acme/hello"] {
        scene.proxy.rewrite_text(path, move |text| {
            text.replace("A guest of the tests.", nasty).replace("\"Runs.\"", &format!("\"{nasty}\""))
        });
    }
    let found = shown(plain(&["search", "hello"]));
    assert!(found.stdout.contains("owned"), "the lie was told: {found}");
    shown(plain(&["info", HELLO]));
    let error = format!(r#"{{"error":{{"code":"{nasty}","message":"{nasty}","hint":"{nasty}"}}}}"#);
    for status in [400, 401, 403, 404, 409, 410, 422, 429, 500] {
        let answer = Answer { status, ..Answer::json(error.clone()) }.with("retry-after", "3600");
        scene.proxy.answer("/api/v1/search", answer.clone());
        let ran = shown(plain(&["search", "hello"]));
        assert_ne!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{ran}");
    }
    for kind in ["text/html\u{1b}[2J", "x/y; \u{202e}"] {
        scene.proxy.answer("/api/v1/search", Answer::new(200, kind, ""));
        shown(plain(&["search", "hello"]));
    }
}

#[test]
fn a_log_that_has_what_the_registry_does_not_show_is_found_out() {
    let scene = Scene::new();
    assert_eq!(scene.victim.registry(["audit", "--whole-log"]).code, Some(0));
    let mut forgery = Forgery::of(&scene.registry);
    // A release that only the log knows, and an entry that is none.
    let key = key_of(&scene.publisher);
    let package = Package::read("hello", "1.1.0", &scene.publisher.pack(&hello("1.1.0")));
    let hidden = forgery.next(package.release(&key.public_key())).sign(&[&key]);
    forgery.push(&hidden.to_json());
    forgery.push(b"nothing that a registry signs");
    forgery.speak_through(&scene.proxy);
    let audited = scene.victim.registry(["audit", "--whole-log"]);
    assert_eq!(audited.code, Some(3), "{audited}");
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap();
    let found = audit["registries"][0]["log"]["findings"].as_array().unwrap();
    let codes: Vec<_> = found.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"history-withheld") && codes.contains(&"unknown-entry"), "{audit}");
    scene.still_works();
}
