//! The log's signed texts: checkpoints, and proofs that need nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_package::log::{Checkpoint, LogError, LogProof, leaf_hash, node_hash};
use openclaw_package::{Digest, Origin, PublicKey, SigningKey};

use crate::common::key;

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new(origin("example.com/log"), 7, Digest::of(b"root"))
}

/// The signature line of a key over the text of a note, as another implementation would write it.
fn signature(text: &str, name: &str, key: &SigningKey) -> String {
    let id = [name.as_bytes(), b"\n\x01", key.public_key().as_bytes()].concat();
    let bytes = [&Digest::of(&id).as_bytes()[..4], &key.sign(text.as_bytes())].concat();
    format!("— {name} {}\n", STANDARD.encode(bytes))
}

fn verify(note: &str) -> Result<Checkpoint, &'static str> {
    Checkpoint::verify(note, &origin("example.com/log"), &key(1).public_key()).map_err(|error| error.code())
}

/// A text signed as the log would, which never signs such.
fn signed(text: &str) -> Result<Checkpoint, &'static str> {
    verify(&format!("{text}\n{}", signature(text, "example.com/log", &key(1))))
}

#[test]
fn an_origin_can_be_the_name_of_a_key() {
    for good in ["a", "skills.example.com", "openclaw-1f0c9d2ab34e5f60", "localhost:8080/x", &"x".repeat(128)]
    {
        assert_eq!(origin(good).to_string(), good);
    }
    for bad in ["", " ", "a b", "a+b", "a\n", "é", "a\u{7f}", &"x".repeat(129)] {
        assert_eq!(bad.parse::<Origin>().unwrap_err().code(), "invalid-origin", "{bad:?}");
    }
    assert!(serde_json::from_str::<Origin>("\"a+b\"").is_err());
}

#[test]
fn a_checkpoint_is_verified_as_it_was_signed() {
    let note = checkpoint().sign(&key(1));
    let text = format!("example.com/log\n7\n{}\n", STANDARD.encode(Digest::of(b"root").as_bytes()));
    assert_eq!(note, format!("{text}\n{}", signature(&text, "example.com/log", &key(1))));
    assert_eq!(verify(&note), Ok(checkpoint()));
    assert_eq!(signed(&format!("{text}more\n")), Ok(checkpoint()), "an extension line is opaque");
}

/// Made by golang.org/x/mod/sumdb/note for the log of Tessera's test data, whose key is public.
#[test]
fn a_checkpoint_of_another_implementation_is_verified() {
    let note = "example.com/log/testdata\n100270\nGRV1O0dCqmjjPvYi7CtOT79zb/fPwLNsMFWsynwU8Ac=\n\n\
        — example.com/log/testdata M9e0lkcvy5bAe7rrC8tCyAP+my+CLzswA91zOpBNWVU7qCojkUOHnfdQzDImoYeYH8G8PJSwOqsx0RkSa\
        261OmKVwwM=\n";
    let key = STANDARD.decode("AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx").unwrap();
    let key = PublicKey::from_bytes(key.last_chunk().unwrap()).unwrap();
    let read = Checkpoint::verify(note, &origin("example.com/log/testdata"), &key).unwrap();
    assert_eq!((read.origin().as_str(), read.size()), ("example.com/log/testdata", 100_270));
    assert_eq!(STANDARD.encode(read.root().as_bytes()), "GRV1O0dCqmjjPvYi7CtOT79zb/fPwLNsMFWsynwU8Ac=");
}

#[test]
fn a_checkpoint_is_believed_only_with_the_signature_of_the_logs_key() {
    let note = checkpoint().sign(&key(1));
    let (text, own) = note.rsplit_once('\n').unwrap().0.split_once("\n\n").unwrap();
    let (text, own) = (format!("{text}\n"), format!("{own}\n"));
    let other = signature(&text, "example.com/log", &key(2));
    let witness = signature(&text, "witness.example", &key(1));
    let cosignature = format!("— witness.example {}\n", STANDARD.encode([7; 76]));
    // The key's name and ID, over something else.
    let false_one = signature("another text\n", "example.com/log", &key(1));
    let cut = format!("— example.com/log {}\n", &own.rsplit(' ').next().unwrap()[..60]);
    for (lines, expected) in [
        ([&own[..], &other, &witness, &cosignature].concat(), Ok(checkpoint())),
        ([&cosignature[..], &other, &own, &own].concat(), Ok(checkpoint())),
        ([&other[..], &witness, &cosignature].concat(), Err("unsigned-checkpoint")),
        ([&own[..], &false_one].concat(), Err("bad-checkpoint-signature")),
        ([&false_one[..], &own].concat(), Err("bad-checkpoint-signature")),
        ([&own[..], &cut].concat(), Err("bad-checkpoint-signature")),
        (own.repeat(64), Ok(checkpoint())),
        (own.repeat(65), Err("log-data-too-large")),
        (cosignature.repeat(600), Err("log-data-too-large")),
    ] {
        assert_eq!(verify(&format!("{text}\n{lines}")), expected, "{lines:.200}");
    }
    let elsewhere = Checkpoint::new(origin("example.com/other"), 7, Digest::of(b"root"));
    assert_eq!(verify(&elsewhere.sign(&key(1))), Err("unsigned-checkpoint"));
    for (from, to) in [("\n7\n", "\n8\n"), ("example.com/log\n", "example.com/other\n"), ("\n7\n", "\n7\n\n")]
    {
        assert_eq!(verify(&note.replacen(from, to, 1)), Err("bad-checkpoint-signature"), "{to:?}");
    }
}

#[test]
fn a_note_has_one_form() {
    let note = checkpoint().sign(&key(1));
    let (text, line) = note.split_once("\n\n").unwrap();
    let encoded = line.trim_end().rsplit_once(' ').unwrap().1;
    // 68 bytes leave two bits of the last character unused.
    let spare_bits = encoded.strip_suffix("U=").unwrap().to_owned() + "V=";
    for hostile in [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        "\n\n\n".to_owned(),
        text.to_owned(),
        format!("{text}\n\n"),
        format!("{text}\n{line}"),
        note.trim_end().to_owned(),
        format!("{note}\n"),
        format!("{note}more\n"),
        note.replace('\n', "\r\n"),
        note.replace("log\n", "log\0\n"),
        note.replace('—', "-"),
        note.replace("— ", "—"),
        note.replace("— ", "—  "),
        note.replace("— example.com/log ", "—  "),
        note.replace("— ", "— a\u{a0}"),
        note.replace("— ", "— +"),
        note.replace(encoded, ""),
        note.replace(encoded, &STANDARD.encode([1; 4])),
        note.replace(encoded, encoded.trim_end_matches('=')),
        note.replace(encoded, &format!("{encoded} ")),
        note.replace(encoded, &format!("{encoded}=")),
        note.replace(encoded, &spare_bits),
    ] {
        assert_eq!(verify(&hostile), Err("invalid-note"), "{hostile:?}");
    }
    assert_eq!(verify(&format!("{}{note}", "x".repeat(64 << 10))), Err("log-data-too-large"));
}

#[test]
fn a_checkpoint_has_one_form() {
    let root = STANDARD.encode(Digest::of(b"root").as_bytes());
    assert_eq!(signed(&format!("example.com/log\n0\n{root}\n")).unwrap().size(), 0);
    assert_eq!(signed(&format!("example.com/log\n{}\n{root}\n", u64::MAX)).unwrap().size(), u64::MAX);
    for size in ["", "+7", "-7", "07", "00", " 7", "7 ", "0x7", "7e1", "٧", "18446744073709551616", "7.0"] {
        assert_eq!(
            signed(&format!("example.com/log\n{size}\n{root}\n")),
            Err("invalid-checkpoint"),
            "{size:?}"
        );
    }
    let spare_bits = root.replace('=', "").strip_suffix(|_: char| true).unwrap().to_owned() + "9=";
    for root in ["", "AAAA", &root[..43], &format!("{root}="), &format!("{root} "), &spare_bits] {
        assert_eq!(signed(&format!("example.com/log\n7\n{root}\n")), Err("invalid-checkpoint"), "{root:?}");
    }
    for text in
        ["example.com/log\n", "example.com/log\n7\n", &format!("example.com/log\n7\n{root}\n\nmore\n")]
    {
        assert_eq!(signed(text), Err("invalid-checkpoint"), "{text:?}");
    }
    assert_eq!(signed(&format!("example.com/other\n7\n{root}\n")), Err("wrong-log"));
}

/// The example of c2sp.org/tlog-proof, which leaves out the middle of the signatures.
const EXAMPLE: &str = "c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
— witness1.example mJirIklj[...]qY9v2B/5bg==
— witness2.example TnKKVHLX[...]xwYwrSjgow==
— witness3.example S4X82uH5[...]3oEcROGLFQ==
";

#[test]
fn the_example_of_the_specification_is_read() {
    let proof = LogProof::parse(EXAMPLE).unwrap();
    assert_eq!((proof.index, proof.hashes.len()), (73_894, 5));
    assert!(proof.checkpoint.starts_with("example.com/fancylog\n109482\n"));
    assert!(proof.checkpoint.ends_with("3oEcROGLFQ==\n"));
    let without_extra: String =
        EXAMPLE.split_inclusive('\n').filter(|line| !line.starts_with("extra")).collect();
    assert_eq!(proof.to_string(), without_extra);
    assert_eq!(LogProof::parse(&without_extra).unwrap(), proof);
    // It is shown in part only, and so proves nothing.
    let refused = proof.verify(b"", &origin("example.com/fancylog"), &key(1).public_key()).unwrap_err();
    assert_eq!(refused.code(), "invalid-note");
}

#[test]
fn a_log_proof_has_one_form() {
    let proof = EXAMPLE.split_inclusive('\n').filter(|line| !line.starts_with("extra")).collect::<String>();
    assert!(LogProof::parse(&proof).is_ok());
    let hash = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n";
    for (from, to) in [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("c2sp.org/tlog-proof@v1\n", ""),
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\n\n"),
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\r\n"),
        ("index 73894\n", ""),
        ("index 73894\n", "index 73894\nindex 73894\n"),
        ("index 73894\n", "index 73894\nextra AAAA\n"),
        ("index 73894\n", "extra AAAA\nextra AAAA\nindex 73894\n"),
        ("index 73894\n", "extra AAA\nindex 73894\n"),
        ("index 73894", "index 073894"),
        ("index 73894", "index +73894"),
        ("index 73894", "index  73894"),
        ("index 73894", "index 73894 "),
        ("index 73894", "index 18446744073709551616"),
        (hash, "gSKy\n"),
        (hash, "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ\n"),
        (hash, "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlR=\n"),
        (hash, " \n"),
        ("\n\n", "\n"),
    ] {
        let changed = proof.replacen(from, to, 1);
        assert_ne!(changed, proof);
        assert_eq!(
            LogProof::parse(&changed).map_err(|error| error.code()),
            Err("invalid-log-proof"),
            "{to:?}"
        );
    }
    let code =
        |count| LogProof::parse(&proof.replacen(hash, &hash.repeat(count), 1)).map_err(|error| error.code());
    assert!(code(60).is_ok());
    assert_eq!(code(61), Err("log-data-too-large"));
    assert_eq!(code(4000), Err("log-data-too-large"));
}

#[test]
fn a_log_proof_shows_one_entry_in_one_log() {
    let (one, two) = (leaf_hash(b"one"), leaf_hash(b"two"));
    let checkpoint = Checkpoint::new(origin("example.com/log"), 2, node_hash(&one, &two));
    let proof = LogProof { index: 0, hashes: vec![two], checkpoint: checkpoint.sign(&key(1)) };
    let verify = |proof: &LogProof, entry: &[u8], name, signer| {
        let verified = proof.verify(entry, &origin(name), &key(signer).public_key());
        verified.map_err(|error: LogError| error.code())
    };
    let read = LogProof::parse(&proof.to_string()).unwrap();
    assert_eq!(read, proof);
    assert_eq!(verify(&read, b"one", "example.com/log", 1), Ok(checkpoint));
    assert_eq!(verify(&read, b"two", "example.com/log", 1), Err("not-in-log"));
    assert_eq!(verify(&read, b"one", "example.com/log", 2), Err("unsigned-checkpoint"));
    assert_eq!(verify(&read, b"one", "example.com/other", 1), Err("unsigned-checkpoint"));
    assert_eq!(
        verify(&LogProof { index: 2, ..read.clone() }, b"one", "example.com/log", 1),
        Err("no-such-entry")
    );
    assert_eq!(verify(&LogProof { index: 1, ..read }, b"one", "example.com/log", 1), Err("not-in-log"));
    // What is hashed to a node cannot be passed off as an entry.
    let node = [one.as_bytes().as_slice(), two.as_bytes()].concat();
    let proof = LogProof { index: 0, hashes: vec![], ..proof };
    assert_eq!(verify(&proof, &node, "example.com/log", 1), Err("not-in-log"));
}
