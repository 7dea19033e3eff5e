//! Private keys in PEM (RFC 7468) and OpenPGP armour: all from the first line to the last, or to the end where there is none.

use super::{Kind, Span};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// Bytes of a label, such as `RSA PRIVATE KEY`.
const LABEL_BYTES: usize = 64;

/// Adds the private keys of a text.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut at = 0;
    while let Some((start, body)) = begin(text, at) {
        let end = end(text, body).unwrap_or(text.len());
        spans.push(Span { start, kind: Kind::PrivateKey, end });
        at = end;
    }
}

/// Whether a key begins in the text and does not end in it.
pub(super) fn is_open(text: &str) -> bool {
    let mut at = 0;
    while let Some((_, body)) = begin(text, at) {
        let Some(end) = end(text, body) else { return true };
        at = end;
    }
    false
}

/// Of a line after one in which a key began: how many bytes still belong to it.
pub(super) fn rest(line: &str) -> usize {
    if let Some(end) = end(line, 0) {
        return end;
    }
    let body = line.trim();
    let is_header =
        ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"].iter().any(|name| body.starts_with(name));
    let is_base64 = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    if is_header || is_base64 { line.len() } else { 0 }
}

/// Whether a key ends in a line.
pub(super) fn ends(line: &str) -> bool {
    end(line, 0).is_some()
}

/// The next first line of a private key: where it begins and where it ends.
fn begin(text: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let start = from + text.get(from..)?.find(BEGIN)?;
        let label = start + BEGIN.len();
        let most = text.floor_char_boundary(label + LABEL_BYTES);
        let after = text.get(label..most)?;
        match after.find(DASHES) {
            Some(len) if after.get(..len)?.contains("PRIVATE KEY") => {
                return Some((start, label + len + DASHES.len()));
            }
            _ => from = label,
        }
    }
}

/// Where the next last line ends.
fn end(text: &str, from: usize) -> Option<usize> {
    let label = from + text.get(from..)?.find(END)? + END.len();
    let most = text.floor_char_boundary(label + LABEL_BYTES);
    let len = text.get(label..most)?.find(DASHES).map_or(0, |len| len + DASHES.len());
    Some(label + len)
}
