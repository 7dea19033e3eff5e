//! A conversation at a terminal.

use std::os::unix::fs::PermissionsExt as _;

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;

use openclaw_tests::{Home, Skill};

use super::scene::{KEY, Model, call, configure, home};
use super::terminal::Terminal;

#[test]
fn a_chat_streams_shows_calls_and_knows_its_own_words() {
    let home = home();
    let model = Model::replying(
        Format::Anthropic,
        vec![
            Reply::text("Hello \u{1b}[31mAda.\u{202e}").in_pieces_of(40),
            call("acme__compute__sleep", r#"{"milliseconds":1}"#),
            Reply::text("It slept."),
            Reply::text("Two lines."),
        ],
    );
    model.serve(&home);
    let mut chat = Terminal::start(&home, "agent chat --conversation talk");
    chat.wait_for("coder answers, by the model scripted");
    chat.says("/help");
    chat.wait_for("/quit     leave");
    chat.says("hello");
    chat.wait_for("Hello \\u{1b}[31mAda.\\u{202e}\n");
    chat.wait_for(" tokens, $0.");
    chat.says("sleep");
    chat.wait_for("acme/compute/sleep {\"milliseconds\":1} ok in ");
    chat.wait_for("It slept.\n");
    chat.says("/tools");
    chat.wait_for("acme/compute/sleep  can change nothing");
    chat.says("/cost");
    chat.wait_for(" tokens of questions, ");
    chat.says("one\\");
    chat.wait_for("… ");
    chat.keys(&format!("two {KEY}\r"));
    chat.wait_for("Two lines.\n");
    chat.says("/history");
    chat.wait_for("> hello\n");
    chat.wait_for("> one\ntwo");
    chat.says("/new");
    chat.says("/history");
    chat.wait_for("nothing was said yet");
    chat.wait_for("> ");
    chat.keys("\u{4}");
    chat.wait_for("to go on: openclaw agent chat --agent coder --conversation ");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());

    let asked = model.asked();
    assert!(asked[3].to_string().contains("one\\ntwo"), "{}", asked[3]);
    let history = home.data().join("chat-history");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(&history).unwrap();
    assert!(
        kept.contains("hello") && kept.contains("two [redacted:secret]") && !kept.contains(KEY),
        "{kept}"
    );
}

#[test]
fn ctrl_c_ends_a_turn_and_its_call_and_twice_leaves() {
    let home = home();
    let model = Model::replying(
        Format::OpenAi,
        vec![call("acme__compute__sleep", r#"{"milliseconds":60000}"#), Reply::text("Awake.")],
    );
    model.serve(&home);
    let mut chat = Terminal::start(&home, "agent chat");
    chat.says("sleep");
    chat.wait_for("running acme/compute/sleep");
    chat.keys("\u{3}");
    chat.wait_for("the turn is being ended");
    chat.wait_for("cancelled");
    chat.says("wake up");
    chat.wait_for("Awake.\n");
    chat.wait_for("> ");
    chat.keys("\u{3}");
    chat.wait_for("Ctrl-C again leaves");
    chat.wait_for("> ");
    chat.keys("\u{3}");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
    assert_eq!(home.last_record()["outcome"], "cancelled");
}

#[test]
fn the_latest_conversation_goes_on_and_programs_are_told_to_run_instead() {
    let home = home();
    let model = Model::replying(Format::OpenAi, vec![Reply::text("One."), Reply::text("Two.")]);
    model.serve(&home);
    home.run(["agent", "chat", "--continue", "--json"]).refused("usage");
    let none = home.plain(["agent", "chat", "--continue"]);
    assert_eq!(none.code, Some(4), "{none}");
    home.run(["agent", "run", "the first thing"]).json();
    let mut chat = Terminal::start(&home, "agent chat --continue");
    chat.says("the second thing");
    chat.wait_for("Two.\n");
    chat.says("/quit");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
    assert!(model.asked()[1].to_string().contains("the first thing"));
}

#[test]
fn a_grant_that_is_missing_and_what_a_skill_asks_are_put_to_whoever_sits_there() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    home.install(&Skill::guest("ask").ask());
    configure(&home, "");
    let config = home.data().join("config.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}skills: {{ security_level: moderate }}\n")).unwrap();
    std::fs::write(home.workspace().join("note.txt"), "the note").unwrap();
    let read = || call("acme__files__read", r#"{"path":"/workspace/note.txt"}"#);
    let ask = call("acme__ask__put", r#"{"text":"Which?","choices":["red","blue"]}"#);
    let model = Model::replying(
        Format::OpenAi,
        vec![read(), Reply::text("Read."), read(), Reply::text("Again."), ask, Reply::text("Blue, then.")],
    );
    model.serve(&home);
    let mut chat = Terminal::start(&home, "agent chat");
    chat.says("read it");
    chat.wait_for("acme/files asks for filesystem:read $workspace");
    chat.wait_for("Grant it, for this and later calls? y or n:");
    chat.keys("y\r");
    chat.wait_for("acme/files/read {\"path\":\"/workspace/note.txt\"} ok in ");
    chat.wait_for("Read.\n");
    chat.says("and again");
    chat.wait_for("ok in ");
    chat.wait_for("Again.\n");
    chat.says("ask me");
    chat.wait_for("acme/ask asks:\n    Which?\n  1) red\n  2) blue\n");
    chat.keys("2\r");
    chat.wait_for("Blue, then.\n");
    chat.says("/quit");
    assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
    assert_eq!(chat.shown().matches("Grant it").count(), 1, "{}", chat.shown());
    assert!(model.asked()[5].to_string().contains("blue"));
}
