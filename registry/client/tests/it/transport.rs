//! The way to the registry: sizes, types, speed, redirects, outages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openclaw_registry_client::{Client, Query};

use crate::home::{Home, at_home};
use crate::server::{Answer, Body, Server};
use crate::world::{TOKEN, World, hello};

#[tokio::test]
async fn each_document_is_served_as_what_it_is() {
    let (server, home) = at_home().await;
    for path in ["/root.json", "/checkpoint", "/takedowns.json", "/index/", "/api/v1/skills/"] {
        server.lie(path, |_, answer| answer.with("content-type", "text/html; charset=utf-8"));
        let error = home.refused(home.resolve("*")).await;
        assert_eq!(error.code(), "wrong-content-type", "{path}");
        server.be_honest();
    }
}

#[tokio::test]
async fn compression_that_nobody_asked_for_is_refused() {
    let (server, home) = at_home().await;
    server.lie("/index/", |_, answer| answer.with("content-encoding", "gzip"));
    assert_eq!(home.refused(home.resolve("*")).await.code(), "unasked-encoding");
    assert!(server.requests("/").iter().all(|request| request.header("accept-encoding").is_none()));
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_bound() {
    let (server, home) = at_home().await;
    for path in ["/root.json", "/checkpoint", "/takedowns.json", "/index/"] {
        server.lie(path, |_, mut answer| {
            answer.bytes = vec![b' '; 1 << 16];
            answer.body = Body::Endless;
            answer
        });
        assert_eq!(home.refused(home.resolve("*")).await.code(), "answer-too-large", "{path}");
        server.be_honest();
    }
    server.lie("/checkpoint", |_, answer| answer.with("content-length", "99999999999"));
    home.refused(home.resolve("*")).await;
}

#[tokio::test]
async fn a_slow_drip_is_not_waited_for() {
    let (server, home) = at_home().await;
    server.lie("/checkpoint", |_, mut answer| {
        answer.body = Body::Drip(Duration::from_millis(20));
        answer
    });
    let start = Instant::now();
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "registry-too-slow");
    assert!(error.is_outage());
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_registry_that_says_nothing_is_not_waited_for() {
    let (server, home) = at_home().await;
    let mut options = home.options();
    options.timeouts.idle = Duration::from_millis(200);
    server.lie("/checkpoint", |_, mut answer| {
        answer.body = Body::Drip(Duration::from_secs(60));
        answer
    });
    let client = Client::connect(home.registries.select(None).unwrap(), options).unwrap();
    let error = client.refresh().await.unwrap_err();
    assert_eq!(error.code(), "registry-timeout");
}

#[tokio::test]
async fn no_redirect_leads_to_another_host() {
    let (server, home) = at_home().await;
    let other = Server::start(World::with_hello()).await;
    for path in ["/root.json", "/checkpoint", "/index/", "/blobs/", "/api/v1/skills/"] {
        let to = other.url.clone();
        server.lie(path, move |request, _| Answer::redirect(&format!("{to}{}", request.path)));
        let error = home
            .refused(async {
                let resolved = home.resolve("*").await?;
                home.client().fetch(&resolved, &openclaw_registry_client::Silent).await
            })
            .await;
        // Only what was proved before may have been remembered.
        assert_eq!(error.code(), "redirect-refused", "{path}");
        server.be_honest();
        home.resolve("*").await.unwrap();
    }
    assert!(other.requests("/").is_empty(), "not even without the token");
    let localhost = server.url.replace("127.0.0.1", "localhost");
    server.lie("/index/", move |request, _| Answer::redirect(&format!("{localhost}{}", request.path)));
    assert_eq!(home.refused(home.resolve("*")).await.code(), "redirect-refused");
    server.be_honest();
    server.lie("/index/", |_, _| Answer::redirect("https://user:password@127.0.0.1/"));
    assert_eq!(home.refused(home.resolve("*")).await.code(), "redirect-refused");
}

#[tokio::test]
async fn redirects_within_the_registry_are_followed_and_loops_are_not() {
    let (server, home) = at_home().await;
    server.lie("/index/acme/hello", |request, answer| {
        if request.path.ends_with("?again") { answer } else { Answer::redirect("/index/acme/hello?again") }
    });
    home.resolve("*").await.unwrap();
    let again = server.requests("/index/acme/hello?again");
    assert_eq!(again[0].header("authorization").unwrap(), format!("Bearer {TOKEN}"));
    server.be_honest();
    server.lie("/index/acme/hello", |_, _| Answer::redirect("/index/acme/hello"));
    assert_eq!(home.refused(home.resolve("*")).await.code(), "redirect-loop");
}

#[tokio::test]
async fn a_redirect_above_the_registry_does_not_get_the_token() {
    let world = World::with_hello();
    let server = Server::start(world).await;
    let home = Home::new();
    // A registry that lives below a path, on a host that others share.
    server.lie("/team/", |_, _| Answer::error(404, "not-found"));
    for path in ["root.json", "api/v1/whoami"] {
        let world = server.world.clone();
        server.lie(&format!("/team/{path}"), move |request, _| {
            let mut request = request.clone();
            request.path = request.path.trim_start_matches("/team").to_owned();
            world.lock().unwrap().answer(&request)
        });
    }
    server.lie("/team/index/", |_, _| Answer::redirect("/elsewhere"));
    let mut request = home.request(&server);
    request.url = format!("{}/team", server.url).parse().unwrap();
    home.login(request).await.unwrap();
    home.client().index(&hello()).await.unwrap_err();
    assert!(server.requests("/team/index/")[0].header("authorization").is_some());
    assert!(server.requests("/elsewhere")[0].header("authorization").is_none());
}

#[tokio::test]
async fn the_token_goes_only_where_it_is_needed() {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    for path in ["/root", "/checkpoint", "/takedowns", "/api/v1/log"] {
        assert!(
            server.requests(path).iter().all(|request| request.header("authorization").is_none()),
            "{path}"
        );
    }
    assert!(server.requests("/index/").iter().all(|request| request.header("authorization").is_some()));
}

#[tokio::test]
async fn outages_are_waited_for_and_refusals_are_not() {
    let (server, home) = at_home().await;
    for (status, tries) in [(503, 3), (500, 3), (429, 3), (404, 1), (403, 1)] {
        let before = server.requests("/api/v1/search").len();
        server.lie("/api/v1/search", move |_, _| Answer::error(status, "so"));
        let error = home.client().search(&Query::default()).await.unwrap_err();
        assert_eq!(server.requests("/api/v1/search").len() - before, tries, "{status}");
        assert_eq!(error.is_outage(), tries == 3);
        server.be_honest();
    }
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    server.lie("/api/v1/search", |_, _| match COUNT.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::error(503, "busy").with("retry-after", "0"),
        _ => Answer::json(r#"{"results":[],"novelty":true}"#),
    });
    home.client().search(&Query::default()).await.unwrap();
    server.lie("/api/v1/search", |_, _| Answer::error(503, "busy").with("retry-after", "86400"));
    let start = Instant::now();
    home.client().search(&Query::default()).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(1), "nobody waits for a day");
}

#[tokio::test]
async fn a_registry_that_is_gone_is_an_outage() {
    let (_, home) = at_home().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::start(World::with_hello()).await;
    let mut request = home.request(&server);
    request.url = url.parse().unwrap();
    let error = home.refused(home.login(request)).await;
    assert_eq!(error.code(), "registry-unreachable");
    assert!(error.is_outage() && error.hint().unwrap().contains("installed keeps working"));
}

#[tokio::test]
async fn what_a_registry_says_cannot_move_the_cursor() {
    let (server, home) = at_home().await;
    let text = r#"{"error":{"code":"x\u001b[2J","message":"a\u001b]0;title\u0007\u202eb\nnew line","hint":"\u001b[A"}}"#;
    server.lie("/api/v1/search", move |_, _| Answer::new(400, "application/json", text));
    let error = home.client().search(&Query::default()).await.unwrap_err();
    let shown = format!("{error} {}", error.hint().unwrap());
    assert!(shown.chars().all(|character| !character.is_control() && character != '\u{202e}'), "{shown:?}");
    assert_eq!(error.code(), "registry-refused");
    server.be_honest();
    let long = format!(r#"{{"error":{{"code":"x","message":"{}"}}}}"#, "y".repeat(10_000));
    server.lie("/api/v1/search", move |_, _| Answer::new(400, "application/json", long.as_str()));
    assert!(home.client().search(&Query::default()).await.unwrap_err().to_string().len() < 1000);
}

#[tokio::test]
async fn an_index_is_fetched_once_and_asked_for_again() {
    let (server, home) = at_home().await;
    home.client().index(&hello()).await.unwrap();
    let index = home.client().index(&hello()).await.unwrap();
    assert_eq!(index.iter().count(), 1);
    let requests = server.requests("/index/acme/hello");
    assert!(requests[0].header("if-none-match").is_none());
    assert!(requests[1].header("if-none-match").is_some());
    // What was changed on disk is not used.
    for (path, mut content) in crate::home::files_below(&home.place.path().join("cache/documents")) {
        let last = content.len() - 2;
        content[last] ^= 1;
        std::fs::write(path, content).unwrap();
    }
    assert_eq!(home.client().index(&hello()).await.unwrap().iter().count(), 1);
    assert!(server.requests("/index/acme/hello")[2].header("if-none-match").is_none());
    // Nor a cache that the registry only pretends to know of.
    std::fs::remove_dir_all(home.place.path().join("cache")).unwrap();
    server.lie("/index/", |_, _| Answer::new(304, "application/x-ndjson", ""));
    assert!(home.client().index(&hello()).await.is_err());
}

#[tokio::test]
async fn documents_of_the_interface_may_grow_fields_but_not_say_things_twice() {
    let (server, home) = at_home().await;
    server.lie("/api/v1/search", |_, _| Answer::json(r#"{"results":[],"next":3,"novelty":{"a":1}}"#));
    assert_eq!(home.client().search(&Query::default()).await.unwrap().next, Some(3));
    for bad in [r#"{"results":[],"results":[]}"#, r#"{"results":[]} x"#, "[", "{}", "null"] {
        server.lie("/api/v1/search", move |_, _| Answer::json(bad));
        let error = home.client().search(&Query::default()).await.unwrap_err();
        assert_eq!(error.code(), "malformed-answer", "{bad}");
    }
    let deep = "[".repeat(100_000);
    server.lie("/api/v1/search", move |_, _| Answer::json(deep.as_str()));
    assert_eq!(home.client().search(&Query::default()).await.unwrap_err().code(), "malformed-answer");
}

#[tokio::test]
async fn words_of_a_search_cannot_become_parts_of_its_url() {
    let (server, home) = at_home().await;
    server.lie("/api/v1/search", |_, _| Answer::json(r#"{"results":[]}"#));
    let query =
        Query { words: "a&limit=9 #/../ü".to_owned(), category: Some("x&y".to_owned()), ..Query::default() };
    home.client().search(&query).await.unwrap();
    let path = &server.requests("/api/v1/search")[0].path;
    assert_eq!(path, "/api/v1/search?q=a%26limit%3D9+%23%2F..%2F%C3%BC&category=x%26y&offset=0&limit=20");
}

#[tokio::test]
async fn a_registry_that_takes_a_request_and_never_answers_is_not_waited_for() {
    let home = Home::new();
    let server = Server::start(World::with_hello()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut request = home.request(&server);
    request.url = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
    let mut options = home.options();
    options.timeouts.idle = Duration::from_millis(200);
    let start = Instant::now();
    let login = home.registries.login(request, options);
    let (error, _held) = tokio::join!(login, silent.accept());
    assert_eq!(error.unwrap_err().code(), "registry-timeout");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_advice_of_a_registry_is_not_ours() {
    let (server, home) = at_home().await;
    server.lie("/index/", |_, _| Answer::error(409, "novelty"));
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.hint().unwrap(), "the registry says: do that");
    assert_eq!(error.foreign_code(), Some((409, "novelty")));
    server.be_honest();
    // Where the code is known the advice is this program's, and names what to do here.
    for (status, code) in [(403, "forbidden"), (401, "token-required"), (401, "bad-token")] {
        server.lie("/index/", move |_, _| Answer::error(status, code));
        let error = home.refused(home.resolve("*")).await;
        assert!(error.hint().unwrap().contains(&server.url), "{error}");
        assert!(!error.hint().unwrap().contains("do that"), "{error}");
        assert_eq!((error.code(), error.foreign_code()), (code, None));
        server.be_honest();
    }
    // What is no code is not passed on as one.
    for code in ["", "Two Words", &"x".repeat(65)] {
        let code = code.to_owned();
        server.lie("/index/", move |_, _| Answer::error(418, &code));
        assert_eq!(home.refused(home.resolve("*")).await.foreign_code(), None);
        server.be_honest();
    }
}
