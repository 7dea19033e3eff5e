//! Which version is chosen, and how an index can lie about it.

use openclaw_package::Digest;
use openclaw_registry_client::{Expected, ResolveOptions, verify_offline};

use crate::home::at_home;
use crate::server::Answer;
use crate::world::{hello, pack};

fn locked(version: &str, archive: Digest) -> ResolveOptions {
    ResolveOptions { locked: Some((version.parse().unwrap(), archive)), ..ResolveOptions::default() }
}

#[tokio::test]
async fn the_highest_version_that_matches_is_chosen() {
    let (server, home) = at_home().await;
    server.world(|world| {
        for version in ["1.2.0", "1.10.0", "2.0.0", "2.1.0-rc.1", "0.9.0"] {
            world.publish(&hello(), version);
        }
    });
    let asked = ResolveOptions { pre_releases: true, ..ResolveOptions::default() };
    for (range, options, expected) in [
        ("*", &ResolveOptions::default(), "2.0.0"),
        ("^1", &ResolveOptions::default(), "1.10.0"),
        ("=1.2.0", &ResolveOptions::default(), "1.2.0"),
        ("<1", &ResolveOptions::default(), "0.9.0"),
        ("*", &asked, "2.1.0-rc.1"),
        ("=2.1.0-rc.1", &ResolveOptions::default(), "2.1.0-rc.1"),
    ] {
        assert_eq!(
            home.resolve_with(range, options).await.unwrap().version().to_string(),
            expected,
            "{range}"
        );
    }
}

#[tokio::test]
async fn nothing_found_names_what_is_near() {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&hello(), "2.0.0-rc.1"));
    home.resolve("*").await.unwrap();
    let error = home.refused(home.resolve("^3")).await;
    assert_eq!(error.code(), "no-matching-version");
    assert!(error.hint().unwrap().contains("2.0.0-rc.1, 1.0.0"), "{:?}", error.hint());
    let error = home.refused(home.resolve("^2")).await;
    assert!(error.hint().unwrap().contains("@=2.0.0-rc.1"), "{:?}", error.hint());
    let unknown = "acme/unknown".parse().unwrap();
    let client = home.client();
    client.refresh().await.unwrap();
    let error =
        client.resolve(&unknown, &"*".parse().unwrap(), &ResolveOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "unknown-skill");
    assert!(error.hint().unwrap().contains("search unknown"));
}

#[tokio::test]
async fn an_older_version_than_the_installed_one_needs_to_be_asked_for() {
    let (_server, home) = at_home().await;
    let mut options =
        ResolveOptions { installed: Some("1.5.0".parse().unwrap()), ..ResolveOptions::default() };
    home.resolve("*").await.unwrap();
    let error = home.refused(home.resolve_with("*", &options)).await;
    assert_eq!(error.code(), "downgrade");
    options.downgrade = true;
    home.resolve_with("*", &options).await.unwrap();
}

#[tokio::test]
async fn a_yanked_version_is_left_to_lockfiles() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.publish(&hello(), "1.1.0");
        world.yank(&hello(), "1.1.0");
    });
    let resolved = home.resolve("*").await.unwrap();
    assert_eq!(resolved.version().to_string(), "1.0.0");
    assert!(resolved.passed_over[0].1.contains("broken"));
    let error = home.refused(home.resolve("=1.1.0")).await;
    assert_eq!(error.code(), "yanked");
    let archive = pack(&hello(), "1.1.0", 1).digest;
    let resolved = home.resolve_with("*", &locked("1.1.0", archive)).await.unwrap();
    assert_eq!(resolved.yanked(), Some("it is broken"));
    let other = Digest::of(b"another");
    let error = home.refused(home.resolve_with("*", &locked("1.1.0", other))).await;
    assert_eq!(error.code(), "pin-differs");
}

#[tokio::test]
async fn an_index_that_withholds_a_version_is_found_out() {
    let (server, home) = at_home().await;
    let old = server.world(|world| world.indexes[&hello()].clone());
    server.world(|world| world.publish(&hello(), "1.0.1"));
    // Whatever was seen before: the proof of the old version has the whole history.
    home.resolve("=1.0.0").await.unwrap();
    server.lie("/index/", move |_, _| Answer::new(200, "application/x-ndjson", old.as_str()));
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "index-withholds");
    assert!(error.to_string().contains("1.0.1"));
    home.resolve("=1.0.0").await.unwrap();
}

#[tokio::test]
async fn an_index_that_calls_a_version_yanked_or_taken_down_is_found_out() {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&hello(), "1.0.1"));
    home.resolve("*").await.unwrap();
    for kind in ["yank", "takedown"] {
        let text = server.world(|world| world.indexes[&hello()].clone());
        server.lie("/index/", move |_, _| {
            let line = format!("{{\"type\":\"{kind}\",\"version\":\"1.0.1\",\"reason\":\"so\"}}\n");
            Answer::new(200, "application/x-ndjson", text.clone() + &line)
        });
        assert_eq!(home.refused(home.resolve("*")).await.code(), "index-withholds", "{kind}");
        // Also where nothing else would be left.
        assert_eq!(home.refused(home.resolve("=1.0.1")).await.code(), "index-withholds", "{kind}");
        server.be_honest();
    }
}

#[tokio::test]
async fn an_index_that_hides_a_yank_changes_nothing() {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&hello(), "1.0.1"));
    let old = server.world(|world| world.indexes[&hello()].clone());
    server.world(|world| world.yank(&hello(), "1.0.1"));
    server.lie("/index/", move |_, _| Answer::new(200, "application/x-ndjson", old.as_str()));
    assert_eq!(home.resolve("*").await.unwrap().version().to_string(), "1.0.0");
}

#[tokio::test]
async fn an_index_that_was_only_old_is_asked_for_again() {
    let (server, home) = at_home().await;
    let old = server.world(|world| world.indexes[&hello()].clone());
    server.world(|world| world.publish(&hello(), "1.0.1"));
    server.lie("/index/", move |request, answer| {
        // A cache on the way, which may be told not to answer.
        if request.header("cache-control") == Some("no-cache") {
            return answer;
        }
        Answer::new(200, "application/x-ndjson", old.as_str())
    });
    assert_eq!(home.resolve("*").await.unwrap().version().to_string(), "1.0.1");
}

#[tokio::test]
async fn an_index_that_says_something_else_than_the_log_is_found_out() {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    let real = pack(&hello(), "1.0.0", 1).digest.to_string();
    let evil = Digest::of(b"malware").to_string();
    for (from, to) in [(real.as_str(), evil.as_str()), ("\"log_index\":2", "\"log_index\":1")] {
        let (from, to) = (from.to_owned(), to.to_owned());
        let text = server.world(|world| world.indexes[&hello()].clone());
        server.lie("/index/", move |_, _| {
            assert!(text.contains(&from));
            Answer::new(200, "application/x-ndjson", text.replace(&from, &to))
        });
        assert_eq!(home.refused(home.resolve("*")).await.code(), "index-differs");
        server.be_honest();
    }
    // A version that nobody released.
    let text = server.world(|world| world.indexes[&hello()].clone());
    server.lie("/index/", move |_, _| {
        Answer::new(200, "application/x-ndjson", text.clone() + &text.replace("1.0.0", "9.0.0"))
    });
    assert_eq!(home.refused(home.resolve("*")).await.code(), "index-differs");
    server.be_honest();
    for rubbish in ["{}\n", "rubbish", "{\"type\":\"release\"}\n", "\u{0}"] {
        server.lie("/index/", move |_, _| Answer::new(200, "application/x-ndjson", rubbish));
        assert_eq!(home.refused(home.resolve("*")).await.code(), "malformed-answer");
        server.be_honest();
    }
}

#[tokio::test]
async fn the_proof_of_another_skill_or_version_is_refused() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.publish(&hello(), "1.0.1");
        world.publish(&"other/hello".parse().unwrap(), "1.0.1")
    });
    for (skill, version) in [("acme/hello", "1.0.0"), ("other/hello", "1.0.1")] {
        let other = server
            .world(|world| world.provenance(&skill.parse().unwrap(), &version.parse().unwrap()).unwrap());
        server.lie("/api/v1/skills/acme/hello/1.0.1/provenance", move |_, _| {
            Answer::json(serde_json::to_vec(&other).unwrap())
        });
        home.refused(home.resolve("*")).await;
        server.be_honest();
    }
    home.resolve("*").await.unwrap();
}

#[tokio::test]
async fn a_kept_proof_holds_without_the_registry() {
    let (server, home) = at_home().await;
    let resolved = home.resolve("*").await.unwrap();
    let kept = serde_json::to_vec(&resolved.provenance).unwrap();
    let pinned = server.world(|world| world.fingerprint(1));
    drop(server);
    let release = resolved.proven.release.clone();
    let (skill, version) = (hello(), release.version.clone());
    let expected = Expected {
        skill: &skill,
        version: &version,
        archive: &release.archive,
        statement: &release.statement,
        signer: &release.signer,
    };
    assert_eq!(verify_offline(&kept, &pinned, &expected).unwrap().log_index, resolved.proven.log_index);

    let other = Digest::of(b"other");
    let key = crate::world::key(9).public_key();
    let another: semver::Version = "1.0.1".parse().unwrap();
    for (expected, code) in [
        (Expected { archive: &other, ..expected }, "signed-other"),
        (Expected { statement: &other, ..expected }, "signed-other"),
        (Expected { signer: &key, ..expected }, "signed-other"),
        (Expected { version: &another, ..expected }, "not-released"),
    ] {
        assert_eq!(verify_offline(&kept, &pinned, &expected).unwrap_err().code(), code);
    }
    assert_eq!(verify_offline(&kept, &other, &expected).unwrap_err().code(), "root-not-pinned");
    for place in (0..kept.len()).step_by(97) {
        let mut changed = kept.clone();
        changed[place] ^= 1;
        if let Ok(proven) = verify_offline(&changed, &pinned, &expected) {
            assert_eq!(proven.release, release, "what holds is the same release");
        }
    }
    assert_eq!(verify_offline(b"{}", &pinned, &expected).unwrap_err().code(), "malformed-answer");
}

#[tokio::test]
async fn an_index_that_shows_nothing_that_fits_is_found_out() {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&hello(), "1.0.1"));
    home.resolve("=1.0.1").await.unwrap();
    let old = server.world(|world| {
        world.publish(&hello(), "0.9.0");
        let index = world.indexes[&hello()].clone();
        index
            .lines()
            .filter(|line| line.contains("0.9.0"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    });
    home.resolve("=1.0.1").await.unwrap();
    let installed = ResolveOptions { installed: Some("1.0.0".parse().unwrap()), ..Default::default() };
    for index in [old, String::new()] {
        server.lie("/index/", move |_, _| Answer::new(200, "application/x-ndjson", index.as_str()));
        for range in ["*", "^1"] {
            let error = home.refused(home.resolve_with(range, &installed)).await;
            assert_eq!(error.code(), "index-withholds", "{range}: {error}");
        }
        server.be_honest();
    }
}

#[tokio::test]
async fn an_index_under_a_tag_that_is_not_its_own_does_not_stay() {
    let (server, home) = at_home().await;
    let old = server.world(|world| world.indexes[&hello()].clone());
    server.world(|world| world.publish(&hello(), "1.0.1"));
    // The old content under the tag of the new one.
    server.lie("/index/", move |_, mut answer| {
        answer.bytes = old.clone().into_bytes();
        answer
    });
    assert_eq!(home.resolve("*").await.unwrap_err().code(), "index-withholds");
    server.be_honest();
    assert_eq!(home.resolve("*").await.unwrap().version().to_string(), "1.0.1");
}

#[tokio::test]
async fn a_lie_that_was_kept_does_not_outlive_the_liar() {
    let (server, home) = at_home().await;
    // The true tag, and an index without a line, or with less than there is.
    for versions in ["", "1.0.0"] {
        server.world(|world| world.publish(&hello(), if versions.is_empty() { "1.1.0" } else { "1.2.0" }));
        server.lie("/index/", move |_, mut answer| {
            let text = String::from_utf8(answer.bytes).unwrap();
            let kept = text.lines().filter(|line| !versions.is_empty() && line.contains(versions));
            answer.bytes = kept.map(|line| format!("{line}\n")).collect::<String>().into_bytes();
            answer
        });
        assert!(home.resolve("*").await.is_err());
        server.be_honest();
        home.resolve("*").await.unwrap();
    }
}
