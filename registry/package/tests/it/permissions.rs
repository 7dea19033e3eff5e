//! Trees, methods, reasons and requests as wholes.

use openclaw_package::{
    Access, AskRequest, ByteSize, FilesystemRequest, LlmRequest, MemoryRequest, MethodSet, NetworkRequest,
    PermissionKind, Reason, Requests, Tree,
};

fn reason() -> Reason {
    "for the test".parse().unwrap()
}

fn network(url: &str, internal: bool) -> Result<NetworkRequest, &'static str> {
    NetworkRequest::new(url.parse().unwrap(), "GET".parse().unwrap(), internal, reason())
        .map_err(|error| error.code())
}

#[test]
fn trees_have_a_place_in_the_guest() {
    for (text, guest) in [("$workspace", "/workspace"), ("$data", "/data"), ("/srv/notes", "/srv/notes")] {
        let tree: Tree = text.parse().unwrap();
        assert_eq!((tree.guest_path(), tree.to_string().as_str()), (guest, text));
    }
    for bad in [
        "",
        "/",
        "//",
        "notes",
        "./notes",
        "/a/../b",
        "/a/./b",
        "/a/",
        "/a//b",
        "$home",
        "$workspace/x",
        "~",
        "/a\\b",
        "/a\nb",
        "/a\u{202e}b",
        "/workspace",
        "/data/x",
        "C:\\x",
        "/..",
    ] {
        assert_eq!(bad.parse::<Tree>().unwrap_err().code(), "invalid-tree", "{bad:?}");
    }
}

#[test]
fn write_implies_read() {
    assert!(Access::Write.covers(Access::Read) && Access::Read.covers(Access::Read));
    assert!(!Access::Read.covers(Access::Write));
    assert_eq!(Access::Write.kind().to_string(), "filesystem:write");
    assert_eq!("rw".parse::<Access>().unwrap_err().code(), "invalid-access");
}

#[test]
fn methods_are_named_one_by_one() {
    let methods: MethodSet = "POST,GET,GET".parse().unwrap();
    assert_eq!(methods.to_string(), "GET,POST");
    assert_eq!(serde_json::to_string(&methods).unwrap(), r#"["GET","POST"]"#);
    for bad in ["", "get", "CONNECT", "TRACE", "*", "GET,", "GET, POST", "FOO"] {
        assert_eq!(bad.parse::<MethodSet>().unwrap_err().code(), "invalid-method", "{bad:?}");
    }
}

#[test]
fn reasons_are_one_plain_line() {
    assert!("x".repeat(200).parse::<Reason>().is_ok());
    let long = "x".repeat(201);
    for bad in ["", " ", &long, "a\nb", "a\tb", "a\u{1b}[2J", "a\u{202e}b", "a\u{200b}b", "a\u{feff}"] {
        assert_eq!(bad.parse::<Reason>().unwrap_err().code(), "invalid-reason", "{bad:?}");
    }
}

#[test]
fn internal_hosts_are_named_and_marked() {
    assert!(network("http://db.internal.example/", true).is_ok());
    assert!(network("http://127.0.0.1:8080/", true).is_ok());
    assert!(network("http://192.0.2.1/", false).is_ok());
    assert_eq!(network("https://*.example.com/", true), Err("internal-suffix"));
    for url in [
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://localhost/",
    ] {
        assert_eq!(network(url, false), Err("internal-not-marked"), "{url}");
    }
    let stored = r#"{"url":"https://*.example.com/","methods":["GET"],"internal":true,"reason":"x"}"#;
    assert!(serde_json::from_str::<NetworkRequest>(stored).is_err());
}

#[test]
fn memory_has_a_default_and_a_ceiling() {
    assert_eq!(MemoryRequest::new(None, reason()).unwrap().quota, ByteSize::mib(1));
    for bad in [ByteSize::new(0), ByteSize::mib(65)] {
        assert_eq!(MemoryRequest::new(Some(bad), reason()).unwrap_err().code(), "invalid-quota");
    }
    assert!(serde_json::from_str::<MemoryRequest>(r#"{"quota":"1GiB","reason":"x"}"#).is_err());
}

#[test]
fn a_language_model_has_a_default_and_a_ceiling_of_tokens() {
    let asks = |tokens| {
        let llm = LlmRequest::new(tokens, reason()).unwrap();
        Requests { llm: Some(llm), ..Requests::default() }
    };
    assert_eq!(asks(None).llm.unwrap().tokens, 20_000);
    for bad in [0, 1_000_001] {
        assert_eq!(LlmRequest::new(Some(bad), reason()).unwrap_err().code(), "invalid-quota");
    }
    assert!(serde_json::from_str::<LlmRequest>(r#"{"tokens":0,"reason":"x"}"#).is_err());
    assert!(asks(Some(20_000)).covers(&asks(None)) && asks(None).covers(&Requests::default()));
    assert!(!asks(Some(19_999)).covers(&asks(None)) && !Requests::default().covers(&asks(Some(1))));
    assert!(!asks(Some(1)).is_empty());
}

#[test]
fn questions_to_a_person_are_covered_by_no_other_request() {
    let asks = Requests { ask: Some(AskRequest { reason: reason() }), ..Requests::default() };
    let other =
        Requests { ask: Some(AskRequest { reason: "another".parse().unwrap() }), ..Requests::default() };
    assert!(asks.covers(&other) && asks.covers(&Requests::default()));
    assert!(!Requests::default().covers(&asks) && !asks.is_empty());
    assert!(serde_json::from_str::<AskRequest>(r#"{"reason":"x","questions":8}"#).is_err());
}

#[test]
fn kinds_have_the_names_that_authors_know() {
    for kind in PermissionKind::ALL {
        assert_eq!(kind.to_string().parse::<PermissionKind>().unwrap(), kind);
    }
    let error = "filesystem:wirte".parse::<PermissionKind>().unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean filesystem:write?");
}

#[test]
fn requests_cover_what_asks_no_more() {
    let filesystem =
        |tree: &str, access| FilesystemRequest { tree: tree.parse().unwrap(), access, reason: reason() };
    let asks = |filesystem, network| Requests { filesystem, network, ..Requests::default() };
    let old = asks(
        vec![filesystem("/srv", Access::Write)],
        vec![network("https://*.example.com/", false).unwrap()],
    );
    let same = asks(
        vec![filesystem("/srv/a", Access::Read)],
        vec![network("https://a.example.com/x", false).unwrap()],
    );
    assert!(old.covers(&same) && old.covers(&Requests::default()));
    assert!(!same.covers(&old) && !Requests::default().covers(&same));
    assert!(!old.covers(&asks(vec![filesystem("/srvx", Access::Read)], vec![])));
    assert!(!old.covers(&asks(vec![], vec![network("https://a.example.com/", true).unwrap()])));
    assert!(Requests::default().is_empty() && !old.is_empty());
    let stored = serde_json::to_string(&old).unwrap();
    assert_eq!(serde_json::from_str::<Requests>(&stored).unwrap(), old);
}
