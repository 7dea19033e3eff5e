//! Each verb prints one document and ends with the code of its class.

use openclaw_tests::registry::{hello, with_hello};

#[test]
fn each_verb_prints_one_document_and_ends_with_the_code_of_its_class() {
    let (mut registry, publisher) = with_hello(&["1.0.0"]);
    let login =
        ["login", "--registry", &registry.url(), "--fingerprint", registry.fingerprint()].map(str::to_owned);
    let archive = publisher.pack(&hello("1.1.0")).display().to_string();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let publish = vec!["publish".to_owned(), archive];
    for (line, keys) in [
        (login.to_vec(), "default fingerprint has_token origin registry token"),
        (words("list"), "default fingerprint has_token origin registry"),
        (words("whoami"), "expires name pattern publisher scopes"),
        (publish, "already digest log_index skill version visibility"),
        (words("search hello"), "results"),
        (words("search --categories"), ""),
        (words("info acme/hello"), "release skill versions visibility"),
        (
            words("install acme/hello"),
            "cuts digest limits log_index origin permissions previous signer skill tools version yanked",
        ),
        (words("update --dry-run"), ""),
        (words("verify"), "code log_index origin reason skill status version"),
        (words("audit"), "registries skills"),
        (words("yank acme/hello@1.0.0"), "log_indices publisher"),
        (words("logout"), "had_token registry"),
    ] {
        let mut document = publisher.registry(&line).json();
        if let Some(list) = document.as_array_mut() {
            document = list.pop().unwrap_or_default();
        }
        let found: Vec<&str> =
            document.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
        assert_eq!(found.join(" "), keys, "{line:?}");
    }
    let unpublished = publisher.pack(&hello("1.2.0")).display().to_string();
    for (line, exit, code) in [
        (words("info acme/nothing"), 4, "not-found"),
        (words("install acme/nothing"), 4, "unknown-skill"),
        (words("install acme/hello@^9"), 4, "no-matching-version"),
        (words("install acme"), 2, "usage"),
        (words("yank acme/hello"), 2, "usage"),
        (words("publish nothing.tar.gz"), 4, "file-not-found"),
        (vec!["publish".to_owned(), unpublished], 3, "token-required"),
        (words("search x --registry http://127.0.0.1:1"), 4, "unknown-registry"),
        (words("search x --registry nonsense"), 2, "invalid-registry-url"),
        (words("verify acme/nothing"), 4, "not-installed"),
        (words("update acme/nothing"), 4, "not-installed"),
    ] {
        let refused = publisher.registry(&line).error();
        assert_eq!((refused.exit, refused.code.as_str()), (exit, code), "{line:?}: {refused:?}");
        assert!(
            exit == 2 || refused.hint.is_some() || code == "no-matching-version",
            "{line:?}: {refused:?}"
        );
    }
    registry.stop();
    let line = publisher.plain(["registry", "search", "x"]).error_line();
    assert!(line.contains("cannot be reached"), "{line}");
}
