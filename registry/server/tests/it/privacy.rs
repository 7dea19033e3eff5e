//! Private skills.

use openclaw_package::registry::{Index, Visibility};
use reqwest::StatusCode;

use crate::skill::skill;
use crate::world::{World, refusal};

pub async fn a_private_skill_is_not_there_for_others(world: World) {
    let acme = world.acme();
    let other = world.publisher("other", 2).await;
    acme.publish_as(&skill("acme/secret", "1.0.0"), Visibility::Private).await;
    let mine = async |path: &str| world.get(path).bearer_auth(&acme.token).send().await.unwrap();
    let index = mine("/index/acme/secret").await;
    assert_eq!(index.headers()["cache-control"], "private, no-cache");
    let index = Index::parse(&index.text().await.unwrap()).unwrap();
    let entry = index.get(&"1.0.0".parse().unwrap()).unwrap().clone();
    let blob = format!("/blobs/sha256/{}", entry.archive.hex());
    let signature = format!("/blobs/sha256/{}", entry.signature.hex());
    for path in [
        "/index/acme/secret",
        "/api/v1/skills/acme/secret",
        "/api/v1/skills/acme/secret/1.0.0",
        "/api/v1/skills/acme/secret/1.0.0/provenance",
        &blob,
        &signature,
    ] {
        assert_eq!(mine(path).await.status(), StatusCode::OK, "{path}");
        let absent = path.replace("secret", "absent").replace(&entry.archive.hex(), &"0".repeat(64));
        let absent = absent.replace(&entry.signature.hex(), &"0".repeat(64));
        for token in [None, Some(&other.token)] {
            let ask = async |path: &str| {
                let request = world.get(path);
                let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
                let response = request.send().await.unwrap();
                let mut names: Vec<String> = response.headers().keys().map(ToString::to_string).collect();
                names.sort();
                let (status, text) = (response.status(), response.text().await.unwrap());
                (status, names, text)
            };
            let (status, names, text) = ask(path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            let (same, same_names, other_text) = ask(&absent).await;
            assert_eq!((status, names), (same, same_names));
            let hide = |text: &str| {
                [&entry.archive.hex(), &entry.signature.hex(), &"0".repeat(64), "secret", "absent"]
                    .iter()
                    .fold(text.to_owned(), |text, word| text.replace(*word, "…"))
            };
            assert_eq!(hide(&text), hide(&other_text), "the same answer as where nothing is");
        }
    }
    assert_eq!(mine(&blob).await.headers()["cache-control"], "private, max-age=31536000, immutable");
    assert_eq!(world.json("/api/v1/search?q=greets").await["results"].as_array().unwrap().len(), 0);
    let found = mine("/api/v1/search?q=greets").await.json::<serde_json::Value>().await.unwrap();
    assert_eq!(found["results"][0]["visibility"], "private");
    assert_eq!(world.json("/api/v1/publishers/acme").await["skills"].as_array().unwrap().len(), 0);
    assert_eq!(
        world.json("/.well-known/agent-skills/index.json").await["skills"].as_array().unwrap().len(),
        0
    );
    assert_eq!(world.json("/api/v1/categories").await.as_array().unwrap().len(), 0);
    world.verify().await;
}

pub async fn a_private_skill_becomes_public_and_never_the_other_way(world: World) {
    let acme = world.acme();
    acme.publish_as(&skill("acme/hello", "1.0.0"), Visibility::Private).await;
    acme.publish_as(&skill("acme/hello", "1.1.0"), Visibility::Public).await;
    assert_eq!(world.json("/api/v1/skills/acme/hello").await["visibility"], "public");
    let upload = acme.prepare(&skill("acme/hello", "1.2.0"), Visibility::Private).await;
    assert_eq!(refusal(acme.send(&upload).await).await, (409, "visibility-narrowed".into()));
    world.verify().await;
}
