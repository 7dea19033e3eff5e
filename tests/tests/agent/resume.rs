//! A process that is killed in the middle of a call, and the next one that goes on.

use std::process::Stdio;
use std::time::{Duration, Instant};

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::Home;

use super::scene::{Model, call, home, outcomes};

/// Says something in the conversation `long`, and kills the command once it has said all of these.
fn killed_when(home: &Home, text: &str, words: &[&str]) {
    let mut command = home.command();
    command.args(["agent", "run", text, "--conversation", "long"]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let mut stderr = child.stderr.take().unwrap();
    let mut said = String::new();
    while !words.iter().all(|words| said.contains(words)) {
        let mut piece = [0; 512];
        let read = std::io::Read::read(&mut stderr, &mut piece).unwrap();
        said.push_str(&String::from_utf8_lossy(&piece[..read]));
        assert!(read > 0 && begun.elapsed() < Duration::from_secs(120), "{said}");
    }
    // SIGKILL: nothing of it is told first.
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_was_killed_goes_on_where_it_was_and_says_so() {
    for format in Format::ALL {
        let home = home();
        let replies = vec![
            call("acme__compute__sleep", r#"{"milliseconds":60000}"#),
            Reply::text("Then I do not know."),
            Reply::text("And now?"),
        ];
        let model = Model::replying(format, replies);
        model.serve(&home);
        killed_when(&home, "sleep long", &["running acme/compute/sleep"]);

        let document = home.run(["agent", "run", "what came of it?", "--conversation", "long"]).json();
        let notices = document["notices"].to_string();
        assert!(
            notices.contains("the host was stopped in the middle of this conversation"),
            "{format}: {document}"
        );
        assert_eq!(document["steps"][0]["outcome"], "interrupted", "{format}: {document}");
        assert_eq!(document["text"], "And now?", "{format}");
        let asked = model.asked();
        assert_eq!(asked.len(), 3, "{format}: the call was not asked for again");
        assert!(asked[1].to_string().contains("Nobody knows what it did"), "{format}: {}", asked[1]);
        assert!(asked[2].to_string().contains("what came of it?"), "{format}");
    }
}

/// How often an agent has noted something.
fn noted(home: &Home, text: &str) -> usize {
    let Ok(dir) = std::fs::read_dir(home.data().join("memories/coder")) else { return 0 };
    let files =
        dir.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    files.map(|path| std::fs::read_to_string(path).unwrap().matches(text).count()).sum()
}

#[test]
fn a_note_that_was_being_made_beside_a_call_is_there_once_and_the_model_is_told_of_both() {
    const NOTE: &str = "the build takes an hour";
    // Killed while both run, and while only the other call does.
    for (words, is_noted) in [
        (["running memory_note", "running acme/compute/sleep"], false),
        (["memory_note {\"text\":\"the build takes an hour\"} ok in ", "running acme/compute/sleep"], true),
    ] {
        for format in Format::ALL {
            let home = home();
            let note = format!(r#"{{"text":"{NOTE}"}}"#);
            let both = Reply::calls(&[
                ("call-1", "memory_note", note.as_str()),
                ("call-2", "acme__compute__sleep", r#"{"milliseconds":60000}"#),
            ]);
            let model = Model::replying(format, vec![both, Reply::text("I see."), Reply::text("Now?")]);
            model.serve(&home);
            killed_when(&home, "note it and sleep", &words);
            let before = noted(&home, NOTE);
            assert!(before == 1 || (!is_noted && before == 0), "{format}: noted {before} times");

            let document = home.run(["agent", "run", "what came of it?", "--conversation", "long"]).json();
            let outcomes = outcomes(&document);
            assert_eq!(outcomes.len(), 2, "{format}: {document}");
            assert!(
                outcomes[0].0 == "memory_note" && ["ok", "interrupted"].contains(&outcomes[0].1),
                "{document}"
            );
            assert_eq!(outcomes[1].1, "interrupted", "{format}: {document}");
            if outcomes[0].1 == "ok" {
                assert_eq!(before, 1, "{format}: what is said to be noted is");
            }
            assert_eq!(noted(&home, NOTE), before, "{format}: it is not made again");
            let asked = model.asked();
            assert_eq!(asked.len(), 3, "{format}");
            let text = asked[1].to_string();
            let told = text.matches("Nobody knows what it did").count() + text.matches("Noted.").count();
            assert_eq!(told, 2, "{format}: {text}");
            assert_eq!(document["text"], "Now?", "{format}");
        }
    }
}
