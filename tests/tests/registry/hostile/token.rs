//! Row 16: the token goes to the registry of the login and nowhere else.

use openclaw_tests::Home;
use openclaw_tests::http::Answer;
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::server::Server;

use crate::scene::Scene;

#[test]
fn row_16_the_token_does_not_leave_the_registry() {
    let scene = Scene::new();
    let home = &scene.publisher;
    let url = scene.proxy.url();
    home.login(&url, &scene.registry, Some(scene.registry.token())).json();
    let elsewhere = Server::echoing();
    let archive = home.pack(&hello("1.1.0"));
    let at = ["--registry", url.as_str()];
    let before = scene.registry.state();
    for status in [301, 302, 303, 307, 308] {
        for (path, line) in [
            ("/api/v1/whoami", vec!["whoami"]),
            ("/api/v1/search", vec!["search", "hello"]),
            ("/index/*", vec!["install", HELLO]),
            ("/api/v1/skills/*", vec!["info", HELLO]),
            ("/api/v1/skills/*", vec!["publish", archive.to_str().unwrap()]),
            ("/api/v1/publishers/acme/events", vec!["yank", "acme/hello@1.0.0"]),
        ] {
            scene.proxy.be_honest();
            scene.proxy.forget();
            scene.proxy.answer(path, Answer::redirect(status, &elsewhere.url("/taken")));
            let ran = home.registry([line, at.to_vec()].concat());
            assert_eq!(ran.refused("redirect-refused").exit, 3, "{path} {status}");
            let sent = scene.proxy.requests();
            let with_token = sent.iter().filter(|request| request.header("authorization").is_some());
            assert!(with_token.count() > 0, "the registry itself is sent the token: {sent:?}");
            assert_eq!(elsewhere.heads(), [""; 0], "{path} {status}");
        }
    }
    before.is_still(&scene.registry, &"a redirect");
    // Documents that are for everybody are asked for without it.
    scene.proxy.be_honest();
    scene.proxy.forget();
    home.registry(["audit"]).json();
    for path in ["/root.json", "/checkpoint", "/takedowns.json"] {
        let requests = scene.proxy.requests_for(path);
        assert!(!requests.is_empty(), "{path}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");
    }
}

#[test]
fn row_16_a_url_that_only_looks_like_the_registrys_gets_no_token() {
    let scene = Scene::new();
    let home = Home::empty().apart();
    let url = scene.proxy.url();
    let port = url.rsplit(':').next().unwrap();
    let known = format!("http://localhost:{port}");
    home.login(&known, &scene.registry, Some(scene.registry.token())).json();
    home.registry(["whoami"]).json();
    scene.proxy.forget();
    let likes = [
        format!("{known}/"),
        format!("{known}//"),
        format!("http://LOCALHOST:{port}"),
        format!("HTTP://localhost:{port}"),
        format!("http://localhost.:{port}"),
        format!("http://127.0.0.1:{port}"),
    ];
    for like in &likes {
        let refused = home.registry(["whoami", "--registry", like]).refused("unknown-registry");
        assert_eq!(refused.exit, 4, "{like}");
        let is_near = !like.contains("127.0.0.1") && !like.contains("localhost.");
        assert!(!is_near || refused.hint().contains(&known), "{like}: {refused:?}");
    }
    assert!(scene.proxy.requests().is_empty(), "something was asked: {:?}", scene.proxy.requests());
    // A login there is one to another registry, without the token of this one.
    for like in [&likes[0], &likes[2]] {
        home.login(like, &scene.registry, None).json();
        scene.proxy.forget();
        home.registry(["search", "hello", "--registry", like]).json();
        let requests = scene.proxy.requests();
        assert!(!requests.is_empty(), "{like}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");
    }
    home.registry(["whoami", "--registry", &known]).json();
}
