//! What becomes of questions.

use super::*;

const ROUTE: &str = "routes: { r: { models: [a, b, c] } }\n";
const PLAIN: [(&str, &str); 3] = [("a", ""), ("b", ""), ("c", "")];

#[tokio::test(start_paused = true)]
async fn a_model_that_answers_is_asked_once_and_named() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    let notes = Notes::default();
    let answer = ask_with(&models, "b", "hi", &notes).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.model.as_str()), ("b", "b"));
    assert_eq!(*notes.0.lock().unwrap(), ["b"]);
    assert_eq!(world.fake.asked(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_model_is_asked_again_ever_later_and_then_the_next_one() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(unavailable(), 3));
    let begin = Instant::now();
    assert_eq!(ask(&models, "r").await.unwrap().text, "b");
    assert_eq!(world.fake.asked(), ["a", "a", "a", "b"]);
    // 500 and 1000 ms, each with as much again by chance at most.
    assert!((1500..=3002).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    let totals = models.totals()["a"];
    assert_eq!((totals.asked, totals.failures, totals.retries, totals.answers), (3, 3, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_never_longer_than_the_longest() {
    let world = World::default();
    let rest = "retries: { attempts: 10, first_delay: 1000, most_delay: 2000 }\nbreaker: { failures: 100 }\n";
    let models = models(&world, &[("a", "")], rest);
    world.fake.script("a", failing(unavailable(), 10));
    let begin = Instant::now();
    assert_eq!(ask(&models, "a").await, Err(unavailable()));
    assert_eq!(world.fake.asked().len(), 10);
    assert!(begin.elapsed() <= Duration::from_millis(9 * 2001), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_asked_for_again() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(ModelError::Malformed("?".to_owned()), 1));
    assert_eq!(ask(&models, "r").await.unwrap().text, "a");
    assert_eq!(world.fake.asked(), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_rejects_is_never_asked_again_but_the_next_one_is() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(rejected(), 1));
    world.fake.script("b", failing(ModelError::TooLong("long".to_owned()), 1));
    assert_eq!(ask(&models, "r").await.unwrap().text, "c");
    assert_eq!(world.fake.asked(), ["a", "b", "c"]);
    world.fake.script("a", failing(rejected(), 1));
    assert_eq!(ask(&models, "a").await, Err(rejected()));
    assert_eq!(world.fake.asked(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_is_left_alone_for_as_long_as_it_says() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(throttled(Some(20)), 1));
    let begin = Instant::now();
    assert_eq!(ask(&models, "r").await.unwrap().text, "a");
    assert_eq!(begin.elapsed().as_secs(), 20);
    assert_eq!(world.fake.asked(), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_wants_to_be_left_alone_for_too_long_is_passed_over_by_all() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(throttled(Some(31)), 1));
    let begin = Instant::now();
    assert_eq!(ask(&models, "r").await.unwrap().text, "b");
    assert_eq!(ask(&models, "r").await.unwrap().text, "b");
    assert_eq!(world.fake.asked(), ["a", "b", "b"]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    let alone = ask(&models, "a").await.unwrap_err();
    assert!(matches!(alone, ModelError::Throttled { retry_after: Some(left), .. } if left.as_secs() == 31));
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(ask(&models, "r").await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_answers_the_most_hopeful_kind_is_told_and_all_reasons() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", failing(rejected(), 9));
    world.fake.script("b", failing(throttled(Some(60)), 9));
    world.fake.script("c", failing(throttled(Some(40)), 9));
    let ModelError::Throttled { reason, retry_after } = ask(&models, "r").await.unwrap_err() else {
        panic!("it may be asked later");
    };
    assert_eq!(reason, "a: no; b: slowly; c: slowly");
    assert_eq!(retry_after, Some(Duration::from_secs(40)));
    world.fake.script("a", failing(unavailable(), 9));
    assert!(matches!(ask(&models, "r").await, Err(ModelError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_is_said_to_be_void_before_anything_is_asked_anew() {
    let world = World::default();
    let models = models(&world, &PLAIN, ROUTE);
    world.fake.script("a", [Act::BreakOff("on"), Act::Fail(unavailable()), Act::BreakOff("one")]);
    let notes = Notes::default();
    assert_eq!(ask_with(&models, "r", "hi", &notes).await.unwrap().text, "b");
    assert_eq!(*notes.0.lock().unwrap(), ["on", "(anew)", "one", "(anew)", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_keeps_failing_is_spared_and_then_asked_by_one_question() {
    let world = World::default();
    let rest = format!("{ROUTE}retries: {{ attempts: 1 }}\nbreaker: {{ failures: 2, open: 60000 }}\n");
    let models = models(&world, &PLAIN, &rest);
    world.fake.script("a", [failing(unavailable(), 2), vec![Act::Wait(Duration::from_secs(5))]].concat());
    for _ in 0..3 {
        assert_eq!(ask(&models, "r").await.unwrap().text, "b");
    }
    assert_eq!(world.fake.asked(), ["a", "b", "a", "b", "b"]);
    assert!(models.totals()["a"].spared && !models.totals()["b"].spared);
    let alone = ask(&models, "a").await.unwrap_err();
    assert_eq!(
        alone,
        ModelError::Unavailable("the model a kept failing; it is tried again in 60 s".to_owned())
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    let answers = join_all((0..3).map(|_| ask(&models, "r"))).await;
    let answers: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().text).collect();
    assert_eq!(answers, ["a", "b", "b"], "one finds out, the others go elsewhere");
    assert_eq!(ask(&models, "r").await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_spared_meanwhile_is_not_asked_again() {
    let world = World::default();
    let models = models(&world, &PLAIN, &format!("{ROUTE}breaker: {{ failures: 2 }}\n"));
    world.fake.script("a", failing(unavailable(), 9));
    let begin = Instant::now();
    assert_eq!(ask(&models, "r").await.unwrap().text, "b");
    assert_eq!(world.fake.asked(), ["a", "a", "b"]);
    assert!(begin.elapsed() <= Duration::from_millis(1001), "nor waited for: {:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn refusals_and_slowness_do_not_count_as_failing() {
    let world = World::default();
    let models = models(&world, &PLAIN, &format!("{ROUTE}breaker: {{ failures: 1 }}\n"));
    world.fake.script("a", [Act::Fail(rejected()), Act::Fail(throttled(None))]);
    assert_eq!(ask(&models, "a").await, Err(rejected()));
    assert_eq!(ask(&models, "a").await.unwrap().text, "a");
    assert!(!models.totals()["a"].spared);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_nobody_waits_for_any_more_leaves_its_place() {
    let world = World::default();
    let models = models(
        &world,
        &[("a", "limits: { concurrent: 1 }")],
        "retries: { attempts: 1 }\nbreaker: { failures: 1, open: 1000 }\n",
    );
    world.fake.script("a", [Act::Fail(unavailable()), Act::Wait(Duration::from_secs(5))]);
    assert!(ask(&models, "a").await.is_err());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(ask(&models, "a").now_or_never().is_none(), "the probe waits, and is dropped");
    assert_eq!(world.fake.under_way.load(Ordering::SeqCst), 0);
    assert_eq!(ask(&models, "a").await.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn routes_are_ordered_by_priority_cost_and_speed_and_else_as_they_are_written() {
    let world = World::default();
    let entries = [
        ("a", "priority: 1, speed: slow, cost: { input: 2, output: 2 }"),
        ("b", "priority: 3, speed: normal, cost: { input: 3, output: 3 }"),
        ("c", "priority: 2, speed: fast, cost: { input: 1, output: 1 }"),
        ("d", "priority: 1"),
    ];
    let rest = "
routes:
  priority: { models: [d, a, b, c] }
  cost: { models: [d, a, b, c], order: cost }
  speed: { models: [d, a, b, c], order: speed }
  nested: { models: [a, speed], order: priority }
";
    let models = models(&world, &entries, rest);
    for (route, order) in [
        ("priority", ["b", "c", "d", "a"]),
        ("cost", ["c", "a", "b", "d"]),
        ("speed", ["c", "d", "b", "a"]),
        ("nested", ["c", "d", "b", "a"]),
        ("auto", ["b", "c", "a", "d"]),
    ] {
        for model in ["a", "b", "c", "d"] {
            world.fake.script(model, failing(rejected(), 1));
        }
        assert!(ask(&models, route).await.is_err());
        assert_eq!(world.fake.asked(), order, "{route}");
    }
}

#[tokio::test(start_paused = true)]
async fn round_robin_gives_each_its_turn_and_falls_back_to_the_next() {
    let world = World::default();
    let models = models(&world, &PLAIN, "routes: { r: { models: [a, b, c], order: round-robin } }\n");
    world.fake.script("b", failing(rejected(), 1));
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(ask(&models, "r").await.unwrap().text);
    }
    assert_eq!(answers, ["a", "c", "c", "a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_route_takes_models_by_what_they_can_what_they_cost_and_how_fast_they_are() {
    let world = World::default();
    let entries = [
        ("big", "priority: 9, speed: slow, cost: { input: 10, output: 10 }"),
        ("fast", "speed: fast, capabilities: [tools], cost: { input: 5, output: 5 }"),
        ("cheap", "capabilities: [], cost: { input: 1, output: 1 }"),
        ("unknown", "priority: 1"),
    ];
    let routes = "routes:
  urgent: { order: speed }
  whenever: { order: cost }
  tools: { order: cost, capabilities: [tools] }
  heard: { order: speed, capabilities: [streaming] }
  some: { order: speed, most_cost: 0.0006 }
  little: { order: speed, most_cost: 0.0002 }
  nothing: { order: speed, most_cost: 0.00005 }
  outer: { models: [some, unknown], most_cost: 0.0002 }
  least: { models: [unknown, little], order: cost }
";
    let models = models(&world, &entries, routes);
    let messages = said("hi");
    let question = Question { system: "", messages: &messages, tools: &[], max_tokens: Some(100) };
    for (route, first) in [
        ("auto", "big"),
        ("urgent", "fast"),
        ("whenever", "cheap"),
        ("tools", "fast"),
        ("heard", "unknown"),
        ("some", "fast"),
        ("little", "cheap"),
        ("outer", "cheap"),
        ("least", "cheap"),
    ] {
        let model = models.model(route).unwrap();
        assert_eq!(model.ask(&question, &Deaf).await.unwrap().text, first, "{route}");
    }
    let nothing = models.model("nothing").unwrap().ask(&question, &Deaf).await;
    assert!(matches!(nothing, Err(ModelError::Rejected(reason)) if reason.contains("most_cost")));
    world.fake.script("cheap", failing(rejected(), 1));
    let outer = models.model("outer").unwrap().ask(&question, &Deaf).await;
    assert_eq!(outer, Err(rejected()), "one whose price is not known is not asked for so little");
}

#[tokio::test(start_paused = true)]
async fn a_question_with_tools_goes_to_models_that_can_call_them_where_any_can() {
    let world = World::default();
    let entries = [("a", "capabilities: [streaming]"), ("b", ""), ("c", "capabilities: []")];
    let models = models(&world, &entries, "routes: { r: { models: [a, b, c] }, s: { models: [c, a] } }\n");
    let (messages, tools) = (said("hi"), [tool()]);
    let question = Question { system: "", messages: &messages, tools: &tools, max_tokens: None };
    world.fake.script("b", failing(rejected(), 1));
    assert_eq!(models.model("r").unwrap().ask(&question, &Deaf).await, Err(rejected()));
    assert_eq!(models.model("r").unwrap().ask(&question, &Deaf).await.unwrap().text, "b");
    assert_eq!(models.model("s").unwrap().ask(&question, &Deaf).await.unwrap().text, "c");
    assert_eq!(ask(&models, "r").await.unwrap().text, "a");
    let features: Vec<_> =
        world.fake.asked.lock().unwrap().iter().map(|(_, features, _)| *features).collect();
    assert!(features[0].tools && features[0].streaming && !features[2].tools && !features[2].streaming);
    assert!(models.model("r").unwrap().calls_tools() && !models.model("s").unwrap().calls_tools());
}

#[tokio::test(start_paused = true)]
async fn a_long_question_passes_models_that_are_too_short_for_it() {
    let world = World::default();
    let entries = [("a", "context: 1000"), ("b", "context: 9000, max_output: 50")];
    let models = models(&world, &entries, "routes: { r: { models: [a, b] } }\n");
    assert_eq!(models.model("r").unwrap().context(), 9000);
    let ask = async |name: &str, tokens: usize| ask_with(&models, name, &"xyz".repeat(tokens), &Deaf).await;
    assert_eq!(ask("r", 900).await.unwrap().text, "a");
    assert_eq!(ask("r", 1000).await.unwrap().text, "b");
    for (name, tokens) in [("r", 9000), ("a", 1000)] {
        assert!(matches!(ask(name, tokens).await, Err(ModelError::TooLong(_))));
    }
    let most: Vec<_> = world.fake.asked.lock().unwrap().iter().map(|(.., most)| *most).collect();
    assert_eq!(most, [Some(100), Some(50)], "no more than there is room for, and no more than it gives");
}

#[tokio::test(start_paused = true)]
async fn questions_wait_for_places_and_are_told_when_too_many_do() {
    let world = World::default();
    let models = models(&world, &[("a", "limits: { concurrent: 2, queue: 3 }"), ("b", "")], ROUTE_AB);
    world.fake.script("a", vec![Act::Wait(Duration::from_secs(1)); 9]);
    let answers = join_all((0..6).map(|_| ask(&models, "a"))).await;
    let busy: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    let reason = "the model a is busy: 3 questions wait for it already".to_owned();
    assert_eq!(busy, [ModelError::Throttled { reason, retry_after: None }]);
    assert_eq!(world.fake.most_under_way.load(Ordering::SeqCst), 2);
    assert_eq!(models.totals()["a"].busy, 1);
    let answers = join_all((0..6).map(|_| ask(&models, "r"))).await;
    assert!(answers.iter().all(Result::is_ok), "who finds no place goes to the next");
    assert_eq!(answers.iter().flatten().filter(|answer| answer.model == "b").count(), 1);
}

const ROUTE_AB: &str = "routes: { r: { models: [a, b] } }\n";

#[tokio::test(start_paused = true)]
async fn rates_are_kept_and_long_answers_are_waited_for_afterwards() {
    let world = World::default();
    let entries = [("a", "limits: { requests_per_minute: 2 }"), ("b", "limits: { tokens_per_minute: 600 }")];
    let models = models(&world, &entries, "");
    let seconds = async |name: &str| {
        let begin = Instant::now();
        ask(&models, name).await.unwrap();
        begin.elapsed().as_secs()
    };
    assert_eq!([seconds("a").await, seconds("a").await, seconds("a").await], [0, 0, 30]);
    let usage = Usage { input: 1, cached: 0, output: 900 };
    world.fake.script("b", [Act::Answer(Answer { usage, ..says("much") })]);
    assert_eq!([seconds("b").await, seconds("b").await], [0, 30]);
}

#[tokio::test(start_paused = true)]
async fn answers_are_charged_and_counted_and_estimated_where_nothing_is_told() {
    let world = World::default();
    let entries = [("a", "cost: { input: 3, cached: 0.3, output: 15 }"), ("b", "")];
    let models = models(&world, &entries, "");
    let usage = Usage { input: 1000, cached: 400, output: 10 };
    world.fake.script("a", [Act::Answer(Answer { usage, ..says("x") }), Act::Say("abcdef")]);
    let told = ask(&models, "a").await.unwrap();
    assert_eq!((told.usage, told.cost), (usage, 1800 + 120 + 150));
    let guessed = ask_with(&models, "a", "123456789", &Deaf).await.unwrap();
    assert_eq!((guessed.usage, guessed.cost), (Usage { input: 3, cached: 0, output: 2 }, 9 + 30));
    assert_eq!(ask(&models, "b").await.unwrap().cost, 0);
    let totals = models.totals()["a"];
    assert_eq!((totals.answers, totals.cost), (2, told.cost + guessed.cost));
    assert_eq!(totals.usage, Usage { input: 1003, cached: 400, output: 12 });
    let usage = Usage { input: u64::MAX, cached: u64::MAX, output: u64::MAX };
    world.fake.script("a", vec![Act::Answer(Answer { usage, ..says("x") }); 2]);
    assert_eq!(ask(&models, "a").await.unwrap().cost, u64::MAX);
    assert_eq!(ask(&models, "a").await.unwrap().cost, u64::MAX);
    assert_eq!((models.totals()["a"].cost, models.totals()["a"].usage.output), (u64::MAX, u64::MAX));
}

#[tokio::test(start_paused = true)]
async fn words_of_an_answer_that_broke_off_are_paid_for() {
    let world = World::default();
    let models = models(&world, &[("a", "cost: { input: 1, output: 10 }"), ("b", "")], ROUTE_AB);
    world.fake.script("a", [Act::BreakOff("abcdef"), Act::Fail(rejected())]);
    let answer = ask(&models, "r").await.unwrap();
    assert_eq!((answer.model.as_str(), answer.cost), ("b", 1 + 20));
    assert_eq!(models.totals()["a"].cost, 21);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_paid_for_is_kept_where_that_is_wanted() {
    let world = World::default();
    let entries = [("a", "cost: { input: 1, output: 1 }"), ("b", "")];
    let rest = format!("{ROUTE_AB}cache: {{ entries: 9, time: 3600000 }}\n");
    let cached = models(&world, &entries, &rest);
    let calls = vec![ModelCall { id: "1".to_owned(), tool: "t".to_owned(), arguments: "{}".to_owned() }];
    world.fake.script("a", [Act::Answer(Answer { calls: calls.clone(), ..says("one") })]);
    let first = ask(&cached, "r").await.unwrap();
    let notes = Notes::default();
    let again = ask_with(&cached, "r", "hi", &notes).await.unwrap();
    assert_eq!((again.text.as_str(), again.calls, again.model.as_str()), ("one", calls, "a"));
    assert_eq!((again.cost, again.usage), (0, Usage::default()));
    assert!(first.cost > 0 && *notes.0.lock().unwrap() == ["one"]);
    assert_eq!(ask_with(&cached, "r", "ho", &Deaf).await.unwrap().text, "a");
    assert_eq!(world.fake.asked(), ["a", "a"]);
    assert_eq!((cached.totals()["a"].cached, cached.totals()["a"].answers), (1, 2));

    world.fake.script("b", [Act::Answer(Answer { stop: Stop::Length, ..says("hal") })]);
    assert_eq!(ask(&cached, "b").await.unwrap().text, "hal");
    assert_eq!(ask(&cached, "b").await.unwrap().text, "b", "half an answer is not kept");

    let plain = models(&world, &entries, ROUTE_AB);
    world.fake.asked();
    for _ in 0..2 {
        ask(&plain, "a").await.unwrap();
    }
    assert_eq!(world.fake.asked(), ["a", "a"], "without being asked, nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn a_new_file_knows_what_the_old_one_knew_of_models_that_are_the_same() {
    let world = World::default();
    let rest = "retries: { attempts: 1 }\nbreaker: { failures: 1 }\n";
    let old = models(&world, &[("a", "priority: 1"), ("b", ""), ("c", "")], rest);
    for name in ["a", "b", "c"] {
        world.fake.script(name, failing(unavailable(), 1));
        assert!(ask(&old, name).await.is_err());
    }
    let text = file(&[("a", "priority: 2"), ("b", "limits: { concurrent: 1 }")], rest)
        + "# c is another model now\n";
    let text = text.replace("models:\n", "models:\n  c: { provider: here, model: other }\n");
    let new = Models::new(&parse(&text).unwrap(), &world, Some(&old)).unwrap();
    let totals = new.totals();
    for same in ["a", "b"] {
        assert!(totals[same].spared && totals[same].failures == 1, "{same}");
    }
    assert_eq!(totals["c"], Totals::default());
    assert_eq!(ask(&new, "c").await.unwrap().text, "other");
    assert!(ask(&new, "a").await.is_err());
    assert!(ask(&old, "c").await.is_err(), "who asks by the old one is answered by it");
}

#[tokio::test(start_paused = true)]
async fn limits_hold_over_a_new_file_that_does_not_change_them() {
    let world = World::default();
    let entries = [("a", "limits: { concurrent: 1 }")];
    let old = models(&world, &entries, "");
    let new = Models::new(&parse(&file(&entries, "")).unwrap(), &world, Some(&old)).unwrap();
    world.fake.script("a", vec![Act::Wait(Duration::from_secs(1)); 2]);
    let (one, two) = tokio::join!(ask(&old, "a"), ask(&new, "a"));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(world.fake.most_under_way.load(Ordering::SeqCst), 1);
}

mod scripts {
    use proptest::prelude::*;

    use super::*;

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Say("yes")),
            Just(Act::Fail(unavailable())),
            Just(Act::Fail(rejected())),
            Just(Act::Fail(throttled(Some(3)))),
            Just(Act::Fail(throttled(Some(300)))),
            Just(Act::BreakOff("…")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_fails_a_question_ends_and_what_was_heard_is_the_answer(
            one in proptest::collection::vec(act(), 0..12),
            two in proptest::collection::vec(act(), 0..12),
        ) {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let world = World::default();
                let models = models(&world, &[("a", ""), ("b", "")], ROUTE_AB);
                world.fake.script("a", one);
                world.fake.script("b", two);
                for _ in 0..4 {
                    let notes = Notes::default();
                    let answer = ask_with(&models, "r", "hi", &notes).await;
                    let asked = world.fake.asked();
                    prop_assert!(asked.len() <= 6, "{asked:?}");
                    let heard = notes.0.lock().unwrap().clone();
                    let last = heard.rsplit(|piece| piece == "(anew)").next().unwrap_or_default().concat();
                    if let Ok(answer) = answer {
                        prop_assert_eq!(last, answer.text);
                    }
                }
                prop_assert_eq!(world.fake.under_way.load(Ordering::SeqCst), 0);
                Ok(())
            })?;
        }
    }
}
