//! Requests that are too large, too slow, ambiguous or too many.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use openclaw_tests::gateway::{Gateway, post};
use openclaw_tests::http::Request;
use serde_json::json;

use crate::{configure, home};

#[test]
fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let home = home();
    let gateway = Gateway::start(&home);
    let mut request = post("compute/echo", &json!({})).by(gateway.token());
    request.body = vec![b' '; (4 << 20) + (64 << 10) + 1];
    assert_eq!(gateway.send(&request).refused(413), "body-too-large");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n",
        request.target,
        gateway.address(),
        gateway.token(),
    );
    let mut bytes = head.into_bytes();
    for _ in 0..80 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend(vec![b' '; 0x10000]);
        bytes.extend_from_slice(b"\r\n");
    }
    let answer = gateway.raw(&bytes);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body-too-large"), "{answer}");
    let large = json!({ "text": "x".repeat(4 << 20) });
    assert_eq!(gateway.call("compute/echo", &large).refused(422), "invalid-input");
    gateway.call("compute/echo", &json!({ "text": "x".repeat(100_000) })).ok();
}

#[test]
fn heads_are_bounded_in_size_and_in_number_of_lines() {
    let home = home();
    let gateway = Gateway::start(&home);
    let head = |extra: &str| {
        gateway.raw(
            format!(
                "GET /health HTTP/1.1\r\nhost: {}\r\n{extra}connection: close\r\n\r\n",
                gateway.address()
            )
            .as_bytes(),
        )
    };
    assert!(head("").starts_with("HTTP/1.1 200 "));
    let lines: String = (0..100).map(|number| format!("x-{number}: 1\r\n")).collect();
    assert!(head(&lines).starts_with("HTTP/1.1 431 "), "{}", head(&lines));
    let long = format!("x: {}\r\n", "y".repeat(64 << 10));
    let answer = head(&long);
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
}

#[test]
fn ambiguous_framing_is_refused_and_the_connection_closed() {
    let home = home();
    let gateway = Gateway::start(&home);
    let own = gateway.address();
    let smuggled = format!("GET /ready HTTP/1.1\r\nhost: {own}\r\n\r\n");
    for framing in [
        format!("content-length: 0\r\ncontent-length: {}\r\n", smuggled.len()),
        "content-length: 0, 5\r\n".to_owned(),
        "content-length: +5\r\n".to_owned(),
        "content-length: -1\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "x: a\r\n b\r\n".to_owned(),
        "x : a\r\n".to_owned(),
    ] {
        let text = format!("POST /health HTTP/1.1\r\nhost: {own}\r\n{framing}\r\n{smuggled}");
        let answer = gateway.raw(text.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing:?}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{framing:?} let another request through: {answer}"
        );
    }
    // Both kinds of length: whoever is in between may have obeyed the other one.
    let both = format!(
        "POST /health HTTP/1.1\r\nhost: {own}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
    );
    let answer = gateway.raw(both.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "another request came through: {answer}");
}

#[test]
fn a_head_that_comes_slowly_is_not_waited_for() {
    let home = home();
    let gateway = Gateway::start(&home);
    let begun = Instant::now();
    let mut stream = gateway.connect();
    stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
    let mut trickle = stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(100));
            if trickle.write_all(b"x").is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    drop(stream);
    dripping.join().unwrap();
    gateway.send(&Request::get("/health")).ok();
}

#[test]
fn a_body_that_comes_slowly_is_not_waited_for() {
    let home = home();
    let gateway = Gateway::start(&home);
    let head = format!(
        "POST /api/v1/tools/acme/compute/echo HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        gateway.address(),
        gateway.token(),
    );
    let begun = Instant::now();
    let answer = gateway.raw(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body-too-slow"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(40));
}

#[test]
fn one_peer_never_has_all_connections() {
    let home = home();
    configure(&home, "gateway: { max_connections: 16 }\n");
    let gateway = Gateway::start(&home);
    // Until those are gone that asked whether it is ready.
    std::thread::sleep(Duration::from_secs(1));
    // Those of one address are a quarter of all.
    let held: Vec<_> = (0..4).map(|_| gateway.connect()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let mut fifth = gateway.connect();
    let mut answer = Vec::new();
    let _ = fifth.write_all(b"GET /health HTTP/1.1\r\n\r\n");
    let _ = fifth.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    drop(held);
    gateway.wait_until("there is room again", || Request::get("/health").send(gateway.address()).is_ok());
}

#[test]
fn requests_beyond_those_at_once_are_told_that_it_is_busy() {
    let home = home();
    configure(&home, "gateway: { max_requests: 1 }\n");
    let gateway = Gateway::start(&home);
    std::thread::scope(|scope| {
        scope.spawn(|| gateway.call("compute/sleep", &json!({ "milliseconds": 3000 })).ok());
        gateway.wait_until("it runs", || gateway.get("/api/v1/metrics").value()["running_calls"] == 1);
        let busy = gateway.get("/api/v1/tools");
        assert_eq!(busy.header("retry-after"), Some("1"));
        assert_eq!(busy.refused(503), "busy");
        gateway.send(&Request::get("/health")).ok();
    });
    gateway.get("/api/v1/tools").ok();
}

#[test]
fn whatever_is_asked_the_answer_is_json() {
    let home = home();
    let gateway = Gateway::start(&home);
    let method = |method: &str, path: &str| {
        gateway.send(&Request { method: method.to_owned(), ..Request::get(path).by(gateway.token()) })
    };
    assert_eq!(method("GET", "/nothing").refused(404), "no-such-path");
    assert_eq!(method("DELETE", "/health").refused(405), "no-such-method");
    assert!(method("BREW", "/api/v1/tools").header("allow").is_some_and(|allow| allow.contains("GET")));
    assert_eq!(method("GET", "/../etc/passwd").refused(404), "no-such-path");
    assert_eq!(method("GET", "/api/v1/tools?limit=1").refused(400), "unexpected-query");
}
