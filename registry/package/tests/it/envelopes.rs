//! Keys, envelopes and statements.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openclaw_package::envelope::IN_TOTO_PAYLOAD_TYPE;
use openclaw_package::{Envelope, PublicKey, SigningKey, Statement};
use serde_json::Value;

use crate::common::{hello, key};

fn envelope() -> Envelope {
    hello().pack().unwrap().sign(&key(1))
}

fn as_json(envelope: &Envelope) -> Value {
    serde_json::from_slice(&envelope.to_json()).unwrap()
}

fn parse(value: &Value) -> Result<Envelope, &'static str> {
    Envelope::parse(value.to_string().as_bytes()).map_err(|error| error.code())
}

#[test]
fn keys_are_written_as_they_are_read_and_secrets_are_not_shown() {
    let secret = SigningKey::generate().unwrap();
    let text = secret.to_secret_text();
    assert!(text.starts_with("openclaw-secret-key:ed25519:"));
    let again = SigningKey::from_secret_text(&format!("{}\n", text.as_str())).unwrap();
    assert_eq!(again.public_key(), secret.public_key());
    let public = secret.public_key();
    assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
    assert_eq!(public.key_id().len(), 32);
    assert!(!format!("{secret:?}").contains(text.rsplit(':').next().unwrap()));
    for bad in ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA", &text, "ed25519:!!!"] {
        assert_eq!(bad.parse::<PublicKey>().unwrap_err().code(), "invalid-key", "{bad}");
    }
    for bad in ["", "openclaw-secret-key:ed25519:AAAA", &public.to_string()] {
        assert_eq!(SigningKey::from_secret_text(bad).unwrap_err().code(), "invalid-key", "{bad}");
    }
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    for weak in [identity, [0; 32]] {
        assert_eq!(PublicKey::from_bytes(&weak).unwrap_err().code(), "weak-key");
    }
    // The identity again, written as 1 + p.
    let mut other_form = [0xff; 32];
    other_form[0] = 0xee;
    other_form[31] = 0x7f;
    assert!(PublicKey::from_bytes(&other_form).is_err());
}

#[test]
fn the_encoding_that_is_signed_is_the_one_of_the_specification() {
    let signed = Envelope::sign("http://example.com/HelloWorld", b"hello world", &[&key(1)]);
    let json = as_json(&signed);
    let signature = STANDARD.decode(json["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let message = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert!(key(1).public_key().verifies(message, &signature));
}

#[test]
fn a_signature_holds_for_its_key_type_and_bytes_only() {
    let envelope = envelope();
    let verified = envelope.verify(&[key(1).public_key()], 1).unwrap();
    assert_eq!(verified.signers(), [key(1).public_key()]);
    assert_eq!(envelope.verify(&[key(2).public_key()], 1).unwrap_err().code(), "bad-signature");
    assert_eq!(envelope.verify(&[], 0).unwrap_err().code(), "bad-signature");
    let mut other = as_json(&envelope);
    other["payloadType"] = "text/plain".into();
    assert_eq!(
        parse(&other).unwrap().verify(&[key(1).public_key()], 1).unwrap_err().code(),
        "wrong-payload-type"
    );
    let mut other = as_json(&envelope);
    let mut payload = STANDARD.decode(other["payload"].as_str().unwrap()).unwrap();
    payload.push(b' ');
    other["payload"] = STANDARD.encode(payload).into();
    assert_eq!(parse(&other).unwrap().verify(&[key(1).public_key()], 1).unwrap_err().code(), "bad-signature");
}

#[test]
fn one_key_counts_once() {
    let payload = envelope().payload_unverified().to_vec();
    let twice = Envelope::sign(IN_TOTO_PAYLOAD_TYPE, &payload, &[&key(1), &key(1)]);
    let keys = [key(1).public_key(), key(1).public_key()];
    assert_eq!(
        twice.verify(&keys, 2).unwrap_err().to_string(),
        "1 of the trusted keys signed it, and 2 must"
    );
    let mut both = envelope();
    assert!(both.merge(Envelope::sign(IN_TOTO_PAYLOAD_TYPE, &payload, &[&key(2)])));
    assert!(!both.merge(Envelope::sign(IN_TOTO_PAYLOAD_TYPE, b"{}", &[&key(3)])));
    let keys = [key(1).public_key(), key(2).public_key()];
    assert_eq!(both.verify(&keys, 2).unwrap().signers().len(), 2);
    assert_eq!(Envelope::parse(&both.to_json()).unwrap(), both);
}

#[test]
fn what_is_merged_can_be_read_again() {
    let sign = |seeds: std::ops::Range<u8>| {
        let keys: Vec<SigningKey> = seeds.map(key).collect();
        Envelope::sign(IN_TOTO_PAYLOAD_TYPE, b"{}", &keys.iter().collect::<Vec<_>>())
    };
    let mut full = sign(0..16);
    let before = full.clone();
    assert!(full.merge(sign(8..16)));
    assert!(!full.merge(sign(16..17)), "nobody reads seventeen signatures");
    assert_eq!(full, before);
    assert_eq!(Envelope::parse(&full.to_json()).unwrap(), full);
}

#[test]
fn a_key_id_is_a_hint_and_both_alphabets_are_read() {
    let keys = [key(1).public_key()];
    let mut lies = as_json(&envelope());
    lies["signatures"][0]["keyid"] = key(2).public_key().key_id().into();
    assert!(parse(&lies).unwrap().verify(&keys, 1).is_ok());
    lies["signatures"][0].as_object_mut().unwrap().remove("keyid");
    assert!(parse(&lies).unwrap().verify(&keys, 1).is_ok());
    for field in ["/payload", "/signatures/0/sig"] {
        let place = lies.pointer_mut(field).unwrap();
        let bytes = STANDARD.decode(place.as_str().unwrap()).unwrap();
        *place = URL_SAFE_NO_PAD.encode(bytes).into();
    }
    assert!(parse(&lies).unwrap().verify(&keys, 1).is_ok());
}

#[test]
fn an_envelope_is_strict_json() {
    let good = String::from_utf8(envelope().to_json()).unwrap();
    let code = |text: &str| Envelope::parse(text.as_bytes()).unwrap_err().code();
    assert_eq!(code(&good.replacen("\"payload\":", "\"payload\":\"\",\"payload\":", 1)), "invalid-envelope");
    assert_eq!(code(&good.replacen("\"keyid\":", "\"sig\":\"\",\"keyid\":", 1)), "invalid-envelope");
    assert_eq!(code("{}"), "invalid-envelope");
    assert_eq!(code(&format!("{good}{good}")), "invalid-envelope");
    assert_eq!(code(&" ".repeat((1 << 20) + 1)), "envelope-too-large");
    let mut empty = as_json(&envelope());
    empty["signatures"] = Value::Array(vec![]);
    assert_eq!(parse(&empty), Err("no-signatures"));
    let one = as_json(&envelope())["signatures"][0].clone();
    empty["signatures"] = Value::Array(vec![one; 17]);
    assert_eq!(parse(&empty), Err("envelope-too-large"));
    let mut garbled = as_json(&envelope());
    garbled["payload"] = "!".into();
    assert_eq!(parse(&garbled), Err("invalid-envelope"));
    let mut more = as_json(&envelope());
    more["comment"] = "ignored, as the specification asks".into();
    assert!(parse(&more).is_ok());
}

#[test]
fn a_statement_is_written_as_it_is_read_and_nothing_is_read_over() {
    let statement = hello().pack().unwrap().statement;
    let text = String::from_utf8(statement.to_json()).unwrap();
    assert_eq!(Statement::parse(text.as_bytes()).unwrap(), statement);
    assert_eq!((statement.id().as_str(), statement.files().len()), ("acme/hello", 6));
    for (from, to) in [
        ("{\"_type\"", "{\"more\":1,\"_type\""),
        ("\"predicate\":{", "\"predicate\":{\"more\":1,"),
        ("\"predicate\":{", "\"predicate\":{\"name\":\"other\","),
        ("Statement/v1", "Statement/v0.1"),
        ("skill-release/v1", "skill-release/v2"),
        ("skill.tar.gz", "other.tar.gz"),
        ("\"1.0.0\"", "\"1.0.0+build\""),
        ("\"acme\"", "\"Acme\""),
        ("\"subject\":[", "\"subject\":[{\"name\":\"skill.tar.gz\",\"digest\":{\"sha256\":\"\"}},"),
        ("\"sha256\":\"", "\"sha512\":\"\",\"sha256\":\""),
        ("references/guide.md", "../guide.md"),
        ("assets/logo.svg", "zzz"),
        ("references/guide.md", "openclaw/tools.json"),
        ("\"size\":8", "\"size\":-8"),
        ("\"size\":8", "\"size\":18446744073709551615"),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert_eq!(Statement::parse(changed.as_bytes()).expect_err(to).code(), "invalid-statement");
    }
    assert!(Statement::parse(&vec![b' '; (1 << 20) + 1]).is_err());
}
