//! A permission's trait that was imported by hand, as another module of a skill may.

use openclaw_skill::permission::{Data as _, Memory as _, Process as _, Workspace as _};
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
fn a_context_can_be_shared_between_threads() {
    let ctx = Context::fake();
    std::thread::scope(|scope| {
        scope.spawn(|| ctx.log().info("here"));
    });
    assert_eq!(ctx.fake_log().len(), 1);
}
