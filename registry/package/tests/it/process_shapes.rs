//! What the arguments of a program may be: what each pattern takes, and what is refused.

use openclaw_package::permission::{MAX_ARGUMENT_SIZE, MAX_ARGUMENTS, MAX_ARGUMENTS_SIZE, MAX_PATTERNS};
use openclaw_package::{ArgumentPattern, Shape};

fn shape(text: &str) -> Shape {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn matches(shape: &Shape, arguments: &[&str], directory: &str) -> Option<Vec<(usize, String)>> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    shape.matches(&arguments, directory)
}

fn takes(pattern: &str, argument: &str) -> bool {
    matches(&shape(pattern), &[argument], "/workspace/a").is_some()
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
