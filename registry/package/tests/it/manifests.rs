//! The manifest: what it says, and how a mistake in it is told.

use std::time::Duration;

use miette::Diagnostic as _;
use openclaw_package::{Access, ByteSize, Manifest, Tree};

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

/// The refusal of a manifest that is right up to what is appended to it.
fn refusal(rest: &str) -> String {
    let error = Manifest::parse(&format!("{HEAD}{rest}")).expect_err(rest);
    format!("{} [{}] {}", error, error.code(), error.hint().unwrap_or_default())
}

#[test]
fn everything_that_may_stand_in_it() {
    let manifest = Manifest::parse(
        r#"
        [skill]
        publisher = "acme"
        name = "git-helper"
        version = "1.2.3-beta.1"
        category = "developer-tools"

        [[permission.filesystem]]
        tree = "$workspace"
        access = "write"
        reason = "stages and commits in the repository"

        [[permission.filesystem]]
        tree = "/srv/notes"
        access = "read"
        reason = "reads notes"

        [[permission.network]]
        url = "https://api.github.com/repos/"
        methods = ["GET", "POST"]
        reason = "looks up the pull request"

        [[permission.network]]
        url = "http://127.0.0.1:11434/"
        methods = ["POST"]
        internal = true
        reason = "asks the local model"

        [permission.memory]
        quota = "2MiB"
        reason = "remembers what was asked"

        [permission.llm]
        tokens = 5_000
        reason = "writes"

        [permission.ask]
        reason = "asks before it commits"

        [limits]
        fuel = 500_000_000
        memory = "64MiB"
        timeout = "30s"
        output = 65536
        "#,
    )
    .unwrap();
    assert_eq!(manifest.id().to_string(), "acme/git-helper");
    assert_eq!(manifest.version().to_string(), "1.2.3-beta.1");
    assert_eq!(manifest.category(), Some("developer-tools"));
    let requests = manifest.requests();
    assert_eq!(
        (&requests.filesystem[0].tree, requests.filesystem[0].access),
        (&Tree::Workspace, Access::Write)
    );
    assert_eq!(requests.network[0].methods.to_string(), "GET,POST");
    assert!(requests.network[1].internal && !requests.network[0].internal);
    assert_eq!(requests.memory.as_ref().unwrap().quota, ByteSize::mib(2));
    assert_eq!(requests.llm.as_ref().unwrap().tokens, 5_000);
    assert_eq!(requests.ask.as_ref().unwrap().reason.to_string(), "asks before it commits");
    let limits = manifest.limits();
    assert_eq!((limits.fuel(), limits.timeout()), (Some(500_000_000), Some(Duration::from_secs(30))));
    assert_eq!((limits.memory(), limits.output()), (Some(ByteSize::mib(64)), Some(ByteSize::kib(64))));
}

#[test]
fn the_least_that_must_stand_in_it() {
    let manifest = Manifest::parse(HEAD).unwrap();
    assert!(manifest.requests().is_empty());
    assert_eq!(manifest.limits().fuel(), None);
    assert_eq!(manifest.category(), None);
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    insta::assert_snapshot!(refusal("versoin = \"1\""), @r#"skill.toml:5:1: unknown key "versoin" in [skill] [unknown-key] did you mean "version"?"#);
    insta::assert_snapshot!(refusal("description = \"x\""), @r#"skill.toml:5:1: unknown key "description" in [skill] [unknown-key] the description stands in SKILL.md, for every agent to read"#);
    insta::assert_snapshot!(refusal("[[permission.filesytem]]\n"), @r#"skill.toml:5:14: unknown permission "filesytem" [unknown-permission] did you mean "filesystem"?"#);
    insta::assert_snapshot!(refusal("[[permission.proces]]\n"), @r#"skill.toml:5:14: unknown permission "proces" [unknown-permission] did you mean "process"?"#);
    insta::assert_snapshot!(refusal("[permission.memory]\nquota = \"1MiB\""), @r#"skill.toml:5:1: [memory] has no "reason" [missing-key] add reason"#);
    insta::assert_snapshot!(refusal("[limits]\nmemory = \"64MB\""), @r#"skill.toml:6:10: "64MB" has a decimal unit [invalid-size] write digits and one of B, KiB, MiB or GiB, for example 64MiB"#);
    insta::assert_snapshot!(refusal("[[permission.network]]\nurl = \"https://u@h.example/\"\nmethods = [\"GET\"]\nreason = \"x\""), @r#"skill.toml:6:7: url "https://u@h.example/": it has user info [invalid-url-pattern] leave out what stands before the @, and the @"#);
}

#[test]
fn each_mistake_has_a_code() {
    let entry = "[[permission.filesystem]]\ntree = \"$data\"\naccess = \"read\"\nreason = \"x\"\n";
    let url =
        |url: &str, more: &str| format!("[[permission.network]]\nurl = \"{url}\"\nreason = \"x\"\n{more}\n");
    let get = "methods = [\"GET\"]";
    for (rest, code) in [
        ("[skill]", "invalid-toml"),
        ("x = ", "invalid-toml"),
        ("[other]", "unknown-key"),
        ("[limits]\nfule = 1", "unknown-key"),
        ("[limits]\nfuel = 0", "invalid-value"),
        ("[limits]\nfuel = -1", "invalid-value"),
        ("[limits]\nfuel = \"1\"", "wrong-type"),
        ("[limits]\nmemory = 0", "invalid-value"),
        ("[limits]\nmemory = \"0B\"", "invalid-value"),
        ("[limits]\ntimeout = \"30\"", "invalid-value"),
        ("[limits]\ntimeout = \"0s\"", "invalid-value"),
        ("[limits]\ntimeout = \"2h\"", "invalid-value"),
        ("[limits]\ntimeout = \"99999999999999999999s\"", "invalid-value"),
        ("[limits]\ntimeout = 30", "wrong-type"),
        ("limits = 1", "unknown-key"),
        ("[permission.filesystem]\ntree = \"$data\"", "wrong-type"),
        ("[[permission.memory]]", "wrong-type"),
        ("[permission]\nask = true", "wrong-type"),
        ("[permission.llm]", "missing-key"),
        ("[permission.llm]\ntokens = 0\nreason = \"x\"", "invalid-value"),
        ("[permission.llm]\ntokens = 1_000_001\nreason = \"x\"", "invalid-quota"),
        ("[permission.llm]\ntokens = \"1k\"\nreason = \"x\"", "wrong-type"),
        ("[permission.llm]\nquota = 1\nreason = \"x\"", "unknown-key"),
        ("[[permission.llm]]", "wrong-type"),
        ("[permission.ask]", "missing-key"),
        ("[permission.ask]\nquestions = 8\nreason = \"x\"", "unknown-key"),
        ("[[permission.ask]]", "wrong-type"),
        ("[[permission.secret]]", "missing-key"),
        ("[permission.memory]\nquota = \"65MiB\"\nreason = \"x\"", "invalid-quota"),
        ("[permission.memory]\nreason = \"\"", "invalid-reason"),
        (&format!("{entry}{entry}"), "duplicate-entry"),
        (&entry.replace("\"read\"", "\"rw\""), "invalid-access"),
        (&entry.replace("$data", "../x"), "invalid-tree"),
        (&entry.replace("reason = \"x\"", ""), "missing-key"),
        (&entry.replace("reason", "raeson"), "unknown-key"),
        (&url("https://h.example/", ""), "missing-key"),
        (&url("https://h.example/", "methods = []"), "invalid-method"),
        (&url("https://h.example/", "methods = [\"*\"]"), "invalid-method"),
        (&url("https://h.example/", "methods = [\"CONNECT\"]"), "invalid-method"),
        (&url("https://h.example/", "methods = \"GET\""), "wrong-type"),
        (&url("https://*.example.com/", "methods = [\"GET\"]\ninternal = true"), "internal-suffix"),
        (&url("http://10.0.0.1/", get), "internal-not-marked"),
        (&(url("https://h.example/a", get) + &url("https://h.example/a/", get)), "duplicate-entry"),
    ] {
        let error = Manifest::parse(&format!("{HEAD}{rest}")).expect_err(rest);
        assert_eq!(error.code(), code, "{rest}: {error}");
        assert!(error.hint().is_some(), "{rest}");
    }
}

#[test]
fn the_head_is_checked_too() {
    for (from, to, code) in [
        ("publisher = \"acme\"", "", "missing-key"),
        ("\"acme\"", "\"Acme\"", "invalid-name"),
        ("\"1.0.0\"", "\"1.0\"", "invalid-value"),
        ("\"1.0.0\"", "\"1.0.0+build\"", "invalid-value"),
        ("\"1.0.0\"", "1.0", "wrong-type"),
        ("[skill]", "[skil]", "unknown-key"),
    ] {
        let text = HEAD.replace(from, to);
        assert_eq!(Manifest::parse(&text).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(Manifest::parse("").unwrap_err().code(), "missing-key");
    assert_eq!(Manifest::parse(&" ".repeat(65 * 1024)).unwrap_err().code(), "manifest-too-large");
    assert_eq!(Manifest::from_bytes(b"\xff").unwrap_err().code(), "invalid-toml");
    let category = Manifest::parse(&format!("{HEAD}category = \"Developer Tools\"")).unwrap_err();
    assert_eq!(category.code(), "invalid-value");
}

#[test]
fn an_error_carries_its_source_for_a_report() {
    let text = format!("{HEAD}category = 7");
    let error = Manifest::parse(&text).unwrap_err();
    assert_eq!((error.line(), error.column()), (5, 12));
    assert_eq!(&text[error.span()], "7");
    assert!(error.source_code().is_some());
    assert_eq!(error.labels().unwrap().count(), 1);
    assert_eq!(miette::Diagnostic::code(&error).unwrap().to_string(), "wrong-type");
    assert!(error.help().is_some());
}
