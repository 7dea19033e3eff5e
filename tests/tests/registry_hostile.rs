//! A registry that lies: what it says is refused with a stable code, what was known stays, and what is installed runs.
//!
//! The lies are told by a proxy in front of a real registry, or by a second one that was copied from it, keys and all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::process::Stdio;
use std::time::Duration;

use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::{Action, Root};
use openclaw_package::{Digest, Envelope, SigningKey};
use openclaw_tests::forgery::{Forgery, Package, key_for, key_of};
use openclaw_tests::http::{Answer, Request};
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::server::Server;
use openclaw_tests::{Home, Proxy, Registry, Skill};
use serde_json::{Value, json};

/// A registry behind a proxy, its publisher, and somebody who has installed 1.0.0 by way of the proxy.
struct Scene {
    registry: Registry,
    publisher: Home,
    proxy: Proxy,
    victim: Home,
}

impl Scene {
    fn new() -> Self {
        let (registry, publisher) = with_hello(&["1.0.0"]);
        let proxy = Proxy::before(&registry);
        let victim = Home::reader_at(&proxy.url(), &registry);
        victim.fetch(HELLO).json();
        Self { registry, publisher, proxy, victim }
    }

    /// The same publisher at a copy of the registry.
    fn publisher_at(&self, copy: &Registry) -> Home {
        let home = Home::empty().apart();
        std::fs::create_dir(home.data().join("keys")).unwrap();
        let key = self.publisher.data().join("keys/acme.key");
        std::fs::copy(key, home.data().join("keys/acme.key")).unwrap();
        home.login(&copy.url(), copy, Some(self.registry.token())).json();
        home
    }

    /// A command is refused with that code, nothing has changed, and version 1.0.0 works.
    #[track_caller]
    fn refuses(&self, line: &[&str], code: &str) {
        let before = self.victim.snapshot();
        let ran = self.victim.registry(line);
        let refused = ran.error();
        assert_eq!(refused.code, code, "{ran}");
        assert_eq!(refused.exit, if code.starts_with("answer-truncated") { 7 } else { 3 }, "{ran}");
        before.is_still(&self.victim.snapshot(), &ran);
        self.victim.has_nothing_staged();
    }

    #[track_caller]
    fn still_works(&self) {
        self.victim.runs_hello();
        assert_eq!(self.victim.version_of(HELLO).as_deref(), Some("1.0.0"));
        assert_eq!(self.victim.registry(["verify"]).json()[0]["status"], "verified");
    }
}

/// The verbs by which a client learns what a registry says.
const ASKING: [&[&str]; 3] = [&["install", HELLO, "--yes"], &["update", "--yes"], &["audit"]];

// --- row 6 --------------------------------------------------------------------------------------------------------

#[test]
fn row_6_an_install_that_is_killed_leaves_the_old_version_or_the_new_one() {
    let scene = Scene::new();
    scene.publisher.publish(&hello("1.1.0"));
    let home = &scene.victim;
    let kept = home.path("kept");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copy(&home.data(), &kept);
    scene.proxy.forget();
    let whole = home.fetch(HELLO);
    let took = whole.took;
    whole.json();
    let requests = scene.proxy.requests().len();
    // At each of its questions, and then at moments of what it does when it has all the answers.
    let moments = (0..requests).map(Some).chain((0..12).map(|_| None)).enumerate();
    let mut finished = 0;
    for (step, at) in moments {
        for dir in [home.data(), home.cache().to_owned()] {
            std::fs::remove_dir_all(dir).unwrap();
        }
        copy(&kept, &home.data());
        scene.proxy.be_honest();
        let (tell, told) = std::sync::mpsc::channel();
        let (tell, count) = (std::sync::Mutex::new(tell), std::sync::atomic::AtomicUsize::new(0));
        let last = at.unwrap_or(requests - 1);
        scene.proxy.lie("*", move |_, _| {
            if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != last {
                return None;
            }
            tell.lock().unwrap().send(()).unwrap();
            at.map(|_| Way::Silent)
        });
        let mut command = home.command();
        command.args(["registry", "install", HELLO, "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        told.recv().unwrap();
        if at.is_none() {
            let part = f64::from(u32::try_from(step - requests).unwrap()) / 12.0;
            std::thread::sleep(took.mul_f64(part).min(Duration::from_secs(5)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        scene.proxy.be_honest();
        home.runs_hello();
        let version = home.version_of(HELLO).unwrap();
        assert!(matches!(version.as_str(), "1.0.0" | "1.1.0"), "{version}");
        assert!(at.is_none() || version == "1.0.0", "it was killed before it had all answers");
        finished += u32::from(version == "1.1.0");
        // The next one clears what the killed one left, and goes through.
        assert_eq!(home.fetch(HELLO).json()[0]["version"], "1.1.0", "step {step}");
        home.has_nothing_staged();
        let versions = std::fs::read_dir(home.data().join("skills/acme/hello")).unwrap().count();
        assert_eq!(versions, 1, "step {step}");
        assert_eq!(home.registry(["verify"]).json()[0]["status"], "verified", "step {step}");
    }
    assert!(finished < 12, "no install was interrupted after its questions");
}

// --- row 13 -------------------------------------------------------------------------------------------------------

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
    scene.publisher_at(&forked).publish(&hello("1.2.0"));
    let other = scene.publisher_at(&inconsistent);
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

// --- row 14 and forged keys ---------------------------------------------------------------------------------------

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

// --- row 16 -------------------------------------------------------------------------------------------------------

#[test]
fn row_16_the_token_does_not_leave_the_registry() {
    let scene = Scene::new();
    let home = &scene.publisher;
    let url = scene.proxy.url();
    home.login(&url, &scene.registry, Some(scene.registry.token())).json();
    let elsewhere = Server::echoing();
    let archive = home.pack(&hello("1.1.0"));
    let at = ["--registry", url.as_str()];
    let before = scene.registry.state();
    for status in [301, 302, 303, 307, 308] {
        for (path, line) in [
            ("/api/v1/whoami", vec!["whoami"]),
            ("/api/v1/search", vec!["search", "hello"]),
            ("/index/*", vec!["install", HELLO]),
            ("/api/v1/skills/*", vec!["info", HELLO]),
            ("/api/v1/skills/*", vec!["publish", archive.to_str().unwrap()]),
            ("/api/v1/publishers/acme/events", vec!["yank", "acme/hello@1.0.0"]),
        ] {
            scene.proxy.be_honest();
            scene.proxy.forget();
            scene.proxy.answer(path, Answer::redirect(status, &elsewhere.url("/taken")));
            let ran = home.registry([line, at.to_vec()].concat());
            assert_eq!(ran.refused("redirect-refused").exit, 3, "{path} {status}");
            let sent = scene.proxy.requests();
            let with_token = sent.iter().filter(|request| request.header("authorization").is_some());
            assert!(with_token.count() > 0, "the registry itself is sent the token: {sent:?}");
            assert_eq!(elsewhere.heads(), [""; 0], "{path} {status}");
        }
    }
    before.is_still(&scene.registry, &"a redirect");
    // Documents that are for everybody are asked for without it.
    scene.proxy.be_honest();
    scene.proxy.forget();
    home.registry(["audit"]).json();
    for path in ["/root.json", "/checkpoint", "/takedowns.json"] {
        let requests = scene.proxy.requests_for(path);
        assert!(!requests.is_empty(), "{path}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");
    }
}

#[test]
fn row_16_a_url_that_only_looks_like_the_registrys_gets_no_token() {
    let scene = Scene::new();
    let home = Home::empty().apart();
    let url = scene.proxy.url();
    let port = url.rsplit(':').next().unwrap();
    let known = format!("http://localhost:{port}");
    home.login(&known, &scene.registry, Some(scene.registry.token())).json();
    home.registry(["whoami"]).json();
    scene.proxy.forget();
    let likes = [
        format!("{known}/"),
        format!("{known}//"),
        format!("http://LOCALHOST:{port}"),
        format!("HTTP://localhost:{port}"),
        format!("http://localhost.:{port}"),
        format!("http://127.0.0.1:{port}"),
    ];
    for like in &likes {
        let refused = home.registry(["whoami", "--registry", like]).refused("unknown-registry");
        assert_eq!(refused.exit, 4, "{like}");
        let is_near = !like.contains("127.0.0.1") && !like.contains("localhost.");
        assert!(!is_near || refused.hint().contains(&known), "{like}: {refused:?}");
    }
    assert!(scene.proxy.requests().is_empty(), "something was asked: {:?}", scene.proxy.requests());
    // A login there is one to another registry, without the token of this one.
    for like in [&likes[0], &likes[2]] {
        home.login(like, &scene.registry, None).json();
        scene.proxy.forget();
        home.registry(["search", "hello", "--registry", like]).json();
        let requests = scene.proxy.requests();
        assert!(!requests.is_empty(), "{like}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");
    }
    home.registry(["whoami", "--registry", &known]).json();
}

// --- row 17 -------------------------------------------------------------------------------------------------------

#[test]
fn row_17_an_installed_file_that_was_edited_is_refused_and_installed_anew() {
    let scene = Scene::new();
    let home = &scene.victim;
    let version = std::fs::read_dir(home.data().join("skills/acme/hello")).unwrap().next().unwrap().unwrap();
    let package = version.path().join("package");
    for name in ["SKILL.md", "openclaw/skill.toml", "openclaw/tools.json", "openclaw/skill.wasm"] {
        let path = package.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&path, changed).unwrap();
        let refused = home.call("hello/run", &json!({})).error();
        assert!(refused.exit == 3 && refused.message.contains(name), "{refused:?}");
        let verified = home.registry(["verify"]);
        assert_eq!(verified.code, Some(3), "{verified}");
        assert!(verified.stdout.contains("changed-file"), "{verified}");
        // What was damaged is mended by installing the same again.
        assert_eq!(home.fetch(HELLO).json()[0]["version"], "1.0.0");
        assert_eq!(std::fs::read(&path).unwrap(), good);
        scene.still_works();
    }
    // The proof beside it is checked as well.
    let proof = version.path().join("provenance.json");
    let good = std::fs::read_to_string(&proof).unwrap();
    let other = Digest::of(b"another").hex();
    for changed in [good.replacen("\"index\":", "\"index\":1", 1), good[..good.len() / 2].to_owned(), other] {
        std::fs::write(&proof, changed).unwrap();
        let verified = home.registry(["verify"]);
        assert_eq!(verified.code, Some(3), "{verified}");
    }
    std::fs::write(&proof, good).unwrap();
    scene.still_works();
}

// --- answers that are none ----------------------------------------------------------------------------------------

/// The documents that an install asks for.
fn documents(scene: &Scene) -> Vec<String> {
    scene.proxy.forget();
    Home::reader_at(&scene.proxy.url(), &scene.registry).fetch(HELLO).json();
    let mut paths: Vec<String> =
        scene.proxy.requests().iter().map(|request| request.path().to_owned()).collect();
    paths.sort();
    paths.dedup();
    assert!(paths.iter().filter(|path| path.starts_with("/blobs/")).count() == 2, "{paths:?}");
    paths
}

#[test]
fn documents_that_are_not_what_they_should_be_are_refused() {
    let scene = Scene::new();
    const PAGE: &str = "<html><body>Welcome to the hotel</body></html>";
    type Lie = Box<dyn Fn(Answer) -> Way + Send + Sync>;
    let whole = |change: fn(Answer) -> Answer| -> Lie { Box::new(move |answer| Way::Whole(change(answer))) };
    for path in documents(&scene) {
        let home = Home::reader_at(&scene.proxy.url(), &scene.registry);
        let before = home.installed_snapshot();
        let lies: [(&str, Lie, &[&str]); 6] = [
            (
                "a wrong type",
                whole(|answer| answer.with("content-type", "text/html")),
                &["wrong-content-type"],
            ),
            (
                "a portal's page",
                whole(|_| Answer::new(200, "text/html; charset=utf-8", PAGE)),
                &["wrong-content-type"],
            ),
            ("compressed", whole(|answer| answer.with("content-encoding", "gzip")), &["unasked-encoding"]),
            ("without an end", Box::new(Way::Endless), &["answer-too-large"]),
            ("something else", whole(|answer| Answer { body: PAGE.as_bytes().to_vec(), ..answer }), &[]),
            ("nothing", whole(|answer| Answer { body: Vec::new(), ..answer }), &[]),
        ];
        for (what, lie, codes) in lies {
            scene.proxy.be_honest();
            scene.proxy.send(&path, lie);
            let ran = home.fetch(HELLO);
            let refused = ran.error();
            let fits = codes.is_empty() || codes.contains(&refused.code.as_str());
            assert!(fits, "{what} at {path}: {ran}");
            // An index without a line is one of a skill without versions; a blob that ends early has broken off.
            let exits: &[i32] = match (what, path.split('/').nth(1)) {
                ("nothing", Some("index")) => &[4],
                ("nothing" | "something else", Some("blobs")) => &[3, 7],
                _ => &[3],
            };
            assert!(exits.contains(&refused.exit), "{what} at {path}: {ran}");
            before.is_still(&home.installed_snapshot(), &format!("{what} at {path}"));
            home.has_nothing_staged();
        }
        scene.proxy.be_honest();
        home.fetch(HELLO).json();
    }
    scene.still_works();
}

#[test]
fn answers_that_break_off_or_are_errors_are_outages() {
    let scene = Scene::new();
    let busy = r#"{"error":{"code":"busy","message":"the registry is busy"}}"#;
    let registry = &scene.registry;
    // Each is tried again for a while: all at once, each at a proxy of its own.
    std::thread::scope(|scope| {
        for path in documents(&scene) {
            scope.spawn(move || {
                let proxy = Proxy::before(registry);
                let home = Home::reader_at(&proxy.url(), registry);
                let before = home.installed_snapshot();
                proxy.send(&path, |answer| {
                    let length = answer.body.len() / 2;
                    Way::Cut(answer, length)
                });
                assert_eq!(home.fetch(HELLO).refused("answer-truncated").exit, 7, "{path}");
                before.is_still(&home.installed_snapshot(), &path);
                // After a while it works again.
                proxy.be_honest();
                proxy.send_once(&path, move |_| Way::Whole(Answer { status: 503, ..Answer::json(busy) }));
                home.fetch(HELLO).json();
            });
        }
    });
    scene.proxy.answer("*", Answer { status: 503, ..Answer::json(busy) });
    let refused = scene.victim.fetch(HELLO).error();
    assert!(matches!(refused.exit, 5 | 7), "{refused:?}");
    let audited = scene.victim.registry(["audit"]);
    assert_eq!(audited.code, Some(7), "nobody could be asked: {audited}");
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert!(audit["registries"][0]["outage"].is_string(), "{audit}");
    scene.still_works();
}

#[test]
fn a_registry_that_drips_or_says_nothing_is_given_up() {
    let scene = Scene::new();
    let blob = documents(&scene).into_iter().find(|path| path.starts_with("/blobs/")).unwrap();
    let (registry, url) = (&scene.registry, scene.proxy.url());
    // Each takes as long as its patience: all at once, each at a proxy of its own.
    std::thread::scope(|scope| {
        for (path, silent) in [
            ("/checkpoint", false),
            ("/index/acme/hello", false),
            (blob.as_str(), false),
            ("/root.json", true),
        ] {
            scope.spawn(move || {
                let proxy = Proxy::before(registry);
                let home = Home::reader_at(&proxy.url(), registry);
                proxy.send(path, move |answer| match silent {
                    true => Way::Silent,
                    false => Way::Drip(answer, Duration::from_millis(100)),
                });
                let before = home.installed_snapshot();
                let refused = home.fetch(HELLO).error();
                let code = if silent { "registry-timeout" } else { "registry-too-slow" };
                assert_eq!((refused.code.as_str(), refused.exit), (code, 7), "{path}");
                before.is_still(&home.installed_snapshot(), &path);
            });
        }
    });
    assert_eq!(url, scene.proxy.url());
    scene.still_works();
}

#[test]
fn a_registry_that_only_says_that_it_has_published_is_found_out() {
    let scene = Scene::new();
    let home = &scene.publisher;
    home.login(&scene.proxy.url(), &scene.registry, Some(scene.registry.token())).json();
    let at = ["--registry", &scene.proxy.url()];
    let archive = home.pack(&hello("1.1.0"));
    let before = scene.registry.state();
    let checkpoint = scene.registry.get("/checkpoint").text();
    let appended = json!({ "log_indices": [7], "checkpoint": checkpoint }).to_string();
    scene
        .proxy
        .answer("/api/v1/skills/acme/hello/1.1.0", Answer { status: 201, ..Answer::json(appended.clone()) });
    scene.proxy.answer("/api/v1/publishers/acme/events", Answer::json(appended));
    assert_eq!(home.publish_archive(&archive, &at).refused("not-added").exit, 3);
    let yank = ["yank", "acme/hello@1.0.0"].into_iter().chain(at);
    assert_eq!(home.registry(yank).refused("not-added").exit, 3);
    before.is_still(&scene.registry, &"only said");
    // An answer that was lost: what was sent is there, and the next try finds it.
    scene.proxy.be_honest();
    scene.proxy.send_once("/api/v1/skills/acme/hello/1.1.0", |answer| Way::Cut(answer, 0));
    assert_eq!(home.publish_archive(&archive, &at).error().exit, 7);
    assert_eq!(home.publish_archive(&archive, &at).json()["already"], true);
}
