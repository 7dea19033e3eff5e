//! Programs, their helpers and their variables: which there are, and which are never given.

use std::path::Path;

use openclaw_package::permission::MAX_ARGUMENT_SIZE;
use openclaw_package::{Environment, Helper, Program, VariableName, VariablePattern};

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
