//! The tool against a GitHub of one repository.

use std::cell::RefCell;

use openclaw_skill::ErrorKind;

use super::*;
use crate::http::Answer;

/// Answers every request with the same, and remembers what was asked.
struct GitHub {
    answer: Answer,
    asked: RefCell<Vec<String>>,
}

impl GitHub {
    fn saying(status: u16, body: &str) -> Self {
        Self { answer: Answer { status, body: body.into() }, asked: RefCell::default() }
    }
}

impl Http for GitHub {
    fn get(&self, url: &url::Url) -> Result<Answer> {
        self.asked.borrow_mut().push(url.to_string());
        Ok(self.answer.clone())
    }
}

const ISSUES: &str = r#"[
    {"number": 7, "title": "It leaks", "state": "open", "user": {"login": "ada"}, "labels": [{"name": "bug"}],
     "comments": 2, "updated_at": "2026-05-01T10:00:00Z", "html_url": "https://github.com/a/b/issues/7"},
    {"number": 6, "title": "Mend it", "state": "open", "user": null, "labels": [], "comments": 0,
     "updated_at": "2026-04-01T10:00:00Z", "html_url": "https://github.com/a/b/pull/6", "pull_request": {"url": "…"}}
]"#;

fn of(repository: &str) -> ListInput {
    ListInput { repository: repository.to_owned(), ..ListInput::default() }
}

#[test]
fn issues_and_pull_requests_are_listed() {
    let github = GitHub::saying(200, ISSUES);
    let output = list(&github, &of("a/b")).unwrap();
    assert_eq!(output.issues.iter().map(|issue| issue.number).collect::<Vec<_>>(), [7, 6]);
    assert_eq!(
        (output.issues[0].labels.as_slice(), output.issues[0].author.as_str()),
        (&["bug".to_owned()][..], "ada")
    );
    assert_eq!((output.issues[1].pull_request, output.issues[1].author.as_str()), (true, "ghost"));
    assert!(!output.truncated);
    let asked = "https://api.github.com/repos/a/b/issues?state=open&sort=updated&per_page=30";
    assert_eq!(*github.asked.borrow(), [asked]);
}

#[test]
fn what_is_asked_for_is_in_the_url_and_nothing_else_can_be() {
    let github = GitHub::saying(200, "[]");
    let input = ListInput {
        state: Some(State::All),
        label: Some("a b&state=closed".to_owned()),
        max_results: NonZeroU32::new(1000),
        api: Some("https://git.example/api/v3".to_owned()),
        ..of("a/b")
    };
    list(&github, &input).unwrap();
    let asked = "https://git.example/api/v3/repos/a/b/issues?state=all&sort=updated&per_page=100&labels=a+b%26state%3Dclosed";
    assert_eq!(*github.asked.borrow(), [asked]);
    for repository in ["a", "a/b/c", "a/..", "a/b?x", "/b", "a/", "a b/c"] {
        assert_eq!(
            list(&github, &of(repository)).unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{repository}"
        );
    }
}

#[test]
fn what_github_refuses_is_told() {
    let error = list(&GitHub::saying(401, r#"{"message": "Bad credentials"}"#), &of("a/b")).unwrap_err();
    assert_eq!(error.message(), "GitHub answers 401: Bad credentials");
    assert!(list(&GitHub::saying(502, "<html>"), &of("a/b")).unwrap_err().message().contains("502"));
    assert!(list(&GitHub::saying(200, "{}"), &of("a/b")).unwrap_err().message().contains("not a list"));
}

#[test]
fn as_many_as_were_asked_for_may_not_be_all() {
    let input = ListInput { max_results: NonZeroU32::new(1), ..of("a/b") };
    let output = list(&GitHub::saying(200, ISSUES), &input).unwrap();
    assert_eq!((output.issues.len(), output.truncated), (1, true));
}
