//! Path tricks in every segment: a plain refusal, never a failure, never a file from outside.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use openclaw_registry_server::http::ROUTES;

use crate::skill::skill;
use crate::world::{Backend, World, run};

const TRICKS: [&str; 27] = [
    "..",
    "../",
    "..%2f",
    "..%2F..%2fetc%2fpasswd",
    "%2e%2e",
    "%2e%2e%2f",
    ".%2e",
    "%252e%252e%252f",
    "..%5c",
    "..\\",
    "%00",
    "hello%00",
    "hello%0d%0a",
    "%c0%ae%c0%ae",
    "%ff",
    "%",
    "%2",
    "%zz",
    "HELLO",
    "hello.",
    "hello%20",
    "",
    "hello%2f",
    "%2fetc%2fpasswd",
    "a//b",
    "hello;x=1",
    "*",
];

#[test]
fn a_trick_in_any_segment_is_refused_plainly() {
    run(Backend::Sqlite, async |world: World| {
        world.acme().publish(&skill("acme/hello", "1.0.0")).await;
        std::fs::write(world.place.data.join("secret"), "SECRET").unwrap();
        let good = [
            ("{publisher}", "acme"),
            ("{name}", "hello"),
            ("{version}", "1.0.0"),
            ("{digest}", "0000000000000000000000000000000000000000000000000000000000000000"),
            ("{index}", "0"),
            ("{path}", "0/000.p/1"),
        ];
        let address = world.server.url.trim_start_matches("http://").to_owned();
        let mut asked = 0;
        for (method, template) in ROUTES {
            for (hole, _) in good.iter().filter(|(hole, _)| template.contains(hole)) {
                for trick in TRICKS.iter().copied().chain([&*"a".repeat(5000), &*"9".repeat(40)]) {
                    let path = template.replace(hole, trick);
                    let path = good.iter().fold(path, |path, (hole, value)| path.replace(hole, value));
                    let (status, text) = raw(&address, &method.to_uppercase(), &path, &world.token);
                    assert!((400..500).contains(&status), "{method} {path}: {status} {text}");
                    assert!(!text.contains("SECRET") && !text.contains("root:"), "{path}: {text}");
                    assert!(text.contains("{\"error\":{\"code\":"), "{method} {path}: {text}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 500);
        let long = format!("/api/v1/skills/acme/hello/1.0.0-{}", "a".repeat(300));
        let (status, text) = raw(&address, "GET", &long, &world.token);
        assert!(status == 400 && text.contains("invalid-version"), "{text}");
        assert_eq!(world.json("/health").await["status"], "ok");
    });
}

/// Sends a path as it is; a client library would clean it up.
fn raw(address: &str, method: &str, path: &str, token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{method} {path}: {text}")), text)
}
