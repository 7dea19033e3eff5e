//! Archives: resumed, bounded, and nothing but what was released.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use openclaw_registry_client::{Error, Fetched, Progress, Silent};

use crate::home::{Home, at_home, digest_of};
use crate::server::{Answer, Body, Server};
use crate::world::{hello, pack};

async fn fetch(home: &Home) -> Result<Fetched, Error> {
    let resolved = home.resolve("*").await?;
    home.client().fetch(&resolved, &Silent).await
}

fn blob_path() -> String {
    format!("/blobs/sha256/{}", pack(&hello(), "1.0.0", 1).digest.hex())
}

/// Blobs in the cache, whole or not.
fn cached(home: &Home) -> Vec<String> {
    let files = crate::home::files_below(&home.place.path().join("cache/blobs"));
    files.keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

async fn ready() -> (Server, Home) {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    (server, home)
}

#[tokio::test]
async fn a_release_is_fetched_once_and_then_found() {
    let (server, home) = ready().await;
    let fetched = fetch(&home).await.unwrap();
    assert_eq!(digest_of(&fetched.archive), pack(&hello(), "1.0.0", 1).digest);
    assert_eq!(server.requests("/blobs/").len(), 2);
    fetch(&home).await.unwrap();
    assert_eq!(server.requests("/blobs/").len(), 2, "the second time nothing is fetched");
    // What was changed on disk is fetched again.
    std::fs::write(&fetched.archive, b"malware").unwrap();
    let fetched = fetch(&home).await.unwrap();
    assert_eq!(digest_of(&fetched.archive), pack(&hello(), "1.0.0", 1).digest);
    assert_eq!(server.requests("/blobs/").len(), 3);
}

#[tokio::test]
async fn what_broke_off_is_resumed() {
    let (server, home) = ready().await;
    static CUTS: AtomicUsize = AtomicUsize::new(0);
    server.lie(&blob_path(), |_, mut answer| {
        if CUTS.fetch_add(1, Ordering::Relaxed) < 3 {
            answer.body = Body::CutAfter(answer.bytes.len() / 2);
        }
        answer
    });
    let fetched = fetch(&home).await.unwrap();
    assert_eq!(digest_of(&fetched.archive), pack(&hello(), "1.0.0", 1).digest);
    let ranges: Vec<_> = server
        .requests(&blob_path())
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges.len(), 4);
    assert!(ranges[0].is_none() && ranges[1..].iter().all(Option::is_some), "{ranges:?}");
}

#[tokio::test]
async fn a_later_command_goes_on_where_an_earlier_one_stopped() {
    let (server, home) = ready().await;
    server.lie(&blob_path(), |request, mut answer| {
        answer.body = Body::CutAfter(if request.header("range").is_none() { 100_000 } else { 0 });
        answer
    });
    assert_eq!(home.refused(fetch(&home)).await.code(), "answer-truncated");
    assert!(cached(&home).iter().any(|name| name.ends_with(".partial")));
    server.be_honest();
    fetch(&home).await.unwrap();
    assert_eq!(server.requests(&blob_path()).last().unwrap().header("range"), Some("bytes=100000-"));
    assert!(!cached(&home).iter().any(|name| name.ends_with(".partial")));
}

#[tokio::test]
async fn a_registry_that_ignores_ranges_begins_anew() {
    let (server, home) = ready().await;
    let whole = pack(&hello(), "1.0.0", 1).archive;
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    server.lie(&blob_path(), move |_, _| {
        let mut answer = Answer::new(200, "application/gzip", whole.clone());
        if COUNT.fetch_add(1, Ordering::Relaxed) == 0 {
            answer.body = Body::CutAfter(5000);
        }
        answer
    });
    let fetched = fetch(&home).await.unwrap();
    assert_eq!(digest_of(&fetched.archive), pack(&hello(), "1.0.0", 1).digest);
}

#[tokio::test]
async fn another_part_than_was_asked_for_is_refused() {
    let (server, home) = ready().await;
    for range in [
        "bytes 0-9/10",
        "bytes 1000-2000/*",
        "bytes 1000-1999/999999",
        "rubbish",
        "bytes 1000-18446744073709551615/0",
    ] {
        server.lie(&blob_path(), move |request, mut answer| {
            if request.header("range").is_some() {
                return answer.with("content-range", range);
            }
            answer.body = Body::CutAfter(1000);
            answer
        });
        let error = home.refused(fetch(&home)).await;
        assert_eq!(error.code(), "wrong-content-range", "{range}");
        server.be_honest();
    }
    fetch(&home).await.unwrap();
}

#[tokio::test]
async fn one_flipped_bit_is_refused_and_leaves_nothing() {
    let (server, home) = ready().await;
    server.lie(&blob_path(), |_, mut answer| {
        let middle = answer.bytes.len() / 2;
        answer.bytes[middle] ^= 1;
        answer
    });
    let error = home.refused(fetch(&home)).await;
    assert_eq!(error.code(), "digest-mismatch");
    assert!(!cached(&home).iter().any(|name| blob_path().contains(name.trim_end_matches(".partial"))));
    server.be_honest();
    fetch(&home).await.unwrap();
}

#[tokio::test]
async fn a_part_that_was_bad_does_not_stand_in_the_way() {
    let (server, home) = ready().await;
    server.lie(&blob_path(), |request, mut answer| {
        answer.bytes.fill(7);
        answer.body = Body::CutAfter(if request.header("range").is_none() { 4000 } else { 0 });
        answer
    });
    home.refused(fetch(&home)).await;
    server.be_honest();
    let fetched = fetch(&home).await.unwrap();
    assert_eq!(digest_of(&fetched.archive), pack(&hello(), "1.0.0", 1).digest);
}

#[tokio::test]
async fn another_blob_is_refused() {
    let (server, home) = ready().await;
    let other = pack(&hello(), "2.0.0", 1).archive;
    server.lie(&blob_path(), move |_, _| Answer::new(200, "application/gzip", other.clone()));
    let code = home.refused(fetch(&home)).await.code();
    assert!(["digest-mismatch", "answer-too-large"].contains(&code), "{code}");
}

#[tokio::test]
async fn an_endless_archive_is_cut_at_its_size() {
    let (server, home) = ready().await;
    server.lie(&blob_path(), |_, mut answer| {
        answer.body = Body::Endless;
        answer
    });
    assert_eq!(home.refused(fetch(&home)).await.code(), "answer-too-large");
    // The signature beside it may have been on its way, and is taken up again.
    let partial = format!("{}.partial", pack(&hello(), "1.0.0", 1).digest.hex());
    assert!(!cached(&home).contains(&partial));
    server.be_honest();
    // A size that no archive may have is not even begun.
    let size = pack(&hello(), "1.0.0", 1).archive.len().to_string();
    let text = server.world(|world| world.indexes[&hello()].clone());
    server.lie("/index/", move |_, _| {
        Answer::new(200, "application/x-ndjson", text.replace(&size, "99999999999"))
    });
    assert_eq!(home.refused(fetch(&home)).await.code(), "answer-too-large");
}

#[tokio::test]
async fn a_signature_of_somebody_else_or_of_something_else_is_refused() {
    let (server, home) = ready().await;
    let index = server.world(|world| world.indexes[&hello()].clone());
    let honest = openclaw_package::Digest::of(&pack(&hello(), "1.0.0", 1).signature);
    for (signature, code) in [
        (pack(&hello(), "1.0.0", 2).signature, "bad-signature"),
        (pack(&hello(), "2.0.0", 1).signature, "signed-other"),
        (pack(&"acme/other".parse().unwrap(), "1.0.0", 1).signature, "signed-other"),
        (b"{}".to_vec(), "invalid-envelope"),
    ] {
        let digest = openclaw_package::Digest::of(&signature);
        server.world(|world| {
            world.blobs.insert(digest, signature);
            world.indexes.insert(hello(), index.replace(&honest.to_string(), &digest.to_string()));
        });
        let error = home.refused(fetch(&home)).await;
        assert_eq!(error.code(), code);
    }
}

#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, (u64, bool)>>);

impl Progress for Counted {
    fn begin(&self, what: &str, done: u64, _total: Option<u64>) {
        self.0.lock().unwrap().insert(what.to_owned(), (done, false));
    }

    fn advance(&self, what: &str, more: u64) {
        self.0.lock().unwrap().get_mut(what).unwrap().0 += more;
    }

    fn end(&self, what: &str) {
        self.0.lock().unwrap().get_mut(what).unwrap().1 = true;
    }
}

#[tokio::test]
async fn several_are_fetched_in_order_and_tell_how_far_they_are() {
    let (server, home) = at_home().await;
    let mut all = Vec::new();
    for number in 0..9 {
        let skill = format!("acme/skill-{number}").parse().unwrap();
        server.world(|world| world.publish(&skill, "1.0.0"));
        all.push(skill);
    }
    let client = home.client();
    let mut resolved = Vec::new();
    for skill in &all {
        resolved.push(client.resolve(skill, &"*".parse().unwrap(), &Default::default()).await.unwrap());
    }
    let bad = format!("/blobs/sha256/{}", resolved[3].archive().hex());
    server.lie(&bad, |_, mut answer| {
        answer.bytes[9] ^= 1;
        answer
    });
    let progress = Counted::default();
    let fetched = client.fetch_all(&resolved, &progress).await;
    for (number, (skill, result)) in all.iter().zip(&fetched).enumerate() {
        match result {
            Ok(fetched) => assert_eq!(fetched.skill, *skill),
            Err(error) => assert_eq!((number, error.code()), (3, "digest-mismatch")),
        }
    }
    let counted = progress.0.into_inner().unwrap();
    assert_eq!(counted.len(), 18);
    assert!(counted.values().all(|(_, ended)| *ended));
    assert_eq!(counted["acme/skill-0 1.0.0"].0, resolved[0].entry.size);
}

#[tokio::test]
async fn two_who_want_the_same_fetch_it_once() {
    let (server, home) = ready().await;
    let all = futures::future::join_all((0..5).map(|_| fetch(&home))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.requests(&blob_path()).len(), 1);
}
