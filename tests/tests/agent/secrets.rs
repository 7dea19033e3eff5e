//! A secret that a person types or a file holds: where it may not come, and that it does not.

use std::path::{Path, PathBuf};

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::{Gateway, Home, Skill, component};
use serde_json::json;

use super::scene::{KEY, Model, call, configure, configure_more, outcomes, say};
use super::terminal::Terminal;

/// What a known service gives as a key.
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
/// The same as JSON may write it.
const ESCAPED: &str = r"gh\u0070_0123456789abcdefghijABCDEFGHIJ456789";
/// What is said beside it, which is kept.
const HARMLESS: &str = "harmless-words-4711";

/// The files below a directory that hold a text.
fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            found.extend(holding(&path, text));
        } else if meta.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// Nothing in the data directory holds the secret, whereas what was said beside it is kept.
#[track_caller]
fn nothing_is_kept(home: &Home) {
    for secret in [TOKEN, ESCAPED, "0123456789abcdefghijABCDEFGHIJ"] {
        assert_eq!(holding(&home.data(), secret), Vec::<PathBuf>::new());
    }
    let kept = holding(&home.data(), HARMLESS);
    assert!(kept.iter().any(|path| path.to_string_lossy().contains("sessions.db")), "{kept:?}");
    let keys = holding(&home.data(), KEY);
    assert!(keys.iter().all(|path| path.ends_with(".env")), "{keys:?}");
}

/// A home with skills that read, compute and may write, and a note that holds a secret.
fn planted() -> Home {
    let home = Home::new();
    home.install(&Skill::guest("files").named("reader").tree("$workspace", "read"));
    home.install(&Skill::guest("compute"));
    configure(&home, "");
    configure_more(&home, "developer: { log_level: trace }\n");
    // Also where a line or a cell begins, which JSON writes with a letter before it.
    let note =
        format!("{HARMLESS}: the key is {TOKEN}, and that of the model {KEY}.\n{TOKEN}\n\t{TOKEN}\n{KEY}\n");
    std::fs::write(home.workspace().join("note.txt"), note).unwrap();
    std::fs::write(home.workspace().join(TOKEN), "named badly").unwrap();
    home
}

fn reading() -> Vec<Reply> {
    vec![
        call("acme__reader__read", r#"{"path":"/workspace/note.txt"}"#),
        call("acme__reader__list", r#"{"path":"/workspace"}"#),
        Reply::text("I have read it."),
    ]
}

#[track_caller]
fn the_model_is_told_of_none(model: &Model) {
    let asked: Vec<_> = model.asked().iter().map(ToString::to_string).collect();
    assert!(!asked.is_empty());
    for asked in asked {
        assert!(!asked.contains(TOKEN) && !asked.contains(KEY), "{asked}");
        assert!(asked.contains(HARMLESS) && asked.contains("[redacted:token]"), "{asked}");
    }
}

#[test]
fn what_a_person_types_and_a_file_holds_is_said_to_no_model_and_kept_nowhere() {
    for format in Format::ALL {
        let home = planted();
        let said = format!("{HARMLESS}: it is {TOKEN}, read the note");
        let model = Model::replying(format, [reading(), reading()].concat());
        model.serve(&home);
        for ran in [
            home.run(["agent", "run", &said, "--conversation", "one"]),
            home.plain(["agent", "run", &said, "--conversation", "two"]),
        ] {
            assert_eq!(ran.code, Some(0), "{ran}");
            let printed = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!printed.contains(TOKEN) && !printed.contains(KEY), "{format}: {ran}");
            assert!(printed.contains("[redacted:token]") && printed.contains("[redacted:secret]"), "{ran}");
        }
        the_model_is_told_of_none(&model);
        nothing_is_kept(&home);
    }
}

#[test]
fn what_is_typed_at_a_terminal_or_sent_to_a_gateway_is_kept_nowhere() {
    let home = planted();
    let said = format!("{HARMLESS}: it is {TOKEN}, read the note");
    let model = Model::replying(Format::OpenAi, [reading(), reading()].concat());
    model.serve(&home);
    let mut chat = Terminal::start(&home, "agent chat");
    chat.says(&said);
    chat.wait_for("I have read it.\n");
    chat.says("/quit");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
    assert!(holding(&home.data(), HARMLESS).iter().any(|path| path.ends_with("chat-history")));
    nothing_is_kept(&home);

    let gateway = Gateway::start(&home);
    let answer = say(&gateway, "three", &said);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("[redacted:token]"), "{}", answer.text());
    assert!(!answer.text().contains(TOKEN) && !answer.text().contains(KEY), "{}", answer.text());
    assert!(!gateway.said().contains(TOKEN) && !gateway.said().contains(KEY), "{}", gateway.said());
    the_model_is_told_of_none(&model);
    nothing_is_kept(&home);
}

/// The paths below the data directory that hold a secret which the model said; its own words are kept in the conversation.
fn kept_beside_the_conversation(home: &Home) -> Vec<PathBuf> {
    let mut found = holding(&home.data(), TOKEN);
    found.extend(holding(&home.data(), ESCAPED));
    found.retain(|path| !path.to_string_lossy().contains("/sessions.db"));
    found
}

#[test]
fn a_secret_that_a_model_knows_all_the_same_is_passed_to_no_tool_and_noted_nowhere() {
    let home = planted();
    let written = |text: &str| format!(r#"{{"text":"{text}"}}"#);
    let twice = format!(r#"{{"text":"{ESCAPED}","text":"{HARMLESS}"}}"#);
    let line = written(&format!(r"{HARMLESS}\n{TOKEN}"));
    let named = format!(r#"{{"{ESCAPED}":"{HARMLESS}"}}"#);
    let replies = vec![
        call("acme__compute__echo", &written(TOKEN)),
        call("acme__compute__fail-with", &written(ESCAPED)),
        call("acme__compute__echo", &named),
        call("acme__compute__echo", &line),
        call("acme__reader__read", &format!(r#"{{"path":"/workspace/{TOKEN}"}}"#)),
        call("memory_note", &written(&format!("{HARMLESS} {TOKEN}"))),
        call("memory_note", &written(&format!("{HARMLESS} {ESCAPED}"))),
        call("memory_remember", &format!(r#"{{"fact":"the key is {ESCAPED}"}}"#)),
        call("memory_search", &format!(r#"{{"query":"{ESCAPED}"}}"#)),
        Reply::text("I tried."),
    ];
    // Of the formats, this one has arguments as the model wrote them.
    let model = Model::replying(Format::OpenAi, replies);
    model.serve(&home);
    let document = home.run(["agent", "run", HARMLESS]).json();
    let outcomes: Vec<_> = outcomes(&document).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes[..5], ["secret-in-arguments"; 5], "{document}");
    assert_eq!(outcomes[5..], ["ok"; 4], "{document}");
    let audit = home.run(["audit", "--last", "50"]).json();
    assert_eq!(audit, json!([]), "no tool was called");
    assert_eq!(kept_beside_the_conversation(&home), Vec::<PathBuf>::new());
    let kept = holding(&home.data().join("memories"), "[redacted:token]");
    assert!(kept.len() >= 2, "the notes are there: {kept:?}");

    // Of two keys of one name the tool is given the one that was looked at.
    let model =
        Model::replying(Format::OpenAi, vec![call("acme__compute__echo", &twice), Reply::text("So?")]);
    model.serve(&home);
    let ran = home.plain(["agent", "run", HARMLESS]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains(&format!(r#"acme/compute/echo {{"text":"{HARMLESS}"}} ok in"#)), "{ran}");
    assert!(!ran.stderr.contains(ESCAPED), "{ran}");

    // What is remembered is put before the model of the next conversation.
    let model = Model::replying(Format::Anthropic, vec![Reply::text("Nothing.")]);
    model.serve(&home);
    let next = home.plain(["agent", "run", "what is the key?"]);
    assert!(!format!("{next}").contains(TOKEN), "{next}");
    let asked = model.asked()[0].to_string();
    assert!(asked.contains("the key is [redacted:token]") && !asked.contains(TOKEN), "{asked}");
}

#[test]
fn a_server_that_repeats_the_key_has_it_said_to_nobody() {
    let home = planted();
    for (status, code) in [(401, "model-rejected"), (503, "model-unavailable"), (400, "model-rejected")] {
        for format in Format::ALL {
            let words = format!("{HARMLESS}: the key {KEY} is wrong");
            let body = match format {
                Format::Ollama => json!({ "error": words }),
                Format::Anthropic | Format::OpenAi => {
                    json!({ "error": { "message": words, "type": "some" } })
                }
            };
            let model = Model::always(format, Reply::error(status, body.to_string()));
            model.serve(&home);
            let ran = home.run(["agent", "run", &format!("{HARMLESS} {TOKEN}")]);
            ran.refused(code);
            let plain = home.plain(["agent", "run", HARMLESS]);
            for ran in [&ran, &plain] {
                let printed = format!("{}{}", ran.stdout, ran.stderr);
                assert!(!printed.contains(KEY) && !printed.contains(TOKEN), "{format}: {ran}");
            }
        }
    }
    nothing_is_kept(&home);
}

#[test]
fn a_secret_in_a_command_is_cut_before_the_tool_gets_it() {
    let trigger =
        "\n[[trigger]]\ntype = \"command\"\npattern = \"repeat .*\"\ntool = \"run\"\ninput = \"text\"\n";
    let schema = r#"{"type":"object","properties":{"text":{"type":"string"}}}"#;
    let tool = component::listing(&[("run", "Takes a text.", schema)]);
    let home = Home::with(&Skill::new("taker", tool).manifest_text(trigger));
    configure(&home, "");
    let model = Model::replying(Format::OpenAi, Vec::new());
    model.serve(&home);
    let ran = home.plain(["agent", "run", &format!("/repeat {HARMLESS} {TOKEN} {KEY}")]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let given = json!({ "text": format!("repeat {HARMLESS} [redacted:token] [redacted:secret]") });
    assert!(ran.stderr.contains(&format!("acme/taker/run {given}")), "{ran}");
    assert!(model.asked().is_empty());
    nothing_is_kept(&home);
}
