//! URL patterns: what they are, what they match, and what they must never match.

use openclaw_package::{HostPattern, UrlPattern};
use url::Url;

fn pattern(text: &str) -> UrlPattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn allows(pattern_text: &str, url: &str) -> bool {
    pattern(pattern_text).allows(&Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")))
}

#[test]
fn a_pattern_is_parsed_once_and_written_back() {
    for (text, written) in [
        ("https://api.github.com", "https://api.github.com/"),
        ("https://api.github.com/", "https://api.github.com/"),
        ("https://api.github.com/repos/", "https://api.github.com/repos"),
        ("https://api.github.com:443/repos", "https://api.github.com/repos"),
        ("HTTPS://API.github.com/Repos", "https://api.github.com/Repos"),
        ("http://*.example.com:8080/a/b", "http://*.example.com:8080/a/b"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]/x"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://h.example/a%20b", "https://h.example/a%20b"),
    ] {
        let parsed = pattern(text);
        assert_eq!(parsed.to_string(), written);
        assert_eq!(pattern(written), parsed);
    }
    let parsed = pattern("http://192.0.2.1/x");
    assert!(parsed.is_literal_address() && matches!(parsed.host(), HostPattern::Address(_)));
    assert_eq!((parsed.port(), parsed.path_prefix()), (80, "/x"));
}

#[test]
fn what_could_be_misread_is_refused() {
    for text in [
        "",
        "api.github.com",
        "ftp://h.example/",
        "ws://h.example/",
        "https:h.example",
        "https://",
        "https:///x",
        "https://user@h.example/",
        "https://user:pw@h.example/",
        "https://@h.example/",
        "https://h.example/?q",
        "https://h.example/#f",
        "https://h.example?q",
        "https://h.example\\x",
        "https://h.example/a b",
        "https://h.example/\n",
        "https://hé.example/",
        "https://h.example/é",
        "https://%68.example/",
        "https://h.example./",
        "https://.h.example/",
        "https://h..example/",
        "https://-h.example/",
        "https://h_h.example/",
        "https://*",
        "https://*/",
        "https://*.com/",
        "https://*.*.example.com/",
        "https://a.*.example.com/",
        "https://a*.example.com/",
        "https://*example.com/",
        "https://h.example:*/",
        "https://h.example/*",
        "https://h.example/a*b",
        "https://h.example:/",
        "https://h.example:0/",
        "https://h.example:080/",
        "https://h.example:65536/",
        "https://h.example:+80/",
        "https://h.example:8a/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0x7f.0.0.1/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://a.0x1/",
        "https://*.127.0.0.1/",
        "https://*.0.0.1/",
        "https://[::1/",
        "https://::1/",
        "https://[::1]x/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://*.[::1]/",
        "https://xn--a.example/",
        "https://h.example/../x",
        "https://h.example/a/./b",
        "https://h.example//a",
        "https://h.example/a//b",
        "https://h.example/%2e%2e/x",
        "https://h.example/a%2Fb",
        "https://h.example/a%5cb",
        "https://h.example/a%252fb",
        "https://h.example/a%25%32%66b",
        "https://h.example/..%3b/x",
        "https://h.example/a%",
        "https://h.example/a%zz",
        "https://h.example/..;/x",
        "https://h.example/\"x",
    ] {
        let error = text.parse::<UrlPattern>().expect_err(text);
        assert_eq!(error.code(), "invalid-url-pattern", "{text}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn every_part_is_compared() {
    let api = "https://api.example.com/repos/";
    assert!(allows(api, "https://api.example.com/repos"));
    assert!(allows(api, "https://api.example.com/repos/x?y=z#f"));
    assert!(allows(api, "https://API.EXAMPLE.com:443/repos/x"));
    assert!(allows(api, "https://api.example.com/other/../repos/x"));
    assert!(allows(api, "https://api.example.com/repos/100%25/%2561/a;b/%zz/v1..v2"));
    for url in [
        "http://api.example.com/repos/x",
        "https://api.example.com:8443/repos/x",
        "https://example.com/repos/x",
        "https://evil-api.example.com/repos/x",
        "https://api.example.com.evil.example/repos/x",
        "https://api.example.com./repos/x",
        "https://api.example.com@evil.example/repos/x",
        "https://user@api.example.com/repos/x",
        "https://:pw@api.example.com/repos/x",
        "https://api.example.com/",
        "https://api.example.com/reposx",
        "https://api.example.com/Repos/x",
        "https://api.example.com/repos/../x",
        "https://api.example.com/repos%2f..%2fx",
        "https://api.example.com/repos/%2e%2e/x",
        "https://api.example.com/repos/..%2Fx",
        "https://api.example.com/repos/%5c..%5cx",
        "https://api.example.com/repos/%252e%252e%252fx",
        "https://api.example.com/repos/..;/x",
        "https://api.example.com/repos/%2525%32e/x%2F",
        "https://api.example.com/repos/%25%32%65%25%32%65/x",
        "https://api.example.com/repos/%252%65%252%65/x",
        "https://api.example.com/repos/%2%65%2%65/x",
        "https://api.example.com/repos/..%25%32%66x",
        "https://api.example.com/repos/..%3bx/y",
        "https://api.example.com/repos/..%253bx/y",
    ] {
        assert!(!allows(api, url), "{url}");
    }
}

#[test]
fn a_prefix_of_everything_lets_encoded_paths_through() {
    assert!(allows("https://h.example/", "https://h.example/a%2fb"));
    assert!(!allows("https://h.example/a", "https://h.example/a/%2f"));
}

#[test]
fn a_suffix_matches_below_and_never_itself_or_an_address() {
    let suffix = "https://*.example.com/";
    assert!(allows(suffix, "https://a.example.com/"));
    assert!(allows(suffix, "https://a.b.example.com/x"));
    for url in [
        "https://example.com/",
        "https://aexample.com/",
        "https://a.example.com.evil.example/",
        "https://a.example.com./",
        "https://127.0.0.1/",
        "https://[::1]/",
    ] {
        assert!(!allows(suffix, url), "{url}");
    }
    if let Ok(url) = Url::parse("https://.example.com/") {
        assert!(!pattern(suffix).allows(&url));
    }
}

#[test]
fn an_address_matches_itself_in_any_spelling_a_url_parser_accepts() {
    assert!(allows("http://127.0.0.1/", "http://127.0.0.1/"));
    assert!(allows("http://127.0.0.1/", "http://2130706433/"), "the URL parser has made it canonical");
    assert!(allows("http://[::1]/", "http://[0:0::1]/"));
    for url in ["http://127.0.0.2/", "http://[::ffff:127.0.0.1]/", "http://localhost/"] {
        assert!(!allows("http://127.0.0.1/", url), "{url}");
    }
}

#[test]
fn covering_is_allowing_all_that_the_other_allows() {
    for (outer, inner) in [
        ("https://h.example/", "https://h.example/a"),
        ("https://h.example/a", "https://h.example/a/b"),
        ("https://*.example.com/", "https://a.example.com/x"),
        ("https://*.example.com/", "https://*.b.example.com/"),
        ("https://*.example.com/", "https://*.example.com/"),
        ("http://10.0.0.1/", "http://10.0.0.1/x"),
    ] {
        assert!(pattern(outer).covers(&pattern(inner)), "{outer} {inner}");
    }
    for (outer, inner) in [
        ("https://h.example/a", "https://h.example/"),
        ("https://h.example/a", "https://h.example/ab"),
        ("https://*.example.com/", "https://example.com/"),
        ("https://*.b.example.com/", "https://*.example.com/"),
        ("https://a.example.com/", "https://*.example.com/"),
        ("https://h.example/", "http://h.example/"),
        ("https://h.example/", "https://h.example:444/"),
    ] {
        assert!(!pattern(outer).covers(&pattern(inner)), "{outer} {inner}");
    }
}
