//! The forms in which a value may stand in a text: base64, hexadecimal digits, percent-encoding, JSON strings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// Bytes that an encoded form has at least: shorter ones would be found everywhere.
const ENCODED_BYTES: usize = 6;
/// Bytes that a line of a value has at least, to be looked for by itself.
const LINE_BYTES: usize = 16;

/// Adds the value and its encodings.
pub(super) fn needles(value: &[u8], needles: &mut BTreeSet<Vec<u8>>) {
    let trimmed = value.trim_ascii();
    for part in [value, trimmed] {
        if !part.is_empty() {
            of(part, needles);
        }
    }
    // A key in PEM is shown line by line; its first and last line are no secret.
    let lines = trimmed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| line.len() >= LINE_BYTES && !line.starts_with(b"-----")) {
        if line != trimmed {
            of(line, needles);
        }
    }
}

fn of(value: &[u8], needles: &mut BTreeSet<Vec<u8>>) {
    needles.insert(value.to_vec());
    let mut encoded = Vec::new();
    base64(value, &mut encoded);
    hex(value, &mut encoded);
    percent(value, &mut encoded);
    if let Ok(text) = std::str::from_utf8(value) {
        json(text, &mut encoded);
    }
    let encoded = encoded.into_iter().map(String::into_bytes);
    needles.extend(encoded.filter(|form| form.len() >= ENCODED_BYTES));
}

/// The value by itself, padded or not, and inside of longer data, at each of the three places where it can begin in a
/// group of three bytes: there without the letters that its neighbours have a part in.
fn base64(value: &[u8], forms: &mut Vec<String>) {
    forms.extend([STANDARD.encode(value), URL_SAFE.encode(value)]);
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value);
            let whole = bytes.len() * 8 / 6;
            let shared = (before * 8).div_ceil(6);
            forms.extend(engine.encode(&bytes).get(shared..whole).map(str::to_owned));
        }
        forms.push(engine.encode(value));
    }
}

fn hex(value: &[u8], forms: &mut Vec<String>) {
    let mut lower = String::with_capacity(value.len() * 2);
    value.iter().for_each(|byte| {
        // Writing to a String does not fail.
        let _ = write!(lower, "{byte:02x}");
    });
    forms.push(lower.to_ascii_uppercase());
    forms.push(lower);
}

/// As URLs, forms and browsers write it: they differ in what they leave as it is.
fn percent(value: &[u8], forms: &mut Vec<String>) {
    /// Kept beside letters and digits: RFC 3986, `encodeURIComponent`, paths, queries, forms, and nothing at all.
    const KEPT: [&[u8]; 6] =
        [b"-._~", b"-_.!~*'()", b"-._~!$&'()*+,;=:@/", b"-._~!$&'()*+,;=:@/?", b"*-._", b""];
    for kept in KEPT {
        for (form, upper) in [(false, true), (false, false), (true, true), (true, false)] {
            forms.push(percent_form(value, kept, form, upper));
        }
    }
    let all = |upper| value.iter().map(|byte| escape(*byte, upper)).collect();
    forms.extend([all(true), all(false)]);
}

fn percent_form(value: &[u8], kept: &[u8], is_form: bool, upper: bool) -> String {
    let encode = |byte: &u8| match byte {
        b' ' if is_form => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => char::from(*byte).to_string(),
        byte => escape(*byte, upper),
    };
    value.iter().map(encode).collect()
}

fn escape(byte: u8, upper: bool) -> String {
    if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") }
}

/// In a JSON string, and in one inside of another; with slashes and with all but ASCII escaped too, as some do.
fn json(text: &str, forms: &mut Vec<String>) {
    for slashes in [false, true] {
        for ascii in [false, true] {
            let once = json_form(text, slashes, ascii);
            forms.push(json_form(&once, slashes, ascii));
            forms.push(once);
        }
    }
    // As Rust's `Debug` writes it, which is what denials and errors of programs show.
    forms.push(text.escape_debug().to_string());
}

fn json_form(text: &str, slashes: bool, ascii: bool) -> String {
    let mut form = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => form.push_str("\\\""),
            '\\' => form.push_str("\\\\"),
            '\n' => form.push_str("\\n"),
            '\r' => form.push_str("\\r"),
            '\t' => form.push_str("\\t"),
            '\u{8}' => form.push_str("\\b"),
            '\u{c}' => form.push_str("\\f"),
            '/' if slashes => form.push_str("\\/"),
            character if character < ' ' || (ascii && !character.is_ascii()) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String does not fail.
                    let _ = write!(form, "\\u{unit:04x}");
                }
            }
            character => form.push(character),
        }
    }
    form
}
