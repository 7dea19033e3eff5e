//! Programs, their arguments and variables: what each pattern takes, and what is refused.

use std::path::Path;

use openclaw_package::permission::{MAX_ARGUMENT_SIZE, MAX_ARGUMENTS, MAX_ARGUMENTS_SIZE, MAX_PATTERNS};
use openclaw_package::{
    Access, ArgumentPattern, Environment, Helper, Manifest, PermissionKind, ProcessRequest, Program,
    Requests, Shape, VariableName, VariablePattern,
};

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

fn shape(text: &str) -> Shape {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matches(shape: &Shape, arguments: &[&str], directory: &str) -> Option<Vec<(usize, String)>> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    shape.matches(&arguments, directory)
}

fn takes(pattern: &str, argument: &str) -> bool {
    matches(&shape(pattern), &[argument], "/workspace/a").is_some()
}

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
fn each_pattern_takes_what_the_table_says() {
    for (pattern, taken, refused) in [
        ("status", &["status"][..], &["", "Status", "status ", "-status", "stat"][..]),
        ("''", &[""], &[" ", "-"]),
        ("--porcelain", &["--porcelain"], &["--porcelain=v2", "-porcelain"]),
        ("'<<any>'", &["<any>"], &["<<any>", "any", "x"]),
        ("'two words'", &["two words"], &["two", "two  words"]),
        (
            "<any>",
            &["a", "a b", "a\nb", "é", " -x", "–x", "a-b", "+x", "@file"],
            &["", "-", "--", "-x", "--x=y"],
        ),
        ("<any-or-option>", &["a", "-", "--x"], &[""]),
        ("<one-of:a|-b>", &["a", "-b"], &["", "b", "a|-b", "-", "A"]),
        ("'<one-of:a b|c>'", &["a b", "c"], &["a", "b"]),
        (
            "<integer>",
            &["0", "7", "100", "9223372036854775807"],
            &["", "-1", "-0", "+1", "01", "00", "1.0", "1e3", "0x1", " 1", "1 ", "9223372036854775808", "١"],
        ),
        ("<integer:1..100>", &["1", "42", "100"], &["0", "101", "-1", "1000"]),
        ("<integer:-5..5>", &["-5", "-1", "0", "5"], &["-6", "6", "-0", "-05", "--5"]),
        (
            "<path:$workspace>",
            &[
                "/workspace",
                "/workspace/a",
                "/workspace/a/b.txt",
                ".",
                "b",
                "b/c",
                "b/-c",
                "a b",
                "...",
                "..a",
                "a\nb",
            ],
            &[
                "",
                "-",
                "-a",
                "..",
                "../a",
                "b/..",
                "b/../c",
                "./b",
                "b/.",
                "b/./c",
                "b//c",
                "b/",
                "/",
                "/workspace/",
                "/workspace//a",
                "/workspace/..",
                "/workspace/../etc",
                "/workspace/./a",
                "/workspaces",
                "/workspac",
                "/etc/passwd",
                "//workspace",
                "/data",
                "/workspace/a/",
            ],
        ),
        (
            "<path:/srv/notes>",
            &["/srv/notes", "/srv/notes/a"],
            &["/srv", "/srv/notesx", ".", "a", "/workspace"],
        ),
        ("<rest>", &["a", "a\nb"], &["", "-", "-x"]),
        ("<rest-or-options>", &["a", "-x", ""], &[]),
    ] {
        for argument in taken {
            assert!(takes(pattern, argument), "{pattern} {argument:?}");
            assert!(!takes(pattern, &format!("{argument}\0")), "{pattern} {argument:?} and NUL");
        }
        for argument in refused {
            assert!(!takes(pattern, argument), "{pattern} {argument:?}");
        }
        let one = shape(pattern);
        assert_eq!(matches(&one, &[], "/").is_some(), pattern.starts_with("<rest"), "{pattern}");
        let two = [taken[0], taken[0]];
        assert_eq!(matches(&one, &two, "/workspace").is_some(), pattern.starts_with("<rest"), "{pattern}");
        assert_eq!(one.to_string(), pattern, "written as it is read");
    }
}

#[test]
fn paths_come_back_as_the_guest_sees_them() {
    let copy = shape("copy <path:$workspace> to <path:$data> <rest>");
    assert_eq!(
        matches(&copy, &["copy", "b", "to", "/data/c", "x"], "/workspace/a"),
        Some(vec![(1, "/workspace/a/b".to_owned()), (3, "/data/c".to_owned())])
    );
    assert_eq!(
        matches(&copy, &["copy", "/workspace", "to", "."], "/data"),
        Some(vec![(1, "/workspace".to_owned()), (3, "/data".to_owned())])
    );
    // A relative path counts in the tree only in which the program starts.
    assert_eq!(matches(&copy, &["copy", "b", "to", "c"], "/workspace"), None);
    let path = shape("<path:$workspace>");
    for directory in
        ["", "/", "workspace", "/workspace/", "/workspace/..", "/workspace/../x", "/workspacex", "/data"]
    {
        for argument in [".", "a", "workspace", "workspace/a", "../workspace/a"] {
            assert_eq!(matches(&path, &[argument], directory), None, "{directory} {argument}");
        }
        assert!(matches(&path, &["/workspace/a"], directory).is_some(), "{directory}");
    }
    for directory in ["/workspace\0", "/workspace/a\0"] {
        assert_eq!(matches(&path, &["a"], directory), None);
        assert_eq!(matches(&path, &["."], directory), None);
    }
}

#[test]
fn the_rest_is_any_number_of_arguments() {
    let add = shape("add -- <rest>");
    for arguments in [&["add", "--"][..], &["add", "--", "a"], &["add", "--", "a", "b c", "d"]] {
        assert!(matches(&add, arguments, "/").is_some(), "{arguments:?}");
    }
    for arguments in [
        &[][..],
        &["add"],
        &["add", "a"],
        &["add", "--", "-f"],
        &["add", "--", "a", ""],
        &["add", "--", "a", "--", "b"],
    ] {
        assert!(matches(&add, arguments, "/").is_none(), "{arguments:?}");
    }
    assert!(matches(&shape("x <rest-or-options>"), &["x", "", "-y", "--"], "/").is_some());
    let nothing = shape("");
    assert!(nothing.patterns().is_empty());
    assert!(matches(&nothing, &[], "/").is_some() && matches(&nothing, &[""], "/").is_none());
}

#[test]
fn arguments_are_bounded() {
    let all = shape("<rest-or-options>");
    let matches = |arguments: Vec<String>| all.matches(&arguments, "/").is_some();
    assert!(matches(vec![String::new(); MAX_ARGUMENTS]));
    assert!(!matches(vec![String::new(); MAX_ARGUMENTS + 1]));
    assert!(matches(vec!["x".repeat(MAX_ARGUMENT_SIZE)]));
    assert!(!matches(vec!["x".repeat(MAX_ARGUMENT_SIZE + 1)]));
    let half = "x".repeat(MAX_ARGUMENTS_SIZE / 4);
    assert!(matches(vec![half.clone(); 4]));
    let mut more = vec![half; 4];
    more.push("x".to_owned());
    assert!(!matches(more));
}

#[test]
fn shapes_are_written_as_for_a_shell() {
    for (text, written) in [
        ("  commit   -m  <any> ", "commit -m <any>"),
        ("\"<any>\" '<path:$workspace>'", "<any> <path:$workspace>"),
        ("'it''s' \"it's\"", "its \"it's\""),
        ("<integer:0..9223372036854775807>", "<integer>"),
        ("a\\ b '#1' c#2", "'a b' '#1' 'c#2'"),
        ("'<one-of:a b>' '<path:/srv/my notes>'", "'<one-of:a b>' '<path:/srv/my notes>'"),
        ("$HOME '*' '!' ^", "'$HOME' '*' '!' '^'"),
    ] {
        assert_eq!(shape(text).to_string(), written);
        assert_eq!(shape(written), shape(text));
        let stored = serde_json::to_string(&shape(text)).unwrap();
        assert_eq!(serde_json::from_str::<Shape>(&stored).unwrap(), shape(text));
    }
    assert_eq!(
        Shape::from_words(&["a b", "<<x", "<any>"]).unwrap().patterns(),
        [
            ArgumentPattern::Literal("a b".to_owned()),
            ArgumentPattern::Literal("<x".to_owned()),
            ArgumentPattern::Any { dash: false },
        ]
    );
}

#[test]
fn shapes_that_cannot_be_meant_are_refused() {
    let many = "a ".repeat(MAX_PATTERNS + 1);
    let members = format!("<one-of:{}>", (0..65).map(|n| n.to_string()).collect::<Vec<_>>().join("|"));
    let long = "x".repeat(4097);
    for text in [
        "<",
        "<>",
        "<an>",
        "<any",
        "<Any>",
        "<any:x>",
        "<any-or-options>",
        "<rest-or-option>",
        "<rest:>",
        "<path>",
        "<path:>",
        "<path:$home>",
        "<path:/>",
        "<path:a>",
        "<path:/workspace>",
        "<one-of>",
        "<one-of:>",
        "<one-of:a|>",
        "<one-of:a|a>",
        "'<one-of:a<|b>'",
        "'<one-of:a>|b>'",
        "<integer:>",
        "<integer:1>",
        "<integer:1..>",
        "<integer:2..1>",
        "<integer:01..2>",
        "<integer:+1..2>",
        "<integer:1..2..3>",
        "<integer:1..9223372036854775808>",
        "<rest> a",
        "<rest> <rest>",
        "<rest-or-options> <any>",
        "'a",
        "\"a",
        "a\\",
        "a #b",
        "#",
        "a\nb",
        "'a\tb'",
        "'a\u{202e}b'",
        "<one-of:a\u{200b}>",
        &many,
        &members,
        &long,
    ] {
        let error = text.parse::<Shape>().expect_err(text);
        let code = if text.starts_with("<path:") { "invalid-tree" } else { "invalid-argument-pattern" };
        assert_eq!(error.code(), code, "{text}");
        assert!(error.hint().is_some());
    }
    assert!("a ".repeat(MAX_PATTERNS).parse::<Shape>().is_ok());
    let error = "<anny>".parse::<ArgumentPattern>().unwrap_err();
    insta::assert_snapshot!(format!("{error}; {}", error.hint().unwrap()), @r#"argument pattern "<anny>": there is no such pattern; write one of <any>, <any-or-option>, <rest>, <rest-or-options>, <integer>, <integer:1..100>, <path:$workspace> and <one-of:a|b>; double the < of a literal"#);
    for bad in [
        ArgumentPattern::OneOf(vec![]),
        ArgumentPattern::Integer { min: 2, max: 1 },
        ArgumentPattern::Literal("\0".to_owned()),
    ] {
        assert!(Shape::new(vec![bad.clone()]).is_err(), "{bad:?}");
    }
}

#[test]
fn a_shape_covers_what_allows_no_more() {
    for (outer, inner) in [
        ("a", "a"),
        ("<any>", "a"),
        ("<any>", "<one-of:a|b>"),
        ("<any>", "<path:$workspace>"),
        ("<any>", "<integer>"),
        ("<any-or-option>", "<any>"),
        ("<any-or-option>", "<integer:-1..1>"),
        ("<any-or-option>", "-x"),
        ("<one-of:a|b|c>", "<one-of:c|a>"),
        ("<one-of:a|b>", "b"),
        ("a", "<one-of:a>"),
        ("<one-of:1|2|3>", "<integer:1..3>"),
        ("1", "<integer:1..1>"),
        ("<integer>", "<integer:1..100>"),
        ("<integer>", "<one-of:1|22>"),
        ("<path:/srv>", "<path:/srv/notes>"),
        ("<path:/srv>", "/srv/notes/a"),
        ("<rest>", ""),
        ("<rest>", "a <any> <path:$data>"),
        ("<rest>", "a <rest>"),
        ("a <rest>", "a <any> <rest>"),
        ("<rest-or-options>", "<rest>"),
        ("<rest-or-options>", "-x <any-or-option> '' <rest-or-options>"),
        ("", ""),
    ] {
        assert!(shape(outer).covers(&shape(inner)), "{outer} covers {inner}");
        let equal = [
            ("a", "a"),
            ("a", "<one-of:a>"),
            ("<one-of:1|2|3>", "<integer:1..3>"),
            ("1", "<integer:1..1>"),
            ("", ""),
        ];
        assert_eq!(
            shape(inner).covers(&shape(outer)),
            equal.contains(&(outer, inner)),
            "{inner} covers {outer}"
        );
    }
    for (outer, inner) in [
        ("a", "b"),
        ("a", "a a"),
        ("a a", "a"),
        ("<any>", "-x"),
        ("<any>", "''"),
        ("<any>", "<one-of:a|-b>"),
        ("<any>", "<integer:-1..1>"),
        ("<any-or-option>", "''"),
        ("<any>", "<rest>"),
        ("<rest>", "<rest-or-options>"),
        ("<rest>", "<any-or-option>"),
        ("a <rest>", "<rest>"),
        ("<any> <rest>", "<rest>"),
        ("<path:$workspace>", "a"),
        ("<path:$workspace>", "."),
        ("<path:$workspace>", "<path:$data>"),
        ("<path:/srv/notes>", "<path:/srv>"),
        ("<path:$workspace>", "/workspace/../x"),
        ("<integer>", "01"),
        ("<integer:1..3>", "<integer:1..4>"),
        ("<one-of:1|2|3>", "<integer:1..4>"),
        ("<one-of:0|1>", "<integer>"),
    ] {
        assert!(!shape(outer).covers(&shape(inner)), "{outer} does not cover {inner}");
    }
}

#[test]
fn programs_and_helpers_are_named_or_placed() {
    for good in ["git", "g++", "python3.12", "_x", "clang-19", "/usr/bin/git", "/opt/x y/z"] {
        assert_eq!(good.parse::<Program>().unwrap().to_string(), good);
        assert_eq!(good.parse::<Helper>().unwrap().to_string(), good);
    }
    let long = "x".repeat(65);
    for bad in [
        "",
        "-git",
        ".git",
        ".",
        "..",
        "a b",
        "a/b",
        "./git",
        "../git",
        "/",
        "/usr/bin/",
        "/usr/../git",
        "//git",
        "gít",
        "git\n",
        "$HOME",
        "git;",
        "a\\b",
        "/workspace/x",
        "/data/x",
        "git/../",
        "/usr/lib/git-core/",
        "~/x",
        &long,
    ] {
        let error = bad.parse::<Program>().expect_err(bad);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-program", true), "{bad:?}");
        let error = bad.parse::<Helper>().expect_err(bad);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-helper", true), "{bad:?}");
    }
    let git: Program = "git".parse().unwrap();
    assert!(git.names(Path::new("/usr/bin/git")) && git.names(Path::new("git")));
    assert!(!git.names(Path::new("/usr/bin/git2")) && !git.names(Path::new("/git/x")));
    let placed: Program = "/usr/bin/git".parse().unwrap();
    assert!(placed.names(Path::new("/usr/bin/git")));
    assert!(!placed.names(Path::new("/usr/local/bin/git")) && !placed.names(Path::new("git")));
    let core: Helper = "git-core/".parse().unwrap();
    assert_eq!(core, Helper::Directory("git-core".to_owned()));
    assert_eq!(core.to_string(), "git-core/");
    assert!(core.names(Path::new("/usr/lib/git-core")) && !core.names(Path::new("/usr/lib/git-core/git")));
    assert!("sh".parse::<Helper>().unwrap().names(Path::new("/bin/sh")));
    assert!("/bin/sh".parse::<Helper>().unwrap().names(Path::new("/bin/sh")));
    assert!(!"/bin/sh".parse::<Helper>().unwrap().names(Path::new("/usr/bin/sh")));
    assert!(
        "a/".parse::<Program>().is_err()
            && "a//".parse::<Helper>().is_err()
            && "/".parse::<Helper>().is_err()
    );
}

#[test]
fn some_variables_are_never_given_and_some_only_fixed() {
    let variables = |name: &str, pattern: &str| {
        Environment::new([(name.parse::<VariableName>()?, pattern.parse::<VariablePattern>()?)])
    };
    for name in [
        "PATH",
        "HOME",
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "IFS",
        "LD_PRELOAD",
        "LD_",
        "DYLD_INSERT_LIBRARIES",
        "GLIBC_TUNABLES",
        "GCONV_PATH",
        "LOCPATH",
        "NLSPATH",
        "HOSTALIASES",
        "RES_OPTIONS",
        "BASH_FUNC_x",
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
        "BASHOPTS",
        "PS4",
        "PROMPT_COMMAND",
        "MALLOC_CHECK_",
        "",
        "1A",
        "A-B",
        "A B",
        "A=B",
        "Ä",
        "A\0",
        "BASH_FUNC_x%%",
        &"A".repeat(65),
    ] {
        let error = name.parse::<VariableName>().expect_err(name);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-environment", true), "{name:?}");
    }
    for name in [
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG",
        "GIT_CONFIG_KEY_0",
        "GIT_EXTERNAL_DIFF",
        "GIT_EDITOR",
        "GIT_SEQUENCE_EDITOR",
        "GIT_PAGER",
        "GIT_ASKPASS",
        "GIT_PROXY_COMMAND",
        "GIT_EXEC_PATH",
        "GIT_TEMPLATE_DIR",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_OBJECT_DIRECTORY",
        "GIT_TRACE",
        "PAGER",
        "EDITOR",
        "VISUAL",
        "BROWSER",
        "SSH_ASKPASS",
        "LESSOPEN",
        "LESSCLOSE",
        "MANPAGER",
        "TAR_OPTIONS",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PERL5LIB",
        "PERL5OPT",
        "PERLLIB",
        "RUBYOPT",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "CLASSPATH",
        "LUA_PATH",
        "LUA_INIT",
        "GEM_HOME",
        "MAKEFLAGS",
        "CC",
        "CXX",
        "LD",
        "RUSTC",
        "RUSTC_WRAPPER",
        "CARGO",
        "CARGO_HOME",
        "GOFLAGS",
    ] {
        assert!(name.parse::<VariableName>().unwrap().is_fixed(), "{name}");
        assert!(variables(name, "1").is_ok(), "{name}");
        for open in ["<any>", "<one-of:a|b>", "<integer>"] {
            assert_eq!(variables(name, open).unwrap_err().code(), "invalid-environment", "{name} {open}");
        }
    }
    for name in [
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_TERMINAL_PROMPT",
        "LANG",
        "LC_ALL",
        "TERM",
        "X",
        "_",
        "CCX",
        "TZ",
    ] {
        assert!(variables(name, "<any>").is_ok(), "{name}");
    }
    let many = |count: usize| {
        let any = |n: usize| (format!("V{n}").parse::<VariableName>().unwrap(), VariablePattern::Any);
        Environment::new((0..count).map(any))
    };
    assert_eq!(many(32).unwrap().len(), 32);
    assert_eq!(many(33).unwrap_err().code(), "invalid-environment");
}

#[test]
fn variables_have_patterns_of_their_own() {
    for (pattern, allowed, refused) in [
        ("0", &["0"][..], &["", "1", "00"][..]),
        ("", &[""], &["x"]),
        ("<<any>", &["<any>"], &["x"]),
        ("<any>", &["", "-x", "a\nb"], &["\0", "a\0b"]),
        ("<one-of:a|b>", &["a", "b"], &["", "c"]),
        ("<integer:1..2>", &["1", "2"], &["0", "3", "01"]),
    ] {
        let read: VariablePattern = pattern.parse().unwrap();
        assert_eq!(read.to_string(), pattern);
        assert!(allowed.iter().all(|value| read.matches(value)), "{pattern}");
        assert!(!refused.iter().any(|value| read.matches(value)), "{pattern}");
    }
    assert!(!VariablePattern::Any.matches(&"x".repeat(MAX_ARGUMENT_SIZE + 1)));
    for bad in [
        "<any-or-option>",
        "<rest>",
        "<path:$workspace>",
        "<path:>",
        "<x>",
        "<one-of:>",
        "<integer:2..1>",
        "a\u{202e}",
    ] {
        let error = bad.parse::<VariablePattern>().expect_err(bad);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-environment", true), "{bad}");
    }
    let covers =
        |outer: &str, inner: &str| outer.parse::<VariablePattern>().unwrap().covers(&inner.parse().unwrap());
    assert!(
        covers("<any>", "")
            && covers("<any>", "-x")
            && covers("<any>", "<any>")
            && covers("<any>", "<integer>")
    );
    assert!(covers("<one-of:a|b>", "a") && covers("<integer>", "<integer:1..2>"));
    assert!(!covers("a", "<any>") && !covers("<one-of:a|b>", "c") && !covers("<integer>", "<any>"));
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
