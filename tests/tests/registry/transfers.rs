//! Downloads go on where they broke off, and nothing is sent twice.

use openclaw_tests::http::Request;
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry, Skill};
use serde_json::json;

use super::versions;

#[test]
fn a_download_that_broke_off_goes_on_where_it_was() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let project = publisher.workspace().join("large");
    let skill = Skill::tiny("large");
    skill.write(&project);
    // What does not compress.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(400_000)
    .collect();
    std::fs::create_dir(project.join("assets")).unwrap();
    std::fs::write(project.join("assets/noise.bin"), noise).unwrap();
    let archive = publisher.path("large.tar.gz");
    let line = ["skill", "pack", "large", "--output", archive.to_str().unwrap()];
    let digest = publisher.run(line).json()["digest"].as_str().unwrap().replace("sha256:", "");
    publisher.publish_archive(&archive, &[]).json();
    let size = std::fs::metadata(&archive).unwrap().len();

    let proxy = Proxy::before(&registry);
    let path = format!("/blobs/sha256/{digest}");
    let ranges = || -> Vec<Option<String>> {
        let requests = proxy.requests_for(&path);
        requests.iter().map(|request| request.header("range").map(str::to_owned)).collect()
    };
    // Broken off in the middle of one command, which takes it up again itself.
    let home = Home::reader_at(&proxy.url(), &registry);
    proxy.send_once(&path, |answer| Way::Cut(answer, 150_000));
    home.fetch("acme/large").json();
    assert_eq!(ranges(), [None, Some("bytes=150000-".to_owned())]);
    assert_eq!(home.call("large/run", &json!({})).output(), json!({ "ok": true }));

    // Killed in the middle, and taken up by the next command.
    let home = Home::reader_at(&proxy.url(), &registry);
    proxy.be_honest();
    proxy.forget();
    let (told, heard) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    proxy.lie(&path, move |request, honest| {
        let first = request.header("range").is_none();
        first.then(|| {
            let answer = honest(request);
            told.lock().unwrap().send(()).unwrap();
            // Slowly enough to be killed on the way, and long enough to have written something by then.
            Way::Drip(answer, std::time::Duration::from_millis(1))
        })
    });
    let mut command = home.command();
    command.args(["registry", "install", "acme/large", "--yes"]);
    let null = std::process::Stdio::null;
    let mut child = command.stdout(null()).stderr(null()).spawn().unwrap();
    heard.recv().unwrap();
    let partial = home.cache().join("registry/blobs").join(&digest).with_extension("partial");
    while std::fs::metadata(&partial).map_or(0, |file| file.len()) < 200 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let there = std::fs::metadata(&partial).unwrap().len();
    assert!(there < size);
    proxy.forget();
    home.fetch("acme/large").json();
    assert_eq!(ranges(), [Some(format!("bytes={there}-"))]);
    assert_eq!(home.call("large/run", &json!({})).output(), json!({ "ok": true }));
    // What is there already is not fetched again.
    proxy.forget();
    home.run(["remove", "acme/large"]).json();
    home.fetch("acme/large").json();
    assert_eq!(ranges(), []);
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let proxy = Proxy::before(&registry);
    let home = Home::reader_at(&proxy.url(), &registry);
    let index = "/index/acme/hello";
    home.fetch(HELLO).json();
    assert!(proxy.requests_for(index).iter().all(|request| request.header("if-none-match").is_none()));
    for _ in 0..2 {
        home.run(["remove", HELLO]).json();
        proxy.forget();
        home.fetch(HELLO).json();
        for request in proxy.requests_for(index) {
            assert!(request.header("if-none-match").is_some(), "{request:?}");
            assert_eq!(registry.ask(&request).status, 304);
        }
    }
    // Once it has changed it comes whole, also to who asks by any other tag.
    let asked = proxy.requests_for(index).pop().unwrap();
    publisher.publish(&hello("1.1.0"));
    assert_eq!(registry.ask(&asked).status, 200);
    assert_eq!(versions(&home.registry(["update"]).json()), ["1.1.0"]);
    let tag = registry.get(index).header("etag").unwrap().to_owned();
    assert_eq!(registry.ask(&Request::get(index).with("if-none-match", &tag)).status, 304);
    assert_eq!(registry.ask(&Request::get(index).with("if-none-match", "\"x\"")).status, 200);
}

#[test]
fn what_is_installed_at_once_does_not_mix() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let names = ["one", "two", "three", "four"];
    names.iter().for_each(|name| drop(publisher.publish(&Skill::tiny(name))));
    let home = Home::reader_of(&registry);
    std::thread::scope(|scope| {
        for name in names {
            let home = &home;
            scope.spawn(move || home.fetch(&format!("acme/{name}")).json());
        }
    });
    assert_eq!(home.run(["list"]).json().as_array().map(Vec::len), Some(4));
    for name in names {
        assert_eq!(home.call(&format!("{name}/run"), &json!({})).output(), json!({ "ok": true }));
    }
    let verified = home.registry(["verify"]).json();
    assert!(verified.as_array().unwrap().iter().all(|one| one["status"] == "verified"), "{verified}");
}
