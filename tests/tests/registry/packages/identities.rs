//! Rows 12 and 18: names, versions, origins and permissions that are not those that were signed.

use openclaw_package::Digest;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::Publication;
use openclaw_tests::forgery::{Forgery, Package};
use openclaw_tests::registry::{HELLO, Upload, hello};
use openclaw_tests::{Home, Registry, Skill, component, craft};

use super::{Case, are_refused, files, honest, signed};
use crate::scene::Scene;

#[test]
fn row_12_names_and_versions_that_differ_are_refused() {
    let manifest = |skill: &Skill, from: &str, to: &str| {
        let mut files = files(skill);
        let text = skill.manifest();
        assert!(text.contains(from));
        files.insert("openclaw/skill.toml", text.replacen(from, to, 1).into_bytes());
        files
    };
    let mut cases = Vec::new();
    for (from, to) in
        [(r#"name = "hello""#, r#"name = "other""#), (r#"publisher = "acme""#, r#"publisher = "evil""#)]
    {
        cases.push(Case::new(format!("{to} in the manifest"), "identity-mismatch", move |version, key| {
            let skill = hello(version);
            let files = manifest(&skill, from, to);
            signed(&skill, craft::archive(&files), &files, key, |text| text)
        }));
    }
    cases.push(Case::new("another version in the manifest", "identity-mismatch", |version, key| {
        let skill = hello(version);
        let files = files(&hello("7.7.7"));
        signed(&skill, craft::archive(&files), &files, key, |text| text)
    }));
    cases.push(Case::new("another name in SKILL.md", "identity-mismatch", |version, key| {
        let skill = hello(version);
        let mut files = files(&skill);
        files.insert("SKILL.md", skill.clone().named("other").skill_md().into_bytes());
        signed(&skill, craft::archive(&files), &files, key, |text| text)
    }));
    // The whole package is of another skill or version than the release, and honest in itself.
    for (what, name, version) in [("version", "hello", "7.7.7"), ("skill", "other", "1.0.0")] {
        let other = Skill::tiny(name).versioned(version);
        cases.push(
            Case::new(format!("a package of another {what}"), "identity-mismatch", move |version, key| {
                let files = files(&other);
                let package = signed(&other, craft::archive(&files), &files, key, |text| text);
                Package { name: "hello".to_owned(), version: version.to_owned(), ..package }
            })
            .by_the_client("signed-other")
            .good(),
        );
    }
    for (field, of) in [("manifestDigest", "openclaw/skill.toml"), ("componentDigest", "openclaw/skill.wasm")]
    {
        cases.push(Case::new(format!("another {field}"), "identity-mismatch", move |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            signed(&skill, craft::archive(&files), &files, key, |text| {
                let (right, wrong) = (Digest::of(&files[of]), Digest::of(b"another"));
                text.replacen(&format!(r#""{field}":"{right}""#), &format!(r#""{field}":"{wrong}""#), 1)
            })
        }));
    }
    are_refused(cases);
}

#[test]
fn row_12_what_the_request_names_is_what_is_uploaded() {
    let scene = Scene::new();
    let before = scene.registry.state();
    let package = honest("1.1.0", &scene.key);
    for path in ["acme/other/1.1.0", "acme/hello/1.2.0"] {
        let answer = scene.put(path, &package);
        assert!(matches!(answer.refused(422).as_str(), "identity-mismatch" | "invalid-events"), "{path}");
    }
    assert_eq!(scene.put("neighbour/hello/1.1.0", &package).refused(403), "wrong-publisher");
    before.is_still(&scene.registry, &"another path");
    assert_eq!(scene.put("acme/hello/1.1.0", &package).status, 201);
}

#[test]
fn row_12_a_package_of_another_registry_cannot_be_replayed() {
    let scene = Scene::new();
    // The same publisher with the same key has released more elsewhere.
    let elsewhere = Registry::start();
    let publisher = Home::empty().apart();
    std::fs::create_dir(publisher.data().join("keys")).unwrap();
    let key = scene.publisher.data().join("keys/acme.key");
    std::fs::copy(key, publisher.data().join("keys/acme.key")).unwrap();
    publisher.login(&elsewhere.url(), &elsewhere, Some(elsewhere.token())).json();
    publisher.publish(&hello("1.0.0"));
    publisher.publish(&hello("1.1.0"));

    // Its events are not taken here.
    let package = Package::read("hello", "1.1.0", &publisher.path("hello-1.1.0.tar.gz"));
    let release = package.release(&scene.key.public_key());
    let event = Forgery::of(&elsewhere).next(release).sign(&[&scene.key]);
    let publication = Publication {
        visibility: Visibility::Public,
        category: None,
        events: vec![String::from_utf8(event.to_json()).unwrap()],
    };
    let before = scene.registry.state();
    let upload = Upload { publication, signature: &package.signature, archive: &package.archive };
    let answer = scene.registry.put("acme/hello/1.1.0", scene.registry.token(), &upload);
    assert_eq!(answer.refused(422), "foreign-origin");
    before.is_still(&scene.registry, &"an event of another registry");

    // Nor are its proofs believed here: all of them, or only some.
    let installed = scene.victim.snapshot();
    for (paths, code) in [
        (vec!["*"], "root-not-pinned"),
        (vec!["/index/*", "/api/v1/skills/*", "/blobs/*"], "root-not-pinned"),
        (vec!["/checkpoint"], "unsigned-checkpoint"),
        (vec!["/takedowns.json"], "bad-signature"),
    ] {
        scene.proxy.be_honest();
        paths.iter().for_each(|path| scene.proxy.borrow(path, &elsewhere));
        let refused = scene.victim.fetch(HELLO).error();
        assert_eq!(refused.exit, 3, "{paths:?}: {refused:?}");
        if paths != ["*"] {
            assert_eq!(refused.code, code, "{paths:?}: {refused:?}");
        }
        installed.is_still(&scene.victim.snapshot(), &format!("{paths:?}"));
    }
    scene.still_works();
}

#[test]
fn row_18_more_than_the_manifest_asks_for_is_refused_by_name() {
    let scene = Scene::new();
    let (published, installed) = (scene.registry.state(), scene.victim.installed_snapshot());
    let mut hostile = Forgery::of(&scene.registry);
    let undeclared = |name: &'static str| {
        move |version: &str| Skill::new("hello", component::wat(name)).versioned(version)
    };
    let manifest = |text: &'static str| move |version: &str| hello(version).manifest_text(text);
    type Version = Box<dyn Fn(&str) -> Skill>;
    let cases: [(&str, &str, Version); 6] = [
        ("undeclared-import", "openclaw:skill/memory", Box::new(undeclared("undeclared_memory"))),
        ("undeclared-import", "wasi:http", Box::new(undeclared("undeclared_network"))),
        ("forbidden-import", "wasi:sockets", Box::new(undeclared("undeclared_sockets"))),
        ("unknown-permission", "telepathy", Box::new(manifest("\n[permission.telepathy]\nreason = \"x\"\n"))),
        (
            "unknown-key",
            "trusted",
            Box::new(manifest("\n[permission.memory]\nreason = \"x\"\ntrusted = true\n")),
        ),
        ("unknown-key", "hooks", Box::new(manifest("\n[hooks]\ninstall = \"sh\"\n"))),
    ];
    for (number, (code, named, make)) in cases.iter().enumerate() {
        let version = format!("1.0.{}", number + 1);
        let skill = make(&version);
        let files = files(&skill);
        let package = signed(&skill, craft::archive(&files), &files, &scene.key, |text| text);
        let answer = scene.put(&format!("acme/hello/{version}"), &package);
        assert!(answer.text().contains(named), "{named}: {}", answer.text());
        assert_eq!(answer.refused(422), *code, "{named}");
        let refused = scene.publish(&package).refused(code);
        assert!(refused.message.contains(named), "{refused:?}");
        hostile.release(&package, &scene.key);
        scene.proxy.be_honest();
        hostile.speak_through(&scene.proxy);
        let refused = scene.victim.fetch(&format!("acme/hello@={version}")).refused(code);
        assert!(refused.exit == 3 && refused.message.contains(named), "{refused:?}");
        installed.is_still(&scene.victim.installed_snapshot(), named);
    }
    scene.still_works();
    published.is_still(&scene.registry, &"more than the manifest asks for");
}
