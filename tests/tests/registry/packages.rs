//! Packages that no packer of ours would make: a registry does not take them, and a client does not believe them.
//!
//! Each is signed by its publisher's own key. It is uploaded to the real server, given to the real command to be
//! published, and served by a registry that checks nothing: the same log, carried on by somebody who holds its keys.

mod archives;
mod identities;
mod signatures;

use std::collections::BTreeMap;

use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::{Envelope, SigningKey};
use openclaw_tests::forgery::{Forgery, Package};
use openclaw_tests::hostile::{Entry, entries, gzip, tar};
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::{Skill, craft};

use crate::scene::Scene;

type Files = BTreeMap<&'static str, Vec<u8>>;

fn files(skill: &Skill) -> Files {
    BTreeMap::from([
        ("SKILL.md", skill.skill_md().into_bytes()),
        ("openclaw/skill.toml", skill.manifest().into_bytes()),
        ("openclaw/skill.wasm", skill.component().to_vec()),
        ("openclaw/tools.json", craft::one_tool()),
    ])
}

/// Makes a package in some version, signed by a key.
type Make = Box<dyn Fn(&str, &SigningKey) -> Package>;

/// A package that is not as it should be.
struct Case {
    /// What is wrong with it.
    what: String,
    /// The code with which the registry refuses it.
    registry: &'static str,
    /// The code with which a client refuses it.
    client: &'static str,
    /// Whether it is a good package, of something else than it is said to be.
    is_good: bool,
    /// Makes it.
    make: Make,
}

impl Case {
    fn new(
        what: impl ToString,
        code: &'static str,
        make: impl Fn(&str, &SigningKey) -> Package + 'static,
    ) -> Self {
        Self { what: what.to_string(), registry: code, client: code, is_good: false, make: Box::new(make) }
    }

    /// A good signature over a bad archive: of the files that the statement names the archive says what it likes.
    fn archive(
        what: impl ToString,
        code: &'static str,
        archive: impl Fn(&Files) -> Vec<u8> + 'static,
    ) -> Self {
        Self::new(what, code, move |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            let archive = archive(&files);
            signed(&skill, archive, &files, key, |statement| statement)
        })
    }

    /// Bad entries after the good ones, so that something is unpacked by then.
    fn entries(what: impl ToString, code: &'static str, more: Vec<Entry>) -> Self {
        Self::archive(what, code, move |files| gzip(&tar(&[entries(files), more.clone()].concat())))
    }

    /// The client finds it out earlier than the registry does, since it knows what was released.
    fn by_the_client(self, code: &'static str) -> Self {
        Self { client: code, ..self }
    }

    /// It is a good package, which the command would rightly publish as what it is.
    fn good(self) -> Self {
        Self { is_good: true, ..self }
    }
}

/// A package with a statement about some files, which somebody has changed before it was signed.
fn signed(
    skill: &Skill,
    archive: Vec<u8>,
    files: &Files,
    key: &SigningKey,
    change: impl Fn(String) -> String,
) -> Package {
    let statement = change(craft::statement(skill, &archive, files).to_string());
    let envelope = Envelope::sign(IN_TOTO_PAYLOAD_TYPE, statement.as_bytes(), &[key]);
    Package::new(skill.name(), skill.version(), archive, envelope.to_json())
}

/// None of the packages is taken by the registry, published by the command, or installed from a registry that
/// serves it.
fn are_refused(cases: Vec<Case>) {
    let scene = Scene::new();
    let (published, installed) = (scene.registry.state(), scene.victim.installed_snapshot());
    let mut hostile = Forgery::of(&scene.registry);
    for (number, case) in cases.iter().enumerate() {
        let version = format!("1.0.{}", number + 1);
        let package = (case.make)(&version, &scene.key);
        let what = &case.what;

        let answer = scene.put(&format!("acme/{}/{}", package.name, package.version), &package);
        assert!(matches!(answer.status, 400 | 413 | 422), "{what}: {} {}", answer.status, answer.text());
        assert_eq!(answer.value()["error"]["code"], case.registry, "{what}: {}", answer.text());

        if !case.is_good {
            let ran = scene.publish(&package);
            assert_eq!(ran.error().exit, 3, "{what}: {ran}");
        }

        hostile.release(&package, &scene.key);
        scene.proxy.be_honest();
        hostile.speak_through(&scene.proxy);
        let ran = scene.victim.fetch(&format!("acme/hello@={version}"));
        let refused = ran.error();
        assert_eq!((refused.code.as_str(), refused.exit), (case.client, 3), "{what}: {ran}");
        installed.is_still(&scene.victim.installed_snapshot(), what);
        scene.victim.has_nothing_staged();
    }
    scene.still_works();
    published.is_still(&scene.registry, &"all of them");
    scene.registry.is_sound();
}

fn honest(version: &str, key: &SigningKey) -> Package {
    let skill = hello(version);
    let files = files(&skill);
    signed(&skill, craft::archive(&files), &files, key, |text| text)
}

#[test]
fn a_good_package_of_a_registry_that_checks_nothing_is_installed() {
    // Or else all that follows would be refused for another reason than its own.
    let scene = Scene::new();
    let mut hostile = Forgery::of(&scene.registry);
    for version in ["1.0.1", "1.0.2"] {
        hostile.release(&honest(version, &scene.key), &scene.key);
        scene.proxy.be_honest();
        hostile.speak_through(&scene.proxy);
        assert_eq!(scene.victim.fetch(HELLO).json()[0]["version"], version);
        assert_eq!(scene.victim.registry(["verify"]).json()[0]["status"], "verified");
    }
    let package = honest("1.0.1", &scene.key);
    assert_eq!(scene.put("acme/hello/1.0.1", &package).status, 201);
    let audit = scene.victim.registry(["audit"]);
    assert_eq!(audit.code, Some(0), "{audit}");
}
