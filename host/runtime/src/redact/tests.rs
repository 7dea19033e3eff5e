//! What is cut, what stays, and that no text takes long.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "s3cr\u{e9}t/V+lue \"x\"?";

fn values(values: &[&str]) -> Arc<Values> {
    Arc::new(Values::new(values.iter().map(|value| value.as_bytes())).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The same with `%c3` for `%C3`.
fn lower_escapes(text: &str) -> String {
    let (first, rest) = text.split_once('%').unwrap();
    let rest = rest.split('%').map(|part| format!("%{}{}", part[..2].to_lowercase(), &part[2..]));
    rest.fold(first.to_owned(), |text, part| text + &part)
}

#[test]
fn every_expression_is_one() {
    assert!(shapes::all_compile());
}

#[test]
fn a_value_is_cut_in_every_encoding() {
    let redactor = Redactor::with(values(&[SECRET]));
    let json = serde_json::to_string(SECRET).unwrap();
    let bytes = SECRET.as_bytes();
    let query = url::Url::parse_with_params("http://x/", [("q", SECRET)]).unwrap();
    let forms = [
        SECRET.to_owned(),
        STANDARD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        hex(bytes),
        hex(bytes).to_uppercase(),
        percent(SECRET),
        lower_escapes(&percent(SECRET)),
        query.query().unwrap().trim_start_matches("q=").to_owned(),
        json.trim_matches('"').to_owned(),
        serde_json::to_string(&json).unwrap().trim_matches('"').trim_matches(['\\', '"']).to_owned(),
    ];
    for form in &forms {
        let text = format!("before {form} after");
        let redacted = redactor.redact(&text);
        assert!(redacted.starts_with("before [redacted:secret]"), "{form} gave {redacted}");
        assert!(redacted.ends_with(" after") && redacted.len() < 40, "{form} gave {redacted}");
    }
}

#[test]
fn a_value_is_cut_wherever_it_lies_in_longer_base64() {
    let secret = "correct-horse-battery";
    let redactor = Redactor::with(values(&[secret]));
    for (before, after) in [("", "!"), ("u:", ""), ("u", "zz"), ("user:", "zzz"), ("ab", "")] {
        let whole = STANDARD.encode(format!("{before}{secret}{after}"));
        let redacted = redactor.redact(&whole);
        let (left, right) = redacted.split_once("[redacted:secret]").expect(&redacted);
        // What is left are the letters that neighbours have a part in.
        assert!(left.len() <= before.len() * 8 / 6 + 1 && right.len() <= after.len() * 2 + 4, "{redacted}");
    }
}

#[test]
fn values_that_overlap_are_cut_as_one() {
    let redactor = Redactor::with(values(&["abcdef", "defghi", "cd"]));
    assert_eq!(redactor.redact("x abcdefghi y"), "x [redacted:secret] y");
    assert_eq!(redactor.redact("abcdefabcdef"), "[redacted:secret][redacted:secret]");
    assert_eq!(redactor.redact("x ab y"), "x ab y");
}

#[test]
fn a_value_of_several_lines_is_cut_from_each_line() {
    let key = "-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG\nc29tZSBtb3JlIGJ5dGVz\n-----END X-----\n";
    let redactor = Redactor::with(values(&[key]));
    assert_eq!(redactor.redact(key), "[redacted:secret]");
    assert_eq!(redactor.redact("> c29tZSBtb3JlIGJ5dGVz <"), "> [redacted:secret] <");
    assert_eq!(redactor.redact("-----BEGIN X-----"), "-----BEGIN X-----");
}

#[test]
fn a_value_that_is_no_text_is_cut_with_the_characters_that_it_splits() {
    let half = "é".as_bytes().get(1..).unwrap().to_vec();
    let redactor = Redactor::with(Arc::new(Values::new([half.as_slice()]).unwrap()));
    assert_eq!(redactor.redact("caf\u{e9}!"), "caf[redacted:secret]!");
}

#[test]
fn no_value_is_nothing_to_cut() {
    assert!(Values::new([b"".as_slice(), b""]).unwrap().is_empty());
    assert!(matches!(values(&[]).redact("text"), Cow::Borrowed("text")));
    assert_eq!(Values::new([vec![b'x'; (64 << 10) + 1].as_slice()]).unwrap_err(), ValuesError::TooLarge);
    assert!(!format!("{:?}", values(&["hunter22"])).contains("hunter"));
}

/// Texts with one secret, and what is left of them.
const SECRETS: &[(&str, &str)] = &[
    ("card 4111 1111 1111 1111 ok", "card [redacted:card] ok"),
    ("4111-1111-1111-1111", "[redacted:card]"),
    ("qty 2 4111111111111111.", "qty 2 [redacted:card]."),
    ("amex 378282246310005", "amex [redacted:card]"),
    ("amex 3782 822463 10005", "amex [redacted:card]"),
    ("diners 3056 930902 5904", "diners [redacted:card]"),
    ("mc 5555555555554444, mc2 2223003122003222", "mc [redacted:card], mc2 [redacted:card]"),
    ("discover=6011111111111117", "discover=[redacted:card]"),
    ("jcb 3530111333300000 visa13 4222222222222", "jcb [redacted:card] visa13 [redacted:card]"),
    ("key sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7", "key [redacted:api-key]"),
    ("sk-ant-api03-Zx9_cV8-bN7mM6aS5dD4fF3gG2hH1", "[redacted:api-key]"),
    ("DEEPSEEK=sk-0123456789abcdef0123456789abcdef", "DEEPSEEK=[redacted:api-key]"),
    ("sk_live_51H8abcdefGHIJKLmnop", "[redacted:api-key]"),
    ("AKIAIOSFODNN7EXAMPLE", "[redacted:api-key]"),
    ("'AIzaSyA-1234567890abcdefghijklmnopqrstu'", "'[redacted:api-key]'"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ456789", "[redacted:token]"),
    ("github_pat_11ABCDEFG0aBcDeFgHiJkL_0123456789", "[redacted:token]"),
    ("xoxb-123456789012-abcdefABCDEF", "[redacted:token]"),
    ("glpat-aBcD1234eFgH5678iJkL", "[redacted:token]"),
    ("oct_0123456789ABCDEFGHIJabcdefghijKL", "[redacted:token]"),
    ("ocg_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "[redacted:token]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "[redacted:token]"),
    ("authorization: Bearer abc123def456", "authorization: Bearer [redacted:token]"),
    ("\"Authorization\": \"Basic dXNlcjpwYXNzMQ==\"", "\"Authorization\": \"Basic [redacted:token]\""),
    ("https://ada:hunter2@example.com/x", "https://ada:[redacted:password]@example.com/x"),
    ("postgres://u:p%40ss:w@db:5432/x", "postgres://u:[redacted:password]@db:5432/x"),
    ("GET https://h/p?a=1&access_token=zzz9&b=2", "GET https://h/p?a=1&access_token=[redacted:secret]&b=2"),
    ("https://h/?key=abc#top", "https://h/?key=[redacted:secret]#top"),
    ("https://h/?X-Amz-Signature=ff00", "https://h/?X-Amz-Signature=[redacted:secret]"),
    ("tool --password=hunter2 --verbose", "tool --password=[redacted:secret] --verbose"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest",
        "[redacted:private-key]\nrest",
    ),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXk", "[redacted:private-key]"),
    (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----",
        "[redacted:private-key]",
    ),
];

#[test]
fn what_has_the_shape_of_a_secret_is_cut() {
    let redactor = Redactor::patterns();
    for (text, left) in SECRETS {
        assert_eq!(redactor.redact(text), *left, "of {text}");
    }
}

/// What is no secret, and must stay.
const HARMLESS: &[&str] = &[
    // Identifiers, some of digits alone.
    "550e8400-e29b-41d4-a716-446655440000",
    "41111111-1111-4111-1111-111111111111",
    "00000000-0000-0000-0000-000000000000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "tree 4111111111111111411111111111111141111111",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:4111111111111111e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b9340",
    "ed25519:X2FsFmZT2fhmz6CHT7jeVWmDPBpnbUfqMdp/vHZ+tB8=",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@example.com",
    "task-4f9a-sk-learn-compatible-estimators-guide",
    "risk-assessment-and-management-plan-for-2026",
    "xoxo-hugs-and-kisses",
    "the ghp_ prefix, an oct_ or ocg_ prefix, AKIA and sk- alone",
    // Times and numbers.
    "2026-11-26T09:15:42.123456789Z",
    "1764148542 1764148542123 1764148542123456 1764148542123456789",
    "20261126091542123",
    "2026-11-26 09:15:42 +0000",
    "+49 151 12345678, +4915112345678, +1 415-555-2671, (415) 555-2671",
    "order 4111111111111112, order 1234567890123456, invoice 9876 5432 1098 7654",
    "0.4111111111111111 and 3.1415926535897932384",
    "18446744073709551615 9007199254740993 4111 1111 1111",
    "0000 0000 0000 0000",
    "fuel 3_894_491, 2107248 bytes, 1396 us",
    "192.168.1.1 10.0.0.1:8080 fe80::1ff:fe23:4567:890a 00:1a:2b:3c:4d:5e",
    // Data, paths and versions.
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==",
    "openclaw-runtime 0.1.0, wasmtime 48.0.8, 1.2.3-rc.4+build.20261126",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/home/ada/.ssh/id_ed25519.pub",
    "C:\\Users\\Ada\\keys\\token.txt",
    "eyJ is how base64 of JSON begins; eyJhbGciOiJIUzI1NiJ9 alone is a header",
    // Addresses without secrets.
    "GET https://api.example.com:8443/v1/users?limit=20&sort=name&monkey=1",
    "https://ada@example.com/x ssh://git@github.com:22/acme/x.git git@github.com:acme/x.git",
    "mailto:ada@example.com http://h:80/a?b=c@d",
    "openclaw grant allow acme/x network GET https://api.example.com/v1",
    // Prose and code.
    "Send a bearer token; the Bearer authentication scheme is RFC 6750.",
    "authorization: basic understanding, token required",
    "token = next_token(); key = map.key(); password is missing; secret: none",
    "git log -n 10 --pretty=format:%H --key-file=/etc/x.pem --author='Ada Lovelace'",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "The quick brown fox jumps over the lazy dog. Привет, мир! 你好，世界 🦀",
    "[redacted:token] and [redacted:card]",
    "",
];

#[test]
fn what_is_no_secret_stays() {
    let redactor = Redactor::patterns();
    for text in HARMLESS {
        assert!(matches!(redactor.redact(text), Cow::Borrowed(_)), "{text} became {}", redactor.redact(text));
    }
    let all = HARMLESS.join("\n");
    assert_eq!(redactor.redact(&all), all);
}

fn expressions(texts: &[&str]) -> Arc<[Regex]> {
    texts.iter().map(|text| Regex::new(text).unwrap()).collect()
}

#[test]
fn what_an_owners_expression_matches_is_cut_with_all_that_overlaps_it() {
    let redactor = Redactor::patterns().and(expressions(&["EMP-[0-9]+", "x*", "key ghp_0123"]));
    assert_eq!(
        redactor.redact("EMP-12, xEMP-7."),
        "[redacted:pattern], [redacted:pattern][redacted:pattern]."
    );
    assert_eq!(
        redactor.redact("key ghp_0123456789abcdefghijABCDEFGHIJ456789 left"),
        "[redacted:pattern] left"
    );
    assert_eq!(redactor.redact("nothing"), "nothing");
    let mut lines = redactor.lines();
    assert_eq!(lines.redact("of EMP-1"), "of [redacted:pattern]");
}

#[test]
fn what_is_exact_leaves_what_only_has_the_shape_of_a_secret() {
    let redactor = Redactor::exact(values(&[SECRET]));
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    assert_eq!(redactor.redact(&format!("{token} {SECRET}")), format!("{token} [redacted:secret]"));
}

#[test]
fn what_was_redacted_stays_as_it_is() {
    let redactor = Redactor::patterns();
    for (text, left) in SECRETS {
        assert_eq!(redactor.redact(left), *left, "of {text}");
    }
}

#[test]
fn a_private_key_is_cut_from_each_line_that_it_is_written_in() {
    let redactor = Redactor::patterns();
    let mut lines = redactor.lines();
    let cut = "[redacted:private-key]";
    for (line, left) in [
        ("starting", "starting"),
        ("pem: -----BEGIN EC PRIVATE KEY-----", "pem: [redacted:private-key]"),
        ("Proc-Type: 4,ENCRYPTED", cut),
        ("", cut),
        ("MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49", cut),
        ("-----END EC PRIVATE KEY----- done", "[redacted:private-key] done"),
        ("MHcCAQEEIIrYSSNQFaA2", "MHcCAQEEIIrYSSNQFaA2"),
        ("-----BEGIN PRIVATE KEY-----", cut),
        (
            "it broke off here, then ghp_0123456789abcdefghijABCDEFGHIJ456789",
            "it broke off here, then [redacted:token]",
        ),
    ] {
        assert_eq!(lines.redact(line), left);
    }
}

#[test]
fn hostile_text_takes_no_longer_than_its_length_allows() {
    let redactor = Redactor::with(values(&["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", SECRET]));
    let patterns = [
        "a",
        "-",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END ",
        "://a:",
        "://",
        "?key=",
        "--",
        "&a_",
        "4",
        "4 ",
        "4111 ",
        "411111111111111 ",
        "eyJabcdefgh.",
        "bearer ",
        "authorization:basic ",
        "sk-a",
        "gh",
        "xoxb-",
        "é",
    ];
    for pattern in patterns {
        let text = pattern.repeat((1 << 20) / pattern.len());
        let begun = Instant::now();
        let _ = redactor.redact(&text);
        assert!(begun.elapsed() < Duration::from_secs(10), "{pattern}: {:?}", begun.elapsed());
    }
}

fn streamed(values: &Arc<Values>, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut stream = values.stream();
    let (mut out, mut at) = (Vec::new(), 0);
    for len in cuts {
        let end = (at + len).min(bytes.len());
        out.extend(stream.push(&bytes[at..end]));
        assert!(stream.held() < values.longest());
        at = end;
    }
    out.extend(stream.push(&bytes[at..]));
    out.extend(stream.finish());
    out
}

#[test]
fn a_stream_holds_nothing_back_that_begins_no_value() {
    let values = values(&["hunter22"]);
    let mut stream = values.stream();
    assert_eq!(stream.push(b"data: 1\n\n"), b"data: 1\n\n");
    assert_eq!(stream.push(b"hunt"), b"");
    assert_eq!(stream.push(b"er22!\n"), b"[redacted:secret]!\n");
    assert_eq!(stream.finish(), b"");
}

proptest! {
    #[test]
    fn a_stream_gives_what_the_whole_gives(
        parts in prop::collection::vec(prop::sample::select(vec!["abcab", "abcabc", "cabz", "ab", "c", "x", "YWJjYWI"]), 0..40),
        cuts in prop::collection::vec(0_usize..9, 0..60),
    ) {
        let values = values(&["abcab", "cabz", "bcabcabca"]);
        let text = parts.concat();
        prop_assert_eq!(streamed(&values, text.as_bytes(), &cuts), values.redact_bytes(text.as_bytes()).into_owned());
        prop_assert_eq!(values.redact(&text).into_owned().into_bytes(), values.redact_bytes(text.as_bytes()).into_owned());
    }

    #[test]
    fn no_value_is_left_whatever_stands_around_it(
        value in "[a-zA-Z0-9/+ ]{8,40}",
        before in "\\PC{0,20}",
        after in "\\PC{0,20}",
    ) {
        let redactor = Redactor::with(values(&[&value]));
        let forms = [value.clone(), STANDARD.encode(&value), hex(value.as_bytes()), percent(&value)];
        for form in forms {
            let redacted = redactor.redact(&format!("{before}{form}{after}")).into_owned();
            prop_assert!(!redacted.contains(&form), "{}", redacted);
        }
    }

    #[test]
    fn any_text_is_redacted_once_and_for_all(text in "\\PC{0,200}") {
        let redactor = Redactor::patterns();
        let once = redactor.redact(&text).into_owned();
        prop_assert_eq!(redactor.redact(&once).into_owned(), once);
    }

    #[test]
    fn random_base64_and_hexadecimal_digits_stay(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let redactor = Redactor::patterns();
        for text in [STANDARD.encode(&bytes), hex(&bytes)] {
            prop_assert_eq!(redactor.redact(&text).into_owned(), text);
        }
    }
}
