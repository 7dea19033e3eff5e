//! Rows 8 to 11: files, signatures and JSON that are not what was signed, or mean two things.

use std::collections::BTreeMap;

use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::{Envelope, SigningKey};
use openclaw_tests::forgery::Package;
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::{component, craft};
use serde_json::{Value, json};

use super::{Case, Files, are_refused, files, honest, signed};
use crate::scene::Scene;

/// Changes the JSON of a signature's file.
fn with_envelope(package: Package, change: impl Fn(&mut Value)) -> Package {
    let mut envelope: Value = serde_json::from_slice(&package.signature).unwrap();
    change(&mut envelope);
    Package { signature: envelope.to_string().into_bytes(), ..package }
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
