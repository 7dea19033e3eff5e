//! A skill that runs programs: the fake runs what a test wrote, and denies the rest as the host does.

#![expect(missing_docs, clippy::unwrap_used, reason = "types and helpers of a test")]

use std::io::{Read as _, Write as _};
use std::time::Duration;

use openclaw_skill::process::{Exit, ProcessError, StopReason};
use openclaw_skill::{
    Context, ErrorKind, FakeCommand, FakeContext, FakeOutput, Result, Skill, output, skill,
};

#[output]
pub struct Changed {
    files: Vec<String>,
}

pub struct Programs;

#[skill(manifest = "skills/programs.toml")]
impl Programs {
    /// List what was changed.
    pub fn changed(ctx: &Context) -> Result<Changed> {
        let status = ctx.process().command("git").args(["status", "--porcelain"]).run()?.checked()?;
        Ok(Changed { files: status.stdout_text().lines().map(str::to_owned).collect() })
    }

    /// Name the content of a text.
    pub fn hash(ctx: &Context) -> Result<String> {
        let git = ctx.process().command("git").args(["hash-object", "--stdin"]).spawn()?;
        git.stdin().unwrap().write_all(b"text")?;
        let mut hash = String::new();
        git.stdout().unwrap().read_to_string(&mut hash)?;
        Ok(format!("{} {hash}", git.wait()))
    }
}

fn with(script: impl Fn(&FakeCommand) -> FakeOutput + Send + Sync + 'static) -> Context {
    FakeContext::new().program("git", script).build()
}

#[test]
fn a_program_of_the_test_is_run_and_its_command_kept() {
    let ctx = with(|git| match git.words().as_slice() {
        ["status", "--porcelain"] => FakeOutput::stdout(" M a\n?? b\n").with_held_back("/workspace/.envrc"),
        other => panic!("{other:?}"),
    });
    assert_eq!(Programs::call(&ctx, "changed", "{}").unwrap(), r#"{"files":[" M a","?? b"]}"#);
    let git = ctx.process().command("git").args(["status"]).arg("--porcelain").env("A", "1");
    let output = git.current_dir("/workspace/x").timeout(Duration::from_secs(1)).input("in").run().unwrap();
    assert_eq!(output.held_back, ["/workspace/.envrc"]);
    let commands = ctx.fake_commands();
    assert_eq!(commands.len(), 2);
    assert_eq!(commands[1].line(), "git status --porcelain");
    assert_eq!((commands[1].env["A"].as_str(), commands[1].input.as_slice()), ("1", b"in".as_slice()));
    assert_eq!(commands[1].current_dir.as_deref(), Some("/workspace/x"));
    assert_eq!(commands[1].timeout, Some(Duration::from_secs(1)));
}

#[test]
fn a_program_that_no_test_wrote_is_denied_with_the_command_that_grants_it() {
    let ctx = Context::fake();
    let error = Programs::call(&ctx, "changed", "{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("openclaw grant allow"), "{error}");
    assert!(error.message().contains("git status --porcelain"), "{error}");
    assert!(matches!(ctx.process().command("git").spawn(), Err(ProcessError::Denied(_))));
    assert_eq!(ctx.fake_commands().len(), 2);
}

#[test]
fn what_is_not_run_for_another_reason_is_a_failure() {
    let ctx = with(|_| FakeOutput::error(ProcessError::TooMany));
    let error = Programs::call(&ctx, "changed", "{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.message(), "the call has started as many programs as it may");
    let ctx = with(|_| FakeOutput::denied("openclaw grant allow …"));
    assert_eq!(Programs::call(&ctx, "changed", "{}").unwrap_err().kind(), ErrorKind::Denied);
}

#[test]
fn a_failure_tells_how_it_ended_and_the_first_lines_of_its_errors() {
    let ctx = with(|_| FakeOutput::failure(128, "fatal: not a git repository\n\nhint: 1\n2\n3\n4\n5\n"));
    let error = Programs::call(&ctx, "changed", "{}").unwrap_err();
    let expected = "`git` ended with code 128: fatal: not a git repository\nhint: 1\n2\n3\n4";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Failed, expected));
    for (exit, text) in [
        (Exit::Signal(9), "`git` ended by signal 9"),
        (Exit::Stopped(StopReason::Deadline), "`git` was ended: its time was over"),
    ] {
        let ctx = with(move |_| FakeOutput::exit(exit));
        assert_eq!(Programs::call(&ctx, "changed", "{}").unwrap_err().message(), text);
    }
}

#[test]
fn a_program_that_was_started_is_written_to_and_read_from() {
    let ctx = with(|git| FakeOutput::stdout(git.input.len().to_string()).with_stderr("done"));
    assert_eq!(Programs::call(&ctx, "hash", "{}").unwrap(), r#""ended with code 0 4""#);
    let child = ctx.process().command("git").spawn().unwrap();
    assert!(child.stdin().is_some() && child.stdin().is_none());
    let mut errors = String::new();
    child.stderr().unwrap().read_to_string(&mut errors).unwrap();
    assert!(errors == "done" && child.stderr().is_none());
    child.kill();
    assert_eq!(child.wait(), Exit::Stopped(StopReason::Killed));
}
