//! A registry of one's own: what is published there travels, and everything that was installed outlives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::process::Command;

use openclaw_runtime::lockfile::Lockfile;
use openclaw_tests::home::{binary, finish};
use openclaw_tests::http::Request;
use openclaw_tests::proxy::Way;
use openclaw_tests::registry::{HELLO, hello, with_hello};
use openclaw_tests::{Home, Proxy, Ran, Registry, Skill};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// The versions of a page or a list of results, in its order.
fn versions(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["version"].as_str().unwrap()).collect()
}

/// The codes of what an audit found about the one skill that is installed.
#[track_caller]
fn findings(audit: &Value) -> Vec<&str> {
    let skills = audit["skills"].as_array().unwrap();
    assert_eq!(skills.len(), 1, "{audit}");
    skills[0]["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

// --- as it is typed -----------------------------------------------------------------------------------------------

/// A shell in a home's workspace that finds the command by its name.
fn shell(home: &Home, line: &str, variables: &[(&str, &str)]) -> Command {
    let mut shell = home.environment(Command::new("/bin/sh"));
    let mut paths = vec![binary().parent().unwrap().to_owned()];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    shell.args(["-ec", line]).env("PATH", std::env::join_paths(paths).unwrap());
    shell.envs(variables.iter().copied());
    shell
}

/// The first word of a text that begins so and goes on with the characters that are allowed.
fn word<'a>(text: &'a str, start: &str, length: usize) -> Option<&'a str> {
    let at = text.find(start)?;
    let rest = &text[at + start.len()..];
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (end == length).then(|| &text[at..at + start.len() + end])
}

/// A server that was started from a shell, which ends with the test.
struct Background {
    pid: Option<Pid>,
    shell: std::process::Child,
}

impl Background {
    fn start(home: &Home, line: &str) -> Self {
        let file = std::fs::File::create(home.path("background")).unwrap();
        let both = file.try_clone().unwrap();
        let mut command = shell(home, &format!("{line}\necho $! >../pid\nwait"), &[]);
        Self { pid: None, shell: command.stdout(file).stderr(both).spawn().unwrap() }
    }

    /// What it has printed when it has printed a token.
    fn printed(&mut self, home: &Home) -> String {
        for _ in 0..2000 {
            let text = std::fs::read_to_string(home.path("background")).unwrap();
            let pid = std::fs::read_to_string(home.path("pid")).unwrap_or_default();
            self.pid = pid.trim().parse().ok().and_then(Pid::from_raw);
            if word(&text, "oct_", 32).is_some() && self.pid.is_some() {
                return text;
            }
            assert!(self.shell.try_wait().unwrap().is_none(), "the server ended: {text}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the server printed no token");
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.shell.wait();
    }
}

#[test]
fn what_the_manual_shows_works_as_it_is_typed() {
    let home = Home::empty().apart();
    home.run(["key", "new", "acme"]).json();
    std::fs::create_dir(home.workspace().join("dist")).unwrap();
    home.try_pack(&hello("1.0.0"), &home.workspace().join("dist/skill.tar.gz")).json();

    let taken = std::net::TcpListener::bind("127.0.0.1:8085").is_err();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let port = if taken { free.as_str() } else { "8085" };
    let typed = |line: &str| line.replace("8085", port);
    let line = "openclaw registry serve --data ./reg --listen 127.0.0.1:8085 --bootstrap acme &";
    let mut server = Background::start(&home, &typed(line));
    let printed = server.printed(&home);
    let token = word(&printed, "oct_", 32).expect("a token");
    let root = word(&printed, "sha256:", 64).expect("a fingerprint");

    let types = |line: &str| -> Ran {
        let line = typed(line);
        finish(shell(&home, &line, &[("TOKEN", token), ("ROOT", root)]), line, None)
    };
    types(
        r#"openclaw registry login --registry http://127.0.0.1:8085 --token "$TOKEN" --fingerprint "$ROOT""#,
    )
    .success();
    types(r#"openclaw registry publish dist/skill.tar.gz --visibility=public --category="developer-tools""#)
        .success();
    let found = types("openclaw registry search hello --json").json();
    assert_eq!(found["results"][0]["skill"], HELLO, "{found}");
    assert_eq!(found["results"][0]["category"], "developer-tools", "{found}");
    types("openclaw registry install acme/hello@^1 --yes").success();
    home.runs_hello();
    let updated = types("openclaw registry update --dry-run").success();
    assert!(updated.contains("up to date"), "{updated}");
    types("openclaw registry yank acme/hello@1.0.0").success();
    let audited = types("openclaw registry audit").success();
    assert!(audited.contains("yanked"), "{audited}");
    home.runs_hello();
}

// --- from a publisher to a stranger -------------------------------------------------------------------------------

#[test]
fn a_skill_travels_from_its_publisher_to_a_stranger() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let skill = hello("1.0.0").memory();
    let archive = publisher.pack(&skill);
    let published = publisher.publish_archive(&archive, &["--category=developer-tools"]).json();
    assert_eq!((&published["skill"], &published["version"]), (&json!(HELLO), &json!("1.0.0")));
    assert_eq!(published["already"], false);
    let again = publisher.publish_archive(&archive, &["--category=developer-tools"]).json();
    assert_eq!((&again["already"], &again["log_index"]), (&json!(true), &published["log_index"]));

    // Nothing but the URL and the fingerprint: no key was added by hand, and no trust.
    let stranger = Home::reader_of(&registry);
    for words in [vec!["hello"], vec!["hel"], vec!["guest", "--category", "developer-tools"], vec![]] {
        let found = stranger.registry([vec!["search"], words.clone()].concat()).json();
        assert_eq!(found["results"][0]["skill"], HELLO, "{words:?}: {found}");
        assert_eq!(found["results"][0]["permissions"], json!(["memory"]), "{found}");
    }
    for words in [vec!["zebra"], vec!["hello", "--category", "games"]] {
        let found = stranger.registry([vec!["search"], words.clone()].concat()).json();
        assert_eq!(found["results"], json!([]), "{words:?}");
    }
    let categories = stranger.registry(["search", "--categories"]).json();
    assert_eq!(categories, json!([{ "category": "developer-tools", "skills": 1 }]));

    let page = stranger.registry(["info", HELLO]).json();
    assert_eq!(page["release"]["permissions"][0]["permission"], "memory", "{page}");
    assert_eq!(page["release"]["permissions"][0]["reason"], "tests", "{page}");
    assert_eq!(page["release"]["signer"], publisher.public_key(), "{page}");
    assert_eq!(page["release"]["log_index"], published["log_index"], "{page}");
    assert_eq!(page["release"]["tools"][0]["name"], "run", "{page}");
    let shown = stranger.plain(["registry", "info", HELLO]).success();
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no {text:?} in {shown}"));
    assert!(place("it asks to") < place("A guest of the tests."), "what is asked for comes first: {shown}");

    let refused = stranger.registry(["install", HELLO]).refused("consent-needed");
    assert_eq!(refused.exit, 3);
    assert!(refused.hint().contains("--yes"), "{refused:?}");
    let installed = stranger.fetch("acme/hello@^1").json();
    assert_eq!(installed[0]["version"], "1.0.0", "{installed}");
    assert_eq!(installed[0]["digest"], published["digest"], "{installed}");
    assert_eq!(installed[0]["origin"], registry.origin(), "{installed}");
    assert_eq!(installed[0]["log_index"], published["log_index"], "{installed}");
    assert_eq!(installed[0]["permissions"][0]["status"], "granted", "{installed}");
    stranger.runs_hello();
    assert_eq!(stranger.run(["trust", "list"]).json(), json!([]), "no key was trusted by hand");

    let verified = stranger.registry(["verify"]).json();
    assert_eq!(verified[0]["status"], "verified", "{verified}");
    assert_eq!(verified[0]["origin"], registry.origin(), "{verified}");
    let audit = stranger.registry(["audit", "--whole-log"]).json();
    assert_eq!(findings(&audit), [""; 0], "{audit}");
    let log = &audit["registries"][0]["log"];
    assert_eq!((&log["from"], &log["findings"]), (&json!(0), &json!([])), "{audit}");
    assert!(log["to"].as_u64() > published["log_index"].as_u64(), "{audit}");
    stranger.run(["remove", HELLO]).json();
    assert_eq!(stranger.run(["list"]).json(), json!([]));
    registry.is_sound();
}

#[test]
fn the_lockfile_says_all_that_pins_a_skill() {
    let registry = Registry::start();
    let publisher = Home::publisher_at(&registry);
    let published = publisher.publish(&hello("1.2.3").memory());
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/hello@^1").json();
    let path = stranger.data().join("openclaw.lock");
    let lockfile = Lockfile::load(&path).unwrap();
    let locked = lockfile.get(&HELLO.parse().unwrap()).unwrap();
    assert_eq!(locked.version.to_string(), "1.2.3");
    assert_eq!(json!(locked.archive.to_string()), published["digest"]);
    assert_eq!(locked.signer.to_string(), publisher.public_key());
    assert_eq!(locked.origin.to_string(), registry.origin());
    assert_eq!(json!(locked.log_index), published["log_index"]);
    assert_eq!(locked.range.as_ref().unwrap().to_string(), "^1");
    assert_eq!(locked.grants.len(), 1);
    let signature = std::fs::read(publisher.path("hello-1.2.3.tar.gz.dsse.json")).unwrap();
    let envelope = openclaw_package::Envelope::parse(&signature).unwrap();
    assert_eq!(locked.statement, openclaw_package::Digest::of(envelope.payload_unverified()));
}

#[test]
fn an_update_that_asks_for_more_waits_for_consent() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.registry(["install", "acme/hello@^1"]).json();
    assert_eq!(stranger.registry(["update"]).json(), json!([]));
    publisher.publish(&hello("1.1.0").memory().tree("$data", "write"));

    stranger.registry(["info", HELLO]).json();
    let before = stranger.installed_snapshot();
    let planned = stranger.registry(["update", "--dry-run"]).json();
    assert_eq!((&planned[0]["installed"], &planned[0]["version"]), (&json!("1.0.0"), &json!("1.1.0")));
    let asked = planned[0]["asks_anew"].as_array().unwrap();
    assert_eq!(asked.len(), 2, "{planned}");
    assert!(planned.to_string().contains("memory"), "{planned}");
    let shown = stranger.plain(["registry", "update", "--dry-run"]);
    assert!(shown.stderr.contains("(new) ") && shown.stdout.contains("1.0.0 -> 1.1.0"), "{shown}");
    stranger.registry(["update"]).refused("consent-needed");
    before.is_still(&stranger.installed_snapshot(), &"a dry run, and an update without consent");
    stranger.has_nothing_staged();
    stranger.runs_hello();

    let updated = stranger.registry(["update", "--yes"]).json();
    assert_eq!((&updated[0]["previous"], &updated[0]["version"]), (&json!("1.0.0"), &json!("1.1.0")));
    stranger.runs_hello();
    // What asks for less, or for the same, waits for nobody.
    publisher.publish(&hello("1.2.0").memory());
    let planned = stranger.registry(["update", "--dry-run"]).json();
    assert_eq!(planned[0]["asks_anew"], json!([]), "{planned}");
    assert_eq!(planned[0]["asks_no_longer"].as_array().map(Vec::len), Some(1), "{planned}");
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.2.0"]);
    stranger.runs_hello();
}

#[test]
fn an_update_stays_within_the_range_that_was_asked_for() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch("acme/hello@^1").json();
    for version in ["1.1.0", "2.0.0", "2.1.0-rc.1"] {
        publisher.publish(&hello(version));
    }
    assert_eq!(versions(&stranger.registry(["update", "--dry-run"]).json()), ["1.1.0"]);
    assert_eq!(versions(&stranger.registry(["update", HELLO]).json()), ["1.1.0"]);
    assert_eq!(stranger.registry(["update"]).json(), json!([]));
    assert_eq!(findings(&stranger.registry(["audit"]).json()), ["newer-version"]);
    assert_eq!(versions(&stranger.registry(["update", "--latest"]).json()), ["2.0.0"]);
    assert_eq!(stranger.registry(["update"]).json(), json!([]), "a pre-release is not chosen unasked");
    assert_eq!(versions(&stranger.registry(["update", "--pre-releases"]).json()), ["2.1.0-rc.1"]);
    // Back only where that is asked for.
    stranger.fetch("acme/hello@=1.0.0").refused("downgrade");
    assert_eq!(stranger.version_of(HELLO).as_deref(), Some("2.1.0-rc.1"));
    stranger.registry(["install", "acme/hello@=1.0.0", "--allow-downgrade"]).json();
    assert_eq!(stranger.version_of(HELLO).as_deref(), Some("1.0.0"));
    stranger.runs_hello();
}

#[test]
fn a_version_is_chosen_by_range_and_several_skills_come_at_once() {
    let (registry, publisher) = with_hello(&["0.9.0", "1.0.0", "1.5.0", "2.0.0", "3.0.0-beta.1"]);
    publisher.publish(&Skill::tiny("other").versioned("0.1.0"));
    let chosen = |spec: &str| {
        let stranger = Home::reader_of(&registry);
        let ran = stranger.registry(["install", spec]);
        if ran.code == Some(0) { versions(&ran.json())[0].to_owned() } else { ran.error().code }
    };
    for (spec, expected) in [
        ("acme/hello", "2.0.0"),
        ("acme/hello@^1", "1.5.0"),
        ("acme/hello@1", "1.5.0"),
        ("acme/hello@~1.0", "1.0.0"),
        ("acme/hello@=0.9.0", "0.9.0"),
        ("acme/hello@>=1, <2", "1.5.0"),
        ("acme/hello@=3.0.0-beta.1", "3.0.0-beta.1"),
        ("acme/hello@^4", "no-matching-version"),
        ("acme/nothing", "unknown-skill"),
        ("nobody/hello", "unknown-skill"),
    ] {
        assert_eq!(chosen(spec), expected, "{spec}");
    }
    let stranger = Home::reader_of(&registry);
    let both = stranger.registry(["install", "acme/other", "acme/hello@^1"]).json();
    assert_eq!(versions(&both), ["0.1.0", "1.5.0"]);
    assert_eq!(stranger.run(["list"]).json().as_array().map(Vec::len), Some(2));
    // One that is not there takes the others with it, before anything is changed.
    let before = stranger.installed_snapshot();
    stranger.registry(["install", "acme/hello@2", "acme/nothing"]).refused("unknown-skill");
    before.is_still(&stranger.installed_snapshot(), &"one of two is not there");
}

// --- yanked and taken down ----------------------------------------------------------------------------------------

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

// --- without the registry -----------------------------------------------------------------------------------------

#[test]
fn all_that_was_installed_outlives_the_registry() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    publisher.publish(&Skill::tiny("other").memory());
    let stranger = Home::reader_of(&registry);
    stranger.registry(["install", HELLO, "acme/other", "--yes"]).json();
    registry.vanish();
    stranger.runs_hello();
    // Nothing is left of what was fetched, either.
    std::fs::remove_dir_all(stranger.cache()).unwrap();
    stranger.runs_hello();
    assert_eq!(stranger.call("other/run", &json!({})).output(), json!({ "ok": true }));
    let verified = stranger.registry(["verify"]).json();
    assert_eq!(verified.as_array().map(Vec::len), Some(2), "{verified}");
    for skill in verified.as_array().unwrap() {
        assert_eq!(skill["status"], "verified", "{verified}");
    }
    let before = stranger.snapshot();
    let audited = stranger.registry(["audit"]);
    assert_eq!(audited.code, Some(7), "nobody could be asked: {audited}");
    let audit: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert!(audit["registries"][0]["outage"].is_string(), "{audit}");
    for line in [
        vec!["search", "hello"],
        vec!["info", HELLO],
        vec!["install", HELLO, "--yes"],
        vec!["update"],
        vec!["update", "--dry-run"],
    ] {
        let refused = stranger.registry(&line).error();
        assert_eq!(
            (refused.exit, refused.code.as_str()),
            (7, "registry-unreachable"),
            "{line:?}: {refused:?}"
        );
        assert!(refused.hint().contains("without the registry"), "{refused:?}");
    }
    before.is_still(&stranger.snapshot(), &"a registry that is gone");
    stranger.run(["remove", "acme/other"]).json();
}

#[test]
fn a_lockfile_gives_the_same_bytes_on_another_machine() {
    let (registry, publisher) = with_hello(&["1.0.0"]);
    publisher.publish(&Skill::tiny("other").versioned("0.3.0"));
    let first = Home::reader_of(&registry);
    first.registry(["install", "acme/hello@^1", "acme/other"]).json();
    // A skill of a file is no registry's business.
    first.run(["key", "new", "acme"]).json();
    first.trust(&first.public_key());
    first.install(&Skill::tiny("local"));
    // Newer versions are there by then.
    publisher.publish(&hello("1.9.0"));
    let lockfile = first.path("their.lock");
    std::fs::copy(first.data().join("openclaw.lock"), &lockfile).unwrap();

    let second = Home::reader_of(&registry);
    let arguments = ["registry", "install", "--yes", "--lockfile", lockfile.to_str().unwrap()];
    let installed = second.plain(arguments);
    assert!(installed.stderr.contains("acme/local came from a file, and is left out"), "{installed}");
    installed.success();
    let digests = |home: &Home| -> Vec<Value> {
        let listed = home.run(["list"]).json();
        let listed = listed.as_array().unwrap().iter().filter(|one| one["skill"] != "acme/local");
        listed.map(|one| json!([one["skill"], one["version"], one["digest"], one["signer"]])).collect()
    };
    assert_eq!(digests(&first).len(), 2);
    assert_eq!(digests(&first), digests(&second));
    let pins = |home: &Home| {
        let lockfile = Lockfile::load(&home.data().join("openclaw.lock")).unwrap();
        lockfile.get(&HELLO.parse().unwrap()).unwrap().clone()
    };
    assert_eq!(pins(&first), pins(&second));
    // Other bytes than are pinned are refused, however good they are.
    let text = std::fs::read_to_string(&lockfile).unwrap();
    let pinned = text.lines().find(|line| line.starts_with("archive = ")).unwrap();
    let other = format!("archive = \"sha256:{}\"", "0".repeat(64));
    let edited = first.path("edited.lock");
    std::fs::write(&edited, text.replace(pinned, &other)).unwrap();
    let third = Home::reader_of(&registry);
    third.registry(["install", "--lockfile", edited.to_str().unwrap()]).refused("pin-differs");
    assert_eq!(third.run(["list"]).json(), json!([]));
    // Where there was no login to that registry nothing is installed from any other.
    let nobody = Home::empty().apart();
    let refused = nobody.registry(["install", "--lockfile", lockfile.to_str().unwrap()]).error();
    assert_eq!((refused.exit, refused.code.as_str()), (4, "unknown-registry"), "{refused:?}");
    let refused = nobody.registry(["install", "--lockfile", "/nowhere/openclaw.lock"]).error();
    assert_eq!((refused.exit, refused.code.as_str()), (4, "file-not-found"));
}

#[test]
fn an_operator_restores_a_registry_and_nobody_notices() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();
    let backup = publisher.path("backup.tar");
    registry.admin(["backup", backup.to_str().unwrap()]).json();
    registry.is_sound();
    registry.vanish();
    registry.admin(["restore", backup.to_str().unwrap()]).json();
    registry.serve();
    registry.is_sound();
    publisher.publish(&hello("1.1.0"));
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.1.0"]);
    let audit = stranger.registry(["audit", "--whole-log"]).json();
    assert_eq!(audit["registries"][0]["log"]["findings"], json!([]), "{audit}");
    // A backup is not put over a registry that is there.
    let before = registry.state();
    assert!(matches!(registry.admin(["restore", backup.to_str().unwrap()]).error().exit, 3 | 6));
    before.is_still(&registry, &"a restore over a registry");
}

#[test]
fn new_root_keys_are_followed_from_the_fingerprint_that_was_pinned() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let stranger = Home::reader_of(&registry);
    stranger.fetch(HELLO).json();
    let first = registry.fingerprint().to_owned();
    registry.admin(["root", "rotate"]).json();
    registry.stop();
    registry.serve();
    assert_ne!(registry.fingerprint(), first, "the newest root is another one");
    publisher.publish(&hello("1.1.0"));
    assert_eq!(versions(&stranger.registry(["update"]).json()), ["1.1.0"]);
    assert_eq!(stranger.registry(["verify"]).json()[0]["status"], "verified");
    // Both fingerprints lead to the same registry.
    for fingerprint in [first.as_str(), registry.fingerprint()] {
        let newcomer = Home::empty().apart();
        let line = ["login", "--registry", &registry.url(), "--fingerprint", fingerprint];
        newcomer.registry(line).json();
        assert_eq!(versions(&newcomer.fetch(HELLO).json()), ["1.1.0"]);
        assert_eq!(newcomer.registry(["verify"]).json()[0]["status"], "verified");
    }
    registry.is_sound();
}

// --- transfers ----------------------------------------------------------------------------------------------------

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

// --- documents and exit codes -------------------------------------------------------------------------------------

#[test]
fn each_verb_prints_one_document_and_ends_with_the_code_of_its_class() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let login =
        ["login", "--registry", &registry.url(), "--fingerprint", registry.fingerprint()].map(str::to_owned);
    let archive = publisher.pack(&hello("1.1.0")).display().to_string();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let publish = vec!["publish".to_owned(), archive];
    for (line, keys) in [
        (login.to_vec(), "default fingerprint has_token origin registry token"),
        (words("list"), "default fingerprint has_token origin registry"),
        (words("whoami"), "expires name pattern publisher scopes"),
        (publish, "already digest log_index skill version visibility"),
        (words("search hello"), "results"),
        (words("search --categories"), ""),
        (words("info acme/hello"), "release skill versions visibility"),
        (
            words("install acme/hello"),
            "cuts digest limits log_index origin permissions previous signer skill tools version yanked",
        ),
        (words("update --dry-run"), ""),
        (words("verify"), "code log_index origin reason skill status version"),
        (words("audit"), "registries skills"),
        (words("yank acme/hello@1.0.0"), "log_indices publisher"),
        (words("logout"), "had_token registry"),
    ] {
        let mut document = publisher.registry(&line).json();
        if let Some(list) = document.as_array_mut() {
            document = list.pop().unwrap_or_default();
        }
        let found: Vec<&str> =
            document.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
        assert_eq!(found.join(" "), keys, "{line:?}");
    }
    let unpublished = publisher.pack(&hello("1.2.0")).display().to_string();
    for (line, exit, code) in [
        (words("info acme/nothing"), 4, "not-found"),
        (words("install acme/nothing"), 4, "unknown-skill"),
        (words("install acme/hello@^9"), 4, "no-matching-version"),
        (words("install acme"), 2, "usage"),
        (words("yank acme/hello"), 2, "usage"),
        (words("publish nothing.tar.gz"), 4, "file-not-found"),
        (vec!["publish".to_owned(), unpublished], 3, "token-required"),
        (words("search x --registry http://127.0.0.1:1"), 4, "unknown-registry"),
        (words("search x --registry nonsense"), 2, "invalid-registry-url"),
        (words("verify acme/nothing"), 4, "not-installed"),
        (words("update acme/nothing"), 4, "not-installed"),
    ] {
        let refused = publisher.registry(&line).error();
        assert_eq!((refused.exit, refused.code.as_str()), (exit, code), "{line:?}: {refused:?}");
        assert!(
            exit == 2 || refused.hint.is_some() || code == "no-matching-version",
            "{line:?}: {refused:?}"
        );
    }
    registry.stop();
    let line = publisher.plain(["registry", "search", "x"]).error_line();
    assert!(line.contains("cannot be reached"), "{line}");
}
