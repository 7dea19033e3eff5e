//! Values in a real keyring, in a session of its own; and in one that does not answer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use openclaw_tests::{Home, home};
use serde_json::{Value, json};

use super::{VALUE, echo, files, is_clean, skill};

/// A session with a keyring of its own, in which a script is run; what it printed.
fn in_session(home: &Home, keyring: &str, script: &str) -> String {
    let mut session = home.environment(Command::new("dbus-run-session"));
    let runtime_dir = home.path("runtime");
    let _ = fs::create_dir(&runtime_dir);
    fs::set_permissions(&runtime_dir, fs::Permissions::from_mode(0o700)).unwrap();
    session
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", &runtime_dir)
        .env("OPENCLAW", home::binary())
        .args(["--", "/bin/sh", "-euc", &format!("{keyring}\n{script}")]);
    let ran = home::finish(session, "a session".to_owned(), None);
    assert_eq!(ran.code, Some(0), "{ran}");
    ran.stdout
}

const UNLOCKED: &str = "printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";

#[test]
fn a_system_with_a_keyring_keeps_the_value_there() {
    let server = echo();
    let home = Home::with(&skill(&server));
    server.trust(&home);
    let input = json!({ "url": server.url("/") }).to_string();
    let script = format!(
        "printf '%s' \"$VALUE\" | \"$OPENCLAW\" --json secret set acme/network token\n\
         \"$OPENCLAW\" --json tool call acme/network/repeat '{input}' >&2\n\
         \"$OPENCLAW\" secret list >&2"
    );
    let session = format!("VALUE='{VALUE}'\n{script}");
    let set: Value = serde_json::from_str(&in_session(&home, UNLOCKED, &session)).unwrap();
    assert_eq!((&set["kept"], &set["path"]), (&json!("keyring"), &Value::Null), "{set}");
    assert!(
        server.heads()[0].contains(&format!("authorization: Bearer {VALUE}\r\n")),
        "{:?}",
        server.heads()
    );
    is_clean(&files(&home.data()));

    // Without the session it is known that there is one, and that it cannot be had.
    let begun = Instant::now();
    home.call("network/repeat", &json!({ "url": server.url("/") })).was_denied("no-value token");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(home.run(["secret", "list"]).json()[0]["kept"], "keyring");
    home.run(["secret", "remove", "acme/network", "token"]).refused("keyring-unavailable");

    // Another session finds what is kept.
    let script = "\"$OPENCLAW\" --json secret remove acme/network token";
    let removed: Value = serde_json::from_str(&in_session(&home, UNLOCKED, script)).unwrap();
    assert_eq!(removed["kept"], "keyring", "{removed}");
    assert_eq!(home.run(["secret", "list"]).json()[0]["kept"], Value::Null);
}

#[test]
fn a_keyring_that_does_not_answer_holds_nothing_up() {
    let server = echo();
    let home = Home::with(&skill(&server));
    server.trust(&home);
    // It owns the name of the service, and never says a word.
    let silent = "printf pass | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &\n\
                  daemon=$!\nsleep 2\nkill -STOP $daemon";
    let input = json!({ "url": server.url("/") }).to_string();
    let script = format!(
        "printf 'tok-4f1a-9b7e' | timeout 60 \"$OPENCLAW\" --json secret set acme/network token\n\
         printf '[secret.token]\\nkept = \"keyring\"\\n' > t && (echo version = 1; cat t) > \"$OPENCLAW_DATA_DIR/secrets/acme/network.toml\"\n\
         timeout 60 \"$OPENCLAW\" --json tool call acme/network/repeat '{input}' >&2 || true\n\
         kill -KILL $daemon"
    );
    let begun = Instant::now();
    let set: Value = serde_json::from_str(&in_session(&home, silent, &script)).unwrap();
    assert_eq!(set["kept"], "file", "{set}");
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert!(server.heads().is_empty());
    assert_eq!(home.last_record()["denials"][0]["reason"], "no-value");
}
