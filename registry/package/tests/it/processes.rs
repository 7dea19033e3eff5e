//! Entries of a manifest that ask for programs: what they say, cover and are refused for.

use openclaw_package::{Access, Manifest, PermissionKind, ProcessRequest, Requests, VariablePattern};

use crate::process_shapes::matches;

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

fn request(text: &str) -> ProcessRequest {
    let manifest = Manifest::parse(&format!("{HEAD}[[permission.process]]\nreason = \"x\"\n{text}"));
    manifest.unwrap_or_else(|error| panic!("{text}: {error}")).requests().process[0].clone()
}

/// The refusal of an entry.
fn refusal(text: &str) -> String {
    let error =
        Manifest::parse(&format!("{HEAD}[[permission.process]]\nreason = \"x\"\n{text}")).expect_err(text);
    format!("{error} [{}] {}", error.code(), error.hint().unwrap())
}

#[test]
fn a_manifest_asks_for_programs() {
    let request = request(
        r#"program = "git"
args = [["status", "--porcelain"], ["commit", "-m", { any = true }], ["log", "-n", { integer = true }], ["add", "--", { rest = true }],
    ["x", { any = true, dash = true }, { one_of = ["a", "b"] }, { path = "$workspace" }, { integer = [-1, 0x64] }, { rest = true, dash = true }], []]
env = { GIT_TERMINAL_PROMPT = "0", GIT_AUTHOR_NAME = { any = true }, A = { one_of = ["x"] }, B = { integer = true } }
helpers = ["sh", "git-core/", "/usr/bin/gpg"]
access = "read"
"#,
    );
    let shapes: Vec<String> = request.shapes.iter().map(ToString::to_string).collect();
    assert_eq!(
        shapes,
        [
            "status --porcelain",
            "commit -m <any>",
            "log -n <integer>",
            "add -- <rest>",
            "x <any-or-option> <one-of:a|b> <path:$workspace> <integer:-1..100> <rest-or-options>",
            "",
        ]
    );
    let variables: Vec<String> =
        request.environment.iter().map(|(name, pattern)| format!("{name}={pattern}")).collect();
    assert_eq!(variables, ["A=<one-of:x>", "B=<integer>", "GIT_AUTHOR_NAME=<any>", "GIT_TERMINAL_PROMPT=0"]);
    assert_eq!(request.environment.get("A"), Some(&VariablePattern::OneOf(vec!["x".to_owned()])));
    assert_eq!(
        request.helpers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["sh", "git-core/", "/usr/bin/gpg"]
    );
    assert_eq!((request.access, request.kind()), (Access::Read, PermissionKind::ProcessExecute));
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<ProcessRequest>(&stored).unwrap(), request);
}

#[test]
fn a_literal_of_the_manifest_is_no_pattern() {
    let request = request("program = \"x\"\nargs = [[\"<any>\"]]\nenv = { A = \"<any>\" }\n");
    assert_eq!(request.access, Access::Write);
    assert!(matches(&request.shapes[0], &["<any>"], "/").is_some());
    assert!(matches(&request.shapes[0], &["x"], "/").is_none());
    assert!(!request.environment.get("A").unwrap().matches("x"));
}

#[test]
fn requests_cover_by_program_shape_variable_helper_and_access() {
    let base = "program = \"git\"\nargs = [[\"log\", { rest = true }]]\nhelpers = [\"sh\", \"gpg\"]\nenv = { A = { any = true } }\n";
    let all = request(base);
    for (from, to, covered, covering) in [
        ("", "", true, true),
        ("{ rest = true }", "\"a\", { any = true }", true, false),
        ("[\"sh\", \"gpg\"]", "[\"gpg\"]", true, false),
        ("{ any = true }", "\"1\"", true, false),
        ("env = { A = { any = true } }", "access = \"read\"", true, false),
        ("\"git\"", "\"/usr/bin/git\"", false, false),
        ("\"log\"", "\"push\"", false, false),
        ("{ rest = true }", "{ rest = true, dash = true }", false, true),
        ("]]", "], [\"push\"]]", false, true),
        ("\"gpg\"", "\"ssh\"", false, false),
        ("{ A =", "{ B =", false, false),
    ] {
        let other = request(&base.replacen(from, to, usize::from(!from.is_empty())));
        assert_eq!(all.covers(&other), covered, "{from} {to}");
        assert_eq!(other.covers(&all), covering, "{from} {to}");
    }
    let reads = request(&format!("{base}access = \"read\"\n"));
    assert!(all.covers(&reads) && !reads.covers(&all));
    let asks = |process: &[ProcessRequest]| Requests { process: process.to_vec(), ..Requests::default() };
    assert!(asks(std::slice::from_ref(&all)).covers(&asks(&[reads.clone(), all.clone()])));
    assert!(!asks(std::slice::from_ref(&reads)).covers(&asks(&[reads, all])));
    assert!(asks(&[]).is_empty() && !asks(&[request(base)]).is_empty());
}

#[test]
fn mistakes_of_an_entry_are_told_with_place_and_remedy() {
    let args = |pattern: &str| refusal(&format!("program = \"git\"\nargs = [[{pattern}]]"));
    insta::assert_snapshot!(args("{ anny = true }"), @r#"skill.toml:8:12: unknown key "anny" in a pattern of args [unknown-key] did you mean "any"?"#);
    insta::assert_snapshot!(args("{ any = false }"), @r#"skill.toml:8:18: "any": false is no pattern [invalid-value] write any = true, or remove it"#);
    insta::assert_snapshot!(args("{ any = true, integer = true }"), @r#"skill.toml:8:24: "integer": it stands beside "any" [invalid-value] a pattern is one of them: write one, and remove the other"#);
    insta::assert_snapshot!(args("{ integer = true, dash = true }"), @r#"skill.toml:8:28: "dash": it stands beside another pattern than any or rest [invalid-value] remove it: the pattern says itself what may begin with a hyphen"#);
    insta::assert_snapshot!(args("{ dash = true }"), @r#"skill.toml:8:10: "a pattern of args": it does not say what it takes [invalid-value] write one of any, one_of, path, integer, rest, for example { any = true }"#);
    insta::assert_snapshot!(args("{ integer = [5, 1] }"), @r#"skill.toml:8:10: argument pattern "<integer:5..1>": no number is in the range [invalid-argument-pattern] write the least number first, for example [1, 100]"#);
    insta::assert_snapshot!(args("{ path = \"$home\" }"), @r#"skill.toml:8:19: tree "$home": there is no such variable [invalid-tree] write $workspace, $data, or an absolute path such as /srv/notes"#);
    insta::assert_snapshot!(args("{ rest = true }, \"a\""), @r#"skill.toml:8:9: argument pattern "<rest>": patterns follow it [invalid-argument-pattern] put the one for the rest at the end"#);
    insta::assert_snapshot!(args("\"a\\u001b[2J\""), @r#"skill.toml:8:10: argument pattern "a\\u{1b}[2J": it has a character that does not show [invalid-argument-pattern] remove the character, or take any argument there"#);
    insta::assert_snapshot!(args("7"), @r#"skill.toml:8:10: "args" is a whole number, not a text in quotes, or a pattern such as { any = true } [wrong-type] write a text in quotes, or a pattern such as { any = true }"#);
    insta::assert_snapshot!(refusal("program = \"./git\"\nargs = [[]]"), @r#"skill.toml:7:11: program "./git": it is not an absolute path [invalid-program] write a name such as git, or an absolute path such as /usr/bin/git"#);
    insta::assert_snapshot!(refusal("program = \"git\"\nargs = [[\"a\"], [\"a\"]]"), @r#"skill.toml:8:16: "git a" stands in two entries [duplicate-entry] write the shape once for each program"#);
    insta::assert_snapshot!(refusal("program = \"git\"\nargs = [[]]\nhelpers = [\"libexec/git-core/\"]"), @r#"skill.toml:9:12: helper "libexec/git-core/": a name has none but A-Z, a-z, 0-9, '.', '_', '+' and '-' [invalid-helper] write at most 32, each a name such as sh, a directory such as git-core/, or an absolute path such as /usr/bin/gpg"#);
    insta::assert_snapshot!(refusal("program = \"git\"\nargs = [[]]\nenv = { LD_PRELOAD = \"x\" }"), @r#"skill.toml:9:9: variable "LD_PRELOAD": it decides what is run or where, and is never given to a program [invalid-environment] leave it out"#);
    insta::assert_snapshot!(refusal("program = \"git\"\nargs = [[]]\nenv = { GIT_SSH = { any = true } }"), @r#"skill.toml:9:19: variable "GIT_SSH": programs run, load or write what it names, so it may not be left open [invalid-environment] write the one value that it has"#);
    insta::assert_snapshot!(refusal("program = \"git\"\nargs = [[]]\nenv = { A = { path = \"$data\" } }"), @r#"skill.toml:9:15: unknown key "path" in a pattern of env [unknown-key] known here: any, one_of, integer"#);
}

#[test]
fn each_mistake_of_an_entry_has_a_code() {
    let entry = "program = \"git\"\nargs = [[\"a\"]]\n";
    let many_shapes = (0..129).map(|n| format!("[\"{n}\"]")).collect::<Vec<_>>().join(",");
    let many_helpers = (0..33).map(|n| format!("\"h{n}\"")).collect::<Vec<_>>().join(",");
    let many_patterns = "\"a\",".repeat(65);
    let another = "[[permission.process]]\nreason = \"x\"\nprogram = \"git\"\nargs = [[\"b\"], [\"a\"]]";
    for (text, code) in [
        ("args = [[]]", "missing-key"),
        ("program = \"git\"", "missing-key"),
        ("program = 1\nargs = [[]]", "wrong-type"),
        ("program = \"git\"\nargs = \"status\"", "wrong-type"),
        ("program = \"git\"\nargs = [\"status\"]", "wrong-type"),
        ("program = \"git\"\nargs = []", "invalid-argument-pattern"),
        (&format!("program = \"git\"\nargs = [{many_shapes}]"), "invalid-argument-pattern"),
        (&format!("program = \"git\"\nargs = [[{many_patterns}]]"), "invalid-argument-pattern"),
        (&format!("{entry}helpers = [{many_helpers}]"), "invalid-helper"),
        (&format!("{entry}helpers = [\"sh\", \"sh\"]"), "invalid-helper"),
        (&format!("{entry}helpers = \"sh\""), "wrong-type"),
        (&format!("{entry}helpers = [1]"), "wrong-type"),
        (&format!("{entry}access = \"rw\""), "invalid-access"),
        (&format!("{entry}env = [\"A=1\"]"), "wrong-type"),
        (&format!("{entry}env = {{ A = 1 }}"), "wrong-type"),
        (&format!("{entry}env = {{ A = {{}} }}"), "invalid-value"),
        (&format!("{entry}env = {{ A = {{ any = false }} }}"), "invalid-value"),
        (&format!("{entry}env = {{ A = {{ any = true, dash = true }} }}"), "unknown-key"),
        (&format!("{entry}env = {{ A = {{ one_of = [] }} }}"), "invalid-environment"),
        (&format!("{entry}env = {{ A = \"\\u0000\" }}"), "invalid-environment"),
        (&format!("{entry}cwd = \"/\""), "unknown-key"),
        (&format!("{entry}{another}"), "duplicate-entry"),
        ("program = \"git\"\nargs = [[{ any = 1 }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ any = true, dash = false }]]", "invalid-value"),
        ("program = \"git\"\nargs = [[{ rest = false }]]", "invalid-value"),
        ("program = \"git\"\nargs = [[{ one_of = \"a\" }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ one_of = [1] }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ one_of = [\"a\", \"a\"] }]]", "invalid-argument-pattern"),
        ("program = \"git\"\nargs = [[{ one_of = [\"a|b\"] }]]", "invalid-argument-pattern"),
        ("program = \"git\"\nargs = [[{ path = true }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ integer = false }]]", "invalid-value"),
        ("program = \"git\"\nargs = [[{ integer = [1] }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ integer = [1, 2, 3] }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ integer = [1.0, 2] }]]", "wrong-type"),
        ("program = \"git\"\nargs = [[{ integer = [0, 9223372036854775808] }]]", "invalid-value"),
        ("program = \"git\"\nargs = [[{}]]", "invalid-value"),
    ] {
        let found = refusal(text);
        assert!(found.contains(&format!("[{code}]")), "{text}: {found}");
    }
    let other = another.replace("\"git\"", "\"got\"");
    assert!(
        Manifest::parse(&format!("{HEAD}[[permission.process]]\nreason = \"x\"\n{entry}{other}")).is_ok()
    );
    let beside = another.replace("[\"a\"]", "[\"c\"]");
    assert!(
        Manifest::parse(&format!("{HEAD}[[permission.process]]\nreason = \"x\"\n{entry}{beside}")).is_ok()
    );
}

#[test]
fn stored_requests_are_checked_again() {
    let stored = |more: &str| {
        serde_json::from_str::<ProcessRequest>(&format!(r#"{{"program":"git","reason":"x",{more}}}"#))
    };
    assert_eq!(stored(r#""args":["a <any>"]"#).unwrap().access, Access::Write);
    for more in [
        r#""args":[]"#,
        r#""args":["a","a"]"#,
        r#""args":["<x>"]"#,
        r#""args":["a"],"helpers":["sh","sh"]"#,
        r#""args":["a"],"env":{"PATH":"x"}"#,
        r#""args":["a"],"env":{"PAGER":"<any>"}"#,
        r#""args":["a"],"cwd":"/""#,
    ] {
        assert!(stored(more).is_err(), "{more}");
    }
}
