//! From the bytes of a body to text: what sort of content it is, and in which charset.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use openclaw_skill::{Error, Result};

use crate::http::Answer;

/// How far into a page its own statement of the charset is looked for, as browsers do.
const PRESCAN: usize = 1024;

/// Types that are text though their first half does not say so.
const TEXTS: &[&str] = &[
    "ecmascript",
    "graphql",
    "javascript",
    "json",
    "sql",
    "toml",
    "x-javascript",
    "x-ndjson",
    "x-sh",
    "x-toml",
    "x-yaml",
    "xml",
    "yaml",
];

/// What sort of text a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Html,
    Plain,
}

/// Decodes a body; one that is no text is refused.
pub fn decode(answer: &Answer) -> Result<(Kind, String)> {
    if let Some(encoding) =
        answer.content_encoding.as_deref().filter(|name| !name.eq_ignore_ascii_case("identity"))
    {
        return Err(Error::failed(format!("the body is compressed ({encoding}) though none was asked for")));
    }
    let content_type = answer.content_type.as_deref().unwrap_or_default();
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let kind = kind(&essence, &answer.body)
        .ok_or_else(|| Error::failed(format!("the content is {}, which is not text", named(&essence))))?;
    let encoding = charset(parameters)
        .or_else(|| if kind == Kind::Html { declared(&answer.body) } else { None })
        .unwrap_or_else(|| guess(&answer.body));
    // A byte order mark in the body overrules all of that.
    Ok((kind, encoding.decode(&answer.body).0.into_owned()))
}

fn kind(essence: &str, body: &[u8]) -> Option<Kind> {
    if essence.is_empty() {
        let html = body.trim_ascii_start().starts_with(b"<");
        return if body.contains(&0) {
            None
        } else if html {
            Some(Kind::Html)
        } else {
            Some(Kind::Plain)
        };
    }
    match essence.split_once('/')? {
        ("text", "html") | ("application", "xhtml+xml") => Some(Kind::Html),
        ("text", _) => Some(Kind::Plain),
        (_, sub) if sub.ends_with("+json") || sub.ends_with("+xml") => Some(Kind::Plain),
        ("application", sub) if TEXTS.contains(&sub) => Some(Kind::Plain),
        _ => None,
    }
}

fn named(essence: &str) -> &str {
    if essence.is_empty() { "of no stated type" } else { essence }
}

/// `charset=…` among the parameters of a content type.
fn charset(parameters: &str) -> Option<&'static Encoding> {
    let mut pairs = parameters.split(';').filter_map(|pair| pair.split_once('='));
    let (_, label) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

/// `<meta charset="…">` or its older form, at the beginning of a page.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(body.get(..PRESCAN).unwrap_or(body)).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let label = label.split(['"', '\'', ' ', '>', '/', ';']).next()?;
    Encoding::for_label(label.as_bytes())
}

/// UTF-8 if the bytes are that, the last of them perhaps cut off; else what the web took for Latin-1.
fn guess(body: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(body) {
        Err(error) if error.error_len().is_some() => WINDOWS_1252,
        _ => UTF_8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::typed;

    fn decoded(content_type: &str, body: &[u8]) -> (Kind, String) {
        decode(&typed(content_type, body)).unwrap()
    }

    #[test]
    fn the_stated_charset_is_used() {
        assert_eq!(decoded("text/plain; charset=ISO-8859-1", b"caf\xe9").1, "café");
        assert_eq!(decoded("text/plain;Charset=\"utf-8\"", "café".as_bytes()).1, "café");
        assert_eq!(decoded("text/html; charset=shift_jis", b"\x83\x65").1, "テ");
    }

    #[test]
    fn a_page_may_state_its_charset_itself() {
        assert_eq!(
            decoded("text/html", b"<meta charset=windows-1251><p>\xcf").1,
            "<meta charset=windows-1251><p>П"
        );
        let older = b"<META http-equiv='Content-Type' content='text/html; charset=iso-8859-2'>\xb3";
        assert!(decoded("text/html", older).1.ends_with('ł'));
    }

    #[test]
    fn without_a_charset_the_bytes_tell() {
        assert_eq!(decoded("text/plain", "naïve".as_bytes()).1, "naïve");
        assert_eq!(decoded("text/plain", b"na\xefve \x93x\x94").1, "naïve “x”");
        assert_eq!(decoded("text/plain", b"\xff\xfea\0").1, "a");
        assert_eq!(decoded("text/plain; charset=none-such", b"ok").1, "ok");
    }

    #[test]
    fn a_character_cut_off_at_the_end_does_not_change_the_charset() {
        assert_eq!(decoded("text/plain", "naïvé".as_bytes().split_last().unwrap().1).1, "naïv\u{fffd}");
    }

    #[test]
    fn kinds_follow_the_type() {
        for html in ["text/html", "TEXT/HTML;charset=utf-8", "application/xhtml+xml"] {
            assert_eq!(decoded(html, b"").0, Kind::Html, "{html}");
        }
        for plain in ["text/markdown", "application/json", "application/vnd.api+json", "image/svg+xml"] {
            assert_eq!(decoded(plain, b"").0, Kind::Plain, "{plain}");
        }
    }

    #[test]
    fn without_a_type_the_bytes_tell() {
        assert_eq!(decoded("", b"\n <html>").0, Kind::Html);
        assert_eq!(decoded("", b"hello").0, Kind::Plain);
        assert!(decode(&typed("", b"\x89PNG\0")).is_err());
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        for other in ["image/png", "application/pdf", "application/octet-stream", "nonsense"] {
            let error = decode(&typed(other, b"x")).unwrap_err();
            assert!(error.message().contains(other), "{error}");
        }
        let packed = Answer { content_encoding: Some("gzip".to_owned()), ..typed("text/html", b"") };
        assert!(decode(&packed).unwrap_err().message().contains("gzip"));
    }
}
