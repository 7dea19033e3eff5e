//! URL patterns: a pattern allows nothing that a plain reading of both texts would not.

use openclaw_package::UrlPattern;
use url::Url;

use super::{text, told};

/// The first two lines are patterns, the others URLs that are held against them.
pub fn url_pattern(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut lines = text.lines();
    let patterns: Vec<UrlPattern> = lines.by_ref().take(2).filter_map(pattern).collect();
    let urls: Vec<Url> = lines.take(8).filter_map(|line| Url::parse(line).ok()).collect();
    for pattern in &patterns {
        for url in &urls {
            assert!(!pattern.allows(url) || may_allow(pattern, url), "{pattern} {url}");
        }
    }
    if let [one, other] = patterns.as_slice() {
        for (outer, inner) in [(one, other), (other, one)] {
            assert!(!outer.covers(inner) || may_cover(outer, inner), "{outer} {inner}");
            for url in urls.iter().filter(|url| outer.covers(inner) && inner.allows(url)) {
                assert!(outer.allows(url), "{outer} covers {inner} and not {url}");
            }
        }
    }
}

/// A pattern is written in one form, and matches the URL that it is.
fn pattern(line: &str) -> Option<UrlPattern> {
    let pattern: UrlPattern = line
        .parse()
        .map_err(|error: openclaw_package::PermissionError| told(&error, error.code(), error.hint()))
        .ok()?;
    let written = pattern.to_string();
    assert_eq!(written.parse::<UrlPattern>().as_ref(), Ok(&pattern), "{written}");
    assert!(pattern.covers(&pattern));
    let host = written.replace("://*.", "://sub.");
    let url = Url::parse(&host).expect("a pattern without its star is a URL");
    assert_eq!(url.as_str(), host, "the URL parser reads it otherwise");
    assert!(pattern.allows(&url), "{written}");
    Some(pattern)
}

/// A URL in its parts, cut out of its text: scheme, host, port, path.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let end = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
        let (host, port) = authority.split_at(end.unwrap_or(authority.len()));
        let usual = if scheme == "https" { ":443" } else { ":80" };
        Some(Self { scheme, host, port: if port.is_empty() { usual } else { port }, path })
    }
}

/// Whether a URL lies within a pattern, however often a server may decode its path.
fn may_allow(pattern: &UrlPattern, url: &Url) -> bool {
    let written = pattern.to_string();
    let (Some(pattern), Some(url)) = (Parts::of(&written), Parts::of(url.as_str())) else { return false };
    let host = match pattern.host.strip_prefix('*') {
        Some(suffix) => url.host.len() > suffix.len() && url.host.ends_with(suffix),
        None => url.host == pattern.host,
    };
    let below = || {
        let prefixes = readings(pattern.path);
        readings(url.path).iter().enumerate().all(|(times, path)| {
            let prefix = prefixes.get(times).or(prefixes.last());
            prefix.is_some_and(|prefix| path.starts_with(prefix))
        })
    };
    pattern.scheme == url.scheme && pattern.port == url.port && host && (pattern.path == "/" || below())
}

/// Whether one pattern could cover another, told from their texts.
pub(super) fn may_cover(outer: &UrlPattern, inner: &UrlPattern) -> bool {
    let (outer, inner) = (outer.to_string(), inner.to_string());
    let (Some(outer), Some(inner)) = (Parts::of(&outer), Parts::of(&inner)) else { return false };
    let host = outer.host == inner.host
        || outer.host.strip_prefix('*').is_some_and(|suffix| {
            inner.host.ends_with(suffix) && inner.host.trim_start_matches("*.") != &suffix[1..]
        });
    let path = outer.path == "/"
        || inner.path.strip_prefix(outer.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    outer.scheme == inner.scheme && outer.port == inner.port && host && path
}

/// The segments that a server sees which decodes a path not at all, once, twice, and so on.
fn readings(path: &str) -> Vec<Vec<Vec<u8>>> {
    let mut path = path.as_bytes().to_vec();
    let mut readings = vec![segments(&path)];
    loop {
        let next = decoded(&path);
        if next == path {
            return readings;
        }
        readings.push(segments(&next));
        path = next;
    }
}

/// Segments without their parameters, backslashes taken for slashes, dot segments followed.
fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment.split(|byte| *byte == b';').next().unwrap_or_default() {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            name => segments.push(name.to_vec()),
        }
    }
    segments
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = hex.filter(|hex| !hex.starts_with('+')).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}
