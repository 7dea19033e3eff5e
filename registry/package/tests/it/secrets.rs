//! What a manifest may ask of its owner's secrets.

use openclaw_package::permission::warnings::warnings;
use openclaw_package::permission::words;
use openclaw_package::{Manifest, Requests, SecretHost, SecretPlace, SecretRequest};

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n\
    [[permission.network]]\nurl = \"https://api.example/v1\"\nmethods = [\"GET\"]\nreason = \"reads\"\n\
    [[permission.network]]\nurl = \"https://*.wide.example:8443/\"\nmethods = [\"GET\"]\nreason = \"reads\"\n";

fn entry(name: &str, host: &str, place: &str) -> String {
    format!(
        "[[permission.secret]]\nname = \"{name}\"\nhost = \"{host}\"\n{place}\nreason = \"proves who asks\"\n"
    )
}

fn parse(entries: &str) -> Result<Requests, String> {
    let manifest = Manifest::parse(&format!("{HEAD}{entries}"));
    manifest
        .map(|manifest| manifest.requests().clone())
        .map_err(|error| format!("{error} [{}] {}", error.code(), error.hint().unwrap_or_default()))
}

const BEARER: &str = "header = \"authorization\"\nprefix = \"Bearer \"";

#[test]
fn a_secret_names_its_host_and_its_place() {
    let text =
        entry("token", "api.example", BEARER) + &entry("key", "a.wide.example:8443", "query = \"api_key\"");
    let requests = parse(&text).unwrap();
    let [token, key] = requests.secret.as_slice() else { panic!("{requests:?}") };
    assert_eq!((token.name.as_str(), token.host.to_string().as_str()), ("token", "api.example"));
    let place = SecretPlace::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() };
    assert_eq!(token.place, place);
    assert_eq!(key.place, SecretPlace::Query { name: "api_key".to_owned() });
    assert_eq!(key.host.to_string(), "a.wide.example:8443");
    let json = serde_json::to_string(&requests).unwrap();
    assert_eq!(serde_json::from_str::<Requests>(&json).unwrap(), requests);
}

#[test]
fn only_the_very_host_is_the_host_of_a_secret() {
    let host: SecretHost = "api.example".parse().unwrap();
    let goes = |url: &str| host.is_of(&url.parse().unwrap());
    assert!(goes("https://api.example/any?x=y") && goes("https://api.example:443/"));
    for url in [
        "http://api.example/",
        "https://api.example:8443/",
        "https://a.api.example/",
        "https://example/",
        "https://u@api.example/",
        "https://api.example.evil.example/",
        "wss://api.example/",
    ] {
        assert!(!goes(url), "{url}");
    }
}

#[test]
fn what_could_send_a_secret_elsewhere_is_refused() {
    for (host, place) in [
        ("*.api.example", BEARER),
        ("https://api.example", BEARER),
        ("api.example/v1", BEARER),
        ("user@api.example", BEARER),
        ("api.example:0", BEARER),
        ("API..example", BEARER),
        ("", BEARER),
        ("api.example", "header = \"Authorization\""),
        ("api.example", "header = \"host\""),
        ("api.example", "header = \"cookie\""),
        ("api.example", "header = \"content-length\""),
        ("api.example", "header = \"accept-encoding\""),
        ("api.example", "header = \"transfer-encoding\""),
        ("api.example", "header = \"proxy-authorization\""),
        ("api.example", "header = \"x y\""),
        ("api.example", "header = \"\""),
        ("api.example", "header = \"x-key\"\nprefix = \"a\\r\\nb: \""),
        ("api.example", "header = \"x-key\"\nprefix = \" \""),
        ("api.example", "query = \"a&b\""),
        ("api.example", "query = \"\""),
        ("api.example", "query = \"k\"\nprefix = \"x\""),
        ("api.example", "query = \"k\"\nheader = \"x-key\""),
        ("api.example", ""),
    ] {
        let refused = parse(&entry("token", host, place)).unwrap_err();
        assert!(refused.contains("[invalid-secret]"), "{host} {place}: {refused}");
    }
    let refused = parse(&entry("Token", "api.example", BEARER)).unwrap_err();
    assert!(refused.contains("[invalid-name]"), "{refused}");
}

#[test]
fn a_secret_for_a_host_that_no_request_reaches_is_a_mistake() {
    for host in ["other.example", "api.example:8443", "wide.example:8443", "a.wide.example"] {
        let refused = parse(&entry("token", host, BEARER)).unwrap_err();
        assert!(
            refused.contains("[invalid-value]") && refused.contains("add one with url = \"https://"),
            "{refused}"
        );
    }
    let http = HEAD.replace("https://api.example", "http://api.example");
    let text = format!("{http}{}", entry("token", "api.example", BEARER));
    assert_eq!(Manifest::parse(&text).unwrap_err().code(), "invalid-value");
}

#[test]
fn two_secrets_need_two_places() {
    let one = entry("token", "api.example", BEARER);
    let again = parse(&(one.clone() + &entry("token", "api.example", "query = \"k\""))).unwrap_err();
    assert!(again.contains("[duplicate-entry]"), "{again}");
    let same =
        parse(&(one.clone() + &entry("other", "api.example", "header = \"authorization\""))).unwrap_err();
    assert!(same.contains("the secret token stands there already"), "{same}");
    let apart = one
        + &entry("other", "api.example", "header = \"x-other\"")
        + &entry("token", "b.wide.example:8443", BEARER);
    assert_eq!(parse(&apart).unwrap().secret.len(), 3);
    let many: String =
        (0..17).map(|n| entry(&format!("t{n}"), "api.example", &format!("query = \"k{n}\""))).collect();
    assert!(parse(&many).unwrap_err().contains("17 entries, more than 16"));
}

#[test]
fn a_grant_of_one_host_or_place_is_none_of_another() {
    let one = |entry: String| parse(&entry).unwrap();
    let token = one(entry("token", "api.example", BEARER));
    let only = |requests: &Requests| Requests { secret: requests.secret.clone(), ..Requests::default() };
    for other in [
        entry("token", "a.wide.example:8443", BEARER),
        entry("token", "api.example", "query = \"k\""),
        entry("other", "api.example", BEARER),
    ] {
        assert!(!only(&token).covers(&only(&one(other.clone()))), "{other}");
    }
    assert!(only(&token).covers(&only(&token)) && !only(&token).is_empty());
    assert!(!Requests::default().covers(&only(&token)));
}

#[test]
fn what_is_asked_is_told_in_words() {
    let requests = parse(&entry("token", "api.example", "query = \"k\"")).unwrap();
    let told = words::requests(&requests);
    let secret = told.last().unwrap();
    assert_eq!((secret.permission, secret.scope.as_str()), ("secret", "token api.example"));
    assert!(
        secret.words.contains("your secret token") && secret.words.contains("query parameter k"),
        "{}",
        secret.words
    );
    assert!(warnings(&requests).iter().any(|warning| warning.contains("goes into URLs")));
    let kept: &SecretRequest = &requests.secret[0];
    assert_eq!(secret.alone.secret.first(), Some(kept));
}
