//! What a skill tries to reach hosts, ports, methods and paths that it was not allowed, each beside a request that it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::server::Server;
use openclaw_tests::{Home, Ran, Skill};
use serde_json::{Value, json};

/// A skill that may get what is below `/open/` of a server on this machine.
fn home(server: &Server) -> Home {
    let skill = Skill::guest("network").limit("timeout", "\"5s\"");
    Home::with(&skill.network(&server.url("/open/"), &["GET", "POST"], true))
}

fn fetch(home: &Home, url: &str) -> Ran {
    home.call("network/fetch", &json!({ "url": url }))
}

/// The honest request still works.
#[track_caller]
fn unharmed(home: &Home, server: &Server) {
    assert_eq!(fetch(home, &server.url("/open/x")).output()["status"], 200);
}

#[test]
fn what_is_granted_works_and_is_recorded() {
    let server = Server::saying("hello");
    let home = home(&server);
    let answer = fetch(&home, &server.url("/open/x?q=1")).output();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("hello")));
    assert!(server.heads()[0].starts_with("GET /open/x?q=1 HTTP/1.1\r\n"), "{:?}", server.heads());
    let record = home.last_record();
    assert_eq!(record["requests"], 1, "{record}");
    assert!(record["bytes"]["network_received"].as_u64() >= Some(5), "{record}");
    let posted = home
        .call("network/fetch", &json!({ "url": server.url("/open/x"), "method": "POST", "body": "words" }))
        .output();
    assert_eq!(posted["status"], 200);
}

#[test]
fn what_is_not_granted_is_not_sent() {
    let server = Server::saying("hello");
    let home = Home::new();
    let skill = Skill::guest("network").network(&server.url("/open/"), &["GET"], true);
    home.install_ungranted(&skill);
    let denied = fetch(&home, &server.url("/open/x"));
    let failure = denied.refused("permission-denied");
    denied.was_denied("not-granted");
    assert!(
        failure.hint().starts_with("openclaw grant allow acme/network network:internal GET "),
        "{failure:?}"
    );
    assert_eq!(server.heads().len(), 0);
    home.paste(failure.hint()).json();
    unharmed(&home, &server);
}

#[test]
fn another_path_method_port_scheme_or_host_is_denied() {
    let (server, other) = (Server::saying("hello"), Server::saying("other"));
    let home = home(&server);
    for path in [
        "/",
        "/closed",
        "/open",
        "/opens/x",
        "/open/../closed",
        "/open/%2e%2e/closed",
        "/open/..%2fclosed",
        "/OPEN/x",
        "/open/..\\closed",
        "//open/x",
        "/closed/open/",
    ] {
        let ran = home.call(
            "network/request",
            &json!({ "authority": format!("127.0.0.1:{}", server.port()), "path": path }),
        );
        let answer = ran.output();
        // `/open` itself is what the prefix names.
        if path != "/open" {
            assert!(answer["error"].is_string(), "{path}: {answer}");
        }
    }
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "get", "GET "] {
        let input = json!({ "authority": format!("127.0.0.1:{}", server.port()), "path": "/open/x", "method": method });
        let answer = home.call("network/request", &input).output();
        assert!(answer["error"].is_string(), "{method}: {answer}");
    }
    for scheme in ["https", "ftp", "file", "HTTP+UNIX"] {
        let input = json!({ "authority": format!("127.0.0.1:{}", server.port()), "path": "/open/x", "scheme": scheme });
        let answer = home.call("network/request", &input).output();
        assert!(answer["error"].is_string(), "{scheme}: {answer}");
    }
    fetch(&home, &other.url("/open/x")).refused("permission-denied");
    fetch(&home, &format!("http://localhost:{}/open/x", server.port())).refused("permission-denied");
    fetch(&home, "http://127.0.0.1/open/x").refused("permission-denied");
    let allowed = server.heads().iter().all(|head| head.starts_with("GET /open HTTP"));
    assert!(allowed && other.heads().is_empty(), "{:?}", server.heads());
    unharmed(&home, &server);
}

#[test]
fn a_host_of_this_machine_has_to_be_granted_as_such() {
    let server = Server::saying("hello");
    let url = format!("http://localhost:{}/", server.port());
    let home = Home::new();
    home.install_ungranted(&Skill::guest("network").network(&url, &["GET"], true));
    home.run(["grant", "allow", "acme/network", "network", "GET", &url]).json();
    let denied = fetch(&home, &url);
    let failure = denied.refused("permission-denied");
    denied.was_denied("internal-address");
    assert_eq!(server.heads().len(), 0);
    home.paste(failure.hint()).json();
    assert_eq!(fetch(&home, &url).output()["status"], 200);
}

#[test]
fn no_spelling_of_an_address_of_this_machine_is_an_outside_address() {
    let server = Server::saying("hello");
    let port = server.port();
    let spellings = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
    ];
    let home = Home::with(&Skill::guest("network").network(
        &format!("http://*.example.com:{port}/"),
        &["GET"],
        false,
    ));
    for spelling in spellings {
        let input = json!({ "authority": format!("{spelling}:{port}"), "path": "/" });
        let answer = home.call("network/request", &input).output();
        assert!(answer["error"].is_string(), "{spelling}: {answer}");
        // Most of them no manifest can name as an outside host; one that can be named is not reached.
        let asking = Skill::guest("network").named("asking");
        let asking = asking.network(&format!("http://{spelling}:{port}/"), &["GET"], false);
        let archive = home.path("asking.tar.gz");
        if home.try_pack(&asking, &archive).code == Some(0) {
            home.install_archive(&archive).json();
            let denied = home.call("asking/request", &input);
            denied.was_denied("internal-address");
            home.run(["remove", "acme/asking", "--purge"]).json();
        }
    }
    assert_eq!(server.heads().len(), 0);
    // One address that is granted is reached in one spelling or another, and no other is.
    let honest = self::home(&server);
    let answer = honest
        .call("network/request", &json!({ "authority": format!("0x7f.1:{port}"), "path": "/closed" }))
        .output();
    assert!(answer["error"].is_string(), "{answer}");
    unharmed(&honest, &server);
}

#[test]
fn no_trick_in_a_url_changes_where_it_leads() {
    let (server, other) = (Server::saying("hello"), Server::saying("other"));
    let home = home(&server);
    let (good, bad) = (format!("127.0.0.1:{}", server.port()), format!("127.0.0.1:{}", other.port()));
    for authority in [
        format!("{good}@{bad}"),
        format!("user@{bad}"),
        format!("user:{good}@{bad}"),
        format!("{bad}#@{good}"),
        format!("{bad}#{good}"),
        format!("{bad}/open/?@{good}"),
        format!("{bad}\\@{good}"),
        format!("{bad}%00@{good}"),
        format!("{bad} {good}"),
        format!("{bad}\t"),
        format!("user@{good}"),
        String::new(),
        ":".to_owned(),
        "@".to_owned(),
    ] {
        let answer =
            home.call("network/request", &json!({ "authority": authority, "path": "/open/x" })).output();
        assert!(answer["error"].is_string(), "{authority:?}: {answer}");
    }
    for path in [
        format!("@{bad}/open/"),
        format!(":{}@{bad}/", server.port()),
        format!("//{bad}/open/"),
        format!("http://{bad}/open/x"),
        "/open/x HTTP/1.1\r\nx: y\r\n\r\nGET /closed".to_owned(),
        "/open/\u{0}".to_owned(),
        "*".to_owned(),
    ] {
        let answer = home.call("network/request", &json!({ "authority": good, "path": path })).output();
        assert!(answer["error"].is_string(), "{path:?}: {answer}");
    }
    assert!(
        other.heads().is_empty() && server.heads().is_empty(),
        "{:?} {:?}",
        other.heads(),
        server.heads()
    );
    unharmed(&home, &server);
}

#[test]
fn the_host_follows_no_redirect() {
    let other = Server::saying("other");
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = other.url("/open/x");
        let server = Server::answering(&format!(
            "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ));
        let home = home(&server);
        let answer = fetch(&home, &server.url("/open/x")).output();
        assert_eq!(answer["status"].as_u64().map(|status| status / 100), Some(3), "{answer}");
        fetch(&home, &location).refused("permission-denied");
    }
    assert_eq!(other.heads().len(), 0);
}

#[test]
fn headers_of_the_hosts_are_the_hosts_to_set() {
    let server = Server::echoing();
    let home = home(&server);
    let reserved = [
        ("host", "evil.example"),
        ("Host", "evil.example"),
        ("connection", "close, x-secret"),
        ("keep-alive", "1"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic eA=="),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "trailers"),
        ("http2-settings", "AAMA"),
    ];
    let headers: Vec<Value> = reserved.iter().map(|(name, value)| json!([name, value])).collect();
    let tried =
        home.call("network/headers", &json!({ "url": server.url("/open/x"), "headers": headers })).output();
    for (outcome, (name, value)) in tried["set"].as_array().unwrap().iter().zip(reserved) {
        assert_ne!(outcome, "ok", "{name}");
        assert!(
            !server.heads()[0].to_lowercase().contains(&format!("{}: {}", name.to_lowercase(), value)),
            "{name}"
        );
    }
    let head = &server.heads()[0];
    assert_eq!(head.matches("\r\nhost: ").count() + head.matches("\r\nHost: ").count(), 1, "{head}");
    assert!(head.contains(&format!("127.0.0.1:{}", server.port())), "{head}");

    let honest =
        json!({ "url": server.url("/open/x"), "headers": [["x-honest", "yes"], ["accept", "text/plain"]] });
    let tried = home.call("network/headers", &honest).output();
    assert_eq!(tried["set"], json!(["ok", "ok"]));
    assert!(server.heads()[1].contains("x-honest: yes"), "{:?}", server.heads());
}

#[test]
fn no_header_ends_early() {
    let server = Server::echoing();
    let home = home(&server);
    let headers = json!([
        ["x", "a\r\nx-forged: 1"],
        ["x", "a\nx-forged: 1"],
        ["x", "a\rx-forged: 1"],
        ["x\r\nx-forged", "1"],
        ["x x", "1"],
        ["", "1"],
        ["x:y", "1"],
        ["x", "a\u{0}b"]
    ]);
    let tried =
        home.call("network/headers", &json!({ "url": server.url("/open/x"), "headers": headers })).output();
    for outcome in tried["set"].as_array().unwrap() {
        assert_ne!(outcome, "ok", "{tried}");
    }
    assert!(!server.heads()[0].contains("forged"), "{:?}", server.heads());
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn a_proxy_of_the_hosts_environment_sees_nothing() {
    let (server, proxy) = (Server::saying("hello"), Server::saying("proxied"));
    let home = home(&server);
    let mut command = home.command();
    command.args([
        "tool",
        "call",
        "acme/network/fetch",
        &json!({ "url": server.url("/open/x") }).to_string(),
        "--json",
    ]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.url("/"));
    }
    let answer = openclaw_tests::home::finish(command, "tool call".to_owned(), None).output();
    assert_eq!(answer["body"], "hello");
    assert_eq!(proxy.heads().len(), 0);
}

#[test]
fn connect_and_upgrade_open_no_tunnel() {
    let server =
        Server::answering("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
    let home = home(&server);
    let authority = format!("127.0.0.1:{}", server.port());
    for path in ["", "/open/x", "/"] {
        let input = json!({ "authority": authority, "path": path, "method": "CONNECT" });
        let answer = home.call("network/request", &input).output();
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(server.heads().len(), 0);
    let answer = home.call("network/request", &json!({ "authority": authority, "path": "/open/x" }));
    assert!(matches!(answer.code, Some(0 | 1 | 5)), "{answer}");
    if answer.code == Some(0) {
        assert_ne!(answer.output()["status"], 200);
    }
}
