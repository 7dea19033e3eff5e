//! The tools on a small web of their own.

use openclaw_skill::ErrorKind;

use super::*;
use crate::http::Answer;
use crate::testing::{Site, html, redirect_to, text, typed};

fn at(url: &str) -> FetchInput {
    FetchInput { url: url.to_owned(), ..FetchInput::default() }
}

#[test]
fn a_page_is_read_where_the_redirects_end() {
    let site = Site::new()
        .page("https://a.test/", redirect_to("/docs/"))
        .page("https://a.test/docs/", html("<title>T</title><main><h1>H</h1><a href=next>on</a></main>"));
    let output = fetch(&site, at("https://a.test/")).unwrap();
    assert_eq!((output.url.as_str(), output.status), ("https://a.test/docs/", 200));
    assert_eq!((output.title.as_deref(), output.text.as_str()), (Some("T"), "# H\n\non"));
    assert_eq!(output.links, [Link { text: "on".to_owned(), url: "https://a.test/docs/next".to_owned() }]);
    assert_eq!((output.total_chars, output.next_start, output.incomplete), (7, None, false));
}

#[test]
fn json_and_plain_text_come_as_they_are() {
    let json = "{\"a\":  [1]}\n";
    let site = Site::new()
        .page("https://a.test/j", typed("application/json", json.as_bytes()))
        .page("https://a.test/t", text("<b>\n  x"));
    assert_eq!(fetch(&site, at("https://a.test/j")).unwrap().text, json);
    assert_eq!(fetch(&site, at("https://a.test/t")).unwrap().text, "<b>\n  x");
}

#[test]
fn a_long_text_comes_in_parts_with_the_links_of_each() {
    let site = Site::new().page("https://a.test/", html("<a href=1>äb</a> <a href=2>cd</a> ef"));
    let part = |start| {
        let output =
            fetch(&site, FetchInput { start, max_chars: NonZeroU32::new(3), ..at("https://a.test/") })
                .unwrap();
        (output.text, output.links.len(), output.next_start)
    };
    assert_eq!(part(0), ("äb ".to_owned(), 2, Some(3)));
    assert_eq!(part(3), ("cd ".to_owned(), 0, Some(6)));
    assert_eq!(part(6), ("ef".to_owned(), 0, None));
    assert_eq!(part(u64::MAX), (String::new(), 0, None));
}

#[test]
fn an_error_page_is_an_answer() {
    let site = Site::new().page("https://a.test/", Answer { status: 404, ..html("<p>gone") });
    let output = fetch(&site, at("https://a.test/")).unwrap();
    assert_eq!((output.status, output.text.as_str()), (404, "gone"));
}

#[test]
fn a_body_past_the_limit_is_cut_and_said_to_be() {
    let site = Site::new().page("https://a.test/", text(&"x".repeat(BODY + 1)));
    let output = fetch(&site, at("https://a.test/")).unwrap();
    assert_eq!((output.total_chars, output.incomplete), (BODY as u64, true));
}

#[test]
fn what_was_not_allowed_is_denied_by_name() {
    let error = WebFetch::fetch(&Context::fake(), at("https://a.test/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("https://a.test/x"), "{error}");
}

#[test]
fn a_picture_is_refused() {
    let site = Site::new().page("https://a.test/", typed("image/png", b"\x89PNG"));
    assert!(fetch(&site, at("https://a.test/")).unwrap_err().message().contains("image/png"));
}

#[test]
fn links_are_listed_menus_included() {
    let page = "<nav><a href=/about>About us</a></nav><main><a href=/a>one</a><a href=/b>two</a></main>";
    let site = Site::new().page("https://a.test/", html(page)).page("https://a.test/t", text("x"));
    let run = |contains: Option<&str>, most| {
        let contains = contains.map(str::to_owned);
        let input =
            LinksInput { url: "https://a.test/".to_owned(), contains, max_results: NonZeroU32::new(most) };
        let output = links(&site, input).unwrap();
        (output.links.into_iter().map(|link| link.text).collect::<Vec<_>>().join(","), output.truncated)
    };
    assert_eq!(run(None, 9), ("About us,one,two".to_owned(), false));
    assert_eq!(run(None, 2), ("About us,one".to_owned(), true));
    assert_eq!(run(Some("ABOUT"), 9), ("About us".to_owned(), false));
    assert_eq!(run(Some("test/b"), 9), ("two".to_owned(), false));
    let plain = LinksInput { url: "https://a.test/t".to_owned(), ..LinksInput::default() };
    assert!(links(&site, plain).unwrap().links.is_empty());
}
