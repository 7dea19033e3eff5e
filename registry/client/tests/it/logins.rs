//! Login: fingerprints, tokens, and URLs that only look alike.

use std::os::unix::fs::PermissionsExt as _;

use openclaw_package::Digest;
use openclaw_registry_client::{RegistryUrl, StateError};
use tokio::io::AsyncWriteExt as _;

use crate::home::{Home, at_home};
use crate::server::{Answer, Server};
use crate::world::{TOKEN, World, hello};

#[tokio::test]
async fn a_login_pins_the_root_and_keeps_the_token_to_its_owner() {
    let (server, home) = at_home().await;
    let known = home.registries.select(None).unwrap();
    assert_eq!(known.url().as_str(), server.url);
    assert_eq!(known.origin().as_str(), "skills.example.com");
    assert_eq!(known.fingerprint(), server.world(|world| world.fingerprint(1)));
    assert!(known.token().unwrap().is_some());
    for (file, mode) in [("token", 0o600), ("registry.toml", 0o600), ("roots.json", 0o600), ("", 0o700)] {
        let meta = std::fs::metadata(known.dir().join(file)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, mode, "{file}");
    }
    let elsewhere: Vec<_> = crate::home::files_below(home.place.path())
        .into_iter()
        .filter(|(path, _)| !path.ends_with("token"))
        .map(|(_, bytes)| bytes)
        .collect();
    assert!(!elsewhere.concat().windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()));
}

#[tokio::test]
async fn without_a_fingerprint_a_person_has_to_confirm_and_nothing_is_stored_before() {
    let server = Server::start(World::with_hello()).await;
    let home = Home::new();
    let mut request = home.request(&server);
    request.fingerprint = None;
    let pending = home.registries.login(request, home.options()).await.unwrap();
    assert!(pending.needs_confirmation());
    assert_eq!(*pending.fingerprint(), server.world(|world| world.fingerprint(1)));
    assert!(home.state().is_empty());
    let sent = server.requests("/");
    assert!(sent.iter().all(|request| request.header("authorization").is_none()), "no token before consent");
    let registry = pending.accept().await.unwrap();
    assert_eq!(registry.whoami.unwrap().publisher.as_str(), "acme");
    // What was confirmed once need not be confirmed again.
    let mut request = home.request(&server);
    request.fingerprint = None;
    assert!(!home.registries.login(request, home.options()).await.unwrap().needs_confirmation());
}

#[tokio::test]
async fn another_fingerprint_than_was_given_is_refused() {
    let server = Server::start(World::with_hello()).await;
    let home = Home::new();
    let mut request = home.request(&server);
    request.fingerprint = Some(Digest::of(b"another"));
    let error = home.refused(home.login(request)).await;
    assert_eq!(error.code(), "fingerprint-differs");
    assert!(error.hint().unwrap().contains("another channel"));
    assert!(home.state().is_empty());
}

#[tokio::test]
async fn a_token_that_the_registry_does_not_take_is_not_stored() {
    let server = Server::start(World::with_hello()).await;
    let home = Home::new();
    let mut request = home.request(&server);
    request.token = Some("another".parse().unwrap());
    let error = home.refused(home.login(request)).await;
    assert_eq!(error.code(), "bad-token");
    assert!(home.state().is_empty());
}

#[tokio::test]
async fn another_root_in_place_of_the_known_one_needs_to_be_asked_for() {
    let (server, home) = at_home().await;
    let mut other = World::with_hello();
    other.roots.clear();
    other.entries.clear();
    let mut parts = other.root_parts.clone();
    parts.origin = "other.example.com".parse().unwrap();
    other.origin = parts.origin.clone();
    other.add_root(parts, &[201]);
    server.world(|world| *world = other);
    let error = home.refused(home.login(home.request(&server))).await;
    assert_eq!(error.code(), "fingerprint-differs");
    assert!(error.hint().unwrap().contains("--replace"));

    let mut request = home.request(&server);
    request.replace = true;
    let known = home.login(request).await.unwrap();
    assert_eq!(known.origin().as_str(), "other.example.com");
    let kept = crate::home::files_below(&known.dir().join("evidence"));
    assert!(kept.keys().any(|path| path.ends_with("registry.toml")), "the old pins are kept");
    assert!(!kept.keys().any(|path| path.ends_with("token")), "the old token is not");
}

#[tokio::test]
async fn a_later_login_may_name_a_later_root_of_the_same_registry() {
    let (server, home) = at_home().await;
    server.world(|world| world.next_root(|parts| parts.expires = crate::world::in_days(500)));
    let mut request = home.request(&server);
    request.fingerprint = Some(server.world(|world| world.fingerprint(2)));
    let known = home.login(request).await.unwrap();
    assert_eq!(known.fingerprint(), server.world(|world| world.fingerprint(1)), "the first pin stays");
    home.client().refresh().await.unwrap();
}

#[tokio::test]
async fn an_early_root_can_be_pinned_when_there_are_later_ones() {
    let server = Server::start(World::with_hello()).await;
    for days in [400, 500, 600] {
        server.world(|world| world.next_root(|parts| parts.expires = crate::world::in_days(days)));
    }
    let home = Home::new();
    home.login(home.request(&server)).await.unwrap();
    assert_eq!(home.client().refresh().await.unwrap().root.root().version(), 4);
    home.resolve("*").await.unwrap();
}

#[tokio::test]
async fn a_url_that_only_resembles_the_known_one_gets_no_token() {
    let (server, home) = at_home().await;
    let port = server.url.rsplit(':').next().unwrap();
    for url in
        [format!("{}/", server.url), format!("HTTP://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}//")]
    {
        let url = RegistryUrl::new(&url).unwrap();
        let error = home.registries.select(Some(&url)).unwrap_err();
        let StateError::UnknownRegistry { resembles, .. } = &error else { panic!("{error:?}") };
        assert_eq!(resembles.as_ref().unwrap().as_str(), server.url);
        assert!(error.hint().unwrap().contains(&server.url), "{error}");
    }
    let error =
        home.registries.select(Some(&RegistryUrl::new("https://other.example").unwrap())).unwrap_err();
    assert!(error.hint().unwrap().starts_with("openclaw registry login"));
}

#[test]
fn urls_are_kept_as_they_are_and_strange_ones_refused() {
    for good in [
        "https://skills.example.com",
        "https://Skills.example.com/a/",
        "http://localhost:1",
        "http://[::1]:1",
    ] {
        assert_eq!(RegistryUrl::new(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "skills.example.com",
        "ftp://x",
        "https://",
        "https://u@x",
        "https://u:p@x",
        "https://@x",
        "https://x?q",
        "https://x#f",
        "https://x/ y",
        "https://x\\y",
        "https://ü.example",
        "file:///etc",
    ] {
        assert!(RegistryUrl::new(bad).is_err(), "{bad}");
    }
    let plain = RegistryUrl::new("http://skills.example.com").unwrap_err();
    assert_eq!(plain.code(), "plain-http");
    assert!(RegistryUrl::new_allowing_plain_http("http://skills.example.com").is_ok());
    assert!(RegistryUrl::new("http://127.0.0.1.example.com").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_at_once_pin_one_root() {
    let server = Server::start(World::with_hello()).await;
    let mut other = World::with_hello();
    other.root_parts.expires = crate::world::in_days(99);
    let parts = other.root_parts.clone();
    other.roots.clear();
    other.add_root(parts, &[201]);
    let rival = other.roots[0].clone();
    let home = Home::new();
    for _ in 0..10 {
        let _ = std::fs::remove_dir_all(home.registries.dir());
        let registries = openclaw_registry_client::Registries::open(home.registries.dir()).unwrap();
        // One is served one root, the other another: each was confirmed by somebody.
        let first = registries.login(home.request(&server), home.options()).await.unwrap();
        let root = rival.clone();
        server.lie("/root.json", move |_, _| Answer::json(root.as_str()));
        let mut request = home.request(&server);
        request.fingerprint = Some(other.fingerprint(1));
        let second = registries.login(request, home.options()).await.unwrap();
        server.be_honest();
        let (first, second) = tokio::join!(tokio::spawn(first.accept()), tokio::spawn(second.accept()));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(first.is_ok() != second.is_ok(), "exactly one wins");
        let lost = first.err().or(second.err()).unwrap();
        assert_eq!(lost.code(), "fingerprint-differs");
        assert_eq!(registries.list().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn logout_forgets_the_token_and_keeps_the_pins() {
    let (server, home) = at_home().await;
    let url = RegistryUrl::new(&server.url).unwrap();
    assert!(home.registries.forget_token(&url).unwrap());
    assert!(!home.registries.forget_token(&url).unwrap());
    let known = home.registries.select(Some(&url)).unwrap();
    assert!(known.token().unwrap().is_none());
    let client = home.client();
    assert!(!client.has_token());
    client.refresh().await.unwrap();
}

#[test]
fn a_token_is_never_shown() {
    let token: openclaw_registry_client::Token = TOKEN.parse().unwrap();
    assert_eq!(format!("{token:?}"), "Token(secret)");
    for bad in ["", "two words", "tab\t", "ü", &"x".repeat(513)] {
        let error = bad.parse::<openclaw_registry_client::Token>().unwrap_err();
        assert!(bad.is_empty() || !error.to_string().contains(bad));
    }
}

/// What makes the test below log in as one of its own processes: directory, URL and fingerprint.
const LOGIN: &str = "OPENCLAW_TEST_LOGIN";

#[tokio::test]
async fn several_processes_log_in_at_once() {
    if let Ok(login) = std::env::var(LOGIN) {
        return log_in(&login).await;
    }
    let server = Server::start(World::with_hello()).await;
    let home = Home::new();
    let fingerprint = server.world(|world| world.fingerprint(1)).to_string();
    let process = || {
        tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "logins::several_processes_log_in_at_once"])
            .env(LOGIN, format!("{} {} {fingerprint}", home.registries.dir().display(), server.url))
            .output()
    };
    let all = futures::future::join_all((0..4).map(|_| process())).await;
    for output in all {
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    }
    let known = home.registries.list().unwrap();
    assert_eq!(known.len(), 1);
    assert!(known[0].token().unwrap().is_some());
    let left = std::fs::read_dir(home.registries.dir()).unwrap().count();
    assert_eq!(left, 3, "the registry, the default, the lock, and nothing half made");
}

async fn log_in(login: &str) {
    let words: Vec<&str> = login.split(' ').collect();
    let registries = openclaw_registry_client::Registries::open(words[0]).unwrap();
    let request = openclaw_registry_client::LoginRequest {
        url: words[1].parse().unwrap(),
        token: Some(TOKEN.parse().unwrap()),
        fingerprint: Some(words[2].parse().unwrap()),
        replace: false,
    };
    let options = openclaw_registry_client::ClientOptions::new(format!("{}/../cache", words[0]));
    registries.login(request, options).await.unwrap().accept().await.unwrap();
}

#[tokio::test]
async fn a_fingerprint_that_does_not_lead_to_the_pinned_root_is_refused() {
    let (server, home) = at_home().await;
    // The pinned registry calls its root the second, and puts the root of another one in front.
    let other = {
        let mut other = World::new("skills.example.com");
        other.next_root(|parts| parts.expires = crate::world::in_days(77));
        other
    };
    let (given, stranger) = (other.fingerprint(1), other.roots[0].clone());
    // Pinned under a root of version 2.
    let mut mine = World::with_hello();
    mine.root_keys = vec![88];
    let mut parts = mine.root_parts.clone();
    (parts.version, parts.keys) = (2, vec![crate::world::key(88).public_key()]);
    mine.add_root(parts, &[88]);
    let pinned = mine.fingerprint(2);
    let second = mine.roots[1].clone();
    server.lie("/root.json", move |_, _| Answer::json(second.as_str()));
    server.lie("/root/1.json", move |_, _| Answer::json(stranger.as_str()));
    let mut request = home.request(&server);
    (request.fingerprint, request.replace) = (Some(pinned), true);
    home.login(request).await.unwrap();

    let mut request = home.request(&server);
    request.fingerprint = Some(given);
    let Err(error) = home.login(request).await else { panic!("it was not refused") };
    assert_eq!(error.code(), "bad-signature");
}

#[tokio::test]
async fn after_a_backup_was_restored_the_owner_can_begin_anew_and_takedowns_stay() {
    let (server, home) = at_home().await;
    server.world(|world| world.take_down(&"acme/evil".parse().unwrap(), None));
    home.client().refresh().await.unwrap();
    let backup = server.world(|world| world.clone());
    server.world(|world| world.publish(&hello(), "1.1.0"));
    home.resolve("*").await.unwrap();
    server.world(|world| *world = backup);
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "log-shrank");

    let mut request = home.request(&server);
    (request.replace, request.token) = (true, None);
    let known = home.login(request).await.unwrap();
    assert!(known.token().unwrap().is_some(), "it is the same registry, and the same token");
    assert_eq!(known.takedowns().unwrap().unwrap().takedowns.len(), 1);
    assert_eq!(home.resolve("*").await.unwrap().version().to_string(), "1.0.0");
    let kept = crate::home::files_below(&known.dir().join("evidence"));
    assert!(kept.keys().any(|path| path.ends_with("checkpoint")), "what was seen is kept");
    assert!(kept.keys().any(|path| path.ends_with("seen.note")), "and what was refused");
    assert!(!kept.keys().any(|path| path.ends_with("token")));
    // A takedown that the backup does not have is not forgotten with the rest.
    server.world(|world| world.takedowns.takedowns.clear());
    let mut request = home.request(&server);
    request.replace = true;
    home.login(request).await.unwrap();
    assert_eq!(home.client().refresh().await.unwrap_err().code(), "takedowns-rolled-back");
}

#[tokio::test]
async fn who_has_to_confirm_sees_each_root_that_leads_to_the_newest() {
    let server = Server::start(World::with_hello()).await;
    for days in 400..412 {
        server.world(|world| world.next_root(|parts| parts.expires = crate::world::in_days(days)));
    }
    let home = Home::new();
    let mut request = home.request(&server);
    request.fingerprint = None;
    let pending = home.registries.login(request, home.options()).await.unwrap();
    let shown = pending.fingerprints();
    let versions: Vec<u64> = shown.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [13, 12, 11, 10, 9, 8, 7, 6, 5, 1]);
    assert_eq!(shown[9].1, server.world(|world| world.fingerprint(1)));
    assert_eq!(shown[0].1, *pending.fingerprint());
    pending.accept().await.unwrap();
}

#[tokio::test]
async fn what_is_no_registry_says_so() {
    let server = Server::start(World::with_hello()).await;
    server.lie("/", |_, _| Answer::new(404, "text/html", "nothing here"));
    let home = Home::new();
    let error = home.refused(home.login(home.request(&server))).await;
    assert_eq!(error.code(), "not-a-registry");
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut request = home.request(&server);
    request.url = format!("https://{}", plain.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = home.refused(home.login(request)).await;
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}
