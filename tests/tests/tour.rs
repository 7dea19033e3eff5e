//! The tour of the first steps, as it is typed: from a new key to a recorded call, here and on another machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use openclaw_tests::home::finish;
use openclaw_tests::{Home, Ran};
use serde_json::{Value, json};

/// A home, and the project in it that commands are typed in.
struct Tour {
    home: Home,
}

impl Tour {
    /// Types a command line in a directory of the workspace.
    fn types(&self, dir: &str, line: &str) -> Ran {
        let mut shell = self.home.environment(std::process::Command::new("/bin/sh"));
        let binary = openclaw_tests::home::binary();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut paths = vec![binary.parent().expect("a directory").to_owned()];
        paths.extend(std::env::split_paths(&path));
        // The SDK is compiled into a directory of its own, which the next run finds again.
        let target = openclaw_tests::home::cache_dir().join("tour-target");
        shell
            .args(["-ec", line])
            .current_dir(self.home.workspace().join(dir))
            .env("PATH", std::env::join_paths(paths).expect("a path"))
            .env("CARGO_TARGET_DIR", target);
        finish(shell, line.to_owned(), None)
    }
}

#[test]
fn the_first_steps_work_as_they_are_typed() {
    let tour = Tour { home: Home::empty() };
    tour.types("", "openclaw key new acme").success();
    tour.types("", "openclaw skill new hello").success();
    tour.types("hello", "openclaw skill build").success();
    let greeted = tour.types("hello", r#"openclaw skill run . greet '{"name":"Ada"}' --json"#).json();
    assert!(greeted["output"].to_string().contains("Ada"), "{greeted}");
    let inspected = tour.types("hello", "openclaw skill inspect . --json").json();
    assert_eq!(inspected["skill"], "acme/hello");
    assert_eq!(inspected["permissions"], json!([]));
    assert_eq!(inspected["tools"][0]["name"], "greet");

    let pack = "openclaw skill pack --output dist/skill.tar.gz --json";
    let packed = tour.types("hello", pack).json();
    let archive = tour.home.workspace().join("hello/dist/skill.tar.gz");
    let first = std::fs::read(&archive).expect("the archive");
    assert!(archive.with_file_name("skill.tar.gz.dsse.json").is_file());
    let again = tour.types("hello", pack).json();
    assert_eq!(packed["digest"], again["digest"]);
    assert_eq!(first, std::fs::read(&archive).expect("the archive"));

    tour.types("hello", r#"openclaw trust add acme "$(openclaw key show acme)""#).success();
    tour.types("hello", "openclaw install dist/skill.tar.gz").success();
    let tools = tour.types("hello", "openclaw tool list --json").json();
    assert_eq!(tools[0]["tool"], "acme/hello/greet");
    let call = r#"openclaw tool call acme/hello/greet '{"name":"Ada"}' --json"#;
    let called = tour.types("hello", call).json();
    let second = tour.types("hello", call).json();
    assert_eq!(called["output"], greeted["output"]);
    assert_eq!(called["fuel"], second["fuel"], "the same call burns the same fuel");

    let records = tour.types("hello", "openclaw audit --json").json();
    is_recorded(&records, &packed, &called, &tour.home.public_key());
    on_another_machine(&tour.home, &greeted["output"]);
}

/// The audit log has both calls, each with all that there is to know of it.
fn is_recorded(records: &Value, packed: &Value, called: &Value, signer: &str) {
    let records = records.as_array().expect("a list");
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["tool"], "acme/hello/greet");
        assert_eq!(record["outcome"], "ok");
        assert_eq!(record["package"], packed["digest"]);
        assert_eq!(record["signer"], signer);
        assert_eq!(record["grants"], json!([]));
        assert_eq!(record["fuel"], called["fuel"]);
        assert_eq!(record["bytes"]["input"], 14);
        assert_eq!(record["bytes"]["output"].as_u64(), Some(called["output"].to_string().len() as u64));
        assert_eq!(record["denial_count"], 0);
    }
}

/// Somebody else gets the package and the public key, and nothing more.
fn on_another_machine(first: &Home, expected: &Value) {
    let other = Home::empty();
    let dist = first.workspace().join("hello/dist");
    for name in ["skill.tar.gz", "skill.tar.gz.dsse.json"] {
        std::fs::copy(dist.join(name), other.workspace().join(name)).expect("a copy");
    }
    let refused = other.run(["install", "skill.tar.gz"]).error();
    assert_eq!(refused.exit, 3, "{refused:?}");
    assert!(refused.hint().contains("openclaw trust add acme"), "{refused:?}");
    other.trust(&first.public_key());
    other.run(["install", "skill.tar.gz"]).json();
    assert_eq!(other.call("hello/greet", &json!({ "name": "Ada" })).output(), *expected);
}
