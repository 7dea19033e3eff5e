//! Rows 1 to 5 and 7: archives that are not of the one form, or not the ones that were signed.

use openclaw_package::Digest;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::Publication;
use openclaw_tests::Home;
use openclaw_tests::forgery::{Forgery, Package};
use openclaw_tests::hostile::{END, Entry, GZIP_HEADER, entries, gzip, gzip_with, tar};
use openclaw_tests::http::Answer;
use openclaw_tests::registry::{HELLO, Upload, hello};

use super::{Case, Files, are_refused};
use crate::scene::Scene;

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
