//! One turn: what is called, what is printed, and what ends it.

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use super::scene::{KEY, Model, call, configure, costly, home, outcomes};
use super::terminal::Terminal;

#[test]
fn a_model_calls_a_tool_and_is_told_what_came_of_it() {
    for format in Format::ALL {
        let home = home();
        let model = Model::replying(
            format,
            vec![call("acme__compute__sleep", r#"{"milliseconds":1}"#), costly("It slept.", 100, 10)],
        );
        model.serve(&home);
        let document = home.run(["agent", "run", "sleep a little"]).json();
        assert_eq!((&document["text"], &document["reason"]), (&json!("It slept."), &json!("done")));
        assert_eq!(outcomes(&document), [("acme/compute/sleep", "ok")], "{document}");
        assert_eq!(document["agent"], "coder");
        assert!(document["usage"]["input"].as_u64().unwrap() >= 100, "{document}");
        assert!(document["cost"].as_u64().unwrap() >= 120, "{document}");
        let asked = model.asked();
        assert_eq!(asked.len(), 2, "{format}");
        let text = asked[1].to_string();
        assert!(text.contains("You are terse.") && text.contains("slept"), "{format}: {text}");
        let record = home.last_record();
        assert_eq!(
            (&record["tool"], &record["caller"]),
            (&json!("acme/compute/sleep"), &json!("agent:coder"))
        );
        // Ollama's own is asked without a key by nobody; this one has one.
        assert!(model.keys().iter().all(|key| key == KEY), "{format}: {:?}", model.keys());
    }
}

#[test]
fn for_people_the_words_are_data_and_all_else_is_beside_them() {
    let home = home();
    let model = Model::replying(
        Format::OpenAi,
        vec![call("acme__compute__sleep", r#"{"milliseconds":1}"#), Reply::text("Done.\u{1b}[2J\u{202e}")],
    );
    model.serve(&home);
    let ran = home.plain(["agent", "run", "--agent", "coder", "sleep"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stdout, "Done.\\u{1b}[2J\\u{202e}\n");
    assert!(ran.stderr.contains("running acme/compute/sleep"), "{ran}");
    assert!(ran.stderr.contains("acme/compute/sleep {\"milliseconds\":1} ok in "), "{ran}");
    assert!(ran.stderr.contains(" tokens, $0."), "{ran}");
}

#[test]
fn a_tool_that_there_is_not_and_one_that_fails_are_told_to_the_model() {
    for format in Format::ALL {
        let home = home();
        let model = Model::replying(
            format,
            vec![
                call("acme__compute__fly", "{}"),
                call("acme__compute__fail-with", r#"{"text":"no wings"}"#),
                Reply::text("I give up."),
            ],
        );
        model.serve(&home);
        let document = home.run(["agent", "run", "fly"]).json();
        let expected = [("acme__compute__fly", "unknown-tool"), ("acme/compute/fail-with", "tool-failed")];
        assert_eq!(outcomes(&document), expected, "{format}: {document}");
        assert_eq!(document["text"], "I give up.");
        assert!(model.asked()[2].to_string().contains("no wings"), "{format}");
    }
}

#[test]
fn arguments_that_are_no_json_are_told_to_the_model() {
    for format in [Format::Anthropic, Format::OpenAi] {
        let home = home();
        let replies = vec![call("acme__compute__sleep", r#"{"milliseconds":"#), Reply::text("Sorry.")];
        let model = Model::replying(format, replies);
        model.serve(&home);
        let document = home.run(["agent", "run", "sleep"]).json();
        assert_eq!(outcomes(&document)[0].1, "malformed-arguments", "{format}: {document}");
        assert_eq!(document["text"], "Sorry.");
    }
}

#[test]
fn a_model_that_is_busy_or_breaks_off_is_asked_again_and_nothing_is_said_twice() {
    for format in Format::ALL {
        let home = home();
        let broken = Reply::text("This is never whole.").in_pieces_of(9).broken_after(60);
        let model = Model::replying(format, vec![Reply::busy(0), broken, Reply::text("Whole.")]);
        model.serve(&home);
        let document = home.run(["agent", "run", "hello"]).json();
        assert_eq!((&document["text"], &document["reason"]), (&json!("Whole."), &json!("done")), "{format}");
        assert_eq!(model.asked().len(), 3, "{format}");
        let model = Model::replying(format, vec![Reply::text("Once.").in_pieces_of(3)]);
        model.serve(&home);
        assert_eq!(home.plain(["agent", "run", "hello"]).success(), "Once.\n", "{format}");
    }
}

#[test]
fn an_answer_of_nothing_is_the_end() {
    for format in Format::ALL {
        let home = home();
        let model = Model::replying(format, vec![Reply::text("")]);
        model.serve(&home);
        let document = home.run(["agent", "run", "hello"]).json();
        assert_eq!((&document["text"], &document["reason"]), (&json!(""), &json!("done")), "{format}");
    }
}

#[test]
fn limits_end_a_turn_that_would_go_on_for_ever_and_say_which() {
    let home = home();
    let for_ever = call("acme__compute__sleep", r#"{"milliseconds":1}"#);
    let model = Model::always(Format::OpenAi, for_ever);
    model.serve(&home);
    let limits = [
        (["--max-steps", "3"], "steps", "steps-exhausted"),
        (["--max-tokens", "1"], "tokens", "tokens-exhausted"),
        (["--max-cost", "0.000001"], "cost", "cost-exhausted"),
        (["--max-time", "400"], "time", "timeout"),
    ];
    for (limit, reason, code) in limits {
        let ran = home.run(["agent", "run", "go on", limit[0], limit[1]]);
        assert_eq!((ran.refused(code).exit, ran.code), (5, Some(5)), "{ran}");
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["reason"], reason, "{document}");
        assert!(ran.error().hint().contains("--conversation"), "{ran}");
    }
    configure(&home, ", limits: { steps: 2 }");
    let ran = home.run(["agent", "run", "go on", "--max-steps", "9"]);
    ran.refused("steps-exhausted");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(outcomes(&document).len(), 2, "the configuration's limit is the lower one: {document}");
}

#[test]
fn a_model_that_fails_is_an_error_of_its_class() {
    let home = home();
    let down = Model::always(Format::OpenAi, Reply::error(503, "{}"));
    down.serve(&home);
    assert_eq!(home.run(["agent", "run", "hello"]).refused("model-unavailable").exit, 7);
    let body = r#"{"error":{"message":"who are you?","type":"authentication_error"}}"#;
    let strict = Model::always(Format::OpenAi, Reply::error(401, body));
    strict.serve(&home);
    let ran = home.run(["agent", "run", "hello"]);
    assert_eq!(ran.refused("model-rejected").exit, 3);
    assert!(!format!("{ran}").contains(KEY), "{ran}");
}

#[test]
fn a_conversation_goes_on_where_it_is_named_and_a_message_may_come_by_a_pipe() {
    let home = home();
    let model = Model::replying(
        Format::Anthropic,
        vec![Reply::text("One."), Reply::text("Two."), Reply::text("Three.")],
    );
    model.serve(&home);
    let begun =
        home.run_with_input(["agent", "run", "-", "--conversation", "work"], b"the first thing\n").json();
    assert_eq!((&begun["conversation"], &begun["text"]), (&json!("work"), &json!("One.")));
    home.run(["agent", "run", "the second thing", "--conversation", "work"]).json();
    let apart = home.run(["agent", "run", "the third thing"]).json();
    let asked = model.asked();
    assert!(asked[1].to_string().contains("the first thing") && asked[1].to_string().contains("One."));
    assert!(!asked[2].to_string().contains("the first thing"), "a new one knows nothing of it");
    assert_ne!(apart["conversation"], "work");
    home.run(["agent", "run", "  "]).refused("invalid-message");
    home.run(["agent", "run", "x", "--conversation", ""]).refused("invalid-conversation");
}

#[test]
fn a_call_that_can_change_something_waits_for_a_yes_that_nobody_gives_or_that_was_given() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "write"));
    configure(&home, "");
    let write = || call("acme__files__write", r#"{"path":"/workspace/note.txt","text":"hi"}"#);
    let model =
        Model::replying(Format::OpenAi, vec![write(), Reply::text("No."), write(), Reply::text("Yes.")]);
    model.serve(&home);
    let note = home.workspace().join("note.txt");
    let refused = home.run(["agent", "run", "write it"]).json();
    assert_eq!(outcomes(&refused), [("acme__files__write", "not-approved")], "{refused}");
    assert!(!note.exists());
    let made = home.run(["agent", "run", "write it", "--approve", "acme/files/write"]).json();
    assert_eq!(outcomes(&made), [("acme/files/write", "ok")], "{made}");
    assert!(note.exists());
}

#[test]
fn a_command_of_a_skill_is_called_without_the_model() {
    let trigger = "\n[[trigger]]\ntype = \"command\"\npattern = \"repeat( .*)?\"\ntool = \"echo\"\n";
    let home = Home::with(&Skill::guest("compute").manifest_text(trigger));
    configure(&home, "");
    let model = Model::replying(Format::OpenAi, Vec::new());
    model.serve(&home);
    let document = home.run(["agent", "run", "/repeat it"]).json();
    assert_eq!(outcomes(&document), [("acme/compute/echo", "ok")], "{document}");
    assert!(document["text"].as_str().unwrap().contains(r#"{"text":""}"#), "{document}");
    let mut chat = Terminal::start(&home, "agent chat");
    chat.says("/repeat it");
    chat.wait_for("acme/compute/echo {} ok in ");
    chat.wait_for("\n{\"text\":\"\"}\n");
    chat.says("/quit");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
    assert!(model.asked().is_empty());
    home.run(["trigger", "pause", "acme/compute"]).json();
    let model = Model::replying(Format::OpenAi, vec![Reply::text("What is that?")]);
    model.serve(&home);
    let paused = home.run(["agent", "run", "/repeat it"]).json();
    assert!(outcomes(&paused).is_empty(), "{paused}");
}
