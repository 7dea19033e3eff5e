//! Servers that are not meant well, and what one skill could learn of another through the network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::net::TcpStream;
use std::time::Duration;

use openclaw_tests::server::{Server, text_response};
use openclaw_tests::{Home, Ran, Skill, component};
use serde_json::json;

/// A skill that may get anything of a server on this machine, and has three seconds for it.
fn home(server: &Server) -> Home {
    let skill = Skill::guest("network").limit("timeout", "\"3s\"").limit("fuel", "40_000_000_000");
    Home::with(&skill.network(&server.url("/"), &["GET"], true))
}

fn fetch(home: &Home, url: &str) -> Ran {
    home.call("network/fetch", &json!({ "url": url }))
}

/// The call ended about when it had to, and an honest server is still heard.
#[track_caller]
fn ended(ran: &Ran, home: &Home) {
    assert!(ran.took < Duration::from_secs(12), "{ran}");
    let took = home.last_record()["duration_us"].as_u64().unwrap();
    assert!(took <= 4_000_000, "the call itself took {took} µs");
    let honest = Server::saying("hello");
    let skill = Skill::guest("network").named("honest").network(&honest.url("/"), &["GET"], true);
    home.install(&skill);
    let answer = home.call("honest/fetch", &json!({ "url": honest.url("/") })).output();
    assert_eq!(answer["body"], "hello");
}

#[test]
fn an_endless_response_ends() {
    let piece = "0123456789abcdef".repeat(4096);
    let server = Server::endless("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", &piece, Duration::ZERO);
    let home = home(&server);
    let ran = home.call("network/read-endless", &json!({ "url": server.url("/") }));
    match ran.code {
        Some(0) => {
            ran.was_denied("quota-exceeded");
            let received = home.last_record()["bytes"]["network_received"].as_u64();
            assert!(received < Some(256 << 20), "{received:?}");
        }
        _ => assert!(matches!(ran.error().code.as_str(), "timeout" | "fuel-exhausted"), "{ran}"),
    }
    ended(&ran, &home);
}

#[test]
fn endless_headers_end() {
    for (beginning, piece) in [
        ("HTTP/1.1 200 OK\r\nx: ", "0123456789abcdef".repeat(64)),
        ("HTTP/1.1 200 OK\r\n", "x: y\r\n".repeat(64)),
        ("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n".repeat(16)),
        ("HTTP/1.1 ", "2".repeat(64)),
    ] {
        let server = Server::endless(beginning, &piece, Duration::ZERO);
        let home = home(&server);
        let ran = fetch(&home, &server.url("/"));
        assert!(matches!(ran.error().code.as_str(), "tool-failed" | "timeout"), "{ran}");
        ended(&ran, &home);
    }
}

#[test]
fn a_byte_now_and_then_is_too_little() {
    for beginning in ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", "HTTP/1.1 200 OK\r\nx: ", ""] {
        let server = Server::endless(beginning, "H", Duration::from_millis(700));
        let home = home(&server);
        let ran = fetch(&home, &server.url("/"));
        assert!(matches!(ran.code, Some(0 | 1 | 5)), "{ran}");
        if ran.code == Some(5) {
            ran.refused("timeout");
        }
        ended(&ran, &home);
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Server::silent();
    let home = home(&server);
    let ran = fetch(&home, &server.url("/"));
    assert!(matches!(ran.error().code.as_str(), "tool-failed" | "timeout"), "{ran}");
    ended(&ran, &home);
}

#[test]
fn a_tls_handshake_that_stalls_is_not_waited_for() {
    let server = Server::silent();
    let url = format!("https://127.0.0.1:{}/", server.port());
    let home = Home::with(&Skill::guest("network").limit("timeout", "\"3s\"").network(&url, &["GET"], true));
    let ran = fetch(&home, &url);
    assert!(matches!(ran.error().code.as_str(), "tool-failed" | "timeout"), "{ran}");
    assert_eq!(server.heads().len(), 1, "it was not even asked");
    ended(&ran, &home);
}

#[test]
fn a_server_without_a_certificate_is_no_tls_server() {
    let server = Server::start_raw(|mut stream: TcpStream, _| {
        use std::io::Write;
        let _ = stream.write_all(text_response("plain").as_bytes());
    });
    let url = format!("https://127.0.0.1:{}/", server.port());
    let home = Home::with(&Skill::guest("network").limit("timeout", "\"3s\"").network(&url, &["GET"], true));
    let ran = fetch(&home, &url);
    ran.refused("tool-failed");
    ended(&ran, &home);
}

#[test]
fn an_answer_that_is_not_http_is_an_error() {
    for answer in [
        "",
        "\0\0\0\0\0\0\0\0",
        "HTTP/1.1 two hundred\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello",
    ] {
        let server = Server::answering(answer);
        let home = home(&server);
        let ran = fetch(&home, &server.url("/"));
        ran.refused("tool-failed");
    }
}

#[test]
fn a_body_that_is_shorter_than_it_says_is_an_error_to_the_guest() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello");
    let home = home(&server);
    let answer = fetch(&home, &server.url("/")).output();
    assert_eq!(answer["body"], "hello");
    assert!(answer["error"].is_string(), "{answer}");
}

#[test]
fn requests_are_limited_in_number() {
    let server = Server::saying("hello");
    let home = home(&server);
    let flooded = home.call("network/flood", &json!({ "url": server.url("/"), "most": 10_000 }));
    assert!(matches!(flooded.code, Some(0 | 1 | 5)), "{flooded}");
    assert!(server.heads().len() < 5_000, "{} requests", server.heads().len());
    if flooded.code == Some(0) {
        let output = flooded.output();
        assert!(output["error"].is_string(), "{output}");
    }
    assert_eq!(
        home.call("network/flood", &json!({ "url": server.url("/"), "most": 3 })).output()["answers"],
        3
    );
}

#[test]
fn no_cookie_and_no_connection_is_shared() {
    let server = Server::start(|head, mut stream| {
        use std::io::Write;
        let body = head.to_lowercase();
        let response = format!(
            "HTTP/1.1 200 OK\r\nset-cookie: session=secret; Path=/\r\netag: \"1\"\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(response.as_bytes());
        // Another request on this connection would be heard, and answered with nothing.
        let mut rest = [0; 1];
        let _ = std::io::Read::read(&mut stream, &mut rest);
    });
    let home = home(&server);
    home.install(&Skill::guest("network").named("second").network(&server.url("/"), &["GET"], true));
    for tool in ["network/fetch", "network/fetch", "second/fetch"] {
        let answer = home.call(tool, &json!({ "url": server.url("/x") })).output();
        let body = answer["body"].as_str().unwrap();
        assert!(!body.contains("cookie") && !body.contains("if-none-match"), "{body}");
    }
    assert_eq!(server.heads().len(), 3);
}

#[test]
fn the_example_that_fetches_pages_works_with_a_manifest_of_ours() {
    let page =
        "<html><head><title>A page</title></head><body><h1>Hello</h1><p>There is a world.</p></body></html>";
    let server = Server::start(move |head, mut stream| {
        use std::io::Write;
        let answer = if head.starts_with("GET /moved ") {
            "HTTP/1.1 302 Found\r\nlocation: /page\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                .to_owned()
        } else {
            text_response(page).replace("text/plain", "text/html; charset=utf-8")
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let other = Server::saying("other");
    let fetcher = Skill::new("web-fetch", component::rust("web-fetch")).limit("fuel", "10_000_000_000");
    let home = Home::with(&fetcher.limit("memory", "\"128MiB\"").network(&server.url("/"), &["GET"], true));
    let tools = home.run(["tool", "list"]).json();
    let tool = tools[0]["tool"].as_str().unwrap().trim_start_matches("acme/").to_owned();
    for path in ["/page", "/moved"] {
        let answer = home.call(&tool, &json!({ "url": server.url(path) })).output();
        assert!(answer.to_string().contains("There is a world."), "{answer}");
    }
    home.call(&tool, &json!({ "url": other.url("/") })).refused("permission-denied");
    assert_eq!(other.heads().len(), 0);
}
