//! Answers that are none: of the wrong type, endless, cut off, slow, or a promise that was not kept.

use std::time::Duration;

use openclaw_tests::http::Answer;
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::{Home, Proxy};
use serde_json::{Value, json};

use crate::scene::Scene;

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
