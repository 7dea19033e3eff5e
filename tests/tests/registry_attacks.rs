//! Packages that no packer of ours would make: a registry does not take them, and a client does not believe them.
//!
//! Each is signed by its publisher's own key. It is uploaded to the real server, given to the real command to be
//! published, and served by a registry that checks nothing: the same log, carried on by somebody who holds its keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::Publication;
use openclaw_package::{Digest, Envelope, SigningKey};
use openclaw_tests::forgery::{Forgery, Package, key_of};
use openclaw_tests::hostile::{END, Entry, GZIP_HEADER, entries, gzip, gzip_with, tar};
use openclaw_tests::http::Answer;
use openclaw_tests::registry::{HELLO, Upload, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry, Skill, component, craft};
use serde_json::{Value, json};

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

/// A registry with version 1.0.0, its publisher, and somebody who has installed that.
struct Scene {
    registry: Registry,
    publisher: Home,
    key: SigningKey,
    proxy: Proxy,
    victim: Home,
}

impl Scene {
    fn new() -> Self {
        let (registry, publisher) = with_hello(&["1.0.0"]);
        let proxy = Proxy::before(&registry);
        let victim = Home::reader_at(&proxy.url(), &registry);
        victim.fetch(HELLO).json();
        let key = key_of(&publisher);
        Self { registry, publisher, key, proxy, victim }
    }

    /// Uploads a package as no client of ours would.
    fn put(&self, path: &str, package: &Package) -> Answer {
        let release = package.release(&self.key.public_key());
        let event = Forgery::of(&self.registry).next(release).sign(&[&self.key]);
        let events = vec![String::from_utf8(event.to_json()).unwrap()];
        let publication = Publication { visibility: Visibility::Public, category: None, events };
        let upload = Upload { publication, signature: &package.signature, archive: &package.archive };
        self.registry.put(path, self.registry.token(), &upload)
    }

    fn publish(&self, package: &Package) -> openclaw_tests::Ran {
        let path = self.publisher.path("bad.tar.gz");
        std::fs::write(&path, &package.archive).unwrap();
        let signature = PathBuf::from(format!("{}.dsse.json", path.display()));
        std::fs::write(signature, &package.signature).unwrap();
        self.publisher.publish_archive(&path, &[])
    }

    #[track_caller]
    fn still_works(&self) {
        self.victim.runs_hello();
        assert_eq!(self.victim.version_of(HELLO).as_deref(), Some("1.0.0"));
    }
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

#[test]
fn row_1_names_that_lead_elsewhere_are_refused() {
    let names: [&[u8]; 16] = [
        b"../x",
        b"assets/../../x",
        b"assets/..",
        b"..",
        b"/etc/passwd",
        b"//x",
        b"C:/x",
        b"C:x",
        b"assets\\x",
        b"..\\x",
        b"assets/a\0b",
        b"assets/a\x01b",
        b"assets/a\nb",
        b"assets/\xc3\xa4",
        b"assets//x",
        b"",
    ];
    are_refused(
        names
            .map(|name| {
                let what = String::from_utf8_lossy(name).escape_debug().to_string();
                Case::entries(what, "unsafe-path", vec![Entry::file(name, "x")])
            })
            .into(),
    );
}

#[test]
fn row_2_everything_but_regular_files_is_refused() {
    let entry = || Entry::file("zz", "");
    let kinds = [
        (b'1', "not-a-regular-file"),
        (b'2', "not-a-regular-file"),
        (b'3', "not-a-regular-file"),
        (b'4', "not-a-regular-file"),
        (b'5', "not-a-regular-file"),
        (b'6', "not-a-regular-file"),
        (b'S', "not-a-regular-file"),
        (b'x', "extension-header"),
        (b'g', "extension-header"),
        (b'L', "extension-header"),
        (b'K', "extension-header"),
    ];
    let mut cases: Vec<Case> = kinds
        .into_iter()
        .map(|(kind, code)| {
            let target: &[u8] = if kind == b'2' { b"/etc/passwd" } else { b"SKILL.md" };
            Case::entries(char::from(kind), code, vec![Entry { kind, link: target, ..entry() }])
        })
        .collect();
    // A link to elsewhere, and then a file by way of it.
    let link = Entry { kind: b'2', link: b"/tmp", ..Entry::file("zz", "") };
    cases.push(Case::entries(
        "a link and what lies behind it",
        "not-a-regular-file",
        vec![link, Entry::file("zz/x", "x")],
    ));
    for (what, changed) in [
        ("setuid", Entry { mode: b"0004644\0", ..entry() }),
        ("executable", Entry { mode: b"0000755\0", ..entry() }),
        ("a time", Entry { mtime: b"00000000001\0", ..entry() }),
        ("GNU", Entry { magic: b"ustar  \0", ..entry() }),
        ("a binary size", Entry { size: b"\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(), ..entry() }),
    ] {
        cases.push(Case::entries(what, "invalid-header", vec![changed]));
    }
    are_refused(cases);
}

#[test]
fn row_2_links_are_not_even_packed() {
    let home = Home::new();
    let project = home.workspace().join("hello");
    hello("1.0.0").write(&project);
    std::fs::create_dir(project.join("assets")).unwrap();
    let line = ["skill", "pack", "hello", "--output", "hello.tar.gz"];
    home.run(line).json();
    std::fs::remove_file(home.workspace().join("hello.tar.gz")).unwrap();
    for target in ["/etc/passwd", "../../../etc/passwd", "../SKILL.md", "nowhere"] {
        let link = project.join("assets/link");
        std::os::unix::fs::symlink(target, &link).unwrap();
        home.run(line).refused("not-a-regular-file");
        assert!(!home.workspace().join("hello.tar.gz").exists(), "{target}");
        std::fs::remove_file(link).unwrap();
    }
    home.run(line).json();
}

#[test]
fn row_3_names_that_are_one_on_some_system_are_refused() {
    let file = |name: &str| Entry::file(name, "x");
    let mut cases = vec![
        Case::entries("twice", "duplicate-path", vec![file("zz"), file("zz")]),
        Case::entries("another case", "duplicate-path", vec![file("skill.md")]),
        Case::entries("a file and a directory", "duplicate-path", vec![file("zz"), file("zz/x")]),
        Case::entries("a directory of another case", "duplicate-path", vec![file("zz/a"), file("zZ/b")]),
        Case::entries("out of order", "wrong-order", vec![file("assets/a")]),
        Case::archive("SKILL.md twice", "duplicate-path", |files| {
            let mut all = entries(files);
            all.insert(1, Entry::file("SKILL.md", "---\nname: evil\ndescription: x\n---\n"));
            gzip(&tar(&all))
        }),
    ];
    for name in [
        "./SKILL.md",
        "CON",
        "CON.txt",
        "zz/nul",
        "zz/Aux.tar.gz",
        "com1",
        "zz/lpt9.x",
        "zz.",
        "zz ",
        "zz./x",
    ] {
        cases.push(Case::entries(name, "unsafe-path", vec![file(name)]));
    }
    are_refused(cases);
}

#[test]
fn row_4_bombs_stop_at_the_limit() {
    let liar = |size: &str| Entry { size: size.as_bytes().to_vec(), ..Entry::file("zz", "xyz") };
    are_refused(vec![
        Case::archive("65 MiB of zeros", "unpacked-too-large", |files| {
            let bomb = Entry::file("zz", vec![0; 65 << 20]);
            let archive = gzip(&tar(&[entries(files), vec![bomb]].concat()));
            assert!(archive.len() < 1 << 20, "a small archive of large files");
            archive
        }),
        Case::entries(
            "513 files",
            "too-many-files",
            (0..509).map(|number| Entry::file(format!("zz/{number:04}"), "")).collect(),
        ),
        Case::entries("less than it says", "truncated-archive", vec![liar("00000004000\0")]),
        Case::entries("8 GiB, it says", "unpacked-too-large", vec![liar("77777777777\0")]),
        Case::entries("more than it says", "invalid-header", vec![liar("00000000000\0")]),
    ]);
}

#[test]
fn row_5_anything_before_or_after_the_one_stream_is_refused() {
    let all = |files: &Files| tar(&entries(files));
    let unended = |files: &Files| entries(files).iter().flat_map(Entry::bytes).collect::<Vec<u8>>();
    let mut cases = vec![
        Case::archive("a second member", "trailing-data", move |files| {
            [gzip(&all(files)), gzip(&all(files))].concat()
        }),
        Case::archive("a byte behind it", "trailing-data", move |files| {
            [gzip(&all(files)).as_slice(), b"x"].concat()
        }),
        Case::archive("zeros behind it", "trailing-data", move |files| {
            [gzip(&all(files)).as_slice(), &[0; 512]].concat()
        }),
        Case::archive("data after the end", "trailing-data", move |files| {
            gzip(&[all(files).as_slice(), &Entry::file("zz", "x").bytes()].concat())
        }),
        Case::archive("two ends", "trailing-data", move |files| {
            gzip(&[all(files).as_slice(), &END].concat())
        }),
        Case::archive("no end", "no-end-marker", move |files| gzip(&unended(files))),
        Case::archive("half an end", "no-end-marker", move |files| {
            gzip(&[unended(files).as_slice(), &END[..512]].concat())
        }),
        Case::archive("the last byte is missing", "truncated-archive", move |files| {
            let mut archive = gzip(&all(files));
            archive.pop();
            archive
        }),
        Case::archive("the second half is missing", "truncated-archive", move |files| {
            let archive = gzip(&all(files));
            archive[..archive.len() / 2].to_vec()
        }),
        Case::archive("a wrong checksum", "invalid-gzip", move |files| {
            let mut archive = gzip(&all(files));
            let place = archive.len() - 6;
            archive[place] ^= 1;
            archive
        }),
        Case::archive("not compressed", "invalid-gzip", all),
        Case::archive("nothing", "empty-archive", |_| gzip(&END)),
    ];
    for (what, place, value) in
        [("a name", 3, 0x08), ("extra data", 3, 0x04), ("a comment", 3, 0x10), ("a time", 4, 1)]
    {
        cases.push(Case::archive(what, "invalid-gzip", move |files| {
            let mut header = GZIP_HEADER;
            header[place] = value;
            gzip_with(&header, &tar(&entries(files)))
        }));
    }
    are_refused(cases);
}

#[test]
fn row_7_one_bit_is_enough_and_no_parser_sees_it() {
    let scene = Scene::new();
    scene.publisher.publish(&hello("1.1.0"));
    let (published, before) = (scene.registry.state(), scene.victim.installed_snapshot());
    let archive = scene.publisher.path("hello-1.1.0.tar.gz");
    let good = Package::read("hello", "1.1.0", &archive);
    let blob = |bytes: &[u8]| format!("/blobs/sha256/{}", Digest::of(bytes).hex());
    let other = std::fs::read(scene.publisher.path("hello-1.0.0.tar.gz")).unwrap();
    for bytes in [&good.archive, &good.signature] {
        let flipped = |place: usize| {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0b100;
            bytes
        };
        let length = bytes.len();
        let others = [flipped(0), flipped(10), flipped(length / 2), flipped(length - 1), other.clone()];
        // What is no archive at all, of the same length: a parser would say so.
        for served in others.into_iter().chain([vec![b'x'; length]]) {
            // What was fetched once is not fetched again.
            std::fs::remove_dir_all(scene.victim.cache().join("registry")).unwrap();
            scene.proxy.be_honest();
            scene.proxy.rewrite(&blob(bytes), move |answer| Answer { body: served.clone(), ..answer });
            let ran = scene.victim.fetch("acme/hello@=1.1.0");
            let refused = ran.error();
            // More than it should have is given up before its end.
            assert!(matches!(refused.code.as_str(), "digest-mismatch" | "answer-too-large"), "{ran}");
            assert_eq!(refused.exit, 3, "{ran}");
            before.is_still(&scene.victim.installed_snapshot(), &"another blob");
            scene.victim.has_nothing_staged();
        }
    }
    scene.still_works();
    // The registry finds it out as early, and says that it is the digest.
    let mut next = Package::read("hello", "1.2.0", &scene.publisher.pack(&hello("1.2.0")));
    let release = next.release(&scene.key.public_key());
    let event = Forgery::of(&scene.registry).next(release).sign(&[&scene.key]);
    let publication = Publication {
        visibility: Visibility::Public,
        category: None,
        events: vec![String::from_utf8(event.to_json()).unwrap()],
    };
    for bytes in [b"not an archive at all".to_vec(), {
        next.archive[100] ^= 1;
        next.archive.clone()
    }] {
        let upload = Upload { publication: publication.clone(), signature: &next.signature, archive: &bytes };
        let answer = scene.registry.put("acme/hello/1.2.0", scene.registry.token(), &upload);
        assert!(answer.text().contains("digest"), "{}", answer.text());
        answer.refused(422);
    }
    published.is_still(&scene.registry, &"a flipped bit");
    scene.proxy.be_honest();
    assert_eq!(scene.victim.fetch(HELLO).json()[0]["version"], "1.1.0");
}

#[test]
fn row_8_and_9_files_that_are_not_those_that_were_signed_are_refused() {
    fn pack(files: &Files) -> Vec<u8> {
        craft::archive(files)
    }
    let mut cases = vec![
        Case::archive("an extra file", "extra-file", |files| {
            pack(
                &[files.clone(), BTreeMap::from([("references/more.md", b"x".to_vec())])]
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        }),
        Case::archive("a file of ours less", "missing-file", |files| {
            let mut files = files.clone();
            files.remove("openclaw/tools.json");
            pack(&files)
        }),
        Case::archive("v1's component in v2", "changed-file", |files| {
            let mut files = files.clone();
            files.insert("openclaw/skill.wasm", component::wat("honest"));
            pack(&files)
        }),
        // The same version, packed twice; and the signature of another version.
        Case::new("the signature of another archive", "digest-mismatch", |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            let other =
                signed(&skill, craft::archive(&self::files(&hello("7.7.7"))), &files, key, |text| text);
            Package { archive: pack(&files), ..other }
        })
        .by_the_client("signed-other"),
        Case::new("v1's statement with v2's archive", "digest-mismatch", |version, key| {
            let (first, second) = (hello("1.0.0"), hello(version));
            let files = files(&first);
            let one = signed(&first, pack(&files), &files, key, |text| text);
            Package { archive: pack(&self::files(&second)), version: version.to_owned(), ..one }
        })
        .by_the_client("signed-other"),
    ];
    for name in ["SKILL.md", "openclaw/skill.toml", "openclaw/tools.json", "openclaw/skill.wasm"] {
        cases.push(Case::archive(format!("{name} was edited"), "changed-file", move |files| {
            let mut files = files.clone();
            *files.get_mut(name).unwrap().last_mut().unwrap() ^= 1;
            pack(&files)
        }));
    }
    are_refused(cases);
}

/// Changes the JSON of a signature's file.
fn with_envelope(package: Package, change: impl Fn(&mut Value)) -> Package {
    let mut envelope: Value = serde_json::from_slice(&package.signature).unwrap();
    change(&mut envelope);
    Package { signature: envelope.to_string().into_bytes(), ..package }
}

fn honest(version: &str, key: &SigningKey) -> Package {
    let skill = hello(version);
    let files = files(&skill);
    signed(&skill, craft::archive(&files), &files, key, |text| text)
}

#[test]
fn row_10_signatures_that_are_not_what_they_seem_are_refused() {
    are_refused(vec![
        Case::new("another type of payload", "wrong-payload-type", |version, key| {
            let good = honest(version, key);
            let payload = Envelope::parse(&good.signature).unwrap().payload_unverified().to_vec();
            let other = Envelope::sign("application/json", &payload, &[key]);
            Package { signature: other.to_json(), ..good }
        }),
        Case::new("a type that was put in afterwards", "bad-signature", |version, key| {
            let good = honest(version, key);
            let payload = Envelope::parse(&good.signature).unwrap().payload_unverified().to_vec();
            let signature = Envelope::sign("application/json", &payload, &[key]).to_json();
            with_envelope(Package { signature, ..good }, |envelope| {
                envelope["payloadType"] = IN_TOTO_PAYLOAD_TYPE.into();
            })
        }),
        Case::new("a signature over other bytes", "bad-signature", |version, key| {
            let other: Value = serde_json::from_slice(&honest("7.7.7", key).signature).unwrap();
            with_envelope(honest(version, key), |envelope| {
                envelope["signatures"] = other["signatures"].clone();
            })
        }),
        Case::new("no signature", "no-signatures", |version, key| {
            with_envelope(honest(version, key), |envelope| envelope["signatures"] = json!([]))
        }),
        Case::new("a stranger's signature", "bad-signature", |version, _| {
            honest(version, &SigningKey::generate().unwrap())
        }),
        Case::new("a signature of zeros", "bad-signature", |version, key| {
            with_envelope(honest(version, key), |envelope| {
                envelope["signatures"][0]["sig"] = "A".repeat(86).into();
            })
        }),
    ]);
}

#[test]
fn row_11_json_with_two_meanings_is_refused() {
    let text = |envelope: &[u8]| String::from_utf8(envelope.to_vec()).unwrap();
    are_refused(vec![
        Case::new("the publisher twice", "invalid-statement", |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            signed(&skill, craft::archive(&files), &files, key, |statement| {
                statement.replacen(r#""publisher":"acme""#, r#""publisher":"evil","publisher":"acme""#, 1)
            })
        }),
        Case::new("the subject twice", "invalid-statement", |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            signed(&skill, craft::archive(&files), &files, key, |statement| {
                statement.replacen(r#""subject":"#, r#""subject":[],"subject":"#, 1)
            })
        }),
        Case::new("the payload twice", "invalid-envelope", move |version, key| {
            let good = honest(version, key);
            let twice = text(&good.signature).replacen('{', r#"{"payload":"e30=","#, 1);
            Package { signature: twice.into_bytes(), ..good }
        }),
        Case::new("a field that nobody knows", "invalid-statement", |version, key| {
            let skill = hello(version);
            let files = files(&skill);
            signed(&skill, craft::archive(&files), &files, key, |statement| {
                statement.replacen(r#""predicate":{"#, r#""predicate":{"trusted":true,"#, 1)
            })
        }),
    ]);
}

#[test]
fn row_10_and_11_what_is_only_written_otherwise_is_accepted() {
    let scene = Scene::new();
    let url_safe = |text: &str| text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
    type Change<'a> = &'a dyn Fn(&mut Value);
    let changes: [(&str, Change<'_>); 4] = [
        ("a key id that lies", &|envelope| envelope["signatures"][0]["keyid"] = "somebody-else".into()),
        ("no key id", &|envelope| {
            envelope["signatures"][0].as_object_mut().unwrap().remove("keyid");
        }),
        ("the other alphabet of base64", &|envelope| {
            let sig = url_safe(envelope["signatures"][0]["sig"].as_str().unwrap());
            envelope["signatures"][0]["sig"] = sig.into();
            envelope["payload"] = url_safe(envelope["payload"].as_str().unwrap()).into();
        }),
        ("one key counted twice", &|envelope| {
            let first = envelope["signatures"][0].clone();
            envelope["signatures"].as_array_mut().unwrap().push(first);
        }),
    ];
    for (number, (what, change)) in changes.iter().enumerate() {
        let version = format!("1.{}.0", number + 1);
        let package = with_envelope(honest(&version, &scene.key), change);
        let answer = scene.put(&format!("acme/hello/{version}"), &package);
        assert_eq!(answer.status, 201, "{what}: {}", answer.text());
        let installed = scene.victim.fetch(HELLO).json();
        assert_eq!(installed[0]["version"], version, "{what}");
        scene.victim.runs_hello();
        let verified = scene.victim.registry(["verify"]).json();
        assert_eq!(verified[0]["status"], "verified", "{what}: {verified}");
    }
    scene.registry.is_sound();
}

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
