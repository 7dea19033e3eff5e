//! What an operator is told: facts that fit, and commands that can be typed as they stand.

use openclaw_package::registry::Visibility;

use crate::skill::skill;
use crate::world::{Backend, Place, Server, World, run};

/// A refusal with these words in it, and the code.
macro_rules! told {
    ($world:expr, $words:expr, $code:expr, $message:expr, $hint:expr) => {{
        let refusal = $world.place.refusal(&$words).await;
        let text = |name: &str| refusal[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("code"), $code, "{refusal}");
        assert!(text("message").contains($message), "{refusal}");
        assert!(text("hint").contains($hint), "{refusal}");
    }};
}

#[test]
fn what_is_not_there_is_told_with_the_command_that_lists_it() {
    run(Backend::Sqlite, async |world: World| {
        let data = world.place.data.display().to_string();
        let publishers = format!("openclaw registry admin publisher list --data {data}");
        let tokens = format!("openclaw registry admin token list --data {data}");
        let issue = ["admin", "token", "issue", "nobody/*", "--scope", "yank"];
        told!(world, issue, "not-found", "there is no publisher nobody", &publishers);
        told!(world, ["admin", "token", "list", "nobody"], "not-found", "no publisher nobody", &publishers);
        told!(world, ["admin", "token", "revoke", "x"], "not-found", "there is no token x", &tokens);
        let twice = ["admin", "publisher", "create", "acme"];
        let hint = format!("openclaw registry admin token issue 'acme/*' --scope SCOPE --data {data}");
        told!(world, twice, "publisher-exists", "acme is registered already", &hint);
        let like = ["admin", "publisher", "create", "ac-me"];
        told!(world, like, "name-collision", "ac-me looks like acme", "hyphens");

        let issued = world.place.admin(&["token", "issue", "acme/*", "--scope", "yank,publish-new"]).await;
        assert_eq!(issued["scopes"], serde_json::json!(["publish-new", "yank"]));
        assert!(!issued["created"].as_str().unwrap().contains('.'), "whole seconds: {issued}");
        let id = issued["id"].as_str().unwrap();
        world.place.admin(&["token", "revoke", id]).await;
        told!(world, ["admin", "token", "revoke", id], "token-revoked", "was revoked before", &tokens);
        for (time, code) in [("0d", "usage"), ("0h", "usage"), ("4000d", "usage")] {
            let words = ["admin", "token", "issue", "acme/*", "--scope", "yank", "--expires", time];
            told!(world, words, code, "an hour to ten years", "");
        }
    });
}

#[test]
fn a_later_start_says_what_bootstrap_would_have_done() {
    run(Backend::Sqlite, async |mut world: World| {
        let server = std::mem::replace(&mut world.server, Server::nothing());
        assert!(server.stop().success());
        let data = world.place.data.display().to_string();
        for (name, words) in [
            ("zenith", "publisher create zenith"),
            ("acme", "token issue 'acme/*' --scope publish-new,publish-update,yank,owners"),
        ] {
            let server = Server::start(&world.place, &["--bootstrap", name]);
            let note = server.ready["note"].as_str().unwrap().to_owned();
            assert!(note.contains(&format!("openclaw registry admin {words} --data {data}")), "{note}");
            assert_eq!(note.contains("there is no publisher"), name == "zenith", "{note}");
            assert!(server.ready.get("publisher").is_none());
            assert!(server.stop().success());
        }
    });
}

#[test]
fn a_takedown_says_what_it_took_down() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        acme.publish(&skill("acme/evil", "1.0.0")).await;
        acme.publish(&skill("acme/evil", "1.1.0")).await;
        let other = acme.prepare(&skill("acme/other", "1.0.0"), Visibility::Public).await;
        assert_eq!(acme.send(&other).await.status(), 201);
        let other = other.digest.to_string();
        let take = |words: &[&'static str]| [&["admin", "takedown"], words, &["--reason", "bad"]].concat();
        told!(world, take(&["acme/evel"]), "not-found", "there is no skill acme/evel", "spelling");
        let absent = take(&["acme/evil", "--version", "2.0.0"]);
        told!(world, absent, "not-found", "no version 2.0.0 of acme/evil", "1.1.0, 1.0.0");
        world.place.admin(&take(&["acme/evil", "--version", "1.0.0"])[1..]).await;
        let twice = take(&["acme/evil", "--version", "1.0.0"]);
        told!(world, twice, "taken-down", "acme/evil 1.0.0 was taken down already", "final");
        world.place.admin(&take(&["acme/evil"])[1..]).await;
        told!(world, take(&["acme/evil"]), "taken-down", "acme/evil was taken down already", "final");

        let wrong = ["admin", "takedown", "acme/evil", "--archive", &other, "--reason", "bad"];
        told!(world, wrong, "identity-mismatch", "is that of acme/other 1.0.0", "acme/other");
        let unknown = openclaw_package::Digest::of(b"unknown").to_string();
        let coming = ["takedown", "acme/evil", "--archive", &unknown, "--reason", "bad"];
        let done = world.place.admin(&coming).await;
        assert_eq!(done["releases"], serde_json::json!([]));
        assert!(done["note"].as_str().unwrap().contains("refused if it comes"), "{done}");
        let again = ["admin", "takedown", "acme/other", "--archive", &unknown, "--reason", "bad"];
        told!(world, again, "taken-down", "was taken down already", "final");
        world.verify().await;
    });
}

#[test]
fn what_serve_is_given_is_checked_in_words() {
    let said = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openclaw-registry"));
        let output = command.arg("serve").args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["--listen", "8085"]).contains("write ADDRESS:PORT, for example 127.0.0.1:8085"));
    assert!(said(&["--requests-per-minute", "0"]).contains("at least 1"));
    run(Backend::Sqlite, async |world: World| {
        let listen = |address: &'static str| ["serve", "--listen", address];
        told!(world, listen("192.0.2.1:0"), "cannot-listen", "192.0.2.1:0", "no address of this machine");
        told!(world, listen("localhost:0"), "in-use", "in use by another server", "stop the other");
        let place = ["admin", "backup", "/nowhere/reg.tar"];
        told!(world, place, "usage", "there is no directory /nowhere to write the backup into", "");
    });
}

#[test]
fn lists_are_tables_and_what_was_done_is_a_document() {
    run(Backend::Sqlite, async |world: World| {
        let created = world.place.admin(&["publisher", "create", "zenith"]).await;
        assert_eq!(created, serde_json::json!({ "publisher": "zenith", "created": true }));
        let issued = ["token", "issue", "zenith/*", "--scope", "yank", "--name", "night\u{202e}ly"];
        let id = world.place.admin(&issued).await["id"].as_str().unwrap().to_owned();
        let gone = world.place.admin(&["token", "issue", "zenith/*", "--scope", "yank"]).await;
        let gone = gone["id"].as_str().unwrap();
        let revoked = world.place.admin(&["token", "revoke", gone]).await;
        assert_eq!(revoked, serde_json::json!({ "id": gone, "revoked": true }));
        crate::verifying::execute(&world, &format!("UPDATE tokens SET expires = 1 WHERE id = '{id}'")).await;
        let shown = |words: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openclaw-registry"));
            let output =
                command.arg("admin").args(words).arg("--data").arg(&world.place.data).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let publishers = shown(&["publisher", "list"]);
        let lines: Vec<&str> = publishers.lines().collect();
        assert!(lines[0].starts_with("PUBLISHER  SKILLS  EVENTS  SINCE"), "{publishers}");
        assert!(lines[2].starts_with("zenith     0       0       20"), "{publishers}");
        let tokens = shown(&["token", "list", "zenith"]);
        let lines: Vec<&str> = tokens.lines().collect();
        assert!(lines[0].starts_with("ID                NAME"), "{tokens}");
        let line = |id: &str| lines.iter().find(|line| line.starts_with(id)).unwrap().to_owned();
        assert!(line(&id).contains("expired 1970") && line(&id).contains("\\u{202e}"), "{tokens}");
        assert!(line(gone).contains("revoked 20") && line(gone).ends_with("never"), "{tokens}");
    });
}

#[test]
fn every_admin_command_has_an_example() {
    for words in [
        "publisher create",
        "publisher list",
        "token issue",
        "token list",
        "token revoke",
        "takedown",
        "root show",
        "root rotate",
        "backup",
        "restore",
        "verify",
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openclaw-registry"));
        let output = command.arg("admin").args(words.split(' ')).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("  openclaw registry admin {words}")), "{text}");
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openclaw-registry"));
    let text = String::from_utf8(command.args(["serve", "--help"]).output().unwrap().stdout).unwrap();
    for default in ["1200", "120", "300", "100"] {
        assert!(text.contains(&format!("[default: {default}]")), "{text}");
    }
}

#[test]
fn the_log_says_what_happened_and_no_secret() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = Place::new(Backend::Sqlite).await;
        let file = place.data.with_extension("log");
        let world = World::start_logging(place, &file);
        let acme = world.acme();
        acme.publish(&skill("acme/hello", "1.0.0")).await;
        acme.publish_as(&skill("acme/hidden", "1.0.0"), Visibility::Private).await;
        let unknown = "oct_0123456789abcdefghijABCDEFGHIJ01";
        let refused = world.get("/api/v1/whoami").bearer_auth(unknown).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let token = world.token.clone();
        assert!(world.server.stop().success());
        let log = std::fs::read_to_string(&file).unwrap();
        for words in
            ["has started", "acme/hello 1.0.0", "a private skill", "token was refused", "has stopped"]
        {
            assert!(log.contains(words), "{words}: {log}");
        }
        for secret in ["hidden", unknown, &token] {
            assert!(!log.contains(secret), "{log}");
        }
    });
}
