//! Host and Origin, each alone: what a page of a stranger, or a name that was rebound, makes a browser send.

use openclaw_gateway::http::ROUTES;
use openclaw_tests::gateway::Gateway;
use openclaw_tests::http::Request;

use crate::{configure, home};

/// A path that is none.
const MORE: [(&str, &str); 1] = [("get", "/nothing")];

/// Every path with every method that it has, and one that is none.
fn requests() -> impl Iterator<Item = Request> {
    let routes = ROUTES.iter().chain(&MORE);
    routes.map(|(method, path)| Request {
        method: method.to_uppercase(),
        target: path.replace("{publisher}/{skill}/{tool}", "acme/compute/echo"),
        ..Request::default()
    })
}

#[test]
fn a_foreign_host_is_refused_on_every_path_also_with_a_token() {
    let home = home();
    let gateway = Gateway::start(&home);
    let port = gateway.address().port();
    for asked in requests() {
        for host in [
            "evil.example",
            &format!("evil.example:{port}"),
            "localhost",
            &format!("127.0.0.1.nip.io:{port}"),
        ] {
            let request = asked.clone().by(gateway.token()).with("host", host);
            assert_eq!(gateway.send(&request).refused(421), "foreign-host", "{request:?}");
        }
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        gateway.send(&Request::get("/health").with("host", &host)).ok();
    }
}

#[test]
fn a_foreign_origin_is_refused_on_every_path_also_with_a_token() {
    let home = home();
    let gateway = Gateway::start(&home);
    let own = format!("http://{}", gateway.address());
    for asked in requests() {
        for origin in ["null", "http://evil.example", "http://localhost", "https://localhost:3000", "file://"]
        {
            let request = asked.clone().by(gateway.token()).with("origin", origin);
            assert_eq!(gateway.send(&request).refused(403), "foreign-origin", "{request:?}");
        }
    }
    let same = gateway.send(&Request::get("/health").with("origin", &own));
    assert!(same.header("access-control-allow-origin").is_none(), "nothing is opened to pages");
    same.ok();
}

#[test]
fn configured_names_and_origins_are_answered_to() {
    let home = home();
    configure(&home, "gateway: { hosts: [claw.example.com], origins: ['https://chat.example.com'] }\n");
    let gateway = Gateway::start(&home);
    gateway.send(&Request::get("/health").with("host", "claw.example.com")).ok();
    gateway.send(&Request::get("/health").with("origin", "https://chat.example.com")).ok();
    let other = Request::get("/health").with("host", "a.claw.example.com");
    assert_eq!(gateway.send(&other).refused(421), "foreign-host");
    let other = Request::get("/health").with("origin", "http://chat.example.com");
    assert_eq!(gateway.send(&other).refused(403), "foreign-origin");
}

#[test]
fn a_request_names_its_host_once_and_its_target_the_same_one() {
    let home = home();
    let gateway = Gateway::start(&home);
    let own = gateway.address();
    let status =
        |head: &str| gateway.raw(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())[9..12].to_owned();
    assert_eq!(status(&format!("GET http://{own}/health HTTP/1.1\r\nhost: {own}")), "200");
    for head in [
        "GET /health HTTP/1.1".to_owned(),
        format!("GET /health HTTP/1.1\r\nhost: {own}\r\nhost: evil.example"),
        format!("GET /health HTTP/1.1\r\nhost: {own}\r\nhost: {own}"),
        format!("GET http://evil.example/health HTTP/1.1\r\nhost: {own}"),
        format!("GET https://{own}/health HTTP/1.1\r\nhost: {own}"),
        format!("GET /health HTTP/1.1\r\nhost: user@{own}"),
        "GET /health HTTP/1.0".to_owned(),
        format!("OPTIONS * HTTP/1.1\r\nhost: {own}\r\nhost: {own}"),
        format!("CONNECT evil.example:443 HTTP/1.1\r\nhost: {own}"),
    ] {
        assert_eq!(status(&head), "400", "{head}");
    }
    assert_eq!(status("GET http://evil.example/ HTTP/1.1\r\nhost: evil.example"), "421");
}
