//! What holds of every format alike.

use super::*;
use crate::model::{Stop, Usage};

fn full() -> Answer {
    Answer {
        text: "Grüße, 世界! Two calls: ".to_owned(),
        calls: vec![
            call("call_a", "acme__clock__now", r#"{"zone":"Zürich"}"#),
            call("call_b", "no-such-tool", "{}"),
        ],
        usage: Usage { input: 20, cached: 0, output: 10 },
        ..Answer::default()
    }
}

/// Ollama names no calls.
fn unnamed(mut answer: Answer) -> Answer {
    for call in &mut answer.calls {
        call.id.clear();
    }
    answer
}

#[tokio::test]
async fn an_answer_is_the_same_whole_and_streamed_and_unknown_tools_are_passed_on() {
    for format in Format::ALL {
        for features in [ABLE, WHOLE] {
            let world = world(format, vec![Reply::answer(full())]).await;
            let answer = world.ask(features, &[user("hi")]).await.unwrap();
            if format == Format::Ollama {
                assert!(answer.calls[0].id != answer.calls[1].id && !answer.calls[0].id.is_empty());
                assert_eq!(unnamed(answer), unnamed(full()), "{format}");
            } else {
                assert_eq!(answer, full(), "{format}");
            }
            let pieces = world.heard();
            assert_eq!(pieces.concat(), full().text);
            assert_eq!(pieces.len() > 1, features.streaming, "{format}: {pieces:?}");
            assert_eq!(world.asked().body["stream"], features.streaming);
        }
    }
}

#[tokio::test]
async fn an_answer_is_the_same_wherever_it_is_split() {
    for format in Format::ALL {
        for piece in [1, 2, 3, 5, 7, 64, 1_000] {
            let reply = Reply::answer(full()).in_pieces_of(piece);
            let answer = one(format, reply).await.unwrap();
            assert_eq!(unnamed(answer), unnamed(full()), "{format} in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_anywhere_is_none() {
    let answer = Answer { text: "ä b".to_owned(), ..full() };
    for format in Format::ALL {
        // As much as every format needs before its last word.
        for end in (0..420).step_by(7) {
            let error = one(format, Reply::answer(answer.clone()).broken_after(end)).await.unwrap_err();
            assert_eq!(error.code(), "model-unavailable", "{format} after {end}: {error}");
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer_and_its_tokens_are_estimated() {
    for format in Format::ALL {
        for features in [ABLE, WHOLE] {
            let world = world(format, vec![Reply::text("")]).await;
            let answer = world.ask(features, &[user("hi")]).await.unwrap();
            assert!(answer.text.is_empty() && answer.calls.is_empty() && answer.stop == Stop::Done);
            assert!(answer.usage.input > 10 && world.heard().is_empty(), "{format}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_tokens_left_keeps_no_call_that_has_no_end() {
    let whole = call("a", "acme__clock__now", r#"{"zone":"UTC"}"#);
    let cut = call("b", "acme__clock__now", r#"{"zone":"U"#);
    let begun = call("c", "acme__clock__now", "");
    let answer = Answer { calls: vec![whole.clone(), cut, begun], stop: Stop::Length, ..full() };
    for format in [Format::Anthropic, Format::OpenAi] {
        let answer = one(format, Reply::answer(answer.clone())).await.unwrap();
        assert_eq!((answer.stop, answer.calls), (Stop::Length, vec![whole.clone()]), "{format}");
        let refused = Answer { stop: Stop::Refused, ..full() };
        let refused = one(format, Reply::answer(refused)).await.unwrap();
        assert!(refused.stop == Stop::Refused && refused.calls.is_empty(), "{format}");
    }
    let short = Answer { stop: Stop::Length, calls: Vec::new(), ..full() };
    assert_eq!(one(Format::Ollama, Reply::answer(short)).await.unwrap().stop, Stop::Length);
}

#[tokio::test]
async fn arguments_that_are_no_json_are_passed_on_as_they_are_written_and_told_as_an_object() {
    let broken = r#"{"zone": UTC,,"#;
    for format in [Format::Anthropic, Format::OpenAi] {
        let calls = Reply::calls(&[("call_a", "acme__clock__now", broken)]);
        let world = world(format, vec![calls, Reply::text("ok")]).await;
        let answer = world.ask(ABLE, &[user("hi")]).await.unwrap();
        assert_eq!(answer.calls[0].arguments, broken, "{format}");
        let results = vec![result("call_a", "acme__clock__now", "that is no JSON", true)];
        let messages = [
            user("hi"),
            Message::Assistant { text: answer.text, calls: answer.calls },
            Message::Tool { results },
        ];
        world.ask(ABLE, &messages).await.unwrap();
        assert!(world.asked().body.to_string().contains("unreadable"), "{format}");
    }
}

#[tokio::test]
async fn a_model_without_tools_is_told_of_earlier_calls_in_words() {
    let plain = Features { tools: false, ..ABLE };
    for format in Format::ALL {
        let world = world(format, vec![Reply::text("fine"), Reply::text("fine")]).await;
        world.ask(plain, &conversation()).await.unwrap();
        // The same where there is nothing to call any more.
        let question = Question { system: "", messages: &conversation(), tools: &[], max_tokens: Some(7) };
        world.provider.ask("m-1", ABLE, &question, &world.heard).await.unwrap();
        for asked in world.server.requests() {
            let text = asked.body.to_string();
            assert!(asked.body.get("tools").is_none(), "{format}: {text}");
            assert!(
                !text.contains("tool_use") && !text.contains("tool_calls") && !text.contains("tool_name")
            );
            for words in ["I look.", "acme__clock__now with these arguments", "noon", "failed with", "denied"]
            {
                assert!(text.contains(words), "{format}: {words} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn what_no_provider_takes_back_is_made_fit() {
    let (long, mad) = ("x".repeat(200), "rm -rf / ; ü\u{202e}");
    let once = |id: &str, tool: &str, arguments: &str| {
        let calls = vec![call(id, tool, arguments)];
        let results = vec![result(id, tool, "no", true)];
        [Message::Assistant { text: " ".to_owned(), calls }, Message::Tool { results }]
    };
    let mut messages = vec![user("  ")];
    // Twice the same name, one that is too long, one of a stranger's alphabet, and tools that are none.
    for (id, name, arguments) in [
        ("a", "", "[1]"),
        ("a", long.as_str(), "null"),
        (long.as_str(), mad, "\"x\""),
        ("functions.x:0 ü", "ok", "{"),
    ] {
        messages.extend(once(id, name, arguments));
    }
    messages.push(Message::Assistant { text: String::new(), calls: Vec::new() });
    messages.extend([user("a"), user("b")]);
    for format in Format::ALL {
        let world = world(format, vec![Reply::text("fine")]).await;
        // The server refuses what real ones refuse.
        let answer = world.ask(ABLE, &messages).await.unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(answer.text, "fine");
    }
}

#[tokio::test]
async fn the_tokens_of_an_answer_are_the_fewer_of_those_asked_and_those_of_the_model() {
    for format in Format::ALL {
        for (asked, most) in [(None, 1_000), (Some(7), 7), (Some(5_000), 1_000), (Some(0), 1)] {
            let world = world(format, vec![Reply::text("fine")]).await;
            let messages = [user("hi")];
            let question = Question { system: "", messages: &messages, tools: &[], max_tokens: asked };
            world.provider.ask("m-1", ABLE, &question, &world.heard).await.unwrap();
            let body = world.asked().body;
            let field =
                if format == Format::Ollama { &body["options"]["num_predict"] } else { &body["max_tokens"] };
            assert_eq!(field, most, "{format}");
        }
    }
}

#[tokio::test]
async fn a_dropped_question_ends_its_connection() {
    let reply = Reply::repeated("text/event-stream", "", ": wait\n\n", usize::MAX);
    let world = world(Format::OpenAi, vec![reply, Reply::text("next")]).await;
    let messages = [user("hi")];
    tokio::select! {
        biased;
        answer = world.ask(ABLE, &messages) => panic!("{answer:?}"),
        () = async { while world.server.requests().is_empty() { tokio::task::yield_now().await; } } => {}
    }
    assert_eq!(world.ask(ABLE, &[user("hi")]).await.unwrap().text, "next");
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let error = "open-ai".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("open-ai") && error.contains("openai"), "{error}");
}
