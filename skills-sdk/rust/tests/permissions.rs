//! A permission's trait that was imported by hand, as another module of a skill may.

use openclaw_skill::ask::AskError;
use openclaw_skill::permission::{Ask as _, Data as _, Memory as _, Process as _, Workspace as _};
use openclaw_skill::{Context, FakeContext, FakeOutput};

#[test]
fn the_traits_give_what_the_context_holds() {
    let ctx = FakeContext::new().workspace("/w").data_dir("/d").memory("k", "v");
    let ctx = ctx.program("true", |_| FakeOutput::default()).build();
    assert_eq!(ctx.memory().get("k").unwrap().as_deref(), Some(b"v".as_slice()));
    assert_eq!((ctx.workspace().to_str(), ctx.data_dir().to_str()), (Some("/w"), Some("/d")));
    assert!(ctx.process().command("true").run().unwrap().success());
}

#[test]
fn a_person_is_asked_as_often_as_a_call_may_and_chooses_what_was_offered() {
    let ctx = FakeContext::new().ask(|text, _| Ok(text.to_lowercase())).build();
    assert!(ctx.ask().is_available());
    assert_eq!(ctx.ask().choice("YES", &["yes", "no"]), Ok("yes"));
    assert_eq!(ctx.ask().choice("MAYBE", &["yes", "no"]), Err(AskError::Dismissed));
    assert!(matches!(ctx.ask().choice("YES", &[]), Err(AskError::Unavailable(_))));
    for _ in 2..8 {
        assert_eq!(ctx.ask().question("A").as_deref(), Ok("a"));
    }
    assert!(!ctx.ask().is_available());
    assert_eq!(ctx.ask().question("A"), Err(AskError::TooMany));
    assert_eq!(Context::fake().ask().question("A"), Err(AskError::Nobody));
    assert!(!Context::fake().ask().is_available());
}

#[test]
fn a_question_that_the_host_would_not_put_is_not_put_and_does_not_count() {
    let ctx = FakeContext::new().ask(|_, _| Ok("a")).build();
    let (long, wide) = ("x".repeat((4 << 10) + 1), "x".repeat(201));
    let many: Vec<String> = (0..17).map(|choice| choice.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let unavailable = |reason: &str| AskError::Unavailable(reason.to_owned());
    for text in ["", " \n"] {
        assert_eq!(ctx.ask().question(text).unwrap_err(), unavailable("a question has words"));
    }
    assert_eq!(ctx.ask().question(&long).unwrap_err(), unavailable("a question has at most 4 KiB"));
    assert_eq!(ctx.ask().choice("?", &many).unwrap_err(), unavailable("a question has at most 16 choices"));
    for bad in [["a", ""], ["a", " "], ["a", &wide]] {
        assert_eq!(
            ctx.ask().choice("?", &bad).unwrap_err(),
            unavailable("a choice has words, and at most 200 bytes")
        );
    }
    for alike in [["a", "a"], ["a b", "a\u{a0}b"], ["a", "a\u{2003}"]] {
        let reason = "the choices of a question are all different, in more than white space";
        assert_eq!(ctx.ask().choice("?", &alike).unwrap_err(), unavailable(reason));
    }
    for _ in 0..8 {
        assert_eq!(ctx.ask().choice(&long[1..], &["a", &wide[1..]]), Ok("a"));
    }
    assert_eq!(ctx.ask().question("?"), Err(AskError::TooMany));
    assert_eq!(
        Context::fake().ask().question(""),
        Err(AskError::Nobody),
        "the host looks for somebody first"
    );
}

#[test]
fn a_context_can_be_shared_between_threads() {
    let ctx = Context::fake();
    std::thread::scope(|scope| {
        scope.spawn(|| ctx.log().info("here"));
    });
    assert_eq!(ctx.fake_log().len(), 1);
}
