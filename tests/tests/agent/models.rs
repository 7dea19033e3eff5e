//! Several models behind one agent: who is asked, how often, how many at once, and what a small one is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::{Gateway, Home, Skill, component};
use serde_json::{Value, json};

use super::scene::{Model, call, home, outcomes, say};

/// A home whose agent asks by a route of two models, with more of `models.yaml`.
fn routed(one: &Model, two: &Model, route: &str, rest: &str) -> Home {
    let home = home();
    let text = format!(
        "providers:\n  first: {}\n  second: {}\n\
         models:\n  one: {{ provider: first, model: one-1, priority: 2 }}\n  two: {{ provider: second, model: two-1 }}\n\
         routes:\n  scripted: {{ models: [two, one] {route} }}\n\
         retries: {{ attempts: 2, first_delay: 1, most_delay: 5 }}\n{rest}",
        one.provider(),
        two.provider(),
    );
    std::fs::write(home.data().join("models.yaml"), text).unwrap();
    home
}

/// What a gateway answered.
fn words(answer: openclaw_tests::http::Answer) -> String {
    let document = answer.value();
    document["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{document}")).to_owned()
}

#[test]
fn where_the_first_model_fails_the_next_one_answers_and_where_all_do_the_reasons_are_told() {
    let down = || Reply::error(503, r#"{"error":{"message":"down"}}"#);
    for format in Format::ALL {
        let one = Model::always(format, down());
        let two = Model::always(Format::OpenAi, Reply::text("Two."));
        let home = routed(&one, &two, "", "");
        let document = home.run(["agent", "run", "hello"]).json();
        assert_eq!(document["text"], "Two.", "{format}");
        assert_eq!((one.asked().len(), two.asked().len()), (2, 1), "{format}: by priority, twice");
        assert_eq!((&one.asked()[0]["model"], &two.asked()[0]["model"]), (&json!("one-1"), &json!("two-1")));
    }
    let (one, two) = (Model::always(Format::OpenAi, down()), Model::always(Format::OpenAi, down()));
    let home = routed(&one, &two, "", "");
    let error = home.run(["agent", "run", "hello"]).refused("model-unavailable");
    assert!(error.message.contains("one") && error.message.contains("two"), "{error:?}");
}

#[test]
fn models_are_asked_in_turn_where_the_route_says_so() {
    let one = Model::always(Format::OpenAi, Reply::text("One."));
    let two = Model::always(Format::OpenAi, Reply::text("Two."));
    let home = routed(&one, &two, ", order: round-robin", "");
    let gateway = Gateway::start(&home);
    let said: Vec<_> = (0..4).map(|turn| words(say(&gateway, &format!("c{turn}"), "hello"))).collect();
    assert!(said[0] != said[1] && said[..2] == said[2..], "{said:?}");
    assert_eq!((one.asked().len(), two.asked().len()), (2, 2));
}

#[test]
fn a_model_that_fails_again_and_again_is_spared() {
    let one = Model::always(Format::OpenAi, Reply::error(500, "{}"));
    let two = Model::always(Format::OpenAi, Reply::text("Two."));
    let home = routed(&one, &two, "", "breaker: { failures: 4, open: 3600000 }\n");
    let gateway = Gateway::start(&home);
    for turn in 0..5 {
        assert_eq!(words(say(&gateway, &format!("c{turn}"), "hello")), "Two.");
    }
    assert_eq!((one.asked().len(), two.asked().len()), (4, 5), "twice in each of two turns, then no more");
}

#[test]
fn the_same_question_is_asked_once_where_answers_are_kept_and_another_one_is_asked() {
    let model = Model::always(Format::OpenAi, super::scene::costly("Forty-two.", 100, 10));
    let home = home();
    let cached = |rest: &str| std::fs::write(home.data().join("models.yaml"), model.yaml() + rest).unwrap();
    cached("");
    let uncached = Gateway::start(&home);
    for turn in 0..2 {
        assert_eq!(words(say(&uncached, &format!("u{turn}"), "what is it?")), "Forty-two.");
    }
    assert_eq!(model.asked().len(), 2, "nothing is kept where nothing is said");
    drop(uncached);
    cached("cache: { entries: 16, time: 3600000 }\n");
    let gateway = Gateway::start(&home);
    let first = say(&gateway, "a", "what is it?").value();
    let second = say(&gateway, "b", "what is it?").value();
    assert_eq!(model.asked().len(), 3);
    assert_eq!(first["choices"][0]["message"], second["choices"][0]["message"]);
    assert_eq!((&first["usage"]["total_tokens"], &second["usage"]["total_tokens"]), (&json!(110), &json!(0)));
    say(&gateway, "c", "what is it not?").ok();
    say(&gateway, "a", "what is it?").ok();
    assert_eq!(model.asked().len(), 5, "another question, and another conversation before it");
}

/// A model that waits in each answer until so many are asked at once, or for a while; and how many were.
fn counting(wanted: usize, patience: Duration) -> (Model, Arc<AtomicUsize>) {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let model = Model::answering(Format::OpenAi, move |_| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let begun = Instant::now();
        // The server's other tasks go on meanwhile.
        tokio::task::block_in_place(|| {
            while seen.load(Ordering::SeqCst) < wanted && begun.elapsed() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        now.fetch_sub(1, Ordering::SeqCst);
        Reply::text("Counted.")
    });
    (model, most)
}

#[test]
fn so_many_questions_are_asked_at_once_as_the_limit_says() {
    for (limits, wanted, patience, most) in [
        ("", 3, Duration::from_secs(30), 3),
        (", limits: { concurrent: 1 }", 2, Duration::from_millis(400), 1),
    ] {
        let (model, seen) = counting(wanted, patience);
        let home = home();
        let text = format!(
            "providers:\n  here: {}\nmodels:\n  scripted: {{ provider: here, model: m {limits} }}\n",
            model.provider()
        );
        std::fs::write(home.data().join("models.yaml"), text).unwrap();
        let gateway = Gateway::start(&home);
        std::thread::scope(|scope| {
            for turn in 0..3 {
                let gateway = &gateway;
                scope
                    .spawn(move || assert_eq!(words(say(gateway, &format!("c{turn}"), "hello")), "Counted."));
            }
        });
        assert_eq!((model.asked().len(), seen.load(Ordering::SeqCst)), (3, most), "{limits}");
    }
}

#[test]
fn a_small_model_is_shown_a_list_and_finds_what_it_calls() {
    let names =
        ["alfa", "bravo", "delta", "echo", "golf", "hotel", "india", "kilo", "lima", "mike", "oscar", "papa"];
    let words = names.map(|name| format!("Does {name}. {}", "It is described at length. ".repeat(7)));
    let tools: Vec<_> = names
        .into_iter()
        .zip(&words)
        .map(|(name, words)| (name, words.as_str(), r#"{"type":"object"}"#))
        .collect();
    let many = Skill::new("jobs", component::listing(&tools));
    for format in Format::ALL {
        let home = home();
        home.install(&many);
        let model = Model::replying(
            format,
            vec![
                call("find_tools", r#"{"query":"kilo"}"#),
                call("acme__jobs__kilo", "{}"),
                Reply::text("It is done."),
            ],
        );
        let text = format!(
            "providers:\n  here: {}\n\
             models:\n  scripted: {{ provider: here, model: m, context: 2000, max_output: 400 }}\n",
            model.provider()
        );
        std::fs::write(home.data().join("models.yaml"), text).unwrap();
        let document = home.run(["agent", "run", "do kilo"]).json();
        let expected = [("find_tools", "ok"), ("acme/jobs/kilo", "ok")];
        assert_eq!(outcomes(&document), expected, "{format}: {document}");
        let asked = model.asked();
        let tools = |asked: &Value| asked["tools"].to_string();
        assert!(
            tools(&asked[0]).contains("find_tools") && !tools(&asked[0]).contains("acme__"),
            "{format}: {}",
            asked[0]
        );
        assert!(
            asked[0].to_string().contains("acme/jobs: alfa, bravo, "),
            "{format}: the list: {}",
            asked[0]
        );
        assert!(tools(&asked[1]).contains("acme__jobs__kilo"), "{format}: {}", asked[1]);
        for asked in &asked {
            assert!(
                asked.to_string().len() < 12_000,
                "{format}: a question of {} bytes",
                asked.to_string().len()
            );
        }
    }
}
