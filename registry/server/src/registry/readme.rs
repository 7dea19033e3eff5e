//! The words of SKILL.md as HTML that can do nothing: no scripts, styles, forms or pictures from elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};

/// What a reader needs, and nothing that fetches, runs or imitates.
const TAGS: [&str; 31] = [
    "a",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS).into_iter().chain(["ul"]).collect())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["https", "http", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

/// Renders Markdown and takes out all that is not on the list.
pub(super) fn render(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut rendered = String::new();
    html::push_html(&mut rendered, Parser::new_ext(markdown, options));
    CLEANER.clean(&rendered).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_everything_that_acts_goes() {
        let html = render("# Title\n\n*a* `b` [c](https://example.com)\n\n| x |\n|-|\n| y |\n\n- one\n");
        for part in
            ["<h1>Title</h1>", "<em>a</em>", "<code>b</code>", "https://example.com", "<td>y</td>", "<ul>"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        let hostile = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))\n\n\
            <a href=\"data:text/html,x\" onclick=\"y()\">z</a>\n\n<iframe src=https://e.example></iframe>\n\n\
            <form action=https://e.example><input></form>\n\n![p](https://e.example/p.png)\n\n\
            <style>*{}</style><p style=\"position:fixed\" class=\"x\" id=\"y\">w</p>\n\n[r](../relative)\n";
        let html = render(hostile);
        for part in [
            "script",
            "onerror",
            "javascript:",
            "data:",
            "onclick",
            "iframe",
            "<form",
            "<input",
            "<img",
            "style",
            "class",
            "id=",
            "relative\"",
        ] {
            assert!(!html.contains(part), "{part}: {html}");
        }
    }
}
