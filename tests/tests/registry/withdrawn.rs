//! What was yanked stays with those who have it; what was taken down runs nowhere, and no further than its registry.

use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Registry, Skill};
use serde_json::{Value, json};

use super::{findings, versions};

#[test]
fn a_yanked_version_is_left_to_those_who_have_it() {
    let (registry, publisher) = with_hello(&["1.0.0", "1.1.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/hello@^1").json();
    let kept = stranger.path("kept.lock");
    std::fs::copy(stranger.data().join("openclaw.lock"), &kept).unwrap();

    let yanked = publisher.registry(["yank", "acme/hello@1.1.0", "--reason", "loses data"]).json();
    assert_eq!(yanked["log_indices"].as_array().map(Vec::len), Some(1), "{yanked}");
    let again = publisher.registry(["yank", "acme/hello@1.1.0"]).json();
    assert_eq!(again["log_indices"], json!([]), "it was so already");
    publisher.registry(["yank", "acme/hello@7.0.0"]).refused("not-released");

    // It is not chosen any more.
    let newcomer = Home::reader_of(&registry);
    let installed = newcomer.plain(["registry", "install", HELLO]);
    assert!(installed.stderr.contains("1.1.0 is left out: yanked: loses data"), "{installed}");
    assert_eq!(newcomer.version_of(HELLO).as_deref(), Some("1.0.0"));
    let none = Home::reader_of(&registry).fetch("acme/hello@=1.1.0").refused("yanked");
    assert_eq!(none.exit, 3);
    assert!(none.message.contains("loses data"), "{none:?}");
    let page = newcomer.registry(["info", HELLO]).json();
    assert_eq!(page["release"]["version"], "1.0.0", "{page}");
    let line = page["versions"].as_array().unwrap().iter().find(|line| line["version"] == "1.1.0").unwrap();
    assert_eq!(line["yanked"], "loses data", "{page}");

    // Who has it keeps it, and is told.
    stranger.runs_hello();
    let audit = stranger.registry(["audit"]).json();
    assert_eq!(findings(&audit), ["yanked"], "{audit}");
    assert_eq!(stranger.registry(["update"]).json(), json!([]), "nothing newer to go to");
    assert_eq!(stranger.version_of(HELLO).as_deref(), Some("1.1.0"));
    // A lockfile pins it still, and says so.
    let other = Home::reader_of(&registry);
    let pinned = other.plain(["registry", "install", "--lockfile", kept.to_str().unwrap()]);
    let warned =
        pinned.stderr.lines().any(|line| line.starts_with("warning:") && line.contains("loses data"));
    assert!(warned, "{pinned}");
    assert_eq!(other.version_of(HELLO).as_deref(), Some("1.1.0"));
    other.runs_hello();

    publisher.registry(["yank", "acme/hello@1.1.0", "--undo", "--reason", "mended"]).json();
    assert_eq!(versions(&newcomer.registry(["update"]).json()), ["1.1.0"]);
    assert_eq!(findings(&stranger.registry(["audit"]).json()), [""; 0]);
    registry.is_sound();
}

#[test]
fn what_was_taken_down_is_refused_everywhere() {
    let (mut registry, _publisher) = with_hello(&["1.0.0", "1.1.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();
    let lockfile = stranger.data().join("openclaw.lock");
    let kept = stranger.path("kept.lock");
    std::fs::copy(&lockfile, &kept).unwrap();
    let archive = stranger.run(["list"]).json()[0]["digest"].as_str().unwrap().replace("sha256:", "");
    stranger.runs_hello();

    registry.admin(["takedown", HELLO, "--version", "1.1.0", "--reason", "it is malware"]).json();
    // Not yet known there; from the audit on it is, and stays so.
    let audited = stranger.registry(["audit"]);
    assert_eq!(audited.code, Some(3), "{audited}");
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert_eq!(findings(&audit)[0], "taken-down", "{audit}");
    assert!(audit.to_string().contains("it is malware"), "{audit}");
    let does_not_load = |when: &str| {
        let refused = stranger.call("hello/run", &json!({})).refused("taken-down");
        assert_eq!(refused.exit, 3, "{when}: {refused:?}");
        assert!(refused.message.contains("it is malware"), "{when}: {refused:?}");
        assert_eq!(refused.hint(), "openclaw remove acme/hello", "{when}");
        assert_eq!(stranger.run(["list"]).json()[0]["status"], "refused", "{when}");
        assert_eq!(stranger.run(["tool", "list"]).json(), json!([]), "{when}");
        let verified = stranger.registry(["verify"]);
        assert_eq!(verified.code, Some(3), "{verified}");
        let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
        assert_eq!(verified[0]["code"], "taken-down", "{when}: {verified}");
    };
    does_not_load("after the audit");

    // Refused at install: by range, by version, by lockfile.
    let newcomer = Home::reader_of(&registry);
    assert_eq!(versions(&newcomer.fetch(HELLO).json()), ["1.0.0"]);
    newcomer.fetch("acme/hello@=1.1.0").refused("taken-down");
    newcomer.registry(["install", "--lockfile", kept.to_str().unwrap()]).refused("taken-down");
    newcomer.runs_hello();
    // The registry itself does not hand it out.
    assert_eq!(registry.get(&format!("/blobs/sha256/{archive}")).refused(410), "taken-down");
    let shown = newcomer.registry(["info", HELLO]).json();
    assert_eq!(shown["release"]["version"], "1.0.0", "{shown}");
    let found = newcomer.registry(["search", "hello"]).json();
    assert_eq!(found["results"][0]["version"], "1.0.0", "{found}");

    registry.vanish();
    does_not_load("when the registry is gone");
    // What is left of the skill is removed as anything else.
    stranger.run(["remove", HELLO]).json();
    assert_eq!(stranger.run(["list"]).json(), json!([]));
}

#[test]
fn a_skill_a_version_or_an_archive_is_taken_down() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let stranger = Home::reader_of(&registry);
    for name in ["whole", "version", "archive", "other"] {
        let published = publisher.publish(&Skill::tiny(name));
        let id = format!("acme/{name}");
        stranger.fetch(&id).json();
        let what: &[&str] = match name {
            "whole" => &[],
            "version" => &["--version", "1.0.0"],
            "archive" => &["--archive", published["digest"].as_str().unwrap()],
            _ => continue,
        };
        let line = [&["takedown", &id, "--reason", "it is malware"], what].concat();
        assert_eq!(registry.admin(&line).json()["releases"], json!([format!("{id} 1.0.0")]));
    }
    for what in [
        vec!["acme/nothing"],
        vec!["acme/version", "--version", "7.0.0"],
        vec!["acme/version", "--version", "1.0.0"],
    ] {
        registry.admin([vec!["takedown"], what, vec!["--reason", "x"]].concat()).error();
    }
    assert_eq!(stranger.registry(["audit"]).code, Some(3));
    let newcomer = Home::reader_of(&registry);
    for name in ["whole", "version", "archive"] {
        stranger.call(&format!("{name}/run"), &json!({})).refused("taken-down");
        newcomer.fetch(&format!("acme/{name}")).refused("taken-down");
    }
    let found = newcomer.registry(["search"]).json();
    assert_eq!(found["results"].as_array().map(Vec::len), Some(1), "{found}");
    newcomer.fetch("acme/other").json();
    assert_eq!(stranger.call("other/run", &json!({})).output(), json!({ "ok": true }));
    // Of a version that comes later the whole skill is down as well, and the version alone is not.
    publisher
        .publish_archive(&publisher.pack(&Skill::tiny("whole").versioned("2.0.0")), &[])
        .refused("taken-down");
    publisher.publish(&Skill::tiny("version").versioned("2.0.0"));
    assert_eq!(versions(&newcomer.fetch("acme/version").json()), ["2.0.0"]);
    registry.is_sound();
}

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
