//! Permissions in words.

use openclaw_package::Requests;
use openclaw_package::permission::NetworkRequest;
use openclaw_package::permission::warnings::warnings;
use openclaw_package::permission::words::{readable_bytes, readable_number, requests};

fn requested(url: &str, internal: bool) -> Requests {
    let request = NetworkRequest::new(
        url.parse().unwrap(),
        "GET".parse().unwrap(),
        internal,
        "reads\u{e9}".parse().unwrap(),
    );
    Requests { network: vec![request.unwrap()], ..Requests::default() }
}

#[test]
fn numbers_read_well() {
    assert_eq!(readable_number(1_234_567), "1 234 567");
    assert_eq!(readable_number(12), "12");
    assert_eq!(readable_bytes(64 << 20), "64 MiB");
    assert_eq!(readable_bytes(1_600), "1.5 KiB");
}

#[test]
fn what_is_wide_or_internal_is_pointed_out() {
    assert!(warnings(&requested("https://api.example.com/", false)).is_empty());
    assert!(warnings(&requested("https://*.example.com/", false))[0].contains("every host"));
    assert!(warnings(&requested("http://127.0.0.1:8080/", true))[0].contains("this machine"));
}

#[test]
fn a_request_is_told_in_words() {
    let [request] = requests(&requested("https://api.example.com/v1", false)).try_into().unwrap();
    assert_eq!(request.words, "send GET requests to https://api.example.com/v1");
    assert_eq!(request.scope, "GET https://api.example.com/v1");
}
