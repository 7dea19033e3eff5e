//! How far a list of takedowns reaches: not to what came from elsewhere, and not less far because somebody forgot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry};
use serde_json::json;

fn takedown(registry: &Registry, arguments: &[&str]) {
    let line = ["takedown", HELLO, "--reason", "malware"].iter().chain(arguments);
    registry.admin(line).json();
}

#[test]
fn what_was_taken_down_stays_so_when_another_registry_takes_the_place() {
    let (one, _publisher) = with_hello(&["1.0.0"]);
    let other = Registry::start();
    let proxy = Proxy::before(&one);
    let home = Home::reader_at(&proxy.url(), &one);
    home.fetch(HELLO).json();
    takedown(&one, &[]);
    home.registry(["audit"]);
    home.call("hello/run", &json!({})).refused("taken-down");
    proxy.turn_to(&other);
    let url = proxy.url();
    home.registry(["login", "--registry", &url, "--fingerprint", other.fingerprint(), "--replace"]).json();
    home.call("hello/run", &json!({})).refused("taken-down");
    home.registry(["audit"]);
    home.call("hello/run", &json!({})).refused("taken-down");
}

#[test]
fn a_registry_cannot_stop_what_came_from_another_or_from_a_file() {
    let (honest, publisher) = with_hello(&["1.0.0"]);
    let hostile = Registry::start();
    let home = Home::reader_of(&honest);
    home.fetch(HELLO).json();
    let digest = home.run(["list"]).json()[0]["digest"].as_str().unwrap().to_owned();
    home.login(&hostile.url(), &hostile, None).json();
    takedown(&hostile, &["--archive", &digest]);
    let audited = home.registry(["audit"]);
    assert!(audited.stdout.contains("taken-down-elsewhere"), "{audited}");
    home.runs_hello();
    let archive = publisher.pack(&hello("1.0.0"));
    let from_file = Home::empty();
    from_file.trust(&publisher.public_key());
    from_file.login(&hostile.url(), &hostile, None).json();
    from_file.registry(["audit"]);
    from_file.install_archive(&archive).json();
    from_file.runs_hello();
}

#[test]
fn a_list_that_was_damaged_takes_nothing_back() {
    let (registry, _publisher) = with_hello(&["1.0.0"]);
    let home = Home::reader_of(&registry);
    home.fetch(HELLO).json();
    let folder = std::fs::read_dir(home.data().join("registries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let list = folder.join("takedowns.json");
    let good = std::fs::read_to_string(&list).unwrap();
    for bad in
        [String::new(), good.replace("sha256", "sha257"), "{}".to_owned(), good.replacen("pay", "pax", 1)]
    {
        std::fs::write(&list, &bad).unwrap();
        let refused = home.call("hello/run", &json!({})).refused("takedowns-damaged");
        assert!(refused.message.contains("takedowns.json"), "{refused:?}");
    }
    std::fs::write(&list, good).unwrap();
    home.runs_hello();
}
