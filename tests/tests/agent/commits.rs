//! The end of it all: a model commits a real change in a real repository, with one yes and one no.

#[path = "../git_helper/repository.rs"]
#[expect(dead_code, reason = "the tests of the skill itself need more of it")]
mod repository;

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;

use super::scene::{Model, call, configure};
use super::terminal::Terminal;
use repository::{Repository, home_with_skill};

#[test]
fn a_change_is_committed_with_a_yes_and_not_with_a_no() {
    for format in Format::ALL {
        let home = home_with_skill();
        configure(&home, "");
        let work = Repository::new(&home, &home.workspace());
        let commit = |message: &str| {
            let arguments = format!(r#"{{"repository":"work","message":"{message}"}}"#);
            call("acme__git-helper__smart-commit", &arguments)
        };
        let model = Model::replying(
            format,
            vec![
                commit("Add dates"),
                Reply::text("Committed."),
                commit("Add more"),
                Reply::text("Then not."),
            ],
        );
        model.serve(&home);
        work.write("src/dates.rs", "// dates\n");
        let mut chat = Terminal::start(&home, "agent chat");
        chat.says("commit it");
        chat.wait_for("acme/git-helper/smart-commit wants to be called; it can change things");
        chat.wait_for("\"message\": \"Add dates\"");
        chat.wait_for("Call it? y once, a for this session, n not:");
        chat.keys("y\r");
        chat.wait_for("ok in ");
        chat.wait_for("Committed.\n");
        let subject = || work.git(&["log", "-1", "--format=%s"]).trim().to_owned();
        assert_eq!(subject(), "Add dates", "{format}");
        work.write("src/more.rs", "// more\n");
        chat.says("and the rest");
        chat.wait_for("Call it? y once, a for this session, n not:");
        chat.keys("n\r");
        chat.wait_for("not-approved in ");
        chat.wait_for("Then not.\n");
        chat.says("/quit");
        assert_eq!(chat.ended(), Some(0), "{}", chat.shown());
        assert_eq!(subject(), "Add dates", "{format}: a no is a no");
        assert_eq!(work.git(&["status", "--porcelain"]).trim(), "?? src/more.rs", "{format}");
        assert!(model.asked()[3].to_string().contains("does not want this call"), "{format}");
    }
}
