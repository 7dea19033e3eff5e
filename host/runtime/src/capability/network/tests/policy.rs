//! Which requests are permitted, to which addresses, and what a denial says.

use std::net::IpAddr;

use http::Method;

use super::super::grants::Unresolved;
use super::super::resolve::{Resolve, SystemResolver};
use super::super::*;
use super::support::*;
use crate::capability::{Capability, Denial, Reason};

fn reason(grants: &NetworkGrants, method: &str, target: &str) -> Option<Reason> {
    grants.permit(&method.parse().unwrap(), &url(target)).err().map(|denial| denial.reason)
}

#[test]
fn only_what_is_requested_and_allowed_and_not_denied_is_permitted() {
    let grants = grants(
        vec![entry("GET,POST", "https://api.example.com/v1/", false)],
        &["network GET https://api.example.com/v1/", "network POST https://api.example.com/v1/notes/"],
        &["network * https://api.example.com/v1/notes/private/"],
    );
    let cases = [
        ("GET", "https://api.example.com/v1/x", None),
        ("GET", "https://API.example.com:443/v1/x?q=1#f", None),
        ("POST", "https://api.example.com/v1/notes/1", None),
        ("POST", "https://api.example.com/v1/users/1", Some(Reason::NotGranted)),
        ("GET", "https://api.example.com/v1/notes/private/1", Some(Reason::DeniedByOwner)),
        ("GET", "https://api.example.com/v1/x/../notes/private/1", Some(Reason::DeniedByOwner)),
        ("GET", "https://api.example.com/v1/../v2/x", Some(Reason::NotRequested)),
        ("GET", "https://api.example.com/v1/%2e%2e/v2/x", Some(Reason::NotRequested)),
        ("GET", r"https://api.example.com/v1/..\v2/x", Some(Reason::NotRequested)),
        ("DELETE", "https://api.example.com/v1/x", Some(Reason::NotRequested)),
        ("PROPFIND", "https://api.example.com/v1/x", Some(Reason::NotRequested)),
        ("get", "https://api.example.com/v1/x", Some(Reason::NotRequested)),
        ("GET", "http://api.example.com/v1/x", Some(Reason::NotRequested)),
        ("GET", "https://api.example.com:8443/v1/x", Some(Reason::NotRequested)),
        ("GET", "https://example.com/v1/x", Some(Reason::NotRequested)),
        ("GET", "https://api.example.com.evil.net/v1/x", Some(Reason::NotRequested)),
        ("GET", "https://evil.net/https://api.example.com/v1/", Some(Reason::NotRequested)),
        ("GET", "https://evil.net#@api.example.com/v1/x", Some(Reason::NotRequested)),
    ];
    for (method, target, expected) in cases {
        assert_eq!(reason(&grants, method, target), expected, "{method} {target}");
    }
}

#[test]
fn a_request_that_could_mean_another_is_not_sent() {
    let grants =
        grants(vec![entry("GET", "https://h.example/", false)], &["network * https://h.example/"], &[]);
    for (method, target) in [
        ("CONNECT", "https://h.example/"),
        ("TRACE", "https://h.example/"),
        ("GET", "https://user@h.example/"),
        ("GET", "https://:secret@h.example/"),
    ] {
        assert_eq!(reason(&grants, method, target), Some(Reason::ForbiddenRequest), "{method} {target}");
    }
}

#[test]
fn no_spelling_of_a_path_leads_past_a_rule() {
    let request = || vec![entry("GET", "https://h.example/", false)];
    let whole = "network * https://h.example/";
    let narrow = grants(request(), &["network * https://h.example/public"], &[]);
    let pierced = grants(request(), &[whole], &["network * https://h.example/private"]);
    for path in [
        "/public/..%2fprivate/x",
        "/public/%252e%252e/private",
        "/public/..;x=1/private",
        "/public/..%5cprivate",
        "/private",
        "/public/../private",
        "/public/%2e%2e/private",
    ] {
        let target = format!("https://h.example{path}");
        assert_eq!(reason(&narrow, "GET", &target), Some(Reason::NotGranted), "{path}");
        assert_eq!(reason(&pierced, "GET", &target), Some(Reason::DeniedByOwner), "{path}");
    }
    for path in ["/priv%61te", "//private/x", "/private;x/y", "/priv%2561te", "/x%2fprivate", "/private%2fx"]
    {
        let target = format!("https://h.example{path}");
        assert_eq!(reason(&pierced, "GET", &target), Some(Reason::DeniedByOwner), "{path}");
    }
    for path in ["/", "/privately", "/v1..v2/...", "/%", "/caf%C3%A9;x"] {
        assert_eq!(reason(&pierced, "GET", &format!("https://h.example{path}")), None, "{path}");
    }
    let open = grants(request(), &[whole], &[]);
    assert_eq!(reason(&open, "GET", "https://h.example/group%2Fproject"), None);
}

#[test]
fn a_denial_names_the_narrowest_grant_that_is_missing() {
    let grants = grants(
        vec![
            entry("GET,POST", "https://api.example.com/", false),
            entry("GET", "https://api.example.com/v1/", false),
            entry("GET", "https://*.example.com/", false),
        ],
        &[],
        &[],
    );
    let denial =
        grants.permit(&Method::GET, &url("https://api.example.com/v1/x?token=secret#f")).unwrap_err();
    assert_eq!(denial.capability, Capability::NetworkExternal);
    assert_eq!(denial.reason, Reason::NotGranted);
    assert_eq!(denial.target, "GET https://api.example.com/v1/x");
    assert_eq!(
        denial.hint.as_deref(),
        Some("openclaw grant allow acme/web network GET https://api.example.com/v1")
    );
    let denial = grants.permit(&Method::POST, &url("https://api.example.com/v1/x")).unwrap_err();
    assert_eq!(
        denial.hint.as_deref(),
        Some("openclaw grant allow acme/web network POST https://api.example.com/")
    );
    let denial = grants.permit(&Method::GET, &url("https://u:p@other.net:8443/x?y")).unwrap_err();
    assert_eq!(denial.target, "GET https://other.net:8443/x");
    assert_eq!(denial.hint, None);
}

#[test]
fn a_hint_is_literal_to_a_shell() {
    let grants = grants(
        vec![
            entry("GET", "https://*.example.com/", false),
            entry("GET", "https://h.example/$(reboot);'/", false),
        ],
        &[],
        &[],
    );
    let hint = |target| grants.permit(&Method::GET, &url(target)).unwrap_err().hint.unwrap();
    assert!(hint("https://a.example.com/").ends_with(" 'https://*.example.com/'"));
    let hint = hint("https://h.example/$(reboot);'/x");
    let pattern = hint.strip_prefix("openclaw grant allow acme/web network GET ").unwrap();
    assert!(pattern.starts_with("'https://h.example/$(reboot);"), "{pattern}");
    assert!(!pattern.replace(r"'\''", "").trim_matches('\'').contains('\''), "{pattern}");
}

#[test]
fn what_the_owner_has_not_answered_is_missing() {
    let grants = grants(
        vec![
            entry("GET,POST,PUT", "https://a.example/v1", false),
            entry("GET", "https://b.example/", false),
            entry("GET", "http://127.0.0.1:8080/", true),
            entry("GET", "https://c.example/", false),
        ],
        &[
            "network GET https://a.example/",
            "network GET https://b.example/",
            "network POST https://a.example/",
            "network PUT https://a.example/v1/x",
            "network * http://127.0.0.1:8080/",
        ],
        &["network * https://c.example/"],
    );
    let missing: Vec<_> = grants.missing().iter().map(|(rule, _)| rule.to_string()).collect();
    assert_eq!(missing, ["network PUT https://a.example/v1", "network:internal GET http://127.0.0.1:8080/"]);
}

#[test]
fn denied_by_the_owner_comes_without_a_hint() {
    let grants = grants(
        vec![entry("GET", "https://h.example/", false)],
        &["network * https://h.example/"],
        &["network * https://h.example/"],
    );
    let denial = grants.permit(&Method::GET, &url("https://h.example/")).unwrap_err();
    assert_eq!((denial.reason, denial.hint), (Reason::DeniedByOwner, None));
}

/// Where a request that names `host` ends when its host resolves to `addresses`.
async fn destinations(
    grants: &NetworkGrants,
    target: &str,
    addresses: &[&str],
) -> Result<Vec<String>, Denial> {
    let target = url(target);
    let permitted = grants.permit(&Method::GET, &target)?;
    let resolver = FakeResolver::answering(target.host_str().unwrap(), &[addresses]);
    match permitted.resolve(&resolver).await {
        Ok(checked) => Ok(checked.into_iter().map(|address| address.socket().to_string()).collect()),
        Err(Unresolved::Denied(denial)) => Err(denial),
        Err(other) => panic!("{other:?}"),
    }
}

const INTERNAL: &str = "http://host.internal:8080/";

#[tokio::test]
async fn internal_addresses_are_skipped_and_refused_without_permission() {
    let grants = grants(vec![entry("GET", INTERNAL, true)], &["network GET http://host.internal:8080/"], &[]);
    let answers = ["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1", "::ffff:127.0.0.1"];
    let checked = destinations(&grants, INTERNAL, &answers).await.unwrap();
    assert_eq!(checked, ["8.8.8.8:8080", "[2606:4700::1]:8080"]);

    let denial = destinations(&grants, INTERNAL, &["10.0.0.1", "::1"]).await.unwrap_err();
    assert_eq!(denial.capability, Capability::NetworkInternal);
    assert_eq!(denial.reason, Reason::InternalAddress);
    assert_eq!(denial.target, "GET http://host.internal:8080/");
    assert_eq!(
        denial.hint.as_deref(),
        Some("openclaw grant allow acme/web network:internal GET http://host.internal:8080/")
    );
}

#[tokio::test]
async fn both_the_manifest_and_the_owner_must_say_internal() {
    let allow_external = "network GET http://host.internal:8080/";
    let allow_internal = "network:internal GET http://host.internal:8080/";
    type Case<'a> = (bool, &'a [&'a str], &'a [&'a str], Result<(), Reason>);
    let cases: [Case<'_>; 7] = [
        (true, &[allow_internal], &[], Ok(())),
        (true, &[allow_external], &[], Err(Reason::InternalAddress)),
        (false, &[allow_internal], &[], Err(Reason::InternalAddress)),
        (false, &[allow_external], &[], Err(Reason::InternalAddress)),
        (true, &[], &[], Err(Reason::NotGranted)),
        (true, &[allow_internal], &[allow_internal], Err(Reason::InternalAddress)),
        (true, &[allow_internal], &[allow_external], Err(Reason::DeniedByOwner)),
    ];
    for (number, (internal, allow, deny, expected)) in cases.into_iter().enumerate() {
        let grants = grants(vec![entry("GET", INTERNAL, internal)], allow, deny);
        let outcome = destinations(&grants, INTERNAL, &["127.0.0.1"]).await;
        assert_eq!(outcome.map(|_| ()).map_err(|denial| denial.reason), expected, "case {number}");
    }
}

#[tokio::test]
async fn internal_permission_is_for_that_host_only() {
    let grants = grants(
        vec![entry("GET", INTERNAL, true), entry("GET", "http://other.example/", false)],
        &["network:internal GET http://host.internal:8080/", "network GET http://other.example/"],
        &[],
    );
    assert!(destinations(&grants, INTERNAL, &["127.0.0.1"]).await.is_ok());
    let denial = destinations(&grants, "http://other.example/", &["127.0.0.1"]).await.unwrap_err();
    assert_eq!((denial.reason, denial.hint), (Reason::InternalAddress, None));
}

#[tokio::test]
async fn a_name_never_leads_to_a_metadata_service() {
    let granted = local("http://host.internal:8080");
    for address in ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"] {
        let denial = destinations(&granted, INTERNAL, &[address]).await.unwrap_err();
        assert_eq!(denial.reason, Reason::InternalAddress, "{address}");
    }
    let granted = local("http://169.254.169.254");
    assert!(destinations(&granted, "http://169.254.169.254/", &[]).await.is_ok());
}

#[tokio::test]
async fn an_internal_address_is_one_in_any_spelling() {
    for (host, spellings) in [
        (
            "127.0.0.1",
            &[
                "127.0.0.1",
                "2130706433",
                "0x7f000001",
                "0x7f.1",
                "017700000001",
                "127.1",
                "127.0.1",
                "0177.0.0.01",
                "127.0.0.1.",
                "%31%32%37.0.0.1",
                "127。0。0。1",
                "１２７.0.0.1",
            ][..],
        ),
        (
            "169.254.169.254",
            &["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"],
        ),
        ("0.0.0.0", &["0", "0x0", "0.0.0.0", "00000"]),
        ("[::1]", &["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]"]),
    ] {
        let pattern = format!("http://{host}/");
        let rule = format!("network GET {pattern}");
        let grants = grants(vec![entry("GET", &pattern, false)], &[&rule], &[]);
        for spelling in spellings {
            let target = format!("http://{spelling}/");
            let denial = destinations(&grants, &target, &[]).await.unwrap_err();
            assert_eq!(denial.capability, Capability::NetworkInternal, "{spelling}");
            assert_eq!(denial.reason, Reason::InternalAddress, "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_host_without_addresses_is_not_found() {
    let permitted = local("http://h.example").permit(&Method::GET, &url("http://h.example/")).unwrap();
    let resolver = FakeResolver::answering("h.example", &[&[]]);
    assert!(matches!(permitted.resolve(&resolver).await, Err(Unresolved::NotFound)));
    assert!(matches!(permitted.resolve(&FakeResolver::default()).await, Err(Unresolved::Lookup(_))));
}

#[tokio::test]
async fn the_system_resolver_answers() {
    let addresses = SystemResolver::new().resolve("localhost").await.unwrap();
    assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
}

#[test]
fn rules_have_one_text_form() {
    for text in [
        "network GET https://api.example.com/v1",
        "network GET,POST https://*.example.com/",
        "network:internal * http://127.0.0.1:8080/",
    ] {
        let rule: NetworkRule = text.parse().unwrap();
        assert_eq!(rule.to_string(), text);
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    for text in [
        "",
        "network",
        "network GET",
        "network GET https://h.example/ more",
        "Network GET https://h.example/",
        "network:external GET https://h.example/",
        "GET https://h.example/",
    ] {
        assert_eq!(text.parse::<NetworkRule>(), Err(NetworkRuleError::Form), "{text:?}");
    }
    for text in
        ["network , https://h.example/", "network G*T https://h.example/", "network *,GET https://h.example/"]
    {
        assert!(matches!(text.parse::<NetworkRule>(), Err(NetworkRuleError::Methods(_))), "{text:?}");
    }
    assert!(matches!("network GET ftp://h/".parse::<NetworkRule>(), Err(NetworkRuleError::Url { .. })));
    let json =
        serde_json::to_string(&"network * https://h.example/".parse::<NetworkRule>().unwrap()).unwrap();
    assert_eq!(json, r#""network * https://h.example/""#);
    assert!(serde_json::from_str::<NetworkRule>(r#""network nothing""#).is_err());
}
