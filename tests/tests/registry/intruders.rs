//! Whoever asks a registry for what is not his, twice at once, by strange paths, or while it is being killed.

use openclaw_package::SigningKey;
use openclaw_tests::forgery::{Forgery, Package, key_of};
use openclaw_tests::http::Request;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry, Skill};
use serde_json::json;

use crate::scene::put;

#[test]
fn row_14_the_registry_takes_no_release_by_a_key_that_does_not_speak_for_the_publisher() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let old = key_of(&publisher);
    let by_old = Package::read("hello", "1.1.0", &publisher.pack(&hello("1.1.0")));
    publisher.run(["key", "rotate", "acme"]).json();
    let new = key_of(&publisher);
    let by_new = Package::read("hello", "1.1.0", &publisher.pack(&hello("1.1.0")));
    let thief = Home::new();
    let stranger = key_of(&thief);
    let by_stranger = Package::read("hello", "1.1.0", &thief.pack(&hello("1.1.0")));
    let before = registry.state();
    let log = Forgery::of(&registry);
    for (what, package, named, releaser, code) in [
        ("a stranger's release", &by_stranger, &stranger, &stranger, "bad-signature"),
        ("a stranger's package", &by_stranger, &stranger, &new, "inactive-key"),
        ("a release by a key that was revoked", &by_old, &old, &old, "bad-signature"),
        ("a package by a key that was revoked", &by_old, &old, &new, "inactive-key"),
        ("a good release that a stranger signed", &by_new, &new, &stranger, "bad-signature"),
        ("a package that is not by the key that is named", &by_stranger, &new, &new, "bad-signature"),
    ] {
        let event = log.next(package.release(&named.public_key())).sign(&[releaser]);
        let answer = put(&registry, registry.token(), "acme/hello/1.1.0", package, &[event]);
        assert_eq!(answer.refused(422), code, "{what}");
    }
    // A history that begins anew, for a publisher who has one.
    let mut anew = log.clone();
    anew.truncate(0);
    let init = anew.next(openclaw_package::registry::Action::Init { key: stranger.public_key() });
    let events = [init.sign(&[&stranger])];
    let answer = put(&registry, registry.token(), "acme/hello/1.1.0", &by_stranger, &events);
    assert!(matches!(answer.status, 409 | 422), "{}", answer.text());
    before.is_still(&registry, &"keys of others");
    let event = log.next(by_new.release(&new.public_key())).sign(&[&new]);
    assert_eq!(put(&registry, registry.token(), "acme/hello/1.1.0", &by_new, &[event]).status, 201);
    registry.is_sound();
}

#[test]
fn row_15_a_version_is_published_once_and_names_that_read_alike_not_at_all() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let key = key_of(&publisher);
    let before = registry.state();
    // Other content under the same version, by the command and without it.
    let other = publisher.path("other.tar.gz");
    publisher.try_pack(&hello("1.0.0").memory(), &other).json();
    let refused = publisher.publish_archive(&other, &[]).refused("version-exists");
    assert!(refused.exit == 3 && refused.hint.is_some(), "{refused:?}");
    let package = Package::read("hello", "1.0.0", &other);
    let log = Forgery::of(&registry);
    let release = |package: &Package| log.next(package.release(&key.public_key())).sign(&[&key]);
    let token = registry.token();
    let again = put(&registry, token, "acme/hello/1.0.0", &package, &[release(&package)]);
    assert_eq!(again.refused(409), "version-exists");
    // The very same bytes are no exception for who does not look first.
    let same = Package::read("hello", "1.0.0", &publisher.path("hello-1.0.0.tar.gz"));
    let again = put(&registry, token, "acme/hello/1.0.0", &same, &[release(&same)]);
    assert_eq!(again.refused(409), "version-exists");
    // Build metadata makes no other version of it: not in the path, not in the event.
    let built = Package { version: "1.0.0+build".to_owned(), ..package.clone() };
    for path in ["acme/hello/1.0.0+build", "acme/hello/1.0.0%2Bbuild", "acme/hello/1.0.1"] {
        let answer = put(&registry, token, path, &built, &[release(&built)]);
        assert!(matches!(answer.status, 400 | 422), "{path}: {} {}", answer.status, answer.text());
        assert_eq!(answer.value()["error"]["code"], "build-metadata", "{path}: {}", answer.text());
    }
    assert_eq!(publisher.try_pack(&hello("1.0.0+build"), &publisher.path("built.tar.gz")).error().exit, 3);
    for version in ["1.0.00", "01.0.0", "v1.0.0", "1.0", "1.0.0%20", "latest"] {
        let answer = put(&registry, token, &format!("acme/hello/{version}"), &package, &[release(&package)]);
        assert_eq!(answer.refused(400), "invalid-version", "{version}");
    }
    // Names that differ by their separators only.
    publisher.publish(&Skill::tiny("git-helper"));
    let before_names = registry.state();
    for name in ["githelper", "g-it-helper", "git-help-er"] {
        let archive = publisher.pack(&Skill::tiny(name));
        let refused = publisher.publish_archive(&archive, &[]).error();
        assert_eq!((refused.code.as_str(), refused.exit), ("name-collision", 3), "{name}: {refused:?}");
        let package = Package::read(name, "1.0.0", &archive);
        let event = Forgery::of(&registry).next(package.release(&key.public_key())).sign(&[&key]);
        let answer = put(&registry, token, &format!("acme/{name}/1.0.0"), &package, &[event]);
        assert_eq!(answer.refused(409), "name-collision", "{name}");
    }
    before_names.is_still(&registry, &"names that read alike");
    registry.admin(["publisher", "create", "ac-me"]).error();
    registry.admin(["publisher", "create", "acme"]).error();
    assert_ne!(before, registry.state(), "git-helper was published");
    registry.is_sound();
}

#[test]
fn a_token_of_one_publisher_is_good_for_nothing_of_another() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let key = key_of(&publisher);
    let neighbour = registry.token_of("neighbour");
    let package = Package::read("hello", "1.1.0", &publisher.pack(&hello("1.1.0")));
    let log = Forgery::of(&registry);
    let release = log.next(package.release(&key.public_key())).sign(&[&key]);
    let yank = openclaw_package::registry::Action::Yank {
        name: "hello".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        reason: "not mine".parse().unwrap(),
    };
    let yank = String::from_utf8(log.next(yank).sign(&[&key]).to_json()).unwrap();
    let post = Request {
        method: "POST".to_owned(),
        target: "/api/v1/publishers/acme/events".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: json!({ "events": [yank] }).to_string().into_bytes(),
    };
    let before = registry.state();
    let unknown = format!("oct_{}", "0".repeat(32));
    for (token, status, code) in [
        (neighbour.as_str(), 403, "wrong-publisher"),
        (unknown.as_str(), 401, "bad-token"),
        ("", 401, "bad-token"),
        ("oct_short", 401, "bad-token"),
        (&registry.token().to_uppercase(), 401, "bad-token"),
    ] {
        let answer = put(&registry, token, "acme/hello/1.1.0", &package, std::slice::from_ref(&release));
        assert_eq!(answer.refused(status), code, "{token}");
        assert_eq!(registry.ask(&post.clone().by(token)).refused(status), code, "{token}");
    }
    assert_eq!(registry.ask(&post).refused(401), "token-required");
    before.is_still(&registry, &"tokens of others");
    let answer = put(&registry, registry.token(), "acme/hello/1.1.0", &package, &[release]);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn strange_paths_lead_nowhere() {
    let (registry, _publisher) = with_hello(&["1.0.0"]);
    let before = registry.state();
    let long = "a".repeat(300);
    let tricks = [
        "..",
        ".",
        "%2e%2e",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "acme%2fhello",
        "hello%00",
        "%00",
        "hello%0d%0aset-cookie:%20x=y",
        "%c3%a4",
        "%ff",
        "HELLO",
        "-hello",
        "hello--x",
        "hello%5c..",
        "hello%20",
        "hello;x",
        "*",
        "%25",
        "con",
        &long,
    ];
    let paths = [
        "/index/{}/hello",
        "/index/acme/{}",
        "/blobs/sha256/{}",
        "/root/{}",
        "/root/{}.json",
        "/tile/{}",
        "/tile/0/{}",
        "/tile/entries/{}",
        "/api/v1/log/proof/{}",
        "/api/v1/publishers/{}",
        "/api/v1/publishers/{}/history",
        "/api/v1/skills/{}/hello",
        "/api/v1/skills/acme/{}",
        "/api/v1/skills/acme/hello/{}",
        "/api/v1/skills/acme/hello/{}/provenance",
        "/{}",
    ];
    for path in paths {
        for trick in tricks {
            let target = path.replace("{}", trick);
            for method in ["GET", "PUT", "POST", "DELETE"] {
                let mut request = Request::get(&target);
                request.method = method.to_owned();
                let answer = registry.ask(&request.by(registry.token()));
                let status = answer.status;
                assert!(matches!(status, 400 | 404 | 405 | 413 | 414 | 422), "{method} {target}: {status}");
                assert!(answer.header("set-cookie").is_none(), "{target}");
                let text = answer.text();
                assert!(!text.contains("root:") && !text.contains("SQLite"), "{method} {target}: {text}");
                if !text.is_empty() {
                    assert!(answer.value()["error"]["code"].is_string(), "{method} {target}: {text}");
                }
            }
        }
    }
    before.is_still(&registry, &"strange paths");
    registry.is_sound();
}

#[test]
fn of_two_who_publish_one_version_at_once_one_wins() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let homes = [
        Home::heir_of(&publisher, &registry),
        Home::heir_of(&publisher, &registry),
        Home::heir_of(&publisher, &registry),
    ];
    for round in 1..=4 {
        let version = format!("2.0.{round}");
        let archives: Vec<_> = homes
            .iter()
            .enumerate()
            .map(|(number, home)| {
                // Each has other content.
                home.pack(&hello(&version).limit("memory", &format!("\"{}MiB\"", 16 + number)))
            })
            .collect();
        let ran: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = homes
                .iter()
                .zip(&archives)
                .map(|(home, archive)| scope.spawn(move || home.publish_archive(archive, &[])))
                .collect();
            tries.into_iter().map(|ran| ran.join().unwrap()).collect()
        });
        let won: Vec<_> = ran.iter().filter(|ran| ran.code == Some(0)).collect();
        assert_eq!(won.len(), 1, "round {round}: {ran:?}");
        for lost in ran.iter().filter(|ran| ran.code != Some(0)) {
            lost.refused("version-exists");
        }
        let index = registry.get("/index/acme/hello").text();
        let count = index.lines().filter(|line| line.contains(&format!("\"{version}\""))).count();
        assert_eq!(count, 1, "{index}");
    }
    // Versions that are not the same all come in, whoever is first.
    let archives: Vec<_> =
        homes.iter().enumerate().map(|(number, home)| home.pack(&hello(&format!("3.0.{number}")))).collect();
    std::thread::scope(|scope| {
        for (home, archive) in homes.iter().zip(&archives) {
            scope.spawn(move || home.publish_archive(archive, &[]).json());
        }
    });
    registry.is_sound();
    let audit = publisher.registry(["audit", "--whole-log"]).json();
    assert_eq!(audit["registries"][0]["log"]["findings"], json!([]), "{audit}");
}

#[test]
fn a_registry_that_is_killed_while_it_publishes_has_all_or_nothing() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let proxy = Proxy::before(&registry);
    publisher.login(&proxy.url(), &registry, Some(registry.token())).json();
    let url = proxy.url();
    for round in 0..10_u32 {
        let version = format!("2.0.{round}");
        let archive = publisher.pack(&hello(&version));
        let (tell, told) = std::sync::mpsc::channel();
        let tell = std::sync::Mutex::new(tell);
        proxy.be_honest();
        proxy.lie(&format!("/api/v1/skills/acme/hello/{version}"), move |request, _| {
            if request.method == "PUT" {
                tell.lock().unwrap().send(()).unwrap();
            }
            None
        });
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| publisher.publish_archive(&archive, &["--registry", &url]));
            told.recv().unwrap();
            // Some way into what it does, each time further.
            std::thread::sleep(std::time::Duration::from_millis(u64::from(round) * 4));
            registry.kill();
            let ran = publishing.join().unwrap();
            assert!(matches!(ran.code, Some(0 | 7)), "{ran}");
        });
        registry.serve();
        registry.is_sound();
        let index = registry.get("/index/acme/hello").text();
        let is_there = index.contains(&format!("\"{version}\""));
        let again = publisher.publish_archive(&archive, &["--registry", &url]).json();
        assert_eq!(again["already"], is_there, "round {round}: {index}");
    }
    let stranger = Home::reader_of(&registry);
    assert_eq!(stranger.fetch(HELLO).json()[0]["version"], "2.0.9");
    let audit = stranger.registry(["audit", "--whole-log"]).json();
    assert_eq!(audit["registries"][0]["log"]["findings"], json!([]), "{audit}");
}

#[test]
fn one_directory_has_one_server() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let mut command = publisher.command();
    command.args(["registry", "serve", "--listen", "127.0.0.1:0", "--json", "--data"]).arg(registry.data());
    let second = openclaw_tests::home::finish(command, "a second server".to_owned(), None);
    assert_eq!(second.error().exit, 6, "{second}");
    publisher.publish(&hello("1.1.0"));
    // A copy of the keys alone is no registry, and none is made by looking for one.
    let nowhere = publisher.path("nowhere");
    let line = ["registry", "admin", "verify", "--data", nowhere.to_str().unwrap()];
    publisher.run(line).error();
    assert!(!nowhere.join("registry.sqlite").exists());
    registry.stop();
    registry.is_sound();
}

#[test]
fn a_stranger_cannot_begin_a_history_in_a_publishers_place() {
    let registry = Registry::start();
    // Nobody has published yet: whoever is first with a token is the publisher, and nobody without one.
    let stranger = Home::new();
    let key: SigningKey = key_of(&stranger);
    let package = Package::read("hello", "1.0.0", &stranger.pack(&hello("1.0.0")));
    let mut log = Forgery::of(&registry);
    let init = log.next(openclaw_package::registry::Action::Init { key: key.public_key() }).sign(&[&key]);
    log.append(&init);
    let release = log.next(package.release(&key.public_key())).sign(&[&key]);
    let before = registry.state();
    let neighbour = registry.token_of("neighbour");
    let answer = put(&registry, &neighbour, "acme/hello/1.0.0", &package, &[init.clone(), release.clone()]);
    assert_eq!(answer.refused(403), "wrong-publisher");
    // By halves: a beginning without a release, a release without a beginning, one after the other.
    for events in [vec![init.clone()], vec![release.clone()], vec![release.clone(), init.clone()], vec![]] {
        let answer = put(&registry, registry.token(), "acme/hello/1.0.0", &package, &events);
        assert!(matches!(answer.status, 400 | 409 | 422), "{} {}", answer.status, answer.text());
    }
    before.is_still(&registry, &"halves of a publication");
    let answer = put(&registry, registry.token(), "acme/hello/1.0.0", &package, &[init, release]);
    assert_eq!(answer.status, 201, "{}", answer.text());
    registry.is_sound();
}
