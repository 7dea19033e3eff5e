//! Publishing, and all that can be read afterwards.

use openclaw_package::Digest;
use openclaw_package::registry::api::{PublisherPage, ReleasePage, SkillPage, Whoami};
use openclaw_package::registry::{Index, Provenance, Visibility};
use reqwest::StatusCode;

use crate::skill::{key, skill};
use crate::world::{Backend, World, refusal, run};

pub async fn a_skill_is_published_found_fetched_and_proved(world: World) {
    let acme = world.acme();
    let hello = skill("acme/hello", "1.0.0");
    let appended = acme.publish(&hello).await;
    assert_eq!(appended.log_indices, [1, 2], "init and release, after the root");
    assert_eq!(appended.checkpoint, world.text("/checkpoint").await);

    let index = Index::parse(&world.text("/index/acme/hello").await).unwrap();
    let entry = index.get(&"1.0.0".parse().unwrap()).unwrap();
    for (digest, kind) in [(entry.archive, "application/gzip"), (entry.signature, "application/json")] {
        let response = world.ok(&format!("/blobs/sha256/{}", digest.hex())).await;
        assert_eq!(response.headers()["content-type"], kind);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(Digest::of(&response.bytes().await.unwrap()), digest);
    }

    let path = "/api/v1/skills/acme/hello/1.0.0/provenance";
    let provenance: Provenance = serde_json::from_str(&world.text(path).await).unwrap();
    let proven = provenance.verify(&world.fingerprint, &hello.id, &"1.0.0".parse().unwrap()).unwrap();
    assert_eq!(proven.release.archive, entry.archive);
    assert_eq!(proven.log_index, entry.log_index);

    let text = world.text("/api/v1/skills/acme/hello").await;
    let (permissions, description) =
        (text.find("\"permissions\"").unwrap(), text.find("\"description\"").unwrap());
    assert!(permissions < description, "what is asked comes first");
    let page: SkillPage = serde_json::from_str(&text).unwrap();
    assert_eq!(page.category.as_deref(), Some("developer-tools"));
    assert_eq!(page.release.signer, key(1).public_key());
    assert_eq!(page.release.permissions[0].permission, "network:external");
    assert_eq!(page.release.permissions[0].reason, "looks up the greeting");
    assert!(page.release.readme_html.contains("<em>greets</em>"), "{}", page.release.readme_html);
    assert!(!page.release.readme_html.contains("script"), "{}", page.release.readme_html);
    let release: ReleasePage =
        serde_json::from_value(world.json("/api/v1/skills/acme/hello/1.0.0").await).unwrap();
    assert_eq!(release, page.release);

    let publisher: PublisherPage =
        serde_json::from_value(world.json("/api/v1/publishers/acme").await).unwrap();
    assert_eq!(publisher.active_keys, [key(1).public_key()]);
    assert_eq!(publisher.skills, std::slice::from_ref(&hello.id));
    let whoami = world.get("/api/v1/whoami").bearer_auth(&world.token).send().await.unwrap();
    let whoami: Whoami = whoami.json().await.unwrap();
    assert_eq!((whoami.publisher.as_str(), whoami.pattern.as_str()), ("acme", "acme/*"));
    assert_eq!(whoami.scopes, ["publish-new", "publish-update", "yank", "owners"]);

    assert_eq!(world.json("/api/v1/categories").await[0]["skills"], 1);
    let found = world.json("/.well-known/agent-skills/index.json").await;
    assert_eq!(found["skills"][0]["name"], "hello");
    assert_eq!(found["skills"][0]["type"], "archive");
    assert_eq!(found["skills"][0]["digest"], entry.archive.to_string());
    let metrics = world.text("/metrics").await;
    for line in ["openclaw_registry_published_total 1", "openclaw_registry_log_size 3"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert_eq!(world.json("/health").await["status"], "ok");
    world.verify().await;
}

pub async fn blobs_are_served_in_parts_and_kept(world: World) {
    let acme = world.acme();
    let mut large = skill("acme/large", "1.0.0");
    // What cannot be compressed, so that the archive has a size worth a range.
    large.more = (0..200_000_u32)
        .flat_map(|number| Digest::of(&number.to_be_bytes()).as_bytes()[..1].to_vec())
        .collect();
    let upload = acme.prepare(&large, Visibility::Public).await;
    assert_eq!(acme.send(&upload).await.status(), StatusCode::CREATED);
    let path = format!("/blobs/sha256/{}", upload.digest.hex());
    let whole = world.ok(&path).await;
    let etag = whole.headers()["etag"].clone();
    assert_eq!(whole.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.bytes().await.unwrap(), upload.archive);
    let size = upload.archive.len();
    for (range, expected) in [
        ("bytes=0-9".to_owned(), 0..10),
        ("bytes=100-".to_owned(), 100..size),
        ("bytes=-7".to_owned(), size - 7..size),
        (format!("bytes={}-{}", size - 5, size + 100), size - 5..size),
    ] {
        let part = world.get(&path).header("range", &range).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let told = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(part.headers()["content-range"], told.as_str());
        assert_eq!(part.headers()["content-length"], expected.len().to_string().as_str());
        assert_eq!(part.bytes().await.unwrap(), upload.archive[expected], "{range}");
    }
    let outside = world.get(&path).header("range", format!("bytes={size}-")).send().await.unwrap();
    assert_eq!(outside.headers()["content-range"], format!("bytes */{size}").as_str());
    assert_eq!(refusal(outside).await, (416, "bad-range".to_owned()));
    let known = world.get(&path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let other =
        world.get(&path).header("range", "bytes=0-9").header("if-range", "\"x\"").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK, "another version is sent whole");
    let head = world.http.head(world.url(&path)).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], size.to_string().as_str());
}

pub async fn an_index_is_not_sent_twice(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/hello", "1.0.0")).await;
    let first = world.ok("/index/acme/hello").await;
    assert_eq!(first.headers()["content-type"], "application/x-ndjson");
    let etag = first.headers()["etag"].clone();
    for tag in
        [etag.to_str().unwrap().to_owned(), format!("W/{}", etag.to_str().unwrap()), "\"a\", *".to_owned()]
    {
        let known = world.get("/index/acme/hello").header("if-none-match", tag).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(known.headers()["etag"], etag);
        assert!(known.bytes().await.unwrap().is_empty());
    }
    let before = first.text().await.unwrap();
    acme.publish(&skill("acme/hello", "1.1.0")).await;
    let changed = world.get("/index/acme/hello").header("if-none-match", etag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(changed.text().await.unwrap().starts_with(&before), "lines are only ever appended");
}

pub async fn what_a_client_would_refuse_is_refused(world: World) {
    let acme = world.acme();
    let hello = skill("acme/hello", "1.0.0");
    let good = acme.prepare(&hello, Visibility::Public).await;
    let other = acme.prepare(&skill("acme/other", "1.0.0"), Visibility::Public).await;
    let size = world.json("/health").await["log_size"].clone();

    let mut flipped = good.clone();
    *flipped.archive.last_mut().unwrap() ^= 1;
    let swapped = crate::skill::Prepared { archive: other.archive.clone(), ..good.clone() };
    let unsigned = crate::skill::Prepared { signature: other.signature.clone(), ..good.clone() };
    let mut stranger = world.acme();
    stranger.key = key(9);
    let mut by_stranger = stranger.prepare(&hello, Visibility::Public).await;
    by_stranger.publication.events = good.publication.events.clone();
    for (upload, code) in [
        (&flipped, "identity-mismatch"),
        (&swapped, "identity-mismatch"),
        (&unsigned, "digest-mismatch"),
        (&by_stranger, "bad-signature"),
    ] {
        assert_eq!(refusal(acme.send(upload).await).await, (422, code.to_owned()));
    }
    for (path, code) in [("acme/hello/1.0.1", "invalid-events"), ("acme/hullo/1.0.0", "invalid-events")] {
        assert_eq!(refusal(acme.send_to(path, &good).await).await, (422, code.to_owned()), "{path}");
    }
    let mut private = good.clone();
    private.publication.visibility = Visibility::Private;
    assert_eq!(refusal(acme.send(&private).await).await.1, "identity-mismatch");
    let mut events = good.clone();
    events.publication.events.pop();
    assert_eq!(refusal(acme.send(&events).await).await.1, "invalid-events");
    let mut category = good.clone();
    category.publication.category = Some("Not A Label".to_owned());
    assert_eq!(refusal(acme.send(&category).await).await, (400, "invalid-name".to_owned()));
    assert_eq!(world.json("/health").await["log_size"], size, "nothing was written");
    world.verify().await;
    assert_eq!(acme.send(&good).await.status(), StatusCode::CREATED);
}

#[test]
fn a_version_that_says_no_category_keeps_that_of_the_skill() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        for (version, given, expected) in [
            ("1.0.0", None, None),
            ("1.1.0", Some("daily-life"), Some("daily-life")),
            ("1.2.0", None, Some("daily-life")),
            ("1.3.0", Some("games"), Some("games")),
            ("1.4.0", None, Some("games")),
        ] {
            let mut new = skill("acme/hello", version);
            new.category = None;
            let mut upload = acme.prepare(&new, Visibility::Public).await;
            upload.publication.category = given.map(str::to_owned);
            assert_eq!(acme.send(&upload).await.status(), StatusCode::CREATED);
            let page = world.json("/api/v1/skills/acme/hello").await;
            assert_eq!(page["category"].as_str(), expected, "{version}: {page}");
        }
        world.verify().await;
    });
}
