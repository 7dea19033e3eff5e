//! Tokens: scopes, patterns, expiry and revocation.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use openclaw_package::registry::{Action, Visibility};
use reqwest::StatusCode;

use crate::skill::{Publisher, key, reason, skill};
use crate::world::{Backend, World, refusal, run};

pub async fn a_token_does_what_it_is_for_and_nothing_else(world: World) {
    let acme = world.acme();
    let other = world.publisher("other", 2).await;
    let hello = skill("acme/hello", "1.0.0");
    let upload = acme.prepare(&hello, Visibility::Public).await;
    let with = |token: &str| Publisher::new(&world, "acme", token, 1);

    let mut nobody = world.acme();
    nobody.token = String::new();
    assert_eq!(refusal(nobody.send(&upload).await).await.0, 401);
    assert_eq!(
        refusal(with("oct_0123456789abcdefghijABCDEFGHIJ01").send(&upload).await).await,
        (401, "bad-token".into())
    );
    assert_eq!(refusal(with(&other.token).send(&upload).await).await, (403, "wrong-publisher".into()));
    let update = with(&world.issue("acme/*", &["publish-update"]).await);
    assert_eq!(refusal(update.send(&upload).await).await, (403, "missing-scope".into()));
    let elsewhere = with(&world.issue("acme/tool-*", &["publish-new"]).await);
    assert_eq!(refusal(elsewhere.send(&upload).await).await, (403, "outside-pattern".into()));

    let new = with(&world.issue("acme/hel*", &["publish-new"]).await);
    assert_eq!(new.send(&upload).await.status(), StatusCode::CREATED);
    let next = acme.prepare(&skill("acme/hello", "1.0.1"), Visibility::Public).await;
    let refused = new.send(&next).await;
    assert_eq!(refusal(refused).await, (403, "missing-scope".into()));
    assert_eq!(update.send(&next).await.status(), StatusCode::CREATED);

    let yank = || {
        vec![Action::Yank {
            name: hello.id.name().clone(),
            version: "1.0.0".parse().unwrap(),
            reason: reason("broken"),
        }]
    };
    let grant = || vec![Action::Grant { key: key(3).public_key() }];
    assert_eq!(refusal(update.events(yank(), &[&acme.key]).await).await.1, "missing-scope");
    assert_eq!(refusal(update.events(grant(), &[&acme.key, &key(3)]).await).await.1, "missing-scope");
    let stranger = with(&other.token);
    assert_eq!(refusal(stranger.events(yank(), &[&acme.key]).await).await, (403, "wrong-publisher".into()));
    let yanker = with(&world.issue("acme/hello", &["yank"]).await);
    assert_eq!(yanker.events(yank(), &[&acme.key]).await.status(), StatusCode::CREATED);
    assert_eq!(refusal(yanker.events(grant(), &[&acme.key, &key(3)]).await).await.1, "missing-scope");
    // Keys are for all skills, so a token for some of them cannot have that scope.
    let code = world.place.refused(&["admin", "token", "issue", "acme/hello", "--scope", "owners"]).await;
    assert_eq!(code, "usage");
    world.verify().await;
}

pub async fn a_token_ends(world: World) {
    let whoami = async |token: &str| world.get("/api/v1/whoami").bearer_auth(token).send().await.unwrap();
    let token = world.issue("acme/*", &["yank"]).await;
    assert_eq!(whoami(&token).await.status(), StatusCode::OK);
    let listed = world.place.admin(&["token", "list", "acme"]).await;
    let listed = listed["tokens"].as_array().unwrap();
    let mine = listed.iter().find(|listed| listed["scopes"] == serde_json::json!(["yank"])).unwrap();
    assert!(mine["last_used"].is_string());
    assert!(!listed.iter().any(|listed| listed.to_string().contains("oct_")), "no token is ever shown again");
    world.place.admin(&["token", "revoke", mine["id"].as_str().unwrap()]).await;
    assert_eq!(refusal(whoami(&token).await).await, (401, "bad-token".into()));
    // A token that does not hold is refused even where none is needed.
    let refused = world.get("/api/v1/search").bearer_auth(&token).send().await.unwrap();
    assert_eq!(refusal(refused).await, (401, "bad-token".into()));

    let short = ["token", "issue", "acme/*", "--scope", "yank", "--expires", "1h"];
    let short = world.place.admin(&short).await["token"].as_str().unwrap().to_owned();
    assert_eq!(whoami(&short).await.status(), StatusCode::OK);
    crate::verifying::execute(&world, "UPDATE tokens SET expires = 1").await;
    assert_eq!(refusal(whoami(&short).await).await, (401, "bad-token".into()));
    for header in ["Basic YTpi", "Bearer", "Bearer x", "oct_0123456789abcdefghijABCDEFGHIJ01"] {
        let response = world.get("/api/v1/whoami").header("authorization", header).send().await.unwrap();
        assert_eq!(refusal(response).await, (401, "bad-token".into()), "{header}");
    }
}

#[test]
fn a_token_that_ends_while_an_upload_arrives_publishes_nothing() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        let upload = acme.prepare(&skill("acme/hello", "1.0.0"), Visibility::Public).await;
        let mut body = Vec::new();
        for (name, bytes) in [
            ("publication", serde_json::to_vec(&upload.publication).unwrap()),
            ("signature", upload.signature.clone()),
            ("archive", upload.archive.clone()),
        ] {
            let head = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), &bytes, b"\r\n"].concat());
        }
        body.extend(b"--x--\r\n");
        let head = format!(
            "PUT /api/v1/skills/acme/hello/1.0.0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: multipart/form-data; boundary=x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            world.token,
            body.len()
        );
        let mut stream = TcpStream::connect(world.server.url.trim_start_matches("http://")).unwrap();
        let (first, last) = body.split_at(body.len() - 100);
        stream.write_all(&[head.as_bytes(), first].concat()).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listed = world.place.admin(&["token", "list", "acme"]).await;
        world.place.admin(&["token", "revoke", listed["tokens"][0]["id"].as_str().unwrap()]).await;
        stream.write_all(last).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("bad-token"), "{answer}");
        assert_eq!(world.get("/index/acme/hello").send().await.unwrap().status(), StatusCode::NOT_FOUND);
        world.verify().await;
    });
}
